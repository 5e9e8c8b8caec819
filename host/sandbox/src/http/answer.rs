//! Answers, read whole and within bounds.

use std::{
    fmt::Display,
    io::{self, Write},
};

use bytes::Bytes;
use flate2::write::GzDecoder;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Body;

use super::{
    error::{Failed, Unreachable},
    request::is_own,
};
use crate::bindings::capstan::provider::http as wit;

/// Bytes of a body, as it is sent and decompressed. A page of a large list has half a MiB.
pub(crate) const BODY: usize = 4 << 20;
/// Bytes of status line and headers together.
pub(crate) const HEADER_BYTES: usize = 64 << 10;
/// Headers.
pub(crate) const HEADERS: usize = 100;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Decompressed.
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads at most `limit` bytes, and at most as many decompressed ones; no more is ever kept.
    pub(crate) async fn read<B>(response: Response<B>, limit: usize) -> Result<Self, Failed>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Display,
    {
        let (parts, mut body) = response.into_parts();
        if body.size_hint().lower() > limit as u64 {
            return Err(Failed::TooLarge(limit));
        }
        let mut headers = parts.headers;
        // The client bounds what it buffers of them, which is somewhat more at times.
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > HEADER_BYTES {
            return Err(Failed::TooLarge(HEADER_BYTES));
        }
        let packed = headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| {
            let encoding = encoding.as_bytes();
            encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
        });
        let mut sink = if packed { Sink::packed(limit) } else { Sink::plain(limit) };
        let mut read = 0usize;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Unreachable::Protocol(error.to_string()))?;
            // Trailers are left out.
            let Ok(data) = frame.into_data() else { continue };
            read += data.len();
            if read > limit {
                return Err(Failed::TooLarge(limit));
            }
            sink.write(&data, limit)?;
        }
        if packed {
            headers.remove(header::CONTENT_ENCODING);
        }
        let own: Vec<_> = headers.keys().filter(|name| is_own(name)).cloned().collect();
        for name in own {
            headers.remove(name);
        }
        // The answer to a HEAD says how a body would be packed, and has none.
        let body = if read == 0 { Bytes::new() } else { sink.finish(limit)? };
        Ok(Self { status: parts.status, headers, body })
    }

    pub(crate) fn into_wit(self, from_cache: bool) -> wit::Response {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        wit::Response { status: self.status.as_u16(), headers: headers.collect(), body: self.body.into(), from_cache }
    }
}

/// Takes a body as it comes.
enum Sink {
    Plain(Bounded),
    Packed(GzDecoder<Bounded>),
}

/// Bytes up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + data.len() > self.limit {
            self.full = true;
            return Err(io::Error::other("the limit is reached"));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn plain(limit: usize) -> Self {
        Self::Plain(Bounded { bytes: Vec::new(), limit, full: false })
    }

    fn packed(limit: usize) -> Self {
        Self::Packed(GzDecoder::new(Bounded { bytes: Vec::new(), limit, full: false }))
    }

    fn write(&mut self, data: &[u8], limit: usize) -> Result<(), Failed> {
        let (written, full) = match self {
            Self::Plain(bytes) => (bytes.write_all(data), bytes.full),
            Self::Packed(decoder) => (decoder.write_all(data), decoder.get_ref().full),
        };
        written.map_err(|error| if full { Failed::TooLarge(limit) } else { broken(&error) })
    }

    fn finish(self, limit: usize) -> Result<Bytes, Failed> {
        let bounded = match self {
            Self::Plain(bounded) => bounded,
            Self::Packed(mut decoder) => {
                let finished = decoder.try_finish();
                let full = decoder.get_ref().full;
                finished.map_err(|error| if full { Failed::TooLarge(limit) } else { broken(&error) })?;
                decoder.finish().map_err(|error| broken(&error))?
            }
        };
        Ok(bounded.bytes.into())
    }
}

fn broken(error: &io::Error) -> Failed {
    Unreachable::Protocol(format!("the body cannot be decompressed: {error}")).into()
}

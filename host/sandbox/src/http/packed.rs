//! An answer packed into a few bytes, for as long as nobody looks at it.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, write::DeflateDecoder, write::DeflateEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::{Failed, Unreachable};

/// Headers and body. JSON of APIs, which is full of URLs, becomes a fifth of it.
#[derive(Clone)]
pub(super) struct Packed {
    bytes: Bytes,
    /// What it was before.
    length: usize,
}

impl Packed {
    /// None if there is no packing it, which does not happen.
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let mut plain = Vec::with_capacity(body.len() + 4096);
        for (name, value) in headers {
            // As they were sent: neither holds a line break.
            for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"] {
                plain.extend_from_slice(part);
            }
        }
        plain.push(b'\n');
        plain.extend_from_slice(body);
        // A better one takes several times as long, for a tenth less.
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder.write_all(&plain).and_then(|()| encoder.finish()).ok()?;
        Some(Self { bytes: packed.into_boxed_slice().into(), length: plain.len() })
    }

    /// Bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Headers and body again.
    pub(super) fn unpack(&self) -> Result<(HeaderMap, Bytes), Failed> {
        let broken = |error: io::Error| Unreachable::Protocol(format!("a kept answer cannot be read again: {error}"));
        let mut decoder = DeflateDecoder::new(Vec::with_capacity(self.length));
        let plain = decoder.write_all(&self.bytes).and_then(|()| decoder.finish()).map_err(broken)?;
        let mut headers = HeaderMap::new();
        let mut start = 0;
        while let Some(length) = plain[start..].iter().position(|byte| *byte == b'\n') {
            let line = &plain[start..start + length];
            start += length + 1;
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        Ok((headers, Bytes::from(plain).slice(start..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_again() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("link", "<https://a.b>; rel=\"next\""), ("set-cookie", "a"), ("set-cookie", ""), ("x", "\u{e4}")]
        {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        for body in [&b""[..], b"\n\nbody: \n\0\xff", b"{\"a\": 1}"] {
            let (found, unpacked) = Packed::of(&headers, body).unwrap().unpack().unwrap();
            assert_eq!((&found, &*unpacked), (&headers, body));
            assert_eq!(
                Packed::of(&HeaderMap::new(), body).unwrap().unpack().unwrap(),
                (HeaderMap::new(), Bytes::from_static(body))
            );
        }
        let long = "https://api.github.com/repos/a/b ".repeat(100);
        assert!(Packed::of(&headers, long.as_bytes()).unwrap().len() < long.len() / 10);
    }
}

//! Answers, read whole and within bounds.

use std::{error::Error as StdError, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use serde::Deserialize;

use crate::Error;

/// Of an answer that says what went wrong.
const COMPLAINT_BYTES: usize = 16 << 10;
/// What is shown of the registry's words.
const SHOWN: usize = 200;
/// Longer than anybody may ask us to wait: who wants more is asked again then.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads at most `limit` bytes of a good answer; more is an error. Of a bad one the beginning is enough.
    pub(crate) async fn read(registry: &str, response: Response<Incoming>, limit: u64) -> Result<Self, Error> {
        let (parts, mut body) = response.into_parts();
        let good = parts.status.is_success();
        let limit = if good { limit } else { COMPLAINT_BYTES as u64 };
        let too_large = |size: u64| Error::TooLarge { what: format!("an answer of {registry}"), size, limit };
        let announced = body.size_hint().lower();
        if good && announced > limit {
            return Err(too_large(announced));
        }
        let mut read = BytesMut::with_capacity(usize::try_from(announced.min(limit)).unwrap_or_default());
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error: hyper::Error| Error::sending(registry, &error as &(dyn StdError + 'static)))?;
            // Trailers are left out.
            let Ok(data) = frame.into_data() else { continue };
            let size = read.len() as u64 + data.len() as u64;
            if size > limit {
                if good {
                    return Err(too_large(size));
                }
                break;
            }
            read.extend_from_slice(&data);
        }
        Ok(Self { status: parts.status, headers: parts.headers, body: read.freeze() })
    }

    pub(crate) fn header(&self, name: &header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the registry wants to be left alone: seconds. A date is left aside, since clocks differ.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.header(&header::RETRY_AFTER)?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
    }

    /// What the registry says of an error: its first message, in one line.
    pub(crate) fn complaint(&self) -> String {
        #[derive(Deserialize)]
        struct Complaints {
            errors: Vec<Complaint>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Complaint {
            code: String,
            message: String,
        }
        let said = match serde_json::from_slice::<Complaints>(&self.body).map(|all| all.errors.into_iter().next()) {
            Ok(Some(Complaint { code, message })) if message.is_empty() => code,
            Ok(Some(Complaint { message, .. })) => message,
            _ => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
        if line.trim().is_empty() { "no reason is given".to_owned() } else { line.trim().to_owned() }
    }
}

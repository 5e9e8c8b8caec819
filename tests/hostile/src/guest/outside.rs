//! What a guest does to other systems.

use super::{
    bindings::capstan::provider::{
        config,
        credentials::{self, Credential, Scheme, SecretKey},
        http,
        types::{Failure, Problem},
    },
    told,
};
use crate::Behaviour;

/// Asks what it should not be able to, and tells what it was answered.
pub(super) fn reach_out(behaviour: Behaviour) -> Result<(), Failure> {
    let port = port();
    let server = |path: &str| format!("http://server.test:{port}{path}");
    let answer = match behaviour {
        Behaviour::FetchesMetadata => fetch("http://169.254.169.254/latest/meta-data/")?,
        Behaviour::FetchesLoopback => fetch(&format!("http://127.0.0.1:{port}/"))?,
        Behaviour::FetchesAPrivateAddress => fetch("http://10.0.0.1/")?,
        Behaviour::FetchesAMappedAddress => fetch(&format!("http://[::ffff:127.0.0.1]:{port}/"))?,
        Behaviour::FetchesANameOfLoopback => fetch(&format!("http://rebound.test:{port}/"))?,
        Behaviour::FetchesOutsideItsGrant => fetch(&format!("http://elsewhere.test:{port}/?query=told"))?,
        Behaviour::IsRedirected => {
            let answer = fetch(&server("/redirect"))?;
            let location = answer.headers.iter().find(|(name, _)| name == "location");
            fetch(&location.expect("a redirect has a location").1)?
        }
        Behaviour::SmugglesAHeader => send(&request(&server("/"), &[("x-name", "value\r\nx-other: smuggled")]))?,
        Behaviour::NamesAnotherHost => send(&request(&server("/"), &[("host", "elsewhere.test")]))?,
        Behaviour::ClimbsOutOfItsPath => fetch(&format!("http://narrow.test:{port}/in/%2e%2e/out"))?,
        Behaviour::SendsACredentialElsewhere => {
            let credential = credentials::open(&secret("token"), &Scheme::Bearer)?;
            http::fetch(&http::Request { auth: Some(&credential), ..request(&server("/"), &[]) })?
        }
        Behaviour::PutsASecretWhereItShows => {
            let credential = credentials::open(&secret("hook"), &Scheme::BodyMember("/description".to_owned()))?;
            http::fetch(&with_secret(&server("/"), "PATCH", r#"{"description": null}"#, &credential))?
        }
        Behaviour::PutsASecretIntoAQuestion => {
            let credential = credentials::open(&secret("hook"), &Scheme::BodyMember("/config/secret".to_owned()))?;
            http::fetch(&with_secret(&server("/"), "GET", r#"{"config": {"secret": null}}"#, &credential))?
        }
        Behaviour::OpensAForeignSecret => {
            told(&credentials::open(&secret("foreign"), &Scheme::Bearer)?.fingerprint());
            return Ok(());
        }
        Behaviour::HoardsCredentials => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(credentials::open(&secret("token"), &Scheme::Bearer)?);
            }
        }
        Behaviour::IsBombedWithGzip => fetch(&server("/bomb"))?,
        Behaviour::IsAnsweredWithoutEnd => fetch(&server("/endless"))?,
        Behaviour::IsAnsweredWithHeaders => fetch(&server("/headers"))?,
        Behaviour::IsAnsweredSlowly => {
            send(&http::Request { timeout_ms: Some(100), ..request(&server("/slow"), &[]) })?
        }
        Behaviour::WaitsForAnAnswer => fetch(&server("/slow"))?,
        Behaviour::FloodsOtherSystems => loop {
            let _ = fetch(&server("/"));
        },
        Behaviour::DrawsTooMuch => loop {
            fetch(&server("/large"))?;
        },
        _ => return Ok(()),
    };
    told(&format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)));
    Ok(())
}

fn port() -> u32 {
    let config = config::get();
    let digits = config.split_once(r#""port":"#).map_or("", |(_, rest)| rest);
    digits.trim_end_matches('}').parse().unwrap_or(1)
}

fn request<'a>(url: &str, headers: &[(&str, &str)]) -> http::Request<'a> {
    http::Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: None,
        timeout_ms: None,
        auth: None,
        body_secret: None,
    }
}

fn with_secret<'a>(url: &str, method: &str, body: &str, secret: &'a Credential) -> http::Request<'a> {
    http::Request {
        method: method.to_owned(),
        body: Some(body.as_bytes().to_vec()),
        body_secret: Some(secret),
        ..request(url, &[])
    }
}

fn send(request: &http::Request<'_>) -> Result<http::Response, http::Error> {
    http::fetch(request)
}

fn fetch(url: &str) -> Result<http::Response, http::Error> {
    send(&request(url, &[]))
}

fn secret(name: &str) -> SecretKey {
    SecretKey { namespace: None, name: name.to_owned(), key: "token".to_owned() }
}

impl From<http::Error> for Failure {
    fn from(error: http::Error) -> Self {
        let (reason, message) = match error {
            http::Error::Denied(message) => ("Denied", message),
            http::Error::TimedOut => ("TimedOut", String::new()),
            http::Error::RateLimited(limit) => ("RateLimited", limit.after_ms.to_string()),
            http::Error::TooLarge(limit) => ("TooLarge", limit.to_string()),
            http::Error::Unreachable(message) => ("Unreachable", message),
            http::Error::InvalidRequest(message) => ("InvalidRequest", message),
        };
        Self::Terminal(Problem { reason: reason.to_owned(), message })
    }
}

impl From<credentials::Error> for Failure {
    fn from(error: credentials::Error) -> Self {
        let (reason, message) = match error {
            credentials::Error::NotFound(message) => ("NotFound", message),
            credentials::Error::Denied(message) => ("Denied", message),
            credentials::Error::Invalid(message) => ("Invalid", message),
            credentials::Error::Unavailable(message) => ("Unavailable", message),
        };
        Self::Terminal(Problem { reason: reason.to_owned(), message })
    }
}

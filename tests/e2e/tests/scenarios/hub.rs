//! The GitHub that the hosts of the scenarios speak to.

use std::path::{Path, PathBuf};

use anyhow::Result;
use capstan_e2e::TlsFront;
use capstan_fakegithub::{APP_KEY, Fake, Settings};

/// The path of the API of an Enterprise server.
const PREFIX: &str = "/api/v3";

/// A fake on a loopback port, the same with TLS on another, and another fake in the manner of an Enterprise server.
pub(crate) struct Hub {
    pub(crate) fake: Fake,
    pub(crate) enterprise: Fake,
    pub(crate) tls: TlsFront,
    ca_bundle: PathBuf,
}

impl Hub {
    /// Leaves the certificate in `folder`.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        // Writes of all scenarios come in one minute.
        let settings = Settings { writes_per_minute: 10_000, hourly_quota: 1_000_000, ..Settings::default() };
        let fake = Fake::start(settings.clone()).await?;
        let enterprise = Fake::start(Settings { prefix: PREFIX.to_owned(), ..settings }).await?;
        let tls = TlsFront::start(fake.address()).await?;
        let ca_bundle = folder.join("ca.pem");
        std::fs::write(&ca_bundle, tls.certificate())?;
        Ok(Self { fake, enterprise, tls, ca_bundle })
    }

    /// What the host is to trust.
    pub(crate) fn ca_bundle(&self) -> &Path {
        &self.ca_bundle
    }

    /// What the administrator grants the provider github.
    pub(crate) fn grants(&self) -> String {
        let (plain, tls) = (self.fake.url(), self.tls.url());
        format!(
            "http:
  - {{origin: {plain:?}, allowPrivate: true, allowPlaintext: true}}
  - {{origin: {tls:?}, allowPrivate: true}}
secrets:
  - {{names: [github-token, berts, app-key], keys: [token, key], origins: [{plain:?}, {tls:?}]}}
  - {{names: [webhook-secret], keys: [secret], origins: [{plain:?}], bodyMembers: [/config/secret]}}
config: {{baseUrl: {plain:?}}}
"
        )
    }

    /// What an administrator with an Enterprise server grants it, who wants it to take over nothing by itself.
    pub(crate) fn enterprise_grants(&self) -> String {
        let (origin, base) = (format!("http://{}", self.enterprise.address()), self.enterprise.url());
        format!(
            "http:
  - {{origin: {origin:?}, pathPrefix: {PREFIX:?}, allowPrivate: true, allowPlaintext: true}}
secrets:
  - {{names: [github-token], keys: [token], origins: [{origin:?}]}}
config: {{baseUrl: {base:?}, adoption: explicit}}
"
        )
    }
}

/// What must stand in no log and no object, of whoever signs in as an app.
pub(crate) fn app_secrets() -> [&'static str; 2] {
    // Tokens of installations begin like that; of the key one line is enough.
    ["ghs_", APP_KEY.lines().nth(1).unwrap_or("-----BEGIN")]
}

//! The GitHub that the hosts of the scenarios speak to.

use std::path::{Path, PathBuf};

use anyhow::Result;
use capstan_e2e::TlsFront;
use capstan_fakegithub::{APP_KEY, Fake, Settings};

/// A fake on a loopback port, and the same with TLS on another.
pub(crate) struct Hub {
    pub(crate) fake: Fake,
    pub(crate) tls: TlsFront,
    ca_bundle: PathBuf,
}

impl Hub {
    /// Leaves the certificate in `folder`.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        // Writes of all scenarios come in one minute.
        let settings = Settings { writes_per_minute: 10_000, hourly_quota: 1_000_000, ..Settings::default() };
        let fake = Fake::start(settings).await?;
        let tls = TlsFront::start(fake.address()).await?;
        let ca_bundle = folder.join("ca.pem");
        std::fs::write(&ca_bundle, tls.certificate())?;
        Ok(Self { fake, tls, ca_bundle })
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
}

/// What must stand in no log and no object, of whoever signs in as an app.
pub(crate) fn app_secrets() -> [&'static str; 2] {
    // Tokens of installations begin like that; of the key one line is enough.
    ["ghs_", APP_KEY.lines().nth(1).unwrap_or("-----BEGIN")]
}

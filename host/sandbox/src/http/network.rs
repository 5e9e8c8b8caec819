//! The host's way to other systems: one for the process.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use ring::{hmac, rand::SystemRandom};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{NetworkError, NetworkSettings, Resolve, Respond, SystemResolver, kept::Kept, limits::Limits};

/// What all providers share on their way out: settings, trusted certificates, and what origins said about their limits. No
/// connection: those are a provider's own. Cheap to clone.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    settings: NetworkSettings,
    resolver: Arc<dyn Resolve>,
    simulated: Option<Arc<dyn Respond>>,
    bundle: Vec<CertificateDer<'static>>,
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
    limits: Limits,
    kept: Mutex<HashMap<String, Weak<Kept>>>,
    fingerprints: hmac::Key,
}

impl Network {
    /// Checks the settings. Certificates of the machine are read when the first provider needs them.
    pub fn new(settings: NetworkSettings) -> Result<Self, NetworkError> {
        Self::resolving(settings, Arc::new(SystemResolver))
    }

    /// The same with names resolved in another way.
    pub fn resolving(settings: NetworkSettings, resolver: Arc<dyn Resolve>) -> Result<Self, NetworkError> {
        let bundle = certificates(&settings.ca_bundle)?;
        if let Some(proxy) = &settings.proxy
            && (proxy.scheme_str() != Some("http") || proxy.host().is_none() || proxy.path() != "/")
        {
            return Err(NetworkError::Proxy(proxy.clone()));
        }
        Ok(Self::made(settings, resolver, None, bundle))
    }

    /// No network at all: every request that is permitted is answered here.
    #[must_use]
    pub fn simulated(by: Arc<dyn Respond>) -> Self {
        Self::made(NetworkSettings::default(), Arc::new(SystemResolver), Some(by), Vec::new())
    }

    fn made(
        settings: NetworkSettings,
        resolver: Arc<dyn Resolve>,
        simulated: Option<Arc<dyn Respond>>,
        bundle: Vec<CertificateDer<'static>>,
    ) -> Self {
        Self(Arc::new(Shared {
            settings,
            resolver,
            simulated,
            bundle,
            tls: OnceLock::new(),
            limits: Limits::default(),
            kept: Mutex::default(),
            fingerprints: fingerprint_key(),
        }))
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &NetworkSettings {
        &self.0.settings
    }

    pub(crate) fn resolver(&self) -> &dyn Resolve {
        &*self.0.resolver
    }

    /// Who answers in place of other systems.
    pub(crate) fn responder(&self) -> Option<&dyn Respond> {
        self.0.simulated.as_deref()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Tells values apart without telling them.
    pub(crate) fn fingerprint_key(&self) -> &hmac::Key {
        &self.0.fingerprints
    }

    /// What is kept for a provider as long as any build of it runs.
    pub(crate) fn kept(&self, provider: &str) -> Arc<Kept> {
        // A map of independent entries is whole after a panic.
        let mut all = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get(provider).and_then(Weak::upgrade) {
            return kept;
        }
        let kept = Arc::new(Kept::default());
        all.retain(|_, kept| kept.strong_count() > 0);
        all.insert(provider.to_owned(), Arc::downgrade(&kept));
        kept
    }

    /// How to speak TLS: with the certificates of the machine and of the bundle.
    ///
    /// # Errors
    /// Why it cannot be spoken at all.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        self.0.tls.get_or_init(|| tls(&self.0.bundle).map(Arc::new)).clone()
    }
}

/// With the certificates of the machine, and no proxy.
impl Default for Network {
    fn default() -> Self {
        Self::made(NetworkSettings::default(), Arc::new(SystemResolver), None, Vec::new())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

fn certificates(bundle: &[u8]) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bundle).collect();
    let found = found.map_err(|error| NetworkError::CaBundle(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in &found {
        roots.add(certificate.clone()).map_err(|error| NetworkError::CaBundle(error.to_string()))?;
    }
    if found.is_empty() && !bundle.is_empty() {
        return Err(NetworkError::CaBundle("there is no certificate in it".to_owned()));
    }
    Ok(found)
}

fn tls(bundle: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    let machine = rustls_native_certs::load_native_certs();
    for error in &machine.errors {
        tracing::warn!(%error, "a certificate of this machine cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(machine.certs.into_iter().chain(bundle.iter().cloned()));
    if roots.is_empty() {
        tracing::warn!("this machine has no certificates of authorities: install them, or give the host a CA bundle");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// New with every process: a fingerprint says nothing to anybody else.
fn fingerprint_key() -> hmac::Key {
    hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).unwrap_or_else(|_| {
        // The machine has no randomness for ring; this comes from the same place by another way, or panics at the start.
        hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>())
    })
}

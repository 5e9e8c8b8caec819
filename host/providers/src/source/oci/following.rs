//! One artifact that is followed: what of it is known, and when it is looked at again.

use std::{future::pending, time::Duration};

use bytes::Bytes;
use capstan_api::OciSource;
use capstan_oci::{Artifact as Manifest, Error, Reference, Retry};
use rand::RngExt;
use tokio::time::{Instant, sleep_until};

use super::PullError;
use crate::{
    artifact::{Artifact, Origin},
    wanted::Carrier,
};

/// After the first failure; doubles with each further one up to the interval.
const FIRST: Duration = Duration::from_secs(1);
/// A registry that was well may be away for so many looks in a row until somebody is told: most are back by then.
const PATIENCE: u32 = 3;
/// Of each wait, so that many providers do not come together.
const JITTER: std::ops::Range<f64> = 0.9..1.1;

/// What was pulled last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) manifest: Manifest,
    pub(super) component: Bytes,
}

/// Follows what a reference leads to. Begins with a look at once.
#[derive(Debug)]
pub(super) struct Following {
    source: OciSource,
    held: Option<Held>,
    failures: u32,
    due: Option<Instant>,
    carrier: Carrier,
}

impl Following {
    /// `held`: what may be it, and need not be pulled again then.
    pub(super) fn new(source: OciSource, held: Option<Held>) -> Self {
        Self { source, held, failures: 0, due: Some(Instant::now()), carrier: Carrier::Unknown }
    }

    pub(super) fn source(&self) -> &OciSource {
        &self.source
    }

    pub(super) fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    pub(super) fn into_held(self) -> Option<Held> {
        self.held
    }

    /// Waits for the next look; for ever if there is none to come.
    pub(super) async fn until_due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }

    /// Takes what a look has brought: something new, or nothing. Gives a word for it.
    pub(super) fn heard(&mut self, looked: Result<Option<Held>, PullError>) -> &'static str {
        match looked {
            Ok(new) => {
                let outcome = if new.is_some() { "pulled" } else { "unchanged" };
                self.held = new.or(self.held.take());
                self.failures = 0;
                if let Some(held) = &self.held {
                    self.carrier = Carrier::Here(self.artifact(held));
                }
                // What a digest names stays the same.
                self.due = (!self.is_pinned()).then(|| Instant::now() + varied(self.source.interval()));
                outcome
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.due = Some(Instant::now() + self.delay(&error));
                let reason = error.reason();
                let may_pass = matches!(&error, PullError::Registry(error) if error.retry() != Retry::Changed);
                if !(may_pass && matches!(self.carrier, Carrier::Here(_)) && self.failures < PATIENCE) {
                    let origin = Origin::Registry { reference: self.source.reference.clone(), manifest: None };
                    self.carrier = Carrier::Broken(origin, error.into());
                }
                reason
            }
        }
    }

    fn artifact(&self, held: &Held) -> Artifact {
        let manifest = Some(held.manifest.manifest.to_string());
        Artifact {
            component: held.component.clone(),
            // What a provider may do stands in its object alone.
            grants: "".into(),
            origin: Origin::Registry { reference: self.source.reference.clone(), manifest },
        }
    }

    fn is_pinned(&self) -> bool {
        self.source.reference.parse::<Reference>().is_ok_and(|reference| reference.digest().is_some())
    }

    fn delay(&self, error: &PullError) -> Duration {
        let longest = self.source.interval();
        let grown = FIRST.saturating_mul(1 << (self.failures - 1).min(16)).min(longest);
        match error {
            // A password that is wrong again and again locks accounts.
            PullError::Registry(Error::Unauthorized { signed_in: true, .. }) => varied(longest),
            PullError::Registry(error) => match error.retry() {
                // Not a moment before.
                Retry::Soon(Some(wait)) if wait >= grown => {
                    wait + (varied(grown).saturating_sub(grown.mul_f64(JITTER.start)))
                }
                _ => varied(grown),
            },
            _ => varied(grown),
        }
    }
}

fn varied(wait: Duration) -> Duration {
    wait.mul_f64(rand::rng().random_range(JITTER))
}

#[cfg(test)]
mod tests {
    use capstan_oci::Digest;

    use super::*;

    fn following(reference: &str) -> Following {
        Following::new(OciSource::new(reference), None)
    }

    fn held(component: &'static [u8]) -> Held {
        let digest = Digest::of(component);
        let manifest = Manifest { manifest: digest.clone(), component: digest, size: component.len() as u64 };
        Held { manifest, component: Bytes::from_static(component) }
    }

    fn away() -> PullError {
        Error::Unavailable { registry: "r.io".to_owned(), problem: "gone".to_owned() }.into()
    }

    fn wait(following: &Following) -> Duration {
        following.due.unwrap() - Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn a_tag_is_looked_up_again_and_a_digest_is_not() {
        let mut tag = following("r.io/a:1");
        assert_eq!(tag.heard(Ok(Some(held(b"one")))), "pulled");
        let around = wait(&tag).as_secs_f64() / 300.0;
        assert!(JITTER.contains(&around), "{around}");
        let Carrier::Here(artifact) = tag.carrier() else { panic!("{:?}", tag.carrier()) };
        let manifest = Some(Digest::of(b"one").to_string());
        assert_eq!(artifact.origin, Origin::Registry { reference: "r.io/a:1".to_owned(), manifest });
        assert_eq!(tag.heard(Ok(None)), "unchanged");
        assert!(matches!(tag.carrier(), Carrier::Here(artifact) if &*artifact.component == b"one"));

        let mut digest = following(&format!("r.io/a:1@{}", Digest::of(b"one")));
        digest.heard(Ok(Some(held(b"one"))));
        assert_eq!(digest.due, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_is_away_is_asked_less_and_less_and_told_of_after_a_while() {
        let mut following = following("r.io/a:1");
        following.heard(Ok(Some(held(b"one"))));
        let mut waits = Vec::new();
        for failure in 1..=12 {
            assert_eq!(following.heard(Err(away())), "FetchFailed");
            waits.push(wait(&following).as_secs_f64());
            assert_eq!(matches!(following.carrier(), Carrier::Broken(..)), failure >= PATIENCE, "{failure}");
        }
        assert!(
            waits[0] < 1.2 && waits[1] < 2.3 && waits[1] > 1.7 && waits[11] > 260.0 && waits[11] < 340.0,
            "{waits:?}"
        );
        // It is back with what is known: nothing has to be pulled.
        following.heard(Ok(None));
        assert!(matches!(following.carrier(), Carrier::Here(_)));
        following.heard(Err(away()));
        assert!(wait(&following) < Duration::from_secs(2), "begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_by_itself_is_told_at_once() {
        let missing = || PullError::from(Error::NotFound("r.io/a:1".to_owned()));
        let mut fresh = following("r.io/a:1");
        assert_eq!(fresh.heard(Err(away())), "FetchFailed");
        assert!(matches!(fresh.carrier(), Carrier::Broken(..)), "nothing else is known");
        let mut known = following("r.io/a:1");
        known.heard(Ok(Some(held(b"one"))));
        assert_eq!(known.heard(Err(missing())), "ArtifactMissing");
        assert!(matches!(known.carrier(), Carrier::Broken(..)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_password_is_not_tried_again_soon_and_a_registry_is_left_alone_as_it_wants() {
        let refused = Error::Unauthorized { registry: "r.io".to_owned(), repository: "a".to_owned(), signed_in: true };
        let mut locked = following("r.io/a:1");
        locked.heard(Err(refused.into()));
        assert!(wait(&locked) > Duration::from_secs(260));
        let limited = Error::Limited { registry: "r.io".to_owned(), wait: Some(Duration::from_secs(100)) };
        let mut patient = following("r.io/a:1");
        patient.heard(Err(limited.into()));
        assert!((100.0..101.0).contains(&wait(&patient).as_secs_f64()));
    }
}

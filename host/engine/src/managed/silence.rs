//! Holds back warnings that say the same again.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use capstan_events::MaxSilence;
use tokio::time::Instant;

/// For each object and kind of warning, what was said last.
pub(super) struct Silence {
    longest: MaxSilence,
    /// By uid; an object has few kinds of warnings.
    said: Mutex<HashMap<String, Vec<Said>>>,
}

struct Said {
    /// Of reason and action.
    kind: u64,
    note: u64,
    /// When the same was held back for the first time since it was last said.
    held_since: Option<Instant>,
}

impl Silence {
    /// The same warning is held back for `longest`.
    pub(super) fn new(longest: MaxSilence) -> Self {
        Self { longest, said: Mutex::default() }
    }

    /// Whether a warning may be said: if it is new, if it says something else than the last one of its kind, if the same
    /// has been held back for long, or if `anyway`.
    pub(super) fn may_break(&self, uid: &str, reason: &str, action: &str, note: &str, anyway: bool) -> bool {
        let (kind, note) = (hash((reason, action)), hash(note));
        let mut said = self.lock();
        let said = said.entry(uid.to_owned()).or_default();
        let Some(last) = said.iter_mut().find(|said| said.kind == kind) else {
            said.push(Said { kind, note, held_since: None });
            return true;
        };
        let held = *last.held_since.get_or_insert_with(Instant::now);
        let speaks = anyway || last.note != note || self.longest.is_over(held.elapsed());
        if speaks {
            *last = Said { kind, note, held_since: None };
        }
        speaks
    }

    /// Whether a warning is new, or says something else than the last one of its kind, however long ago that was.
    pub(super) fn is_news(&self, uid: &str, reason: &str, action: &str, note: &str) -> bool {
        let (kind, note) = (hash((reason, action)), hash(note));
        let mut said = self.lock();
        let said = said.entry(uid.to_owned()).or_default();
        let Some(last) = said.iter_mut().find(|said| said.kind == kind) else {
            said.push(Said { kind, note, held_since: None });
            return true;
        };
        std::mem::replace(&mut last.note, note) != note
    }

    /// What a warning was about is over: the next one of its kind is news, also in the same words.
    pub(super) fn is_over(&self, uid: &str, reason: &str, action: &str) {
        let kind = hash((reason, action));
        if let Some(said) = self.lock().get_mut(uid) {
            said.retain(|said| said.kind != kind);
        }
    }

    /// Forgets an object.
    pub(super) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Said>>> {
        // Nothing in here can panic half way.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_again_is_held_back_until_the_silence_was_long() {
        let silence = Silence::new(MaxSilence::of(Duration::from_secs(10)));
        let says = || silence.may_break("u", "Reason", "Action", "note", false);
        assert!(says());
        advance(Duration::from_secs(1)).await;
        assert!(!says());
        advance(Duration::from_secs(5)).await;
        assert!(!says());
        advance(Duration::from_secs(5)).await;
        assert!(says(), "10 s after it was first held back");
        assert!(!says());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_new_is_said_at_once() {
        let silence = Silence::new(MaxSilence::of(Duration::from_secs(10)));
        assert!(silence.may_break("u", "Reason", "Action", "note", false));
        assert!(silence.may_break("u", "Reason", "Action", "other note", false));
        assert!(silence.may_break("u", "Other", "Action", "note", false));
        assert!(silence.may_break("v", "Reason", "Action", "note", false));
        assert!(silence.may_break("v", "Reason", "Action", "note", true));
        silence.forget("v");
        assert!(silence.may_break("v", "Reason", "Action", "note", false));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_news_is_not_said_again_however_long_the_silence_was() {
        let silence = Silence::new(MaxSilence::of(Duration::from_secs(10)));
        assert!(silence.is_news("u", "Reason", "Action", "note"));
        for _ in 0..3 {
            assert!(!silence.is_news("u", "Reason", "Action", "note"));
            advance(Duration::from_secs(11)).await;
        }
        assert!(silence.is_news("u", "Reason", "Action", "other note"));
        assert!(!silence.is_news("u", "Reason", "Action", "other note"));
        assert!(silence.is_news("v", "Reason", "Action", "note"));
    }

    #[test]
    fn what_comes_back_after_it_was_over_is_said_again() {
        let silence = Silence::new(MaxSilence::FOR_EVER);
        assert!(silence.is_news("u", "Reason", "Action", "note"));
        assert!(silence.is_news("u", "Other", "Action", "note"));
        silence.is_over("u", "Reason", "Action");
        assert!(silence.is_news("u", "Reason", "Action", "note"));
        assert!(!silence.is_news("u", "Other", "Action", "note"));
    }
}

//! What objects show and what was told of it, where the two differ.
//!
//! A transition is told when the status that shows it is written. Two things stand in the way: a definition that does not
//! keep what was written, so that it looks like a transition at every write; and a write whose answer is lost, so that the
//! next reconcile finds everything as it should be.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use capstan_api::Condition;
use serde_json::Value;

use super::status::{News, condition, is_handled, request_handled, shows};

/// For each object of which there is something to remember.
#[derive(Default)]
pub(super) struct Notices(Mutex<HashMap<String, Notice>>);

#[derive(Default)]
struct Notice {
    /// Told, though the object does not show it.
    unshown: News,
    /// Not told: whether the object shows it is unknown.
    doubtful: News,
}

impl Notices {
    /// What of these news is to be told. `unshown`: what is wished that the status does not show now.
    pub(super) fn tell(&self, uid: &str, mut news: News, mut unshown: News, status: &Value) -> News {
        let mut all = self.lock();
        // All that was in doubt is known by now.
        if let Some(Notice { unshown: told, .. }) = all.remove(uid) {
            news.transitions.retain(|condition| !told.transitions.contains(condition));
            if news.handled == told.handled {
                news.handled = None;
            }
            // What this reconcile has no word on is not shown either, as long as nothing stands in its place.
            let said: Vec<_> = unshown.transitions.iter().map(|condition| condition.kind.clone()).collect();
            let silent = |told: &Condition| !said.contains(&told.kind) && condition(status, &told.kind).is_none();
            unshown.transitions.extend(told.transitions.into_iter().filter(silent));
            unshown.handled = unshown.handled.or(told.handled.filter(|_| request_handled(status).is_none()));
        }
        if unshown != News::default() {
            all.insert(uid.to_owned(), Notice { unshown, ..Notice::default() });
        }
        news
    }

    /// A write that would show this may have been done.
    pub(super) fn doubt(&self, uid: &str, news: News) {
        if news == News::default() {
            return;
        }
        let mut all = self.lock();
        let Notice { doubtful, .. } = all.entry(uid.to_owned()).or_default();
        for condition in news.transitions {
            // The last word on each.
            doubtful.transitions.retain(|other| other.kind != condition.kind);
            doubtful.transitions.push(condition);
        }
        doubtful.handled = news.handled.or(doubtful.handled.take());
    }

    /// What was in doubt and is shown by this status: it is to be told now.
    pub(super) fn arrived(&self, uid: &str, status: &Value) -> News {
        let mut all = self.lock();
        let Some(Notice { doubtful, .. }) = all.get_mut(uid) else { return News::default() };
        News {
            transitions: doubtful.transitions.extract_if(.., |condition| shows(status, condition)).collect(),
            handled: doubtful.handled.take_if(|request| is_handled(status, request)),
        }
    }

    pub(super) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Notice>> {
        // Nothing in here can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn available() -> News {
        News { transitions: vec![Condition::available()], handled: Some("1".to_owned()) }
    }

    #[test]
    fn what_is_not_shown_is_told_once() {
        let (notices, nothing) = (Notices::default(), News::default());
        let tell = |uid, news: &News| notices.tell(uid, news.clone(), news.clone(), &Value::Null);
        assert_eq!(tell("u", &available()), available());
        assert_eq!(tell("u", &available()), nothing);
        assert_eq!(tell("u", &nothing), nothing);
        assert_eq!(tell("u", &available()), nothing, "also not after a reconcile that had no word on it");
        assert_eq!(tell("v", &available()), available());
        let other = News { transitions: vec![Condition::creating()], handled: Some("2".to_owned()) };
        assert_eq!(tell("u", &other), other);
        assert_eq!(tell("u", &available()), available());
        for uid in ["u", "v"] {
            notices.forget(uid);
        }
        assert!(notices.lock().is_empty());
    }

    #[test]
    fn what_is_shown_again_is_news_the_next_time() {
        let (notices, nothing) = (Notices::default(), News::default());
        let status = json!({"conditions": [Condition::creating()], "lastHandledReconcileAt": "0"});
        notices.tell("u", available(), available(), &Value::Null);
        notices.tell("u", nothing.clone(), nothing.clone(), &status);
        assert_eq!(notices.tell("u", available(), nothing, &status), available());
        assert!(notices.lock().is_empty());
    }

    #[test]
    fn what_is_in_doubt_is_told_when_it_shows() {
        let (notices, nothing) = (Notices::default(), News::default());
        notices.doubt("u", available());
        assert_eq!(notices.arrived("u", &json!({})), nothing);
        let status = json!({"conditions": [Condition::available()], "lastHandledReconcileAt": "1"});
        assert_eq!(notices.arrived("u", &status), available());
        assert_eq!(notices.arrived("u", &status), nothing);
        notices.doubt("u", available());
        notices.tell("u", nothing.clone(), nothing.clone(), &status);
        assert_eq!(notices.arrived("u", &status), nothing, "it was known before");
    }
}

//! Which events a reconcile leaves.
//!
//! Every external action leaves one. Every transition of a condition leaves one, unless an action or a failure of the
//! same reconcile already tells why. The same failure again leaves none, until it has been silent for long.

use std::sync::Arc;

use capstan_api::{Condition, ObjectRef};
use capstan_events::{Event, MaxSilence, Recorder, Regarding};

use super::{
    announcement::{Announcement, Occasion, PROCESS},
    silence::Silence,
    snapshot::Snapshot,
    verdict::INVALID_POLICY,
};

/// Takes events. The recorder writes them into the cluster; tests collect them.
pub(crate) trait EventSink: Send + Sync {
    /// Never blocks.
    fn record(&self, event: Event);
}

impl EventSink for Recorder {
    fn record(&self, event: Event) {
        Self::record(self, event);
    }
}

/// The object that events are about.
pub(super) struct Subject<'a> {
    pub(super) object: &'a ObjectRef,
    pub(super) snapshot: &'a Snapshot,
}

/// Whether an announcement stands for this transition of the same status write. What was announced does not tell that a
/// policy is senseless.
pub(super) fn stands_for(transition: &Condition) -> bool {
    transition.reason != INVALID_POLICY
}

/// Turns announcements and transitions into events of one controller.
pub(crate) struct Announcer {
    sink: Arc<dyn EventSink>,
    controller: String,
    silence: Silence,
}

impl Announcer {
    /// `controller` is what events give as reporting controller; `max_silence` the longest time for which the same
    /// warning is held back.
    pub(crate) fn new(sink: Arc<dyn EventSink>, controller: String, max_silence: MaxSilence) -> Self {
        Self { sink, controller, silence: Silence::new(max_silence) }
    }

    /// Says what one reconcile has to say. True if one of the announcements became an event.
    pub(super) fn tell(
        &self,
        subject: &Subject<'_>,
        announcements: &[Announcement],
        transitions: &[Condition],
    ) -> bool {
        let changed = !transitions.is_empty();
        let mut announced = false;
        for announcement in announcements {
            let uid = subject.snapshot.object().uid();
            let Announcement { reason, action, note, .. } = announcement;
            let speaks = match announcement.occasion {
                Occasion::Always => true,
                Occasion::Transition => changed,
                Occasion::Throttled => self.silence.may_break(uid, reason, action, note, changed),
                Occasion::Once => self.silence.is_news(uid, reason, action, note),
            };
            if speaks {
                self.publish(subject, announcement.clone());
                announced = true;
            }
        }
        let told = |condition: &Condition| !announcements.is_empty() && stands_for(condition);
        for condition in transitions.iter().filter(|condition| !told(condition)) {
            self.publish(subject, Announcement::transition(condition));
        }
        announced
    }

    /// The deletion policy makes sense: if it does not again, that is news.
    pub(super) fn policy_is_sound(&self, uid: &str) {
        self.silence.is_over(uid, INVALID_POLICY, PROCESS);
    }

    /// Forgets an object that is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.silence.forget(uid);
    }

    fn publish(&self, subject: &Subject<'_>, announcement: Announcement) {
        let object = subject.snapshot.object();
        self.sink.record(Event {
            controller: self.controller.clone(),
            regarding: Regarding {
                object: subject.object.clone(),
                uid: object.uid().to_owned(),
                resource_version: object.resource_version().to_owned(),
            },
            kind: announcement.kind,
            reason: announcement.reason.into_owned(),
            action: announcement.action.to_owned(),
            note: announcement.note,
        });
    }
}

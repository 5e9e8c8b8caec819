//! Random histories: users edit, pause, change policies and delete; the outside drifts and vanishes; requests fail; the
//! host dies, works from old copies, and hands over to one with another clock. Whatever happens, the promises of `outside`
//! hold, and in quiet times everything ends where it should.
//!
//! A history that breaks one is shrunk, printed, and kept under `proptest-regressions/`, from where it is run first from
//! then on. `PROPTEST_CASES=20000` looks further.

use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Debug, Clone)]
enum Deed {
    /// The queue hands the object out.
    Reconcile,
    /// From a copy that is older than the last reconcile.
    ReconcileStale,
    /// One operation of it fails.
    ReconcileWith(usize, Fault),
    /// Somebody does something while one operation of it is under way.
    ReconcileDuring(usize, Edit),
    User(Edit),
    Drift,
    Vanish,
    Wait(u64),
    Restart,
    /// A host whose clock is so many days away takes over. Whole days, so that two hosts never show the same second.
    Skew(i64),
    PauseProvider(bool),
}

#[derive(Debug, Clone)]
enum Edit {
    Spec(u8),
    Annotation(&'static str, Option<&'static str>),
    Delete,
    /// Somebody else's finalizer comes or goes.
    Finalizer(bool),
}

const FOREIGN: &str = "example.org/backup";

impl Edit {
    fn apply(&self, store: &Store) {
        let Some(object) = store.stored() else { return };
        match self {
            Self::Spec(size) => store.edit(&json!({"spec": {"size": size}})),
            Self::Annotation(key, value) => store.edit(&json!({"metadata": {"annotations": {(*key): value}}})),
            Self::Delete => {
                // Without finalizers it is gone at once.
                store.edit(&json!({"metadata": {"deletionTimestamp": NOW}}));
            }
            Self::Finalizer(there) => {
                // None is added to what is being deleted.
                if *there && object["metadata"].get("deletionTimestamp").is_some() {
                    return;
                }
                let mut finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap();
                finalizers.retain(|finalizer| finalizer != FOREIGN);
                finalizers.extend(there.then(|| json!(FOREIGN)));
                store.edit(&json!({"metadata": {"finalizers": finalizers}}));
            }
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let annotation = |key, values: &'static [Option<&'static str>]| {
        proptest::sample::select(values).prop_map(move |value| Edit::Annotation(key, value))
    };
    prop_oneof![
        3 => (0..4u8).prop_map(Edit::Spec),
        3 => annotation(keys::PAUSED, &[Some("true"), None, Some("True")]),
        2 => annotation(
            keys::MANAGEMENT_POLICY,
            &[None, Some("default"), Some("observe"), Some("observe-create-update"), Some("observe-delete"), Some("foo")],
        ),
        2 => annotation(keys::DELETION_POLICY, &[None, Some("delete"), Some("orphan"), Some("Delete")]),
        1 => annotation(keys::DELETE_WHILE_PAUSED, &[Some("true"), None]),
        1 => Just(Edit::Delete),
        1 => any::<bool>().prop_map(Edit::Finalizer),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let fault = || proptest::sample::select(&Fault::ALL[..]);
    prop_oneof![
        6 => Just(Deed::Reconcile),
        1 => Just(Deed::ReconcileStale),
        3 => (0..10usize, fault()).prop_map(|(operation, fault)| Deed::ReconcileWith(operation, fault)),
        3 => (0..10usize, edit()).prop_map(|(operation, edit)| Deed::ReconcileDuring(operation, edit)),
        4 => edit().prop_map(Deed::User),
        1 => Just(Deed::Drift),
        1 => Just(Deed::Vanish),
        2 => (1..40u64).prop_map(Deed::Wait),
        1 => Just(Deed::Restart),
        1 => prop_oneof![Just(Deed::Skew(1)), Just(Deed::Skew(-1))],
        1 => any::<bool>().prop_map(Deed::PauseProvider),
    ]
}

impl World {
    async fn live(&mut self, deed: &Deed) {
        match deed {
            Deed::Reconcile => {
                self.reconcile(false).await;
            }
            Deed::ReconcileStale => {
                self.reconcile(true).await;
            }
            Deed::ReconcileWith(operation, fault) => {
                self.trouble.plan(*operation, *fault);
                self.reconcile(false).await;
            }
            Deed::ReconcileDuring(operation, edit) => {
                let (store, edit) = (Arc::clone(&self.store), edit.clone());
                self.trouble.meanwhile(*operation, Box::new(move || edit.apply(&store)));
                self.reconcile(false).await;
            }
            Deed::User(edit) => edit.apply(&self.store),
            Deed::Drift => self.outside.drift(),
            Deed::Vanish => self.outside.vanish(),
            Deed::Wait(seconds) => advance(Duration::from_secs(*seconds)).await,
            Deed::Restart => self.restart(),
            Deed::Skew(days) => self.skew(*days),
            Deed::PauseProvider(paused) => self.pause.set(*paused),
        }
        self.trouble.clear();
    }

    /// Nobody does anything any more, and everything may be done: it has to end where it should.
    async fn quiet(&mut self) -> Result<(), String> {
        self.pause.set(false);
        Edit::Finalizer(false).apply(&self.store);
        for key in [keys::PAUSED, keys::MANAGEMENT_POLICY, keys::DELETION_POLICY] {
            Edit::Annotation(key, None).apply(&self.store);
        }
        for _ in 0..3 {
            let Some(report) = self.rest().await else { break };
            if report.outcome == Outcome::Unclear {
                if self.outside.findable() {
                    return Err("somebody has to decide about a create that can be found".to_owned());
                }
                self.answer_the_question().await;
            }
            // What an update did is seen by the next poll.
            advance(Duration::from_mins(1)).await;
        }
        self.holds()?;
        let Some(object) = self.store.stored() else {
            let forgotten = !self.outside.specs().is_empty() && !self.outside.was_left_behind();
            return if forgotten { Err("the object went, and its resource stayed".to_owned()) } else { Ok(()) };
        };
        if object["metadata"].get("deletionTimestamp").is_some() {
            return Err(format!("it is not let go: {object:#}"));
        }
        if self.is_converged() { Ok(()) } else { Err(format!("it does not converge: {object:#}")) }
    }
}

fn history(findable: bool, shows_after: u64, deeds: &[Deed]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(fresh(), findable, Duration::from_secs(shows_after));
        for deed in deeds {
            world.live(deed).await;
            world.holds()?;
        }
        world.quiet().await
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_promises_hold_and_it_converges(
        findable: bool,
        shows_after in 0..20u64,
        deeds in vec(deed(), 0..40),
    ) {
        history(findable, shows_after, &deeds).map_err(TestCaseError::fail)?;
    }
}

//! A model of the world around one object: what is outside, what fails and when the host dies, and what must hold
//! whatever happens. `faults` tries every fault at every operation, `kills` kills real processes, `histories` tries what
//! nobody thought of.

mod faults;
mod histories;
mod kills;
mod outside;
mod trouble;

use tokio::time::advance;

use super::*;
use outside::Outside;
use trouble::{Fault, Trouble, Troubled};

/// Longer than the model's outside needs to show what it has, shorter than a test's patience.
const GRACE: Duration = Duration::from_secs(30);

/// One object, what it stands for, and the host.
struct World {
    store: Arc<Store>,
    outside: Arc<Outside>,
    trouble: Arc<Trouble>,
    events: Arc<Events>,
    pause: Pause,
    lifecycle: Lifecycle,
    clock: WallClock,
    /// The object as an earlier reconcile began with it.
    older: Option<Object>,
}

/// How a reconcile went: to its end, or into the death of the host.
type Ended = Option<Report>;

impl World {
    /// `findable`: what was created can be found by the object's name alone, so the kind is recoverable.
    fn new(object: Value, findable: bool, shows_after: Duration) -> Self {
        let clock = WallClock::anchored(NOW.parse().unwrap());
        Self::at(clock, object, Outside::new(findable, shows_after))
    }

    fn at(clock: WallClock, object: Value, outside: Outside) -> Self {
        let store = Arc::new(Store::new(object, Log::default()));
        let (outside, trouble, events) = (Arc::new(outside), Arc::<Trouble>::default(), Arc::<Events>::default());
        let pause = Pause::default();
        outside.watch(&store, &pause);
        let lifecycle = host(&store, &outside, &trouble, &events, &pause, clock);
        Self { store, outside, trouble, events, pause, lifecycle, clock, older: None }
    }

    /// A process that ended and came back: nothing of its memory is left.
    fn restart(&mut self) {
        self.trouble.lose();
        let Self { store, outside, trouble, events, pause, clock, .. } = &*self;
        self.lifecycle = host(store, outside, trouble, events, pause, *clock);
    }

    /// Another host takes over, whose clock shows another day.
    fn skew(&mut self, days: i64) {
        let shown = self.clock.now() + jiff::SignedDuration::from_hours(24 * days);
        self.clock = WallClock::anchored(shown);
        self.restart();
    }

    /// One reconcile from the newest state; from an older one if `stale` and there is one. `None` if there is no object.
    async fn reconcile(&mut self, stale: bool) -> Option<Ended> {
        let newest = Object::from_value(self.store.stored()?).unwrap();
        let older = self.older.take().filter(|_| stale);
        let stale = older.is_some();
        let object = older.unwrap_or_else(|| newest.clone());
        self.older = Some(newest);
        self.outside.begin();
        let died = self.trouble.died();
        let report = tokio::select! {
            biased;
            report = self.lifecycle.reconcile(object, Arc::default()) => Some(report),
            () = died => None,
        };
        match &report {
            None => self.restart(),
            // An older copy may not say yet how it ended.
            Some(report) if report.outcome == Outcome::Unclear && !stale && !self.trouble.has_lost() => {
                self.outside.complain("somebody has to decide about a create whose end was known".to_owned());
            }
            Some(_) => {}
        }
        let object = self.store.stored().map(|object| Snapshot::of(Object::from_value(object).unwrap()));
        if object.is_none_or(|object| !object.creates().is_unclear()) {
            self.trouble.regain();
        }
        Some(report)
    }

    /// Reconciles until there is nothing left to do, as the queue would; gives the last report.
    async fn rest(&mut self) -> Option<Report> {
        for _ in 0..60 {
            // Even a host that dies again and again comes back.
            let Some(report) = self.reconcile(false).await? else {
                advance(Duration::from_secs(1)).await;
                continue;
            };
            let changed = self.store.stored().map(|object| Metadata::of(&Object::from_value(object).unwrap()));
            let unchanged = changed.is_none_or(|metadata| metadata.fingerprint() == report.seen);
            if unchanged && matches!(report.next, Next::Poll | Next::Stop) {
                return Some(report);
            }
            advance(Duration::from_secs(7)).await;
        }
        panic!("it does not come to rest: {:#}", self.store.value());
    }

    /// What a person does about a create of unknown result: looks outside, after a while, and says what there is.
    async fn answer_the_question(&self) {
        advance(GRACE).await;
        let name = self.outside.only();
        self.store.edit(&json!({"metadata": {"annotations": {keys::CREATE_PENDING: null, keys::EXTERNAL_NAME: name}}}));
    }

    fn holds(&self) -> Result<(), String> {
        let broken = self.outside.broken();
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
    }

    fn is_converged(&self) -> bool {
        let object = self.store.value();
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        self.outside.specs() == [object["spec"].clone()]
            && conditions.len() == 2
            && conditions.iter().all(|condition| condition["status"] == "True")
    }
}

fn host(
    store: &Arc<Store>,
    outside: &Arc<Outside>,
    trouble: &Arc<Trouble>,
    events: &Arc<Events>,
    pause: &Pause,
    clock: WallClock,
) -> Lifecycle {
    let objects = Troubled { inner: Arc::clone(store), trouble: Arc::clone(trouble), outside: Arc::clone(outside) };
    let external = Troubled { inner: Arc::clone(outside), trouble: Arc::clone(trouble), outside: Arc::clone(outside) };
    let surroundings = Surroundings {
        external: Arc::new(external),
        objects: Arc::new(objects),
        announcer: announcer(events),
        clock,
        pause: pause.clone(),
        unrecorded: Unrecorded::default(),
        sightings: Sightings::default(),
        loops: crate::loops::Loops::default(),
        provider: "test".to_owned(),
    };
    let rules = Rules { recoverable: outside.findable(), creation_grace: GRACE, ..rules() };
    Lifecycle::new(surroundings, rules, SESSION_TIME)
}

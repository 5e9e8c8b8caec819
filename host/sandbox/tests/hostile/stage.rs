//! Where a behaviour is shown: a sandbox with the guest, a neighbour, and an API server.

use std::time::{Duration, Instant};

use capstan_api::Grants;
use capstan_engine::{ExternalSession, ExternalSystem, Failure, Observation};
use capstan_events::Writer;
use capstan_hostile::{Behaviour, describing};
use capstan_sandbox::{Budget, Component, Descriptor, Granted, Guest, Outcome, Sandbox, Services, Settings, Usage};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

pub(crate) use crate::support::scene::context;
use crate::support::{
    api::Api,
    component::hostile,
    scene::{Scene, managed},
    server::Server,
};

/// For one call of a guest that does not end by itself.
pub(crate) const CALL: Duration = Duration::from_millis(500);
/// For one call of any other: what it does takes milliseconds, on a busy machine perhaps more.
const AMPLE: Duration = Duration::from_secs(50);
/// How much later than its budget a guest may be stopped before something is wrong. Generous, for busy machines.
const LATE: u32 = 10;

/// What is made once for all behaviours, since compiling takes most of the time.
struct House {
    sandbox: Sandbox,
    component: Component,
    descriptor: Descriptor,
}

/// One behaviour is shown after the other: each looks at what it left behind, and at the time it took.
static HOUSE: OnceCell<Mutex<House>> = OnceCell::const_new();

impl House {
    async fn open() -> Mutex<Self> {
        listen();
        let sandbox = Sandbox::new(Settings::default()).unwrap();
        let component = sandbox.load(hostile().into()).await.unwrap();
        let descriptor = component.describe().await.unwrap();
        Mutex::new(Self { sandbox, component, descriptor })
    }

    fn guest(&self, component: &Component, grants: &Grants, services: &Services, budget: Budget) -> Guest {
        let granted = Granted::new(&self.descriptor, grants);
        let guest = Guest::new(component.clone(), "hostile", granted, budget, services.clone());
        guest.configured(grants.config.as_ref())
    }
}

/// As a host does by default, whose log goes nowhere: a line that nobody would see is not even counted. For all threads, and
/// before the first guest: what a thread without it came to first would be taken for what nobody listens to.
fn listen() {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(std::io::sink).finish();
    // It is set already where a house before this one could not be opened.
    let _ = tracing::subscriber::set_global_default(log);
}

/// One behaviour on its stage.
pub(crate) struct Stage {
    pub(crate) behaviour: Behaviour,
    pub(crate) guest: Guest,
    pub(crate) api: Api,
    pub(crate) server: Server,
    neighbour: Guest,
    grants: Grants,
    services: Services,
    house: MutexGuard<'static, House>,
    // Keeps the queue of events open.
    _writer: Writer,
}

pub(crate) type Session = Box<dyn ExternalSession>;

impl Stage {
    pub(crate) async fn new(behaviour: Behaviour) -> Self {
        let Scene { api, server, grants, services, writer } = Scene::with(Server::start().await);
        let house = HOUSE.get_or_init(House::open).await.lock().await;
        let waits = matches!(behaviour, Behaviour::Sleeps | Behaviour::WaitsForAnAnswer);
        let endless = waits || behaviour.name().starts_with("spins");
        let budget = Budget {
            call: if endless { CALL } else { AMPLE },
            requests: 20,
            http_requests: 20,
            http_bytes: 6 << 20,
            memory: 32 << 20,
            ..Budget::default()
        };
        let guest = |budget| house.guest(&house.component, &grants, &services, budget);
        let (guest, neighbour) = (guest(budget), guest(Budget::default()));
        Self { behaviour, guest, neighbour, api, server, grants, services, house, _writer: writer }
    }

    /// Another component, with the same grants.
    pub(crate) async fn load(&self, component: Vec<u8>) -> Component {
        self.house.sandbox.load(component.into()).await.unwrap()
    }

    /// A guest of it.
    pub(crate) fn guest_of(&self, component: &Component, budget: Budget) -> Guest {
        self.house.guest(component, &self.grants, &self.services, budget)
    }

    /// The object whose `spec` asks for the behaviour.
    pub(crate) fn managed(&self) -> String {
        managed(self.behaviour)
    }

    pub(crate) async fn connect(&self) -> Result<Session, Failure> {
        self.guest.connect(&context(), &self.managed()).await
    }

    /// A session that could be opened.
    pub(crate) async fn session(&self) -> Session {
        self.connect().await.unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    /// A fresh session, and what an observe in it says.
    pub(crate) async fn observe(&self) -> (Session, Result<Observation, Failure>) {
        let mut session = self.session().await;
        let answer = session.observe(&self.managed()).await;
        (session, answer)
    }

    /// What the guest says of itself, when it behaves like that in `describe`.
    pub(crate) async fn describe(&self) -> Result<Descriptor, Outcome> {
        self.load(describing(hostile(), self.behaviour)).await.describe().await
    }

    /// An observe that ends badly for this reason, and leaves a session that is over.
    pub(crate) async fn dies_in_observe(&self, reason: &str) -> Failure {
        let (session, answer) = self.observe().await;
        let failure = answer.expect_err("the guest is stopped");
        assert_eq!(failure.problem.reason, reason, "{failure:?}");
        is_over(session, &self.managed()).await;
        failure
    }

    /// An observe whose answer is refused, in a session that goes on.
    pub(crate) async fn answers_nonsense(&self, named: &str) {
        let (session, answer) = self.observe().await;
        is_malformed(answer, named);
        assert_eq!(session.disconnect().await, Ok(()));
    }

    /// The neighbour works while the guest and its remains are there, and afterwards nothing of either is.
    pub(crate) async fn leaves_nothing_behind(self) {
        let plain = managed(Behaviour::Behaves);
        let mut session = self.neighbour.connect(&context(), &plain).await.unwrap();
        assert!(session.observe(&plain).await.unwrap().exists);
        assert_eq!(session.disconnect().await, Ok(()));
        assert_eq!(self.house.sandbox.usage(), Usage::default());
    }
}

/// Runs something that ends when the call's budget is spent, neither much sooner nor much later. On the same thread the
/// neighbour comes to its turn meanwhile.
pub(crate) async fn stopped_in_time<T>(stage: &Stage, guest: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let plain = managed(Behaviour::Behaves);
    let guest = async { (guest.await, began.elapsed()) };
    let neighbour = async {
        let mut session = stage.neighbour.connect(&context(), &plain).await.unwrap();
        session.observe(&plain).await.unwrap();
        began.elapsed()
    };
    let ((answer, took), neighbour) = tokio::join!(guest, neighbour);
    assert!(took >= CALL.mul_f64(0.8) && took < CALL * LATE, "{took:?}");
    assert!(neighbour < took, "the neighbour waited for the guest: {neighbour:?}");
    answer
}

/// Nothing more is asked of the guest.
pub(crate) async fn is_over(mut session: Session, managed: &str) {
    let again = session.observe(managed).await.expect_err("the session is over");
    assert_eq!(again.problem.reason, "SessionOver");
    assert_eq!(session.disconnect().await, Ok(()));
}

/// A failure for this reason that names the limit.
pub(crate) fn ran_out_of_time<T: std::fmt::Debug>(answer: Result<T, Failure>) {
    let failure = answer.expect_err("the guest is stopped");
    assert_eq!(failure.problem.reason, "DeadlineExceeded", "{failure:?}");
    assert!(failure.problem.message.contains("callTimeout is 500ms"), "{failure:?}");
}

pub(crate) fn is_malformed<T: std::fmt::Debug>(answer: Result<T, Failure>, named: &str) {
    let failure = answer.expect_err("the answer is refused");
    assert_eq!(failure.problem.reason, "MalformedAnswer", "{failure:?}");
    assert!(failure.problem.message.contains(named), "{failure:?}");
}

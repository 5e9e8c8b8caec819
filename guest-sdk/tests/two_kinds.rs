//! A provider of two kinds, as an author writes it: what `export!` makes, and how failures leave a provider.

use capstan_sdk::{
    Change, Creation, External, Failure, Kind, Managed, Observation, OrFail, Provider, Readiness, Result, Value,
    cluster::{self, Error, ObjectRef, Patch, Selection},
    crd, events, json,
    log::Level,
    testing::{Action, Call, Host, Step, Verb},
    warn,
};
use serde::Deserialize;

capstan_sdk::export! {
    name: "two-kinds",
    version: "1.2.3",
    needs: "samples/grants.yaml",
    kinds: [Greeting, Census],
}

#[derive(Deserialize)]
struct Who {
    who: String,
}

/// Keeps a greeting in a `ConfigMap`.
struct Greeting(ObjectRef);

impl External for Greeting {
    const KIND: Kind = crd!("samples/greetings.yaml");
    const RECOVERABLE: bool = true;
    type Spec = Who;

    fn connect(object: &Managed<Who>) -> Result<Self> {
        if object.spec.who.is_empty() {
            return Err(Failure::terminal("Nobody", "say whom to greet in spec.who"));
        }
        Ok(Self(object.beside("v1", "ConfigMap", format!("greeting-{}", object.name()))))
    }

    fn observe(&mut self, object: &Managed<Who>) -> Result<Observation> {
        let Some(actual) = cluster::find::<Value>(&self.0)? else {
            return Ok(Observation::missing());
        };
        let found = Observation::compare(&json!({"data": {"who": object.spec.who}}), &actual).ready();
        Ok(found.status(json!({"who": actual["data"]["who"], "seen": true})))
    }

    fn create(&mut self, object: &Managed<Who>) -> Result<Creation> {
        cluster::apply(&self.0, json!({"data": {"who": object.spec.who}}))?;
        events::normal("Greeted", "Greet", &object.spec.who);
        Ok(Creation::done().external_name(&self.0.name).annotation("example.org/first", "yes"))
    }

    fn update(&mut self, object: &Managed<Who>) -> Result<Change> {
        let old = object.status["who"].as_str().unwrap_or("nobody");
        warn!(old = old, new = object.spec.who; "changing {}", self.0);
        let stored = cluster::patch(&self.0, Patch::merge(json!({"data": {"who": object.spec.who}})))?;
        Ok(Change::done().status(json!({"who": stored["data"]["who"]})))
    }

    fn delete(&mut self, _: &Managed<Who>) -> Result<()> {
        Ok(cluster::delete(&self.0)?)
    }

    fn disconnect(self) -> Result<()> {
        events::normal("Disconnected", "Disconnect", "bye");
        Ok(())
    }
}

/// Counts greetings, and makes nothing.
struct Census;

impl External for Census {
    const KIND: Kind = Kind::existing("hello.example.org/v1", "Census");
    type Spec = Value;

    fn connect(object: &Managed<Value>) -> Result<Self> {
        let limit = object.annotation("example.org/limit").unwrap_or("9");
        limit.parse::<u8>().or_terminal("InvalidLimit")?;
        Ok(Self)
    }

    fn observe(&mut self, object: &Managed<Value>) -> Result<Observation> {
        let all: Vec<Value> = cluster::list(&Selection::new("v1", "ConfigMap").in_namespace("n").labelled("app=web"))?;
        let found = Observation::up_to_date().status(json!({"count": all.len()}));
        Ok(match object.spec["expected"].as_u64() {
            Some(expected) if expected != all.len() as u64 => found.not_ready("Counting", "not all are there"),
            _ => found,
        })
    }

    fn create(&mut self, _: &Managed<Value>) -> Result<Creation> {
        unreachable!("always exists")
    }

    fn update(&mut self, _: &Managed<Value>) -> Result<Change> {
        unreachable!("always up to date")
    }

    fn delete(&mut self, _: &Managed<Value>) -> Result<()> {
        Ok(())
    }
}

fn greeting(host: &Host, spec: &Value) -> ObjectRef {
    host.put(json!({
        "apiVersion": "hello.example.org/v1", "kind": "Greeting",
        "metadata": {"name": "a", "namespace": "n"}, "spec": spec,
    }))
}

fn config_map() -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", "greeting-a").in_namespace("n")
}

#[test]
fn the_provider_says_what_it_is() {
    let kinds: Vec<_> = PROVIDER.kinds().iter().map(|each| (each.kind().name(), each.recoverable())).collect();
    assert_eq!((PROVIDER.name(), PROVIDER.version()), ("two-kinds", "1.2.3"));
    assert_eq!(kinds, [("Greeting", true), ("Census", false)]);
    let needs: Value = serde_json::from_str(PROVIDER.needs()).unwrap();
    assert_eq!(needs["kubernetes"][0]["apiGroups"], json!([""]));
    let definition: Value = serde_json::from_str(PROVIDER.kinds()[0].kind().definition().unwrap()).unwrap();
    assert_eq!(definition["metadata"]["name"], "greetings.hello.example.org");
    assert_eq!(PROVIDER.kinds()[0].kind().api_version(), "hello.example.org/v1");
    assert_eq!(PROVIDER.kinds()[1].kind().definition(), None);
}

#[test]
fn needs_may_be_left_out() {
    mod modest {
        capstan_sdk::export! { name: "modest", version: "0.1.0", kinds: [super::Census] }
    }
    assert_eq!(modest::PROVIDER.needs(), "{}");
}

#[test]
fn an_object_lives_from_create_to_release() {
    let host = Host::new();
    let object = greeting(&host, &json!({"who": "world"}));
    let step = |expected| assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, expected);

    step(Action::Create);
    let stored = host.object(&object).unwrap();
    let expected = json!({"krateo.io/external-name": "greeting-a", "example.org/first": "yes"});
    assert_eq!(stored["metadata"]["annotations"], expected);
    step(Action::Nothing);

    greeting(&host, &json!({"who": "moon"}));
    step(Action::Update);
    assert_eq!(host.object(&object).unwrap()["status"], json!({"who": "moon", "seen": true}), "both are reported");
    step(Action::Nothing);

    host.delete(&object);
    step(Action::Delete);
    assert_eq!(host.object(&config_map()), None);
    step(Action::Release);
    assert_eq!(host.object(&object), None);
}

#[test]
fn calls_events_and_log_lines_are_recorded() {
    let host = Host::new();
    let object = greeting(&host, &json!({"who": "world"}));
    host.reconcile(&PROVIDER, &object).unwrap();
    let calls = host.take_calls();
    assert_eq!(calls[0], Call::Get(config_map()));
    assert!(matches!(&calls[1], Call::Patch(target, patch) if *target == config_map() && patch.force));
    assert_eq!(calls.len(), 2);
    let reasons: Vec<_> = host.take_events().into_iter().map(|event| event.reason).collect();
    assert_eq!(reasons, ["Greeted", "Disconnected"]);

    greeting(&host, &json!({"who": "moon"}));
    host.reconcile(&PROVIDER, &object).unwrap();
    let line = host.take_log().remove(0);
    assert_eq!((line.level, line.message.as_str()), (Level::Warn, "changing ConfigMap n/greeting-a"));
    // What the look of the same reconcile found is written at the end.
    assert_eq!(line.fields, [("old".to_owned(), "nobody".to_owned()), ("new".to_owned(), "moon".to_owned())]);
}

#[test]
fn failures_say_where_and_whether_to_retry() {
    let host = Host::new();
    let object = greeting(&host, &json!({"who": ""}));
    let failed = host.reconcile(&PROVIDER, &object).unwrap_err();
    assert_eq!((failed.step, failed.failure.is_terminal()), (Step::Connect, true));
    assert_eq!(failed.to_string(), "Connect failed: Nobody: say whom to greet in spec.who");

    greeting(&host, &json!({"who": 7}));
    let failed = host.reconcile(&PROVIDER, &object).unwrap_err();
    assert_eq!(failed.failure.problem().reason, "InvalidSpec");

    greeting(&host, &json!({"who": "world"}));
    host.fail_next(Verb::Patch, Error::Denied("patch ConfigMap n/greeting-a".into()));
    let failed = host.reconcile(&PROVIDER, &object).unwrap_err();
    assert_eq!((failed.step, failed.failure.is_terminal()), (Step::Create, false));
    assert_eq!(failed.failure.problem().reason, "Denied");
    assert_eq!(host.take_events().last().unwrap().reason, "Disconnected", "also after a failed call");

    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Create, "a fault is used up");
}

#[test]
fn each_kind_is_handled_by_its_own_type() {
    let host = Host::new();
    let config_map = |name: &str, app: &str| {
        let metadata = json!({"name": name, "namespace": "n", "labels": {"app": app}});
        host.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}));
    };
    config_map("one", "web");
    config_map("two", "api");
    let census = host.put(json!({
        "apiVersion": "hello.example.org/v1", "kind": "Census", "metadata": {"name": "c"}, "spec": {"expected": 2},
    }));
    let done = host.reconcile(&PROVIDER, &census).unwrap();
    assert_eq!(done.action, Action::Nothing);
    assert!(matches!(done.observation.readiness, Readiness::NotReady(problem) if problem.reason == "Counting"));
    assert_eq!(host.object(&census).unwrap()["status"]["count"], 1);

    let stranger = host.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}));
    let failed = host.reconcile(&PROVIDER, &stranger).unwrap_err();
    assert_eq!(failed.failure.problem().reason, "UnknownKind");
}

#[test]
fn an_error_of_the_standard_library_becomes_what_the_author_said() {
    let host = Host::new();
    let census = host.put(json!({
        "apiVersion": "hello.example.org/v1", "kind": "Census",
        "metadata": {"name": "c", "annotations": {"example.org/limit": "many"}},
    }));
    let failed = host.reconcile(&PROVIDER, &census).unwrap_err();
    assert_eq!(failed.failure, Failure::terminal("InvalidLimit", "invalid digit found in string"));
}

#[test]
fn a_provider_is_a_static_that_can_be_passed_around() {
    fn name_of(provider: &'static Provider) -> &'static str {
        provider.name()
    }
    assert_eq!(name_of(&PROVIDER), "two-kinds");
}

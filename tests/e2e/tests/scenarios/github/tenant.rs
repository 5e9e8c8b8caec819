//! What one scenario has to itself: an organisation at GitHub, and a namespace with a token.

use std::time::Duration;

use anyhow::{Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use capstan_fakegithub::{Exchange, Fake, Seed};
use serde_json::{Value, json};

use crate::{hub::Hub, world::World};

pub(super) const GROUP: &str = "github.krateo.io/v1alpha1";
/// With what may follow a creation: the host lets it show for half a minute.
const LIMIT: Duration = Duration::from_secs(90);
/// For so long repetitions of an event may be counted before they are written, and somewhat longer: in looks, of which there is
/// one a second.
pub(crate) const SERIES: usize = 13;

/// An organisation `NAME` with the owner `NAME-anna`, the member `NAME-bert`, and `NAME-carl`, who is outside; a namespace `NAME`
/// with the owner's token in the Secret `github-token`.
pub(crate) struct Tenant<'a> {
    pub(crate) name: &'static str,
    pub(crate) objects: Objects,
    pub(crate) hub: &'a Hub,
    fake: &'a Fake,
    pub(crate) token: String,
}

impl<'a> Tenant<'a> {
    pub(crate) async fn new(world: &'a World, name: &'static str) -> Result<Self> {
        Self::at(world, name, &world.hub().fake).await
    }

    /// At one of the hub's fakes.
    pub(crate) async fn at(world: &'a World, name: &'static str, fake: &'a Fake) -> Result<Self> {
        Self::of(world.objects()?, name, world.hub(), fake).await
    }

    /// The same, wherever these objects are.
    pub(crate) async fn of(objects: Objects, name: &'static str, hub: &'a Hub, fake: &'a Fake) -> Result<Self> {
        let seed = fake.seed();
        seed.organization(name);
        for person in ["anna", "bert", "carl"] {
            seed.user(&format!("{name}-{person}"));
        }
        seed.owner(name, &format!("{name}-anna"));
        seed.member(name, &format!("{name}-bert"));
        let token = seed.token(&format!("{name}-anna"));
        objects.namespace(name).await?;
        let tenant = Self { name, objects, hub, fake, token };
        tenant.secret("github-token", "token", &tenant.token).await?;
        Ok(tenant)
    }

    pub(crate) fn fake(&self) -> &Fake {
        self.fake
    }

    pub(crate) fn seed(&self) -> Seed<'_> {
        self.fake.seed()
    }

    /// The login of one of the three.
    pub(crate) fn login(&self, person: &str) -> String {
        format!("{}-{person}", self.name)
    }

    pub(crate) async fn secret(&self, name: &str, key: &str, value: &str) -> Result<()> {
        let metadata = json!({"name": name, "namespace": self.name});
        let data = json!({key: value});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data});
        self.objects.apply_value(&secret).await
    }

    /// An object of the kind that is looked at every second. The spec is given the organisation and the token.
    pub(crate) fn object(&self, kind: &str, name: &str, spec: &Value) -> Value {
        let mut object = json!({
            "apiVersion": GROUP, "kind": kind,
            "metadata": {
                "name": name, "namespace": self.name, "annotations": {"capstan.dev/poll-interval": "1s"},
            },
            "spec": {
                "org": self.name, "apiUrl": self.fake().url(),
                "credentials": {"secretRef": {"name": "github-token", "namespace": self.name, "key": "token"}},
            },
        });
        for (field, value) in spec.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
        }
        object
    }

    pub(crate) async fn apply(&self, object: &Value) -> Result<()> {
        self.objects.apply_value(object).await
    }

    pub(crate) async fn get(&self, plural: &str, name: &str) -> Result<Value> {
        self.objects.get(GROUP, plural, self.name, name).await
    }

    pub(crate) async fn annotate(&self, plural: &str, name: &str, annotations: Value) -> Result<()> {
        let change = json!({"metadata": {"annotations": annotations}});
        self.objects.merge(GROUP, plural, self.name, name, change).await
    }

    pub(crate) async fn set(&self, plural: &str, name: &str, spec: Value) -> Result<()> {
        self.objects.merge(GROUP, plural, self.name, name, json!({"spec": spec})).await
    }

    pub(crate) async fn delete(&self, plural: &str, name: &str) -> Result<()> {
        self.objects.delete(GROUP, plural, self.name, name).await
    }

    pub(crate) async fn ready(&self, plural: &str, name: &str) -> Result<Value> {
        let wanted = |object: &Value| condition(object, "Ready").0 == "True" && condition(object, "Synced").0 == "True";
        eventually(&format!("{plural} {name} is ready"), LIMIT, || self.get(plural, name), wanted).await
    }

    /// A condition with a status and a reason.
    pub(crate) async fn has(&self, plural: &str, name: &str, kind: &str, status: &str, reason: &str) -> Result<Value> {
        let what = format!("{plural} {name}: {kind}={status} {reason}");
        let wanted = |object: &Value| {
            let (is, why, _) = condition(object, kind);
            (is, why) == (status, reason)
        };
        eventually(&what, LIMIT, || self.get(plural, name), wanted).await
    }

    pub(crate) async fn gone(&self, plural: &str, name: &str) -> Result<()> {
        eventually(&format!("{plural} {name} is gone"), LIMIT, || self.get(plural, name), Value::is_null)
            .await
            .map(drop)
    }

    /// Waits for something to be seen at GitHub.
    pub(crate) async fn at_github<T: std::fmt::Debug>(
        &self,
        what: &str,
        look: impl Fn(&Seed<'_>) -> T,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<T> {
        eventually(what, LIMIT, || async { Ok(look(&self.seed())) }, wanted).await
    }

    /// Requests that came below the organisation's or the repository owner's paths, or from its owner.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        let anna = self.login("anna");
        let below = format!("/{}/", self.name);
        let ours = |exchange: &Exchange| exchange.actor.as_ref() == Some(&anna) || exchange.path.contains(&below);
        self.fake().exchanges().into_iter().filter(ours).collect()
    }

    /// `METHOD path` of the requests that change something.
    pub(crate) fn writes(&self) -> Vec<String> {
        let exchanges = self.exchanges().into_iter().filter(|exchange| exchange.method != "GET");
        exchanges.map(|exchange| format!("{} {}", exchange.method, exchange.path)).collect()
    }

    /// Waits until the object was looked at so many times more.
    pub(crate) async fn looks(&self, path: &str, times: usize) -> Result<()> {
        let seen = || self.exchanges().iter().filter(|exchange| exchange.path == path).count();
        let wanted = seen() + times;
        let look = || async { Ok(seen()) };
        eventually(&format!("{times} more looks at {path}"), LIMIT, look, |seen| *seen >= wanted).await.map(drop)
    }

    /// Reasons of the events about an object, each as often as it was told: repetitions are folded into a series, of which the
    /// first is written at once, and further ones within [`SERIES`].
    pub(crate) async fn reasons(&self, kind: &str, name: &str) -> Result<Vec<String>> {
        let events = self.objects.events(self.name, kind, name).await?;
        let times =
            |event: &Value| event["series"]["count"].as_u64().map_or(1, |count| usize::try_from(count).unwrap_or(1));
        let reason = |event: &Value| event["reason"].as_str().unwrap_or_default().to_owned();
        Ok(events.iter().flat_map(|event| vec![reason(event); times(event)]).collect())
    }

    /// Waits for an event that must be told once, whatever came after it.
    pub(crate) async fn told_once(&self, kind: &str, name: &str, reason: &str) -> Result<()> {
        let told = self.told(kind, name, &[reason]).await?;
        let times = told.iter().filter(|each| *each == reason).count();
        ensure!(times == 1, "{reason} is told {times} times: {told:?}");
        Ok(())
    }

    /// What the events about an object say.
    pub(crate) async fn notes(&self, kind: &str, name: &str) -> Result<String> {
        let events = self.objects.events(self.name, kind, name).await?;
        Ok(events.iter().map(|event| event["note"].as_str().unwrap_or_default()).collect())
    }

    /// Waits for an event of each of these reasons.
    pub(crate) async fn told(&self, kind: &str, name: &str, reasons: &[&str]) -> Result<Vec<String>> {
        let what = format!("events {reasons:?} about {kind} {name}");
        let wanted = |found: &Vec<String>| reasons.iter().all(|reason| found.iter().any(|each| each == reason));
        eventually(&what, LIMIT, || self.reasons(kind, name), wanted).await
    }

    /// No request of this scenario was anything that GitHub does not describe. Those that name nobody are looked at when the
    /// world ends.
    pub(crate) fn assert_described(&self) -> Result<()> {
        let violations = self.fake().violations();
        let ours: Vec<_> = violations.iter().filter(|violation| violation.request.contains(self.name)).collect();
        ensure!(ours.is_empty(), "{ours:#?}");
        Ok(())
    }
}

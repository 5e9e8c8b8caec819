//! A provider as an author writes it, against a system outside the cluster: from the SDK through the sandbox to a server.

mod support;

use std::{sync::Arc, time::Duration};

use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Fence, Watches};
use capstan_engine::{Context, ExternalSession, ExternalSystem, Read, Reads, Retry};
use capstan_events::Recorder;
use capstan_sandbox::{Budget, Granted, Guest, Network, NetworkSettings, Sandbox, Services, Settings};
use serde_json::json;
use support::{
    api::Api,
    component::things,
    server::{Names, Server},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const GRANTS: &str = "
http: [{origin: 'http://things.test:PORT', pathPrefix: /things, allowPlaintext: true, allowPrivate: true}]
secrets: [{names: [token], keys: [token], origins: ['http://things.test:PORT']}]
config: {apiUrl: 'http://things.test:PORT'}
";

struct Stage {
    guest: Guest,
    server: Server,
    /// Of the provider's lease.
    fence: Fence,
}

impl Stage {
    async fn new(token: &str, grants: &str) -> Self {
        let server = Server::start().await;
        let grants = Grants::parse(&grants.replace("PORT", &server.port().to_string())).unwrap();
        let component = Sandbox::new(Settings::default()).unwrap().load(things().into()).await.unwrap();
        let descriptor = component.describe().await.unwrap();
        assert_eq!(descriptor.check_config(grants.config.as_ref()), Ok(()));
        assert!(descriptor.check_config(None).is_err(), "apiUrl is required");
        let cluster = Api::default().with_secret("team-a", "token", "token", token).cluster();
        let fence = Fence::new(Instant::now() + Duration::from_hours(1));
        let cluster = cluster.fenced(fence.clone());
        let (recorder, _) = Recorder::new(cluster.clone(), "test".into());
        let network = Network::resolving(NetworkSettings::default(), Arc::new(Names)).unwrap();
        let watches = Watches::new(cluster.clone(), CancellationToken::new());
        let services = Services { cluster, watches, recorder, network };
        let granted = Granted::new(&descriptor, &grants);
        let guest = Guest::new(component, "things", granted, Budget::default(), services);
        Self { guest: guest.configured(grants.config.as_ref()), server, fence }
    }

    async fn connect(&self, size: u32) -> (Box<dyn ExternalSession>, String, Arc<Reads>) {
        let kind = GroupVersionKind::gvk("things.example.org", "v1", "Thing");
        let managed = json!({
            "apiVersion": "things.example.org/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "team-a"},
            "spec": {"size": size, "tokenSecret": "token"},
        });
        let context = Context {
            object: ObjectRef { kind, key: ObjectKey::namespaced("team-a", "a") },
            uid: "uid".into(),
            reconcile_id: 1,
            verbose: false,
            reads: Arc::default(),
        };
        let managed = managed.to_string();
        let session = self.guest.connect(&context, &managed).await.unwrap_or_else(|failure| panic!("{failure:?}"));
        (session, managed, context.reads)
    }
}

#[tokio::test]
async fn a_thing_is_made_kept_changed_and_removed() {
    let stage = Stage::new("the-token", GRANTS).await;
    let (mut session, managed, reads) = stage.connect(3).await;
    assert!(!session.observe(&managed).await.unwrap().exists);
    session.create(&managed).await.unwrap();
    session.disconnect().await.unwrap();
    let read = reads.take().into_keys().next();
    assert!(matches!(read, Some(Read::Object(target)) if target.kind.kind == "Secret"), "a rotation wakes the object");

    for unchanged in [false, true] {
        let (mut session, managed, _) = stage.connect(3).await;
        let seen = session.observe(&managed).await.unwrap();
        assert!(seen.exists && seen.up_to_date);
        assert_eq!(seen.status, Some(json!({"unchanged": unchanged})), "the second answer was a 304");
    }

    let (mut session, managed, _) = stage.connect(40).await;
    assert!(!session.observe(&managed).await.unwrap().up_to_date);
    session.update(&managed).await.unwrap();
    session.delete(&managed).await.unwrap();
    session.delete(&managed).await.unwrap();
    assert!(!session.observe(&managed).await.unwrap().exists);
    assert!(stage.server.seen().iter().all(|seen| seen.header("authorization") == Some("Bearer the-token")));
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_unclear_and_a_failed_one_is_not() {
    let stage = Stage::new("the-token", GRANTS).await;
    stage.server.lose_answers();
    let (mut session, managed, _) = stage.connect(3).await;
    assert!(!session.observe(&managed).await.unwrap().exists);
    session.create(&managed).await.unwrap_err();
    assert!(session.is_unclear() && !session.is_interrupted(), "the guest was told, and can say goodbye");
    session.disconnect().await.unwrap();
    let (mut session, managed, _) = stage.connect(3).await;
    assert!(session.observe(&managed).await.unwrap().exists, "it was made all the same");

    let stage = Stage::new("another-token", GRANTS).await;
    let (mut session, managed, _) = stage.connect(3).await;
    session.create(&managed).await.unwrap_err();
    assert!(!session.is_unclear(), "it was refused");
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_as_such() {
    let stage = Stage::new("another-token", GRANTS).await;
    let (mut session, managed, _) = stage.connect(3).await;
    let failure = session.observe(&managed).await.unwrap_err();
    assert_eq!((&*failure.problem.reason, failure.retry), ("Unauthorized", Retry::Backoff));
    assert!(!failure.problem.message.contains("another-token"));
}

#[tokio::test]
async fn a_refusal_says_what_is_granted() {
    let stage = Stage::new("the-token", &GRANTS.replace("pathPrefix: /things", "pathPrefix: /other")).await;
    let (mut session, managed, _) = stage.connect(3).await;
    let failure = session.observe(&managed).await.unwrap_err();
    assert_eq!(failure.problem.reason, "Denied");
    assert!(failure.problem.message.contains("/other"), "{failure:?}");
    assert!(stage.server.seen().is_empty());
}

#[tokio::test]
async fn nothing_is_asked_in_the_middle_of_a_call_once_the_lease_is_lost() {
    let stage = Stage::new("the-token", GRANTS).await;
    let (mut session, managed, _) = stage.connect(3).await;
    stage.fence.close();
    let failure = session.observe(&managed).await.unwrap_err();
    assert!(failure.problem.message.contains("lost the provider's lease"), "{failure:?}");
    assert!(!session.is_interrupted(), "the guest was told, and not cut off");
    assert!(stage.server.seen().is_empty());
    assert_eq!(stage.guest.counts().http_requests, 0);
}

//! What the hostile guest is let loose on: an API server, another system, and grants for a part of both.

use std::sync::Arc;

use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::Watches;
use capstan_engine::{Context, Reads};
use capstan_events::{Recorder, Writer};
use capstan_hostile::Behaviour;
use capstan_sandbox::{Network, NetworkSettings, Services};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    api::Api,
    server::{Names, Server},
};

/// Everything around one guest.
pub(crate) struct Scene {
    pub(crate) api: Api,
    pub(crate) server: Server,
    pub(crate) grants: Grants,
    pub(crate) services: Services,
    /// Keeps the queue of events open.
    pub(crate) writer: Writer,
}

/// What is granted; `PORT` is where the test's server listens. What must be refused by its address is granted by its name.
const GRANTS: &str = "
kubernetes:
  - {apiGroups: [''], kinds: [ConfigMap], verbs: ['*'], namespaces: [team-a]}
  - {apiGroups: [''], kinds: [Pod], verbs: [get], namespaces: [team-a], names: [one]}
  - {apiGroups: [''], kinds: [Service], verbs: [get, patch], namespaces: [team-a], names: [front]}
http:
  - {origin: 'http://server.test:PORT', allowPlaintext: true, allowPrivate: true}
  - {origin: 'http://narrow.test:PORT', allowPlaintext: true, allowPrivate: true, pathPrefix: /in}
  - {origin: 'http://169.254.169.254', allowPlaintext: true, allowPrivate: true}
  - {origin: 'http://127.0.0.1:PORT', allowPlaintext: true}
  - {origin: 'http://[::ffff:7f00:1]:PORT', allowPlaintext: true}
  - {origin: 'http://rebound.test:PORT', allowPlaintext: true}
  - {origin: 'http://10.0.0.1', allowPlaintext: true}
secrets:
  - {names: [token], keys: [token], origins: ['https://api.example.org']}
  - {names: [hook], keys: [token], origins: ['http://server.test:PORT'], bodyMembers: [/config/secret]}
config: {port: PORT}
";

impl Scene {
    pub(crate) fn with(server: Server) -> Self {
        let api = Api::default()
            .with("team-a", "allowed", &json!({}))
            .with("team-b", "secret", &json!({}))
            .with_secret("team-a", "token", "token", "a secret value")
            .with_secret("team-a", "hook", "token", "a third secret value")
            .with_secret("team-a", "foreign", "token", "another secret value");
        let grants = Grants::parse(&GRANTS.replace("PORT", &server.port().to_string())).unwrap();
        let cluster = api.cluster();
        let watches = Watches::new(cluster.clone(), CancellationToken::new());
        let (recorder, writer) = Recorder::new(cluster.clone(), "test".into());
        let network = Network::resolving(NetworkSettings::default(), Arc::new(Names)).unwrap();
        let services = Services { cluster, watches, recorder, network };
        Self { api, server, grants, services, writer }
    }
}

/// Of a reconcile of the object that [`managed`] gives.
pub(crate) fn context() -> Context {
    let kind = GroupVersionKind::gvk("test.capstan.dev", "v1", "Hostile");
    Context {
        object: ObjectRef { kind, key: ObjectKey::namespaced("team-a", "it") },
        uid: "uid".into(),
        reconcile_id: 1,
        verbose: false,
        reads: Arc::new(Reads::default()),
    }
}

/// The object whose `spec` asks for the behaviour.
pub(crate) fn managed(behaviour: Behaviour) -> String {
    json!({
        "apiVersion": "test.capstan.dev/v1",
        "kind": "Hostile",
        "metadata": {"name": "it", "namespace": "team-a", "uid": "uid"},
        "spec": {"behaviour": behaviour.name()},
    })
    .to_string()
}

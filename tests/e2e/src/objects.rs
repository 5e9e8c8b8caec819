//! Looking at objects, and changing them, as a user with kubectl would.

use std::{fmt::Debug, future::Future, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Between the first two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Between two looks later on: what takes long is not to be kept from its work by being looked at.
const LOOK_AT_LEAST: Duration = Duration::from_millis(300);
/// For events to be written.
const TOLD: Duration = Duration::from_secs(30);

/// Objects of a cluster by `apiVersion`, plural, namespace and name.
#[derive(Clone)]
pub struct Objects {
    client: Client,
}

impl Objects {
    /// With the rights of the client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Applies every document of a YAML text, as `kubectl apply --server-side` does.
    pub async fn apply(&self, yaml: &str) -> Result<()> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("not YAML")?;
        for document in documents {
            self.apply_value(&document).await?;
        }
        Ok(())
    }

    /// Applies one object.
    pub async fn apply_value(&self, object: &Value) -> Result<()> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let api_version = text("/apiVersion").context("no apiVersion")?;
        let plural = plural(text("/kind").context("no kind")?);
        let name = text("/metadata/name").context("no name")?;
        let params = PatchParams::apply("user").force();
        let api = self.api(api_version, &plural, text("/metadata/namespace"));
        api.patch(name, &params, &Patch::Apply(object)).await.with_context(|| format!("{plural} {name}"))?;
        Ok(())
    }

    /// Changes an object by a merge patch.
    pub async fn merge(
        &self,
        api_version: &str,
        plural: &str,
        namespace: &str,
        name: &str,
        patch: Value,
    ) -> Result<()> {
        let api = self.api(api_version, plural, some(namespace));
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Changes the status of an object by a merge patch.
    pub async fn merge_status(
        &self,
        api_version: &str,
        plural: &str,
        namespace: &str,
        name: &str,
        status: Value,
    ) -> Result<()> {
        let api = self.api(api_version, plural, some(namespace));
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await?;
        Ok(())
    }

    /// One object; `Null` if there is none.
    pub async fn get(&self, api_version: &str, plural: &str, namespace: &str, name: &str) -> Result<Value> {
        let found = self.api(api_version, plural, some(namespace)).get_opt(name).await?;
        Ok(found.map_or(Ok(Value::Null), serde_json::to_value)?)
    }

    /// All objects of a kind in a namespace.
    pub async fn list(&self, api_version: &str, plural: &str, namespace: &str) -> Result<Vec<Value>> {
        let found = self.api(api_version, plural, some(namespace)).list(&ListParams::default()).await?;
        found.items.into_iter().map(|object| Ok(serde_json::to_value(object)?)).collect()
    }

    /// Asks for deletion.
    pub async fn delete(&self, api_version: &str, plural: &str, namespace: &str, name: &str) -> Result<()> {
        self.api(api_version, plural, some(namespace)).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// The events about an object, oldest first, each with the name of its own.
    pub async fn events(&self, namespace: &str, kind: &str, name: &str) -> Result<Vec<Value>> {
        let fields = format!("regarding.kind={kind},regarding.name={name}");
        let api = self.api("events.k8s.io/v1", "events", Some(namespace));
        let mut events = api.list(&ListParams::default().fields(&fields)).await?.items;
        events.sort_by_key(|event| event.data["eventTime"].as_str().unwrap_or_default().to_owned());
        events
            .into_iter()
            .map(|event| {
                let name = event.name_any();
                let mut value = serde_json::to_value(event)?;
                value["name"] = json!(name);
                Ok(value)
            })
            .collect()
    }

    /// Waits for an event of a reason about an object: events are written beside what they tell of, and may come later.
    ///
    /// # Errors
    /// If there is none within the time.
    pub async fn told(&self, namespace: &str, kind: &str, name: &str, reason: &str) -> Result<Vec<Value>> {
        let what = format!("an event {reason} about {kind} {name}");
        let is_told = |events: &Vec<Value>| events.iter().any(|event| event["reason"] == reason);
        eventually(&what, TOLD, || self.events(namespace, kind, name), is_told).await
    }

    /// Makes a namespace.
    pub async fn namespace(&self, name: &str) -> Result<()> {
        self.apply_value(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await
    }

    fn api(&self, api_version: &str, plural: &str, namespace: Option<&str>) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, ""), plural);
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}

fn some(namespace: &str) -> Option<&str> {
    (!namespace.is_empty()).then_some(namespace)
}

/// Good enough for the kinds of the scenarios.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.as_bytes() {
        [.., b'h' | b'o'] => format!("{kind}es"),
        [.., b'y'] => format!("{}ies", &kind[..kind.len() - 1]),
        _ => format!("{kind}s"),
    }
}

/// The condition of a type: `(status, reason, message)`; empty texts where there is none.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> (&'a str, &'a str, &'a str) {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == kind);
    let text = |key: &str| found.and_then(|condition| condition[key].as_str()).unwrap_or_default();
    (text("status"), text("reason"), text("message"))
}

/// Looks again and again until `wanted` says yes; after `limit` the error shows the last state.
pub async fn eventually<T: Debug, F: Future<Output = Result<T>>>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
    wanted: impl Fn(&T) -> bool,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut pause = LOOK;
    loop {
        let last = match tokio::time::timeout_at(deadline, look()).await {
            Ok(Ok(state)) if wanted(&state) => return Ok(state),
            Ok(last) => last,
            Err(_) => bail!("{what}: no answer within {limit:?}"),
        };
        if Instant::now() + pause > deadline {
            let last = last.map_or_else(|error| format!("{error:#}"), |state| format!("{state:#?}"));
            return Err(anyhow!("{what}: not within {limit:?}; the last state was {last}"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LOOK_AT_LEAST);
    }
}

//! Labelled `ConfigMap`s and files become `Provider`s: the host makes them, keeps them in step, and deletes them with what they
//! were made for.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use capstan_api::{Grants, ProviderSpec, Source, api_version, keys, provider_kind, provider_ref};
use capstan_cluster::{Cluster, Error, Patch};
use serde_json::{Value, json};

use crate::{
    ProviderError,
    source::{Found, Listing, Place},
    wanted::Facts,
};

/// Owns the fields that come from a `ConfigMap` or a file. What an administrator sets beside them is left alone.
const MANAGER: &str = "capstan-drop-in";

/// What stands at the places that make providers, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct DropIns {
    all: Vec<DropIn>,
    /// Told before their source was begun anew, and not since. They count until it has told all there is.
    doubtful: HashSet<Place>,
}

#[derive(Debug)]
struct DropIn {
    place: Place,
    found: Found,
    /// What it asks for, read once: it is compared whenever something happens to any of them. `None`: it is of no use.
    spec: Option<ProviderSpec>,
}

/// One step that brings the objects in line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Apply { name: String, body: Value, force: bool },
    Amend { name: String, patch: Value },
    Delete { name: String, uid: String },
}

/// Which places have been told in full: only then is what is not there known to be gone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    pub(crate) config_maps: bool,
    pub(crate) files: bool,
}

impl Told {
    pub(crate) fn listed(&mut self, listing: Listing) {
        match listing {
            Listing::ConfigMaps => self.config_maps = true,
            Listing::Files => self.files = true,
        }
    }
}

impl DropIns {
    /// False if it stood there already.
    pub(crate) fn found(&mut self, place: Place, found: Found) -> bool {
        self.doubtful.remove(&place);
        let known = self.all.iter_mut().find(|known| known.place == place);
        if known.as_ref().is_some_and(|known| known.found == found) {
            return false;
        }
        let grants = found.artifact.as_ref().ok().and_then(|artifact| Grants::parse(&artifact.grants).ok());
        let spec = grants.map(|grants| ProviderSpec::new(place.source(), grants));
        let drop_in = DropIn { place, found, spec };
        match known {
            Some(known) => *known = drop_in,
            None => self.all.push(drop_in),
        }
        true
    }

    pub(crate) fn gone(&mut self, place: &Place) {
        self.doubtful.remove(place);
        self.all.retain(|known| known.place != *place);
    }

    /// A source begins to tell all there is.
    pub(crate) fn begun(&mut self, listing: Listing) {
        let places = self.all.iter().map(|known| &known.place).filter(|place| listing.has(place));
        self.doubtful.extend(places.cloned());
    }

    /// It has told all there is. What it told only before it was begun anew went meanwhile, and goes; gives the places.
    pub(crate) fn listed(&mut self, listing: Listing) -> Vec<Place> {
        let gone: Vec<Place> = self.doubtful.iter().filter(|place| listing.has(place)).cloned().collect();
        for place in &gone {
            self.gone(place);
        }
        gone
    }

    /// What stands at a place for a provider.
    pub(crate) fn at(&self, place: &Place, provider: &str) -> Option<&Found> {
        let DropIn { found, .. } = self.all.iter().find(|known| known.place == *place)?;
        (found.provider.as_deref() == Some(provider)).then_some(found)
    }

    /// What a file holds, whoever names it.
    pub(crate) fn file(&self, name: &str) -> Option<&Found> {
        let wanted = Place::File(name.to_owned());
        self.all.iter().find(|known| known.place == wanted).map(|known| &known.found)
    }

    /// What has to be done, as far as `mine` says that it is ours to do.
    pub(crate) fn steps(&self, objects: &HashMap<String, Facts>, told: Told, mine: impl Fn(&str) -> bool) -> Vec<Step> {
        let mut steps = Vec::new();
        for drop_in @ DropIn { place, found, .. } in &self.all {
            let Some(name) = found.provider.as_deref().filter(|name| mine(name)) else { continue };
            if self.refusal(place, found, objects).is_none() {
                steps.extend(apply(name, drop_in, objects.get(name)));
            }
        }
        for (name, facts) in objects.iter().filter(|(name, facts)| facts.made && !facts.deleting && mine(name)) {
            let known = match facts.source() {
                Some(Source::ConfigMap { .. }) => told.config_maps,
                Some(Source::File { .. }) => told.files,
                Some(Source::Oci(_)) | None => false,
            };
            if known && !self.all.iter().any(|known| known.found.provider.as_ref() == Some(name)) {
                steps.push(Step::Delete { name: name.clone(), uid: facts.uid.clone() });
            }
        }
        steps
    }

    /// Why something that was found makes no provider. `None`: it does.
    pub(crate) fn refusal(
        &self,
        place: &Place,
        found: &Found,
        objects: &HashMap<String, Facts>,
    ) -> Option<ProviderError> {
        let name = found.provider.as_deref()?;
        if let Err(error) = crate::check_name(name) {
            return Some(error.into());
        }
        let first = match objects.get(name) {
            Some(facts) if !facts.made => {
                let same = facts.source() == Some(&place.source());
                let by_hand = format!("Provider {name} was made by hand, and comes from another source");
                return (!same).then_some(ProviderError::Conflict(by_hand));
            }
            // What it was made from stays what counts, as long as it is there.
            Some(facts) => self.named(name).find(|known| facts.source() == Some(&known.place.source())),
            None => None,
        };
        let first = first.or_else(|| self.named(name).next())?;
        (first.place != *place)
            .then(|| ProviderError::Conflict(format!("provider {name} comes from {} already", first.found.origin)))
    }

    /// Everything that was found under a name, in the order in which it came.
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a DropIn> {
        self.all.iter().filter(move |known| known.found.provider.as_deref() == Some(name))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Place, &Found)> {
        self.all.iter().map(|known| (&known.place, &known.found))
    }
}

fn apply(name: &str, drop_in: &DropIn, known: Option<&Facts>) -> Option<Step> {
    // One that is being deleted still needs its source, to clear up after itself.
    if known.is_some_and(|facts| !facts.made) {
        return None;
    }
    let DropIn { place, spec, .. } = drop_in;
    let spec = match (spec, known) {
        (Some(spec), _) => Cow::Borrowed(spec),
        // Of no use, and there has to be an object that says so; one that is there says it as it is.
        (None, None) => Cow::Owned(ProviderSpec::new(place.source(), Grants::default())),
        (None, Some(_)) => return None,
    };
    if let Some(Facts { uid, spec: Ok(current), .. }) = known {
        let patch = amendment(uid, current, &spec);
        return patch.map(|patch| Step::Amend { name: name.to_owned(), patch });
    }
    let made_from = match place {
        Place::Labelled(_) | Place::Named(_) => "config-map",
        Place::File(_) => "file",
    };
    let body = json!({
        "apiVersion": api_version(&provider_kind()),
        "kind": provider_kind().kind,
        "metadata": {"name": name, "labels": {keys::MADE_FROM: made_from}},
        "spec": spec,
    });
    Some(Step::Apply { name: name.to_owned(), body, force: known.is_some() })
}

/// What brings the members that come from a source in line, each as a whole: what somebody added inside them does not stay.
fn amendment(uid: &str, current: &ProviderSpec, wanted: &ProviderSpec) -> Option<Value> {
    if current.source == wanted.source
        && current.grants == wanted.grants
        && current.service_account == wanted.service_account
        && current.limits == wanted.limits
        && current.config == wanted.config
    {
        return None;
    }
    let (current, wanted) = (json!(current), json!(wanted));
    let mut operations = vec![json!({"op": "test", "path": "/metadata/uid", "value": uid})];
    for member in ["source", "grants", "serviceAccount", "limits", "config"] {
        let path = format!("/spec/{member}");
        match (current.get(member), wanted.get(member)) {
            (now, then) if now == then => {}
            (_, Some(value)) => operations.push(json!({"op": "add", "path": path, "value": value})),
            (_, None) => operations.push(json!({"op": "remove", "path": path})),
        }
    }
    (operations.len() > 1).then_some(Value::Array(operations))
}

/// Takes the steps one by one; gives those that failed.
pub(crate) async fn take(cluster: Cluster, steps: Vec<Step>) -> Vec<(String, Error)> {
    let mut failed = Vec::new();
    for step in steps {
        let (name, done) = match step {
            Step::Apply { name, body, force } => {
                let patch = Patch::Apply { body: &body, manager: MANAGER, force };
                let applied = cluster.patch(&provider_ref(&name), None, patch).await;
                (name, applied.map(drop))
            }
            Step::Amend { name, patch } => {
                let amended = cluster.patch(&provider_ref(&name), None, Patch::Json(&patch)).await;
                (name, amended.map(drop))
            }
            Step::Delete { name, uid } => {
                let deleted = cluster.delete(&provider_ref(&name), Some(&uid)).await;
                (name, deleted.or_else(|error| if matches!(error, Error::NotFound(_)) { Ok(()) } else { Err(error) }))
            }
        };
        failed.extend(done.err().map(|error| (name, error)));
    }
    failed
}

#[cfg(test)]
mod tests;

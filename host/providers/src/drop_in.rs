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
mod tests {
    use bytes::Bytes;
    use capstan_cluster::Object;

    use super::*;
    use crate::{Artifact, Origin};

    const GRANTS: &str = "kubernetes: [{apiGroups: [''], kinds: [Pod], verbs: [get]}]\nlimits: {callTimeout: 10s}";
    const ALL: Told = Told { config_maps: true, files: true };

    fn found(provider: &str, grants: &str) -> Found {
        let origin = Origin::File("from here".to_owned());
        let artifact = Artifact { component: Bytes::from_static(b"x"), grants: grants.into(), origin: origin.clone() };
        Found { provider: Some(provider.to_owned()), origin, artifact: Ok(artifact) }
    }

    fn place(name: &str) -> Place {
        Place::Labelled(name.to_owned())
    }

    /// As the API server would give it back.
    fn stored(body: &Value) -> Facts {
        let mut body = body.clone();
        body["metadata"]["uid"] = json!("u");
        Facts::of(&Object::from_value(body).unwrap()).unwrap()
    }

    fn body(steps: &[Step]) -> &Value {
        match steps {
            [Step::Apply { body, .. }] => body,
            other => panic!("{other:?}"),
        }
    }

    /// What is done to an object that is there, beside making sure that it is the one.
    fn amended(steps: &[Step]) -> &[Value] {
        match steps {
            [Step::Amend { patch: Value::Array(operations), .. }] => {
                assert_eq!(operations[0], json!({"op": "test", "path": "/metadata/uid", "value": "u"}));
                &operations[1..]
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_delivered_gets_an_object_and_the_object_goes_with_it() {
        let mut all = DropIns::default();
        all.found(place("carrier"), found("note", GRANTS));
        let steps = all.steps(&HashMap::new(), ALL, |_| true);
        let made = body(&steps);
        assert_eq!(made["spec"]["source"], json!({"configMap": {"name": "carrier"}}));
        assert_eq!(made["spec"]["limits"], json!({"callTimeout": "10s"}));

        let mut objects = HashMap::from([("note".to_owned(), stored(made))]);
        assert_eq!(all.steps(&objects, ALL, |_| true), [], "all is as it should be");
        // What an administrator adds is his.
        if let Ok(spec) = &mut objects.get_mut("note").unwrap().spec {
            spec.paused = true;
        }
        assert_eq!(all.steps(&objects, ALL, |_| true), []);

        // What he adds to the members that come from the source does not stay, and a source that says less takes away.
        let own_limits = |facts: &mut Facts| facts.spec.as_mut().unwrap().limits.memory = Some(1 << 20);
        own_limits(objects.get_mut("note").unwrap());
        let limits = json!({"op": "add", "path": "/spec/limits", "value": {"callTimeout": "10s"}});
        assert_eq!(amended(&all.steps(&objects, ALL, |_| true)), [limits]);
        // An account is part of what it may do.
        all.found(place("carrier"), found("note", &format!("{GRANTS}\nserviceAccount: {{namespace: a, name: b}}")));
        let named = amended(&all.steps(&objects, ALL, |_| true))[0].clone();
        assert_eq!(
            named,
            json!({"op": "add", "path": "/spec/serviceAccount", "value": {"namespace": "a", "name": "b"}})
        );
        all.found(place("carrier"), found("note", ""));
        let removed = ["grants", "limits"].map(|member| json!({"op": "remove", "path": format!("/spec/{member}")}));
        assert_eq!(amended(&all.steps(&objects, ALL, |_| true)), removed);
        // So it is while it waits for its objects: it needs its source to clear up.
        objects.get_mut("note").unwrap().deleting = true;
        assert_eq!(amended(&all.steps(&objects, ALL, |_| true)), removed);
        objects.get_mut("note").unwrap().deleting = false;
        assert_eq!(all.steps(&objects, ALL, |_| false), [], "another replica's");

        all.gone(&place("carrier"));
        let delete = Step::Delete { name: "note".to_owned(), uid: "u".to_owned() };
        assert_eq!(all.steps(&objects, ALL, |_| true), [delete]);
        assert_eq!(all.steps(&objects, Told::default(), |_| true), [], "nobody has said yet what there is");
    }

    #[test]
    fn what_goes_while_its_source_is_begun_anew_goes_when_all_there_is_was_told() {
        let mut all = DropIns::default();
        let file = Place::File("file.wasm".to_owned());
        for (place, provider) in [(place("stays"), "stays"), (place("goes"), "goes"), (file.clone(), "file")] {
            assert!(all.found(place, found(provider, "")));
        }
        let steps = all.steps(&HashMap::new(), ALL, |_| true);
        let made = steps.iter().map(|step| match step {
            Step::Apply { name, body, .. } => (name.clone(), stored(body)),
            other => panic!("{other:?}"),
        });
        let objects: HashMap<String, Facts> = made.collect();
        // It has no more to say than what it said before, and panics once more before it has said all of that.
        for _ in 0..2 {
            all.begun(Listing::ConfigMaps);
            assert!(!all.found(place("stays"), found("stays", "")), "this is no news");
            assert_eq!(all.listed(Listing::Files), [], "that is another source");
            assert_eq!(all.steps(&objects, ALL, |_| true), [], "what it has not told yet may be there");
        }
        assert_eq!(all.listed(Listing::ConfigMaps), [place("goes")]);
        let delete = Step::Delete { name: "goes".to_owned(), uid: "u".to_owned() };
        assert_eq!(all.steps(&objects, ALL, |_| true), [delete]);
        // What is told to be gone is not gone twice.
        all.begun(Listing::ConfigMaps);
        all.gone(&place("stays"));
        assert_eq!(all.listed(Listing::ConfigMaps), []);
        assert!(all.file("file.wasm").is_some());
        assert!(all.found(place("stays"), found("stays", "")), "it came back");
    }

    #[test]
    fn what_is_of_no_use_gets_an_object_that_can_say_so_and_changes_none() {
        let mut all = DropIns::default();
        all.found(place("carrier"), found("note", GRANTS));
        let good = body(&all.steps(&HashMap::new(), ALL, |_| true)).clone();
        all.found(place("carrier"), found("note", "kubernets: []"));
        assert!(body(&all.steps(&HashMap::new(), ALL, |_| true))["spec"].get("grants").is_none());
        let objects = HashMap::from([("note".to_owned(), stored(&good))]);
        assert_eq!(all.steps(&objects, ALL, |_| true), []);
    }

    #[test]
    fn the_first_to_have_a_name_keeps_it() {
        let mut all = DropIns::default();
        let (one, two) = (place("one"), place("two"));
        all.found(one.clone(), found("note", ""));
        all.found(two.clone(), found("note", GRANTS));
        let none = HashMap::new();
        assert!(all.refusal(&one, &found("note", ""), &none).is_none());
        assert_eq!(all.refusal(&two, &found("note", ""), &none).unwrap().reason(), "Conflict");
        // Also when the order is another one after a restart.
        let made = body(&all.steps(&none, ALL, |_| true)).clone();
        let objects = HashMap::from([("note".to_owned(), stored(&made))]);
        let mut again = DropIns::default();
        again.found(two.clone(), found("note", GRANTS));
        again.found(one.clone(), found("note", ""));
        assert!(again.refusal(&one, &found("note", ""), &objects).is_none());
        assert!(again.refusal(&two, &found("note", ""), &objects).is_some());
        // When the first is gone it is the other one's turn.
        again.gone(&one);
        let source = json!({"op": "add", "path": "/spec/source", "value": {"configMap": {"name": "two"}}});
        assert_eq!(amended(&again.steps(&objects, ALL, |_| true))[0], source);

        let by_hand = json!({
            "apiVersion": "capstan.dev/v1alpha1", "kind": "Provider", "metadata": {"name": "note"},
            "spec": {"source": {"file": {"name": "note.wasm"}}},
        });
        let objects = HashMap::from([("note".to_owned(), stored(&by_hand))]);
        assert!(all.refusal(&one, &found("note", ""), &objects).unwrap().to_string().contains("by hand"));
        assert_eq!(all.steps(&objects, ALL, |_| true), []);
    }
}

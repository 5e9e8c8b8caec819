//! Which resources are served: the built-in ones and those of established CRDs.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::builtin;
use crate::crd::{resources::resources, status::has_condition, text};
use crate::encode::{self, Encoder};
use crate::object::ObjectExt;
use crate::request::path::GroupVersion;
use crate::resource::{Resource, qualify};
use crate::store::Object;

/// Space between the schema ids of two states of CRDs, for their versions.
const SCHEMA_ID_STEP: u64 = 1 << 16;

/// No resource has this one.
const UNKNOWN_SCHEMA: u64 = u64::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Registry {
    /// By API version and plural.
    served: BTreeMap<GroupVersion, BTreeMap<String, Arc<Resource>>>,
    /// Groups in the order of discovery, which is the order in which they appeared.
    groups: Vec<String>,
    next_schema_id: u64,
    /// The state of each served CRD: uid and generation, by name.
    definitions: HashMap<String, (String, i64)>,
    /// As it was before the changes of a transaction.
    before: Option<Box<Self>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let mut registry = Self {
            served: BTreeMap::new(),
            groups: Vec::new(),
            next_schema_id: SCHEMA_ID_STEP,
            definitions: HashMap::new(),
            before: None,
        };
        for resource in builtin::RESOURCES.iter() {
            registry.insert(Arc::clone(resource));
        }
        registry
    }

    /// Serves the established ones of saved CRDs, the oldest first. Together they had been accepted as they are.
    pub(crate) fn restore<'a>(&mut self, crds: impl Iterator<Item = &'a Value>) {
        let mut crds: Vec<&Value> = crds.filter(|crd| has_condition(crd, "Established", "True")).collect();
        crds.sort_by_key(|crd| crd.meta_str("creationTimestamp"));
        for crd in crds {
            self.serve(crd);
        }
        self.commit();
    }

    /// The schema under which a saved object may be taken to be written: one that reading it by would not change.
    pub(crate) fn schema_of(&self, collection: &str, value: &Value) -> u64 {
        let Some(resource) = self.of_collection(collection) else { return UNKNOWN_SCHEMA };
        let object = Object::unsaved(value.clone(), 0, UNKNOWN_SCHEMA);
        let mut unchanged = value.clone();
        encode::add_type(resource, &mut unchanged);
        let read = Encoder::new(Arc::clone(resource)).value(&object);
        if read == unchanged { resource.schema_id } else { UNKNOWN_SCHEMA }
    }

    /// An object as it has to be before it is changed: if its definition changed since it was written, without the fields
    /// that are gone, and with all defaults. `resource` is the version through which it is changed.
    pub(crate) fn brought_up<'o>(&self, resource: &Resource, object: &'o Object) -> Cow<'o, Value> {
        let mut versions = self.served.values().flat_map(BTreeMap::values);
        let is_current = |version: &Arc<Resource>| version.schema_id == object.schema_id;
        if !resource.is_custom() || versions.any(is_current) {
            return Cow::Borrowed(&object.value);
        }
        let mut versions = self.served.values().flat_map(BTreeMap::values);
        let stored = versions.find(|version| version.stored && version.collection == resource.collection);
        let schema = stored.map_or(&resource.schema, |version| &version.schema);
        Cow::Owned(encode::by_schema(&object.value, schema))
    }

    fn insert(&mut self, resource: Arc<Resource>) {
        if !self.groups.contains(&resource.group_version.group) {
            self.groups.push(resource.group_version.group.clone());
        }
        let resources = self.served.entry(resource.group_version.clone()).or_default();
        resources.insert(resource.plural.clone(), resource);
    }

    pub(crate) fn find(&self, group_version: &GroupVersion, plural: &str) -> Option<&Arc<Resource>> {
        self.served.get(group_version)?.get(plural)
    }

    /// The resources of one group and version, by name; `None` if it is not served.
    pub(crate) fn resources(&self, group_version: &GroupVersion) -> Option<impl Iterator<Item = &Arc<Resource>>> {
        self.served.get(group_version).map(BTreeMap::values)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(String::as_str)
    }

    /// The versions of a group, the preferred one first.
    pub(crate) fn versions(&self, group: &str) -> Vec<&GroupVersion> {
        let mut versions: Vec<&GroupVersion> = self.served.keys().filter(|served| served.group == group).collect();
        versions.sort_by_key(|served| Reverse(version_rank(&served.version)));
        versions
    }

    /// A resource of a collection, whichever version.
    pub(crate) fn of_collection(&self, collection: &str) -> Option<&Arc<Resource>> {
        self.served.values().flat_map(BTreeMap::values).find(|resource| &*resource.collection == collection)
    }

    /// The resource that serves a kind under an `apiVersion`.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Arc<Resource>> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let group_version = GroupVersion { group: group.to_owned(), version: version.to_owned() };
        self.served.get(&group_version)?.values().find(|resource| resource.kind == kind)
    }

    /// Serves the versions of a CRD in place of those it had before. Says whether anything changed.
    pub(crate) fn serve(&mut self, crd: &Value) -> bool {
        let state = (crd.meta_str("uid").to_owned(), crd["metadata"]["generation"].as_i64().unwrap_or(0));
        if self.definitions.get(crd.meta_str("name")) == Some(&state) {
            return false;
        }
        self.remember();
        self.remove(text(crd, "/spec/group"), text(crd, "/spec/names/plural"));
        for resource in resources(crd, self.next_schema_id) {
            self.insert(Arc::new(resource));
        }
        self.next_schema_id += SCHEMA_ID_STEP;
        self.definitions.insert(crd.meta_str("name").to_owned(), state);
        true
    }

    /// Stops serving a resource of a CRD in all versions.
    pub(crate) fn remove(&mut self, group: &str, plural: &str) {
        self.remember();
        self.definitions.remove(&qualify(plural, group));
        for (group_version, resources) in &mut self.served {
            if group_version.group == group {
                resources.remove(plural);
            }
        }
        self.served.retain(|_, resources| !resources.is_empty());
        self.groups.retain(|group| self.served.keys().any(|served| served.group == *group));
    }

    /// Keeps what there is, for [`Registry::roll_back`]. The resources themselves are shared.
    fn remember(&mut self) {
        if self.before.is_none() {
            self.before = Some(Box::new(self.clone()));
        }
    }

    /// Makes the changes since the last commit final.
    pub(crate) fn commit(&mut self) {
        self.before = None;
    }

    /// Undoes the changes since the last commit.
    pub(crate) fn roll_back(&mut self) {
        if let Some(before) = self.before.take() {
            *self = *before;
        }
    }
}

/// How preferred a version is: stable above beta above alpha, then by number; other names come last.
pub(crate) fn version_rank(version: &str) -> (u8, u32, u32) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major = rest[..digits].parse().ok()?;
        let (stage, minor) = match &rest[digits..] {
            "" => (3, 0),
            beta if beta.starts_with("beta") => (2, beta[4..].parse().ok()?),
            alpha if alpha.starts_with("alpha") => (1, alpha[5..].parse().ok()?),
            _ => return None,
        };
        Some((stage, major, minor))
    };
    parse().unwrap_or((0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_versions_are_preferred() {
        let mut versions = ["foo", "v1alpha1", "v1beta2", "v2", "v1", "v1beta1"];
        versions.sort_by_key(|version| Reverse(version_rank(version)));
        assert_eq!(versions, ["v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "foo"]);
    }
}

//! A specification that can be worked with.

use crate::field_path::{FieldPath, ParseError, Segment, WILDCARD};
use crate::merge::MergeOptions;

use super::{
    DeletionPolicy, From, LabelSelector, NamedSource, ObjectReference, OnConflict, OnDelete, Selector, Spec, WhenNull,
};

/// How many sources a `Patch` may have.
pub const MAX_SOURCES: usize = 16;

/// A specification that can be worked with.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedSpec {
    /// Where the value comes from: one source without a name, or several with names.
    pub sources: Vec<Source>,
    /// The object that is changed, or several.
    pub target: Target,
    /// The field that is written. May hold wildcards.
    pub target_path: FieldPath,
    /// How the value is changed on the way.
    pub transform: Transform,
    /// How it meets the value that the target has; without options it replaces it.
    pub merge: Option<MergeOptions>,
    /// What a result of null means.
    pub when_null: WhenNull,
    /// What happens when somebody else owns the field.
    pub on_conflict: OnConflict,
    /// What becomes of the field when the `Patch` is deleted.
    pub on_delete: OnDelete,
}

/// An object that is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What the transform calls it; none for an only one, which is the transform's whole input.
    pub name: Option<String>,
    /// The object.
    pub object: ObjectKey,
    /// The field that is read; without wildcards.
    pub path: FieldPath,
}

impl Source {
    /// Where it stands in the specification.
    pub(crate) fn field(&self) -> String {
        match &self.name {
            Some(name) => format!("spec.sources[{name}]"),
            None => "spec.from".to_owned(),
        }
    }
}

/// What is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One object.
    Named(ObjectKey),
    /// Every object of a kind in a namespace with certain labels.
    Selected {
        /// `v1`, `apps/v1` and so on.
        api_version: String,
        /// The kind.
        kind: String,
        /// The namespace, to be ignored for kinds that have none.
        namespace: String,
        /// A label selector in kubectl's grammar.
        labels: String,
    },
}

/// Where the objects of a `Patch` may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'n> {
    /// Anywhere.
    Cluster,
    /// In this namespace only.
    Namespace(&'n str),
}

/// Names an object completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    /// `v1`, `apps/v1` and so on.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace, to be ignored for kinds that have none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// How a value is changed between source and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// Not at all.
    None,
    /// Through a Go template pipeline, into text.
    Template(Vec<String>),
    /// Through `${ jq }`, or replaced by literal text.
    Query(String),
}

impl Transform {
    /// Where it stands in the specification, for messages; none without one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Transform::None => None,
            Transform::Template(_) => Some("spec.to.transforms"),
            Transform::Query(_) => Some("spec.to.transform"),
        }
    }
}

/// Why a specification cannot be worked with. The message names the field and says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    /// `spec` has a field of the wrong type. The API server does not let this through while the schema is installed.
    #[error("spec does not have the shape of a Patch: {0}")]
    Shape(String),
    /// A field without a default is missing or empty.
    #[error("spec.{field} is required: {hint}")]
    Missing {
        /// The field, below `spec`.
        field: String,
        /// What to write there.
        hint: &'static str,
    },
    /// A field path does not parse.
    #[error("spec.{field}: {error}")]
    Path {
        /// The field, below `spec`.
        field: String,
        /// Where it stopped making sense.
        error: ParseError,
    },
    /// A source must be one field.
    #[error("spec.{0}.fieldPath {1:?} contains a wildcard: a value comes from one field, name it")]
    SourceWildcard(String, String),
    /// Both generations of transforms at once.
    #[error("spec.to has both transform and transforms: keep one of them")]
    TwoTransforms,
    /// One source and several.
    #[error("spec has both from and sources: keep one of them")]
    FromAndSources,
    /// More sources than [`MAX_SOURCES`].
    #[error("spec.sources has {0} entries, more than {MAX_SOURCES}")]
    TooManySources(usize),
    /// The name of a source cannot be used.
    #[error("spec.sources has the name {0:?}, which {1}")]
    SourceName(String, &'static str),
    /// A target by name and by labels.
    #[error("spec.to has both objectReference.name and selector: keep one of them")]
    NameAndSelector,
    /// The selector cannot be read.
    #[error("spec.to.selector: {0}")]
    Selector(String),
    /// The namespaced kind reaches into another namespace.
    #[error("spec.{field} names the namespace {namespace}: this kind is confined to its own, {own}")]
    OtherNamespace {
        /// The reference, below `spec`.
        field: String,
        /// The one it names.
        namespace: String,
        /// The one it may name.
        own: String,
    },
    /// What a revert could give to another element.
    #[error(
        "spec.onDelete is revert, but {0} leads through a list, whose elements may have moved by then: use keep, or name a field that is reached by names alone"
    )]
    ElementRevert(FieldPath),
    /// The wildcard would stand for the identity of the object, too.
    #[error("spec.to.fieldPath {0} begins with a wildcard: name the field of the object that it means")]
    RootWildcard(FieldPath),
    /// The status of a `Patch` says what may be given back when it is deleted.
    #[error("spec.to.fieldPath {0} is in the status of a {1}, which is written by its provider alone")]
    OwnStatus(FieldPath, String),
    /// What a revert would have to keep.
    #[error("spec.onDelete is revert, but the old value of a Secret must not be kept in a status: use keep")]
    SecretRevert,
}

impl Spec {
    /// Fills in the defaults and refuses what cannot be carried out.
    pub fn check(self, scope: Scope) -> Result<CheckedSpec, InvalidSpec> {
        let on_delete = if self.reverts() { OnDelete::Revert } else { OnDelete::Keep };
        let sources = check_sources(self.from, self.sources, scope)?;
        let to = self.to.ok_or_else(|| missing("to", "say where the value goes"))?;
        let target = check_target(to.object_reference, to.selector.as_ref(), scope)?;
        let target_path = match (given(to.field_path), &sources[..]) {
            (Some(text), _) => parse_path("to", &text)?,
            (None, [Source { name: None, path, .. }]) => path.clone(),
            (None, _) => return Err(missing("to.fieldPath", "several sources have no field in common")),
        };
        check_path(&target_path, &target)?;
        let transform = match (to.transforms.filter(|commands| !commands.is_empty()), to.transform) {
            (Some(_), Some(_)) => return Err(InvalidSpec::TwoTransforms),
            (None, Some(text)) => Transform::Query(text),
            (Some(commands), None) => Transform::Template(commands),
            (None, None) => Transform::None,
        };
        let spec = CheckedSpec {
            sources,
            target,
            target_path,
            transform,
            merge: self.merge_options,
            when_null: to.when_null.unwrap_or_default(),
            on_conflict: to.on_conflict.unwrap_or_default(),
            on_delete,
        };
        if spec.on_delete == OnDelete::Revert && spec.takes_secrets() {
            return Err(InvalidSpec::SecretRevert);
        }
        if spec.on_delete == OnDelete::Revert && spec.target_path.has_index() {
            return Err(InvalidSpec::ElementRevert(spec.target_path));
        }
        Ok(spec)
    }

    /// Whether old values are given back when the `Patch` is deleted.
    #[must_use]
    pub fn reverts(&self) -> bool {
        self.on_delete == Some(OnDelete::Revert) && self.deletion_policy != Some(DeletionPolicy::Orphan)
    }
}

impl CheckedSpec {
    /// Whether a value may come from a Secret, or replace one in it, so that it must not be shown.
    pub(crate) fn takes_secrets(&self) -> bool {
        let (api_version, kind) = self.target.kind();
        is_secret(api_version, kind) || self.reads_secrets()
    }

    /// Whether what is written depends on what is there.
    pub(crate) fn merges(&self) -> bool {
        self.merge.is_some()
    }

    /// Whether a source is a Secret.
    pub(crate) fn reads_secrets(&self) -> bool {
        self.sources.iter().any(|source| source.object.is_secret())
    }
}

impl ObjectKey {
    fn is_secret(&self) -> bool {
        is_secret(&self.api_version, &self.kind)
    }
}

impl Target {
    fn kind(&self) -> (&str, &str) {
        match self {
            Target::Named(key) => (&key.api_version, &key.kind),
            Target::Selected { api_version, kind, .. } => (api_version, kind),
        }
    }
}

/// What no schema would keep a `Patch` from writing.
fn check_path(path: &FieldPath, target: &Target) -> Result<(), InvalidSpec> {
    let (api_version, kind) = target.kind();
    match path.segments().first() {
        Some(Segment::Field(first)) if first == WILDCARD => Err(InvalidSpec::RootWildcard(path.clone())),
        Some(Segment::Field(first)) if first == "status" && is_own(api_version, kind) => {
            Err(InvalidSpec::OwnStatus(path.clone(), kind.to_owned()))
        }
        _ => Ok(()),
    }
}

/// Whether it is a kind of this provider, in any version.
fn is_own(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    group == "krateo.io" && matches!(kind, "Patch" | "NamespacedPatch")
}

fn is_secret(api_version: &str, kind: &str) -> bool {
    api_version == "v1" && kind == "Secret"
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn missing(field: impl Into<String>, hint: &'static str) -> InvalidSpec {
    InvalidSpec::Missing { field: field.into(), hint }
}

/// Of the `fieldPath` of a side.
fn parse_path(side: &str, text: &str) -> Result<FieldPath, InvalidSpec> {
    text.parse().map_err(|error| InvalidSpec::Path { field: format!("{side}.fieldPath"), error })
}

fn check_sources(
    from: Option<From>,
    several: Option<Vec<NamedSource>>,
    scope: Scope,
) -> Result<Vec<Source>, InvalidSpec> {
    let Some(several) = several.filter(|sources| !sources.is_empty()) else {
        let from = from.ok_or_else(|| missing("from", "say where the value comes from"))?;
        let (object, path) = check_source("from", from.object_reference, from.field_path, scope)?;
        return Ok(vec![Source { name: None, object, path }]);
    };
    if from.is_some() {
        return Err(InvalidSpec::FromAndSources);
    }
    if several.len() > MAX_SOURCES {
        return Err(InvalidSpec::TooManySources(several.len()));
    }
    let mut sources: Vec<Source> = Vec::new();
    for (position, NamedSource { name, object_reference, field_path }) in several.into_iter().enumerate() {
        let field = format!("sources[{position}]");
        let name = given(name);
        let name = name.ok_or_else(|| missing(format!("{field}.name"), "what the transform calls it"))?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(is_word) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(InvalidSpec::SourceName(name, "is not made of letters, digits and _ alone"));
        }
        if sources.iter().any(|source| source.name.as_ref() == Some(&name)) {
            return Err(InvalidSpec::SourceName(name, "is there twice"));
        }
        let (object, path) = check_source(&field, object_reference, field_path, scope)?;
        sources.push(Source { name: Some(name), object, path });
    }
    Ok(sources)
}

fn check_source(
    side: &str,
    reference: Option<ObjectReference>,
    path: Option<String>,
    scope: Scope,
) -> Result<(ObjectKey, FieldPath), InvalidSpec> {
    let object = check_reference(side, reference, scope)?;
    let hint = "name the field to read, for example data.key";
    let text = given(path).ok_or_else(|| missing(format!("{side}.fieldPath"), hint))?;
    let path = parse_path(side, &text)?;
    if path.has_wildcard() {
        return Err(InvalidSpec::SourceWildcard(side.to_owned(), text));
    }
    Ok((object, path))
}

fn check_target(
    reference: Option<ObjectReference>,
    selector: Option<&LabelSelector>,
    scope: Scope,
) -> Result<Target, InvalidSpec> {
    let Some(selector) = selector else {
        return Ok(Target::Named(check_reference("to", reference, scope)?));
    };
    let reference = reference.unwrap_or_default();
    if given(reference.name).is_some() {
        return Err(InvalidSpec::NameAndSelector);
    }
    // All that is missing then is the name.
    let reference = ObjectReference { name: Some("*".to_owned()), ..reference };
    let ObjectKey { api_version, kind, namespace, .. } = check_reference("to", Some(reference), scope)?;
    let labels = Selector(selector).text().map_err(InvalidSpec::Selector)?;
    Ok(Target::Selected { api_version, kind, namespace, labels })
}

fn check_reference(side: &str, reference: Option<ObjectReference>, scope: Scope) -> Result<ObjectKey, InvalidSpec> {
    let field = |name: &str| format!("{side}.objectReference{name}");
    let reference = reference.ok_or_else(|| missing(field(""), "name the object by kind, name and namespace"))?;
    let namespace = match (scope, given(reference.namespace)) {
        (Scope::Cluster, namespace) => namespace.unwrap_or_else(|| "default".to_owned()),
        (Scope::Namespace(own), Some(namespace)) if namespace != own => {
            return Err(InvalidSpec::OtherNamespace { field: field(".namespace"), namespace, own: own.to_owned() });
        }
        (Scope::Namespace(own), _) => own.to_owned(),
    };
    Ok(ObjectKey {
        api_version: given(reference.api_version).unwrap_or_else(|| "v1".to_owned()),
        kind: given(reference.kind).ok_or_else(|| missing(field(".kind"), "for example ConfigMap"))?,
        namespace,
        name: given(reference.name).ok_or_else(|| missing(field(".name"), "the object's metadata.name"))?,
    })
}

//! Structural schemas: what the fields of a kind are.
//!
//! A schema says which fields exist (everything else is pruned), what they default to, what is valid, and how lists and
//! maps merge under server-side apply. Built-in kinds have schemas too, so that one machinery serves all.

pub(crate) mod correlate;
pub(crate) mod defaults;
mod duration;
pub(crate) mod embedded;
mod formats;
mod junctors;
mod lists;
mod parse;
pub(crate) mod prune;
pub(crate) mod rules;
pub(crate) mod structural;
pub(crate) mod validate;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

pub(crate) use parse::parse;
use rules::Rule;

/// The schema of one value.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties, as the API has them")]
pub(crate) struct Schema {
    pub(crate) ty: Option<Type>,
    pub(crate) nullable: bool,
    pub(crate) properties: BTreeMap<String, Schema>,
    /// Schema of the values of a map with arbitrary keys.
    pub(crate) additional: Option<Box<Schema>>,
    pub(crate) items: Option<Box<Schema>>,
    pub(crate) required: Vec<String>,
    pub(crate) default: Option<Value>,
    pub(crate) preserve_unknown: bool,
    pub(crate) embedded_resource: bool,
    pub(crate) int_or_string: bool,
    pub(crate) list_type: ListType,
    pub(crate) atomic_map: bool,
    pub(crate) limits: Limits,
    pub(crate) junctors: Junctors,
    /// CEL rules of the value itself.
    pub(crate) rules: Vec<Rule>,
    /// Whether this schema or one below has CEL rules.
    pub(crate) has_rules: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Array,
    Boolean,
    Integer,
    Number,
    Object,
    String,
}

/// How a list merges: as one value, as a set of scalars, or by the key fields of its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListType {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

/// Limits on values, as `OpenAPI` has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) enumeration: Vec<Value>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) exclusive_minimum: bool,
    pub(crate) exclusive_maximum: bool,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) format: Option<String>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(crate) min_properties: Option<u64>,
    pub(crate) max_properties: Option<u64>,
}

/// Schemas combined by logic. They only validate; they neither add fields nor defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Junctors {
    pub(crate) all_of: Vec<Schema>,
    pub(crate) any_of: Vec<Schema>,
    pub(crate) one_of: Vec<Schema>,
    pub(crate) not: Option<Box<Schema>>,
}

impl Schema {
    /// The schema of a member of an object, if it is known.
    pub(crate) fn member(&self, key: &str) -> Option<&Schema> {
        self.properties.get(key).or(self.additional.as_deref())
    }

    /// The schema of the items of a list, if it is known.
    pub(crate) fn item(&self) -> Option<&Schema> {
        self.items.as_deref()
    }

    /// Any object is valid and kept.
    pub(crate) fn open() -> Self {
        Self { ty: Some(Type::Object), preserve_unknown: true, ..Self::default() }
    }

    /// Adds what every object has beside its own fields: `apiVersion`, `kind` and `metadata`.
    pub(crate) fn with_object_fields(mut self) -> Self {
        for key in ["apiVersion", "kind"] {
            self.properties.insert(key.to_owned(), Self { ty: Some(Type::String), ..Self::default() });
        }
        self.properties.insert("metadata".to_owned(), METADATA.clone());
        self
    }
}

impl Type {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Array, Self::Boolean, Self::Integer, Self::Number, Self::Object, Self::String]
            .into_iter()
            .find(|ty| ty.as_str() == name)
    }

    /// The type of a value as found; `None` for null.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(Self::Boolean),
            Value::Number(number) if number.is_f64() => Some(Self::Number),
            Value::Number(_) => Some(Self::Integer),
            Value::String(_) => Some(Self::String),
            Value::Array(_) => Some(Self::Array),
            Value::Object(_) => Some(Self::Object),
        }
    }

    /// Whether a value has this type; an integer is a number, and a number without fraction an integer.
    pub(crate) fn admits(self, value: &Value) -> bool {
        match Self::of(value) {
            Some(Self::Integer) => matches!(self, Self::Integer | Self::Number),
            Some(Self::Number) => {
                self == Self::Number || self == Self::Integer && value.as_f64().is_some_and(|v| v.fract() == 0.0)
            }
            found => found == Some(self),
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The `OpenAPI` schema of `ObjectMeta`.
pub(crate) static METADATA_DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The file is part of this crate, and all tests read it.
    serde_saphyr::from_str(include_str!("metadata.yaml")).expect("metadata.yaml is valid")
});

/// The parsed form of [`METADATA_DOCUMENT`].
pub(crate) static METADATA: LazyLock<Schema> = LazyLock::new(|| parse(&METADATA_DOCUMENT, "", &mut Vec::new()));

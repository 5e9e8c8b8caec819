//! The static types of CEL expressions.

use std::fmt;
use std::sync::LazyLock;

use serde_json::json;

use super::names::{escape, is_reserved};
use crate::schema::{self, Schema};

/// What is known of a value before there is one.
#[derive(Clone, Debug)]
pub(super) enum Type<'s> {
    /// Known at run time alone, as of `x-kubernetes-int-or-string`.
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    /// The type of types: what `type(x)` gives.
    Meta,
    List(Box<Type<'s>>),
    Map(Box<Type<'s>>, Box<Type<'s>>),
    Optional(Box<Type<'s>>),
    /// An object with properties.
    Object(Object<'s>),
    /// A type of one of Kubernetes' libraries.
    Library(&'static str),
    /// A type variable in the signature of a function.
    Variable(char),
}

/// An object with properties, by its schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'s> {
    pub(super) schema: &'s Schema,
    /// The whole of a resource, whose `apiVersion`, `kind` and names rules may always read.
    pub(super) resource: bool,
}

/// The part of metadata that rules may read, whatever the schema of the kind says of it.
pub(super) static READABLE_METADATA: LazyLock<Schema> = LazyLock::new(|| {
    let string = json!({"type": "string"});
    let document = json!({"type": "object", "properties": {"name": string, "generateName": string}});
    schema::parse(&document, "", &mut Vec::new())
});

static TEXT: LazyLock<Schema> = LazyLock::new(|| Schema { ty: Some(schema::Type::String), ..Schema::default() });

/// The schema of a property of an object, with what resources have beside their own properties.
pub(super) fn property<'s>(schema: &'s Schema, resource: bool, name: &str) -> Option<&'s Schema> {
    match name {
        "apiVersion" | "kind" if resource => Some(&TEXT),
        "metadata" if resource && !describes_metadata(schema) => Some(&READABLE_METADATA),
        _ => schema.properties.get(name),
    }
}

/// Whether the schema of an embedded resource says itself what its metadata are. That of a whole object cannot.
fn describes_metadata(schema: &Schema) -> bool {
    let is_text = |schema: &Schema, name: &str| {
        schema.properties.get(name).is_some_and(|schema| schema.ty == Some(schema::Type::String))
    };
    let metadata = schema.properties.get("metadata");
    schema.embedded_resource
        && is_text(schema, "kind")
        && is_text(schema, "apiVersion")
        && metadata.is_some_and(|metadata| is_text(metadata, "name") && is_text(metadata, "generateName"))
}

impl<'s> Type<'s> {
    /// The type of the values of a schema; `None` if rules may not read them. `resource` says that they are the whole
    /// of a resource.
    pub(super) fn of(schema: &'s Schema, resource: bool) -> Option<Self> {
        if schema.int_or_string {
            return Some(Self::Dyn);
        }
        let nested = |schema: &'s Schema| Self::of(schema, schema.embedded_resource).map(Box::new);
        Some(match schema.ty? {
            schema::Type::Array => Self::List(nested(schema.item()?)?),
            schema::Type::Object => match &schema.additional {
                Some(additional) if !resource => Self::Map(Box::new(Self::String), nested(additional)?),
                _ => Self::Object(Object { schema, resource }),
            },
            schema::Type::Boolean => Self::Bool,
            schema::Type::Integer => Self::Int,
            schema::Type::Number => Self::Double,
            schema::Type::String => match schema.limits.format.as_deref() {
                Some("byte") => Self::Bytes,
                Some("duration") => Self::Duration,
                Some("date" | "date-time") => Self::Timestamp,
                _ => Self::String,
            },
        })
    }

    pub(super) fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    /// Wraps a type, unless it is optional already.
    pub(super) fn optional(self) -> Self {
        match self {
            optional @ Self::Optional(_) => optional,
            inner => Self::Optional(Box::new(inner)),
        }
    }

    /// Whether null may stand for a value of this type.
    fn admits_null(&self) -> bool {
        matches!(
            self,
            Self::Null | Self::Object(_) | Self::Optional(_) | Self::Library(_) | Self::Timestamp | Self::Duration
        )
    }

    /// Whether a value of type `other` may stand where this type is wanted.
    pub(super) fn admits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn, _) | (_, Self::Dyn) => true,
            (Self::Null, other) | (other, Self::Null) => other.admits_null(),
            (Self::List(a), Self::List(b)) | (Self::Optional(a), Self::Optional(b)) => a.admits(b),
            (Self::Map(a, b), Self::Map(c, d)) => a.admits(c) && b.admits(d),
            (Self::Object(a), Self::Object(b)) => std::ptr::eq(a.schema, b.schema),
            (Self::Library(a), Self::Library(b)) => a == b,
            (Self::Variable(a), Self::Variable(b)) => a == b,
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }

    /// The more telling of two types of which one admits the other.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Dyn | Self::Null, other) => other,
            (Self::List(a), Self::List(b)) => Self::list(a.join(*b)),
            (Self::Optional(a), Self::Optional(b)) => a.join(*b).optional(),
            (Self::Map(a, b), Self::Map(c, d)) => Self::Map(Box::new(a.join(*c)), Box::new(b.join(*d))),
            (this, _) => this,
        }
    }
}

impl<'s> Object<'s> {
    /// The type of the property that an identifier names.
    pub(super) fn field(self, identifier: &str) -> Option<Type<'s>> {
        let own = self.schema.properties.keys().map(String::as_str);
        let names = own.chain(["apiVersion", "kind", "metadata"].into_iter().filter(|_| self.resource));
        let is_meant =
            |name: &&str| escape(name).as_deref() == Some(identifier) || *name == identifier && is_reserved(identifier);
        let name = { names }.find(is_meant)?;
        let schema = property(self.schema, self.resource, name)?;
        Type::of(schema, schema.embedded_resource)
    }
}

impl fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::Meta => f.write_str("type"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(inner) => write!(f, "optional_type({inner})"),
            Self::Object(_) => f.write_str("object"),
            Self::Library(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "{name}"),
        }
    }
}

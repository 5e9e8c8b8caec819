//! What is wrong with one field of an object, in the words of Kubernetes.

use std::fmt;

use serde_json::{Value, json};

/// What Kubernetes prints for no field.
const NOWHERE: &str = "<nil>";

/// One validation error: where, of which sort, and the text after the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldError {
    field: String,
    sort: Sort,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Duplicate,
    Forbidden,
    Internal,
    Invalid,
    NotSupported,
    Required,
    TooLong,
    TooMany,
    TypeInvalid,
}

impl FieldError {
    fn new(field: impl Into<String>, sort: Sort, message: String) -> Self {
        Self { field: field.into(), sort, message }
    }

    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let separator = if detail.is_empty() { "" } else { ": " };
        Self::new(field, Sort::Required, format!("Required value{separator}{detail}"))
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::new(field, Sort::Invalid, format!("Invalid value: {value}: {detail}"))
    }

    /// A value of the right type in JSON, but not of the type that its format stands for.
    pub(crate) fn format_invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::new(field, Sort::TypeInvalid, format!("Invalid value: {value}: {detail}"))
    }

    /// As [`FieldError::invalid`], for a value that is written in another way than JSON sorts it.
    pub(crate) fn invalid_text(field: impl Into<String>, value: &str, detail: &str) -> Self {
        Self::new(field, Sort::Invalid, format!("Invalid value: {value}: {detail}"))
    }

    /// `found` is the type that was found instead, which Kubernetes prints in place of the value.
    pub(crate) fn type_invalid(field: impl Into<String>, found: &str, detail: &str) -> Self {
        Self::new(field, Sort::TypeInvalid, format!("Invalid value: \"{found}\": {detail}"))
    }

    /// An invalid value that is too large to be printed.
    pub(crate) fn invalid_unprinted(field: impl Into<String>, detail: &str) -> Self {
        Self::new(field, Sort::Invalid, format!("Invalid value: {detail}"))
    }

    /// The server itself could not check a field.
    pub(crate) fn internal(field: impl Into<String>, detail: &str) -> Self {
        Self::new(field, Sort::Internal, format!("Internal error: {detail}"))
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new(field, Sort::Forbidden, format!("Forbidden: {detail}"))
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new(field, Sort::Duplicate, format!("Duplicate value: {value}"))
    }

    /// A duplicate that is too large to be printed.
    pub(crate) fn duplicate_unprinted(field: impl Into<String>) -> Self {
        Self::new(field, Sort::Duplicate, "Duplicate value".to_owned())
    }

    pub(crate) fn not_supported(field: impl Into<String>, value: &Value, supported: &[Value]) -> Self {
        let supported: Vec<String> = supported.iter().map(ToString::to_string).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self::new(field, Sort::NotSupported, message)
    }

    pub(crate) fn too_long(field: impl Into<String>, max: u64) -> Self {
        Self::new(field, Sort::TooLong, format!("Too long: may not be more than {max} bytes"))
    }

    pub(crate) fn too_many(field: impl Into<String>, actual: usize, max: u64) -> Self {
        Self::new(field, Sort::TooMany, format!("Too many: {actual}: must have at most {max} items"))
    }

    /// A value that is wrong as a whole: Kubernetes names neither its field nor what it is.
    pub(crate) fn nowhere(detail: &str) -> Self {
        Self::invalid(NOWHERE, &json!(""), detail)
    }

    /// The same error of a member of a larger value.
    pub(crate) fn within(mut self, member: &str) -> Self {
        if self.field == NOWHERE {
            member.clone_into(&mut self.field);
            return self;
        }
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{member}{dot}{}", self.field);
        self
    }

    pub(crate) fn sort(&self) -> Sort {
        self.sort
    }

    /// The entry of `details.causes`.
    pub(crate) fn cause(&self) -> Value {
        let reason = match self.sort {
            Sort::Duplicate => "FieldValueDuplicate",
            Sort::Forbidden => "FieldValueForbidden",
            Sort::Internal => "InternalError",
            Sort::Invalid => "FieldValueInvalid",
            Sort::NotSupported => "FieldValueNotSupported",
            Sort::Required => "FieldValueRequired",
            Sort::TooLong => "FieldValueTooLong",
            Sort::TooMany => "FieldValueTooMany",
            Sort::TypeInvalid => "FieldValueTypeInvalid",
        };
        json!({"reason": reason, "message": self.message, "field": self.field})
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

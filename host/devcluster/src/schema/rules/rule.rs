//! One entry of `x-kubernetes-validations`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::field_path;
use super::program::{Error, Program};
use super::types::Type;
use crate::field_error::FieldError;
use crate::schema::Schema;

/// A compiled rule.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(super) program: Arc<Program>,
    pub(super) message_program: Option<Arc<Program>>,
    /// What is told of a rule that fails, without the message expression.
    pub(super) message: String,
    /// The text by which errors name the rule.
    pub(super) title: String,
    pub(super) reason: Reason,
    pub(super) field_path: String,
    pub(super) optional_old_self: bool,
}

/// What sort of error a broken rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Duplicate,
    Forbidden,
    Invalid,
    Required,
}

const REASONS: [(&str, Reason); 4] = [
    ("FieldValueDuplicate", Reason::Duplicate),
    ("FieldValueForbidden", Reason::Forbidden),
    ("FieldValueInvalid", Reason::Invalid),
    ("FieldValueRequired", Reason::Required),
];

/// An entry as it was written.
struct Entry<'a>(&'a Value);

impl<'a> Entry<'a> {
    fn text(&self, key: &str) -> &'a str {
        self.0[key].as_str().unwrap_or_default()
    }

    /// The entry as the server prints it in errors: the fields of a type that has no JSON form of its own.
    fn printed(&self) -> String {
        let quoted = |key| {
            let json = json!(self.text(key)).to_string();
            json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
        };
        format!(
            r#"{{"Rule":{},"Message":{},"MessageExpression":{},"Reason":{},"FieldPath":{},"OptionalOldSelf":{}}}"#,
            quoted("rule"),
            quoted("message"),
            quoted("messageExpression"),
            self.0["reason"],
            quoted("fieldPath"),
            self.0["optionalOldSelf"],
        )
    }
}

/// What is wrong with the rules of a schema apart from their expressions. `path` is that of the schema.
pub(super) fn check(document: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    for (index, entry) in entries(document).enumerate() {
        let field = |name: &str| format!("{path}.x-kubernetes-validations[{index}].{name}");
        let has_newlines = |text: &str| text.contains(['\n', '\r']);
        let (rule, message) = (entry.text("rule").trim(), entry.text("message"));
        if rule.is_empty() {
            errors.push(FieldError::required(field("rule"), "rule is not specified"));
        } else if !message.is_empty() && message.trim().is_empty() {
            errors.push(FieldError::invalid(field("message"), &json!(message), "must be non-empty if specified"));
        } else if has_newlines(message.trim()) {
            errors.push(FieldError::invalid(field("message"), &json!(message), "must not contain line breaks"));
        } else if has_newlines(rule) && message.trim().is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            errors.push(FieldError::required(field("message"), detail));
        }
        let expression = entry.text("messageExpression");
        if !expression.is_empty() && expression.trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(FieldError::required(field("messageExpression"), detail));
        }
        if let Some(reason) = entry.0["reason"].as_str()
            && !REASONS.iter().any(|(name, _)| *name == reason)
        {
            let mut supported = REASONS.map(|(name, _)| json!(name));
            supported.sort_by_key(ToString::to_string);
            errors.push(FieldError::not_supported(field("reason"), &json!(reason), &supported));
        }
        let target = entry.text("fieldPath");
        let mut invalid = |detail: &str| {
            errors.push(FieldError::invalid(field("fieldPath"), &json!(target), detail));
        };
        if !target.is_empty() && target.trim().is_empty() {
            invalid("must be non-empty if specified");
        }
        if has_newlines(target) {
            invalid("must not contain line breaks");
        }
        if field_path::normalize(target, schema).is_none() {
            invalid("must be a valid path");
        }
    }
}

/// Compiles the rules of a schema. What does not compile goes to `errors`. `unordered` is the path of the list above
/// whose items cannot be found again in an old list, if there is one.
pub(super) fn compile(
    document: &Value,
    schema: &Schema,
    resource: bool,
    path: &str,
    unordered: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> Vec<Rule> {
    let Some(this) = Type::of(schema, resource) else {
        if entries(document).next().is_some() {
            let detail = "internal error: failed to construct type information for x-kubernetes-validations rules: \
                          unable to convert structural schema to CEL declarations";
            errors.push(FieldError::internal(format!("{path}.x-kubernetes-validations"), detail));
        }
        return Vec::new();
    };
    let mut rules = Vec::new();
    for (index, entry) in entries(document).enumerate() {
        let path = format!("{path}.x-kubernetes-validations[{index}]");
        rules.extend(compile_entry(&entry, schema, &this, &path, unordered, errors));
    }
    rules
}

fn compile_entry(
    entry: &Entry<'_>,
    schema: &Schema,
    this: &Type<'_>,
    path: &str,
    unordered: Option<&str>,
    errors: &mut Vec<FieldError>,
) -> Option<Rule> {
    let optional = entry.0["optionalOldSelf"].as_bool();
    let old = if optional == Some(true) { this.clone().optional() } else { this.clone() };
    let mut compile = |key: &str, wanted: &Type<'_>, failed: &str, wrong_type: &str| {
        let compiled = Program::compile(entry.text(key), this, &old, wanted);
        compiled.map(Arc::new).map_err(|error| {
            let detail = match error {
                Error::Failed(cause) => format!("{failed}: {cause}"),
                Error::WrongType => wrong_type.to_owned(),
            };
            errors.push(FieldError::invalid_text(format!("{path}.{key}"), &entry.printed(), &detail));
        })
    };
    let program = compile("rule", &Type::Bool, "compilation failed", "cel expression must evaluate to a bool").ok()?;
    let message_program = if entry.text("messageExpression").is_empty() {
        None
    } else {
        let failed = "messageExpression compilation failed";
        compile("messageExpression", &Type::String, failed, "messageExpression must evaluate to a string").ok()
    };
    if !program.uses_old_self {
        if let Some(optional) = optional {
            let detail = "may not be set if oldSelf is not used in rule";
            errors.push(FieldError::invalid(format!("{path}.optionalOldSelf"), &json!(optional), detail));
        }
    } else if let Some(list) = unordered {
        let detail = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {list}");
        errors.push(FieldError::invalid(format!("{path}.rule"), &entry.0["rule"], &detail));
    }
    let (rule, message) = (entry.text("rule").trim(), entry.text("message").trim());
    let reason = REASONS.iter().find(|(name, _)| *name == entry.text("reason"));
    Some(Rule {
        program,
        message_program,
        message: if message.is_empty() { format!("failed rule: {rule}") } else { message.to_owned() },
        title: if message.is_empty() { rule.to_owned() } else { message.to_owned() },
        reason: reason.map_or(Reason::Invalid, |(_, reason)| *reason),
        // Checked before; a path that is none would not have come here.
        field_path: field_path::normalize(entry.text("fieldPath"), schema).unwrap_or_default(),
        optional_old_self: optional.unwrap_or(false),
    })
}

/// The rules that a schema document has itself.
fn entries(document: &Value) -> impl Iterator<Item = Entry<'_>> {
    document["x-kubernetes-validations"].as_array().into_iter().flatten().map(Entry)
}

//! Query parameters: the options of reads and writes.

use std::collections::HashMap;

use serde_json::json;

use crate::field_error::FieldError;
use crate::status::Refusal;

/// The query of a request. Empty pairs are skipped: some clients begin every query with `&`.
#[derive(Debug, Default)]
pub(crate) struct Query(HashMap<String, Vec<String>>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let mut parameters: HashMap<String, Vec<String>> = HashMap::new();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            parameters.entry(key.into_owned()).or_default().push(value.into_owned());
        }
        Self(parameters)
    }

    /// The first value; an empty value counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|values| values.first()).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| matches!(value, "1" | "true"))
    }

    /// A number, which must be one if it is given.
    fn integer(&self, key: &str) -> Result<Option<i64>, Refusal> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
        };
        self.get(key).map(parse).transpose()
    }

    /// Whether this read asks for a stream of changes.
    pub(crate) fn is_watch(&self) -> bool {
        self.flag("watch")
    }
}

/// Options of a list or a watch.
#[derive(Debug, Default)]
pub(crate) struct ListOptions {
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) limit: usize,
    pub(crate) continue_token: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) exact: bool,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) allow_bookmarks: bool,
    /// A watch begins with what there is. If it is not said, its resourceVersion decides.
    pub(crate) send_initial_events: Option<bool>,
}

impl ListOptions {
    pub(crate) fn parse(query: &Query) -> Result<Self, Refusal> {
        let send_initial_events = query.get("sendInitialEvents").map(|_| query.flag("sendInitialEvents"));
        let errors = if query.is_watch() { watch_errors(query) } else { list_errors(query) };
        if !errors.is_empty() {
            return Err(Refusal::invalid_options("ListOptions", &errors));
        }
        // A negative number counts as none.
        let limit = query.integer("limit")?.and_then(|limit| limit.try_into().ok()).unwrap_or(0);
        // So does no time at all.
        let timeout_seconds =
            query.integer("timeoutSeconds")?.and_then(|seconds| seconds.try_into().ok()).filter(|seconds| *seconds > 0);
        Ok(Self {
            label_selector: query.get("labelSelector").unwrap_or_default().to_owned(),
            field_selector: query.get("fieldSelector").unwrap_or_default().to_owned(),
            limit,
            continue_token: query.get("continue").map(str::to_owned),
            resource_version: query.get("resourceVersion").map(str::to_owned),
            exact: query.get("resourceVersionMatch") == Some("Exact"),
            timeout_seconds,
            allow_bookmarks: query.flag("allowWatchBookmarks"),
            send_initial_events,
        })
    }
}

/// What is wrong with the options of a list.
fn list_errors(query: &Query) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let version = query.get("resourceVersion");
    if let Some(wanted) = query.get("resourceVersionMatch") {
        let mut forbid = |detail: &str| errors.push(FieldError::forbidden("resourceVersionMatch", detail));
        if version.is_none() {
            forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if query.get("continue").is_some() {
            forbid("resourceVersionMatch is forbidden when continue is provided");
        }
        if wanted == "Exact" && version == Some("0") {
            forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
        if !matches!(wanted, "Exact" | "NotOlderThan") {
            let supported = [json!("Exact"), json!("NotOlderThan"), json!("")];
            errors.push(FieldError::not_supported("resourceVersionMatch", &json!(wanted), &supported));
        }
    }
    if query.get("sendInitialEvents").is_some() {
        errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    errors
}

/// What is wrong with the options of a watch.
fn watch_errors(query: &Query) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let wanted = query.get("resourceVersionMatch");
    let mut forbid = |detail: &str| errors.push(FieldError::forbidden("resourceVersionMatch", detail));
    let says_initial_events = query.get("sendInitialEvents").is_some();
    if says_initial_events && wanted != Some("NotOlderThan") {
        forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    let Some(wanted) = wanted else { return errors };
    if !says_initial_events {
        forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    }
    if query.get("continue").is_some() {
        forbid("resourceVersionMatch is forbidden when continue is provided");
    }
    if wanted != "NotOlderThan" {
        let supported = [json!("NotOlderThan")];
        errors.push(FieldError::not_supported("resourceVersionMatch", &json!(wanted), &supported));
    }
    errors
}

/// What to do about fields that the schema does not know, and about duplicate keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// Options of a create, update or patch.
#[derive(Clone, Debug)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// Who is recorded in `managedFields`.
    pub(crate) manager: String,
    pub(crate) force: bool,
}

/// Bytes in the name of a field manager; one that is taken from the user agent is cut.
const MAX_MANAGER: usize = 128;

impl WriteOptions {
    /// `kind` is the name of the options type for error texts, such as `CreateOptions`.
    pub(crate) fn parse(query: &Query, kind: &str, user_agent: &str, apply: bool) -> Result<Self, Refusal> {
        let invalid = |error: FieldError| Err(Refusal::invalid_options(kind, &[error]));
        let dry_run = dry_run(query, kind)?;
        let field_validation = match query.get("fieldValidation") {
            None | Some("" | "Warn") => FieldValidation::Warn,
            Some("Ignore") => FieldValidation::Ignore,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                let supported = [json!(""), json!("Ignore"), json!("Strict"), json!("Warn")];
                return invalid(FieldError::not_supported("fieldValidation", &json!(other), &supported));
            }
        };
        let manager = match query.get("fieldManager") {
            Some(manager) if manager.len() > MAX_MANAGER => {
                return invalid(FieldError::too_long("fieldManager", MAX_MANAGER as u64));
            }
            Some(manager) => manager.to_owned(),
            None if apply => return invalid(FieldError::required("fieldManager", "is required for apply patch")),
            None => user_agent.split('/').next().unwrap_or_default().chars().take(MAX_MANAGER).collect(),
        };
        if query.get("force").is_some() && !apply {
            return invalid(FieldError::forbidden("force", "may not be specified for non-apply patch"));
        }
        let manager = if manager.is_empty() { "unknown".to_owned() } else { manager };
        Ok(Self { dry_run, field_validation, manager, force: query.flag("force") })
    }
}

/// Reads `dryRun` of a query.
pub(crate) fn dry_run(query: &Query, kind: &str) -> Result<bool, Refusal> {
    let values = query.0.get("dryRun").map(Vec::as_slice).unwrap_or_default();
    is_dry_run(&values.iter().map(String::as_str).collect::<Vec<_>>(), kind)
}

/// What values of `dryRun` ask for, of which only `All` is known.
pub(crate) fn is_dry_run(values: &[&str], kind: &str) -> Result<bool, Refusal> {
    if values.iter().all(|value| *value == "All") {
        return Ok(!values.is_empty());
    }
    let error = FieldError::not_supported("dryRun", &json!(values), &[json!("All")]);
    Err(Refusal::invalid_options(kind, &[error]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_begin_with_an_ampersand() {
        let query = Query::parse("&watch=true&labelSelector=a%3Db&resourceVersion=");
        assert!(query.is_watch());
        assert_eq!(query.get("labelSelector"), Some("a=b"));
        assert_eq!(query.get("resourceVersion"), None);
    }

    #[test]
    fn dry_run_knows_only_all() {
        assert!(dry_run(&Query::parse("dryRun=All"), "CreateOptions").unwrap());
        let refusal = dry_run(&Query::parse("dryRun=maybe"), "CreateOptions").unwrap_err();
        assert_eq!(
            refusal.to_string(),
            r#"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["maybe"]: supported values: "All""#
        );
    }
}

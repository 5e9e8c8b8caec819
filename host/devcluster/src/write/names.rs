//! The forms of names, and names made by the server.

use std::sync::LazyLock;

use regex::Regex;

pub(crate) const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
     characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used \
     for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \
     '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
     validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const LETTERED_LABEL_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
     with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
     validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

const QUALIFIED_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must \
     start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
     validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric \
     characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or \
     'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

pub(super) const CONFIG_KEY_RULE: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
     (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Without vowels and look-alikes, so that no words come out.
const SUFFIX_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
/// A longer `generateName` is cut, so that the name with its suffix has at most 63 characters.
const MAX_GENERATED_PREFIX: usize = 63 - SUFFIX_LENGTH;

fn regex(pattern: &str) -> Regex {
    // Only called with the literals below.
    Regex::new(pattern).expect("a pattern written in this file is valid")
}

static SUBDOMAIN: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"));
static QUALIFIED: LazyLock<Regex> = LazyLock::new(|| regex(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"));

/// A DNS name, such as most objects have.
pub(crate) fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && SUBDOMAIN.is_match(name)
}

/// A DNS name without dots, such as namespaces have.
pub(crate) fn is_label(name: &str) -> bool {
    name.len() <= 63 && !name.contains('.') && is_subdomain(name)
}

/// What is wrong with the name of an object.
pub(super) fn subdomain_faults(name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.len() > 253 {
        faults.push("must be no more than 253 characters".to_owned());
    }
    if !SUBDOMAIN.is_match(name) {
        faults.push(SUBDOMAIN_RULE.to_owned());
    }
    faults
}

/// What is wrong with the name of a namespace.
pub(crate) fn label_faults(name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.len() > 63 {
        faults.push("must be no more than 63 characters".to_owned());
    }
    match SUBDOMAIN.is_match(name) {
        true if name.contains('.') => faults.push("must not contain dots".to_owned()),
        true => {}
        false => faults.push(LABEL_RULE.to_owned()),
    }
    faults
}

/// What is wrong with a label that has to begin with a letter, as the names of kinds and of versions.
pub(crate) fn lettered_label_faults(name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if name.len() > 63 {
        faults.push("must be no more than 63 characters".to_owned());
    }
    if name.contains('.') || !SUBDOMAIN.is_match(name) || name.starts_with(|c: char| c.is_ascii_digit()) {
        faults.push(LETTERED_LABEL_RULE.to_owned());
    }
    faults
}

/// What is wrong with a name, or with the beginning of one, that only has to be part of a path.
pub(crate) fn path_segment_faults(name: &str, prefix: bool) -> Vec<String> {
    if !prefix && matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let forbidden = ["/", "%"].into_iter().filter(|text| name.contains(text));
    forbidden.map(|text| format!("may not contain '{text}'")).collect()
}

/// What is wrong with the key of a label or annotation, or with a finalizer: a name with an optional DNS prefix.
pub(super) fn qualified_faults(key: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let name = match key.split('/').collect::<Vec<_>>()[..] {
        [name] => name,
        ["", name] => {
            faults.push("prefix part must be non-empty".to_owned());
            name
        }
        [prefix, name] => {
            if prefix.len() > 253 {
                faults.push("prefix part must be no more than 253 bytes".to_owned());
            }
            if !SUBDOMAIN.is_match(prefix) {
                faults.push(format!("prefix part {SUBDOMAIN_RULE}"));
            }
            name
        }
        _ => {
            let hint = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {QUALIFIED_RULE} {hint}")];
        }
    };
    match name.len() {
        0 => faults.push("name part must be non-empty".to_owned()),
        64.. => faults.push("name part must be no more than 63 bytes".to_owned()),
        _ => {}
    }
    if !QUALIFIED.is_match(name) {
        faults.push(format!("name part {QUALIFIED_RULE}"));
    }
    faults
}

/// What is wrong with the value of a label.
pub(super) fn label_value_faults(value: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if value.len() > 63 {
        faults.push("must be no more than 63 bytes".to_owned());
    }
    if !value.is_empty() && !QUALIFIED.is_match(value) {
        faults.push(LABEL_VALUE_RULE.to_owned());
    }
    faults
}

/// The key of an entry of a `ConfigMap` or Secret.
pub(super) fn is_config_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !key.is_empty() && key.len() <= 253 && key.chars().all(allowed)
}

/// A name from `generateName`.
pub(super) fn generate(prefix: &str) -> String {
    let end = prefix.char_indices().nth(MAX_GENERATED_PREFIX).map_or(prefix.len(), |(position, _)| position);
    let random = uuid::Uuid::new_v4();
    let suffix = random.as_bytes().iter().take(SUFFIX_LENGTH);
    let suffix = suffix.map(|byte| char::from(SUFFIX_ALPHABET[usize::from(*byte) % SUFFIX_ALPHABET.len()]));
    prefix[..end].chars().chain(suffix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_names() {
        assert!(is_subdomain("a.b-c"));
        assert!(!is_subdomain("Bad_Name"));
        assert!(is_label("abc"));
        assert!(!is_label("a.b"));
    }

    #[test]
    fn faults_of_names_say_which_rule_is_broken() {
        assert_eq!(subdomain_faults("a.b"), [""; 0]);
        assert_eq!(subdomain_faults(&"x".repeat(254)), ["must be no more than 253 characters"]);
        assert_eq!(label_faults("a.b"), ["must not contain dots"]);
        assert_eq!(label_faults("A"), [LABEL_RULE]);
        assert_eq!(label_value_faults(""), [""; 0]);
        assert_eq!(label_value_faults(&"x".repeat(64)), ["must be no more than 63 bytes"]);
        assert_eq!(label_value_faults("a b"), [LABEL_VALUE_RULE]);
    }

    #[test]
    fn some_labels_begin_with_a_letter() {
        assert_eq!(lettered_label_faults("v1-a"), [""; 0]);
        for wrong in ["1v", "", "a.b", "a-", "A"] {
            assert_eq!(lettered_label_faults(wrong), [LETTERED_LABEL_RULE], "{wrong:?}");
        }
        assert_eq!(lettered_label_faults(&"x".repeat(64)), ["must be no more than 63 characters"]);
    }

    #[test]
    fn keys_may_have_a_prefix() {
        assert_eq!(qualified_faults("demo.example/hold"), [""; 0]);
        assert_eq!(qualified_faults("Hold_1"), [""; 0]);
        assert_eq!(qualified_faults("/hold"), ["prefix part must be non-empty"]);
        assert_eq!(qualified_faults("demo.example/").len(), 2);
        assert!(qualified_faults("a/b/c")[0].ends_with("(e.g. 'example.com/MyName')"));
    }

    #[test]
    fn generated_names_keep_their_prefix_and_fit() {
        let name = generate("gen-");
        assert!(name.starts_with("gen-") && name.len() == 9 && is_subdomain(&name), "{name}");
        assert_eq!(generate(&"x".repeat(100)).len(), 63);
    }
}

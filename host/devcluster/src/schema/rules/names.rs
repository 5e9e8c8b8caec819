//! Names of properties as CEL identifiers.

/// Words that CEL keeps for itself.
const RESERVED: &str = "\
    true false null in as break const continue else for function if import let loop package namespace return var \
    void while";

/// Whether CEL keeps a name for itself. Such a property can be reached by its plain name after a dot, too.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.split_whitespace().any(|word| word == name)
}

/// The identifier by which rules reach a property; `None` if they cannot.
pub(super) fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_reserved(name) {
        return Some(format!("__{name}__"));
    }
    let mut escaped = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(next) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("__") {
            escaped.push_str("__underscores__");
            rest = after;
            continue;
        }
        match next {
            '.' => escaped.push_str("__dot__"),
            '-' => escaped.push_str("__dash__"),
            '/' => escaped.push_str("__slash__"),
            '_' => escaped.push('_'),
            next if next.is_ascii_alphanumeric() => escaped.push(next),
            _ => return None,
        }
        rest = &rest[next.len_utf8()..];
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_names_become_identifiers() {
        let cases = [
            ("size", Some("size")),
            ("my_field", Some("my_field")),
            ("namespace", Some("__namespace__")),
            ("a.b", Some("a__dot__b")),
            ("a-b", Some("a__dash__b")),
            ("a/b", Some("a__slash__b")),
            ("a__b", Some("a__underscores__b")),
            ("a___b", Some("a__underscores___b")),
            ("1a", None),
            ("a b", None),
            ("", None),
        ];
        for (name, wanted) in cases {
            assert_eq!(escape(name).as_deref(), wanted, "{name}");
        }
    }
}

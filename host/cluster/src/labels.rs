//! Label selectors in kubectl's grammar, for deciding here what the API server would decide.

use kube::core::{Expression, Selector};

/// `a=b,c!=d,e in (f,g),h notin (i),j,!k`. `None` if it is something else: only the API server can say then.
pub(crate) fn parse(text: &str) -> Option<Selector> {
    requirements(text).into_iter().map(requirement).collect()
}

/// Splits at the commas outside parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let mut inside = false;
    let parts = text.split(|c| {
        inside = if inside { c != ')' } else { c == '(' };
        c == ',' && !inside
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Option<Expression> {
    if let Some(key) = text.strip_prefix('!') {
        return Some(Expression::DoesNotExist(word(key)?));
    }
    if let Some((left, values)) = text.split_once('(') {
        let values = values.strip_suffix(')')?.split(',').map(value).collect::<Option<_>>()?;
        let (key, operator) = left.trim().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => Some(Expression::In(word(key)?, values)),
            "notin" => Some(Expression::NotIn(word(key)?, values)),
            _ => None,
        };
    }
    if let Some((key, text)) = text.split_once("!=") {
        return Some(Expression::NotEqual(word(key)?, value(text)?));
    }
    if let Some((key, text)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Expression::Equal(word(key)?, value(text)?));
    }
    Some(Expression::Exists(word(text)?))
}

fn word(text: &str) -> Option<String> {
    value(text).filter(|word| !word.is_empty())
}

/// Values may be empty.
fn value(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    plain.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::core::SelectorExt;

    use super::*;

    fn selects(text: &str, labels: &[(&str, &str)]) -> Option<bool> {
        let labels: BTreeMap<_, _> = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        parse(text).map(|selector| selector.matches(&labels))
    }

    #[test]
    fn decides_as_the_api_server_does() {
        let labels = [("app", "web"), ("example.com/tier", "")];
        for text in [
            "",
            "app=web",
            " app == web ",
            "app!=db",
            "none!=x",
            "app in (web, db)",
            "app notin (db)",
            "none notin (a,b)",
            "app",
            "!none",
            "example.com/tier=",
            "app=web,app in (db,web),!none",
        ] {
            assert_eq!(selects(text, &labels), Some(true), "{text:?}");
        }
        for text in ["app=db", "app!=web", "none", "!app", "app in (db)", "app notin (web)", "app=web,none=x"] {
            assert_eq!(selects(text, &labels), Some(false), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_decided() {
        for text in ["a>1", "a=b=c", "in (a)", "a within (b)", "a in (b", "=x", "!"] {
            assert_eq!(selects(text, &[]), None, "{text:?}");
        }
    }
}

//! Label selectors as text.

use serde_json::Value;

/// Writes a `LabelSelector` object the way that a query has it, in the order of its keys: `app=web,!legacy,tier in (a,b)`. ""
/// selects everything.
pub(crate) fn selector_text(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels = labels.map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default())));
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten().map(|expression| {
        let key = expression["key"].as_str().unwrap_or_default();
        let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut values: Vec<&str> = values.collect();
        values.sort_unstable();
        let text = match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        };
        (key, text)
    });
    let mut requirements: Vec<(&str, String)> = labels.chain(expressions).collect();
    // Of those with one key the order stays, labels first.
    requirements.sort_by_key(|(key, _)| *key);
    let texts: Vec<String> = requirements.into_iter().map(|(_, text)| text).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requirements_are_in_the_order_of_their_keys() {
        let selector = json!({
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["b", "a"]}, {"key": "old", "operator": "DoesNotExist"},
                {"key": "app", "operator": "Exists"},
            ],
            "matchLabels": {"rank": "1", "app": "web"},
        });
        assert_eq!(selector_text(&selector), "app=web,app,!old,rank=1,tier in (a,b)");
        assert_eq!(selector_text(&json!({})), "");
    }
}

//! Pages of lists, and the links between them.

use serde_json::Value;

/// GitHub's page sizes.
const DEFAULT_SIZE: usize = 30;
const LARGEST: usize = 100;

/// One page of a list, and the value of its `link` header.
pub(crate) fn cut(items: Vec<Value>, query: &[(String, String)], url: &str) -> (Vec<Value>, Option<String>) {
    let number =
        |name: &str| query.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<usize>().ok());
    let size = number("per_page").filter(|size| *size > 0).unwrap_or(DEFAULT_SIZE).min(LARGEST);
    let page = number("page").filter(|page| *page > 0).unwrap_or(1);
    let last = items.len().div_ceil(size).max(1);
    let mut links = Vec::new();
    let mut link = |relation: &str, to: usize| {
        let mut address = form_urlencoded::Serializer::new(String::new());
        address.extend_pairs(query.iter().filter(|(key, _)| key != "page"));
        address.append_pair("page", &to.to_string());
        links.push(format!("<{url}?{}>; rel=\"{relation}\"", address.finish()));
    };
    if page > 1 {
        link("prev", (page - 1).min(last));
    }
    if page < last {
        link("next", page + 1);
        link("last", last);
    }
    if page > 1 {
        link("first", 1);
    }
    let items = items.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    (items, (!links.is_empty()).then(|| links.join(", ")))
}

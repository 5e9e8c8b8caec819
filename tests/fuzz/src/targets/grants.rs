//! Grants files, and what providers ask for: YAML, which JSON is too.

use capstan_api::{Grants, ProviderSpec, Source};
use serde_json::json;

pub(crate) const WORDS: &[&str] = &[
    "*",
    "\"*\"",
    "null",
    "~",
    "[]",
    "{}",
    "''",
    "0x10",
    "1e400",
    "1.0",
    "-0.0",
    "18446744073709551616",
    "0s",
    "1h",
    "16Ei",
    "&a [*a]",
    "*a",
    "<<: {}",
    "!!binary",
    "!include x",
    "---\n",
    "...\n",
    "? ",
    ": ",
    "- ",
    "|2-\n",
    "\t",
    "\r",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\\ud83d\\ude00",
    "\\/",
    "https://a.b",
    "allowPrivate: true",
    "labelSelector: {a: b}",
];

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let granted = Grants::parse(text);
    if let Ok(grants) = &granted {
        comes_back(grants, |text| Grants::parse(text).map_err(|error| error.to_string()));
        in_a_provider(grants);
        // Asking for what could be granted is fine, but for what is the administrator's to say.
        match Grants::parse_needs(text) {
            Ok(needs) => assert_eq!(needs, *grants),
            Err(_) => assert!(is_of_the_administrator(grants), "it may be granted and not asked for"),
        }
        nothing_is_open(grants);
    }
    if let Ok(needs) = &Grants::parse_needs(text) {
        comes_back(needs, |text| Grants::parse_needs(text).map_err(|error| error.to_string()));
    }
    // What an API server hands over is JSON. Read as that, it is the same.
    if let (Ok(granted), Ok(read)) = (granted, serde_json::from_str::<Grants>(text)) {
        assert_eq!(Grants::parse(&as_json(&read)).ok(), Some(granted), "JSON is read as something else");
    }
}

fn is_of_the_administrator(grants: &Grants) -> bool {
    grants.config.is_some() || grants.service_account.is_some() || !grants.manages.is_empty()
}

fn as_json(grants: &Grants) -> String {
    serde_json::to_string(grants).expect("grants have a form in JSON")
}

/// Nothing is lost, and nothing added, by writing it down.
fn comes_back(grants: &Grants, parse: impl Fn(&str) -> Result<Grants, String>) {
    let yaml = serde_saphyr::to_string(grants).expect("grants have a form in YAML");
    for text in [as_json(grants), yaml] {
        match parse(&text) {
            Ok(again) => assert_eq!(again, *grants, "written as {text}"),
            Err(error) => panic!("refused as it was written: {error}\n{text}"),
        }
    }
}

/// Through a `Provider`, and an API server, it comes back as well.
fn in_a_provider(grants: &Grants) {
    let spec = ProviderSpec::new(Source::File { name: "a.wasm".to_owned() }, grants.clone());
    let read: ProviderSpec = serde_json::from_value(json!(spec)).expect("a spec is read as it was written");
    assert_eq!(read, spec);
    assert_eq!(read.grants().expect("it may be granted in a file"), *grants);
}

/// What nobody can be granted is not among what is.
fn nothing_is_open(grants: &Grants) {
    let any = |text: String| text == "*";
    assert!(!grants.http.iter().any(|rule| any(rule.origin.to_string())));
    assert!(!grants.secrets.iter().flat_map(|rule| &rule.origins).any(|origin| any(origin.to_string())));
    for rule in &grants.kubernetes {
        assert!(!rule.api_groups.is_empty() && !rule.kinds.is_empty() && !rule.verbs.is_empty(), "{rule:?}");
    }
    let mut managed = grants.manages.iter().flat_map(|rule| rule.api_groups.iter().chain(&rule.kinds));
    assert!(managed.all(|name| name != "*"), "{:?}", grants.manages);
    for rule in &grants.http {
        let plain = rule.origin.to_string().starts_with("http:");
        assert!(!plain || rule.allow_plaintext, "{rule:?}");
    }
}

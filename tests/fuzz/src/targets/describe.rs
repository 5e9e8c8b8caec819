//! What a provider says of itself: its name, its version, apiVersion and kind of what it manages, a line each; then its
//! definition, what it needs and the schema of its configuration, parted by lines of `---`.

use capstan_api::{Grants, GroupVersionKind};
use capstan_sandbox::{Descriptor, boundary::described};
use serde_json::json;

use super::is_fit_to_show;

pub(crate) const WORDS: &[&str] = &[
    "\n---\n",
    "1.2.3",
    "-rc.1",
    "..",
    "../",
    "%2f",
    "*",
    "{}",
    "[]",
    "null",
    "\"\"",
    "\u{1b}[2J",
    "\\u001b",
    "\"\\ud83d\\ude00\"",
    "\"kind\": \"Secret\",",
    "\"served\": true,",
    "\"$ref\": \"#\",",
    "\"$ref\": \"https://example.org/schema.json\",",
    "\"$ref\": \"file:///etc/passwd\",",
    "\"$dynamicRef\": \"#a\",",
    "\"$id\": \"http://x/\",",
    "\"pattern\": \"(a+)+$\",",
    "\"pattern\": \"((((a{99}){99}){99}){99})\",",
    "\"additionalProperties\": false,",
    "\"minimum\": 1e308,",
    "\"multipleOf\": 0,",
    "\"allOf\": [],",
    "\"config\": {},",
    "\"kubernetes\": [],",
];

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (name, version, api_version, kind, rest) = (line(), line(), line(), line(), line());
    let mut parts = rest.split("\n---\n");
    let mut part = || parts.next().unwrap_or_default();
    let (definition, needs, schema) = (part(), part(), part());
    match described([name, version, api_version, kind], definition, needs, schema) {
        Ok(descriptor) => {
            assert_eq!((descriptor.name.as_str(), descriptor.version.as_str()), (name, version));
            is_a_name_of_its_own(&descriptor, api_version, kind);
            asks_for_what_it_said(&descriptor, needs);
            takes_a_configuration_or_says_why(&descriptor);
        }
        Err(wrong) => is_fit_to_show(&wrong),
    }
}

/// Its name becomes that of an object, and its kind a part of paths and tables.
fn is_a_name_of_its_own(descriptor: &Descriptor, api_version: &str, kind: &str) {
    let label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = &descriptor.name;
    assert!(name.len() <= 63 && name.bytes().all(label) && !name.starts_with('-') && !name.ends_with('-'), "{name:?}");
    assert!(descriptor.version.len() <= 64 && descriptor.version.is_ascii(), "{:?}", descriptor.version);
    let [managed] = descriptor.kinds.as_slice() else { panic!("{} kinds of one", descriptor.kinds.len()) };
    assert_eq!((capstan_api::api_version(&managed.kind).as_str(), managed.kind.kind.as_str()), (api_version, kind));
    let GroupVersionKind { group, version, kind } = &managed.kind;
    for part in [group, version, kind] {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        assert!(part.len() <= 253 && part.bytes().all(harmless), "{part:?}");
    }
    if let Some(definition) = &managed.definition {
        let found = (&definition["spec"]["group"], &definition["spec"]["names"]["kind"]);
        assert_eq!(found, (&json!(group), &json!(kind)));
    }
}

/// Its needs are JSON, and mean what they mean as such.
fn asks_for_what_it_said(descriptor: &Descriptor, needs: &str) {
    assert!(descriptor.needs.config.is_none(), "a provider configures itself");
    if !needs.is_empty() {
        let read: Grants = serde_json::from_str(needs).expect("JSON of the same shape");
        assert_eq!(descriptor.needs, read);
    }
}

fn takes_a_configuration_or_says_why(descriptor: &Descriptor) {
    for config in [json!({}), json!({"url": "https://x", "retries": 3, "\u{7f}\n": [{"a": null}]})] {
        if let Err(error) = descriptor.check_config(config.as_object()) {
            is_fit_to_show(&error.to_string());
        }
    }
}

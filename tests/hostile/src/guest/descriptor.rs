//! What the guest says of itself.

use super::{
    Hostile,
    bindings::{
        capstan::provider::{log, types::ObjectKind},
        exports::capstan::provider::describe::{Descriptor, Guest, ManagedKind},
    },
    deep,
    machine::{spin, trap},
};
use crate::{Behaviour, marker};

/// Asks for everything: what it gets is for the administrator to say.
const NEEDS: &str = r#"{
    "kubernetes": [{"apiGroups": ["*"], "kinds": ["*"], "verbs": ["*"]}],
    "http": [{"origin": "*"}],
    "secrets": [
        {"namespace": "*", "names": ["*"], "keys": ["*"], "origins": ["*"]},
        {"namespace": "*", "names": ["*"], "keys": ["*"], "origins": ["*"], "bodyMembers": ["/config/secret", "/description"]}
    ]
}"#;

/// Where the test's server is, by the names that lead to it.
const CONFIG_SCHEMA: &str = r#"{"type": "object", "properties": {"port": {"type": "integer"}}}"#;

/// A text that is another one for a terminal than for a reader.
const UNPRINTABLE: &str = "Host\u{1b}[2Jile\r\n";

impl Guest for Hostile {
    fn describe() -> Descriptor {
        let mut descriptor = Descriptor {
            name: "hostile".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kinds: vec![kind("Hostile")],
            needs: NEEDS.to_owned(),
            config_schema: Some(CONFIG_SCHEMA.to_owned()),
        };
        match marker::written() {
            Some(Behaviour::SpinsInDescribe) => spin(),
            Some(Behaviour::TrapsInDescribe) => trap(),
            Some(Behaviour::ImportsInDescribe) => log::write(log::Level::Info, "from describe", &[]),
            Some(Behaviour::MalformedDescriptor) => descriptor.name = String::from("No Name!"),
            Some(Behaviour::DescribesAnUnprintableName) => descriptor.name = String::from(UNPRINTABLE),
            Some(Behaviour::DescribesAnUnprintableKind) => descriptor.kinds = vec![kind(UNPRINTABLE)],
            Some(Behaviour::DescribesThousandsOfKinds) => {
                descriptor.kinds = (0..5_000).map(|number| kind(&format!("Hostile{number}"))).collect();
            }
            Some(Behaviour::DescribesAHugeDefinition) => define(&mut descriptor, &definition_of(2 << 20)),
            Some(Behaviour::DescribesMoreThanFits) => {
                descriptor.kinds = (0..12).map(|number| kind(&format!("Hostile{number}"))).collect();
                define(&mut descriptor, &definition_of(1 << 20));
            }
            Some(Behaviour::DescribesADeepDefinition) => define(&mut descriptor, &deep()),
            Some(Behaviour::DescribesADeepSchema) => descriptor.config_schema = Some(deep()),
            Some(Behaviour::DescribesNoSchema) => {
                descriptor.config_schema = Some(r#"{"type": "nonsense"}"#.to_owned());
            }
            Some(Behaviour::DescribesASchemaElsewhere) => {
                descriptor.config_schema = Some(r#"{"$ref": "file:///etc/hostname"}"#.to_owned());
            }
            Some(Behaviour::DescribesNeedsInYaml) => {
                descriptor.needs = String::from("http: &all [{origin: '*'}]\nsecrets: *all\n");
            }
            _ => {}
        }
        descriptor
    }
}

fn kind(name: &str) -> ManagedKind {
    let kind = ObjectKind { api_version: "test.capstan.dev/v1".to_owned(), kind: name.to_owned() };
    ManagedKind { kind, definition: None, recoverable: true }
}

/// Gives this definition to all its kinds.
fn define(descriptor: &mut Descriptor, definition: &str) {
    for kind in &mut descriptor.kinds {
        kind.definition = Some(definition.to_owned());
    }
}

/// JSON with a text of so many bytes.
fn definition_of(bytes: usize) -> String {
    format!(r#"{{"kind": "{}"}}"#, "x".repeat(bytes))
}

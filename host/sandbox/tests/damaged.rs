//! What becomes of components of which something is missing or changed: they load, or they are refused by name.

mod support;

use std::path::Path;

use capstan_sandbox::{LoadError, Sandbox, Settings, Usage};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use support::component::hostile;

/// How many different ones.
const PARTS: usize = 200;

/// A provider without a language: it describes itself, imports something of the contract and traps in a session. So small that
/// hundreds are compiled in a second.
const SMALL: &str = r#"(module
  (import "capstan:provider/config@0.1.0" "get" (func (param i32)))
  (import "capstan:provider/log@0.1.0" "write" (func (param i32 i32 i32 i32 i32)))
  (import "capstan:provider/cluster@0.1.0" "get" (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "\00\01\00\00\05\00\00\00\08\01\00\00\05\00\00\00\80\00\00\00\01\00\00\00\10\01\00\00\02\00\00\00")
  (data (i32.const 128) "\18\01\00\00\13\00\00\00\30\01\00\00\05\00\00\00")
  (data (i32.const 256) "small")
  (data (i32.const 264) "1.0.0")
  (data (i32.const 272) "{}")
  (data (i32.const 280) "test.capstan.dev/v1")
  (data (i32.const 304) "Small")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "capstan:provider/describe@0.1.0#describe") (result i32) i32.const 64)
  (func (export "capstan:provider/external@0.1.0#connect") (param i32 i32) (result i32) unreachable)
  (func (export "capstan:provider/external@0.1.0#observe") (param i32 i32) (result i32) unreachable)
  (func (export "capstan:provider/external@0.1.0#create") (param i32 i32) (result i32) unreachable)
  (func (export "capstan:provider/external@0.1.0#update") (param i32 i32) (result i32) unreachable)
  (func (export "capstan:provider/external@0.1.0#delete") (param i32 i32) (result i32) unreachable)
  (func (export "capstan:provider/external@0.1.0#disconnect") (result i32) unreachable))"#;

fn small() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("provider")).unwrap();
    let mut module = wat::parse_str(SMALL).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// What is said of it names what is wrong with the bytes, and does not blame the host.
fn is_named(error: &LoadError, what: &str) {
    assert!(!matches!(error, LoadError::Host(_)), "{what}: {error:?}");
    let said = error.to_string();
    assert!(said.len() < 4096 && !said.contains(char::is_control), "{what}: {said:?}");
}

#[tokio::test]
async fn a_component_that_is_cut_short_is_refused_wherever() {
    let sandbox = Sandbox::new(Settings::default()).unwrap();
    let small = small();
    for whole in [hostile(), &small] {
        for part in 0..PARTS {
            let cut = whole[..whole.len() * part / PARTS].to_vec();
            let error = sandbox.load(cut.into()).await.map(drop).expect_err("there is something missing");
            is_named(&error, &format!("{part} of {PARTS}"));
        }
    }
}

#[tokio::test]
async fn a_component_with_a_changed_byte_loads_or_is_refused_and_bears_being_asked() {
    let sandbox = Sandbox::new(Settings::default()).unwrap();
    let whole = small();
    let described = sandbox.load(whole.clone().into()).await.unwrap().describe().await.unwrap();
    assert_eq!(described.name, "small");
    let mut random = StdRng::seed_from_u64(1);
    let (mut loaded, mut refused) = (0, 0);
    for _ in 0..PARTS {
        let mut bytes = whole.clone();
        let (at, change) = (random.random_range(0..bytes.len()), random.random_range(1..=u8::MAX));
        bytes[at] ^= change;
        let what = format!("{change:#04x} at {at}");
        match sandbox.load(bytes.into()).await {
            Ok(component) => {
                loaded += 1;
                // It may be another provider now, and a bad one.
                if let Err(outcome) = component.describe().await {
                    assert!(!outcome.reason().is_empty(), "{what}");
                }
            }
            Err(error) => {
                refused += 1;
                is_named(&error, &what);
            }
        }
    }
    assert!(loaded > 10 && refused > 10, "{loaded} and {refused}");
    assert_eq!(sandbox.usage(), Usage::default());
}

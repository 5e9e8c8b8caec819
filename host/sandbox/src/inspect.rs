//! What can be told of a component before compiling it, which is where bytes of a stranger begin to cost something.

use std::collections::BTreeSet;

use wasmparser::{Encoding, Parser, Payload};

use crate::{
    LoadError,
    bindings::{PACKAGE, VERSION},
    limiter::MEMORIES,
    text::line,
};

/// Interfaces of the contract that a component may import.
const IMPORTS: [&str; 7] = ["cluster", "config", "credentials", "events", "http", "log", "types"];
/// Interfaces of the contract that it must export.
const EXPORTS: [&str; 2] = ["describe", "external"];

/// Interfaces that standard libraries import without being asked. All are linked, none gives access to anything.
const WASI: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Core modules and components nested in one component: a guest and its adapters have about five.
const NESTED: usize = 64;
/// Functions of all modules: an interpreter with its standard library has some ten thousand.
const FUNCTIONS: u64 = 200_000;
/// Bytes of a name in a message. It may be anything until it is validated.
const NAME: usize = 256;
/// Bytes of one function. Compiling takes more than linear time here; an interpreter's main loop is a tenth of it.
const FUNCTION_SIZE: usize = 1 << 20;

/// The outside of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Names of what it needs, in order.
    pub(crate) imports: Vec<String>,
    /// Names of what it offers, in order.
    pub(crate) exports: Vec<String>,
}

/// Reads the outside of a component and checks what can be checked without compiling it.
pub(crate) fn inspect(bytes: &[u8], limit: usize) -> Result<Shape, LoadError> {
    if bytes.len() > limit {
        return Err(LoadError::TooLarge { what: "bytes", found: bytes.len() as u64, limit: limit as u64 });
    }
    if wasmtime::Engine::detect_precompiled(bytes).is_some() || is_native(bytes) {
        return Err(LoadError::Native);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(LoadError::CoreModule);
    }
    let shape = outline(bytes)?;
    check_names(&shape)?;
    Ok(shape)
}

/// ELF, which is also the container of compiled components.
fn is_native(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

fn outline(bytes: &[u8]) -> Result<Shape, LoadError> {
    let mut shape = Shape::default();
    let (mut depth, mut nested, mut memories, mut functions) = (0usize, 0usize, 0u64, 0u64);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(LoadError::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                nested += 1;
                at_most("modules", nested as u64, NESTED as u64)?;
            }
            // The outermost end comes when nothing is open any more.
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::MemorySection(section) => {
                memories += u64::from(section.count());
                at_most("memories", memories, MEMORIES as u64)?;
            }
            Payload::FunctionSection(section) => {
                functions += u64::from(section.count());
                at_most("functions", functions, FUNCTIONS)?;
            }
            Payload::CodeSectionEntry(body) => {
                at_most("bytes in one function", body.range().len() as u64, FUNCTION_SIZE as u64)?;
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    shape.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    shape.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(shape)
}

fn at_most(what: &'static str, found: u64, limit: u64) -> Result<(), LoadError> {
    if found > limit { Err(LoadError::TooLarge { what, found, limit }) } else { Ok(()) }
}

fn check_names(shape: &Shape) -> Result<(), LoadError> {
    // The version first: with another one, the interfaces may rightly be others too.
    let foreign: BTreeSet<&str> = shape
        .imports
        .iter()
        .chain(&shape.exports)
        .filter_map(|name| ours(name))
        .filter_map(|(_, version)| (version != VERSION).then_some(version))
        .collect();
    if let Some(version) = foreign.first() {
        return Err(LoadError::Version { found: line(version, NAME) });
    }
    if let Some(unknown) = shape.imports.iter().find(|name| !is_linked(name)) {
        return Err(LoadError::UnknownImport(line(unknown, NAME)));
    }
    let offers =
        |interface: &&&str| shape.exports.iter().filter_map(|name| ours(name)).any(|(name, _)| name == **interface);
    if let Some(missing) = EXPORTS.iter().find(|interface| !offers(interface)) {
        return Err(LoadError::MissingExport(missing));
    }
    Ok(())
}

/// Interface and version, if the name is one of the contract's.
fn ours(name: &str) -> Option<(&str, &str)> {
    let interface = name.strip_prefix(PACKAGE)?.strip_prefix('/')?;
    Some(interface.split_once('@').unwrap_or((interface, "")))
}

fn is_linked(name: &str) -> bool {
    if let Some((interface, _)) = ours(name) {
        return IMPORTS.contains(&interface);
    }
    let Some((interface, version)) = name.split_once('@') else {
        return false;
    };
    WASI.contains(&interface) && version.starts_with("0.2.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape_of(wat: &str) -> Result<Shape, LoadError> {
        inspect(&wat::parse_str(wat).unwrap(), 1 << 20)
    }

    /// A component that exports empty instances of these names.
    fn exporting(names: &[&str], imports: &str) -> String {
        use std::fmt::Write;
        let mut wat = format!("(component {imports}");
        for (index, name) in names.iter().enumerate() {
            write!(wat, "(instance $e{index}) (export \"{name}\" (instance $e{index}))").unwrap();
        }
        wat + ")"
    }

    const BOTH: [&str; 2] = ["capstan:provider/describe@0.1.0", "capstan:provider/external@0.1.0"];

    #[test]
    fn names_are_read_from_the_outside_only() {
        let wat = exporting(
            &BOTH,
            r#"(import "wasi:io/poll@0.2.6" (instance))
               (component (import "something" (instance)) (core module (func)))"#,
        );
        let shape = shape_of(&wat).unwrap();
        assert_eq!(shape.imports, ["wasi:io/poll@0.2.6"]);
        assert_eq!(shape.exports, BOTH);
    }

    #[test]
    fn what_is_no_component_is_named() {
        assert!(matches!(shape_of("(module)"), Err(LoadError::CoreModule)));
        assert!(matches!(inspect(b"\x7fELF\x02\x01", 100), Err(LoadError::Native)));
        assert!(matches!(inspect(b"hello", 100), Err(LoadError::Malformed(_))));
        assert!(matches!(inspect(&[0; 101], 100), Err(LoadError::TooLarge { found: 101, limit: 100, .. })));
    }

    #[test]
    fn another_version_is_named_before_anything_else() {
        let wat =
            exporting(&["capstan:provider/describe@0.2.0"], r#"(import "capstan:provider/http@0.2.0" (instance))"#);
        let error = shape_of(&wat).unwrap_err();
        assert_eq!(error.to_string(), "built for capstan:provider@0.2.0, this host supports 0.1.0");
    }

    #[test]
    fn unknown_imports_are_refused_by_name() {
        for name in ["wasi:http/types@0.2.6", "wasi:io/poll@0.3.0", "capstan:provider/secrets@0.1.0", "other:thing/it"]
        {
            let wat = exporting(&BOTH, &format!("(import \"{name}\" (instance))"));
            match shape_of(&wat) {
                Err(LoadError::UnknownImport(found)) => assert_eq!(found, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_missing_export_is_named() {
        let error = shape_of(&exporting(&BOTH[..1], "")).unwrap_err();
        assert!(matches!(error, LoadError::MissingExport("external")), "{error}");
    }

    #[test]
    fn many_memories_are_refused_in_one_module_and_in_several() {
        let apart = "(core module (memory 1))".repeat(MEMORIES + 1);
        let together = format!("(core module {})", "(memory 1)".repeat(MEMORIES + 1));
        for modules in [apart, together] {
            let refused = shape_of(&exporting(&BOTH, &modules));
            assert!(matches!(refused, Err(LoadError::TooLarge { what: "memories", .. })), "{refused:?}");
        }
    }

    #[test]
    fn many_functions_and_large_ones_are_refused() {
        let many = "(func)".repeat(usize::try_from(FUNCTIONS).unwrap() + 1);
        let large = format!("(func {})", "nop ".repeat(FUNCTION_SIZE + 1));
        for (functions, named) in [(many, "functions"), (large, "bytes in one function")] {
            let wat = exporting(&BOTH, &format!("(core module {functions})"));
            let refused = inspect(&wat::parse_str(wat).unwrap(), 8 << 20);
            assert!(matches!(refused, Err(LoadError::TooLarge { what, .. }) if what == named), "{refused:?}");
        }
    }

    #[test]
    fn many_nested_modules_are_refused() {
        let wat = exporting(&BOTH, &"(core module)".repeat(NESTED + 1));
        assert!(matches!(shape_of(&wat), Err(LoadError::TooLarge { what: "modules", .. })));
    }
}

//! What is looked at of a component before it is compiled: bytes, or the text format of WebAssembly.

use std::sync::LazyLock;

use capstan_sandbox::{LoadError, Sandbox, Settings, boundary::inspect};
use tokio::runtime::{Builder, Runtime};
use wasmparser::Validator;

use super::is_fit_to_show;

pub(crate) const WORDS: &[&str] = &[
    "capstan:provider/describe@0.1.0",
    "capstan:provider/external@0.1.0",
    "capstan:provider/cluster@0.2.0",
    "wasi:io/poll@0.2.6",
    "(core module)",
    "(component)",
    "(memory 1)",
    "(func)",
    "(instance)",
    "(import \"a:b/c\" (instance))",
    "\u{1b}[2J\r\n",
    "\0asm\r\0\u{1}\0",
    "\0asm\u{1}\0\0\0",
    "\u{7f}ELF",
];

/// Bytes of a component, as large as any here is.
const LIMIT: usize = 1 << 20;

/// A custom section without a word in it.
const CUSTOM: [u8; 4] = [0, 2, 1, b'x'];

pub(crate) fn run(input: &[u8]) {
    let text = str::from_utf8(input).ok().filter(|text| text.trim_start().starts_with('('));
    match text.map(wat::parse_str) {
        Some(Ok(bytes)) => bytes_of(&bytes),
        Some(Err(_)) => {}
        None => bytes_of(input),
    }
}

fn bytes_of(bytes: &[u8]) {
    if let Some(less) = bytes.len().checked_sub(1) {
        assert!(matches!(inspect(bytes, less), Err(LoadError::TooLarge { .. })), "a limit is no limit");
    }
    let verdict = inspect(bytes, LIMIT);
    if let Err(error) = &verdict {
        is_fit_to_show(&error.to_string());
        assert_ne!(error.reason(), "CompileFailed", "nothing was compiled");
    }
    // What says nothing changes nothing. Where reading broke off, the end of it was still to come.
    if !matches!(verdict, Err(LoadError::Malformed(_))) {
        let longer = inspect(&[bytes, &CUSTOM].concat(), LIMIT);
        assert_eq!(told(&longer), told(&verdict), "with a custom section behind it");
    }
    let Ok((imports, exports)) = verdict else { return };
    match Validator::new().validate_all(bytes) {
        Ok(types) => {
            let types = types.as_ref();
            for import in &imports {
                assert!(types.component_item_for_import(import).is_some(), "{import} is no import");
            }
            for export in &exports {
                assert!(types.component_item_for_export(export).is_some(), "{export} is no export");
            }
        }
        // Loading it does not come as far as compiling, and the bytes are to blame.
        Err(_) => match load(bytes) {
            Err(LoadError::Malformed(message)) => is_fit_to_show(&message),
            other => panic!("what is not valid is {other:?}"),
        },
    }
}

type Verdict = Result<(Vec<String>, Vec<String>), LoadError>;

fn told(verdict: &Verdict) -> Result<&(Vec<String>, Vec<String>), String> {
    verdict.as_ref().map_err(ToString::to_string)
}

static SANDBOX: LazyLock<(Runtime, Sandbox)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().build().expect("a runtime of one thread");
    (runtime, Sandbox::new(Settings::default()).expect("a sandbox with nothing in it"))
});

fn load(bytes: &[u8]) -> Result<(), LoadError> {
    let (runtime, sandbox) = &*SANDBOX;
    runtime.block_on(sandbox.load(bytes.to_vec().into())).map(drop)
}

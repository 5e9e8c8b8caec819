//! Turns the YAML files of a provider into constants while it is compiled, so that no component carries a YAML parser.
//!
//! Used through `capstan_sdk`, which re-exports the macros with their documentation.

mod arguments;
mod definition;
mod file;

use proc_macro::TokenStream;

use crate::{definition::Definition, file::File};

/// Documented where it is re-exported: `capstan_sdk::crd!`.
#[proc_macro]
pub fn crd(input: TokenStream) -> TokenStream {
    expand(|| {
        let (path, version) = arguments::path_and_version(input)?;
        let file = File::read(&path)?;
        let definition =
            Definition::of(&file.value, version.as_deref()).map_err(|problem| format!("{path}: {problem}"))?;
        Ok(format!(
            "{{ const _: &[u8] = ::core::include_bytes!({:?}); ::capstan_sdk::Kind::defined({:?}, {:?}, {:?}) }}",
            file.absolute, definition.api_version, definition.kind, file.json
        ))
    })
}

/// A YAML file, as the text of one JSON object; for `capstan_sdk::export!`.
#[proc_macro]
pub fn yaml_object(input: TokenStream) -> TokenStream {
    expand(|| {
        let path = arguments::path(input)?;
        let file = File::read(&path)?;
        if !file.value.is_object() {
            return Err(format!("{path}: must be a mapping"));
        }
        Ok(format!("{{ const _: &[u8] = ::core::include_bytes!({:?}); {:?} }}", file.absolute, file.json))
    })
}

/// Rust source for what went well, `compile_error!` for what did not.
fn expand(make: impl FnOnce() -> Result<String, String>) -> TokenStream {
    let source = make().unwrap_or_else(|problem| format!("::core::compile_error!({problem:?})"));
    // The source is made of literals written by `{:?}`, whose escapes are those of Rust.
    source.parse().expect("the expansion is made of valid literals")
}

//! The component's side of the contract: what is imported from the host, and what is exported to it.

// Its types mirror the contract and are converted at once; nothing of it is part of this crate's interface but what the
// export macro needs.
#[expect(missing_docs, clippy::same_length_and_capacity, reason = "generated from wit/")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "provider",
        runtime_path: "::capstan_sdk::__wit_bindgen",
        pub_export_macro: true,
        export_macro_name: "export_world",
        default_bindings_module: "::capstan_sdk::__bindings",
    });
}

mod exports;
pub(crate) mod imports;
mod outside;

pub use self::exports::Exported;

//! What `bindgen!` makes of the contract.

#![allow(missing_docs, clippy::pedantic, reason = "generated code")]

wasmtime::component::bindgen!({
    world: "provider",
    path: "../../wit",
    imports: {
        "capstan:provider/cluster": async | trappable,
        "capstan:provider/credentials": async | trappable,
        "capstan:provider/http": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: { "capstan:provider/credentials.credential": crate::credentials::Handle },
});

/// The name of the contract, as it stands in front of its interfaces.
pub(crate) const PACKAGE: &str = "capstan:provider";

/// The version that this host speaks.
pub(crate) const VERSION: &str = "0.1.0";

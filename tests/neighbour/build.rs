//! How the component is linked.

fn main() {
    // The stack is a part of the memory that each reconcile begins with, and a small one is ready sooner.
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=131072");
    }
    println!("cargo::rerun-if-changed=build.rs");
}

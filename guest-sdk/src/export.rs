//! The macro that makes a component of a crate.

/// Makes a component of a crate: names the provider, its kinds, and what it asks for.
///
/// ```ignore
/// capstan_sdk::export! {
///     name: "hello",                      // a DNS label, at most 40 characters
///     version: env!("CARGO_PKG_VERSION"), // semantic versioning
///     needs: "grants.yaml",               // beside Cargo.toml; may be left out if nothing is needed
///     config: "config.schema.yaml",       // JSON Schema, beside Cargo.toml; may be left out if there is none
///     kinds: [Greeting, Farewell],        // types that implement `External`
/// }
/// ```
///
/// Leaves a `pub static PROVIDER:` [`Provider`](crate::Provider) behind, which tests hand to
/// [`testing::Host`](crate::testing::Host). The functions of the contract are exported only when compiling for
/// WebAssembly, so the crate can be tested, and be a library, on any machine. Mistakes (a name that is no DNS label, a kind
/// given twice, a grants file that is not YAML) are errors of the compiler.
///
/// Once per crate.
#[macro_export]
macro_rules! export {
    (
        name: $name:expr, version: $version:expr, $(needs: $needs:literal,)? $(config: $schema:literal,)?
        kinds: [$($kind:ty),+ $(,)?] $(,)?
    ) => {
        /// This crate's provider.
        pub static PROVIDER: $crate::Provider = {
            const KINDS: &[$crate::ManagedKind] = &[$($crate::ManagedKind::of::<$kind>()),+];
            $crate::Provider::new($name, $version, $crate::__yaml_or_empty!($($needs)?), KINDS)
                $(.configured_by($crate::__yaml_object!($schema)))?
        };
        $crate::__export_component!(PROVIDER);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __yaml_or_empty {
    () => {
        "{}"
    };
    ($path:literal) => {
        $crate::__yaml_object!($path)
    };
}

/// Compiled as part of this crate, so it is this crate's target that decides, and not a feature of the author's.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($provider:path) => {
        const _: () = {
            struct Component;
            impl $crate::__Exported for Component {
                const PROVIDER: &'static $crate::Provider = &$provider;
            }
    $crate::__bindings::export_world!(Component with_types_in $crate::__bindings);
        };
    };
}

#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($provider:path) => {};
}

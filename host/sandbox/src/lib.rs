//! Runs providers as WebAssembly components under budgets and grants.

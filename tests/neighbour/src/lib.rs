//! A small provider.

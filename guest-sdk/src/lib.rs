//! What a provider author depends on.

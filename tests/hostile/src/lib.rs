//! Guests that misbehave, for the sandbox tests.

//! Why an expression has no value.

/// In the words of `cel-go`, because they end up in the answers of the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("no such key: {0}")]
    NoSuchKey(String),
    #[error("index out of bounds: {0}")]
    IndexOutOfBounds(i64),
    #[error("no such overload")]
    NoSuchOverload,
    #[error("division by zero")]
    DivisionByZero,
    #[error("modulus by zero")]
    ModulusByZero,
    #[error("integer overflow")]
    Overflow,
    /// A map literal or transformation gives one key twice.
    #[error("Failed with repeated key")]
    RepeatedKey,
    /// A function failed; the text is its own.
    #[error("{0}")]
    Function(String),
    /// The expression did more work than it may.
    #[error("operation cancelled: actual cost limit exceeded")]
    CostLimit,
}

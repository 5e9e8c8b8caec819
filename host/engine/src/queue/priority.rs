//! Why an object is due, which is also how urgent it is.

/// Ordered: the greater one runs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// The poll interval is over, or the object was there when the watch began.
    Resync,
    /// Something it read has changed.
    Dependency,
    /// Somebody changed the object itself.
    UserChange,
}

impl Priority {
    /// For logs and listings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::Dependency => "dependency",
            Self::UserChange => "user-change",
        }
    }

    /// One more than the greatest index.
    pub(super) const COUNT: usize = 3;

    /// Most urgent first.
    pub(super) const DESCENDING: [Self; Self::COUNT] = [Self::UserChange, Self::Dependency, Self::Resync];

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

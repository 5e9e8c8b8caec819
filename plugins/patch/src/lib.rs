//! Patches one object's field from another's.

//! Replicas on the embedded API server, on a paused clock.

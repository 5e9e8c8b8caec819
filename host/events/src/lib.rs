//! Recording Kubernetes events.

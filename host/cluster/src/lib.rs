//! Talking to Kubernetes: resources, objects, watches and writes.

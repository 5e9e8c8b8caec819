//! An embedded Kubernetes API server for development, demos and fast tests.

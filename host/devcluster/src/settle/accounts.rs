//! The service account that every namespace begins with.

use serde_json::json;

use crate::cluster::Cluster;
use crate::write::Writer;

impl Cluster {
    /// Creates the account `default` in a new namespace.
    pub(super) fn create_account(&mut self, namespace: &str) {
        let Some(accounts) = self.registry.of_collection("serviceaccounts").cloned() else {
            return;
        };
        let writer = Writer { manager: "kube-controller-manager".to_owned(), dry_run: false };
        let account = json!({"metadata": {"name": "default"}});
        if let Err(refusal) = self.create(&accounts, Some(namespace), account, false, &writer) {
            // The namespace is new, so that only its end could have come first.
            tracing::debug!(namespace, %refusal, "no service account");
        }
    }
}

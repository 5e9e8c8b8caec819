//! How clients are told where a server is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Nobody is asked who they are. But kubectl asks for a user name itself, and waits for one, where TLS is spoken and its kubeconfig
/// has no credential.
const TOKEN: &str = "anybody";

/// A kubeconfig (YAML) for the server at a URL; the certificate (PEM) of the authority that vouches for it, if it has one.
pub(crate) fn kubeconfig(url: &str, authority: Option<&str>) -> String {
    let trusted = authority.map(|pem| format!("    certificate-authority-data: {}\n", STANDARD.encode(pem)));
    let trusted = trusted.unwrap_or_default();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: capstan-dev\nclusters:\n- name: capstan-dev\n  cluster:\n    \
         server: {url}\n{trusted}contexts:\n- name: capstan-dev\n  context:\n    cluster: capstan-dev\n    user: \
         capstan-dev\n    namespace: default\nusers:\n- name: capstan-dev\n  user: {{token: {TOKEN}}}\n"
    )
}

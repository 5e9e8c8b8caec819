//! Which cluster is meant.

use std::path::Path;

use anyhow::{Context, Error, Result, anyhow};
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError},
};

/// The cluster of a kubeconfig; without one that of the environment, as kubectl finds it, or the pod's.
pub(crate) async fn config(path: Option<&Path>, context: Option<String>) -> Result<Config> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let (read, shown) = match path {
        Some(path) => (Kubeconfig::read_from(path), format!("the kubeconfig {} cannot be used", path.display())),
        None if options.context.is_some() => (Kubeconfig::read(), "no usable kubeconfig in the environment".to_owned()),
        None => return inferred(&options).await,
    };
    let file = read.map_err(|error| readable(&error, &[])).with_context(|| shown.clone())?;
    let contexts: Vec<String> = file.contexts.iter().map(|context| context.name.clone()).collect();
    Config::from_custom_kubeconfig(file, &options).await.map_err(|error| readable(&error, &contexts)).context(shown)
}

async fn inferred(options: &KubeConfigOptions) -> Result<Config> {
    if let Ok(config) = Config::infer().await {
        return Ok(config);
    }
    // The error of that shows the lines around a mistake, and with them the credentials of others.
    let kubeconfig = Config::from_kubeconfig(options).await.err().map(|error| readable(&error, &[]));
    let pod = Config::incluster().err().map(Error::from);
    let why: Vec<String> = [kubeconfig, pod].into_iter().flatten().map(|error| error.to_string()).collect();
    Err(anyhow!("{}", why.join("; ")).context("no cluster found: give --kubeconfig FILE, or run in a pod"))
}

/// What is wrong with a kubeconfig that has these contexts, in words that say what to do, and without what stands in it.
fn readable(error: &KubeconfigError, contexts: &[String]) -> Error {
    match error {
        KubeconfigError::ReadConfig(error, path) => anyhow!("{} cannot be read: {error}", path.display()),
        KubeconfigError::Parse(error) => anyhow!("it is no kubeconfig: {}", error.without_snippet()),
        KubeconfigError::CurrentContextNotSet => {
            anyhow!("it has no current context: name one with --context, {}", choice(contexts))
        }
        KubeconfigError::LoadContext(name) => {
            anyhow!("it has no context {name}: name one with --context, {}", choice(contexts))
        }
        KubeconfigError::LoadClusterOfContext(name) => anyhow!("it has no cluster {name}, which its context names"),
        KubeconfigError::LoadCertificateAuthority(error) => unloaded("certificate authority", error),
        KubeconfigError::LoadClientCertificate(error) => unloaded("client certificate", error),
        KubeconfigError::LoadClientKey(error) => unloaded("client key", error),
        other => anyhow!("{other}"),
    }
}

fn choice(contexts: &[String]) -> String {
    if contexts.is_empty() { "once there is any".to_owned() } else { format!("of {}", contexts.join(", ")) }
}

fn unloaded(what: &str, error: &LoadDataError) -> Error {
    match error {
        LoadDataError::ReadFile(error, path) => anyhow!("its {what} {} cannot be read: {error}", path.display()),
        other => anyhow!("its {what}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SECRET: &str = "a-token-of-somebody";

    async fn refused(text: &str, context: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, text).unwrap();
        let error = config(Some(&path), context.map(str::to_owned)).await.unwrap_err();
        let said = format!("{error:#}");
        assert!(said.starts_with(&format!("the kubeconfig {} cannot be used: ", path.display())), "{said}");
        assert!(!said.contains("\"/") && !said.contains('\n') && !said.contains(SECRET), "{said}");
        said
    }

    fn with(cluster: &str, more: &str) -> String {
        format!(
            "clusters: [{{name: here, cluster: {cluster}}}]\ncontexts: [{{name: dev, context: {{cluster: here, user: me}}}}]\n\
             users: [{{name: me, user: {{token: {SECRET}}}}}]\n{more}"
        )
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_kubeconfig_is_said_with_what_to_do_and_without_its_secrets() {
        let fine = "{server: 'https://127.0.0.1:1'}";
        let said = refused(&with(fine, ""), None).await;
        assert!(said.contains("no current context: name one with --context, of dev"), "{said}");
        let said = refused(&with(fine, ""), Some("prod")).await;
        assert!(said.contains("no context prod") && said.contains("of dev"), "{said}");
        let missing =
            with("{server: 'https://127.0.0.1:1', certificate-authority: /nowhere/ca.pem}", "current-context: dev");
        let said = refused(&missing, None).await;
        assert!(said.contains("certificate authority /nowhere/ca.pem cannot be read: No such file"), "{said}");
        let said = refused(&format!("users: [{{name: me, user: {{token: {SECRET}, exec: 1}}}}]"), None).await;
        assert!(said.contains("it is no kubeconfig: "), "{said}");
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let error = config(Some(Path::new("/nowhere/config")), None).await.unwrap_err();
        assert!(format!("{error:#}").contains("/nowhere/config cannot be read: No such file"), "{error:#}");
    }
}

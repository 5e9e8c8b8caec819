//! Which cluster is meant.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Error, Result, anyhow};
use kube::{
    Config,
    config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError},
};

/// Names the kubeconfig that is meant, or several.
const KUBECONFIG: &str = "KUBECONFIG";

/// The cluster of a kubeconfig; without one that of the environment, as kubectl finds it, or the pod's.
pub(crate) async fn config(path: Option<&Path>, context: Option<String>) -> Result<Config> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let (read, places) = match path {
        Some(path) => (Kubeconfig::read_from(path), vec![path.to_owned()]),
        None if options.context.is_some() => {
            (Kubeconfig::read(), places(env::var_os(KUBECONFIG).as_deref(), env::home_dir()))
        }
        None => return inferred(&options).await,
    };
    of_kubeconfig(read, &places, &options).await
}

async fn inferred(options: &KubeConfigOptions) -> Result<Config> {
    if let Ok(config) = Config::infer().await {
        return Ok(config);
    }
    // The error of that shows the lines around a mistake, and with them the credentials of others; and it names no file.
    let places = places(env::var_os(KUBECONFIG).as_deref(), env::home_dir());
    let kubeconfig = of_kubeconfig(Kubeconfig::read(), &places, options).await.err();
    Err(not_found(kubeconfig.as_ref(), Config::incluster().err().as_ref()))
}

fn not_found(kubeconfig: Option<&Error>, pod: Option<&InClusterError>) -> Error {
    // The latter's text has its cause in it already.
    let (kubeconfig, pod) = (kubeconfig.map(|error| format!("{error:#}")), pod.map(ToString::to_string));
    let why: Vec<String> = [kubeconfig, pod].into_iter().flatten().collect();
    anyhow!("{}", why.join("; ")).context("no cluster found: give --kubeconfig FILE, or run in a pod")
}

/// The cluster of what was read at these places.
async fn of_kubeconfig(
    read: Result<Kubeconfig, KubeconfigError>,
    places: &[PathBuf],
    options: &KubeConfigOptions,
) -> Result<Config> {
    let shown = || {
        let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        if places.is_empty() {
            "no usable kubeconfig in the environment".to_owned()
        } else {
            format!("the kubeconfig {} cannot be used", places.join(" with "))
        }
    };
    let file = read.map_err(|error| readable(&error, &[])).with_context(shown)?;
    let contexts: Vec<String> = file.contexts.iter().map(|context| context.name.clone()).collect();
    let config = Config::from_custom_kubeconfig(file, options).await;
    config.map_err(|error| readable(&error, &contexts)).with_context(shown)
}

/// The files that kubectl would read with this `$KUBECONFIG`, of a user with this home directory.
fn places(variable: Option<&OsStr>, home: Option<PathBuf>) -> Vec<PathBuf> {
    let listed = variable.into_iter().flat_map(env::split_paths).filter(|path| !path.as_os_str().is_empty());
    let listed: Vec<PathBuf> = listed.collect();
    if listed.is_empty() { home.into_iter().map(|home| home.join(".kube/config")).collect() } else { listed }
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

    #[tokio::test]
    async fn a_kubeconfig_that_nobody_named_is_named_with_the_contexts_that_it_has() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".kube/config");
        fs::create_dir(home.path().join(".kube")).unwrap();
        let fine = "{server: 'https://127.0.0.1:1'}";
        for (more, wrong) in [("", "no current context"), ("current-context: gone", "no context gone")] {
            fs::write(&path, with(fine, more)).unwrap();
            let places = places(None, Some(home.path().to_owned()));
            let read = Kubeconfig::read_from(&path);
            let error = of_kubeconfig(read, &places, &KubeConfigOptions::default()).await.unwrap_err();
            let said = format!("{:#}", not_found(Some(&error), None));
            let expected = format!(
                "no cluster found: give --kubeconfig FILE, or run in a pod: the kubeconfig {} cannot be used: it has {wrong}: \
                 name one with --context, of dev",
                path.display()
            );
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn kubeconfigs_are_looked_for_where_kubectl_looks() {
        let places = |variable: Option<&str>| places(variable.map(OsStr::new), Some(PathBuf::from("/home/me")));
        let of_home = [PathBuf::from("/home/me/.kube/config")];
        assert_eq!(places(None), of_home);
        assert_eq!(places(Some(":")), of_home, "nothing is listed");
        assert_eq!(places(Some("/a::/b")), [PathBuf::from("/a"), PathBuf::from("/b")]);
    }

    #[tokio::test]
    async fn several_kubeconfigs_are_all_named() {
        let read = Kubeconfig::read_from("/nowhere/a");
        let places = [PathBuf::from("/nowhere/a"), PathBuf::from("/nowhere/b")];
        let error = of_kubeconfig(read, &places, &KubeConfigOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/a with /nowhere/b cannot be used"), "{error:#}");
        let error = of_kubeconfig(Err(KubeconfigError::FindPath), &[], &KubeConfigOptions::default()).await;
        assert!(error.unwrap_err().to_string().contains("in the environment"));
    }
}

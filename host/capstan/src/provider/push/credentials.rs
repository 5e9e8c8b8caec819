//! Who we are to a registry: what `docker login` has left.

use std::{
    env,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use capstan_oci::{Credentials, DockerConfig, Reference};
use serde::Deserialize;
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};
use zeroize::Zeroizing;

/// A keychain may ask its owner first.
const HELPER_WITHIN: Duration = Duration::from_mins(1);

/// What a helper gives for the name of an account that has a token and no password.
const TOKEN: &str = "<token>";

/// Where Docker's configuration is, or would be.
pub(super) fn shown() -> String {
    path().map_or_else(
        || "the file config.json of the directory that DOCKER_CONFIG names".to_owned(),
        |path| path.display().to_string(),
    )
}

fn path() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")))?;
    Some(folder.join("config.json"))
}

/// Those of the registry; none if nobody has signed in there.
pub(super) async fn find(reference: &Reference) -> Result<Option<Credentials>> {
    let Some(path) = path() else { return Ok(None) };
    let text = match std::fs::read(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    within(&path, &text, reference).await.with_context(|| format!("{} cannot be used", path.display()))
}

async fn within(path: &Path, text: &[u8], reference: &Reference) -> Result<Option<Credentials>> {
    let config = DockerConfig::parse(text)?;
    if let Some(found) = config.credentials(reference)? {
        return Ok(Some(found));
    }
    let Some((helper, key)) = config.helper(reference) else { return Ok(None) };
    match ask(helper, &key).await {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            // It says the same of a registry that nobody has signed in to.
            eprintln!("note: going on without credentials: {error:#} ({} names this helper)", path.display());
            Ok(None)
        }
    }
}

/// By the protocol of Docker's credential helpers: the key to stdin, an object from stdout.
async fn ask(helper: &str, key: &str) -> Result<Credentials> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let program = format!("docker-credential-{helper}");
    ensure!(!helper.contains('/'), "{program} is no name of a program");
    let work = async {
        let mut child = Command::new(&program)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(key.as_bytes()).await.with_context(|| format!("{program} does not listen"))?;
        }
        child.wait_with_output().await.with_context(|| format!("{program} failed"))
    };
    let output = timeout(HELPER_WITHIN, work).await.with_context(|| format!("{program} takes too long"))??;
    let answer = Zeroizing::new(output.stdout);
    ensure!(output.status.success(), "{program} has nothing for {key}");
    // A parser's words might quote the secret.
    let answer: Answer = serde_json::from_slice(&answer).ok().with_context(|| format!("{program} makes no sense"))?;
    ensure!(answer.username != TOKEN, "{program} has an identity token for {key}, which is not supported");
    Ok(Credentials::new(answer.username, answer.secret))
}

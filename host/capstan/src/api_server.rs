//! An answer from the API server, now or whenever it comes.

use std::{path::Path, time::Duration};

use anyhow::{Context, Error, Result, anyhow};
use http::Uri;
use kube::Client;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::kubeconfig;

/// For one answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

/// After the first question that had no answer; doubled each time up to the second.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// An API server that was not asked anything yet.
pub(crate) struct ApiServer {
    client: Client,
    address: Uri,
}

/// Why there is no answer that is of use.
#[derive(Debug)]
enum Trouble {
    /// Waiting does not help.
    Credentials(Error),
    /// It may be there later.
    Absence(Error),
}

impl ApiServer {
    /// That of a kubeconfig and one of its contexts; without either that of the environment, as kubectl finds it, or the pod's.
    pub(crate) async fn of(path: Option<&Path>, context: Option<String>) -> Result<Self> {
        let mut config = kubeconfig::config(path, context).await?;
        // What the API server sends back is sent again by the cluster's own client, which knows how much time there is.
        config.default_retry = false;
        let address = config.cluster_url.clone();
        let client = Client::try_from(config).context("no client for this kubeconfig")?;
        Ok(Self { client, address })
    }

    /// A client that has had an answer. For somebody who waits for it: what is not there now is an error.
    pub(crate) async fn at_once(self) -> Result<Client> {
        match self.ask().await {
            Ok(()) => Ok(self.client),
            Err(Trouble::Credentials(error) | Trouble::Absence(error)) => Err(error),
        }
    }

    /// A client that has had an answer, however long that takes; `None` if it was cancelled before. Credentials that are not
    /// taken are an error all the same.
    pub(crate) async fn when_it_answers(self, cancel: &CancellationToken) -> Result<Option<Client>> {
        let address = self.address.clone();
        let told = |error: &Error, wait: Duration| {
            let problem = format!("{error:#}");
            tracing::warn!(%address, problem, again_in = ?wait, "the API server does not answer yet");
        };
        self.wait(WAITS, told, cancel).await
    }

    async fn wait(
        self,
        (first, longest): (Duration, Duration),
        mut told: impl FnMut(&Error, Duration),
        cancel: &CancellationToken,
    ) -> Result<Option<Client>> {
        let mut wait = first;
        loop {
            match cancel.run_until_cancelled(self.ask()).await {
                None => return Ok(None),
                Some(Ok(())) => return Ok(Some(self.client)),
                Some(Err(Trouble::Credentials(error))) => return Err(error),
                Some(Err(Trouble::Absence(error))) => told(&error, wait),
            }
            if cancel.run_until_cancelled(sleep(wait)).await.is_none() {
                return Ok(None);
            }
            wait = (wait * 2).min(longest);
        }
    }

    /// Asks for its version, which everybody may know whom it knows.
    async fn ask(&self) -> Result<(), Trouble> {
        let address = &self.address;
        match timeout(ANSWERED_WITHIN, self.client.apiserver_version()).await {
            Ok(Ok(_)) => Ok(()),
            Err(_) => Err(Trouble::Absence(anyhow!("no answer from {address} within {ANSWERED_WITHIN:?}"))),
            Ok(Err(error)) => {
                let code = if let kube::Error::Api(status) = &error { status.code } else { 0 };
                let error = Error::new(error);
                Err(match code {
                    401 => Trouble::Credentials(error.context(format!(
                        "the API server at {address} does not take the credentials: renew them, or give another \
                         --kubeconfig or --context"
                    ))),
                    403 => Trouble::Credentials(error.context(format!(
                        "the API server at {address} does not even tell its version to this user: bind \
                         system:discovery to it, or give another --kubeconfig or --context"
                    ))),
                    _ => Trouble::Absence(error.context(format!(
                        "the API server at {address} cannot be used: see whether it runs and is the one that is meant"
                    ))),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::Relaxed},
        },
    };

    use axum::{Json, Router, http::StatusCode};
    use kube::Config;
    use serde_json::json;
    use tokio_util::task::AbortOnDropHandle;

    use super::*;

    const QUICK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(5));

    fn at(address: SocketAddr) -> ApiServer {
        let mut config = Config::new(format!("http://{address}").parse().unwrap());
        config.default_retry = false;
        let address = config.cluster_url.clone();
        ApiServer { client: Client::try_from(config).unwrap(), address }
    }

    /// Answers everything with this code, until it is dropped, and counts.
    fn serve(listener: std::net::TcpListener, code: u16) -> (AbortOnDropHandle<()>, Arc<AtomicU32>) {
        let asked = Arc::<AtomicU32>::default();
        let counting = Arc::clone(&asked);
        let version = json!({
            "major": "1", "minor": "37", "gitVersion": "v1.37.0", "gitCommit": "", "gitTreeState": "", "buildDate": "",
            "goVersion": "", "compiler": "", "platform": "",
        });
        let status = json!({"kind": "Status", "status": "Failure", "message": "as told", "reason": "", "code": code});
        let body = if code == 200 { version } else { status };
        let router = Router::new().fallback(move || {
            counting.fetch_add(1, Relaxed);
            let answer = (StatusCode::from_u16(code).unwrap(), Json(body.clone()));
            async move { answer }
        });
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (AbortOnDropHandle::new(serving), asked)
    }

    fn listener() -> std::net::TcpListener {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap()
    }

    #[tokio::test]
    async fn one_that_comes_late_is_waited_for() {
        let address = {
            let nobody = listener();
            nobody.local_addr().unwrap()
        };
        let error = at(address).at_once().await.err().unwrap();
        assert!(format!("{error:#}").contains("see whether it runs"), "who looks once is told: {error:#}");
        let mut waits = Vec::new();
        let mut serving = None;
        let told = |error: &Error, wait: Duration| {
            waits.push(wait);
            assert!(format!("{error:#}").contains(&address.to_string()), "{error:#}");
            if waits.len() == 5 {
                serving = Some(serve(std::net::TcpListener::bind(address).unwrap(), 200));
            }
        };
        let client = at(address).wait(QUICK, told, &CancellationToken::new()).await.unwrap();
        assert!(client.is_some() && serving.is_some());
        assert_eq!(waits.iter().map(Duration::as_millis).collect::<Vec<_>>(), [1, 2, 4, 5, 5]);
    }

    #[tokio::test]
    async fn one_that_is_not_well_is_waited_for_and_a_stop_ends_the_wait() {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let (_serving, asked) = serve(listener, 503);
        let cancel = CancellationToken::new();
        let told = |_: &Error, _| {
            if asked.load(Relaxed) == 3 {
                cancel.cancel();
            }
        };
        assert!(at(address).wait(QUICK, told, &cancel).await.unwrap().is_none());
        assert_eq!(asked.load(Relaxed), 3);
    }

    #[tokio::test]
    async fn credentials_that_are_not_taken_are_an_error_that_says_what_to_do() {
        for code in [401, 403] {
            let listener = listener();
            let address = listener.local_addr().unwrap();
            let (_serving, asked) = serve(listener, code);
            let error = at(address).wait(QUICK, |_, _| {}, &CancellationToken::new()).await.err().unwrap();
            assert!(format!("{error:#}").contains("--kubeconfig"), "{error:#}");
            assert_eq!(asked.load(Relaxed), 1);
        }
    }
}

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

const PACE: Pace =
    Pace { first: Duration::from_secs(1), longest: Duration::from_secs(30), lenience: Duration::from_secs(30) };

/// A refusal is believed when it has been the answer so many times in a row. An API server that starts serves before it knows
/// whom it serves: it answers 401 and 403 until its informers have synced and its own roles are written.
const REFUSALS: u32 = 3;

/// How an API server is waited for.
#[derive(Clone, Copy)]
struct Pace {
    /// The wait after the first question that had no answer; doubled each time.
    first: Duration,
    /// No wait is longer.
    longest: Duration,
    /// Waits between refusals in a row come to so much before they are believed.
    lenience: Duration,
}

/// An API server that was not asked anything yet.
pub(crate) struct ApiServer {
    client: Client,
    address: Uri,
}

/// Why there is no answer that is of use.
#[derive(Debug)]
enum Trouble {
    /// Waiting helps only while it starts.
    Credentials(Error),
    /// It may be there later.
    Absence(Error),
}

impl Trouble {
    fn error(&self) -> &Error {
        match self {
            Self::Credentials(error) | Self::Absence(error) => error,
        }
    }

    fn into_error(self) -> Error {
        match self {
            Self::Credentials(error) | Self::Absence(error) => error,
        }
    }
}

/// Refusals in a row.
#[derive(Default)]
struct Refusals {
    count: u32,
    /// What was waited between them.
    waited: Duration,
}

impl Refusals {
    /// Takes note of an answer that came after this wait. Anything but a refusal ends the row.
    fn note(&mut self, trouble: &Trouble, wait: Duration) {
        *self = match trouble {
            Trouble::Absence(_) => Self::default(),
            Trouble::Credentials(_) if self.count == 0 => Self { count: 1, waited: Duration::ZERO },
            Trouble::Credentials(_) => Self { count: self.count + 1, waited: self.waited + wait },
        };
    }

    fn are_believed(&self, pace: &Pace) -> bool {
        self.count >= REFUSALS && self.waited >= pace.lenience
    }
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
            Err(trouble) => Err(trouble.into_error()),
        }
    }

    /// A client that has had an answer, however long that takes; `None` if it was cancelled before. Credentials that are refused
    /// for longer than a start takes are an error all the same.
    pub(crate) async fn when_it_answers(self, cancel: &CancellationToken) -> Result<Option<Client>> {
        let address = self.address.clone();
        let told = |trouble: &Trouble, wait: Duration| {
            let problem = format!("{:#}", trouble.error());
            match trouble {
                Trouble::Absence(_) => {
                    tracing::warn!(%address, problem, again_in = ?wait, "the API server does not answer yet");
                }
                Trouble::Credentials(_) => {
                    tracing::warn!(%address, problem, again_in = ?wait, "the API server does not know this user yet");
                }
            }
        };
        self.wait(PACE, told, cancel).await
    }

    async fn wait(
        self,
        pace: Pace,
        mut told: impl FnMut(&Trouble, Duration),
        cancel: &CancellationToken,
    ) -> Result<Option<Client>> {
        let (mut waited, mut wait) = (Duration::ZERO, pace.first);
        let mut refusals = Refusals::default();
        loop {
            let trouble = match cancel.run_until_cancelled(self.ask()).await {
                None => return Ok(None),
                Some(Ok(())) => return Ok(Some(self.client)),
                Some(Err(trouble)) => trouble,
            };
            refusals.note(&trouble, waited);
            if refusals.are_believed(&pace) {
                return Err(trouble.into_error());
            }
            told(&trouble, wait);
            if cancel.run_until_cancelled(sleep(wait)).await.is_none() {
                return Ok(None);
            }
            (waited, wait) = (wait, (wait * 2).min(pace.longest));
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
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
    };

    use axum::{Json, Router, http::StatusCode};
    use kube::Config;
    use serde_json::{Value, json};
    use tokio_util::task::AbortOnDropHandle;

    use super::*;

    const QUICK: Pace =
        Pace { first: Duration::from_millis(1), longest: Duration::from_millis(5), lenience: Duration::from_millis(5) };

    fn at(address: SocketAddr) -> ApiServer {
        let mut config = Config::new(format!("http://{address}").parse().unwrap());
        config.default_retry = false;
        let address = config.cluster_url.clone();
        ApiServer { client: Client::try_from(config).unwrap(), address }
    }

    /// Answers with these codes one after the other, and then with the last of them, until it is dropped; and counts.
    fn serve(listener: std::net::TcpListener, codes: &'static [u16]) -> (AbortOnDropHandle<()>, Arc<AtomicUsize>) {
        let asked = Arc::<AtomicUsize>::default();
        let counting = Arc::clone(&asked);
        let router = Router::new().fallback(move || {
            let asked = counting.fetch_add(1, Relaxed);
            let answer = answer(codes[asked.min(codes.len() - 1)]);
            async move { answer }
        });
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (AbortOnDropHandle::new(serving), asked)
    }

    fn answer(code: u16) -> (StatusCode, Json<Value>) {
        let version = json!({
            "major": "1", "minor": "37", "gitVersion": "v1.37.0", "gitCommit": "", "gitTreeState": "", "buildDate": "",
            "goVersion": "", "compiler": "", "platform": "",
        });
        let status = json!({"kind": "Status", "status": "Failure", "message": "as told", "reason": "", "code": code});
        (StatusCode::from_u16(code).unwrap(), Json(if code == 200 { version } else { status }))
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
        let told = |trouble: &Trouble, wait: Duration| {
            waits.push(wait);
            let problem = format!("{:#}", trouble.error());
            assert!(problem.contains(&address.to_string()), "{problem}");
            if waits.len() == 5 {
                serving = Some(serve(std::net::TcpListener::bind(address).unwrap(), &[200]));
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
        let (_serving, asked) = serve(listener, &[503]);
        let cancel = CancellationToken::new();
        let told = |_: &Trouble, _| {
            if asked.load(Relaxed) == 3 {
                cancel.cancel();
            }
        };
        assert!(at(address).wait(QUICK, told, &cancel).await.unwrap().is_none());
        assert_eq!(asked.load(Relaxed), 3);
    }

    #[tokio::test]
    async fn refusals_of_one_that_starts_are_waited_out() {
        // 503 first lets the wait grow until it alone is as long as the lenience; 503 in between begins a new row.
        let starts: [&[u16]; 4] =
            [&[403, 403, 200], &[401, 403, 200], &[503, 503, 503, 503, 403, 403, 200], &[403, 403, 503, 403, 403, 200]];
        for codes in starts {
            let listener = listener();
            let address = listener.local_addr().unwrap();
            let (_serving, asked) = serve(listener, codes);
            let mut told = 0;
            let client = at(address).wait(QUICK, |_, _| told += 1, &CancellationToken::new()).await.unwrap();
            assert!(client.is_some(), "{codes:?}");
            assert_eq!((asked.load(Relaxed), told), (codes.len(), codes.len() - 1), "{codes:?}");
        }
    }

    #[tokio::test]
    async fn credentials_that_are_not_taken_are_an_error_that_says_what_to_do() {
        for codes in [&[401_u16], &[403]] {
            let listener = listener();
            let address = listener.local_addr().unwrap();
            let (_serving, asked) = serve(listener, codes);
            let error = at(address).at_once().await.err().unwrap();
            assert!(format!("{error:#}").contains("--kubeconfig"), "who looks once is told: {error:#}");
            assert_eq!(asked.load(Relaxed), 1);
            let error = at(address).wait(QUICK, |_, _| {}, &CancellationToken::new()).await.err().unwrap();
            assert!(format!("{error:#}").contains("--kubeconfig"), "{error:#}");
            // After waits of 1, 2 and 4 ms: the third is too early.
            assert_eq!(asked.load(Relaxed), 1 + 4);
        }
    }
}

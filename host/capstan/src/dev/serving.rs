//! The embedded API server, as others reach it.

use std::{io, net::SocketAddr, pin::pin};

use anyhow::{Context, Error, Result, anyhow};
use capstan_devcluster::{DevCluster, Identity};
use tokio::{net::TcpListener, task::JoinError};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// A server that answers from its [start](Serving::start) on.
#[derive(Debug)]
pub(crate) struct Serving {
    url: String,
    kubeconfig: String,
    ends: CancellationToken,
    task: AbortOnDropHandle<io::Result<()>>,
}

/// Who connects from now on waits until a server [starts](Serving::start).
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "the API server cannot listen on {address}: choose another one with --listen (port 0: any that is free)"
        )
    })
}

impl Serving {
    /// Answers whoever waits at a listener, with a key and a certificate of its own unless it is to be plain HTTP. Must be
    /// called on a tokio runtime.
    pub(crate) fn start(server: DevCluster, listener: TcpListener, plain_http: bool) -> Result<Self> {
        let address = listener.local_addr().context("the listener has no address")?;
        let ends = CancellationToken::new();
        let until = ends.clone();
        let (url, kubeconfig, task) = if plain_http {
            let task = tokio::spawn(async move { server.serve(listener, until).await });
            (format!("http://{address}"), DevCluster::kubeconfig(address), task)
        } else {
            let identity = Identity::generate(address.ip()).context("HTTPS cannot be served")?;
            let kubeconfig = identity.kubeconfig(address);
            let task = tokio::spawn(async move { server.serve_tls(listener, &identity, until).await });
            (format!("https://{address}"), kubeconfig, task)
        };
        Ok(Self { url, kubeconfig, ends, task: AbortOnDropHandle::new(task) })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A kubeconfig (YAML) for it.
    pub(crate) fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// Does some work beside it, and ends it after that. Should it stop by itself, nobody but the work could reach the objects
    /// any more: the work is told to end by `work_ends`, and the error says what happened.
    pub(crate) async fn beside<T>(
        mut self,
        work: impl Future<Output = Result<T>>,
        work_ends: &CancellationToken,
    ) -> Result<T> {
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => {
                self.ends.cancel();
                let ended = (&mut self.task).await;
                let done = done?;
                ended.context("the API server failed")?.context("the API server stopped")?;
                Ok(done)
            }
            ended = &mut self.task => {
                work_ends.cancel();
                let stopped = stopped(&self.url, ended);
                // What the work says is most likely a consequence.
                if let Err(error) = work.await {
                    tracing::warn!(error = format!("{error:#}"), "the host failed after the API server");
                }
                Err(stopped)
            }
        }
    }
}

/// It was not asked to.
fn stopped(url: &str, ended: Result<io::Result<()>, JoinError>) -> Error {
    let why = match ended {
        Ok(Ok(())) => anyhow!("it accepts no more connections"),
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    };
    why.context(format!("the API server at {url} stopped by itself: start `capstan dev` again"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn serving(ends: &CancellationToken, task: impl Future<Output = io::Result<()>> + Send + 'static) -> Serving {
        Serving {
            url: "https://127.0.0.1:1".to_owned(),
            kubeconfig: String::new(),
            ends: ends.clone(),
            task: AbortOnDropHandle::new(tokio::spawn(task)),
        }
    }

    /// What is said of a server that does what the task does, beside work that goes on until it is told to end.
    async fn said(task: impl Future<Output = io::Result<()>> + Send + 'static) -> String {
        let work_ends = CancellationToken::new();
        let work = async {
            work_ends.cancelled().await;
            Ok(())
        };
        let done = serving(&CancellationToken::new(), task).beside(work, &work_ends);
        let error = tokio::time::timeout(PATIENCE, done).await.expect("the work is told to end").unwrap_err();
        format!("{error:#}")
    }

    #[tokio::test]
    async fn a_server_that_stops_by_itself_ends_the_work_and_says_why() {
        const WHAT: &str = "the API server at https://127.0.0.1:1 stopped by itself: start `capstan dev` again: ";
        let failed = said(async { Err(io::Error::other("no more files")) }).await;
        assert_eq!(failed, format!("{WHAT}no more files"));
        assert_eq!(said(async { Ok(()) }).await, format!("{WHAT}it accepts no more connections"));
        let panicked = said(async { panic!("as a defect would") }).await;
        assert!(panicked.starts_with(WHAT) && panicked.contains("panicked"), "{panicked}");
    }

    #[tokio::test]
    async fn a_server_is_ended_after_the_work_whose_error_comes_first() {
        for (work, told) in [(Ok(7), "7"), (Err(anyhow!("no providers")), "no providers")] {
            let ends = CancellationToken::new();
            let asked = ends.clone();
            let task = async move {
                asked.cancelled().await;
                if told == "7" { Ok(()) } else { Err(io::Error::other("at its end")) }
            };
            let work_ends = CancellationToken::new();
            let done = serving(&ends, task).beside(async { work }, &work_ends);
            let done = tokio::time::timeout(PATIENCE, done).await.expect("the server is asked to end");
            assert_eq!(done.map_or_else(|error| format!("{error:#}"), |number: i32| number.to_string()), told);
        }
    }
}

//! The public face: a cluster that is called in process or served over HTTP or HTTPS.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::serve::{Listener, ListenerExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::cluster::Cluster;
use crate::kubeconfig::kubeconfig;
use crate::store::OpenError;
use crate::tls::{Identity, TlsListener};

/// How long [`DevCluster::serve`] waits for open requests once it is asked to stop. Watches end at once.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Settings of a [`DevCluster`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Changes kept for each resource. A watch or a paged list that goes back further gets 410 Expired. Default 1,000.
    pub history: usize,
    /// Changes that a watch may lag behind before its stream is closed. Default 1,024, at least 1.
    pub watch_buffer: usize,
    /// Time between the bookmarks of a watch that allows them. Default one minute.
    pub bookmark_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { history: 1000, watch_buffer: 1024, bookmark_interval: Duration::from_mins(1) }
    }
}

/// A Kubernetes API server whose state is in memory, and in a directory if it was opened there. Clones share the state.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use k8s_openapi::api::core::v1::Namespace;
///
/// let cluster = capstan_devcluster::DevCluster::new(capstan_devcluster::Options::default());
/// let client = kube::Client::new(cluster.router(), "default");
/// let namespaces: kube::Api<Namespace> = kube::Api::all(client);
/// assert!(namespaces.get_opt("default").await?.is_some());
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct DevCluster {
    cluster: Arc<Mutex<Cluster>>,
    options: Options,
}

impl DevCluster {
    /// A cluster with the default namespaces and nothing else, whose state goes with it.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let cluster = Cluster::new(options.history, options.watch_buffer.max(1));
        Self { cluster: Arc::new(Mutex::new(cluster)), options }
    }

    /// A cluster that keeps its state in a directory, which is made (for its owner alone) if it is not there. It goes on where
    /// the last one left off: objects with their uids and versions, kinds, and deletions that are under way. Watches and lists
    /// from an earlier resourceVersion than the newest get 410 Expired.
    ///
    /// What was acknowledged survives the end of the process, however it ends. A power cut may take the last moments, as a
    /// rule milliseconds, and leaves the state before them. A write that fails, as on a full disk, is answered with 500 and
    /// changes nothing.
    ///
    /// The directory is in use until the last clone and the last router are dropped. Opening reads the whole state, and
    /// blocks while it does.
    ///
    /// # Errors
    /// The directory is in use or cannot be read or written, or its content is not what a cluster left there. In no case is
    /// anything overwritten.
    pub fn open(options: Options, path: &Path) -> Result<Self, OpenError> {
        let cluster = Cluster::open(options.history, options.watch_buffer.max(1), path)?;
        Ok(Self { cluster: Arc::new(Mutex::new(cluster)), options })
    }

    /// The API as a service, for `kube::Client::new(cluster.router(), "default")`. Watches last until their timeout.
    pub fn router(&self) -> Router {
        self.router_until(CancellationToken::new())
    }

    fn router_until(&self, shutdown: CancellationToken) -> Router {
        let server = Server { dev: self.clone(), shutdown };
        Router::new().fallback(handle).with_state(server)
    }

    /// Serves the API over plain HTTP, 1.1 or 2, until `cancel` fires, then ends all watches, and waits up to two seconds
    /// for other requests. There is no authentication: whoever reaches the listener may do everything.
    ///
    /// # Errors
    /// What accepting connections fails with.
    pub async fn serve(&self, listener: TcpListener, cancel: CancellationToken) -> io::Result<()> {
        self.serve_on(without_delay(listener), cancel).await
    }

    /// The same over TLS, where HTTP/2 is offered before HTTP/1.1. Clients can tell who the server is, the server asks
    /// nobody who they are.
    ///
    /// # Errors
    /// What accepting connections fails with.
    pub async fn serve_tls(
        &self,
        listener: TcpListener,
        identity: &Identity,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        self.serve_on(TlsListener::new(without_delay(listener), identity), cancel).await
    }

    async fn serve_on<L>(&self, listener: L, cancel: CancellationToken) -> io::Result<()>
    where
        L: Listener,
        L::Addr: Debug,
    {
        let router = self.router_until(cancel.clone());
        let serving = axum::serve(listener, router).with_graceful_shutdown(cancel.clone().cancelled_owned());
        tokio::select! {
            result = serving => result,
            () = async { cancel.cancelled().await; tokio::time::sleep(SHUTDOWN_GRACE).await } => Ok(()),
        }
    }

    /// A kubeconfig (YAML) for a server that speaks plain HTTP at an address.
    #[must_use]
    pub fn kubeconfig(addr: SocketAddr) -> String {
        kubeconfig(&format!("http://{addr}"), None)
    }
}

/// Events are small and each counts: they must not wait for more data.
fn without_delay(listener: TcpListener) -> impl Listener<Io = TcpStream, Addr = SocketAddr> {
    listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot disable Nagle's algorithm");
        }
    })
}

/// What request handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    dev: DevCluster,
    /// Ends the watches.
    pub(crate) shutdown: CancellationToken,
}

impl Server {
    /// The state of the cluster. Never held across an await.
    pub(crate) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.dev.cluster.lock().unwrap_or_else(|poisoned| {
            // A handler that panicked has answered nothing, so that nothing of what it began may stay.
            let mut cluster = poisoned.into_inner();
            cluster.roll_back();
            self.dev.cluster.clear_poison();
            cluster
        })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.dev.options
    }
}

async fn handle(State(server): State<Server>, request: Request) -> axum::response::Response {
    api::handle(&server, request).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::write::Writer;

    #[test]
    fn what_a_handler_began_that_panicked_is_undone() {
        let server = Server { dev: DevCluster::new(Options::default()), shutdown: CancellationToken::new() };
        let before = server.cluster().store.revision();
        let configmaps = server.cluster().registry.of_collection("configmaps").cloned().unwrap();
        let panicked = std::thread::scope(|scope| {
            let handler = scope.spawn(|| {
                let mut cluster = server.cluster();
                let at = Cluster::at(&configmaps, Some("default"), "a");
                cluster.put(&configmaps, &at, json!({"metadata": {"name": "a"}}), 0);
                panic!("as a defect in a handler would");
            });
            handler.join().is_err()
        });
        assert!(panicked);
        let mut cluster = server.cluster();
        assert_eq!(cluster.store.revision(), before);
        let writer = Writer { manager: "test".to_owned(), dry_run: false };
        let body = json!({"metadata": {"name": "a"}});
        assert!(cluster.create(&configmaps, Some("default"), body, false, &writer).is_ok());
    }
}

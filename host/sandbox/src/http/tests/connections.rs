//! Where connections lead, and who shares them.

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower::Service;

use super::{Network, NetworkSettings, OPEN, Stage};
use crate::{
    Resolve,
    http::{Egress, connect::Connector},
    support::server::Names,
};

/// From where each of the requests so far came: one port is one connection.
fn ports(stage: &Stage) -> Vec<u16> {
    stage.server.seen().iter().map(|seen| seen.port).collect()
}

/// Asks until a connection was used twice. The one before may not be back yet when the next request needs one.
async fn ask_until_one_is_used_again(stage: &Stage, egress: &Arc<Egress>) -> HashSet<u16> {
    let before = ports(stage).len();
    for _ in 0..50 {
        Stage::access_of(egress).fetch(stage.request("/"), None, None).await.unwrap().unwrap();
        let used = ports(stage).split_off(before);
        let different: HashSet<u16> = used.iter().copied().collect();
        if different.len() < used.len() {
            return different;
        }
    }
    panic!("no connection was used again");
}

#[tokio::test]
async fn connections_are_used_again_and_not_by_other_builds() {
    let stage = Stage::new(OPEN).await;
    let (one, other) = (stage.egress("test"), stage.egress("test"));
    let of_one = ask_until_one_is_used_again(&stage, &one).await;
    let of_other = ask_until_one_is_used_again(&stage, &other).await;
    assert!(of_one.is_disjoint(&of_other), "{of_one:?} {of_other:?}");
}

/// Leads to this machine, and to the metadata service whenever it is asked again.
struct Rebound(AtomicUsize);

#[async_trait]
impl Resolve for Rebound {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let again = self.0.fetch_add(1, Relaxed) > 0;
        Ok(vec![if again { IpAddr::from([169, 254, 169, 254]) } else { IpAddr::from(Ipv4Addr::LOCALHOST) }])
    }
}

#[tokio::test]
async fn what_was_checked_is_connected_to() {
    let names = Arc::new(Rebound(AtomicUsize::new(0)));
    let network = Network::resolving(NetworkSettings::default(), Arc::clone(&names) as _).unwrap();
    let stage = Stage { network, ..Stage::new(OPEN).await };
    assert_eq!(stage.get("/").await.unwrap().status, 200);
    assert_eq!((names.0.load(Relaxed), stage.server.seen().len()), (1, 1), "one question for one connection");
}

/// A proxy that leads everybody to one address, or refuses.
struct Proxy {
    network: Network,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    async fn start(to: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let settings = NetworkSettings { proxy: Some(proxy), ..NetworkSettings::default() };
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let head = head(&mut client).await;
                log.lock().unwrap().push(head.lines().next().unwrap_or_default().to_owned());
                let Some(to) = to else {
                    client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                    continue;
                };
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(to).await.unwrap();
                // Ends when either side does.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
        Self { network: Network::resolving(settings, Arc::new(Names)).unwrap(), asked, serving }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_to_the_granted_port() {
    let stage = Stage::new(OPEN).await;
    let proxy = Proxy::start(None).await;
    let mut connector = Connector { network: proxy.network.clone(), granted: Arc::clone(&stage.granted) };
    for (uri, end) in [
        ("http://a.test/x", "a.test:80"),
        ("http://a.test:80/x", "a.test:80"),
        ("http://a.test:8080/x", "a.test:8080"),
        ("https://a.test/x", "a.test:443"),
        ("https://a.test:8443/x", "a.test:8443"),
        ("https://[2606:50c0:8000::64]/x", "[2606:50c0:8000::64]:443"),
    ] {
        let refused = connector.call(uri.parse().unwrap()).await.map(drop);
        assert!(refused.is_err_and(|error| error.to_string().contains("proxy")), "{uri}");
        assert_eq!(proxy.asked(), [format!("CONNECT {end} HTTP/1.1")], "{uri}");
    }
}

#[tokio::test]
async fn a_request_goes_through_the_tunnel_of_a_proxy() {
    let stage = Stage::new(OPEN).await;
    let proxy = Proxy::start(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, stage.server.port())))).await;
    let stage = Stage { network: proxy.network.clone(), ..stage };
    assert_eq!(stage.get("/through").await.unwrap().status, 200);
    assert_eq!(proxy.asked(), [format!("CONNECT server.test:{} HTTP/1.1", stage.server.port())]);
    assert_eq!(stage.server.seen()[0].path, "/through");
}

//! HTTPS, and HTTP/2 in it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use capstan_devcluster::{DevCluster, Identity, Options};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use k8s_openapi::api::core::v1::Namespace;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

/// Less than a handshake may take, so that whoever waits for somebody else's is late.
const PATIENCE: Duration = Duration::from_secs(5);

const WATCH: &str = "/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=0";

/// A server until the test ends, and the kubeconfig for it.
async fn served() -> (SocketAddr, Kubeconfig) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let identity = Identity::generate(address.ip()).unwrap();
    let kubeconfig = Kubeconfig::from_yaml(&identity.kubeconfig(address)).unwrap();
    tokio::spawn(async move {
        DevCluster::new(Options::default()).serve_tls(listener, &identity, CancellationToken::new()).await
    });
    (address, kubeconfig)
}

fn authority(kubeconfig: &Kubeconfig) -> CertificateDer<'static> {
    let cluster = kubeconfig.clusters[0].cluster.as_ref().unwrap();
    let pem = STANDARD.decode(cluster.certificate_authority_data.as_ref().unwrap()).unwrap();
    CertificateDer::from_pem_slice(&pem).unwrap()
}

/// As clients with both versions of HTTP do.
async fn connect(
    address: SocketAddr,
    name: ServerName<'static>,
    authority: CertificateDer<'static>,
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let mut settings = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    timeout(PATIENCE, TlsConnector::from(Arc::new(settings)).connect(name, stream)).await?
}

#[tokio::test]
async fn a_watch_and_other_requests_share_one_connection_of_http_2() {
    let (address, kubeconfig) = served().await;
    let stream = connect(address, address.ip().into(), authority(&kubeconfig)).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = |method: &str, path: &str, body: String| {
        let request = Request::builder().method(method).uri(format!("https://{address}{path}"));
        request.header("content-type", "application/json").body(Full::new(Bytes::from(body))).unwrap()
    };

    let mut watch: Response<Incoming> = requests.send_request(request("GET", WATCH, String::new())).await.unwrap();
    assert_eq!(watch.status(), StatusCode::OK);
    let body = json!({"metadata": {"name": "seen"}}).to_string();
    let create = request("POST", "/api/v1/namespaces/default/configmaps", body);
    assert_eq!(requests.send_request(create).await.unwrap().status(), StatusCode::CREATED);

    let mut events = String::new();
    while !events.contains(r#""name":"seen""#) {
        let frame = timeout(PATIENCE, watch.frame()).await.unwrap().expect("the watch goes on").unwrap();
        events.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
    let list = request("GET", "/api/v1/namespaces/default/configmaps/seen", String::new());
    assert_eq!(requests.send_request(list).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_of_http_1_is_served_with_the_kubeconfig_alone() {
    let (_, kubeconfig) = served().await;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let namespaces: Api<Namespace> = Api::all(Client::try_from(config).unwrap());
    assert!(timeout(PATIENCE, namespaces.get("default")).await.unwrap().is_ok());
}

#[tokio::test]
async fn only_the_authority_of_this_server_vouches_for_it_and_only_under_its_names() {
    let ((address, ours), (_, theirs)) = (served().await, served().await);
    let other = connect(address, address.ip().into(), authority(&theirs)).await.unwrap_err();
    assert!(other.to_string().contains("invalid peer certificate"), "{other}");
    let elsewhere = ServerName::try_from("example.org").unwrap();
    assert!(connect(address, elsewhere, authority(&ours)).await.is_err());
    let local = ServerName::try_from("localhost").unwrap();
    connect(address, local, authority(&ours)).await.unwrap();
}

#[tokio::test]
async fn who_never_ends_a_handshake_holds_up_nobody() {
    let (address, kubeconfig) = served().await;
    let _silent = TcpStream::connect(address).await.unwrap();
    connect(address, address.ip().into(), authority(&kubeconfig)).await.unwrap();
}

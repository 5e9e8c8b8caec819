//! A client that sends exactly what it is told, and knows nothing of GitHub.

use capstan_fakegithub::{Fake, Settings, Side};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// Somebody with a token, or without one.
pub(crate) struct Client<'a> {
    pub(crate) fake: &'a Fake,
    pub(crate) headers: Vec<(String, String)>,
}

impl<'a> Client<'a> {
    pub(crate) fn new(fake: &'a Fake, token: &str) -> Self {
        let client = Self::anonymous(fake);
        client.with("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn anonymous(fake: &'a Fake) -> Self {
        Self { fake, headers: vec![("user-agent".to_owned(), "test".to_owned())] }
    }

    pub(crate) fn with(&self, name: &str, value: &str) -> Client<'a> {
        let mut headers = self.headers.clone();
        headers.retain(|(key, _)| key != name);
        headers.push((name.to_owned(), value.to_owned()));
        Client { fake: self.fake, headers }
    }

    /// None if the connection ended without an answer.
    pub(crate) async fn try_send(&self, method: &str, path: &str, body: &[u8]) -> Option<Reply> {
        let mut stream = TcpStream::connect(self.fake.address()).await.unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.fake.address());
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Reply { status, headers, body: answer[end + 4..].to_vec() })
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        self.try_send(method, path, body).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, b"").await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, body.as_bytes()).await
    }

    /// Sends, and insists on a status.
    pub(crate) async fn expect(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let reply = self.call(method, path, body).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }
}

/// A fake with the organisation `acme`, its owner `anna`, its member `bert`, and `carl`, who belongs to nothing.
pub(crate) async fn acme(settings: Settings) -> (Fake, String) {
    let fake = Fake::start(settings).await.unwrap();
    let seed = fake.seed();
    seed.organization("acme");
    for login in ["anna", "bert", "carl"] {
        seed.user(login);
    }
    seed.owner("acme", "anna");
    seed.member("acme", "bert");
    let token = seed.token("anna");
    (fake, token)
}

/// Fails if either side said something that GitHub's description does not allow.
pub(crate) fn assert_clean(fake: &Fake) {
    let violations = fake.violations();
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Fails if the fake said something that GitHub's description does not allow, whatever it was asked.
pub(crate) fn assert_answers_clean(fake: &Fake) {
    let violations = fake.violations_of(Side::Answer);
    assert!(violations.is_empty(), "{violations:#?}");
}

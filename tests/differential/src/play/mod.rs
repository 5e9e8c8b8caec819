//! Playing a script against a server.

mod stream;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::normalise::Normaliser;
use crate::path::Path;
use crate::recording::Exchange;
use crate::script::{Payload, Script, Step, Until, Variables};
use stream::Events;

/// A server answers within a second or two, but for the first custom object of a new kind and lists in the future.
const ANSWER: Duration = Duration::from_secs(30);
/// What a control plane does by itself takes up to 40 s: garbage collection learns new kinds every 30 s.
const SETTLED: Duration = Duration::from_mins(1);
/// Between two questions whether it is done.
const PAUSE: Duration = Duration::from_millis(200);

/// The headers that are recorded.
const HEADERS: &[&str] = &["content-type", "retry-after", "warning"];

/// Plays a script and returns the normalised answers, one for each step.
///
/// `run` makes names unique on a server that has seen the script before: letters and digits, not a word that answers
/// contain anyway.
///
/// # Errors
/// A server that does not answer, an unknown variable. What else goes wrong stands in the answers.
pub async fn play(client: &Client, script: &Script, run: &str) -> Result<Vec<Exchange>> {
    let namespace = format!("{}-{run}", script.topic);
    let variables = Variables::from([
        ("run", run),
        ("ns", namespace.as_str()),
        ("group", format!("{}.{run}.example", script.topic).as_str()),
    ]);
    let mut player = Player { client, variables, streams: BTreeMap::new() };
    player.create_namespace(&namespace).await?;
    let mut normaliser = Normaliser::new(run);
    let mut exchanges = Vec::with_capacity(script.steps.len());
    for (index, step) in script.steps.iter().enumerate() {
        let mut exchange = player.step(step).await.with_context(|| format!("{} / {}", script.topic, step.name))?;
        normaliser.begin(index + 1, &exchange);
        if let Some(body) = &exchange.body
            && !step.keep.is_empty()
        {
            exchange.body = Some(player.keep(&step.keep, body)?);
        }
        normaliser.normalise(&mut exchange);
        exchanges.push(exchange);
    }
    Ok(exchanges)
}

struct Player<'a> {
    client: &'a Client,
    variables: Variables,
    /// Watches that were left open.
    streams: BTreeMap<String, Events>,
}

impl Player<'_> {
    async fn create_namespace(&self, name: &str) -> Result<()> {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let payload = Payload { media_type: "application/json".to_owned(), content: body.to_string().into_bytes() };
        let response = self.send(Method::POST, "/api/v1/namespaces", &BTreeMap::new(), Some(payload)).await?;
        ensure!(response.status() == 201, "namespace {name}: {}", response.status());
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<Exchange> {
        let mut exchange = match (&step.collect, step.line()?) {
            (Some(stream), _) => {
                let mut events = self.streams.remove(stream).with_context(|| format!("no open stream {stream}"))?;
                let events = events.read(step.events.unwrap_or_default()).await?;
                Exchange { request: format!("(stream {stream})"), events: Some(events), ..Exchange::default() }
            }
            (None, Some((method, target))) => self.ask(step, &method, target).await?,
            (None, None) => bail!("nothing to do"),
        };
        self.capture(step, &mut exchange)?;
        step.name.clone_into(&mut exchange.step);
        Ok(exchange)
    }

    /// Sends the request of a step, again and again if it waits for something.
    async fn ask(&mut self, step: &Step, method: &Method, target: &str) -> Result<Exchange> {
        let asked = Instant::now();
        loop {
            let path = self.variables.replace(target)?;
            let payload = step.payload(&self.variables)?;
            let response = self.send(method.clone(), &path, &step.headers, payload).await?;
            let mut exchange = self.receive(step, response).await?;
            exchange.request = format!("{method} {target}");
            match &step.until {
                Some(until) if !self.reached(until, &exchange)? => {
                    if asked.elapsed() >= SETTLED {
                        exchange.problems.push("waited in vain".to_owned());
                        return Ok(exchange);
                    }
                    sleep(PAUSE).await;
                }
                _ => return Ok(exchange),
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &BTreeMap<String, String>,
        payload: Option<Payload>,
    ) -> Result<Response<Body>> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, self.variables.replace(value)?);
        }
        let body = payload.map_or_else(Body::empty, |payload| {
            let built = std::mem::take(&mut request);
            request = built.header(header::CONTENT_TYPE, payload.media_type);
            Body::from(payload.content)
        });
        let mut request = request.body(body)?;
        // What a client says it is becomes the field manager.
        request.headers_mut().entry(header::USER_AGENT).or_insert(header::HeaderValue::from_static("differential/1.0"));
        Ok(timeout(ANSWER, self.client.send(request)).await.context("no answer")??)
    }

    /// Reads an answer, or the beginning of its stream.
    async fn receive(&mut self, step: &Step, response: Response<Body>) -> Result<Exchange> {
        let (parts, body) = response.into_parts();
        let mut exchange = Exchange {
            status: Some(parts.status.as_u16()),
            headers: recorded_headers(&parts.headers),
            ..Exchange::default()
        };
        if parts.status.is_success() {
            if let Some(name) = &step.open {
                self.streams.insert(name.clone(), Events::new(body));
                return Ok(exchange);
            }
            if let Some(count) = step.events {
                exchange.events = Some(Events::new(body).read(count).await?);
                return Ok(exchange);
            }
        }
        let Ok(bytes) = timeout(ANSWER, body.collect_bytes()).await else {
            exchange.problems.push("the answer does not end".to_owned());
            return Ok(exchange);
        };
        let bytes: Bytes = bytes?;
        if let Ok(body) = serde_json::from_slice(&bytes) {
            exchange.body = Some(body);
        } else if !bytes.is_empty() {
            exchange.text = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(exchange)
    }

    fn reached(&self, until: &Until, exchange: &Exchange) -> Result<bool> {
        let body = exchange.body.as_ref().unwrap_or(&Value::Null);
        let found = |path: &str| Ok::<_, anyhow::Error>(!self.path(path)?.find(body).is_empty());
        for (path, wanted) in &until.is {
            if self.path(path)?.find(body).iter().all(|(_, value)| *value != wanted) {
                return Ok(false);
            }
        }
        Ok(until.status.is_none_or(|status| exchange.status == Some(status))
            && until.has.as_deref().map_or(Ok(true), found)?
            && !until.lacks.as_deref().map_or(Ok(false), found)?)
    }

    /// Sets variables. What is not there is set too, so that later steps fail by themselves and not this script.
    fn capture(&mut self, step: &Step, exchange: &mut Exchange) -> Result<()> {
        for (name, text) in &step.capture {
            let path = self.path(text)?;
            let found = exchange.body.as_ref().and_then(|body| Some(path.find(body).first()?.1.clone()));
            let value = found.unwrap_or_else(|| {
                exchange.problems.push(format!("nothing to capture at {text}"));
                "nothing".into()
            });
            self.variables.set(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        Ok(())
    }

    /// The chosen parts of a body by their paths.
    fn keep(&self, paths: &[String], body: &Value) -> Result<Value> {
        let parts = paths.iter().map(|text| {
            let found = self.path(text)?.find(body).into_iter().map(|(_, value)| value.clone());
            Ok((text.clone(), found.collect::<Value>()))
        });
        parts.collect::<Result<serde_json::Map<_, _>>>().map(Value::Object)
    }

    fn path(&self, text: &str) -> Result<Path> {
        Ok(Path::parse(&self.variables.replace(text)?))
    }
}

fn recorded_headers(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let recorded = HEADERS.iter().map(|&name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        (name.to_owned(), values.collect::<Vec<_>>())
    });
    recorded.filter(|(_, values)| !values.is_empty()).collect()
}

//! A provider of things in a system outside the cluster, with a token that it never sees.
//!
//!     cargo build --package capstan-sdk --example things --target wasm32-wasip2 --profile guest

use capstan_sdk::{
    Change, Creation, External, Kind, Managed, Observation, Result, Value, config,
    credentials::{Credential, SecretKey},
    http::{Request, Response, segment},
    json,
};
use serde::Deserialize;

capstan_sdk::export! {
    name: "things",
    version: "0.1.0",
    needs: "samples/things-grants.yaml",
    config: "samples/things-config.yaml",
    kinds: [Thing],
}

/// What the administrator configured.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    api_url: String,
}

/// `kind: Thing`, of which this is the `spec`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    size: u32,
    /// A Secret in the namespace of the object, with the key `token`.
    token_secret: String,
}

/// One thing, by its URL.
struct Thing {
    url: String,
    token: Credential,
}

impl Thing {
    fn write(&self, object: &Managed<Spec>) -> Result<Response> {
        Ok(Request::put(&self.url).auth(&self.token).json(&json!({"size": object.spec.size})).send()?.success()?)
    }
}

impl External for Thing {
    const KIND: Kind = Kind::existing("things.example.org/v1", "Thing");
    const RECOVERABLE: bool = true; // the URL follows from the object's name
    type Spec = Spec;

    fn connect(object: &Managed<Spec>) -> Result<Self> {
        let config: Config = config::get()?;
        let token = Credential::bearer(&SecretKey::new(&object.spec.token_secret, "token"))?;
        Ok(Self { url: format!("{}/things/{}", config.api_url, segment(object.name())), token })
    }

    fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation> {
        let answer = Request::get(&self.url).auth(&self.token).send()?;
        if answer.status == 404 {
            return Ok(Observation::missing());
        }
        let unchanged = answer.from_cache;
        let actual: Value = answer.success()?.json()?;
        let observation = Observation::compare(&json!({"size": object.spec.size}), &actual).ready();
        Ok(observation.status(json!({"unchanged": unchanged})))
    }

    fn create(&mut self, object: &Managed<Spec>) -> Result<Creation> {
        self.write(object)?;
        Ok(Creation::done())
    }

    fn update(&mut self, object: &Managed<Spec>) -> Result<Change> {
        self.write(object)?;
        Ok(Change::done())
    }

    fn delete(&mut self, _: &Managed<Spec>) -> Result<()> {
        let answer = Request::delete(&self.url).auth(&self.token).send()?;
        if answer.status != 404 {
            answer.success()?;
        }
        Ok(())
    }
}

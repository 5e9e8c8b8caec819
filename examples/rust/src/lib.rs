//! Keeps the greeting of each `Greeting` in a `ConfigMap`.

use capstan_sdk::{
    Change, Creation, External, Failure, Kind, Managed, Observation, Result, Value,
    cluster::{self, ObjectRef},
    crd, info, json,
};
use serde::Deserialize;

capstan_sdk::export! {
    name: "greeting-rust",
    version: env!("CARGO_PKG_VERSION"),
    needs: "../needs.json",
    kinds: [Greeting],
}

/// The `spec` of a `Greeting`.
#[derive(Deserialize)]
pub struct Spec {
    name: String,
}

/// One greeting: the `ConfigMap` that holds it.
pub struct Greeting {
    target: ObjectRef,
    text: String,
}

impl External for Greeting {
    const KIND: Kind = crd!("../definition.json");
    // The ConfigMap's name follows from the object's: after a crash, `observe` finds what was created.
    const RECOVERABLE: bool = true;
    type Spec = Spec;

    fn connect(object: &Managed<Spec>) -> Result<Self> {
        Ok(Self {
            target: object.beside("v1", "ConfigMap", format!("greeting-{}", object.name())),
            text: format!("Hello, {}!", object.spec.name),
        })
    }

    fn observe(&mut self, _: &Managed<Spec>) -> Result<Observation> {
        let Some(actual) = cluster::find::<Value>(&self.target)? else { return Ok(Observation::missing()) };
        let kept = &actual["data"]["greeting"];
        Ok(Observation::compare(&self.desired(), &actual).status(json!({"greeting": kept})).ready())
    }

    fn create(&mut self, object: &Managed<Spec>) -> Result<Creation> {
        Ok(Creation::done().status(self.write(object)?))
    }

    fn update(&mut self, object: &Managed<Spec>) -> Result<Change> {
        Ok(Change::done().status(self.write(object)?))
    }

    fn delete(&mut self, _: &Managed<Spec>) -> Result<()> {
        Ok(cluster::delete(&self.target)?)
    }
}

impl Greeting {
    fn desired(&self) -> Value {
        json!({"data": {"greeting": self.text}})
    }

    /// Writes the `ConfigMap`, and gives the status that the `Greeting` has then.
    fn write(&self, object: &Managed<Spec>) -> Result<Value> {
        if object.spec.name == "nobody" {
            return Err(Failure::terminal("NobodyToGreet", "spec.name is nobody: name somebody"));
        }
        cluster::apply(&self.target, self.desired())?;
        info!(configMap = self.target.name; "wrote a greeting");
        Ok(json!({"greeting": self.text}))
    }
}

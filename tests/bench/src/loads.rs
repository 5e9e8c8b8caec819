//! Loading a component, and what it costs to keep it.

use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use capstan_sandbox::{Sandbox, Settings};

use crate::{
    figures::{Times, resident},
    surroundings::component,
};

/// Loads of each component, each in a sandbox of its own: one would remember.
const LOADS: usize = 5;
/// Components kept at the same time.
const KEPT: usize = 50;

pub(crate) async fn run() -> Result<()> {
    println!("load: check and compile");
    for name in ["neighbour", "patch"] {
        let bytes = component(name)?;
        let kibibytes = bytes.len() / 1024;
        let mut times = Vec::with_capacity(LOADS);
        for _ in 0..LOADS {
            let sandbox = Sandbox::new(Settings::default())?;
            let began = Instant::now();
            sandbox.load(Bytes::from(bytes.clone())).await?;
            times.push(began.elapsed());
        }
        Times::of(times).print(&format!("{name} ({kibibytes} KiB)"));
    }

    println!("memory: {KEPT} different components, each described once");
    let sandbox = Sandbox::new(Settings::default())?;
    let bytes = component("neighbour")?;
    // The first one brings what all share.
    let first = sandbox.load(Bytes::from(bytes.clone())).await?;
    first.describe().await?;
    let before = resident()?;
    let mut kept = vec![first];
    for number in 0..KEPT {
        let another = sandbox.load(Bytes::from(different(&bytes, number))).await?;
        another.describe().await?;
        kept.push(another);
    }
    let added = resident()?.saturating_sub(before);
    println!("  {:44} {} KiB resident each\n", "neighbour, compiled", added / 1024 / KEPT as u64);
    drop(kept);
    Ok(())
}

/// The same component with another digest: a custom section more.
fn different(component: &[u8], number: usize) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let name = format!("bench{number:04}");
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    // Section 0, its size, and its name with its length; all below 128, so that each number is one byte.
    bytes.extend([0, length + 1, length]);
    bytes.extend(name.as_bytes());
    bytes
}

//! Against a real registry.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use capstan_oci::{Access, Artifact, Client, Config, Credentials, Digest, Error, Reference, Repository, Retry};
use capstan_registry::{PASSWORD, Registry, Setup, USER, is_here};
use libtest_mimic::{Arguments, Trial};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// More than any component here has.
const LIMIT: u64 = 1 << 20;
const COMPONENT: &[u8] = b"\0asm of a test";

type Case = fn() -> Result<()>;

fn main() -> ExitCode {
    let here = is_here();
    let cases: [(&str, Case); 9] = [
        ("what_is_pushed_is_pulled_by_tag_and_by_digest", pushed_and_pulled),
        ("a_tag_moves_and_a_digest_does_not", a_tag_moves),
        ("what_is_not_there_is_missing", missing),
        ("a_container_image_is_refused_by_name", container_image),
        ("a_component_over_the_limit_is_not_read", too_large),
        ("credentials_are_asked_for_checked_and_taken", credentials),
        ("plain_http_stays_on_this_machine", plain_http),
        ("a_registry_that_is_away_comes_back", away),
        ("a_certificate_has_to_be_trusted", tls),
    ];
    let trial = |(name, case): (&str, Case)| {
        Trial::test(name, move || case().map_err(|error| format!("{error:#}").into())).with_ignored_flag(!here)
    };
    libtest_mimic::run(&Arguments::from_args(), cases.into_iter().map(trial).collect()).exit_code()
}

/// A registry, and somebody who speaks to it.
struct World {
    registry: Registry,
    client: Client,
    runtime: Runtime,
    _folder: TempDir,
}

impl World {
    fn start(setup: &Setup) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let registry = Registry::start(folder.path(), setup)?;
        Ok(Self { registry, client: client(&[])?, runtime: Runtime::new()?, _folder: folder })
    }

    fn reference(&self, name: &str) -> Result<Reference> {
        Ok(format!("{}/{name}", self.registry.address()).parse()?)
    }

    fn push(&self, name: &str, component: &'static [u8], credentials: Option<Credentials>) -> Result<Digest, Error> {
        let reference = self.reference(name).expect("a reference");
        let repository = Repository::to_push(&self.client, &reference, plain(credentials))?;
        self.runtime.block_on(repository.push(Bytes::from_static(component), &Config::default()))
    }

    fn pull(&self, reference: &Reference, credentials: Option<Credentials>) -> Result<(Artifact, Bytes), Error> {
        let repository = Repository::to_pull(&self.client, reference, plain(credentials))?;
        self.runtime.block_on(async {
            let artifact = repository.artifact().await?;
            assert_eq!(repository.current().await?, artifact.manifest);
            let component = repository.component(&artifact, LIMIT).await?;
            Ok((artifact, component))
        })
    }
}

fn plain(credentials: Option<Credentials>) -> Access {
    Access { credentials, plain_http: true }
}

fn client(trusted: &[CertificateDer<'static>]) -> Result<Client> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::new(Arc::new(tls), None))
}

fn pushed_and_pulled() -> Result<()> {
    let world = World::start(&Setup::default())?;
    let manifest = world.push("team/note:1", COMPONENT, None)?;
    let by_tag = world.reference("team/note:1")?;
    let (artifact, component) = world.pull(&by_tag, None)?;
    ensure!(component == COMPONENT && artifact.component == Digest::of(COMPONENT), "{artifact:?}");
    ensure!(artifact.manifest == manifest && artifact.size == COMPONENT.len() as u64, "{artifact:?}");
    let (by_digest, component) = world.pull(&by_tag.pinned(manifest.clone()), None)?;
    ensure!(by_digest == artifact && component == COMPONENT, "{by_digest:?}");
    // The same again is the same artifact.
    ensure!(world.push("team/note:1", COMPONENT, None)? == manifest);
    Ok(())
}

fn a_tag_moves() -> Result<()> {
    let world = World::start(&Setup::default())?;
    let tag = world.reference("note:latest")?;
    let first = world.push("note:latest", COMPONENT, None)?;
    let second = world.push("note:latest", b"\0asm, the second", None)?;
    ensure!(first != second && world.pull(&tag, None)?.1 == b"\0asm, the second"[..]);
    ensure!(world.pull(&tag.pinned(first), None)?.1 == COMPONENT);
    Ok(())
}

fn missing() -> Result<()> {
    let world = World::start(&Setup::default())?;
    world.push("note:1", COMPONENT, None)?;
    let unknown = Digest::of(b"unknown");
    for name in ["note:2", "other:1", &format!("note@{unknown}")] {
        let error = world.pull(&world.reference(name)?, None).map(drop);
        ensure!(matches!(&error, Err(Error::NotFound(named)) if named.contains(name)), "{name}: {error:?}");
    }
    Ok(())
}

fn container_image() -> Result<()> {
    const IMAGE: &str = "application/vnd.oci.image.config.v1+json";
    let world = World::start(&Setup::default())?;
    let (address, config) = (world.registry.address(), Digest::of(b"{}"));
    let head = send(address, "POST", "/v2/image/blobs/uploads/", "text/plain", b"")?;
    let location = head.lines().find_map(|line| line.strip_prefix("Location: ")).context("no place to upload to")?;
    let path = location.trim().split_once(&address.to_string()).map_or(location, |(_, path)| path).trim();
    let stored = send(address, "PUT", &format!("{path}&digest={config}"), "application/octet-stream", b"{}")?;
    ensure!(stored.contains(" 201 "), "{stored}");
    let manifest = format!(
        r#"{{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
            "config": {{"mediaType": "{IMAGE}", "digest": "{config}", "size": 2}}}}"#
    );
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let stored = send(address, "PUT", "/v2/image/manifests/1", kind, manifest.as_bytes())?;
    ensure!(stored.contains(" 201 "), "{stored}");
    let error = world.pull(&world.reference("image:1")?, None).map(drop);
    ensure!(matches!(&error, Err(Error::NotWasm { found, .. }) if found.contains(IMAGE)), "{error:?}");
    Ok(())
}

/// What other tools push is not pushed by ours.
fn send(address: SocketAddr, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn too_large() -> Result<()> {
    let world = World::start(&Setup::default())?;
    world.push("note:1", COMPONENT, None)?;
    let repository = Repository::to_pull(&world.client, &world.reference("note:1")?, plain(None))?;
    let size = COMPONENT.len() as u64;
    let pull =
        |limit| world.runtime.block_on(async { repository.component(&repository.artifact().await?, limit).await });
    ensure!(pull(size)? == COMPONENT);
    let error = pull(size - 1);
    let named =
        matches!(&error, Err(Error::TooLarge { size: found, limit, .. }) if *found == size && *limit == size - 1);
    ensure!(named, "{error:?}");
    Ok(())
}

fn credentials() -> Result<()> {
    let world = World::start(&Setup { asks_who: true, ..Setup::default() })?;
    let (alice, wrong) = (Credentials::new(USER, PASSWORD), Credentials::new(USER, "guessed"));
    let tag = world.reference("note:1")?;
    for (credentials, was_signed_in) in [(None, false), (Some(wrong), true)] {
        let pushed = world.push("note:1", COMPONENT, credentials.clone()).map(drop);
        let pulled = world.pull(&tag, credentials).map(drop);
        for refused in [pushed, pulled] {
            let named = matches!(&refused, Err(Error::Unauthorized { signed_in, .. }) if *signed_in == was_signed_in);
            ensure!(named, "{refused:?}");
        }
    }
    world.push("note:1", COMPONENT, Some(alice.clone()))?;
    ensure!(world.pull(&tag, Some(alice))?.1 == COMPONENT);
    Ok(())
}

fn plain_http() -> Result<()> {
    let client = client(&[])?;
    for registry in ["registry.example.org", "10.0.0.1:5000", "localhost.example.org:5000"] {
        let reference: Reference = format!("{registry}/note:1").parse()?;
        let opened = Repository::to_pull(&client, &reference, plain(None)).map(drop);
        ensure!(matches!(opened, Err(Error::Plaintext(_))), "{registry}: {opened:?}");
    }
    // And not unasked on this machine.
    let world = World::start(&Setup::default())?;
    let repository = Repository::to_pull(&world.client, &world.reference("note:1")?, Access::default())?;
    let error = world.runtime.block_on(repository.artifact()).map(drop);
    ensure!(matches!(error, Err(Error::Unavailable { .. })), "{error:?}");
    Ok(())
}

fn away() -> Result<()> {
    let mut world = World::start(&Setup::default())?;
    world.push("note:1", COMPONENT, None)?;
    let tag = world.reference("note:1")?;
    world.registry.stop();
    let error = world.pull(&tag, None).unwrap_err();
    ensure!(error.reason() == "FetchFailed" && error.retry() == Retry::Soon(None), "{error:?}");
    world.registry.resume()?;
    ensure!(world.pull(&tag, None)?.1 == COMPONENT);
    Ok(())
}

fn tls() -> Result<()> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let tls = Some((cert.pem(), signing_key.serialize_pem()));
    let world = World::start(&Setup { tls, ..Setup::default() })?;
    let reference: Reference = format!("localhost:{}/note:1", world.registry.address().port()).parse()?;
    let push = |client: &Client| -> Result<Digest, Error> {
        let repository = Repository::to_push(client, &reference, Access::default())?;
        world.runtime.block_on(repository.push(Bytes::from_static(COMPONENT), &Config::default()))
    };
    let error = push(&client(&[])?);
    ensure!(matches!(&error, Err(Error::Unavailable { problem, .. }) if problem.contains("certificate")), "{error:?}");
    push(&client(&[cert.der().clone()])?)?;
    Ok(())
}

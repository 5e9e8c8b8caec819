//! A provider as a value: what `export!` makes, and what the host or a test drives.

use serde_json::Value;

use crate::{Change, Creation, External, Failure, Kind, Managed, Observation, Result};

/// A provider: its name, its kinds, and what it asks for. Made by [`export!`](crate::export).
#[derive(Debug)]
pub struct Provider {
    name: &'static str,
    version: &'static str,
    needs: &'static str,
    config_schema: Option<&'static str>,
    kinds: &'static [ManagedKind],
}

/// One kind of a provider, with the code that manages it.
#[derive(Debug)]
pub struct ManagedKind {
    kind: Kind,
    recoverable: bool,
    connect: fn(&Value) -> Result<Box<dyn Session>>,
}

impl ManagedKind {
    /// The kind that `E` manages.
    #[must_use]
    pub const fn of<E: External>() -> Self {
        Self { kind: E::KIND, recoverable: E::RECOVERABLE, connect: connect::<E> }
    }

    /// Name and definition.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// See [`External::RECOVERABLE`].
    #[must_use]
    pub const fn recoverable(&self) -> bool {
        self.recoverable
    }
}

impl Provider {
    /// `needs` is a grants file as JSON.
    ///
    /// # Panics
    ///
    /// If the name is no DNS label or longer than 40, if there are no kinds, or if a kind is there twice. In a constant, which is where
    /// [`export!`](crate::export) calls it, this is an error of the compiler.
    #[must_use]
    pub const fn new(
        name: &'static str,
        version: &'static str,
        needs: &'static str,
        kinds: &'static [ManagedKind],
    ) -> Self {
        assert!(
            is_dns_label(name),
            "the provider's name must be a DNS label of at most 40 characters: lower case letters, digits and `-`"
        );
        assert!(!kinds.is_empty(), "a provider needs at least one kind");
        let mut next = 0;
        while next < kinds.len() {
            let mut other = next + 1;
            while other < kinds.len() {
                let (this, that) = (&kinds[next].kind, &kinds[other].kind);
                let same = is_equal(this.api_version(), that.api_version()) && is_equal(this.name(), that.name());
                assert!(!same, "two of the provider's types manage the same kind");
                other += 1;
            }
            next += 1;
        }
        Self { name, version, needs, config_schema: None, kinds }
    }

    /// The same with a configuration, described by a JSON Schema as JSON.
    #[must_use]
    pub const fn configured_by(mut self, schema: &'static str) -> Self {
        self.config_schema = Some(schema);
        self
    }

    /// A DNS label of at most 40 characters.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The provider's own version.
    #[must_use]
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// What it asks for: a grants file as JSON.
    #[must_use]
    pub const fn needs(&self) -> &'static str {
        self.needs
    }

    /// JSON Schema of its configuration; none if it takes none.
    #[must_use]
    pub const fn config_schema(&self) -> Option<&'static str> {
        self.config_schema
    }

    /// What it manages.
    #[must_use]
    pub const fn kinds(&self) -> &'static [ManagedKind] {
        self.kinds
    }

    /// Connects for one object, by the implementation of its kind.
    pub(crate) fn connect(&self, managed: &Value) -> Result<Box<dyn Session>> {
        let text = |key: &str| managed.get(key).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let wanted = |each: &&ManagedKind| each.kind.api_version() == api_version && each.kind.name() == kind;
        match self.kinds.iter().find(wanted) {
            Some(found) => (found.connect)(managed),
            None => {
                Err(Failure::terminal("UnknownKind", format!("{} does not manage {api_version} {kind}", self.name)))
            }
        }
    }
}

/// An [`External`] between connect and disconnect, with its types erased: objects are JSON.
pub(crate) trait Session {
    fn observe(&mut self, managed: &Value) -> Result<Observation>;
    fn create(&mut self, managed: &Value) -> Result<Creation>;
    fn update(&mut self, managed: &Value) -> Result<Change>;
    fn delete(&mut self, managed: &Value) -> Result<()>;
    fn disconnect(self: Box<Self>) -> Result<()>;
}

struct Connected<E>(E);

fn connect<E: External>(managed: &Value) -> Result<Box<dyn Session>> {
    Ok(Box::new(Connected(E::connect(&Managed::parse(managed)?)?)))
}

impl<E: External> Session for Connected<E> {
    fn observe(&mut self, managed: &Value) -> Result<Observation> {
        self.0.observe(&Managed::parse(managed)?)
    }

    fn create(&mut self, managed: &Value) -> Result<Creation> {
        self.0.create(&Managed::parse(managed)?)
    }

    fn update(&mut self, managed: &Value) -> Result<Change> {
        self.0.update(&Managed::parse(managed)?)
    }

    fn delete(&mut self, managed: &Value) -> Result<()> {
        self.0.delete(&Managed::parse(managed)?)
    }

    fn disconnect(self: Box<Self>) -> Result<()> {
        self.0.disconnect()
    }
}

/// Names of Leases and `ConfigMap`s are built from it.
const MAX_NAME: usize = 40;

const fn is_dns_label(name: &str) -> bool {
    let name = name.as_bytes();
    if name.is_empty() || name.len() > MAX_NAME || name[0] == b'-' || name[name.len() - 1] == b'-' {
        return false;
    }
    let mut next = 0;
    while next < name.len() {
        if !matches!(name[next], b'a'..=b'z' | b'0'..=b'9' | b'-') {
            return false;
        }
        next += 1;
    }
    true
}

/// `==` of strings, which is not to be had in constants.
const fn is_equal(this: &str, that: &str) -> bool {
    let (this, that) = (this.as_bytes(), that.as_bytes());
    if this.len() != that.len() {
        return false;
    }
    let mut next = 0;
    while next < this.len() {
        if this[next] != that[next] {
            return false;
        }
        next += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for good in ["a", "hello-2", "0"] {
            assert!(is_dns_label(good), "{good}");
        }
        for bad in ["", "Hello", "-a", "a-", "a.b", &"x".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad}");
        }
    }

    #[test]
    #[should_panic(expected = "the same kind")]
    fn a_kind_is_managed_once() {
        const fn kind(name: &'static str) -> ManagedKind {
            ManagedKind {
                kind: Kind::existing("a/v1", name),
                recoverable: false,
                connect: |_| Err(Failure::Terminal(crate::Problem { reason: String::new(), message: String::new() })),
            }
        }
        static KINDS: [ManagedKind; 3] = [kind("A"), kind("B"), kind("A")];
        let _ = Provider::new("twice", "0.1.0", "{}", &KINDS);
    }
}

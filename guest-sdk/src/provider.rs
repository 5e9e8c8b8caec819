//! A provider as a value: what `export!` makes, and what the host or a test drives.

use std::mem;

use crate::{Change, Creation, External, Failure, Kind, Managed, Observation, Result, managed::Envelope};

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
    connect: fn(&str, Envelope<'_>) -> Result<Box<dyn Session>>,
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
    pub(crate) fn connect(&self, managed: &str) -> Result<Box<dyn Session>> {
        let object: Envelope = serde_json::from_str(managed)?;
        let wanted =
            |each: &&ManagedKind| each.kind.api_version() == object.api_version && each.kind.name() == object.kind;
        if let Some(found) = self.kinds.iter().find(wanted) {
            return (found.connect)(managed, object);
        }
        let Envelope { api_version, kind, .. } = object;
        Err(Failure::terminal("UnknownKind", format!("{} does not manage {api_version} {kind}", self.name)))
    }
}

/// An [`External`] between connect and disconnect, with its types erased: objects are JSON texts.
pub(crate) trait Session {
    fn observe(&mut self, managed: String) -> Result<Observation>;
    fn create(&mut self, managed: String) -> Result<Creation>;
    fn update(&mut self, managed: String) -> Result<Change>;
    fn delete(&mut self, managed: String) -> Result<()>;
    fn disconnect(self: Box<Self>) -> Result<()>;
}

struct Connected<E: External> {
    external: E,
    object: Managed<E::Spec>,
    /// What `object` was read from.
    text: String,
}

fn connect<E: External>(text: &str, managed: Envelope) -> Result<Box<dyn Session>> {
    let object = Managed::read(managed)?;
    Ok(Box::new(Connected { external: E::connect(&object)?, object, text: text.to_owned() }))
}

impl<E: External> Connected<E> {
    /// Calls with the object in its present state. Most reconciles change nothing, and reading is a good part of what they cost,
    /// so a text that came before is not read again.
    fn with<T>(&mut self, managed: String, call: impl FnOnce(&mut E, &Managed<E::Spec>) -> Result<T>) -> Result<T> {
        if managed != self.text {
            self.object = Managed::read(serde_json::from_str(&managed)?)?;
            self.text = managed;
        }
        call(&mut self.external, &self.object)
    }
}

impl<E: External> Session for Connected<E> {
    fn observe(&mut self, managed: String) -> Result<Observation> {
        self.with(managed, E::observe)
    }

    fn create(&mut self, managed: String) -> Result<Creation> {
        self.with(managed, E::create)
    }

    fn update(&mut self, managed: String) -> Result<Change> {
        self.with(managed, E::update)
    }

    fn delete(&mut self, managed: String) -> Result<()> {
        self.with(managed, E::delete)
    }

    fn disconnect(self: Box<Self>) -> Result<()> {
        let Self { external, object, text } = *self;
        // The instance ends with the session: giving its memory back piece by piece would be for nothing.
        if cfg!(target_arch = "wasm32") {
            mem::forget((object, text));
        }
        external.disconnect()
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
    use std::cell::Cell;

    use serde::{Deserialize, Deserializer, de::Error as _};
    use serde_json::Value;

    use super::*;

    thread_local! {
        /// How often the `spec` of a [`Counted`] was read.
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    struct Spec(u64);

    impl<'de> Deserialize<'de> for Spec {
        fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
            READ.set(READ.get() + 1);
            let spec = Value::deserialize(from)?;
            spec["size"].as_u64().map(Self).ok_or_else(|| D::Error::custom("no size"))
        }
    }

    struct Counted;

    impl External for Counted {
        const KIND: Kind = Kind::existing("a/v1", "Counted");
        type Spec = Spec;

        fn connect(_: &Managed<Spec>) -> Result<Self> {
            Ok(Self)
        }

        fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation> {
            Ok(Observation::missing().external_name(object.spec.0.to_string()))
        }

        fn create(&mut self, object: &Managed<Spec>) -> Result<Creation> {
            Ok(Creation::done().external_name(object.spec.0.to_string()))
        }

        fn update(&mut self, _: &Managed<Spec>) -> Result<Change> {
            Ok(Change::done())
        }

        fn delete(&mut self, _: &Managed<Spec>) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_object_is_read_again_only_if_it_is_another() {
        static KINDS: [ManagedKind; 1] = [ManagedKind::of::<Counted>()];
        let provider = Provider::new("counted", "0.1.0", "{}", &KINDS);
        let object = |size: &str| format!(r#"{{"apiVersion":"a/v1","kind":"Counted","spec":{{"size":{size}}}}}"#);
        let mut session = provider.connect(&object("1")).unwrap();
        assert_eq!(session.observe(object("1")).unwrap().external_name.as_deref(), Some("1"));
        assert_eq!(READ.get(), 1);
        assert_eq!(session.create(object("2")).unwrap().external_name.as_deref(), Some("2"));
        assert_eq!(session.observe(object("2")).unwrap().external_name.as_deref(), Some("2"));
        assert_eq!(READ.get(), 2);
        // One that cannot be read does not take the place of the one before.
        assert_eq!(session.observe(object("null")).unwrap_err().problem().reason, "InvalidSpec");
        assert_eq!(session.observe(object("2")).unwrap().external_name.as_deref(), Some("2"));
        assert_eq!(READ.get(), 3);
    }

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
                connect: |_, _| {
                    Err(Failure::Terminal(crate::Problem { reason: String::new(), message: String::new() }))
                },
            }
        }
        static KINDS: [ManagedKind; 3] = [kind("A"), kind("B"), kind("A")];
        let _ = Provider::new("twice", "0.1.0", "{}", &KINDS);
    }
}

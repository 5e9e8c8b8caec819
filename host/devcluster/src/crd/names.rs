//! Which of the names that a CRD asks for it gets: in a group, each name belongs to the first that asked.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{strings, text};

/// The names that other CRDs of a group have.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Plurals, singulars and short names.
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

/// Why not all names are accepted: the last one that is not, as in Kubernetes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NameConflict {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Taken {
    /// Notes what a CRD has got.
    pub(crate) fn add(&mut self, crd: &Value) {
        let names = &crd["status"]["acceptedNames"];
        let name = |key: &str| Some(text(names, &format!("/{key}")).to_owned()).filter(|name| !name.is_empty());
        self.resources.extend(["plural", "singular"].into_iter().filter_map(name));
        self.resources.extend(strings(&names["shortNames"]));
        self.kinds.extend(["kind", "listKind"].into_iter().filter_map(name));
    }
}

/// The names that a CRD has from now on. Those that it has already stay; what it cannot get stays as it is.
pub(crate) fn accept(crd: &Value, taken: &Taken) -> (Value, Option<NameConflict>) {
    let requested = &crd["spec"]["names"];
    let mut accepted = match &crd["status"]["acceptedNames"] {
        Value::Object(names) => Value::Object(names.clone()),
        _ => json!({"plural": "", "kind": ""}),
    };
    let mut conflict = None;
    for (key, reason, others) in [
        ("plural", "PluralConflict", &taken.resources),
        ("singular", "SingularConflict", &taken.resources),
        ("shortNames", "ShortNamesConflict", &taken.resources),
        ("kind", "KindConflict", &taken.kinds),
        ("listKind", "ListKindConflict", &taken.kinds),
    ] {
        let all = |names: &Value| if names.is_string() { strings(&json!([names])) } else { strings(names) };
        let own = all(&accepted[key]);
        let lost: Vec<String> =
            all(&requested[key]).into_iter().filter(|name| !own.contains(name) && others.contains(name)).collect();
        if lost.is_empty() {
            super::set(&mut accepted, key, requested.get(key));
        } else {
            let texts: Vec<String> = lost.iter().map(|name| format!("{name:?} is already in use")).collect();
            let message = if let [text] = &texts[..] { text.clone() } else { format!("[{}]", texts.join(", ")) };
            conflict = Some(NameConflict { reason, message });
        }
    }
    super::set(&mut accepted, "categories", requested.get("categories"));
    (accepted, conflict)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crd(plural: &str, kind: &str) -> Value {
        let names =
            json!({"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")});
        json!({"spec": {"names": names}, "status": {"acceptedNames": {"plural": "", "kind": ""}}})
    }

    fn established(plural: &str, kind: &str) -> Value {
        let mut crd = crd(plural, kind);
        crd["status"]["acceptedNames"] = crd["spec"]["names"].clone();
        crd
    }

    #[test]
    fn names_that_nobody_has_are_accepted() {
        let mut taken = Taken::default();
        taken.add(&established("gadgets", "Gadget"));
        let new = crd("widgets", "Widget");
        assert_eq!(accept(&new, &taken), (new["spec"]["names"].clone(), None));
    }

    #[test]
    fn of_several_conflicts_the_last_is_told_and_the_other_names_are_given() {
        let mut taken = Taken::default();
        taken.add(&established("widgets", "Widget"));
        let (names, conflict) = accept(&crd("others", "Widget"), &taken);
        assert_eq!(names, json!({"plural": "others", "kind": ""}));
        let conflict = conflict.unwrap();
        assert_eq!(
            (conflict.reason, conflict.message.as_str()),
            ("ListKindConflict", "\"WidgetList\" is already in use")
        );
    }

    #[test]
    fn what_a_crd_has_it_keeps() {
        let mut taken = Taken::default();
        taken.add(&established("others", "Widget"));
        assert_eq!(accept(&established("widgets", "Widget"), &taken).1, None);
    }
}

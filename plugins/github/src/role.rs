//! What people and teams may do in a repository.
//!
//! GitHub has two names for two of its roles: requests and flags say `pull` and `push` where answers say `read` and `write`.
//! Organisations have roles of their own besides. The older member `permission` of answers knows three roles only: what is
//! compared with it never settles, so it is not looked at as long as an answer says anything else.

use capstan_sdk::Value;

/// From the least to the most, as flags name them.
const FLAGS: [&str; 5] = ["pull", "triage", "push", "maintain", "admin"];

/// A role, by the name that requests have for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role(String);

impl Role {
    /// The role of a name in either spelling. A name that is none of GitHub's is one of the organisation's own.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "read" => Self("pull".to_owned()),
            "write" => Self("push".to_owned()),
            known if FLAGS.contains(&known) => Self(lower),
            _ => Self(name.to_owned()),
        }
    }

    /// The role that an answer shows: by `role_name`, and on servers that do not have it by the highest of the flags, of
    /// which some releases set only one and others all below it. Older servers show both under `user` only.
    #[must_use]
    pub fn shown(answer: &Value) -> Option<Self> {
        for shown in [answer, &answer["user"]] {
            if let Some(name) = shown["role_name"].as_str().filter(|name| !name.is_empty()) {
                return (name != "none").then(|| Self::named(name));
            }
        }
        [answer, &answer["user"]].into_iter().find_map(|shown| {
            let highest = FLAGS.into_iter().rev().find(|flag| shown["permissions"][*flag] == true)?;
            Some(Self(highest.to_owned()))
        })
    }

    /// Whether an answer of a server that shows nothing but the older `permission` fits the role as far as that tells.
    #[must_use]
    pub fn fits_older(&self, answer: &Value) -> bool {
        let tells_more = [answer, &answer["user"]]
            .into_iter()
            .any(|shown| !(shown["role_name"].is_null() && shown["permissions"].is_null()));
        let older = match self.0.as_str() {
            "pull" | "triage" => "read",
            "push" | "maintain" => "write",
            other => other,
        };
        !tells_more && answer["permission"] == older
    }

    /// Whether who has it may do all that another role allows, as far as is known: organisations make theirs as they like, each
    /// to allow more than reading.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let rank = |role: &Self| FLAGS.iter().position(|flag| *flag == role.0);
        match (rank(self), rank(other)) {
            (Some(rank), Some(wanted)) => rank >= wanted,
            (Some(rank), None) => rank > 0,
            (None, _) => true,
        }
    }

    /// As requests name it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// As invitations name it; none for an organisation's own role, which they do not show.
    #[must_use]
    pub fn in_invitations(&self) -> Option<&str> {
        match self.0.as_str() {
            "pull" => Some("read"),
            "push" => Some("write"),
            known if FLAGS.contains(&known) => Some(known),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use capstan_sdk::json;

    use super::*;

    #[test]
    fn both_spellings_are_one_role() {
        for (one, other) in [("read", "pull"), ("write", "push"), ("Admin", "admin"), ("triage", "triage")] {
            assert_eq!(Role::named(one), Role::named(other));
        }
        assert_ne!(Role::named("Auditor"), Role::named("auditor"), "an organisation's own names are its own");
    }

    #[test]
    fn flags_count_by_the_highest_whether_exclusive_or_cumulative() {
        let cumulative =
            json!({"permissions": {"pull": true, "triage": true, "push": true, "maintain": false, "admin": false}});
        let exclusive =
            json!({"permissions": {"pull": false, "triage": false, "push": true, "maintain": false, "admin": false}});
        assert_eq!(Role::shown(&cumulative), Some(Role::named("write")));
        assert_eq!(Role::shown(&exclusive), Some(Role::named("write")));
    }

    #[test]
    fn the_role_name_counts_more_than_flags_and_the_older_permission() {
        let answer = json!({"permission": "write", "role_name": "maintain", "permissions": {"push": true}});
        assert_eq!(Role::shown(&answer), Some(Role::named("maintain")));
        assert_eq!(Role::shown(&json!({"role_name": "none", "permissions": {"pull": true}})), None);
        assert_eq!(Role::shown(&json!({})), None);
        assert_eq!(Role::shown(&json!({"role_name": "", "permissions": {"pull": true}})), Some(Role::named("read")));
    }

    #[test]
    fn a_role_covers_those_below_it_and_reading_covers_nothing_else() {
        let covers = |one: &str, other: &str| Role::named(one).covers(&Role::named(other));
        assert!(covers("admin", "push") && covers("maintain", "write") && covers("read", "pull"));
        assert!(!covers("triage", "push") && !covers("pull", "triage"));
        assert!(covers("admin", "auditor") && covers("auditor", "push") && !covers("pull", "auditor"));
    }

    #[test]
    fn invitations_know_githubs_own_roles_alone() {
        for (role, name) in
            [("pull", Some("read")), ("push", Some("write")), ("admin", Some("admin")), ("auditor", None)]
        {
            assert_eq!(Role::named(role).in_invitations(), name);
        }
    }

    #[test]
    fn older_servers_show_the_role_under_the_user_or_by_the_older_permission_alone() {
        let flags = json!({"pull": true, "triage": true, "push": true, "maintain": true, "admin": false});
        let under = json!({"permission": "write", "user": {"login": "a", "permissions": flags}});
        assert_eq!(Role::shown(&under), Some(Role::named("maintain")));
        assert!(!Role::named("push").fits_older(&under), "what it says elsewhere is more exact");
        let named = json!({"permission": "read", "user": {"role_name": "triage", "permissions": flags}});
        assert_eq!(Role::shown(&named), Some(Role::named("triage")));
        let alone = json!({"permission": "write", "user": {"login": "a"}});
        assert_eq!(Role::shown(&alone), None);
        for (role, fits) in [("push", true), ("maintain", true), ("triage", false), ("admin", false)] {
            assert_eq!(Role::named(role).fits_older(&alone), fits, "{role}");
        }
    }
}

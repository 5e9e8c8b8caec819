//! `TeamRepo`.

use capstan_fakegithub::Settings;
use capstan_github::kinds::team_repo::{Spec, TeamRepo};
use capstan_sdk::{Managed, json};

use crate::stage::{Stage, object};

fn of(permission: &str) -> Managed<Spec> {
    let spec = json!({
        "org": "acme", "teamSlug": "core", "owner": "acme", "repo": "shop", "permission": permission, "credentials": {},
    });
    object("TeamRepo", spec, json!({}))
}

#[test]
fn every_role_settles_with_either_kind_of_flags() {
    for exclusive_permission_flags in [false, true] {
        let stage = Stage::new(Settings { exclusive_permission_flags, ..Settings::default() });
        stage.fake.seed().repository("acme", "shop");
        stage.fake.seed().team("acme", "core");
        let mut kind = TeamRepo::new(stage.github());
        assert!(!kind.observe(&of("pull")).unwrap().exists);
        for permission in ["pull", "triage", "push", "maintain", "admin"] {
            let _ = kind.update(&of(permission)).unwrap();
            stage.fake.forget();
            assert!(kind.observe(&of(permission)).unwrap().up_to_date, "{permission}");
            assert_eq!(stage.requests().len(), 1);
        }
        kind.delete(&of("pull")).unwrap();
        kind.delete(&of("pull")).unwrap();
        assert!(!kind.observe(&of("pull")).unwrap().exists);
        stage.assert_clean();
    }
}

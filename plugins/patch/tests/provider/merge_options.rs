//! How the value meets the one that is there: Krateo's matrix of options and kinds of values, from end to end. Whatever
//! comes out, it is up to date afterwards.

use capstan_patch::PROVIDER;
use capstan_sdk::testing::Action;
use capstan_sdk::{Value, json};

use super::{config_map, data, host, patch, respecify};

/// Of a field with `old`, written with `new` under `options`. None: it is up to date as it is.
fn merged(options: Option<Value>, old: &Value, new: &Value) -> Option<Value> {
    let host = host();
    host.put(config_map("foo", json!({"field": new})));
    host.put(config_map("bar", json!({"field": old})));
    let patch = patch(&host, json!({"fieldPath": "data.field", "transform": "${ .field }"}));
    respecify(&host, &patch, |spec| spec["mergeOptions"] = options.unwrap_or_default());
    if host.reconcile(&PROVIDER, &patch).unwrap().action == Action::Nothing {
        return None;
    }
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Nothing, "it settles");
    Some(data(&host)["field"].clone())
}

#[test]
fn every_row_of_the_matrix_comes_out_and_settles() {
    let map = (json!({"same": "old", "mine": 1}), json!({"same": "new", "yours": 2}));
    let list = (json!(["a", "b"]), json!(["b", "c"]));
    let text = (json!("old"), json!("new"));
    let (keep, append) = (json!({"keepMapValues": true}), json!({"appendSlice": true}));
    let both = json!({"keepMapValues": true, "appendSlice": true});
    let merged_map = |same: &str| Some(json!({"same": same, "mine": 1, "yours": 2}));
    for (options, kind, (old, new), expected) in [
        (None, "map", &map, Some(map.1.clone())),
        (None, "list", &list, Some(list.1.clone())),
        (None, "text", &text, Some(text.1.clone())),
        (Some(json!({})), "map", &map, merged_map("new")),
        (Some(json!({})), "list", &list, Some(list.1.clone())),
        (Some(json!({})), "text", &text, Some(text.1.clone())),
        (Some(keep.clone()), "map", &map, merged_map("old")),
        (Some(keep.clone()), "list", &list, None),
        (Some(keep.clone()), "text", &text, None),
        (Some(keep.clone()), "empty text", &(json!(""), json!("new")), Some(json!("new"))),
        (Some(keep), "zero", &(json!({"n": 0}), json!({"n": 3})), Some(json!({"n": 3}))),
        (Some(append.clone()), "map", &map, merged_map("new")),
        (Some(append.clone()), "list", &list, Some(json!(["a", "b", "c"]))),
        (Some(append), "text", &text, Some(text.1.clone())),
        (Some(both.clone()), "map", &map, merged_map("old")),
        (Some(both.clone()), "list", &list, Some(json!(["a", "b", "c"]))),
        (Some(both), "text", &text, None),
        (Some(json!({"keepMapValues": false, "appendSlice": false})), "map", &map, merged_map("new")),
    ] {
        assert_eq!(merged(options.clone(), old, new), expected, "{kind} with {options:?}");
    }
}

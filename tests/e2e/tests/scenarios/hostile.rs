//! Guests that misbehave, beside one that does not.

use anyhow::{Result, ensure};
use capstan_e2e::{condition, eventually};
use serde_json::json;

use crate::world::{SOON, World};

const HOSTILE: (&str, &str) = ("test.capstan.dev/v1", "hostiles");

pub(crate) async fn bad_guests_end_as_conditions_while_a_neighbour_converges(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace("hostile").await?;
    let bad = [
        ("spins_in_observe", "DeadlineExceeded"),
        ("traps_in_observe", "Trapped"),
        ("panics", "Trapped"),
        ("allocates", "MemoryExhausted"),
        ("malformed_status_of_observe", "MalformedAnswer"),
        ("reads_outside_its_grant", "Denied"),
    ];
    for (behaviour, _) in bad {
        objects
            .apply_value(&json!({
                "apiVersion": HOSTILE.0, "kind": "Hostile",
                "metadata": {"name": behaviour.replace('_', "-"), "namespace": "hostile"},
                "spec": {"behaviour": behaviour},
            }))
            .await?;
    }
    // The neighbour has its turn while the bad ones are tried again and again.
    for number in 0..10 {
        let name = format!("beside-{number}");
        objects
            .apply_value(&json!({
                "apiVersion": "test.capstan.dev/v1", "kind": "Note",
                "metadata": {"name": name, "namespace": "hostile"}, "spec": {"text": "undisturbed"},
            }))
            .await?;
        let config_map = format!("note-{name}");
        let look = || objects.get("v1", "configmaps", "hostile", &config_map);
        eventually(&config_map, SOON, look, |found| found["data"]["text"] == "undisturbed").await?;
    }
    for (behaviour, reason) in bad {
        let name = behaviour.replace('_', "-");
        let look = || objects.get(HOSTILE.0, HOSTILE.1, "hostile", &name);
        let found = eventually(&format!("{name}: {reason}"), SOON, look, |found| {
            let (status, why, _) = condition(found, "Synced");
            (status, why) == ("False", reason)
        })
        .await?;
        let message = condition(&found, "Synced").2.to_owned();
        ensure!(!message.is_empty(), "{name} has no message");
    }
    // A neighbour's deletion works as well: create, delete, gone.
    objects.delete("test.capstan.dev/v1", "notes", "hostile", "beside-0").await?;
    let look = || objects.get("v1", "configmaps", "hostile", "note-beside-0");
    eventually("note-beside-0 is gone", SOON, look, serde_json::Value::is_null).await?;
    Ok(())
}

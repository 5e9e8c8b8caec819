//! Every fault at every operation of a create, an update and a deletion.

use super::*;

/// The number of an operation that no story reaches.
const BEYOND: usize = 40;

/// An object whose resource is there already, with a spec of its own.
fn existing_in(world: &World, spec: &Value) {
    let name = world.outside.add(spec);
    world.store.edit(&json!({"metadata": {"annotations": {keys::EXTERNAL_NAME: name}}}));
}

#[tokio::test(start_paused = true)]
async fn a_create_happens_once_whatever_goes_wrong_at_whatever_point() {
    let mut struck = 0;
    for findable in [true, false] {
        for fault in Fault::ALL {
            for operation in 0..BEYOND {
                let case = format!("findable: {findable}, {fault:?} at operation {operation}");
                let mut world = World::new(fresh(), findable, Duration::from_secs(10));
                world.trouble.plan(operation, fault);
                let mut report = world.rest().await.expect("the object is there");
                if world.trouble.is_planned() {
                    break;
                }
                struck += 1;
                if report.outcome == Outcome::Unclear {
                    assert!(!findable && world.trouble.has_lost(), "{case}: nobody should have to decide");
                    world.answer_the_question().await;
                    report = world.rest().await.expect("the object is there");
                }
                assert_eq!(world.holds(), Ok(()), "{case}");
                assert_eq!(report.outcome, Outcome::Settled, "{case}");
                assert!(world.is_converged(), "{case}: {:#}", world.store.value());
                assert_eq!(world.outside.creates(), 1, "{case}");
            }
        }
    }
    assert!(struck > 2 * Fault::ALL.len() * 10, "a create has more than ten operations: {struck}");
}

#[tokio::test(start_paused = true)]
async fn an_update_arrives_whatever_goes_wrong_at_whatever_point() {
    for fault in Fault::ALL {
        for operation in 0..BEYOND {
            let mut world = World::new(held(), false, Duration::ZERO);
            existing_in(&world, &json!({"size": 0}));
            world.trouble.plan(operation, fault);
            world.rest().await;
            if world.trouble.is_planned() {
                break;
            }
            // The end of the update was observed before it; the next poll sees it.
            advance(Duration::from_mins(1)).await;
            world.rest().await;
            assert_eq!(world.holds(), Ok(()), "{fault:?} at operation {operation}");
            assert!(world.is_converged(), "{fault:?} at operation {operation}: {:#}", world.store.value());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_after_the_resource_whatever_goes_wrong_at_whatever_point() {
    for fault in Fault::ALL {
        for operation in 0..BEYOND {
            let mut world = World::new(deleted(), false, Duration::ZERO);
            existing_in(&world, &json!({"size": 1}));
            world.trouble.plan(operation, fault);
            world.rest().await;
            if world.trouble.is_planned() {
                break;
            }
            assert_eq!(world.holds(), Ok(()), "{fault:?} at operation {operation}");
            assert!(world.store.is_gone(), "{fault:?} at operation {operation}");
            assert_eq!(world.outside.specs(), [json!(null); 0], "{fault:?} at operation {operation}");
        }
    }
}

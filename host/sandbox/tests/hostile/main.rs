//! Every behaviour of the hostile guest, and what becomes of it: a named outcome within the budget, a neighbour that does
//! not notice, and nothing left behind.

#[path = "../support/mod.rs"]
mod support;

mod cases;
mod spliced;
mod stage;
mod start;

use capstan_hostile::{Behaviour, for_each_behaviour};

/// A test of its own for each behaviour. One without a case does not compile.
macro_rules! tests {
    ($($(#[$doc:meta])* $name:ident $variant:ident,)*) => {
        $(
            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let stage = stage::Stage::new(Behaviour::$variant).await;
                cases::$name(&stage).await;
                stage.leaves_nothing_behind().await;
            }
        )*
    };
}

for_each_behaviour!(tests);

//! The one wasmtime engine of the process, and its settings.

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{
    Settings,
    limiter::{INSTANCES, MEMORIES, TABLES},
};

/// Deep enough for parsers and formatters, and a runaway recursion ends while the host's stack has room left.
const WASM_STACK: usize = 512 << 10;
/// The fiber's stack: that of the guest, and the same again for host functions called on top of it.
const FIBER_STACK: usize = 1 << 20;
/// An index of 32 bits cannot reach further, and an address space reserved to its end needs no bounds checks.
const MEMORY: usize = 4 << 30;

/// An engine, and whether its instances come from a pool.
///
/// The pool reserves address space for all of them beforehand, which makes a fresh instance for every reconcile cheap.
/// Where address space is short the reservation fails and each instance gets its own memory when it is made.
pub(crate) fn engine(settings: &Settings) -> wasmtime::Result<(Engine, bool)> {
    match Engine::new(config().allocation_strategy(pool(settings))) {
        Ok(engine) => Ok((engine, true)),
        Err(error) => {
            tracing::info!(%error, "no address space for a pool of instances: each is allocated on its own, more slowly");
            Engine::new(config().allocation_strategy(InstanceAllocationStrategy::OnDemand))
                .map(|engine| (engine, false))
        }
    }
}

/// An engine that compiles what the one of [`engine`] runs, and has no room to run anything itself.
pub(crate) fn compiling() -> wasmtime::Result<Engine> {
    Engine::new(config().allocation_strategy(InstanceAllocationStrategy::OnDemand))
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        // What a guest left on a fiber's stack is not there for the next one.
        .async_stack_zeroing(true)
        // Providers are written against WASI 0.2: calls into them block, and the store needs no tables for tasks.
        .concurrency_support(false)
        .native_unwind_info(false)
        // Nothing that compilers of today's guests emit unasked; what is not accepted cannot be attacked.
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false);
    config
}

fn pool(settings: &Settings) -> InstanceAllocationStrategy {
    let instances = settings.concurrency.get();
    // As if every instance used all that a component may have: what is not used costs address space only, and no provider
    // can take away what its neighbours need.
    let core_instances = instances.saturating_mul(bound(INSTANCES));
    let memories = instances.saturating_mul(bound(MEMORIES));
    let tables = instances.saturating_mul(bound(TABLES));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(core_instances)
        .total_memories(memories)
        .total_tables(tables)
        .total_stacks(instances)
        .max_core_instances_per_component(bound(INSTANCES))
        .max_memories_per_component(bound(MEMORIES))
        .max_tables_per_component(bound(TABLES))
        .max_memory_size(MEMORY)
        .table_elements(TABLE_ELEMENTS)
        // A slot keeps the image of the component that it served last, and what is kept resident below.
        .max_unused_warm_slots(instances)
        // Overwritten after use instead of given back: every page that is given back costs an interrupt of all processors that
        // run guests, and a fault at its next use.
        .linear_memory_keep_resident(RESIDENT_MEMORY)
        .table_keep_resident(RESIDENT_TABLE)
        .async_stack_keep_resident(RESIDENT_STACK);
    InstanceAllocationStrategy::Pooling(pool)
}

/// Function pointers of one module; Go's runtime has the most.
const TABLE_ELEMENTS: usize = 20_000;

/// Stack and data of a guest that is linked with a stack of 128 KiB, as the documentation advises. Overwriting it takes a few
/// microseconds.
const RESIDENT_MEMORY: usize = 256 << 10;
/// All entries of a guest of usual size.
const RESIDENT_TABLE: usize = 64 << 10;
/// What a call and the host functions below it usually need. There is one stack for each call.
const RESIDENT_STACK: usize = 32 << 10;

/// The bounds are small constants.
fn bound(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

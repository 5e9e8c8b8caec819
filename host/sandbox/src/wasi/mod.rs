//! WASI, as far as standard libraries import it without being asked: clocks and randomness, output that ends up in the
//! log, and nothing else. No files, no environment, no arguments, no input, no network.

mod output;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use self::output::Output;
use crate::{
    log::{Journal, Stream},
    state::State,
};

/// Bytes of randomness for one call: seeds and keys are much smaller, and the host allocates them.
const RANDOM: u64 = 64 << 10;
/// Handles that a guest may have at the same time. Without files and sockets only a few streams and pollables are left.
const HANDLES: usize = 1000;

/// What WASI keeps for one instance.
pub(crate) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl Wasi {
    pub(crate) fn new(journal: &Journal) -> Self {
        let context = WasiCtxBuilder::new()
            .stdout(Output::new(journal.clone(), Stream::Out))
            .stderr(Output::new(journal.clone(), Stream::Err))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(RANDOM)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self { context, table }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Wasi { context, table } = self.wasi();
        WasiCtxView { ctx: context, table }
    }
}

/// Links the interfaces of WASI 0.2 that this crate has.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

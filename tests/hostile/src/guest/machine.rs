//! What a guest does to the machine that it runs on.

use std::{env, fs, hint, net::TcpStream};

pub(super) fn spin() -> ! {
    let mut number = 0u64;
    loop {
        number = hint::black_box(number.wrapping_add(1));
    }
}

pub(super) fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// What happens after the call of itself cannot be moved before it, so that it stays a recursion.
pub(super) fn recurse(depth: u64, end: u64) -> u64 {
    if depth == end { 0 } else { recurse(depth + 1, end).rotate_left(1) ^ depth }
}

/// The same with something in memory on each level.
pub(super) fn recurse_with_locals(depth: u64, end: u64) -> u64 {
    let local = hint::black_box([depth; 16]);
    if depth == end { 0 } else { recurse_with_locals(depth + 1, end).rotate_left(1) ^ local[7] }
}

pub(super) fn allocate() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(hint::black_box(vec![1u8; 1 << 20]));
    }
}

/// What a guest can find of the machine.
pub(super) fn look_around() -> String {
    let variables = env::vars().count();
    let arguments = env::args().count();
    let files = fs::read_dir("/").is_ok() || fs::read("/etc/hostname").is_ok() || fs::write("x", "y").is_ok();
    let network = TcpStream::connect("127.0.0.1:80").is_ok() || TcpStream::connect("localhost:80").is_ok();
    let input = std::io::read_to_string(std::io::stdin()).map_or(0, |text| text.len());
    format!(
        r#"{{"variables": {variables}, "arguments": {arguments}, "files": {files}, "network": {network}, "input": {input}}}"#
    )
}

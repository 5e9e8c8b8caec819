//! Free ports and secrets.

use std::{fs::File, io::Read, net::TcpListener};

use anyhow::{Context, Result, bail};

/// Below the range from which the kernel takes ports for outgoing connections, so that none of those can take it in between.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

const ATTEMPTS: u32 = 100;

/// A port of the loopback interface that nobody listens on at this moment.
///
/// # Errors
/// If there is none after a hundred attempts.
pub fn free_port() -> Result<u16> {
    for _ in 0..ATTEMPTS {
        let [high, low, ..] = random()?;
        let port = RANGE.start + u16::from_be_bytes([high, low]) % (RANGE.end - RANGE.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {} after {ATTEMPTS} attempts", RANGE.start, RANGE.end)
}

/// 128 bits that nobody can guess, as hexadecimal digits.
pub(crate) fn token() -> Result<String> {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in random()? {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("no randomness")?;
    Ok(bytes)
}

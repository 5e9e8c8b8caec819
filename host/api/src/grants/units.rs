//! How durations and amounts are written.

/// `10s`, `500ms`, `2m`, `1h`.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        // The shortest way to write it.
        let text = |value: &Duration| {
            let millis = value.as_millis();
            let fits = |unit: &&(&str, u64)| millis > 0 && millis.is_multiple_of(u128::from(unit.1));
            let (unit, length) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
            format!("{}{unit}", millis / u128::from(*length))
        };
        match value {
            Some(value) => to.serialize_str(&text(value)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let parsed = UNITS.iter().find_map(|(unit, millis)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(*millis).map(Duration::from_millis)
        });
        parsed.map(Some).ok_or_else(|| D::Error::custom(format!("`{text}` is no duration: write 500ms, 10s, 1m or 1h")))
    }
}

/// Bytes, from `64Mi`, `1Gi`, or a number of them.
pub fn memory(text: &str) -> Result<u64, InvalidMemory> {
    const UNITS: [(&str, u64); 3] = [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30)];
    let parsed = UNITS.iter().find_map(|(unit, bytes)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*bytes)
    });
    parsed.or_else(|| text.parse().ok()).ok_or_else(|| InvalidMemory(text.to_owned()))
}

/// It is written in some other way.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no number of bytes: write 512Ki, 64Mi or 1Gi")]
pub struct InvalidMemory(String);

/// As [`memory`] reads it.
pub(super) mod quantity {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::memory;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Bytes(u64),
        Unit(String),
    }

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(in crate::grants) fn serialize<S: Serializer>(value: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_u64(*value),
            None => to.serialize_none(),
        }
    }

    pub(in crate::grants) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        let text = match Option::<Text>::deserialize(from)? {
            None => return Ok(None),
            Some(Text::Bytes(bytes)) => return Ok(Some(bytes)),
            Some(Text::Unit(text)) => text,
        };
        memory(&text).map(Some).map_err(D::Error::custom)
    }
}

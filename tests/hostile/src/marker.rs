//! How `describe` is told what to do: by bytes of the component that are replaced after it was built.

use crate::Behaviour;

/// What stands in front of the name of a behaviour, and nowhere else.
const FRONT: &[u8; 24] = b"capstan-hostile-describe";
/// Bytes for the name, padded with blanks.
const NAME: usize = 40;
const LENGTH: usize = FRONT.len() + NAME;

#[cfg(target_arch = "wasm32")]
static MARKER: [u8; LENGTH] = marker("behaves");

const fn marker(name: &str) -> [u8; LENGTH] {
    let name = name.as_bytes();
    let mut marker = [b' '; LENGTH];
    let mut index = 0;
    while index < FRONT.len() {
        marker[index] = FRONT[index];
        index += 1;
    }
    while index < FRONT.len() + name.len() {
        marker[index] = name[index - FRONT.len()];
        index += 1;
    }
    marker
}

/// The component with another behaviour in its `describe`.
///
/// # Panics
///
/// If it is no component of this crate.
#[must_use]
pub fn describing(component: &[u8], behaviour: Behaviour) -> Vec<u8> {
    let plain = marker(Behaviour::Behaves.name());
    let at = component.windows(LENGTH).position(|window| window == plain).expect("built from this crate");
    let mut changed = component.to_vec();
    changed[at..at + LENGTH].copy_from_slice(&marker(behaviour.name()));
    changed
}

/// The behaviour of `describe`.
#[cfg(target_arch = "wasm32")]
pub(crate) fn written() -> Option<Behaviour> {
    // Unknown to the compiler, which would replace it by what it reads here.
    let marker = std::hint::black_box(&MARKER);
    let name = std::str::from_utf8(marker.get(FRONT.len()..)?).ok()?;
    Behaviour::of(name.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_replaced_in_place() {
        let mut component = vec![0; 10];
        component.extend_from_slice(&marker("behaves"));
        component.push(0);
        let changed = describing(&component, Behaviour::SpinsInDescribe);
        assert_eq!(changed.len(), component.len());
        assert_eq!(&changed[10..10 + LENGTH], marker("spins_in_describe"));
    }
}

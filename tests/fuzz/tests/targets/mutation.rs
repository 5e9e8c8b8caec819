//! Inputs that are made of others.

use proptest::{
    prelude::*,
    sample::{Index, select},
};

/// Bytes of an input: what is larger only takes longer.
const LONGEST: usize = 64 << 10;

/// One change of an input. Places are parts of its length, so that they mean something whatever was changed before.
#[derive(Debug, Clone)]
enum Change {
    /// Another byte.
    Byte(Index, u8),
    /// A number of bytes are taken out.
    Cut(Index, usize),
    /// A part is there several times.
    Repeat(Index, usize, usize),
    /// A word of the target's.
    Insert(Index, &'static str),
    /// A word in the place of a part.
    Put(Index, &'static str),
    /// A part is replaced by a part of another input.
    Replace(Index, Index, Index),
    /// A part goes to another place.
    Swap(Index, Index),
}

/// Inputs made of these by some changes each.
pub(crate) fn inputs(seeds: Vec<Vec<u8>>, words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let count = seeds.len();
    (any::<Index>(), prop::collection::vec(change(words), 0..6)).prop_map(move |(first, changes)| {
        let mut input = seeds[first.index(count)].clone();
        for change in &changes {
            apply(&mut input, change, &seeds);
            input.truncate(LONGEST);
        }
        input
    })
}

fn change(words: &'static [&'static str]) -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        2 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => (place(), 1usize..16).prop_map(|(at, length)| Change::Cut(at, length)),
        1 => (place(), 1usize..32, 1usize..200).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        3 => (place(), select(words)).prop_map(|(at, word)| Change::Insert(at, word)),
        3 => (place(), select(words)).prop_map(|(at, word)| Change::Put(at, word)),
        4 => (place(), place(), place()).prop_map(|(at, seed, from)| Change::Replace(at, seed, from)),
        1 => (place(), place()).prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

fn apply(input: &mut Vec<u8>, change: &Change, seeds: &[Vec<u8>]) {
    let place = |at: &Index| at.index(input.len() + 1);
    match change {
        Change::Byte(at, byte) => {
            if let Some(found) = input.len().checked_sub(1).map(|last| at.index(last + 1)) {
                input[found] = *byte;
            }
        }
        Change::Cut(at, length) => {
            let from = place(at);
            input.drain(from..(from + length).min(input.len()));
        }
        Change::Repeat(at, length, times) => {
            let from = place(at);
            let part = input[from..(from + length).min(input.len())].repeat(*times);
            input.splice(from..from, part);
        }
        Change::Insert(at, word) => {
            let from = place(at);
            input.splice(from..from, word.bytes());
        }
        Change::Put(at, word) => {
            if let Some((from, to)) = part(input, *at) {
                input.splice(from..to, word.bytes());
            }
        }
        Change::Replace(at, seed, other) => {
            let seed = &seeds[seed.index(seeds.len())];
            if let (Some((from, to)), Some((first, last))) = (part(input, *at), part(seed, *other)) {
                input.splice(from..to, seed[first..last].iter().copied());
            }
        }
        Change::Swap(one, other) => {
            if let (Some((from, to)), Some(place)) = (part(input, *one), part(input, *other)) {
                let moved: Vec<u8> = input.drain(from..to).collect();
                let place = place.0.min(input.len());
                input.splice(place..place, moved);
            }
        }
    }
}

/// One of the parts that a text in any of our languages has: a quoted one, one in brackets, a line or a word.
fn part(input: &[u8], which: Index) -> Option<(usize, usize)> {
    let mut found = Vec::new();
    let (mut open, mut quote, mut word, mut line) = (Vec::new(), None, 0, 0);
    for (at, byte) in input.iter().enumerate() {
        match byte {
            b'"' | b'\'' => match quote.take() {
                Some((from, mark)) if mark == byte => found.push((from, at + 1)),
                Some(other) => quote = Some(other),
                None => quote = Some((at, byte)),
            },
            b'{' | b'[' | b'(' | b'<' => open.push(at),
            b'}' | b']' | b')' | b'>' => found.extend(open.pop().map(|from| (from, at + 1))),
            _ => {}
        }
        if !byte.is_ascii_alphanumeric() {
            found.extend((word < at).then_some((word, at)));
            word = at + 1;
        }
        if *byte == b'\n' {
            found.push((line, at));
            line = at + 1;
        }
    }
    found.extend((word < input.len()).then_some((word, input.len())));
    found.extend((line < input.len()).then_some((line, input.len())));
    (!found.is_empty()).then(|| found[which.index(found.len())])
}

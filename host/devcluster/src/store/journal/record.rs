//! The text of a journal: a line that says what it is, then a line for each transaction, its checksum before it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::BufRead;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::ReadError;
use crate::object::ObjectExt;
use crate::store::{Object, ObjectRef};

/// Rises with every change that older versions would misread.
const FORMAT: u64 = 1;
const HEADER: &str = "capstan devcluster journal, format ";

/// Eight hexadecimal digits and a space.
const CHECKSUM: usize = 9;

/// What a journal holds.
#[derive(Debug, Default, PartialEq)]
pub(in crate::store) struct Contents {
    /// The newest revision, which may be that of a removal.
    pub(in crate::store) revision: u64,
    pub(in crate::store) objects: BTreeMap<ObjectRef, Stored>,
    /// Bytes up to the end of the last whole record.
    pub(super) length: u64,
    /// Bytes after that, of a record whose end is missing.
    pub(super) torn: u64,
}

/// An object as it was written.
#[derive(Debug, PartialEq)]
pub(in crate::store) struct Stored {
    pub(in crate::store) revision: u64,
    pub(in crate::store) value: Value,
}

#[derive(Deserialize)]
struct Transaction {
    revision: u64,
    changes: Vec<Entry>,
}

/// A change: the new state of an object, or none for one that was removed.
#[derive(Deserialize)]
struct Entry {
    collection: Arc<str>,
    namespace: String,
    name: String,
    object: Option<Map<String, Value>>,
}

/// The first line.
pub(super) fn header() -> String {
    format!("{HEADER}{FORMAT}\n")
}

/// The line of a transaction: each object with its new state, or none if it was removed.
pub(super) fn encode<'a>(revision: u64, entries: impl Iterator<Item = (&'a ObjectRef, Option<&'a Object>)>) -> Vec<u8> {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut line = vec![b' '; CHECKSUM];
    line.extend_from_slice(format!("{{\"revision\":{revision},\"changes\":[").as_bytes());
    for (index, (at, object)) in entries.enumerate() {
        if index > 0 {
            line.push(b',');
        }
        let place = [("collection", &*at.collection), ("namespace", &at.namespace), ("name", &at.name)];
        line.push(b'{');
        for (key, text) in place {
            line.extend_from_slice(format!("\"{key}\":{},", quoted(text)).as_bytes());
        }
        line.extend_from_slice(b"\"object\":");
        // The text that readers and watches get as well, so that an object is serialised once.
        line.extend_from_slice(object.map_or(b"null".as_slice(), |object| object.json()));
        line.push(b'}');
    }
    line.extend_from_slice(b"]}");
    let checksum = format!("{:08x}", crc32fast::hash(&line[CHECKSUM..]));
    line[..CHECKSUM - 1].copy_from_slice(checksum.as_bytes());
    line.push(b'\n');
    line
}

/// Reads a journal from its beginning.
pub(super) fn read(mut input: impl BufRead) -> Result<Contents, ReadError> {
    let mut line = Vec::new();
    let mut contents = Contents { length: read_header(&mut input, &mut line)?, ..Contents::default() };
    loop {
        line.clear();
        let length = input.read_until(b'\n', &mut line).map_err(ReadError::Io)? as u64;
        let damaged = |what: String| ReadError::Damaged { at: contents.length, what };
        match line.split_last() {
            None => return Ok(contents),
            Some((b'\n', record)) => {
                let text = checked(record).ok_or_else(|| damaged("the checksum does not match".to_owned()))?;
                let transaction = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
                contents.apply(transaction).map_err(|what| ReadError::Damaged { at: contents.length, what })?;
                contents.length += length;
            }
            // A whole record has an end, and this one has another.
            Some((_, record)) if checked(record).is_some() => return Err(damaged("a line has no end".to_owned())),
            Some(_) => {
                contents.torn = length;
                return Ok(contents);
            }
        }
    }
}

/// Reads the first line and returns its length.
fn read_header(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<u64, ReadError> {
    // Files that are something else may have lines of any length.
    let limit = HEADER.len() as u64 + 21;
    let mut start = std::io::Read::take(&mut *input, limit);
    let length = start.read_until(b'\n', line).map_err(ReadError::Io)? as u64;
    let text = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(HEADER)?.strip_suffix('\n'));
    let found: u64 = text.and_then(|digits| digits.parse().ok()).ok_or(ReadError::NotAJournal)?;
    match found {
        FORMAT => Ok(length),
        0 => Err(ReadError::NotAJournal),
        _ => Err(ReadError::Newer { found, supported: FORMAT }),
    }
}

/// The text of a record whose checksum is right.
fn checked(record: &[u8]) -> Option<&[u8]> {
    let (checksum, text) = record.split_at_checked(CHECKSUM)?;
    let mut expected = String::new();
    // Writing to a string does not fail.
    let _ = write!(expected, "{:08x} ", crc32fast::hash(text));
    (checksum == expected.as_bytes()).then_some(text)
}

impl Contents {
    fn apply(&mut self, transaction: Transaction) -> Result<(), String> {
        for Entry { collection, namespace, name, object } in transaction.changes {
            let at = ObjectRef { collection, namespace, name };
            let Some(object) = object else {
                self.objects.remove(&at);
                continue;
            };
            let value = Value::Object(object);
            let revision = value.meta_str("resourceVersion").parse().ok().filter(|own| *own <= transaction.revision);
            let revision = revision.ok_or_else(|| format!("{} has no valid resourceVersion", at.name))?;
            self.objects.insert(at, Stored { revision, value });
        }
        self.revision = self.revision.max(transaction.revision);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(name: &str) -> ObjectRef {
        ObjectRef { collection: "widgets".into(), namespace: "default".into(), name: name.into() }
    }

    fn put(revision: u64, name: &str, text: &str) -> Vec<u8> {
        let value = json!({"metadata": {"name": name, "resourceVersion": revision.to_string()}, "text": text});
        encode(revision, std::iter::once((&at(name), Some(&*Object::unsaved(value, revision, 0)))))
    }

    /// Two objects, and the removal of one of them.
    fn lines() -> [Vec<u8>; 4] {
        let removal = encode(3, std::iter::once((&at("a"), None)));
        [header().into_bytes(), put(1, "a", "line\nbreak"), put(2, "b", "\"quoted\" é"), removal]
    }

    fn names(contents: &Contents) -> Vec<&str> {
        contents.objects.keys().map(|at| at.name.as_str()).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let contents = read(&*lines().concat()).unwrap();
        assert_eq!((contents.revision, contents.torn), (3, 0));
        assert_eq!(names(&contents), ["b"]);
        let b = &contents.objects[&at("b")];
        assert_eq!((b.revision, &b.value["text"]), (2, &json!("\"quoted\" é")));
    }

    #[test]
    fn an_unfinished_record_at_the_end_is_left_out() {
        let lines = lines();
        let whole = [&*lines[0], &*lines[1], &*lines[2]].concat();
        for cut in 0..lines[3].len() {
            let text = [&*whole, &lines[3][..cut]].concat();
            let contents = read(&*text).unwrap();
            assert_eq!((contents.length, contents.torn), (whole.len() as u64, cut as u64));
            assert_eq!((contents.revision, names(&contents)), (2, vec!["a", "b"]), "cut at {cut}");
        }
    }

    #[test]
    fn any_byte_that_changed_is_found() {
        let text = lines().concat();
        for position in 0..text.len() {
            for wrong in [0, b'\n', b' ', b'0', text[position] ^ 1, text[position] ^ 0x80] {
                let mut changed = text.clone();
                changed[position] = wrong;
                assert!(wrong == text[position] || read(&*changed).is_err(), "{wrong} at {position}");
            }
        }
    }

    #[test]
    fn damage_is_reported_where_its_record_begins() {
        let lines = lines();
        let mut text = lines.concat();
        let at = lines[0].len() + lines[1].len();
        text[at + 40] ^= 1;
        let error = read(&*text).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { at: found, .. } if found == at as u64), "{error:?}");
    }

    #[test]
    fn a_record_that_this_version_does_not_understand_is_damage() {
        let other =
            br#"{"revision":1,"changes":[{"collection":"c","namespace":"","name":"n","object":{"metadata":{}}}]}"#;
        let line = format!("{:08x} {}\n", crc32fast::hash(other), String::from_utf8_lossy(other));
        let error = read((header() + &line).as_bytes()).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { what, .. } if what == "n has no valid resourceVersion"));
    }

    #[test]
    fn other_files_and_newer_formats_are_told_apart() {
        for other in ["", "hello\n", "capstan devcluster journal, format \n", "capstan devcluster journal, format 0\n"]
        {
            assert!(matches!(read(other.as_bytes()), Err(ReadError::NotAJournal)), "{other}");
        }
        let newer = read("capstan devcluster journal, format 2\nwhatever".as_bytes());
        assert!(matches!(newer, Err(ReadError::Newer { found: 2, supported: FORMAT })));
    }
}

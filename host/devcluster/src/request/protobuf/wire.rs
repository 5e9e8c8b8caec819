//! The wire format of protobuf: a sequence of numbered fields. The crates that read it do so into generated types.

use super::ProtobufError;

/// The content of a field, as far as the wire tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// An integer or a boolean.
    Varint(u64),
    /// A string, bytes, or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message in the order in which they come. Ends after the first error.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(ProtobufError::Truncated)?;
            self.rest = rest;
            if shift == 63 && byte > 1 {
                return Err(ProtobufError::Malformed("an integer of more than 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ProtobufError::Malformed("an integer of more than ten bytes"))
    }

    fn field(&mut self) -> Result<(u64, Content<'a>), ProtobufError> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 {
            return Err(ProtobufError::Malformed("a field with number 0"));
        }
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| ProtobufError::Truncated)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(ProtobufError::Truncated)?;
                self.rest = rest;
                Content::Bytes(bytes)
            }
            // Kubernetes has no fields with numbers of fixed width, and groups are long gone from protobuf.
            _ => return Err(ProtobufError::Malformed("a field of a type that Kubernetes does not use")),
        };
        Ok((number, content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Content<'a>), ProtobufError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Content<'_>)>, ProtobufError> {
        Fields::new(bytes).collect()
    }

    #[test]
    fn fields_come_in_order() {
        let found = fields(&[0x0a, 0x02, b'h', b'i', 0x10, 0x96, 0x01]).unwrap();
        assert_eq!(found, [(1, Content::Bytes(b"hi")), (2, Content::Varint(150))]);
    }

    #[test]
    fn what_is_cut_off_or_impossible_is_an_error() {
        let lengthy = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        for bytes in [&[0x0a][..], &[0x0a, 0x05, b'h'], &[0x10, 0x80], &[0x02, 0x00], &[0x0b], &[0xff; 12], &lengthy] {
            assert!(fields(bytes).is_err(), "{bytes:x?}");
        }
    }
}

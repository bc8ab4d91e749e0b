//! Numbers and byte runs as lib0 writes them: a number is little-endian base 128, a run of bytes or
//! a text is its length as such a number and then its bytes.
//!
//! The reader never trusts a length: every count is held against the bytes that remain, and nothing
//! is allocated. Called by [`super::protocol`].

/// The bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is damaged at byte {at} ({what})")]
pub struct Malformed {
    /// Where.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Reads from the front of some bytes.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) const fn fault(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// A number of up to 64 bits.
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (index, byte) in self.rest().iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds the 64th bit alone.
            if index == 9 && bits > 1 {
                return Err(self.fault("number too large"));
            }
            value |= bits << (7 * index);
            if byte & 0x80 == 0 {
                self.at += index + 1;
                return Ok(value);
            }
        }
        Err(self.fault(if self.rest().len() < 10 {
            "cut off within a number"
        } else {
            "number too long"
        }))
    }

    /// A run of bytes with its length in front.
    pub(super) fn run(&mut self) -> Result<&'a [u8], Malformed> {
        let begin = self.at;
        let length = self.number()?;
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest().get(..length));
        let Some(taken) = taken else {
            self.at = begin;
            return Err(self.fault("length beyond the message"));
        };
        self.at += taken.len();
        Ok(taken)
    }

    /// A text with its length in bytes in front.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let begin = self.at;
        let run = self.run()?;
        std::str::from_utf8(run).map_err(|_| Malformed {
            at: begin,
            what: "text is not UTF-8",
        })
    }
}

/// Appends a number.
pub(super) fn put_number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Appends a run of bytes with its length in front.
pub(super) fn put_run(bytes: &mut Vec<u8>, run: &[u8]) {
    put_number(bytes, run.len() as u64);
    bytes.extend_from_slice(run);
}

/// How many bytes a number takes.
pub(super) const fn number_len(value: u64) -> usize {
    let bits = (u64::BITS - value.leading_zeros()) as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_and_runs_come_back(value: u64, run: Vec<u8>, text: String) {
            let mut bytes = Vec::new();
            put_number(&mut bytes, value);
            prop_assert_eq!(bytes.len(), number_len(value));
            put_run(&mut bytes, &run);
            put_run(&mut bytes, text.as_bytes());
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.number().unwrap(), value);
            prop_assert_eq!(reader.run().unwrap(), &run[..]);
            prop_assert_eq!(reader.text().unwrap(), &text);
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_where_it_stands() {
        let number = |bytes: &[u8]| Reader::new(bytes).number();
        assert_eq!(number(&[]).unwrap_err().what, "cut off within a number");
        assert_eq!(number(&[0x80]).unwrap_err().what, "cut off within a number");
        assert_eq!(number(&[0xff; 11]).unwrap_err().what, "number too large");
        assert_eq!(number(&[0x80; 11]).unwrap_err().what, "number too long");
        let mut largest = vec![0xff; 9];
        largest.push(1);
        assert_eq!(number(&largest).unwrap(), u64::MAX);
        let run = |bytes: &[u8]| Reader::new(bytes).run().map(<[u8]>::to_vec);
        assert_eq!(run(&[3, 1, 2]).unwrap_err().at, 0);
        assert!(run(&largest).is_err());
        assert!(Reader::new(&[2, 0xc3, 0x28]).text().is_err());
    }
}

//! Messages above a dialect's frame limit, in the way of y-partykit: a text frame that opens a batch,
//! slices of the message as binary frames, a text frame that ends it.
//!
//! ```text
//! y-pk-batch#{"id":"gf","type":"start","size":3000027,"count":4}
//! … 4 binary frames, 1,000,000 bytes and the rest …
//! y-pk-batch#{"id":"gf","type":"end","size":3000027,"count":4}
//! ```
//!
//! While a batch is open every binary frame belongs to it, so nothing else may be sent in between.
//! Must not know what a message says. Called by [`super::client`] and by the room server.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How a text frame begins that opens or ends a batch.
const MARKER: &str = "y-pk-batch#";
/// The longest marker; a longer text is none.
const MAX_MARKER_BYTES: usize = 512;
/// How many slices a message may come in, whatever its size.
const MAX_SLICES: u64 = 4096;

/// One WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A binary one.
    Binary(Bytes),
    /// A text.
    Text(String),
}

impl Frame {
    /// The payload's length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Binary(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// Without payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A batch was not what its markers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A marker cannot be read.
    #[error("a batch marker cannot be read")]
    Marker,
    /// A batch within a batch, or an end without a start.
    #[error("a batch marker is out of order")]
    Order,
    /// The message is larger than this side takes.
    #[error("the message is too large")]
    TooLarge,
    /// Size, count or id at the end are not those of the start.
    #[error("a batch does not add up")]
    Sum,
}

/// What a frame came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assembled {
    /// A whole message.
    Message(Bytes),
    /// Part of one; more must come.
    Pending,
}

#[derive(Debug, Serialize, Deserialize)]
struct Marker<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
    #[serde(rename = "type")]
    kind: Kind,
    size: u64,
    count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Start,
    End,
}

/// Puts the frames of one connection together again. After an error the connection is of no further
/// use: what follows cannot be told apart.
#[derive(Debug)]
pub struct Assembler {
    max_bytes: usize,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    id: String,
    size: u64,
    count: u64,
    slices: u64,
    bytes: Vec<u8>,
}

impl Assembler {
    /// For messages of at most `max_bytes`.
    #[must_use]
    pub const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            open: None,
        }
    }

    /// A batch is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a binary frame.
    ///
    /// # Errors
    /// When it is too large, or too much for the open batch.
    pub fn binary(&mut self, frame: Bytes) -> Result<Assembled, BatchError> {
        let Some(open) = &mut self.open else {
            return if frame.len() > self.max_bytes {
                Err(BatchError::TooLarge)
            } else {
                Ok(Assembled::Message(frame))
            };
        };
        open.slices += 1;
        // Memory follows what has come, not what a marker announces.
        if open.slices > open.count || (open.bytes.len() + frame.len()) as u64 > open.size {
            self.open = None;
            return Err(BatchError::Sum);
        }
        open.bytes.extend_from_slice(&frame);
        Ok(Assembled::Pending)
    }

    /// Takes a text frame; `None`: it has nothing to do with batches.
    ///
    /// # Errors
    /// When it is a marker that cannot be read or does not fit.
    pub fn text(&mut self, text: &str) -> Result<Option<Assembled>, BatchError> {
        let Some(json) = text.strip_prefix(MARKER) else {
            return Ok(None);
        };
        let marker: Marker<'_> = (text.len() <= MAX_MARKER_BYTES)
            .then(|| serde_json::from_str(json).ok())
            .flatten()
            .ok_or(BatchError::Marker)?;
        match (marker.kind, self.open.take()) {
            (Kind::Start, None) => {
                if marker.size > self.max_bytes as u64 {
                    return Err(BatchError::TooLarge);
                }
                if marker.count == 0 || marker.count > MAX_SLICES {
                    return Err(BatchError::Sum);
                }
                self.open = Some(Open {
                    id: marker.id.into_owned(),
                    size: marker.size,
                    count: marker.count,
                    slices: 0,
                    bytes: Vec::new(),
                });
                Ok(Some(Assembled::Pending))
            }
            (Kind::End, Some(open)) => {
                let adds_up = open.id == marker.id
                    && open.size == marker.size
                    && open.count == marker.count
                    && open.slices == open.count
                    && open.bytes.len() as u64 == open.size;
                if !adds_up {
                    return Err(BatchError::Sum);
                }
                Ok(Some(Assembled::Message(open.bytes.into())))
            }
            _ => Err(BatchError::Order),
        }
    }
}

/// The frames that carry `message` in slices of at most `slice_bytes`: the message alone where it
/// fits, else a batch. `id` names the batch; it needs to differ from the last one only.
#[must_use]
pub fn split(message: Bytes, slice_bytes: usize, id: u64) -> Vec<Frame> {
    let slice_bytes = slice_bytes.max(1);
    if message.len() <= slice_bytes {
        return vec![Frame::Binary(message)];
    }
    let marker = |kind| {
        let marker = Marker {
            id: format!("{id:x}").into(),
            kind,
            size: message.len() as u64,
            count: message.len().div_ceil(slice_bytes) as u64,
        };
        // A text and three plain values always have a JSON form.
        let json = serde_json::to_string(&marker).unwrap_or_default();
        Frame::Text(format!("{MARKER}{json}"))
    };
    let slices = (0..message.len()).step_by(slice_bytes).map(|begin| {
        let end = message.len().min(begin + slice_bytes);
        Frame::Binary(message.slice(begin..end))
    });
    std::iter::once(marker(Kind::Start))
        .chain(slices)
        .chain(std::iter::once(marker(Kind::End)))
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: &str = r#"y-pk-batch#{"id":"gf","type":"start","size":5,"count":2}"#;
    const END: &str = r#"y-pk-batch#{"id":"gf","type":"end","size":5,"count":2}"#;

    fn assemble(assembler: &mut Assembler, frames: Vec<Frame>) -> Option<Bytes> {
        let mut message = None;
        for frame in frames {
            assert!(message.is_none(), "frames after the whole message");
            let assembled = match frame {
                Frame::Binary(bytes) => assembler.binary(bytes).unwrap(),
                Frame::Text(text) => assembler.text(&text).unwrap().unwrap(),
            };
            if let Assembled::Message(whole) = assembled {
                message = Some(whole);
            }
        }
        message
    }

    proptest! {
        #[test]
        fn a_message_comes_back_from_its_slices(message: Vec<u8>, slice in 1usize..40, id: u64) {
            let message = Bytes::from(message);
            let frames = split(message.clone(), slice, id);
            for frame in &frames {
                if let Frame::Binary(bytes) = frame {
                    prop_assert!(bytes.len() <= slice);
                }
            }
            let mut assembler = Assembler::new(message.len());
            prop_assert_eq!(assemble(&mut assembler, frames).unwrap(), message);
            prop_assert!(!assembler.is_open());
        }
    }

    #[test]
    fn markers_read_as_the_web_writes_them() {
        let Frame::Text(start) = &split(vec![0; 3_000_027].into(), 1_000_000, 0x6f)[0] else {
            unreachable!("a batch begins with a text");
        };
        assert_eq!(
            start,
            r#"y-pk-batch#{"id":"6f","type":"start","size":3000027,"count":4}"#
        );
        let mut assembler = Assembler::new(100);
        assert_eq!(assembler.text(START), Ok(Some(Assembled::Pending)));
        let part = Bytes::from_static;
        assert_eq!(assembler.binary(part(b"abc")), Ok(Assembled::Pending));
        assert_eq!(assembler.binary(part(b"de")), Ok(Assembled::Pending));
        assert_eq!(
            assembler.text(END),
            Ok(Some(Assembled::Message(part(b"abcde"))))
        );
        assert_eq!(assembler.text("{\"type\":\"ping\"}"), Ok(None));
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let fresh = || Assembler::new(100);
        let opened = || {
            let mut assembler = fresh();
            assembler.text(START).unwrap();
            assembler
        };
        let part = Bytes::from_static;
        assert_eq!(fresh().text(END), Err(BatchError::Order));
        assert_eq!(opened().text(START), Err(BatchError::Order));
        assert_eq!(opened().text(END), Err(BatchError::Sum));
        assert_eq!(opened().text("y-pk-batch#{"), Err(BatchError::Marker));
        assert_eq!(opened().binary(part(b"abcdef")), Err(BatchError::Sum));
        let mut assembler = opened();
        for _ in 0..2 {
            assembler.binary(part(b"a")).unwrap();
        }
        assert_eq!(assembler.clone_open_len(), 2);
        assert_eq!(assembler.binary(part(b"a")), Err(BatchError::Sum));
        let huge = r#"y-pk-batch#{"id":"","type":"start","size":9000000000000,"count":2}"#;
        assert_eq!(fresh().text(huge), Err(BatchError::TooLarge));
        let many = r#"y-pk-batch#{"id":"","type":"start","size":5,"count":9000000000000}"#;
        assert_eq!(fresh().text(many), Err(BatchError::Sum));
        let negative = r#"y-pk-batch#{"id":"","type":"start","size":-5,"count":2}"#;
        assert_eq!(fresh().text(negative), Err(BatchError::Marker));
        assert_eq!(
            fresh().binary(vec![0; 101].into()),
            Err(BatchError::TooLarge)
        );
    }

    impl Assembler {
        fn clone_open_len(&self) -> usize {
            self.open.as_ref().map_or(0, |open| open.bytes.len())
        }
    }
}

//! Frames of the y-protocols: one message per binary WebSocket message, read without copying.
//!
//! ```text
//! 00 00 len SV    sync step 1: what the sender knows (a state vector)
//! 00 01 len U     sync step 2: the answer, what the other lacks (an update, format version 1)
//! 00 02 len U     an update
//! 01 len {n, (client, clock, JSON text) × n}    awareness; the JSON text `null`: gone
//! 02 00 len text  permission denied, with its reason
//! 03              a question for everybody's awareness
//! 78 00 n len SV  ours: durable (below)
//! ```
//!
//! What a document holds is not looked at: updates and state vectors are bytes here, and who applies
//! them checks them ([`crate::doc::guard`]). Must not know sockets or documents. Called by
//! [`super::client`], by [`super::awareness`] and by the room server.
//!
//! # The durable message
//! A y-protocol room never says what it has stored. A peer that adds [`DURABLE_QUERY`] to the URL
//! asks a server of ours to: message type 120, subtype 0, then the number of *document messages* (step
//! 2 and update) of this connection, counted from 1 in the order they came, up to and including
//! which everything is durable on the server, then the state vector of the durable document. The
//! number is needed because a deletion does not move a state vector. A message that the server
//! refused is not durable: the number stops in front of it. Others neither know the parameter nor
//! send the message, and every y-protocol reader passes over message types that it does not know.

use super::varint::{Reader, number_len, put_number, put_run};

pub use super::varint::Malformed;

/// The parameter in a room's URL with which a peer asks for durable messages.
pub const DURABLE_QUERY: (&str, &str) = ("tableglow", "1");

/// The largest client id and clock: what JavaScript can count to.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

const SYNC: u64 = 0;
const AWARENESS: u64 = 1;
const AUTH: u64 = 2;
const QUERY_AWARENESS: u64 = 3;
const TABLEGLOW: u64 = 120;

const STEP_1: u64 = 0;
const STEP_2: u64 = 1;
const UPDATE: u64 = 2;
const DENIED: u64 = 0;
const DURABLE: u64 = 0;

/// A message, borrowed from its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// About the document.
    Sync(SyncMessage<'a>),
    /// Who is here and what they show.
    Awareness(AwarenessUpdate<'a>),
    /// The peer may not do what it did; with the reason given.
    Denied(&'a str),
    /// The peer wants to be told all awareness.
    QueryAwareness,
    /// What the server has stored (see the module's head).
    Durable {
        /// How many document messages of this connection are durable, from the first on.
        messages: u64,
        /// The state vector of the durable document.
        state_vector: &'a [u8],
    },
    /// A message of a kind that nobody here knows; to be passed over.
    Unknown {
        /// Its type.
        kind: u64,
        /// Everything after the type.
        body: &'a [u8],
    },
}

/// A message about the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMessage<'a> {
    /// What the sender knows: a state vector. To be answered with step 2.
    Step1(&'a [u8]),
    /// What the receiver lacked: an update, the answer to step 1.
    Step2(&'a [u8]),
    /// What has just changed: an update.
    Update(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The message that a frame holds. What follows it in the frame is passed over, as the web's
    /// clients and servers do.
    ///
    /// # Errors
    /// Where and how the bytes are no message.
    pub fn decode(frame: &'a [u8]) -> Result<Self, Malformed> {
        Self::decode_first(frame).map(|(message, _)| message)
    }

    /// The first message of a frame and what follows it: some peers pack several into one frame.
    ///
    /// # Errors
    /// Where and how the bytes are no message.
    pub fn decode_first(frame: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(frame);
        let message = match reader.number()? {
            SYNC => Self::Sync(match reader.number()? {
                STEP_1 => SyncMessage::Step1(reader.run()?),
                STEP_2 => SyncMessage::Step2(reader.run()?),
                UPDATE => SyncMessage::Update(reader.run()?),
                _ => return Err(reader.fault("unknown kind of sync message")),
            }),
            AWARENESS => Self::Awareness(AwarenessUpdate::decode(reader.run()?)?),
            AUTH => match reader.number()? {
                DENIED => Self::Denied(reader.text()?),
                _ => return Err(reader.fault("unknown kind of auth message")),
            },
            QUERY_AWARENESS => Self::QueryAwareness,
            TABLEGLOW => match reader.number()? {
                DURABLE => Self::Durable {
                    messages: reader.number()?,
                    state_vector: reader.run()?,
                },
                _ => {
                    // A later version of ours.
                    let body = frame.get(number_len(TABLEGLOW)..).unwrap_or_default();
                    let kind = TABLEGLOW;
                    return Ok((Self::Unknown { kind, body }, &[]));
                }
            },
            kind => {
                let body = reader.rest();
                return Ok((Self::Unknown { kind, body }, &[]));
            }
        };
        Ok((message, reader.rest()))
    }

    /// The message as a frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(self.encoded_len());
        match self {
            Self::Sync(SyncMessage::Step1(run)) => put_sync(&mut frame, STEP_1, run),
            Self::Sync(SyncMessage::Step2(run)) => put_sync(&mut frame, STEP_2, run),
            Self::Sync(SyncMessage::Update(run)) => put_sync(&mut frame, UPDATE, run),
            Self::Awareness(update) => {
                put_number(&mut frame, AWARENESS);
                put_run(&mut frame, update.bytes);
            }
            Self::Denied(reason) => {
                put_number(&mut frame, AUTH);
                put_number(&mut frame, DENIED);
                put_run(&mut frame, reason.as_bytes());
            }
            Self::QueryAwareness => put_number(&mut frame, QUERY_AWARENESS),
            Self::Durable {
                messages,
                state_vector,
            } => {
                put_number(&mut frame, TABLEGLOW);
                put_number(&mut frame, DURABLE);
                put_number(&mut frame, *messages);
                put_run(&mut frame, state_vector);
            }
            Self::Unknown { kind, body } => {
                put_number(&mut frame, *kind);
                frame.extend_from_slice(body);
            }
        }
        frame
    }

    /// Room enough for the message, within a few bytes.
    const fn encoded_len(&self) -> usize {
        let body = match self {
            Self::Sync(
                SyncMessage::Step1(run) | SyncMessage::Step2(run) | SyncMessage::Update(run),
            ) => run.len(),
            Self::Awareness(update) => update.bytes.len(),
            Self::Denied(reason) => reason.len(),
            Self::QueryAwareness => 0,
            Self::Durable { state_vector, .. } => state_vector.len() + 10,
            Self::Unknown { body, .. } => body.len() + 9,
        };
        body + 2 + number_len(body as u64)
    }
}

fn put_sync(frame: &mut Vec<u8>, kind: u64, run: &[u8]) {
    put_number(frame, SYNC);
    put_number(frame, kind);
    put_run(frame, run);
}

/// The entries of an awareness message, checked as a whole and still in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwarenessUpdate<'a> {
    bytes: &'a [u8],
}

/// What one client shows, as a message has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwarenessEntry<'a> {
    /// The client.
    pub client: u64,
    /// Its clock: a greater one is newer.
    pub clock: u64,
    /// JSON text, not looked at; `null`: the client has gone.
    pub json: &'a str,
}

impl AwarenessEntry<'_> {
    /// The client has gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.json == "null"
    }
}

impl<'a> AwarenessUpdate<'a> {
    /// Checks the body of an awareness message. JSON is not looked at.
    ///
    /// # Errors
    /// Where and how it is none.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let count = reader.number()?;
        // Each entry takes three bytes or more.
        if count > (reader.rest().len() / 3) as u64 {
            return Err(reader.fault("count beyond the message"));
        }
        for _ in 0..count {
            let entry = read_entry(&mut reader)?;
            if entry.client > MAX_NUMBER || entry.clock > MAX_NUMBER {
                return Err(reader.fault("client or clock out of range"));
            }
        }
        if reader.is_empty() {
            Ok(Self { bytes })
        } else {
            Err(reader.fault("bytes left over"))
        }
    }

    /// The entries in their order.
    pub fn entries(&self) -> impl Iterator<Item = AwarenessEntry<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        let count = reader.number().unwrap_or(0);
        (0..count).map_while(move |_| read_entry(&mut reader).ok())
    }
}

fn read_entry<'a>(reader: &mut Reader<'a>) -> Result<AwarenessEntry<'a>, Malformed> {
    Ok(AwarenessEntry {
        client: reader.number()?,
        clock: reader.number()?,
        json: reader.text()?,
    })
}

/// A frame with these awareness entries.
#[must_use]
pub fn awareness_frame<'a>(entries: impl IntoIterator<Item = AwarenessEntry<'a>>) -> Vec<u8> {
    let (mut count, mut body) = (0, Vec::new());
    for entry in entries {
        count += 1;
        put_number(&mut body, entry.client);
        put_number(&mut body, entry.clock);
        put_run(&mut body, entry.json.as_bytes());
    }
    let mut frame = Vec::with_capacity(body.len() + 12);
    put_number(&mut frame, AWARENESS);
    put_number(&mut frame, (number_len(count) + body.len()) as u64);
    put_number(&mut frame, count);
    frame.extend_from_slice(&body);
    frame
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    /// Generated frames of the malformed kind; `TABLEGLOW_FRAMES` asks for more.
    const DAMAGED_FRAMES: u64 = 100_000;

    fn entries() -> impl Strategy<Value = Vec<(u64, u64, String)>> {
        prop::collection::vec((0..=MAX_NUMBER, 0..=MAX_NUMBER, any::<String>()), 0..5)
    }

    proptest! {
        #[test]
        fn every_message_comes_back(
            run: Vec<u8>, text: String, number: u64, kind in 4u64.., entries in entries()
        ) {
            let frame = awareness_frame(
                entries
                    .iter()
                    .map(|(client, clock, json)| AwarenessEntry { client: *client, clock: *clock, json }),
            );
            let Message::Awareness(update) = Message::decode(&frame).unwrap() else {
                return Err(TestCaseError::fail("no awareness"));
            };
            let read: Vec<_> = update
                .entries()
                .map(|entry| (entry.client, entry.clock, entry.json.to_owned()))
                .collect();
            prop_assert_eq!(&read, &entries);
            prop_assert_eq!(Message::Awareness(update).encode(), frame.clone());
            let mut messages = vec![
                Message::Sync(SyncMessage::Step1(&run)),
                Message::Sync(SyncMessage::Step2(&run)),
                Message::Sync(SyncMessage::Update(&run)),
                Message::Denied(&text),
                Message::QueryAwareness,
                Message::Durable { messages: number, state_vector: &run },
            ];
            if kind != TABLEGLOW {
                messages.push(Message::Unknown { kind, body: &run });
            }
            for message in messages {
                let bytes = message.encode();
                prop_assert!(bytes.len() <= message.encoded_len() + 10);
                prop_assert_eq!(Message::decode(&bytes).unwrap(), message.clone());
                // What follows is left to who wants it.
                if !matches!(message, Message::Unknown { .. }) {
                    let both = [&bytes[..], &frame[..]].concat();
                    prop_assert_eq!(Message::decode_first(&both).unwrap(), (message, &frame[..]));
                }
            }
        }
    }

    #[test]
    fn the_frames_of_the_web_are_written_as_it_writes_them() {
        let step_1 = Message::Sync(SyncMessage::Step1(&[0])).encode();
        assert_eq!(step_1, [0, 0, 1, 0]);
        let step_2 = Message::Sync(SyncMessage::Step2(&[0, 0])).encode();
        assert_eq!(step_2, [0, 1, 2, 0, 0]);
        let gone = awareness_frame([AwarenessEntry {
            client: 1001,
            clock: 2,
            json: "null",
        }]);
        assert_eq!(gone, b"\x01\x09\x01\xe9\x07\x02\x04null");
    }

    #[test]
    fn a_later_message_of_ours_is_passed_over() {
        let frame = [120, 9, 1, 2, 3];
        let kind = TABLEGLOW;
        let body = &frame[1..];
        let message = Message::decode(&frame).unwrap();
        assert_eq!(message, Message::Unknown { kind, body });
        assert_eq!(message.encode(), frame);
    }

    /// Whatever comes over the wire ends as a message or as an error, never as a crash or as more
    /// memory than was sent.
    #[test]
    fn damaged_frames_are_refused_or_read_but_never_crash() {
        let count = std::env::var("TABLEGLOW_FRAMES")
            .ok()
            .and_then(|count| count.parse().ok())
            .unwrap_or(DAMAGED_FRAMES);
        let seed = 0x7ab1_e910;
        let mut rng = StdRng::seed_from_u64(seed);
        let good = [
            Message::Sync(SyncMessage::Step1(&[1, 0xe9, 7, 1])).encode(),
            Message::Sync(SyncMessage::Update(&[0; 200])).encode(),
            awareness_frame((1..4).map(|client| AwarenessEntry {
                client: client * 1_000_003,
                clock: client,
                json: "{\"cursor\":null}",
            })),
            Message::Denied("no").encode(),
            Message::Durable {
                messages: 300,
                state_vector: &[0],
            }
            .encode(),
        ];
        let (mut refused, mut read) = (0u64, 0u64);
        for _ in 0..count {
            let mut frame = good[rng.random_range(0..good.len())].clone();
            for _ in 0..rng.random_range(1..4) {
                match rng.random_range(0..4) {
                    0 if !frame.is_empty() => {
                        let at = rng.random_range(0..frame.len());
                        frame[at] = rng.random();
                    }
                    1 => frame.truncate(rng.random_range(0..=frame.len())),
                    2 => {
                        let at = rng.random_range(0..=frame.len());
                        frame.splice(at..at, [0xff; 9]);
                    }
                    _ => frame.extend((0..rng.random_range(0..9)).map(|_| rng.random::<u8>())),
                }
            }
            match Message::decode(&frame) {
                Ok(Message::Awareness(update)) => {
                    read += 1;
                    assert!(update.entries().count() <= frame.len(), "seed {seed}");
                }
                Ok(_) => read += 1,
                Err(malformed) => {
                    refused += 1;
                    assert!(malformed.at <= frame.len(), "seed {seed}");
                }
            }
        }
        assert_eq!(refused + read, count);
        assert!(
            refused > count / 10 && read > count / 10,
            "{refused} {read}"
        );
    }
}

//! An open connection: what is queued, what has come and is not taken in yet, what the room knows.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::MAX_MESSAGE_BYTES;
use super::events::Outgoing;
use crate::sync::batch::{Assembler, Frame, split};
use crate::sync::dialect::Dialect;
use crate::sync::protocol::{Message, SyncMessage};

/// More than this queued, and updates are owed instead.
const MAX_QUEUE_BYTES: usize = 1 << 20;
const MAX_QUEUE: usize = 256;
/// Messages whose acknowledgment is awaited; the oldest are covered by later ones.
const MAX_AWAITED: usize = 4096;
/// The update that changes nothing.
const EMPTY_UPDATE: &[u8] = &[0, 0];

/// An open connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) opened: Duration,
    pub(super) heard: Duration,
    pub(super) said: Duration,
    pub(super) live_since: Option<Duration>,
    pub(super) assembler: Assembler,
    pub(super) queue: VecDeque<Outgoing>,
    queue_bytes: usize,
    pub(super) inbox: Vec<Bytes>,
    pub(super) inbox_bytes: usize,
    /// The state that the room has once everything in the queue has arrived; `None` before its step 1.
    pub(super) room_knows: Option<Vec<u8>>,
    /// The document holds changes that are not in the queue.
    pub(super) owes: bool,
    /// What the room knew when it was answered, while the document had updates waiting for others.
    /// Once they are in, the room may lack them: it may have forgotten them in a crash.
    pub(super) unanswered: Option<Vec<u8>>,
    messages: u64,
    pub(super) awaited: VecDeque<(u64, u64)>,
    pub(super) asked_again: Option<(Duration, Duration)>,
    batches: u64,
    pub(super) leaves_by: Option<Duration>,
}

impl Link {
    /// One that has just opened.
    pub(super) fn new(now: Duration) -> Self {
        Self {
            opened: now,
            heard: now,
            said: now,
            live_since: None,
            assembler: Assembler::new(MAX_MESSAGE_BYTES),
            queue: VecDeque::new(),
            queue_bytes: 0,
            inbox: Vec::new(),
            inbox_bytes: 0,
            room_knows: None,
            owes: false,
            unanswered: None,
            messages: 0,
            awaited: VecDeque::new(),
            asked_again: None,
            batches: 0,
            leaves_by: None,
        }
    }

    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.queue.is_empty()
            || (self.queue.len() < MAX_QUEUE && self.queue_bytes + bytes <= MAX_QUEUE_BYTES)
    }

    pub(super) fn push(&mut self, outgoing: Outgoing) {
        if let Outgoing::Frame(frame) = &outgoing {
            self.queue_bytes += frame.len();
        }
        self.queue.push_back(outgoing);
    }

    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        let outgoing = self.queue.pop_front()?;
        if let Outgoing::Frame(frame) = &outgoing {
            self.queue_bytes -= frame.len();
        }
        Some(outgoing)
    }

    pub(super) fn push_message(&mut self, message: &Message<'_>) {
        self.push(Outgoing::Frame(Frame::Binary(message.encode().into())));
    }

    /// Queues a document message, in slices where it has to be; `false`: the server cannot take it.
    pub(super) fn push_document(
        &mut self,
        dialect: Dialect,
        message: SyncMessage<'_>,
        generation: u64,
    ) -> bool {
        let rules = dialect.rules();
        let bytes = Bytes::from(Message::Sync(message).encode());
        let most = match rules.slice_bytes {
            Some(_) => MAX_MESSAGE_BYTES,
            None => rules.max_frame_bytes,
        };
        // A room that ends the connection in the middle of it may not be heard to say why.
        if bytes.len() > most {
            return false;
        }
        self.messages += 1;
        if self.awaited.len() >= MAX_AWAITED {
            self.awaited.pop_front();
        }
        self.awaited.push_back((self.messages, generation));
        match rules.slice_bytes {
            Some(slice) => {
                self.batches += 1;
                for frame in split(bytes, slice, self.batches) {
                    self.push(Outgoing::Frame(frame));
                }
            }
            None => self.push(Outgoing::Frame(Frame::Binary(bytes))),
        }
        true
    }

    pub(super) fn take_update(&mut self, update: Bytes) {
        // The answer to a resume without news, and what echoes bring most.
        if *update == *EMPTY_UPDATE {
            return;
        }
        self.inbox_bytes += update.len();
        self.inbox.push(update);
    }
}

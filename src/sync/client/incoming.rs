//! What comes from the room: put together, read, answered, taken into the document.

use std::time::Duration;

use bytes::Bytes;

use super::events::Event;
use super::link::Link;
use super::{Client, Phase};
use crate::doc::replica::{DocError, Replica};
use crate::sync::batch::{Assembled, BatchError, Frame};
use crate::sync::protocol::{Message, SyncMessage};
use crate::sync::state::{Closed, RefusalKind};

/// Updates that have come are taken in together, up to this many bytes.
const MAX_INBOX_BYTES: usize = 8 << 20;

impl Client {
    pub(super) fn opened(&mut self, now: Duration, doc: &Replica) {
        if !matches!(self.phase, Phase::Connecting { .. }) {
            return;
        }
        self.counters.connections += 1;
        let mut link = Link::new(now);
        link.push_message(&Message::Sync(SyncMessage::Step1(&doc.state_vector())));
        self.awareness.opened();
        self.enter(Phase::Open(Box::new(link)));
    }

    pub(super) fn frame(&mut self, now: Duration, doc: &mut Replica, frame: Frame) {
        let Phase::Open(link) = &mut self.phase else {
            return;
        };
        link.heard = now;
        self.counters.frames_in += 1;
        self.counters.bytes_in += frame.len() as u64;
        let assembled = match frame {
            Frame::Binary(bytes) => link.assembler.binary(bytes),
            Frame::Text(text) => match link.assembler.text(&text) {
                Ok(None) => {
                    self.events.push_back(Event::Text(text));
                    return;
                }
                Ok(Some(assembled)) => Ok(assembled),
                Err(error) => Err(error),
            },
        };
        match assembled {
            Ok(Assembled::Message(bytes)) => self.message(now, doc, &bytes),
            Ok(Assembled::Pending) => {}
            Err(error) => {
                self.counters.malformed_in += 1;
                let closed = match error {
                    BatchError::TooLarge => Closed::TooMuch,
                    error => Closed::Lost {
                        why: error.to_string(),
                    },
                };
                self.cut(now, doc, &closed);
            }
        }
    }

    pub(super) fn message(&mut self, now: Duration, doc: &mut Replica, bytes: &Bytes) {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // What is no message is passed over, as the web's clients do: it may be of a kind that
            // is yet to come.
            let Ok((message, after)) = Message::decode_first(rest) else {
                self.counters.malformed_in += 1;
                return;
            };
            rest = after;
            let Phase::Open(link) = &mut self.phase else {
                return;
            };
            match message {
                Message::Sync(SyncMessage::Step1(state_vector)) => {
                    self.answer(now, doc, state_vector);
                }
                Message::Sync(SyncMessage::Step2(update)) => {
                    link.take_update(bytes.slice_ref(update));
                    self.settle(now, doc);
                    self.synced(now);
                }
                Message::Sync(SyncMessage::Update(update)) => {
                    link.take_update(bytes.slice_ref(update));
                    if link.inbox_bytes > MAX_INBOX_BYTES {
                        self.settle(now, doc);
                    }
                }
                Message::Awareness(update) => self.awareness.hear(now, &update),
                Message::Denied(reason) => self.events.push_back(Event::Denied(reason.to_owned())),
                Message::Durable { messages, .. } => self.durable(messages),
                Message::QueryAwareness => self.awareness.say_again(),
                Message::Unknown { .. } => {}
            }
        }
    }

    /// Answers the room's step 1 with everything that it lacks.
    pub(super) fn answer(&mut self, now: Duration, doc: &mut Replica, state_vector: &[u8]) {
        let (dialect, generation) = (self.dialect, self.generation);
        let Phase::Open(link) = &mut self.phase else {
            return;
        };
        let missing = match doc.encode_missing(state_vector) {
            Ok(missing) => missing,
            Err(error) => {
                self.damaged(now, doc, error);
                return;
            }
        };
        let fits = link.push_document(dialect, SyncMessage::Step2(&missing), generation);
        link.room_knows = Some(doc.state_vector());
        link.owes = false;
        link.unanswered = doc.waits_for_updates().then(|| state_vector.to_vec());
        if !fits {
            self.refuse(RefusalKind::TooLarge);
        }
    }

    pub(super) fn synced(&mut self, now: Duration) {
        let before = self.state();
        let Phase::Open(link) = &mut self.phase else {
            return;
        };
        if link.live_since.is_none() {
            link.live_since = Some(now);
            self.synced_once = true;
            self.events.push_back(Event::Synced);
            self.tell_state(&before);
        }
    }

    pub(super) fn durable(&mut self, messages: u64) {
        let Phase::Open(link) = &mut self.phase else {
            return;
        };
        let mut reached = None;
        while let Some((message, generation)) = link.awaited.front()
            && *message <= messages
        {
            reached = Some(*generation);
            link.awaited.pop_front();
        }
        if let Some(generation) = reached
            && self.acknowledged.is_none_or(|last| last < generation)
        {
            self.acknowledged = Some(generation);
            self.events.push_back(Event::Acknowledged(generation));
        }
    }

    /// Takes into the document what has come.
    pub(super) fn settle(&mut self, now: Duration, doc: &mut Replica) {
        let Phase::Open(link) = &mut self.phase else {
            return;
        };
        if link.inbox.is_empty() {
            return;
        }
        let updates = std::mem::take(&mut link.inbox);
        link.inbox_bytes = 0;
        if let Err(error) = doc.apply_updates(updates.iter().map(|update| &**update), self.origin) {
            self.damaged(now, doc, error);
            return;
        }
        if link.unanswered.is_some() && !doc.waits_for_updates() {
            link.room_knows = link.unanswered.take();
            link.owes = true;
        }
    }

    pub(super) fn damaged(&mut self, now: Duration, doc: &mut Replica, error: DocError) {
        self.counters.malformed_in += 1;
        self.events.push_back(Event::Damaged(error.clone()));
        let why = error.to_string();
        self.cut(now, doc, &Closed::Lost { why });
    }
}

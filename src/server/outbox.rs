//! What waits to be sent to one connection: bounded, whatever the peer does.
//!
//! A peer that reads slowly never makes others wait and never makes the server grow: past
//! [`MOST_UPDATE_BYTES`] its queued document updates are given up for one difference, made from the
//! state that it last had when it reads again; presence likewise. So a document update is never
//! lost. Events (text) are dropped oldest first.
//!
//! Filled by [`super::room`], emptied by the connection's writer; neither waits for the other.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Document updates that wait for one connection, in bytes. One update may be longer, if it waits
/// alone: its bytes are shared by all.
const MOST_UPDATE_BYTES: usize = 1 << 20;
/// Answers that wait for one connection; one more may be of any length.
const MOST_ANSWERS: usize = 16;
const MOST_ANSWER_BYTES: usize = 256 << 10;
/// Document updates that wait for one connection.
const MOST_UPDATES: usize = 1024;
/// Presence frames that wait for one connection.
const MOST_PRESENCE: usize = 2;
/// Events that wait for one connection, in bytes.
const MOST_EVENT_BYTES: usize = 256 << 10;

/// Why the server ends a connection, with the WebSocket close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The server or the room ends: come again.
    GoingAway,
    /// Too much that is no message, or a batch that does not add up.
    Hostile,
    /// Larger than is taken.
    TooLarge,
    /// The document cannot be served at the moment: come again later.
    TryLater,
    /// Text that is no UTF-8.
    NotText,
    /// Nothing was heard from the peer for too long.
    Silent,
    /// It is not known what of the document players must not see.
    NotForPlayers,
}

impl Close {
    /// The code and the reason on the wire.
    #[must_use]
    pub const fn code(self) -> (u16, &'static str) {
        match self {
            Self::GoingAway => (1001, "the server stops, connect again later"),
            Self::Hostile => (1008, "what came is nothing that this room understands"),
            Self::TooLarge => (1009, "the message is larger than this room takes"),
            Self::TryLater => (1013, "the room cannot be opened at the moment, try again"),
            Self::NotText => (1007, "text messages are UTF-8"),
            Self::NotForPlayers => (
                4403,
                "what this room holds is not a game that this server knows: players cannot be let in",
            ),
            Self::Silent => (1001, "nothing was heard for too long, connect again"),
        }
    }
}

/// What the writer does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Send a binary message.
    Binary(Bytes),
    /// Send a text message (UTF-8).
    Text(Bytes),
    /// Ask the room for what was given up on the way; it answers with [`Outbox::caught_up`].
    CatchUp,
    /// Close the connection.
    Close(Close),
    /// Wait for [`Outbox::ready`].
    Wait,
}

/// Where a peer was before its queue was given up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Behind {
    /// It has the document up to this state vector.
    pub document: Option<Arc<[u8]>>,
    /// It has presence up to this revision.
    pub presence: Option<u64>,
}

/// The queue of one connection.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: Mutex<Queue>,
    ready: Notify,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// Answers to the peer itself; few, because each waits for a request.
    answers: VecDeque<Bytes>,
    /// The durable state, when it is newer than the one that was told last.
    acknowledgment: Option<Bytes>,
    updates: VecDeque<Bytes>,
    update_bytes: usize,
    /// The state before the first of `updates`.
    base: Option<Arc<[u8]>>,
    presence: VecDeque<Bytes>,
    /// The revision before the first of `presence`.
    presence_base: u64,
    events: VecDeque<Bytes>,
    event_bytes: usize,
    behind: Behind,
    asked: bool,
    close: Option<Close>,
}

impl Outbox {
    /// Queues an answer to the peer. `false` when the one before is still waiting: then call
    /// [`Self::answer_later`].
    pub fn answer(&self, frame: Bytes) -> bool {
        let mut queue = self.queue.lock();
        let waiting: usize = queue.answers.iter().map(Bytes::len).sum();
        let free = waiting < MOST_ANSWER_BYTES && queue.answers.len() < MOST_ANSWERS;
        if free {
            queue.answers.push_back(frame);
        }
        drop(queue);
        self.ready.notify_one();
        free
    }

    /// The peer has this state vector and wants what it lacks, once it reads again.
    pub fn answer_later(&self, has: Arc<[u8]>) {
        let mut queue = self.queue.lock();
        queue.give_updates_up();
        // Its own word about what it has stands before what was worked out here.
        queue.behind.document = Some(has);
        drop(queue);
        self.ready.notify_one();
    }

    /// Queues the durable state, in place of one that still waits.
    pub fn acknowledge(&self, frame: Bytes) {
        self.queue.lock().acknowledgment = Some(frame);
        self.ready.notify_one();
    }

    /// Queues a document update; `before` is the document's state vector before it.
    pub fn update(&self, frame: &Bytes, before: &Arc<[u8]>) {
        let mut queue = self.queue.lock();
        if queue.behind.document.is_some() {
            return;
        }
        if queue.updates.is_empty() {
            queue.base = Some(Arc::clone(before));
        } else if queue.update_bytes + frame.len() > MOST_UPDATE_BYTES
            || queue.updates.len() >= MOST_UPDATES
        {
            queue.give_updates_up();
            drop(queue);
            return;
        }
        queue.update_bytes += frame.len();
        queue.updates.push_back(frame.clone());
        drop(queue);
        self.ready.notify_one();
    }

    /// Queues a presence frame; `before` is the revision before it.
    pub fn presence(&self, frame: &Bytes, before: u64) {
        let mut queue = self.queue.lock();
        if queue.behind.presence.is_some() {
            return;
        }
        if queue.presence.is_empty() {
            queue.presence_base = before;
        } else if queue.presence.len() >= MOST_PRESENCE {
            queue.behind.presence = Some(queue.presence_base);
            queue.presence.clear();
            return;
        }
        queue.presence.push_back(frame.clone());
        drop(queue);
        self.ready.notify_one();
    }

    /// Queues an event.
    pub fn event(&self, text: &Bytes) {
        let mut queue = self.queue.lock();
        queue.event_bytes += text.len();
        queue.events.push_back(text.clone());
        while queue.event_bytes > MOST_EVENT_BYTES && queue.events.len() > 1 {
            let dropped = queue.events.pop_front().map_or(0, |event| event.len());
            queue.event_bytes -= dropped;
        }
        drop(queue);
        self.ready.notify_one();
    }

    /// Answers [`Next::CatchUp`]: the frames that bring the peer up to date.
    pub fn caught_up(&self, frames: impl IntoIterator<Item = Bytes>) {
        let mut queue = self.queue.lock();
        queue.answers.extend(frames);
        queue.behind = Behind::default();
        queue.asked = false;
        drop(queue);
        self.ready.notify_one();
    }

    /// Where the peer was when its queue was given up.
    #[must_use]
    pub fn behind(&self) -> Behind {
        self.queue.lock().behind.clone()
    }

    /// Ends the connection: at once when the peer is hostile or gone, else after what waits.
    pub fn close(&self, close: Close) {
        let mut queue = self.queue.lock();
        if queue.close.is_none() {
            queue.close = Some(close);
        }
        if close != Close::GoingAway {
            let close = queue.close;
            *queue = Queue {
                close,
                ..Queue::default()
            };
        }
        drop(queue);
        self.ready.notify_one();
    }

    /// What to do next; what is handed out is no longer queued.
    #[must_use]
    pub fn next(&self) -> Next {
        let mut queue = self.queue.lock();
        if let Some(frame) = queue.answers.pop_front() {
            return Next::Binary(frame);
        }
        let is_behind = queue.behind != Behind::default();
        if is_behind && !queue.asked && queue.close.is_none() {
            queue.asked = true;
            return Next::CatchUp;
        }
        if let Some(frame) = queue.updates.pop_front() {
            queue.update_bytes -= frame.len();
            return Next::Binary(frame);
        }
        if let Some(frame) = queue.presence.pop_front() {
            return Next::Binary(frame);
        }
        if let Some(frame) = queue.acknowledgment.take() {
            return Next::Binary(frame);
        }
        if let Some(text) = queue.events.pop_front() {
            queue.event_bytes -= text.len();
            return Next::Text(text);
        }
        queue.close.map_or(Next::Wait, Next::Close)
    }

    /// Waits until [`Self::next`] may have something.
    pub async fn ready(&self) {
        self.ready.notified().await;
    }

    /// The writer has ended.
    pub fn end(&self) {
        self.ended.notify_one();
    }

    /// Waits until the writer has ended.
    pub async fn closed(&self) {
        self.ended.notified().await;
    }

    /// Bytes that wait, for the room's figures.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        let queue = self.queue.lock();
        queue.update_bytes
            + queue.event_bytes
            + queue.answers.iter().map(Bytes::len).sum::<usize>()
            + queue.presence.iter().map(Bytes::len).sum::<usize>()
    }
}

impl Queue {
    fn give_updates_up(&mut self) {
        if self.behind.document.is_none() {
            self.behind.document = self.base.take();
        }
        self.updates.clear();
        self.update_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(n: u8) -> Arc<[u8]> {
        Arc::from([n])
    }

    fn frame(bytes: usize) -> Bytes {
        vec![0; bytes].into()
    }

    fn sent(outbox: &Outbox) -> Vec<Next> {
        std::iter::from_fn(|| Some(outbox.next()).filter(|next| *next != Next::Wait)).collect()
    }

    #[test]
    fn a_peer_that_does_not_read_holds_little_and_is_caught_up_from_where_it_was() {
        let outbox = Outbox::default();
        for n in 0..200 {
            outbox.update(&frame(100 << 10), &vector(n));
            outbox.presence(&frame(100), u64::from(n));
            outbox.event(&frame(10 << 10));
        }
        assert!(outbox.waiting_bytes() < 300 << 10);
        let behind = outbox.behind();
        assert_eq!(behind.document, Some(vector(0)));
        assert_eq!(behind.presence, Some(0));

        assert_eq!(outbox.next(), Next::CatchUp);
        // Asked once; what comes meanwhile is in the answer.
        assert!(!sent(&outbox).contains(&Next::CatchUp));
        outbox.update(&frame(10), &vector(201));
        outbox.caught_up([frame(3)]);
        outbox.update(&frame(11), &vector(202));
        assert_eq!(
            sent(&outbox),
            [Next::Binary(frame(3)), Next::Binary(frame(11))]
        );
        // Behind a second time: from the second base.
        for n in 0..20 {
            outbox.update(&frame(100 << 10), &vector(n + 203));
        }
        assert_eq!(outbox.behind().document, Some(vector(203)));
    }

    #[test]
    fn one_long_update_is_sent_whole() {
        let outbox = Outbox::default();
        outbox.update(&frame(5 << 20), &vector(1));
        assert_eq!(sent(&outbox), [Next::Binary(frame(5 << 20))]);
    }

    #[test]
    fn requests_that_are_not_awaited_do_not_pile_up() {
        let outbox = Outbox::default();
        for n in 0..100 {
            if !outbox.answer(frame(1 << 20)) {
                outbox.answer_later(vector(n));
            }
        }
        assert!(outbox.waiting_bytes() <= 1 << 20);
        assert_eq!(outbox.behind().document, Some(vector(99)));
    }

    #[test]
    fn a_hostile_peer_is_closed_at_once_and_a_guest_after_what_waits() {
        let outbox = Outbox::default();
        outbox.update(&frame(1), &vector(1));
        outbox.close(Close::GoingAway);
        assert_eq!(outbox.next(), Next::Binary(frame(1)));
        assert_eq!(outbox.next(), Next::Close(Close::GoingAway));

        let outbox = Outbox::default();
        outbox.update(&frame(1), &vector(1));
        outbox.close(Close::Hostile);
        assert_eq!(outbox.next(), Next::Close(Close::Hostile));
    }
}

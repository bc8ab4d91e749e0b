//! What guests write: applied to their document alone, then carried over where it is allowed, and
//! written back to what it was where it is not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use crate::doc::opened::Opened;
use crate::doc::players::Moved;
use crate::doc::{GameDoc, Origin};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::marker;
use crate::model::value::Value;
use crate::server::ConnectionId;
use crate::server::outbox::Close;
use crate::server::room::{Room, sync_frame};
use crate::sync::protocol::SyncMessage;

/// So many refused writes, and the guest is taken for hostile.
const MOST_REFUSED: u32 = 1000;
/// Writes of guests that wait, in bytes; more are refused.
const MOST_INBOX_BYTES: usize = 4 << 20;

/// An update that a guest sent.
pub(super) struct Written {
    from: ConnectionId,
    update: Bytes,
    /// It is what the server was told to lack. Of a copy that is older than this document's epoch it
    /// brings everything back, and where things stood then: nothing in it is somebody's wish.
    is_answer: bool,
}

impl Room {
    /// A guest wrote something; it waits for the next merge.
    pub(in crate::server::room) fn take_guest_update(
        &mut self,
        from: ConnectionId,
        number: u64,
        update: Bytes,
        is_answer: bool,
    ) {
        let (Some(players), Some(member)) = (&mut self.players, self.members.get_mut(&from)) else {
            return;
        };
        let Some(guest) = &mut member.guest else {
            return;
        };
        // It is asked once.
        let is_answer = is_answer && !guest.has_answered;
        guest.has_answered |= is_answer;
        self.news_for_log = true;
        if !guest.has_answered || guest.epoch.is_none() {
            return;
        }
        players.inbox_bytes += update.len();
        if players.inbox_bytes > MOST_INBOX_BYTES {
            member.refuse(number);
            return self.note_refused(from);
        }
        players.inbox.push(Written {
            from,
            update,
            is_answer,
        });
    }

    /// Something of a guest waits to be looked at.
    pub(in crate::server::room) fn has_guest_news(&self) -> bool {
        let players = self.players.as_ref();
        players.is_some_and(|players| !players.inbox.is_empty())
    }

    /// Looks at what guests wrote: what they may write goes into the real document, everything else
    /// becomes what it was.
    pub(in crate::server::room) fn settle_guests(&mut self, now: Duration) {
        let Some(players) = &mut self.players else {
            return;
        };
        players.inbox_bytes = 0;
        let mut allowed: Vec<(ConnectionId, Moved)> = Vec::new();
        let mut refused = Vec::new();
        for written in std::mem::take(&mut players.inbox) {
            let Written {
                from,
                update,
                is_answer,
            } = written;
            let Some(member) = self.members.get(&from) else {
                continue;
            };
            let part = member.role.part();
            let number = member.guest.as_ref().and_then(|guest| guest.epoch);
            let shown = std::mem::take(&mut players.shown);
            let taken = number
                .and_then(|number| players.epoch_mut(number))
                .map(|epoch| {
                    let had = Arc::clone(&epoch.state_vector);
                    epoch.unsettled.get_or_insert(had);
                    epoch.doc.take_in(&update, &shown)
                });
            players.shown = shown;
            match taken {
                Some(Ok(_)) if is_answer => {}
                Some(Ok(taken)) => {
                    let (may, may_not): (Vec<_>, Vec<_>) = taken
                        .moved
                        .into_iter()
                        .partition(|moved| players.may_move(part, &moved.scene, &moved.marker));
                    if taken.has_more || !may_not.is_empty() {
                        refused.push(from);
                    }
                    allowed.extend(may.into_iter().map(|moved| (from, moved)));
                }
                Some(Err(_)) => {
                    let epoch = number.and_then(|number| players.epoch(number));
                    if epoch.is_some_and(|epoch| !epoch.doc.is_usable()) {
                        // Everybody in it has to begin anew; this one not.
                        member.outbox.close(Close::Hostile);
                    }
                    refused.push(from);
                }
                None => {}
            }
        }
        for from in refused {
            self.metrics.updates_refused.fetch_add(1, Ordering::Relaxed);
            self.note_refused(from);
        }
        self.move_for_guests(now, allowed);
        self.settle_epochs(now);
    }

    fn move_for_guests(&mut self, now: Duration, allowed: Vec<(ConnectionId, Moved)>) {
        let Opened::Game(doc) = &mut self.document else {
            return;
        };
        if allowed.is_empty() || self.read_only {
            return;
        }
        for (from, moved) in allowed {
            put_marker(doc, from, &moved);
        }
        self.pass_on(now, None);
    }

    /// Brings epochs that guests wrote to back to what is shown, and tells everybody in them.
    fn settle_epochs(&mut self, now: Duration) {
        let Some(players) = &mut self.players else {
            return;
        };
        let mut unusable = Vec::new();
        for epoch in &mut players.epochs {
            let Some(had) = epoch.unsettled.take() else {
                continue;
            };
            let settled = epoch.doc.settle(&had, &players.shown);
            let Some(update) = settled.ok().filter(|_| epoch.doc.is_usable()) else {
                unusable.push(epoch.number);
                continue;
            };
            epoch.state_vector = epoch.doc.replica().state_vector().into();
            let frame = sync_frame(SyncMessage::Update(&update));
            for member in self.members.values_mut() {
                if member.is_in_epoch(epoch.number) {
                    member.outbox.update(&frame, &had);
                    member.last_binary = now;
                }
            }
        }
        for number in unusable {
            players.epochs.retain(|epoch| epoch.number != number);
            for member in self.members.values().filter(|m| m.is_in_epoch(number)) {
                member.outbox.close(Close::TryLater);
            }
        }
    }

    /// A guest wrote what it may not write.
    fn note_refused(&mut self, from: ConnectionId) {
        if let Some(member) = self.members.get_mut(&from)
            && let Some(guest) = &mut member.guest
        {
            guest.refused += 1;
            if guest.refused == MOST_REFUSED {
                member.outbox.close(Close::Hostile);
            }
        }
    }
}

fn put_marker(doc: &mut GameDoc, from: ConnectionId, moved: &Moved) {
    let [x, y] = moved.position;
    let edit = Edit::Set {
        row: RowRef::marker(&moved.scene, &moved.marker),
        values: vec![
            Assignment::new(marker::POSITION_X, Value::Number(x)),
            Assignment::new(marker::POSITION_Y, Value::Number(y)),
        ],
    };
    // What is out of range is dropped, and then the marker goes back to where it was.
    doc.apply(&[edit], Origin::Remote(from.0));
}

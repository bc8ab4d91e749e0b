//! The document of a room: what arrives, in order; what goes out; what is stored.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use super::{
    Arrived, MERGE, MERGE_FOR_EACH, MERGES_FROM, MOST_INBOX_BYTES, Room, SAVE_RETRY, durable_frame,
    sync_frame,
};
use crate::doc::Origin;
use crate::doc::guard::{self, Extent};
use crate::server::ConnectionId;
use crate::server::outbox::Close;
use crate::sync::protocol::SyncMessage;

impl Room {
    /// A connection that had fallen behind reads again: what it missed, as one difference.
    pub fn catch_up(&mut self, now: Duration, connection: ConnectionId) {
        self.flush(now);
        if let Some(member) = self.members.get_mut(&connection) {
            member.last_binary = now;
        }
        let Some(member) = self.members.get(&connection) else {
            return;
        };
        let behind = member.outbox.behind();
        let mut frames = Vec::new();
        if let Some(has) = behind.document {
            let missed = if member.guest.is_some() {
                self.missed_by_guest(member, &has)
            } else {
                let missing = self.document.encode_missing(&has).ok();
                missing.map(|update| sync_frame(SyncMessage::Step2(&update)))
            };
            match missed {
                Some(missed) => frames.push(missed),
                None => return self.note_malformed(connection),
            }
        }
        if let Some(revision) = behind.presence {
            let shown = self.presence.since(revision);
            if !shown.is_empty() {
                frames.push(self.presence_to(member, &shown));
            }
        }
        member.outbox.caught_up(frames);
    }

    /// Fills a room that was never used; false when it was.
    pub fn seed(&mut self, now: Duration, update: &[u8]) -> bool {
        self.flush(now);
        if self.has_record || self.is_broken() {
            return false;
        }
        let taken = self.document.apply_update(update, Origin::Upkeep).is_ok();
        self.pass_on(now, None);
        taken
    }

    /// Nobody is here any more: everything goes to the store, as a snapshot.
    pub fn rest(&mut self, now: Duration) {
        self.flush(now);
        self.keep_players();
        self.send_presence(now);
        if self.unsaved.is_some() {
            self.save_again(now);
        }
        if self.log_updates > 0 && self.unsaved.is_none() {
            self.compact();
        }
    }

    /// Everything is on disk that can be.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        let waits = self.unsaved.is_some() && !self.is_broken();
        self.inbox.is_empty() && !waits && self.log.durable() >= self.appended
    }

    /// How often the document has changed since the room was opened.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// The whole document as one update.
    pub fn whole(&mut self) -> Bytes {
        if let Some(whole) = &self.whole {
            return whole.clone();
        }
        let whole = Bytes::from(self.document.encode_snapshot());
        self.whole = Some(whole.clone());
        whole
    }

    /// How long updates wait for company: in a small room hardly at all, in a large one long enough
    /// that their number does not grow with the square of the people.
    #[must_use]
    pub fn merges_within(&self) -> Duration {
        let many = self.members.len().saturating_sub(MERGES_FROM);
        let many = u32::try_from(many).unwrap_or(u32::MAX);
        MERGE_FOR_EACH.saturating_mul(many).min(MERGE)
    }

    /// Answers "this is what I have" with what is missing.
    pub(super) fn answer(&mut self, to: ConnectionId, has: &[u8]) {
        if self.members.get(&to).is_some_and(|m| m.guest.is_some()) {
            return self.answer_guest(to, has);
        }
        let update = if is_nothing(has) {
            Ok(self.whole())
        } else {
            self.document.encode_missing(has).map(Bytes::from)
        };
        let Ok(update) = update else {
            return self.note_malformed(to);
        };
        let Some(member) = self.members.get(&to) else {
            return;
        };
        if !member
            .outbox
            .answer(sync_frame(SyncMessage::Step2(&update)))
        {
            member.outbox.answer_later(has.into());
        }
    }

    /// `is_answer`: it is what the server was told to lack, and no news.
    pub(super) fn take_update(
        &mut self,
        now: Duration,
        from: ConnectionId,
        update: Bytes,
        is_answer: bool,
    ) {
        self.metrics.updates_in.fetch_add(1, Ordering::Relaxed);
        let Some(member) = self.members.get_mut(&from) else {
            return;
        };
        member.messages += 1;
        let number = member.messages;
        // JavaScript says so when it has nothing to say.
        let says_nothing = matches!(&*update, [0, 0]);
        if member.guest.is_some() {
            return self.take_guest_update(from, number, update, is_answer);
        }
        if says_nothing {
            self.news_for_log = true;
            return;
        }
        if !member.role.may_write() {
            self.metrics.updates_refused.fetch_add(1, Ordering::Relaxed);
            member.refuse(number);
            return;
        }
        // Looked at one by one, so that a bad one does not take its neighbours along.
        let Ok(extents) = guard::extents(&update) else {
            member.refuse(number);
            return self.note_malformed(from);
        };
        self.inbox_bytes += update.len();
        self.inbox.push(Arrived {
            from,
            number,
            update,
            extents,
        });
        if self.inbox_bytes > MOST_INBOX_BYTES {
            self.flush(now);
        }
    }

    /// Takes in what has arrived, stores it and sends it on.
    pub(super) fn flush(&mut self, now: Duration) {
        let inbox = std::mem::take(&mut self.inbox);
        self.inbox_bytes = 0;
        if self.is_broken() {
            return;
        }
        if !inbox.is_empty() {
            self.take_in(now, inbox);
        }
        if self.has_guest_news() {
            self.settle_guests(now);
            self.flushed_at = Some(now);
        }
        if self.news_for_log && self.unsaved.is_none() && !self.document.waits_for_updates() {
            self.news_for_log = false;
            let logged = self.appended;
            for (connection, member) in &mut self.members {
                let arrived = member.messages;
                if let Some(progress) = &mut member.durable {
                    let held = self.held.iter().filter(|held| held.from == *connection);
                    let first_bad = held.map(|held| held.number).chain(progress.refused).min();
                    let good = first_bad.map_or(arrived, |bad| arrived.min(bad - 1));
                    progress.logged.push_back((logged, good));
                }
            }
        }
    }

    pub(super) fn take_in(&mut self, now: Duration, arrived: Vec<Arrived>) {
        self.news_for_log = true;
        let ready = self.in_order(arrived);
        let Some(first) = ready.first().map(|arrived| arrived.from) else {
            return;
        };
        // With an update that waited for this one, somebody else's content comes out as well.
        let only = (!self.document.waits_for_updates()
            && ready.iter().all(|arrived| arrived.from == first))
        .then_some(first);
        let together = self.document.apply_updates(
            ready.iter().map(|arrived| &*arrived.update),
            Origin::Remote(first.0),
        );
        if together.is_err() && !self.is_broken() {
            // One of them is to blame: those that were taken in already change nothing.
            for arrived in &ready {
                let origin = Origin::Remote(arrived.from.0);
                if self.document.apply_update(&arrived.update, origin).is_err() {
                    if let Some(member) = self.members.get_mut(&arrived.from) {
                        member.refuse(arrived.number);
                    }
                    self.note_malformed(arrived.from);
                }
            }
        }
        if self.is_broken() {
            tracing::error!(target: "server", "an update left a room unusable; it is opened anew");
            self.close_all(Close::TryLater);
        }
        self.pass_on(now, only);
    }

    /// Those updates, and of the held ones, that follow on what the document has; the others are held.
    /// The document library would take them in and leave a hole, which no peer would ever be told of.
    pub(super) fn in_order(&mut self, arrived: Vec<Arrived>) -> Vec<Arrived> {
        let mut waiting = std::mem::take(&mut self.held);
        waiting.extend(arrived);
        let mut clocks = self.document.clocks();
        let mut ready = Vec::new();
        loop {
            let before = ready.len();
            for arrived in std::mem::take(&mut waiting) {
                let clock = |client| clocks.get(&client).copied().unwrap_or(0);
                let follows = |extent: &Extent| extent.follows(clock(extent.client));
                if !arrived.extents.iter().all(follows) {
                    waiting.push(arrived);
                    continue;
                }
                for extent in &arrived.extents {
                    let clock = clocks.entry(extent.client).or_default();
                    *clock = extent.end.max(*clock);
                }
                ready.push(arrived);
            }
            if ready.len() == before || waiting.is_empty() {
                break;
            }
        }
        let mut bytes = 0;
        for arrived in waiting {
            bytes += arrived.update.len();
            if bytes <= MOST_INBOX_BYTES {
                self.held.push(arrived);
            } else if let Some(member) = self.members.get_mut(&arrived.from) {
                member.refuse(arrived.number);
            }
        }
        ready
    }

    /// Stores and sends what the document has to say; not to its only sender.
    pub(super) fn pass_on(&mut self, now: Duration, only: Option<ConnectionId>) {
        let updates = self.document.take_updates();
        if updates.is_empty() {
            return;
        }
        let before = Arc::clone(&self.state_vector);
        if !self.is_broken() {
            self.state_vector = self.document.state_vector().into();
        }
        self.flushed_at = Some(now);
        self.whole = None;
        self.has_record = true;
        for update in updates {
            self.changes += 1;
            self.metrics.updates_merged.fetch_add(1, Ordering::Relaxed);
            self.save(now, &update.bytes, &before);
            let frame = sync_frame(SyncMessage::Update(&update.bytes));
            for (connection, member) in &mut self.members {
                let is_for_it = member.guest.is_none() && member.speaks_binary();
                if Some(*connection) != only && is_for_it {
                    member.outbox.update(&frame, &before);
                    member.last_binary = now;
                }
            }
        }
        self.note_layout();
        self.show_players(now);
    }

    pub(super) fn save(&mut self, now: Duration, update: &[u8], before: &Arc<[u8]>) {
        if self.unsaved.is_some() {
            return;
        }
        match self.log.append(update) {
            Some(number) => {
                self.log_bytes += update.len();
                self.log_updates += 1;
                self.appended = number;
                self.storing
                    .push_back((number, Arc::clone(&self.state_vector)));
            }
            None => self.unsaved = Some((Arc::clone(before), now + SAVE_RETRY)),
        }
    }

    /// The log refused before: all that it lacks, as one update.
    pub(super) fn save_again(&mut self, now: Duration) {
        let Some((since, _)) = self.unsaved.take() else {
            return;
        };
        if let Ok(missing) = self.document.encode_missing(&since) {
            self.save(now, &missing, &since);
            self.news_for_log = true;
        }
    }

    /// Tells those who asked what is on disk now.
    pub(super) fn acknowledge(&mut self) {
        let durable = self.log.durable();
        while let Some((number, _)) = self.storing.front()
            && *number <= durable
        {
            if let Some((_, state)) = self.storing.pop_front() {
                self.durable = state;
            }
        }
        for member in self.members.values_mut() {
            let Some(progress) = &mut member.durable else {
                continue;
            };
            let mut news = None;
            while let Some((logged, messages)) = progress.logged.front().copied()
                && logged <= durable
            {
                progress.logged.pop_front();
                news = Some(messages);
            }
            if let Some(messages) = news {
                member.outbox.acknowledge(match &member.guest {
                    Some(guest) => guest.durable_frame(self.players.as_ref(), messages),
                    None => durable_frame(messages, &self.durable),
                });
            }
        }
    }

    pub(super) fn compact(&mut self) {
        let whole = self.whole();
        if self.log.snapshot(whole.to_vec()) {
            self.snapshot_bytes = whole.len();
        }
        // Refused or not: the next one comes when as much again has been written.
        self.log_bytes = 0;
        self.log_updates = 0;
    }
}

/// The state vector of an empty document.
fn is_nothing(state_vector: &[u8]) -> bool {
    matches!(state_vector, [] | [0])
}

//! The people of a room: what they show, what they are told of each other, events.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::{Info, KEEP_ALIVE, Member, PRESENCE_STEP, Room, Seats, User, presence_frame};
use crate::server::ConnectionId;
use crate::server::access::Role;
use crate::server::presence::Heard;
use crate::sync::protocol::AwarenessUpdate;

impl Room {
    /// A text message of a connection: an event for the others, if it is JSON.
    pub fn receive_text(&mut self, from: ConnectionId, text: &Bytes) {
        let Some(member) = self.members.get(&from) else {
            return;
        };
        if !member.role.may_write() {
            return;
        }
        if serde_json::from_slice::<IgnoredAny>(text).is_err() {
            self.note_malformed(from);
            return;
        }
        self.send_text(text, |connection, member| {
            connection != from && member.guest.is_none()
        });
    }

    /// Sends an event to everybody but one user; to how many. Nobody reads it on the way, so it goes
    /// to players only when its sender says that it is for them.
    pub fn send_event(&self, text: &Bytes, exclude: Option<&str>, for_players: bool) -> usize {
        let is_excluded = |member: &Member| {
            member
                .user
                .as_ref()
                .is_some_and(|user| exclude == Some(&*user.id))
        };
        self.send_text(text, |_, member| {
            !is_excluded(member) && (for_players || member.guest.is_none())
        })
    }

    /// Who else can be let in.
    #[must_use]
    pub fn seats(&self) -> Seats {
        Seats {
            taken: self.members.len(),
            for_guests: self.can_take_guests(),
        }
    }

    /// Who is here, and sizes; for a guest the guests, and the sizes of the document that they get.
    pub fn info(&mut self, sees_all: bool) -> Info {
        let mut users: Vec<(User, Role)> = Vec::new();
        let is_told = |member: &&Member| sees_all || member.guest.is_some();
        let connections = self.members.values().filter(is_told).count();
        for member in self.members.values().filter(is_told) {
            let Some(user) = &member.user else { continue };
            match users.iter_mut().find(|(known, _)| known.id == user.id) {
                Some((_, role)) if member.role.may_write() => *role = member.role,
                Some(_) => {}
                None => users.push((user.clone(), member.role)),
            }
        }
        if !sees_all {
            let document = self.guests_document();
            let bytes = document.map_or(0, |doc| doc.replica().encode_snapshot().len());
            return Info {
                users,
                connections,
                document_bytes: Some(bytes),
                state_vector_bytes: document.map_or(0, |doc| doc.replica().state_vector().len()),
                stored_bytes: 0,
            };
        }
        Info {
            users,
            connections,
            document_bytes: Some(self.whole().len()),
            state_vector_bytes: self.state_vector.len(),
            stored_bytes: self.snapshot_bytes + self.log_bytes,
        }
    }

    pub(super) fn is_here(&self, user: &str) -> bool {
        self.members
            .values()
            .any(|member| member.user.as_ref().is_some_and(|here| &*here.id == user))
    }

    pub(super) fn take_presence(
        &mut self,
        now: Duration,
        from: ConnectionId,
        update: AwarenessUpdate<'_>,
    ) {
        let (mut taken, mut stale, mut malformed) = (0, 0, false);
        let is_guest = self.members.get(&from).is_some_and(|m| m.guest.is_some());
        for entry in update.entries() {
            let at = (entry.client, entry.clock);
            let cut = if is_guest {
                let Some(cut) = self.presence_of_guest(from, entry.client, entry.json) else {
                    stale += 1;
                    continue;
                };
                Some(cut)
            } else {
                None
            };
            let state = cut.as_deref().unwrap_or(entry.json);
            match self.presence.hear(now, from, at, state) {
                Heard::Taken => taken += 1,
                Heard::Stale => stale += 1,
                Heard::Malformed => malformed = true,
            }
        }
        self.metrics
            .presence_taken
            .fetch_add(taken, Ordering::Relaxed);
        self.metrics
            .presence_stale
            .fetch_add(stale, Ordering::Relaxed);
        if malformed {
            self.note_malformed(from);
        }
    }

    pub(super) fn show_all(&self, to: ConnectionId) {
        if let Some(member) = self.members.get(&to) {
            let frame = self.presence_to(member, &self.presence.since(0));
            // A peer that asks faster than it reads has the answers to its earlier questions.
            let _: bool = member.outbox.answer(frame);
        }
    }

    pub(super) fn send_presence(&mut self, now: Duration) {
        let before = self.presence_sent;
        if self.presence.revision() == before {
            return;
        }
        // From the first revision on, those who left are told as well.
        let shown = self.presence.since(before.max(1));
        let shown = if before == 0 {
            self.presence.since(0)
        } else {
            shown
        };
        self.presence_sent = self.presence.revision();
        if shown.is_empty() {
            return;
        }
        // Who is late for one beat is not late for all that follow.
        let beat = self.presence_beat();
        let is_late = beat <= now && now < beat + PRESENCE_STEP;
        self.presence_at = Some(if is_late { beat } else { now });
        let frame = presence_frame(&shown);
        let for_guests = if self.members.values().any(|m| m.guest.is_some()) {
            self.presence_for_guests(&shown)
        } else {
            Bytes::new()
        };
        for member in self.members.values_mut().filter(|m| m.speaks_binary()) {
            let frame = match member.guest {
                Some(_) => &for_guests,
                None => &frame,
            };
            member.outbox.presence(frame, before);
            member.last_binary = now;
        }
    }

    pub(super) fn keep_alive(&mut self, now: Duration) {
        let quiet = |member: &&mut Member| member.last_binary + KEEP_ALIVE <= now;
        for member in self.members.values_mut().filter(quiet) {
            member.last_binary = now;
            if member.speaks_binary() {
                // Web clients take a connection for dead after 30 s without a message.
                let _: bool = member.outbox.answer(presence_frame(&[]));
            }
        }
    }

    pub(super) fn send_text(
        &self,
        text: &Bytes,
        to: impl Fn(ConnectionId, &Member) -> bool,
    ) -> usize {
        let mut sent = 0;
        for (connection, member) in &self.members {
            if member.hears_text() && to(*connection, member) {
                member.outbox.event(text);
                sent += 1;
            }
        }
        self.metrics
            .events_out
            .fetch_add(sent as u64, Ordering::Relaxed);
        sent
    }

    /// Guests are told of guests only.
    pub(super) fn tell_of_user(
        &self,
        kind: &str,
        user: &User,
        unix_ms: i64,
        except: ConnectionId,
        role: Role,
    ) {
        let event = serde_json::json!({
            "type": kind,
            "payload": {"userId": &*user.id, "userName": user.name.as_deref()},
            "timestamp": unix_ms,
        });
        let text = Bytes::from(event.to_string());
        self.send_text(&text, |connection, member| {
            connection != except && (member.guest.is_none() || !role.sees_all())
        });
    }
}

//! Presence between DMs and guests: cut down both ways by [`crate::model::audience`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Players;
use crate::model::audience::Table;
use crate::model::id::{RowId, SceneId};
use crate::model::marker;
use crate::model::presence::Presence;
use crate::server::ConnectionId;
use crate::server::presence;
use crate::server::room::{Room, presence_frame};

impl Table for Players {
    fn has_scene(&self, scene: &SceneId) -> bool {
        self.shown.scenes.contains_key(scene)
    }

    fn has_marker(&self, marker: &RowId) -> bool {
        let mut scenes = self.shown.scenes.values();
        scenes.any(|scene| scene.markers.contains_key(marker))
    }

    fn tells_of(&self, marker: &RowId) -> bool {
        self.shown.scenes.values().any(|scene| {
            let row = scene.markers.get(marker);
            row.is_some_and(|row| row.get(marker::VISIBILITY) == marker::VISIBLE_ON_HOVER)
        })
    }
}

impl Room {
    /// Takes in what the DMs point at and drag.
    pub(in crate::server::room) fn note_presence(&mut self, now: Duration) {
        let Some(players) = &mut self.players else {
            return;
        };
        if players.presence_seen == self.presence.revision() {
            return;
        }
        players.presence_seen = self.presence.revision();
        players.dragged.clear();
        let mut hovered = BTreeSet::new();
        for shown in self.presence.since(0) {
            let is_dm = (self.members.get(&shown.owner)).is_some_and(|m| m.guest.is_none());
            if let Some(state) = shown.state.filter(|_| is_dm) {
                let presence = Presence::read(&state);
                hovered.extend(presence.hovered_marker.map(|marker| marker.id));
                players.dragged.extend(presence.dragging);
            }
        }
        if hovered != players.hovered {
            players.hovered = hovered;
            self.show_players(now);
        }
    }

    /// Presence as guests get it.
    pub(in crate::server::room) fn presence_for_guests(&self, shown: &[presence::Shown]) -> Bytes {
        let Some(players) = &self.players else {
            return presence_frame(&[]);
        };
        let cut: Vec<presence::Shown> = shown
            .iter()
            .map(|shown| {
                let owner = self.members.get(&shown.owner);
                let state = match (&shown.state, owner) {
                    // A guest's was cut down when it came.
                    (Some(state), Some(owner)) if owner.guest.is_some() => Some(Arc::clone(state)),
                    (Some(state), _) => {
                        let presence = Presence::read(state).for_players(players);
                        Some(presence.write().into())
                    }
                    (None, _) => None,
                };
                presence::Shown {
                    state,
                    ..shown.clone()
                }
            })
            .collect();
        presence_frame(&cut)
    }

    /// What is taken of a state that a guest shows; `None` when it is not the guest's to show.
    pub(in crate::server::room) fn presence_of_guest(
        &self,
        from: ConnectionId,
        client: u64,
        state: &str,
    ) -> Option<String> {
        let players = self.players.as_ref()?;
        let part = self.members.get(&from)?.role.part();
        let owner = self.presence.owner(client);
        let is_dms = owner
            .and_then(|owner| self.members.get(&owner))
            .is_some_and(|owner| owner.guest.is_none());
        if is_dms {
            return None;
        }
        if state == "null" {
            return Some(state.to_owned());
        }
        let may_move = |scene: &SceneId, marker: &RowId| players.may_move(part, scene, marker);
        Some(
            Presence::read(state)
                .of_guest(part, players, may_move)
                .write(),
        )
    }
}

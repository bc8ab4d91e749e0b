//! Who else is in the rooms, and what this user shows to them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::id::{GameSessionId, RowId};
use crate::model::presence::{Presence, TablePart, Who};
use crate::session::room::{Identity, People, Person};

use super::Workspace;

impl Workspace {
    pub(super) fn note_people(&mut self, id: &GameSessionId) {
        let now = self.clock.now();
        let Some(link) = self
            .game
            .iter()
            .chain(&self.others)
            .find(|game| game.id == *id)
            .and_then(|game| game.link.as_ref())
        else {
            return;
        };
        let people = &mut self.rooms.people;
        let here: HashMap<u64, &Arc<Presence>> = link.people().collect();
        people.retain(|(game, client), _| game != id || here.contains_key(client));
        for (client, presence) in here {
            let key = (id.clone(), client);
            let place = |presence: &Presence| presence.cursor.as_ref().map(|c| c.position_world);
            let cursor_moved = match people.get(&key) {
                Some(known) if place(&known.presence) == place(presence) => known.cursor_moved,
                _ => now,
            };
            let person = Person {
                game: id.clone(),
                client,
                presence: Arc::clone(presence),
                cursor_moved,
            };
            people.insert(key, person);
        }
        self.rooms.people_changed = true;
        self.yield_drag();
        self.follow_pointing();
    }

    /// Somebody in the room shows something.
    #[cfg(test)]
    pub(super) fn hear(&mut self, person: Person) {
        let place = (person.game.clone(), person.client);
        self.rooms.people.insert(place, person);
        self.yield_drag();
    }

    /// The markers that DMs point out now: players see those that show while they are pointed at.
    pub(super) fn pointed_out(&self) -> BTreeSet<RowId> {
        let others = self.rooms.people.values().map(|person| &*person.presence);
        let is_dm = |shown: &&Presence| {
            let who = shown.who.as_ref();
            who.is_none_or(|who| who.part == TablePart::Dm)
        };
        others
            .filter(is_dm)
            .chain([&self.rooms.shown])
            .filter_map(|shown| shown.hovered_marker.as_ref())
            .map(|marker| marker.id.clone())
            .collect()
    }

    /// What players see changes with what is pointed out.
    fn follow_pointing(&mut self) {
        let pointed_out = self.pointed_out();
        if pointed_out != self.rooms.pointed_out {
            self.rooms.pointed_out = pointed_out;
            self.rooms.has_news = true;
        }
    }

    /// Who else is here, if that has changed since the last call.
    pub fn take_people(&mut self) -> Option<People> {
        std::mem::take(&mut self.rooms.people_changed).then(|| {
            let mut list: Vec<Person> = self.rooms.people.values().cloned().collect();
            list.sort_by(|a, b| (&a.game, a.client).cmp(&(&b.game, b.client)));
            People { list }
        })
    }

    pub(super) fn introduce(&mut self, identity: Identity) {
        self.rooms.identity = Some(identity);
        self.show_presence();
    }

    /// This user runs the game and others know it.
    pub(super) fn is_dm(&self) -> bool {
        let identity = self.rooms.identity.as_ref();
        identity.is_some_and(|identity| identity.part == TablePart::Dm)
    }

    pub(super) fn show(&mut self, presence: Presence) {
        self.rooms.shown = presence;
        self.follow_pointing();
        self.show_presence();
    }

    /// Shows this user in every room: all of it in the game of the editor, in others only who it is.
    pub(super) fn show_presence(&mut self) {
        let Some(identity) = &self.rooms.identity else {
            return;
        };
        let view = self.rooms.shown.who.as_ref().and_then(|who| who.view);
        let who = |shares: bool| Who {
            name: identity.name.as_str().into(),
            color: identity.color,
            part: identity.part,
            scene: self.editing.clone().filter(|_| shares),
            view: view.filter(|_| shares),
        };
        let here = Presence {
            who: Some(who(identity.shares_view)),
            dragging: self.drag.shown(),
            ..self.rooms.shown.clone()
        }
        .write();
        let elsewhere = Presence {
            who: Some(who(false)),
            ..Presence::default()
        }
        .write();
        let games = self.game.iter_mut().map(|game| (game, &here));
        let others = self.others.iter_mut().map(|game| (game, &elsewhere));
        for (game, state) in games.chain(others) {
            let Some(link) = &mut game.link else { continue };
            match game.web.lease() {
                Some(lease) => link.show(&lease.write_into(state)),
                None => link.show(state),
            }
        }
        // As web clients have it: nobody shows anything in the party's room.
        if let Some(link) = self.party.as_mut().and_then(|party| party.link.as_mut()) {
            link.show("{}");
        }
    }
}

//! Rooms that are waited for and never come.

use std::sync::Arc;

use super::Table;
use crate::model::id::{GameSessionId, PartyId};
use crate::session::api::Request;
use crate::session::room::{Invitation, SecretsInMemory};
use crate::session::workspace::Network;
use crate::sync::dialect::Dialect;

fn online(table: &mut Table) {
    table.workspace.set_network(Network {
        wake: Arc::new(|| {}),
        hosted: Arc::new(|_| {}),
        courier: Arc::new(|_| {}),
        secrets: Arc::new(SecretsInMemory::default()),
    });
}

/// A room that nobody serves.
fn nobody(party: Option<PartyId>) -> Invitation {
    Invitation {
        dialect: Dialect::YPartyKit,
        server: "http://127.0.0.1:1".into(),
        game: GameSessionId::new("theirs"),
        party,
        token: Some("WRONG".into()),
        title: "Mira's table".into(),
        pictures: None,
        may_initialise: false,
    }
}

/// The games that are listed, of all parties.
fn listed(table: &mut Table) -> Vec<String> {
    let library = table.workspace.publish().library;
    let games = library.parties.iter().flat_map(|party| &party.games);
    games.map(|game| game.name.clone()).collect()
}

#[test]
fn who_leaves_a_room_that_never_let_them_in_is_back_in_their_own_game() {
    let mut table = Table::new();
    online(&mut table);
    let own = table.workspace.game().cloned();
    let before = listed(&mut table);
    let parties = table.workspace.publish().library.parties.len();
    for party in [None, Some(PartyId::new("theirs"))] {
        let join = Request::Join(nobody(party));
        table.workspace.handle(join);
        assert_eq!(listed(&mut table).len(), before.len() + 1);
        assert!(table.workspace.publish().room.unwrap().waits_for_room);
        table.workspace.handle(Request::LeaveRoom);
        let published = table.workspace.publish();
        assert_eq!(published.game, own);
        assert_eq!(published.room.map(|room| room.place.clone()), None);
        assert_eq!(
            published.editing.map(|scene| scene.id.clone()),
            Some(table.scene.clone())
        );
        assert_eq!(listed(&mut table), before);
        assert_eq!(table.workspace.publish().library.parties.len(), parties);
    }
    // Joined once more it is waited for once more.
    table.workspace.handle(Request::Join(nobody(None)));
    assert!(table.workspace.publish().room.unwrap().waits_for_room);
}

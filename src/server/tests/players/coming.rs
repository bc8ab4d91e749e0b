//! Who is let in, and who comes back with what they had.

use super::*;

#[test]
fn a_room_that_is_no_game_takes_no_players_and_sends_them_away_when_it_becomes_one() {
    let mut table = Table::with(vec![words(1)], false);
    assert!(!table.room.can_take_guests());
    let refused = table.guest(Role::Player);
    assert_eq!(table.read(&refused), [Got::Closed(Close::NotForPlayers)]);

    let mut table = Table::new();
    let mut player = Client::join(&mut table, Role::Display);
    let dm = table.guest(Role::Dm);
    table.update(&dm, &words(1));
    serve(&mut table);
    player.hear(&mut table);
    assert_eq!(player.closed, Some(Close::NotForPlayers));
    assert!(!player.heard("words"));
}

#[test]
fn who_comes_back_with_all_there_is_gets_next_to_nothing() {
    let (mut table, _dm, player) = small_game();
    table.leave(&player.guest);
    serve(&mut table);
    let back = Client::with(&mut table, Role::Player, player.doc);
    let bytes: usize = back.heard.iter().map(Vec::len).sum();
    assert!(bytes < 300, "{bytes}");
    assert_eq!(back.markers().len(), 2);
}

#[test]
fn after_a_restart_players_go_on_with_what_they_have() {
    // Also who may not write: what such a copy has is asked for as well, so that what was taken away
    // meanwhile goes from it too.
    for (role, is_kept) in [
        (Role::Player, true),
        (Role::Player, false),
        (Role::Display, true),
        (Role::Display, false),
    ] {
        let (mut table, dm, mut player) = small_game();
        if role == Role::Display {
            player = Client::join(&mut table, role);
            assert!(player.markers().contains("ogre"));
        }
        if !is_kept {
            table.room.rest(table.now);
        }
        table.restart();
        table.room.set_tables(table.now, on_table(&shown_scene()));
        if !is_kept {
            // As after a crash: the epoch is gone, and the copy is of another document.
            table.log.0.lock().players = None;
            table.restart();
            table.room.set_tables(table.now, on_table(&shown_scene()));
        }
        // Meanwhile the DM has moved what players may move, and hidden the other.
        let mut dm = Client::with(&mut table, Role::Dm, dm.doc);
        let ogre = RowRef::marker(&shown_scene(), &RowId::new("ogre"));
        let hide = Edit::Set {
            row: ogre,
            values: vec![Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_DM)],
        };
        dm.edit(&mut table, &[put("hero", 64.0), hide]);
        serve(&mut table);
        let truth = game_json(&dm.doc);
        let mut back = Client::with(&mut table, role, player.doc);
        serve(&mut table);
        back.hear(&mut table);
        let fresh = Client::join(&mut table, role);
        assert_eq!(
            game_json(&back.doc),
            game_json(&fresh.doc),
            "{role:?}, kept: {is_kept}"
        );
        assert_eq!(x_of(&back, "hero").to_bits(), 64f64.to_bits());
        assert!(!fresh.heard("ogre"));
        dm.hear(&mut table);
        assert_eq!(game_json(&dm.doc), truth);
        if is_kept {
            let bytes: usize = back.heard.iter().map(Vec::len).sum();
            assert!(bytes < 800, "{bytes}");
        }
    }
}

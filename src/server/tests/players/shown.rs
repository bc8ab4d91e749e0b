//! What players are shown of the table, and of what others do there.

use super::*;
use crate::doc::PartyDoc;
use crate::model::id::PartyId;
use crate::model::party;

#[test]
fn a_party_tells_players_what_is_on_its_table_and_nothing_during_a_pause() {
    let mut party = PartyDoc::create(&PartyId::new("p"));
    let state = |values| Edit::Set {
        row: RowRef::Party,
        values,
    };
    party.apply(
        &[state(vec![word(party::ACTIVE_SCENE_ID, "market")])],
        Origin::Local(1),
    );
    let stored = party.replica().encode_snapshot();
    let mut party_room = Table::with(vec![stored], false);
    let player = Client::join(&mut party_room, Role::Player);
    let seen = PartyDoc::open([player.doc.replica().encode_snapshot().as_slice()]).unwrap();
    let scene = seen.state().get(party::ACTIVE_SCENE_ID);
    assert_eq!(scene.as_deref(), Some("market"));
    let on = party_room.room.table().unwrap();
    assert_eq!(on.scene, Some(shown_scene()));

    // A scene that comes onto a paused table is not shown before the pause ends.
    let (mut table, _dm, mut player) = small_game();
    let cave = OnTable {
        scene: Some(SceneId::new("cave")),
        ..OnTable::default()
    };
    let market = OnTable {
        is_paused: true,
        ..on.clone()
    };
    let shows = |table: &mut Table, player: &mut Client, on: &OnTable| {
        table.room.set_tables(table.now, vec![on.clone()]);
        player.hear(table);
        !player.doc.scene_ids().is_empty()
    };
    assert!(
        shows(&mut table, &mut player, &market),
        "paused, and shown before"
    );
    assert!(!shows(&mut table, &mut player, &cave));
    assert!(
        !shows(&mut table, &mut player, &market),
        "new on a paused table"
    );
    assert!(shows(&mut table, &mut player, &on));
}

#[test]
fn a_pause_picture_is_shown_by_what_it_holds_and_not_by_its_name() {
    let mut party = PartyDoc::create(&PartyId::new("p"));
    let named = |location: Option<&str>| Edit::Set {
        row: RowRef::Party,
        values: vec![Assignment::new(party::PAUSE_PICTURE, location)],
    };
    party.apply(&[named(Some("secrets/CANARY.webp"))], Origin::Local(1));
    let stored = party.replica().encode_snapshot();
    let mut table = Table::with(vec![stored], false);
    let mut player = Client::join(&mut table, Role::Display);
    let seen = |player: &Client| {
        let bytes = player.doc.replica().encode_snapshot();
        let seen = PartyDoc::open([bytes.as_slice()]).unwrap();
        seen.state().get(party::PAUSE_PICTURE)
    };
    // Not known yet: not named.
    assert_eq!(seen(&player), None);
    let hash = "b".repeat(64);
    assert_eq!(table.room.take_wanted_pictures(), ["secrets/CANARY.webp"]);
    let found = PictureInfo {
        hash: PictureHash::new(&hash),
        width: 4,
        height: 2,
    };
    let now = table.now;
    table
        .room
        .found_picture(now, "secrets/CANARY.webp", Some(found));
    player.hear(&mut table);
    assert_eq!(seen(&player), Some(format!("pause/{hash}.webp").into()));
    let may_fetch: Vec<_> = table.room.guests_pictures().into_iter().collect();
    assert_eq!(may_fetch, [Arc::from(hash)]);
    assert!(!player.heard(HIDDEN));

    let dm = Client::join(&mut table, Role::Dm);
    party.replica_mut().take_updates();
    party.apply(&[named(None)], Origin::Local(1));
    for update in party.replica_mut().take_updates() {
        table.update(&dm.guest, &update.bytes);
    }
    table.wait(PRESENCE_STEP);
    player.hear(&mut table);
    assert_eq!(seen(&player), None);
    assert!(table.room.guests_pictures().is_empty());
}

#[test]
fn a_marker_that_shows_while_the_dm_points_at_it_does_so_with_its_title() {
    let (mut table, mut dm, mut player) = small_game();
    let chest = RowRef::marker(&shown_scene(), &RowId::new("chest"));
    let create = Edit::Create {
        row: chest,
        values: vec![Assignment::new(
            marker::VISIBILITY,
            marker::VISIBLE_ON_HOVER,
        )],
    };
    dm.edit(&mut table, &[create]);
    serve(&mut table);
    player.hear(&mut table);
    assert!(!player.heard("chest"));
    let state = r#"{"hoveredMarker":{"id":"chest","position":{"x":0,"y":0},
        "tooltip":{"title":"A mimic","content":"","imageUrl":"token/CANARY.png"}}}"#;
    table.show(&dm.guest, 5, 1, state);
    serve(&mut table);
    player.hear(&mut table);
    assert!(player.markers().contains("chest") && player.heard("A mimic"));
    table.show(&dm.guest, 5, 2, "{}");
    serve(&mut table);
    player.hear(&mut table);
    assert!(!player.markers().contains("chest"));
    check_bytes(0, &player);
}

#[test]
fn players_are_shown_what_is_measured_and_drawn_on_the_table_and_nothing_of_another_scene() {
    let (mut table, dm, mut player) = small_game();
    let mut display = Client::join(&mut table, Role::Display);
    let mut clock = 0;
    let mut shown_of = |scene: &str| {
        clock += 1;
        let state = format!(
            r##"{{"tableglow":{{"name":"Mira","color":"#ffffff","part":"dm","scene":"{scene}"}},
            "cursor":{{"worldPosition":{{"x":1,"y":2,"z":0}},"lastMoveTime":{clock}}},
            "measurement":{{"userId":"CANARY","startPoint":{{"x":0,"y":0}},
                "endPoint":{{"x":{clock},"y":5}},"type":3,"coneAngle":53.13}},
            "temporaryLayers":[{{"id":"ink","createdAt":{clock},"expiresAt":10000,
                "color":"#ffffff","maskData":"AAAA","creatorId":"CANARY"}}]}}"##
        );
        table.show(&dm.guest, 5, clock, &state);
        serve(&mut table);
        [&mut player, &mut display].map(|guest| {
            guest.heard.clear();
            guest.hear(&mut table);
            check_bytes(0, guest);
            let shown = |word| guest.heard(word);
            (
                shown("\"coneAngle\":53.13"),
                shown("\"cursor\""),
                shown("\"ink\""),
            )
        })
    };
    assert_eq!(shown_of("market"), [(true, true, true); 2]);
    // What was drawn on the table stays there while its owner prepares the next scene.
    assert_eq!(shown_of("CANARY"), [(false, false, true); 2]);
    assert_eq!(shown_of("market"), [(true, true, true); 2]);
}

#[test]
fn a_guest_takes_nobody_elses_cursor_and_is_told_of_guests_alone() {
    let (mut table, dm, mut player) = small_game();
    show_hidden_presence(&mut table, &dm, 4);
    serve(&mut table);
    table.show(
        &player.guest,
        900,
        9,
        r#"{"cursor":{"worldPosition":{"x":66,"y":66}}}"#,
    );
    table.show(
        &player.guest,
        901,
        1,
        r#"{"cursor":{"worldPosition":{"x":67,"y":1}}}"#,
    );
    serve(&mut table);
    let got = table.read(&dm.guest);
    let shown: Vec<_> = got
        .iter()
        .filter_map(|got| match got {
            Got::Presence(shown) => Some(shown.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(shown.iter().any(|(client, ..)| *client == 901));
    assert!(!shown.iter().any(|(_, _, state)| state.contains("66")));
    // Events: of other guests, and those that are meant for everybody.
    let _viewer = Client::join(&mut table, Role::Viewer);
    let _other = Client::join(&mut table, Role::Player);
    table
        .room
        .send_event(&Bytes::from_static(b"1"), None, false);
    table.room.send_event(&Bytes::from_static(b"2"), None, true);
    player.hear(&mut table);
    assert_eq!(player.texts, ["2"]);
    check_bytes(0, &player);
}

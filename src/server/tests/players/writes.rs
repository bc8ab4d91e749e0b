//! What players may write, and that nothing else is applied.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::model::edit::Structure;
use crate::model::structure::Wall;

#[test]
fn a_player_moves_what_it_may_move_and_everything_else_goes_back() {
    let (mut table, mut dm, mut player) = small_game();
    let mut other = Client::join(&mut table, Role::Player);
    let mut display = Client::join(&mut table, Role::Display);
    let mut move_and_look = |table: &mut Table, who: &mut Client, edit: Edit| {
        who.edit(table, &[edit]);
        serve(table);
        who.hear(table);
        dm.hear(table);
        other.hear(table);
        let at = |name| [x_of(who, name), x_of(&dm, name), x_of(&other, name)];
        (at("hero"), at("ogre"))
    };
    let (hero, _) = move_and_look(&mut table, &mut player, put("hero", 30.5));
    assert_eq!(hero, [30.5; 3]);
    let (_, ogre) = move_and_look(&mut table, &mut player, put("ogre", 30.5));
    assert_eq!(ogre, [0.0; 3]);
    let (hero, _) = move_and_look(&mut table, &mut display, put("hero", 99.0));
    assert_eq!(hero, [30.5; 3]);
    // Nor while the DM drags it.
    let drag = r#"{"draggingMarker":{"id":"hero","sceneId":"market","since":1}}"#;
    table.show(&dm_guest(&table), 5, 1, drag);
    serve(&mut table);
    let (hero, _) = move_and_look(&mut table, &mut player, put("hero", 77.0));
    assert_eq!(hero, [30.5; 3]);
    table.show(&dm_guest(&table), 5, 2, "{}");
    serve(&mut table);
    let (hero, _) = move_and_look(&mut table, &mut player, put("hero", 78.0));
    assert_eq!(hero, [78.0; 3]);
}

/// The connection of the DM of [`small_game`], which was the first.
fn dm_guest(_: &Table) -> Guest {
    Guest {
        connection: ConnectionId(1),
        outbox: Arc::default(),
    }
}

#[test]
fn of_ten_thousand_forged_writes_none_is_applied() {
    let (mut table, mut dm, mut player) = small_game();
    let mut other = Client::join(&mut table, Role::Player);
    let rng = &mut StdRng::seed_from_u64(4);
    dm.hear(&mut table);
    let truth = game_json(&dm.doc);
    let shown = game_json(&other.doc);
    let records = table.log.0.lock().records.len();
    for batch in 0..500 {
        for _ in 0..20 {
            let forged = forged(rng);
            player.edit(&mut table, &[forged]);
        }
        match batch % 10 {
            3 => table.update(&player.guest, &text_as_update("scenes", "contraband")),
            5 => table.update(&player.guest, &text_as_update("forged", "contraband")),
            7 => {
                let bytes: Vec<u8> = (0..rng.random_range(0..60)).map(|_| rng.random()).collect();
                table.update(&player.guest, &bytes);
            }
            _ => {}
        }
        serve(&mut table);
        player.hear(&mut table);
    }
    dm.hear(&mut table);
    other.hear(&mut table);
    assert_eq!(game_json(&dm.doc), truth);
    assert_eq!(game_json(&other.doc), shown);
    assert_eq!(table.log.0.lock().records.len(), records);
    assert_eq!(player.closed, Some(Close::Hostile));
    // Ids stay as tombstones for those who were there, content for nobody.
    assert!(!other.heard("contraband"));
    let late = Client::join(&mut table, Role::Player);
    assert_eq!(game_json(&late.doc), shown);
    assert!(!late.heard("contraband") && !late.heard("forged"));
}

fn forged(rng: &mut StdRng) -> Edit {
    let scene = shown_scene();
    let ogre = RowRef::marker(&scene, &RowId::new("ogre"));
    let hero = RowRef::marker(&scene, &RowId::new("hero"));
    let any = RowId::new(&format!("forged{}", rng.random_range(0..5)));
    let set = |row, values| Edit::Set { row, values };
    match rng.random_range(0..14) {
        0 => put("ogre", rng.random_range(1.0..1000.0)),
        1 => set(hero, vec![word(marker::LABEL, "contraband")]),
        2 => set(hero, vec![Assignment::new(marker::PLAYERS_MAY_MOVE, false)]),
        3 => set(ogre, vec![Assignment::new(marker::PLAYERS_MAY_MOVE, true)]),
        4 => set(ogre, vec![Assignment::new(marker::VISIBILITY, 1i64)]),
        5 => Edit::Delete { row: ogre },
        6 => Edit::Delete {
            row: RowRef::Scene(scene),
        },
        7 => Edit::Create {
            row: RowRef::marker(&scene, &any),
            values: vec![word(marker::LABEL, "contraband")],
        },
        8 => Edit::Create {
            row: RowRef::annotation(&scene, &any),
            values: vec![],
        },
        9 => Edit::Create {
            row: RowRef::Scene(SceneId::new("forged")),
            values: vec![],
        },
        10 => set(
            RowRef::Scene(scene),
            vec![
                text(scene::NAME, "contraband"),
                Assignment::new(scene::MAP_ZOOM, 3.0),
            ],
        ),
        11 => whole(&scene, &Mask::new(8, 8).unwrap()),
        12 => Edit::PutStructure {
            scene,
            id: any,
            structure: Structure::Wall(Wall {
                points: vec![[0.0, 0.0]],
                object: false,
            }),
        },
        _ => set(
            RowRef::marker(&scene, &RowId::new("secret")),
            vec![Assignment::new(marker::POSITION_X, 5.0)],
        ),
    }
}

#[test]
fn who_sends_what_hangs_in_the_air_goes_and_the_others_begin_anew() {
    let (mut table, mut dm, mut player) = small_game();
    let mut other = Client::join(&mut table, Role::Player);
    dm.hear(&mut table);
    let truth = game_json(&dm.doc);
    // A write into a map that nobody here has ever seen.
    let cave = RowRef::Scene(SceneId::new("cave"));
    let mut unseen = GameDoc::create(&GameSessionId::new("other"));
    let create = Edit::Create {
        row: cave.clone(),
        values: vec![],
    };
    unseen.apply(&[create], Origin::Local(1));
    let snapshot = unseen.replica().encode_snapshot();
    let mut copy = GameDoc::open(&GameSessionId::new("other"), [snapshot.as_slice()]).unwrap();
    let set = Edit::Set {
        row: cave,
        values: vec![text(scene::NAME, "contraband")],
    };
    copy.apply(&[set], Origin::Local(1));
    let updates = copy.replica_mut().take_updates();
    table.update(&player.guest, &updates[0].bytes);
    serve(&mut table);
    player.hear(&mut table);
    other.hear(&mut table);
    assert_eq!(player.closed, Some(Close::Hostile));
    assert_eq!(other.closed, Some(Close::TryLater));
    table.leave(&player.guest);
    table.leave(&other.guest);
    let late = Client::join(&mut table, Role::Player);
    assert_eq!(late.markers().len(), 2);
    assert!(!late.heard("contraband"));
    dm.hear(&mut table);
    assert_eq!(game_json(&dm.doc), truth);
}

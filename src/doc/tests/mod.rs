//! What users are promised of documents.

mod masks;
mod merge;
mod scenes;
mod undo;

use std::sync::Arc;

use serde_json::json;
use yrs::{Map as _, ReadTxn as _, WriteTxn as _};

use super::document::{OURS, SCENES};
use super::masks::{MaskCache, MaskSpace};
use super::undo::History;
use super::write::{Applied, DropReason};
use super::*;
use crate::geom::mask::Mask;
use crate::model::edit::{Assignment, Edit, RowRef, Structure};
use crate::model::id::{GameSessionId, PartyId, RowId, SceneId};
use crate::model::property::RowKind;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::structure::{Door, Wall};
use crate::model::value::Value;
use crate::model::{annotation, light, marker, party, scene};

const LOCAL: Origin = Origin::Local(1);

fn game() -> GameDoc {
    GameDoc::create(&GameSessionId::new("game"))
}

fn id(text: &str) -> RowId {
    RowId::new(text)
}

fn cave() -> SceneId {
    SceneId::new("cave")
}

fn create(row: RowRef, values: Vec<Assignment>) -> Edit {
    Edit::Create { row, values }
}

fn set(row: RowRef, values: Vec<Assignment>) -> Edit {
    Edit::Set { row, values }
}

fn hero() -> RowRef {
    RowRef::marker(&cave(), &id("hero"))
}

fn at(x: f64, y: f64) -> Vec<Assignment> {
    vec![
        Assignment::new(marker::POSITION_X, x),
        Assignment::new(marker::POSITION_Y, y),
    ]
}

fn with_hero() -> GameDoc {
    let mut doc = game();
    let done = doc.apply(
        &[
            create(RowRef::Scene(cave()), vec![]),
            create(hero(), at(1.0, 2.0)),
        ],
        LOCAL,
    );
    assert_eq!(done.dropped, []);
    doc
}

fn position(doc: &GameDoc) -> (f64, f64) {
    let row = doc.row(&hero()).unwrap();
    (row.get(marker::POSITION_X), row.get(marker::POSITION_Y))
}

/// A second opened copy that holds the same.
fn copy_of(doc: &GameDoc) -> GameDoc {
    GameDoc::open(doc.id(), [doc.replica().encode_snapshot().as_slice()]).unwrap()
}

/// Brings two copies to the same state.
fn meet(a: &mut GameDoc, b: &mut GameDoc) {
    let for_b = a
        .replica()
        .encode_missing(&b.replica().state_vector())
        .unwrap();
    let for_a = b
        .replica()
        .encode_missing(&a.replica().state_vector())
        .unwrap();
    a.replica_mut()
        .apply_update(&for_a, Origin::Remote(1))
        .unwrap();
    b.replica_mut()
        .apply_update(&for_b, Origin::Remote(1))
        .unwrap();
}

/// All that a document holds, ours included, as one text.
fn everything(doc: &GameDoc) -> String {
    let txn = doc.replica.read();
    let roots = [SCENES, OURS].map(|root| raw::Raw::of_map(&txn.get_map(root).unwrap(), &txn));
    format!("{roots:?}")
}

#[test]
fn a_new_row_is_whole_for_web_clients() {
    let doc = with_hero();
    assert_eq!(doc.schema_version(), Some(2));
    let shown = json::game_json(&doc);
    let scene = &shown["scenes"][0];
    assert_eq!(scene["settings"]["gameSessionId"], "game");
    assert_eq!(scene["settings"]["mapCoordVersion"], 1);
    assert_eq!(scene["settings"]["fogOfWarOpacityPlayer"], 1);
    let shared = |table: &crate::model::property::Table| {
        table
            .properties
            .iter()
            .filter(|property| read::is_shared(property, 2))
            .count()
    };
    let keys = |row: &serde_json::Value| row.as_object().unwrap().len();
    assert_eq!(keys(&scene["settings"]), shared(&scene::TABLE));
    assert_eq!(keys(&scene["markers"][0]), shared(&marker::TABLE));
    assert_eq!(scene["markers"][0]["id"], "hero");
    assert_eq!(scene["markers"][0]["sceneId"], "cave");
    assert_eq!(scene["markers"][0]["positionX"], 1);
    assert!(scene["markers"][0]["label"].is_null());
}

#[test]
fn a_document_opens_from_its_updates_in_any_order() {
    let mut doc = with_hero();
    doc.apply(&[set(hero(), at(5.0, 6.5))], LOCAL);
    let updates = doc.replica_mut().take_updates();
    assert!(updates.iter().skip(1).all(|update| update.origin == LOCAL));
    for reversed in [false, true] {
        let mut bytes: Vec<&[u8]> = updates.iter().map(|update| &update.bytes[..]).collect();
        if reversed {
            bytes.reverse();
        }
        let opened = GameDoc::open(doc.id(), bytes).unwrap();
        assert_eq!(everything(&opened), everything(&doc));
        assert!(!opened.replica().waits_for_updates());
        assert_ne!(opened.replica().client_id(), doc.replica().client_id());
    }
}

#[test]
fn only_what_changed_is_written() {
    let mut doc = with_hero();
    doc.replica_mut().take_updates();
    let done = doc.apply(&[set(hero(), at(1.0, 2.0))], LOCAL);
    assert!(!done.changed());
    assert_eq!(doc.replica_mut().take_updates(), []);
    doc.apply(&[set(hero(), at(1.0, 3.0))], LOCAL);
    let updates = doc.replica_mut().take_updates();
    assert!(
        updates
            .first()
            .is_some_and(|update| update.bytes.len() < 40)
    );
}

#[test]
fn numbers_are_written_as_web_clients_write_them() {
    let mut doc = with_hero();
    doc.apply(&[set(hero(), at(10.0, 10.5))], LOCAL);
    let txn = doc.replica.read();
    let map = read::row_map(&txn, &hero()).unwrap();
    use yrs::{Any, Number, Out};
    assert!(matches!(
        map.get(&txn, "positionX"),
        Some(Out::Any(Any::Number(Number::Int(10))))
    ));
    assert!(matches!(
        map.get(&txn, "positionY"),
        Some(Out::Any(Any::Number(Number::Float(_))))
    ));
    drop(txn);
    for wrong in [f64::NAN, f64::INFINITY, 1e10] {
        let done = doc.apply(&[set(hero(), at(wrong, 0.0))], LOCAL);
        assert_eq!(done.dropped.len(), 1, "{wrong}");
        assert_eq!(position(&doc).0, 10.0);
    }
}

#[test]
fn an_edit_of_a_deleted_row_is_dropped_and_told() {
    let mut doc = with_hero();
    doc.apply(&[Edit::Delete { row: hero() }], LOCAL);
    let stroke = brush([0, 0], StrokeMode::Add);
    let gone = MaskTarget::Annotation(id("gone"));
    let done = doc.apply(
        &[
            set(hero(), at(5.0, 5.0)),
            Edit::Delete { row: hero() },
            set(RowRef::Scene(SceneId::new("no")), vec![]),
            create(RowRef::marker(&SceneId::new("no"), &id("x")), vec![]),
            Edit::Stroke {
                scene: cave(),
                target: gone,
                stroke,
            },
            Edit::DeleteStructure {
                scene: cave(),
                id: id("x"),
            },
        ],
        LOCAL,
    );
    assert_eq!(done.dropped.len(), 6);
    assert!(
        done.dropped
            .iter()
            .all(|dropped| dropped.reason == DropReason::Gone)
    );
    assert!(!done.changed());
    assert_eq!(doc.row(&hero()), None);
}

#[test]
fn wrong_types_read_as_defaults_and_are_told_once() {
    let mut doc = with_hero();
    {
        let mut txn = doc.replica.write(Origin::Remote(1));
        let map = read::row_map(&txn, &hero()).unwrap();
        map.insert(&mut txn, "title", 7);
        map.insert(&mut txn, "size", "large");
        map.insert(&mut txn, "label", vec![1u8, 2]);
        map.insert(&mut txn, "visibility", yrs::MapPrelim::default());
        map.insert(&mut txn, "shapeColor", yrs::Any::Undefined);
        map.insert(&mut txn, "positionX", 1e300);
    }
    let row = doc.row(&hero()).unwrap();
    assert_eq!(&*row.get(marker::TITLE), "New token");
    assert_eq!(row.get(marker::SIZE), 1);
    assert_eq!(row.get(marker::LABEL), None);
    assert_eq!(row.get(marker::VISIBILITY), 1);
    assert_eq!(row.get(marker::POSITION_X), 1e9);
    let reports = doc.take_reports();
    assert_eq!(reports.len(), 4, "{reports:?}");
    let _ = doc.rows(&cave(), RowKind::Marker);
    assert_eq!(doc.take_reports(), []);
}

#[test]
fn unknown_keys_survive() {
    let mut doc = with_hero();
    {
        let mut txn = doc.replica.write(Origin::Remote(1));
        let map = read::row_map(&txn, &hero()).unwrap();
        map.insert(&mut txn, "future", "kept");
        let ours = txn.get_or_insert_map(OURS);
        ours.insert(&mut txn, "future/cave/x", "kept too");
    }
    doc.apply(&[set(hero(), at(9.0, 9.0))], LOCAL);
    let mut history = History::default();
    let gone = doc.apply(&[Edit::Delete { row: hero() }], LOCAL);
    history.record(1, "Delete marker", gone);
    history.undo(&mut doc);
    let shown = json::game_json(&doc);
    assert_eq!(shown["scenes"][0]["markers"][0]["future"], "kept");
    assert!(everything(&doc).contains("kept too"));
}

#[test]
fn newer_settings_of_an_older_room_live_beside_it() {
    let mut doc = with_hero();
    {
        let mut txn = doc.replica.write(Origin::Remote(1));
        let meta = txn.get_or_insert_map(document::META);
        meta.insert(&mut txn, "schemaVersion", 1);
        let settings = read::row_map(&txn, &RowRef::Scene(cave())).unwrap();
        settings.remove(&mut txn, "mapCoordVersion");
    }
    let row = RowRef::Scene(cave());
    let value = vec![Assignment::new(scene::MAP_COORD_VERSION, 1i64)];
    doc.apply(&[set(row, value)], LOCAL);
    assert_eq!(
        doc.scene_row(&cave())
            .unwrap()
            .get(scene::MAP_COORD_VERSION),
        1
    );
    let shown = json::game_json(&doc);
    assert!(
        shown["scenes"][0]["settings"]
            .get("mapCoordVersion")
            .is_none()
    );
    assert!(everything(&doc).contains("setting/cave/mapCoordVersion"));
}

#[test]
fn a_document_that_nobody_filled_is_only_read() {
    let mut doc = GameDoc::open(&GameSessionId::new("g"), []).unwrap();
    let done = doc.apply(&[create(RowRef::Scene(cave()), vec![])], LOCAL);
    assert_eq!(done.dropped.len(), 1);
    assert!(doc.scene_ids().is_empty());
}

#[test]
fn structures_are_kept() {
    let mut doc = with_hero();
    let door = Door {
        a: [0.5, 1.0],
        b: [2.0, 1.0],
        closed: true,
        freestanding: false,
        secret: true,
    };
    let put = |structure| Edit::PutStructure {
        scene: cave(),
        id: id("x"),
        structure,
    };
    doc.apply(
        &[wall("w", 3.25), put(Structure::Door(door.clone()))],
        LOCAL,
    );
    assert_eq!(doc.doors(&cave()), [(id("x"), door)]);
    let walls = doc.walls(&cave());
    assert_eq!(walls.first().unwrap().1.points, [[0.0, 0.0], [3.25, 1.0]]);
    let endless = put(Structure::Wall(Wall {
        points: vec![[f64::NAN, 0.0]],
        object: false,
    }));
    let done = doc.apply(&[endless], LOCAL);
    assert_eq!(done.dropped.first().unwrap().reason, DropReason::NotFinite);
}

#[test]
fn the_party_says_what_is_on_the_table() {
    let mut doc = PartyDoc::create(&PartyId::new("p"));
    assert_eq!(doc.state().get(party::ACTIVE_SCENE_ID), None);
    let values = vec![
        Assignment::new(party::ACTIVE_SCENE_ID, Some("cave")),
        Assignment::new(party::IS_PAUSED, true),
    ];
    doc.apply(&[set(RowRef::Party, values)], LOCAL);
    assert!(doc.replica_mut().take_dirty().party);
    let opened = PartyDoc::open([doc.replica().encode_snapshot().as_slice()]).unwrap();
    assert_eq!(opened.state(), doc.state());
    assert_eq!(
        json::party_json(&opened),
        json!({"kind":"party","schemaVersion":2,"state":{"activeSceneId":"cave","isPaused":true}})
    );
}

#[test]
fn a_few_hostile_bytes_ask_for_nothing() {
    // Counts far beyond the data, as found by fuzzing the decoder.
    for bytes in [
        &[0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0],
        &[0, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[],
        &[0],
        &[0, 0, 0],
    ] {
        assert!(GameDoc::open(&GameSessionId::new("x"), [bytes]).is_err());
    }
    assert!(GameDoc::open(&GameSessionId::new("x"), [&[0u8, 0][..]]).is_ok());
    let deep = |depth: usize| {
        let mut bytes = vec![1, 1, 1, 0, 0x28, 1, 1, b'r', 1, b'k', 1];
        bytes.extend(std::iter::repeat_n([117, 1], depth).flatten());
        bytes.extend([126, 0]);
        bytes
    };
    assert!(GameDoc::open(&GameSessionId::new("x"), [deep(10).as_slice()]).is_ok());
    assert!(GameDoc::open(&GameSessionId::new("x"), [deep(100_000).as_slice()]).is_err());
}

#[test]
fn only_what_changed_is_dirty() {
    let mut doc = with_hero();
    doc.replica_mut().take_dirty();
    doc.apply(&[set(hero(), at(7.0, 7.0))], LOCAL);
    let dirty = doc.replica_mut().take_dirty();
    assert!(!dirty.list && !dirty.everything);
    let scene = dirty.scene(&cave()).unwrap();
    assert!(scene.markers.contains(&id("hero")) && !scene.markers.contains(&id("other")));
    assert!(!scene.settings && !scene.fog && !scene.structures && !scene.whole);
    doc.apply(
        &[
            stroke(MaskTarget::Fog, brush([0, 0], StrokeMode::Add)),
            wall("w", 1.0),
        ],
        LOCAL,
    );
    let scene = doc.replica_mut().take_dirty().scene(&cave()).unwrap();
    assert!(scene.fog && scene.structures && !scene.markers.contains(&id("hero")));
    let name = Assignment::new(scene::NAME, Arc::<str>::from("Cave"));
    doc.apply(&[set(RowRef::Scene(cave()), vec![name])], LOCAL);
    assert!(doc.replica_mut().take_dirty().list);
    doc.apply(
        &[set(
            hero(),
            vec![Assignment::new(marker::NOTE, Value::Null)],
        )],
        LOCAL,
    );
    assert!(doc.replica_mut().take_dirty().is_empty());
    let ordered = Assignment::new(annotation::ORDER, 3.0);
    let done = doc.apply(&[set(hero(), vec![ordered])], LOCAL);
    assert!(matches!(
        done.dropped.first().unwrap().reason,
        DropReason::Misplaced(_)
    ));
}

fn brush(at: [i32; 2], mode: StrokeMode) -> NewStroke {
    NewStroke {
        shape: StrokeShape::Brush { radius: 80 },
        mode,
        points: vec![at, [at[0] + 160, at[1] - 50]],
    }
}

fn stroke(target: MaskTarget, stroke: NewStroke) -> Edit {
    Edit::Stroke {
        scene: cave(),
        target,
        stroke,
    }
}

fn wall(name: &str, x: f64) -> Edit {
    Edit::PutStructure {
        scene: cave(),
        id: id(name),
        structure: Structure::Wall(Wall {
            points: vec![[0.0, 0.0], [x, 1.0]],
            object: false,
        }),
    }
}

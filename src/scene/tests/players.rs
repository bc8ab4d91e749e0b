//! What players see, and that nothing else is in what they hold.

use super::*;
use crate::model::party;
use crate::model::row::Row;
use crate::scene::player::PlayerFrame;

fn players(doc: &GameDoc) -> PlayerScene {
    PlayerScene::of(&snapshot(doc))
}

fn ids(scene: &PlayerScene) -> Vec<&str> {
    let markers = &scene.scene().markers.value;
    markers.iter().map(|marker| marker.id.as_str()).collect()
}

#[test]
fn markers_show_by_their_visibility() {
    let doc = doc(&[
        clear_fog(),
        new_marker("everyone", [0.0, 0.0], 0),
        new_marker("dm", [0.0, 0.0], 1),
        new_marker("players", [0.0, 0.0], 2),
        new_marker("hover", [0.0, 0.0], 3),
        new_marker("pinned", [0.0, 0.0], 3),
        Edit::Set {
            row: RowRef::marker(&cave(), &RowId::new("pinned")),
            values: vec![Assignment::new(marker::PINNED_TOOLTIP, true)],
        },
    ]);
    let dm = snapshot(&doc);
    let first = PlayerScene::of(&dm);
    assert_eq!(ids(&first), ["everyone", "pinned", "players"]);
    let hovered = BTreeSet::from([RowId::new("hover"), RowId::new("dm")]);
    let hovering = PlayerScene::with_hovered(&dm, &hovered, Some(&first));
    assert_eq!(ids(&hovering), ["everyone", "hover", "pinned", "players"]);
    assert!(hovering.scene().revision > first.scene().revision);
    // Parts that did not change are shared.
    assert_eq!(
        hovering.scene().settings.revision,
        first.scene().settings.revision
    );
    let again = PlayerScene::with_hovered(&dm, &hovered, Some(&hovering));
    assert_eq!(again.scene().revision, hovering.scene().revision);
}

#[test]
fn what_lies_wholly_under_fog_is_not_there() {
    // The left half of the map is clear; the middle line lies at x = 0.
    let half = stroke(
        MaskTarget::Fog,
        StrokeMode::Erase,
        StrokeShape::Rectangle,
        &[[-400, 200], [-1, -200]],
    );
    let torch = |name: &str, x: f64| Edit::Create {
        row: RowRef::light(&cave(), &RowId::new(name)),
        values: vec![Assignment::new(light::POSITION_X, x)],
    };
    let scene = [
        new_marker("clear", [-100.0, 0.0], 0),
        new_marker("edge", [15.0, 0.0], 0),
        new_marker("fogged", [100.0, 0.0], 0),
        new_marker("outside", [450.0, 0.0], 0),
        new_marker("half out", [400.0, 0.0], 0),
        torch("a light", -100.0),
        torch("glows out", 90.0),
        torch("edge of the map", 395.0),
        torch("off the map", 430.0),
        torch("z light", 250.0),
    ];
    let lights = |scene: &PlayerScene| -> Vec<String> {
        let lights = &scene.scene().lights.value;
        lights.iter().map(|light| light.id.to_string()).collect()
    };
    let unfogged = doc(&scene);
    // No mask: all of the map is fogged.
    assert_eq!(ids(&players(&unfogged)), ["half out", "outside"]);
    assert_eq!(lights(&players(&unfogged)), ["off the map"]);
    let mut halved = unfogged;
    halved.apply(&[half], LOCAL);
    let seen = players(&halved);
    assert_eq!(ids(&seen), ["clear", "edge", "half out", "outside"]);
    assert_eq!(lights(&seen), ["a light", "glows out", "off the map"]);
    // Without a map there is no fog.
    halved.apply(
        &[set(vec![Assignment::new(
            scene::MAP_LOCATION,
            None::<&str>,
        )])],
        LOCAL,
    );
    assert_eq!(ids(&players(&halved)).len(), 5);
}

#[test]
fn fog_turns_with_the_map() {
    // The top quarter of the picture is clear; turned by 90 degrees it lies on the left.
    let top = stroke(
        MaskTarget::Fog,
        StrokeMode::Erase,
        StrokeShape::Rectangle,
        &[[-400, 200], [400, 100]],
    );
    let doc = doc(&[
        top,
        new_marker("left", [-150.0, 0.0], 0),
        new_marker("right", [150.0, 0.0], 0),
        new_marker("top", [0.0, 150.0], 0),
        set(vec![Assignment::new(scene::MAP_ROTATION, 90.0)]),
    ]);
    assert_eq!(ids(&players(&doc)), ["left"]);
}

#[test]
fn nothing_hidden_is_in_what_players_hold() {
    let wall = Edit::PutStructure {
        scene: cave(),
        id: RowId::new("canary-wall"),
        structure: Structure::Wall(Wall {
            points: vec![[0.125, 77.5], [3.0, 4.0]],
            object: false,
        }),
    };
    let layer = |name: &str, visibility: i64| Edit::Create {
        row: RowRef::annotation(&cave(), &RowId::new(name)),
        values: vec![
            Assignment::new(annotation::NAME, "canary-layer-name"),
            Assignment::new(annotation::VISIBILITY, visibility),
        ],
    };
    let note = serde_json::json!({"type": "doc", "text": "canary-note"});
    let doc = doc(&[
        clear_fog(),
        wall,
        layer("canary-layer", annotation::VISIBLE_TO_DM),
        layer("drawing", annotation::VISIBLE_TO_EVERYONE),
        new_marker("hero", [0.0, 0.0], 0),
        new_marker("canary-ambush", [0.0, 0.0], 1),
        new_marker("canary-hover", [0.0, 0.0], 3),
        Edit::Set {
            row: RowRef::marker(&cave(), &RowId::new("hero")),
            values: vec![
                Assignment::new(marker::TITLE, "canary-title"),
                Assignment {
                    property: marker::NOTE.property(),
                    value: crate::model::value::Value::Json(note.into()),
                },
            ],
        },
        set(vec![
            Assignment::new(scene::NAME, "canary-name"),
            Assignment::new(scene::FOG_OF_WAR_ROOMS, Some("canary-rooms")),
            Assignment::new(scene::MAP_THUMB_LOCATION, Some("canary-thumb")),
        ]),
    ]);
    let dm = snapshot(&doc);
    let count = |text: &str| text.matches("canary").count();
    assert!(count(&format!("{dm:?}")) >= 10);
    let players = PlayerScene::of(&dm);
    assert_eq!(ids(&players), ["hero"]);
    assert_eq!(players.scene().annotations.value.len(), 1);
    let held = format!("{:?}", players.scene());
    assert_eq!(count(&held), 0, "{held}");
    assert!(!held.contains("77.5"));
}

#[test]
fn the_table_follows_the_party() {
    let shown = std::sync::Arc::new(players(&doc(&[])));
    let state = |active: Option<&str>, paused: bool| {
        Row::defaults(&party::TABLE)
            .with(party::ACTIVE_SCENE_ID.property(), active.into())
            .with(party::IS_PAUSED.property(), paused.into())
    };
    let follow = |state: &Row| {
        PlayerFrame::following(
            state,
            || Some(PictureHash::new("pause")),
            |id| (*id == cave()).then(|| shown.clone()),
        )
    };
    assert!(matches!(follow(&state(None, false)), PlayerFrame::Waiting));
    assert!(matches!(
        follow(&state(Some("elsewhere"), false)),
        PlayerFrame::Waiting
    ));
    assert!(matches!(
        follow(&state(Some("cave"), false)),
        PlayerFrame::Scene(scene) if scene.scene().id == cave()
    ));
    assert!(matches!(
        follow(&state(Some("cave"), true)),
        PlayerFrame::Paused { picture: Some(_) }
    ));
}

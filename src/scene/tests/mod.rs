//! What users are promised of snapshots and of what players see.

mod grid_switch;
mod players;

use std::collections::BTreeSet;

use glam::DVec2;
use proptest::prelude::*;

use crate::doc::{GameDoc, Origin};
use crate::model::edit::{Assignment, Edit, RowRef, Structure};
use crate::model::id::{GameSessionId, PictureHash, RowId, SceneId};
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::structure::Wall;
use crate::model::{annotation, light, marker, scene};
use crate::scene::derive::{SceneDeriver, compact_scene};
use crate::scene::picture::{NoPictures, PictureIndex, PictureInfo};
use crate::scene::player::PlayerScene;
use crate::scene::snapshot::{Fog, SceneSnapshot};
use crate::util::revision::Part;

const LOCAL: Origin = Origin::Local(1);

/// Pictures named by their size: `map/800x600.png`.
struct Sized;

impl PictureIndex for Sized {
    fn find(&self, location: &str) -> Option<PictureInfo> {
        let name = location.split('/').next_back()?.split('.').next()?;
        let (width, height) = name.split_once('x')?;
        Some(PictureInfo {
            hash: PictureHash::new(name),
            width: width.parse().ok()?,
            height: height.parse().ok()?,
        })
    }
}

fn cave() -> SceneId {
    SceneId::new("cave")
}

fn set(values: Vec<Assignment>) -> Edit {
    Edit::Set {
        row: RowRef::Scene(cave()),
        values,
    }
}

fn new_marker(name: &str, at: [f64; 2], visibility: i64) -> Edit {
    Edit::Create {
        row: RowRef::marker(&cave(), &RowId::new(name)),
        values: vec![
            Assignment::new(marker::POSITION_X, at[0]),
            Assignment::new(marker::POSITION_Y, at[1]),
            Assignment::new(marker::VISIBILITY, visibility),
        ],
    }
}

fn stroke(target: MaskTarget, mode: StrokeMode, shape: StrokeShape, points: &[[i32; 2]]) -> Edit {
    let points = points.iter().map(|point| point.map(|px| px * 16)).collect();
    Edit::Stroke {
        scene: cave(),
        target,
        stroke: NewStroke {
            shape,
            mode,
            points,
        },
    }
}

fn clear_fog() -> Edit {
    stroke(
        MaskTarget::Fog,
        StrokeMode::Erase,
        StrokeShape::Everything,
        &[],
    )
}

/// A scene on a display of 1000 x 500 with cells of 50, and a map of 800 x 400 at its middle.
fn doc(more: &[Edit]) -> GameDoc {
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let create = Edit::Create {
        row: RowRef::Scene(cave()),
        values: vec![
            Assignment::new(scene::DISPLAY_RESOLUTION_X, 1000.0),
            Assignment::new(scene::DISPLAY_RESOLUTION_Y, 500.0),
            Assignment::new(scene::DISPLAY_SIZE_X, 20.0),
            Assignment::new(scene::DISPLAY_SIZE_Y, 10.0),
            Assignment::new(scene::MAP_LOCATION, Some("map/800x400.png")),
        ],
    };
    let mut edits = vec![create];
    edits.extend_from_slice(more);
    let applied = doc.apply(&edits, LOCAL);
    assert_eq!(applied.dropped, []);
    doc
}

fn snapshot(doc: &GameDoc) -> SceneSnapshot {
    SceneDeriver::new(cave()).derive(doc, &Sized).unwrap()
}

fn position(scene: &SceneSnapshot, name: &str) -> DVec2 {
    let found = scene.markers.value.iter().find(|m| m.id.as_str() == name);
    found.unwrap().position_world
}

#[test]
fn a_scene_lies_as_its_settings_say() {
    let light = Edit::Create {
        row: RowRef::light(&cave(), &RowId::new("torch")),
        values: vec![Assignment::new(light::RADIUS, 3.0)],
    };
    let doc = doc(&[
        new_marker("hero", [10.0, -20.0], 0),
        light,
        set(vec![
            Assignment::new(scene::MAP_ZOOM, 0.5),
            Assignment::new(scene::MAP_OFFSET_X, 7.0),
        ]),
    ]);
    let scene = snapshot(&doc);
    let map = scene.map.value.as_ref().unwrap();
    assert_eq!(map.placement.size_px, [800, 400]);
    assert_eq!(map.placement.zoom, 0.5);
    assert_eq!(map.placement.offset_world, DVec2::new(7.0, 0.0));
    assert_eq!(scene.grid.cell_px(), 50.0);
    let hero = scene.markers.value.first().unwrap();
    assert_eq!(hero.position_world, DVec2::new(10.0, -20.0));
    assert_eq!(hero.diameter_world, 45.0);
    assert_eq!(scene.lights.value.first().unwrap().diameter_world, 150.0);
    assert!(matches!(scene.fog.value, Fog::Full));
}

fn map_defined(version: i64) -> Edit {
    set(vec![
        Assignment::new(scene::GRID_MODE, scene::GRID_MODE_MAP_DEFINED),
        Assignment::new(scene::GRID_MAP_DEFINED_X, Some(16i64)),
        Assignment::new(scene::GRID_MAP_DEFINED_Y, Some(8i64)),
        Assignment::new(scene::MAP_COORD_VERSION, version),
        Assignment::new(scene::MAP_ROTATION, 90.0),
        Assignment::new(scene::MAP_ZOOM, 0.5),
        Assignment::new(scene::MAP_OFFSET_X, 100.0),
    ])
}

#[test]
fn map_pixels_become_world_positions_and_back() {
    // Cells of 50 map pixels at 50 display pixels: the zoom is locked at 1, whatever is stored.
    let doc = doc(&[new_marker("hero", [30.0, 10.0], 0), map_defined(1)]);
    let scene = snapshot(&doc);
    assert_eq!(scene.map.value.as_ref().unwrap().placement.zoom, 1.0);
    let world = position(&scene, "hero");
    assert_eq!(world, DVec2::new(100.0 - 10.0, 30.0));
    assert!(
        scene
            .document_from_world(world)
            .abs_diff_eq(DVec2::new(30.0, 10.0), 1e-9)
    );
}

#[test]
fn older_scenes_are_converted_when_read() {
    // Display pixels under the stored zoom of a half: twice as many map pixels, shown at zoom 1.
    let doc = doc(&[new_marker("hero", [110.0, 20.0], 0), map_defined(0)]);
    let scene = snapshot(&doc);
    // The counts that the stored zoom shows are 8 x 4; they replace 16 x 8, as the upgrade would.
    let zoom = scene.map.value.as_ref().unwrap().placement.zoom;
    assert_eq!(zoom, 0.5);
    let world = position(&scene, "hero");
    assert!(world.abs_diff_eq(DVec2::new(110.0, 20.0), 1e-9), "{world}");
    let stored = scene.document_from_world(world);
    assert!(stored.abs_diff_eq(DVec2::new(110.0, 20.0), 1e-9));
    // Nothing was written.
    assert_eq!(
        doc.scene_row(&cave())
            .unwrap()
            .get(scene::MAP_COORD_VERSION),
        0
    );
}

#[test]
fn large_maps_of_web_clients_count_scaled_down_pixels_and_ours_do_not() {
    /// Every picture is a large one.
    struct Large;
    impl PictureIndex for Large {
        fn find(&self, _: &str) -> Option<PictureInfo> {
            Some(PictureInfo {
                hash: PictureHash::new("h"),
                width: 6000,
                height: 3000,
            })
        }
    }
    let size_of = |location: &str| {
        let doc = doc(&[set(vec![Assignment::new(
            scene::MAP_LOCATION,
            Some(location),
        )])]);
        let scene = SceneDeriver::new(cave()).derive(&doc, &Large).unwrap();
        scene.map.value.unwrap().placement.size_px
    };
    assert_eq!(size_of("map/9f1c2d3e-cave.png"), [3000, 1500]);
    assert_eq!(
        size_of(&format!("map/{}.png", "0f".repeat(32))),
        [6000, 3000]
    );
}

#[test]
fn a_map_whose_picture_is_missing_keeps_its_fog() {
    let doc = doc(&[]);
    let scene = SceneDeriver::new(cave()).derive(&doc, &NoPictures).unwrap();
    let map = scene.map.value.as_ref().unwrap();
    assert_eq!(map.picture, None);
    let covered = map.placement.world_rect();
    assert!(
        covered.contains(DVec2::new(-500.0, 250.0)) && covered.contains(DVec2::new(499.0, 0.0))
    );
    let mut doc = doc;
    doc.apply(
        &[set(vec![Assignment::new(
            scene::MAP_LOCATION,
            None::<&str>,
        )])],
        LOCAL,
    );
    assert!(snapshot(&doc).map.value.is_none());
}

#[test]
fn a_cut_map_stays_until_the_next_one_is_here() {
    let located = |map: &str| set(vec![Assignment::new(scene::MAP_LOCATION, Some(map))]);
    let mut deriver = SceneDeriver::new(cave());
    let mut doc = doc(&[located("cut/4000x200.png")]);
    let mut shown = |doc: &GameDoc| {
        let scene = deriver.derive(doc, &Sized).unwrap();
        let map = scene.map.value.unwrap();
        (
            map.picture.map(|picture| picture.hash),
            map.placement.size_px,
        )
    };
    let first = (Some(PictureHash::new("4000x200")), [4000, 200]);
    assert_eq!(shown(&doc), first);
    for missing in ["cut/not-here.png", "cut/none"] {
        doc.apply(&[located(missing)], LOCAL);
        assert_eq!(shown(&doc), first);
    }
    doc.apply(&[located("cut/4000x201.png")], LOCAL);
    assert_eq!(shown(&doc).0, Some(PictureHash::new("4000x201")));
    // Any other map is gone when it is gone.
    doc.apply(&[located("map/not-here.png")], LOCAL);
    assert_eq!(shown(&doc).0, None);
}

#[test]
fn drawing_layers_come_lowest_first() {
    let layer = |name: &str, order: f64| Edit::Create {
        row: RowRef::annotation(&cave(), &RowId::new(name)),
        values: vec![Assignment::new(annotation::ORDER, order)],
    };
    let doc = doc(&[layer("top", -2.0), layer("b", 1.0), layer("a", 1.0)]);
    let ids: Vec<String> = snapshot(&doc)
        .annotations
        .value
        .iter()
        .map(|layer| layer.id.to_string())
        .collect();
    assert_eq!(ids, ["a", "b", "top"]);
}

#[derive(Debug, Clone)]
enum Act {
    Edit(Edit),
    Compact,
}

fn any_act() -> impl Strategy<Value = Act> {
    let name = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let target = prop_oneof![
        3 => Just(MaskTarget::Fog),
        1 => Just(MaskTarget::Annotation(RowId::new("a"))),
    ];
    let number = -200i32..200;
    let setting = prop_oneof![
        number
            .clone()
            .prop_map(|x| Assignment::new(scene::MAP_OFFSET_X, f64::from(x))),
        (1i32..6).prop_map(|z| Assignment::new(scene::MAP_ZOOM, f64::from(z) / 3.0)),
        (0i64..2).prop_map(|mode| Assignment::new(scene::GRID_MODE, mode)),
        (0i64..2).prop_map(|version| Assignment::new(scene::MAP_COORD_VERSION, version)),
        (1i32..5).prop_map(|inches| Assignment::new(scene::GRID_SPACING, f64::from(inches))),
        prop_oneof![
            Just(None),
            Just(Some("map/300x200.png")),
            Just(Some("map/gone.png"))
        ]
        .prop_map(|map| Assignment::new(scene::MAP_LOCATION, map)),
        Just(Assignment::new(scene::NAME, "Cave")),
    ];
    let row = (name(), 0usize..3).prop_map(|(name, kind)| {
        let id = RowId::new(name);
        match kind {
            0 => RowRef::marker(&cave(), &id),
            1 => RowRef::light(&cave(), &id),
            _ => RowRef::annotation(&cave(), &id),
        }
    });
    let points = proptest::collection::vec([-200i32..200, -200i32..200], 1..4);
    prop_oneof![
        3 => row.clone().prop_map(|row| Act::Edit(Edit::Create { row, values: vec![] })),
        1 => row.prop_map(|row| Act::Edit(Edit::Delete { row })),
        4 => (name(), number).prop_map(|(name, x)| Act::Edit(Edit::Set {
            row: RowRef::marker(&cave(), &RowId::new(name)),
            values: vec![Assignment::new(marker::POSITION_X, f64::from(x))],
        })),
        4 => setting.prop_map(|value| Act::Edit(set(vec![value]))),
        4 => (target, points, any::<bool>()).prop_map(|(target, points, add)| {
            let mode = if add { StrokeMode::Add } else { StrokeMode::Erase };
            Act::Edit(stroke(target, mode, StrokeShape::Brush { radius: 400 }, &points))
        }),
        1 => name().prop_map(|name| Act::Edit(Edit::PutStructure {
            scene: cave(),
            id: RowId::new(name),
            structure: Structure::Wall(Wall { points: vec![[0.0, 1.0]], object: false }),
        })),
        1 => Just(Act::Compact),
    ]
}

/// All of a snapshot but its revisions.
fn content(scene: &SceneSnapshot) -> String {
    fn part<T: std::fmt::Debug>(part: &Part<T>) -> String {
        format!("{:?}", part.value)
    }
    let annotations: Vec<String> = scene
        .annotations
        .value
        .iter()
        .map(|layer| {
            let mask = layer.mask.as_ref().map(|mask| mask.value.encode_rle());
            format!(
                "{} {:?} {} {mask:?}",
                layer.id, layer.row, layer.anchored_to_map
            )
        })
        .collect();
    let fog = match &scene.fog.value {
        Fog::Full => None,
        Fog::Mask(mask) => Some(mask.encode_rle()),
    };
    format!(
        "{} {} {} {} {} {annotations:?} {fog:?} {}",
        part(&scene.settings),
        part(&scene.map),
        part(&scene.grid),
        part(&scene.markers),
        part(&scene.lights),
        part(&scene.structures),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_changed_derives_to_the_same_as_everything(
        acts in proptest::collection::vec(proptest::collection::vec(any_act(), 1..4), 1..12),
    ) {
        let mut doc = doc(&[]);
        let mut deriver = SceneDeriver::new(cave());
        let mut last = deriver.derive(&doc, &Sized).unwrap();
        doc.replica_mut().take_dirty();
        for batch in acts {
            for act in batch {
                match act {
                    Act::Edit(edit) => {
                        doc.apply(&[edit], LOCAL);
                    }
                    Act::Compact => {
                        compact_scene(&mut doc, &cave(), &Sized, 1);
                    }
                }
            }
            let dirty = doc.replica_mut().take_dirty();
            let next = match dirty.scene(&cave()) {
                Some(dirty) => deriver.update(&doc, &Sized, &dirty).unwrap(),
                None => last.clone(),
            };
            let fresh = snapshot(&doc);
            prop_assert_eq!(content(&next), content(&fresh));
            // Equal revisions mean equal values, and revisions only grow.
            prop_assert!(next.revision >= last.revision);
            if next.revision == last.revision {
                prop_assert_eq!(content(&next), content(&last));
            }
            if next.markers.revision == last.markers.revision {
                prop_assert_eq!(format!("{:?}", next.markers.value), format!("{:?}", last.markers.value));
            }
            // The players' scene made on from the last is the one made anew.
            let made = PlayerScene::of(&next);
            let on = PlayerScene::with_hovered(&next, &BTreeSet::new(), Some(&PlayerScene::of(&last)));
            prop_assert_eq!(content(made.scene()), content(on.scene()));
            last = next;
        }
    }
}

#[test]
fn an_unchanged_part_is_shared() {
    let mut doc = doc(&[new_marker("hero", [0.0, 0.0], 0), clear_fog()]);
    let mut deriver = SceneDeriver::new(cave());
    let first = deriver.derive(&doc, &Sized).unwrap();
    doc.replica_mut().take_dirty();
    doc.apply(
        &[Edit::Set {
            row: RowRef::marker(&cave(), &RowId::new("hero")),
            values: vec![Assignment::new(marker::POSITION_X, 5.0)],
        }],
        LOCAL,
    );
    let dirty = doc.replica_mut().take_dirty().scene(&cave()).unwrap();
    let second = deriver.update(&doc, &Sized, &dirty).unwrap();
    assert!(second.markers.revision > first.markers.revision);
    assert_eq!(second.fog.revision, first.fog.revision);
    assert_eq!(second.settings.revision, first.settings.revision);
    let whole = deriver.derive(&doc, &Sized).unwrap();
    assert_eq!(whole.revision, second.revision);
    doc.apply(
        &[Edit::Delete {
            row: RowRef::Scene(cave()),
        }],
        LOCAL,
    );
    assert!(deriver.derive(&doc, &Sized).is_none());
}

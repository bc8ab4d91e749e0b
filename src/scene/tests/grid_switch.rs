//! Switching between a grid that fills the table and the map's own moves nothing.

use std::sync::Arc;

use super::*;
use crate::geom::space::display_mask_from_world;
use crate::scene::grid_mode::with_converted_positions;

#[test]
fn switching_the_grid_moves_nothing_on_the_map() {
    let mut doc = doc(&[
        new_marker("hero", [30.0, 10.0], 0),
        set(vec![
            Assignment::new(scene::MAP_ZOOM, 0.5),
            Assignment::new(scene::MAP_ROTATION, 90.0),
            Assignment::new(scene::MAP_OFFSET_X, 20.0),
        ]),
    ]);
    let on_map = |doc: &GameDoc| {
        let scene = snapshot(doc);
        let placement = scene.map.value.as_ref().unwrap().placement;
        placement
            .map_from_world()
            .transform_point2(position(&scene, "hero"))
    };
    let before = on_map(&doc);
    for (mode, version) in [(1, 1), (0, 0), (1, 1)] {
        let switch = set(vec![Assignment::new(scene::GRID_MODE, mode as i64)]);
        let edits = with_converted_positions(&doc, &Sized, vec![switch]);
        assert_eq!(doc.apply(&edits, LOCAL).dropped, []);
        let settings = doc.scene_row(&cave()).unwrap();
        assert_eq!(settings.get(scene::MAP_COORD_VERSION), version);
        assert!(on_map(&doc).abs_diff_eq(before, 1e-9), "{mode}");
    }
    // Edits of something else stay as they are.
    let other = vec![set(vec![Assignment::new(scene::NAME, "x")])];
    assert_eq!(with_converted_positions(&doc, &Sized, other.clone()), other);
}

#[test]
fn switching_the_grid_moves_no_drawing_on_the_map() {
    let layer = RowId::new("ink");
    let target = MaskTarget::Annotation(layer.clone());
    let mut doc = doc(&[
        set(vec![
            Assignment::new(scene::MAP_ZOOM, 0.5),
            Assignment::new(scene::MAP_ROTATION, 90.0),
            Assignment::new(scene::MAP_OFFSET_X, 20.0),
        ]),
        Edit::Create {
            row: RowRef::annotation(&cave(), &layer),
            values: vec![],
        },
    ]);
    // On the display, 60 x 20 around a point of the map.
    let box_px = [[50, 10], [110, 30]];
    let ink = stroke(target, StrokeMode::Add, StrokeShape::Rectangle, &box_px);
    doc.apply(&[ink], LOCAL);
    let inked = |doc: &GameDoc| {
        let scene = snapshot(doc);
        let map = scene.map.value.as_ref().unwrap().placement;
        let drawing = scene.annotations.value.first().unwrap();
        let mask = Arc::clone(&drawing.mask.as_ref().unwrap().value);
        let mask_from_world = if drawing.anchored_to_map {
            map.mask_from_world(mask.size_px())
        } else {
            display_mask_from_world(mask.size_px(), [1000, 500])
        };
        let mask_from_map = mask_from_world * map.world_from_map();
        let at = move |map_px: DVec2| {
            let [x, y] = mask_from_map.transform_point2(map_px).to_array();
            mask.get(x as u32, y as u32)
        };
        (drawing.anchored_to_map, at)
    };
    let placement = snapshot(&doc).map.value.unwrap().placement;
    let from_display = |x: f64, y: f64| {
        placement
            .map_from_world()
            .transform_point2(DVec2::new(x, y))
    };
    for mode in [1, 0, 1] {
        let switch = set(vec![Assignment::new(scene::GRID_MODE, i64::from(mode))]);
        let edits = with_converted_positions(&doc, &Sized, vec![switch]);
        assert_eq!(doc.apply(&edits, LOCAL).dropped, []);
        let (anchored, ink_at) = inked(&doc);
        assert_eq!(anchored, mode == 1);
        for (x, y, inside) in [
            (54.0, 14.0, true),
            (106.0, 26.0, true),
            (80.0, 20.0, true),
            (46.0, 20.0, false),
            (114.0, 20.0, false),
            (80.0, 6.0, false),
            (80.0, 34.0, false),
        ] {
            assert_eq!(ink_at(from_display(x, y)), inside, "mode {mode} at {x} {y}");
        }
    }
}

//! Which drawing has ink under the pointer.

use glam::DVec2;

use super::view::display_rect;
use crate::app::tools::whole;
use crate::geom::rect::IRect;
use crate::model::id::RowId;
use crate::scene::snapshot::{Annotation, SceneSnapshot};

/// The topmost drawing with ink within `reach_world` of a position.
#[must_use]
pub fn drawing_at(scene: &SceneSnapshot, at_world: DVec2, reach_world: f64) -> Option<RowId> {
    scene
        .annotations
        .iter()
        .rev()
        .find(|drawing| has_ink(scene, drawing, at_world, reach_world))
        .map(|drawing| drawing.id.clone())
}

fn has_ink(scene: &SceneSnapshot, drawing: &Annotation, at_world: DVec2, reach_world: f64) -> bool {
    let Some(mask) = &drawing.mask else {
        return false;
    };
    // From the middle of what the mask covers, as a share of its size, y up.
    let (from_middle, size_world) = match (drawing.anchored_to_map, scene.map.as_ref()) {
        (true, None) => return false,
        (true, Some(map)) => {
            let placement = map.placement;
            let size = DVec2::from(placement.size_px.map(f64::from));
            let scale = placement.world_from_map().matrix2.x_axis.length();
            let at_map = placement.map_from_world().transform_point2(at_world);
            (at_map / size, size * scale)
        }
        (false, _) => {
            let rect = display_rect(scene);
            ((at_world - rect.center()) / rect.size(), rect.size())
        }
    };
    let mask_px = DVec2::from(mask.size_px().map(f64::from));
    let at = DVec2::new(0.5 + from_middle.x, 0.5 - from_middle.y) * mask_px;
    let reach = (reach_world / size_world * mask_px).max(DVec2::ONE);
    if !at.is_finite() || !reach.is_finite() {
        return false;
    }
    let (min, max) = (at - reach, at + reach);
    mask.any_set_in(IRect::new(
        [whole(min.x.floor()), whole(min.y.floor())],
        [whole(max.x.ceil()), whole(max.y.ceil())],
    ))
}

/// The corners of what a drawing's ink covers, world units, in order; `None` without ink.
#[must_use]
pub fn ink_corners_world(scene: &SceneSnapshot, drawing: &Annotation) -> Option<[DVec2; 4]> {
    let mask = drawing.mask.as_ref()?;
    mask_corners_world(
        scene,
        mask.size_px(),
        mask.bounds(),
        drawing.anchored_to_map,
    )
}

/// The corners of a part of a mask that covers the display, or the map; world units, in order from the
/// top left one. `None` when there is none, or no map.
#[must_use]
pub fn mask_corners_world(
    scene: &SceneSnapshot,
    mask_size_px: [u32; 2],
    area: IRect,
    on_map: bool,
) -> Option<[DVec2; 4]> {
    if area.is_empty() {
        return None;
    }
    let mask_px = DVec2::from(mask_size_px.map(f64::from));
    let corner = |x: i32, y: i32| {
        let share = DVec2::new(f64::from(x), f64::from(y)) / mask_px;
        let from_middle = DVec2::new(share.x - 0.5, 0.5 - share.y);
        match (on_map, scene.map.as_ref()) {
            (true, None) => None,
            (true, Some(map)) => {
                let size = DVec2::from(map.placement.size_px.map(f64::from));
                let world_from_map = map.placement.world_from_map();
                Some(world_from_map.transform_point2(from_middle * size))
            }
            (false, _) => {
                let rect = display_rect(scene);
                Some(rect.center() + from_middle * rect.size())
            }
        }
    };
    let ([left, top], [right, bottom]) = (area.min, area.max);
    Some([
        corner(left, top)?,
        corner(right, top)?,
        corner(right, bottom)?,
        corner(left, bottom)?,
    ])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::geom::mask::Mask;
    use crate::model::annotation;
    use crate::model::row::Row;
    use crate::util::revision::Part;

    /// A drawing on a mask of 192 x 108 for a table of 1920 x 1080, with one set pixel.
    fn scene(on_map: bool, x: u32, y: u32) -> SceneSnapshot {
        let mut mask = Mask::new(192, 108).unwrap();
        mask.set(x, y, true);
        let mut scene = crate::app::tests::snapshot("Crypt", &[]);
        let drawing = Annotation {
            id: RowId::new("dot"),
            row: Row::defaults(&annotation::TABLE),
            mask: Some(Part::new(Arc::new(mask))),
            anchored_to_map: on_map,
        };
        scene.annotations = Part::new(vec![drawing].into());
        scene
    }

    #[test]
    fn ink_is_found_where_it_is_seen_on_the_table_and_on_the_map() {
        // The top left pixel of the table, and a place beside it.
        let table = scene(false, 0, 0);
        assert!(drawing_at(&table, DVec2::new(-955.0, 535.0), 2.0).is_some());
        assert!(drawing_at(&table, DVec2::new(-920.0, 535.0), 2.0).is_none());
        assert!(drawing_at(&table, DVec2::new(-955.0, -535.0), 2.0).is_none());
        // The map is 2400 x 1600 px shown 1620 x 1080: its top left corner is at -810.
        let map = scene(true, 0, 0);
        assert!(drawing_at(&map, DVec2::new(-806.0, 535.0), 2.0).is_some());
        assert!(drawing_at(&map, DVec2::new(-955.0, 535.0), 2.0).is_none());
    }

    #[test]
    fn a_frame_goes_round_the_ink() {
        let corners = ink_corners_world(&scene(false, 0, 0), &scene(false, 0, 0).annotations[0]);
        let [a, _, c, _] = corners.unwrap();
        assert_eq!(
            (a, c),
            (DVec2::new(-960.0, 540.0), DVec2::new(-950.0, 530.0))
        );
    }

    #[test]
    fn a_place_far_outside_has_no_ink() {
        let table = scene(false, 0, 0);
        assert!(drawing_at(&table, DVec2::splat(1e300), 2.0).is_none());
        assert!(drawing_at(&table, DVec2::splat(f64::NAN), 2.0).is_none());
    }
}

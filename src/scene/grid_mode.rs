//! Switching a scene between a grid that fills the table and the map's own: the positions of markers
//! and lights and the space of drawings change their meaning, so they are converted in the same
//! transaction (tableslayer.md 4.2, 5.7). Nothing moves on the map.

use glam::{DAffine2, DVec2};

use crate::doc::GameDoc;
use crate::doc::masks::MaskSpace;
use crate::geom::space::{map_from_picture, mask_from_picture};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::SceneId;
use crate::model::property::{Prop, RowKind};
use crate::model::row::Row;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::value::{FromValue as _, Value};
use crate::model::{light, marker, scene};

use super::derive::lies_on_map;
use super::lay::{Laid, display_px, stored_map};
use super::picture::PictureIndex;

/// The edits with what a switch of `gridMode` takes along. Call it on every batch of edits of a user
/// before it is carried out.
#[must_use]
pub fn with_converted_positions(
    doc: &GameDoc,
    pictures: &dyn PictureIndex,
    edits: Vec<Edit>,
) -> Vec<Edit> {
    let mut more = Vec::new();
    for edit in &edits {
        if let Edit::Set {
            row: RowRef::Scene(id),
            values,
        } = edit
        {
            let switched = values
                .iter()
                .rfind(|value| value.property == scene::GRID_MODE.property())
                .and_then(|value| i64::from_value(&value.value));
            // Whoever names the coordinates knows what it does.
            let named = values
                .iter()
                .any(|value| value.property == scene::MAP_COORD_VERSION.property());
            if let (Some(mode), false, Some(settings)) = (switched, named, doc.scene_row(id))
                && settings.get(scene::GRID_MODE) != mode
            {
                more.extend(conversion(doc, pictures, id, &settings, values));
            }
        }
    }
    let mut edits = edits;
    edits.extend(more);
    edits
}

fn conversion(
    doc: &GameDoc,
    pictures: &dyn PictureIndex,
    id: &SceneId,
    settings: &Row,
    values: &[Assignment],
) -> Vec<Edit> {
    let map_of = |settings: &Row| stored_map(settings, pictures, || None);
    let stored = map_of(settings).map(|(map, _)| map);
    let before = Laid::new(settings, stored);
    let mut after = settings.clone();
    for value in values {
        after = after.with(value.property, value.value.clone());
    }
    let to_map = after.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED;
    let mut also = Vec::new();
    if !to_map && let Some(map) = &before.map {
        // The map's own grid decided its zoom; it stays as large as it was.
        also.push(Assignment::new(scene::MAP_ZOOM, map.placement.zoom));
    }
    // Without a map there are no map pixels.
    let version = i64::from(to_map && before.map.is_some());
    also.push(Assignment::new(scene::MAP_COORD_VERSION, version));
    for value in &also {
        after = after.with(value.property, value.value.clone());
    }
    // The way of a position: to the map as it lay, and from the map as it lies now.
    let stored = map_of(&after).map(|(map, _)| map);
    let now = Laid::new(&after, stored);
    let now_world_from_before_world = match (&before.map, &now.map) {
        (Some(was), Some(is)) => is.placement.world_from_map() * was.placement.map_from_world(),
        _ => DAffine2::IDENTITY,
    };
    let now_from_before = now.world_from_document.inverse()
        * now_world_from_before_world
        * before.world_from_document;
    let mut edits = vec![Edit::Set {
        row: RowRef::Scene(id.clone()),
        values: also,
    }];
    let kinds = [
        (RowKind::Marker, marker::POSITION_X, marker::POSITION_Y),
        (RowKind::Light, light::POSITION_X, light::POSITION_Y),
    ];
    for (kind, x, y) in kinds {
        for (row_id, row) in doc.rows(id, kind) {
            edits.push(Edit::Set {
                row: RowRef::in_scene(id, kind, &row_id),
                values: moved(&row, x, y, now_from_before),
            });
        }
    }
    for (layer, _) in doc.rows(id, RowKind::Annotation) {
        let target = MaskTarget::Annotation(layer);
        let was = DrawingSpace::of(&before, settings, lies_on_map(doc, id, settings, &target));
        let is = DrawingSpace::of(&now, &after, to_map);
        if let Some(stroke) = redrawn(doc, id, &target, &was, &is, now_world_from_before_world) {
            edits.push(Edit::Stroke {
                scene: id.clone(),
                target,
                stroke,
            });
        }
    }
    edits
}

/// Where a drawing lies and how large what it covers is.
struct DrawingSpace {
    space: MaskSpace,
    world_from_space: DAffine2,
}

impl DrawingSpace {
    fn of(laid: &Laid, settings: &Row, on_map: bool) -> Self {
        match laid.map.as_ref().filter(|_| on_map) {
            Some(map) => Self {
                space: MaskSpace::covering(map.placement.size_px),
                world_from_space: map.placement.world_from_map(),
            },
            None => Self {
                space: MaskSpace::covering(display_px(settings)),
                world_from_space: DAffine2::IDENTITY,
            },
        }
    }

    fn world_from_mask(&self, mask_size_px: [u32; 2]) -> DAffine2 {
        self.world_from_space
            * map_from_picture(self.space.size_px)
            * mask_from_picture(mask_size_px, self.space.size_px).inverse()
    }
}

/// A drawing in its new space, as a stroke that takes the place of what was drawn; `None` when
/// nothing is drawn.
fn redrawn(
    doc: &GameDoc,
    scene: &SceneId,
    target: &MaskTarget,
    was: &DrawingSpace,
    is: &DrawingSpace,
    now_world_from_before_world: DAffine2,
) -> Option<NewStroke> {
    let mask = doc
        .mask(scene, target, was.space)
        .filter(|mask| !mask.is_clear())?;
    let size_px = is.space.mask_size_px;
    let old_from_new = was.world_from_mask(mask.size_px()).inverse()
        * now_world_from_before_world.inverse()
        * is.world_from_mask(size_px);
    let mask = mask.transformed(size_px, old_from_new).ok()?;
    Some(NewStroke {
        shape: StrokeShape::Replace(mask.encode_rle().into()),
        mode: StrokeMode::Add,
        points: Vec::new(),
    })
}

fn moved(row: &Row, x: Prop<f64>, y: Prop<f64>, now_from_before: DAffine2) -> Vec<Assignment> {
    let [new_x, new_y] = now_from_before
        .transform_point2(DVec2::new(row.get(x), row.get(y)))
        .to_array();
    vec![
        Assignment::new(x, Value::Number(new_x)),
        Assignment::new(y, Value::Number(new_y)),
    ]
}

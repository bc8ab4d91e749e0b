//! Snapshots from documents: all of a scene once, then only what changed.
//!
//! A [`SceneDeriver`] follows one scene. [`SceneDeriver::derive`] reads everything,
//! [`SceneDeriver::update`] what a [`SceneDirty`] names; both give the same snapshot for the same
//! document (a property test holds them to it). Parts that did not change keep their value and
//! revision. Must not know: sockets, GPU, egui.

use std::collections::HashMap;
use std::sync::Arc;

use glam::DVec2;

use crate::doc::GameDoc;
use crate::doc::dirty::{RowsDirty, SceneDirty};
use crate::doc::masks::MaskCache;
use crate::geom::grid::{Grid, GridMode, GridParams, GridShape};
use crate::geom::mask::Mask;
use crate::geom::space::{MapPlacement, scaled_down_size};
use crate::model::id::{RowId, SceneId};
use crate::model::property::{Prop, RowKind};
use crate::model::row::Row;
use crate::model::stroke::MaskTarget;
use crate::model::{annotation, light, marker, scene};
use crate::util::revision::{Part, Revision};

use super::picture::{PictureIndex, PictureInfo};
use super::snapshot::{Annotation, Fog, Light, MapLayer, Marker, SceneSnapshot, Structures};

/// The drawn token is this share of the cells that it covers (tableslayer.md 2.4).
const TOKEN_SHARE: f64 = 0.9;
/// Sides of the masks of our own documents.
const OWN_MASK_SIDE: u32 = 4096;

/// Whose rules say how large a map picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MapPixels {
    /// The picture file's own pixels: our documents.
    #[default]
    OfFile,
    /// Brought down to at most 3000 a side: rooms shared with web clients (tableslayer.md 2.11).
    OfWebClients,
}

/// Follows one scene of a document.
#[derive(Debug)]
pub struct SceneDeriver {
    scene: SceneId,
    map_pixels: MapPixels,
    fog: MaskCache,
    inks: HashMap<RowId, MaskCache>,
    last: Option<SceneSnapshot>,
}

impl SceneDeriver {
    /// For a scene of a document of ours.
    #[must_use]
    pub fn new(scene: SceneId) -> Self {
        Self::with_map_pixels(scene, MapPixels::OfFile)
    }

    /// For a scene of any document.
    #[must_use]
    pub fn with_map_pixels(scene: SceneId, map_pixels: MapPixels) -> Self {
        Self {
            scene,
            map_pixels,
            fog: MaskCache::new(MaskTarget::Fog),
            inks: HashMap::new(),
            last: None,
        }
    }

    /// Everything anew; `None` when the document has no such scene.
    pub fn derive(&mut self, doc: &GameDoc, pictures: &dyn PictureIndex) -> Option<SceneSnapshot> {
        self.last = None;
        self.fog = MaskCache::new(MaskTarget::Fog);
        self.inks.clear();
        self.update(doc, pictures, &SceneDirty::whole())
    }

    /// What changed since the last call; `None` when the document has no such scene any more.
    pub fn update(
        &mut self,
        doc: &GameDoc,
        pictures: &dyn PictureIndex,
        dirty: &SceneDirty,
    ) -> Option<SceneSnapshot> {
        let everything = SceneDirty::whole();
        let (dirty, last) = match self.last.take() {
            Some(last) if !dirty.whole => (dirty, Some(last)),
            _ => (&everything, None),
        };
        let settings = match &last {
            Some(last) if !dirty.settings => last.settings.clone(),
            _ => Part::new(doc.scene_row(&self.scene)?),
        };
        if !doc.has_scene(&self.scene) {
            return None;
        }
        let before = last.as_ref();
        // The fog's own size tells how large a map is whose picture is not here.
        let bare_fog_size = doc
            .shared_mask(&self.scene, &MaskTarget::Fog)
            .and_then(|bytes| Mask::size_of_rle(&bytes));
        let map = self.map_layer(&settings, pictures, bare_fog_size);
        let map_moved = before.is_none_or(|last| *last.map != map);
        let map = match before {
            Some(last) if !map_moved => last.map.clone(),
            _ => Part::new(map),
        };
        let grid = Grid::new(&grid_params(&settings, map.value.as_ref()));
        let grid = match before {
            Some(last) if **last.grid.value == grid => last.grid.clone(),
            _ => Part::new(Arc::new(grid)),
        };
        // The locked zoom of a map's own grid is the grid's to say.
        let map = placed_by_grid(map, &grid, before);
        let space_moved = before.is_none_or(|last| {
            last.grid.revision != grid.revision
                || last.map.revision != map.revision
                || coordinates(&last.settings) != coordinates(&settings)
        });
        let world_from_document = DocumentSpace::of(&settings, map.value.as_ref());
        let cell_px = grid.cell_px();

        let markers = self.rows(
            doc,
            RowKind::Marker,
            &dirty.markers,
            space_moved || dirty.whole,
            before.map(|last| (&last.markers, |m: &Marker| &m.id)),
            |id, row| marker_of(id, row, &world_from_document, cell_px, pictures),
        );
        let lights = self.rows(
            doc,
            RowKind::Light,
            &dirty.lights,
            space_moved || dirty.whole,
            before.map(|last| (&last.lights, |l: &Light| &l.id)),
            |id, row| light_of(id, row, &world_from_document, cell_px),
        );
        let annotations = match before {
            Some(last) if dirty.annotations == RowsDirty::None && !space_moved => {
                last.annotations.clone()
            }
            _ => Part::new(self.annotations(doc, &settings, map.value.as_ref(), before)),
        };
        let fog = match before {
            Some(last) if !dirty.fog && last.map.revision == map.revision => last.fog.clone(),
            _ => {
                let fog = match map.value.as_ref() {
                    Some(layer) => {
                        let size = own_mask_size(layer.placement.size_px);
                        match self.fog.update(doc, &self.scene, size, layer.placement.size_px) {
                            Some(mask) => Fog::Mask(mask),
                            None => Fog::Full,
                        }
                    }
                    None => Fog::Full,
                };
                match before {
                    Some(last) if same_fog(&last.fog, &fog) => last.fog.clone(),
                    _ => Part::new(fog),
                }
            }
        };
        let structures = match before {
            Some(last) if !dirty.structures => last.structures.clone(),
            _ => Part::new(Arc::new(Structures {
                walls: doc.walls(&self.scene),
                doors: doc.doors(&self.scene),
            })),
        };
        let snapshot = SceneSnapshot {
            id: self.scene.clone(),
            revision: Revision::next(),
            settings,
            map,
            grid,
            markers,
            lights,
            annotations,
            fog,
            structures,
        };
        self.last = Some(snapshot.clone());
        Some(snapshot)
    }

    fn map_layer(
        &self,
        settings: &Row,
        pictures: &dyn PictureIndex,
        fog_size: Option<[u32; 2]>,
    ) -> Option<MapLayer> {
        let location = settings
            .get(scene::MAP_LOCATION)
            .filter(|location| !location.is_empty())?;
        let picture = pictures.find(&location);
        let size_px = match &picture {
            Some(info) => match self.map_pixels {
                MapPixels::OfFile => [info.width, info.height],
                MapPixels::OfWebClients => {
                    scaled_down_size([info.width, info.height], is_still(&location))
                }
            },
            None => fog_size.unwrap_or_else(|| covering_size(settings)),
        };
        Some(MapLayer {
            picture,
            placement: MapPlacement {
                size_px,
                rotation_deg: settings.get(scene::MAP_ROTATION),
                offset_world: DVec2::new(
                    settings.get(scene::MAP_OFFSET_X),
                    settings.get(scene::MAP_OFFSET_Y),
                ),
                zoom: settings.get(scene::MAP_ZOOM),
            },
        })
    }

    /// The rows of a collection, by id; rows that did not change are taken over.
    fn rows<R: Clone>(
        &self,
        doc: &GameDoc,
        kind: RowKind,
        dirty: &RowsDirty,
        all: bool,
        before: Option<(&Part<Arc<[R]>>, impl Fn(&R) -> &RowId)>,
        make: impl Fn(RowId, Row) -> R,
    ) -> Part<Arc<[R]>> {
        let Some((last, id_of)) = before.filter(|_| !all && *dirty != RowsDirty::All) else {
            let rows = doc.rows(&self.scene, kind);
            return Part::new(rows.into_iter().map(|(id, row)| make(id, row)).collect());
        };
        let RowsDirty::Some(changed) = dirty else {
            return last.clone();
        };
        let mut rows: Vec<R> = last.value.to_vec();
        for id in changed {
            let at = rows.binary_search_by(|row| id_of(row).cmp(id));
            let target = crate::model::edit::RowRef::in_scene(&self.scene, kind, id);
            match (doc.row(&target), at) {
                (Some(row), Ok(at)) => {
                    if let Some(slot) = rows.get_mut(at) {
                        *slot = make(id.clone(), row);
                    }
                }
                (Some(row), Err(at)) => rows.insert(at, make(id.clone(), row)),
                (None, Ok(at)) => {
                    rows.remove(at);
                }
                (None, Err(_)) => {}
            }
        }
        Part::new(rows.into())
    }

    fn annotations(
        &mut self,
        doc: &GameDoc,
        settings: &Row,
        map: Option<&MapLayer>,
        before: Option<&SceneSnapshot>,
    ) -> Arc<[Annotation]> {
        let anchored_to_map = map.is_some()
            && settings.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED
            && settings.get(scene::MAP_COORD_VERSION) == 1;
        let display = display_resolution(settings);
        let (space_px, own_size) = match map {
            Some(map) if anchored_to_map => {
                (map.placement.size_px, own_mask_size(map.placement.size_px))
            }
            _ => (display, own_mask_size(display)),
        };
        let rows = doc.rows(&self.scene, RowKind::Annotation);
        self.inks
            .retain(|id, _| rows.iter().any(|(row, _)| row == id));
        let mut layers: Vec<Annotation> = rows
            .into_iter()
            .map(|(id, row)| {
                let cache = self
                    .inks
                    .entry(id.clone())
                    .or_insert_with(|| MaskCache::new(MaskTarget::Annotation(id.clone())));
                let mask = cache
                    .update(doc, &self.scene, own_size, space_px)
                    .map(|mask| {
                        let known = before
                            .and_then(|last| last.annotations.iter().find(|layer| layer.id == id))
                            .and_then(|layer| layer.mask.as_ref())
                            .filter(|known| Arc::ptr_eq(&known.value, &mask));
                        known.cloned().unwrap_or_else(|| Part::new(mask))
                    });
                Annotation {
                    id,
                    row,
                    mask,
                    anchored_to_map,
                }
            })
            .collect();
        // The lowest first: the greatest order; ties by id.
        layers.sort_by(|a, b| {
            let order = |layer: &Annotation| layer.row.get(annotation::ORDER);
            order(b)
                .total_cmp(&order(a))
                .then_with(|| a.id.cmp(&b.id))
        });
        layers.into()
    }
}

/// The map where its own grid puts it (the locked zoom of tableslayer.md 5.7).
fn placed_by_grid(
    map: Part<Option<MapLayer>>,
    grid: &Part<Arc<Grid>>,
    before: Option<&SceneSnapshot>,
) -> Part<Option<MapLayer>> {
    let Some(layer) = &map.value else { return map };
    let Some(placement) = grid.placement().filter(|p| *p != layer.placement) else {
        return map;
    };
    let moved = MapLayer {
        picture: layer.picture.clone(),
        placement,
    };
    match before {
        Some(last) if last.map.value.as_ref() == Some(&moved) => last.map.clone(),
        _ => Part::new(Some(moved)),
    }
}

fn is_still(location: &str) -> bool {
    let path = location.split('?').next().unwrap_or(location).to_lowercase();
    ![".mp4", ".webm", ".mov", ".avi", ".gif"]
        .iter()
        .any(|ending| path.contains(ending))
}

/// The size of a map that is not here: what covers the display at the map's zoom, so that its fog
/// hides what lies under it.
fn covering_size(settings: &Row) -> [u32; 2] {
    let zoom = settings.get(scene::MAP_ZOOM).max(1e-4);
    let reach = DVec2::new(
        settings.get(scene::MAP_OFFSET_X),
        settings.get(scene::MAP_OFFSET_Y),
    )
    .abs()
    .max_element();
    let [width, height] = display_resolution(settings).map(f64::from);
    let side = ((width.max(height) * 1.5 + 2.0 * reach) / zoom).ceil();
    [side.clamp(1.0, 1e6) as u32; 2]
}

fn display_resolution(settings: &Row) -> [u32; 2] {
    [
        settings.get(scene::DISPLAY_RESOLUTION_X),
        settings.get(scene::DISPLAY_RESOLUTION_Y),
    ]
    .map(|side| side.round().max(1.0) as u32)
}

/// The size of a mask of ours for a space: at most [`OWN_MASK_SIDE`] a side, its shape kept.
fn own_mask_size([width, height]: [u32; 2]) -> [u32; 2] {
    let longest = width.max(height).max(1);
    if longest <= OWN_MASK_SIDE {
        return [width.max(1), height.max(1)];
    }
    let scale = f64::from(OWN_MASK_SIDE) / f64::from(longest);
    [width, height].map(|side| (f64::from(side) * scale).round().max(1.0) as u32)
}

fn grid_params(settings: &Row, map: Option<&MapLayer>) -> GridParams {
    let whole = |prop: Prop<f64>| settings.get(prop).round().max(0.0) as u32;
    let shape = match (
        settings.get(scene::GRID_TYPE),
        settings.get(scene::HEX_FLAT_TOP),
    ) {
        (scene::GRID_TYPE_HEX, true) => GridShape::HexFlat,
        (scene::GRID_TYPE_HEX, false) => GridShape::HexPointy,
        _ => GridShape::Square,
    };
    let counts = [
        settings.get(scene::GRID_MAP_DEFINED_X),
        settings.get(scene::GRID_MAP_DEFINED_Y),
    ]
    .map(|count| count.and_then(|count| u32::try_from(count).ok()));
    let map_cells = match counts {
        [Some(columns), Some(rows)] => Some([columns, rows]),
        _ => None,
    };
    GridParams {
        resolution_px: display_resolution(settings),
        display_size_in: [
            settings.get(scene::DISPLAY_SIZE_X),
            settings.get(scene::DISPLAY_SIZE_Y),
        ],
        padding_px: [whole(scene::DISPLAY_PADDING_X), whole(scene::DISPLAY_PADDING_Y)],
        spacing_in: settings.get(scene::GRID_SPACING),
        line_thickness_px: settings.get(scene::GRID_LINE_THICKNESS),
        shape,
        mode: if settings.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED {
            GridMode::MapDefined
        } else {
            GridMode::FillSpace
        },
        map_cells,
        placement: map.map(|map| map.placement),
        coord_version: u8::from(settings.get(scene::MAP_COORD_VERSION) == 1),
    }
}

fn coordinates(settings: &Row) -> (i64, i64) {
    (
        settings.get(scene::GRID_MODE),
        settings.get(scene::MAP_COORD_VERSION),
    )
}

/// Where a document's positions are in the world.
enum DocumentSpace {
    World,
    Map(glam::DAffine2),
}

impl DocumentSpace {
    fn of(settings: &Row, map: Option<&MapLayer>) -> Self {
        match (coordinates(settings), map) {
            ((scene::GRID_MODE_MAP_DEFINED, 1), Some(map)) => {
                Self::Map(map.placement.world_from_map())
            }
            _ => Self::World,
        }
    }

    fn to_world(&self, position: DVec2) -> DVec2 {
        match self {
            Self::World => position,
            Self::Map(world_from_map) => world_from_map.transform_point2(position),
        }
    }
}

fn marker_of(
    id: RowId,
    row: Row,
    space: &DocumentSpace,
    cell_px: f64,
    pictures: &dyn PictureIndex,
) -> Marker {
    let position = DVec2::new(row.get(marker::POSITION_X), row.get(marker::POSITION_Y));
    let size = row.get(marker::SIZE).clamp(1, 3);
    let picture: Option<PictureInfo> = row
        .get(marker::IMAGE_LOCATION)
        .filter(|location| !location.is_empty())
        .and_then(|location| pictures.find(&location));
    Marker {
        id,
        position_world: space.to_world(position),
        diameter_world: TOKEN_SHARE * cell_px * size as f64,
        picture,
        row,
    }
}

fn light_of(id: RowId, row: Row, space: &DocumentSpace, cell_px: f64) -> Light {
    let position = DVec2::new(row.get(light::POSITION_X), row.get(light::POSITION_Y));
    Light {
        id,
        position_world: space.to_world(position),
        diameter_world: row.get(light::RADIUS) * cell_px,
        row,
    }
}

fn same_fog(a: &Fog, b: &Fog) -> bool {
    match (a, b) {
        (Fog::Full, Fog::Full) => true,
        (Fog::Mask(a), Fog::Mask(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

//! From a document to a [`SceneSnapshot`]: all of it, or only what changed.
//!
//! A [`SceneDeriver`] keeps the snapshot that it made last. Told what is dirty, it reads only that and
//! shares the rest; the result equals a full derivation. Positions become world positions here: map
//! pixels through the map's placement, and those of older scenes whose grid is the map's own as their
//! upgrade means them (tableslayer.md 5.7).

use std::collections::HashMap;
use std::sync::Arc;

use glam::{DAffine2, DVec2};

use crate::doc::GameDoc;
use crate::doc::dirty::{RowsDirty, SceneDirty};
use crate::doc::masks::{MaskCache, MaskSpace};
use crate::geom::mask::Mask;
use crate::model::edit::RowRef;
use crate::model::id::{RowId, SceneId};
use crate::model::property::{Prop, RowKind};
use crate::model::row::Row;
use crate::model::stroke::MaskTarget;
use crate::model::{annotation, light, marker, scene};
use crate::util::revision::{Part, Revision};

use super::fog_rooms;
use super::lay::{Laid, display_px, stored_map};
use super::picture::{PictureIndex, PictureInfo};
use super::snapshot::{Annotation, Fog, Light, MapLayer, Marker, SceneSnapshot, Structures};

/// The share of its cells that a token's picture fills.
const TOKEN_FILL: f64 = 0.9;

/// Derives the snapshots of one scene.
#[derive(Debug)]
pub struct SceneDeriver {
    scene: SceneId,
    masks: MaskCache,
    last: Option<SceneSnapshot>,
    /// Where the map lies, as the last snapshot's positions have it.
    world_from_document: DAffine2,
    /// The map that a room server cut out for players, as it was here last.
    last_cut: Option<PictureInfo>,
    /// The mask that the last fog was made of, and the fog rooms over it.
    fog_made_of: Option<(Arc<Mask>, Option<Arc<str>>)>,
}

impl SceneDeriver {
    /// A deriver for a scene.
    #[must_use]
    pub fn new(scene: SceneId) -> Self {
        Self {
            scene,
            masks: MaskCache::default(),
            last: None,
            world_from_document: DAffine2::IDENTITY,
            last_cut: None,
            fog_made_of: None,
        }
    }

    /// The whole scene; `None` when the document has no such scene. Also for when pictures came that
    /// were not on this machine before.
    pub fn derive(&mut self, doc: &GameDoc, pictures: &dyn PictureIndex) -> Option<SceneSnapshot> {
        self.update(doc, pictures, &SceneDirty::whole())
    }

    /// The scene after a change: reads only what is dirty. `None` when the scene is gone.
    pub fn update(
        &mut self,
        doc: &GameDoc,
        pictures: &dyn PictureIndex,
        dirty: &SceneDirty,
    ) -> Option<SceneSnapshot> {
        let whole = SceneDirty::whole();
        let last = self.last.take();
        let dirty = if last.is_none() { &whole } else { dirty };
        let id = self.scene.clone();

        let mut settings = last.as_ref().map(|last| last.settings.clone());
        if dirty.settings || settings.is_none() {
            settings = Some(renewed(settings, doc.scene_row(&id)?));
        }
        let settings = settings?;

        let fog_size = || doc.base_size(&id, &MaskTarget::Fog);
        let meanwhile = Meanwhile {
            pictures,
            last_cut: self.last_cut.as_ref(),
        };
        let (stored, natural_px) = match stored_map(&settings, &meanwhile, fog_size) {
            Some((layer, natural_px)) => (Some(layer), natural_px),
            None => (None, [1, 1]),
        };
        let is_cut = (settings.get(scene::MAP_LOCATION)).is_some_and(|map| is_cut(&map));
        self.last_cut = stored
            .as_ref()
            .filter(|_| is_cut)
            .and_then(|layer| layer.picture.clone());
        let laid = Laid::new(&settings, stored);
        let moved = self.world_from_document != laid.world_from_document
            || last
                .as_ref()
                .is_none_or(|last| last.grid.cell_px().to_bits() != laid.grid.cell_px().to_bits());
        self.world_from_document = laid.world_from_document;

        let map = renewed(last.as_ref().map(|last| last.map.clone()), laid.map);
        let grid = renewed_arc(last.as_ref().map(|last| last.grid.clone()), laid.grid);

        let place = Place {
            world_from_document: laid.world_from_document,
            cell_px: grid.cell_px(),
            pictures,
        };
        let markers = rows_part(
            doc,
            &id,
            RowKind::Marker,
            last.as_ref().map(|last| &last.markers),
            (&dirty.markers, moved || dirty.whole),
            |id, row| place.marker(id, row),
        );
        let lights = rows_part(
            doc,
            &id,
            RowKind::Light,
            last.as_ref().map(|last| &last.lights),
            (&dirty.lights, moved || dirty.whole),
            |id, row| place.light(id, row),
        );

        let map_changed = last
            .as_ref()
            .is_none_or(|last| last.map.revision != map.revision);
        let on_map = map
            .value
            .as_ref()
            .filter(|_| settings.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED)
            .map(|layer| MaskSpace {
                size_px: layer.placement.size_px,
                ..MaskSpace::covering(natural_px)
            });
        let settings_changed = last
            .as_ref()
            .is_none_or(|last| last.settings.revision != settings.revision);
        let annotations = match &last {
            Some(last)
                if dirty.annotations == RowsDirty::None && !map_changed && !settings_changed =>
            {
                last.annotations.clone()
            }
            _ => self.annotations(doc, last.as_ref(), &settings, on_map),
        };

        let fog = match &last {
            Some(last) if !dirty.fog && !map_changed && !settings_changed => last.fog.clone(),
            _ => {
                // Strokes are in the map's pixels, which are not known without its picture: then
                // everything is fogged.
                let placed = |layer: &&MapLayer| {
                    layer.picture.is_some() || doc.strokes(&id, &MaskTarget::Fog).strokes.is_empty()
                };
                let space = map.value.as_ref().filter(placed).map(|layer| MaskSpace {
                    size_px: layer.placement.size_px,
                    ..MaskSpace::covering(natural_px)
                });
                self.fog(doc, last.as_ref().map(|last| &last.fog), &settings, space)
            }
        };

        let structures = match &last {
            Some(last) if !dirty.structures => last.structures.clone(),
            last => {
                let structures = Structures {
                    walls: doc.walls(&id),
                    doors: doc.doors(&id),
                };
                renewed_arc(
                    last.as_ref().map(|last| last.structures.clone()),
                    structures,
                )
            }
        };

        let mut snapshot = SceneSnapshot {
            id,
            revision: Revision::default(),
            settings,
            map,
            grid,
            markers,
            lights,
            annotations,
            fog,
            structures,
        };
        snapshot.revision = match &last {
            Some(last) if parts(last) == parts(&snapshot) => last.revision,
            _ => Revision::next(),
        };
        self.last = Some(snapshot.clone());
        Some(snapshot)
    }

    fn fog(
        &mut self,
        doc: &GameDoc,
        last: Option<&Part<Fog>>,
        settings: &Row,
        space: Option<MaskSpace>,
    ) -> Part<Fog> {
        // Without a map there is nothing to lie under the fog.
        let mask =
            space.and_then(|space| self.masks.mask(doc, &self.scene, &MaskTarget::Fog, space));
        let rooms = settings.get(scene::FOG_OF_WAR_ROOMS);
        let made_of = mask.map(|mask| (mask, rooms));
        let same = match (&made_of, &self.fog_made_of) {
            (Some((mask, rooms)), Some((old, old_rooms))) => {
                Arc::ptr_eq(mask, old) && rooms == old_rooms
            }
            (None, None) => true,
            _ => false,
        };
        if let Some(last) = last
            && same
        {
            return last.clone();
        }
        let fog = match &made_of {
            None => Fog::Full,
            Some((mask, rooms)) => Fog::Mask(fog_rooms::with_enabled_rooms(mask, rooms.as_deref())),
        };
        self.fog_made_of = made_of;
        match (last, &fog) {
            (Some(last), Fog::Mask(mask)) if matches!(&last.value, Fog::Mask(old) if old == mask) => {
                last.clone()
            }
            _ => Part::new(fog),
        }
    }

    fn annotations(
        &mut self,
        doc: &GameDoc,
        last: Option<&SceneSnapshot>,
        settings: &Row,
        on_map: Option<MaskSpace>,
    ) -> Part<Arc<[Annotation]>> {
        let display_px = display_px(settings);
        let known: HashMap<&RowId, &Annotation> = last
            .iter()
            .flat_map(|last| last.annotations.value.iter())
            .map(|layer| (&layer.id, layer))
            .collect();
        let mut layers: Vec<Annotation> = doc
            .rows(&self.scene, RowKind::Annotation)
            .into_iter()
            .map(|(id, row)| {
                let target = MaskTarget::Annotation(id.clone());
                // In a scene whose layers are anchored to the map, a mask of the display's size is
                // from before it was: it still covers the display.
                let held = doc.foreign_base_size(&self.scene, &target);
                let space = on_map.filter(|_| held != Some(display_px));
                let mask = self.masks.mask(
                    doc,
                    &self.scene,
                    &target,
                    space.unwrap_or_else(|| MaskSpace::covering(display_px)),
                );
                let old = known.get(&id);
                let mask = mask.map(|mask| match old.and_then(|old| old.mask.as_ref()) {
                    Some(old) if Arc::ptr_eq(&old.value, &mask) || old.value == mask => old.clone(),
                    _ => Part::new(mask),
                });
                Annotation {
                    anchored_to_map: space.is_some(),
                    id,
                    row,
                    mask,
                }
            })
            .collect();
        self.masks.retain(|_, target| match target {
            MaskTarget::Fog => true,
            MaskTarget::Annotation(id) => layers.iter().any(|layer| layer.id == *id),
        });
        layers.sort_by(|a, b| {
            let order = |layer: &Annotation| layer.row.get(annotation::ORDER);
            order(b).total_cmp(&order(a)).then_with(|| a.id.cmp(&b.id))
        });
        let same = last.filter(|last| {
            last.annotations.value.len() == layers.len()
                && last
                    .annotations
                    .value
                    .iter()
                    .zip(&layers)
                    .all(|(a, b)| same_annotation(a, b))
        });
        match same {
            Some(last) => last.annotations.clone(),
            None => Part::new(layers.into()),
        }
    }
}

fn is_cut(map: &str) -> bool {
    map.starts_with(scene::CUT_MAPS)
}

/// Pictures, and for a cut map that is on its way the one before it: it has the same size, and the
/// table does not go blank with every stroke of the DM's.
struct Meanwhile<'p> {
    pictures: &'p dyn PictureIndex,
    last_cut: Option<&'p PictureInfo>,
}

impl PictureIndex for Meanwhile<'_> {
    fn find(&self, location: &str) -> Option<PictureInfo> {
        let last = || self.last_cut.filter(|_| is_cut(location)).cloned();
        self.pictures.find(location).or_else(last)
    }
}

fn same_annotation(a: &Annotation, b: &Annotation) -> bool {
    a.id == b.id
        && a.row == b.row
        && a.anchored_to_map == b.anchored_to_map
        && a.mask.as_ref().map(|mask| mask.revision) == b.mask.as_ref().map(|mask| mask.revision)
}

fn parts(scene: &SceneSnapshot) -> [Revision; 8] {
    [
        scene.settings.revision,
        scene.map.revision,
        scene.grid.revision,
        scene.markers.revision,
        scene.lights.revision,
        scene.annotations.revision,
        scene.fog.revision,
        scene.structures.revision,
    ]
}

fn renewed<T: PartialEq>(last: Option<Part<T>>, value: T) -> Part<T> {
    match last {
        Some(last) if last.value == value => last,
        _ => Part::new(value),
    }
}

fn renewed_arc<T: PartialEq>(last: Option<Part<Arc<T>>>, value: T) -> Part<Arc<T>> {
    match last {
        Some(last) if *last.value == value => last,
        _ => Part::new(Arc::new(value)),
    }
}

/// A row of a collection in a snapshot.
trait Item: Clone {
    fn id(&self) -> &RowId;
    fn row(&self) -> &Row;
    fn same(&self, other: &Self) -> bool;
}

impl Item for Marker {
    fn id(&self) -> &RowId {
        &self.id
    }
    fn row(&self) -> &Row {
        &self.row
    }
    fn same(&self, other: &Self) -> bool {
        self.id == other.id
            && self.row == other.row
            && self.position_world == other.position_world
            && self.diameter_world.to_bits() == other.diameter_world.to_bits()
            && self.picture == other.picture
    }
}

impl Item for Light {
    fn id(&self) -> &RowId {
        &self.id
    }
    fn row(&self) -> &Row {
        &self.row
    }
    fn same(&self, other: &Self) -> bool {
        self.id == other.id
            && self.row == other.row
            && self.position_world == other.position_world
            && self.diameter_world.to_bits() == other.diameter_world.to_bits()
    }
}

/// The rows of a collection: all of them, or those that changed among the others.
fn rows_part<I: Item>(
    doc: &GameDoc,
    scene: &SceneId,
    kind: RowKind,
    last: Option<&Part<Arc<[I]>>>,
    (dirty, all): (&RowsDirty, bool),
    make: impl Fn(RowId, Row) -> I,
) -> Part<Arc<[I]>> {
    let items: Vec<I> = match (last, dirty, all) {
        (Some(last), RowsDirty::None, false) => return last.clone(),
        (Some(last), RowsDirty::None, true) => last
            .value
            .iter()
            .map(|item| make(item.id().clone(), item.row().clone()))
            .collect(),
        (Some(last), RowsDirty::Some(ids), false) => {
            let mut items: Vec<I> = last.value.to_vec();
            for id in ids {
                let at = items.binary_search_by(|item| item.id().cmp(id));
                match (doc.row(&RowRef::in_scene(scene, kind, id)), at) {
                    (Some(row), Ok(at)) => {
                        if let Some(item) = items.get_mut(at) {
                            *item = make(id.clone(), row);
                        }
                    }
                    (Some(row), Err(at)) => items.insert(at, make(id.clone(), row)),
                    (None, Ok(at)) => {
                        items.remove(at);
                    }
                    (None, Err(_)) => {}
                }
            }
            items
        }
        _ => doc
            .rows(scene, kind)
            .into_iter()
            .map(|(id, row)| make(id, row))
            .collect(),
    };
    match last {
        Some(last)
            if last.value.len() == items.len()
                && last.value.iter().zip(&items).all(|(a, b)| a.same(b)) =>
        {
            last.clone()
        }
        _ => Part::new(items.into()),
    }
}

/// What rows need to become things in the world.
struct Place<'p> {
    world_from_document: DAffine2,
    cell_px: f64,
    pictures: &'p dyn PictureIndex,
}

impl Place<'_> {
    fn position(&self, row: &Row, x: Prop<f64>, y: Prop<f64>) -> DVec2 {
        self.world_from_document
            .transform_point2(DVec2::new(row.get(x), row.get(y)))
    }

    #[expect(clippy::cast_precision_loss, reason = "1 to 3 cells")]
    fn marker(&self, id: RowId, row: Row) -> Marker {
        let location = row.get(marker::IMAGE_LOCATION);
        Marker {
            id,
            position_world: self.position(&row, marker::POSITION_X, marker::POSITION_Y),
            diameter_world: TOKEN_FILL * self.cell_px * row.get(marker::SIZE) as f64,
            picture: location.and_then(|location| self.pictures.find(&location)),
            row,
        }
    }

    fn light(&self, id: RowId, row: Row) -> Light {
        Light {
            id,
            position_world: self.position(&row, light::POSITION_X, light::POSITION_Y),
            diameter_world: self.cell_px * row.get(light::RADIUS),
            row,
        }
    }
}

/// What a mask of a document of ours covers, in the pixels that its strokes are in; `None` where that
/// cannot be known: fog without the map's picture.
#[must_use]
pub fn mask_space(
    doc: &GameDoc,
    scene: &SceneId,
    target: &MaskTarget,
    pictures: &dyn PictureIndex,
) -> Option<MaskSpace> {
    let settings = doc.scene_row(scene)?;
    let on_map = match target {
        MaskTarget::Fog => true,
        MaskTarget::Annotation(_) => lies_on_map(doc, scene, &settings, target),
    };
    if !on_map {
        return Some(MaskSpace::covering(display_px(&settings)));
    }
    stored_map(&settings, pictures, || None)
        .filter(|(map, _)| map.picture.is_some())
        .map(|(map, _)| MaskSpace::covering(map.placement.size_px))
}

/// Whether a drawing covers the map rather than the display.
pub(super) fn lies_on_map(
    doc: &GameDoc,
    scene: &SceneId,
    settings: &Row,
    drawing: &MaskTarget,
) -> bool {
    settings.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED
        && settings
            .get(scene::MAP_LOCATION)
            .is_some_and(|map| !map.is_empty())
        // One of the display's size is from before its scene's drawings were anchored to the map.
        && doc.foreign_base_size(scene, drawing) != Some(display_px(settings))
}

/// Compacts the strokes of every mask of a scene but the newest `keep` of each. Only for a serialising
/// owner of the document; see [`GameDoc::compact_mask`]. Returns whether anything was compacted.
pub fn compact_scene(
    doc: &mut GameDoc,
    scene: &SceneId,
    pictures: &dyn PictureIndex,
    keep: usize,
) -> bool {
    let layers = doc.rows(scene, RowKind::Annotation).into_iter();
    let targets = layers.map(|(id, _)| MaskTarget::Annotation(id));
    let mut compacted = false;
    for target in std::iter::once(MaskTarget::Fog).chain(targets) {
        let Some(space) = mask_space(doc, scene, &target, pictures) else {
            continue;
        };
        // A drawing from before its scene's layers were anchored to the map would no longer be known
        // as such with a base of ours: its strokes stay.
        let foreign = doc.foreign_base_size(scene, &target);
        let ambiguous =
            target != MaskTarget::Fog && foreign.is_some_and(|size| size == space.size_px);
        let map_defined = doc
            .scene_row(scene)
            .is_some_and(|settings| settings.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED);
        if !(ambiguous && map_defined) {
            compacted |= doc.compact_mask(scene, &target, space, keep);
        }
    }
    compacted
}

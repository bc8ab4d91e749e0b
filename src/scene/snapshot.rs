//! [`SceneSnapshot`]: everything about one scene at one moment, as the DM sees it.
//!
//! Immutable and cheap to clone; parts that did not change are shared with the snapshot before and
//! keep their revision, so that a reader uploads only what is new. Positions are already in world
//! space (display pixels, origin at the display's centre, y up), whatever the document's
//! coordinate version says.

use std::sync::Arc;

use glam::DVec2;

use crate::geom::grid::{Grid, GridParams};
use crate::geom::mask::Mask;
use crate::geom::space::MapPlacement;
use crate::model::id::{PictureHash, RowId, SceneId};
use crate::model::property::Prop;
use crate::model::row::Row;
use crate::model::structure::{Door, Wall};
use crate::model::value::FromValue;
use crate::util::revision::{Part, Revision};

use super::picture::PictureInfo;

/// A scene as the DM sees it.
#[derive(Debug, Clone)]
pub struct SceneSnapshot {
    /// The scene.
    pub id: SceneId,
    /// Grows with every change of any part.
    pub revision: Revision,
    /// All settings.
    pub settings: Part<Row>,
    /// The map and where it lies; `None` without a map.
    pub map: Part<Option<MapLayer>>,
    /// The grid, in world space.
    pub grid: Part<Arc<Grid>>,
    /// Markers by id.
    pub markers: Part<Arc<[Marker]>>,
    /// Lights by id.
    pub lights: Part<Arc<[Light]>>,
    /// Drawing layers, the lowest first (greatest `order` first, ties by id).
    pub annotations: Part<Arc<[Annotation]>>,
    /// The fog of war.
    pub fog: Part<Fog>,
    /// Walls and doors.
    pub structures: Part<Arc<Structures>>,
}

/// A map picture and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct MapLayer {
    /// The picture; `None` while it is not on this machine. The layer is there all the same, so that
    /// the fog covers what players must not see: its size is then the fog mask's, else what covers
    /// the display.
    pub picture: Option<PictureInfo>,
    /// Where it lies. `placement.size_px` is the size in map pixels as the document means it, which
    /// is the picture's own size or, in Table Slayer rooms, that size brought to at most 3000.
    pub placement: MapPlacement,
}

/// A marker with what follows from its row.
#[derive(Debug, Clone)]
pub struct Marker {
    /// Its id.
    pub id: RowId,
    /// Its properties ([`crate::model::marker`]).
    pub row: Row,
    /// Its centre.
    pub position_world: DVec2,
    /// The diameter of the drawn token: 0.9 of the cell times its size.
    pub diameter_world: f64,
    /// Its picture, when it has one that is on this machine.
    pub picture: Option<PictureInfo>,
}

/// A light with what follows from its row.
#[derive(Debug, Clone)]
pub struct Light {
    /// Its id.
    pub id: RowId,
    /// Its properties ([`crate::model::light`]).
    pub row: Row,
    /// Its centre.
    pub position_world: DVec2,
    /// Its diameter; the glow's quad is twice as wide.
    pub diameter_world: f64,
}

/// A drawing layer with its picture.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// Its id.
    pub id: RowId,
    /// Its properties ([`crate::model::annotation`]).
    pub row: Row,
    /// Its ink; `None` when nothing is drawn.
    pub mask: Option<Part<Arc<Mask>>>,
    /// The mask covers the map (and turns with it) instead of the display rectangle.
    pub anchored_to_map: bool,
}

/// The fog of war: which part of the map is covered. Without a map there is no fog.
#[derive(Debug, Clone)]
pub enum Fog {
    /// Everything is fogged: no mask has been written yet, or it could not be read.
    Full,
    /// Fogged where the mask is set; the mask covers the map picture, row 0 at its top.
    Mask(Arc<Mask>),
}

/// Walls and doors, in map pixels (map-centred, y up).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Structures {
    /// Walls by id.
    pub walls: Vec<(RowId, Wall)>,
    /// Doors by id.
    pub doors: Vec<(RowId, Door)>,
}

impl SceneSnapshot {
    /// A scene of nothing but a picture, its pixels one world unit each: a pause picture.
    #[must_use]
    pub fn of_picture(picture: &PictureHash, size_px: [u32; 2]) -> Self {
        Self {
            id: SceneId::new("picture alone"),
            revision: Revision::next(),
            settings: Part::new(Row::defaults(&crate::model::scene::TABLE)),
            map: Part::new(Some(MapLayer {
                picture: Some(PictureInfo {
                    hash: picture.clone(),
                    width: size_px[0],
                    height: size_px[1],
                }),
                placement: MapPlacement::unscaled(size_px),
            })),
            grid: Part::new(Arc::new(Grid::new(&GridParams::default()))),
            markers: Part::new(Vec::new().into()),
            lights: Part::new(Vec::new().into()),
            annotations: Part::new(Vec::new().into()),
            fog: Part::new(Fog::Full),
            structures: Part::new(Arc::default()),
        }
    }

    /// A setting of the scene.
    #[must_use]
    pub fn setting<T: FromValue + Default>(&self, prop: Prop<T>) -> T {
        self.settings.get(prop)
    }

    /// The size of the scene rectangle in world units (display pixels).
    #[must_use]
    pub fn display_size_world(&self) -> DVec2 {
        DVec2::new(
            self.setting(crate::model::scene::DISPLAY_RESOLUTION_X),
            self.setting(crate::model::scene::DISPLAY_RESOLUTION_Y),
        )
    }

    /// Where a world position is stored in the document: map pixels for scenes whose grid is the
    /// map's own, else display pixels, as the scene's coordinate version says.
    #[must_use]
    pub fn document_from_world(&self, position_world: DVec2) -> DVec2 {
        super::lay::world_from_document(&self.settings, self.map.value.as_ref())
            .inverse()
            .transform_point2(position_world)
    }
}

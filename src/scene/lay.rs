//! How a scene lies in the world: map, grid, and what the positions in the document mean.

use glam::{DAffine2, DVec2};

use crate::geom::grid::{Grid, GridMode, GridParams, GridShape};
use crate::geom::space::{CoordUpgrade, MapPlacement, scaled_down_size};
use crate::model::row::Row;
use crate::model::scene;

use super::picture::PictureIndex;
use super::snapshot::MapLayer;

/// How a scene lies in the world.
pub(super) struct Laid {
    pub(super) map: Option<MapLayer>,
    pub(super) grid: Grid,
    /// From the positions that the document holds to the world.
    pub(super) world_from_document: DAffine2,
}

impl Laid {
    pub(super) fn new(settings: &Row, stored: Option<MapLayer>) -> Self {
        let mut params = grid_params(settings, stored.as_ref().map(|map| map.placement));
        let stored_is_map_px = params.coord_version >= 1;
        let mut from_document = DAffine2::IDENTITY;
        if let Some(map) = &stored
            && params.mode == GridMode::MapDefined
        {
            if !stored_is_map_px {
                // An older scene: what its upgrade would store, without storing it.
                let upgrade = CoordUpgrade::new(
                    &map.placement,
                    params.cell_px(),
                    params.map_cells_or_default(),
                );
                params.coord_version = 1;
                params.map_cells = upgrade.new_map_cells.or(params.map_cells);
                from_document = upgrade.map_from_world;
            }
            if let Some(placement) = params.effective_placement() {
                from_document = placement.world_from_map() * from_document;
            }
        }
        let placement = params.effective_placement();
        let map = stored.map(|map| MapLayer {
            placement: placement.unwrap_or(map.placement),
            ..map
        });
        Self {
            map,
            grid: Grid::new(&params),
            world_from_document: from_document,
        }
    }
}

/// Where the positions of a scene's rows are in the world: `world_from_document`.
pub(super) fn world_from_document(settings: &Row, map: Option<&MapLayer>) -> DAffine2 {
    let stored = map.map(|map| MapLayer {
        placement: stored_placement(settings, map.placement.size_px),
        ..map.clone()
    });
    Laid::new(settings, stored).world_from_document
}

/// The map's place as the settings have it, whatever the grid makes of it.
pub(super) fn stored_placement(settings: &Row, size_px: [u32; 2]) -> MapPlacement {
    MapPlacement {
        size_px,
        rotation_deg: settings.get(scene::MAP_ROTATION),
        offset_world: DVec2::new(
            settings.get(scene::MAP_OFFSET_X),
            settings.get(scene::MAP_OFFSET_Y),
        ),
        zoom: settings.get(scene::MAP_ZOOM),
    }
}

/// The map as it is stored, with its picture's own size.
pub(super) fn stored_map(
    settings: &Row,
    pictures: &dyn PictureIndex,
    fog_mask_size: impl FnOnce() -> Option<[u32; 2]>,
) -> Option<(MapLayer, [u32; 2])> {
    let location = settings
        .get(scene::MAP_LOCATION)
        .filter(|location| !location.is_empty())?;
    let picture = pictures.find(&location);
    let natural_px = match &picture {
        Some(picture) => [picture.width, picture.height],
        None => fog_mask_size().unwrap_or_else(|| covering_size(settings)),
    };
    let size_px = if picture.is_some() && !is_named_by_content(&location) {
        scaled_down_size(natural_px, is_still(&location))
    } else {
        natural_px
    };
    let placement = stored_placement(settings, size_px);
    Some((MapLayer { picture, placement }, natural_px))
}

/// A map that this program put there is named by its content, and its pixels are the file's. Web
/// clients name theirs otherwise, and mean pixels as they see them, after their scale-down.
fn is_named_by_content(location: &str) -> bool {
    if location.starts_with(scene::CUT_MAPS) {
        return true;
    }
    let name = location.rsplit('/').next().unwrap_or_default();
    let hash = name.split('.').next().unwrap_or_default();
    hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The size of a map that covers the whole display, for one whose picture is missing.
fn covering_size(settings: &Row) -> [u32; 2] {
    let half = DVec2::new(
        settings.get(scene::DISPLAY_RESOLUTION_X),
        settings.get(scene::DISPLAY_RESOLUTION_Y),
    ) * 0.5;
    let map_from_world = stored_placement(settings, [1, 1]).map_from_world();
    let reach = [
        half,
        -half,
        DVec2::new(half.x, -half.y),
        DVec2::new(-half.x, half.y),
    ]
    .map(|corner| map_from_world.transform_point2(corner).abs())
    .into_iter()
    .fold(DVec2::ONE, DVec2::max);
    [reach.x, reach.y].map(|half_side| whole_px(half_side * 2.0).saturating_add(2))
}

/// The size of the display rectangle.
pub(super) fn display_px(settings: &Row) -> [u32; 2] {
    [
        whole_px(settings.get(scene::DISPLAY_RESOLUTION_X)),
        whole_px(settings.get(scene::DISPLAY_RESOLUTION_Y)),
    ]
}

/// Pictures that move are never scaled down by web clients.
fn is_still(location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    ![".mp4", ".webm", ".mov", ".avi", ".gif"]
        .iter()
        .any(|ending| location.contains(ending))
}

/// A length in whole pixels, 1 to 65,536.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in range by the clamp"
)]
fn whole_px(length: f64) -> u32 {
    length.round().clamp(1.0, 65_536.0) as u32
}

/// The grid's parameters as a scene's settings have them.
fn grid_params(settings: &Row, placement: Option<MapPlacement>) -> GridParams {
    let cells = [
        settings.get(scene::GRID_MAP_DEFINED_X),
        settings.get(scene::GRID_MAP_DEFINED_Y),
    ]
    .map(|count| count.and_then(|count| u32::try_from(count).ok()));
    let map_cells = match cells {
        [None, None] => None,
        [x, y] => {
            let [default_x, default_y] = crate::geom::grid::DEFAULT_MAP_CELLS;
            Some([x.unwrap_or(default_x), y.unwrap_or(default_y)])
        }
    };
    GridParams {
        resolution_px: display_px(settings),
        display_size_in: [
            settings.get(scene::DISPLAY_SIZE_X),
            settings.get(scene::DISPLAY_SIZE_Y),
        ],
        padding_px: [
            settings.get(scene::DISPLAY_PADDING_X),
            settings.get(scene::DISPLAY_PADDING_Y),
        ]
        .map(|padding: f64| if padding < 0.5 { 0 } else { whole_px(padding) }),
        spacing_in: settings.get(scene::GRID_SPACING),
        line_thickness_px: settings.get(scene::GRID_LINE_THICKNESS),
        shape: match (
            settings.get(scene::GRID_TYPE),
            settings.get(scene::HEX_FLAT_TOP),
        ) {
            (scene::GRID_TYPE_HEX, true) => GridShape::HexFlat,
            (scene::GRID_TYPE_HEX, false) => GridShape::HexPointy,
            _ => GridShape::Square,
        },
        mode: if settings.get(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED {
            GridMode::MapDefined
        } else {
            GridMode::FillSpace
        },
        map_cells,
        placement,
        coord_version: u8::from(settings.get(scene::MAP_COORD_VERSION) == 1),
    }
}

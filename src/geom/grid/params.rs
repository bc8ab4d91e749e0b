//! What a grid is made from, and what follows from it before there is a grid: sizes of cells,
//! the locked zoom of a map that defines the grid.

use glam::DVec2;

use super::super::space::MapPlacement;

/// Cell counts of a map-defined grid that names none.
pub const DEFAULT_MAP_CELLS: [u32; 2] = [24, 17];
/// Cells smaller than this are not made, whatever the settings say (display pixels).
pub const MIN_CELL_PX: f64 = 2.0;

/// The form of the cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GridShape {
    /// Squares.
    #[default]
    Square,
    /// Hexes with a corner at the top, in horizontal rows.
    HexPointy,
    /// Hexes with an edge at the top, in vertical columns.
    HexFlat,
}

/// Where the cells come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GridMode {
    /// As many cells as the display holds, from its middle.
    #[default]
    FillSpace,
    /// A given number of cells, drawn on the map. Always squares.
    MapDefined,
}

/// What a grid is made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridParams {
    /// Width and height of the display in pixels.
    pub resolution_px: [u32; 2],
    /// Width and height of the display in inches.
    pub display_size_in: [f64; 2],
    /// Least margin around a grid that fills the display, pixels per axis.
    pub padding_px: [u32; 2],
    /// Size of a cell on the display in inches.
    pub spacing_in: f64,
    /// Thickness of the lines as the document has it, in display pixels.
    pub line_thickness_px: f64,
    /// The form of the cells. A map-defined grid is square whatever this says.
    pub shape: GridShape,
    /// Where the cells come from.
    pub mode: GridMode,
    /// Columns and rows of a map-defined grid.
    pub map_cells: Option<[u32; 2]>,
    /// Where the map lies, when there is one.
    pub placement: Option<MapPlacement>,
    /// 0: a map-defined grid stands in display space. 1: it is anchored to the map.
    pub coord_version: u8,
}

impl Default for GridParams {
    /// A 40 inch full HD display with cells of an inch.
    fn default() -> Self {
        Self {
            resolution_px: [1920, 1080],
            display_size_in: [34.86, 19.6],
            padding_px: [16, 16],
            spacing_in: 1.0,
            line_thickness_px: 1.0,
            shape: GridShape::Square,
            mode: GridMode::FillSpace,
            map_cells: None,
            placement: None,
            coord_version: 1,
        }
    }
}

impl GridParams {
    /// Pixels of a cell per axis. Settings that make no sense count as their defaults, and a
    /// cell is at least [`MIN_CELL_PX`].
    #[must_use]
    pub fn spacing_px(&self) -> DVec2 {
        let default = Self::default();
        let positive = |value: f64, fallback: f64| {
            if value.is_finite() && value > 0.0 {
                value
            } else {
                fallback
            }
        };
        let axis = |i: usize| {
            let inches = positive(self.display_size_in[i], default.display_size_in[i]);
            let resolution = f64::from(self.resolution_px[i].max(1));
            let px = positive(self.spacing_in, default.spacing_in) * resolution / inches;
            px.clamp(MIN_CELL_PX, 1e6)
        };
        DVec2::new(axis(0), axis(1))
    }

    /// Pixels of a cell where there is no axis to speak of.
    #[must_use]
    pub fn cell_px(&self) -> f64 {
        self.spacing_px().x
    }

    /// Columns and rows of a map-defined grid, at least 1 each.
    #[must_use]
    pub fn map_cells_or_default(&self) -> [u32; 2] {
        self.map_cells
            .unwrap_or(DEFAULT_MAP_CELLS)
            .map(|n| n.clamp(1, 100_000))
    }

    /// The map as this grid has it: when the map defines the grid and is its anchor, its zoom is
    /// locked so that a map cell is a cell of the display, whatever zoom is stored. Everything
    /// that draws or places something on the map must use this placement.
    #[must_use]
    pub fn effective_placement(&self) -> Option<MapPlacement> {
        let placement = self.placement?;
        Some(if self.anchored_to_map() {
            MapPlacement {
                zoom: locked_zoom(
                    placement.size_px,
                    self.map_cells_or_default(),
                    self.cell_px(),
                ),
                ..placement
            }
        } else {
            placement
        })
    }

    /// Whether positions of this scene are map px: the map defines the grid, the coordinate
    /// version is 1, and there is a map.
    #[must_use]
    pub fn anchored_to_map(&self) -> bool {
        self.mode == GridMode::MapDefined && self.coord_version >= 1 && self.placement.is_some()
    }

    pub(super) fn resolution(&self) -> DVec2 {
        DVec2::from(self.resolution_px.map(|s| f64::from(s.max(1))))
    }

    pub(super) fn line_px(&self) -> f64 {
        if self.line_thickness_px.is_finite() {
            self.line_thickness_px.clamp(0.0, 1000.0)
        } else {
            1.0
        }
    }
}

/// The side of a map cell in map px, when the map has so many columns and rows: the mean of
/// both axes, as the cells of such a grid are always square.
#[must_use]
pub fn map_cell_px(size_px: [u32; 2], map_cells: [u32; 2]) -> f64 {
    let side = |i: usize| f64::from(size_px[i].max(1)) / f64::from(map_cells[i].max(1));
    (side(0) + side(1)) * 0.5
}

/// The zoom at which a map cell is as large as a cell of the display.
#[must_use]
pub fn locked_zoom(size_px: [u32; 2], map_cells: [u32; 2], cell_px: f64) -> f64 {
    cell_px / map_cell_px(size_px, map_cells)
}

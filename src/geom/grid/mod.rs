//! Square and hex grids: where cells are, what snaps to what, how far things are apart.
//!
//! A [`Grid`] is made from [`GridParams`] whenever one of them changes; it is a small value, and
//! everything on it is pure. It has a space of its own, **grid space**: the world for a grid
//! that fills the display, map px for one that the map defines (coordinate version 1, anchored
//! to the map). The interface speaks world; only the renderer needs grid space.
//!
//! Cells are [`Cell`]s: on a square grid column and row from the grid's top left cell (negative
//! ones are left of and above it), on a hex grid axial coordinates with (0, 0) in the middle of
//! the display.
//!
//! Spacing is per axis: a display whose inches do not agree with its pixels has cells that are
//! not quite square. A length that has no axis (a token's size, a brush) uses the x axis.

mod hex;
mod params;

use glam::{DAffine2, DVec2};

use super::distance::{DistanceRule, Measure};
use super::rect::{DRect, IRect};
use super::space::{MapPlacement, display_rect_world};

pub use params::{
    DEFAULT_MAP_CELLS, GridMode, GridParams, GridShape, MIN_CELL_PX, locked_zoom, map_cell_px,
};

/// One cell. See the module for what its numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Column, or the first axial coordinate.
    pub q: i32,
    /// Row, or the second axial coordinate.
    pub r: i32,
}

impl Cell {
    /// From column and row, or axial coordinates.
    #[must_use]
    pub const fn new(q: i32, r: i32) -> Self {
        Self { q, r }
    }
}

/// What snaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapTarget {
    /// A token: middles, corners and edge middles of squares; centres and corners of hexes.
    Token,
    /// A light: as a token.
    Light,
    /// An end of a measurement: as a token on squares, centres only on hexes.
    Measurement,
}

/// A grid, ready to be asked. See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    shape: GridShape,
    mode: GridMode,
    anchored_to_map: bool,
    cell_px: f64,
    spacing: DVec2,
    anchor: DVec2,
    cell_counts: [u32; 2],
    extent: DRect,
    line_thickness_px: f64,
    world_from_grid: DAffine2,
    grid_from_world: DAffine2,
    placement: Option<MapPlacement>,
}

impl Grid {
    /// The grid of these settings.
    #[must_use]
    pub fn new(params: &GridParams) -> Self {
        match (params.mode, params.effective_placement()) {
            (GridMode::FillSpace, placement) => Self::fill_space(params, placement),
            (GridMode::MapDefined, Some(placement)) if params.anchored_to_map() => {
                Self::on_map(params, placement)
            }
            (GridMode::MapDefined, placement) => Self::counted_on_display(params, placement),
        }
    }

    /// As many whole cells as fit between the paddings, centred: lines and middles lie on
    /// multiples of half a cell from the middle of the display.
    fn fill_space(params: &GridParams, placement: Option<MapPlacement>) -> Self {
        let spacing = params.spacing_px();
        let line = params.line_px();
        let resolution = params.resolution();
        let padding = DVec2::from(params.padding_px.map(f64::from));
        let counts = ((resolution - padding * 2.0 - line) / spacing)
            .floor()
            .max(DVec2::ZERO);
        let size = counts * spacing + line * 0.5;
        let anchor = match params.shape {
            GridShape::Square => DVec2::new(-counts.x, counts.y) * spacing * 0.5,
            GridShape::HexPointy | GridShape::HexFlat => DVec2::ZERO,
        };
        Self::in_world(
            params,
            placement,
            params.shape,
            counts,
            anchor,
            DRect::from_center_size(DVec2::ZERO, size),
        )
    }

    /// A given number of squares on the display: per axis centred when they fit, else from the
    /// left or the top edge.
    fn counted_on_display(params: &GridParams, placement: Option<MapPlacement>) -> Self {
        let spacing = params.spacing_px();
        let line = params.line_px();
        let resolution = params.resolution();
        let counts = DVec2::from(params.map_cells_or_default().map(f64::from));
        let size = counts * spacing + line * 0.5;
        // From the top left of the display, y down.
        let origin = ((resolution - size) * 0.5).max(DVec2::ZERO);
        let world = |top_left_px: DVec2| {
            DVec2::new(
                top_left_px.x - resolution.x * 0.5,
                resolution.y * 0.5 - top_left_px.y,
            )
        };
        Self::in_world(
            params,
            placement,
            GridShape::Square,
            counts,
            // A line is half as wide as its setting, and the first one lies inside the origin.
            world(origin + line * 0.25),
            DRect::from_corners(world(origin), world(origin + size)),
        )
    }

    /// A given number of squares, centred on the map and turning with it.
    fn on_map(params: &GridParams, placement: MapPlacement) -> Self {
        let cells = params.map_cells_or_default();
        let cell = map_cell_px(placement.size_px, cells);
        let counts = DVec2::from(cells.map(f64::from));
        let size = counts * cell;
        let half_line_map_px = params.line_px() * 0.25 / placement.effective_zoom();
        Self {
            shape: GridShape::Square,
            mode: params.mode,
            anchored_to_map: true,
            cell_px: cell * placement.effective_zoom(),
            spacing: DVec2::splat(cell),
            anchor: DVec2::new(-size.x, size.y) * 0.5,
            cell_counts: cells,
            extent: DRect::from_center_size(DVec2::ZERO, size).inflated(half_line_map_px),
            line_thickness_px: params.line_px(),
            world_from_grid: placement.world_from_map(),
            grid_from_world: placement.map_from_world(),
            placement: Some(placement),
        }
    }

    fn in_world(
        params: &GridParams,
        placement: Option<MapPlacement>,
        shape: GridShape,
        counts: DVec2,
        anchor: DVec2,
        extent: DRect,
    ) -> Self {
        Self {
            shape,
            mode: params.mode,
            anchored_to_map: false,
            cell_px: params.cell_px(),
            spacing: params.spacing_px(),
            anchor,
            cell_counts: [counts.x as u32, counts.y as u32],
            extent,
            line_thickness_px: params.line_px(),
            world_from_grid: DAffine2::IDENTITY,
            grid_from_world: DAffine2::IDENTITY,
            placement,
        }
    }

    /// The form of the cells.
    #[must_use]
    pub const fn shape(&self) -> GridShape {
        self.shape
    }

    /// Where the cells come from.
    #[must_use]
    pub const fn mode(&self) -> GridMode {
        self.mode
    }

    /// Whether the grid, and with it every position of the scene, lies in map px.
    #[must_use]
    pub const fn anchored_to_map(&self) -> bool {
        self.anchored_to_map
    }

    /// Size of a cell in display pixels where there is no axis to speak of: tokens, brushes.
    #[must_use]
    pub const fn cell_px(&self) -> f64 {
        self.cell_px
    }

    /// Columns and rows of whole cells in the extent (of squares; a hex grid fills the same
    /// rectangle).
    #[must_use]
    pub const fn cell_counts(&self) -> [u32; 2] {
        self.cell_counts
    }

    /// The map as this grid has it, see [`GridParams::effective_placement`].
    #[must_use]
    pub const fn placement(&self) -> Option<MapPlacement> {
        self.placement
    }

    /// From grid space to world.
    #[must_use]
    pub const fn world_from_grid(&self) -> DAffine2 {
        self.world_from_grid
    }

    /// From world to grid space.
    #[must_use]
    pub const fn grid_from_world(&self) -> DAffine2 {
        self.grid_from_world
    }

    /// The rectangle in which the grid is drawn, in grid space; half a line wider than its cells
    /// on each side.
    #[must_use]
    pub const fn extent_grid(&self) -> DRect {
        self.extent
    }

    /// The upright rectangle around the grid in world coordinates.
    #[must_use]
    pub fn extent_world(&self) -> DRect {
        self.extent.transformed(&self.world_from_grid)
    }

    /// Grid space units from cell to cell along each axis: the pitch of the lines of a square
    /// grid. On a hex grid the pitch along the rows is this, and across them √3/2 of it.
    #[must_use]
    pub const fn spacing_grid(&self) -> DVec2 {
        self.spacing
    }

    /// Thickness of the lines as the document has it, in display pixels.
    #[must_use]
    pub const fn line_thickness_px(&self) -> f64 {
        self.line_thickness_px
    }

    /// How wide a line is drawn at a view's zoom, in world units: half the thickness of the
    /// settings, and never less than a screen point.
    #[must_use]
    pub fn line_width_world(&self, camera_zoom: f64) -> f64 {
        let floor = 2.0 / camera_zoom;
        if floor.is_finite() && floor > 0.0 {
            self.line_thickness_px.max(floor) * 0.5
        } else {
            self.line_thickness_px * 0.5
        }
    }

    /// Where to start counting in grid space: a crossing of lines (the top left corner of cell
    /// (0, 0)) on a square grid, the centre of cell (0, 0) on a hex grid.
    #[must_use]
    pub const fn anchor_grid(&self) -> DVec2 {
        self.anchor
    }

    /// The x of every vertical line of a square grid in grid space, left to right; none of a hex
    /// grid.
    pub fn vertical_lines_grid(&self) -> impl Iterator<Item = f64> + use<> {
        let (start, step) = (self.anchor.x, self.spacing.x);
        self.line_indices(0).map(move |i| start + i * step)
    }

    /// The y of every horizontal line of a square grid in grid space, top to bottom; none of a
    /// hex grid.
    pub fn horizontal_lines_grid(&self) -> impl Iterator<Item = f64> + use<> {
        let (start, step) = (self.anchor.y, self.spacing.y);
        self.line_indices(1).map(move |i| start - i * step)
    }

    fn line_indices(&self, axis: usize) -> impl Iterator<Item = f64> + use<> {
        let lines = match self.shape {
            GridShape::Square => self.cell_counts[axis] + 1,
            GridShape::HexPointy | GridShape::HexFlat => 0,
        };
        (0..lines).map(f64::from)
    }

    /// From grid space to (column, row) of a square grid or (along, across) of a hex lattice.
    fn lattice_from_grid(&self, p: DVec2) -> DVec2 {
        let n = (p - self.anchor) / self.spacing;
        match self.shape {
            GridShape::Square | GridShape::HexPointy => DVec2::new(n.x, -n.y),
            GridShape::HexFlat => DVec2::new(-n.y, n.x),
        }
    }

    fn grid_from_lattice(&self, p: DVec2) -> DVec2 {
        let n = match self.shape {
            GridShape::Square | GridShape::HexPointy => DVec2::new(p.x, -p.y),
            GridShape::HexFlat => DVec2::new(p.y, -p.x),
        };
        self.anchor + n * self.spacing
    }

    /// From axial coordinates of the lattice to a cell and back. On a flat-top grid the axes
    /// are swapped, so that `q` counts columns to the right and `r` goes down.
    fn swapped(&self, (q, r): (i32, i32)) -> (i32, i32) {
        match self.shape {
            GridShape::Square | GridShape::HexPointy => (q, r),
            GridShape::HexFlat => (r, q),
        }
    }

    /// The cell at a position.
    #[must_use]
    pub fn cell_at(&self, world: DVec2) -> Cell {
        let p = self.lattice_from_grid(self.grid_from_world.transform_point2(world));
        let (q, r) = match self.shape {
            // The casts saturate.
            GridShape::Square => (p.x.floor() as i32, p.y.floor() as i32),
            GridShape::HexPointy | GridShape::HexFlat => self.swapped(hex::cell_at(p)),
        };
        Cell { q, r }
    }

    /// The middle of a cell in world coordinates.
    #[must_use]
    pub fn center_world(&self, cell: Cell) -> DVec2 {
        let p = match self.shape {
            GridShape::Square => DVec2::new(f64::from(cell.q) + 0.5, f64::from(cell.r) + 0.5),
            GridShape::HexPointy | GridShape::HexFlat => {
                let (q, r) = self.swapped((cell.q, cell.r));
                hex::center(q, r)
            }
        };
        self.world_from_grid
            .transform_point2(self.grid_from_lattice(p))
    }

    /// The corners of a cell in world coordinates, in order around it: 4 or 6.
    #[must_use]
    pub fn corners_world(&self, cell: Cell) -> Vec<DVec2> {
        let world = |p: DVec2| {
            self.world_from_grid
                .transform_point2(self.grid_from_lattice(p))
        };
        match self.shape {
            GridShape::Square => {
                let (q, r) = (f64::from(cell.q), f64::from(cell.r));
                DRect::new(DVec2::new(q, r), DVec2::new(q + 1.0, r + 1.0))
                    .corners()
                    .map(world)
                    .to_vec()
            }
            GridShape::HexPointy | GridShape::HexFlat => {
                let (q, r) = self.swapped((cell.q, cell.r));
                hex::corners(q, r).map(world).to_vec()
            }
        }
    }

    /// The cells whose bounding box touches a rectangle in world coordinates, also beyond the
    /// extent. On an anchored grid that is turned by anything but quarter turns these are a few
    /// more than those that the rectangle touches itself.
    pub fn cells_in(&self, world: DRect) -> impl Iterator<Item = Cell> + use<> {
        let grid = *self;
        let in_grid = world.transformed(&self.grid_from_world);
        let lattice = DRect::from_corners(
            self.lattice_from_grid(in_grid.min),
            self.lattice_from_grid(in_grid.max),
        );
        let rows = if world.is_empty() {
            IRect::EMPTY
        } else {
            match self.shape {
                GridShape::Square => lattice.outer_pixels(),
                // Rows whose hexes reach into the rectangle, counted across.
                GridShape::HexPointy | GridShape::HexFlat => DRect::new(
                    DVec2::new(
                        0.0,
                        (lattice.min.y - hex::CORNER_RADIUS) / hex::ROW_PITCH + 1.0,
                    ),
                    DVec2::new(1.0, (lattice.max.y + hex::CORNER_RADIUS) / hex::ROW_PITCH),
                )
                .outer_pixels(),
            }
        };
        (rows.min[1]..rows.max[1]).flat_map(move |row| {
            let columns = match grid.shape {
                GridShape::Square => rows.min[0]..rows.max[0],
                GridShape::HexPointy | GridShape::HexFlat => {
                    // A hex is 1 wide and its row is shifted by half a cell each.
                    let shift = f64::from(row) * 0.5;
                    let first = (lattice.min.x - 0.5 - shift).floor() as i32;
                    let end = (lattice.max.x + 0.5 - shift).ceil() as i32;
                    first.saturating_add(1)..end
                }
            };
            columns.map(move |column| {
                let (q, r) = grid.swapped((column, row));
                Cell { q, r }
            })
        })
    }

    /// Where something comes to lie that is dropped at a position.
    #[must_use]
    pub fn snap(&self, world: DVec2, target: SnapTarget) -> DVec2 {
        let p = self.lattice_from_grid(self.grid_from_world.transform_point2(world));
        let snapped = match (self.shape, target) {
            // Half cells: corners, edge middles and middles. The halves are rounded to the right
            // and up, as the web client does.
            (GridShape::Square, _) => DVec2::new(
                (p.x * 2.0 + 0.5).floor() * 0.5,
                (p.y * 2.0 - 0.5).ceil() * 0.5,
            ),
            (_, SnapTarget::Measurement) => {
                let (q, r) = hex::cell_at(p);
                hex::center(q, r)
            }
            (_, SnapTarget::Token | SnapTarget::Light) => hex::nearest_center_or_corner(p),
        };
        self.world_from_grid
            .transform_point2(self.grid_from_lattice(snapped))
    }

    /// Steps from hex to hex, or the greater of columns and rows between two squares.
    #[must_use]
    pub fn steps_between(&self, a: Cell, b: Cell) -> u64 {
        match self.shape {
            GridShape::Square => u64::from(a.q.abs_diff(b.q).max(a.r.abs_diff(b.r))),
            GridShape::HexPointy | GridShape::HexFlat => hex::distance((a.q, a.r), (b.q, b.r)),
        }
    }

    /// Length of a path in cells.
    ///
    /// On squares each leg is measured by `rule` from its ends as they are (snap them before),
    /// and diagonals are counted over the whole path. On hexes a leg is the number of steps
    /// between the hexes of its ends, and `rule` matters only when it is
    /// [`DistanceRule::Euclidean`]: then it is the straight length. A path of fewer than two
    /// points is 0 long.
    #[must_use]
    pub fn path_length_cells(&self, path_world: &[DVec2], rule: DistanceRule) -> f64 {
        let hex_steps = self.shape != GridShape::Square && rule != DistanceRule::Euclidean;
        if hex_steps {
            let cells = || path_world.iter().map(|&p| self.cell_at(p));
            return cells()
                .zip(cells().skip(1))
                .map(|(a, b)| self.steps_between(a, b) as f64)
                .sum();
        }
        let mut measure = Measure::new(rule);
        for leg in path_world.windows(2) {
            let [a, b] = *leg else { continue };
            let cells = self.grid_from_world.transform_vector2(b - a) / self.spacing;
            measure.add_leg(cells.x, cells.y);
        }
        measure.cells()
    }

    /// The display rectangle cut to the extent, in world coordinates: what a display shows of
    /// the grid.
    #[must_use]
    pub fn shown_on_display(&self, resolution_px: [u32; 2]) -> DRect {
        self.extent_world()
            .intersection(&display_rect_world(resolution_px))
    }
}

#[cfg(test)]
mod tests;

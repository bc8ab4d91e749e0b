//! What an import would do: plain values, ready to be turned into document edits.
//!
//! All geometry is in picture pixels from the top left, y down; nothing is clipped, so a crop
//! carries the walls of the whole map. Must not know documents: the session turns a plan into
//! edits, the command line prints it.

mod name;
mod placing;
mod telling;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::name::scene_name;
use self::placing::{ASSUMED_CELL_PX, Placing, hinted_grid};
use self::telling::{listed, tell_embedded, tell_format, tell_taken};
use super::picture::{PictureFormat, PictureInfo};
use super::report::{Report, ReportKind, counted};
use super::uvtt::{
    EmbeddedPicture, Environment, UvttDocument, UvttFormat, UvttLight, UvttPortal, UvttResolution,
};

/// Geometry this close to the picture's border counts as inside.
const BORDER_PX: f64 = 0.5;

/// A point in picture pixels from the top left.
pub type PicturePoint = [f64; 2];

/// What the file was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanSource {
    /// A picture alone.
    Picture,
    /// A Universal VTT file; its `format` value, where it has one.
    UniversalVtt(Option<UvttFormat>),
}

/// The map picture, whose bytes come beside the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPicture {
    /// Format by content.
    pub format: PictureFormat,
    /// Width in pixels, orientation applied.
    pub width: u32,
    /// Height in pixels, orientation applied.
    pub height: u32,
    /// Whether pixels can be transparent.
    pub has_alpha: bool,
}

impl PlanPicture {
    /// What the plan keeps of a picture's head.
    #[must_use]
    pub const fn of(info: &PictureInfo) -> Self {
        Self {
            format: info.format,
            width: info.width,
            height: info.height,
            has_alpha: info.has_alpha,
        }
    }
}

/// Where a grid came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GridSource {
    /// The map file says so, and the picture agrees or there is none.
    File,
    /// The picture's size, where the map file's grid did not agree with it or said too little.
    Picture,
    /// The file name.
    FileName,
    /// Nothing said it; a common size was taken.
    Assumed,
}

/// A square grid on the picture, beginning at its top left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanGrid {
    /// Side of a cell in picture pixels, above 0.
    pub cell_px: f64,
    /// Cells across; can be fractional.
    pub columns: f64,
    /// Cells down; can be fractional.
    pub rows: f64,
    /// Where it came from.
    pub source: GridSource,
}

/// A door or window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanDoor {
    /// One end.
    pub a: PicturePoint,
    /// The other end, which differs.
    pub b: PicturePoint,
    /// Closed: blocks sight.
    pub closed: bool,
    /// Not cut into a wall. Otherwise the wall has a gap here that the door fills.
    pub freestanding: bool,
}

/// A light.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanLight {
    /// Centre.
    pub x: f64,
    /// Centre.
    pub y: f64,
    /// Outer radius in picture pixels, above 0.
    pub radius_px: f64,
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// Alpha of the file's colour.
    pub alpha: u8,
    /// Strength, 0 to 10; without an agreed meaning.
    pub intensity: f64,
    /// Whether walls block it.
    pub shadows: bool,
    /// Off where the light is painted in the picture already.
    pub enabled: bool,
}

/// What an import would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// A name for the scene, from the file name.
    pub scene_name: String,
    /// What the file was.
    pub source: PlanSource,
    /// The map picture; a map file can be without one.
    pub picture: Option<PlanPicture>,
    /// The grid, where one is known.
    pub grid: Option<PlanGrid>,
    /// The whole map's cell at the picture's top left (a crop's is not 0, 0).
    pub crop_origin_cells: [f64; 2],
    /// Walls: polylines of at least two points, closed where the last equals the first.
    pub walls: Vec<Vec<PicturePoint>>,
    /// Things that block sight: pillars, trees.
    pub object_walls: Vec<Vec<PicturePoint>>,
    /// Doors and windows.
    pub doors: Vec<PlanDoor>,
    /// Lights.
    pub lights: Vec<PlanLight>,
    /// Light is painted in the picture already.
    pub baked_lighting: bool,
    /// Base light of the map: alpha, red, green, blue.
    pub ambient_light: Option<[u8; 4]>,
    /// What was taken and what was not.
    pub report: Report,
}

impl ImportPlan {
    /// The plan for a picture alone: its grid is the file name's, if that fits.
    #[must_use]
    pub fn of_picture(file_name: &str, info: &PictureInfo) -> Self {
        let mut report = Report::default();
        report.add(
            ReportKind::Taken,
            format!(
                "The picture ({}, {} × {} pixels) is taken.",
                info.format.label(),
                info.width,
                info.height
            ),
        );
        if info.orientation != 1 {
            report.add(
                ReportKind::Adjusted,
                "The picture is turned upright as its metadata says.",
            );
        }
        if matches!(info.format, PictureFormat::Gif) {
            report.add(
                ReportKind::Adjusted,
                "Of a GIF the first frame is taken; it does not move.",
            );
        }
        let grid = hinted_grid(file_name, info, &mut report);
        if grid.is_none() {
            report.add(
                ReportKind::Skipped,
                "No grid is known: the file name has none that fits the picture's shape.",
            );
        }
        Self {
            scene_name: scene_name(file_name),
            source: PlanSource::Picture,
            picture: Some(PlanPicture::of(info)),
            grid,
            crop_origin_cells: [0.0; 2],
            walls: Vec::new(),
            object_walls: Vec::new(),
            doors: Vec::new(),
            lights: Vec::new(),
            baked_lighting: false,
            ambient_light: None,
            report,
        }
    }

    /// The plan for a map file. `picture` is what its embedded bytes turned out to be, or the
    /// sentence why they cannot be used.
    #[must_use]
    pub fn of_uvtt(
        file_name: &str,
        document: &UvttDocument,
        embedded: &EmbeddedPicture,
        picture: Option<Result<PictureInfo, String>>,
        reading: Report,
    ) -> Self {
        let mut report = Report::default();
        tell_taken(document, &mut report);
        tell_format(document, &mut report);
        tell_embedded(embedded, picture.as_ref(), &mut report);
        let info = picture.and_then(Result::ok);
        let has_geometry = !(document.line_of_sight.is_empty()
            && document.objects_line_of_sight.is_empty()
            && document.portals.is_empty()
            && document.lights.is_empty());
        let placing = Placing::of(
            file_name,
            &document.resolution,
            info.as_ref(),
            has_geometry,
            &mut report,
        );
        let origin = document.resolution.map_origin;
        if origin != [0.0; 2] {
            report.add(
                ReportKind::Adjusted,
                format!(
                    "The picture is a crop that begins at cell {}, {}; walls, doors and lights \
                     are moved with it.",
                    origin[0], origin[1]
                ),
            );
        }
        let lines = |lines: &[Vec<[f64; 2]>]| -> Vec<Vec<PicturePoint>> {
            let line = |line: &Vec<[f64; 2]>| line.iter().map(|p| placing.point(*p)).collect();
            lines.iter().map(line).collect()
        };
        let baked_lighting = document.environment.baked_lighting;
        let mut plan = Self {
            scene_name: scene_name(file_name),
            source: PlanSource::UniversalVtt(document.format.clone()),
            picture: info.as_ref().map(PlanPicture::of),
            grid: placing.grid,
            crop_origin_cells: origin,
            walls: lines(&document.line_of_sight),
            object_walls: lines(&document.objects_line_of_sight),
            doors: document
                .portals
                .iter()
                .map(|portal| PlanDoor {
                    a: placing.point(portal.bounds[0]),
                    b: placing.point(portal.bounds[1]),
                    closed: portal.closed,
                    freestanding: portal.freestanding,
                })
                .collect(),
            lights: document
                .lights
                .iter()
                .map(|light| {
                    let [x, y] = placing.point(light.position);
                    PlanLight {
                        x,
                        y,
                        radius_px: light.range * f64::midpoint(placing.scale[0], placing.scale[1]),
                        rgb: light.color,
                        alpha: light.alpha,
                        intensity: light.intensity,
                        shadows: light.shadows,
                        enabled: !baked_lighting,
                    }
                })
                .collect(),
            baked_lighting,
            ambient_light: document.environment.ambient_light,
            report,
        };
        if baked_lighting && !plan.lights.is_empty() {
            plan.report.add(
                ReportKind::Adjusted,
                format!(
                    "Light is painted in the picture already, so {} switched off.",
                    match plan.lights.len() {
                        1 => "the light is".to_owned(),
                        n => format!("the {n} lights are"),
                    }
                ),
            );
        }
        if let Some([_, r, g, b]) = plan.ambient_light
            && [r, g, b] != [255; 3]
        {
            plan.report.add(
                ReportKind::Skipped,
                format!("The base light of the map (#{r:02x}{g:02x}{b:02x}) is not used."),
            );
        }
        plan.tell_outside();
        plan.report.append(reading);
        plan
    }

    /// The way back to cells, for a map file of what the plan holds. Without a grid a cell is as
    /// long as an import assumes it.
    #[must_use]
    pub fn to_uvtt(&self) -> UvttDocument {
        let cell = self.grid.map_or(ASSUMED_CELL_PX, |grid| grid.cell_px);
        let origin = self.crop_origin_cells;
        let cells = |[x, y]: PicturePoint| [x / cell + origin[0], y / cell + origin[1]];
        let lines = |lines: &[Vec<PicturePoint>]| -> Vec<Vec<[f64; 2]>> {
            let line = |line: &Vec<PicturePoint>| line.iter().map(|p| cells(*p)).collect();
            lines.iter().map(line).collect()
        };
        let size = match (self.picture, self.grid) {
            (Some(picture), _) => Some([
                f64::from(picture.width) / cell,
                f64::from(picture.height) / cell,
            ]),
            (None, grid) => grid.map(|grid| [grid.columns, grid.rows]),
        };
        UvttDocument {
            format: Some(UvttFormat::Number(0.3)),
            software: None,
            resolution: UvttResolution {
                map_origin: origin,
                map_size: size,
                pixels_per_grid: Some(cell),
            },
            line_of_sight: lines(&self.walls),
            objects_line_of_sight: lines(&self.object_walls),
            portals: self
                .doors
                .iter()
                .map(|door| {
                    let bounds = [cells(door.a), cells(door.b)];
                    let [a, b] = bounds;
                    UvttPortal {
                        position: [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])],
                        bounds,
                        rotation: (b[1] - a[1]).atan2(b[0] - a[0]),
                        closed: door.closed,
                        freestanding: door.freestanding,
                    }
                })
                .collect(),
            lights: self
                .lights
                .iter()
                .map(|light| UvttLight {
                    position: cells([light.x, light.y]),
                    range: light.radius_px / cell,
                    intensity: light.intensity,
                    color: light.rgb,
                    alpha: light.alpha,
                    shadows: light.shadows,
                })
                .collect(),
            environment: Environment {
                baked_lighting: self.baked_lighting,
                ambient_light: self.ambient_light,
            },
        }
    }

    /// Says what lies (wholly or in part) outside the picture.
    fn tell_outside(&mut self) {
        let size = match (self.picture, self.grid) {
            (Some(picture), _) => [f64::from(picture.width), f64::from(picture.height)],
            (None, Some(grid)) => [grid.columns * grid.cell_px, grid.rows * grid.cell_px],
            (None, None) => return,
        };
        let outside = |[x, y]: PicturePoint| {
            x < -BORDER_PX || y < -BORDER_PX || x > size[0] + BORDER_PX || y > size[1] + BORDER_PX
        };
        let line = |line: &&Vec<PicturePoint>| line.iter().any(|p| outside(*p));
        let parts = [
            (self.walls.iter().filter(line).count(), "wall"),
            (self.object_walls.iter().filter(line).count(), "object wall"),
            (
                self.doors
                    .iter()
                    .filter(|d| outside(d.a) || outside(d.b))
                    .count(),
                "door",
            ),
            (
                self.lights.iter().filter(|l| outside([l.x, l.y])).count(),
                "light",
            ),
        ];
        let named: Vec<_> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, one)| counted(*n, one))
            .collect();
        if !named.is_empty() {
            self.report.add(
                ReportKind::Outside,
                format!(
                    "Outside the picture or reaching beyond it, and kept: {}.",
                    listed(&named)
                ),
            );
        }
    }
}

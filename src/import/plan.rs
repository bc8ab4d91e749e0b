//! What an import would do: plain values, ready to be turned into document edits.
//!
//! All geometry is in picture pixels from the top left, y down; nothing is clipped, so a crop
//! carries the walls of the whole map. Must not know documents: the session turns a plan into
//! edits, the command line prints it.

use serde::{Deserialize, Serialize};

use super::hints::{grid_hint, without_hints};
use super::picture::{PictureFormat, PictureInfo};
use super::report::{Report, ReportKind, counted};
use super::uvtt::{
    EmbeddedPicture, Environment, UvttDocument, UvttFormat, UvttLight, UvttPortal, UvttResolution,
};

/// A cell is taken to be this long where a map file has geometry and does not say.
const ASSUMED_CELL_PX: f64 = 100.0;
/// The picture and the file's grid agree when they differ by at most this.
const AGREES_PX: f64 = 1.0;
/// Cells are square when their sides differ by at most this share.
const SQUARE: f64 = 0.02;
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
                    "{} lie outside the picture or reach beyond it; they are kept.",
                    listed(&named)
                ),
            );
        }
    }
}

/// How cells become picture pixels.
struct Placing {
    origin: [f64; 2],
    /// Picture pixels per cell, per axis.
    scale: [f64; 2],
    grid: Option<PlanGrid>,
}

impl Placing {
    fn point(&self, [x, y]: [f64; 2]) -> PicturePoint {
        // Adding zero makes a negative zero positive.
        [
            (x - self.origin[0]) * self.scale[0] + 0.0,
            (y - self.origin[1]) * self.scale[1] + 0.0,
        ]
    }

    fn of(
        file_name: &str,
        resolution: &UvttResolution,
        picture: Option<&PictureInfo>,
        has_geometry: bool,
        report: &mut Report,
    ) -> Self {
        let grid = match picture {
            Some(info) => grid_on_picture(file_name, resolution, info, has_geometry, report),
            None => grid_without_picture(resolution, report),
        };
        let (scale, grid) = match grid {
            Some((scale, grid)) => (scale, Some(grid)),
            None => {
                let cell = resolution.pixels_per_grid.unwrap_or(ASSUMED_CELL_PX);
                if has_geometry && resolution.pixels_per_grid.is_none() {
                    report.add(
                        ReportKind::Adjusted,
                        format!(
                            "The file does not say how large a cell is; {ASSUMED_CELL_PX} pixels \
                             are assumed."
                        ),
                    );
                }
                ([cell; 2], None)
            }
        };
        Self {
            origin: resolution.map_origin,
            scale,
            grid,
        }
    }
}

fn grid_without_picture(
    resolution: &UvttResolution,
    report: &mut Report,
) -> Option<([f64; 2], PlanGrid)> {
    let [columns, rows] = resolution.map_size?;
    let (cell_px, source) = match resolution.pixels_per_grid {
        Some(cell) => (cell, GridSource::File),
        None => {
            report.add(
                ReportKind::Adjusted,
                format!(
                    "The file does not say how large a cell is; {ASSUMED_CELL_PX} pixels are \
                     assumed."
                ),
            );
            (ASSUMED_CELL_PX, GridSource::Assumed)
        }
    };
    let grid = PlanGrid {
        cell_px,
        columns,
        rows,
        source,
    };
    Some(([cell_px; 2], grid))
}

fn grid_on_picture(
    file_name: &str,
    resolution: &UvttResolution,
    info: &PictureInfo,
    has_geometry: bool,
    report: &mut Report,
) -> Option<([f64; 2], PlanGrid)> {
    let size = [f64::from(info.width), f64::from(info.height)];
    let uniform = |cell_px: f64, source| {
        let grid = PlanGrid {
            cell_px,
            columns: size[0] / cell_px,
            rows: size[1] / cell_px,
            source,
        };
        ([cell_px; 2], grid)
    };
    // Cells that the picture gives to the file's map size; none below a pixel.
    let derived = resolution
        .map_size
        .map(|cells| (cells, [size[0] / cells[0], size[1] / cells[1]]))
        .filter(|(_, [x, y])| *x >= 1.0 && *y >= 1.0);
    let pixels = (info.width, info.height);
    match (derived, resolution.pixels_per_grid) {
        (Some((cells, cell)), Some(said)) => {
            let agrees = (0..2).all(|i| (cells[i] * said - size[i]).abs() <= AGREES_PX);
            let square = (cell[0] / cell[1] - 1.0).abs() <= SQUARE;
            let claim = format!(
                "The file's grid of {} × {} cells of {said} pixels does not agree with its \
                 picture of {} × {} pixels",
                cells[0], cells[1], pixels.0, pixels.1
            );
            if agrees {
                let grid = PlanGrid {
                    cell_px: said,
                    columns: cells[0],
                    rows: cells[1],
                    source: GridSource::File,
                };
                return Some(([said; 2], grid));
            }
            if square {
                let cell_px = f64::midpoint(cell[0], cell[1]);
                report.add(
                    ReportKind::Adjusted,
                    format!("{claim}; the picture is trusted, so a cell has {cell_px:.2} pixels."),
                );
                let grid = PlanGrid {
                    cell_px,
                    columns: cells[0],
                    rows: cells[1],
                    source: GridSource::Picture,
                };
                return Some((cell, grid));
            }
            let placed = uniform(said, GridSource::Picture);
            report.add(
                ReportKind::Adjusted,
                format!(
                    "{claim}; the picture and the cell are trusted, so it has {:.2} × {:.2} cells.",
                    placed.1.columns, placed.1.rows
                ),
            );
            Some(placed)
        }
        (Some((cells, cell)), None) => {
            let cell_px = f64::midpoint(cell[0], cell[1]);
            report.add(
                ReportKind::Adjusted,
                format!(
                    "The file does not say how large a cell is; by its picture it has \
                     {cell_px:.2} pixels."
                ),
            );
            let grid = PlanGrid {
                cell_px,
                columns: cells[0],
                rows: cells[1],
                source: GridSource::Picture,
            };
            Some((cell, grid))
        }
        (None, Some(said)) => {
            report.add(
                ReportKind::Adjusted,
                "The file does not say how many cells the map has; its picture does.",
            );
            Some(uniform(said, GridSource::Picture))
        }
        (None, None) => hinted_grid(file_name, info, report)
            .map(|grid| ([grid.cell_px; 2], grid))
            .or_else(|| {
                has_geometry.then(|| {
                    report.add(
                        ReportKind::Adjusted,
                        format!(
                            "The file does not say how large a cell is; {ASSUMED_CELL_PX} pixels \
                             are assumed."
                        ),
                    );
                    uniform(ASSUMED_CELL_PX, GridSource::Assumed)
                })
            }),
    }
}

fn hinted_grid(file_name: &str, info: &PictureInfo, report: &mut Report) -> Option<PlanGrid> {
    let hint = grid_hint(stem(file_name), info.width, info.height)?;
    report.add(
        ReportKind::Taken,
        format!(
            "The grid of {} × {} cells ({:.2} pixels each) is the file name's{}.",
            hint.columns,
            hint.rows,
            hint.cell_px,
            if hint.turned {
                ", turned to the picture's shape"
            } else {
                ""
            }
        ),
    );
    Some(PlanGrid {
        cell_px: hint.cell_px,
        columns: f64::from(hint.columns),
        rows: f64::from(hint.rows),
        source: GridSource::FileName,
    })
}

fn tell_taken(document: &UvttDocument, report: &mut Report) {
    let parts = [
        counted(document.line_of_sight.len(), "wall"),
        counted(document.objects_line_of_sight.len(), "object wall"),
        counted(document.portals.len(), "door"),
        counted(document.lights.len(), "light"),
    ];
    report.add(ReportKind::Taken, format!("{} are taken.", listed(&parts)));
}

fn tell_format(document: &UvttDocument, report: &mut Report) {
    let odd = match &document.format {
        Some(UvttFormat::Number(n)) if [0.2, 0.3, 1.0].contains(n) => return,
        Some(UvttFormat::Number(n)) => format!("version {n}, which is not known"),
        Some(UvttFormat::Text(text)) => format!("version “{text}”, which is not known"),
        None => "no version".to_owned(),
    };
    report.add(
        ReportKind::Adjusted,
        format!("The file has {odd}; it is read as version 0.3."),
    );
}

fn tell_embedded(
    embedded: &EmbeddedPicture,
    picture: Option<&Result<PictureInfo, String>>,
    report: &mut Report,
) {
    if let EmbeddedPicture::Bytes {
        claimed_type,
        duplicates,
        ..
    } = embedded
    {
        if *duplicates > 0 {
            report.add(
                ReportKind::Skipped,
                "The file has more than one picture; the first is used.",
            );
        }
        if let (Some(claim), Some(Ok(info))) = (claimed_type, picture)
            && !claim.is_empty()
            && !claim.eq_ignore_ascii_case(&format!("image/{}", info.format.id()))
        {
            report.add(
                ReportKind::Adjusted,
                format!(
                    "The picture is called {claim}, but it is a {}.",
                    info.format.label()
                ),
            );
        }
    }
    let (kind, text) = match (embedded, picture) {
        (_, Some(Ok(info))) => (
            ReportKind::Taken,
            format!(
                "The picture ({}, {} × {} pixels) is taken.",
                info.format.label(),
                info.width,
                info.height
            ),
        ),
        (_, Some(Err(why))) => (
            ReportKind::Skipped,
            format!("The picture in the file is not used: {why}."),
        ),
        (EmbeddedPicture::Path(path), _) => (
            ReportKind::Skipped,
            format!("The picture is not in the file, only its place “{path}”; add it by hand."),
        ),
        (EmbeddedPicture::Broken { .. }, _) => (
            ReportKind::Skipped,
            "The picture in the file is not used: its base64 is damaged; export the map again."
                .to_owned(),
        ),
        _ => (
            ReportKind::Skipped,
            "The file has no picture; add one by hand.".to_owned(),
        ),
    };
    report.add(kind, text);
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The file name without folders and extension.
fn stem(file_name: &str) -> &str {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    match name.rsplit_once('.') {
        // An extension is short and no number, so that "cave v1.5" keeps its version.
        Some((stem, extension))
            if !stem.is_empty()
                && extension.len() <= 8
                && !extension.bytes().all(|b| b.is_ascii_digit()) =>
        {
            stem
        }
        _ => name,
    }
}

/// A scene's name from a file name: no folders, extension or grid hint; words apart; at most 80
/// characters; `Map` when nothing is left.
#[must_use]
pub fn scene_name(file_name: &str) -> String {
    let bare = without_hints(stem(file_name));
    let spaced = bare.contains(' ') && bare.trim().contains(' ');
    let apart = |c: char| c == '_' || (c == '-' && !spaced) || c.is_control() || c.is_whitespace();
    let words: Vec<&str> = bare
        .split(apart)
        .map(|word| word.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')')))
        .filter(|word| !word.is_empty() && *word != "-")
        .collect();
    let name: String = words.join(" ").chars().take(80).collect();
    let mut characters = name.trim().chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "Map".to_owned(),
    }
}

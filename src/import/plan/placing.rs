//! How a map file's cells lie on its picture.
//!
//! File and picture often disagree: the picture was scaled after export, or the file does not say
//! enough. The picture is what the table shows, so it is trusted, and the report tells.

use super::{GridSource, PicturePoint, PlanGrid};
use crate::import::hints::grid_hint;
use crate::import::picture::PictureInfo;
use crate::import::report::{Report, ReportKind};
use crate::import::uvtt::UvttResolution;

/// A cell is taken to be this long where a map file has geometry and does not say.
pub(super) const ASSUMED_CELL_PX: f64 = 100.0;
/// The picture and the file's grid agree when they differ by at most this.
const AGREES_PX: f64 = 1.0;
/// Cells are square when their sides differ by at most this share.
const SQUARE: f64 = 0.02;
/// How cells become picture pixels.
pub(super) struct Placing {
    origin: [f64; 2],
    /// Picture pixels per cell, per axis.
    pub(super) scale: [f64; 2],
    /// The grid on the picture.
    pub(super) grid: Option<PlanGrid>,
}

impl Placing {
    pub(super) fn point(&self, [x, y]: [f64; 2]) -> PicturePoint {
        // Adding zero makes a negative zero positive.
        [
            (x - self.origin[0]) * self.scale[0] + 0.0,
            (y - self.origin[1]) * self.scale[1] + 0.0,
        ]
    }

    pub(super) fn of(
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

pub(super) fn hinted_grid(
    file_name: &str,
    info: &PictureInfo,
    report: &mut Report,
) -> Option<PlanGrid> {
    let hint = grid_hint(super::name::stem(file_name), info.width, info.height)?;
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

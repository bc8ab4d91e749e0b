//! Places of a script: cells of the grid, or pixels of the map picture.
//!
//! `{"cell": [c, r]}` is the middle of a cell, `{"cells": [x, y]}` a distance in cells from the
//! corner of the first one, right and down (squares only), `{"px": [x, y]}` pixels of the map
//! picture from its top left corner.

use glam::DVec2;
use serde_json::Value as Json;

use crate::geom::grid::{Cell, GridShape};
use crate::geom::space::MapPlacement;
use crate::model::stroke::STROKE_UNITS_PER_PX;
use crate::scene::snapshot::SceneSnapshot;

/// Coordinates beyond this are a slip.
const FARTHEST: f64 = 1e7;
/// Points of one stroke.
const MOST_POINTS: usize = 20_000;
/// Radius of a brush in map pixels, the most that is drawn.
const WIDEST_PX: f64 = 16_384.0;

/// What coordinates are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Whole cells; stands for a cell's middle.
    Cell,
    /// Distance in cells.
    Cells,
    /// Pixels of the map picture.
    Px,
}

/// A point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    measure: Measure,
    at: [f64; 2],
}

/// Points of one measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    measure: Measure,
    points: Vec<[f64; 2]>,
}

/// A length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    measure: Measure,
    length: f64,
}

fn measured<'j>(name: &str, json: &'j Json) -> Result<(Measure, &'j Json), String> {
    let wrong = || {
        format!(
            "“{name}” must be an object with one of “cell”, “cells” or “px”, for example \
             {{\"cell\": [3, 4]}}"
        )
    };
    let mut entries = json.as_object().ok_or_else(wrong)?.iter();
    let (Some((key, value)), None) = (entries.next(), entries.next()) else {
        return Err(wrong());
    };
    let measure = match key.as_str() {
        "cell" => Measure::Cell,
        "cells" => Measure::Cells,
        "px" => Measure::Px,
        _ => return Err(wrong()),
    };
    Ok((measure, value))
}

fn pair(name: &str, measure: Measure, json: &Json) -> Result<[f64; 2], String> {
    let [x, y] = json
        .as_array()
        .map(Vec::as_slice)
        .and_then(|pair| match pair {
            [x, y] => Some([x.as_f64()?, y.as_f64()?]),
            _ => None,
        })
        .ok_or_else(|| format!("“{name}” must hold points as [x, y], two numbers"))?;
    if !(x.abs() <= FARTHEST && y.abs() <= FARTHEST) {
        return Err(format!(
            "“{name}” is too far away: coordinates end at {FARTHEST}"
        ));
    }
    if measure == Measure::Cell && (x.fract() != 0.0 || y.fract() != 0.0) {
        return Err(format!(
            "“{name}” names a cell by two whole numbers; use “cells” for places between them"
        ));
    }
    Ok([x, y])
}

impl Place {
    pub(super) fn parse(name: &str, json: &Json) -> Result<Self, String> {
        let (measure, value) = measured(name, json)?;
        Ok(Self {
            measure,
            at: pair(name, measure, value)?,
        })
    }

    /// Where it is in the world.
    pub(super) fn world(&self, scene: &SceneSnapshot) -> Result<DVec2, String> {
        world(scene, self.measure, self.at)
    }

    /// Where something is after it was moved by this, right and down.
    pub(super) fn moved(&self, scene: &SceneSnapshot, from_world: DVec2) -> Result<DVec2, String> {
        let by = DVec2::from(self.at);
        match self.measure {
            Measure::Cell => {
                let from = scene.grid.cell_at(from_world);
                let [q, r] = self.at.map(whole);
                let to = Cell::new(from.q.saturating_add(q), from.r.saturating_add(r));
                // What stood beside a cell's middle does so again.
                let beside = from_world - scene.grid.center_world(from);
                Ok(scene.grid.center_world(to) + beside)
            }
            Measure::Cells => {
                let grid = squares(scene)?;
                let spacing = grid.spacing_grid();
                let at = grid.grid_from_world().transform_point2(from_world);
                let to = at + by * spacing * DVec2::new(1.0, -1.0);
                Ok(grid.world_from_grid().transform_point2(to))
            }
            Measure::Px => {
                let placement = map(scene)?;
                let at = placement.picture_from_world().transform_point2(from_world);
                Ok(placement.world_from_picture().transform_point2(at + by))
            }
        }
    }
}

impl Places {
    pub(super) fn parse(name: &str, json: &Json, least: usize) -> Result<Self, String> {
        let (measure, value) = measured(name, json)?;
        let points = value
            .as_array()
            .ok_or_else(|| format!("“{name}” must hold a list of points, [[x, y], …]"))?;
        if points.len() < least {
            return Err(format!("“{name}” must hold {least} points or more"));
        }
        if points.len() > MOST_POINTS {
            return Err(format!("“{name}” may hold {MOST_POINTS} points at most"));
        }
        Ok(Self {
            measure,
            points: points
                .iter()
                .map(|point| pair(name, measure, point))
                .collect::<Result<_, _>>()?,
        })
    }

    /// As points of a stroke.
    pub(super) fn stroke_points(&self, scene: &SceneSnapshot) -> Result<Vec<[i32; 2]>, String> {
        let placement = map(scene)?;
        self.points
            .iter()
            .map(|at| Ok(stroke_point(&placement, world(scene, self.measure, *at)?)))
            .collect()
    }
}

impl Length {
    pub(super) fn parse(name: &str, json: &Json) -> Result<Self, String> {
        let (measure, value) = measured(name, json)?;
        let length = value
            .as_f64()
            .filter(|length| *length > 0.0 && *length <= FARTHEST);
        match (measure, length) {
            (Measure::Cell, _) | (_, None) => Err(format!(
                "“{name}” must be a length above 0, for example {{\"cells\": 1.5}} or {{\"px\": 90}}"
            )),
            (measure, Some(length)) => Ok(Self { measure, length }),
        }
    }

    /// In units of a stroke.
    pub(super) fn stroke_units(&self, scene: &SceneSnapshot) -> Result<i32, String> {
        let placement = map(scene)?;
        let px = match self.measure {
            Measure::Px => self.length,
            Measure::Cell | Measure::Cells => {
                self.length * scene.grid.cell_px() / placement.effective_zoom()
            }
        };
        Ok(whole(px.min(WIDEST_PX) * STROKE_UNITS_PER_PX).max(1))
    }
}

/// The corners of the box between two places, in order around it, as points of a stroke. Between two
/// cells it is the box of both, whole cells.
pub(super) fn box_points(
    scene: &SceneSnapshot,
    from: Place,
    to: Place,
) -> Result<[[i32; 2]; 4], String> {
    let placement = map(scene)?;
    let corners_world = if (from.measure, to.measure) == (Measure::Px, Measure::Px)
        || scene.grid.shape() != GridShape::Square
    {
        None
    } else {
        let ([a, b], [c, d]) = (cell_box(scene, from)?, cell_box(scene, to)?);
        let (least, most) = (a.min(c), b.max(d));
        let corners = [
            least,
            DVec2::new(most.x, least.y),
            most,
            DVec2::new(least.x, most.y),
        ];
        Some(corners.map(|cells| at_cells(scene, cells)))
    };
    let corners_map = match corners_world {
        Some(corners) => corners.map(|at| placement.map_from_world().transform_point2(at)),
        // On the picture's own axes; hexes with all of both cells.
        None => {
            let mut least = DVec2::INFINITY;
            let mut most = DVec2::NEG_INFINITY;
            for place in [from, to] {
                let mut points = vec![place.world(scene)?];
                if place.measure == Measure::Cell {
                    let [q, r] = place.at.map(whole);
                    points = scene.grid.corners_world(Cell::new(q, r));
                }
                for at in points {
                    let at = placement.map_from_world().transform_point2(at);
                    (least, most) = (least.min(at), most.max(at));
                }
            }
            [
                DVec2::new(least.x, most.y),
                most,
                DVec2::new(most.x, least.y),
                least,
            ]
        }
    };
    Ok(corners_map.map(|at| (at * STROKE_UNITS_PER_PX).to_array().map(whole)))
}

/// The corners of a place on squares, in cells: those of a whole cell, else the point itself.
fn cell_box(scene: &SceneSnapshot, place: Place) -> Result<[DVec2; 2], String> {
    let at = DVec2::from(place.at);
    Ok(match place.measure {
        Measure::Cell => [at, at + 1.0],
        Measure::Cells => [at; 2],
        Measure::Px => [cells_at(scene, place.world(scene)?); 2],
    })
}

fn world(scene: &SceneSnapshot, measure: Measure, at: [f64; 2]) -> Result<DVec2, String> {
    match measure {
        Measure::Cell => {
            let [q, r] = at.map(whole);
            Ok(scene.grid.center_world(Cell::new(q, r)))
        }
        Measure::Cells => {
            squares(scene)?;
            Ok(at_cells(scene, DVec2::from(at)))
        }
        Measure::Px => Ok(map(scene)?
            .world_from_picture()
            .transform_point2(DVec2::from(at))),
    }
}

fn at_cells(scene: &SceneSnapshot, cells: DVec2) -> DVec2 {
    let grid = &scene.grid;
    let at = grid.anchor_grid() + cells * grid.spacing_grid() * DVec2::new(1.0, -1.0);
    grid.world_from_grid().transform_point2(at)
}

fn cells_at(scene: &SceneSnapshot, world: DVec2) -> DVec2 {
    let grid = &scene.grid;
    let at = grid.grid_from_world().transform_point2(world) - grid.anchor_grid();
    at / grid.spacing_grid() * DVec2::new(1.0, -1.0)
}

fn squares(scene: &SceneSnapshot) -> Result<&crate::geom::grid::Grid, String> {
    if scene.grid.shape() == GridShape::Square {
        Ok(&scene.grid)
    } else {
        Err("this scene has hexes, where “cells” measures nothing; use “cell” or “px”".to_owned())
    }
}

/// Where the map lies.
pub(super) fn map(scene: &SceneSnapshot) -> Result<MapPlacement, String> {
    scene.map.as_ref().map(|map| map.placement).ok_or_else(|| {
        "this scene has no map, so there are no pixels and no fog; import one first".to_owned()
    })
}

fn stroke_point(placement: &MapPlacement, at_world: DVec2) -> [i32; 2] {
    let units = placement.map_from_world().transform_point2(at_world) * STROKE_UNITS_PER_PX;
    units.to_array().map(whole)
}

/// Where a world position is in pixels of the map picture, for answers.
pub(super) fn picture_px(scene: &SceneSnapshot, at_world: DVec2) -> Option<DVec2> {
    let placement = map(scene).ok()?;
    Some(placement.picture_from_world().transform_point2(at_world))
}

/// To the nearest whole number; the cast saturates.
pub(super) fn whole(value: f64) -> i32 {
    value.round() as i32
}

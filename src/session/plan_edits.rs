//! An import plan as edits of a document, and a scene as a plan for the way back out.
//!
//! Pure: no documents, no disk. The plan's geometry is in picture pixels from the top left; the
//! document's in map pixels, map-centred, y up. Called by the workspace.

use crate::geom::grid::{locked_zoom, map_cell_px};
use crate::geom::space::MapPlacement;
use crate::geom::{DAffine2, DVec2};
use crate::import::ImportPlan;
use crate::import::picture::PictureFormat;
use crate::import::plan::{GridSource, PlanDoor, PlanGrid, PlanLight, PlanPicture, PlanSource};
use crate::import::uvtt::UvttFormat;
use crate::import::{Report, ReportKind};
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef, Structure};
use crate::model::id::{RowId, SceneId};
use crate::model::row::Row;
use crate::model::structure::{Door, Wall};
use crate::model::{light, scene};
use crate::scene::snapshot::SceneSnapshot;

/// A light that is painted with this strength or more is drawn at full brightness.
const FULL_INTENSITY: f64 = 1.0;
/// Cell counts further from a whole number than this are told in the report.
const WHOLE_CELLS: f64 = 0.02;

/// The edits that bring a plan's map, grid, walls, doors and lights into a scene.
///
/// `location` is the key of the map picture in the library, `settings` the scene as it is (its
/// table decides how large a cell is). Structures that the scene had belong to its old map:
/// `old_structures` are deleted when the plan brings a map.
#[must_use]
pub fn edits_for_plan(
    plan: &mut ImportPlan,
    location: Option<&str>,
    target: &SceneId,
    settings: &Row,
    old_structures: &[RowId],
) -> Vec<Edit> {
    let size_px = plan_size_px(plan);
    let mut edits = vec![Edit::Set {
        row: RowRef::Scene(target.clone()),
        values: placement_values(plan, location, size_px, settings),
    }];
    if plan.picture.is_some() {
        edits.extend(old_structures.iter().map(|id| Edit::DeleteStructure {
            scene: target.clone(),
            id: id.clone(),
        }));
    }
    let map_from_picture = MapPlacement::unscaled(size_px).map_from_picture();
    edits.extend(structure_edits(plan, target, map_from_picture));
    edits.extend(light_edits(plan, target, map_from_picture));
    edits
}

/// The picture's size, or the size that the grid gives a map without one.
fn plan_size_px(plan: &ImportPlan) -> [u32; 2] {
    match (plan.picture, plan.grid) {
        (Some(picture), _) => [picture.width, picture.height],
        (None, Some(grid)) => {
            [grid.columns, grid.rows].map(|cells| whole_count(cells * grid.cell_px))
        }
        (None, None) => [1, 1],
    }
}

fn whole_count(value: f64) -> u32 {
    // A float to integer cast saturates; the floor is one cell or pixel.
    (value.round() as u32).max(1)
}

fn placement_values(
    plan: &mut ImportPlan,
    location: Option<&str>,
    size_px: [u32; 2],
    settings: &Row,
) -> Vec<Assignment> {
    let resolution_px = [
        settings.get(scene::DISPLAY_RESOLUTION_X),
        settings.get(scene::DISPLAY_RESOLUTION_Y),
    ]
    .map(whole_count);
    let cell_world = settings.get(scene::GRID_SPACING) * f64::from(resolution_px[0])
        / settings.get(scene::DISPLAY_SIZE_X);
    let mut values = Vec::new();
    if let Some(location) = location {
        values.push(Assignment::new(scene::MAP_LOCATION, location));
    }
    let placement = match plan.grid {
        Some(grid) => {
            let cells = [grid.columns, grid.rows].map(|n| whole_count(n).min(10_000));
            let fraction = |count: f64| (count - count.round()).abs() > WHOLE_CELLS;
            if fraction(grid.columns) || fraction(grid.rows) {
                plan.report.add(
                    ReportKind::Adjusted,
                    format!(
                        "The map has {:.2} x {:.2} cells; its grid is drawn with {} x {} whole \
                         ones.",
                        grid.columns, grid.rows, cells[0], cells[1]
                    ),
                );
            }
            values.extend([
                Assignment::new(scene::GRID_TYPE, scene::GRID_TYPE_SQUARE),
                Assignment::new(scene::GRID_MODE, scene::GRID_MODE_MAP_DEFINED),
                Assignment::new(scene::GRID_MAP_DEFINED_X, Some(i64::from(cells[0]))),
                Assignment::new(scene::GRID_MAP_DEFINED_Y, Some(i64::from(cells[1]))),
                Assignment::new(scene::MAP_COORD_VERSION, 1_i64),
            ]);
            let zoom = locked_zoom(size_px, cells, cell_world);
            MapPlacement::aligned(size_px, resolution_px, zoom)
        }
        None => MapPlacement::fit_turned(size_px, resolution_px),
    };
    values.extend([
        Assignment::new(scene::MAP_ROTATION, placement.rotation_deg),
        Assignment::new(scene::MAP_OFFSET_X, placement.offset_world.x),
        Assignment::new(scene::MAP_OFFSET_Y, placement.offset_world.y),
        Assignment::new(scene::MAP_ZOOM, placement.zoom),
    ]);
    values
}

fn structure_edits<'a>(
    plan: &'a ImportPlan,
    target: &'a SceneId,
    map_from_picture: DAffine2,
) -> impl Iterator<Item = Edit> + 'a {
    let point = move |[x, y]: [f64; 2]| {
        map_from_picture
            .transform_point2(DVec2::new(x, y))
            .to_array()
    };
    let wall = move |points: &[[f64; 2]], object: bool| {
        Structure::Wall(Wall {
            points: points.iter().map(|p| point(*p)).collect(),
            object,
        })
    };
    let walls = plan.walls.iter().map(move |line| wall(line, false));
    let objects = plan.object_walls.iter().map(move |line| wall(line, true));
    let doors = plan.doors.iter().map(move |door| {
        Structure::Door(Door {
            a: point(door.a),
            b: point(door.b),
            closed: door.closed,
            freestanding: door.freestanding,
            secret: false,
        })
    });
    // Zero-padded numbers in front: the order of the file is the order by id.
    walls
        .chain(objects)
        .chain(doors)
        .enumerate()
        .map(|(n, structure)| Edit::PutStructure {
            scene: target.clone(),
            id: RowId::new(&format!("{n:06}-{}", crate::util::id::fresh_uuid())),
            structure,
        })
}

fn light_edits<'a>(
    plan: &'a ImportPlan,
    target: &'a SceneId,
    map_from_picture: DAffine2,
) -> impl Iterator<Item = Edit> + 'a {
    let cell_px = plan.grid.map_or(1.0, |grid| grid.cell_px);
    plan.lights.iter().enumerate().map(move |(n, source)| {
        let centre = map_from_picture.transform_point2(DVec2::new(source.x, source.y));
        let [r, g, b] = source.rgb;
        let id = RowId::new(&format!("{n:06}-{}", crate::util::id::fresh_uuid()));
        Edit::Create {
            row: RowRef::light(target, &id),
            values: vec![
                Assignment::new(light::POSITION_X, centre.x),
                Assignment::new(light::POSITION_Y, centre.y),
                Assignment::new(
                    light::RADIUS,
                    (2.0 * source.radius_px / cell_px).clamp(0.01, 1000.0),
                ),
                Assignment::new(light::COLOR, Rgb::new(r, g, b)),
                Assignment::new(light::STYLE, "torch"),
                Assignment::new(
                    light::OPACITY,
                    (source.intensity / FULL_INTENSITY).clamp(0.0, 1.0),
                ),
                Assignment::new(light::OFF, !source.enabled),
            ],
        }
    })
}

/// A scene as a plan, for a map file. `format` is that of the map picture's file.
#[must_use]
pub fn plan_of_scene(scene_snapshot: &SceneSnapshot, format: Option<PictureFormat>) -> ImportPlan {
    let mut report = Report::default();
    let name = scene_snapshot.setting(scene::NAME);
    let size_px = scene_snapshot
        .map
        .as_ref()
        .map_or([1, 1], |map| map.placement.size_px);
    let placement = scene_snapshot
        .map
        .as_ref()
        .map_or(MapPlacement::unscaled(size_px), |map| map.placement);
    let cell_px = export_cell_px(scene_snapshot, &placement, &mut report);
    let picture_from_map = placement.picture_from_map();
    let picture_from_world = placement.picture_from_world();
    let point = |p: [f64; 2]| tidy(picture_from_map.transform_point2(p.into()));
    let line = |wall: &Wall| wall.points.iter().map(|p| point(*p)).collect();
    let (objects, walls): (Vec<_>, Vec<_>) = scene_snapshot
        .structures
        .walls
        .iter()
        .map(|(_, wall)| wall)
        .partition(|wall| wall.object);
    let lights: Vec<PlanLight> = scene_snapshot
        .lights
        .iter()
        .map(|source| {
            let [x, y] = tidy(picture_from_world.transform_point2(source.position_world));
            let color = source.row.get(light::COLOR);
            PlanLight {
                x,
                y,
                radius_px: tidy_number(source.row.get(light::RADIUS) * 0.5 * cell_px),
                rgb: [color.r, color.g, color.b],
                alpha: 255,
                intensity: source.row.get(light::OPACITY) * FULL_INTENSITY,
                shadows: true,
                enabled: !source.row.get(light::OFF),
            }
        })
        .collect();
    if !scene_snapshot.markers.is_empty() {
        report.add(
            ReportKind::Skipped,
            format!(
                "{} markers, fog and drawings have no place in a map file and stay in the library.",
                scene_snapshot.markers.len()
            ),
        );
    }
    ImportPlan {
        scene_name: name.to_string(),
        source: PlanSource::UniversalVtt(Some(UvttFormat::Number(0.3))),
        picture: format.map(|format| PlanPicture {
            format,
            width: size_px[0],
            height: size_px[1],
            has_alpha: false,
        }),
        grid: Some(PlanGrid {
            cell_px,
            columns: f64::from(size_px[0]) / cell_px,
            rows: f64::from(size_px[1]) / cell_px,
            source: GridSource::File,
        }),
        crop_origin_cells: [0.0; 2],
        walls: walls.into_iter().map(line).collect(),
        object_walls: objects.into_iter().map(line).collect(),
        doors: scene_snapshot
            .structures
            .doors
            .iter()
            .map(|(_, door)| PlanDoor {
                a: point(door.a),
                b: point(door.b),
                closed: door.closed,
                freestanding: door.freestanding,
            })
            .collect(),
        baked_lighting: !lights.is_empty() && lights.iter().all(|source| !source.enabled),
        lights,
        ambient_light: None,
        report,
    }
}

/// The side of a cell in map pixels: the map's own grid, else the table's grid under the map.
fn export_cell_px(
    scene_snapshot: &SceneSnapshot,
    placement: &MapPlacement,
    report: &mut Report,
) -> f64 {
    let counts = [
        scene_snapshot.setting(scene::GRID_MAP_DEFINED_X),
        scene_snapshot.setting(scene::GRID_MAP_DEFINED_Y),
    ]
    .map(|count| count.and_then(|count| u32::try_from(count).ok()));
    if scene_snapshot.setting(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED
        && let [Some(columns), Some(rows)] = counts
    {
        return map_cell_px(placement.size_px, [columns, rows]);
    }
    if scene_snapshot.setting(scene::GRID_TYPE) == scene::GRID_TYPE_HEX {
        report.add(
            ReportKind::Skipped,
            "A map file knows squares only: the hex grid is left out.",
        );
    } else {
        report.add(
            ReportKind::Adjusted,
            "The grid of the table is written as the map's own, beginning at the picture's corner.",
        );
    }
    scene_snapshot.grid.cell_px() / placement.effective_zoom()
}

/// Takes the last bits of a round trip through map pixels off: 1/4096 px is far below anything
/// that can be seen.
fn tidy_number(value: f64) -> f64 {
    (value * 4096.0).round() / 4096.0
}

fn tidy(point: DVec2) -> [f64; 2] {
    point.to_array().map(tidy_number)
}

//! `inspect` of a picture or a map file: the plan of its import, as JSON.
//!
//! Called by the `inspect` subcommand. All geometry is in picture pixels from the top left,
//! nothing is clipped, whole numbers have no point.

use std::io::{Read, Seek};

use serde_json::{Value, json};

use crate::import::picture::{Limits, PictureReader};
use crate::import::plan::{PicturePoint, PlanSource};
use crate::import::uvtt::UvttFormat;
use crate::import::{
    ImportError, ImportPlan, ReportKind, SpoolBytes, json_number as number, open_map,
};

/// What an import of this file would take, as the JSON that `inspect` prints. The picture is
/// decoded once, so that one that is cut or damaged is told here and not at import.
///
/// # Errors
/// One sentence: the file is no picture and no map, or is cut or damaged. A map file whose
/// picture alone is damaged is none: that is told in its `report`, with `picture` null.
pub fn inspect_map<'s>(
    file_name: &str,
    source: impl Read + Seek + 's,
    spool: impl SpoolBytes + 's,
    limits: &Limits,
) -> Result<Value, ImportError> {
    let opened = open_map(file_name, source, spool, limits)?;
    let mut plan = opened.plan;
    if let Some(bytes) = opened.picture
        && let Err(error) = PictureReader::open(bytes, limits).and_then(|mut p| p.verify())
    {
        if matches!(plan.source, PlanSource::Picture) {
            return Err(error.into());
        }
        plan.picture = None;
        plan.report.add(
            ReportKind::Skipped,
            format!("The picture in the file is not used: {error}."),
        );
    }
    Ok(map_json(&plan))
}

/// The JSON of a plan.
#[must_use]
pub fn map_json(plan: &ImportPlan) -> Value {
    let format = match (&plan.source, &plan.picture) {
        (PlanSource::UniversalVtt(Some(UvttFormat::Number(n))), _) => number(*n),
        (PlanSource::UniversalVtt(Some(UvttFormat::Text(text))), _) => json!(text),
        (PlanSource::UniversalVtt(None), _) | (PlanSource::Picture, None) => Value::Null,
        (PlanSource::Picture, Some(picture)) => json!(picture.format.id()),
    };
    json!({
        "kind": "map",
        "format": format,
        "picture": plan.picture.map(|picture| json!({
            "format": picture.format.id(),
            "width": picture.width,
            "height": picture.height,
        })),
        "grid": plan.grid.map(|grid| json!({
            "cellPx": number(grid.cell_px),
            "columns": number(grid.columns),
            "rows": number(grid.rows),
        })),
        "walls": lines(&plan.walls),
        "objectWalls": lines(&plan.object_walls),
        "doors": plan.doors.iter().map(|door| json!({
            "a": point(door.a),
            "b": point(door.b),
            "closed": door.closed,
            "freestanding": door.freestanding,
        })).collect::<Vec<_>>(),
        "lights": plan.lights.iter().map(|light| {
            let [r, g, b] = light.rgb;
            json!({
                "x": number(light.x),
                "y": number(light.y),
                "radiusPx": number(light.radius_px),
                "color": format!("#{r:02x}{g:02x}{b:02x}"),
                "intensity": number(light.intensity),
                "shadows": light.shadows,
            })
        }).collect::<Vec<_>>(),
        "bakedLighting": plan.baked_lighting,
        "report": plan.report.texts().collect::<Vec<_>>(),
    })
}

fn lines(lines: &[Vec<PicturePoint>]) -> Vec<Vec<Value>> {
    let points = |line: &Vec<PicturePoint>| line.iter().copied().map(point).collect();
    lines.iter().map(points).collect()
}

fn point([x, y]: PicturePoint) -> Value {
    json!([number(x), number(y)])
}

//! The way back: a map file of version 0.3, which Dungeondraft's importers all read.

use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::document::{CellPoint, UvttDocument, UvttPicture, format_color};

/// Bytes of the picture that are encoded at once; a multiple of 3.
const BLOCK: usize = 48 << 10;

/// Writes `document` with `format` 0.3, every key even where it is empty, colours as lower-case
/// `AARRGGBB`, and the picture (PNG, WebP or JPEG bytes) as plain base64 that streams through.
///
/// # Errors
/// Those of the sink and of the picture's source.
pub fn write(
    document: &UvttDocument,
    picture: Option<UvttPicture<'_>>,
    mut sink: impl Write,
) -> io::Result<()> {
    let resolution = &document.resolution;
    let head = json!({
        "format": 0.3,
        "resolution": {
            "map_origin": point(resolution.map_origin),
            "map_size": point(resolution.map_size.unwrap_or_default()),
            "pixels_per_grid": number(resolution.pixels_per_grid.unwrap_or_default()),
        },
        "line_of_sight": polylines(&document.line_of_sight),
        "objects_line_of_sight": polylines(&document.objects_line_of_sight),
        "portals": document.portals.iter().map(|portal| json!({
            "position": point(portal.position),
            "bounds": portal.bounds.map(point),
            "rotation": number(portal.rotation),
            "closed": portal.closed,
            "freestanding": portal.freestanding,
        })).collect::<Vec<_>>(),
        "environment": {
            "baked_lighting": document.environment.baked_lighting,
            "ambient_light":
                format_color(document.environment.ambient_light.unwrap_or([255; 4])),
        },
        "lights": document.lights.iter().map(|light| {
            let [r, g, b] = light.color;
            json!({
                "position": point(light.position),
                "range": number(light.range),
                "intensity": number(light.intensity),
                "color": format_color([light.alpha, r, g, b]),
                "shadows": light.shadows,
            })
        }).collect::<Vec<_>>(),
    })
    .to_string();
    // The picture is the last key and is written without being held.
    let open = head.strip_suffix('}').unwrap_or(&head);
    sink.write_all(open.as_bytes())?;
    sink.write_all(b",\"image\":\"")?;
    if let Some(picture) = picture {
        let mut block = Vec::with_capacity(BLOCK);
        loop {
            block.clear();
            picture.take(BLOCK as u64).read_to_end(&mut block)?;
            if block.is_empty() {
                break;
            }
            sink.write_all(STANDARD.encode(&block).as_bytes())?;
        }
    }
    sink.write_all(b"\"}\n")?;
    sink.flush()
}

fn polylines(walls: &[Vec<CellPoint>]) -> Vec<Vec<Value>> {
    let points = |wall: &Vec<CellPoint>| wall.iter().copied().map(point).collect();
    walls.iter().map(points).collect()
}

fn point([x, y]: CellPoint) -> Value {
    json!({ "x": number(x), "y": number(y) })
}

/// Whole numbers without a point, as every other writer has them.
fn number(value: f64) -> Value {
    crate::import::json_number(value)
}

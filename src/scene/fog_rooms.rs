//! Fog rooms of web clients: polygons that add fog on top of the mask while they are enabled.
//!
//! The setting `fogOfWarRooms` is JSON text: `[{id, enabled, points:[{x,y}]}]`, points in 0..1 of the
//! mask, x to the right, y **up**. A room that makes no sense is left out; text that is no JSON means
//! no rooms.

use std::sync::Arc;

use glam::DVec2;
use serde_json::Value;

use crate::geom::mask::Mask;
use crate::geom::raster;

/// The mask with the enabled rooms fogged; the same one when there are none.
pub(super) fn with_enabled_rooms(mask: &Arc<Mask>, rooms: Option<&str>) -> Arc<Mask> {
    let enabled = rooms.map(enabled_rooms).unwrap_or_default();
    if enabled.is_empty() {
        return Arc::clone(mask);
    }
    let mut fogged = Mask::clone(mask);
    let size = DVec2::new(f64::from(mask.width()), f64::from(mask.height()));
    for room in enabled {
        let corners: Vec<DVec2> = room
            .into_iter()
            .map(|[x, y]| DVec2::new(x, 1.0 - y) * size)
            .collect();
        raster::draw_polygon(&mut fogged, &corners, true);
    }
    Arc::new(fogged)
}

fn enabled_rooms(text: &str) -> Vec<Vec<[f64; 2]>> {
    let Ok(Value::Array(rooms)) = serde_json::from_str(text) else {
        return Vec::new();
    };
    rooms.iter().filter_map(enabled_room).collect()
}

fn enabled_room(room: &Value) -> Option<Vec<[f64; 2]>> {
    if room.get("enabled") != Some(&Value::Bool(true)) {
        return None;
    }
    let points: Vec<[f64; 2]> = room
        .get("points")?
        .as_array()?
        .iter()
        .map(|point| Some([point.get("x")?.as_f64()?, point.get("y")?.as_f64()?]))
        .collect::<Option<_>>()?;
    (points.len() >= 3).then_some(points)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn enabled_rooms_fog_and_others_do_not() {
        let clear = Arc::new(Mask::new(100, 100).unwrap());
        let rooms = r#"[
            {"id":"a","enabled":true,"points":[{"x":0,"y":1},{"x":0.5,"y":1},{"x":0.5,"y":0.5},{"x":0,"y":0.5}]},
            {"id":"b","enabled":false,"points":[{"x":0,"y":0},{"x":1,"y":0},{"x":1,"y":1}]},
            {"id":"c","enabled":true,"points":[{"x":0,"y":0},{"x":1}]},
            7]"#;
        let fogged = with_enabled_rooms(&clear, Some(rooms));
        assert_eq!(fogged.count(), 2_500);
        assert!(fogged.get(10, 10) && !fogged.get(10, 60));
        for none in [None, Some(""), Some("{"), Some("[]"), Some("{}")] {
            assert!(Arc::ptr_eq(&with_enabled_rooms(&clear, none), &clear));
        }
    }
}

//! The objects and lists of a map file, each filled from JSON loosely: what is wrong is counted
//! and passed over.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::document::{CellPoint, Environment, UvttLight, UvttPortal, UvttResolution, parse_color};
use super::loose::{List, Loose, Object, list, object};
use super::read::{MAX_LIGHTS, MAX_PORTALS};

/// Intensities are held to 0 to this.
pub(super) const MAX_INTENSITY: f64 = 10.0;

/// Counts of what was passed over.
#[derive(Default)]
pub(super) struct Wrong {
    pub(super) keys: Vec<&'static str>,
    pub(super) points: usize,
    pub(super) polylines: usize,
    pub(super) zero_segments: usize,
    pub(super) lone_points: usize,
    pub(super) capped_segments: usize,
    pub(super) portals: usize,
    pub(super) zero_portals: usize,
    pub(super) portal_values: usize,
    pub(super) capped_portals: usize,
    pub(super) lights: usize,
    pub(super) light_ranges: usize,
    pub(super) light_colors: usize,
    pub(super) light_values: usize,
    pub(super) intensities: usize,
    pub(super) capped_lights: usize,
}

/// `{x, y}`; both stay `None` where something else stands.
#[derive(Default)]
struct Point {
    x: Option<f64>,
    y: Option<f64>,
}

impl Point {
    fn both(&self) -> Option<CellPoint> {
        Some([self.x?, self.y?])
    }
}

impl Object for Point {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "x" => self.x = map.next_value::<Loose>()?.number(),
            "y" => self.y = map.next_value::<Loose>()?.number(),
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

fn next_point<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<CellPoint>, A::Error> {
    let mut point = Point::default();
    map.next_value_seed(object(&mut point))?;
    Ok(point.both())
}

pub(super) struct ResolutionFields<'a>(pub(super) &'a mut UvttResolution, pub(super) &'a mut Wrong);

impl Object for ResolutionFields<'_> {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let Self(resolution, wrong) = self;
        match key {
            "map_origin" => match next_point(map)? {
                Some(origin) => resolution.map_origin = origin,
                None => wrong.keys.push("resolution.map_origin"),
            },
            "map_size" => {
                resolution.map_size = next_point(map)?.filter(|[x, y]| *x > 0.0 && *y > 0.0);
                if resolution.map_size.is_none() {
                    wrong.keys.push("resolution.map_size");
                }
            }
            "pixels_per_grid" => {
                resolution.pixels_per_grid =
                    map.next_value::<Loose>()?.number().filter(|n| *n > 0.0);
                if resolution.pixels_per_grid.is_none() {
                    wrong.keys.push("resolution.pixels_per_grid");
                }
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

pub(super) struct EnvironmentFields<'a>(pub(super) &'a mut Environment, pub(super) &'a mut Wrong);

impl Object for EnvironmentFields<'_> {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let Self(environment, wrong) = self;
        match key {
            "baked_lighting" => match map.next_value()? {
                Loose::Bool(baked) => environment.baked_lighting = baked,
                Loose::Null => {}
                _ => wrong.keys.push("environment.baked_lighting"),
            },
            "ambient_light" => match map.next_value()? {
                Loose::Text(text) => {
                    environment.ambient_light = parse_color(&text);
                    if environment.ambient_light.is_none() {
                        wrong.keys.push("environment.ambient_light");
                    }
                }
                Loose::Null => {}
                _ => wrong.keys.push("environment.ambient_light"),
            },
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A list of polylines.
pub(super) struct Polylines<'a> {
    done: Vec<Vec<CellPoint>>,
    current: Vec<CellPoint>,
    segments: &'a mut usize,
    max_segments: usize,
    wrong: &'a mut Wrong,
}

impl<'a> Polylines<'a> {
    /// Counts into `segments`, which two lists share, up to `max_segments`.
    pub(super) const fn new(
        segments: &'a mut usize,
        max_segments: usize,
        wrong: &'a mut Wrong,
    ) -> Self {
        Self {
            done: Vec::new(),
            current: Vec::new(),
            segments,
            max_segments,
            wrong,
        }
    }

    pub(super) fn finish(self) -> Vec<Vec<CellPoint>> {
        self.done
    }
}

impl Polylines<'_> {
    fn point(&mut self, point: Option<CellPoint>) {
        let Some(point) = point else {
            // No wall is invented between the points before and after.
            self.wrong.points += 1;
            self.end_piece();
            return;
        };
        match self.current.last() {
            Some(last) if *last == point => self.wrong.zero_segments += 1,
            Some(_) if *self.segments >= self.max_segments => self.wrong.capped_segments += 1,
            Some(_) => {
                *self.segments += 1;
                self.current.push(point);
            }
            None => self.current.push(point),
        }
    }

    fn end_piece(&mut self) {
        match self.current.len() {
            0 | 1 => self.current.clear(),
            _ => self.done.push(std::mem::take(&mut self.current)),
        }
    }
}

impl Polylines<'_> {
    /// What was taken and complained of so far.
    fn so_far(&self) -> (usize, usize) {
        let w = &self.wrong;
        (
            self.done.len(),
            w.points + w.zero_segments + w.capped_segments,
        )
    }
}

impl List for Polylines<'_> {
    fn item<'de, A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let before = self.so_far();
        let Some(is_list) = seq.next_element_seed(list(&mut Polyline(self)))? else {
            return Ok(false);
        };
        self.end_piece();
        if !is_list {
            self.wrong.polylines += 1;
        } else if self.so_far() == before {
            self.wrong.lone_points += 1;
        }
        Ok(true)
    }
}

/// The points of one polyline.
struct Polyline<'a, 'b>(&'a mut Polylines<'b>);

impl List for Polyline<'_, '_> {
    fn item<'de, A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut point = Point::default();
        let Some(_) = seq.next_element_seed(object(&mut point))? else {
            return Ok(false);
        };
        self.0.point(point.both());
        Ok(true)
    }
}

pub(super) struct Portals<'a>(pub(super) &'a mut Vec<UvttPortal>, pub(super) &'a mut Wrong);

impl List for Portals<'_> {
    fn item<'de, A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut fields = PortalFields::default();
        if seq.next_element_seed(object(&mut fields))?.is_none() {
            return Ok(false);
        }
        let Self(portals, wrong) = self;
        match fields.bounds.as_slice() {
            [Some(a), Some(b)] if a == b => wrong.zero_portals += 1,
            [Some(_), Some(_)] if portals.len() >= MAX_PORTALS => wrong.capped_portals += 1,
            [Some(a), Some(b)] => {
                wrong.portal_values += fields.wrong_values;
                let middle = [f64::midpoint(a[0], b[0]), f64::midpoint(a[1], b[1])];
                let along = (b[1] - a[1]).atan2(b[0] - a[0]);
                portals.push(UvttPortal {
                    position: fields.position.unwrap_or(middle),
                    bounds: [*a, *b],
                    rotation: fields.rotation.unwrap_or(along),
                    closed: fields.closed.unwrap_or(true),
                    freestanding: fields.freestanding.unwrap_or(false),
                });
            }
            _ => wrong.portals += 1,
        }
        Ok(true)
    }
}

#[derive(Default)]
struct PortalFields {
    position: Option<CellPoint>,
    bounds: Vec<Option<CellPoint>>,
    rotation: Option<f64>,
    closed: Option<bool>,
    freestanding: Option<bool>,
    wrong_values: usize,
}

impl PortalFields {
    fn flag<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Option<bool>, A::Error> {
        Ok(match map.next_value()? {
            Loose::Bool(flag) => Some(flag),
            Loose::Null => None,
            _ => {
                self.wrong_values += 1;
                None
            }
        })
    }
}

impl Object for PortalFields {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "position" => self.position = next_point(map)?,
            "bounds" => {
                self.bounds.clear();
                let mut bounds = Bounds(&mut self.bounds);
                map.next_value_seed(list(&mut bounds))?;
            }
            "rotation" => self.rotation = map.next_value::<Loose>()?.number(),
            "closed" => self.closed = self.flag(map)?,
            "freestanding" => self.freestanding = self.flag(map)?,
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Two points; a third makes it unusable, and more are not held.
struct Bounds<'a>(&'a mut Vec<Option<CellPoint>>);

impl List for Bounds<'_> {
    fn item<'de, A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut point = Point::default();
        if seq.next_element_seed(object(&mut point))?.is_none() {
            return Ok(false);
        }
        if self.0.len() < 3 {
            self.0.push(point.both());
        }
        Ok(true)
    }
}

pub(super) struct Lights<'a>(pub(super) &'a mut Vec<UvttLight>, pub(super) &'a mut Wrong);

impl List for Lights<'_> {
    fn item<'de, A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let mut fields = LightFields::default();
        if seq.next_element_seed(object(&mut fields))?.is_none() {
            return Ok(false);
        }
        let Self(lights, wrong) = self;
        match (fields.position, fields.range.filter(|r| *r > 0.0)) {
            (None, _) => wrong.lights += 1,
            (_, None) => wrong.light_ranges += 1,
            _ if lights.len() >= MAX_LIGHTS => wrong.capped_lights += 1,
            (Some(position), Some(range)) => {
                wrong.light_values += fields.wrong_values;
                let asked = fields.intensity.unwrap_or(1.0);
                let intensity = asked.clamp(0.0, MAX_INTENSITY);
                wrong.intensities += usize::from(intensity != asked);
                let [alpha, color @ ..] = match fields.color {
                    Some(Some(argb)) => argb,
                    Some(None) => {
                        wrong.light_colors += 1;
                        [255; 4]
                    }
                    None => [255; 4],
                };
                lights.push(UvttLight {
                    position,
                    range,
                    intensity,
                    color,
                    alpha,
                    shadows: fields.shadows.unwrap_or(true),
                });
            }
        }
        Ok(true)
    }
}

#[derive(Default)]
struct LightFields {
    position: Option<CellPoint>,
    range: Option<f64>,
    intensity: Option<f64>,
    /// `Some(None)` where a colour stands that cannot be read.
    color: Option<Option<[u8; 4]>>,
    shadows: Option<bool>,
    wrong_values: usize,
}

impl Object for LightFields {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "position" => self.position = next_point(map)?,
            "range" => self.range = map.next_value::<Loose>()?.number(),
            "intensity" => {
                let value = map.next_value::<Loose>()?;
                self.intensity = value.number();
                self.wrong_values += usize::from(self.intensity.is_none() && value != Loose::Null);
            }
            "color" => {
                self.color = match map.next_value()? {
                    Loose::Text(text) => Some(parse_color(&text)),
                    Loose::Null => None,
                    _ => Some(None),
                }
            }
            "shadows" => match map.next_value()? {
                Loose::Bool(shadows) => self.shadows = Some(shadows),
                Loose::Null => {}
                _ => self.wrong_values += 1,
            },
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

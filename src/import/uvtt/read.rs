//! From bytes to a [`UvttDocument`], the picture in a spool, and a report.

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Write};

use serde::de::{DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess};

use super::document::{CellPoint, UvttDocument, UvttFormat, UvttLight, UvttPortal, parse_color};
use super::loose::{List, Loose, Object, list, object};
use super::stream::{EmbeddedPicture, ImageDiverter};
use crate::import::report::{Report, ReportKind, counted};

/// Segments of walls and objects together that are taken from one file.
pub const MAX_SEGMENTS: usize = 500_000;
/// Portals that are taken from one file.
pub const MAX_PORTALS: usize = 50_000;
/// Lights that are taken from one file.
pub const MAX_LIGHTS: usize = 10_000;
/// Intensities are held to 0 to this.
const MAX_INTENSITY: f64 = 10.0;

/// Why a map file cannot be used. Each is one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum UvttError {
    /// Not JSON.
    #[error(
        "this map file is damaged (line {line}, column {column}: {detail}), so nothing of it is \
         used; export it again"
    )]
    Damaged {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        detail: String,
    },
    /// JSON that stops.
    #[error(
        "this map file ends early: it is cut off, so nothing of it is used; get the file again"
    )]
    EndsEarly,
    /// JSON of something else.
    #[error(
        "this is JSON, but no Universal VTT map: it has neither a resolution nor walls nor a picture"
    )]
    NotAMap,
    /// The source or the spool failed.
    #[error("the map file could not be read: {0}")]
    Io(#[source] std::io::Error),
}

/// A map file taken apart.
#[derive(Debug)]
pub struct UvttFile<W> {
    /// All but the picture.
    pub document: UvttDocument,
    /// What the file had for a picture.
    pub picture: EmbeddedPicture,
    /// The caller's spool, with the picture's bytes where there are any.
    pub spool: W,
    /// What was left out or changed on the way.
    pub report: Report,
}

/// Reads a map file; the picture goes into `spool`, base64 undone, as it streams by.
///
/// # Errors
/// When it is no JSON, ends early or is no map. Values of the wrong type are none: they are
/// passed over and told in the report.
pub fn read<R: Read, W: Write>(source: R, spool: W) -> Result<UvttFile<W>, UvttError> {
    let source = BufReader::with_capacity(64 << 10, source);
    let mut diverter = ImageDiverter::new(source, spool);
    let mut gather = Gather::default();
    let parsed = {
        let mut parser = serde_json::Deserializer::from_reader(BufReader::new(&mut diverter));
        object(&mut gather).deserialize(&mut parser)
    };
    let (picture, bad_numbers, spool) = diverter.finish().map_err(UvttError::Io)?;
    let is_object = parsed.map_err(|e| {
        if e.is_eof() {
            UvttError::EndsEarly
        } else {
            let detail = e.to_string();
            let detail = detail.split(" at line").next().unwrap_or_default();
            UvttError::Damaged {
                line: e.line(),
                column: e.column(),
                detail: detail.to_owned(),
            }
        }
    })?;
    if !is_object || !gather.is_map() {
        return Err(UvttError::NotAMap);
    }
    let mut report = Report::default();
    gather.tell(bad_numbers, &mut report);
    Ok(UvttFile {
        document: gather.document,
        picture,
        spool,
        report,
    })
}

/// The top-level object, and all that was wrong in it.
#[derive(Default)]
struct Gather {
    document: UvttDocument,
    seen: BTreeSet<String>,
    repeated: BTreeSet<String>,
    segments: usize,
    wrong: Wrong,
}

/// Counts of what was passed over.
#[derive(Default)]
struct Wrong {
    keys: Vec<&'static str>,
    points: usize,
    polylines: usize,
    zero_segments: usize,
    lone_points: usize,
    capped_segments: usize,
    portals: usize,
    zero_portals: usize,
    portal_values: usize,
    capped_portals: usize,
    lights: usize,
    light_ranges: usize,
    light_colors: usize,
    light_values: usize,
    intensities: usize,
    capped_lights: usize,
}

impl Gather {
    /// Whether the file has at least one key that only a map has.
    fn is_map(&self) -> bool {
        [
            "resolution",
            "line_of_sight",
            "objects_line_of_sight",
            "portals",
            "image",
        ]
        .iter()
        .any(|key| self.seen.contains(*key))
    }

    /// Turns the counts into sentences.
    fn tell(&self, bad_numbers: u32, report: &mut Report) {
        let mut skipped = |n: usize, one: &str, rest: &str| {
            if n > 0 {
                let verb = if n == 1 { "was" } else { "were" };
                report.add(
                    ReportKind::Skipped,
                    format!("{} {verb} {rest}.", counted(n, one)),
                );
            }
        };
        let w = &self.wrong;
        skipped(
            bad_numbers as usize,
            "value",
            "NaN or infinite and left out",
        );
        skipped(
            w.points,
            "wall point",
            "no pair of numbers and left out; the wall is split there",
        );
        skipped(w.polylines, "wall", "no list of points and left out");
        skipped(w.zero_segments, "wall segment", "of no length and dropped");
        skipped(w.lone_points, "wall", "without a second point and left out");
        skipped(
            w.capped_segments,
            "wall segment",
            &format!("left out: at most {MAX_SEGMENTS} are taken from one file"),
        );
        skipped(
            w.portals,
            "door",
            "without two usable end points and left out",
        );
        skipped(w.zero_portals, "door", "of no length and left out");
        skipped(
            w.capped_portals,
            "door",
            &format!("left out: at most {MAX_PORTALS} are taken from one file"),
        );
        skipped(w.lights, "light", "without a usable position and left out");
        skipped(
            w.light_ranges,
            "light",
            "without a usable range and left out",
        );
        skipped(
            w.capped_lights,
            "light",
            &format!("left out: at most {MAX_LIGHTS} are taken from one file"),
        );
        let mut adjusted = |n: usize, one: &str, rest: &str| {
            if n > 0 {
                report.add(ReportKind::Adjusted, format!("{} {rest}.", counted(n, one)));
            }
        };
        adjusted(
            w.portal_values,
            "door setting",
            "had the wrong type; the door is taken as closed and set in a wall",
        );
        adjusted(
            w.light_colors,
            "light colour",
            "could not be read; white is used",
        );
        adjusted(
            w.light_values,
            "light setting",
            "had the wrong type; intensity 1 and shadows are used",
        );
        adjusted(
            w.intensities,
            "light intensity",
            &format!("lay outside 0 to {MAX_INTENSITY} and was held to it"),
        );
        for key in &w.keys {
            report.add(
                ReportKind::Skipped,
                format!("The value of “{key}” has the wrong type and is passed over."),
            );
        }
        for key in &self.repeated {
            if key != "image" {
                report.add(
                    ReportKind::Adjusted,
                    format!("“{key}” stands in the file more than once; the last one is used."),
                );
            }
        }
    }

    /// Reads one of the two lists of polylines.
    fn polylines<'de, A: MapAccess<'de>>(
        &mut self,
        key: &'static str,
        map: &mut A,
    ) -> Result<Vec<Vec<CellPoint>>, A::Error> {
        let mut walls = Polylines {
            done: Vec::new(),
            current: Vec::new(),
            segments: &mut self.segments,
            wrong: &mut self.wrong,
        };
        let is_list = map.next_value_seed(list(&mut walls))?;
        let done = walls.done;
        if !is_list {
            self.wrong.keys.push(key);
        }
        Ok(done)
    }
}

impl Object for Gather {
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        const KNOWN: [&str; 9] = [
            "format",
            "software",
            "resolution",
            "line_of_sight",
            "objects_line_of_sight",
            "portals",
            "lights",
            "environment",
            "image",
        ];
        if !KNOWN.contains(&key) {
            map.next_value::<IgnoredAny>()?;
            return Ok(());
        }
        if !self.seen.insert(key.to_owned()) {
            self.repeated.insert(key.to_owned());
        }
        match key {
            "format" => {
                self.document.format = match map.next_value()? {
                    Loose::Number(n) => Some(UvttFormat::Number(n)),
                    Loose::Text(text) => Some(match text.trim().parse::<f64>() {
                        Ok(n) if n.is_finite() => UvttFormat::Number(n),
                        _ => UvttFormat::Text(text),
                    }),
                    Loose::Null => None,
                    _ => {
                        self.wrong.keys.push("format");
                        None
                    }
                };
            }
            "software" => {
                if let Loose::Text(text) = map.next_value()? {
                    self.document.software = Some(text);
                }
            }
            "resolution" => {
                self.document.resolution = super::UvttResolution::default();
                let mut target = ResolutionFields(&mut self.document.resolution, &mut self.wrong);
                if !map.next_value_seed(object(&mut target))? {
                    self.wrong.keys.push("resolution");
                }
            }
            "line_of_sight" => {
                self.document.line_of_sight = self.polylines("line_of_sight", map)?;
            }
            "objects_line_of_sight" => {
                self.document.objects_line_of_sight =
                    self.polylines("objects_line_of_sight", map)?;
            }
            "portals" => {
                self.document.portals.clear();
                let mut target = Portals(&mut self.document.portals, &mut self.wrong);
                if !map.next_value_seed(list(&mut target))? {
                    self.wrong.keys.push("portals");
                }
            }
            "lights" => {
                self.document.lights.clear();
                let mut target = Lights(&mut self.document.lights, &mut self.wrong);
                if !map.next_value_seed(list(&mut target))? {
                    self.wrong.keys.push("lights");
                }
            }
            "environment" => {
                self.document.environment = super::Environment::default();
                let mut target = EnvironmentFields(&mut self.document.environment, &mut self.wrong);
                if !map.next_value_seed(object(&mut target))? {
                    self.wrong.keys.push("environment");
                }
            }
            // The picture went into the spool; here is what stands in its place.
            _ => {
                if !matches!(map.next_value()?, Loose::Text(_) | Loose::Null) {
                    self.wrong.keys.push("image");
                }
            }
        }
        Ok(())
    }
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

struct ResolutionFields<'a>(&'a mut super::UvttResolution, &'a mut Wrong);

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

struct EnvironmentFields<'a>(&'a mut super::Environment, &'a mut Wrong);

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
struct Polylines<'a> {
    done: Vec<Vec<CellPoint>>,
    current: Vec<CellPoint>,
    segments: &'a mut usize,
    wrong: &'a mut Wrong,
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
            Some(_) if *self.segments >= MAX_SEGMENTS => self.wrong.capped_segments += 1,
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

struct Portals<'a>(&'a mut Vec<UvttPortal>, &'a mut Wrong);

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

struct Lights<'a>(&'a mut Vec<UvttLight>, &'a mut Wrong);

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

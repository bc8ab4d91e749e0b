//! From bytes to a [`UvttDocument`], the picture in a spool, and a report.

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Write};

use serde::de::{DeserializeSeed as _, IgnoredAny, MapAccess};

use super::document::{CellPoint, UvttDocument, UvttFormat};
use super::embedded::EmbeddedPicture;
use super::fields::{
    EnvironmentFields, Lights, MAX_INTENSITY, Polylines, Portals, ResolutionFields, Wrong,
};
use super::loose::{Loose, Object, list, object};
use super::stream::ImageDiverter;
use crate::import::report::{Report, ReportKind, counted};

/// Segments of walls and objects together that are taken from one file.
pub const MAX_SEGMENTS: usize = 500_000;
/// Portals that are taken from one file.
pub const MAX_PORTALS: usize = 50_000;
/// Lights that are taken from one file.
pub const MAX_LIGHTS: usize = 10_000;

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
    read_capped(source, spool, MAX_SEGMENTS)
}

/// [`read`] with another cap.
pub(super) fn read_capped<R: Read, W: Write>(
    source: R,
    spool: W,
    max_segments: usize,
) -> Result<UvttFile<W>, UvttError> {
    let source = BufReader::with_capacity(64 << 10, source);
    let mut diverter = ImageDiverter::new(source, spool);
    let mut gather = Gather {
        max_segments,
        ..Gather::default()
    };
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
    max_segments: usize,
    wrong: Wrong,
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
            &format!(
                "left out: at most {} are taken from one file",
                self.max_segments
            ),
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
            "light strength",
            &format!("lay outside 0 to {MAX_INTENSITY}; the nearest of these is used"),
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
        let mut walls = Polylines::new(&mut self.segments, self.max_segments, &mut self.wrong);
        let is_list = map.next_value_seed(list(&mut walls))?;
        let done = walls.finish();
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

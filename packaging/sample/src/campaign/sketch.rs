//! A scene as it is written down: in cells of its painted map, turned into edits of a document.

use std::sync::Arc;

use glam::Vec2;
use sha2::{Digest, Sha256};
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{RowId, SceneId};
use tableglow::model::stroke::{
    MaskTarget, NewStroke, STROKE_UNITS_PER_PX, StrokeMode, StrokeShape,
};
use tableglow::model::{annotation, light, marker, scene};

use super::note::note;

/// An id that is always the same for the same name, in the form of a random UUID.
pub fn stable_id(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut bytes = [0u8; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// A picture as documents know it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its key.
    pub key: String,
    /// Its size in pixels.
    pub size_px: Vec2,
}

/// Knows the pictures by their names.
pub type Pictures<'p> = &'p dyn Fn(&str) -> Option<Shown>;

/// Who sees a marker.
#[derive(Clone, Copy)]
pub enum Seen {
    /// Everyone.
    ByAll,
    /// The game master alone.
    ByDm,
    /// Players only while the game master points at it.
    OnHover,
}

/// The outline of a marker.
#[derive(Clone, Copy)]
pub enum Outline {
    /// A disc.
    Circle,
    /// A square.
    Square,
    /// A triangle.
    Triangle,
}

/// A marker on the map.
pub struct Token<'t> {
    /// Its title.
    pub title: &'t str,
    /// The middle of its cell or cells.
    pub at: Vec2,
    /// Short text on it.
    pub label: Option<&'t str>,
    /// Name of its picture, one of [`crate::tokens::ALL`].
    pub picture: Option<&'t str>,
    /// Its outline.
    pub outline: Outline,
    /// Its colour.
    pub colour: &'t str,
    /// Its diameter in cells.
    pub size: i64,
    /// Who sees it.
    pub seen: Seen,
    /// Its note, see [`note`].
    pub note: Option<&'t str>,
}

impl Default for Token<'_> {
    fn default() -> Self {
        Self {
            title: "",
            at: Vec2::ZERO,
            label: None,
            picture: None,
            outline: Outline::Circle,
            colour: "#8b8f97",
            size: 1,
            seen: Seen::ByAll,
            note: None,
        }
    }
}

/// How cells of the painted map become positions of the document.
#[derive(Clone, Copy)]
pub struct Frame {
    /// Size of the map in cells.
    pub cells: Vec2,
    /// Size of the map in the document's units: map pixels where the grid is the map's own,
    /// display pixels elsewhere.
    pub size_px: Vec2,
    /// Size of the map picture, which fog is drawn in.
    pub picture_px: Vec2,
}

impl Frame {
    fn centred(&self, cell: Vec2, size_px: Vec2) -> Vec2 {
        let share = cell / self.cells;
        Vec2::new(share.x - 0.5, 0.5 - share.y) * size_px
    }
}

/// Collects the edits that make a scene.
pub struct Sketch<'p> {
    /// The scene's id.
    pub scene: SceneId,
    name: &'static str,
    frame: Frame,
    edits: Vec<Edit>,
    rows: usize,
    pictures: Pictures<'p>,
}

impl<'p> Sketch<'p> {
    /// A scene with its settings. Markers find their pictures in `pictures`.
    pub fn new(
        name: &'static str,
        frame: Frame,
        settings: Vec<Assignment>,
        pictures: Pictures<'p>,
    ) -> Self {
        let scene = SceneId::new(&stable_id(&format!("scene/{name}")));
        let mut values = settings;
        values.push(Assignment::new(scene::NAME, name));
        let edits = vec![Edit::Create {
            row: RowRef::Scene(scene.clone()),
            values,
        }];
        Self {
            scene,
            name,
            frame,
            edits,
            rows: 0,
            pictures,
        }
    }

    /// The edits, in order.
    pub fn into_edits(self) -> Vec<Edit> {
        self.edits
    }

    fn row_id(&mut self) -> RowId {
        self.rows += 1;
        RowId::new(&stable_id(&format!(
            "scene/{}/row/{}",
            self.name, self.rows
        )))
    }

    fn place(&self, cell: Vec2) -> [f64; 2] {
        let at = self.frame.centred(cell, self.frame.size_px);
        // Hundredths of a pixel keep the numbers short.
        [at.x, at.y].map(|x| (f64::from(x) * 100.0).round() / 100.0)
    }

    /// Adds a marker.
    pub fn token(&mut self, token: Token<'_>) {
        let id = self.row_id();
        let [x, y] = self.place(token.at);
        let mut values = vec![
            Assignment::new(marker::TITLE, token.title),
            Assignment::new(marker::LABEL, token.label),
            Assignment::new(marker::POSITION_X, x),
            Assignment::new(marker::POSITION_Y, y),
            Assignment::new(marker::SHAPE_COLOR, token.colour),
            Assignment::new(marker::SIZE, token.size),
            Assignment::new(
                marker::SHAPE,
                match token.outline {
                    Outline::Circle => 1_i64,
                    Outline::Square => 2,
                    Outline::Triangle => 3,
                },
            ),
            Assignment::new(
                marker::VISIBILITY,
                match token.seen {
                    Seen::ByAll => marker::VISIBLE_TO_EVERYONE,
                    Seen::ByDm => marker::VISIBLE_TO_DM,
                    Seen::OnHover => marker::VISIBLE_ON_HOVER,
                },
            ),
        ];
        if let Some(shown) = token.picture.and_then(self.pictures) {
            values.push(Assignment::new(marker::IMAGE_LOCATION, shown.key.as_str()));
        }
        if let Some(text) = token.note {
            values.push(Assignment {
                property: marker::NOTE.property(),
                value: tableglow::model::value::Value::Json(Arc::new(note(text))),
            });
        }
        self.edits.push(Edit::Create {
            row: RowRef::marker(&self.scene, &id),
            values,
        });
    }

    /// Adds a light, `diameter` cells across.
    pub fn light(
        &mut self,
        at: Vec2,
        diameter: f64,
        style: &str,
        colour: &str,
        pulse: i64,
        opacity: f64,
    ) {
        let id = self.row_id();
        let [x, y] = self.place(at);
        self.edits.push(Edit::Create {
            row: RowRef::light(&self.scene, &id),
            values: vec![
                Assignment::new(light::POSITION_X, x),
                Assignment::new(light::POSITION_Y, y),
                Assignment::new(light::RADIUS, diameter),
                Assignment::new(light::STYLE, style),
                Assignment::new(light::COLOR, colour),
                Assignment::new(light::PULSE, pulse),
                Assignment::new(light::OPACITY, opacity),
            ],
        });
    }

    fn stroke(
        &mut self,
        target: MaskTarget,
        shape: StrokeShape,
        mode: StrokeMode,
        points: &[Vec2],
    ) {
        let size_px = match target {
            MaskTarget::Fog => self.frame.picture_px,
            MaskTarget::Annotation(_) => self.frame.size_px,
        };
        let points = points
            .iter()
            .map(|cell| {
                let at = self.frame.centred(*cell, size_px) * STROKE_UNITS_PER_PX as f32;
                [at.x.round() as i32, at.y.round() as i32]
            })
            .collect();
        self.edits.push(Edit::Stroke {
            scene: self.scene.clone(),
            target,
            stroke: NewStroke {
                shape,
                mode,
                points,
            },
        });
    }

    /// Units of a stroke in a cell of the map.
    fn units(&self, target: &MaskTarget, cells: f32) -> i32 {
        let width_px = match target {
            MaskTarget::Fog => self.frame.picture_px.x,
            MaskTarget::Annotation(_) => self.frame.size_px.x,
        };
        (cells * width_px / self.frame.cells.x * STROKE_UNITS_PER_PX as f32).round() as i32
    }

    /// Covers the whole map with fog, or lifts all of it.
    pub fn fog_everything(&mut self, mode: StrokeMode) {
        self.stroke(MaskTarget::Fog, StrokeShape::Everything, mode, &[]);
    }

    /// Fogs or reveals a rectangle.
    pub fn fog_rect(&mut self, mode: StrokeMode, min: Vec2, max: Vec2) {
        self.stroke(MaskTarget::Fog, StrokeShape::Rectangle, mode, &[min, max]);
    }

    /// Fogs or reveals an ellipse.
    pub fn fog_ellipse(&mut self, mode: StrokeMode, centre: Vec2, radii: Vec2) {
        self.stroke(
            MaskTarget::Fog,
            StrokeShape::Ellipse,
            mode,
            &[centre - radii, centre + radii],
        );
    }

    /// Fogs or reveals along a path.
    pub fn fog_path(&mut self, mode: StrokeMode, radius: f32, path: &[Vec2]) {
        let radius = self.units(&MaskTarget::Fog, radius);
        self.stroke(MaskTarget::Fog, StrokeShape::Brush { radius }, mode, path);
    }

    /// Adds a drawing layer of lines, `width` cells wide.
    pub fn drawing(
        &mut self,
        name: &str,
        colour: &str,
        for_players: bool,
        width: f32,
        lines: &[&[Vec2]],
    ) {
        let id = self.row_id();
        self.edits.push(Edit::Create {
            row: RowRef::annotation(&self.scene, &id),
            values: vec![
                Assignment::new(annotation::NAME, name),
                Assignment::new(annotation::COLOR, colour),
                Assignment::new(annotation::OPACITY, 0.85),
                Assignment::new(
                    annotation::VISIBILITY,
                    if for_players {
                        annotation::VISIBLE_TO_EVERYONE
                    } else {
                        annotation::VISIBLE_TO_DM
                    },
                ),
            ],
        });
        let target = MaskTarget::Annotation(id);
        let radius = self.units(&target, width * 0.5);
        for line in lines {
            self.stroke(
                target.clone(),
                StrokeShape::Brush { radius },
                StrokeMode::Add,
                line,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_look_random() {
        let id = stable_id("scene/a");
        assert_eq!(id, stable_id("scene/a"));
        assert_ne!(id, stable_id("scene/b"));
        assert_eq!(id.as_bytes().get(14), Some(&b'4'));
    }

    #[test]
    fn the_middle_of_the_map_is_the_origin_and_up_is_up() {
        let frame = Frame {
            cells: Vec2::new(4.0, 2.0),
            size_px: Vec2::new(400.0, 200.0),
            picture_px: Vec2::new(800.0, 400.0),
        };
        assert_eq!(
            frame.centred(Vec2::new(2.0, 1.0), frame.size_px),
            Vec2::ZERO
        );
        assert_eq!(
            frame.centred(Vec2::new(3.0, 0.0), frame.size_px),
            Vec2::new(100.0, 100.0)
        );
    }
}

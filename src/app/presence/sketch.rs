//! A drawing that fades while it is made: strokes of one colour, and the mask that others are sent.
//!
//! The mask covers the display, or the map where the grid is the map's own, as masks of drawing
//! layers do. Masks are sent with every state, so they are coarse: at most [`MOST_SIDE_PX`] pixels a
//! side and [`MOST_BASE64`] of text. Kept, a drawing becomes a layer of its scene's with the strokes
//! as they were drawn. Must not know clocks. Called by [`super::own`].

use std::sync::Arc;

use base64::Engine as _;
use glam::{DAffine2, DVec2};

use crate::app::tools::whole;
use crate::geom::mask::Mask;
use crate::geom::raster::draw_stroke;
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::RowId;
use crate::model::stroke::{MaskTarget, NewStroke, STROKE_UNITS_PER_PX, StrokeMode, StrokeShape};
use crate::model::{annotation, scene};
use crate::scene::snapshot::SceneSnapshot;

/// The longest side of a mask that is sent.
pub const MOST_SIDE_PX: u32 = 1024;
/// The longest mask that is sent, in characters.
pub const MOST_BASE64: usize = 16 << 10;
/// Points of one stroke; what is drawn beyond is not taken.
const MOST_POINTS: usize = 8192;

/// Where a mask lies.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Space {
    size_px: [u32; 2],
    /// From world units to pixels of the mask, y down.
    mask_from_world: DAffine2,
}

impl Space {
    fn of(scene: &SceneSnapshot) -> Self {
        let display = scene.display_size_world();
        let on_map = (scene.map.as_ref()).filter(|_| scene.grid.anchored_to_map());
        let (size, from_world) = match on_map {
            Some(map) => (
                DVec2::from(map.placement.size_px.map(f64::from)),
                map.placement.map_from_world(),
            ),
            None => (display, DAffine2::IDENTITY),
        };
        let scale = (f64::from(MOST_SIDE_PX) / size.max_element().max(1.0)).min(1.0);
        let side = |length: f64| whole((length * scale).max(1.0)).unsigned_abs();
        let mut size_px = [side(size.x), side(size.y)];
        // On a map, one of the display's own size would be taken for one that covers the display.
        if on_map.is_some() && DVec2::from(size_px.map(f64::from)) == display {
            size_px[0] = (size_px[0] - 1).max(1);
        }
        let mask = DVec2::from(size_px.map(f64::from));
        let flipped = DVec2::new(mask.x / size.x, -mask.y / size.y);
        let mask_from_size = DAffine2::from_scale_angle_translation(flipped, 0.0, mask / 2.0);
        Self {
            size_px,
            mask_from_world: mask_from_size * from_world,
        }
    }

    fn radius_px(&self, radius_world: f64) -> f64 {
        let scale = self.mask_from_world.matrix2.determinant().abs().sqrt();
        (radius_world * scale).max(1.0)
    }
}

/// A stroke, as it was drawn.
#[derive(Debug, Clone)]
pub struct Stroke {
    /// Its way, world units.
    pub points_world: Vec<DVec2>,
    /// Half its width, world units.
    pub radius_world: f64,
}

/// A drawing of one colour.
#[derive(Debug)]
pub struct Sketch {
    /// Its colour.
    pub color: Rgb,
    strokes: Vec<Stroke>,
    space: Space,
    mask: Mask,
    /// So many points of the last stroke are in the mask.
    drawn: usize,
}

impl Sketch {
    /// Nothing is drawn yet. `None` for a scene that no mask can cover.
    #[must_use]
    pub fn over(scene: &SceneSnapshot, color: Rgb) -> Option<Self> {
        let space = Space::of(scene);
        let [width, height] = space.size_px;
        Some(Self {
            color,
            strokes: Vec::new(),
            mask: Mask::new(width, height).ok()?,
            space,
            drawn: 0,
        })
    }

    /// Whether a stroke of a colour goes into this one: the scene lies as it did, and there is room.
    #[must_use]
    pub fn takes(&self, scene: &SceneSnapshot, color: Rgb) -> bool {
        self.color == color && self.space == Space::of(scene) && !self.is_full()
    }

    /// What more is drawn would be sent coarser.
    fn is_full(&self) -> bool {
        base64_length(&self.mask.encode_rle()) > MOST_BASE64 / 2
    }

    /// Begins a stroke.
    pub fn begin(&mut self, at_world: DVec2, radius_world: f64) {
        self.draw();
        self.strokes.push(Stroke {
            points_world: vec![at_world],
            radius_world,
        });
        self.drawn = 0;
    }

    /// Draws on.
    pub fn extend(&mut self, to_world: DVec2) {
        if let Some(stroke) = self.strokes.last_mut()
            && stroke.points_world.len() < MOST_POINTS
        {
            stroke.points_world.push(to_world);
        }
    }

    /// Takes the last stroke away. Whether something is left.
    pub fn drop_last(&mut self) -> bool {
        self.strokes.pop();
        self.mask.fill(false);
        for stroke in &self.strokes {
            ink(&mut self.mask, &self.space, stroke, 0);
        }
        self.drawn = self.strokes.last().map_or(0, |it| it.points_world.len());
        !self.strokes.is_empty()
    }

    /// The stroke drawn last.
    #[must_use]
    pub fn last_stroke(&self) -> Option<&Stroke> {
        self.strokes.last()
    }

    fn draw(&mut self) {
        if let Some(stroke) = self.strokes.last()
            && self.drawn < stroke.points_world.len()
        {
            ink(&mut self.mask, &self.space, stroke, self.drawn);
            self.drawn = stroke.points_world.len();
        }
    }

    /// The mask as it is sent: run lengths in base64, coarser when they would be too many.
    pub fn mask_base64(&mut self) -> Arc<str> {
        self.draw();
        let mut bytes = self.mask.encode_rle();
        let [mut width, mut height] = self.space.size_px;
        while base64_length(&bytes) > MOST_BASE64 && width.min(height) > 1 {
            (width, height) = (width / 2, height / 2);
            match self.mask.resampled(width, height) {
                Ok(coarser) => bytes = coarser.encode_rle(),
                Err(_) => break,
            }
        }
        base64::engine::general_purpose::STANDARD
            .encode(bytes)
            .into()
    }

    /// The edits that make it a layer of its scene's, on top of the others.
    #[must_use]
    pub fn kept(&self, scene: &SceneSnapshot) -> Vec<Edit> {
        let id = RowId::fresh();
        let create = Edit::Create {
            row: RowRef::annotation(&scene.id, &id),
            values: vec![
                Assignment::new(annotation::NAME, "Drawing"),
                Assignment::new(annotation::COLOR, self.color),
                Assignment::new(annotation::VISIBILITY, annotation::VISIBLE_TO_EVERYONE),
            ],
        };
        let is_maps = scene.setting(scene::GRID_MODE) == scene::GRID_MODE_MAP_DEFINED;
        let from_world = (scene.map.as_ref().filter(|_| is_maps))
            .map_or(DAffine2::IDENTITY, |map| map.placement.map_from_world());
        let scale = from_world.matrix2.x_axis.length() * STROKE_UNITS_PER_PX;
        let strokes = self.strokes.iter().map(|stroke| Edit::Stroke {
            scene: scene.id.clone(),
            target: MaskTarget::Annotation(id.clone()),
            stroke: NewStroke {
                shape: StrokeShape::Brush {
                    radius: whole(stroke.radius_world * scale).max(1),
                },
                mode: StrokeMode::Add,
                points: stroke
                    .points_world
                    .iter()
                    .map(|&at| {
                        let units = from_world.transform_point2(at) * STROKE_UNITS_PER_PX;
                        [whole(units.x), whole(units.y)]
                    })
                    .collect(),
            },
        });
        std::iter::once(create).chain(strokes).collect()
    }
}

/// Draws a stroke from its point `from` on; the one before is where it goes on.
fn ink(mask: &mut Mask, space: &Space, stroke: &Stroke, from: usize) {
    let points: Vec<DVec2> = stroke
        .points_world
        .iter()
        .skip(from.saturating_sub(1))
        .map(|&at| space.mask_from_world.transform_point2(at))
        .collect();
    draw_stroke(mask, &points, space.radius_px(stroke.radius_world), true);
}

fn base64_length(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::tests::snapshot;

    fn decoded(base64: &str) -> Mask {
        let engine = base64::engine::general_purpose::STANDARD;
        Mask::decode_rle(&engine.decode(base64).unwrap()).unwrap()
    }

    fn sketch(scene: &SceneSnapshot, way: &[[f64; 2]]) -> Sketch {
        let mut sketch = Sketch::over(scene, Rgb::WHITE).unwrap();
        sketch.begin(way[0].into(), 6.0);
        for &to in &way[1..] {
            sketch.extend(to.into());
        }
        sketch
    }

    #[test]
    fn a_mask_has_ink_where_the_hand_was_on_the_table() {
        let scene = snapshot("Crypt", &[]);
        let mut sketch = sketch(&scene, &[[-960.0, 540.0], [0.0, 540.0]]);
        let mask = decoded(&sketch.mask_base64());
        // 1920 x 1080, no more than 1024 a side.
        assert_eq!(mask.size_px(), [1024, 576]);
        assert!(mask.get(0, 0) && mask.get(510, 0));
        assert!(!mask.get(520, 0) && !mask.get(0, 10));
        // It goes on where it was.
        sketch.extend([0.0, 0.0].into());
        let mask = decoded(&sketch.mask_base64());
        assert!(mask.get(512, 280) && mask.get(510, 0));
    }

    #[test]
    fn the_last_stroke_can_be_taken_away() {
        let scene = snapshot("Crypt", &[]);
        let mut sketch = sketch(&scene, &[[-900.0, 0.0], [-800.0, 0.0]]);
        let before = sketch.mask_base64();
        sketch.begin([0.0, 0.0].into(), 6.0);
        sketch.extend([500.0, 0.0].into());
        assert_ne!(sketch.mask_base64(), before);
        assert!(sketch.drop_last());
        assert_eq!(sketch.mask_base64(), before);
        assert!(!sketch.drop_last());
        assert!(decoded(&sketch.mask_base64()).is_clear());
    }

    #[test]
    fn an_ugly_scribble_stays_small() {
        let scene = snapshot("Crypt", &[]);
        let mut sketch = sketch(&scene, &[[0.0, 0.0]]);
        let mut at = 1_u32;
        let mut longest = 0;
        for n in 0..2000 {
            at = at.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [x, y] = [at >> 20, at >> 8 & 0xfff].map(|n| f64::from(n) / 4096.0 - 0.5);
            sketch.extend(DVec2::new(x * 1900.0, y * 1060.0));
            if n % 50 == 0 {
                longest = longest.max(sketch.mask_base64().len());
            }
        }
        assert!((4096..=MOST_BASE64).contains(&longest), "{longest}");
        assert!(!decoded(&sketch.mask_base64()).is_clear());
    }

    #[test]
    fn a_sketch_takes_more_of_its_colour_until_it_is_full() {
        let scene = snapshot("Crypt", &[]);
        let mut sketch = sketch(&scene, &[[0.0, 0.0]]);
        assert!(sketch.takes(&scene, Rgb::WHITE));
        assert!(!sketch.takes(&scene, Rgb::BLACK));
        for n in 0..40 {
            let x = f64::from(n) * 40.0 - 800.0;
            let [from, to] = [[x, -530.0], [x, 530.0]].map(DVec2::from);
            sketch.begin(from, 6.0);
            sketch.extend(to);
        }
        let _ = sketch.mask_base64();
        assert!(!sketch.takes(&scene, Rgb::WHITE));
    }

    #[test]
    fn what_is_kept_is_a_layer_with_the_strokes_as_they_were_drawn() {
        let scene = snapshot("Crypt", &[]);
        let mut sketch = sketch(&scene, &[[1.0, 2.0], [30.0, -4.0]]);
        sketch.begin([5.0, 5.0].into(), 6.0);
        let kept = sketch.kept(&scene);
        let [
            Edit::Create {
                row: RowRef::InScene { id, .. },
                values,
            },
            Edit::Stroke { target, stroke, .. },
            Edit::Stroke { .. },
        ] = kept.as_slice()
        else {
            panic!("{kept:?}");
        };
        assert_eq!(*target, MaskTarget::Annotation(id.clone()));
        assert!(values.contains(&Assignment::new(annotation::COLOR, Rgb::WHITE)));
        assert_eq!(stroke.points, [[16, 32], [480, -64]]);
        assert_eq!(stroke.shape, StrokeShape::Brush { radius: 96 });
    }
}

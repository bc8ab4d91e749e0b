//! What this user measures and draws for a while: shown in this app's own windows at once, and to
//! others while its scene is on the table.
//!
//! A measurement stays for three seconds after the hand let go, a drawing for ten; strokes of one
//! colour that follow each other are one drawing, so that a word stays whole. Others keep time
//! themselves, so a measurement is taken back soon after it ended, as web clients do. Must not know
//! sockets or painting. Fed by [`crate::app::editor`], read by [`super::mine`] and the windows.

use std::sync::Arc;

use glam::DVec2;

use super::sketch::{Sketch, Stroke};
use crate::app::tools::measure::{MeasureOptions, Measuring};
use crate::app::tools::pen::Ink;
use crate::model::color::Rgb;
use crate::model::edit::Edit;
use crate::model::id::{GameSessionId, SceneId};
use crate::model::presence::{Measurement, Presence, TablePart, TemporaryLayer, Who};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::room::{People, Person};

/// A drawing stays this long after its last stroke.
const DRAWING_STAYS_S: f64 = 10.0;
/// A stroke that is being drawn is shown to others this often.
const STROKE_S: f64 = 0.15;
/// A measurement that has ended is still said for this long: who gets states now and then only shall
/// not miss where it ended.
const ENDED_S: f64 = 0.25;
/// More drawings at once are not shown; the oldest goes first.
const MOST_DRAWINGS: usize = 6;

/// What this user measures and draws.
#[derive(Debug, Default)]
pub struct Own {
    measured: Option<Measured>,
    drawings: Vec<Drawing>,
    /// The newest drawing is under the hand.
    is_drawing: bool,
    drawn: u64,
    now: f64,
    shown: Arc<People>,
    changed: bool,
}

#[derive(Debug)]
struct Measured {
    scene: SceneId,
    it: Measurement,
    /// The hand holds it.
    held: bool,
    /// Changed since the last look at the clock.
    fresh: bool,
    changed_at: f64,
}

#[derive(Debug)]
struct Drawing {
    scene: SceneId,
    sketch: Sketch,
    /// Its number in this run.
    n: u64,
    layer: TemporaryLayer,
    fresh: bool,
    changed_at: f64,
}

impl Own {
    /// Follows the tool that measures.
    pub fn measure(
        &mut self,
        scene: &SceneId,
        measuring: Measuring,
        options: MeasureOptions,
        color: Rgb,
    ) {
        match measuring {
            Measuring::Along(way) => {
                let it = Measurement {
                    shape: options.shape.number(),
                    color,
                    thickness_px: 6.0,
                    outline_thickness_px: 2.0,
                    marker_size_px: 12.0,
                    snaps_to_grid: way.on_grid,
                    beam_width: Some(options.beam_ft),
                    cone_angle_deg: Some(options.cone_deg),
                    ..Measurement::new("", way.from_world, way.to_world, 0)
                };
                self.measured = Some(Measured {
                    scene: scene.clone(),
                    it,
                    held: true,
                    fresh: true,
                    changed_at: self.now,
                });
            }
            Measuring::Done => {
                if let Some(measured) = &mut self.measured {
                    measured.held = false;
                    measured.fresh = true;
                }
            }
            // One that leads nowhere is not drawn: that takes it away at once from those who keep
            // time themselves.
            Measuring::Dropped => {
                if let Some(measured) = &mut self.measured {
                    measured.it.end_world = measured.it.start_world;
                    measured.held = false;
                    measured.fresh = true;
                }
            }
        }
    }

    /// Follows the pen.
    pub fn draw(&mut self, scene: &SceneSnapshot, ink: Ink, color: Rgb) {
        match ink {
            Ink::Begin {
                at_world,
                radius_world,
            } => self.begin(scene, at_world, radius_world, color),
            Ink::To(to_world) => {
                if let Some(drawing) = self.drawings.last_mut().filter(|_| self.is_drawing) {
                    drawing.sketch.extend(to_world);
                    drawing.fresh = true;
                }
            }
            Ink::Done => self.is_drawing = false,
            Ink::Dropped => {
                if let Some(drawing) = self.drawings.last_mut().filter(|_| self.is_drawing) {
                    drawing.fresh = true;
                    if !drawing.sketch.drop_last() {
                        self.drawings.pop();
                        self.changed = true;
                    }
                }
                self.is_drawing = false;
            }
        }
    }

    /// What is under the hand is dropped.
    pub fn let_go(&mut self) {
        if let Some(measured) = self.measured.as_mut().filter(|measured| measured.held) {
            measured.it.end_world = measured.it.start_world;
            measured.held = false;
            measured.fresh = true;
        }
        self.is_drawing = false;
    }

    fn begin(&mut self, scene: &SceneSnapshot, at_world: DVec2, radius_world: f64, color: Rgb) {
        let takes =
            |drawing: &mut Drawing| drawing.scene == scene.id && drawing.sketch.takes(scene, color);
        if !self.drawings.last_mut().is_some_and(takes) {
            let Some(sketch) = Sketch::over(scene, color) else {
                return;
            };
            self.drawn += 1;
            self.drawings.push(Drawing {
                scene: scene.id.clone(),
                sketch,
                n: self.drawn,
                layer: TemporaryLayer {
                    id: crate::util::id::fresh_uuid().into(),
                    made_unix_ms: 0,
                    expires_unix_ms: 0,
                    color,
                    mask_base64: "".into(),
                    creator: "".into(),
                },
                fresh: true,
                changed_at: f64::NEG_INFINITY,
            });
            if self.drawings.len() > MOST_DRAWINGS {
                self.drawings.remove(0);
                self.changed = true;
            }
        }
        if let Some(drawing) = self.drawings.last_mut() {
            drawing.sketch.begin(at_world, radius_world);
            drawing.fresh = true;
            self.is_drawing = true;
        }
    }

    /// Looks at the clock: `now` is the window's, seconds. Returns when something is due, seconds
    /// from now.
    pub fn follow(&mut self, now: f64, unix_ms: i64) -> Option<f64> {
        self.now = now;
        let wakes = [self.follow_measured(unix_ms), self.follow_drawings(unix_ms)];
        if std::mem::take(&mut self.changed) {
            self.shown = Arc::new(self.as_people());
        }
        wakes.into_iter().flatten().reduce(f64::min)
    }

    fn follow_measured(&mut self, unix_ms: i64) -> Option<f64> {
        let now = self.now;
        let measured = self.measured.as_mut()?;
        if std::mem::take(&mut measured.fresh) {
            measured.it.made_unix_ms = unix_ms;
            measured.changed_at = now;
            self.changed = true;
        }
        if measured.held {
            return None;
        }
        let stays = (measured.it.auto_hide_ms + measured.it.fade_out_ms) / 1000.0;
        let due = [ENDED_S, stays]
            .map(|after| measured.changed_at + after)
            .into_iter()
            .find(|due| now + 1e-6 < *due);
        if due.is_none() {
            self.measured = None;
            self.changed = true;
        }
        Some(due? - now)
    }

    fn follow_drawings(&mut self, unix_ms: i64) -> Option<f64> {
        let (now, is_drawing, count) = (self.now, self.is_drawing, self.drawings.len());
        let mut wake: Option<f64> = None;
        let mut note = |due: f64| wake = Some(wake.map_or(due - now, |wake| wake.min(due - now)));
        let mut n = 0;
        let mut changed = false;
        self.drawings.retain_mut(|drawing| {
            n += 1;
            let in_hand = is_drawing && n == count;
            let due = drawing.changed_at + STROKE_S;
            if drawing.fresh && in_hand && now + 1e-6 < due {
                note(due);
            } else if drawing.fresh {
                drawing.fresh = false;
                drawing.changed_at = now;
                #[expect(clippy::cast_possible_truncation, reason = "milliseconds")]
                let stays_ms = (DRAWING_STAYS_S * 1000.0) as i64;
                drawing.layer.made_unix_ms = unix_ms;
                drawing.layer.expires_unix_ms = unix_ms.saturating_add(stays_ms);
                drawing.layer.mask_base64 = drawing.sketch.mask_base64();
                changed = true;
            }
            let gone_at = drawing.changed_at + DRAWING_STAYS_S;
            if in_hand || now + 1e-6 < gone_at {
                note(gone_at.max(now + STROKE_S));
                return true;
            }
            changed = true;
            false
        });
        self.changed |= changed;
        wake
    }

    /// What windows of this app show, one person for each thing, in the scene that it belongs to.
    #[must_use]
    pub fn shown(&self) -> &Arc<People> {
        &self.shown
    }

    fn as_people(&self) -> People {
        let person = |client: u64, scene: &SceneId, presence: Presence| Person {
            game: GameSessionId::new(""),
            client,
            presence: Arc::new(Presence {
                who: Some(Who {
                    name: "".into(),
                    color: Rgb::WHITE,
                    part: TablePart::Dm,
                    scene: Some(scene.clone()),
                    view: None,
                }),
                ..presence
            }),
            cursor_moved: std::time::Duration::ZERO,
        };
        let measured = self.measured.iter().map(|measured| {
            let presence = Presence {
                measurement: Some(measured.it.clone()),
                ..Presence::default()
            };
            person(0, &measured.scene, presence)
        });
        let drawings = self.drawings.iter().map(|drawing| {
            let presence = Presence {
                temporary_layers: vec![drawing.layer.clone()],
                ..Presence::default()
            };
            person(drawing.n, &drawing.scene, presence)
        });
        People {
            list: measured.chain(drawings).collect(),
        }
    }

    /// What others are shown while `on_table` is the scene on the table.
    #[must_use]
    pub fn for_others(
        &self,
        on_table: Option<&SceneId>,
    ) -> (Option<Measurement>, Vec<TemporaryLayer>) {
        let belongs = |scene: &SceneId| Some(scene) == on_table;
        let measurement = self.measured.as_ref().filter(|measured| {
            let is_said = measured.held || self.now + 1e-6 < measured.changed_at + ENDED_S;
            is_said && belongs(&measured.scene)
        });
        let drawings = self
            .drawings
            .iter()
            .filter(|drawing| belongs(&drawing.scene) && !drawing.layer.mask_base64.is_empty());
        (
            measurement.map(|measured| measured.it.clone()),
            drawings.map(|drawing| drawing.layer.clone()).collect(),
        )
    }

    /// The stroke under the hand, and its colour.
    #[must_use]
    pub fn stroke(&self, scene: &SceneId) -> Option<(&Stroke, Rgb)> {
        let drawing = self.drawings.last().filter(|_| self.is_drawing)?;
        let stroke = drawing.sketch.last_stroke()?;
        (drawing.scene == *scene).then_some((stroke, drawing.sketch.color))
    }

    /// Something that is drawn in a scene can be kept.
    #[must_use]
    pub fn can_keep(&self, scene: &SceneId) -> bool {
        !self.is_drawing && self.drawings.iter().any(|drawing| drawing.scene == *scene)
    }

    /// Takes what is drawn in a scene out, as the edits that keep it.
    pub fn keep(&mut self, scene: &SceneSnapshot) -> Vec<Edit> {
        if !self.can_keep(&scene.id) {
            return Vec::new();
        }
        let (kept, others) = std::mem::take(&mut self.drawings)
            .into_iter()
            .partition(|drawing| drawing.scene == scene.id);
        self.drawings = others;
        self.changed = true;
        let kept: Vec<Drawing> = kept;
        kept.iter()
            .flat_map(|drawing| drawing.sketch.kept(scene))
            .collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::app::tests::snapshot;
    use crate::app::tools::measure::{MeasureShape, Way};

    const RED: Rgb = Rgb::new(255, 0, 0);

    fn along(x: f64) -> Measuring {
        Measuring::Along(Way {
            from_world: DVec2::ZERO,
            to_world: DVec2::new(x, 0.0),
            on_grid: true,
        })
    }

    fn measure(own: &mut Own, what: Measuring) {
        let options = MeasureOptions {
            shape: MeasureShape::Cone,
            cone_deg: 53.13,
            beam_ft: 15.0,
        };
        own.measure(&SceneId::new("Crypt"), what, options, RED);
    }

    fn said(own: &Own) -> Option<Measurement> {
        own.for_others(Some(&SceneId::new("Crypt"))).0
    }

    fn layers(own: &Own) -> Vec<TemporaryLayer> {
        own.for_others(Some(&SceneId::new("Crypt"))).1
    }

    fn stroke(own: &mut Own, color: Rgb, x: f64) {
        let scene = snapshot("Crypt", &[]);
        let begin = Ink::Begin {
            at_world: DVec2::new(x, 0.0),
            radius_world: 6.0,
        };
        for ink in [begin, Ink::To(DVec2::new(x, 90.0)), Ink::Done] {
            own.draw(&scene, ink, color);
        }
    }

    #[test]
    fn a_measurement_is_said_while_it_is_held_and_taken_back_soon_after() {
        let mut own = Own::default();
        measure(&mut own, along(100.0));
        assert_eq!(own.follow(1.0, 5000), None);
        let held = said(&own).unwrap();
        assert_eq!((held.shape, held.made_unix_ms, held.color), (3, 5000, RED));
        assert_eq!((held.thickness_px, held.outline_thickness_px), (6.0, 2.0));
        assert_eq!(
            (held.beam_width, held.cone_angle_deg),
            (Some(15.0), Some(53.13))
        );
        // However long that takes.
        own.follow(60.0, 64_000);
        assert!(said(&own).is_some());
        measure(&mut own, Measuring::Done);
        let wake = own.follow(61.0, 65_000).unwrap();
        assert_eq!(said(&own).unwrap().made_unix_ms, 65_000);
        let wake = own.follow(61.0 + wake, 65_250).unwrap();
        assert_eq!(said(&own), None);
        // The windows of this app show it for its own time.
        assert_eq!(own.shown().list.len(), 1);
        assert!((wake - 3.25).abs() < 0.01, "{wake}");
        assert_eq!(own.follow(61.25 + wake, 68_500), None);
        assert_eq!(own.shown().list.len(), 0);
    }

    #[test]
    fn nothing_goes_out_of_a_scene_that_is_not_on_the_table() {
        let mut own = Own::default();
        measure(&mut own, along(100.0));
        stroke(&mut own, RED, 0.0);
        own.follow(1.0, 5000);
        for elsewhere in [None, Some(&SceneId::new("Cave"))] {
            assert_eq!(own.for_others(elsewhere), (None, Vec::new()));
        }
        assert_eq!(own.shown().list.len(), 2);
        let scenes = own.shown().list.iter().map(|person| {
            let who = person.presence.who.as_ref().unwrap();
            who.scene.clone().unwrap()
        });
        assert!(scenes.into_iter().all(|scene| scene.as_str() == "Crypt"));
    }

    #[test]
    fn what_is_dropped_leads_nowhere_for_a_moment_and_is_gone() {
        let mut own = Own::default();
        measure(&mut own, Measuring::Dropped);
        assert_eq!(own.follow(0.0, 0), None);
        measure(&mut own, along(100.0));
        own.follow(1.0, 1000);
        measure(&mut own, Measuring::Dropped);
        own.follow(1.5, 1500);
        let last = said(&own).unwrap();
        assert_eq!(last.start_world, last.end_world);
        own.follow(1.76, 1760);
        assert_eq!(said(&own), None);
    }

    #[test]
    fn a_drawing_lasts_ten_seconds_after_its_last_stroke() {
        let mut own = Own::default();
        stroke(&mut own, RED, 0.0);
        own.follow(1.0, 50_000);
        let [first] = layers(&own).try_into().unwrap();
        assert_eq!(first.expires_unix_ms - first.made_unix_ms, 10_000);
        assert_eq!((first.made_unix_ms, first.color), (50_000, RED));
        // A stroke of the same colour goes into it, and both stay.
        own.follow(9.0, 58_000);
        stroke(&mut own, RED, 300.0);
        own.follow(9.0, 58_000);
        let [second] = layers(&own).try_into().unwrap();
        assert_eq!((&second.id, second.made_unix_ms), (&first.id, 58_000));
        assert!(second.mask_base64.len() > first.mask_base64.len());
        // One of another colour is another drawing.
        stroke(&mut own, Rgb::WHITE, 600.0);
        own.follow(12.0, 61_000);
        assert_eq!(layers(&own).len(), 2);
        let wake = own.follow(18.9, 67_900).unwrap();
        assert!((wake - 0.1).abs() < 0.06, "{wake}");
        own.follow(19.0, 68_000);
        let [rest] = layers(&own).try_into().unwrap();
        assert_eq!(rest.color, Rgb::WHITE);
        assert_eq!(own.follow(22.0, 71_000), None);
        assert_eq!((layers(&own), own.shown().list.len()), (Vec::new(), 0));
    }

    #[test]
    fn a_stroke_is_shown_while_it_is_drawn_but_not_with_every_move() {
        let mut own = Own::default();
        let scene = snapshot("Crypt", &[]);
        let begin = Ink::Begin {
            at_world: DVec2::ZERO,
            radius_world: 6.0,
        };
        own.draw(&scene, begin, RED);
        let mut masks = Vec::new();
        for n in 0..100 {
            own.draw(&scene, Ink::To(DVec2::new(f64::from(n), 0.0)), RED);
            own.follow(f64::from(n) * 0.01, i64::from(n) * 10);
            masks.extend(layers(&own).pop().map(|layer| layer.mask_base64));
        }
        assert!(own.stroke(&scene.id).is_some() && !own.can_keep(&scene.id));
        masks.dedup();
        assert!((5..=8).contains(&masks.len()), "{}", masks.len());
        own.draw(&scene, Ink::Done, RED);
        own.follow(1.0, 1000);
        assert!(own.stroke(&scene.id).is_none());
        assert_ne!(layers(&own)[0].mask_base64, *masks.last().unwrap());
    }

    #[test]
    fn escape_takes_the_stroke_and_leaves_those_before() {
        let mut own = Own::default();
        let scene = snapshot("Crypt", &[]);
        stroke(&mut own, RED, 0.0);
        own.follow(1.0, 1000);
        let before = layers(&own)[0].mask_base64.clone();
        let begin = Ink::Begin {
            at_world: DVec2::new(500.0, 0.0),
            radius_world: 6.0,
        };
        for ink in [begin, Ink::Dropped] {
            own.draw(&scene, ink, RED);
        }
        own.follow(2.0, 2000);
        assert_eq!(layers(&own)[0].mask_base64, before);
        for ink in [begin, Ink::Dropped] {
            own.draw(&scene, ink, Rgb::WHITE);
        }
        own.follow(3.0, 3000);
        assert_eq!(layers(&own).len(), 1);
    }

    #[test]
    fn the_oldest_of_too_many_drawings_goes() {
        let mut own = Own::default();
        for n in 0..9_u8 {
            stroke(&mut own, Rgb::new(n, 0, 0), 0.0);
        }
        own.follow(1.0, 1000);
        let colors: Vec<u8> = layers(&own).iter().map(|layer| layer.color.r).collect();
        assert_eq!(colors, [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn what_is_kept_is_shown_for_a_while_no_more() {
        let mut own = Own::default();
        stroke(&mut own, RED, 0.0);
        stroke(&mut own, Rgb::WHITE, 0.0);
        own.follow(1.0, 1000);
        let cave = snapshot("Cave", &[]);
        assert!(own.keep(&cave).is_empty());
        let kept = own.keep(&snapshot("Crypt", &[]));
        let layers_made = kept.iter().filter(|it| matches!(it, Edit::Create { .. }));
        assert_eq!((layers_made.count(), kept.len()), (2, 4));
        own.follow(1.1, 1100);
        assert_eq!((layers(&own).len(), own.shown().list.len()), (0, 0));
    }
}

//! The fog brush: a round brush along the pointer's path.
//!
//! With live reveal a stroke leaves in segments of one gesture, so that the table follows the hand
//! and undo still takes the whole stroke back.

use std::time::Duration;

use glam::DVec2;

use super::{Effect, Event, Keys, ToolContext, whole};
use crate::model::edit::Edit;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::session::api::GestureId;

/// How often a held brush commits a segment.
const SEGMENT: Duration = Duration::from_millis(100);
/// A segment longer than this many points leaves at once.
const SEGMENT_POINTS: usize = 256;

/// The fog brush.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Brush {
    /// Nothing is drawn.
    #[default]
    Idle,
    /// A stroke is being drawn.
    Drawing(Stroke),
}

/// A stroke that is being drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    gesture: GestureId,
    mode: StrokeMode,
    radius: i32,
    /// Not yet committed; the first is the last of the segment before.
    points: Vec<[i32; 2]>,
    /// The same on the screen, for the preview.
    path_world: Vec<DVec2>,
    committed: bool,
    since: Duration,
}

impl Stroke {
    /// What it does.
    #[must_use]
    pub fn mode(&self) -> StrokeMode {
        self.mode
    }

    /// The path that is not committed yet, world units.
    #[must_use]
    pub fn path_world(&self) -> &[DVec2] {
        &self.path_world
    }

    fn commit(&mut self, ctx: &ToolContext<'_>, last: bool) -> Effect {
        let points = self.points.clone();
        let edits = vec![Edit::Stroke {
            scene: ctx.scene.clone(),
            target: MaskTarget::Fog,
            stroke: NewStroke {
                shape: StrokeShape::Brush {
                    radius: self.radius,
                },
                mode: self.mode,
                points,
            },
        }];
        self.points = self.points.last().copied().into_iter().collect();
        self.path_world = self.path_world.last().copied().into_iter().collect();
        self.committed = true;
        self.since = ctx.now;
        Effect::Edit {
            gesture: self.gesture,
            label: label(self.mode),
            edits,
            last,
        }
    }

    fn extend(&mut self, at_world: DVec2, ctx: &ToolContext<'_>) {
        let Some(point) = ctx.stroke_point(at_world) else {
            return;
        };
        let near = self.points.last().is_some_and(|&[x, y]| {
            let least = i64::from((self.radius / 12).max(8));
            let (dx, dy) = (
                i64::from(point[0]) - i64::from(x),
                i64::from(point[1]) - i64::from(y),
            );
            dx * dx + dy * dy < least * least
        });
        if !near {
            self.points.push(point);
            self.path_world.push(at_world);
        }
    }
}

/// What the undo menu says of a fog stroke.
#[must_use]
pub fn label(mode: StrokeMode) -> &'static str {
    match mode {
        StrokeMode::Erase => "Reveal",
        StrokeMode::Add => "Cover with fog",
    }
}

impl Brush {
    /// A stroke is being drawn.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Drawing(_))
    }

    /// The tool after an event.
    #[must_use]
    pub fn transition(self, event: Event, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        match (self, event) {
            (Self::Idle, Event::Press { at_world, keys }) => Self::begin(at_world, keys, ctx),
            (Self::Drawing(mut stroke), Event::Move { at_world, .. }) => {
                stroke.extend(at_world, ctx);
                stroke.flush_when_due(ctx)
            }
            (Self::Drawing(stroke), Event::Tick) => stroke.flush_when_due(ctx),
            (Self::Drawing(mut stroke), Event::Release { at_world, .. }) => {
                stroke.extend(at_world, ctx);
                let effect = if stroke.committed && stroke.points.len() < 2 {
                    stroke.end(ctx)
                } else {
                    stroke.commit(ctx, true)
                };
                (Self::Idle, vec![effect])
            }
            // What the table has seen stays one undo step; the rest is dropped.
            (Self::Drawing(stroke), Event::Cancel) => {
                let effects = if stroke.committed {
                    vec![stroke.end(ctx)]
                } else {
                    Vec::new()
                };
                (Self::Idle, effects)
            }
            (state, _) => (state, Vec::new()),
        }
    }

    fn begin(at_world: DVec2, keys: Keys, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        let Some(point) = ctx.stroke_point(at_world) else {
            return (Self::Idle, Vec::new());
        };
        let radius = whole(ctx.brush_radius_world() * ctx.stroke_units_per_world()).max(1);
        (
            Self::Drawing(Stroke {
                gesture: ctx.gestures.fresh(),
                mode: ctx.mode_with(keys),
                radius,
                points: vec![point],
                path_world: vec![at_world],
                committed: false,
                since: ctx.now,
            }),
            Vec::new(),
        )
    }
}

impl Stroke {
    fn flush_when_due(mut self, ctx: &ToolContext<'_>) -> (Brush, Vec<Effect>) {
        let fresh = !self.committed || self.points.len() > 1;
        let due = ctx.reveal_live && ctx.now.saturating_sub(self.since) >= SEGMENT && fresh;
        let full = self.points.len() >= SEGMENT_POINTS;
        let effects = if due || full {
            vec![self.commit(ctx, false)]
        } else {
            Vec::new()
        };
        (Brush::Drawing(self), effects)
    }

    fn end(&self, _ctx: &ToolContext<'_>) -> Effect {
        Effect::Edit {
            gesture: self.gesture,
            label: label(self.mode),
            edits: Vec::new(),
            last: true,
        }
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::super::testing::{Stage, drag, press, press_with, release};
    use super::super::{Tool, ToolKind};
    use super::*;

    fn strokes(effects: &[Effect]) -> Vec<(NewStroke, bool, GestureId)> {
        effects
            .iter()
            .map(|effect| match effect {
                Effect::Edit {
                    edits,
                    last,
                    gesture,
                    ..
                } => match edits.as_slice() {
                    [Edit::Stroke { stroke, .. }] => (stroke.clone(), *last, *gesture),
                    other => panic!("{other:?}"),
                },
                other => panic!("a brush does nothing else: {other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_quick_drag_is_one_stroke_in_sixteenths_of_map_pixels() {
        let mut stage = Stage::default();
        let (tool, effects) = stage.play(
            Tool::of(ToolKind::FogBrush),
            &[press(10.0, -4.0), drag(60.0, -4.0), release(60.0, -4.0)],
        );
        assert!(!tool.is_busy());
        let strokes = strokes(&effects);
        let [(stroke, true, _)] = strokes.as_slice() else {
            panic!("{strokes:?}");
        };
        assert_eq!(stroke.points, [[160, -64], [960, -64]]);
        // Two cells of 50 world units across.
        assert_eq!(stroke.shape, StrokeShape::Brush { radius: 50 * 16 });
        assert_eq!(stroke.mode, StrokeMode::Erase);
    }

    #[test]
    fn a_slow_drag_reveals_as_it_goes_and_is_one_gesture() {
        let mut stage = Stage::default();
        let mut events = vec![press(0.0, 0.0)];
        events.extend((1..=10).map(|i| drag(f64::from(i) * 30.0, 0.0)));
        events.push(release(300.0, 0.0));
        let (_, effects) = stage.play(Tool::of(ToolKind::FogBrush), &events);
        let strokes = strokes(&effects);
        assert!(strokes.len() >= 3, "{}", strokes.len());
        assert!(strokes.windows(2).all(|pair| pair[0].2 == pair[1].2));
        assert!(strokes.windows(2).all(|pair| !pair[0].1));
        assert!(strokes.last().is_some_and(|(_, last, _)| *last));
        // Each segment goes on where the one before ended.
        for pair in strokes.windows(2) {
            assert_eq!(pair[0].0.points.last(), pair[1].0.points.first());
        }
    }

    #[test]
    fn a_click_is_a_dot_and_shift_covers() {
        let mut stage = Stage::default();
        let shift = Keys {
            shift: true,
            ..Keys::default()
        };
        let (_, effects) = stage.play(
            Tool::of(ToolKind::FogBrush),
            &[press_with(5.0, 5.0, shift), release(5.0, 5.0)],
        );
        let strokes = strokes(&effects);
        assert_eq!(strokes.len(), 1);
        assert_eq!(strokes[0].0.mode, StrokeMode::Add);
        assert_eq!(strokes[0].0.points, [[80, 80]]);
    }

    #[test]
    fn escape_drops_what_the_table_has_not_seen() {
        let mut stage = Stage {
            reveal_live: false,
            ..Stage::default()
        };
        let (tool, effects) = stage.play(
            Tool::of(ToolKind::FogBrush),
            &[press(0.0, 0.0), drag(90.0, 0.0), Event::Cancel],
        );
        assert!(effects.is_empty());
        assert!(!tool.is_busy());
    }

    #[test]
    fn without_a_map_there_is_no_fog_to_paint() {
        let mut stage = Stage {
            has_map: false,
            ..Stage::default()
        };
        let (_, effects) = stage.play(
            Tool::of(ToolKind::FogBrush),
            &[press(0.0, 0.0), drag(90.0, 0.0), release(90.0, 0.0)],
        );
        assert!(effects.is_empty());
    }
}

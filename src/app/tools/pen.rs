//! The pen: freehand strokes that fade by themselves.
//!
//! The tool knows the hand; the strokes, how long they stay and who is shown them are
//! [`crate::app::presence::own`]'s.

use glam::DVec2;

use super::{Effect, Event, ToolContext};

/// Width of a stroke, cells.
const WIDTH_CELLS: f64 = 0.25;

/// What becomes of a stroke.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ink {
    /// A stroke begins.
    Begin {
        /// Where, world units.
        at_world: DVec2,
        /// Half its width, world units.
        radius_world: f64,
    },
    /// It goes on to here, world units.
    To(DVec2),
    /// The hand let go.
    Done,
    /// It goes at once.
    Dropped,
}

/// The pen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pen {
    drawing: Option<Drawing>,
}

/// A stroke under the hand.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Drawing {
    last_world: DVec2,
    radius_world: f64,
}

impl Pen {
    /// A stroke is being drawn.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.drawing.is_some()
    }

    /// Half the width of a stroke, world units.
    #[must_use]
    pub fn radius_world(ctx: &ToolContext<'_>) -> f64 {
        ctx.cell_world * WIDTH_CELLS / 2.0
    }

    /// The tool after an event.
    #[must_use]
    pub fn transition(self, event: Event, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        match (self.drawing, event) {
            (None, Event::Press { at_world, .. }) if at_world.is_finite() => {
                let radius_world = Self::radius_world(ctx);
                let drawing = Some(Drawing {
                    last_world: at_world,
                    radius_world,
                });
                let begin = Ink::Begin {
                    at_world,
                    radius_world,
                };
                (Self { drawing }, vec![Effect::Ink(begin)])
            }
            (Some(drawing), Event::Move { at_world, .. }) => {
                // What lies nearer cannot be seen in a stroke of this width.
                let least = (drawing.radius_world / 6.0).max(ctx.point_world);
                let (drawing, told) = drawing.to(at_world, least);
                let drawing = Some(drawing);
                (Self { drawing }, told)
            }
            (Some(drawing), Event::Release { at_world, .. }) => {
                let (_, mut told) = drawing.to(at_world, f64::MIN_POSITIVE);
                told.push(Effect::Ink(Ink::Done));
                (Self::default(), told)
            }
            (Some(_), Event::Cancel) => (Self::default(), vec![Effect::Ink(Ink::Dropped)]),
            _ => (self, Vec::new()),
        }
    }

    /// What can be done now.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        if self.is_busy() {
            "Let go and it fades after ten seconds. Esc: cancel."
        } else {
            "Drag to draw for a moment; the table sees it. K: keep it. Esc: done."
        }
    }
}

impl Drawing {
    fn to(self, at_world: DVec2, least: f64) -> (Self, Vec<Effect>) {
        let far = at_world.distance(self.last_world);
        if !far.is_finite() || far < least {
            return (self, Vec::new());
        }
        let next = Self {
            last_world: at_world,
            ..self
        };
        (next, vec![Effect::Ink(Ink::To(at_world))])
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::super::testing::{Stage, drag, press, release};
    use super::super::{Tool, ToolKind};
    use super::*;

    fn inks(effects: &[Effect]) -> Vec<Ink> {
        effects
            .iter()
            .map(|effect| match effect {
                Effect::Ink(ink) => *ink,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    const BEGIN: Ink = Ink::Begin {
        at_world: DVec2::ZERO,
        // A quarter of a cell of 50 across.
        radius_world: 6.25,
    };

    fn to(x: f64, y: f64) -> Ink {
        Ink::To(DVec2::new(x, y))
    }

    #[test]
    fn a_stroke_follows_the_hand_off_the_grid_and_ends_where_it_lets_go() {
        let mut stage = Stage::default();
        let events = [
            press(0.0, 0.0),
            drag(30.0, 7.0),
            // Too near to be seen.
            drag(30.5, 7.0),
            release(30.5, 7.5),
        ];
        let (tool, effects) = stage.play(Tool::of(ToolKind::Pen), &events);
        assert!(!tool.is_busy());
        assert_eq!(
            inks(&effects),
            [BEGIN, to(30.0, 7.0), to(30.5, 7.5), Ink::Done]
        );
    }

    #[test]
    fn a_click_is_a_dot_and_escape_leaves_nothing() {
        let mut stage = Stage::default();
        let click = [press(0.0, 0.0), release(0.0, 0.0)];
        let (_, effects) = stage.play(Tool::of(ToolKind::Pen), &click);
        assert_eq!(inks(&effects), [BEGIN, Ink::Done]);
        let escaped = [press(0.0, 0.0), drag(30.0, 7.0), Event::Cancel];
        let (tool, effects) = stage.play(Tool::of(ToolKind::Pen), &escaped);
        assert_eq!(inks(&effects), [BEGIN, to(30.0, 7.0), Ink::Dropped]);
        assert!(!tool.is_busy());
    }

    #[test]
    fn it_needs_no_map_and_survives_odd_places() {
        let mut stage = Stage {
            has_map: false,
            ..Stage::default()
        };
        let nowhere = [press(f64::NAN, 0.0), drag(1.0, 0.0), release(1.0, 0.0)];
        let (_, effects) = stage.play(Tool::of(ToolKind::Pen), &nowhere);
        assert_eq!(effects, []);
        let far = [press(0.0, 0.0), drag(f64::INFINITY, 0.0), release(9.0, 0.0)];
        let (_, effects) = stage.play(Tool::of(ToolKind::Pen), &far);
        assert_eq!(inks(&effects), [BEGIN, to(9.0, 0.0), Ink::Done]);
    }
}

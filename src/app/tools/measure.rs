//! Measuring: from where the button went down to where it comes up.
//!
//! The tool knows the two ends; what they look like, who is shown them and how long they stay is
//! [`crate::app::presence::own`]'s.

use std::time::Duration;

use glam::DVec2;
use serde::{Deserialize, Serialize};

use super::{Effect, Event, Keys, ToolContext};

/// A hand that rests says again what it measures: others let it fade by the last word.
const SAYS_AGAIN: Duration = Duration::from_secs(1);

/// Angles of cones that rules know, degrees: 53.13 is the fifth edition's, as wide as it is long.
pub const CONES_DEG: [f64; 4] = [30.0, 53.13, 60.0, 90.0];
/// Widths of beams, feet.
pub const BEAMS_FT: [f64; 4] = [5.0, 10.0, 15.0, 20.0];

/// What is measured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MeasureShape {
    /// From end to end.
    #[default]
    Line,
    /// All around the start.
    Circle,
    /// Around the start, along the axes.
    Square,
    /// From the start, wider and wider.
    Cone,
    /// Along the way, as wide everywhere.
    Beam,
}

impl MeasureShape {
    /// The tool bar, from left to right.
    pub const ALL: [Self; 5] = [
        Self::Line,
        Self::Circle,
        Self::Square,
        Self::Cone,
        Self::Beam,
    ];

    /// The number that states have for it.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Line => 1,
            Self::Beam => 2,
            Self::Cone => 3,
            Self::Circle => 4,
            Self::Square => 5,
        }
    }
}

/// What is measured with, and how wide it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MeasureOptions {
    /// The shape.
    pub shape: MeasureShape,
    /// The whole angle of a cone, degrees.
    pub cone_deg: f64,
    /// The width of a beam, feet.
    pub beam_ft: f64,
}

impl Default for MeasureOptions {
    fn default() -> Self {
        Self {
            shape: MeasureShape::default(),
            cone_deg: 60.0,
            beam_ft: 10.0,
        }
    }
}

impl MeasureOptions {
    /// The same with the nearest angle and width that are offered.
    #[must_use]
    pub fn made_sane(self) -> Self {
        let nearest = |wanted: f64, offered: [f64; 4]| {
            offered
                .into_iter()
                .min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs()))
                .unwrap_or(wanted)
        };
        Self {
            cone_deg: nearest(self.cone_deg, CONES_DEG),
            beam_ft: nearest(self.beam_ft, BEAMS_FT),
            ..self
        }
    }
}

/// The way that is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// Where it begins, world units.
    pub from_world: DVec2,
    /// Where it ends, world units.
    pub to_world: DVec2,
    /// Both ends are on the grid.
    pub on_grid: bool,
}

impl Way {
    /// It leads nowhere.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.from_world == self.to_world
    }
}

/// What becomes of a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measuring {
    /// This is measured now.
    Along(Way),
    /// The hand let go: it stays for its time.
    Done,
    /// It goes at once.
    Dropped,
}

/// The tool that measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeasureTool {
    /// Nothing is measured.
    Idle {
        /// Where it would begin, world units.
        at_world: Option<DVec2>,
    },
    /// The button is down.
    Dragging(Drag),
}

/// A measurement under the hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drag {
    from_world: DVec2,
    from_grid: bool,
    /// What was said last, and when.
    said: Option<(Way, Duration)>,
}

impl Default for MeasureTool {
    fn default() -> Self {
        Self::Idle { at_world: None }
    }
}

impl MeasureTool {
    /// Something is measured.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Dragging(_))
    }

    /// Where a measurement would begin.
    #[must_use]
    pub fn ghost_world(&self) -> Option<DVec2> {
        match self {
            Self::Idle { at_world } => *at_world,
            Self::Dragging(_) => None,
        }
    }

    /// The tool after an event.
    #[must_use]
    pub fn transition(self, event: Event, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        match (self, event) {
            (Self::Idle { .. }, Event::Move { at_world, keys }) => {
                let (at_world, _) = end_of(at_world, keys, ctx);
                let at_world = Some(at_world);
                (Self::Idle { at_world }, Vec::new())
            }
            (Self::Idle { .. }, Event::Press { at_world, keys }) if at_world.is_finite() => {
                let (from_world, from_grid) = end_of(at_world, keys, ctx);
                let drag = Drag {
                    from_world,
                    from_grid,
                    said: None,
                };
                (Self::Dragging(drag), Vec::new())
            }
            (Self::Idle { .. }, Event::Leave | Event::Cancel) => (Self::default(), Vec::new()),
            (Self::Dragging(drag), Event::Move { at_world, keys }) => {
                let (drag, told) = drag.say(drag.way_to(at_world, keys, ctx), ctx.now);
                (Self::Dragging(drag), told)
            }
            (Self::Dragging(drag), Event::Tick) => {
                let again = drag
                    .said
                    .filter(|(_, at)| ctx.now.saturating_sub(*at) >= SAYS_AGAIN);
                match again {
                    Some((way, _)) => {
                        let said = Some((way, ctx.now));
                        let again = Effect::Measure(Measuring::Along(way));
                        (Self::Dragging(Drag { said, ..drag }), vec![again])
                    }
                    None => (self, Vec::new()),
                }
            }
            (Self::Dragging(drag), Event::Release { at_world, keys }) => {
                let way = drag.way_to(at_world, keys, ctx);
                if way.is_nothing() {
                    return (Self::default(), vec![Effect::Measure(Measuring::Dropped)]);
                }
                let (_, mut told) = drag.say(way, ctx.now);
                told.push(Effect::Measure(Measuring::Done));
                (Self::default(), told)
            }
            (Self::Dragging(_), Event::Cancel) => {
                (Self::default(), vec![Effect::Measure(Measuring::Dropped)])
            }
            (same, _) => (same, Vec::new()),
        }
    }

    /// What can be done now.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        if self.is_busy() {
            "Let go and it stays for a moment. Alt: free of the grid. Esc: cancel."
        } else {
            "Drag to measure; the table sees it. Alt: free of the grid. Esc: done."
        }
    }
}

impl Drag {
    fn way_to(&self, at_world: DVec2, keys: Keys, ctx: &ToolContext<'_>) -> Way {
        let (to_world, to_grid) = if at_world.is_finite() {
            end_of(at_world, keys, ctx)
        } else {
            (self.from_world, self.from_grid)
        };
        Way {
            from_world: self.from_world,
            to_world,
            on_grid: self.from_grid && to_grid,
        }
    }

    /// Tells of a way when it is another one; not of one that has led nowhere from the beginning.
    fn say(self, way: Way, now: Duration) -> (Self, Vec<Effect>) {
        let is_news = match self.said {
            Some((said, _)) => said != way,
            None => !way.is_nothing(),
        };
        if !is_news {
            return (self, Vec::new());
        }
        let said = Some((way, now));
        let told = vec![Effect::Measure(Measuring::Along(way))];
        (Self { said, ..self }, told)
    }
}

/// An end of a measurement for a pointer, and whether it is on the grid.
fn end_of(at_world: DVec2, keys: Keys, ctx: &ToolContext<'_>) -> (DVec2, bool) {
    if ctx.snapping && !keys.alt {
        ((ctx.snap_end_world)(at_world), true)
    } else {
        (at_world, false)
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::super::testing::{Stage, drag, drag_with, press, press_with, release};
    use super::super::{Tool, ToolKind};
    use super::*;

    fn tool() -> Tool {
        Tool::of(ToolKind::Measure)
    }

    fn measured(effects: &[Effect]) -> Vec<Measuring> {
        effects
            .iter()
            .map(|effect| match effect {
                Effect::Measure(measuring) => *measuring,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn way(from: [f64; 2], to: [f64; 2], on_grid: bool) -> Measuring {
        Measuring::Along(Way {
            from_world: from.into(),
            to_world: to.into(),
            on_grid,
        })
    }

    const ALT: Keys = Keys {
        shift: false,
        alt: true,
        command: false,
    };

    #[test]
    fn a_drag_measures_from_grid_to_grid_and_says_only_what_is_new() {
        let mut stage = Stage::default();
        let (tool, effects) = stage.play(
            tool(),
            &[
                press(3.0, -4.0),
                drag(60.0, 2.0),
                drag(61.0, 3.0),
                drag(99.0, 0.0),
                release(99.0, 0.0),
            ],
        );
        assert!(!tool.is_busy());
        assert_eq!(
            measured(&effects),
            [
                way([0.0, 0.0], [50.0, 0.0], true),
                way([0.0, 0.0], [100.0, 0.0], true),
                Measuring::Done,
            ]
        );
    }

    #[test]
    fn alt_is_free_of_the_grid_and_one_free_end_makes_the_way_a_free_one() {
        let mut stage = Stage::default();
        let events = [
            press_with(3.0, 4.0, ALT),
            drag_with(60.0, 2.0, ALT),
            drag(99.0, 0.0),
        ];
        let (_, effects) = stage.play(tool(), &events);
        assert_eq!(
            measured(&effects),
            [
                way([3.0, 4.0], [60.0, 2.0], false),
                way([3.0, 4.0], [100.0, 0.0], false),
            ]
        );
    }

    #[test]
    fn what_leads_nowhere_is_dropped_and_so_is_what_escape_takes_away() {
        let mut stage = Stage::default();
        let (_, effects) = stage.play(tool(), &[press(3.0, 4.0), release(5.0, 1.0)]);
        assert_eq!(measured(&effects), [Measuring::Dropped]);
        // Out and back again.
        let back = [
            press(0.0, 0.0),
            drag(50.0, 0.0),
            drag(2.0, 0.0),
            release(2.0, 0.0),
        ];
        let (_, effects) = stage.play(tool(), &back);
        assert_eq!(
            measured(&effects),
            [
                way([0.0, 0.0], [50.0, 0.0], true),
                way([0.0, 0.0], [0.0, 0.0], true),
                Measuring::Dropped,
            ]
        );
        let escaped = [press(0.0, 0.0), drag(50.0, 0.0), Event::Cancel];
        let (tool, effects) = stage.play(tool(), &escaped);
        assert_eq!(measured(&effects).last(), Some(&Measuring::Dropped));
        assert!(!tool.is_busy());
    }

    #[test]
    fn a_hand_that_rests_says_it_again_now_and_then() {
        let mut stage = Stage::default();
        let (held, _) = stage.play(tool(), &[press(0.0, 0.0), drag(50.0, 0.0)]);
        // 40 ms each.
        let (_, effects) = stage.play(held, &[Event::Tick; 60]);
        let again = measured(&effects);
        assert_eq!(again, [way([0.0, 0.0], [50.0, 0.0], true); 2]);
        // Before anything was measured there is nothing to say.
        let (pressed, _) = stage.play(tool(), &[press(0.0, 0.0)]);
        let (_, effects) = stage.play(pressed, &[Event::Tick; 60]);
        assert_eq!(effects, []);
    }

    #[test]
    fn the_pointer_shows_where_it_would_begin() {
        let mut stage = Stage::default();
        let ghost = |tool: &Tool| match tool {
            Tool::Measure(tool) => tool.ghost_world(),
            other => panic!("{other:?}"),
        };
        let (tool, _) = stage.play(tool(), &[drag(31.0, 12.0)]);
        assert_eq!(ghost(&tool), Some(DVec2::new(50.0, 0.0)));
        let (tool, _) = stage.play(tool, &[Event::Leave]);
        assert_eq!(ghost(&tool), None);
    }

    #[test]
    fn options_of_another_version_are_the_nearest_that_are_offered() {
        let odd = MeasureOptions {
            cone_deg: 52.0,
            beam_ft: f64::INFINITY,
            ..MeasureOptions::default()
        };
        let sane = odd.made_sane();
        assert_eq!(sane.cone_deg, 53.13);
        assert!(BEAMS_FT.contains(&sane.beam_ft));
    }
}

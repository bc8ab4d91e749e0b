//! Select and move: picks markers, lights and drawings by click, markers by box, and drags what has a
//! place over the grid.

use std::collections::BTreeSet;

use glam::DVec2;

use super::{Effect, Event, Keys, Thing, ToolContext};
use crate::geom::rect::DRect;
use crate::model::edit::Edit;
use crate::model::id::RowId;
use crate::model::property::RowKind;
use crate::session::api::GestureId;

/// How far the pointer must go before a press is a drag, points.
const SLOP_POINTS: f64 = 4.0;

/// The select tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Select {
    /// Nothing is held.
    #[default]
    Idle,
    /// The button is down on a marker or light, and nothing has moved.
    Pressed {
        /// What is under the pointer.
        id: RowId,
        /// Where the button went down, world units.
        from_world: DVec2,
        /// A click without a drag shall take it out of the picked ones.
        unpick_on_click: bool,
        /// A click without a drag shall leave it as the only picked one.
        alone_on_click: bool,
    },
    /// What is picked follows the pointer.
    Dragging(Drag),
    /// A box is drawn.
    Box {
        /// Where it began, world units.
        from_world: DVec2,
        /// Where the pointer is, world units.
        to_world: DVec2,
        /// What was picked before and stays.
        before: BTreeSet<RowId>,
    },
}

/// Markers and lights that follow the pointer.
#[derive(Debug, Clone, PartialEq)]
pub struct Drag {
    gesture: GestureId,
    /// What snaps; the others keep their distance.
    lead: RowId,
    from_world: DVec2,
    /// All of them, where they began.
    origins: Vec<Thing>,
    moved_by: DVec2,
}

impl Select {
    /// A gesture is going on.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !matches!(self, Self::Idle)
    }

    /// One line about what can be done now.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Idle | Self::Pressed { .. } => {
                "Click or box to pick, drag to move. Shift: add. Arrows: nudge by a cell."
            }
            Self::Dragging(_) => "Alt: free of the grid. Esc: put back.",
            Self::Box { .. } => "Let go to pick what is inside. Esc: cancel.",
        }
    }

    /// The box that is drawn, world units.
    #[must_use]
    pub fn box_world(&self) -> Option<DRect> {
        match self {
            Self::Box {
                from_world,
                to_world,
                ..
            } => Some(DRect::from_corners(*from_world, *to_world)),
            _ => None,
        }
    }

    /// The tool after an event.
    #[must_use]
    pub fn transition(self, event: Event, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        match (self, event) {
            (Self::Idle, Event::Press { at_world, keys }) => Self::press(at_world, keys, ctx),
            (
                Self::Pressed {
                    id,
                    from_world,
                    unpick_on_click,
                    alone_on_click,
                },
                Event::Move { at_world, keys },
            ) => {
                if at_world.distance(from_world) < SLOP_POINTS * ctx.point_world {
                    let same = Self::Pressed {
                        id,
                        from_world,
                        unpick_on_click,
                        alone_on_click,
                    };
                    return (same, Vec::new());
                }
                match Drag::begin(id, from_world, ctx) {
                    Some(drag) => drag.follow(at_world, keys, ctx),
                    None => (Self::Idle, Vec::new()),
                }
            }
            (
                Self::Pressed {
                    id,
                    unpick_on_click,
                    alone_on_click,
                    ..
                },
                Event::Release { .. },
            ) => {
                let mut picked = ctx.picked.clone();
                if unpick_on_click {
                    picked.remove(&id);
                } else if alone_on_click {
                    picked = BTreeSet::from([id]);
                }
                let changed = picked != *ctx.picked;
                (
                    Self::Idle,
                    changed
                        .then_some(Effect::Pick(picked))
                        .into_iter()
                        .collect(),
                )
            }
            (Self::Dragging(drag), Event::Move { at_world, keys }) => {
                drag.follow(at_world, keys, ctx)
            }
            (Self::Dragging(drag), Event::Release { at_world, keys }) => {
                let (next, mut effects) = drag.follow(at_world, keys, ctx);
                if let Self::Dragging(drag) = next {
                    effects.push(drag.end());
                }
                (Self::Idle, effects)
            }
            (Self::Dragging(drag), Event::Cancel) => (Self::Idle, drag.put_back(ctx)),
            (
                Self::Box {
                    from_world, before, ..
                },
                Event::Move { at_world, .. },
            ) => Self::draw_box(from_world, at_world, before, ctx),
            (
                Self::Box {
                    from_world, before, ..
                },
                Event::Release { at_world, .. },
            ) => {
                let clicked = at_world.distance(from_world) < SLOP_POINTS * ctx.point_world;
                let drawing = clicked.then(|| (ctx.drawing_at)(at_world)).flatten();
                let effects = match drawing {
                    Some(id) => vec![Effect::Pick(before.into_iter().chain([id]).collect())],
                    None => Self::draw_box(from_world, at_world, before, ctx).1,
                };
                (Self::Idle, effects)
            }
            (Self::Box { before, .. }, Event::Cancel) => (Self::Idle, vec![Effect::Pick(before)]),
            (Self::Pressed { .. }, Event::Cancel) => (Self::Idle, Vec::new()),
            (state, _) => (state, Vec::new()),
        }
    }

    fn press(at_world: DVec2, keys: Keys, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        let more = keys.shift || keys.command;
        let Some(hit) = ctx.thing_at(at_world) else {
            let before = if more {
                ctx.picked.clone()
            } else {
                BTreeSet::new()
            };
            let effects = (before != *ctx.picked)
                .then(|| Effect::Pick(before.clone()))
                .into_iter()
                .collect();
            let boxed = Self::Box {
                from_world: at_world,
                to_world: at_world,
                before,
            };
            return (boxed, effects);
        };
        let already = ctx.picked.contains(&hit.id);
        let mut picked = if more || already {
            ctx.picked.clone()
        } else {
            BTreeSet::new()
        };
        picked.insert(hit.id.clone());
        let effects = (picked != *ctx.picked)
            .then_some(Effect::Pick(picked))
            .into_iter()
            .collect();
        let pressed = Self::Pressed {
            id: hit.id.clone(),
            from_world: at_world,
            unpick_on_click: more && already,
            alone_on_click: !more && already && ctx.picked.len() > 1,
        };
        (pressed, effects)
    }

    fn draw_box(
        from_world: DVec2,
        to_world: DVec2,
        before: BTreeSet<RowId>,
        ctx: &ToolContext<'_>,
    ) -> (Self, Vec<Effect>) {
        let area = DRect::from_corners(from_world, to_world);
        let inside = |kind: RowKind| -> Vec<RowId> {
            ctx.things()
                .filter(|thing| thing.kind == kind && area.contains(thing.position_world))
                .map(|thing| thing.id)
                .collect()
        };
        // Torches on the walls stay where they are when a group of markers is boxed.
        let markers = inside(RowKind::Marker);
        let boxed = if markers.is_empty() {
            inside(RowKind::Light)
        } else {
            markers
        };
        let picked: BTreeSet<RowId> = before.iter().cloned().chain(boxed).collect();
        let effects = (picked != *ctx.picked)
            .then_some(Effect::Pick(picked))
            .into_iter()
            .collect();
        let boxed = Self::Box {
            from_world,
            to_world,
            before,
        };
        (boxed, effects)
    }
}

impl Drag {
    /// `None` when nothing that is picked may move.
    fn begin(lead: RowId, from_world: DVec2, ctx: &ToolContext<'_>) -> Option<Self> {
        let origins: Vec<Thing> = ctx
            .things()
            .filter(|thing| ctx.picked.contains(&thing.id) || thing.id == lead)
            .filter(|thing| !thing.locked)
            .collect();
        origins.iter().any(|thing| thing.id == lead).then(|| Self {
            gesture: ctx.gestures.fresh(),
            lead,
            from_world,
            origins,
            moved_by: DVec2::ZERO,
        })
    }

    fn follow(
        mut self,
        at_world: DVec2,
        keys: Keys,
        ctx: &ToolContext<'_>,
    ) -> (Select, Vec<Effect>) {
        let raw = at_world - self.from_world;
        let moved_by = self
            .origins
            .iter()
            .find(|thing| thing.id == self.lead)
            .map_or(raw, |thing| {
                ctx.placed(thing.position_world + raw, keys) - thing.position_world
            });
        if moved_by == self.moved_by {
            return (Select::Dragging(self), Vec::new());
        }
        self.moved_by = moved_by;
        let effect = Effect::Edit {
            gesture: self.gesture,
            label: self.label(),
            edits: self.moves(moved_by, ctx),
            last: false,
        };
        (Select::Dragging(self), vec![effect])
    }

    fn moves(&self, by: DVec2, ctx: &ToolContext<'_>) -> Vec<Edit> {
        self.origins
            .iter()
            .map(|thing| thing.put(ctx, thing.position_world + by))
            .collect()
    }

    fn end(&self) -> Effect {
        Effect::Edit {
            gesture: self.gesture,
            label: self.label(),
            edits: Vec::new(),
            last: true,
        }
    }

    fn put_back(&self, ctx: &ToolContext<'_>) -> Vec<Effect> {
        if self.moved_by == DVec2::ZERO {
            return vec![self.end()];
        }
        vec![Effect::Edit {
            gesture: self.gesture,
            label: self.label(),
            edits: self.moves(DVec2::ZERO, ctx),
            last: true,
        }]
    }

    fn label(&self) -> &'static str {
        move_label(&self.origins)
    }
}

/// What the undo menu says of a move.
#[must_use]
pub fn move_label(things: &[Thing]) -> &'static str {
    let lights = things
        .iter()
        .filter(|thing| thing.kind == RowKind::Light)
        .count();
    match (things.len(), lights) {
        (1, 0) => "Move marker",
        (_, 0) => "Move markers",
        (1, 1) => "Move light",
        (all, lights) if all == lights => "Move lights",
        _ => "Move what is picked",
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::super::testing::{Stage, drag, drag_with, press, press_with, release};
    use super::super::{Tool, ToolKind};
    use super::*;
    use crate::model::edit::{Edit, RowRef};
    use crate::model::marker;
    use crate::model::value::Value;

    fn tool() -> Tool {
        Tool::of(ToolKind::Select)
    }

    fn picked(stage: &Stage) -> Vec<&str> {
        stage.picked.iter().map(RowId::as_str).collect()
    }

    /// Where markers went, whether the gesture ended, and which gesture.
    type Moves = (Vec<(f64, f64)>, bool, GestureId);

    fn edits(effects: &[Effect]) -> Vec<Moves> {
        effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Edit {
                    edits,
                    last,
                    gesture,
                    ..
                } => Some((edits.iter().map(place).collect(), *last, *gesture)),
                _ => None,
            })
            .collect()
    }

    fn place(edit: &Edit) -> (f64, f64) {
        match edit {
            Edit::Set { values, .. } => match (&values[0].value, &values[1].value) {
                (Value::Number(x), Value::Number(y)) => (*x, *y),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_click_picks_the_marker_and_a_click_beside_it_drops_it() {
        let mut stage = Stage::default().with_marker("a", 0.0, 0.0);
        let (tool, _) = stage.play(tool(), &[press(3.0, 3.0), release(3.0, 3.0)]);
        assert_eq!(picked(&stage), ["a"]);
        let (_, _) = stage.play(tool, &[press(90.0, 90.0), release(90.0, 90.0)]);
        assert!(stage.picked.is_empty());
    }

    #[test]
    fn a_drag_moves_over_the_grid_in_one_gesture() {
        let mut stage = Stage::default().with_marker("a", 0.0, 0.0);
        let (tool, effects) = stage.play(
            tool(),
            &[
                press(3.0, 3.0),
                drag(30.0, 3.0),
                drag(61.0, 3.0),
                release(61.0, 3.0),
            ],
        );
        assert!(!tool.is_busy());
        let edits = edits(&effects);
        assert_eq!(
            edits
                .iter()
                .map(|(places, last, _)| (places.clone(), *last))
                .collect::<Vec<_>>(),
            [
                (vec![(25.0, 0.0)], false),
                (vec![(50.0, 0.0)], false),
                (vec![], true),
            ]
        );
        assert!(edits.windows(2).all(|pair| pair[0].2 == pair[1].2));
    }

    #[test]
    fn alt_drags_freely_and_escape_puts_back() {
        let mut stage = Stage::default().with_marker("a", 0.0, 0.0);
        let alt = Keys {
            alt: true,
            ..Keys::default()
        };
        let (_, effects) = stage.play(
            tool(),
            &[press(0.0, 0.0), drag_with(31.0, 7.0, alt), Event::Cancel],
        );
        let edits = edits(&effects);
        assert_eq!(edits[0].0, [(31.0, 7.0)]);
        assert_eq!(
            (edits[1].0.as_slice(), edits[1].1),
            (&[(0.0, 0.0)][..], true)
        );
    }

    #[test]
    fn a_trembling_click_is_no_drag() {
        let mut stage = Stage::default().with_marker("a", 0.0, 0.0);
        let (_, effects) = stage.play(
            tool(),
            &[press(0.0, 0.0), drag(2.0, 1.0), release(2.0, 1.0)],
        );
        assert!(edits(&effects).is_empty());
    }

    #[test]
    fn a_box_picks_what_is_inside_and_shift_adds() {
        let mut stage = Stage::default()
            .with_marker("a", 0.0, 0.0)
            .with_marker("b", 100.0, 0.0)
            .with_marker("c", 500.0, 0.0);
        let (tool, _) = stage.play(
            tool(),
            &[press(-60.0, -60.0), drag(0.0, 0.0), release(130.0, 60.0)],
        );
        assert_eq!(picked(&stage), ["a", "b"]);
        let shift = Keys {
            shift: true,
            ..Keys::default()
        };
        let (_, _) = stage.play(tool, &[press_with(500.0, 0.0, shift), release(500.0, 0.0)]);
        assert_eq!(picked(&stage), ["a", "b", "c"]);
    }

    #[test]
    fn picked_markers_move_together_and_locked_ones_stay() {
        let mut stage = Stage::default()
            .with_marker("a", 0.0, 0.0)
            .with_marker("b", 100.0, 13.0)
            .with_marker("c", 200.0, 0.0);
        stage.markers[2].row = stage.markers[2]
            .row
            .with(marker::LOCKED.property(), Value::Bool(true));
        stage.picked = ["a", "b", "c"].into_iter().map(RowId::new).collect();
        let (_, effects) = stage.play(tool(), &[press(0.0, 0.0), drag(26.0, 0.0)]);
        assert_eq!(edits(&effects)[0].0, [(25.0, 0.0), (125.0, 13.0)]);
    }

    #[test]
    fn a_locked_marker_can_be_picked_and_not_dragged() {
        let mut stage = Stage::default().with_marker("a", 0.0, 0.0);
        stage.markers[0].row = stage.markers[0]
            .row
            .with(marker::LOCKED.property(), Value::Bool(true));
        let (_, effects) = stage.play(
            tool(),
            &[press(0.0, 0.0), drag(60.0, 0.0), release(60.0, 0.0)],
        );
        assert_eq!(picked(&stage), ["a"]);
        assert!(edits(&effects).is_empty());
    }

    #[test]
    fn a_light_is_picked_by_its_handle_and_dragged() {
        let mut stage = Stage::default().with_light("torch", 0.0, 0.0);
        let (tool, effects) = stage.play(tool(), &[press(2.0, 2.0), drag(28.0, 2.0)]);
        assert_eq!(picked(&stage), ["torch"]);
        let [Effect::Pick(_), Effect::Edit { edits, label, .. }] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(*label, "Move light");
        let Edit::Set { row, values } = &edits[0] else {
            panic!("{edits:?}");
        };
        assert_eq!(*row, RowRef::light(&stage.scene, &RowId::new("torch")));
        assert_eq!(values[0].value, Value::Number(25.0));
        let (_, _) = stage.play(tool, &[release(28.0, 2.0)]);
        // Its glow is no handle.
        let (_, _) = stage.play(
            Tool::of(ToolKind::Select),
            &[press(30.0, 0.0), release(30.0, 0.0)],
        );
        assert!(stage.picked.is_empty());
    }

    #[test]
    fn a_marker_over_a_light_goes_first_and_a_box_leaves_lights_alone() {
        let mut stage = Stage::default()
            .with_light("torch", 0.0, 0.0)
            .with_light("lamp", 300.0, 0.0)
            .with_marker("a", 0.0, 0.0);
        let (tool, _) = stage.play(tool(), &[press(2.0, 2.0), release(2.0, 2.0)]);
        assert_eq!(picked(&stage), ["a"]);
        let (tool, _) = stage.play(
            tool,
            &[press(-90.0, -90.0), drag(0.0, 0.0), release(400.0, 90.0)],
        );
        assert_eq!(picked(&stage), ["a"]);
        let (_, _) = stage.play(
            tool,
            &[press(200.0, -90.0), drag(210.0, 0.0), release(400.0, 90.0)],
        );
        assert_eq!(picked(&stage), ["lamp"]);
    }

    #[test]
    fn a_click_on_ink_picks_the_drawing_and_a_drag_from_there_draws_a_box() {
        let mut stage = Stage::default().with_marker("a", 200.0, 0.0);
        stage.ink = Some((
            RowId::new("arrow"),
            DRect::from_corners(DVec2::splat(-20.0), DVec2::splat(20.0)),
        ));
        let (tool, _) = stage.play(tool(), &[press(3.0, 3.0), release(3.0, 3.0)]);
        assert_eq!(picked(&stage), ["arrow"]);
        let (_, _) = stage.play(
            tool,
            &[press(3.0, -90.0), drag(30.0, 0.0), release(260.0, 90.0)],
        );
        assert_eq!(picked(&stage), ["a"]);
    }
}

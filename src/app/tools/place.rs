//! Adding markers: a ghost under the pointer, a click places it.

use std::collections::BTreeSet;

use glam::DVec2;

use super::{Effect, Event, Keys, ToolContext};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::RowId;
use crate::model::marker;

/// The tool that adds markers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Place {
    ghost_world: Option<DVec2>,
}

impl Place {
    /// Where a click would place a marker.
    #[must_use]
    pub fn ghost_world(&self) -> Option<DVec2> {
        self.ghost_world
    }

    /// The tool after an event.
    #[must_use]
    pub fn transition(self, event: Event, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        match event {
            Event::Move { at_world, keys } => (Self::hovering(at_world, keys, ctx), Vec::new()),
            Event::Press { at_world, keys } => {
                let place = ctx.placed(at_world, keys);
                (Self { ghost_world: None }, add(place, ctx))
            }
            Event::Leave | Event::Cancel => (Self::default(), Vec::new()),
            Event::Release { .. } | Event::Tick => (self, Vec::new()),
        }
    }

    fn hovering(at_world: DVec2, keys: Keys, ctx: &ToolContext<'_>) -> Self {
        Self {
            ghost_world: Some(ctx.placed(at_world, keys)),
        }
    }
}

fn add(at_world: DVec2, ctx: &ToolContext<'_>) -> Vec<Effect> {
    let id = RowId::fresh();
    let stored = (ctx.document_from_world)(at_world);
    let edit = Edit::Create {
        row: RowRef::marker(ctx.scene, &id),
        values: vec![
            Assignment::new(marker::POSITION_X, stored.x),
            Assignment::new(marker::POSITION_Y, stored.y),
        ],
    };
    vec![
        Effect::Edit {
            gesture: ctx.gestures.fresh(),
            label: "Add marker",
            edits: vec![edit],
            last: true,
        },
        Effect::Pick(BTreeSet::from([id])),
    ]
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::super::testing::{Stage, drag, press, press_with};
    use super::super::{Tool, ToolKind};
    use super::*;
    use crate::model::value::Value;

    fn position(edit: &Edit) -> (Value, Value) {
        let Edit::Create { values, .. } = edit else {
            panic!("{edit:?}");
        };
        (values[0].value.clone(), values[1].value.clone())
    }

    #[test]
    fn a_click_adds_a_marker_on_the_grid_and_picks_it() {
        let mut stage = Stage::default();
        let (_, effects) = stage.play(Tool::of(ToolKind::Marker), &[press(31.0, 12.0)]);
        let [Effect::Edit { edits, .. }, Effect::Pick(picked)] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(
            position(&edits[0]),
            (Value::Number(25.0), Value::Number(0.0))
        );
        assert_eq!(picked.len(), 1);
    }

    #[test]
    fn alt_places_it_freely() {
        let mut stage = Stage::default();
        let alt = Keys {
            alt: true,
            ..Keys::default()
        };
        let (_, effects) = stage.play(Tool::of(ToolKind::Marker), &[press_with(31.0, 12.0, alt)]);
        let [Effect::Edit { edits, .. }, ..] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(
            position(&edits[0]),
            (Value::Number(31.0), Value::Number(12.0))
        );
    }

    #[test]
    fn the_ghost_is_where_the_marker_would_be_and_goes_with_the_pointer() {
        let mut stage = Stage::default();
        let (tool, _) = stage.play(Tool::of(ToolKind::Marker), &[drag(31.0, 12.0)]);
        let Tool::Place(place) = &tool else { panic!() };
        assert_eq!(place.ghost_world(), Some(DVec2::new(25.0, 0.0)));
        let (tool, _) = stage.play(tool, &[Event::Leave]);
        let Tool::Place(place) = &tool else { panic!() };
        assert_eq!(place.ghost_world(), None);
    }
}

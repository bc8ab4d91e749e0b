//! Markers that are dragged by several people at once: one holds it, the others leave it alone.

use std::sync::Arc;

use crate::broadcast::Drags;
use crate::broadcast::drags::{Holder, is_position, moved_marker};
use crate::model::edit::{Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::marker;
use crate::model::property::Prop;
use crate::session::api::{GestureId, Severity};

use super::Workspace;

impl Workspace {
    /// The edits of a gesture without moves of markers that somebody else holds; says who does. What
    /// is moved is shown as ours.
    pub(super) fn without_held(
        &mut self,
        gesture: GestureId,
        mut edits: Vec<Edit>,
        last: bool,
    ) -> Vec<Edit> {
        if edits.iter().any(|edit| moved_marker(edit).is_some()) {
            let drags = self.drags();
            let mut held_by = None;
            edits.retain_mut(|edit| {
                let holder = moved_marker(edit)
                    .and_then(|(scene, marker)| self.holder_against(&drags, scene, marker));
                match holder {
                    None => true,
                    Some(holder) => {
                        held_by = Some(Arc::clone(&holder.name));
                        without_position(edit)
                    }
                }
            });
            if let Some(name) = held_by {
                self.tell_of_holder(gesture.0, &name);
            }
        }
        let unix_ms = self.clock.unix_ms();
        if self.drag.follow(gesture.0, &edits, last, unix_ms) {
            self.show_presence();
        }
        edits
    }

    /// The markers that others in the room of the open game hold.
    fn drags(&self) -> Drags {
        let game = self.game();
        Drags::of(
            self.rooms
                .people
                .values()
                .filter(|person| Some(&person.game) == game)
                .map(|person| (person.client, &*person.presence)),
        )
    }

    fn holder_against<'d>(
        &self,
        drags: &'d Drags,
        scene: &SceneId,
        marker: &RowId,
    ) -> Option<&'d Holder> {
        let client = self.game.as_ref()?.doc.replica().client_id();
        let ours = self.drag.since(scene, marker).map(|since| (since, client));
        drags.holder_against(scene, marker, ours)
    }

    /// Others show something else: a marker that somebody took before us goes back to where the
    /// document has it.
    pub(super) fn yield_drag(&mut self) {
        let Some((scene, markers)) = self.drag.held() else {
            return;
        };
        let drags = self.drags();
        let lost: Vec<(RowId, Arc<str>)> = markers
            .iter()
            .filter_map(|marker| {
                let holder = self.holder_against(&drags, scene, marker)?;
                Some((marker.clone(), Arc::clone(&holder.name)))
            })
            .collect();
        let scene = scene.clone();
        let gesture = self.drag.gesture().unwrap_or_default();
        for (marker, name) in &lost {
            let row = RowRef::marker(&scene, marker);
            for property in [marker::POSITION_X, marker::POSITION_Y].map(Prop::property) {
                self.broadcaster.withdraw(&row, property);
                if let Some(game) = self.game.as_mut() {
                    game.doc.withdraw_pending(&row, property);
                }
            }
            self.drag.lose(marker);
            self.tell_of_holder(gesture, name);
        }
        if !lost.is_empty() {
            self.show_presence();
            self.rooms.has_news = true;
        }
    }

    /// The drag that goes on here is over for others.
    pub(super) fn end_drag(&mut self) {
        if self.drag.end() {
            self.show_presence();
        }
    }

    /// Says who moves a marker, once in a gesture.
    fn tell_of_holder(&mut self, gesture: u64, name: &str) {
        if self.told_of_holder.replace(gesture) == Some(gesture) {
            return;
        }
        let who = if name.is_empty() {
            "Somebody else"
        } else {
            name
        };
        self.notices.add(
            Severity::Info,
            format!("{who} is moving this marker, so it stays with them until they let go."),
        );
    }
}

/// Takes a marker's place out of an edit; whether anything is left.
fn without_position(edit: &mut Edit) -> bool {
    if let Edit::Set { values, .. } = edit {
        values.retain(|value| !is_position(value.property));
        return !values.is_empty();
    }
    true
}

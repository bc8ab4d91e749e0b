//! Who holds which marker while it is dragged.
//!
//! Of two that take a marker at once the lower (start, client id) holds it; everybody decides so from
//! the same presences and comes to the same answer. A web client that knows nothing of this wins by
//! its last write.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::edit::{Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::marker;
use crate::model::presence::{Dragging, MAX_DRAGGED, Presence};
use crate::model::property::RowKind;

/// Somebody who holds a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Their client id.
    pub client: u64,
    /// Their name, or empty.
    pub name: Arc<str>,
    /// When they took it, on their clock.
    pub since_unix_ms: i64,
}

/// The markers that others hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drags {
    holders: BTreeMap<(SceneId, RowId), Holder>,
}

impl Drags {
    /// Reads the drags out of what others show, by client id.
    pub fn of<'p>(people: impl IntoIterator<Item = (u64, &'p Presence)>) -> Self {
        let mut drags = Self::default();
        for (client, presence) in people {
            let Some(dragging) = &presence.dragging else {
                continue;
            };
            let holder = Holder {
                client,
                name: name_of(presence),
                since_unix_ms: dragging.since_unix_ms,
            };
            for marker in dragging.markers() {
                let place = (dragging.scene.clone(), marker.clone());
                let held = drags.holders.entry(place).or_insert_with(|| holder.clone());
                if (holder.since_unix_ms, client) < (held.since_unix_ms, held.client) {
                    *held = holder.clone();
                }
            }
        }
        drags
    }

    /// Who of the others holds a marker.
    #[must_use]
    pub fn holder_of(&self, scene: &SceneId, marker: &RowId) -> Option<&Holder> {
        self.holders.get(&(scene.clone(), marker.clone()))
    }

    /// Who holds a marker against us. `ours` is when we took it and our client id, if we drag it.
    #[must_use]
    pub fn holder_against(
        &self,
        scene: &SceneId,
        marker: &RowId,
        ours: Option<(i64, u64)>,
    ) -> Option<&Holder> {
        self.holder_of(scene, marker)
            .filter(|held| ours.is_none_or(|ours| (held.since_unix_ms, held.client) < ours))
    }

    /// Nobody holds anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }
}

fn name_of(presence: &Presence) -> Arc<str> {
    let who = presence.who.as_ref().map(|who| Arc::clone(&who.name));
    let label = || presence.cursor.as_ref().map(|it| Arc::clone(&it.label));
    who.or_else(label).unwrap_or_default()
}

/// The drag of this user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnDrag {
    drag: Option<Drag>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Drag {
    gesture: u64,
    scene: SceneId,
    /// What is dragged; those that were lost to somebody are not among them.
    markers: Vec<RowId>,
    since_unix_ms: i64,
}

impl OwnDrag {
    /// Follows a gesture: moves of markers that are not its last begin a drag or go on with it.
    /// Returns whether something else is to be shown to others.
    pub fn follow(&mut self, gesture: u64, edits: &[Edit], last: bool, unix_ms: i64) -> bool {
        if last {
            return self.end_of(gesture);
        }
        let mut changed = false;
        for (scene, marker) in edits.iter().filter_map(moved_marker) {
            if self
                .drag
                .as_ref()
                .is_none_or(|drag| drag.gesture != gesture || drag.scene != *scene)
            {
                self.drag = Some(Drag {
                    gesture,
                    scene: scene.clone(),
                    markers: Vec::new(),
                    since_unix_ms: unix_ms,
                });
                changed = true;
            }
            if let Some(drag) = &mut self.drag
                && drag.markers.len() < MAX_DRAGGED
                && !drag.markers.contains(marker)
            {
                drag.markers.push(marker.clone());
                changed = true;
            }
        }
        changed
    }

    fn end_of(&mut self, gesture: u64) -> bool {
        let is_it = self.drag.as_ref().is_some_and(|of| of.gesture == gesture);
        is_it && self.end()
    }

    /// The drag is over, whatever its gesture does: the window lost the focus, the connection ended.
    /// Returns whether there was one.
    pub fn end(&mut self) -> bool {
        self.drag.take().is_some()
    }

    /// Somebody else holds this marker: it is no longer ours.
    pub fn lose(&mut self, marker: &RowId) {
        if let Some(drag) = &mut self.drag {
            drag.markers.retain(|ours| ours != marker);
        }
    }

    /// When we took a marker; `None` when we do not drag it.
    #[must_use]
    pub fn since(&self, scene: &SceneId, marker: &RowId) -> Option<i64> {
        let drag = self.drag.as_ref().filter(|drag| drag.scene == *scene)?;
        drag.markers.contains(marker).then_some(drag.since_unix_ms)
    }

    /// The gesture that drags.
    #[must_use]
    pub fn gesture(&self) -> Option<u64> {
        self.drag.as_ref().map(|drag| drag.gesture)
    }

    /// The scene and the markers that we drag.
    #[must_use]
    pub fn held(&self) -> Option<(&SceneId, &[RowId])> {
        let drag = self.drag.as_ref()?;
        Some((&drag.scene, &drag.markers))
    }

    /// What others are shown.
    #[must_use]
    pub fn shown(&self) -> Option<Dragging> {
        let drag = self.drag.as_ref()?;
        let (first, also) = drag.markers.split_first()?;
        Some(Dragging {
            marker: first.clone(),
            scene: drag.scene.clone(),
            since_unix_ms: drag.since_unix_ms,
            also: also.to_vec(),
        })
    }
}

/// The marker whose position an edit writes.
#[must_use]
pub fn moved_marker(edit: &Edit) -> Option<(&SceneId, &RowId)> {
    let Edit::Set {
        row: RowRef::InScene { scene, kind, id },
        values,
    } = edit
    else {
        return None;
    };
    let moves = values.iter().any(|value| is_position(value.property));
    (*kind == RowKind::Marker && moves).then_some((scene, id))
}

/// Whether a property is a marker's place.
#[must_use]
pub fn is_position(property: &crate::model::property::Property) -> bool {
    property == marker::POSITION_X.property() || property == marker::POSITION_Y.property()
}

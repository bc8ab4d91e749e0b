//! What scripts look at in a workspace, beside what everybody may.

use crate::model::edit::RowRef;
use crate::model::id::{RowId, SceneId};
use crate::model::property::RowKind;
use crate::scene::player::PlayerFrame;
use crate::session::api::{GestureId, Notice, Saved};
use crate::session::courier::Courier;
use crate::session::room::RoomEvent;

use super::{Workspace, edits};

impl Workspace {
    /// The scene in the editor.
    #[must_use]
    pub fn editing_scene(&self) -> Option<SceneId> {
        self.editing.clone()
    }

    /// A scene of the open game has such a row.
    pub(in crate::session) fn has_row(&self, scene: &SceneId, kind: RowKind, id: &str) -> bool {
        let row = RowRef::in_scene(scene, kind, &RowId::new(id));
        self.game
            .as_ref()
            .is_some_and(|game| game.doc.row(&row).is_some())
    }

    /// What undo would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<&'static str> {
        self.game.as_ref()?.history.undo_label()
    }

    /// What redo would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<&'static str> {
        self.game.as_ref()?.history.redo_label()
    }

    /// Whether everything is on disk.
    #[must_use]
    pub fn saved(&self) -> Saved {
        match self.saver.saved() {
            Saved::Yes if self.broadcaster.is_waiting() => Saved::Writing,
            saved => saved,
        }
    }

    /// What the table shows now.
    pub(in crate::session) fn table_frame(&mut self) -> PlayerFrame {
        self.derive();
        let active = self.active_scene();
        self.player_frame(active.as_ref())
    }

    /// What the room has sent as text, the newest last.
    pub(in crate::session) fn room_events(&self) -> &[RoomEvent] {
        self.rooms.events()
    }

    /// Pictures are on the way to or from the room, or are about to be.
    pub(in crate::session) fn exchanges_pictures(&self) -> bool {
        let is_busy = |courier: &Courier| courier.is_busy();
        self.rooms.pictures_due.is_some() || self.rooms.courier.as_ref().is_some_and(is_busy)
    }

    /// The number of the newest notice.
    pub(in crate::session) fn newest_notice(&self) -> u64 {
        self.notices.list().last().map_or(0, |notice| notice.id)
    }

    /// Notices since then.
    pub(in crate::session) fn notices_after(&self, id: u64) -> Vec<Notice> {
        let all = self.notices.list();
        all.iter()
            .filter(|notice| notice.id > id)
            .cloned()
            .collect()
    }

    /// A gesture of its own.
    pub(in crate::session) fn fresh_gesture() -> GestureId {
        edits::fresh_gesture()
    }
}

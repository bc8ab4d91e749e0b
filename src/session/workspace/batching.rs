//! What the user changes on its way into the document: shown at once, written in batches.
//!
//! [`Workspace::flush`] comes before everything that needs the document as it is: undo, snapshots,
//! exports, another game, the end.

use crate::broadcast::queue::Batch;
use crate::doc::Origin;
use crate::doc::write::DropReason;
use crate::model::edit::Edit;
use crate::session::api::{GestureId, Severity};

use super::Workspace;

impl Workspace {
    /// Takes edits of the open game: writes what does not wait, and shows the rest until it is due.
    pub(super) fn broadcast(
        &mut self,
        gesture: GestureId,
        label: &'static str,
        edits: Vec<Edit>,
        at_once: bool,
    ) {
        let now = self.clock.now();
        let pushed = self.broadcaster.push(edits, gesture.0, label, at_once, now);
        for batch in pushed.now {
            self.write_batch(&batch);
        }
        if let Some(game) = self.game.as_mut() {
            for (row, values) in pushed.held {
                game.doc.show_pending(&row, &values);
            }
        }
        self.tell_of_dropped(pushed.refused);
    }

    /// The window is no longer the user's.
    pub(super) fn focus_lost(&mut self) {
        self.flush();
        self.end_drag();
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        if let Some(batch) = self.broadcaster.take() {
            self.write_batch(&batch);
            self.after_change();
        }
    }

    /// Writes what waits and is due.
    pub(super) fn flush_due(&mut self) {
        if let Some(batch) = self.broadcaster.due(self.clock.now()) {
            self.write_batch(&batch);
            self.after_change();
            self.rooms.has_news = true;
        }
    }

    /// One transaction, and one part of an undo step. Nothing waits any more before it.
    fn write_batch(&mut self, batch: &Batch) {
        let Some(game) = self.game.as_mut() else {
            return;
        };
        game.doc.clear_pending();
        let applied = game.doc.apply(&batch.edits, Origin::Local(batch.gesture));
        let keys = applied.keys_written();
        self.broadcaster.counters_mut().wrote(keys);
        let unix_ms = self.clock.unix_ms();
        let noun = if keys == 1 { "key" } else { "keys" };
        self.diagnoser.trace(unix_ms, || {
            format!(
                "game  batch  \u{201c}{}\u{201d}, {keys} {noun}",
                batch.label
            )
        });
        let dropped: Vec<DropReason> = applied
            .dropped
            .iter()
            .map(|dropped| dropped.reason.clone())
            .collect();
        game.history.record(batch.gesture, batch.label, applied);
        self.tell_of_dropped(dropped);
    }

    fn tell_of_dropped(&mut self, mut reasons: Vec<DropReason>) {
        reasons.dedup();
        for reason in reasons {
            self.notices.add(
                Severity::Warning,
                format!("A change was not made, because {reason}."),
            );
        }
    }
}

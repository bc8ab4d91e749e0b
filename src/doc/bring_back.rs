//! A scene that somebody deleted comes back as it was.
//!
//! The document itself forgets what was deleted; it is taken from another copy that still has it.

use super::change;
use super::document::{GAME_ROOTS, GameDoc};
use super::origin::Origin;
use super::replica::Replica;
use crate::model::edit::RowRef;
use crate::model::id::SceneId;

impl GameDoc {
    /// A document that holds one scene with everything in it and nothing else, as one update: for
    /// [`Self::bring_back`]. `None` when there is no such scene.
    #[must_use]
    pub fn copy_of_scene(&self, scene: &SceneId) -> Option<Vec<u8>> {
        let mut copy = Self::of(&self.id, Replica::new(GAME_ROOTS));
        copy.bring_back(scene, self)
            .then(|| copy.replica.encode_snapshot())
    }

    /// Writes a scene with everything in it as `copy` has it: as one change, under its old id, so that
    /// whatever others keep about it is right again. `false` when the scene is here, or not there.
    pub fn bring_back(&mut self, scene: &SceneId, copy: &Self) -> bool {
        if self.has_scene(scene) {
            return false;
        }
        let row = RowRef::Scene(scene.clone());
        let (tree, ours) = {
            let txn = copy.replica.write(Origin::Load);
            let Some(tree) = change::read_tree(&txn, &row) else {
                return false;
            };
            (tree, change::ours_of_row(&txn, &row))
        };
        let mut txn = self.replica.write(Origin::Undo);
        let is_back = change::write_tree(&mut txn, &row, &tree);
        for (key, value) in ours {
            change::write_cell(&mut txn, &change::Cell::Ours(key), Some(&value));
        }
        is_back
    }
}

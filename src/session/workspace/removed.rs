//! Scenes that somebody else deleted: told, and kept for a while so that they can be brought back.
//!
//! What a document deletes it forgets, so the scene is read from the store before the change is in
//! there too.

use std::sync::Arc;

use crate::doc::GameDoc;
use crate::library::DocumentId;
use crate::model::id::{GameSessionId, SceneId};
use crate::model::scene;

use super::Workspace;

/// Games that are kept as they were, the oldest goes first.
const MOST_KEPT: usize = 4;

/// What is known of the scenes of the game in the editor, and what was kept.
#[derive(Default)]
pub(super) struct Removed {
    game: Option<GameSessionId>,
    known: Vec<(SceneId, Arc<str>)>,
    kept: Vec<(Vec<SceneId>, GameDoc)>,
}

impl Workspace {
    /// Notes which scenes there are. After every change that was not somebody else's.
    pub(super) fn note_scenes(&mut self) {
        let Some(game) = &self.game else { return };
        self.removed.game = Some(game.id.clone());
        let scenes = game.doc.scene_ids().into_iter();
        self.removed.known = scenes
            .filter_map(|id| {
                let name = game.doc.scene_row(&id)?.get(scene::NAME);
                Some((id, name))
            })
            .collect();
    }

    /// Keeps what somebody else has just deleted. Between taking a room's changes into the document
    /// and into the store.
    pub(super) fn keep_removed_scenes(&mut self) {
        let Some(game) = self
            .game
            .as_ref()
            .filter(|game| self.removed.game.as_ref() == Some(&game.id))
        else {
            return;
        };
        let is_gone = |(id, _): &&(SceneId, Arc<str>)| !game.doc.has_scene(id);
        let gone: Vec<_> = self.removed.known.iter().filter(is_gone).cloned().collect();
        if gone.is_empty() {
            return;
        }
        self.removed.known.retain(|(id, _)| game.doc.has_scene(id));
        let stored = self
            .library
            .load_document(&DocumentId::Game(game.id.clone()));
        let before = stored.ok().and_then(|stored| {
            let opened = GameDoc::open(&game.id, stored.parts());
            opened.ok()
        });
        let Some(before) = before else { return };
        let mut kept = Vec::new();
        for (id, name) in gone {
            if before.has_scene(&id) {
                let text = format!(
                    "Somebody else deleted the scene \u{201c}{name}\u{201d} with everything in it, \
                     your changes too; bring it back if that was not meant."
                );
                self.notices.add_bring_back(text, &id);
                kept.push(id);
            }
        }
        if self.removed.kept.len() >= MOST_KEPT {
            self.removed.kept.remove(0);
        }
        self.removed.kept.push((kept, before));
    }

    /// Brings a scene back that somebody else deleted.
    pub(super) fn bring_back(&mut self, scene: &SceneId) {
        let mut kept = self.removed.kept.iter().rev();
        let copy = kept.find(|(scenes, _)| scenes.contains(scene));
        if let (Some((_, copy)), Some(game)) = (copy, self.game.as_mut())
            && game.id == *copy.id()
            && !game.waits_for_room()
        {
            game.doc.bring_back(scene, copy);
            self.notices.withdraw_bring_back(scene);
            self.after_change();
            self.edit_scene(Some(scene.clone()));
        } else {
            self.notices.add(
                crate::session::api::Severity::Error,
                "This scene can no longer be brought back from here; a backup in the Library dialog \
                 may hold it.",
            );
        }
    }
}

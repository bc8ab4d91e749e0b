//! Scenes that were deleted, by this user or by somebody else: kept in the library for a while, told
//! when somebody else did it, and brought back.
//!
//! What a document deletes it forgets, so the scene is read from the store before the change is in
//! there too.

use std::sync::Arc;
use std::time::Duration;

use crate::doc::GameDoc;
use crate::library::removed::RemovedScene;
use crate::library::{DocumentId, Library};
use crate::model::id::SceneId;
use crate::session::api::Severity;

use super::Workspace;
use super::games::{KnownScene, OpenGame};

/// What was changed last is to be on disk before the scene is read from there; this long is waited.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

impl Workspace {
    /// Keeps what has just been deleted. Between the change of the document and its way into the
    /// store.
    pub(super) fn keep_removed_scenes(&mut self, by_other: bool) {
        let library = Arc::clone(&self.library);
        let mut gone_from = Vec::new();
        for game in self.game.iter_mut().chain(&mut self.others) {
            let gone = game.take_gone();
            if gone.is_empty() || game.read_only || !library.is_writable() {
                continue;
            }
            self.saver.flush();
            let kept = keep(&library, game, &gone, by_other);
            self.view.removed_changed();
            gone_from.push((gone, kept));
        }
        if by_other {
            for (gone, kept) in gone_from {
                self.tell_of_removed(&gone, &kept);
            }
        }
    }

    fn tell_of_removed(&mut self, gone: &[KnownScene], kept: &[SceneId]) {
        let is_kept = |(id, _): &KnownScene| kept.contains(id);
        match gone {
            [scene] if is_kept(scene) => {
                let (id, name) = scene;
                let text = format!(
                    "Somebody else deleted the scene \u{201c}{name}\u{201d} with everything in it, \
                     your changes too; bring it back if that was not meant."
                );
                self.notices.add_bring_back(text, id);
            }
            [(_, name)] => self.notices.add(
                Severity::Warning,
                format!(
                    "Somebody else deleted the scene \u{201c}{name}\u{201d} with everything in it; \
                     a backup in the Library dialog may hold it."
                ),
            ),
            _ => {
                let text = format!(
                    "Somebody else deleted {} scenes with everything in them, your changes too; \
                     \u{201c}Bring back a scene\u{2026}\u{201d} in the Scene menu has them for a \
                     month.",
                    gone.len()
                );
                let names = gone.iter().map(|(_, name)| Arc::clone(name)).collect();
                self.notices.add_with(Severity::Warning, text, names, false);
            }
        }
    }

    /// Brings a deleted scene of an open game back.
    pub(super) fn bring_back(&mut self, scene: &SceneId) {
        self.flush();
        let mut games = self.game.iter_mut().chain(&mut self.others);
        let found = games.find_map(|game| {
            let bytes = self.library.removed_scene(&game.id, scene).ok().flatten()?;
            let copy = GameDoc::open(&game.id, [bytes.as_slice()]).ok()?;
            Some((game, copy))
        });
        let Some((game, copy)) = found else {
            self.notices.add(
                Severity::Error,
                "This scene is no longer kept here; a backup in the Library dialog may hold it.",
            );
            return;
        };
        if game.read_only || game.waits_for_room() {
            self.notices.add(
                Severity::Warning,
                "This game cannot be changed now, so the scene was not brought back; try again when \
                 it can.",
            );
            return;
        }
        // One that is back already is only opened.
        game.doc.bring_back(scene, &copy);
        self.notices.withdraw_bring_back(|back| back == scene);
        self.after_change();
        self.edit_scene(Some(scene.clone()));
    }

    /// The deleted scenes of the game in the editor that can be brought back, the newest first.
    pub(in crate::session) fn removed_list(&mut self) -> Arc<[RemovedScene]> {
        let Some(game) = &self.game else {
            return Arc::default();
        };
        self.view.removed(
            &game.id,
            |scene| game.doc.has_scene(scene),
            || {
                self.library
                    .removed_scenes(&game.id)
                    .unwrap_or_else(|error| {
                        tracing::warn!(target: "session", %error, "deleted scenes");
                        Vec::new()
                    })
            },
        )
    }
}

/// Stores scenes that have just gone from a game as the store has them; which ones.
fn keep(library: &Library, game: &OpenGame, gone: &[KnownScene], by_other: bool) -> Vec<SceneId> {
    if let Ok(store) = library.store() {
        // What is not there by then is missing in what is kept: a disk that refuses is told anyway.
        let _ = store.wait_until_durable(store.appended(), STORE_PATIENCE);
    }
    let stored = library.load_document(&DocumentId::Game(game.id.clone()));
    let before = stored
        .ok()
        .and_then(|stored| GameDoc::open(&game.id, stored.parts()).ok());
    let Some(before) = before else {
        return Vec::new();
    };
    let mut kept = Vec::new();
    for (scene, name) in gone {
        let Some(copy) = before.copy_of_scene(scene) else {
            continue;
        };
        match library.keep_removed_scene(&game.id, (scene, name), by_other, copy) {
            Ok(()) => kept.push(scene.clone()),
            Err(error) => {
                tracing::warn!(target: "session", %error, %scene, "a deleted scene is not kept");
            }
        }
    }
    kept
}

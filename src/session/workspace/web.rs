//! Masks for web clients: they read and write whole pictures, where our documents hold strokes.
//!
//! Where such a client is or may be, one Tableglow of the room (the DM's with the lowest client id)
//! takes in the pictures that they write and writes the ones that they read. It needs no lease: who
//! leaves is gone from awareness, and the next one goes on. Nothing is lost by it either way, as the
//! strokes are the truth.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::id::SceneId;
use crate::model::presence::TablePart;
use crate::model::property::RowKind;
use crate::model::stroke::MaskTarget;
use crate::scene::derive::mask_space;
use crate::util::revision::Revision;

use super::Workspace;
use super::games::OpenGame;

/// With a web client in the room, its pictures follow the last stroke by this much, as its own do.
const PRESENT: Duration = Duration::from_millis(500);
/// Where one may come later, they follow when things have calmed down.
const ABSENT: Duration = Duration::from_secs(10);

/// What is to be done for web clients in one game.
#[derive(Debug, Default)]
pub(super) struct WebMasks {
    /// When pictures are written next.
    due: Option<Duration>,
    /// What each scene's pictures show.
    written: HashMap<SceneId, Revision>,
}

/// Whether web clients are in a game's room, or may come to it; `None` = neither, or another
/// Tableglow sees to it.
fn clients_of(game: &OpenGame, is_dm: bool) -> Option<Duration> {
    let link = game.link.as_ref().filter(|link| link.is_hydrated)?;
    if !is_dm || game.read_only {
        return None;
    }
    let own = game.doc.replica().client_id();
    let mut is_present = false;
    for (client, person) in link.people() {
        match &person.who {
            None => is_present = true,
            Some(who) if who.part == TablePart::Dm && client < own => return None,
            Some(_) => {}
        }
    }
    match (is_present, link.is_ours()) {
        (true, _) => Some(PRESENT),
        (false, false) => Some(ABSENT),
        (false, true) => None,
    }
}

fn masks_of(game: &OpenGame, scene: &SceneId) -> Vec<MaskTarget> {
    let layers = game.doc.rows(scene, RowKind::Annotation).into_iter();
    std::iter::once(MaskTarget::Fog)
        .chain(layers.map(|(id, _)| MaskTarget::Annotation(id)))
        .collect()
}

impl Workspace {
    /// Takes in what web clients wrote, and notes that something is to be written for them. After
    /// documents have changed.
    pub(super) fn adopt_web_masks(&mut self) {
        let (now, is_dm) = (self.clock.now(), self.is_dm());
        for game in self.game.iter_mut().chain(&mut self.others) {
            let Some(after) = clients_of(game, is_dm) else {
                game.web.due = None;
                continue;
            };
            for scene in game.doc.scene_ids() {
                for mask in masks_of(game, &scene) {
                    game.doc.adopt_foreign_mask(&scene, &mask);
                }
            }
            game.web.due.get_or_insert(now + after);
        }
        self.save_open_documents();
    }

    /// Writes what is due.
    pub(super) fn write_web_masks(&mut self) {
        let (now, is_dm) = (self.clock.now(), self.is_dm());
        let library = &self.library;
        let mut has_written = false;
        for game in self.game.iter_mut().chain(&mut self.others) {
            if game.web.due.is_none_or(|due| now < due) {
                continue;
            }
            game.web.due = None;
            if clients_of(game, is_dm).is_none() {
                continue;
            }
            for scene in game.doc.scene_ids() {
                let changed = game.changed.get(&scene).copied();
                if changed.is_some() && game.web.written.get(&scene).copied() >= changed {
                    continue;
                }
                for mask in masks_of(game, &scene) {
                    let pictures = &**library.pictures();
                    // Nobody drew on it here: what is there is the web client's own.
                    let has_strokes = !game.doc.strokes(&scene, &mask).strokes.is_empty();
                    if has_strokes
                        && let Some(space) = mask_space(&game.doc, &scene, &mask, pictures)
                    {
                        has_written |= game.doc.project_mask(&scene, &mask, space);
                    }
                }
                if let Some(changed) = changed {
                    game.web.written.insert(scene, changed);
                }
            }
        }
        if has_written {
            self.save_open_documents();
        }
    }

    /// When [`Self::write_web_masks`] has something to do.
    pub(super) fn web_masks_deadline(&self) -> Option<Duration> {
        self.open_games().filter_map(|game| game.web.due).min()
    }
}

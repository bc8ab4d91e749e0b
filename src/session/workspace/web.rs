//! Masks for web clients: they read and write whole pictures, where our documents hold strokes.
//!
//! Where such a client is or may be, one Tableglow of the room takes in the pictures that they write
//! and writes the ones that they read: the DM's that holds the lease ([`crate::session::lease`]). When
//! it ends, is killed or is cut off, another goes on within seconds. Nothing is lost by that, nor by
//! two that do it at once: the strokes are the truth, what is taken in has the same name whoever does
//! it, and a picture that is written is drawn from all strokes.
//!
//! That goes for rooms of Table Slayer too: its server stores pictures and knows no strokes, so what
//! its clients see of ours is what one of us writes. In rooms of our own servers, which keep strokes
//! for all, nobody holds a lease until a web client comes. Thumbnails need none: every Tableglow draws
//! its own, as soon as the pictures are here.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::model::id::SceneId;
use crate::model::property::RowKind;
use crate::model::stroke::MaskTarget;
use crate::scene::derive::mask_space;
use crate::session::lease::{Election, Lease};
use crate::util::revision::Revision;

use super::Workspace;
use super::doc_link::DocLink;
use super::games::OpenGame;

/// With a web client in the room, its pictures follow the last stroke by this much, as its own do.
const PRESENT: Duration = Duration::from_millis(500);
/// Where one may come later, they follow when things have calmed down.
const ABSENT: Duration = Duration::from_secs(10);

/// What is to be done for web clients in one game.
#[derive(Debug, Default)]
pub(super) struct WebMasks {
    /// Who does it.
    election: Election,
    /// When pictures are written next.
    due: Option<Duration>,
    /// What each scene's pictures show.
    written: HashMap<SceneId, Revision>,
}

impl WebMasks {
    /// What this client shows to the others.
    pub(super) fn lease(&self) -> Option<Lease> {
        self.election.lease()
    }
}

/// How soon pictures are wanted in a game's room: web clients are there, or may come. `None`: never,
/// or this client cannot see to it.
fn wanted(game: &OpenGame, is_dm: bool) -> Option<Duration> {
    let link = game.link.as_ref()?;
    if !link.is_hydrated || !link.is_live() || !is_dm || game.read_only {
        return None;
    }
    let is_present = link.people().any(|(_, person)| person.who.is_none());
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

/// The same, where it is this client's to see to.
fn ours_to_write(game: &OpenGame, is_dm: bool) -> Option<Duration> {
    wanted(game, is_dm).filter(|_| game.web.election.is_holder())
}

impl Workspace {
    /// Finds out who sees to web clients. After rooms were looked after.
    pub(super) fn elect_savers(&mut self) {
        let (now, is_dm) = (self.clock.now(), self.is_dm());
        let (mut has_changed, mut is_new) = (false, false);
        let nobody = BTreeMap::new();
        for game in self.game.iter_mut().chain(&mut self.others) {
            let is_candidate = wanted(game, is_dm).is_some();
            let own = game.doc.replica().client_id();
            let shown = game.link.as_ref().map_or(&nobody, DocLink::leases);
            let before = game.web.lease();
            let election = &mut game.web.election;
            election.follow(now, own, shown, is_candidate);
            has_changed |= election.lease() != before;
            is_new |= election.is_holder() && before.is_none();
        }
        if has_changed {
            self.show_presence();
        }
        if is_new {
            // What came while somebody else saw to it, or nobody.
            self.adopt_web_masks();
        }
    }

    /// Takes in what web clients wrote, and notes that something is to be written for them. After
    /// documents have changed.
    pub(super) fn adopt_web_masks(&mut self) {
        let (now, is_dm) = (self.clock.now(), self.is_dm());
        for game in self.game.iter_mut().chain(&mut self.others) {
            let Some(after) = ours_to_write(game, is_dm) else {
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
            if ours_to_write(game, is_dm).is_none() {
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

    /// When [`Self::elect_savers`] or [`Self::write_web_masks`] has something to do.
    pub(super) fn web_masks_deadline(&self) -> Option<Duration> {
        let now = self.clock.now();
        let due = self.open_games().flat_map(|game| {
            let election = game.web.election.next_deadline(now);
            game.web.due.into_iter().chain(election)
        });
        due.min()
    }
}

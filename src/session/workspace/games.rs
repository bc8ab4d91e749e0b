//! Opening documents of the library: a party, a game session, and what belongs to them while open.

use std::collections::HashMap;
use std::sync::Arc;

use crate::doc::dirty::Dirty;
use crate::doc::undo::History;
use crate::doc::{GameDoc, PartyDoc};
use crate::library::{DocumentId, Library, LibraryError};
use crate::model::id::{GameSessionId, PartyId, SceneId};
use crate::model::scene;
use crate::scene::derive::SceneDeriver;
use crate::scene::snapshot::SceneSnapshot;
use crate::session::apart::Apart;
use crate::util::revision::Revision;

use super::doc_link::DocLink;
use super::web::WebMasks;

/// An open game session.
pub(super) struct OpenGame {
    pub(super) id: GameSessionId,
    pub(super) doc: GameDoc,
    pub(super) history: History,
    /// The scenes that somebody looks at: in the editor, on the table.
    pub(super) watched: HashMap<SceneId, Watched>,
    /// When each scene last changed in this run; absent = not yet.
    pub(super) changed: HashMap<SceneId, Revision>,
    pub(super) thumbnails: HashMap<SceneId, Thumbnail>,
    /// Part of it could not be read: nothing is written.
    pub(super) read_only: bool,
    /// Its connection to a room.
    pub(super) link: Option<DocLink>,
    pub(super) web: WebMasks,
    /// How it stands with its room.
    pub(super) apart: Apart,
    /// What changed and is not derived yet.
    pub(super) dirty: Dirty,
    /// The scenes that there were when the document was stored last.
    known: Vec<KnownScene>,
    /// Scenes came, went or have other names since.
    list_changed: bool,
}

/// A scene and its name.
pub(super) type KnownScene = (SceneId, Arc<str>);

/// A scene with its derivation.
pub(super) struct Watched {
    pub(super) deriver: SceneDeriver,
    pub(super) snapshot: Arc<SceneSnapshot>,
}

/// A scene's picture for the list.
#[derive(Debug, Clone)]
pub(super) struct Thumbnail {
    pub(super) png: Arc<[u8]>,
    pub(super) shows: Option<Revision>,
}

/// An open party.
pub(super) struct OpenParty {
    pub(super) id: PartyId,
    pub(super) doc: PartyDoc,
    pub(super) read_only: bool,
    /// Its connection to a room.
    pub(super) link: Option<DocLink>,
}

/// What opening found wrong, a sentence each.
pub(super) type Problems = Vec<String>;

/// Opens a game. One that is a room's (`is_of_room`) and was never here is empty until the room sends
/// it: whatever was written into it before could replace what the room has.
pub(super) fn open_game(
    library: &Library,
    id: &GameSessionId,
    is_of_room: bool,
) -> Result<(OpenGame, Problems), LibraryError> {
    let loaded = library.load_document(&DocumentId::Game(id.clone()))?;
    let mut problems = loaded.problems.clone();
    let mut read_only = loaded.incomplete;
    let doc = if loaded.is_empty() && !is_of_room {
        GameDoc::create(id)
    } else {
        match GameDoc::open(id, loaded.parts()) {
            Ok(doc) => doc,
            Err(error) => {
                problems.push(format!(
                    "A game session could not be read ({error}); it is shown as far as it could \
                     be and nothing is saved over it. Restore a backup from the Library dialog."
                ));
                read_only = true;
                open_what_can_be(id, loaded.parts())
            }
        }
    };
    let mut thumbnails = HashMap::new();
    for scene in doc.scene_ids() {
        if let Some(png) = library.thumbnail(id, &scene)? {
            thumbnails.insert(scene, Thumbnail { png, shows: None });
        }
    }
    let mut game = OpenGame {
        id: id.clone(),
        doc,
        history: History::default(),
        watched: HashMap::new(),
        changed: HashMap::new(),
        thumbnails,
        read_only,
        link: None,
        web: WebMasks::default(),
        apart: Apart::load(library.agreed_scenes(id)?),
        dirty: Dirty::default(),
        known: Vec::new(),
        list_changed: true,
    };
    game.note_scenes();
    Ok((game, problems))
}

impl OpenGame {
    /// Takes in what changed in the document since the last call: by what its room sent, or by
    /// anything else.
    pub(super) fn note_changes(&mut self, by_room: bool, unix_ms: i64) {
        let dirty = self.doc.replica_mut().take_dirty();
        if !dirty.is_empty() {
            self.list_changed |= dirty.list || dirty.everything;
            self.apart.note(&self.doc, &dirty, by_room, unix_ms);
            self.dirty.merge(dirty);
        }
    }

    /// The scenes that have gone since they were noted; they are told once.
    pub(super) fn take_gone(&mut self) -> Vec<KnownScene> {
        let is_gone = |(id, _): &KnownScene| !self.doc.has_scene(id);
        let gone: Vec<_> = self
            .known
            .iter()
            .filter(|it| is_gone(it))
            .cloned()
            .collect();
        if !gone.is_empty() {
            self.known.retain(|(id, _)| self.doc.has_scene(id));
        }
        gone
    }

    /// Notes which scenes there are.
    pub(super) fn note_scenes(&mut self) {
        if !std::mem::take(&mut self.list_changed) {
            return;
        }
        let named = |id: SceneId| {
            let name = self.doc.scene_row(&id)?.get(scene::NAME);
            Some((id, name))
        };
        self.known = self.doc.scene_ids().into_iter().filter_map(named).collect();
    }
}

/// The document from the parts that are sound, for looking at only.
fn open_what_can_be<'p>(id: &GameSessionId, parts: impl Iterator<Item = &'p [u8]>) -> GameDoc {
    let mut doc = GameDoc::create(id);
    // What is written here is never saved.
    doc.replica_mut().take_updates();
    for part in parts {
        let before = doc.replica().encode_snapshot();
        if doc
            .replica_mut()
            .apply_update(part, crate::doc::Origin::Load)
            .is_err()
            && let Ok(sound) = GameDoc::open(id, [before.as_slice()])
        {
            doc = sound;
        }
    }
    doc
}

/// Opens a party; `is_of_room` as in [`open_game`].
pub(super) fn open_party(
    library: &Library,
    id: &PartyId,
    is_of_room: bool,
) -> Result<(OpenParty, Problems), LibraryError> {
    let loaded = library.load_document(&DocumentId::Party(id.clone()))?;
    let mut problems = loaded.problems.clone();
    let mut read_only = loaded.incomplete;
    let doc = if loaded.is_empty() && !is_of_room {
        PartyDoc::create(id)
    } else {
        PartyDoc::open(loaded.parts()).unwrap_or_else(|error| {
            problems.push(format!(
                "What was on the table could not be read ({error}); the table starts empty and \
                 nothing is saved over it."
            ));
            read_only = true;
            PartyDoc::create(id)
        })
    };
    Ok((
        OpenParty {
            id: id.clone(),
            doc,
            read_only,
            link: None,
        },
        problems,
    ))
}

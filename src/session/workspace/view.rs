//! What the workspace publishes: the newest state of everything that windows show.
//!
//! Only what changed is derived anew; parts that did not change are shared with what was published
//! before.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::library::catalog::LibraryView;
use crate::library::named::pictures_of_scene;
use crate::library::removed::RemovedScene;
use crate::library::{Library, LibraryError};
use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::scene;
use crate::scene::derive::SceneDeriver;
use crate::scene::picture::PictureIndex as _;
use crate::scene::player::{PlayerFrame, PlayerScene};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{Published, SceneEntry};
use crate::util::revision::Revision;

use super::Workspace;
use super::doc_link::DocLink;
use super::edits::marker_count;
use super::games::{OpenGame, Watched};

/// What is kept between publications.
#[derive(Default)]
pub(super) struct ViewCache {
    library: Option<Arc<LibraryView>>,
    scenes: Option<Arc<[SceneEntry]>>,
    /// The player scene, and the revision of the snapshot and what was pointed out when it was made.
    player: Option<(Revision, BTreeSet<RowId>, Arc<PlayerScene>)>,
    /// The scene on the table when it is not here, since when, and whether it was given up.
    missing: Option<(SceneId, Duration, bool)>,
    /// What the library keeps of a game's deleted scenes.
    removed: Option<(GameSessionId, Vec<RemovedScene>)>,
    /// Those of them that are not back.
    removed_list: Option<Arc<[RemovedScene]>>,
}

/// How long the last picture stays while the scene on the table is not here.
const MISSING: Duration = Duration::from_secs(5);

impl ViewCache {
    pub(super) fn library_changed(&mut self) {
        self.library = None;
    }

    pub(super) fn list_changed(&mut self) {
        self.scenes = None;
        self.removed_list = None;
    }

    pub(super) fn removed_changed(&mut self) {
        self.removed = None;
        self.removed_list = None;
    }

    pub(super) fn everything_changed(&mut self) {
        self.library = None;
        self.list_changed();
    }

    /// A game's deleted scenes that are not back; `read` reads all of them.
    pub(super) fn removed(
        &mut self,
        game: &GameSessionId,
        is_back: impl Fn(&SceneId) -> bool,
        read: impl FnOnce() -> Vec<RemovedScene>,
    ) -> Arc<[RemovedScene]> {
        if self.removed.as_ref().is_none_or(|(of, _)| of != game) {
            self.removed = Some((game.clone(), read()));
            self.removed_list = None;
        }
        let kept = self.removed.iter().flat_map(|(_, kept)| kept);
        let list = self
            .removed_list
            .get_or_insert_with(|| kept.filter(|it| !is_back(&it.id)).cloned().collect());
        Arc::clone(list)
    }
}

impl Workspace {
    /// The newest state.
    pub fn publish(&mut self) -> Published {
        self.derive();
        let editing = self
            .editing
            .as_ref()
            .and_then(|scene| snapshot_in(self.game.as_ref(), scene));
        let peeked = self
            .peeked
            .as_ref()
            .and_then(|scene| snapshot_in(self.game.as_ref(), scene));
        let active_scene = self.active_scene();
        let player = self.player_frame(active_scene.as_ref());
        let (library, scenes) = (self.library_view(), self.scene_list());
        let removed = self.removed_list();
        let history = self.game.as_ref().map(|game| &game.history);
        Published {
            revision: Revision::next(),
            library,
            game: self.game().cloned(),
            party: self.party.as_ref().map(|party| party.id.clone()),
            scenes,
            removed,
            active_scene,
            paused: self.is_paused(),
            editing,
            peeked,
            player,
            undo: history.and_then(|history| history.undo_label()),
            redo: history.and_then(|history| history.redo_label()),
            undo_depth: history.map_or(0, |history| history.undo_depth()),
            saved: self.saved(),
            work: self
                .work
                .clone()
                .or_else(|| self.rooms.picture_work.clone()),
            lacking: Arc::clone(&self.rooms.lacking),
            notices: self.notices.list(),
            diagnostics: Arc::new(self.diagnostics()),
            room: self.room_view().map(Arc::new),
        }
    }

    /// A scene of the open game as the DM sees it.
    #[must_use]
    pub fn snapshot(&mut self, scene: &SceneId) -> Option<Arc<SceneSnapshot>> {
        self.flush();
        let game = self.game.as_mut()?;
        if !game.doc.has_scene(scene) {
            return None;
        }
        note_changes(game, &self.library, self.clock.unix_ms());
        watch(game, scene, &self.library);
        snapshot_in(Some(game), scene)
    }

    /// The scene on the table, whichever game of the party it is in.
    #[must_use]
    pub fn active_snapshot(&mut self) -> Option<Arc<SceneSnapshot>> {
        let active = self.active_scene()?;
        self.derive();
        self.snapshot_of_open(&active)
    }

    /// A scene of any game of the library; the game that holds it is opened.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn find_scene(
        &mut self,
        scene: &SceneId,
    ) -> Result<Option<Arc<SceneSnapshot>>, LibraryError> {
        if !self.has_scene(scene) {
            let games = self.library.view()?.parties;
            for entry in games.into_iter().flat_map(|party| party.games) {
                let (game, _) = self.read_game(&entry.id)?;
                if game.doc.has_scene(scene) {
                    self.open_game(&entry.id)?;
                    break;
                }
            }
        }
        Ok(self.snapshot(scene))
    }

    fn snapshot_of_open(&self, scene: &SceneId) -> Option<Arc<SceneSnapshot>> {
        self.open_games()
            .find_map(|game| snapshot_in(Some(game), scene))
    }

    pub(super) fn derive(&mut self) {
        let active = self.active_scene();
        let wanted: Vec<SceneId> = [self.editing.clone(), self.peeked.clone(), active]
            .into_iter()
            .flatten()
            .collect();
        let unix_ms = self.clock.unix_ms();
        for game in self.game.iter_mut().chain(&mut self.others) {
            note_changes(game, &self.library, unix_ms);
            game.watched.retain(|scene, _| wanted.contains(scene));
            for scene in &wanted {
                if game.doc.has_scene(scene) {
                    watch(game, scene, &self.library);
                }
            }
        }
    }

    /// Pictures came: scenes that name them look otherwise now, and so do their thumbnails.
    pub(super) fn pictures_came(&mut self, locations: &[String]) {
        for game in self.game.iter_mut().chain(&mut self.others) {
            for scene in game.doc.scene_ids() {
                let mut named = pictures_of_scene(&game.doc, &scene).into_iter();
                if named.any(|picture| locations.contains(&picture)) {
                    game.changed.insert(scene, Revision::next());
                }
            }
        }
        self.view.list_changed();
        self.pictures_changed();
    }

    /// Pictures came: what is shown may name some that it could not find before.
    pub fn pictures_changed(&mut self) {
        for game in self.game.iter_mut().chain(&mut self.others) {
            game.watched.clear();
        }
    }

    pub(super) fn player_frame(&mut self, active: Option<&SceneId>) -> PlayerFrame {
        if self.is_paused() {
            let picture = self
                .pause_picture()
                .and_then(|location| self.library.pictures().find(&location))
                .map(|info| info.hash);
            return PlayerFrame::Paused { picture };
        }
        let snapshot = active.and_then(|scene| self.snapshot_of_open(scene));
        let Some(snapshot) = snapshot else {
            return self.without_scene(active);
        };
        self.view.missing = None;
        let pointed_out = self.pointed_out();
        let scene = match self.view.player.take() {
            Some((revision, pointed_at, scene))
                if revision == snapshot.revision
                    && pointed_at == pointed_out
                    && scene.scene().id == snapshot.id =>
            {
                scene
            }
            previous => {
                let previous = previous.map(|(_, _, scene)| scene);
                let previous = previous.as_deref();
                Arc::new(PlayerScene::with_hovered(&snapshot, &pointed_out, previous))
            }
        };
        self.view.player = Some((snapshot.revision, pointed_out, Arc::clone(&scene)));
        PlayerFrame::Scene(scene)
    }

    /// The scene on the table is not here. In a room it is on its way as a rule: what says that it is
    /// on the table can come before it. The last picture stays until then, for a while.
    fn without_scene(&mut self, active: Option<&SceneId>) -> PlayerFrame {
        let (Some(active), true) = (active, self.is_in_room()) else {
            self.view.missing = None;
            return PlayerFrame::Waiting;
        };
        let now = self.clock.now();
        let since = match &self.view.missing {
            Some((scene, since, _)) if scene == active => *since,
            _ => {
                self.view.missing = Some((active.clone(), now, false));
                now
            }
        };
        let may_come = |game: &OpenGame| game.link.as_ref().is_some_and(DocLink::may_come);
        let is_awaited = now < since + MISSING || self.open_games().any(may_come);
        match &self.view.player {
            Some((_, _, last)) if is_awaited => PlayerFrame::Scene(Arc::clone(last)),
            _ => PlayerFrame::Waiting,
        }
    }

    /// A scene that was waited for is given up now: to be published.
    pub(super) fn gives_up_missing(&mut self) -> bool {
        let now = self.clock.now();
        match &mut self.view.missing {
            Some((_, since, told)) if !*told && now >= *since + MISSING => {
                *told = true;
                true
            }
            _ => false,
        }
    }

    /// When a scene that does not come is given up.
    pub(super) fn missing_deadline(&self) -> Option<Duration> {
        let (_, since, told) = self.view.missing.as_ref()?;
        (!told).then_some(*since + MISSING)
    }

    pub(in crate::session) fn library_view(&mut self) -> Arc<LibraryView> {
        if self.view.library.is_none() {
            match self.library.view() {
                Ok(view) => self.view.library = Some(Arc::new(view)),
                Err(error) => self.notices.error(&error),
            }
        }
        self.view.library.clone().unwrap_or_default()
    }

    pub(in crate::session) fn scene_list(&mut self) -> Arc<[SceneEntry]> {
        if let Some(list) = &self.view.scenes {
            return Arc::clone(list);
        }
        let list: Arc<[SceneEntry]> = match &self.game {
            None => Arc::default(),
            Some(game) => game
                .doc
                .scene_ids()
                .into_iter()
                .filter_map(|id| entry(game, id))
                .collect(),
        };
        self.view.scenes = Some(Arc::clone(&list));
        list
    }
}

fn entry(game: &OpenGame, id: SceneId) -> Option<SceneEntry> {
    let row = game.doc.scene_row(&id)?;
    let thumbnail = game.thumbnails.get(&id);
    Some(SceneEntry {
        name: row.get(scene::NAME),
        thumbnail: thumbnail.map(|thumbnail| Arc::clone(&thumbnail.png)),
        revision: game.changed.get(&id).copied().unwrap_or_default(),
        thumbnail_shows: thumbnail.and_then(|thumbnail| thumbnail.shows),
        markers: marker_count(game, &id),
        id,
    })
}

fn snapshot_in(game: Option<&OpenGame>, scene: &SceneId) -> Option<Arc<SceneSnapshot>> {
    let watched: &HashMap<_, _> = &game?.watched;
    watched
        .get(scene)
        .map(|watched| Arc::clone(&watched.snapshot))
}

/// Brings the watched scenes up to date with what changed in the document.
fn note_changes(game: &mut OpenGame, library: &Library, unix_ms: i64) {
    game.note_changes(false, unix_ms);
    let dirty = std::mem::take(&mut game.dirty);
    if dirty.is_empty() {
        return;
    }
    let ids = game.doc.scene_ids();
    for id in ids {
        if dirty.scene(&id).is_some() {
            game.changed.insert(id, Revision::next());
        }
    }
    let OpenGame { doc, watched, .. } = game;
    watched.retain(|scene, _| doc.has_scene(scene));
    for (scene, watched) in watched.iter_mut() {
        if let Some(part) = dirty.scene(scene)
            && let Some(snapshot) = watched.deriver.update(doc, &**library.pictures(), &part)
        {
            watched.snapshot = Arc::new(snapshot);
        }
    }
}

fn watch(game: &mut OpenGame, scene: &SceneId, library: &Library) {
    if game.watched.contains_key(scene) {
        return;
    }
    let mut deriver = SceneDeriver::new(scene.clone());
    if let Some(snapshot) = deriver.derive(&game.doc, &**library.pictures()) {
        game.watched.insert(
            scene.clone(),
            Watched {
                deriver,
                snapshot: Arc::new(snapshot),
            },
        );
    }
}

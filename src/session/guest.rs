//! A session in somebody else's room that keeps nothing: a table display, a script.
//!
//! Its library lies in a folder of the system's cache and goes with it, so that what a room shows to a
//! player never comes into the user's own library. Must not know: egui, wgpu. Called by the command
//! line.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::library::{Library, LibraryError};
use crate::model::id::SceneId;
use crate::scene::player::{PlayerFrame, PlayerScene};
use crate::storage::lock::WriterLock;
use crate::util::clock::SystemClock;
use crate::util::revision::Revision;

use super::actor::{Session, StartError, Wake};
use super::api::{Published, Request};
use super::room::{Connection, Identity, Invitation, RoomView};
use super::script::{Command, Done, has_pictures_on_the_way};

/// How often a state that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Why a guest did not come in: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// There is no place for what the room sends.
    #[error(
        "there is no folder for what the room sends ({0}), so nothing was joined; free some space"
    )]
    Folder(std::io::Error),
    /// Its library cannot be made.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The session did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The room does not take us; the sentence says what to do.
    #[error("{0}")]
    Refused(Arc<str>),
    /// Nobody answers in time.
    #[error(
        "the room does not answer; check the address and that the host is there, then try again"
    )]
    NoAnswer,
    /// Nobody has put a game into the room.
    #[error("nobody has put a game into this room yet; open it in Tableglow first")]
    Empty,
}

/// The session. What it keeps is gone when it is dropped.
#[derive(Debug)]
pub struct Guest {
    session: Arc<Session>,
    /// Goes last.
    _folder: tempfile::TempDir,
}

impl Guest {
    /// Joins a room. Comes back at once; see [`Guest::wait_until_live`].
    ///
    /// # Errors
    /// When there is no place to be, not when the room refuses.
    pub fn join(
        invitation: Invitation,
        identity: Identity,
        wake: Wake,
    ) -> Result<Self, GuestError> {
        let folder = folder().map_err(GuestError::Folder)?;
        let library = Arc::new(Library::create_empty(folder.path())?);
        let clock = Arc::new(SystemClock::default());
        let session = Session::start(library, clock, wake)?;
        // A queue that was just made has room.
        for request in [Request::Introduce(identity), Request::Join(invitation)] {
            let _ = session.send(request);
        }
        Ok(Self {
            session: Arc::new(session),
            _folder: folder,
        })
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Waits until all of the room's documents are here.
    ///
    /// # Errors
    /// The room refuses, or it does not answer in time.
    pub fn wait_until_live(&self, at_most: Duration) -> Result<(), GuestError> {
        let is_live = |room: &RoomView| room.connection == Connection::Live;
        match self.wait_for(at_most, is_live)? {
            false => Err(GuestError::NoAnswer),
            true => Ok(()),
        }
    }

    /// Waits until the game can be written to.
    ///
    /// # Errors
    /// As [`Guest::wait_until_live`], or the room is empty.
    pub fn wait_until_writable(&self, at_most: Duration) -> Result<(), GuestError> {
        self.wait_until_live(at_most)?;
        let is_filled = |room: &RoomView| !room.waits_for_room;
        // It is as long as it takes to note that what came is whole.
        match self.wait_for(Duration::from_secs(5), is_filled)? {
            false => Err(GuestError::Empty),
            true => Ok(()),
        }
    }

    /// Waits until no picture is on the way to or from the room; false when it took too long.
    #[must_use]
    pub fn wait_for_pictures(&self, at_most: Duration) -> bool {
        let remote = self.session.remote();
        let begun = Instant::now();
        loop {
            match remote.command(Command::State { scene: None }) {
                Ok(Done::Answer(state)) if has_pictures_on_the_way(&state) => {}
                _ => return true,
            }
            if begun.elapsed() > at_most {
                return false;
            }
            std::thread::sleep(LOOK * 4);
        }
    }

    /// Waits until the room has everything that was made here, pictures too; false when it took too
    /// long.
    ///
    /// # Errors
    /// The room refuses.
    pub fn wait_until_sent(&self, at_most: Duration) -> Result<bool, GuestError> {
        if !self.wait_for_pictures(at_most) {
            return Ok(false);
        }
        self.wait_for(at_most, |room| {
            room.connection == Connection::Live
                && room.documents.iter().all(|document| document.has_sent_all)
        })
    }

    fn wait_for(
        &self,
        at_most: Duration,
        is_so: impl Fn(&RoomView) -> bool,
    ) -> Result<bool, GuestError> {
        let begun = Instant::now();
        loop {
            let published = self.session.published();
            if let Some(room) = &published.room {
                if let Connection::Refused(why) = &room.connection {
                    return Err(GuestError::Refused(Arc::clone(why)));
                }
                if is_so(room) {
                    return Ok(true);
                }
            }
            if begun.elapsed() > at_most {
                return Ok(false);
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Which scene a guest shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Follow {
    /// What the party has on its table.
    #[default]
    Party,
    /// The one scene of the room's document: players get no other than what is on the table, whether
    /// or not they may enter the party's room.
    OnlyScene,
    /// A scene by id or name, whatever is on the table.
    Scene(String),
}

/// What a guest's screen shows.
#[derive(Debug)]
pub struct Table {
    session: Arc<Session>,
    follow: Follow,
    /// The scene as players may see it, and the revision of what it was made of.
    made: Mutex<Option<(Revision, Arc<PlayerScene>)>>,
}

impl Table {
    /// The screen of a session.
    #[must_use]
    pub fn of(session: &Arc<Session>, follow: Follow) -> Self {
        Self {
            session: Arc::clone(session),
            follow,
            made: Mutex::new(None),
        }
    }

    /// What is shown now, with the state that it was read from.
    #[must_use]
    pub fn shown(&self) -> (Arc<Published>, PlayerFrame) {
        let published = self.session.published();
        let frame = match &self.follow {
            Follow::Party => published.player.clone(),
            Follow::OnlyScene => match &*published.scenes {
                [only] => self.peek(&published, &only.id),
                _ => PlayerFrame::Waiting,
            },
            Follow::Scene(asked) => {
                let mut scenes = published.scenes.iter();
                let found =
                    scenes.find(|it| it.id.as_str() == asked.as_str() || *it.name == **asked);
                found.map_or(PlayerFrame::Waiting, |it| self.peek(&published, &it.id))
            }
        };
        (published, frame)
    }

    /// A scene that is not on a table that we know of.
    fn peek(&self, published: &Published, scene: &SceneId) -> PlayerFrame {
        let Some(peeked) = published.peeked.as_ref().filter(|it| it.id == *scene) else {
            // It comes with the next state; a full queue is tried again then.
            let _ = self.session.send(Request::Peek(Some(scene.clone())));
            let last = self.made.lock().as_ref().map(|(_, last)| Arc::clone(last));
            // What was shown stays until the next scene is there.
            return last.map_or(PlayerFrame::Waiting, PlayerFrame::Scene);
        };
        let mut made = self.made.lock();
        if let Some((revision, scene)) = &*made
            && *revision == peeked.revision
        {
            return PlayerFrame::Scene(Arc::clone(scene));
        }
        let previous = made.as_ref().map(|(_, scene)| Arc::clone(scene));
        let scene = Arc::new(PlayerScene::with_hovered(
            peeked,
            &BTreeSet::new(),
            previous.as_deref(),
        ));
        *made = Some((peeked.revision, Arc::clone(&scene)));
        PlayerFrame::Scene(scene)
    }
}

/// A folder of its own in the cache, which only its owner may enter. What guests that were killed left
/// there goes.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("guest-");
    #[cfg(unix)]
    builder
        .permissions(<std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700));
    let Some(cache) = cache() else {
        return builder.tempdir();
    };
    std::fs::create_dir_all(&cache)?;
    for left in std::fs::read_dir(&cache)?.flatten() {
        let path = left.path();
        // One that is being made at this moment has no lock yet.
        if path.join("library.lock").exists() && WriterLock::take(&path).is_ok() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
    builder.tempdir_in(cache)
}

fn cache() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "tableglow")?;
    Some(dirs.cache_dir().join("guests"))
}

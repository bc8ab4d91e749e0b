//! A session in somebody else's room that keeps nothing: a table display, a script.
//!
//! Its library lies in a folder of the system's cache and goes with it, so that what a room shows to a
//! player never comes into the user's own library. Must not know: egui, wgpu. Called by the command
//! line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::library::{Library, LibraryError};
use crate::storage::lock::WriterLock;
use crate::util::clock::SystemClock;

use super::actor::{Session, StartError, Wake};
use super::api::Request;
use super::room::{Connection, Identity, Invitation, RoomView};

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

    /// Waits until the room has everything that was made here; false when it took too long.
    ///
    /// # Errors
    /// The room refuses.
    pub fn wait_until_sent(&self, at_most: Duration) -> Result<bool, GuestError> {
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

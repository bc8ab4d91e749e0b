//! What the session understands and what it publishes.
//!
//! Nobody waits for an answer: a request changes what is published next. Requests go through a
//! bounded queue; what is published is the newest state, never a queue.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::library::catalog::LibraryView;
use crate::library::removed::RemovedScene;
use crate::model::edit::Edit;
use crate::model::id::{GameSessionId, PartyId, RowId, SceneId};
use crate::model::party::PartyDefaults;
use crate::model::presence::Presence;
use crate::scene::player::PlayerFrame;
use crate::scene::snapshot::SceneSnapshot;
use crate::util::revision::Revision;

use super::diagnostics::Diagnostics;
use super::room::{Identity, Invitation, RoomView, Scope};

/// Edits that carry the same gesture are one undo step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GestureId(pub u64);

/// Something that a user wants.
#[derive(Debug, Clone)]
pub enum Request {
    /// Changes documents. Edits with one gesture id form one undo step named `label`; `last` ends
    /// the gesture. An empty last edit only ends it.
    Edit {
        /// The gesture.
        gesture: GestureId,
        /// What the undo menu says: "Move marker".
        label: &'static str,
        /// The changes, in order; one transaction.
        edits: Vec<Edit>,
        /// The gesture ends with this.
        last: bool,
    },
    /// The window is no longer the user's: what waits is written, a drag is over.
    FocusLost,
    /// Takes the user's last step back.
    Undo,
    /// Does the step again.
    Redo,
    /// Opens a scene in the editor; the table does not change.
    EditScene(SceneId),
    /// Puts a scene on the table, or clears the table.
    ShowOnTable(Option<SceneId>),
    /// Shows or leaves the pause screen.
    Pause(bool),
    /// Makes a scene with the party's defaults and opens it in the editor.
    CreateScene {
        /// Its name.
        name: String,
    },
    /// Moves a scene in the list to just before another one, or to the end.
    MoveScene {
        /// The scene.
        scene: SceneId,
        /// Its new successor.
        before: Option<SceneId>,
    },
    /// Imports picture and map files: a map file makes a scene, or fills the given one.
    Import {
        /// The files.
        files: Vec<PathBuf>,
        /// Fill this scene instead of making new ones.
        into: Option<SceneId>,
    },
    /// Imports a picture from the clipboard as a map: straight-alpha sRGB pixels.
    ImportPixels {
        /// Width.
        width: u32,
        /// Height.
        height: u32,
        /// `width * height * 4` bytes.
        rgba: Vec<u8>,
        /// Fill this scene instead of making a new one.
        into: Option<SceneId>,
    },
    /// Gives a marker a picture from a file.
    SetMarkerPicture {
        /// The scene.
        scene: SceneId,
        /// The marker.
        marker: RowId,
        /// The file.
        file: PathBuf,
    },
    /// Publishes a scene that is neither edited nor on the table, as [`Published::peeked`], until
    /// another one is asked for: for whoever draws thumbnails.
    Peek(Option<SceneId>),
    /// Stores a scene's picture for the list: PNG bytes.
    SetThumbnail {
        /// The scene.
        scene: SceneId,
        /// The scene's revision that it shows.
        shows: Revision,
        /// PNG bytes.
        png: Vec<u8>,
    },
    /// Opens another game session of this library.
    OpenGame(GameSessionId),
    /// Makes a party with a first game session and opens it.
    CreateParty {
        /// The party's name.
        name: String,
    },
    /// Makes a game session in a party and opens it.
    CreateGame {
        /// The party.
        party: PartyId,
        /// Its name.
        name: String,
    },
    /// Renames a party.
    RenameParty {
        /// The party.
        party: PartyId,
        /// Its name.
        name: String,
    },
    /// Renames a game session.
    RenameGame {
        /// The game session.
        game: GameSessionId,
        /// Its name.
        name: String,
    },
    /// Sets what new scenes of a party start with.
    SetPartyDefaults {
        /// The party.
        party: PartyId,
        /// The defaults.
        defaults: PartyDefaults,
    },
    /// Writes the campaign archive of a party.
    ExportArchive {
        /// The party.
        party: PartyId,
        /// Where to.
        to: PathBuf,
    },
    /// Writes a scene as Universal VTT.
    ExportUniversalVtt {
        /// The scene.
        scene: SceneId,
        /// Where to.
        to: PathBuf,
    },
    /// Adds the parties of an archive to the library and opens the first.
    ImportArchive(PathBuf),
    /// Makes a backup now.
    Backup,
    /// Replaces the library by a backup; today's state is backed up first.
    Restore {
        /// The backup's file name as listed.
        backup: String,
    },
    /// Lets others join the open game and its party, hosted by this process.
    Host {
        /// Who can reach it.
        scope: Scope,
        /// The port to listen on; 0 takes a free one.
        port: u16,
    },
    /// Attaches a game to a room and opens it; it comes into the library. Stays attached, also
    /// over a restart, until [`Request::LeaveRoom`].
    Join(Invitation),
    /// Ends hosting, or detaches the open game from its room; what is here stays here.
    LeaveRoom,
    /// Tries the room again now, instead of waiting; also after a refusal.
    Reconnect,
    /// Who this user is to others.
    Introduce(Identity),
    /// What this user shows to others: cursor, measurement and so on. Who they are, what they look
    /// at and what they drag is added by the session. Latest wins; sent every 33 ms at most.
    Show(Box<Presence>),
    /// Brings back a deleted scene: see [`Published::removed`] and [`Notice::brings_back`].
    BringBack(SceneId),
    /// Forgets a notice.
    Dismiss(u64),
    /// Switches the trace of updates and connections on or off.
    Trace(bool),
    /// Saves everything and ends the session.
    Close,
}

/// Everything that windows show, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Grows with every publication.
    pub revision: Revision,
    /// The library's folder, parties and games.
    pub library: Arc<LibraryView>,
    /// The open game session.
    pub game: Option<GameSessionId>,
    /// Its party.
    pub party: Option<PartyId>,
    /// The scenes of the open game, in list order.
    pub scenes: Arc<[SceneEntry]>,
    /// Its deleted scenes that can be brought back, the newest first.
    pub removed: Arc<[RemovedScene]>,
    /// The scene on the table.
    pub active_scene: Option<SceneId>,
    /// The table shows the pause screen.
    pub paused: bool,
    /// The scene in the editor.
    pub editing: Option<Arc<SceneSnapshot>>,
    /// The scene that [`Request::Peek`] asked for.
    pub peeked: Option<Arc<SceneSnapshot>>,
    /// What the players see.
    pub player: PlayerFrame,
    /// What undo would take back.
    pub undo: Option<&'static str>,
    /// What redo would do again.
    pub redo: Option<&'static str>,
    /// How many steps can be taken back.
    pub undo_depth: usize,
    /// Whether everything is on disk.
    pub saved: Saved,
    /// Work that takes time.
    pub work: Option<Work>,
    /// Pictures that the open game's room cannot give, by their keys. One may come after all.
    pub lacking: Arc<BTreeMap<String, Lack>>,
    /// Messages to the user, the newest last.
    pub notices: Arc<[Notice]>,
    /// The room that the open game is in; `None` = this library alone.
    pub room: Option<Arc<RoomView>>,
    /// What goes out and comes in.
    pub diagnostics: Arc<Diagnostics>,
}

/// A line of the scene list.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneEntry {
    /// Its id.
    pub id: SceneId,
    /// Its name.
    pub name: Arc<str>,
    /// Its thumbnail: PNG bytes.
    pub thumbnail: Option<Arc<[u8]>>,
    /// Grows when the scene has changed: the thumbnail is stale when it shows an older one.
    pub revision: Revision,
    /// The revision that the thumbnail shows, if it was made in this run.
    pub thumbnail_shows: Option<Revision>,
    /// How many markers it has.
    pub markers: usize,
}

/// Whether everything is on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Saved {
    /// Everything.
    #[default]
    Yes,
    /// Being written.
    Writing,
    /// It cannot be written; the text says what is safe and what to do.
    Failed(Arc<str>),
}

/// Why a picture does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// It is not where it should be.
    Absent,
    /// It is not given to us.
    Refused,
    /// What comes is not it, or no picture.
    Useless,
    /// It is a video.
    Video,
    /// Nobody has said where the pictures of the game's web clients are.
    NoAddress,
}

/// Work that takes time, for a progress line.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// What is going on: "Importing castle.png".
    pub what: Arc<str>,
    /// 0..=1 when known.
    pub done: Option<f32>,
}

/// A message to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// For [`Request::Dismiss`].
    pub id: u64,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence: what happened, what it means for the data, what to do.
    pub text: Arc<str>,
    /// Further lines (an import report), shown on demand.
    pub details: Arc<[Arc<str>]>,
    /// An undo step that this notice offers to take back: after a delete.
    pub offers_undo: bool,
    /// A scene that this notice offers to bring back: after somebody else's delete.
    pub brings_back: Option<SceneId>,
}

/// How bad a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something is less than it should be.
    Warning,
    /// Something failed.
    Error,
}

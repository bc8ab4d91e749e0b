//! What panels ask the shell to do, in a queue that the shell drains once a frame.
//!
//! Panels read published state and push commands; nothing but the shell changes anything. Each
//! command remembers the line that pushed it, for the log.

use std::collections::BTreeSet;
use std::panic::Location;
use std::path::PathBuf;

use glam::DVec2;

use super::dialogs::Dialog;
use super::settings::MonitorChoice;
use super::shortcuts::Action;
use super::tables::TableLink;
use super::theme::ThemeChoice;
use crate::model::id::{PartyId, RowId, SceneId};
use crate::model::presence::SharedView;
use crate::render::Phase;
use crate::session::api::{Request, Severity};

/// Something that the shell shall do.
#[derive(Debug, Clone)]
pub enum Command {
    /// What a menu line or key does.
    Do(Action),
    /// Hands a request to the session.
    Request(Box<Request>),
    /// These markers, lights and drawings are picked now.
    Pick(BTreeSet<RowId>),
    /// Moves what is picked by cells, right and up.
    NudgeCells(DVec2),
    /// Shows or hides a layer in the editor.
    ToggleLayer(Phase),
    /// Begins to rename a scene in the list.
    BeginRename(SceneId),
    /// Copies a scene.
    DuplicateScene(SceneId),
    /// Deletes a scene.
    DeleteScene(SceneId),
    /// Asks for a file and does something with it.
    AskFile(FilePurpose),
    /// Does what was asked for, with these files.
    FilesChosen(FilePurpose, Vec<PathBuf>),
    /// Opens a dialog, or closes the open one.
    Dialog(Option<Dialog>),
    /// Another theme.
    Theme(ThemeChoice),
    /// Another monitor for the player display.
    Monitor(MonitorChoice),
    /// Another zoom of the canvas, screen points per table pixel.
    ZoomTo(f64),
    /// A message of the app itself.
    Tell(Severity, String),
    /// Opens a scene where somebody else looks at it.
    LookAt(SceneId, Option<SharedView>),
    /// Opens a table display as a process of its own.
    OpenTable(TableLink),
}

/// What a file is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilePurpose {
    /// Maps and pictures to open; into this scene if it is given.
    Import {
        /// Fill this scene.
        into: Option<SceneId>,
    },
    /// A picture for a marker.
    MarkerPicture {
        /// The scene.
        scene: SceneId,
        /// The marker.
        marker: RowId,
    },
    /// An archive to add.
    ImportArchive,
    /// Where an archive goes.
    ExportArchive {
        /// The party.
        party: PartyId,
        /// A name to begin with.
        name: String,
    },
    /// Where a Universal VTT file goes.
    ExportUniversalVtt {
        /// The scene.
        scene: SceneId,
        /// A name to begin with.
        name: String,
    },
    /// Where a picture of a scene goes.
    ExportPicture {
        /// A name to begin with.
        name: String,
    },
    /// Where the report goes.
    SaveReport,
    /// A pause picture for a party's table.
    PausePicture {
        /// The party.
        party: PartyId,
    },
}

impl FilePurpose {
    /// A file is written, not read.
    #[must_use]
    pub fn saves(&self) -> bool {
        matches!(
            self,
            Self::ExportArchive { .. }
                | Self::ExportUniversalVtt { .. }
                | Self::ExportPicture { .. }
                | Self::SaveReport
        )
    }

    /// The title of the file dialog.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Import { .. } => "Open map or picture",
            Self::MarkerPicture { .. } => "Picture for the marker",
            Self::ImportArchive => "Import campaign",
            Self::ExportArchive { .. } => "Export campaign",
            Self::ExportUniversalVtt { .. } => "Export scene as Universal VTT",
            Self::ExportPicture { .. } => "Export scene as picture",
            Self::SaveReport => "Save report",
            Self::PausePicture { .. } => "Pause picture",
        }
    }

    /// Name and extensions of the files that are offered.
    #[must_use]
    pub fn filter(&self) -> (&'static str, &'static [&'static str]) {
        const PICTURES: &[&str] = &["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"];
        match self {
            Self::Import { .. } => (
                "Maps and pictures",
                &[
                    "dd2vtt", "uvtt", "df2vtt", "png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff",
                    "gif",
                ],
            ),
            Self::MarkerPicture { .. } | Self::PausePicture { .. } => ("Pictures", PICTURES),
            Self::ImportArchive | Self::ExportArchive { .. } => {
                ("Tableglow campaigns", &["tableglow"])
            }
            Self::ExportUniversalVtt { .. } => ("Universal VTT", &["dd2vtt", "uvtt"]),
            Self::ExportPicture { .. } => ("PNG pictures", &["png"]),
            Self::SaveReport => ("Text", &["txt"]),
        }
    }

    /// The file name to begin with, when a file is written.
    #[must_use]
    pub fn suggested_name(&self) -> String {
        let safe = |name: &str| {
            let cut: String = name
                .chars()
                .map(|c| {
                    if c.is_alphanumeric() || " -_".contains(c) {
                        c
                    } else {
                        '-'
                    }
                })
                .take(80)
                .collect();
            let cut = cut.trim().to_owned();
            if cut.is_empty() {
                "tableglow".to_owned()
            } else {
                cut
            }
        };
        match self {
            Self::ExportArchive { name, .. } => format!("{}.tableglow", safe(name)),
            Self::ExportUniversalVtt { name, .. } => format!("{}.dd2vtt", safe(name)),
            Self::ExportPicture { name } => format!("{}.png", safe(name)),
            Self::SaveReport => "tableglow-report.txt".to_owned(),
            _ => String::new(),
        }
    }
}

/// The queue.
#[derive(Debug, Default)]
pub struct Commands {
    queue: Vec<(Command, &'static Location<'static>)>,
}

impl Commands {
    /// Adds a command.
    #[track_caller]
    pub fn push(&mut self, command: Command) {
        self.queue.push((command, Location::caller()));
    }

    /// Adds an action.
    #[track_caller]
    pub fn act(&mut self, action: Action) {
        self.queue.push((Command::Do(action), Location::caller()));
    }

    /// Adds a request.
    #[track_caller]
    pub fn request(&mut self, request: Request) {
        self.queue
            .push((Command::Request(Box::new(request)), Location::caller()));
    }

    /// Takes everything out, with the lines that pushed it.
    #[must_use]
    pub fn drain(&mut self) -> Vec<(Command, &'static Location<'static>)> {
        std::mem::take(&mut self.queue)
    }

    /// Nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

//! Work that takes time, on a thread of its own: imports, exports, archives, backups.
//!
//! Jobs are done one after the other, in order. The queue is bounded; when it is full the actor
//! says so instead of waiting. Must not know documents: a job gets what it needs by value and
//! hands its result back.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::import::{InputKind, sniff};
use crate::library::Library;
use crate::library::archive::Limits;
use crate::library::exchange::{Exported, Imported};
use crate::library::pictures::PictureUse;
use crate::model::id::{PartyId, RowId, SceneId};

use crate::scene::snapshot::SceneSnapshot;

use super::export::write_universal_vtt;
use super::workspace::{ImportFailure, Prepared, prepare_file, prepare_pixels};

/// Jobs that may wait.
const QUEUE: usize = 64;

/// Where the answer to whoever waits for an import goes, or the sentence why not.
pub(super) struct Asker(Box<dyn FnOnce(Result<Report, String>) + Send>);

impl Asker {
    pub(super) fn new(tell: impl FnOnce(Result<Report, String>) + Send + 'static) -> Self {
        Self(Box::new(tell))
    }

    pub(super) fn tell(self, result: Result<Report, String>) {
        (self.0)(result);
    }
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asker")
    }
}

/// What came of an import.
#[derive(Debug, Clone)]
pub(super) struct Report {
    /// Lines to print.
    pub(super) lines: Vec<String>,
    /// The scene that a map went into.
    pub(super) scene: Option<SceneId>,
}

/// Something that takes time.
#[derive(Debug)]
pub(super) enum Job {
    /// A picture or map file, or an archive.
    Import {
        file: PathBuf,
        into: Option<SceneId>,
        asker: Option<Asker>,
    },
    /// Pixels of the clipboard.
    Pixels {
        width: u32,
        height: u32,
        rgba: Vec<u8>,
        into: Option<SceneId>,
    },
    /// A picture for a marker.
    MarkerPicture {
        scene: SceneId,
        marker: RowId,
        file: PathBuf,
    },
    /// A party's archive.
    ExportArchive { party: PartyId, to: PathBuf },
    /// A scene as a map file.
    ExportUniversalVtt {
        scene: Arc<SceneSnapshot>,
        to: PathBuf,
    },
    /// A backup.
    Backup,
}

impl Job {
    /// What the progress line says.
    pub(super) fn in_words(&self) -> String {
        let name = |path: &PathBuf| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        match self {
            Self::Import { file, .. } | Self::MarkerPicture { file, .. } => {
                format!("Importing {}", name(file))
            }
            Self::Pixels { .. } => "Importing the pasted picture".to_owned(),
            Self::ExportArchive { to, .. } | Self::ExportUniversalVtt { to, .. } => {
                format!("Writing {}", name(to))
            }
            Self::Backup => "Making a backup".to_owned(),
        }
    }
}

/// What became of a job.
#[derive(Debug)]
pub(super) enum Done {
    /// To be written into a document.
    Import {
        result: Result<Box<Prepared>, ImportFailure>,
        into: Option<SceneId>,
        asker: Option<Asker>,
    },
    /// Parties came into the library.
    Archive {
        imported: Box<Imported>,
        asker: Option<Asker>,
    },
    /// To be written into a document.
    MarkerPicture {
        scene: SceneId,
        marker: RowId,
        location: String,
    },
    /// It is done; a sentence and lines to unfold.
    Told { text: String, details: Vec<String> },
    /// It failed; a sentence.
    Failed { text: String, asker: Option<Asker> },
}

impl Done {
    fn failed(error: &impl std::fmt::Display) -> Self {
        Self::Failed {
            text: error.to_string(),
            asker: None,
        }
    }
}

/// The worker thread.
pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts it; `done` is called on its thread.
    pub(super) fn start(
        library: Arc<Library>,
        done: impl Fn(Done) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(QUEUE);
        let thread = std::thread::Builder::new()
            .name("files".into())
            .spawn(move || work(&library, &receiver, &done))?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
        })
    }

    /// Queues a job; hands it back when too many wait.
    pub(super) fn queue(&self, job: Job) -> Result<(), Box<Job>> {
        match self.jobs.as_ref().map(|jobs| jobs.try_send(job)) {
            Some(Ok(())) | None => Ok(()),
            Some(Err(TrySendError::Full(job) | TrySendError::Disconnected(job))) => {
                Err(Box::new(job))
            }
        }
    }
}

impl Drop for Worker {
    /// Finishes what waits.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has told so in the log.
            let _ = thread.join();
        }
    }
}

fn work(library: &Library, jobs: &Receiver<Job>, done: &dyn Fn(Done)) {
    for job in jobs {
        done(run(library, job));
    }
}

/// The file, if it is an archive; what it is otherwise, the import of a map finds out and tells.
fn open_archive(path: &Path) -> Option<BufReader<File>> {
    let mut file = BufReader::new(File::open(path).ok()?);
    matches!(sniff(&mut file), Ok(InputKind::Archive)).then_some(file)
}

/// What an archive got, a line each.
pub fn exported_lines(exported: &Exported) -> Vec<String> {
    let mut lines = vec![format!(
        "{} parties, {} game sessions, {} scenes and {} pictures were written.",
        exported.parties, exported.games, exported.scenes, exported.pictures
    )];
    lines.extend(exported.notes.iter().cloned());
    lines
}

/// What came out of an archive, a line each.
pub fn imported_lines(imported: &Imported) -> Vec<String> {
    let mut lines: Vec<String> = imported
        .parties
        .iter()
        .map(|party| {
            let name = &party.name;
            if party.was_here {
                format!("{name} was here already, unchanged.")
            } else {
                format!("{name} was added with {} game sessions.", party.games.len())
            }
        })
        .collect();
    lines.extend(imported.notes.iter().cloned());
    lines
}

fn run(library: &Library, job: Job) -> Done {
    match job {
        Job::Import { file, into, asker } => {
            if let Some(archive) = open_archive(&file) {
                return match library.import_archive(archive, Limits::default()) {
                    Ok(imported) => Done::Archive {
                        imported: Box::new(imported),
                        asker,
                    },
                    Err(error) => Done::Failed {
                        text: error.to_string(),
                        asker,
                    },
                };
            }
            Done::Import {
                result: prepare_file(library, &file).map(Box::new),
                into,
                asker,
            }
        }
        Job::Pixels {
            width,
            height,
            rgba,
            into,
        } => Done::Import {
            result: prepare_pixels(library, width, height, rgba).map(Box::new),
            into,
            asker: None,
        },
        Job::MarkerPicture {
            scene,
            marker,
            file,
        } => match library.add_picture_file(&file, PictureUse::Token, &mut |_| ()) {
            Ok(added) => Done::MarkerPicture {
                scene,
                marker,
                location: added.location,
            },
            Err(error) => Done::failed(&error),
        },
        Job::ExportArchive { party, to } => match library.export_archive(&[party], &to) {
            Ok(exported) => Done::Told {
                text: format!("The campaign was written to {}", to.display()),
                details: exported_lines(&exported),
            },
            Err(error) => Done::failed(&error),
        },
        Job::ExportUniversalVtt { scene, to } => match write_universal_vtt(library, &scene, &to) {
            Ok(report) => Done::Told {
                text: format!("The scene was written to {}", to.display()),
                details: report.texts().map(str::to_owned).collect(),
            },
            Err(error) => Done::failed(&error),
        },
        Job::Backup => match library.backup_now() {
            Ok(name) => Done::Told {
                text: format!("A backup was made: {name}"),
                details: Vec::new(),
            },
            Err(error) => Done::failed(&error),
        },
    }
}

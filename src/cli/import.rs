//! `tableglow import FILE…`: pictures, map files and archives into a library, headless.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::import::InputKind;
use crate::library::archive::Limits;
use crate::library::{Library, Mode};
use crate::session::Workspace;
use crate::session::jobs::imported_lines;
use crate::session::workspace::prepare_file;
use crate::util::clock::SystemClock;

use super::{input, tell};

/// Brings pictures, map files and campaign archives into a library.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The files; each map becomes a scene of the game that was used last.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Import {
    pub(super) fn run(&self, library: Option<&Path>) -> anyhow::Result<()> {
        // Looked at first: a file that is nothing must not leave a new library behind.
        for file in &self.files {
            match input::kind_of(file)? {
                InputKind::Archive | InputKind::Picture(_) | InputKind::UniversalVtt => {}
                other => return Err(input::unusable(file, &other)),
            }
        }
        let folder = match library {
            Some(folder) => folder.to_owned(),
            None => Library::default_folder()?,
        };
        if super::running::import_there(&folder, &self.files)? {
            return Ok(());
        }
        let library = Arc::new(if Library::exists(&folder) {
            Library::open(&folder, Mode::Write)?
        } else {
            Library::create_empty(&folder)?
        });
        let result = self.import_into(&library);
        library.close()?;
        result
    }

    fn import_into(&self, library: &Arc<Library>) -> anyhow::Result<()> {
        let mut workspace = None;
        for file in &self.files {
            if input::kind_of(file)? == InputKind::Archive {
                let archive = BufReader::new(File::open(file)?);
                let imported = library.import_archive(archive, Limits::default())?;
                for line in imported_lines(&imported) {
                    tell(&line);
                }
                continue;
            }
            let prepared = prepare_file(library, file)?;
            for line in prepared.plan.report.texts() {
                tell(line);
            }
            let open = match workspace.take() {
                Some(open) => open,
                None => Workspace::open(Arc::clone(library), Arc::new(SystemClock::default()))?,
            };
            let open = workspace.insert(open);
            open.finish_import(prepared, None)?;
        }
        if let Some(mut open) = workspace {
            open.save_everything();
        }
        Ok(())
    }
}

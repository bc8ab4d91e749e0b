//! `tableglow`: the editor and the player display.

use std::path::PathBuf;

/// What a first start opens: drawn by this project itself (`packaging/sample`).
#[cfg(feature = "app")]
const SAMPLE_CAMPAIGN: &[u8] = include_bytes!("../../assets/sample.tableglow");

#[cfg(feature = "app")]
pub(super) fn run(library: Option<PathBuf>, safe_graphics: bool) -> anyhow::Result<()> {
    use std::sync::Arc;

    use crate::library::{Library, LibraryError};
    use crate::storage::error::StorageError;
    use crate::util::clock::SystemClock;

    let folder = match library {
        Some(folder) => folder,
        None => Library::default_folder()?,
    };
    if super::running::raise_there(&folder)? {
        super::tell("Tableglow has this library open already; its window was brought to the front");
        return Ok(());
    }
    let library = match Library::open_or_create_with(&folder, SAMPLE_CAMPAIGN) {
        Err(LibraryError::Storage(StorageError::Damaged { .. })) => {
            Library::recover(&folder, Arc::new(SystemClock::default()))?
        }
        other => {
            let (library, sample_problem) = other?;
            if let Some(problem) = sample_problem {
                tracing::warn!("the sample campaign was not added: {problem}");
            }
            library
        }
    };
    crate::app::run(crate::app::Options {
        library: Arc::new(library),
        safe_graphics,
    })
}

#[cfg(not(feature = "app"))]
pub(super) fn run(_library: Option<PathBuf>, _safe_graphics: bool) -> anyhow::Result<()> {
    anyhow::bail!("this program was built without windows; `tableglow --help` lists what it can do")
}

//! A running Tableglow on the same library: work is handed to it instead of done twice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::library::ipc::{IpcAnswer, IpcError, IpcRequest, ask};

use super::tell;

/// An import of a huge map takes a while.
const PATIENCE: Duration = Duration::from_secs(600);

/// Hands an import to the process that has the library open; false when there is none.
pub(super) fn import_there(folder: &Path, files: &[PathBuf]) -> anyhow::Result<bool> {
    // The other process has another working folder.
    let files = files
        .iter()
        .map(|file| std::path::absolute(file).context("the working folder is gone"))
        .collect::<anyhow::Result<Vec<_>>>()?;
    ask_there(folder, &IpcRequest::Import { files, game: None }, PATIENCE)
}

/// Asks the process that has the library open to come to the front; false when there is none.
#[cfg(feature = "app")]
pub(super) fn raise_there(folder: &Path) -> anyhow::Result<bool> {
    ask_there(
        folder,
        &IpcRequest::Open(Vec::new()),
        Duration::from_secs(5),
    )
}

fn ask_there(folder: &Path, request: &IpcRequest, at_most: Duration) -> anyhow::Result<bool> {
    match ask(folder, request, at_most) {
        Err(IpcError::Nobody) => Ok(false),
        Err(error) => Err(error.into()),
        Ok(IpcAnswer::Failed(text)) => Err(anyhow::anyhow!(text)),
        Ok(IpcAnswer::Done(report)) => {
            for line in report.as_array().into_iter().flatten() {
                if let Some(line) = line.as_str() {
                    tell(line);
                }
            }
            Ok(true)
        }
    }
}

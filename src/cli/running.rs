//! A running Tableglow on the same library: work is handed to it instead of done twice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Map, Value as Json};

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

/// Somebody has the library open and can be asked.
pub(super) fn is_there(folder: &Path) -> anyhow::Result<bool> {
    ask_there(folder, &IpcRequest::Ping, Duration::from_secs(20))
}

/// Has a script's command carried out by the process that has the library open; gives the answer's
/// fields, or one sentence.
pub(super) fn command_there(
    folder: &Path,
    command: Map<String, Json>,
) -> Result<Map<String, Json>, String> {
    match ask(folder, &IpcRequest::Command(command.into()), PATIENCE) {
        Ok(IpcAnswer::Done(Json::Object(answer))) => Ok(answer),
        Ok(IpcAnswer::Done(_)) => Ok(Map::new()),
        Ok(IpcAnswer::Failed(why)) => Err(why),
        Err(IpcError::Nobody) => Err(
            "the running Tableglow was closed in the middle of this script; everything before this line is done"
                .to_owned(),
        ),
        Err(error) => Err(error.to_string()),
    }
}

/// The link for a table's display of the game that is open in a running Tableglow; `None` when none
/// runs on this library.
#[cfg(feature = "render")]
pub(super) fn display_link(folder: &Path) -> anyhow::Result<Option<String>> {
    match ask(folder, &IpcRequest::DisplayLink, Duration::from_secs(60)) {
        Err(IpcError::Nobody) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(IpcAnswer::Failed(why)) => Err(anyhow::anyhow!(why)),
        Ok(IpcAnswer::Done(told)) => {
            let link = told.get("link").and_then(Json::as_str);
            link.map(|link| Some(link.to_owned()))
                .context("the running Tableglow has no room for a display; is it an older one?")
        }
    }
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

//! What can go wrong in a library, each as one sentence for the user.

use crate::import::picture::PictureError;
use crate::storage::error::StorageError;

/// Why something in a library was not done.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Its files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A picture file.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A party that is not there.
    #[error("this party is no longer in the library, so nothing was changed; choose another one")]
    NoSuchParty,
    /// A game session that is not there.
    #[error(
        "this game session is no longer in the library, so nothing was changed; choose another one"
    )]
    NoSuchGame,
    /// A library where a new one was to be made.
    #[error("there is a library in {} already; it was not changed; open it, or choose an empty folder", .0.display())]
    Exists(std::path::PathBuf),
    /// The folder of this user's data is unknown to the system.
    #[error("this system names no folder for your data, so no library was opened; name one with --library")]
    NoHome,
}

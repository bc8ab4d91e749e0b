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
    /// A campaign archive.
    #[error(transparent)]
    Archive(#[from] super::archive::ArchiveError),
    /// A document that cannot be read.
    #[error("{0}")]
    Document(String),
    /// A file that is too long to be a picture.
    #[error(
        "this file is larger than 1 GiB, which no picture here may be; nothing was added; save the picture smaller"
    )]
    PictureFileTooLarge,
    /// Bytes that do not have the hash that they are known by.
    #[error(
        "a picture is not the one that it is named as, so nothing was added; get the file again"
    )]
    PictureChanged,
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
    #[error(
        "this system names no folder for your data, so no library was opened; name one with --library"
    )]
    NoHome,
}

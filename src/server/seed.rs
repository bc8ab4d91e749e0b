//! What a room begins with when nothing was ever stored of it.
//!
//! A Yjs update (format 1), raw or as base64, is taken as it is. Any other text becomes the content
//! of a text root. Either is stored before it is served and used once only.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;

use super::ServerError;
use super::name::RoomName;
use crate::doc::{guard, replica};

/// The root that plain text goes into, as web editors name it.
pub const TEXT_ROOT: &str = "codemirror";

/// The beginnings of rooms.
#[derive(Debug, Clone, Default)]
pub struct Seeds(Arc<HashMap<RoomName, Vec<u8>>>);

impl Seeds {
    /// Reads the files of seeds.
    ///
    /// # Errors
    /// A file that cannot be read or is neither a document nor text.
    pub fn read(files: &[(RoomName, &Path)]) -> Result<Self, ServerError> {
        let read = |(name, path): &(RoomName, &Path)| {
            let what = || path.display().to_string();
            let bytes = std::fs::read(path)
                .map_err(|error| ServerError::System(format!("{}: {error}", what())))?;
            let update = update_of(&bytes, TEXT_ROOT).ok_or(ServerError::Seed { what: what() })?;
            Ok((name.clone(), update))
        };
        Ok(Self(Arc::new(
            files.iter().map(read).collect::<Result<_, ServerError>>()?,
        )))
    }

    /// The beginning of a room, if there is one for it.
    #[must_use]
    pub fn of(&self, name: &RoomName) -> Option<Vec<u8>> {
        self.0.get(name).cloned()
    }
}

/// A seed as an update; `None` when it is neither a document nor text.
#[must_use]
pub fn update_of(seed: &[u8], text_root: &str) -> Option<Vec<u8>> {
    if guard::check_update(seed).is_ok() {
        return Some(seed.to_vec());
    }
    let text = std::str::from_utf8(seed).ok()?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim());
    if let Ok(update) = decoded
        && guard::check_update(&update).is_ok()
    {
        return Some(update);
    }
    Some(replica::text_as_update(text_root, text))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_an_update_raw_or_base64_or_text() {
        let update = replica::text_as_update("notes", "The door is locked. 🗝");
        assert_eq!(update_of(&update, TEXT_ROOT).unwrap(), update);
        let base64 = base64::engine::general_purpose::STANDARD.encode(&update) + "\n";
        assert_eq!(update_of(base64.as_bytes(), TEXT_ROOT).unwrap(), update);
        let text = update_of("# Notes\n".as_bytes(), TEXT_ROOT).unwrap();
        assert!(guard::check_update(&text).is_ok());
        assert!(text.windows(8).any(|part| part == b"# Notes\n"));
        assert_eq!(update_of(&[0xff, 0xfe, 3], TEXT_ROOT), None);
    }
}

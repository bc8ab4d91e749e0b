//! The pictures that documents name: which they are, which of them are here, and how those that
//! others have come in.
//!
//! A location key such as `map/SHA256.jpg` says what the picture's file hashes to, so it can be had
//! from anybody and checked. Keys without a hash are those of a web client's bucket: what they name is
//! there and nowhere else, and only that it is a picture can be checked.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

use super::error::LibraryError;
use super::open::Library;
use super::pictures::MOST_PICTURE_BYTES;
use crate::doc::GameDoc;
use crate::import::picture::{Limits, PictureReader};
use crate::model::id::{PictureHash, SceneId};
use crate::model::property::RowKind;
use crate::model::{marker, scene};
use crate::scene::picture::PictureSource as _;
use crate::storage::blobs::is_hash;
use crate::storage::catalogue::AssetRow;
use crate::storage::error::StorageError;

/// The longest key that is believed.
const MOST_LOCATION_BYTES: usize = 256;
/// What is asked of a new picture so that its tiles are built before somebody looks at it.
const FIRST_LOOK_PX: u32 = 64;

/// The keys that a scene names: its map, then its markers' pictures.
#[must_use]
pub fn pictures_of_scene(doc: &GameDoc, id: &SceneId) -> Vec<String> {
    let map = doc
        .scene_row(id)
        .and_then(|row| row.get(scene::MAP_LOCATION));
    let markers = doc.rows(id, RowKind::Marker);
    let tokens = markers
        .iter()
        .filter_map(|(_, row)| row.get(marker::IMAGE_LOCATION));
    let mut seen = BTreeSet::new();
    map.into_iter()
        .chain(tokens)
        .filter(|location| !location.is_empty() && seen.insert(location.clone()))
        .map(|location| location.to_string())
        .collect()
}

/// The keys that a game names, scene by scene, each once.
#[must_use]
pub fn pictures_of_game(doc: &GameDoc) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let scenes = doc.scene_ids();
    scenes
        .iter()
        .flat_map(|scene| pictures_of_scene(doc, scene))
        .filter(|location| seen.insert(location.clone()))
        .collect()
}

/// The hash of the picture's file that a key has in its name.
#[must_use]
pub fn hash_in(location: &str) -> Option<PictureHash> {
    let name = location.rsplit('/').next()?;
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    (location.len() <= MOST_LOCATION_BYTES && is_hash(stem)).then(|| PictureHash::new(stem))
}

/// Whether a key may name a file of a web client's bucket: one without a hash. A `?v=N` at its end is
/// part of it, so another version is another key.
#[must_use]
pub fn is_web_key(location: &str) -> bool {
    !location.is_empty() && location.len() <= MOST_LOCATION_BYTES && hash_in(location).is_none()
}

impl Library {
    /// Whether the picture behind a key is on this machine, its file too, or all of a map that is
    /// only shown.
    #[must_use]
    pub fn has_picture(&self, location: &str) -> bool {
        let info = self.records.kept(location);
        info.is_some_and(|info| self.has_picture_file(&info.hash))
            || self.records.passing().has_whole(location)
    }

    /// Whether a picture's file is here; one that a guest sent has no record yet.
    #[must_use]
    pub fn has_picture_file(&self, picture: &PictureHash) -> bool {
        self.blobs.contains(picture.as_str())
    }

    /// The keys of pictures that are not here, in the same order.
    #[must_use]
    pub fn missing_pictures(&self, mut locations: Vec<String>) -> Vec<String> {
        locations.retain(|location| !self.has_picture(location));
        locations
    }

    /// Takes in a picture that somebody else has: it must hash to what it is named. Its file is
    /// written as it comes, its tiles are cut in the background.
    ///
    /// # Errors
    /// When the source fails, or gives another file, or no picture; then nothing was added.
    pub fn add_fetched_picture(
        &self,
        source: &mut dyn Read,
        hash: &PictureHash,
        locations: &[String],
    ) -> Result<(), LibraryError> {
        self.store()?;
        self.add_picture_unseen(source, hash.as_str(), locations, "")?;
        self.look_at(hash);
        Ok(())
    }

    /// Takes in what a web client's bucket has under a key. The whole of it is read as a picture and
    /// its tiles are cut before it is kept, as nothing else says that it came whole.
    ///
    /// # Errors
    /// When the source fails, or gives more than `most_bytes`, or no picture; then nothing was added.
    pub fn add_web_picture(
        &self,
        source: &mut dyn Read,
        location: &str,
        most_bytes: u64,
    ) -> Result<(), LibraryError> {
        let name = location.rsplit('/').next().unwrap_or_default();
        let name = name.split('?').next().unwrap_or_default();
        let (row, _, _) = self.take_in(source, most_bytes, name, &mut |_| ())?;
        self.record_picture(row, location)
    }

    /// Gives a picture whose file is here further keys, and a record if it has none.
    ///
    /// # Errors
    /// When it is no picture, or cannot be read or written.
    pub fn adopt_picture(
        &self,
        hash: &PictureHash,
        locations: &[String],
    ) -> Result<(), LibraryError> {
        let row = match self.records.row(hash) {
            Some(row) => row,
            None => {
                let io = |e: std::io::Error| StorageError::from_io(self.folder(), &e);
                let file = self.blobs.open(hash.as_str()).map_err(io)?;
                let bytes = file.metadata().map_err(io)?.len();
                if bytes > MOST_PICTURE_BYTES {
                    return Err(LibraryError::PictureFileTooLarge);
                }
                row_of(file, hash.as_str(), bytes, "")?
            }
        };
        for location in locations {
            self.record_picture(row.clone(), location)?;
        }
        self.look_at(hash);
        Ok(())
    }

    /// Has the tiles built now and not when they are first wanted.
    fn look_at(&self, hash: &PictureHash) {
        self.tiles.whole(hash, FIRST_LOOK_PX);
    }
}

/// The record of a picture file, from its head.
pub(super) fn row_of(
    file: File,
    hash: &str,
    bytes: u64,
    name: &str,
) -> Result<AssetRow, LibraryError> {
    let info = *PictureReader::open(file, &Limits::default())?.info();
    Ok(AssetRow {
        hash: hash.to_owned(),
        format: info.format.id().to_owned(),
        width: info.width,
        height: info.height,
        bytes,
        name: name.to_owned(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::doc::Origin;
    use crate::library::tests::{noise, png};
    use crate::model::edit::{Assignment, Edit, RowRef};
    use crate::model::id::{GameSessionId, RowId};
    use crate::scene::picture::PictureIndex as _;
    use crate::storage::blobs::hash_of;

    #[test]
    fn a_key_with_a_hash_says_it_and_no_other_does() {
        let hash = hash_of(b"x");
        for key in ["map/{}.jpg", "token/{}.png", "{}", "a/b/{}.tar.gz"] {
            let key = key.replace("{}", &hash);
            assert_eq!(hash_in(&key), Some(PictureHash::new(&hash)), "{key}");
        }
        for key in ["", "map/", "map/a_2400x1400.jpg", "map/{}0.jpg", "{}/a.jpg"] {
            assert_eq!(hash_in(&key.replace("{}", &hash)), None, "{key}");
        }
        let long = format!("{}/{hash}.png", "x".repeat(MOST_LOCATION_BYTES));
        assert_eq!(hash_in(&long), None);
    }

    #[test]
    fn what_a_web_key_names_comes_in_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::create_empty(folder.path()).unwrap();
        let bytes = png(300, 200, noise);
        let add = |mut source: &[u8], key, most| library.add_web_picture(&mut source, key, most);
        let cut = bytes.len() / 2;
        let too_large = add(&bytes, "map/a.png", cut as u64);
        assert!(matches!(too_large, Err(LibraryError::PictureFileTooLarge)));
        for wrong in [&b"<html>Not found</html>"[..], b"", &bytes[..cut]] {
            assert!(add(wrong, "map/a.png", 1 << 20).is_err());
        }
        let endless = library.add_web_picture(&mut std::io::repeat(7), "map/a.png", 1 << 20);
        assert!(matches!(endless, Err(LibraryError::PictureFileTooLarge)));
        assert!(!library.has_picture("map/a.png"));
        assert!(!library.has_picture_file(&PictureHash::new(&hash_of(&bytes))));

        for (key, size) in [("map/a.png", 300), ("map/a.png?v=2", 40)] {
            add(&png(size, 200, noise), key, 1 << 20).unwrap();
            assert!(is_web_key(key) && library.has_picture(key));
        }
        let width = |key| library.pictures().find(key).unwrap().width;
        assert_eq!((width("map/a.png"), width("map/a.png?v=2")), (300, 40));
        assert!(!library.has_picture("map/a.png?v=3"));
        assert!(!is_web_key("") && !is_web_key(&format!("map/{}.png", hash_of(b"x"))));
    }

    #[test]
    fn a_game_names_maps_and_tokens_each_once() {
        let mut doc = GameDoc::create(&GameSessionId::new("g"));
        let (first, second) = (SceneId::new("one"), SceneId::new("two"));
        let mut edits = Vec::new();
        for (n, id) in [&first, &second].into_iter().enumerate() {
            let map = format!("map/{n}.png");
            edits.push(Edit::Create {
                row: RowRef::Scene(id.clone()),
                values: vec![Assignment::new(scene::MAP_LOCATION, Some(&*map))],
            });
            for name in ["a", "b"] {
                edits.push(Edit::Create {
                    row: RowRef::marker(id, &RowId::new(name)),
                    values: vec![Assignment::new(
                        marker::IMAGE_LOCATION,
                        Some("token/orc.png"),
                    )],
                });
            }
        }
        let applied = doc.apply(&edits, Origin::Local(1));
        assert_eq!(applied.dropped, []);
        assert_eq!(
            pictures_of_scene(&doc, &second),
            ["map/1.png", "token/orc.png"]
        );
        assert_eq!(
            pictures_of_game(&doc),
            ["map/0.png", "token/orc.png", "map/1.png"]
        );
    }

    #[test]
    fn only_the_picture_that_is_named_comes_in() {
        let folder = tempfile::tempdir().unwrap();
        let library = Library::create_empty(folder.path()).unwrap();
        let bytes = png(300, 200, noise);
        let hash = PictureHash::new(&hash_of(&bytes));
        let location = format!("map/{hash}.png");
        let locations = [location.clone()];
        let other = png(30, 20, noise);
        let wrong = library.add_fetched_picture(&mut &other[..], &hash, &locations);
        assert!(matches!(wrong, Err(LibraryError::PictureChanged)));
        let text = b"no picture at all";
        let text_hash = PictureHash::new(&hash_of(text));
        assert!(
            library
                .add_fetched_picture(&mut &text[..], &text_hash, &locations)
                .is_err()
        );
        assert_eq!(library.missing_pictures(locations.to_vec()), locations);
        assert!(!library.has_picture_file(&text_hash));

        library
            .add_fetched_picture(&mut &bytes[..], &hash, &locations)
            .unwrap();
        assert!(library.has_picture(&location));
        let info = library.pictures().find(&location).unwrap();
        assert_eq!((info.width, info.height), (300, 200));
        // A file that was put there by somebody else gets its record by its key.
        let pending = library.blobs.receive(&mut &other[..], 1 << 20).unwrap();
        let sent = PictureHash::new(&pending.hash);
        library.blobs.keep(pending).unwrap();
        let key = format!("token/{sent}.png");
        assert!(library.has_picture_file(&sent) && !library.has_picture(&key));
        library
            .adopt_picture(&sent, std::slice::from_ref(&key))
            .unwrap();
        assert!(library.has_picture(&key));
    }
}

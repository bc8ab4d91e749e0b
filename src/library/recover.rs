//! Going on after the database was damaged: from the newest backup, with everything that can
//! still be read of the damaged one added to it.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::error::LibraryError;
use super::open::{Library, Mode, database_path};
use crate::storage::agreed;
use crate::storage::atomic;
use crate::storage::backup::{self, Backups};
use crate::storage::blobs::hash_of;
use crate::storage::catalogue;
use crate::storage::database::Database;
use crate::storage::documents;
use crate::storage::error::StorageError;
use crate::storage::lock::WriterLock;
use crate::storage::removed;
use crate::storage::salvage::{self, Salvaged};
use crate::util::clock::Clock;

impl Library {
    /// Goes on where [`Self::open`] said that the database is damaged: sets it aside whole, takes
    /// the newest readable backup in its place, or begins an empty library where there is none,
    /// and adds what can still be read of the damaged one: documents' updates merge, so adding them
    /// again never does harm. [`Self::notices`] says what was done. Pictures stay where they are.
    ///
    /// A library that is not damaged is simply opened.
    ///
    /// # Errors
    /// Those of opening, and of the file system.
    pub fn recover(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, LibraryError> {
        let lock = WriterLock::take(folder)?;
        let database = database_path(folder);
        match Database::open_to_read(&database) {
            Err(StorageError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(sound) => {
                drop((sound, lock));
                return Self::open_with(folder, Mode::Write, clock);
            }
        }
        let damaged = folder.join("damaged");
        let aside = backup::set_damaged_aside(&database, &damaged, clock.unix_ms())?;
        let from = newest_backup_in_place(&Backups::new(folder.join("backups")), &database)?;
        drop(lock);
        let mut library = Self::open_to_write(folder, clock)?;
        let found = salvage::read(&aside);
        let kept = in_words(&found);
        let added = library.add_salvaged(found)?;
        let instead = from.map_or_else(
            || "an empty library was begun in its place, as there is no backup".to_owned(),
            |holds| format!("the newest backup ({holds}) was opened in its place"),
        );
        library.notice(format!(
            "The library was damaged. It was set aside whole as {}, and {instead}; {added} saved \
             changes that could still be read were added to it{kept} Pictures were not touched.",
            aside.display()
        ));
        Ok(library)
    }

    fn add_salvaged(&self, found: Salvaged) -> Result<usize, LibraryError> {
        let now = self.clock.unix_ms();
        let (parties, games, assets) = (found.parties, found.games, found.assets);
        let (gone, agreed) = (found.removed, found.agreed);
        self.write(move |rows| {
            for (party, binned) in &parties {
                if catalogue::party_exists(rows, &party.id)? {
                    catalogue::rename_party(rows, &party.id, &party.name)?;
                    catalogue::set_defaults(rows, &party.id, &party.defaults)?;
                } else {
                    catalogue::add_party(rows, party, now)?;
                }
                catalogue::bin_party(rows, &party.id, binned.then_some(now))?;
            }
            for (game, binned) in &games {
                if catalogue::game_exists(rows, &game.id)? {
                    catalogue::rename_game(rows, &game.id, &game.name)?;
                } else if catalogue::party_exists(rows, &game.party)? {
                    catalogue::add_game(rows, game, now)?;
                }
                catalogue::bin_game(rows, &game.id, binned.then_some(now))?;
            }
            for (location, asset) in &assets {
                catalogue::add_asset(rows, asset, location, now)?;
            }
            removed::put_back(rows, &gone, now)?;
            for (game, row) in &agreed {
                if catalogue::game_exists(rows, game)? {
                    agreed::put_back(rows, game, row)?;
                }
            }
            Ok(())
        })?;
        self.reload_pictures()?;

        let mut known: HashMap<String, HashSet<String>> = HashMap::new();
        let mut added = 0;
        for (key, bytes) in found.records {
            if !known.contains_key(&key) {
                let here = self.read(|rows| documents::load(rows, &key))?;
                known.insert(key.clone(), here.parts().map(hash_of).collect());
            }
            let is_new = known
                .get_mut(&key)
                .is_some_and(|hashes| hashes.insert(hash_of(&bytes)));
            if is_new {
                self.append_surely(&key.into(), bytes)?;
                added += 1;
            }
        }
        let store = self.store()?;
        if !store.wait_until_durable(store.appended(), Duration::from_secs(30)) {
            return Err(store.failing().unwrap_or(StorageError::Closed).into());
        }
        Ok(added)
    }

    /// Appends; where the queue is full, once more after it was written.
    fn append_surely(&self, key: &Arc<str>, bytes: Vec<u8>) -> Result<(), LibraryError> {
        let store = self.store()?;
        let Err(refused) = store.append(key, bytes) else {
            return Ok(());
        };
        // Whether it helped shows right after.
        let _ = store.wait_until_durable(store.appended(), Duration::from_secs(30));
        match store.append(key, refused.bytes) {
            Ok(_) => Ok(()),
            Err(refused) => Err(refused.error.into()),
        }
    }
}

/// What else was kept of a damaged library, and what was not: the end of a sentence, and perhaps another.
fn in_words(found: &Salvaged) -> String {
    let kept = match found.removed.len() {
        0 => ".".to_owned(),
        1 => ", and a deleted scene that can be brought back.".to_owned(),
        more => format!(", and {more} deleted scenes that can be brought back."),
    };
    let lost = match (found.skipped, found.has_gaps) {
        (0, false) => return kept,
        (0, true) => "Parts of it could not be read".to_owned(),
        (1, _) => "An entry of it could not be read".to_owned(),
        (more, _) => format!("{more} entries of it could not be read"),
    };
    format!("{kept} {lost}, so what they held is missing; it lies in the file that was set aside.")
}

/// Copies the newest backup that is sound to the database's place; what it holds, in words.
fn newest_backup_in_place(
    backups: &Backups,
    database: &Path,
) -> Result<Option<String>, LibraryError> {
    for file in backups.list()? {
        let Some(path) = backups.path(&file.name) else {
            continue;
        };
        if Database::open_to_read(&path).is_ok_and(|found| !found.is_newer()) {
            let bytes = std::fs::read(&path).map_err(|e| StorageError::from_io(&path, &e))?;
            atomic::write_file(database, |target| target.write_all(&bytes))
                .map_err(|e| StorageError::from_io(database, &e))?;
            return Ok(Some(backups.holds(&file.name)?.to_string()));
        }
    }
    Ok(None)
}

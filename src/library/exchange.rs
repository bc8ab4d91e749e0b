//! Campaign archives out of a [`Library`] and into one.
//!
//! Importing adds and never replaces. A party whose id the library knows already comes in as a
//! second copy with fresh ids (its own and its games'), unless the library's is still exactly
//! what the archive holds: then nothing is added. All rows and documents of an import are one
//! transaction, after everything was read and every hash checked; pictures come before it, and
//! one that is left over from an import that failed is only a file nobody names.

use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Seek};
use std::path::Path;

use super::archive::read::Archive;
use super::archive::write::{Contents, GameContents, PartyContents, PictureFile};
use super::archive::{ArchiveError, Limits, Manifest, PartyRecord};
use super::contents;
use super::error::LibraryError;
use super::open::Library;
use super::saved::DocumentId;
use crate::import::report::counted;
use crate::model::id::{GameSessionId, PartyId, PictureHash};
use crate::model::scene::CUT_MAPS;
use crate::storage::blobs::hash_of;
use crate::storage::catalogue::{self, GameRow, PartyRow};
use crate::storage::error::StorageError;

/// The documents of an archive are in memory together while they are imported.
const MOST_DOCUMENT_BYTES: usize = 512 << 20;

/// What an archive needs to know of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentContents {
    /// A Y update (version 1) that makes it.
    pub update: Vec<u8>,
    /// Texts in it that may be location keys of pictures; others are ignored.
    pub locations: BTreeSet<String>,
    /// How many scenes it has.
    pub scenes: u32,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// Parties.
    pub parties: usize,
    /// Game sessions.
    pub games: usize,
    /// Scenes.
    pub scenes: u32,
    /// Pictures.
    pub pictures: usize,
    /// Size of the archive.
    pub bytes: u64,
    /// What is not in it, a sentence each.
    pub notes: Vec<String>,
}

/// What was added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The parties of the archive, in its order, by the ids that they have here.
    pub parties: Vec<ImportedParty>,
    /// Pictures that are new here.
    pub pictures: usize,
    /// What was not taken or needs a word, a sentence each.
    pub notes: Vec<String>,
}

/// A party of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedParty {
    /// Its id here.
    pub id: PartyId,
    /// Its name.
    pub name: String,
    /// Its game sessions' ids here, in the archive's order.
    pub games: Vec<GameSessionId>,
    /// It was here already, unchanged, and nothing was added.
    pub was_here: bool,
}

/// A party as it will be added.
struct Planned {
    party: PartyRow,
    document: Option<Vec<u8>>,
    games: Vec<(GameRow, Option<Vec<u8>>, u32)>,
}

impl Library {
    /// Writes the archive of some parties; all of them when `parties` is empty. What is queued and
    /// not yet on disk is not in it.
    ///
    /// # Errors
    /// When something cannot be read or the archive not written; no half archive is left.
    pub fn export_archive(&self, parties: &[PartyId], to: &Path) -> Result<Exported, LibraryError> {
        let view = self.view()?;
        let mut report = Exported::default();
        let mut archive = Contents::default();
        let mut locations = BTreeSet::new();
        let chosen = view
            .parties
            .iter()
            .filter(|party| parties.is_empty() || parties.contains(&party.id));
        for party in chosen {
            let mut document = |id: &DocumentId| -> Result<Option<DocumentContents>, LibraryError> {
                let loaded = self.load_document(id)?;
                report.notes.extend(loaded.problems.iter().cloned());
                if loaded.is_empty() {
                    return Ok(None);
                }
                let read = contents::of_document(id, loaded.parts())?;
                locations.extend(read.locations.iter().cloned());
                Ok(Some(read))
            };
            let mut games = Vec::new();
            for game in &party.games {
                let read = document(&DocumentId::Game(game.id.clone()))?;
                games.push(GameContents {
                    id: game.id.clone(),
                    name: game.name.clone(),
                    scenes: read.as_ref().map_or(0, |read| read.scenes),
                    document: read.map(|read| read.update),
                });
            }
            let own = document(&DocumentId::Party(party.id.clone()))?;
            locations.extend(party.defaults.pause_picture.clone());
            report.parties += 1;
            report.games += games.len();
            report.scenes += games.iter().map(|game| game.scenes).sum::<u32>();
            archive.add_party(PartyContents {
                id: party.id.clone(),
                name: party.name.clone(),
                defaults: party.defaults.clone(),
                document: own.map(|read| read.update),
                games,
            });
        }
        if report.parties == 0 {
            return Err(LibraryError::NoSuchParty);
        }
        self.archive_pictures(&locations, &mut archive, &mut report)?;
        report.bytes = archive.write_file(to)?;
        Ok(report)
    }

    fn archive_pictures(
        &self,
        locations: &BTreeSet<String>,
        archive: &mut Contents,
        report: &mut Exported,
    ) -> Result<(), LibraryError> {
        let mut hashes = BTreeSet::new();
        let mut cut_maps = 0;
        for location in locations {
            let Some(info) = self.records.kept(location) else {
                // Most texts are no pictures; those that look like ours are missed.
                if location.starts_with(CUT_MAPS) {
                    cut_maps += 1;
                } else if location.starts_with("map/") || location.starts_with("token/") {
                    report.notes.push(format!(
                        "The picture {location} is not on this machine, so the archive is without it."
                    ));
                }
                continue;
            };
            let row = self.records.row(&info.hash);
            let path = self.blobs.path(info.hash.as_str());
            let (Some(row), Some(path)) = (row, path.filter(|path| path.is_file())) else {
                report.notes.push(format!(
                    "The file of the picture {location} is gone, so the archive is without it."
                ));
                continue;
            };
            let hash =
                archive.add_picture(|_, _| location.clone(), &row.name, PictureFile::Path(path))?;
            if hash != info.hash.as_str() {
                return Err(LibraryError::PictureChanged);
            }
            hashes.insert(hash);
        }
        if cut_maps > 0 {
            report.notes.push(format!(
                "{} that the room shows players only in part cannot be given away, so the archive is \
                 without; ask the game master for the whole campaign.",
                counted(cut_maps, "map")
            ));
        }
        report.pictures = hashes.len();
        Ok(())
    }

    /// Adds what an archive holds.
    ///
    /// # Errors
    /// When the archive is refused or the library cannot be written: nothing is in its lists then.
    pub fn import_archive(
        &self,
        source: impl Read + Seek,
        limits: Limits,
    ) -> Result<Imported, LibraryError> {
        self.store()?;
        let mut archive = Archive::open(source, limits)?;
        let manifest = archive.manifest().clone();
        let mut report = Imported::default();
        if !archive.strangers().is_empty() {
            report.notes.push(format!(
                "{} entries do not belong into a campaign archive and were left out.",
                archive.strangers().len()
            ));
        }
        let documents = read_documents(&mut archive, &manifest)?;
        check_documents(&manifest, &documents)?;
        let mut planned = Vec::new();
        for party in &manifest.parties {
            if let Some(here) = self.unchanged(party)? {
                report.parties.push(here);
                continue;
            }
            let plan = self.plan(party, &documents)?;
            report.parties.push(ImportedParty {
                id: PartyId::new(&plan.party.id),
                name: plan.party.name.clone(),
                games: plan
                    .games
                    .iter()
                    .map(|(game, _, _)| GameSessionId::new(&game.id))
                    .collect(),
                was_here: false,
            });
            planned.push(plan);
        }
        self.import_pictures(&mut archive, &manifest, &mut report)?;
        let now = self.clock.unix_ms();
        self.write(move |rows| {
            for plan in planned {
                add(rows, plan, now)?;
            }
            Ok(())
        })?;
        Ok(report)
    }

    /// The library's own party, when it is in the list and exactly what the archive holds.
    fn unchanged(&self, party: &PartyRecord) -> Result<Option<ImportedParty>, LibraryError> {
        let view = self.view()?;
        let Some(here) = view.parties.iter().find(|p| p.id.as_str() == party.id) else {
            return Ok(None);
        };
        let same_party = here.name == party.name
            && here.defaults == party.defaults
            && here.games.len() == party.games.len()
            && self.holds_only(
                &DocumentId::Party(here.id.clone()),
                party.document.as_deref(),
            )?;
        if !same_party {
            return Ok(None);
        }
        for game in &party.games {
            let same = match here.games.iter().find(|g| g.id.as_str() == game.id) {
                Some(own) => {
                    own.name == game.name
                        && self.holds_only(
                            &DocumentId::Game(own.id.clone()),
                            game.document.as_deref(),
                        )?
                }
                None => false,
            };
            if !same {
                return Ok(None);
            }
        }
        Ok(Some(ImportedParty {
            id: here.id.clone(),
            name: here.name.clone(),
            games: party
                .games
                .iter()
                .map(|g| GameSessionId::new(&g.id))
                .collect(),
            was_here: true,
        }))
    }

    /// Whether a document is what was imported, without a change since.
    fn holds_only(&self, id: &DocumentId, hash: Option<&str>) -> Result<bool, LibraryError> {
        let loaded = self.load_document(id)?;
        let own = loaded.snapshot.as_deref().map(hash_of);
        Ok(loaded.updates.is_empty() && own.as_deref() == hash)
    }

    fn plan(
        &self,
        party: &PartyRecord,
        documents: &HashMap<String, Vec<u8>>,
    ) -> Result<Planned, LibraryError> {
        let bytes = |hash: &Option<String>| hash.as_ref().and_then(|h| documents.get(h).cloned());
        let is_copy = self.read(|rows| catalogue::party_exists(rows, &party.id))?;
        let party_id = if is_copy {
            PartyId::fresh().to_string()
        } else {
            party.id.clone()
        };
        let mut games = Vec::new();
        for game in &party.games {
            let taken = is_copy || self.read(|rows| catalogue::game_exists(rows, &game.id))?;
            let id = if taken {
                GameSessionId::fresh().to_string()
            } else {
                game.id.clone()
            };
            let row = GameRow {
                id,
                party: party_id.clone(),
                name: game.name.clone(),
            };
            games.push((row, bytes(&game.document), game.scenes));
        }
        Ok(Planned {
            party: PartyRow {
                id: party_id,
                name: party.name.clone(),
                defaults: serde_json::to_string(&party.defaults)
                    .unwrap_or_else(|_| "{}".to_owned()),
            },
            document: bytes(&party.document),
            games,
        })
    }

    fn import_pictures<R: Read + Seek>(
        &self,
        archive: &mut Archive<R>,
        manifest: &Manifest,
        report: &mut Imported,
    ) -> Result<(), LibraryError> {
        for picture in &manifest.pictures {
            let hash = PictureHash::new(&picture.hash);
            let known = self.records.row(&hash);
            if let Some(row) = known
                && self.blobs.contains(&picture.hash)
            {
                for location in &picture.locations {
                    self.record_picture(row.clone(), location)?;
                }
                continue;
            }
            let taken = archive.picture(&picture.hash, |source| {
                self.add_picture_unseen(source, &picture.hash, &picture.locations, &picture.name)
            });
            match taken {
                Ok(()) => report.pictures += 1,
                // A file of the right hash that is no picture came so from its maker.
                Err(LibraryError::Picture(error)) => {
                    report.notes.push(format!("{}: {error}", picture.name));
                }
                Err(LibraryError::PictureChanged) => {
                    let what = format!("{} is not what its name says", picture.name);
                    return Err(ArchiveError::Damaged(what).into());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn read_documents<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
) -> Result<HashMap<String, Vec<u8>>, LibraryError> {
    let mut documents = HashMap::new();
    let mut total = 0;
    for party in &manifest.parties {
        let games = party.games.iter().filter_map(|game| game.document.as_ref());
        for hash in party.document.iter().chain(games) {
            if documents.contains_key(hash) {
                continue;
            }
            let bytes = archive.document(hash)?;
            total += bytes.len();
            if total > MOST_DOCUMENT_BYTES {
                let why = format!(
                    "its documents are larger than {} MiB",
                    MOST_DOCUMENT_BYTES >> 20
                );
                return Err(ArchiveError::TooMuch(why).into());
            }
            documents.insert(hash.clone(), bytes);
        }
    }
    Ok(documents)
}

/// Opens every document once: an archive whose documents are none is refused as a whole.
fn check_documents(
    manifest: &Manifest,
    documents: &HashMap<String, Vec<u8>>,
) -> Result<(), LibraryError> {
    let check = |id: &DocumentId, hash: &Option<String>| {
        let bytes = hash.as_ref().and_then(|hash| documents.get(hash));
        let Some(bytes) = bytes else {
            return Ok(());
        };
        contents::of_document(id, [bytes.as_slice()])
            .map(|_| ())
            .map_err(|error| ArchiveError::Damaged(error.to_string()))
    };
    for party in &manifest.parties {
        check(&DocumentId::Party(PartyId::new(&party.id)), &party.document)?;
        for game in &party.games {
            check(
                &DocumentId::Game(GameSessionId::new(&game.id)),
                &game.document,
            )?;
        }
    }
    Ok(())
}

fn add(rows: &rusqlite::Connection, plan: Planned, now_unix_ms: i64) -> rusqlite::Result<()> {
    catalogue::add_party(rows, &plan.party, now_unix_ms)?;
    if let Some(bytes) = plan.document {
        let key = DocumentId::Party(PartyId::new(&plan.party.id)).key();
        catalogue::seed_document(rows, &key, &bytes)?;
    }
    // The list shows the last used first, so the first game is added last.
    for (game, document, scenes) in plan.games.into_iter().rev() {
        catalogue::add_game(rows, &game, now_unix_ms)?;
        catalogue::set_scene_count(rows, &game.id, scenes as usize)?;
        if let Some(bytes) = document {
            let key = DocumentId::Game(GameSessionId::new(&game.id)).key();
            catalogue::seed_document(rows, &key, &bytes)?;
        }
    }
    Ok(())
}

/// The library that an archive alone makes: in a folder that is gone when this is dropped. For
/// rendering and inspecting an archive without touching the user's library.
#[derive(Debug)]
pub struct ArchiveLibrary {
    /// The library.
    pub library: Library,
    /// What was taken.
    pub imported: Imported,
    /// Dropped after the library, which has files open in it.
    _folder: tempfile::TempDir,
}

impl ArchiveLibrary {
    /// Reads an archive into a library of its own.
    ///
    /// # Errors
    /// As [`Library::import_archive`].
    pub fn open(source: impl Read + Seek, limits: Limits) -> Result<Self, LibraryError> {
        let folder =
            tempfile::tempdir().map_err(|e| StorageError::from_io(&std::env::temp_dir(), &e))?;
        let library = Library::create_empty(folder.path())?;
        let imported = library.import_archive(source, limits)?;
        Ok(Self {
            library,
            imported,
            _folder: folder,
        })
    }
}

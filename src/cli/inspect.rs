//! `tableglow inspect INPUT`: what an input holds, as JSON.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::doc::json::{game_json_with, party_json, update_json};
use crate::doc::{GameDoc, PartyDoc};
use crate::import::InputKind;
use crate::import::picture::Limits;
use crate::library::archive::Limits as ArchiveLimits;
use crate::library::exchange::ArchiveLibrary;
use crate::library::{DocumentId, Library, Mode};
use crate::scene::derive::mask_space;

use super::input;
use super::inspect_map::inspect_map;

/// A picture inside a map file up to this size is unpacked in memory.
const SPOOL_IN_MEMORY: usize = 64 << 20;

/// Tells what a file or library holds, as JSON.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// A library, archive, document, picture or map file.
    input: PathBuf,
}

impl Inspect {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        super::print_json(&inspect(&self.input)?)
    }
}

fn inspect(path: &Path) -> anyhow::Result<Value> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    match input::kind_of(path)? {
        InputKind::Database => library_json(&Library::open(path, Mode::ReadOnly)?),
        InputKind::Archive => {
            let file = BufReader::new(File::open(path)?);
            let opened = ArchiveLibrary::open(file, ArchiveLimits::default())?;
            let mut told = library_json(&opened.library)?;
            if let Some(fields) = told.as_object_mut() {
                fields.insert("kind".to_owned(), json!("archive"));
            }
            Ok(told)
        }
        InputKind::YUpdate => {
            let bytes = std::fs::read(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            update_json(&bytes).with_context(|| format!("{name} is a damaged document"))
        }
        InputKind::Picture(_) | InputKind::UniversalVtt => {
            let file =
                File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
            let spool = tempfile::spooled_tempfile(SPOOL_IN_MEMORY);
            inspect_map(&name, BufReader::new(file), spool, &Limits::default())
                .map_err(|error| anyhow::anyhow!("{name}: {error}"))
        }
        other => Err(input::unusable(path, &other)),
    }
}

/// Parties, games with their documents, pictures.
fn library_json(library: &Library) -> anyhow::Result<Value> {
    let view = library.view()?;
    let parties = view
        .parties
        .iter()
        .map(|party| {
            let games = party
                .games
                .iter()
                .map(|game| {
                    let loaded = library.load_document(&DocumentId::Game(game.id.clone()))?;
                    let document = GameDoc::open(&game.id, loaded.parts())
                        .map(|doc| {
                            game_json_with(&doc, &|scene, mask| {
                                mask_space(&doc, scene, mask, &**library.pictures())
                            })
                        })
                        .unwrap_or(Value::Null);
                    Ok(json!({
                        "id": game.id.as_str(),
                        "name": game.name,
                        "document": document,
                        "problems": loaded.problems,
                    }))
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            let loaded = library.load_document(&DocumentId::Party(party.id.clone()))?;
            let document = PartyDoc::open(loaded.parts())
                .map(|doc| party_json(&doc))
                .unwrap_or(Value::Null);
            Ok(json!({
                "id": party.id.as_str(),
                "name": party.name,
                "defaults": party.defaults,
                "document": document,
                "games": games,
            }))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(json!({
        "kind": "library",
        "parties": parties,
    }))
}

//! INPUT: a library, an archive, a document, a picture or a map file, opened for reading.
//!
//! What is not a library is brought into a temporary one that is gone afterwards, so that every
//! kind of input is looked at through the same door. Called by `render` and `export`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::doc::GameDoc;
use crate::import::{InputKind, sniff};
use crate::library::archive::Limits;
use crate::library::{Library, Mode};
use crate::model::id::{GameSessionId, SceneId};
use crate::scene::derive::SceneDeriver;
use crate::scene::picture::{NoPictures, PictureSource};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::Workspace;
use crate::session::workspace::prepare_file;
use crate::util::clock::SystemClock;

/// What lies at a path.
pub(super) fn kind_of(path: &Path) -> anyhow::Result<InputKind> {
    if Library::exists(path) {
        return Ok(InputKind::Database);
    }
    let unreadable = || format!("{} cannot be read; check that it is there", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    if file.metadata().with_context(unreadable)?.is_dir() {
        bail!(
            "{} is a folder without a library; name a library's folder or a file",
            path.display()
        );
    }
    sniff(&mut file).with_context(unreadable)
}

/// Says that an input is nothing that a command can use.
pub(super) fn unusable(path: &Path, kind: &InputKind) -> anyhow::Error {
    let what = match kind {
        InputKind::Empty => "is empty",
        InputKind::TableSlayerJson => {
            "is a Table Slayer export, which this version cannot read yet"
        }
        InputKind::FoundryScene => "is a Foundry scene, which this version cannot read yet",
        _ => "is no library, campaign archive, document, picture or map file",
    };
    anyhow::anyhow!("{} {what}; nothing was done", path.display())
}

/// An input with everything that is needed to look at it.
pub(super) enum Opened {
    /// Through a library: the user's own or a temporary one.
    Campaign(Box<Campaign>),
    /// A bare document: there are no pictures.
    Document(Box<GameDoc>),
}

/// A library that is looked at.
pub(super) struct Campaign {
    pub(super) workspace: Workspace,
    /// Goes last.
    _folder: Option<TempDir>,
}

/// A scene and where its pictures come from.
pub(super) struct Look {
    pub(super) scene: Arc<SceneSnapshot>,
    pub(super) pictures: Arc<dyn PictureSource>,
}

/// Opens an input.
pub(super) fn open(path: &Path) -> anyhow::Result<Opened> {
    let kind = kind_of(path)?;
    match kind {
        InputKind::Database => {
            let library = Library::open(path, Mode::ReadOnly)?;
            Ok(Opened::Campaign(Box::new(campaign(library, None)?)))
        }
        InputKind::Archive => {
            let (library, folder) = temporary_library()?;
            let file = BufReader::new(File::open(path)?);
            library.import_archive(file, Limits::default())?;
            Ok(Opened::Campaign(Box::new(campaign(library, Some(folder))?)))
        }
        InputKind::Picture(_) | InputKind::UniversalVtt => {
            let (library, folder) = temporary_library()?;
            let mut campaign = campaign(library, Some(folder))?;
            let prepared = prepare_file(campaign.workspace.library(), path)?;
            campaign.workspace.finish_import(prepared, None)?;
            Ok(Opened::Campaign(Box::new(campaign)))
        }
        InputKind::YUpdate => {
            let bytes = std::fs::read(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            Ok(Opened::Document(Box::new(game_document(path, &bytes)?)))
        }
        other => Err(unusable(path, &other)),
    }
}

fn game_document(path: &Path, bytes: &[u8]) -> anyhow::Result<GameDoc> {
    use crate::doc::json::{Kind, kind_of_update};
    let unreadable = || format!("{} is a damaged document", path.display());
    if kind_of_update(bytes).with_context(unreadable)? == Kind::Party {
        bail!(
            "{} is a party's document, which has no scenes; name a game session's",
            path.display()
        );
    }
    let id = GameSessionId::new("");
    let doc = GameDoc::open(&id, [bytes]).with_context(unreadable)?;
    Ok(crate::doc::legacy::converted_game(&doc).unwrap_or(doc))
}

fn temporary_library() -> anyhow::Result<(Library, TempDir)> {
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let library = Library::create_empty(folder.path())?;
    Ok((library, folder))
}

fn campaign(library: Library, folder: Option<TempDir>) -> anyhow::Result<Campaign> {
    let library = Arc::new(library);
    let workspace = Workspace::open(library, Arc::new(SystemClock::default()))?;
    Ok(Campaign {
        workspace,
        _folder: folder,
    })
}

impl Opened {
    /// The scene that was asked for; else the active one, else the first of the game used last.
    pub(super) fn look(&mut self, asked: Option<&str>) -> anyhow::Result<Look> {
        match self {
            Self::Campaign(campaign) => {
                let scene = match asked {
                    Some(id) => campaign
                        .workspace
                        .find_scene(&SceneId::new(id))?
                        .ok_or_else(|| no_such_scene(id))?,
                    None => match campaign.workspace.active_snapshot() {
                        Some(scene) => scene,
                        None => {
                            let first = campaign.workspace.scene_ids().into_iter().next();
                            first
                                .and_then(|id| campaign.workspace.snapshot(&id))
                                .context("there is no scene in it; import a map first")?
                        }
                    },
                };
                Ok(Look {
                    scene,
                    pictures: Arc::clone(campaign.workspace.library().tiles())
                        as Arc<dyn PictureSource>,
                })
            }
            Self::Document(doc) => {
                let id = match asked {
                    Some(id) => SceneId::new(id),
                    None => doc
                        .scene_ids()
                        .into_iter()
                        .next()
                        .context("there is no scene in it")?,
                };
                let scene = SceneDeriver::new(id.clone())
                    .derive(doc, &NoPictures)
                    .ok_or_else(|| no_such_scene(id.as_str()))?;
                Ok(Look {
                    scene: Arc::new(scene),
                    pictures: Arc::new(NoPictures),
                })
            }
        }
    }

    /// The scene for an export, as [`Self::look`] chooses it, and the library that it is in.
    pub(super) fn scene_to_export(
        &mut self,
        asked: Option<&str>,
    ) -> anyhow::Result<(Arc<Library>, Arc<SceneSnapshot>)> {
        let look = self.look(asked)?;
        let Self::Campaign(campaign) = self else {
            bail!("a bare document has no map picture, so there is nothing to export");
        };
        Ok((Arc::clone(campaign.workspace.library()), look.scene))
    }
}

fn no_such_scene(id: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no scene {id} in it; `tableglow inspect` lists them")
}

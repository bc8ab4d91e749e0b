//! Files into the library and out of it.
//!
//! An import has two halves: [`prepare_file`] reads the file, stores its picture and makes the
//! plan, which takes time and needs no document; [`Workspace::finish_import`] turns the plan into
//! edits, at once.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::import::picture::Limits;
use crate::import::{ImportError, ImportPlan, open_map};
use crate::library::exchange::Imported;
use crate::library::pictures::PictureUse;
use crate::library::{Library, LibraryError};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::row::Row;
use crate::model::{marker, scene};
use crate::session::api::Severity;
use crate::session::plan_edits::edits_for_plan;

use super::Workspace;

/// A map picture up to this size is unpacked in memory, a larger one in a temporary file.
const SPOOL_IN_MEMORY: usize = 8 << 20;

/// Why a file was not imported: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    /// It cannot be opened.
    #[error("{} cannot be read ({detail}), so nothing was imported; check that it is there", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// It is nothing that can be imported.
    #[error("{name}: {source}")]
    Content {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        source: ImportError,
    },
    /// Its picture cannot be stored.
    #[error("{name}: {source}")]
    Store {
        /// The file's name.
        name: String,
        /// Why.
        source: LibraryError,
    },
    /// The library cannot be changed.
    #[error("this library can only be read, so nothing was imported")]
    ReadOnly,
}

/// A file that is read and stored; what is left is to write it into a document.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What the import would do.
    pub plan: ImportPlan,
    /// The key of its picture in the library.
    pub location: Option<String>,
}

/// Reads a picture or map file and stores its picture. Takes as long as the file is large.
///
/// # Errors
/// One sentence; the library holds at most a picture that nothing names.
pub fn prepare_file(library: &Library, path: &Path) -> Result<Prepared, ImportFailure> {
    let name = file_name(path);
    let file = File::open(path)
        .and_then(|file| {
            if file.metadata()?.is_dir() {
                return Err(std::io::Error::other("it is a folder"));
            }
            Ok(file)
        })
        .map_err(|error| ImportFailure::Unreadable {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
    let spool = tempfile::spooled_tempfile(SPOOL_IN_MEMORY);
    let mut opened =
        open_map(&name, BufReader::new(file), spool, &Limits::default()).map_err(|source| {
            ImportFailure::Content {
                name: name.clone(),
                source,
            }
        })?;
    let location = match opened.picture.as_mut() {
        None => None,
        Some(picture) => Some(
            library
                .add_picture(picture, PictureUse::Map, &name, &mut |_| ())
                .map_err(|source| ImportFailure::Store {
                    name: name.clone(),
                    source,
                })?
                .location,
        ),
    };
    Ok(Prepared {
        plan: opened.plan,
        location,
    })
}

/// Stores a picture of straight-alpha sRGB pixels (from the clipboard) as a map.
///
/// # Errors
/// As [`prepare_file`].
pub fn prepare_pixels(
    library: &Library,
    width: u32,
    height: u32,
    rgba: Vec<u8>,
) -> Result<Prepared, ImportFailure> {
    const NAME: &str = "Pasted map";
    let content = |source: ImportError| ImportFailure::Content {
        name: NAME.to_owned(),
        source,
    };
    let mut png = Cursor::new(Vec::new());
    image::RgbaImage::from_raw(width, height, rgba)
        .ok_or(image::ImageError::Limits(
            image::error::LimitError::from_kind(image::error::LimitErrorKind::DimensionError),
        ))
        .and_then(|picture| picture.write_to(&mut png, image::ImageFormat::Png))
        .map_err(|error| {
            content(ImportError::Picture(
                crate::import::picture::PictureError::Io(std::io::Error::other(error)),
            ))
        })?;
    png.set_position(0);
    let spool = Cursor::new(Vec::new());
    let mut opened = open_map(NAME, png, spool, &Limits::default()).map_err(content)?;
    let location = match opened.picture.as_mut() {
        None => None,
        Some(picture) => Some(
            library
                .add_picture(picture, PictureUse::Map, NAME, &mut |_| ())
                .map_err(|source| ImportFailure::Store {
                    name: NAME.to_owned(),
                    source,
                })?
                .location,
        ),
    };
    Ok(Prepared {
        plan: opened.plan,
        location,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

impl Workspace {
    /// Writes a prepared import into a scene, or into a new one, and opens that.
    ///
    /// # Errors
    /// When the library can only be read.
    pub fn finish_import(
        &mut self,
        prepared: Prepared,
        into: Option<&SceneId>,
    ) -> Result<SceneId, ImportFailure> {
        let Prepared { mut plan, location } = prepared;
        let name = plan.scene_name.clone();
        let into = into.filter(|scene| self.has_scene(scene));
        let (target, mut edits) = match into {
            Some(scene) => (scene.clone(), Vec::new()),
            None => {
                let scene = SceneId::fresh();
                let create = self
                    .new_scene_edit(&scene, &name)
                    .ok_or(ImportFailure::ReadOnly)?;
                (scene, vec![create])
            }
        };
        if !self.library.is_writable() {
            return Err(ImportFailure::ReadOnly);
        }
        let settings = self.settings_for_import(into, edits.first());
        let old: Vec<RowId> = match (&self.game, into) {
            (Some(game), Some(scene)) => {
                let walls = game.doc.walls(scene).into_iter().map(|(id, _)| id);
                let doors = game.doc.doors(scene).into_iter().map(|(id, _)| id);
                walls.chain(doors).collect()
            }
            _ => Vec::new(),
        };
        edits.extend(edits_for_plan(
            &mut plan,
            location.as_deref(),
            &target,
            &settings,
            &old,
        ));
        self.edit_once("Import map", &edits);
        self.edit_scene(Some(target.clone()));
        let details = plan.report.texts().map(Arc::from).collect();
        self.tell_with(Severity::Info, &format!("{name} was imported"), details);
        Ok(target)
    }

    /// The settings of the scene that an import fills, or those that its new scene will have.
    fn settings_for_import(&self, into: Option<&SceneId>, create: Option<&Edit>) -> Row {
        if let (Some(game), Some(scene)) = (&self.game, into)
            && let Some(row) = game.doc.scene_row(scene)
        {
            return row;
        }
        let mut row = Row::defaults(&scene::TABLE);
        if let Some(Edit::Create { values, .. }) = create {
            for assignment in values {
                row = row.with(assignment.property, assignment.value.clone());
            }
        }
        row
    }

    /// Gives a marker a picture that is in the library.
    pub fn set_marker_picture(&mut self, scene: &SceneId, id: &RowId, location: &str) {
        self.edit_once(
            "Marker picture",
            &[Edit::Set {
                row: RowRef::marker(scene, id),
                values: vec![Assignment::new(marker::IMAGE_LOCATION, location)],
            }],
        );
        self.pictures_changed();
    }

    /// An archive's parties came into the library: opens the first of them.
    pub fn archive_came(&mut self, imported: &Imported) {
        let lines = crate::session::jobs::imported_lines(imported);
        let details = lines.into_iter().map(Arc::from).collect();
        self.tell_with(Severity::Info, "The campaign was imported", details);
        self.refresh_library();
        let first = imported
            .parties
            .iter()
            .flat_map(|party| &party.games)
            .next();
        if let Some(game) = first.cloned() {
            self.told(|it| it.open_game(&game));
        }
    }

    /// The list of parties, games or backups changed.
    pub fn refresh_library(&mut self) {
        self.view.library_changed();
        self.pictures_changed();
    }
}

//! Looks into stored documents for what an archive has to know of them.

use std::collections::BTreeSet;

use super::error::LibraryError;
use super::exchange::DocumentContents;
use super::saved::DocumentId;
use crate::doc::read::table_of;
use crate::doc::{GameDoc, PartyDoc};
use crate::model::property::RowKind;
use crate::model::row::Row;
use crate::model::value::Value;

/// Reads the updates of a document: all of it as one update, the texts that may name pictures, and
/// how many scenes it has.
///
/// # Errors
/// When an update is none, or contradicts the others.
pub fn of_document<'b>(
    id: &DocumentId,
    updates: impl IntoIterator<Item = &'b [u8]>,
) -> Result<DocumentContents, LibraryError> {
    let failed = |e: crate::doc::DocError| LibraryError::Document(e.to_string());
    match id {
        DocumentId::Party(_) => {
            let doc = PartyDoc::open(updates).map_err(failed)?;
            Ok(DocumentContents {
                update: doc.replica().encode_snapshot(),
                ..DocumentContents::default()
            })
        }
        DocumentId::Game(game) => {
            let doc = GameDoc::open(game, updates).map_err(failed)?;
            let mut locations = BTreeSet::new();
            let scenes = doc.scene_ids();
            for scene in &scenes {
                if let Some(row) = doc.scene_row(scene) {
                    collect_texts(RowKind::Scene, &row, &mut locations);
                }
                for kind in [RowKind::Marker, RowKind::Light, RowKind::Annotation] {
                    for (_, row) in doc.rows(scene, kind) {
                        collect_texts(kind, &row, &mut locations);
                    }
                }
            }
            Ok(DocumentContents {
                update: doc.replica().encode_snapshot(),
                locations,
                scenes: u32::try_from(scenes.len()).unwrap_or(u32::MAX),
            })
        }
    }
}

/// Every text of a row: which of them are keys of pictures is for whoever knows the keys.
fn collect_texts(kind: RowKind, row: &Row, into: &mut BTreeSet<String>) {
    for property in table_of(kind).properties {
        if let Some(Value::Text(text)) = row.value(property)
            && !text.is_empty()
        {
            into.insert(text.to_string());
        }
    }
}

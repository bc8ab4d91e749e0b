//! What a document holds, as JSON for people and scripts: names and values exactly as they are in it.
//!
//! A game session is `{"kind":"game-session","schemaVersion","scenes":[{"id","settings","markers",
//! "lights","annotations","fogMask"}]}`, a party `{"kind":"party","schemaVersion","state"}`. Scenes
//! are in list order, rows by id, keys sorted; whole numbers are integers; undefined values are left
//! out. Masks are `{"width","height","set"}` or null; other bytes are `{"$base64"}`. What was converted from the legacy layout has `"layout":"legacy"`.

use serde_json::{Map, Value as Json, json};
use yrs::{Any, Map as _, MapRef, Out, ReadTxn};

use super::document::{self, GameDoc, PartyDoc};
use super::legacy;
use super::masks::MaskSpace;
use super::raw::{self, Raw};
use super::read::{map_in, scene_map};
use super::replica::{self, DocError};
use crate::geom::mask::Mask;
use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::stroke::MaskTarget;

/// What an update is the content of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A game-session document.
    GameSession,
    /// A party document.
    Party,
}

/// Which kind of document an update makes: a party's has `state` or `partyState`.
///
/// # Errors
/// When the bytes are no update.
pub fn kind_of_update(update: &[u8]) -> Result<Kind, DocError> {
    let roots = replica::root_names(update)?;
    let has = |name: &str| roots.iter().any(|root| root == name);
    let party = (has(document::STATE) || has("partyState")) && !has(document::SCENES);
    Ok(if party {
        Kind::Party
    } else {
        Kind::GameSession
    })
}

/// What a bare update holds.
///
/// # Errors
/// When the bytes are no update.
pub fn update_json(update: &[u8]) -> Result<Json, DocError> {
    Ok(match kind_of_update(update)? {
        Kind::Party => {
            let doc = PartyDoc::open([update])?;
            match legacy::converted_party(&doc) {
                Some(converted) => from_legacy(party_json(&converted)),
                None => party_json(&doc),
            }
        }
        Kind::GameSession => {
            let doc = GameDoc::open(&GameSessionId::new(""), [update])?;
            match legacy::converted_game(&doc) {
                Some(converted) => from_legacy(game_json(&converted)),
                None => game_json(&doc),
            }
        }
    })
}

fn from_legacy(mut shown: Json) -> Json {
    if let Json::Object(fields) = &mut shown {
        fields.insert("layout".to_owned(), "legacy".into());
    }
    shown
}

/// What a game session holds. Masks show what lies below strokes of ours.
#[must_use]
pub fn game_json(doc: &GameDoc) -> Json {
    game_json_with(doc, &|_, _| None)
}

/// What a game session holds. Masks show the picture with our strokes where `spaces` tells what they
/// cover, as the scene room knows.
#[must_use]
pub fn game_json_with(
    doc: &GameDoc,
    spaces: &dyn Fn(&SceneId, &MaskTarget) -> Option<MaskSpace>,
) -> Json {
    let scenes: Vec<Json> = doc
        .scene_ids()
        .iter()
        .map(|scene| scene_json(doc, scene, spaces))
        .collect();
    json!({
        "kind": "game-session",
        "schemaVersion": doc.schema_version(),
        "scenes": scenes,
    })
}

/// What a party holds.
#[must_use]
pub fn party_json(doc: &PartyDoc) -> Json {
    let txn = doc.replica.read();
    let state = txn
        .get_map(document::STATE)
        .map_or_else(|| Json::Object(Map::new()), |map| map_json(&map, &txn));
    let schema = document::schema_version(&txn);
    json!({ "kind": "party", "schemaVersion": schema, "state": state })
}

fn scene_json(
    doc: &GameDoc,
    scene: &SceneId,
    spaces: &dyn Fn(&SceneId, &MaskTarget) -> Option<MaskSpace>,
) -> Json {
    let mask = |target: MaskTarget| {
        mask_json(match spaces(scene, &target) {
            Some(space) => doc.mask(scene, &target, space),
            None => doc
                .mask_base(scene, &target)
                .and_then(|bytes| Mask::decode_rle(&bytes).ok()),
        })
    };
    let txn = doc.replica.read();
    let Some(entry) = scene_map(&txn, scene) else {
        return Json::Null;
    };
    let settings = map_in(&entry, &txn, "settings")
        .map_or_else(|| Json::Object(Map::new()), |map| map_json(&map, &txn));
    let markers = rows_json(&entry, &txn, "markers");
    let lights = rows_json(&entry, &txn, "lights");
    let annotations = rows_json(&entry, &txn, "annotations");
    drop(txn);
    let annotations: Vec<Json> = annotations
        .into_iter()
        .map(|(id, mut row)| {
            row.insert(
                "mask".to_owned(),
                mask(MaskTarget::Annotation(RowId::new(&id))),
            );
            Json::Object(sorted(row))
        })
        .collect();
    let plain = |rows: Vec<(String, Map<String, Json>)>| -> Vec<Json> {
        rows.into_iter().map(|(_, row)| row.into()).collect()
    };
    json!({
        "id": scene.as_str(),
        "settings": settings,
        "markers": plain(markers),
        "lights": plain(lights),
        "annotations": annotations,
        "fogMask": mask(MaskTarget::Fog),
    })
}

fn rows_json<T: ReadTxn>(
    entry: &MapRef,
    txn: &T,
    collection: &str,
) -> Vec<(String, Map<String, Json>)> {
    let Some(collection) = map_in(entry, txn, collection) else {
        return Vec::new();
    };
    let mut rows: Vec<(String, Map<String, Json>)> = collection
        .iter(txn)
        .filter_map(|(id, value)| match value {
            Out::YMap(row) => {
                let mut fields = match map_json(&row, txn) {
                    Json::Object(fields) => fields,
                    _ => Map::new(),
                };
                // A row without its id could not be told from the others.
                if !fields.contains_key("id") {
                    fields.insert("id".to_owned(), id.into());
                    fields = sorted(fields);
                }
                Some((id.to_owned(), fields))
            }
            _ => None,
        })
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

fn sorted(fields: Map<String, Json>) -> Map<String, Json> {
    let mut fields: Vec<(String, Json)> = fields.into_iter().collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    fields.into_iter().collect()
}

fn map_json<T: ReadTxn>(map: &MapRef, txn: &T) -> Json {
    raw_json(&Raw::of_map(map, txn))
}

fn raw_json(raw: &Raw) -> Json {
    match raw {
        Raw::Plain(any) => raw::json_from_any(any),
        Raw::Map(entries) => entries
            .iter()
            .filter(|(_, value)| !matches!(value, Raw::Plain(Any::Undefined)))
            .map(|(key, value)| (key.to_string(), raw_json(value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn mask_json(mask: Option<Mask>) -> Json {
    mask.map_or(
        Json::Null,
        |mask| json!({ "width": mask.width(), "height": mask.height(), "set": mask.count() }),
    )
}

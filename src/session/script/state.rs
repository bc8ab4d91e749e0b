//! What `state` tells: the open game, its scenes, the table, and all of one scene.

use serde_json::{Map, Value as Json, json};

use crate::geom::grid::GridShape;
use crate::model::id::RowId;
use crate::model::row::Row;
use crate::model::{annotation, marker, scene};
use crate::scene::snapshot::{Fog, SceneSnapshot};
use crate::session::api::Saved;
use crate::session::workspace::Workspace;

use super::carry_out::where_it_is;
use super::names;
use super::properties::json_of;

/// Says that pictures are on the way to or from the room.
pub(super) const PICTURES: &str = "picturesOnTheWay";

/// The answer of `state`.
pub(super) fn told(
    workspace: &mut Workspace,
    asked: Option<&str>,
) -> Result<Map<String, Json>, String> {
    let details = match asked {
        None => None,
        Some(asked) => {
            let scene = names::scene(workspace, asked)?;
            let snapshot = names::snapshot(workspace, &scene)?;
            Some(scene_json(&snapshot))
        }
    };
    let active = workspace.active_scene();
    let editing = workspace.editing_scene();
    let scenes: Vec<Json> = workspace
        .scene_list()
        .iter()
        .map(|entry| {
            json!({
                "id": entry.id.as_str(),
                "name": &*entry.name,
                "markers": entry.markers,
                "active": Some(&entry.id) == active.as_ref(),
                "editing": Some(&entry.id) == editing.as_ref(),
            })
        })
        .collect();
    let library = workspace.library_view();
    let party = library
        .parties
        .iter()
        .find(|party| Some(&party.id) == workspace.party());
    let game = party.and_then(|party| {
        let open = workspace.game();
        party.games.iter().find(|game| Some(&game.id) == open)
    });
    let mut told = Map::new();
    told.insert(
        "party".to_owned(),
        party.map_or(
            Json::Null,
            |party| json!({"id": party.id.as_str(), "name": party.name}),
        ),
    );
    told.insert(
        "game".to_owned(),
        game.map_or(
            Json::Null,
            |game| json!({"id": game.id.as_str(), "name": game.name}),
        ),
    );
    told.insert("scenes".to_owned(), scenes.into());
    told.insert(
        "activeScene".to_owned(),
        active.map_or(Json::Null, |scene| scene.as_str().into()),
    );
    told.insert("paused".to_owned(), workspace.is_paused().into());
    told.insert("undo".to_owned(), workspace.undo_label().into());
    told.insert("redo".to_owned(), workspace.redo_label().into());
    let saved = match workspace.saved() {
        Saved::Yes => "yes",
        Saved::Writing => "writing",
        Saved::Failed(_) => "failed",
    };
    told.insert("saved".to_owned(), saved.into());
    let pictures = workspace.exchanges_pictures();
    told.insert(PICTURES.to_owned(), pictures.into());
    if let Some(details) = details {
        told.insert("scene".to_owned(), details);
    }
    Ok(told)
}

/// What the room has sent to everybody since that event. `newest` is the number of the last one.
pub(super) fn events(workspace: &Workspace, after: u64) -> Map<String, Json> {
    let all = workspace.room_events();
    let newest = all.last().map_or(0, |event| event.number);
    let list: Vec<Json> = all
        .iter()
        .filter(|event| event.number > after)
        .map(|event| {
            let text = &*event.text;
            let body: Json = serde_json::from_str(text).unwrap_or_else(|_| text.into());
            json!({"number": event.number, "event": body})
        })
        .collect();
    let mut told = Map::new();
    told.insert("events".to_owned(), list.into());
    told.insert("newest".to_owned(), newest.into());
    told
}

fn scene_json(snapshot: &SceneSnapshot) -> Json {
    let shape = match snapshot.grid.shape() {
        GridShape::Square => "squares",
        GridShape::HexPointy | GridShape::HexFlat => "hexes",
    };
    let [columns, rows] = snapshot.grid.cell_counts();
    let markers: Vec<Json> = snapshot
        .markers
        .iter()
        .map(|it| {
            let mut told = row_json(&it.id, &it.row);
            told.insert("title".to_owned(), (*it.row.get(marker::TITLE)).into());
            told.extend(where_it_is(snapshot, it.position_world));
            told.into()
        })
        .collect();
    let lights: Vec<Json> = snapshot
        .lights
        .iter()
        .map(|it| {
            let mut told = row_json(&it.id, &it.row);
            told.extend(where_it_is(snapshot, it.position_world));
            told.into()
        })
        .collect();
    let drawings: Vec<Json> = snapshot
        .annotations
        .iter()
        .map(|it| {
            let mut told = row_json(&it.id, &it.row);
            told.insert("name".to_owned(), (*it.row.get(annotation::NAME)).into());
            told.into()
        })
        .collect();
    // The share of the map that is covered.
    let fogged = match (&snapshot.map.value, &snapshot.fog.value) {
        (None, _) => Json::Null,
        (Some(_), Fog::Full) => 1.into(),
        (Some(_), Fog::Mask(mask)) => {
            let [width, height] = mask.size_px().map(u64::from);
            let share = mask.count() as f64 / (width * height).max(1) as f64;
            json_of(&((share * 1e4).round() / 1e4).into())
        }
    };
    json!({
        "id": snapshot.id.as_str(),
        "name": &*snapshot.setting(scene::NAME),
        "values": values_json(&snapshot.settings),
        "grid": {"shape": shape, "columns": columns, "rows": rows},
        "map": snapshot.map.as_ref().map(|map| json!({
            "widthPx": map.placement.size_px[0],
            "heightPx": map.placement.size_px[1],
            "onThisMachine": map.picture.is_some(),
        })),
        "fogged": fogged,
        "markers": markers,
        "lights": lights,
        "drawings": drawings,
        "walls": snapshot.structures.walls.len(),
        "doors": snapshot.structures.doors.len(),
    })
}

fn row_json(id: &RowId, row: &Row) -> Map<String, Json> {
    let mut told = Map::new();
    told.insert("id".to_owned(), id.as_str().into());
    told.insert("values".to_owned(), values_json(row));
    told
}

/// The values that are not the default, by script name: what `set` would have to be told.
fn values_json(row: &Row) -> Json {
    let table = crate::doc::read::table_of(row.kind());
    let values: Map<String, Json> = table
        .properties
        .iter()
        .filter(|property| super::properties::is_settable(property))
        .filter_map(|property| {
            let value = row.value(property)?;
            let is_default = *value == property.default_value();
            (!is_default).then(|| (property.script_name(), json_of(value)))
        })
        .collect();
    values.into()
}

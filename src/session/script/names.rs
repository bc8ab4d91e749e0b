//! Which scene, marker, light, drawing or game a script means: by id, else by a name that only one has.

use std::sync::Arc;

use crate::model::id::{GameSessionId, RowId, SceneId};
use crate::model::property::RowKind;
use crate::model::{annotation, marker};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::workspace::Workspace;

use super::fields::shortened;
use super::properties::prefix;

/// The scene that was named, else the one that is worked on.
pub(super) fn scene_or_current(
    workspace: &mut Workspace,
    asked: Option<&str>,
) -> Result<SceneId, String> {
    match asked {
        Some(asked) => scene(workspace, asked),
        None => workspace.editing_scene().ok_or_else(|| {
            "there is no scene to work on; make one with create_scene or import".to_owned()
        }),
    }
}

/// A scene of the open game.
pub(super) fn scene(workspace: &mut Workspace, asked: &str) -> Result<SceneId, String> {
    let scenes = workspace.scene_list();
    if let Some(entry) = scenes.iter().find(|entry| entry.id.as_str() == asked) {
        return Ok(entry.id.clone());
    }
    let named: Vec<_> = scenes
        .iter()
        .filter(|entry| &*entry.name == asked)
        .collect();
    match named.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => Err(format!(
            "there is no scene “{}” in the open game",
            shortened(asked)
        )),
        several => Err(ambiguous("scenes", asked, several.len())),
    }
}

/// A scene with everything in it.
pub(super) fn snapshot(
    workspace: &mut Workspace,
    scene: &SceneId,
) -> Result<Arc<SceneSnapshot>, String> {
    workspace
        .snapshot(scene)
        .ok_or_else(|| "this scene is no longer there".to_owned())
}

/// A marker, light or drawing: in the scene that was named, else in the one that is worked on, else by
/// its id in any scene of the game.
pub(super) fn row(
    workspace: &mut Workspace,
    scene_asked: Option<&str>,
    kind: RowKind,
    asked: &str,
) -> Result<(Arc<SceneSnapshot>, RowId), String> {
    let current = match scene_asked {
        Some(name) => Some(scene(workspace, name)?),
        None => workspace.editing_scene(),
    };
    if let Some(current) = &current {
        let snapshot = snapshot(workspace, current)?;
        if let Some(id) = in_scene(&snapshot, kind, asked)? {
            return Ok((snapshot, id));
        }
    }
    if scene_asked.is_none() {
        let others = workspace.scene_list();
        for entry in others.iter().filter(|it| Some(&it.id) != current.as_ref()) {
            let has = workspace.has_row(&entry.id, kind, asked);
            if has {
                let snapshot = snapshot(workspace, &entry.id)?;
                return Ok((snapshot, RowId::new(asked)));
            }
        }
    }
    let name = prefix(kind);
    Err(match &current {
        Some(_) => format!("there is no {name} “{}” in this scene", shortened(asked)),
        None => format!("there is no {name} “{}”", shortened(asked)),
    })
}

fn in_scene(scene: &SceneSnapshot, kind: RowKind, asked: &str) -> Result<Option<RowId>, String> {
    let (rows, many): (Vec<(&RowId, Arc<str>)>, _) = match kind {
        RowKind::Marker => (
            scene
                .markers
                .iter()
                .map(|it| (&it.id, it.row.get(marker::TITLE)))
                .collect(),
            "markers",
        ),
        RowKind::Annotation => (
            scene
                .annotations
                .iter()
                .map(|it| (&it.id, it.row.get(annotation::NAME)))
                .collect(),
            "drawings",
        ),
        // Lights have no names.
        _ => (
            scene.lights.iter().map(|it| (&it.id, "".into())).collect(),
            "lights",
        ),
    };
    if let Some((id, _)) = rows.iter().find(|(id, _)| id.as_str() == asked) {
        return Ok(Some((*id).clone()));
    }
    let mut named = rows.iter().filter(|(_, name)| &**name == asked);
    match (named.next(), named.count()) {
        (None, _) => Ok(None),
        (Some((id, _)), 0) => Ok(Some((*id).clone())),
        (Some(_), more) => Err(ambiguous(many, asked, more + 1)),
    }
}

/// A game session of the library, the open party's before others of the same name.
pub(super) fn game(workspace: &mut Workspace, asked: &str) -> Result<GameSessionId, String> {
    let view = workspace.library_view();
    let party = workspace.party().cloned();
    let games = || {
        view.parties
            .iter()
            .flat_map(|party| party.games.iter().map(move |game| (party, game)))
    };
    if let Some((_, game)) = games().find(|(_, game)| game.id.as_str() == asked) {
        return Ok(game.id.clone());
    }
    let named: Vec<_> = games().filter(|(_, game)| game.name == asked).collect();
    let here: Vec<_> = named
        .iter()
        .filter(|(entry, _)| Some(&entry.id) == party.as_ref())
        .collect();
    match (named.as_slice(), here.as_slice()) {
        ([(_, one)], _) | (_, [(_, one)]) => Ok(one.id.clone()),
        ([], _) => Err(format!(
            "there is no game “{}” in this library",
            shortened(asked)
        )),
        (several, _) => Err(ambiguous("games", asked, several.len())),
    }
}

fn ambiguous(many: &str, asked: &str, count: usize) -> String {
    format!(
        "{count} {many} are called “{}”; name one by its id, which `state` tells",
        shortened(asked)
    )
}

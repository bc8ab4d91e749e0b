//! Commands carried out on the session's thread, with the requests that windows send.

use std::path::PathBuf;

use glam::DVec2;
use serde_json::{Map, Value as Json, json};

use crate::geom::grid::SnapTarget;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::property::{Property, RowKind};
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::value::Value;
use crate::model::{light, marker, party, scene};
use crate::scene::player::{PlayerFrame, PlayerScene};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{Request, Severity};
use crate::session::workspace::Workspace;

use super::place::{Place, box_points, picture_px};
use super::{Command, Done, FogShape, Shot, ShotView, Whither, names, place, properties, state};

/// Corners of an ellipse that lies askew on the map.
const ELLIPSE_CORNERS: u32 = 96;

/// What became of a command, or what is left to do.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is done.
    Done(Done),
    /// A file is to be imported, which takes time.
    Import {
        file: PathBuf,
        into: Option<SceneId>,
    },
}

type Answer = Map<String, Json>;

/// Carries a command out.
pub(crate) fn carry_out(workspace: &mut Workspace, command: Command) -> Result<Outcome, String> {
    let answer = match command {
        Command::Import { file, scene } => {
            let into = scene
                .map(|asked| names::scene(workspace, &asked))
                .transpose()?;
            return Ok(Outcome::Import { file, into });
        }
        Command::Snapshot {
            file,
            size_px,
            as_player,
            scene,
        } => {
            let view = shot_view(workspace, as_player, scene.as_deref())?;
            return Ok(Outcome::Done(Done::Draw(Shot {
                view,
                size_px,
                file,
            })));
        }
        other => answered(workspace, other)?,
    };
    Ok(Outcome::Done(Done::Answer(answer)))
}

fn answered(workspace: &mut Workspace, command: Command) -> Result<Answer, String> {
    match command {
        Command::CreateScene { name } => {
            ask(workspace, Request::CreateScene { name })?;
            current_scene_answer(workspace)
        }
        Command::RenameScene { scene, name } => {
            let scene = names::scene_or_current(workspace, scene.as_deref())?;
            let name = Assignment::new(scene::NAME, name.as_str());
            set(workspace, RowRef::Scene(scene.clone()), vec![name])?;
            Ok(scene_answer(&scene))
        }
        Command::DuplicateScene { scene, name } => duplicate(workspace, scene.as_deref(), name),
        Command::MoveScene { scene, before } => {
            let scene = names::scene(workspace, &scene)?;
            let before = before.map(|it| names::scene(workspace, &it)).transpose()?;
            ask(
                workspace,
                Request::MoveScene {
                    scene: scene.clone(),
                    before,
                },
            )?;
            Ok(scene_answer(&scene))
        }
        Command::DeleteScene { scene } => {
            let scene = names::scene(workspace, &scene)?;
            let row = RowRef::Scene(scene.clone());
            edit(workspace, "Delete scene", vec![Edit::Delete { row }])?;
            Ok(scene_answer(&scene))
        }
        Command::EditScene { scene } => {
            let scene = names::scene(workspace, &scene)?;
            ask(workspace, Request::EditScene(scene.clone()))?;
            Ok(scene_answer(&scene))
        }
        Command::OpenGame { game } => {
            let game = names::game(workspace, &game)?;
            ask(workspace, Request::OpenGame(game.clone()))?;
            Ok(answer("game", game.as_str()))
        }
        Command::Set {
            kind,
            scene,
            row,
            values,
        } => set_values(workspace, kind, scene.as_deref(), row.as_deref(), values),
        Command::Add {
            kind,
            scene,
            at,
            snap,
            values,
        } => add(workspace, kind, scene.as_deref(), at, snap, values),
        Command::Move {
            kind,
            scene,
            row,
            to,
            snap,
        } => move_row(workspace, kind, scene.as_deref(), &row, to, snap),
        Command::Delete { kind, scene, row } => {
            let (scene, id) = names::row(workspace, scene.as_deref(), kind, &row)?;
            let row = RowRef::in_scene(&scene.id, kind, &id);
            let label = match kind {
                RowKind::Marker => "Delete marker",
                RowKind::Light => "Delete light",
                _ => "Delete drawing",
            };
            edit(workspace, label, vec![Edit::Delete { row }])?;
            Ok(row_answer(kind, &id, &scene.id))
        }
        Command::Fog { scene, shape, mode } => fog(workspace, scene.as_deref(), shape, mode),
        Command::SetActiveScene { scene } => {
            let scene = scene
                .map(|asked| names::scene(workspace, &asked))
                .transpose()?;
            ask(workspace, Request::ShowOnTable(scene.clone()))?;
            let mut told = Answer::new();
            told.insert(
                "scene".to_owned(),
                scene.map_or(Json::Null, |scene| scene.as_str().into()),
            );
            Ok(told)
        }
        Command::Pause { paused } => {
            let paused = paused.unwrap_or_else(|| !workspace.is_paused());
            ask(workspace, Request::Pause(paused))?;
            Ok(answer("paused", paused))
        }
        Command::Undo => {
            let label = workspace.undo_label().ok_or("there is nothing to undo")?;
            ask(workspace, Request::Undo)?;
            Ok(answer("step", label))
        }
        Command::Redo => {
            let label = workspace.redo_label().ok_or("there is nothing to redo")?;
            ask(workspace, Request::Redo)?;
            Ok(answer("step", label))
        }
        Command::State { scene } => state::told(workspace, scene.as_deref()),
        Command::Events { after } => Ok(state::events(workspace, after)),
        Command::Wait { .. }
        | Command::WaitForEvent { .. }
        | Command::Import { .. }
        | Command::Snapshot { .. } => Err("this command is not for the session".to_owned()),
    }
}

/// Hands a request to the workspace; what it warns of while it does so is why the command failed.
fn ask(workspace: &mut Workspace, request: Request) -> Result<(), String> {
    let before = workspace.newest_notice();
    workspace.handle(request);
    match workspace
        .notices_after(before)
        .into_iter()
        .find(|notice| notice.severity != Severity::Info)
    {
        None => Ok(()),
        Some(notice) => Err(notice.text.trim_end_matches('.').to_owned()),
    }
}

fn edit(workspace: &mut Workspace, label: &'static str, edits: Vec<Edit>) -> Result<(), String> {
    if workspace.game().is_none() {
        return Err("no game is open, so there is nothing to change".to_owned());
    }
    let gesture = Workspace::fresh_gesture();
    ask(
        workspace,
        Request::Edit {
            gesture,
            label,
            edits,
            last: true,
        },
    )
}

fn set(workspace: &mut Workspace, row: RowRef, values: Vec<Assignment>) -> Result<(), String> {
    let label = match (values.as_slice(), &row) {
        ([one], _) => one.property.label,
        (_, RowRef::Scene(_)) => "Scene settings",
        (_, RowRef::InScene { kind, .. }) => match kind {
            RowKind::Marker => "Change marker",
            RowKind::Light => "Change light",
            _ => "Change drawing",
        },
        (_, RowRef::Party) => "Table",
    };
    edit(workspace, label, vec![Edit::Set { row, values }])
}

fn set_values(
    workspace: &mut Workspace,
    kind: RowKind,
    scene: Option<&str>,
    row: Option<&str>,
    values: Vec<Assignment>,
) -> Result<Answer, String> {
    match (kind, row) {
        (RowKind::Party, _) => {
            // The scene first: showing one ends a pause.
            let is =
                |it: &Assignment, property: &'static Property| std::ptr::eq(it.property, property);
            for it in &values {
                if is(it, party::ACTIVE_SCENE_ID.property()) {
                    let scene = match &it.value {
                        Value::Text(asked) if !asked.is_empty() => {
                            Some(names::scene(workspace, asked)?)
                        }
                        _ => None,
                    };
                    ask(workspace, Request::ShowOnTable(scene))?;
                }
            }
            for it in &values {
                if is(it, party::IS_PAUSED.property()) {
                    ask(workspace, Request::Pause(it.value == Value::Bool(true)))?;
                }
            }
            Ok(Answer::new())
        }
        (_, Some(asked)) => {
            let (scene, id) = names::row(workspace, scene, kind, asked)?;
            set(workspace, RowRef::in_scene(&scene.id, kind, &id), values)?;
            Ok(row_answer(kind, &id, &scene.id))
        }
        (_, None) => {
            let scene = names::scene_or_current(workspace, scene)?;
            set(workspace, RowRef::Scene(scene.clone()), values)?;
            Ok(scene_answer(&scene))
        }
    }
}

fn duplicate(
    workspace: &mut Workspace,
    asked: Option<&str>,
    name: Option<String>,
) -> Result<Answer, String> {
    let source = names::scene_or_current(workspace, asked)?;
    let copy = SceneId::fresh();
    let mut edits = vec![Edit::DuplicateScene {
        source,
        copy: copy.clone(),
    }];
    edits.extend(name.map(|name| Edit::Set {
        row: RowRef::Scene(copy.clone()),
        values: vec![Assignment::new(scene::NAME, name.as_str())],
    }));
    edit(workspace, "Duplicate scene", edits)?;
    ask(workspace, Request::EditScene(copy))?;
    current_scene_answer(workspace)
}

fn add(
    workspace: &mut Workspace,
    kind: RowKind,
    scene: Option<&str>,
    at: Place,
    snap: bool,
    mut values: Vec<Assignment>,
) -> Result<Answer, String> {
    let scene = names::scene_or_current(workspace, scene)?;
    let scene = names::snapshot(workspace, &scene)?;
    let at_world = snapped(&scene, kind, at.world(&scene)?, snap);
    let id = RowId::fresh();
    values.extend(position(&scene, kind, at_world)?);
    let label = if kind == RowKind::Light {
        "Add light"
    } else {
        "Add marker"
    };
    edit(
        workspace,
        label,
        vec![Edit::Create {
            row: RowRef::in_scene(&scene.id, kind, &id),
            values,
        }],
    )?;
    Ok(placed_answer(kind, &id, &scene, at_world))
}

fn move_row(
    workspace: &mut Workspace,
    kind: RowKind,
    scene: Option<&str>,
    asked: &str,
    to: Whither,
    snap: bool,
) -> Result<Answer, String> {
    let (scene, id) = names::row(workspace, scene, kind, asked)?;
    let gone = || "what this moves has been deleted".to_owned();
    let from_world = if kind == RowKind::Light {
        let found = scene.lights.iter().find(|it| it.id == id);
        found.ok_or_else(gone)?.position_world
    } else {
        let found = scene
            .markers
            .iter()
            .find(|it| it.id == id)
            .ok_or_else(gone)?;
        if found.row.get(marker::LOCKED) {
            return Err(
                "this marker is locked in place; set marker.locked to false first".to_owned(),
            );
        }
        found.position_world
    };
    let to_world = match to {
        Whither::To(place) => place.world(&scene)?,
        Whither::By(place) => place.moved(&scene, from_world)?,
    };
    let to_world = snapped(&scene, kind, to_world, snap);
    let row = RowRef::in_scene(&scene.id, kind, &id);
    let values = position(&scene, kind, to_world)?.to_vec();
    let label = if kind == RowKind::Light {
        "Move light"
    } else {
        "Move marker"
    };
    edit(workspace, label, vec![Edit::Set { row, values }])?;
    Ok(placed_answer(kind, &id, &scene, to_world))
}

fn snapped(scene: &SceneSnapshot, kind: RowKind, at_world: DVec2, snap: bool) -> DVec2 {
    let target = if kind == RowKind::Light {
        SnapTarget::Light
    } else {
        SnapTarget::Token
    };
    if snap {
        scene.grid.snap(at_world, target)
    } else {
        at_world
    }
}

/// The values of a position.
fn position(
    scene: &SceneSnapshot,
    kind: RowKind,
    at_world: DVec2,
) -> Result<[Assignment; 2], String> {
    // Far below anything that can be seen; without it a way through the spaces leaves its traces.
    let stored = (scene.document_from_world(at_world) * 4096.0).round() / 4096.0;
    let (x, y) = if kind == RowKind::Light {
        (light::POSITION_X, light::POSITION_Y)
    } else {
        (marker::POSITION_X, marker::POSITION_Y)
    };
    for (property, value) in [(x, stored.x), (y, stored.y)] {
        property
            .property()
            .check(value.into())
            .map_err(|_| "this place is too far away".to_owned())?;
    }
    Ok([Assignment::new(x, stored.x), Assignment::new(y, stored.y)])
}

fn fog(
    workspace: &mut Workspace,
    scene: Option<&str>,
    shape: FogShape,
    mode: StrokeMode,
) -> Result<Answer, String> {
    let scene = names::scene_or_current(workspace, scene)?;
    let scene = names::snapshot(workspace, &scene)?;
    place::map(&scene)?;
    let mut label = match mode {
        StrokeMode::Erase => "Reveal",
        StrokeMode::Add => "Cover with fog",
    };
    let (shape, points) = match shape {
        FogShape::Stroke { points, radius } => {
            let radius = radius.stroke_units(&scene)?;
            (StrokeShape::Brush { radius }, points.stroke_points(&scene)?)
        }
        FogShape::Rectangle { from, to } => {
            let corners = box_points(&scene, from, to)?;
            match upright(corners) {
                Some(box_) => (StrokeShape::Rectangle, box_),
                None => (StrokeShape::Polygon, corners.to_vec()),
            }
        }
        FogShape::Ellipse { from, to } => {
            let corners = box_points(&scene, from, to)?;
            match upright(corners) {
                Some(box_) => (StrokeShape::Ellipse, box_),
                None => (StrokeShape::Polygon, askew_ellipse(corners)),
            }
        }
        FogShape::Polygon { points } => (StrokeShape::Polygon, points.stroke_points(&scene)?),
        FogShape::Everything => {
            label = match mode {
                StrokeMode::Erase => "Reveal everything",
                StrokeMode::Add => "Cover everything",
            };
            (StrokeShape::Everything, Vec::new())
        }
    };
    let stroke = NewStroke {
        shape,
        mode,
        points,
    };
    edit(
        workspace,
        label,
        vec![Edit::Stroke {
            scene: scene.id.clone(),
            target: MaskTarget::Fog,
            stroke,
        }],
    )?;
    Ok(scene_answer(&scene.id))
}

/// Two opposite corners of a box whose sides are the map's own axes.
fn upright([a, b, c, d]: [[i32; 2]; 4]) -> Option<Vec<[i32; 2]>> {
    // A unit is 1/16 of a pixel; rounding may have moved a corner by one.
    let near = |a: i32, b: i32| a.abs_diff(b) <= 1;
    let sides = |i: usize, j: usize| {
        near(a[i], b[i]) && near(b[j], c[j]) && near(c[i], d[i]) && near(d[j], a[j])
    };
    (sides(0, 1) || sides(1, 0)).then(|| vec![a, c])
}

fn askew_ellipse(corners: [[i32; 2]; 4]) -> Vec<[i32; 2]> {
    let [a, b, c, d] = corners.map(|at| DVec2::from(at.map(f64::from)));
    let middle = (a + c) / 2.0;
    let (x, y) = ((b + c) / 2.0 - middle, (c + d) / 2.0 - middle);
    (0..ELLIPSE_CORNERS)
        .map(|n| {
            let angle = std::f64::consts::TAU * f64::from(n) / f64::from(ELLIPSE_CORNERS);
            let at = middle + x * angle.cos() + y * angle.sin();
            at.to_array().map(place::whole)
        })
        .collect()
}

fn shot_view(
    workspace: &mut Workspace,
    as_player: bool,
    scene: Option<&str>,
) -> Result<ShotView, String> {
    if as_player && scene.is_none() {
        return Ok(ShotView::Player(workspace.table_frame()));
    }
    let scene = names::scene_or_current(workspace, scene)?;
    let snapshot = names::snapshot(workspace, &scene)?;
    Ok(if as_player {
        let scene = PlayerScene::of(&snapshot);
        ShotView::Player(PlayerFrame::Scene(scene.into()))
    } else {
        ShotView::Dm(snapshot)
    })
}

fn answer(name: &str, value: impl Into<Json>) -> Answer {
    Answer::from_iter([(name.to_owned(), value.into())])
}

fn scene_answer(scene: &SceneId) -> Answer {
    answer("scene", scene.as_str())
}

fn current_scene_answer(workspace: &Workspace) -> Result<Answer, String> {
    workspace
        .editing_scene()
        .map(|scene| scene_answer(&scene))
        .ok_or_else(|| "no game is open, so there is no place for a scene".to_owned())
}

fn row_answer(kind: RowKind, id: &RowId, scene: &SceneId) -> Answer {
    let mut told = answer(properties::prefix(kind), id.as_str());
    told.insert("scene".to_owned(), scene.as_str().into());
    told
}

fn placed_answer(kind: RowKind, id: &RowId, scene: &SceneSnapshot, at_world: DVec2) -> Answer {
    let mut told = row_answer(kind, id, &scene.id);
    told.extend(where_it_is(scene, at_world));
    told
}

/// The cell and the pixel of the map picture.
pub(super) fn where_it_is(scene: &SceneSnapshot, at_world: DVec2) -> Answer {
    let cell = scene.grid.cell_at(at_world);
    let mut told = answer("cell", json!([cell.q, cell.r]));
    if let Some(px) = picture_px(scene, at_world) {
        // Finer than anything that can be seen; without it a round trip leaves its traces.
        let tidy =
            |value: f64| properties::json_of(&Value::Number((value * 256.0).round() / 256.0));
        told.insert("px".to_owned(), json!([tidy(px.x), tidy(px.y)]));
    }
    told
}

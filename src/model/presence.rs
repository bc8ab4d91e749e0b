//! What somebody shows to the others in a room: cursor, measurement, pointed-at marker, temporary
//! drawings, and who they are.
//!
//! The keys are those of Table Slayer's awareness states, so that its play view shows ours and we
//! show theirs; what it has no key for lies under `tableglow` and `draggingMarker`. Every key is
//! optional and read on its own: a key that is not as expected is no reason to lose the others.
//! Keys that are not listed here are never sent and never kept. Must not know clocks, throttles or
//! how a state travels. Called by [`crate::broadcast`], the room server's filter and the app.

use std::sync::Arc;

use glam::DVec2;
use serde_json::{Map, Value as Json, json};

use super::color::Rgb;
use super::id::{RowId, SceneId};

/// The longest name that is shown, in characters.
pub const MAX_NAME_CHARS: usize = 40;
/// Markers that one person drags at a time and that others are told of.
pub const MAX_DRAGGED: usize = 64;
/// Temporary drawings of one person that are shown.
const MAX_LAYERS: usize = 16;

/// What one person shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Presence {
    /// Who it is; web clients do not say.
    pub who: Option<Who>,
    /// Where they point; web clients send it while the scene in their editor is on the table.
    pub cursor: Option<Cursor>,
    /// What they measure.
    pub measurement: Option<Measurement>,
    /// The marker that the DM points at and that players may then see.
    pub hovered_marker: Option<HoveredMarker>,
    /// Drawings that fade by themselves.
    pub temporary_layers: Vec<TemporaryLayer>,
    /// The marker that they drag: others leave it alone.
    pub dragging: Option<Dragging>,
}

/// Who somebody is, as they say it.
#[derive(Debug, Clone, PartialEq)]
pub struct Who {
    /// Their name; never an e-mail address.
    pub name: Arc<str>,
    /// Their colour.
    pub color: Rgb,
    /// Their part at the table.
    pub part: TablePart,
    /// The scene that they look at; `None` when they do not share it.
    pub scene: Option<SceneId>,
    /// Where they look in that scene, when they share it.
    pub view: Option<SharedView>,
}

/// What somebody does at the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TablePart {
    /// Runs the game.
    #[default]
    Dm,
    /// Plays.
    Player,
    /// A screen.
    Display,
}

impl TablePart {
    /// The word for it in states.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Player => "player",
            Self::Display => "display",
        }
    }

    /// Reads such a word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Dm, Self::Player, Self::Display]
            .into_iter()
            .find(|part| part.word() == word)
    }
}

/// The part of a scene that somebody sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedView {
    /// The middle, in world pixels.
    pub center_world: DVec2,
    /// Window points per world pixel.
    pub zoom: f64,
}

/// A pointer on the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The sender's own id for itself.
    pub user: Arc<str>,
    /// Where, in world pixels (y up).
    pub position_world: DVec2,
    /// Its colour.
    pub color: Rgb,
    /// The name beside it; an address is cut to what stands before its `@`.
    pub label: Arc<str>,
    /// When it last moved, on the sender's clock.
    pub moved_unix_ms: i64,
}

/// A measurement, with the look that the sender gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The sender's own id for itself.
    pub user: Arc<str>,
    /// Where it begins, in world pixels.
    pub start_world: DVec2,
    /// Where it ends, in world pixels.
    pub end_world: DVec2,
    /// Its shape, as Table Slayer numbers them.
    pub shape: i64,
    /// When it was made, on the sender's clock: the newest one is shown.
    pub made_unix_ms: i64,
    /// Its colour.
    pub color: Rgb,
    /// Width of its line in world pixels.
    pub thickness_px: f64,
    /// Colour of its outline.
    pub outline_color: Rgb,
    /// Width of its outline in world pixels.
    pub outline_thickness_px: f64,
    /// 0..=1.
    pub opacity: f64,
    /// Diameter of its ends in world pixels.
    pub marker_size_px: f64,
    /// How long it stays after the last change, in milliseconds.
    pub auto_hide_ms: f64,
    /// How long it fades, in milliseconds.
    pub fade_out_ms: f64,
    /// The distance stands beside it.
    pub shows_distance: bool,
    /// Its ends lie on the grid.
    pub snaps_to_grid: bool,
    /// Every second diagonal counts double.
    pub is_dmg_252: bool,
    /// Width of a beam in world pixels.
    pub beam_width: Option<f64>,
    /// Angle of a cone in degrees.
    pub cone_angle_deg: Option<f64>,
}

/// A marker that the DM points at, with what players may then read.
#[derive(Debug, Clone, PartialEq)]
pub struct HoveredMarker {
    /// The marker.
    pub id: RowId,
    /// Where it is, in world pixels.
    pub position_world: DVec2,
    /// Its title.
    pub title: Arc<str>,
    /// Its note as JSON text, or empty.
    pub content: Arc<str>,
    /// Its picture.
    pub image_url: Option<Arc<str>>,
}

/// A drawing that fades by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct TemporaryLayer {
    /// Its id.
    pub id: Arc<str>,
    /// When it was begun, on the sender's clock.
    pub made_unix_ms: i64,
    /// When it goes, on the sender's clock.
    pub expires_unix_ms: i64,
    /// Its colour.
    pub color: Rgb,
    /// A mask ([`crate::geom::mask`]) in base64, or empty.
    pub mask_base64: Arc<str>,
    /// Who drew it.
    pub creator: Arc<str>,
}

/// A drag that is going on.
#[derive(Debug, Clone, PartialEq)]
pub struct Dragging {
    /// The marker.
    pub marker: RowId,
    /// Its scene.
    pub scene: SceneId,
    /// When the drag began, on the sender's clock: of two drags the earlier one holds.
    pub since_unix_ms: i64,
    /// Further markers of the scene that move along.
    pub also: Vec<RowId>,
}

impl Presence {
    /// Reads a state. What is missing or not as expected is left out.
    #[must_use]
    pub fn read(state: &str) -> Self {
        let Ok(Json::Object(state)) = serde_json::from_str(state) else {
            return Self::default();
        };
        let part = |key| state.get(key).and_then(Json::as_object);
        Self {
            who: part("tableglow").and_then(Who::read),
            cursor: part("cursor").and_then(Cursor::read),
            measurement: part("measurement").and_then(Measurement::read),
            hovered_marker: part("hoveredMarker").and_then(HoveredMarker::read),
            temporary_layers: state
                .get("temporaryLayers")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(|layer| TemporaryLayer::read(layer.as_object()?))
                .take(MAX_LAYERS)
                .collect(),
            dragging: part("draggingMarker").and_then(Dragging::read),
        }
    }

    /// The state as it is sent.
    #[must_use]
    pub fn write(&self) -> String {
        let mut state = Map::new();
        let mut put = |key: &str, value: Option<Json>| {
            if let Some(value) = value {
                state.insert(key.to_owned(), value);
            }
        };
        put("tableglow", self.who.as_ref().map(Who::write));
        put("cursor", self.cursor.as_ref().map(Cursor::write));
        put(
            "measurement",
            self.measurement.as_ref().map(Measurement::write),
        );
        put(
            "hoveredMarker",
            self.hovered_marker.as_ref().map(HoveredMarker::write),
        );
        let layers = &self.temporary_layers;
        put(
            "temporaryLayers",
            (!layers.is_empty()).then(|| layers.iter().map(TemporaryLayer::write).collect()),
        );
        put(
            "draggingMarker",
            self.dragging.as_ref().map(Dragging::write),
        );
        Json::Object(state).to_string()
    }
}

/// A name as it may be shown: one line, no more than [`MAX_NAME_CHARS`], and of an address only what
/// stands before the `@`.
#[must_use]
pub fn shown_name(name: &str) -> String {
    let name = name.split_once('@').map_or(name, |(before, _)| before);
    name.chars()
        .filter(|c| !c.is_control())
        .take(MAX_NAME_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}

type Object = Map<String, Json>;

fn text(object: &Object, key: &str) -> Option<Arc<str>> {
    object.get(key)?.as_str().map(Into::into)
}

/// A number that positions and sizes can be counted with.
fn number(object: &Object, key: &str) -> Option<f64> {
    object
        .get(key)?
        .as_f64()
        .filter(|n| n.is_finite() && n.abs() <= 1e9)
}

#[expect(clippy::cast_possible_truncation, reason = "bounded")]
fn time(object: &Object, key: &str) -> Option<i64> {
    let ms = object.get(key)?.as_f64()?;
    (ms.is_finite() && ms.abs() <= 1e15).then_some(ms as i64)
}

fn color(object: &Object, key: &str) -> Option<Rgb> {
    Rgb::parse(object.get(key)?.as_str()?)
}

fn flag(object: &Object, key: &str) -> Option<bool> {
    object.get(key)?.as_bool()
}

fn point(object: &Object, key: &str) -> Option<DVec2> {
    let point = object.get(key)?.as_object()?;
    Some(DVec2::new(number(point, "x")?, number(point, "y")?))
}

/// Three-dimensional, as the web client's scene has it.
fn point_3d(at: DVec2) -> Json {
    json!({"x": at.x, "y": at.y, "z": 0})
}

fn point_2d(at: DVec2) -> Json {
    json!({"x": at.x, "y": at.y})
}

impl Who {
    fn read(object: &Object) -> Option<Self> {
        let view = object.get("view").and_then(Json::as_object);
        Some(Self {
            name: shown_name(&text(object, "name")?).into(),
            color: color(object, "color").unwrap_or(Rgb::WHITE),
            part: TablePart::read(&text(object, "part")?)?,
            scene: text(object, "scene").map(|scene| SceneId::new(&scene)),
            view: view.and_then(|view| {
                Some(SharedView {
                    center_world: point(view, "center")?,
                    zoom: number(view, "zoom").filter(|zoom| *zoom > 0.0)?,
                })
            }),
        })
    }

    fn write(&self) -> Json {
        let mut who = Map::new();
        who.insert("name".into(), json!(shown_name(&self.name)));
        who.insert("color".into(), json!(self.color.to_hex()));
        who.insert("part".into(), json!(self.part.word()));
        if let Some(scene) = &self.scene {
            who.insert("scene".into(), json!(scene.as_str()));
        }
        if let Some(view) = &self.view {
            let view = json!({"center": point_2d(view.center_world), "zoom": view.zoom});
            who.insert("view".into(), view);
        }
        Json::Object(who)
    }
}

impl Cursor {
    fn read(object: &Object) -> Option<Self> {
        Some(Self {
            user: text(object, "userId").unwrap_or_default(),
            position_world: point(object, "worldPosition")?,
            color: color(object, "color").unwrap_or(Rgb::WHITE),
            label: shown_name(&text(object, "label").unwrap_or_default()).into(),
            moved_unix_ms: time(object, "lastMoveTime").unwrap_or_default(),
        })
    }

    fn write(&self) -> Json {
        json!({
            "userId": &*self.user,
            "worldPosition": point_3d(self.position_world),
            "color": self.color.to_hex(),
            "label": shown_name(&self.label),
            "lastMoveTime": self.moved_unix_ms,
        })
    }
}

impl Measurement {
    /// A measurement with the look that Table Slayer gives one.
    #[must_use]
    pub fn new(user: &str, start_world: DVec2, end_world: DVec2, made_unix_ms: i64) -> Self {
        Self {
            user: user.into(),
            start_world,
            end_world,
            shape: 0,
            made_unix_ms,
            color: Rgb::WHITE,
            thickness_px: 12.0,
            outline_color: Rgb::BLACK,
            outline_thickness_px: 4.0,
            opacity: 1.0,
            marker_size_px: 24.0,
            auto_hide_ms: 3000.0,
            fade_out_ms: 500.0,
            shows_distance: true,
            snaps_to_grid: true,
            is_dmg_252: true,
            beam_width: None,
            cone_angle_deg: None,
        }
    }

    fn read(object: &Object) -> Option<Self> {
        let usual = Self::new(
            &text(object, "userId").unwrap_or_default(),
            point(object, "startPoint")?,
            point(object, "endPoint")?,
            time(object, "timestamp").unwrap_or_default(),
        );
        let width = |key| number(object, key).filter(|n| (0.0..=1e5).contains(n));
        let wait = |key| number(object, key).filter(|ms| (0.0..=600_000.0).contains(ms));
        Some(Self {
            shape: object.get("type").and_then(Json::as_i64).unwrap_or(0),
            color: color(object, "color").unwrap_or(usual.color),
            thickness_px: width("thickness").unwrap_or(usual.thickness_px),
            outline_color: color(object, "outlineColor").unwrap_or(usual.outline_color),
            outline_thickness_px: width("outlineThickness").unwrap_or(usual.outline_thickness_px),
            opacity: number(object, "opacity").map_or(usual.opacity, |n| n.clamp(0.0, 1.0)),
            marker_size_px: width("markerSize").unwrap_or(usual.marker_size_px),
            auto_hide_ms: wait("autoHideDelay").unwrap_or(usual.auto_hide_ms),
            fade_out_ms: wait("fadeoutTime").unwrap_or(usual.fade_out_ms),
            shows_distance: flag(object, "showDistance").unwrap_or(usual.shows_distance),
            snaps_to_grid: flag(object, "snapToGrid").unwrap_or(usual.snaps_to_grid),
            is_dmg_252: flag(object, "enableDMG252").unwrap_or(usual.is_dmg_252),
            beam_width: width("beamWidth"),
            cone_angle_deg: number(object, "coneAngle").filter(|a| (0.0..=360.0).contains(a)),
            ..usual
        })
    }

    fn write(&self) -> Json {
        let mut written = json!({
            "userId": &*self.user,
            "startPoint": point_2d(self.start_world),
            "endPoint": point_2d(self.end_world),
            "type": self.shape,
            "timestamp": self.made_unix_ms,
            "color": self.color.to_hex(),
            "thickness": self.thickness_px,
            "outlineColor": self.outline_color.to_hex(),
            "outlineThickness": self.outline_thickness_px,
            "opacity": self.opacity,
            "markerSize": self.marker_size_px,
            "autoHideDelay": self.auto_hide_ms,
            "fadeoutTime": self.fade_out_ms,
            "showDistance": self.shows_distance,
            "snapToGrid": self.snaps_to_grid,
            "enableDMG252": self.is_dmg_252,
        });
        if let Some(width) = self.beam_width {
            written["beamWidth"] = json!(width);
        }
        if let Some(angle) = self.cone_angle_deg {
            written["coneAngle"] = json!(angle);
        }
        written
    }
}

impl HoveredMarker {
    fn read(object: &Object) -> Option<Self> {
        let nothing = Map::new();
        let tooltip = object
            .get("tooltip")
            .and_then(Json::as_object)
            .unwrap_or(&nothing);
        Some(Self {
            id: RowId::new(&text(object, "id")?),
            position_world: point(object, "position")?,
            title: text(tooltip, "title").unwrap_or_default(),
            content: text(tooltip, "content").unwrap_or_default(),
            image_url: text(tooltip, "imageUrl"),
        })
    }

    fn write(&self) -> Json {
        let mut tooltip = json!({"title": &*self.title, "content": &*self.content});
        if let Some(url) = &self.image_url {
            tooltip["imageUrl"] = json!(&**url);
        }
        json!({
            "id": self.id.as_str(),
            "position": point_3d(self.position_world),
            "tooltip": tooltip,
        })
    }
}

impl TemporaryLayer {
    fn read(object: &Object) -> Option<Self> {
        Some(Self {
            id: text(object, "id")?,
            made_unix_ms: time(object, "createdAt")?,
            expires_unix_ms: time(object, "expiresAt")?,
            color: color(object, "color").unwrap_or(Rgb::WHITE),
            mask_base64: text(object, "maskData").unwrap_or_default(),
            creator: text(object, "creatorId").unwrap_or_default(),
        })
    }

    fn write(&self) -> Json {
        json!({
            "id": &*self.id,
            "isTemporary": true,
            "createdAt": self.made_unix_ms,
            "expiresAt": self.expires_unix_ms,
            "color": self.color.to_hex(),
            "maskData": &*self.mask_base64,
            "creatorId": &*self.creator,
            "opacity": 1,
            "name": "Temporary drawing",
        })
    }
}

impl Dragging {
    /// Every marker that is dragged.
    pub fn markers(&self) -> impl Iterator<Item = &RowId> {
        std::iter::once(&self.marker).chain(&self.also)
    }

    /// The drag of those markers that are kept; `None` when none is.
    #[must_use]
    pub fn only(self, keep: impl Fn(&RowId) -> bool) -> Option<Self> {
        let mut markers: Vec<RowId> = self.markers().filter(|id| keep(id)).cloned().collect();
        if markers.is_empty() {
            return None;
        }
        Some(Self {
            marker: markers.remove(0),
            also: markers,
            ..self
        })
    }

    fn read(object: &Object) -> Option<Self> {
        Some(Self {
            marker: RowId::new(&text(object, "id")?),
            scene: SceneId::new(&text(object, "sceneId")?),
            since_unix_ms: time(object, "since")?,
            also: object
                .get("also")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(|id| id.as_str().map(RowId::new))
                .take(MAX_DRAGGED - 1)
                .collect(),
        })
    }

    fn write(&self) -> Json {
        let mut dragging = json!({
            "id": self.marker.as_str(),
            "sceneId": self.scene.as_str(),
            "since": self.since_unix_ms,
        });
        if !self.also.is_empty() {
            dragging["also"] = self.also.iter().map(RowId::as_str).collect();
        }
        dragging
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;

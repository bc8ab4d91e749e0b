//! Markers: the tokens on a map.

use std::sync::Arc;

use super::color::Rgb;
use super::property::{
    Audience::{DmOnly, Everyone, Picture},
    Delay::{Control, Marker as MarkerDelay},
    Kind::{Bool, Choice, Color, Int, Json, Number, Text},
    Preset::{Bool as B, Null, Number as N, Text as T},
    Root, RowKind,
    Section::{Hidden, Marker},
    Unit,
};

const V1: Root = Root::Shared { since: 1 };
const OURS: Root = Root::Tableglow;

/// `visibility`: the DM and the players.
pub const VISIBLE_TO_EVERYONE: i64 = 0;
/// `visibility`: the DM alone.
pub const VISIBLE_TO_DM: i64 = 1;
/// `visibility`: players only (an old value of web clients; the DM still edits it).
pub const VISIBLE_TO_PLAYERS: i64 = 2;
/// `visibility`: players see it while the DM hovers it, or when its tooltip is pinned.
pub const VISIBLE_ON_HOVER: i64 = 3;

/// `shape`: a pin, which stays where it was put.
pub const SHAPE_PIN: i64 = 4;

crate::properties! {
    row RowKind::Marker;
    /// The row's own id.
    ID: Arc<str> = "id", V1, Text { nullable: false }, T(""), Unit::None, Control, Everyone, Hidden, "Id";
    /// The scene that it belongs to.
    SCENE_ID: Arc<str> = "sceneId", V1, Text { nullable: false }, T(""), Unit::None, Control, Everyone, Hidden, "Scene";
    /// Its title.
    TITLE: Arc<str> = "title", V1, Text { nullable: false }, T("New token"), Unit::None, Control, DmOnly, Marker, "Title";
    /// Short text on the token.
    LABEL: Option<Arc<str>> = "label", V1, Text { nullable: true }, Null, Unit::None, Control, Everyone, Marker, "Label";
    /// Who sees it.
    VISIBILITY: i64 = "visibility", V1, Choice(&[(0, "Everyone"), (1, "Only the DM"), (2, "Players only"), (3, "While pointed at")]), N(1.0), Unit::None, Control, Everyone, Marker, "Visible to";
    /// Where its picture is.
    IMAGE_LOCATION: Option<Arc<str>> = "imageLocation", V1, Text { nullable: true }, Null, Unit::None, Control, Picture, Hidden, "Picture";
    /// Written by web clients, not drawn.
    IMAGE_SCALE: f64 = "imageScale", V1, Number { min: 0.0, max: 1_000.0, step: 0.1 }, N(1.0), Unit::Times, Control, Everyone, Hidden, "Picture scale";
    /// Its centre, to the right: display or map pixels by the scene's coordinate version.
    POSITION_X: f64 = "positionX", V1, Number { min: -1e9, max: 1e9, step: 1.0 }, N(0.0), Unit::WorldPx, MarkerDelay, Everyone, Hidden, "Right";
    /// Its centre, upwards.
    POSITION_Y: f64 = "positionY", V1, Number { min: -1e9, max: 1e9, step: 1.0 }, N(0.0), Unit::WorldPx, MarkerDelay, Everyone, Hidden, "Up";
    /// Its shape.
    SHAPE: i64 = "shape", V1, Choice(&[(0, "None"), (1, "Circle"), (2, "Square"), (3, "Triangle"), (4, "Pin")]), N(1.0), Unit::None, Control, Everyone, Marker, "Shape";
    /// Its colour.
    SHAPE_COLOR: Rgb = "shapeColor", V1, Color, T("#ffffff"), Unit::None, Control, Everyone, Marker, "Colour";
    /// Its diameter in cells.
    SIZE: i64 = "size", V1, Int { min: 1, max: 3, nullable: false }, N(1.0), Unit::Cell, Control, Everyone, Marker, "Size";
    /// A rich note (TipTap JSON).
    NOTE: Option<Arc<serde_json::Value>> = "note", V1, Json, Null, Unit::None, Control, DmOnly, Marker, "Note";
    /// Its tooltip stays open.
    PINNED_TOOLTIP: bool = "pinnedTooltip", V1, Bool, B(false), Unit::None, Control, Everyone, Marker, "Pinned tooltip";
    /// It cannot be dragged: ours.
    LOCKED: bool = "locked", OURS, Bool, B(false), Unit::None, Control, Everyone, Marker, "Locked in place";
    /// Players may move it in rooms that check what they do: ours.
    PLAYERS_MAY_MOVE: bool = "playersMayMove", OURS, Bool, B(false), Unit::None, Control, Everyone, Marker, "Players may move it";
}

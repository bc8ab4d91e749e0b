//! Lights: glows on a map. They are seen by players and do not reveal fog.

use std::sync::Arc;

use super::color::Rgb;
use super::property::{
    Audience::Everyone,
    Delay::{Control, Marker as MarkerDelay},
    Kind::{Bool, Choice, Color, Number, Text, Word},
    Preset::{Bool as B, Number as N, Text as T},
    Root, RowKind,
    Section::{Hidden, Light},
    Unit,
};

const V1: Root = Root::Shared { since: 1 };
const OURS: Root = Root::Tableglow;

crate::properties! {
    row RowKind::Light;
    /// The row's own id.
    ID: Arc<str> = "id", V1, Text { nullable: false }, T(""), Unit::None, Control, Everyone, Hidden, "Id";
    /// The scene that it belongs to.
    SCENE_ID: Arc<str> = "sceneId", V1, Text { nullable: false }, T(""), Unit::None, Control, Everyone, Hidden, "Scene";
    /// Its centre, to the right: display or map pixels by the scene's coordinate version.
    POSITION_X: f64 = "positionX", V1, Number { min: -1e9, max: 1e9, step: 1.0 }, N(0.0), Unit::WorldPx, MarkerDelay, Everyone, Hidden, "Right";
    /// Its centre, upwards.
    POSITION_Y: f64 = "positionY", V1, Number { min: -1e9, max: 1e9, step: 1.0 }, N(0.0), Unit::WorldPx, MarkerDelay, Everyone, Hidden, "Up";
    /// Its **diameter** in cells, whatever the key says.
    RADIUS: f64 = "radius", V1, Number { min: 0.01, max: 1_000.0, step: 0.5 }, N(2.0), Unit::Cell, Control, Everyone, Light, "Size";
    /// Its colour.
    COLOR: Rgb = "color", V1, Color, T("#FFA500"), Unit::None, Control, Everyone, Light, "Colour";
    /// Its style.
    STYLE: Arc<str> = "style", V1, Word(&[("torch", "Torch"), ("candle", "Candle"), ("magical", "Magical"), ("fire", "Fire"), ("lantern", "Lantern"), ("spotlight", "Spotlight"), ("lightning", "Lightning"), ("bioluminescent", "Bioluminescent"), ("fireflies", "Fireflies")]), T("lantern"), Unit::None, Control, Everyone, Light, "Style";
    /// How it pulses.
    PULSE: i64 = "pulse", V1, Choice(&[(0, "Steady"), (1, "Slow"), (2, "Medium"), (3, "Fast")]), N(0.0), Unit::None, Control, Everyone, Light, "Pulse";
    /// Its opacity.
    OPACITY: f64 = "opacity", V1, Number { min: 0.0, max: 1.0, step: 0.01 }, N(1.0), Unit::Share, Control, Everyone, Light, "Brightness";
    /// Switched off: kept but not drawn (a light that is already painted in the map). Ours.
    OFF: bool = "off", OURS, Bool, B(false), Unit::None, Control, Everyone, Light, "Off";
}

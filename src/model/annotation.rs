//! Annotations: drawing layers, each a mask in one colour.

use std::sync::Arc;

use super::color::Rgb;
use super::property::{
    Audience::{DmOnly, Everyone},
    Delay::Control,
    Kind::{Choice, Color, Int, Number, Text},
    Preset::{Null, Number as N, Text as T},
    Root, RowKind,
    Section::{Drawing, Hidden},
    Unit,
};

const V1: Root = Root::Shared { since: 1 };

/// `visibility`: the DM alone.
pub const VISIBLE_TO_DM: i64 = 0;
/// `visibility`: everyone.
pub const VISIBLE_TO_EVERYONE: i64 = 1;

crate::properties! {
    row RowKind::Annotation;
    /// The row's own id.
    ID: Arc<str> = "id", V1, Text { nullable: false }, T(""), Unit::None, Control, Everyone, Hidden, "Id";
    /// The scene that it belongs to.
    SCENE_ID: Arc<str> = "sceneId", V1, Text { nullable: false }, T(""), Unit::None, Control, Everyone, Hidden, "Scene";
    /// Its name.
    NAME: Arc<str> = "name", V1, Text { nullable: false }, T("New Annotation"), Unit::None, Control, DmOnly, Drawing, "Name";
    /// Its opacity.
    OPACITY: f64 = "opacity", V1, Number { min: 0.0, max: 1.0, step: 0.01 }, N(1.0), Unit::Share, Control, Everyone, Drawing, "Opacity";
    /// Its colour.
    COLOR: Rgb = "color", V1, Color, T("#FF0000"), Unit::None, Control, Everyone, Drawing, "Colour";
    /// Obsolete picture.
    URL: Option<Arc<str>> = "url", V1, Text { nullable: true }, Null, Unit::None, Control, DmOnly, Hidden, "Picture";
    /// Who sees it.
    VISIBILITY: i64 = "visibility", V1, Choice(&[(0, "Only the DM"), (1, "Everyone")]), N(1.0), Unit::None, Control, Everyone, Drawing, "Visible to";
    /// Its place among the layers; smaller is on top.
    ORDER: f64 = "order", V1, Number { min: -1e9, max: 1e9, step: 1.0 }, N(0.0), Unit::None, Control, Everyone, Hidden, "Order";
    /// Drawn as an effect instead of a colour; null or 0 for a colour.
    EFFECT_TYPE: Option<i64> = "effectType", V1, Int { min: 0, max: 99, nullable: true }, Null, Unit::None, Control, Everyone, Hidden, "Effect";
}

/// The names of the effects by `effectType`.
pub const EFFECTS: &[(i64, &str)] = &[
    (0, "None"),
    (1, "Fire"),
    (2, "Space tear"),
    (3, "Water"),
    (4, "Magic"),
    (5, "Grease"),
    (6, "Ice"),
    (7, "Web"),
    (8, "Entangle"),
];

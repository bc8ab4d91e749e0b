//! The state of a party: what the table shows now, and what its new scenes start with.

use std::sync::Arc;

use super::property::{
    Audience::{Everyone, Picture},
    Delay::Now,
    Kind::{Bool, Text},
    Preset::{Bool as B, Null},
    Root, RowKind,
    Section::Hidden,
    Unit,
};

const V1: Root = Root::Shared { since: 1 };
const OURS: Root = Root::Tableglow;

crate::properties! {
    row RowKind::Party;
    /// The scene on the table; may belong to another game session of the party.
    ACTIVE_SCENE_ID: Option<Arc<str>> = "activeSceneId", V1, Text { nullable: true }, Null, Unit::None, Now, Everyone, Hidden, "Scene on the table";
    /// The game session that the scene on the table is in: ours. Who follows the table and does not
    /// have that game open learns from it which room to join.
    ACTIVE_GAME_ID: Option<Arc<str>> = "activeGameId", OURS, Text { nullable: true }, Null, Unit::None, Now, Everyone, Hidden, "Game of the scene on the table";
    /// The table shows the pause screen.
    IS_PAUSED: bool = "isPaused", V1, Bool, B(false), Unit::None, Now, Everyone, Hidden, "Paused";
    /// What fills the table's screen meanwhile: ours. Web clients have theirs from their own site.
    PAUSE_PICTURE: Option<Arc<str>> = "pausePicture", OURS, Text { nullable: true }, Null, Unit::None, Now, Picture, Hidden, "Pause picture";
}

/// What new scenes of a party start with.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct PartyDefaults {
    /// Size of the table screen's picture in inches.
    pub display_size_in: [f64; 2],
    /// Its resolution in pixels.
    pub display_resolution_px: [u32; 2],
    /// Least margin of the grid in pixels.
    pub display_padding_px: [u32; 2],
    /// `gridType` of new scenes.
    pub grid_type: i64,
    /// Flat-topped hexes.
    pub hex_flat_top: bool,
    /// Size of a cell in inches.
    pub grid_spacing_in: f64,
    /// Width of grid lines in pixels.
    pub grid_line_thickness_px: f64,
    /// Shown to the players while paused. The party's document says so first ([`PAUSE_PICTURE`]); this
    /// copy is for lists and archives, which do not open it.
    pub pause_picture: Option<String>,
}

impl Default for PartyDefaults {
    fn default() -> Self {
        Self {
            display_size_in: [34.86, 19.6],
            display_resolution_px: [1920, 1080],
            display_padding_px: [16, 16],
            grid_type: 0,
            hex_flat_top: false,
            grid_spacing_in: 1.0,
            grid_line_thickness_px: 1.0,
            pause_picture: None,
        }
    }
}

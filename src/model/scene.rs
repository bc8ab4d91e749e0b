//! The settings of a scene: every key of Table Slayer's scene settings, and ours beside them.
//!
//! Keys, types, ranges and defaults of the shared ones are those of its documents (schema 2).

use std::sync::Arc;

use super::color::Rgb;
use super::property::{
    Audience::{DmOnly, Everyone, Picture},
    Delay::{Control, Scene as SceneDelay},
    Kind::{Bool, Choice, Color, Int, Number, Text},
    Preset::{Bool as B, Null, Number as N, Text as T},
    Root, RowKind,
    Section::{Display, Edge, Fog, Grid, Hidden, Map, Mist, Scene, Tokens},
    Unit,
};

const V1: Root = Root::Shared { since: 1 };
const V2: Root = Root::Shared { since: 2 };
const OURS: Root = Root::Tableglow;

const SHARE: super::property::Kind = Number {
    min: 0.0,
    max: 1.0,
    step: 0.01,
};
const ANY: super::property::Kind = Number {
    min: -1e9,
    max: 1e9,
    step: 1.0,
};
const TEXT: super::property::Kind = Text { nullable: false };
const TEXT_OR_NULL: super::property::Kind = Text { nullable: true };

/// How locations of maps begin that a room server cut out along the fog for players. They name
/// another picture of the same size whenever the fog changes.
pub const CUT_MAPS: &str = "cut/";
/// The location of a map that players must not see, or not yet.
pub const NO_MAP: &str = "cut/none";
/// The location of a map that players would see if the room's server had its picture.
pub const LOST_MAP: &str = "cut/missing";

/// `gridType`: squares.
pub const GRID_TYPE_SQUARE: i64 = 0;
/// `gridType`: hexes.
pub const GRID_TYPE_HEX: i64 = 1;
/// `gridMode`: the grid fills the display.
pub const GRID_MODE_FILL_SPACE: i64 = 0;
/// `gridMode`: the grid is the map's own.
pub const GRID_MODE_MAP_DEFINED: i64 = 1;

crate::properties! {
    row RowKind::Scene;
    /// The scene's own id, repeated inside the row.
    ID: Arc<str> = "id", V1, TEXT, T(""), Unit::None, SceneDelay, Everyone, Hidden, "Id";
    /// The game session that the scene belongs to.
    GAME_SESSION_ID: Arc<str> = "gameSessionId", V1, TEXT, T(""), Unit::None, SceneDelay, Everyone, Hidden, "Game session";
    /// The scene's name: the DM's alone.
    NAME: Arc<str> = "name", V1, TEXT, T("New Scene"), Unit::None, SceneDelay, DmOnly, Scene, "Name";
    /// Place in the scene list; may be fractional, ties are broken by id.
    ORDER: f64 = "order", V1, ANY, N(1.0), Unit::None, SceneDelay, DmOnly, Hidden, "Order";
    /// Colour outside the map.
    BACKGROUND_COLOR: Rgb = "backgroundColor", V1, Color, T("#0b0b0c"), Unit::None, Control, Everyone, Scene, "Background";

    /// Least margin of the grid on the display, left and right.
    DISPLAY_PADDING_X: f64 = "displayPaddingX", V1, Number { min: 0.0, max: 10_000.0, step: 1.0 }, N(16.0), Unit::WorldPx, SceneDelay, Everyone, Display, "Padding left and right";
    /// Least margin of the grid on the display, top and bottom.
    DISPLAY_PADDING_Y: f64 = "displayPaddingY", V1, Number { min: 0.0, max: 10_000.0, step: 1.0 }, N(16.0), Unit::WorldPx, SceneDelay, Everyone, Display, "Padding top and bottom";
    /// Width of the table screen's picture.
    DISPLAY_SIZE_X: f64 = "displaySizeX", V1, Number { min: 0.1, max: 1_000.0, step: 0.1 }, N(34.86), Unit::Inch, SceneDelay, Everyone, Display, "Screen width";
    /// Height of the table screen's picture.
    DISPLAY_SIZE_Y: f64 = "displaySizeY", V1, Number { min: 0.1, max: 1_000.0, step: 0.1 }, N(19.6), Unit::Inch, SceneDelay, Everyone, Display, "Screen height";
    /// Width of the scene rectangle in world units.
    DISPLAY_RESOLUTION_X: f64 = "displayResolutionX", V1, Number { min: 1.0, max: 32_768.0, step: 1.0 }, N(1920.0), Unit::WorldPx, SceneDelay, Everyone, Display, "Resolution across";
    /// Height of the scene rectangle in world units.
    DISPLAY_RESOLUTION_Y: f64 = "displayResolutionY", V1, Number { min: 1.0, max: 32_768.0, step: 1.0 }, N(1080.0), Unit::WorldPx, SceneDelay, Everyone, Display, "Resolution down";

    /// Obsolete fog picture; may be "".
    FOG_OF_WAR_URL: Option<Arc<str>> = "fogOfWarUrl", V1, TEXT_OR_NULL, Null, Unit::None, SceneDelay, DmOnly, Hidden, "Fog picture";
    /// Fog rooms as JSON text: `[{id, enabled, points:[{x,y}]}]`, points in 0..1 of the mask, y up.
    FOG_OF_WAR_ROOMS: Option<Arc<str>> = "fogOfWarRooms", V2, TEXT_OR_NULL, Null, Unit::None, SceneDelay, DmOnly, Hidden, "Fog rooms";
    /// Base colour of the fog's gradient.
    FOG_OF_WAR_COLOR: Rgb = "fogOfWarColor", V1, Color, T("#CCC"), Unit::None, Control, Everyone, Fog, "Fog colour";
    /// Fog opacity in the DM's view.
    FOG_OF_WAR_OPACITY_DM: f64 = "fogOfWarOpacityDm", V1, SHARE, N(0.5), Unit::Share, Control, DmOnly, Fog, "Opacity for the DM";
    /// Fog opacity in the players' view.
    FOG_OF_WAR_OPACITY_PLAYER: f64 = "fogOfWarOpacityPlayer", V1, SHARE, N(0.9), Unit::Share, Control, Everyone, Fog, "Opacity for players";

    /// Where the map picture is; null for none.
    MAP_LOCATION: Option<Arc<str>> = "mapLocation", V1, TEXT_OR_NULL, Null, Unit::None, SceneDelay, Picture, Hidden, "Map picture";
    /// Where the scene list's picture is.
    MAP_THUMB_LOCATION: Option<Arc<str>> = "mapThumbLocation", V1, TEXT_OR_NULL, Null, Unit::None, SceneDelay, DmOnly, Hidden, "Thumbnail";
    /// Rotation of the map, degrees counter-clockwise.
    MAP_ROTATION: f64 = "mapRotation", V1, Number { min: -360_000.0, max: 360_000.0, step: 90.0 }, N(0.0), Unit::Degree, Control, Everyone, Map, "Rotation";
    /// Map centre from the display centre, to the right.
    MAP_OFFSET_X: f64 = "mapOffsetX", V1, ANY, N(0.0), Unit::WorldPx, Control, Everyone, Map, "Offset right";
    /// Map centre from the display centre, upwards.
    MAP_OFFSET_Y: f64 = "mapOffsetY", V1, ANY, N(0.0), Unit::WorldPx, Control, Everyone, Map, "Offset up";
    /// Display pixels per map pixel.
    MAP_ZOOM: f64 = "mapZoom", V1, Number { min: 0.0001, max: 1_000.0, step: 0.01 }, N(1.0), Unit::Times, Control, Everyone, Map, "Zoom";

    /// Squares or hexes.
    GRID_TYPE: i64 = "gridType", V1, Choice(&[(0, "Squares"), (1, "Hexes")]), N(0.0), Unit::None, Control, Everyone, Grid, "Shape";
    /// Fills the display, or is the map's own.
    GRID_MODE: i64 = "gridMode", V1, Choice(&[(0, "Fills the table"), (1, "Follows the map")]), N(0.0), Unit::None, Control, Everyone, Grid, "Placement";
    /// Columns of the map's own grid.
    GRID_MAP_DEFINED_X: Option<i64> = "gridMapDefinedX", V1, Int { min: 1, max: 10_000, nullable: true }, Null, Unit::Cell, Control, Everyone, Grid, "Columns on the map";
    /// Rows of the map's own grid.
    GRID_MAP_DEFINED_Y: Option<i64> = "gridMapDefinedY", V1, Int { min: 1, max: 10_000, nullable: true }, Null, Unit::Cell, Control, Everyone, Grid, "Rows on the map";
    /// 0: positions are display pixels; 1 with the map's own grid: map pixels.
    MAP_COORD_VERSION: i64 = "mapCoordVersion", V2, Choice(&[(0, "Display"), (1, "Map")]), N(0.0), Unit::None, SceneDelay, Everyone, Hidden, "Coordinates";
    /// Size of a cell on the table.
    GRID_SPACING: f64 = "gridSpacing", V1, Number { min: 0.01, max: 100.0, step: 0.25 }, N(1.0), Unit::Inch, Control, Everyone, Grid, "Cell size";
    /// Opacity of the grid lines.
    GRID_OPACITY: f64 = "gridOpacity", V1, SHARE, N(0.8), Unit::Share, Control, Everyone, Grid, "Opacity";
    /// Colour of the grid lines.
    GRID_LINE_COLOR: Rgb = "gridLineColor", V1, Color, T("#E6E6E6"), Unit::None, Control, Everyone, Grid, "Line colour";
    /// Thickness of the grid lines.
    GRID_LINE_THICKNESS: f64 = "gridLineThickness", V1, Number { min: 0.5, max: 100.0, step: 1.0 }, N(1.0), Unit::WorldPx, Control, Everyone, Grid, "Line width";
    /// Colour of the lines' shadow.
    GRID_SHADOW_COLOR: Rgb = "gridShadowColor", V1, Color, T("#000000"), Unit::None, Control, Everyone, Grid, "Shadow colour";
    /// Width of the lines' shadow.
    GRID_SHADOW_SPREAD: f64 = "gridShadowSpread", V1, Number { min: 0.0, max: 100.0, step: 1.0 }, N(2.0), Unit::WorldPx, Control, Everyone, Grid, "Shadow width";
    /// Softness of the lines' shadow.
    GRID_SHADOW_BLUR: f64 = "gridShadowBlur", V1, Number { min: 0.0, max: 100.0, step: 0.1 }, N(0.5), Unit::None, Control, Everyone, Grid, "Shadow softness";
    /// Opacity of the lines' shadow.
    GRID_SHADOW_OPACITY: f64 = "gridShadowOpacity", V1, SHARE, N(0.4), Unit::Share, Control, Everyone, Grid, "Shadow opacity";

    /// Seed of the web editor's camera.
    SCENE_OFFSET_X: f64 = "sceneOffsetX", V1, ANY, N(0.0), Unit::WorldPx, SceneDelay, DmOnly, Hidden, "View right";
    /// Seed of the web editor's camera.
    SCENE_OFFSET_Y: f64 = "sceneOffsetY", V1, ANY, N(0.0), Unit::WorldPx, SceneDelay, DmOnly, Hidden, "View up";
    /// Seed of the web editor's camera.
    SCENE_ROTATION: f64 = "sceneRotation", V1, ANY, N(0.0), Unit::Degree, SceneDelay, DmOnly, Hidden, "View rotation";

    /// Kind of weather.
    WEATHER_TYPE: i64 = "weatherType", V1, Choice(&[(0, "None"), (1, "Rain"), (2, "Snow"), (3, "Leaves"), (4, "Ash"), (5, "Dust storm"), (6, "Embers"), (7, "Blizzard"), (8, "Fireflies"), (99, "Custom")]), N(0.0), Unit::None, Control, Everyone, Hidden, "Weather";
    /// Field of view of the particle camera.
    WEATHER_FOV: f64 = "weatherFov", V1, Number { min: 1.0, max: 179.0, step: 1.0 }, N(60.0), Unit::Degree, Control, Everyone, Hidden, "Weather view";
    /// Intensity of the weather.
    WEATHER_INTENSITY: f64 = "weatherIntensity", V1, SHARE, N(1.0), Unit::Share, Control, Everyone, Hidden, "Weather intensity";
    /// Opacity of the weather.
    WEATHER_OPACITY: f64 = "weatherOpacity", V1, SHARE, N(1.0), Unit::Share, Control, Everyone, Hidden, "Weather opacity";

    /// Mist over the map (not fog of war).
    FOG_ENABLED: bool = "fogEnabled", V1, Bool, B(false), Unit::None, Control, Everyone, Mist, "Mist";
    /// Colour of the mist.
    FOG_COLOR: Rgb = "fogColor", V1, Color, T("#a0a0a0"), Unit::None, Control, Everyone, Mist, "Mist colour";
    /// Opacity of the mist.
    FOG_OPACITY: f64 = "fogOpacity", V1, SHARE, N(0.8), Unit::Share, Control, Everyone, Mist, "Mist opacity";

    /// Edge overlay on or off.
    EDGE_ENABLED: bool = "edgeEnabled", V1, Bool, B(false), Unit::None, Control, Everyone, Edge, "Edge";
    /// Texture of the edge overlay; null or "" for none.
    EDGE_URL: Option<Arc<str>> = "edgeUrl", V1, TEXT_OR_NULL, Null, Unit::None, Control, Picture, Hidden, "Edge picture";
    /// Opacity of the edge overlay.
    EDGE_OPACITY: f64 = "edgeOpacity", V1, SHARE, N(0.3), Unit::Share, Control, Everyone, Edge, "Edge opacity";
    /// Repeats of the edge texture across the display.
    EDGE_SCALE: f64 = "edgeScale", V1, Number { min: 0.01, max: 50.0, step: 0.5 }, N(2.0), Unit::Times, Control, Everyone, Edge, "Edge scale";
    /// Where the overlay begins, from the middle outwards.
    EDGE_FADE_START: f64 = "edgeFadeStart", V1, SHARE, N(0.2), Unit::Share, Control, Everyone, Edge, "Fade start";
    /// Where the overlay is whole.
    EDGE_FADE_END: f64 = "edgeFadeEnd", V1, SHARE, N(1.0), Unit::Share, Control, Everyone, Edge, "Fade end";

    /// Stored for web clients, which ignore it.
    EFFECTS_ENABLED: bool = "effectsEnabled", V1, Bool, B(true), Unit::None, Control, Everyone, Hidden, "Effects";
    /// Bloom strength.
    EFFECTS_BLOOM_INTENSITY: f64 = "effectsBloomIntensity", V1, Number { min: 0.0, max: 100.0, step: 0.1 }, N(0.0), Unit::None, Control, Everyone, Hidden, "Bloom";
    /// Bloom radius.
    EFFECTS_BLOOM_RADIUS: f64 = "effectsBloomRadius", V1, Number { min: 0.0, max: 100.0, step: 0.01 }, N(0.5), Unit::None, Control, Everyone, Hidden, "Bloom radius";
    /// Bloom threshold.
    EFFECTS_BLOOM_THRESHOLD: f64 = "effectsBloomThreshold", V1, Number { min: 0.0, max: 100.0, step: 0.01 }, N(0.5), Unit::None, Control, Everyone, Hidden, "Bloom threshold";
    /// Bloom smoothing.
    EFFECTS_BLOOM_SMOOTHING: f64 = "effectsBloomSmoothing", V1, Number { min: 0.0, max: 100.0, step: 0.01 }, N(0.3), Unit::None, Control, Everyone, Hidden, "Bloom smoothing";
    /// Bloom levels.
    EFFECTS_BLOOM_LEVELS: i64 = "effectsBloomLevels", V1, Int { min: 0, max: 64, nullable: false }, N(10.0), Unit::None, Control, Everyone, Hidden, "Bloom levels";
    /// Bloom by mip blur.
    EFFECTS_BLOOM_MIP_MAP_BLUR: bool = "effectsBloomMipMapBlur", V1, Bool, B(true), Unit::None, Control, Everyone, Hidden, "Bloom blur";
    /// Chromatic aberration.
    EFFECTS_CHROMATIC_ABERRATION_OFFSET: f64 = "effectsChromaticAberrationOffset", V1, Number { min: 0.0, max: 1.0, step: 0.001 }, N(0.0), Unit::None, Control, Everyone, Hidden, "Chromatic aberration";
    /// Colour table file.
    EFFECTS_LUT_URL: Option<Arc<str>> = "effectsLutUrl", V1, TEXT_OR_NULL, Null, Unit::None, Control, Picture, Hidden, "Colour table";
    /// Tone mapping.
    EFFECTS_TONE_MAPPING_MODE: i64 = "effectsToneMappingMode", V1, Choice(&[(0, "Linear"), (1, "Reinhard"), (2, "Reinhard 2"), (3, "Reinhard 2 adaptive"), (4, "Uncharted 2"), (5, "Cineon"), (6, "ACES"), (7, "AgX"), (8, "Neutral")]), N(0.0), Unit::None, Control, Everyone, Hidden, "Tone mapping";

    /// Outline colour of all tokens.
    MARKER_STROKE_COLOR: Rgb = "markerStrokeColor", V1, Color, T("#000000"), Unit::None, Control, Everyone, Tokens, "Outline colour";
    /// Outline width of all tokens, on a square of 1024 px.
    MARKER_STROKE_WIDTH: f64 = "markerStrokeWidth", V1, Number { min: 0.0, max: 512.0, step: 1.0 }, N(50.0), Unit::TokenPx, Control, Everyone, Tokens, "Outline width";
    /// Colour of all token labels.
    MARKER_TEXT_COLOR: Rgb = "markerTextColor", V1, Color, T("#ffffff"), Unit::None, Control, Everyone, Tokens, "Label colour";
    /// Outline colour of all token labels.
    MARKER_TEXT_STROKE_COLOR: Rgb = "markerTextStrokeColor", V1, Color, T("#000000"), Unit::None, Control, Everyone, Tokens, "Label outline";

    /// Hexes with a flat top instead of a point: ours, because web clients draw points only.
    HEX_FLAT_TOP: bool = "hexFlatTop", OURS, Bool, B(false), Unit::None, Control, Everyone, Grid, "Flat-topped hexes";
}

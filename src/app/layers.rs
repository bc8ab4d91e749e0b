//! Which layers the editor draws: a choice of this window alone, never in a document.

/// A layer of a scene's picture, from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// The colour outside the map.
    Background,
    /// The map picture.
    Map,
    /// Mist over the map.
    Mist,
    /// Glows.
    Lights,
    /// Tokens.
    Markers,
    /// Fog of war.
    FogOfWar,
    /// Grid lines.
    Grid,
    /// Edge overlay.
    Edge,
    /// Drawings.
    Annotations,
}

impl Layer {
    /// All layers with their names, the highest first, as the panel lists them.
    pub const PANEL: [(Self, &'static str); 9] = [
        (Self::Annotations, "Drawings"),
        (Self::Edge, "Edge"),
        (Self::Grid, "Grid"),
        (Self::FogOfWar, "Fog of war"),
        (Self::Markers, "Markers"),
        (Self::Lights, "Lights"),
        (Self::Mist, "Mist"),
        (Self::Map, "Map"),
        (Self::Background, "Background"),
    ];
}

/// A set of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSet(u16);

impl Default for LayerSet {
    fn default() -> Self {
        Self::ALL
    }
}

impl LayerSet {
    /// Every layer.
    pub const ALL: Self = Self(0x1ff);

    fn bit(layer: Layer) -> u16 {
        1 << layer as u16
    }

    /// Whether a layer is in it.
    #[must_use]
    pub fn contains(self, layer: Layer) -> bool {
        self.0 & Self::bit(layer) != 0
    }

    /// The set with a layer in it or not.
    #[must_use]
    pub fn with(self, layer: Layer, on: bool) -> Self {
        if on {
            Self(self.0 | Self::bit(layer))
        } else {
            Self(self.0 & !Self::bit(layer))
        }
    }
}

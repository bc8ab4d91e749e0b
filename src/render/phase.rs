//! The draw order, as an enum: what comes first lies below.

/// One layer of the picture. The order is that of the shared documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The scene's background colour.
    Background,
    /// The map picture.
    Map,
    /// Mist over the map.
    Mist,
    /// Rain, snow and the like.
    Weather,
    /// Drawings that are effects.
    EffectDrawings,
    /// Glows.
    Lights,
    /// Tokens and their labels.
    Markers,
    /// Fog of war.
    FogOfWar,
    /// Grid lines.
    Grid,
    /// The overlay around the display's rim.
    Edge,
    /// Drawings.
    Annotations,
    /// Measurements.
    Measurement,
    /// Other people's cursors.
    Cursors,
}

impl Phase {
    /// All phases, the lowest first.
    pub const ALL: [Self; 13] = [
        Self::Background,
        Self::Map,
        Self::Mist,
        Self::Weather,
        Self::EffectDrawings,
        Self::Lights,
        Self::Markers,
        Self::FogOfWar,
        Self::Grid,
        Self::Edge,
        Self::Annotations,
        Self::Measurement,
        Self::Cursors,
    ];

    /// The layer's name in commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Map => "map",
            Self::Mist => "mist",
            Self::Weather => "weather",
            Self::EffectDrawings => "effect-drawings",
            Self::Lights => "lights",
            Self::Markers => "markers",
            Self::FogOfWar => "fog-of-war",
            Self::Grid => "grid",
            Self::Edge => "edge",
            Self::Annotations => "annotations",
            Self::Measurement => "measurement",
            Self::Cursors => "cursors",
        }
    }
}

/// Which layers are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSet(u16);

/// A layer's name that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no layer “{name}”; the layers are {}", LayerSet::NAMES.join(", "))]
pub struct UnknownLayer {
    /// What was asked for.
    pub name: String,
}

impl LayerSet {
    /// The names that [`LayerSet::parse`] knows, the lowest layer first.
    pub const NAMES: [&'static str; 9] = [
        "background",
        "map",
        "mist",
        "lights",
        "markers",
        "fog-of-war",
        "grid",
        "edge",
        "annotations",
    ];

    /// Every layer.
    #[must_use]
    pub const fn all() -> Self {
        Self(u16::MAX)
    }

    /// No layer.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// These layers.
    #[must_use]
    pub fn of(phases: &[Phase]) -> Self {
        phases.iter().fold(Self::none(), |set, &p| set.with(p))
    }

    /// Layers by name, separated by commas or white space.
    ///
    /// # Errors
    /// A name that is none of [`LayerSet::NAMES`].
    pub fn parse(list: &str) -> Result<Self, UnknownLayer> {
        list.split([',', ' ', '\t', '\n'])
            .filter(|name| !name.is_empty())
            .try_fold(Self::none(), |set, name| {
                Phase::ALL
                    .into_iter()
                    .find(|p| p.name() == name && Self::NAMES.contains(&name))
                    .map(|p| set.with(p))
                    .ok_or_else(|| UnknownLayer {
                        name: name.to_owned(),
                    })
            })
    }

    /// With one layer more.
    #[must_use]
    pub const fn with(self, phase: Phase) -> Self {
        Self(self.0 | 1 << phase as u16)
    }

    /// With one layer less.
    #[must_use]
    pub const fn without(self, phase: Phase) -> Self {
        Self(self.0 & !(1 << phase as u16))
    }

    /// Whether the layer is drawn.
    #[must_use]
    pub const fn contains(self, phase: Phase) -> bool {
        self.0 & 1 << phase as u16 != 0
    }
}

impl Default for LayerSet {
    fn default() -> Self {
        Self::all()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn layers_are_read_by_name() {
        let set = LayerSet::parse("map, grid").unwrap();
        assert_eq!(set, LayerSet::of(&[Phase::Map, Phase::Grid]));
        assert!(!set.contains(Phase::FogOfWar));
        for name in LayerSet::NAMES {
            assert!(LayerSet::parse(name).is_ok(), "{name}");
        }
        let error = LayerSet::parse("map,fog").unwrap_err();
        assert!(error.to_string().contains("fog-of-war"), "{error}");
        assert!(LayerSet::parse("weather").is_err());
    }

    #[test]
    fn the_draw_order_is_the_documents() {
        assert!(Phase::ALL.is_sorted());
        let named: Vec<_> = Phase::ALL
            .into_iter()
            .map(Phase::name)
            .filter(|n| LayerSet::NAMES.contains(n))
            .collect();
        assert_eq!(named, LayerSet::NAMES);
    }
}

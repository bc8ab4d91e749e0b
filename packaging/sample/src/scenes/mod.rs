//! The maps of the sample campaign, one file each.

pub mod crypt;
pub mod hexwild;
pub mod lantern_alley;
pub mod long_road;

use crate::picture::Scene;

/// A map and how it is written.
pub struct Map {
    /// File name, without extension.
    pub name: &'static str,
    /// What it shows.
    pub scene: fn() -> Box<dyn Scene>,
    /// Resolution of the picture.
    pub px_per_cell: f32,
    /// JPEG quality, 0 to 100.
    pub quality: f32,
}

/// All maps, in the order of the campaign.
pub fn all() -> Vec<Map> {
    vec![
        Map {
            name: "sunken-crypt",
            scene: || Box::new(crypt::Crypt),
            px_per_cell: 112.0,
            quality: 84.0,
        },
        Map {
            name: "hexwild",
            scene: || Box::new(hexwild::Hexwild::new()),
            px_per_cell: 110.15,
            quality: 80.0,
        },
        Map {
            name: "lantern-alley",
            scene: || Box::new(lantern_alley::LanternAlley),
            px_per_cell: 110.15,
            quality: 82.0,
        },
        Map {
            name: "long-road",
            scene: || Box::new(long_road::LongRoad::new()),
            px_per_cell: 64.0,
            quality: 76.0,
        },
    ]
}

//! [`PlayerScene`]: what a table may see. Made by one pure function that drops everything the DM
//! hid; the only scene that the player path of the renderer accepts.

use std::collections::BTreeSet;
use std::sync::Arc;

use glam::DVec2;

use crate::geom::rect::{DRect, IRect};
use crate::model::id::{PictureHash, RowId};
use crate::model::{annotation, light, marker, scene};
use crate::util::revision::Part;

use super::snapshot::{Annotation, Fog, Light, MapLayer, Marker, SceneSnapshot, Structures};

/// A scene without anything that the DM hid. There is no way to make one but [`PlayerScene::of`]
/// and [`PlayerScene::with_hovered`].
#[derive(Debug, Clone)]
pub struct PlayerScene {
    scene: SceneSnapshot,
}

/// What a table shows now.
#[derive(Debug, Clone, Default)]
pub enum PlayerFrame {
    /// Nothing is on the table.
    #[default]
    Waiting,
    /// The DM paused; an optional picture fills the screen.
    Paused {
        /// The pause picture.
        picture: Option<PictureHash>,
    },
    /// A scene.
    Scene(Arc<PlayerScene>),
}

impl PlayerScene {
    /// The scene as players may hold it, while the DM points at nothing.
    #[must_use]
    pub fn of(scene: &SceneSnapshot) -> Self {
        Self::with_hovered(scene, &BTreeSet::new())
    }

    /// The scene as players may hold it, while the DM points at these markers.
    #[must_use]
    pub fn with_hovered(source: &SceneSnapshot, hovered: &BTreeSet<RowId>) -> Self {
        let cover = Cover::of(source);
        let markers: Arc<[Marker]> = source
            .markers
            .iter()
            .filter(|marker| is_shown(marker, hovered))
            .filter(|marker| {
                !cover.hides_disc(marker.position_world, marker.diameter_world * 0.5)
            })
            .map(|marker| Marker {
                row: marker.row.for_players(&marker::TABLE),
                ..marker.clone()
            })
            .collect();
        let lights: Arc<[Light]> = source
            .lights
            .iter()
            .filter(|light| !light.row.get(light::OFF))
            // The glow reaches as far as the light's diameter.
            .filter(|light| !cover.hides_disc(light.position_world, light.diameter_world))
            .map(|light| Light {
                row: light.row.for_players(&light::TABLE),
                ..light.clone()
            })
            .collect();
        let annotations: Arc<[Annotation]> = source
            .annotations
            .iter()
            .filter(|layer| {
                layer.row.get(annotation::VISIBILITY) == annotation::VISIBLE_TO_EVERYONE
            })
            .map(|layer| Annotation {
                row: layer.row.for_players(&annotation::TABLE),
                ..layer.clone()
            })
            .collect();
        // Revisions go along: a part that did not change for the DM did not for the players, but
        // markers and lights depend on the fog and the map as well.
        let seen_through_fog = source
            .fog
            .revision
            .max(source.map.revision)
            .max(source.grid.revision);
        Self {
            scene: SceneSnapshot {
                id: source.id.clone(),
                revision: source.revision,
                settings: Part {
                    revision: source.settings.revision,
                    value: source.settings.for_players(&scene::TABLE),
                },
                map: source.map.clone(),
                grid: source.grid.clone(),
                markers: Part {
                    revision: source.markers.revision.max(seen_through_fog),
                    value: markers,
                },
                lights: Part {
                    revision: source.lights.revision.max(seen_through_fog),
                    value: lights,
                },
                annotations: Part {
                    revision: source.annotations.revision,
                    value: annotations,
                },
                fog: source.fog.clone(),
                structures: Part {
                    revision: source.structures.revision,
                    value: Arc::new(Structures::default()),
                },
            },
        }
    }

    /// Read access; everything hidden is already gone.
    #[must_use]
    pub fn scene(&self) -> &SceneSnapshot {
        &self.scene
    }
}

/// Whether the DM lets players see a marker. An unknown code is not for players.
fn is_shown(marker: &Marker, hovered: &BTreeSet<RowId>) -> bool {
    match marker.row.get(marker::VISIBILITY) {
        marker::VISIBLE_TO_EVERYONE | marker::VISIBLE_TO_PLAYERS => true,
        marker::VISIBLE_ON_HOVER => {
            marker.row.get(marker::PINNED_TOOLTIP) || hovered.contains(&marker.id)
        }
        _ => false,
    }
}

/// What the fog of war covers.
struct Cover<'a> {
    map: Option<&'a MapLayer>,
    fog: &'a Fog,
}

impl<'a> Cover<'a> {
    fn of(scene: &'a SceneSnapshot) -> Self {
        Self {
            map: scene.map.value.as_ref(),
            fog: &scene.fog,
        }
    }

    /// Whether a disc lies under fog as a whole. What lies outside the map is not under fog.
    fn hides_disc(&self, center_world: DVec2, radius_world: f64) -> bool {
        let Some(map) = self.map else { return false };
        let picture_from_world = map.placement.picture_from_world();
        let center = picture_from_world.transform_point2(center_world);
        let radius = radius_world / map.placement.effective_zoom();
        let size = DVec2::from(map.placement.size_px.map(f64::from));
        let picture = DRect::new(DVec2::ZERO, size);
        let disc = DRect::from_center_size(center, DVec2::splat(2.0 * radius));
        if disc.intersection(&picture) != disc {
            // Part of it sticks out of the map, where there is no fog.
            return false;
        }
        match self.fog {
            Fog::Full => true,
            Fog::Mask(mask) => {
                let mask_from_picture = DVec2::from(mask.size_px().map(f64::from)) / size;
                let area = DRect::new(
                    disc.min * mask_from_picture,
                    disc.max * mask_from_picture,
                )
                .outer_pixels()
                .intersection(&mask.rect());
                !area.is_empty() && disc_is_set(mask, area, center, radius, mask_from_picture)
            }
        }
    }
}

/// Whether every mask pixel that a disc touches is set. `center` and `radius` in picture px.
fn disc_is_set(
    mask: &crate::geom::mask::Mask,
    area: IRect,
    center: DVec2,
    radius: f64,
    mask_from_picture: DVec2,
) -> bool {
    if mask.all_set_in(area) {
        return true;
    }
    (area.min[1]..area.max[1]).all(|y| {
        // The widest the disc is within this row of pixels.
        let near = (center.y * mask_from_picture.y).clamp(f64::from(y), f64::from(y + 1));
        let dy = near / mask_from_picture.y - center.y;
        let half = (radius * radius - dy * dy).max(0.0).sqrt();
        let row = DRect::new(
            DVec2::new((center.x - half) * mask_from_picture.x, f64::from(y)),
            DVec2::new((center.x + half) * mask_from_picture.x, f64::from(y + 1)),
        )
        .outer_pixels()
        .intersection(&area);
        row.is_empty() || mask.all_set_in(row)
    })
}

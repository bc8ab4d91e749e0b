//! [`PlayerScene`]: what a table may see. Made by one pure function that drops everything the DM
//! hid; the only scene that the player path of the renderer accepts.
//!
//! What is dropped: markers that players do not see, drawing layers of the DM, walls and doors,
//! properties that are the DM's alone, markers whose whole drawn disc lies under fog, and lights that
//! shine on nothing of the map but fog.
//! Without a mask all of the map is under fog; what lies outside the map never is.

use std::collections::BTreeSet;
use std::sync::Arc;

use glam::DVec2;

use crate::geom::mask::Mask;
use crate::geom::rect::IRect;
use crate::geom::space::MapPlacement;
use crate::model::id::{PictureHash, RowId, SceneId};
use crate::model::row::Row;
use crate::model::{annotation, audience, light, marker, party, scene};
use crate::util::revision::{Part, Revision};

use super::snapshot::{Annotation, Fog, Light, Marker, SceneSnapshot, Structures};

/// A scene without anything that the DM hid. There is no way to make one but [`PlayerScene::of`] and
/// its kin.
#[derive(Debug, Clone)]
pub struct PlayerScene {
    scene: SceneSnapshot,
    made_of: MadeOf,
}

/// The parts of the DM's scene that a player's scene was made of.
#[derive(Debug, Clone, PartialEq)]
struct MadeOf {
    settings: Revision,
    map: Revision,
    markers: Revision,
    lights: Revision,
    annotations: Revision,
    fog: Revision,
    hovered: BTreeSet<RowId>,
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

impl PlayerFrame {
    /// What a table shows by the party's state: the pause screen before all, then the active scene,
    /// whichever game session of the party it is in. `find` gives that scene, or `None` when it is in
    /// none of them.
    #[must_use]
    pub fn following(
        state: &Row,
        pause_picture: impl FnOnce() -> Option<PictureHash>,
        find: impl FnOnce(&SceneId) -> Option<Arc<PlayerScene>>,
    ) -> Self {
        if state.get(party::IS_PAUSED) {
            return Self::Paused {
                picture: pause_picture(),
            };
        }
        state
            .get(party::ACTIVE_SCENE_ID)
            .and_then(|id| find(&SceneId::new(&id)))
            .map_or(Self::Waiting, Self::Scene)
    }
}

impl PlayerScene {
    /// The scene as players may hold it, with nothing hovered.
    #[must_use]
    pub fn of(scene: &SceneSnapshot) -> Self {
        Self::with_hovered(scene, &BTreeSet::new(), None)
    }

    /// The scene as players may hold it while the DM points at markers that show then. Parts that are
    /// made of the same as in `previous` are shared with it and keep their revision.
    #[must_use]
    pub fn with_hovered(
        scene: &SceneSnapshot,
        hovered: &BTreeSet<RowId>,
        previous: Option<&Self>,
    ) -> Self {
        let made_of = MadeOf {
            settings: scene.settings.revision,
            map: scene.map.revision,
            markers: scene.markers.revision,
            lights: scene.lights.revision,
            annotations: scene.annotations.revision,
            fog: scene.fog.revision,
            hovered: hovered.clone(),
        };
        let previous = previous.filter(|previous| previous.scene.id == scene.id);
        let old = |same: &dyn Fn(&MadeOf) -> bool| {
            previous
                .filter(|previous| same(&previous.made_of))
                .map(|previous| &previous.scene)
        };
        let cover = Cover {
            placement: scene.map.value.as_ref().map(|map| map.placement),
            fog: &scene.fog.value,
        };
        let same_cover = |was: &MadeOf| was.map == made_of.map && was.fog == made_of.fog;

        let settings = old(&|was| was.settings == made_of.settings).map_or_else(
            || Part::new(scene.settings.for_players(&scene::TABLE)),
            |old| old.settings.clone(),
        );
        let markers = old(&|was| {
            was.markers == made_of.markers && was.hovered == made_of.hovered && same_cover(was)
        })
        .map_or_else(
            || Part::new(markers_for_players(scene, hovered, &cover)),
            |old| old.markers.clone(),
        );
        let lights = old(&|was| was.lights == made_of.lights && same_cover(was)).map_or_else(
            || Part::new(lights_for_players(scene, &cover)),
            |old| old.lights.clone(),
        );
        let annotations = old(&|was| was.annotations == made_of.annotations).map_or_else(
            || Part::new(annotations_for_players(scene)),
            |old| old.annotations.clone(),
        );
        let structures = previous.map_or_else(
            || Part::new(Arc::new(Structures::default())),
            |previous| previous.scene.structures.clone(),
        );
        let unchanged = previous.is_some_and(|previous| {
            previous.made_of == made_of && previous.scene.grid.revision == scene.grid.revision
        });
        let revision = match previous {
            Some(previous) if unchanged => previous.scene.revision,
            _ => Revision::next(),
        };
        Self {
            scene: SceneSnapshot {
                id: scene.id.clone(),
                revision,
                settings,
                map: scene.map.clone(),
                grid: scene.grid.clone(),
                markers,
                lights,
                annotations,
                fog: scene.fog.clone(),
                structures,
            },
            made_of,
        }
    }

    /// Read access; everything hidden is already gone.
    #[must_use]
    pub fn scene(&self) -> &SceneSnapshot {
        &self.scene
    }
}

fn markers_for_players(
    scene: &SceneSnapshot,
    hovered: &BTreeSet<RowId>,
    cover: &Cover,
) -> Arc<[Marker]> {
    let seen = |marker: &&Marker| audience::shows_marker(&marker.row, hovered.contains(&marker.id));
    scene
        .markers
        .value
        .iter()
        .filter(seen)
        .filter(|marker| !cover.hides(marker.position_world, marker.diameter_world * 0.5))
        .map(|marker| Marker {
            row: marker.row.for_players(&marker::TABLE),
            ..marker.clone()
        })
        .collect()
}

fn lights_for_players(scene: &SceneSnapshot, cover: &Cover) -> Arc<[Light]> {
    scene
        .lights
        .value
        .iter()
        .filter(|light| audience::shows_light(&light.row))
        // The glow reaches twice as far as the light.
        .filter(|light| !cover.hides_glow(light.position_world, light.diameter_world))
        .map(|light| Light {
            row: light.row.for_players(&light::TABLE),
            ..light.clone()
        })
        .collect()
}

fn annotations_for_players(scene: &SceneSnapshot) -> Arc<[Annotation]> {
    scene
        .annotations
        .value
        .iter()
        .filter(|layer| audience::shows_annotation(&layer.row))
        .map(|layer| Annotation {
            row: layer.row.for_players(&annotation::TABLE),
            ..layer.clone()
        })
        .collect()
}

/// The fog over a map.
struct Cover<'f> {
    placement: Option<MapPlacement>,
    fog: &'f Fog,
}

impl Cover<'_> {
    /// Whether a disc in the world lies wholly under fog.
    fn hides(&self, center_world: DVec2, radius_world: f64) -> bool {
        self.covers(center_world, radius_world, false)
    }

    /// Whether a light on the map shines on fog alone. What it would throw beyond the map's edge
    /// would tell where it stands.
    fn hides_glow(&self, center_world: DVec2, radius_world: f64) -> bool {
        let stands_on_map = self.placement.as_ref().is_some_and(|placement| {
            let center = placement.map_from_world().transform_point2(center_world);
            placement.map_rect().contains(center)
        });
        self.covers(center_world, radius_world, stands_on_map)
    }

    /// Whether there is fog over all of a disc, or over all of it that lies on the map.
    fn covers(&self, center_world: DVec2, radius_world: f64, on_map_only: bool) -> bool {
        let Some(placement) = &self.placement else {
            return false;
        };
        let reach = radius_world / placement.effective_zoom();
        match self.fog {
            Fog::Full => {
                let center = placement.map_from_world().transform_point2(center_world);
                let half = DVec2::from(placement.size_px.map(f64::from)) * 0.5;
                on_map_only || (center.abs() + reach).cmple(half).all()
            }
            Fog::Mask(mask) => {
                let center = placement
                    .mask_from_world(mask.size_px())
                    .transform_point2(center_world);
                let size = DVec2::from(placement.size_px.map(|side| f64::from(side.max(1))));
                let mask_size = DVec2::from(mask.size_px().map(f64::from));
                disc_is_set(mask, center, mask_size / size * reach, on_map_only)
            }
        }
    }
}

/// Whether every pixel that an ellipse touches is set; what lies outside the mask is not, or does not
/// count.
fn disc_is_set(mask: &Mask, center: DVec2, radius: DVec2, inside_only: bool) -> bool {
    if !center.is_finite() || !radius.is_finite() {
        return false;
    }
    let low = center - radius;
    let high = center + radius;
    let size = DVec2::from(mask.size_px().map(f64::from));
    if !inside_only && (low.cmplt(DVec2::ZERO).any() || high.cmpgt(size).any()) {
        return false;
    }
    let (first, last) = (low.y.floor().max(0.0), high.y.ceil().min(size.y));
    let mut row = first;
    while row < last {
        // The point of this row that is nearest to the middle decides how wide the disc is in it.
        let nearest = center.y.clamp(row, row + 1.0) - center.y;
        let share = if radius.y > 0.0 {
            nearest / radius.y
        } else {
            0.0
        };
        let half_width = radius.x * (1.0 - share * share).max(0.0).sqrt();
        let span = IRect::new(
            [pixel((center.x - half_width).floor()), pixel(row)],
            [
                pixel(
                    (center.x + half_width)
                        .ceil()
                        .max((center.x - half_width).floor() + 1.0),
                ),
                pixel(row + 1.0),
            ],
        );
        if !mask.all_set_in(span.intersection(&mask.rect())) {
            return false;
        }
        row += 1.0;
    }
    true
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "within the mask by the caller"
)]
fn pixel(at: f64) -> i32 {
    at as i32
}

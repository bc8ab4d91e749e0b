//! One scene on its way to the players: derived, cut down, as plain rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::pictures::{Cut, CutFile, CutWanted, Pictures};
use crate::doc::GameDoc;
use crate::doc::dirty::SceneDirty;
use crate::doc::players::{ShownLayer, ShownScene};
use crate::geom::mask::Mask;
use crate::model::id::{RowId, SceneId};
use crate::model::property::{Audience, Property};
use crate::model::row::Row;
use crate::model::value::Value;
use crate::model::{marker, scene};
use crate::scene::derive::SceneDeriver;
use crate::scene::picture::{PictureIndex as _, PictureInfo};
use crate::scene::player::PlayerScene;
use crate::scene::snapshot::{Annotation, Fog, SceneSnapshot};
use crate::util::revision::Revision;

/// A scene that is on the table.
pub(super) struct SceneView {
    deriver: SceneDeriver,
    must_look_again: bool,
    whole: Option<SceneSnapshot>,
    seen: Option<PlayerScene>,
    cut: Cut,
    /// What was made last, and of which revisions.
    made: Option<(Parts, ShownScene)>,
    /// Token pictures in it.
    tokens: BTreeSet<Arc<str>>,
}

#[derive(PartialEq, Clone, Copy)]
struct Parts {
    settings: Revision,
    markers: Revision,
    lights: Revision,
    annotations: Revision,
    fog: Revision,
}

impl SceneView {
    pub(super) fn new(scene: SceneId) -> Self {
        Self {
            deriver: SceneDeriver::new(scene),
            must_look_again: false,
            whole: None,
            seen: None,
            cut: Cut::default(),
            made: None,
            tokens: BTreeSet::new(),
        }
    }

    /// Pictures have come that were not known before.
    pub(super) const fn look_again(&mut self) {
        self.must_look_again = true;
    }

    /// What players may see of the scene now; `None` when there is no such scene.
    pub(super) fn look(
        &mut self,
        doc: &GameDoc,
        dirty: &SceneDirty,
        hovered: &BTreeSet<RowId>,
        pictures: &Pictures,
    ) -> Option<ShownScene> {
        if self.whole.is_none() || self.must_look_again || *dirty != SceneDirty::default() {
            let derived = if std::mem::take(&mut self.must_look_again) {
                self.deriver.derive(doc, pictures)
            } else {
                self.deriver.update(doc, pictures, dirty)
            };
            self.whole = derived;
        }
        let Some(whole) = &self.whole else {
            self.seen = None;
            self.made = None;
            self.cut = Cut::default();
            self.tokens.clear();
            return None;
        };
        let seen = PlayerScene::with_hovered(whole, hovered, self.seen.as_ref());
        let made = self.made.take();
        let (parts, mut shown) = self.rows(seen.scene(), made, pictures);
        let map = self.map(seen.scene(), pictures);
        shown.settings = named(&shown.settings, scene::MAP_LOCATION.property(), map);
        self.seen = Some(seen);
        self.made = Some((parts, shown.clone()));
        Some(shown)
    }

    /// The location of the map as players get it.
    fn map(&mut self, scene: &SceneSnapshot, pictures: &Pictures) -> Option<String> {
        let named = scene.setting(scene::MAP_LOCATION);
        let named = named.filter(|location| !location.is_empty());
        // A map whose pixels are not those of its file would lie elsewhere under a name of ours.
        let picture = scene.map.value.as_ref().and_then(|map| {
            let picture = map.picture.clone()?;
            (map.placement.size_px == [picture.width, picture.height]).then_some(picture)
        });
        let wanted = picture.map(|picture| CutWanted {
            scene: scene.id.clone(),
            picture: picture.hash,
            fog: match &scene.fog.value {
                Fog::Full => None,
                Fog::Mask(mask) => Some(Arc::clone(mask)),
            },
        });
        let is_unknown = wanted.is_none();
        let location = self.cut.look(wanted);
        let is_lost = is_unknown && pictures.is_lost(&named?);
        Some(if is_lost {
            scene::LOST_MAP.to_owned()
        } else {
            location
        })
    }

    /// The parts that changed as rows, the others as they were.
    fn rows(
        &mut self,
        scene: &SceneSnapshot,
        made: Option<(Parts, ShownScene)>,
        pictures: &Pictures,
    ) -> (Parts, ShownScene) {
        let parts = Parts {
            settings: scene.settings.revision,
            markers: scene.markers.revision,
            lights: scene.lights.revision,
            annotations: scene.annotations.revision,
            fog: scene.fog.revision,
        };
        let (old, mut shown) = match made {
            Some((old, shown)) => (Some(old), shown),
            None => {
                let nothing = ShownScene {
                    settings: scene.settings.value.clone(),
                    markers: BTreeMap::new(),
                    lights: BTreeMap::new(),
                    annotations: BTreeMap::new(),
                    fog: None,
                };
                (None, nothing)
            }
        };
        let is_new =
            |part: fn(&Parts) -> Revision| old.as_ref().is_none_or(|old| part(old) != part(&parts));
        if is_new(|parts| parts.settings) {
            shown.settings = nameless(&scene.settings.value);
        }
        if is_new(|parts| parts.markers) || !self.tokens_are_known(scene) {
            self.tokens.clear();
            let rows = scene.markers.value.iter().map(|marker| {
                let location = marker.row.get(marker::IMAGE_LOCATION);
                let picture = location
                    .as_deref()
                    .and_then(|location| Some((pictures.find(location)?, location)));
                let name = picture.map(|(picture, location)| {
                    self.tokens.insert(picture.hash.as_str().into());
                    name_by_content("token", &picture, location)
                });
                let row = named(&marker.row, marker::IMAGE_LOCATION.property(), name);
                (marker.id.clone(), row)
            });
            shown.markers = rows.collect();
        }
        if is_new(|parts| parts.lights) {
            let lights = scene.lights.value.iter();
            shown.lights = lights
                .map(|light| (light.id.clone(), light.row.clone()))
                .collect();
        }
        if is_new(|parts| parts.annotations) || is_new(|parts| parts.settings) {
            let layers = scene.annotations.value.iter();
            shown.annotations = layers
                .map(|layer| {
                    let shown = ShownLayer {
                        row: layer.row.clone(),
                        mask: mask_of(scene, layer),
                    };
                    (layer.id.clone(), shown)
                })
                .collect();
        }
        if is_new(|parts| parts.fog) {
            shown.fog = match &scene.fog.value {
                Fog::Full => None,
                Fog::Mask(mask) => Some(mask.encode_rle().into()),
            };
        }
        (parts, shown)
    }

    /// The tokens that were found are those that are named.
    fn tokens_are_known(&self, scene: &SceneSnapshot) -> bool {
        let found: BTreeSet<&str> = scene
            .markers
            .value
            .iter()
            .filter_map(|marker| marker.picture.as_ref())
            .map(|picture| picture.hash.as_str())
            .collect();
        self.tokens.iter().map(|hash| &**hash).eq(found)
    }

    pub(super) fn take_wanted_cut(&mut self) -> Option<CutWanted> {
        self.cut.take_wanted()
    }

    pub(super) fn cut_made(&mut self, of: &CutWanted, file: Option<CutFile>) {
        self.cut.done(of, file);
    }

    /// The pictures that players may fetch.
    pub(super) fn pictures(&self) -> impl Iterator<Item = Arc<str>> {
        self.tokens.iter().cloned().chain(self.cut.file())
    }
}

/// The location of a picture that tells nothing but what it holds.
pub(super) fn name_by_content(folder: &str, picture: &PictureInfo, location: &str) -> String {
    let ending = location.rsplit_once('.').map_or("", |(_, ending)| ending);
    // Only what follows from the format may tell of the name that was given.
    let known = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tiff"];
    let ending = known.into_iter().find(|known| *known == ending);
    format!("{folder}/{}.{}", picture.hash, ending.unwrap_or("png"))
}

/// A row with a picture under another name, or without one.
pub(super) fn named(row: &Row, property: &Property, name: Option<String>) -> Row {
    let value = name.map_or(Value::Null, |name| Value::text(&name));
    if row.value(property) == Some(&value) {
        return row.clone();
    }
    row.with(property, value)
}

/// Settings without the names of pictures. The map's is put in where it is known what it may be.
fn nameless(settings: &Row) -> Row {
    let pictures = scene::TABLE
        .properties
        .iter()
        .filter(|property| property.audience == Audience::Picture);
    pictures.fold(settings.clone(), |row, property| {
        named(&row, property, None)
    })
}

/// The bytes of a drawing's mask. A drawing that lies on the map would be taken for one of the display
/// if its mask had the display's size: then it is twice as fine.
fn mask_of(scene: &SceneSnapshot, layer: &Annotation) -> Option<Arc<[u8]>> {
    let mask: &Mask = &layer.mask.as_ref()?.value;
    let display = scene.display_size_world();
    let [width, height] = mask.size_px();
    let is_ambiguous = layer.anchored_to_map
        && f64::from(width) == display.x.round()
        && f64::from(height) == display.y.round();
    let finer = is_ambiguous.then(|| mask.resampled(width * 2, height * 2).ok());
    Some(finer.flatten().as_ref().unwrap_or(mask).encode_rle().into())
}

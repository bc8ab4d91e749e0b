//! Documents of the layout before June 2026: read and converted, never written.
//!
//! A scene of that layout is an entry of `scenes` with a plain object `stageProps` (the complete
//! render props), a plain array `markers` that is newer than the one inside, and a line in the array
//! `scenesList`. Masks were not in the document at all: a converted scene is fully fogged and its
//! drawings are empty. Layouts are told apart entry by entry: an old room that a new server filled
//! keeps its dead roots for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use yrs::{Any, Array as _, Map as _, Out, ReadTxn, WriteTxn as _};

use super::change;
use super::document::{self, GameDoc, PartyDoc, SCENES};
use super::origin::Origin;
use super::raw::{self, Raw};
use super::read::{collection_key, is_shared, map_in, plain_in, table_of};
use crate::model::edit::RowRef;
use crate::model::id::{PartyId, SceneId};
use crate::model::property::RowKind;

const PARTY_STATE: &str = "partyState";
const SCENES_LIST: &str = "scenesList";

/// A document of ours with the content of one of the legacy layout; `None` when there is no legacy
/// scene in it. Scenes that are already of today's layout come along unchanged.
#[must_use]
pub fn converted_game(doc: &GameDoc) -> Option<GameDoc> {
    let (mut scenes, found) = {
        let txn = doc.replica.read();
        let list = scenes_list(&txn);
        let entries = txn.get_map(SCENES)?;
        let mut current = Vec::new();
        let mut legacy = Vec::new();
        for (id, value) in entries.iter(&txn) {
            let Out::YMap(entry) = value else { continue };
            let scene = SceneId::new(id);
            if map_in(&entry, &txn, "settings").is_some() {
                current.push((scene, Raw::of_map(&entry, &txn)));
            } else if let Some(Any::Map(props)) = plain_in(&entry, &txn, "stageProps") {
                let markers = plain_in(&entry, &txn, "markers").map(|any| raw::json_from_any(&any));
                let legacy_scene = LegacyScene {
                    props: raw::json_from_any(&Any::Map(props)),
                    markers: markers.unwrap_or_default(),
                    line: list.iter().enumerate().find_map(|(index, line)| {
                        (line.get("id")?.as_str()? == id).then(|| (index, line.clone()))
                    }),
                };
                let tree = legacy_scene.tree(&scene);
                legacy.push((scene, tree));
            }
        }
        let found = !legacy.is_empty();
        current.extend(legacy);
        (current, found)
    };
    if !found {
        return None;
    }
    scenes.sort_by(|a, b| a.0.cmp(&b.0));
    let converted = GameDoc::create(doc.id());
    let mut txn = converted.replica.write(Origin::Upkeep);
    for (scene, tree) in &scenes {
        change::write_tree(&mut txn, &RowRef::Scene(scene.clone()), tree);
    }
    drop(txn);
    Some(converted)
}

/// A party document of ours with the content of one of the legacy layout; `None` when it is none.
#[must_use]
pub fn converted_party(doc: &PartyDoc) -> Option<PartyDoc> {
    let (active, paused) = {
        let txn = doc.replica.read();
        if document::schema_version(&txn).is_some() {
            return None;
        }
        let state = txn.get_map(PARTY_STATE)?;
        (
            plain_in(&state, &txn, "activeSceneId"),
            plain_in(&state, &txn, "isPaused"),
        )
    };
    let converted = PartyDoc::create(&PartyId::fresh());
    let mut txn = converted.replica.write(Origin::Upkeep);
    let state = txn.get_or_insert_map(document::STATE);
    for (key, value) in [("activeSceneId", active), ("isPaused", paused)] {
        let fits = crate::model::party::TABLE.by_key(key).is_some_and(|line| {
            let value = value.as_ref().map(raw::value_from_any);
            matches!(value, Some(Ok(Some(value))) if line.check(value.clone()).is_ok())
        });
        if let Some(value) = value.filter(|_| fits) {
            state.insert(&mut txn, key, value);
        }
    }
    drop(txn);
    Some(converted)
}

fn scenes_list<T: ReadTxn>(txn: &T) -> Vec<Json> {
    let Some(list) = txn.get_array(SCENES_LIST) else {
        return Vec::new();
    };
    list.iter(txn)
        .filter_map(|line| match line {
            Out::Any(any) => Some(raw::json_from_any(&any)),
            _ => None,
        })
        .collect()
}

struct LegacyScene {
    props: Json,
    markers: Json,
    /// Its place and line in the list.
    line: Option<(usize, Json)>,
}

/// Where settings are inside the render props, as dotted paths.
const SETTINGS: &[(&str, &str)] = &[
    ("backgroundColor", "backgroundColor"),
    ("displayPaddingX", "display.padding.x"),
    ("displayPaddingY", "display.padding.y"),
    ("displaySizeX", "display.size.x"),
    ("displaySizeY", "display.size.y"),
    ("displayResolutionX", "display.resolution.x"),
    ("displayResolutionY", "display.resolution.y"),
    ("edgeEnabled", "edgeOverlay.enabled"),
    ("edgeUrl", "edgeOverlay.url"),
    ("edgeOpacity", "edgeOverlay.opacity"),
    ("edgeScale", "edgeOverlay.scale"),
    ("edgeFadeStart", "edgeOverlay.fadeStart"),
    ("edgeFadeEnd", "edgeOverlay.fadeEnd"),
    ("fogEnabled", "fog.enabled"),
    ("fogColor", "fog.color"),
    ("fogOpacity", "fog.opacity"),
    ("fogOfWarUrl", "fogOfWar.url"),
    ("fogOfWarColor", "fogOfWar.noise.baseColor"),
    // Older documents have one number for both.
    ("fogOfWarOpacityDm", "fogOfWar.opacity"),
    ("fogOfWarOpacityPlayer", "fogOfWar.opacity"),
    ("fogOfWarOpacityDm", "fogOfWar.opacity.dm"),
    ("fogOfWarOpacityPlayer", "fogOfWar.opacity.player"),
    ("gridType", "grid.gridType"),
    ("gridMode", "grid.gridMode"),
    ("gridMapDefinedX", "grid.fixedGridCount.x"),
    ("gridMapDefinedY", "grid.fixedGridCount.y"),
    ("gridSpacing", "grid.spacing"),
    ("gridOpacity", "grid.opacity"),
    ("gridLineColor", "grid.lineColor"),
    ("gridLineThickness", "grid.lineThickness"),
    ("gridShadowColor", "grid.shadowColor"),
    ("gridShadowSpread", "grid.shadowSpread"),
    ("gridShadowBlur", "grid.shadowBlur"),
    ("gridShadowOpacity", "grid.shadowOpacity"),
    ("mapRotation", "map.rotation"),
    ("mapOffsetX", "map.offset.x"),
    ("mapOffsetY", "map.offset.y"),
    ("mapZoom", "map.zoom"),
    ("sceneOffsetX", "scene.offset.x"),
    ("sceneOffsetY", "scene.offset.y"),
    ("sceneRotation", "scene.rotation"),
    ("weatherType", "weather.type"),
    ("weatherFov", "weather.fov"),
    ("weatherIntensity", "weather.intensity"),
    ("weatherOpacity", "weather.opacity"),
    ("effectsEnabled", "postProcessing.enabled"),
    ("effectsBloomIntensity", "postProcessing.bloom.intensity"),
    ("effectsBloomRadius", "postProcessing.bloom.radius"),
    ("effectsBloomThreshold", "postProcessing.bloom.threshold"),
    ("effectsBloomSmoothing", "postProcessing.bloom.smoothing"),
    ("effectsBloomLevels", "postProcessing.bloom.levels"),
    ("effectsBloomMipMapBlur", "postProcessing.bloom.mipmapBlur"),
    (
        "effectsChromaticAberrationOffset",
        "postProcessing.chromaticAberration.offset",
    ),
    ("effectsLutUrl", "postProcessing.lut.url"),
    ("effectsToneMappingMode", "postProcessing.toneMapping.mode"),
    ("markerStrokeColor", "marker.shape.strokeColor"),
    ("markerStrokeWidth", "marker.shape.strokeWidth"),
    ("markerTextColor", "marker.text.color"),
    ("markerTextStrokeColor", "marker.text.strokeColor"),
];

const MARKER: &[(&str, &str)] = &[
    ("title", "title"),
    ("label", "label"),
    ("visibility", "visibility"),
    ("imageScale", "imageScale"),
    ("positionX", "position.x"),
    ("positionY", "position.y"),
    ("shape", "shape"),
    ("shapeColor", "shapeColor"),
    ("size", "size"),
    ("note", "note"),
    ("pinnedTooltip", "pinnedTooltip"),
];

const LIGHT: &[(&str, &str)] = &[
    ("positionX", "position.x"),
    ("positionY", "position.y"),
    ("radius", "radius"),
    ("color", "color"),
    ("style", "style"),
    ("pulse", "pulse"),
    ("opacity", "opacity"),
];

const ANNOTATION: &[(&str, &str)] = &[
    ("name", "name"),
    ("opacity", "opacity"),
    ("color", "color"),
    ("url", "url"),
    ("visibility", "visibility"),
    ("effectType", "effect.type"),
];

impl LegacyScene {
    /// The scene as one of today's layout.
    fn tree(&self, scene: &SceneId) -> Raw {
        let mut settings = NewRow::new(RowKind::Scene);
        if let Some((index, line)) = &self.line {
            // A line may carry the whole row of the web database; the render props are newer.
            for property in table_of(RowKind::Scene).properties {
                settings.take(property.key, line.get(property.key));
            }
            if line.get("order").is_none() {
                settings.put("order", Json::from(index + 1));
            }
        }
        settings.take_all(SETTINGS, &self.props);
        for key in ["edgeUrl", "fogOfWarUrl", "effectsLutUrl"] {
            settings.null_for_empty(key);
        }
        let url = at(&self.props, "map.url").and_then(Json::as_str);
        if let Some(location) = url.and_then(location_of) {
            settings.put("mapLocation", location.into());
        }
        settings.put("id", scene.as_str().into());
        // Positions of that time are display pixels.
        settings.put("mapCoordVersion", 0.into());

        let mut markers = BTreeMap::new();
        let inside = at(&self.props, "marker.markers").unwrap_or(&Json::Null);
        // The later ones replace the earlier.
        for marker in items(inside).chain(items(&self.markers)) {
            let mut row = NewRow::new(RowKind::Marker);
            row.take_all(MARKER, marker);
            let picture = marker.get("imageUrl").and_then(Json::as_str);
            if let Some(location) = picture.and_then(location_of) {
                row.put("imageLocation", location.into());
            }
            row.finish(marker, scene, &mut markers);
        }
        let mut lights = BTreeMap::new();
        for light in at(&self.props, "light.lights").into_iter().flat_map(items) {
            let mut row = NewRow::new(RowKind::Light);
            row.take_all(LIGHT, light);
            row.finish(light, scene, &mut lights);
        }
        let mut annotations = BTreeMap::new();
        let layers = at(&self.props, "annotations.layers");
        for (index, layer) in layers.into_iter().flat_map(items).enumerate() {
            let mut row = NewRow::new(RowKind::Annotation);
            row.take_all(ANNOTATION, layer);
            row.put("order", Json::from(index));
            row.finish(layer, scene, &mut annotations);
        }
        let collections = [
            (RowKind::Marker, markers),
            (RowKind::Light, lights),
            (RowKind::Annotation, annotations),
        ];
        let mut parts: BTreeMap<Arc<str>, Raw> = collections
            .into_iter()
            .filter_map(|(kind, rows)| Some((collection_key(kind)?.into(), Raw::Map(rows))))
            .collect();
        parts.insert("settings".into(), Raw::Map(settings.entries));
        Raw::Map(parts)
    }
}

fn at<'j>(json: &'j Json, path: &str) -> Option<&'j Json> {
    path.split('.').try_fold(json, |json, key| json.get(key))
}

fn items(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

/// The key of a picture behind its address: without scheme, host and the resizing path.
fn location_of(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.trim_start_matches('/'),
    };
    let key = match path.strip_prefix("cdn-cgi/image/") {
        Some(rest) => rest.split_once('/')?.1,
        None => path,
    };
    (!key.is_empty()).then(|| key.to_owned())
}

/// A row of today's layout in the making: whole, with defaults.
struct NewRow {
    kind: RowKind,
    entries: BTreeMap<Arc<str>, Raw>,
}

impl NewRow {
    fn new(kind: RowKind) -> Self {
        let entries = table_of(kind)
            .properties
            .iter()
            .filter(|property| is_shared(property, document::SCHEMA_VERSION))
            .map(|property| {
                let any = raw::any_from_value(&property.default_value());
                (property.key.into(), Raw::Plain(any.unwrap_or(Any::Null)))
            })
            .collect();
        Self { kind, entries }
    }

    /// Takes a value over when it is of the property's type, whatever its range.
    fn take(&mut self, key: &str, value: Option<&Json>) {
        let Some((property, json)) = table_of(self.kind)
            .by_key(key)
            .filter(|property| is_shared(property, document::SCHEMA_VERSION))
            .zip(value)
        else {
            return;
        };
        let Some(any) = raw::any_from_json(json) else {
            return;
        };
        if let Ok(Some(value)) = raw::value_from_any(&any)
            && property.read(&value).is_ok()
        {
            self.entries.insert(property.key.into(), Raw::Plain(any));
        }
    }

    fn take_all(&mut self, paths: &[(&str, &str)], from: &Json) {
        for (key, path) in paths {
            self.take(key, at(from, path));
        }
    }

    fn put(&mut self, key: &str, value: Json) {
        self.take(key, Some(&value));
    }

    fn null_for_empty(&mut self, key: &str) {
        if let Some(held @ Raw::Plain(_)) = self.entries.get_mut(key)
            && matches!(held, Raw::Plain(Any::String(text)) if text.is_empty())
        {
            *held = Raw::Plain(Any::Null);
        }
    }

    /// Adds the row under the id that it has in the legacy layout; without one it is left out.
    fn finish(mut self, from: &Json, scene: &SceneId, rows: &mut BTreeMap<Arc<str>, Raw>) {
        let Some(id) = from.get("id").and_then(Json::as_str) else {
            return;
        };
        self.put("id", id.into());
        self.put("sceneId", scene.as_str().into());
        rows.insert(id.into(), Raw::Map(self.entries));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_what_follows_the_host() {
        let resized = "https://files.example.com/cdn-cgi/image/w=3000,h=3000/map/a_24x14.jpg";
        assert_eq!(location_of(resized).as_deref(), Some("map/a_24x14.jpg"));
        let plain = "http://host/map/a.png?v=3";
        assert_eq!(location_of(plain).as_deref(), Some("map/a.png?v=3"));
        assert_eq!(location_of("map/a.png").as_deref(), Some("map/a.png"));
        for none in [
            "",
            "https://host",
            "https://host/",
            "https://h/cdn-cgi/image/x",
        ] {
            assert_eq!(location_of(none), None, "{none}");
        }
    }
}

//! Documents of other programs: every update among the fixtures reads as its expected content.
//!
//! Needs the environment variable `TABLEGLOW_SHARED` (the shared folder); says so and passes without.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use tableglow::doc::json::update_json;
use tableglow::geom::mask::Mask;

fn fixtures() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("TABLEGLOW_SHARED") else {
        eprintln!("TABLEGLOW_SHARED is not set: nothing was compared");
        return None;
    };
    Some(PathBuf::from(shared).join("fixtures/tableslayer"))
}

/// The expected roots of a fixture, whichever way its file spells them.
fn expected_roots(file: &Value) -> Value {
    file.get("roots").unwrap_or(file).clone()
}

fn is_undefined(value: &Value) -> bool {
    value.get("$undefined").is_some()
}

/// The fixture's spelling of a value as ours.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            if let Some(base64) = fields.get("$base64") {
                return json!({ "$base64": base64 });
            }
            if let Some(number) = fields.get("$bigint") {
                return json!(number.as_str().unwrap().parse::<i64>().unwrap());
            }
            if fields.contains_key("$negzero") {
                return json!(0);
            }
            fields
                .iter()
                .filter(|(_, value)| !is_undefined(value))
                .map(|(key, value)| (key.clone(), plain(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Number(n) => match n.as_f64() {
            Some(f) if f.fract() == 0.0 => json!(f as i64),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn mask(value: Option<&Value>) -> Value {
    use base64::Engine as _;
    let Some(base64) = value.and_then(|value| value.get("$base64")) else {
        return Value::Null;
    };
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(base64.as_str().unwrap())
        .unwrap();
    let mask = Mask::decode_rle(&bytes).unwrap();
    json!({ "width": mask.width(), "height": mask.height(), "set": mask.count() })
}

fn by_id(rows: Option<&Value>) -> Vec<Value> {
    let mut rows: Vec<(String, Value)> = rows
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(id, row)| (id.clone(), plain(row)))
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn expected_game(roots: &Value) -> Value {
    let mut scenes: Vec<(f64, String, Value)> = roots["scenes"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(id, scene)| {
            let order = scene["settings"]["order"].as_f64().unwrap();
            let mut annotations = by_id(scene.get("annotations"));
            for layer in &mut annotations {
                let ink = mask(layer.get("mask"));
                layer["mask"] = ink;
            }
            let expected = json!({
                "id": id,
                "settings": plain(&scene["settings"]),
                "markers": by_id(scene.get("markers")),
                "lights": by_id(scene.get("lights")),
                "annotations": annotations,
                "fogMask": mask(scene.get("fogMask")),
            });
            (order, id.clone(), expected)
        })
        .collect();
    scenes.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    json!({
        "kind": "game-session",
        "schemaVersion": roots["meta"].get("schemaVersion"),
        "scenes": scenes.into_iter().map(|(_, _, scene)| scene).collect::<Vec<_>>(),
    })
}

/// Equal, but for the last digit of numbers: the fixture's own text is read with an error there.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| alike(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs())
        }
        _ => a == b,
    }
}

#[test]
fn every_update_reads_as_its_expected_content() {
    let Some(folder) = fixtures() else { return };
    let mut compared = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".bin") else {
            continue;
        };
        if stem.starts_with("awareness_") || stem.contains('.') || stem.contains("legacy") {
            continue;
        }
        let expected: Value =
            serde_json::from_slice(&std::fs::read(folder.join(format!("{stem}.json"))).unwrap())
                .unwrap();
        let roots = expected_roots(&expected);
        let expected = if roots.get("state").is_some() {
            json!({
                "kind": "party",
                "schemaVersion": roots["meta"]["schemaVersion"],
                "state": plain(&roots["state"]),
            })
        } else {
            expected_game(&roots)
        };
        let read = update_json(&std::fs::read(&path).unwrap()).unwrap();
        assert!(
            alike(&read, &expected),
            "{name}\n   read: {read}\nexpected: {expected}"
        );
        compared.insert(stem.to_owned());
    }
    for needed in [
        "session_current_fresh",
        "session_v2_map_defined",
        "session_unhydrated_empty",
        "party_current",
        "party_v2",
        "any_encodings",
    ] {
        assert!(compared.contains(needed), "{needed} is missing");
    }
}

#[test]
fn the_legacy_layout_is_converted() {
    let Some(folder) = fixtures() else { return };
    let read = |name: &str| update_json(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    let expected = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    };
    let current = read("session_current_fresh.bin");
    for stem in ["session_legacy_fresh", "session_legacy_midsave"] {
        let shown = read(&format!("{stem}.bin"));
        assert_eq!(shown["layout"], "legacy");
        assert_eq!(shown["kind"], "game-session");
        // The same campaign as the current one, as far as the legacy layout held it.
        let pairs = shown["scenes"]
            .as_array()
            .unwrap()
            .iter()
            .zip(current["scenes"].as_array().unwrap());
        assert_eq!(shown["scenes"].as_array().unwrap().len(), 2);
        // The second scene was renamed between the two.
        let renamed = stem == "session_legacy_midsave";
        let name = if renamed {
            "Road renamed"
        } else {
            "Road (hex)"
        };
        assert_eq!(shown["scenes"][1]["settings"]["name"], name);
        for (old, new) in pairs {
            assert_eq!(old["id"], new["id"]);
            assert_eq!(old["fogMask"], Value::Null);
            let (old, new) = (&old["settings"], &new["settings"]);
            for key in [
                "id",
                "gameSessionId",
                "mapLocation",
                "mapThumbLocation",
                "mapRotation",
                "mapOffsetX",
                "mapOffsetY",
                "displaySizeX",
                "displayResolutionY",
                "fogEnabled",
                "fogOpacity",
                "fogOfWarOpacityDm",
                "fogOfWarOpacityPlayer",
                "gridType",
                "gridMode",
                "gridLineColor",
                "gridSpacing",
                "weatherType",
                "weatherIntensity",
                "effectsBloomIntensity",
                "effectsLutUrl",
                "effectsToneMappingMode",
                "sceneRotation",
                "edgeUrl",
                "markerStrokeWidth",
            ] {
                assert_eq!(old[key], new[key], "{stem} {key}");
            }
            assert_eq!(old["mapCoordVersion"], 0);
        }
        let roots = expected(&format!("{stem}.json"))["roots"].clone();
        for scene in shown["scenes"].as_array().unwrap() {
            let source = &roots["scenes"][scene["id"].as_str().unwrap()];
            let markers = scene["markers"].as_array().unwrap();
            assert_eq!(markers.len(), source["markers"].as_array().unwrap().len());
            for old in source["markers"].as_array().unwrap() {
                let new = markers.iter().find(|new| new["id"] == old["id"]).unwrap();
                assert!(alike(&new["positionX"], &plain(&old["position"]["x"])));
                assert!(alike(&new["positionY"], &plain(&old["position"]["y"])));
                for key in ["title", "label", "note", "shape", "size", "visibility"] {
                    assert_eq!(new[key], plain(&old[key]), "{key}");
                }
            }
        }
        let first = &shown["scenes"][0];
        assert_eq!(first["markers"][2]["imageLocation"], "marker/hero.png");
        assert_eq!(first["lights"][1]["style"], "lightning");
        assert_eq!(first["lights"][1]["positionX"], -400.5);
        assert_eq!(first["annotations"][0]["order"], 0);
        assert_eq!(first["annotations"][0]["effectType"], Value::Null);
        assert_eq!(first["annotations"][1]["effectType"], 1);
        assert_eq!(first["annotations"][1]["mask"], Value::Null);
    }
    assert_eq!(read("session_legacy_saved.bin")["layout"], "legacy");
    assert_eq!(
        read("party_legacy.bin"),
        json!({
            "kind": "party",
            "schemaVersion": 2,
            "state": {
                "activeSceneId": "00000000-0000-4000-8000-000000000001",
                "isPaused": false,
            },
            "layout": "legacy",
        })
    );
}

//! Real Yjs beside our documents: what we write it reads to the same values, what it writes we
//! read, and both may write at once.
//!
//! Needs Node and the packages of `tests/interop` (`npm ci` there); `TABLEGLOW_YJS` names that
//! folder. Without it these tests say so and do nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "harness/node.rs"]
mod node;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value as Json, json};

use tableglow::doc::{GameDoc, Origin, PartyDoc};
use tableglow::model::edit::{Assignment, Edit, RowRef, Structure};
use tableglow::model::id::{GameSessionId, PartyId, RowId, SceneId};
use tableglow::model::property::{Kind, Property, Root, RowKind, Table};
use tableglow::model::row::Row;
use tableglow::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use tableglow::model::structure::{Door, Wall};
use tableglow::model::value::Value;
use tableglow::model::{annotation, light, marker, party, scene};

use node::Node;

/// A process with real Yjs and one document.
struct Peer(Node);

impl Peer {
    /// `None`, said on stderr, where this lane is not set up.
    fn start() -> Option<Self> {
        let Some(folder) = std::env::var_os("TABLEGLOW_YJS") else {
            eprintln!("TABLEGLOW_YJS is not set: nothing is compared with real Yjs here");
            return None;
        };
        Some(Self(Node::start(folder.as_ref())))
    }

    /// A new, empty document.
    fn open(&mut self, client: u32) {
        self.0.ask(&json!({ "do": "open", "client": client }));
    }

    /// Takes an update in and says whether it waits for others.
    fn apply(&mut self, update: &[u8]) -> bool {
        self.0
            .ask(&json!({ "do": "apply", "update": BASE64.encode(update) }))["waiting"]
            == true
    }

    /// `[["set", [root, key, …], value], ["delete", [root, key, …]], …]` as one transaction.
    fn edit(&mut self, edits: Json) -> Vec<u8> {
        bytes(&self.0.ask(&json!({ "do": "edit", "edits": edits }))["update"])
    }

    fn missing(&mut self, state_vector: &[u8]) -> Vec<u8> {
        bytes(
            &self
                .0
                .ask(&json!({ "do": "missing", "stateVector": BASE64.encode(state_vector) }))["update"],
        )
    }

    fn roots(&mut self) -> Json {
        self.0.ask(&json!({ "do": "read" }))["roots"].take()
    }
}

fn bytes(base64: &Json) -> Vec<u8> {
    BASE64.decode(base64.as_str().unwrap()).unwrap()
}

fn remote() -> Origin {
    Origin::Remote(1)
}

/// A legal value that is not the default, for every kind of property.
fn unusual(property: &Property) -> Value {
    match property.kind {
        Kind::Bool => Value::Bool(property.default_value() != Value::Bool(true)),
        Kind::Int { min, max, .. } => Value::from((min + 7).min(max)),
        // A binary fraction, so that its decimals are read back exactly by any JSON reader.
        Kind::Number { min, max, step } => {
            let value = min.max(-50.0) + step * 1.5;
            Value::Number(((value * 1024.0).ceil() / 1024.0).min(max))
        }
        Kind::Color => Value::text("#1a2b3c"),
        Kind::Text { .. } => Value::text("Grüße, Ωμέγα \u{1f409} \"quoted\"\n"),
        Kind::Choice(options) => Value::from(options.last().unwrap().0),
        Kind::Word(options) => Value::text(options.last().unwrap().0),
        Kind::Json => {
            Value::Json(json!({ "type": "doc", "content": [{ "text": "A note" }, 1, null] }).into())
        }
    }
}

/// Every property of a table with an unusual value, but for those that say where the row is.
fn unusual_values(table: &'static Table) -> Vec<Assignment> {
    table
        .properties
        .iter()
        .filter(|property| !matches!(property.key, "id" | "sceneId" | "gameSessionId"))
        .map(|property| Assignment {
            property,
            value: unusual(property),
        })
        .collect()
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => json!(b),
        // As JavaScript prints it: a whole number has no point.
        Value::Number(n) if n.fract() == 0.0 => json!(*n as i64),
        Value::Number(n) => json!(n),
        Value::Text(text) => json!(text.as_ref()),
        Value::Json(inner) => inner.as_ref().clone(),
    }
}

/// Checks that Yjs sees each property of a row with the value that we read, where it belongs:
/// shared ones in the row's own map, ours under flat keys of our root that begin with `ours`.
fn assert_row(row: &Row, table: &Table, shared: &Json, roots: &Json, ours: &str) {
    for property in table.properties {
        let value = row.value(property).unwrap();
        let (place, seen) = match property.root {
            Root::Shared { .. } => ("shared", &shared[property.key]),
            Root::Tableglow => {
                let seen = &roots["tableglow"][format!("{ours}/{}", property.key)];
                if seen.is_null() && *value == property.default_value() {
                    continue; // a default of ours takes no key
                }
                ("ours", seen)
            }
        };
        assert_eq!(seen, &json_of(value), "{place} {}", property.script_name());
    }
}

const SCENE: &str = "5f0c8a7e-7a51-4c0f-9a53-1c1f6e3f7d10";
const COLLECTIONS: [(RowKind, &str, &str); 3] = [
    (RowKind::Marker, "markers", "marker"),
    (RowKind::Light, "lights", "light"),
    (RowKind::Annotation, "annotations", "annotation"),
];

fn table(kind: RowKind) -> &'static Table {
    match kind {
        RowKind::Scene => &scene::TABLE,
        RowKind::Marker => &marker::TABLE,
        RowKind::Light => &light::TABLE,
        RowKind::Annotation => &annotation::TABLE,
        RowKind::Party => &party::TABLE,
    }
}

/// A game session with one scene that has a row of each kind, walls, doors and strokes, every
/// property unusual.
fn full_game() -> GameDoc {
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let scene = SceneId::new(SCENE);
    let mut edits = vec![Edit::Create {
        row: RowRef::Scene(scene.clone()),
        values: unusual_values(&scene::TABLE),
    }];
    for (kind, _, name) in COLLECTIONS {
        for n in 0..3 {
            edits.push(Edit::Create {
                row: RowRef::in_scene(&scene, kind, &RowId::new(&format!("{name}-{n}"))),
                values: if n == 0 {
                    vec![]
                } else {
                    unusual_values(table(kind))
                },
            });
        }
    }
    let wall = Wall {
        points: vec![[-12.5, 3.0], [40.0, 3.0]],
        object: true,
    };
    let door = Door {
        a: [0.0, 1.5],
        b: [8.0, 1.5],
        closed: true,
        freestanding: false,
        secret: true,
    };
    for (id, structure) in [
        ("wall", Structure::Wall(wall)),
        ("door", Structure::Door(door)),
    ] {
        edits.push(Edit::PutStructure {
            scene: scene.clone(),
            id: RowId::new(id),
            structure,
        });
    }
    edits.push(Edit::Stroke {
        scene: scene.clone(),
        target: MaskTarget::Fog,
        stroke: NewStroke {
            shape: StrokeShape::Brush { radius: 400 },
            mode: StrokeMode::Erase,
            points: vec![[0, 0], [-1600, 320], [70_000, -70_000]],
        },
    });
    edits.push(Edit::Delete {
        row: RowRef::marker(&scene, &RowId::new("marker-2")),
    });
    let applied = doc.apply(&edits, Origin::Local(1));
    assert!(applied.dropped.is_empty(), "{:?}", applied.dropped);
    doc
}

#[test]
fn yjs_reads_every_property_that_we_write() {
    let Some(mut yjs) = Peer::start() else { return };
    let mut doc = full_game();
    yjs.open(11);
    assert!(!yjs.apply(&doc.replica().encode_snapshot()));
    let roots = yjs.roots();

    assert_eq!(roots["meta"]["schemaVersion"], 2);
    let scene = SceneId::new(SCENE);
    let seen = &roots["scenes"][SCENE];
    let settings = doc.scene_row(&scene).unwrap();
    assert_row(
        &settings,
        &scene::TABLE,
        &seen["settings"],
        &roots,
        &format!("setting/{SCENE}"),
    );
    assert_eq!(
        seen["settings"]["name"],
        json_of(&unusual(scene::NAME.property()))
    );
    for (kind, collection, word) in COLLECTIONS {
        let rows = doc.rows(&scene, kind);
        assert_eq!(
            seen[collection].as_object().unwrap().len(),
            rows.len(),
            "{collection}"
        );
        for (id, row) in rows {
            let ours = format!("{word}/{SCENE}/{}", id.as_str());
            assert_row(
                &row,
                table(kind),
                &seen[collection][id.as_str()],
                &roots,
                &ours,
            );
        }
    }
    assert!(
        seen["markers"].get("marker-2").is_none(),
        "a deleted row is gone for Yjs as well"
    );

    let ours = roots["tableglow"].as_object().unwrap();
    let held = |kind: &str| {
        ours.keys()
            .filter(|key| key.starts_with(&format!("{kind}/{SCENE}/")))
            .count()
    };
    assert_eq!((held("wall"), held("door"), held("stroke")), (1, 1, 1));
    assert!(ours.values().all(|value| value.get("$undefined").is_none()));

    // The same, update by update, in the wrong order.
    yjs.open(12);
    let updates = doc.replica_mut().take_updates();
    assert!(updates.len() >= 2);
    for update in updates.iter().rev() {
        yjs.apply(&update.bytes);
    }
    assert_eq!(yjs.roots(), roots);
}

#[test]
fn yjs_reads_the_party_that_we_write() {
    let Some(mut yjs) = Peer::start() else { return };
    let mut doc = PartyDoc::create(&PartyId::new("party"));
    let applied = doc.apply(
        &[Edit::Set {
            row: RowRef::Party,
            values: unusual_values(&party::TABLE),
        }],
        Origin::Local(1),
    );
    assert!(applied.dropped.is_empty(), "{:?}", applied.dropped);
    yjs.open(11);
    yjs.apply(&doc.replica().encode_snapshot());
    let roots = yjs.roots();
    assert_row(
        &doc.state(),
        &party::TABLE,
        &roots["state"],
        &roots,
        "party",
    );

    let update = yjs.edit(json!([
        ["set", ["state", "isPaused"], true],
        ["set", ["state", "activeSceneId"], SCENE],
        ["set", ["state", "ofAnotherVersion"], { "deep": [1, 2.5] }],
    ]));
    doc.replica_mut().apply_update(&update, remote()).unwrap();
    let roots = yjs.roots();
    assert_row(
        &doc.state(),
        &party::TABLE,
        &roots["state"],
        &roots,
        "party",
    );
}

#[test]
fn what_yjs_writes_comes_back_and_what_we_do_not_know_stays() {
    let Some(mut yjs) = Peer::start() else { return };
    let mut doc = full_game();
    let scene = SceneId::new(SCENE);
    yjs.open(11);
    yjs.apply(&doc.replica().encode_snapshot());
    let settings = |key: &str| json!(["scenes", SCENE, "settings", key]);
    let markers = |rest: &[&str]| Json::from([&["scenes", SCENE, "markers"], rest].concat());
    let update = yjs.edit(json!([
        ["set", settings("name"), "From the web"],
        ["set", settings("mapZoom"), 2],
        ["set", settings("mapOffsetX"), -0.125],
        ["set", settings("gridOpacity"), "loud"],
        ["set", settings("ofAnotherVersion"), { "a": [1, { "$base64": "AAEC/w==" }] }],
        ["set", markers(&["from-web"]), { "$map": {
            "id": "from-web", "title": "Goblin", "positionX": 10, "positionY": -7.5, "ofAnotherVersion": "kept",
        } }],
        ["set", markers(&["marker-0", "title"]), "Renamed"],
        ["delete", markers(&["marker-1"])],
    ]));
    doc.replica_mut().apply_update(&update, remote()).unwrap();

    let row = doc.scene_row(&scene).unwrap();
    assert_eq!(row.get(scene::NAME).as_ref(), "From the web");
    assert_eq!(
        (row.get(scene::MAP_ZOOM), row.get(scene::MAP_OFFSET_X)),
        (2.0, -0.125)
    );
    assert_eq!(
        row.value(scene::GRID_OPACITY.property()),
        Some(&scene::GRID_OPACITY.property().default_value()),
        "a wrong type reads as the default"
    );
    assert_eq!(doc.take_reports().len(), 1, "and is told once");
    let markers: BTreeMap<RowId, Row> = doc.rows(&scene, RowKind::Marker).into_iter().collect();
    assert_eq!(
        markers.keys().map(RowId::as_str).collect::<Vec<_>>(),
        ["from-web", "marker-0"]
    );
    assert_eq!(
        markers[&RowId::new("from-web")].get(marker::TITLE).as_ref(),
        "Goblin"
    );
    assert_eq!(
        markers[&RowId::new("marker-0")].get(marker::TITLE).as_ref(),
        "Renamed"
    );

    // We change a neighbour of what we do not know, and Yjs finds it untouched.
    doc.replica_mut().take_updates();
    let applied = doc.apply(
        &[
            Edit::Set {
                row: RowRef::Scene(scene.clone()),
                values: vec![Assignment::new(scene::MAP_ZOOM, 3.5)],
            },
            Edit::Set {
                row: RowRef::marker(&scene, &RowId::new("from-web")),
                values: vec![Assignment::new(marker::TITLE, "Hobgoblin")],
            },
        ],
        Origin::Local(2),
    );
    assert!(applied.dropped.is_empty());
    for update in doc.replica_mut().take_updates() {
        assert!(!yjs.apply(&update.bytes));
    }
    let seen = yjs.roots()["scenes"][SCENE].take();
    assert_eq!(seen["settings"]["mapZoom"], 3.5);
    assert_eq!(
        seen["settings"]["ofAnotherVersion"],
        json!({ "a": [1, { "$base64": "AAEC/w==" }] })
    );
    assert_eq!(
        seen["settings"]["gridOpacity"], "loud",
        "what we cannot read we do not overwrite"
    );
    assert_eq!(seen["markers"]["from-web"]["title"], "Hobgoblin");
    assert_eq!(seen["markers"]["from-web"]["ofAnotherVersion"], "kept");
}

/// Both write for a while without hearing of each other, then exchange what the other lacks, by
/// state vector and by single updates, several times over. At the end both hold the same.
#[test]
fn writing_apart_ends_in_one_document() {
    let Some(mut yjs) = Peer::start() else { return };
    for seed in 0..6 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut doc = full_game();
        let scene = SceneId::new(SCENE);
        yjs.open(100 + u32::try_from(seed).unwrap());
        yjs.apply(&doc.replica().encode_snapshot());
        doc.replica_mut().take_updates();
        for _round in 0..8 {
            let mut from_yjs = Vec::new();
            for _ in 0..random.random_range(1..6) {
                let id = RowId::new(&format!("marker-{}", random.random_range(0..5)));
                let x = f64::from(random.random_range(-4000..4000)) / 8.0;
                if random.random_bool(0.5) {
                    let row = RowRef::marker(&scene, &id);
                    let edit = match random.random_range(0..4) {
                        0 => Edit::Delete { row },
                        1 => Edit::Create {
                            row,
                            values: vec![Assignment::new(marker::POSITION_X, x)],
                        },
                        2 => Edit::Set {
                            row: RowRef::Scene(scene.clone()),
                            values: vec![Assignment::new(scene::MAP_OFFSET_X, x)],
                        },
                        _ => Edit::Set {
                            row,
                            values: vec![Assignment::new(marker::POSITION_X, x)],
                        },
                    };
                    doc.apply(&[edit], Origin::Local(1));
                } else {
                    let there = yjs.roots()["scenes"][SCENE]["markers"]
                        .get(id.as_str())
                        .is_some();
                    let path = |rest: &[&str]| Json::from([&["scenes", SCENE], rest].concat());
                    let edit = match random.random_range(0..4) {
                        0 => json!(["delete", path(&["markers", id.as_str()])]),
                        1 => json!(["set", path(&["settings", "mapOffsetX"]), x]),
                        _ if there => {
                            json!(["set", path(&["markers", id.as_str(), "positionX"]), x])
                        }
                        _ => {
                            json!(["set", path(&["markers", id.as_str()]), { "$map": { "id": id.as_str(), "positionX": x } }])
                        }
                    };
                    from_yjs.push(yjs.edit(json!([edit])));
                }
            }
            if random.random_bool(0.5) {
                let theirs = yjs.missing(&doc.replica().state_vector());
                doc.replica_mut().apply_update(&theirs, remote()).unwrap();
                yjs.apply(&doc.replica().encode_snapshot());
            } else {
                for update in doc.replica_mut().take_updates() {
                    if update.origin != remote() {
                        yjs.apply(&update.bytes);
                    }
                }
                for update in from_yjs.iter().rev() {
                    doc.replica_mut().apply_update(update, remote()).unwrap();
                }
            }
        }
        let theirs = yjs.missing(&doc.replica().state_vector());
        doc.replica_mut().apply_update(&theirs, remote()).unwrap();
        assert!(!yjs.apply(&doc.replica().encode_snapshot()), "seed {seed}");
        assert!(!doc.replica().waits_for_updates(), "seed {seed}");

        let roots = yjs.roots();
        let seen = &roots["scenes"][SCENE];
        let row = doc.scene_row(&scene).unwrap();
        assert_eq!(
            seen["settings"]["mapOffsetX"],
            json_of(row.value(scene::MAP_OFFSET_X.property()).unwrap()),
            "seed {seed}"
        );
        let positions: Map<String, Json> = doc
            .rows(&scene, RowKind::Marker)
            .iter()
            .map(|(id, row)| {
                (
                    id.as_str().to_owned(),
                    json_of(row.value(marker::POSITION_X.property()).unwrap()),
                )
            })
            .collect();
        let theirs: Map<String, Json> = seen["markers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(id, row)| (id.clone(), row["positionX"].clone()))
            .collect();
        assert_eq!(positions, theirs, "seed {seed}");

        // And a third peer that gets everything from us alone holds it too.
        yjs.open(999);
        yjs.apply(&doc.replica().encode_snapshot());
        assert_eq!(yjs.roots(), roots, "seed {seed}");
    }
}

//! Random games with words planted in everything that is hidden: none of them is in any byte that
//! players are sent.
//!
//! `TABLEGLOW_CANARIES` asks for more games, `TABLEGLOW_CANARY_SEED` for a certain one.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::geom::rect::IRect;
use crate::model::edit::Structure;
use crate::model::property::{Audience, Delay, Kind, Preset, Root, Section, Unit};
use crate::model::structure::{Door, Wall};
use crate::model::value::Value;
use crate::model::{annotation, light};

/// In what was shown once and then hidden.
const ONCE: &str = "ONCESHOWN";
const GAMES: u64 = 25;

#[expect(unreachable_pub, reason = "the macro declares for everybody")]
mod later {
    //! Properties of a later version, and of versions of a scene.
    use super::*;
    const OURS: Root = Root::Tableglow;
    crate::properties! {
        row RowKind::Scene;
        /// A named version.
        NAMED_VERSION: std::sync::Arc<str> = "versionCANARY", OURS, Kind::Text { nullable: false }, Preset::Text(""), Unit::None, Delay::Scene, Audience::DmOnly, Section::Hidden, "Version";
    }
}

/// A random game. The fog lies over the left half of the map, which is in the middle of the display.
struct Game {
    edits: Vec<Edit>,
    /// Markers that players see.
    seen: BTreeSet<String>,
    lights: BTreeSet<String>,
    layers: BTreeSet<String>,
}

impl Game {
    fn random(rng: &mut StdRng) -> Self {
        let mut game = Self {
            edits: Vec::new(),
            seen: BTreeSet::new(),
            lights: BTreeSet::new(),
            layers: BTreeSet::new(),
        };
        game.scene(rng, &shown_scene(), true);
        for n in 0..rng.random_range(0..3) {
            game.scene(rng, &SceneId::new(&format!("{HIDDEN}-scene{n}")), false);
        }
        game
    }

    fn scene(&mut self, rng: &mut StdRng, id: &SceneId, is_shown: bool) {
        let has_map = rng.random_bool(0.8);
        let map = if rng.random_bool(0.7) {
            MAP
        } else {
            "map/CANARY.png"
        };
        let mut values = vec![
            text(scene::NAME, HIDDEN),
            word(scene::FOG_OF_WAR_URL, HIDDEN),
            word(scene::MAP_THUMB_LOCATION, HIDDEN),
            word(scene::EDGE_URL, HIDDEN),
            word(scene::EFFECTS_LUT_URL, HIDDEN),
            word(
                scene::FOG_OF_WAR_ROOMS,
                r#"[{"id":"CANARY","enabled":true,"points":[{"x":0,"y":0},{"x":0.1,"y":0},{"x":0,"y":0.1}]}]"#,
            ),
            Assignment::new(scene::GRID_MODE, 0i64),
        ];
        values.extend(has_map.then(|| word(scene::MAP_LOCATION, map)));
        self.edits.push(Edit::Create {
            row: RowRef::Scene(id.clone()),
            values,
        });
        self.edits.push(Edit::Set {
            row: RowRef::Scene(id.clone()),
            values: vec![text(later::NAMED_VERSION, HIDDEN)],
        });
        let mut fog = Mask::new(400, 200).unwrap();
        fog.fill_rect(IRect::new([0, 0], [200, 200]), true);
        if has_map {
            self.edits.push(whole(id, &fog));
        }
        // A mask of strokes is known only with its map's size.
        let is_all_fog = map != MAP;
        for n in 0..rng.random_range(1..8) {
            let visibility = rng.random_range(0..4i64);
            let is_in_fog = rng.random_bool(0.4);
            let x = if is_in_fog { -100.0 } else { 100.0 };
            let is_pinned = rng.random_bool(0.3);
            let is_seen = is_shown
                && !(has_map && (is_in_fog || is_all_fog))
                && (matches!(visibility, 0 | 2) || (visibility == 3 && is_pinned));
            let name = if is_seen { "seen" } else { HIDDEN };
            let row = RowId::new(&format!("{name}-marker{n}"));
            if is_seen {
                self.seen.insert(row.to_string());
            }
            self.edits.push(Edit::Create {
                row: RowRef::marker(id, &row),
                values: vec![
                    text(marker::TITLE, HIDDEN),
                    word(marker::LABEL, name),
                    note(),
                    word(marker::IMAGE_LOCATION, "token/CANARY.png"),
                    Assignment::new(marker::VISIBILITY, visibility),
                    Assignment::new(marker::PINNED_TOOLTIP, is_pinned),
                    Assignment::new(marker::LOCKED, rng.random_bool(0.5)),
                    Assignment::new(marker::POSITION_X, x),
                    Assignment::new(marker::POSITION_Y, 0.0),
                ],
            });
        }
        for n in 0..rng.random_range(0..4) {
            let is_in_fog = rng.random_bool(0.5);
            let is_off = rng.random_bool(0.3);
            let is_seen = is_shown && !is_off && !(has_map && (is_in_fog || is_all_fog));
            let row = RowId::new(&format!(
                "{}-light{n}",
                if is_seen { "seen" } else { HIDDEN }
            ));
            if is_seen {
                self.lights.insert(row.to_string());
            }
            let x = if is_in_fog { -150.0 } else { 150.0 };
            self.edits.push(Edit::Create {
                row: RowRef::light(id, &row),
                values: vec![
                    Assignment::new(light::POSITION_X, x),
                    Assignment::new(light::RADIUS, 0.2),
                    Assignment::new(light::OFF, is_off),
                ],
            });
        }
        for n in 0..rng.random_range(0..3) {
            let is_seen = is_shown && rng.random_bool(0.5);
            let row = RowId::new(&format!(
                "{}-layer{n}",
                if is_seen { "seen" } else { HIDDEN }
            ));
            if is_seen {
                self.layers.insert(row.to_string());
            }
            self.edits.push(Edit::Create {
                row: RowRef::annotation(id, &row),
                values: vec![
                    text(annotation::NAME, HIDDEN),
                    word(annotation::URL, HIDDEN),
                    Assignment::new(annotation::VISIBILITY, i64::from(is_seen)),
                ],
            });
            self.edits.push(Edit::Stroke {
                scene: id.clone(),
                target: MaskTarget::Annotation(row),
                stroke: NewStroke {
                    shape: StrokeShape::Brush { radius: 40 },
                    mode: StrokeMode::Add,
                    points: vec![[0, 0], [160, 160]],
                },
            });
        }
        let wall = Structure::Wall(Wall {
            points: vec![[0.0, 0.0], [9.0, 9.0]],
            object: false,
        });
        let door = Structure::Door(Door {
            a: [0.0, 0.0],
            b: [1.0, 1.0],
            closed: true,
            freestanding: false,
            secret: true,
        });
        for (kind, structure) in [("wall", wall), ("door", door)] {
            self.edits.push(Edit::PutStructure {
                scene: id.clone(),
                id: RowId::new(&format!("{HIDDEN}-{kind}")),
                structure,
            });
        }
        // The DM points at it and drags it.
        self.edits.push(Edit::Create {
            row: RowRef::marker(id, &RowId::new("CANARY-pointed")),
            values: vec![Assignment::new(marker::POSITION_X, 100.0)],
        });
        // What was there and is not any more.
        let gone = RowRef::marker(id, &RowId::new("CANARY-gone"));
        self.edits.push(Edit::Create {
            row: gone.clone(),
            values: vec![word(marker::LABEL, HIDDEN)],
        });
        self.edits.push(Edit::Delete { row: gone });
    }
}

fn note() -> Assignment {
    let json = serde_json::json!({"type": "doc", "text": HIDDEN});
    Assignment {
        property: marker::NOTE.property(),
        value: Value::Json(Arc::new(json)),
    }
}

pub(super) fn show_hidden_presence(table: &mut Table, dm: &Client, clock: u64) {
    let state = r##"{"tableglow":{"name":"Mira","color":"#ffffff","part":"dm","scene":"CANARY"},
        "cursor":{"userId":"CANARY","worldPosition":{"x":1,"y":2,"z":0},"color":"#ffffff","label":"Mira"},
        "measurement":{"userId":"CANARY","startPoint":{"x":0,"y":0},"endPoint":{"x":5,"y":5},"secret":"CANARY"},
        "hoveredMarker":{"id":"CANARY-pointed","position":{"x":1,"y":2,"z":0},"tooltip":{"title":"CANARY","content":"CANARY"}},
        "draggingMarker":{"id":"CANARY-pointed","sceneId":"market","since":1},
        "selection":["CANARY"],"stagePerformance":{"userId":"CANARY"},"anything":"CANARY"}"##;
    table.show(&dm.guest, 900, clock, state);
}

#[test]
fn nothing_that_is_hidden_is_in_any_byte_that_players_are_sent() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seeds = match number("TABLEGLOW_CANARY_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("TABLEGLOW_CANARIES").unwrap_or(GAMES),
    };
    let (mut games, mut shown) = (0, 0);
    for seed in seeds {
        games += 1;
        shown += one_game(seed);
    }
    assert!(
        games > 0 && shown > games,
        "{shown} things shown in {games} games"
    );
}

/// Plays a random game; how much of it players saw.
fn one_game(seed: u64) -> u64 {
    let rng = &mut StdRng::seed_from_u64(seed);
    let game = Game::random(rng);
    assert_eq!(later::TABLE.properties.len(), 1);
    let mut dm_doc = GameDoc::create(&GameSessionId::new("game"));
    let mut table = Table::new();
    table.room.set_tables(table.now, on_table(&shown_scene()));
    // Guests are there before the game, while it is made, or after it.
    let mut guests = Vec::new();
    if rng.random_bool(0.5) {
        guests.push(Client::join(&mut table, Role::Player));
    }
    dm_doc.apply(&game.edits, Origin::Local(1));
    let mut dm = Client::with(&mut table, Role::Dm, dm_doc);
    serve(&mut table);
    show_hidden_presence(&mut table, &dm, 1);
    table
        .room
        .send_event(&Bytes::from_static(br#"{"type":"CANARY"}"#), None, false);
    serve(&mut table);
    guests.push(Client::join(&mut table, Role::Player));
    guests.push(Client::join(&mut table, Role::Display));
    serve(&mut table);
    check(seed, &mut table, &mut guests, &game);

    // Something is shown and hidden again.
    let flip = RowId::new(&format!("{ONCE}-marker"));
    let at = RowRef::marker(&shown_scene(), &flip);
    dm.edit(
        &mut table,
        &[Edit::Create {
            row: at.clone(),
            values: vec![
                word(marker::LABEL, ONCE),
                Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_EVERYONE),
                Assignment::new(marker::LOCKED, true),
                // Beyond any map.
                Assignment::new(marker::POSITION_X, 2_000.0),
            ],
        }],
    );
    serve(&mut table);
    for guest in &mut guests {
        guest.hear(&mut table);
        assert!(guest.markers().contains(flip.as_str()), "seed {seed}");
    }
    let hides = match rng.random_range(0..3) {
        0 => Edit::Delete { row: at },
        1 => Edit::Set {
            row: at,
            values: vec![Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_DM)],
        },
        _ => Edit::Set {
            row: at,
            values: vec![
                word(marker::LABEL, "x"),
                Assignment::new(marker::VISIBILITY, marker::VISIBLE_ON_HOVER),
            ],
        },
    };
    dm.edit(&mut table, &[hides]);
    serve(&mut table);
    for guest in &mut guests {
        guest.hear(&mut table);
        guest.heard.clear();
    }
    // Those who come back, with what they had, and those who come for the first time.
    let back = guests.swap_remove(rng.random_range(0..guests.len()));
    table.leave(&back.guest);
    serve(&mut table);
    guests.push(Client::with(&mut table, Role::Player, back.doc));
    guests.push(Client::join(&mut table, Role::Player));
    show_hidden_presence(&mut table, &dm, 2);
    serve(&mut table);
    for guest in &mut guests {
        guest.hear(&mut table);
        assert!(
            !guest.heard(ONCE),
            "seed {seed}: what was hidden is still sent"
        );
    }
    check(seed, &mut table, &mut guests, &game);
    let told = format!("{:?}", table.room.info(false));
    assert!(!told.contains(HIDDEN), "seed {seed}: {told}");

    // Another scene comes onto the table, and this one leaves it.
    table
        .room
        .set_tables(table.now, on_table(&SceneId::new("elsewhere")));
    serve(&mut table);
    let mut late = Client::join(&mut table, Role::Display);
    late.hear(&mut table);
    assert!(
        late.doc.scene_ids().is_empty() && !late.heard("market"),
        "seed {seed}"
    );
    check_bytes(seed, &late);
    (game.seen.len() + game.lights.len() + game.layers.len()) as u64
}

pub(super) fn check_bytes(seed: u64, guest: &Client) {
    for frame in &guest.heard {
        let found = frame
            .windows(HIDDEN.len())
            .position(|window| window == HIDDEN.as_bytes());
        if let Some(at) = found {
            let around = &frame[at.saturating_sub(40)..frame.len().min(at + 60)];
            panic!("seed {seed}: {:?}", String::from_utf8_lossy(around));
        }
    }
}

fn check(seed: u64, table: &mut Table, guests: &mut [Client], game: &Game) {
    for guest in guests {
        guest.hear(table);
        assert_eq!(guest.closed, None, "seed {seed}");
        check_bytes(seed, guest);
        assert_eq!(guest.markers(), game.seen, "seed {seed}");
        let ids = |kind| -> BTreeSet<String> {
            let rows = guest.doc.rows(&shown_scene(), kind);
            rows.into_iter().map(|(id, _)| id.to_string()).collect()
        };
        assert_eq!(ids(RowKind::Light), game.lights, "seed {seed}");
        assert_eq!(ids(RowKind::Annotation), game.layers, "seed {seed}");
        for (id, row) in guest.doc.rows(&shown_scene(), RowKind::Marker) {
            assert_eq!(row.get(marker::LABEL).as_deref(), Some("seen"), "{id}");
        }
        assert_eq!(guest.doc.scene_ids(), [shown_scene()]);
        for layer in &game.layers {
            let target = MaskTarget::Annotation(RowId::new(layer));
            assert!(guest.doc.mask_base(&shown_scene(), &target).is_some());
        }
    }
}

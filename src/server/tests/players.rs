//! What players get, and what they cannot do: random games with a word planted in everything that is
//! hidden, and guests that write whatever they like.
//!
//! `TABLEGLOW_CANARIES` asks for more games, `TABLEGLOW_CANARY_SEED` for a certain one.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::doc::json::game_json;
use crate::geom::mask::Mask;
use crate::geom::rect::IRect;
use crate::model::edit::{Assignment, Structure};
use crate::model::id::{PartyId, PictureHash, RowId};
use crate::model::property::{Audience, Delay, Kind, Preset, Prop, Root, RowKind, Section, Unit};
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::structure::{Door, Wall};
use crate::model::value::Value;
use crate::model::{annotation, light, marker, party, scene};
use crate::scene::picture::PictureInfo;
use crate::scene::tiled::{self, TiledPicture};
use crate::server::cuts::Cuts;
use crate::server::room::{CutFile, CutWanted, OnTable};
use crate::storage::blobs::Blobs;

mod canaries;
use canaries::{check_bytes, show_hidden_presence};

/// In everything that no player may ever get.
const HIDDEN: &str = "CANARY";
/// In what was shown once and then hidden.
const ONCE: &str = "ONCESHOWN";
const GAMES: u64 = 25;
const MAP_SIZE: [u32; 2] = [800, 400];
const MAP: &str = "map/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.png";

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

/// A client: its document, and all bytes that it was ever sent.
struct Client {
    guest: Guest,
    doc: GameDoc,
    heard: Vec<Vec<u8>>,
    texts: Vec<String>,
    closed: Option<Close>,
}

impl Client {
    fn join(table: &mut Table, role: Role) -> Self {
        let doc = GameDoc::open(&GameSessionId::new("game"), []).unwrap();
        Self::with(table, role, doc)
    }

    fn with(table: &mut Table, role: Role, doc: GameDoc) -> Self {
        let guest = table.guest_with(role, |join| {
            join.wants_durable = true;
            let name = if role.sees_all() { HIDDEN } else { "Pip" };
            join.user = Some(User {
                id: name.into(),
                name: Some(name.into()),
            });
        });
        let mut client = Self {
            guest,
            doc,
            heard: Vec::new(),
            texts: Vec::new(),
            closed: None,
        };
        let has = client.doc.replica().state_vector();
        let hello = Message::Sync(SyncMessage::Step1(&has)).encode();
        table.send(&client.guest, &hello);
        client.hear(table);
        client
    }

    /// Reads everything; answers what is asked.
    fn hear(&mut self, table: &mut Table) {
        loop {
            let frame = match self.guest.outbox.next() {
                Next::Binary(frame) => frame,
                Next::Text(text) => {
                    self.texts.push(String::from_utf8(text.to_vec()).unwrap());
                    self.heard.push(text.to_vec());
                    continue;
                }
                Next::CatchUp => {
                    table.room.catch_up(table.now, self.guest.connection);
                    continue;
                }
                Next::Close(close) => {
                    self.closed = Some(close);
                    return;
                }
                Next::Wait => return,
            };
            self.heard.push(frame.to_vec());
            match Got::of(&frame) {
                Got::Step1(has) => {
                    let missing = self.doc.replica().encode_missing(&has).unwrap();
                    let answer = Message::Sync(SyncMessage::Step2(&missing)).encode();
                    table.send(&self.guest, &answer);
                }
                Got::Step2(update) | Got::Update(update) => {
                    let doc = self.doc.replica_mut();
                    doc.apply_update(&update, Origin::Remote(1)).unwrap();
                    doc.take_updates();
                }
                _ => {}
            }
        }
    }

    fn edit(&mut self, table: &mut Table, edits: &[Edit]) {
        self.doc.apply(edits, Origin::Local(1));
        self.send(table);
    }

    fn send(&mut self, table: &mut Table) {
        for update in self.doc.replica_mut().take_updates() {
            table.update(&self.guest, &update.bytes);
        }
    }

    fn heard(&self, word: &str) -> bool {
        let word = word.as_bytes();
        let mut frames = self.heard.iter();
        frames.any(|frame| frame.windows(word.len()).any(|window| window == word))
    }

    fn markers(&self) -> BTreeSet<String> {
        let rows = self.doc.rows(&shown_scene(), RowKind::Marker);
        rows.into_iter().map(|(id, _)| id.to_string()).collect()
    }
}

fn shown_scene() -> SceneId {
    SceneId::new("market")
}

fn on_table(scene: &SceneId) -> Vec<OnTable> {
    vec![OnTable {
        scene: Some(scene.clone()),
        ..OnTable::default()
    }]
}

/// What the driver does: finds pictures, cuts maps.
fn serve(table: &mut Table) {
    table.wait(PRESENCE_STEP);
    for location in table.room.take_wanted_pictures() {
        let found = (location == MAP).then(|| PictureInfo {
            hash: PictureHash::new(&location[4..68]),
            width: MAP_SIZE[0],
            height: MAP_SIZE[1],
        });
        table.room.found_picture(table.now, &location, found);
    }
    while let Some(wanted) = table.room.take_wanted_cut() {
        let (hash, ending) = tailor().cut_and_check(&wanted);
        let file = CutFile { hash, ending };
        table.room.cut_made(table.now, &wanted, Some(file));
    }
    table.wait(PRESENCE_STEP);
}

/// Cuts maps out of a picture without a black pixel, and looks at all that comes of it.
struct Tailor {
    cuts: Arc<Cuts>,
    _folder: tempfile::TempDir,
}

fn tailor() -> &'static Tailor {
    static TAILOR: std::sync::OnceLock<Tailor> = std::sync::OnceLock::new();
    TAILOR.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().join("blobs"));
        let path = blobs.path(&MAP[4..68]).unwrap();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bright = |x, y| image::Rgb([(x % 100) as u8 + 99, (y % 100) as u8 + 99, 99]);
        let map = image::RgbImage::from_fn(MAP_SIZE[0], MAP_SIZE[1], bright);
        map.save_with_format(path, image::ImageFormat::Png).unwrap();
        Tailor {
            cuts: Arc::new(Cuts::new(blobs, folder.path().join("cuts"))),
            _folder: folder,
        }
    })
}

impl Tailor {
    /// No pixel that fog touches is in any tile of the map, nor in the plain picture.
    fn cut_and_check(&self, wanted: &CutWanted) -> (Arc<str>, &'static str) {
        let cut = self.cuts.cut_now(wanted).unwrap();
        let made = self.cuts.made(&cut.0).unwrap();
        assert!(
            !made
                .list
                .windows(HIDDEN.len())
                .any(|word| word == HIDDEN.as_bytes())
        );
        let list = TiledPicture::decode(&made.list).unwrap();
        assert_eq!(list.size_px, MAP_SIZE);
        let is_fogged = |x: u32, y: u32| {
            wanted.fog.as_ref().is_none_or(|fog| {
                let span = |at: u32, whole: u32, of: u32| {
                    let first = at * of / whole;
                    first..((at + 1) * of).div_ceil(whole).max(first + 1)
                };
                span(y, MAP_SIZE[1], fog.height())
                    .any(|y| span(x, MAP_SIZE[0], fog.width()).any(|x| fog.get(x, y)))
            })
        };
        let check = |[left, top]: [u32; 2], bytes: &[u8]| {
            let pixels = image::load_from_memory(bytes).unwrap().to_rgb8();
            for (x, y, pixel) in pixels.enumerate_pixels() {
                let is_black = pixel.0 == [0; 3];
                assert_eq!(is_black, is_fogged(left + x, top + y), "{x} {y}");
            }
        };
        for (part, tile) in tiled::parts(MAP_SIZE).zip(&list.tiles) {
            let corner = part.min.map(|n| u32::try_from(n).unwrap());
            match tile {
                Some(tile) => {
                    let path = self.cuts.tile(tile.as_str()).unwrap();
                    check(corner, &std::fs::read(path).unwrap());
                }
                None => assert!(is_fogged(corner[0], corner[1])),
            }
        }
        cut
    }
}

fn text(prop: Prop<std::sync::Arc<str>>, value: &str) -> Assignment {
    Assignment::new(prop, value)
}

fn word(prop: Prop<Option<std::sync::Arc<str>>>, value: &str) -> Assignment {
    Assignment::new(prop, value)
}

fn note() -> Assignment {
    let json = serde_json::json!({"type": "doc", "text": HIDDEN});
    Assignment {
        property: marker::NOTE.property(),
        value: Value::Json(Arc::new(json)),
    }
}

fn whole(scene: &SceneId, mask: &Mask) -> Edit {
    Edit::Stroke {
        scene: scene.clone(),
        target: MaskTarget::Fog,
        stroke: NewStroke {
            shape: StrokeShape::Replace(mask.encode_rle().into()),
            mode: StrokeMode::Add,
            points: Vec::new(),
        },
    }
}

/// A game with a marker that players may move and one that they may not.
fn small_game() -> (Table, Client, Client) {
    let mut doc = GameDoc::create(&GameSessionId::new("game"));
    let marker = |name: &str, may_move: bool| Edit::Create {
        row: RowRef::marker(&shown_scene(), &RowId::new(name)),
        values: vec![
            Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_EVERYONE),
            Assignment::new(marker::PLAYERS_MAY_MOVE, may_move),
        ],
    };
    let scene = Edit::Create {
        row: RowRef::Scene(shown_scene()),
        values: vec![],
    };
    let secret = Edit::Create {
        row: RowRef::marker(&shown_scene(), &RowId::new("secret")),
        values: vec![Assignment::new(marker::PLAYERS_MAY_MOVE, true)],
    };
    doc.apply(
        &[scene, marker("hero", true), marker("ogre", false), secret],
        Origin::Local(1),
    );
    let mut table = Table::new();
    table.room.set_tables(table.now, on_table(&shown_scene()));
    let dm = Client::with(&mut table, Role::Dm, doc);
    serve(&mut table);
    let player = Client::join(&mut table, Role::Player);
    (table, dm, player)
}

fn put(name: &str, x: f64) -> Edit {
    Edit::Set {
        row: RowRef::marker(&shown_scene(), &RowId::new(name)),
        values: vec![Assignment::new(marker::POSITION_X, x)],
    }
}

fn x_of(client: &Client, name: &str) -> f64 {
    let row = RowRef::marker(&shown_scene(), &RowId::new(name));
    client.doc.row(&row).unwrap().get(marker::POSITION_X)
}

#[test]
fn a_player_moves_what_it_may_move_and_everything_else_goes_back() {
    let (mut table, mut dm, mut player) = small_game();
    let mut other = Client::join(&mut table, Role::Player);
    let mut display = Client::join(&mut table, Role::Display);
    let mut move_and_look = |table: &mut Table, who: &mut Client, edit: Edit| {
        who.edit(table, &[edit]);
        serve(table);
        who.hear(table);
        dm.hear(table);
        other.hear(table);
        let at = |name| [x_of(who, name), x_of(&dm, name), x_of(&other, name)];
        (at("hero"), at("ogre"))
    };
    let (hero, _) = move_and_look(&mut table, &mut player, put("hero", 30.5));
    assert_eq!(hero, [30.5; 3]);
    let (_, ogre) = move_and_look(&mut table, &mut player, put("ogre", 30.5));
    assert_eq!(ogre, [0.0; 3]);
    let (hero, _) = move_and_look(&mut table, &mut display, put("hero", 99.0));
    assert_eq!(hero, [30.5; 3]);
    // Nor while the DM drags it.
    let drag = r#"{"draggingMarker":{"id":"hero","sceneId":"market","since":1}}"#;
    table.show(&dm_guest(&table), 5, 1, drag);
    serve(&mut table);
    let (hero, _) = move_and_look(&mut table, &mut player, put("hero", 77.0));
    assert_eq!(hero, [30.5; 3]);
    table.show(&dm_guest(&table), 5, 2, "{}");
    serve(&mut table);
    let (hero, _) = move_and_look(&mut table, &mut player, put("hero", 78.0));
    assert_eq!(hero, [78.0; 3]);
}

/// The connection of the DM of [`small_game`], which was the first.
fn dm_guest(_: &Table) -> Guest {
    Guest {
        connection: ConnectionId(1),
        outbox: Arc::default(),
    }
}

#[test]
fn of_ten_thousand_forged_writes_none_is_applied() {
    let (mut table, mut dm, mut player) = small_game();
    let mut other = Client::join(&mut table, Role::Player);
    let rng = &mut StdRng::seed_from_u64(4);
    dm.hear(&mut table);
    let truth = game_json(&dm.doc);
    let shown = game_json(&other.doc);
    let records = table.log.0.lock().records.len();
    for batch in 0..500 {
        for _ in 0..20 {
            let forged = forged(rng);
            player.edit(&mut table, &[forged]);
        }
        match batch % 10 {
            3 => table.update(&player.guest, &text_as_update("scenes", "contraband")),
            5 => table.update(&player.guest, &text_as_update("forged", "contraband")),
            7 => {
                let bytes: Vec<u8> = (0..rng.random_range(0..60)).map(|_| rng.random()).collect();
                table.update(&player.guest, &bytes);
            }
            _ => {}
        }
        serve(&mut table);
        player.hear(&mut table);
    }
    dm.hear(&mut table);
    other.hear(&mut table);
    assert_eq!(game_json(&dm.doc), truth);
    assert_eq!(game_json(&other.doc), shown);
    assert_eq!(table.log.0.lock().records.len(), records);
    assert_eq!(player.closed, Some(Close::Hostile));
    // Ids stay as tombstones for those who were there, content for nobody.
    assert!(!other.heard("contraband"));
    let late = Client::join(&mut table, Role::Player);
    assert_eq!(game_json(&late.doc), shown);
    assert!(!late.heard("contraband") && !late.heard("forged"));
}

fn forged(rng: &mut StdRng) -> Edit {
    let scene = shown_scene();
    let ogre = RowRef::marker(&scene, &RowId::new("ogre"));
    let hero = RowRef::marker(&scene, &RowId::new("hero"));
    let any = RowId::new(&format!("forged{}", rng.random_range(0..5)));
    let set = |row, values| Edit::Set { row, values };
    match rng.random_range(0..14) {
        0 => put("ogre", rng.random_range(1.0..1000.0)),
        1 => set(hero, vec![word(marker::LABEL, "contraband")]),
        2 => set(hero, vec![Assignment::new(marker::PLAYERS_MAY_MOVE, false)]),
        3 => set(ogre, vec![Assignment::new(marker::PLAYERS_MAY_MOVE, true)]),
        4 => set(ogre, vec![Assignment::new(marker::VISIBILITY, 1i64)]),
        5 => Edit::Delete { row: ogre },
        6 => Edit::Delete {
            row: RowRef::Scene(scene),
        },
        7 => Edit::Create {
            row: RowRef::marker(&scene, &any),
            values: vec![word(marker::LABEL, "contraband")],
        },
        8 => Edit::Create {
            row: RowRef::annotation(&scene, &any),
            values: vec![],
        },
        9 => Edit::Create {
            row: RowRef::Scene(SceneId::new("forged")),
            values: vec![],
        },
        10 => set(
            RowRef::Scene(scene),
            vec![
                text(scene::NAME, "contraband"),
                Assignment::new(scene::MAP_ZOOM, 3.0),
            ],
        ),
        11 => whole(&scene, &Mask::new(8, 8).unwrap()),
        12 => Edit::PutStructure {
            scene,
            id: any,
            structure: Structure::Wall(Wall {
                points: vec![[0.0, 0.0]],
                object: false,
            }),
        },
        _ => set(
            RowRef::marker(&scene, &RowId::new("secret")),
            vec![Assignment::new(marker::POSITION_X, 5.0)],
        ),
    }
}

#[test]
fn a_room_that_is_no_game_takes_no_players_and_sends_them_away_when_it_becomes_one() {
    let mut table = Table::with(vec![words(1)], false);
    assert!(!table.room.can_take_guests());
    let refused = table.guest(Role::Player);
    assert_eq!(table.read(&refused), [Got::Closed(Close::NotForPlayers)]);

    let mut table = Table::new();
    let mut player = Client::join(&mut table, Role::Display);
    let dm = table.guest(Role::Dm);
    table.update(&dm, &words(1));
    serve(&mut table);
    player.hear(&mut table);
    assert_eq!(player.closed, Some(Close::NotForPlayers));
    assert!(!player.heard("words"));
}

#[test]
fn a_party_tells_players_what_is_on_its_table_and_nothing_during_a_pause() {
    use crate::doc::PartyDoc;
    let mut party = PartyDoc::create(&PartyId::new("p"));
    let state = |values| Edit::Set {
        row: RowRef::Party,
        values,
    };
    party.apply(
        &[state(vec![word(party::ACTIVE_SCENE_ID, "market")])],
        Origin::Local(1),
    );
    let stored = party.replica().encode_snapshot();
    let mut party_room = Table::with(vec![stored], false);
    let player = Client::join(&mut party_room, Role::Player);
    let seen = PartyDoc::open([player.doc.replica().encode_snapshot().as_slice()]).unwrap();
    let scene = seen.state().get(party::ACTIVE_SCENE_ID);
    assert_eq!(scene.as_deref(), Some("market"));
    let on = party_room.room.table().unwrap();
    assert_eq!(on.scene, Some(shown_scene()));

    // A scene that comes onto a paused table is not shown before the pause ends.
    let (mut table, _dm, mut player) = small_game();
    let cave = OnTable {
        scene: Some(SceneId::new("cave")),
        ..OnTable::default()
    };
    let market = OnTable {
        is_paused: true,
        ..on.clone()
    };
    let shows = |table: &mut Table, player: &mut Client, on: &OnTable| {
        table.room.set_tables(table.now, vec![on.clone()]);
        player.hear(table);
        !player.doc.scene_ids().is_empty()
    };
    assert!(
        shows(&mut table, &mut player, &market),
        "paused, and shown before"
    );
    assert!(!shows(&mut table, &mut player, &cave));
    assert!(
        !shows(&mut table, &mut player, &market),
        "new on a paused table"
    );
    assert!(shows(&mut table, &mut player, &on));
}

#[test]
fn a_pause_picture_is_shown_by_what_it_holds_and_not_by_its_name() {
    use crate::doc::PartyDoc;
    let mut party = PartyDoc::create(&PartyId::new("p"));
    let named = |location: Option<&str>| Edit::Set {
        row: RowRef::Party,
        values: vec![Assignment::new(party::PAUSE_PICTURE, location)],
    };
    party.apply(&[named(Some("secrets/CANARY.webp"))], Origin::Local(1));
    let stored = party.replica().encode_snapshot();
    let mut table = Table::with(vec![stored], false);
    let mut player = Client::join(&mut table, Role::Display);
    let seen = |player: &Client| {
        let bytes = player.doc.replica().encode_snapshot();
        let seen = PartyDoc::open([bytes.as_slice()]).unwrap();
        seen.state().get(party::PAUSE_PICTURE)
    };
    // Not known yet: not named.
    assert_eq!(seen(&player), None);
    let hash = "b".repeat(64);
    assert_eq!(table.room.take_wanted_pictures(), ["secrets/CANARY.webp"]);
    let found = PictureInfo {
        hash: PictureHash::new(&hash),
        width: 4,
        height: 2,
    };
    let now = table.now;
    table
        .room
        .found_picture(now, "secrets/CANARY.webp", Some(found));
    player.hear(&mut table);
    assert_eq!(seen(&player), Some(format!("pause/{hash}.webp").into()));
    let may_fetch: Vec<_> = table.room.guests_pictures().into_iter().collect();
    assert_eq!(may_fetch, [Arc::from(hash)]);
    assert!(!player.heard(HIDDEN));

    let dm = Client::join(&mut table, Role::Dm);
    party.replica_mut().take_updates();
    party.apply(&[named(None)], Origin::Local(1));
    for update in party.replica_mut().take_updates() {
        table.update(&dm.guest, &update.bytes);
    }
    table.wait(PRESENCE_STEP);
    player.hear(&mut table);
    assert_eq!(seen(&player), None);
    assert!(table.room.guests_pictures().is_empty());
}

#[test]
fn who_comes_back_with_all_there_is_gets_next_to_nothing() {
    let (mut table, _dm, player) = small_game();
    table.leave(&player.guest);
    serve(&mut table);
    let back = Client::with(&mut table, Role::Player, player.doc);
    let bytes: usize = back.heard.iter().map(Vec::len).sum();
    assert!(bytes < 300, "{bytes}");
    assert_eq!(back.markers().len(), 2);
}

#[test]
fn a_guest_takes_nobody_elses_cursor_and_is_told_of_guests_alone() {
    let (mut table, dm, mut player) = small_game();
    show_hidden_presence(&mut table, &dm, 4);
    serve(&mut table);
    table.show(
        &player.guest,
        900,
        9,
        r#"{"cursor":{"worldPosition":{"x":66,"y":66}}}"#,
    );
    table.show(
        &player.guest,
        901,
        1,
        r#"{"cursor":{"worldPosition":{"x":67,"y":1}}}"#,
    );
    serve(&mut table);
    let got = table.read(&dm.guest);
    let shown: Vec<_> = got
        .iter()
        .filter_map(|got| match got {
            Got::Presence(shown) => Some(shown.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(shown.iter().any(|(client, ..)| *client == 901));
    assert!(!shown.iter().any(|(_, _, state)| state.contains("66")));
    // Events: of other guests, and those that are meant for everybody.
    let _viewer = Client::join(&mut table, Role::Viewer);
    let _other = Client::join(&mut table, Role::Player);
    table
        .room
        .send_event(&Bytes::from_static(b"1"), None, false);
    table.room.send_event(&Bytes::from_static(b"2"), None, true);
    player.hear(&mut table);
    assert_eq!(player.texts, ["2"]);
    check_bytes(0, &player);
}

#[test]
fn after_a_restart_players_go_on_with_what_they_have() {
    // Also who may not write: what such a copy has is asked for as well, so that what was taken away
    // meanwhile goes from it too.
    for (role, is_kept) in [
        (Role::Player, true),
        (Role::Player, false),
        (Role::Display, true),
        (Role::Display, false),
    ] {
        let (mut table, dm, mut player) = small_game();
        if role == Role::Display {
            player = Client::join(&mut table, role);
            assert!(player.markers().contains("ogre"));
        }
        if !is_kept {
            table.room.rest(table.now);
        }
        table.restart();
        table.room.set_tables(table.now, on_table(&shown_scene()));
        if !is_kept {
            // As after a crash: the epoch is gone, and the copy is of another document.
            table.log.0.lock().players = None;
            table.restart();
            table.room.set_tables(table.now, on_table(&shown_scene()));
        }
        // Meanwhile the DM has moved what players may move, and hidden the other.
        let mut dm = Client::with(&mut table, Role::Dm, dm.doc);
        let ogre = RowRef::marker(&shown_scene(), &RowId::new("ogre"));
        let hide = Edit::Set {
            row: ogre,
            values: vec![Assignment::new(marker::VISIBILITY, marker::VISIBLE_TO_DM)],
        };
        dm.edit(&mut table, &[put("hero", 64.0), hide]);
        serve(&mut table);
        let truth = game_json(&dm.doc);
        let mut back = Client::with(&mut table, role, player.doc);
        serve(&mut table);
        back.hear(&mut table);
        let fresh = Client::join(&mut table, role);
        assert_eq!(
            game_json(&back.doc),
            game_json(&fresh.doc),
            "{role:?}, kept: {is_kept}"
        );
        assert_eq!(x_of(&back, "hero").to_bits(), 64f64.to_bits());
        assert!(!fresh.heard("ogre"));
        dm.hear(&mut table);
        assert_eq!(game_json(&dm.doc), truth);
        if is_kept {
            let bytes: usize = back.heard.iter().map(Vec::len).sum();
            assert!(bytes < 800, "{bytes}");
        }
    }
}

#[test]
fn a_marker_that_shows_while_the_dm_points_at_it_does_so_with_its_title() {
    let (mut table, mut dm, mut player) = small_game();
    let chest = RowRef::marker(&shown_scene(), &RowId::new("chest"));
    let create = Edit::Create {
        row: chest,
        values: vec![Assignment::new(
            marker::VISIBILITY,
            marker::VISIBLE_ON_HOVER,
        )],
    };
    dm.edit(&mut table, &[create]);
    serve(&mut table);
    player.hear(&mut table);
    assert!(!player.heard("chest"));
    let state = r#"{"hoveredMarker":{"id":"chest","position":{"x":0,"y":0},
        "tooltip":{"title":"A mimic","content":"","imageUrl":"token/CANARY.png"}}}"#;
    table.show(&dm.guest, 5, 1, state);
    serve(&mut table);
    player.hear(&mut table);
    assert!(player.markers().contains("chest") && player.heard("A mimic"));
    table.show(&dm.guest, 5, 2, "{}");
    serve(&mut table);
    player.hear(&mut table);
    assert!(!player.markers().contains("chest"));
    check_bytes(0, &player);
}

#[test]
fn players_are_shown_what_is_measured_and_drawn_on_the_table_and_nothing_of_another_scene() {
    let (mut table, dm, mut player) = small_game();
    let mut display = Client::join(&mut table, Role::Display);
    let mut clock = 0;
    let mut shown_of = |scene: &str| {
        clock += 1;
        let state = format!(
            r##"{{"tableglow":{{"name":"Mira","color":"#ffffff","part":"dm","scene":"{scene}"}},
            "cursor":{{"worldPosition":{{"x":1,"y":2,"z":0}},"lastMoveTime":{clock}}},
            "measurement":{{"userId":"CANARY","startPoint":{{"x":0,"y":0}},
                "endPoint":{{"x":{clock},"y":5}},"type":3,"coneAngle":53.13}},
            "temporaryLayers":[{{"id":"ink","createdAt":{clock},"expiresAt":10000,
                "color":"#ffffff","maskData":"AAAA","creatorId":"CANARY"}}]}}"##
        );
        table.show(&dm.guest, 5, clock, &state);
        serve(&mut table);
        [&mut player, &mut display].map(|guest| {
            guest.heard.clear();
            guest.hear(&mut table);
            check_bytes(0, guest);
            let shown = |word| guest.heard(word);
            (
                shown("\"coneAngle\":53.13"),
                shown("\"cursor\""),
                shown("\"ink\""),
            )
        })
    };
    assert_eq!(shown_of("market"), [(true, true, true); 2]);
    // What was drawn on the table stays there while its owner prepares the next scene.
    assert_eq!(shown_of("CANARY"), [(false, false, true); 2]);
    assert_eq!(shown_of("market"), [(true, true, true); 2]);
}

#[test]
fn who_sends_what_hangs_in_the_air_goes_and_the_others_begin_anew() {
    let (mut table, mut dm, mut player) = small_game();
    let mut other = Client::join(&mut table, Role::Player);
    dm.hear(&mut table);
    let truth = game_json(&dm.doc);
    // A write into a map that nobody here has ever seen.
    let cave = RowRef::Scene(SceneId::new("cave"));
    let mut unseen = GameDoc::create(&GameSessionId::new("other"));
    let create = Edit::Create {
        row: cave.clone(),
        values: vec![],
    };
    unseen.apply(&[create], Origin::Local(1));
    let snapshot = unseen.replica().encode_snapshot();
    let mut copy = GameDoc::open(&GameSessionId::new("other"), [snapshot.as_slice()]).unwrap();
    let set = Edit::Set {
        row: cave,
        values: vec![text(scene::NAME, "contraband")],
    };
    copy.apply(&[set], Origin::Local(1));
    let updates = copy.replica_mut().take_updates();
    table.update(&player.guest, &updates[0].bytes);
    serve(&mut table);
    player.hear(&mut table);
    other.hear(&mut table);
    assert_eq!(player.closed, Some(Close::Hostile));
    assert_eq!(other.closed, Some(Close::TryLater));
    table.leave(&player.guest);
    table.leave(&other.guest);
    let late = Client::join(&mut table, Role::Player);
    assert_eq!(late.markers().len(), 2);
    assert!(!late.heard("contraband"));
    dm.hear(&mut table);
    assert_eq!(game_json(&dm.doc), truth);
}

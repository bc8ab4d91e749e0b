//! Players and displays get what is shown, and nothing else.

use std::time::{Duration, Instant};

use serde_json::Value;
use tableglow::doc::{GameDoc, Origin, PartyDoc};
use tableglow::geom::mask::Mask;
use tableglow::geom::rect::IRect;
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, PartyId, RowId, SceneId};
use tableglow::model::property::RowKind;
use tableglow::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use tableglow::model::{marker, party, scene};
use tableglow::scene::tiled::TiledPicture;
use tableglow::storage::blobs::hash_of;
use tableglow::sync::protocol::{Message, SyncMessage};

use super::peer::{Peer, ROOM};
use super::serving::{PATIENCE, Serve};

/// A picture of one colour, and its name.
fn picture(color: [u8; 3], size: [u32; 2]) -> (Vec<u8>, String) {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(size[0], size[1], image::Rgb(color))
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    let bytes = file.into_inner();
    let hash = hash_of(&bytes);
    (bytes, hash)
}

/// The game of [`players_and_displays_get_what_is_shown_and_nothing_else`]: a map under half a fog.
fn half_hidden_game(map: &str, token: &str) -> GameDoc {
    let market = SceneId::new("market");
    let mut game = GameDoc::create(&GameSessionId::new("cellar"));
    let mut fog = Mask::new(64, 32).unwrap();
    fog.fill_rect(IRect::new([0, 0], [32, 32]), true);
    let create = |row, values| Edit::Create { row, values };
    let marker = |name: &str, visibility: i64, x: f64| {
        create(
            RowRef::marker(&market, &RowId::new(name)),
            vec![
                Assignment::new(marker::TITLE, "CANARY"),
                Assignment::new(marker::IMAGE_LOCATION, Some(token)),
                Assignment::new(marker::VISIBILITY, visibility),
                Assignment::new(marker::PLAYERS_MAY_MOVE, true),
                Assignment::new(marker::POSITION_X, x),
            ],
        )
    };
    let edits = [
        create(
            RowRef::Scene(market.clone()),
            vec![
                Assignment::new(scene::NAME, "CANARY"),
                Assignment::new(scene::MAP_LOCATION, Some(map)),
                Assignment::new(scene::MAP_COORD_VERSION, 0i64),
            ],
        ),
        create(
            RowRef::Scene(SceneId::new("CANARY")),
            vec![Assignment::new(scene::NAME, "CANARY")],
        ),
        Edit::Stroke {
            scene: market.clone(),
            target: MaskTarget::Fog,
            stroke: NewStroke {
                shape: StrokeShape::Replace(fog.encode_rle().into()),
                mode: StrokeMode::Add,
                points: Vec::new(),
            },
        },
        marker("hero", marker::VISIBLE_TO_EVERYONE, 20.0),
        marker("CANARY", marker::VISIBLE_TO_DM, 20.0),
    ];
    let done = game.apply(&edits, Origin::Local(1));
    assert_eq!(done.dropped, []);
    game
}

#[test]
fn players_and_displays_get_what_is_shown_and_nothing_else() {
    const SECRET: [u8; 3] = [200, 30, 90];
    let data = tempfile::tempdir().unwrap();
    let rooms = ["--room", "game_session/cellar", "--room", "party/p"];
    let server = Serve::start(data.path(), &rooms);
    let file = std::fs::read(data.path().join("tokens.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    let bearer = |room: &str, role: &str| {
        let token = file["rooms"][room][role].as_str().unwrap();
        format!("authorization: Bearer {token}\r\n")
    };
    let path = |room: &str, role: &str| {
        let token = file["rooms"][room][role].as_str().unwrap();
        format!("/parties/{room}?_pk=1&tableglow=1&token={token}")
    };
    let (game_room, party_room) = ("game_session/cellar", "party/p");
    let dm = bearer(game_room, "dm");
    let (map, map_hash) = picture(SECRET, [64, 32]);
    let (token, token_hash) = picture([1, 2, 3], [8, 8]);
    for (bytes, hash) in [(&map, &map_hash), (&token, &token_hash)] {
        let put = server.request("PUT", &format!("/assets/{hash}"), &dm, bytes);
        assert_eq!(put.0, 201);
    }
    let game = half_hidden_game(
        &format!("map/{map_hash}.png"),
        &format!("token/{token_hash}.png"),
    );
    let seed = game.replica().encode_snapshot();
    assert_eq!(server.request("PUT", ROOM, &dm, &seed).0, 201);
    let mut party = PartyDoc::create(&PartyId::new("p"));
    let active = Edit::Set {
        row: RowRef::Party,
        values: vec![Assignment::new(party::ACTIVE_SCENE_ID, Some("market"))],
    };
    party.apply(&[active], Origin::Local(1));
    let seed = party.replica().encode_snapshot();
    let dm_of_party = bearer(party_room, "dm");
    let put = server.request("PUT", "/parties/party/p", &dm_of_party, &seed);
    assert_eq!(put.0, 201);
    drop(server);

    // Started again, so that nobody is in the party's room.
    let server = Serve::start(data.path(), &[]);
    let as_dm = format!("{}&userName=CANARY", path(game_room, "dm"));
    let mut ada = server.connect(&as_dm, &[]).unwrap();
    ada.sync();
    let market = SceneId::new("market");
    let location = |peer: &Peer| -> String {
        let row = peer.doc.scene_row(&SceneId::new("market"));
        let location = row.and_then(|row| row.get(scene::MAP_LOCATION));
        location.map_or_else(String::new, |location| location.to_string())
    };
    for role in ["player", "display"] {
        let mut guest = server.connect(&path(game_room, role), &[]).unwrap();
        guest.sync();
        guest.wait_until(|peer| location(peer).ends_with(".png"));
        let markers = guest.doc.rows(&market, RowKind::Marker);
        let ids: Vec<_> = markers.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["hero"]);
        // The map: black where fog is. Neither the whole one nor anything else that is not named.
        let as_guest = bearer(game_room, role);
        let get = |hash: &str| server.request("GET", &format!("/assets/{hash}"), &as_guest, b"");
        let cut = location(&guest)[4..68].to_owned();
        assert_ne!(cut, map_hash);
        let (status, _, bytes) = get(&cut);
        assert_eq!(status, 200);
        let seen = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(seen.dimensions(), (64, 32));
        for (x, _, pixel) in seen.enumerate_pixels() {
            assert_eq!(pixel.0, if x < 32 { [0; 3] } else { SECRET });
        }
        assert_eq!(get(&token_hash).0, 200);
        assert_eq!(get(&map_hash).0, 404);
        // The same in tiles, each of which may be fetched as long as it is in the list.
        let (status, _, list) = get(&format!("{cut}/tiles"));
        assert_eq!((status, hash_of(&list)), (200, cut.clone()));
        let list = TiledPicture::decode(&list).unwrap();
        assert_eq!((list.size_px, list.tiles.len()), ([64, 32], 1));
        let tile = list.tiles[0].clone().unwrap();
        let (status, _, bytes) = get(tile.as_str());
        assert_eq!((status, hash_of(&bytes)), (200, tile.to_string()));
        let tile_pixels = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert!(tile_pixels == seen);
        for forged in [
            format!("{map_hash}/tiles"),
            format!("{map_hash}/coarse"),
            format!("{tile}/tiles"),
            format!("{tile}/coarse"),
            format!("{}/tiles", "0".repeat(64)),
            format!("..%2f{tile}"),
            hash_of(b"a tile of another map"),
        ] {
            assert_eq!(get(&forged).0, 404, "{forged}");
        }
        for path in [format!("/assets/{cut}/tiles"), format!("/assets/{tile}")] {
            assert_eq!(server.request("GET", &path, "", b"").0, 401);
            let stranger = bearer(party_room, role);
            assert_eq!(server.request("GET", &path, &stranger, b"").0, 404);
        }
        assert_eq!(
            server
                .request("PUT", &format!("/assets/{map_hash}"), &as_guest, &map)
                .0,
            403
        );
        // What is told over HTTP.
        let info = server.json("GET", ROOM, &as_guest, b"").to_string();
        assert!(
            !info.contains("CANARY") && info.contains(r#""connections":1"#),
            "{info}"
        );
        assert_eq!(server.request("POST", ROOM, &as_guest, b"{}").0, 403);
        assert_eq!(server.request("GET", "/metrics", &as_guest, b"").0, 403);
        assert_eq!(
            server
                .request("GET", "/tokens/game_session/cellar", &as_guest, b"")
                .0,
            403
        );
        // What the DM shows and says.
        ada.show(
            70,
            1,
            r#"{"cursor":{"worldPosition":{"x":1,"y":2}},"selection":"CANARY"}"#,
        );
        ada.show(
            71,
            1,
            r#"{"hoveredMarker":{"id":"CANARY","position":{"x":1,"y":2}}}"#,
        );
        let event = br#"{"type":"CANARY"}"#;
        server.request("POST", ROOM, &dm, event);
        guest.wait_until(|peer| peer.shown.iter().any(|(client, _)| *client == 70));
        // The map is cut anew when more of it is revealed.
        if role == "display" {
            let mut clear = Mask::new(64, 32).unwrap();
            clear.fill_rect(IRect::new([0, 0], [16, 32]), true);
            let reveal = Edit::Stroke {
                scene: market.clone(),
                target: MaskTarget::Fog,
                stroke: NewStroke {
                    shape: StrokeShape::Replace(clear.encode_rle().into()),
                    mode: StrokeMode::Add,
                    points: Vec::new(),
                },
            };
            ada.doc.apply(&[reveal], Origin::Local(1));
            for update in ada.doc.replica_mut().take_updates() {
                ada.send(&Message::Sync(SyncMessage::Update(&update.bytes)));
            }
            guest.wait_until(|peer| {
                location(peer).starts_with("cut/") && location(peer)[4..] != format!("{cut}.png")
            });
            // What was replaced is not given any more, also where it is still on the disk.
            let until = Instant::now() + PATIENCE;
            while get(tile.as_str()).0 != 404 || get(&format!("{cut}/tiles")).0 != 404 {
                assert!(Instant::now() < until, "an old map is given");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // A move that is allowed, and a write that is not.
        if role == "player" {
            let hero = RowRef::marker(&market, &RowId::new("hero"));
            let values = vec![
                Assignment::new(marker::POSITION_X, 25.0),
                Assignment::new(marker::LABEL, Some("forged")),
            ];
            guest.doc.apply(
                &[Edit::Set {
                    row: hero.clone(),
                    values,
                }],
                Origin::Local(1),
            );
            for update in guest.doc.replica_mut().take_updates() {
                guest.send(&Message::Sync(SyncMessage::Update(&update.bytes)));
            }
            let is_moved = |peer: &Peer| {
                let row = peer.doc.row(&hero).unwrap();
                row.get(marker::POSITION_X).to_bits() == 25f64.to_bits()
            };
            ada.wait_until(is_moved);
            let label = |peer: &Peer| peer.doc.row(&hero).unwrap().get(marker::LABEL);
            guest.wait_until(|peer| label(peer).is_none());
            assert_eq!(label(&ada), None);
        }
        let hidden = [b"CANARY".as_slice(), map_hash.as_bytes()];
        for frame in &guest.heard {
            for word in hidden {
                let is_in = frame.windows(word.len()).any(|window| window == word);
                assert!(!is_in, "{:?}", String::from_utf8_lossy(frame));
            }
        }
    }
    // The party's room tells them what is on the table.
    let mut guest = server.connect(&path(party_room, "player"), &[]).unwrap();
    guest.sync();
    let state = guest.doc.replica().encode_snapshot();
    let state = PartyDoc::open([state.as_slice()]).unwrap().state();
    assert_eq!(state.get(party::ACTIVE_SCENE_ID).as_deref(), Some("market"));
    // A token opens its own room only.
    let other = path(party_room, "player").replace("party/p", game_room);
    assert_eq!(server.connect(&other, &[]).err(), Some(403));
}

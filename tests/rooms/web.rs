//! Beside a client that is not ours: one that knows nothing of strokes, and one of a newer schema.

use std::sync::Arc;
use std::time::{Duration, Instant};

use glam::DVec2;
use tableglow::doc::{GameDoc, Origin};
use tableglow::geom::Mask;
use tableglow::model::color::Rgb;
use tableglow::model::edit::Edit;
use tableglow::model::id::{GameSessionId, SceneId};
use tableglow::model::presence::TablePart;
use tableglow::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use tableglow::scene::snapshot::Fog;
use tableglow::session::api::{GestureId, Request};
use tableglow::session::room::Identity;
use tableglow::sync::dialect::{Dialect, RoomAddress};
use tableglow::sync::link::RoomLink;
use tableglow::sync::websocket::Net;
use tableglow::util::clock::SystemClock;
use yrs::updates::decoder::Decode as _;
use yrs::{
    Doc, Map as _, MapRef, ReadTxn as _, Transact as _, TransactionMut, Update, WriteTxn as _,
};

use super::support::{PATIENCE, Rooms, two_in_a_room};

/// A client that knows nothing of strokes: it reads and writes whole masks, as web clients do.
struct WebClient {
    doc: GameDoc,
    link: RoomLink,
    _net: Net,
}

impl WebClient {
    fn join(rooms: &Rooms, game: &GameSessionId) -> Self {
        let doc = GameDoc::open(game, []).unwrap();
        let net = Net::start().unwrap();
        let host = rooms.address.to_string();
        let mut address =
            RoomAddress::new(Dialect::YPartyKit, &host, "game_session", game.as_str());
        address.asks_durable = false;
        let transport = net.websocket(address, Arc::new(|| {})).unwrap();
        let mut link = RoomLink::new(
            Dialect::YPartyKit,
            Origin::Remote(0),
            doc.replica().client_id(),
            1,
            Box::new(transport),
            Arc::new(SystemClock::default()),
        );
        link.connect();
        link.set_awareness(Some(r#"{"measurement":null}"#)).unwrap();
        Self {
            doc,
            link,
            _net: net,
        }
    }

    #[track_caller]
    fn wait_for_fog(&mut self, scene: &SceneId, is_it: impl Fn(&Mask) -> bool) -> Mask {
        let begin = Instant::now();
        loop {
            self.link.pump(self.doc.replica_mut());
            let fog = self.doc.shared_mask(scene, &MaskTarget::Fog);
            if let Some(fog) = fog.and_then(|bytes| Mask::decode_rle(&bytes).ok())
                && is_it(&fog)
            {
                return fog;
            }
            assert!(begin.elapsed() < PATIENCE, "the fog did not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn wait_for_scene(&mut self, scene: &SceneId) {
        let begin = Instant::now();
        while !self.doc.has_scene(scene) {
            self.link.pump(self.doc.replica_mut());
            assert!(begin.elapsed() < PATIENCE, "the scene did not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn write_fog(&mut self, scene: &SceneId, fog: &Mask) {
        self.change(|txn| {
            let scenes = txn.get_or_insert_map("scenes");
            let entry: MapRef = scenes.get(txn, scene.as_str()).unwrap().cast().unwrap();
            entry.insert(txn, "fogMask", fog.encode_rle());
        });
    }

    fn write(&mut self, root: &str, key: &str, value: i64) {
        self.change(|txn| {
            let map = txn.get_or_insert_map(root);
            map.insert(txn, key, value);
        });
    }

    fn change(&mut self, change: impl FnOnce(&mut TransactionMut)) {
        let web = Doc::new();
        let held = self.doc.replica().encode_snapshot();
        let before = {
            let mut txn = web.transact_mut();
            txn.apply_update(Update::decode_v1(&held).unwrap()).unwrap();
            txn.state_vector()
        };
        let mut txn = web.transact_mut();
        change(&mut txn);
        let update = txn.encode_state_as_update_v1(&before);
        drop(txn);
        let replica = self.doc.replica_mut();
        replica.take_updates();
        replica.apply_update(&update, Origin::Upkeep).unwrap();
        let updates = [update.as_slice()];
        self.link.local_updates(self.doc.replica(), 1, updates);
    }
}

#[test]
fn fog_goes_to_web_clients_and_back() {
    let rooms = Rooms::start();
    let (mira, tom, _) = two_in_a_room(&rooms);
    // Who has no picture of the map cannot draw its fog for others.
    tom.send(Request::Introduce(Identity {
        name: "Tom".into(),
        color: Rgb::BLACK,
        part: TablePart::Player,
        shares_view: false,
    }));
    mira.send(Request::ImportPixels {
        width: 64,
        height: 48,
        rgba: vec![200; 64 * 48 * 4],
        into: None,
    });
    let scene = mira.wait("the imported scene", |published| {
        let shown = published.editing.as_ref()?;
        shown.map.as_ref().map(|_| shown.id.clone())
    });
    let mut web = WebClient::join(&rooms, &mira.ids().0);
    let uncover = |n: u64, at: [i32; 2]| Request::Edit {
        gesture: GestureId(n),
        label: "Reveal",
        edits: vec![Edit::Stroke {
            scene: scene.clone(),
            target: MaskTarget::Fog,
            stroke: NewStroke {
                shape: StrokeShape::Brush { radius: 4 * 16 },
                mode: StrokeMode::Erase,
                points: vec![at],
            },
        }],
        last: true,
    };
    mira.send(uncover(1, [0, 0]));
    let written = web.wait_for_fog(&scene, |fog| !fog.get(32, 24) && fog.get(1, 1));
    // The web client uncovers a corner, and Tom another place at once.
    let mut theirs = written;
    theirs.set(1, 1, false);
    web.write_fog(&scene, &theirs);
    tom.send(Request::EditScene(scene.clone()));
    tom.send(uncover(1, [16 * 16, 0]));
    let all = |fog: &Mask| !fog.get(32, 24) && !fog.get(1, 1) && !fog.get(48, 24);
    web.wait_for_fog(&scene, all);
    mira.wait("everybody's fog", |published| {
        match &published.editing.as_ref()?.fog.value {
            Fog::Mask(fog) => all(fog).then_some(()),
            _ => None,
        }
    });
}

#[test]
fn a_room_of_a_newer_schema_is_shown_and_not_changed() {
    let rooms = Rooms::start();
    let (mira, tom, scene) = two_in_a_room(&rooms);
    tom.add_marker(&scene, "early", DVec2::ZERO);
    tom.wait_for_marker(&scene, "early");
    let mut newer = WebClient::join(&rooms, &mira.ids().0);
    newer.wait_for_scene(&scene);
    newer.write("meta", "schemaVersion", 3);
    tom.wait_for_word("made by a newer program");
    tom.add_marker(&scene, "late", DVec2::ZERO);
    tom.wait_for_word("nothing was changed; update Tableglow");
    // Nor is anything taken back; the scene that is sought shows that the undo was looked at.
    tom.send(Request::Undo);
    tom.send(Request::Peek(Some(scene.clone())));
    let peeked = tom.wait("the scene", |published| published.peeked.clone());
    let ids: Vec<&str> = peeked.markers.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["early"], "the document was changed");
}

//! What players get, and what they cannot do: guests of a game of which a part is hidden.

use std::collections::BTreeSet;

use super::*;
use crate::doc::json::game_json;
use crate::geom::mask::Mask;
use crate::model::edit::Assignment;
use crate::model::id::{PictureHash, RowId};
use crate::model::property::{Prop, RowKind};
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::{marker, scene};
use crate::scene::picture::PictureInfo;
use crate::scene::tiled::{self, TiledPicture};
use crate::server::cuts::Cuts;
use crate::server::room::{CutFile, CutWanted, OnTable};
use crate::storage::blobs::Blobs;

mod canaries;
mod coming;
mod shown;
mod writes;
use canaries::{check_bytes, show_hidden_presence};

/// In everything that no player may ever get.
const HIDDEN: &str = "CANARY";
const MAP_SIZE: [u32; 2] = [800, 400];
const MAP: &str = "map/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.png";

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

//! What a library promises: what was put in is there, also after damage, restores and exchanges.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::agreed::AgreedScene;
use super::archive::Limits;
use super::contents;
use super::exchange::ArchiveLibrary;
use super::pictures::PictureUse;
use super::{DocumentId, Library, LibraryError, Mode};
use crate::doc::digest::SceneMark;
use crate::doc::{GameDoc, PartyDoc};
use crate::geom::pyramid::{TILE_CONTENT_PX, TILE_GUTTER_PX, TILE_STORED_PX, TileAddress};
use crate::model::id::{GameSessionId, PartyId, SceneId};
use crate::model::party::PartyDefaults;
use crate::scene::picture::{Fetched, PictureIndex as _, PictureSource, Pixels};
use crate::storage::error::StorageError;
use crate::util::clock::ManualClock;

const WAIT: Duration = Duration::from_secs(30);

pub(super) fn noise(x: u32, y: u32) -> [u8; 4] {
    let v = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503);
    [v as u8, (v >> 8) as u8, (x ^ y) as u8, 255]
}

pub(super) fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let rgba: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&rgba).unwrap();
    writer.finish().unwrap();
    bytes
}

fn add(library: &Library, bytes: &[u8], used_as: PictureUse) -> super::pictures::AddedPicture {
    library
        .add_picture(&mut &bytes[..], used_as, "a picture.png", &mut |_| {})
        .unwrap()
}

fn fetch(
    source: &dyn PictureSource,
    ask: impl Fn(&dyn PictureSource) -> Fetched,
) -> Option<Pixels> {
    loop {
        let seen = source.arrivals();
        match ask(source) {
            Fetched::Ready(pixels) => return Some(pixels),
            Fetched::Missing => return None,
            Fetched::Loading => source.wait_for_arrival(seen, WAIT),
        }
    }
}

/// A party with a game and their documents, as a session makes them.
fn fill(library: &Library, location: Option<&str>) -> (PartyId, GameSessionId) {
    let party = library
        .create_party("Friday", &PartyDefaults::default())
        .unwrap();
    let game = library.create_game(&party, "The keep").unwrap();
    let mut party_doc = PartyDoc::create(&party);
    let mut game_doc = GameDoc::create(&game);
    if let Some(location) = location {
        add_scene(&mut game_doc, location);
    }
    for update in party_doc.replica_mut().take_updates() {
        let id = DocumentId::Party(party.clone());
        library.append(&id, update.bytes).unwrap();
    }
    for update in game_doc.replica_mut().take_updates() {
        let id = DocumentId::Game(game.clone());
        library.append(&id, update.bytes).unwrap();
    }
    flush(library);
    (party, game)
}

fn add_scene(doc: &mut GameDoc, location: &str) {
    use crate::model::edit::{Assignment, Edit, RowRef};
    use crate::model::scene::MAP_LOCATION;
    use crate::model::value::Value;
    let edit = Edit::Create {
        row: RowRef::Scene(SceneId::new("s1")),
        values: vec![Assignment::new(MAP_LOCATION, Value::text(location))],
    };
    let applied = doc.apply(&[edit], crate::doc::Origin::Upkeep);
    assert!(applied.changed());
}

fn flush(library: &Library) {
    let store = library.store().unwrap();
    assert!(store.wait_until_durable(library.appended(), WAIT));
}

fn update_of(library: &Library, id: &DocumentId) -> Vec<u8> {
    let loaded = library.load_document(id).unwrap();
    contents::of_document(id, loaded.parts()).unwrap().update
}

#[test]
fn what_was_put_in_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let (party, game) = fill(&library, None);
    let other = library.create_game(&party, "The sewers").unwrap();
    library.rename_party(&party, "Saturday").unwrap();
    library.touch_game(&game).unwrap();
    library
        .set_thumbnail(&game, &SceneId::new("s1"), vec![1, 2])
        .unwrap();
    library.set_setting("brush", &3).unwrap();
    let defaults = PartyDefaults {
        grid_type: 1,
        ..PartyDefaults::default()
    };
    library.set_party_defaults(&party, &defaults).unwrap();
    let before = library.view().unwrap();
    drop(library);

    let library = Library::open(folder.path(), Mode::Write).unwrap();
    let view = library.view().unwrap();
    assert_eq!(view, before);
    assert_eq!(
        (view.parties[0].name.as_str(), &view.parties[0].defaults),
        ("Saturday", &defaults)
    );
    let games: Vec<_> = view.parties[0].games.iter().map(|g| g.id.clone()).collect();
    assert_eq!(games, [game.clone(), other.clone()], "the last used first");
    assert_eq!(
        library.last_used_game().unwrap(),
        Some((party.clone(), game.clone()))
    );
    assert_eq!(library.setting::<i32>("brush").unwrap(), Some(3));
    let thumbnail = library.thumbnail(&game, &SceneId::new("s1")).unwrap();
    assert_eq!(thumbnail.as_deref(), Some(&[1, 2][..]));

    library.bin_game(&other, true).unwrap();
    assert_eq!(library.view().unwrap().parties[0].games.len(), 1);
    library.bin_game(&other, false).unwrap();
    assert_eq!(library.view().unwrap(), view);
    let nobody = library.rename_game(&GameSessionId::new("none"), "x");
    assert!(matches!(nobody, Err(LibraryError::NoSuchGame)));
    let nobody = library.create_game(&PartyId::new("none"), "x");
    assert!(matches!(nobody, Err(LibraryError::NoSuchParty)));
}

#[test]
fn one_writes_and_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Library::open(folder.path(), Mode::Write).unwrap_err();
    assert!(matches!(
        missing,
        LibraryError::Storage(StorageError::Missing { .. })
    ));
    let library = Library::create_empty(folder.path()).unwrap();
    let second = Library::open(folder.path(), Mode::Write).unwrap_err();
    assert!(matches!(
        second,
        LibraryError::Storage(StorageError::Locked { .. })
    ));
    let exists = Library::create_empty(folder.path()).unwrap_err();
    assert!(matches!(exists, LibraryError::Exists(_)));

    let reader = Library::open(folder.path(), Mode::ReadOnly).unwrap();
    let (party, game) = fill(&library, None);
    let seen = reader.view().unwrap();
    assert!(!seen.writable);
    assert_eq!(seen.parties[0].id, party);
    assert!(
        !reader
            .load_document(&DocumentId::Game(game.clone()))
            .unwrap()
            .is_empty()
    );
    let refused = reader
        .create_party("x", &PartyDefaults::default())
        .unwrap_err();
    assert!(matches!(
        refused,
        LibraryError::Storage(StorageError::ReadOnly { .. })
    ));
    assert!(reader.append(&DocumentId::Game(game), vec![1]).is_err());
}

#[test]
fn a_newer_library_opens_for_reading_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (party, _) = fill(&Library::create_empty(folder.path()).unwrap(), None);
    rusqlite::Connection::open(folder.path().join("library.sqlite"))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let library = Library::open(folder.path(), Mode::Write).unwrap();
    assert!(!library.is_writable());
    assert_eq!(library.notices().len(), 1);
    assert!(
        library.notices()[0].contains("newer"),
        "{:?}",
        library.notices()
    );
    assert_eq!(library.view().unwrap().parties[0].id, party);
    let refused = library.rename_party(&party, "x").unwrap_err();
    assert!(matches!(
        refused,
        LibraryError::Storage(StorageError::Newer { .. })
    ));
}

#[test]
fn a_damaged_library_is_set_aside_and_the_backup_opened() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let (party, _) = fill(&library, None);
    library.backup_if_due().unwrap().unwrap();
    drop(library);
    let path = folder.path().join("library.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&path, &bytes).unwrap();
    let error = Library::open(folder.path(), Mode::Write).unwrap_err();
    assert!(
        matches!(error, LibraryError::Storage(StorageError::Damaged { .. })),
        "{error}"
    );
    assert_eq!(
        std::fs::read(&path).unwrap(),
        bytes,
        "not touched by looking at it"
    );

    let clock = Arc::new(ManualClock::starting_at(1_763_690_400_000));
    let library = Library::recover(folder.path(), clock.clone()).unwrap();
    assert_eq!(library.view().unwrap().parties[0].id, party);
    assert!(
        library.notices()[0].contains("newest backup"),
        "{:?}",
        library.notices()
    );
    drop(library);
    let aside: Vec<_> = std::fs::read_dir(folder.path().join("damaged"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sqlite"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(std::fs::read(&aside[0]).unwrap(), bytes);
    // A sound library is not recovered from anything.
    let library = Library::recover(folder.path(), clock).unwrap();
    assert!(library.notices().is_empty());
}

/// One page of the log is damaged; the backup is older than the newest changes.
#[test]
fn what_is_still_readable_of_a_damaged_library_is_added_to_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let (party, game) = fill(&library, None);
    library.backup_if_due().unwrap().unwrap();
    library.rename_party(&party, "Renamed since").unwrap();
    let since = library.create_game(&party, "Made since").unwrap();
    let id = DocumentId::Game(since.clone());
    let mut doc = GameDoc::create(&since);
    add_scene(&mut doc, "map/none.png");
    let expected = doc.replica().encode_snapshot();
    for update in doc.replica_mut().take_updates() {
        library.append(&id, update.bytes).unwrap();
    }
    // Something large to be damaged, so that the damage hits nothing else.
    let other = DocumentId::Game(game);
    library.append(&other, vec![0xcd; 100_000]).unwrap();
    flush(&library);
    drop(library);
    let path = folder.path().join("library.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let from = bytes
        .windows(3000)
        .position(|w| w.iter().all(|b| *b == 0xcd))
        .unwrap();
    let page = from / 4096 * 4096;
    bytes[page..page + 60_000].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let error = Library::open(folder.path(), Mode::Write).unwrap_err();
    assert!(
        matches!(error, LibraryError::Storage(StorageError::Damaged { .. })),
        "{error}"
    );

    let library = Library::recover(folder.path(), Arc::new(ManualClock::default())).unwrap();
    let view = library.view().unwrap();
    assert_eq!(view.parties[0].name, "Renamed since");
    assert_eq!(view.parties[0].games.len(), 2);
    assert_eq!(update_of(&library, &id), expected);
    assert!(!library.load_document(&other).unwrap().is_empty());
}

/// As after damage that spares what is looked at: deleted scenes and what both sides had come along, and
/// rows that are none are left out and told.
#[test]
fn deleted_scenes_and_what_both_had_come_out_of_a_damaged_library() {
    let folder = tempfile::tempdir().unwrap();
    let day_ms = 86_400_000;
    let clock = Arc::new(ManualClock::starting_at(1_780_000_000_000));
    let library = Library::create_empty(folder.path()).unwrap();
    let (_, game) = fill(&library, None);
    library.backup_if_due().unwrap().unwrap();
    let agreed = |scene: &str, digest: u64| AgreedScene {
        id: SceneId::new(scene),
        mark: SceneMark {
            digest,
            name: scene.into(),
        },
        agreed_unix_ms: 1_779_000_000_000,
        changed_unix_ms: Some(1_779_000_000_001),
    };
    // Above what a signed number holds.
    let both_had = [agreed("cave", u64::MAX - 1), agreed("mill", 7)];
    library
        .note_agreed_scenes(&game, both_had.to_vec(), &[])
        .unwrap();
    flush(&library);
    drop(library);
    let path = folder.path().join("library.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    let put = |scene: &str, removed_ms: i64, bytes: &[u8], checksum: &[u8]| {
        database
            .execute(
                "INSERT INTO removed_scenes (game, scene, name, removed_ms, by_other, bytes, checksum)
                 VALUES (?1, ?2, ?2, ?3, 1, ?4, ?5)",
                rusqlite::params![game.as_str(), scene, removed_ms, bytes, checksum],
            )
            .unwrap();
    };
    let sum = |bytes: &[u8]| crate::storage::database::checksum(bytes).to_vec();
    let went = 1_780_000_000_000 - 3 * day_ms;
    put("bridge", went, b"a bridge", &sum(b"a bridge"));
    put("rotten", went, b"rot", &sum(b"what it was"));
    put("old", went - 40 * day_ms, b"long gone", &sum(b"long gone"));
    database
        .execute(
            "UPDATE agreed_scenes SET digest = 'none' WHERE scene = 'mill'",
            [],
        )
        .unwrap();
    drop(database);
    let mut bytes = std::fs::read(&path).unwrap();
    // The list of free pages, which nothing here reads, says that there are some.
    bytes[36..40].copy_from_slice(&9_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = Library::open(folder.path(), Mode::Write).unwrap_err();
    assert!(
        matches!(error, LibraryError::Storage(StorageError::Damaged { .. })),
        "{error}"
    );

    let library = Library::recover(folder.path(), clock).unwrap();
    let removed = library.removed_scenes(&game).unwrap();
    assert_eq!(removed.len(), 1, "{removed:?}");
    let bridge = removed.first().unwrap();
    assert_eq!((bridge.removed_unix_ms, bridge.by_other), (went, true));
    let bridge = library.removed_scene(&game, &bridge.id).unwrap();
    assert_eq!(bridge.as_deref(), Some(b"a bridge".as_slice()));
    assert_eq!(library.agreed_scenes(&game).unwrap(), both_had[..1]);
    let told = library.notices().concat();
    assert!(told.contains("2 entries"), "{told}");
}

#[test]
fn an_archive_says_that_it_is_without_maps_that_were_only_shown() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    fill(&library, Some("cut/none"));
    let to = folder.path().join("campaign.tableglow");
    let notes = library.export_archive(&[], &to).unwrap().notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("ask the game master"), "{notes:?}");
    assert!(to.exists());
}

#[test]
fn a_restore_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let (party, game) = fill(&library, None);
    let before = update_of(&library, &DocumentId::Game(game.clone()));
    let backup = library.backup_now().unwrap();
    library.rename_party(&party, "Later").unwrap();
    let picture = add(&library, &png(10, 10, noise), PictureUse::Token);
    let saved = library.restore(&backup).unwrap();
    let view = library.view().unwrap();
    assert_eq!(view.parties[0].name, "Friday");
    assert_eq!(view.backups.len(), 2);
    assert!(
        view.backups
            .iter()
            .all(|b| b.holds.starts_with("1 party, 1 game")),
        "{view:?}"
    );
    assert_eq!(update_of(&library, &DocumentId::Game(game.clone())), before);
    assert_eq!(library.pictures().find(&picture.location), None);
    // Writing goes on.
    library.append(&DocumentId::Game(game), before).unwrap();
    flush(&library);
    library.restore(&saved).unwrap();
    assert_eq!(library.view().unwrap().parties[0].name, "Later");
    assert!(library.pictures().find(&picture.location).is_some());
    assert!(library.restore("../library.sqlite").is_err());
}

/// Every pixel of every tile of level 0 is the picture's, and gutters are the neighbours'.
#[test]
fn tiles_come_back_bit_equal_to_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let (width, height) = (600, 300);
    let added = add(&library, &png(width, height, noise), PictureUse::Map);
    let hash = added.info.hash.clone();
    assert_eq!(added.location, format!("map/{hash}.png"));
    assert_eq!(library.pictures().find(&added.location), Some(added.info));
    let tiles = &**library.tiles();
    let layout = tiles.layout(&hash).unwrap();
    for address in layout.tiles() {
        let tile = fetch(tiles, |t| t.tile(&hash, address)).unwrap();
        assert_eq!((tile.width, tile.height), (TILE_STORED_PX, TILE_STORED_PX));
        if address.level > 0 {
            continue;
        }
        for (i, pixel) in tile.rgba.chunks_exact(4).enumerate() {
            let at = |i: u32, tile: u32, end: u32| {
                (i + tile * TILE_CONTENT_PX)
                    .saturating_sub(TILE_GUTTER_PX)
                    .min(end - 1)
            };
            let x = at(i as u32 % TILE_STORED_PX, address.x, width);
            let y = at(i as u32 / TILE_STORED_PX, address.y, height);
            assert_eq!(pixel, noise(x, y), "{address:?} {i}");
        }
    }
    let outside = TileAddress {
        level: 0,
        x: 3,
        y: 0,
    };
    assert!(matches!(tiles.tile(&hash, outside), Fetched::Missing));
    let small = fetch(tiles, |t| t.whole(&hash, 100)).unwrap();
    assert_eq!((small.width, small.height), (100, 50));
}

#[test]
fn equal_pictures_are_one_and_a_small_one_comes_whole_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let bytes = png(30, 20, noise);
    let first = add(&library, &bytes, PictureUse::Map);
    let second = add(&library, &bytes, PictureUse::Token);
    assert!(!first.was_known && second.was_known);
    assert_eq!(first.info, second.info);
    assert!(second.location.starts_with("token/"));
    let whole = fetch(&**library.tiles(), |t| t.whole(&first.info.hash, 512)).unwrap();
    let expected: Vec<u8> = (0..600).flat_map(|i| noise(i % 30, i / 30)).collect();
    assert_eq!(&*whole.rgba, expected.as_slice());
    drop(library);
    let reader = Library::open(folder.path(), Mode::ReadOnly).unwrap();
    assert_eq!(reader.pictures().find(&second.location), Some(second.info));
}

#[test]
fn a_sweep_leaves_what_the_library_or_a_backup_names() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let before = library.backup_now().unwrap();
    let only_in_backup = add(&library, &png(9, 9, noise), PictureUse::Token)
        .info
        .hash;
    library.restore(&before).unwrap();
    let named = add(&library, &png(8, 8, noise), PictureUse::Token)
        .info
        .hash;
    let orphan = library.blobs.receive(&mut &b"left over"[..], 100).unwrap();
    library.blobs.keep(orphan).unwrap();
    assert_eq!(
        library.sweep_pictures(Duration::from_secs(3600)).unwrap(),
        0
    );
    let broken = folder.path().join("backups").join(&before);
    let good = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, b"rotten").unwrap();
    assert!(library.sweep_pictures(Duration::ZERO).is_err());
    std::fs::write(&broken, good).unwrap();
    assert_eq!(library.sweep_pictures(Duration::ZERO).unwrap(), 1);
    for hash in [only_in_backup, named] {
        assert!(library.blobs.contains(hash.as_str()));
    }
}

#[test]
fn what_is_no_whole_picture_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let good = png(300, 300, noise);
    for bad in [&b"not a picture at all"[..], &good[..good.len() / 2], &[]] {
        let result = library.add_picture(&mut &*bad, PictureUse::Map, "bad", &mut |_| {});
        assert!(
            matches!(result, Err(LibraryError::Picture(_))),
            "{result:?}"
        );
    }
    for sub in ["blobs", "tiles"] {
        let left = std::fs::read_dir(folder.path().join(sub)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{sub}");
    }
}

#[test]
fn tiles_are_built_anew_when_missing_or_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let added = add(&library, &png(400, 300, noise), PictureUse::Map);
    let hash = added.info.hash;
    let address = TileAddress {
        level: 0,
        x: 1,
        y: 1,
    };
    let tile_of =
        |library: &Library| fetch(&**library.tiles(), |t| t.tile(&hash, address)).unwrap();
    let whole = tile_of(&library);
    let pixel = (TILE_STORED_PX as usize + 1) * 4;
    assert_eq!(whole.rgba[pixel..pixel + 4], noise(256, 256));
    drop(library);
    let cache = folder.path().join("tiles").join(format!("{hash}.sqlite"));
    let expect_tile = |library: &Library| assert!(tile_of(library).rgba == whole.rgba);
    let good = std::fs::read(&cache).unwrap();
    for damage in [None, Some(good.len() / 2), Some(10), Some(0)] {
        match damage {
            None => std::fs::remove_file(&cache).unwrap(),
            Some(keep) => std::fs::write(&cache, &good[..keep]).unwrap(),
        }
        let library = Library::open(folder.path(), Mode::Write).unwrap();
        expect_tile(&library);
    }
    // One bit of one tile.
    {
        let tiles = rusqlite::Connection::open(&cache).unwrap();
        let all: Vec<(i64, Vec<u8>)> = tiles
            .prepare("SELECT id, qoi FROM tiles")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for (id, mut qoi) in all {
            // After the header of 14 bytes and a tag: the first pixel's red.
            qoi[15] ^= 4;
            tiles
                .execute("UPDATE tiles SET qoi = ?2 WHERE id = ?1", (id, qoi))
                .unwrap();
        }
    }
    expect_tile(&Library::open(folder.path(), Mode::Write).unwrap());
    // Without the right to write, a temporary cache does.
    std::fs::remove_file(&cache).unwrap();
    expect_tile(&Library::open(folder.path(), Mode::ReadOnly).unwrap());
    assert!(!cache.exists());
    // Without the picture's file there is nothing, and that is said.
    let blob = folder
        .path()
        .join("blobs")
        .join(&hash.as_str()[..2])
        .join(hash.as_str());
    std::fs::remove_file(blob).unwrap();
    let library = Library::open(folder.path(), Mode::Write).unwrap();
    assert!(fetch(&**library.tiles(), |t| t.tile(&hash, address)).is_none());
}

fn export(library: &Library, to: &Path) -> super::exchange::Exported {
    library.export_archive(&[], to).unwrap()
}

#[test]
fn a_campaign_goes_out_and_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(&folder.path().join("a")).unwrap();
    let picture = add(&library, &png(300, 200, noise), PictureUse::Map);
    add(&library, &png(7, 7, noise), PictureUse::Token);
    let (party, game) = fill(&library, Some(&picture.location));
    let file = folder.path().join("friday.tableglow");
    let exported = export(&library, &file);
    assert_eq!(
        (exported.games, exported.scenes, exported.pictures),
        (1, 1, 1)
    );
    assert!(exported.notes.is_empty(), "{exported:?}");
    let bytes = std::fs::read(&file).unwrap();
    export(&library, &file);
    assert_eq!(
        std::fs::read(&file).unwrap(),
        bytes,
        "equal contents, equal archive"
    );

    let other = Library::create_empty(&folder.path().join("b")).unwrap();
    let imported = other
        .import_archive(Cursor::new(&bytes), Limits::default())
        .unwrap();
    assert_eq!((imported.pictures, imported.notes.len()), (1, 0));
    assert_eq!(imported.parties[0].id, party);
    assert_eq!(imported.parties[0].games, std::slice::from_ref(&game));
    let id = DocumentId::Game(game.clone());
    assert_eq!(update_of(&other, &id), update_of(&library, &id));
    let tile = TileAddress {
        level: 0,
        x: 1,
        y: 0,
    };
    let pixels = fetch(&**other.tiles(), |t| t.tile(&picture.info.hash, tile)).unwrap();
    assert_eq!(pixels.rgba[(259 * 4)..(260 * 4)], noise(256, 0));

    // The same again: it is there already. After a change it is a copy under other ids.
    let again = other
        .import_archive(Cursor::new(&bytes), Limits::default())
        .unwrap();
    assert!(again.parties[0].was_here);
    assert_eq!(other.view().unwrap().parties.len(), 1);
    other.append(&id, vec![0, 0]).unwrap();
    flush(&other);
    let copy = other
        .import_archive(Cursor::new(&bytes), Limits::default())
        .unwrap();
    assert!(!copy.parties[0].was_here);
    assert_ne!(copy.parties[0].id, party);
    assert_ne!(copy.parties[0].games[0], game);
    assert_eq!(other.view().unwrap().parties.len(), 2);

    let alone = ArchiveLibrary::open(Cursor::new(&bytes), Limits::default()).unwrap();
    assert_eq!(alone.library.last_used_game().unwrap(), Some((party, game)));
}

#[test]
fn an_archive_whose_documents_are_none_changes_no_list() {
    use super::archive::write::{Contents, GameContents, PartyContents};
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    let mut contents = Contents::default();
    contents.add_party(PartyContents {
        id: PartyId::new("p"),
        name: "p".into(),
        defaults: PartyDefaults::default(),
        document: None,
        games: vec![GameContents {
            id: GameSessionId::new("g"),
            name: "g".into(),
            document: Some(b"no update".repeat(9)),
            scenes: 0,
        }],
    });
    let mut archive = Cursor::new(Vec::new());
    contents.write_to(&mut archive).unwrap();
    let error = library
        .import_archive(archive, Limits::default())
        .unwrap_err();
    assert!(matches!(error, LibraryError::Archive(_)), "{error}");
    assert!(library.view().unwrap().parties.is_empty());
}

#[test]
fn the_first_start_brings_the_sample_and_the_second_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let source = Library::create_empty(&folder.path().join("a")).unwrap();
    fill(&source, None);
    let file = folder.path().join("sample.tableglow");
    export(&source, &file);
    let bytes = std::fs::read(&file).unwrap();
    let home = folder.path().join("home");
    let (library, problem) = Library::open_or_create_with(&home, &bytes).unwrap();
    assert!(problem.is_none());
    let party = library.view().unwrap().parties[0].id.clone();
    library.bin_party(&party, true).unwrap();
    drop(library);
    let (library, _) = Library::open_or_create_with(&home, &bytes).unwrap();
    assert!(
        library.view().unwrap().parties.is_empty(),
        "binned is binned"
    );
    let broken = folder.path().join("broken");
    let (library, problem) = Library::open_or_create_with(&broken, b"junk").unwrap();
    assert!(problem.is_some() && library.is_writable());
}

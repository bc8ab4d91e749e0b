//! What is shown and not kept: right from the first moment, and never taken for more than it is.

use super::*;
use crate::library::tests::{noise, png};
use crate::scene::picture::{Fetched, PictureIndex as _, PictureSource as _, Pixels};

const SIZE: [u32; 2] = [1100, 560];
const WAIT: std::time::Duration = std::time::Duration::from_secs(60);

type Rgba = fn(u32, u32) -> [u8; 4];

fn brighter(x: u32, y: u32) -> [u8; 4] {
    noise(x, y).map(|channel| channel | 128)
}

fn empty() -> (tempfile::TempDir, Library) {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::create_empty(folder.path()).unwrap();
    (folder, library)
}

/// A picture whose tiles look like this, or are not there.
fn pixel_of(tiles: &[Option<Rgba>], x: u32, y: u32) -> [u8; 4] {
    let index = (y / tiled::SIDE_PX) * SIZE[0].div_ceil(tiled::SIDE_PX) + x / tiled::SIDE_PX;
    tiles[index as usize].map_or([0, 0, 0, 255], |tile| tile(x, y))
}

type Served = (PictureHash, TiledPicture, HashMap<PictureHash, Vec<u8>>);

/// What a server would say of such a picture.
fn served(tiles: &[Option<Rgba>]) -> Served {
    served_as("cellar", tiles)
}

fn served_as(map: &str, tiles: &[Option<Rgba>]) -> Served {
    let mut files = HashMap::new();
    let names = tiled::parts(SIZE).zip(tiles).map(|(part, tile)| {
        tile.map(|tile| {
            let [left, top] = part.min.map(|n| n as u32);
            let file = png(part.width(), part.height(), |x, y| tile(x + left, y + top));
            let name = PictureHash::new(&hash_of(&file));
            files.insert(name.clone(), file);
            name
        })
    });
    let list = TiledPicture {
        map: map.into(),
        size_px: SIZE,
        tiles: names.collect(),
    };
    (PictureHash::new(&hash_of(&list.encode())), list, files)
}

/// Takes it in; how many tiles had to come, and its key.
fn take(library: &Library, tiles: &[Option<Rgba>]) -> (usize, PictureInfo) {
    take_in(library, served(tiles))
}

fn take_in(library: &Library, (hash, list, files): Served) -> (usize, PictureInfo) {
    let mut update = library.begin_tiled(&hash, list).unwrap();
    let wanted = update.wanted().to_vec();
    for some in wanted.chunks(2) {
        let come = some.iter().map(|(n, name)| (*n, files[name].clone()));
        update.put(come.collect()).unwrap();
    }
    let location = format!("cut/{hash}.png");
    update.finish(std::slice::from_ref(&location));
    assert!(library.has_picture(&location));
    (wanted.len(), library.pictures().find(&location).unwrap())
}

fn tile(library: &Library, picture: &PictureHash, address: TileAddress) -> Option<Pixels> {
    let source = library.tiles();
    loop {
        let seen = source.arrivals();
        match source.tile(picture, address) {
            Fetched::Ready(pixels) => return Some(pixels),
            Fetched::Missing => return None,
            Fetched::Loading => source.wait_for_arrival(seen, WAIT),
        }
    }
}

/// The pixels of all tiles are those of the whole picture.
fn check(library: &Library, shown: &PictureInfo, tiles: &[Option<Rgba>]) {
    let (_folder, other) = empty();
    let file = png(SIZE[0], SIZE[1], |x, y| pixel_of(tiles, x, y));
    let whole = other
        .add_picture(
            &mut &file[..],
            crate::library::pictures::PictureUse::Map,
            "",
            &mut |_| {},
        )
        .unwrap();
    assert_eq!([shown.width, shown.height], SIZE);
    let layout = library.tiles().layout(&shown.hash).unwrap();
    for address in layout.tiles() {
        let (own, expected) = (
            tile(library, &shown.hash, address).unwrap(),
            tile(&other, &whole.info.hash, address).unwrap(),
        );
        assert!(own.rgba == expected.rgba, "{address:?}");
    }
}

#[test]
fn a_map_in_tiles_is_the_whole_map_and_the_next_brings_only_what_changed() {
    let (folder, library) = empty();
    let mut tiles: [Option<Rgba>; 6] = [Some(noise); 6];
    tiles[3] = None;
    let (came, first) = take(&library, &tiles);
    assert_eq!(came, 5);
    check(&library, &first, &tiles);
    tiles[3] = Some(brighter);
    tiles[5] = None;
    let (came, second) = take(&library, &tiles);
    assert_eq!(came, 1);
    check(&library, &second, &tiles);
    // Whoever shows it loads what changed and no more.
    let source = library.tiles();
    let layout = source.layout(&second.hash).unwrap();
    let names = |picture: &PictureInfo, address| source.tile_name(&picture.hash, address);
    for address in layout.tiles() {
        let (before, now) = (names(&first, address), names(&second, address));
        assert_eq!(before.picture, now.picture);
        if address.level == 0 {
            // The left and the right part of the lower row, and what lies beside them.
            let is_near = address.y >= 1;
            assert_eq!(before == now, !is_near, "{address:?}");
        }
    }
    // The same again brings nothing.
    assert_eq!(take(&library, &tiles).0, 0);
    // Nothing of it is the library's own.
    assert!(!library.has_picture_file(&second.hash));
    let location = format!("cut/{}.png", second.hash);
    assert_eq!(library.pictures().kept(&location), None);
    drop(library);
    let again = Library::open(folder.path(), crate::library::Mode::Write).unwrap();
    assert_eq!(again.pictures().find(&location), None);
}

#[test]
fn a_server_that_was_started_anew_brings_only_what_changed() {
    let (_folder, library) = empty();
    let mut tiles: [Option<Rgba>; 6] = [Some(noise); 6];
    tiles[0] = None;
    assert_eq!(take(&library, &tiles).0, 5);
    assert_eq!(take_in(&library, served_as("anew", &tiles)).0, 0);
    tiles[3] = Some(brighter);
    let (came, shown) = take_in(&library, served_as("anew", &tiles));
    assert_eq!(came, 1);
    check(&library, &shown, &tiles);
    // Another map is another map, although both are black in the same place.
    let other: [Option<Rgba>; 6] = [None, Some(brighter), Some(brighter), None, None, None];
    let (came, shown) = take_in(&library, served_as("other", &other));
    assert_eq!(came, 2);
    check(&library, &shown, &other);
}

/// What stands for a picture that does not come is all there is.
#[test]
fn nothing_finer_is_waited_for_when_a_picture_does_not_come() {
    let (_folder, library) = empty();
    let whole = png(1024, 512, noise);
    let coarse = png(256, 128, noise);
    let hash = PictureHash::new(&hash_of(&whole));
    let locations = [format!("map/{hash}.png")];
    library
        .show_coarse(&hash, [1024, 512], &coarse, None, &locations)
        .unwrap();
    let source = library.tiles();
    let fine = TileAddress {
        level: 0,
        x: 0,
        y: 0,
    };
    assert!(matches!(source.tile(&hash, fine), Fetched::Loading));
    assert!(matches!(source.whole(&hash, 64), Fetched::Loading));
    let seen = source.arrivals();
    library.give_up_coarse(&locations);
    assert!(source.arrivals() > seen, "whoever waits is told");
    assert!(matches!(source.tile(&hash, fine), Fetched::Missing));
    assert!(matches!(source.whole(&hash, 64), Fetched::Missing));
    let layout = source.layout(&hash).unwrap();
    let coarsest = TileAddress {
        level: layout.level_count() - 1,
        ..fine
    };
    assert!(tile(&library, &hash, coarsest).is_some());
}

#[test]
fn tiles_that_are_not_the_ones_that_are_named_are_refused() {
    let (_folder, library) = empty();
    let tiles: [Option<Rgba>; 6] = [Some(noise); 6];
    let (hash, list, files) = served(&tiles);
    let mut update = library.begin_tiled(&hash, list.clone()).unwrap();
    let wanted = update.wanted().to_vec();
    let other = &files[&wanted[1].1];
    let wrong = update.put(vec![(wanted[0].0, other.clone())]);
    assert!(matches!(wrong, Err(LibraryError::PictureChanged)));
    // A tile of another size under its own name.
    let small = png(3, 3, noise);
    let mut forged = list;
    forged.tiles[0] = Some(PictureHash::new(&hash_of(&small)));
    let mut update = library.begin_tiled(&hash, forged).unwrap();
    assert!(update.put(vec![(0, small)]).is_err());
}

#[test]
fn what_came_of_a_map_that_was_replaced_meanwhile_need_not_come_again() {
    let (_folder, library) = empty();
    let mut tiles: [Option<Rgba>; 6] = [Some(noise); 6];
    let (hash, list, files) = served(&tiles);
    let mut update = library.begin_tiled(&hash, list).unwrap();
    let some = update.wanted()[..4].iter();
    let come = some.map(|(n, name)| (*n, files[name].clone())).collect();
    update.put(come).unwrap();
    update.give_up();
    assert!(!library.has_picture(&format!("cut/{hash}.png")));
    assert_eq!(library.pictures().find(&format!("cut/{hash}.png")), None);
    tiles[0] = Some(brighter);
    let (came, shown) = take(&library, &tiles);
    assert_eq!(came, 3);
    check(&library, &shown, &tiles);
}

#[test]
fn a_coarse_picture_stands_for_the_real_one_and_is_never_taken_for_it() {
    let (_folder, library) = empty();
    let file = png(SIZE[0], SIZE[1], noise);
    let hash = PictureHash::new(&hash_of(&file));
    let location = format!("map/{hash}.png");
    let locations = std::slice::from_ref(&location);
    let small = png(275, 140, |_, _| [9, 8, 7, 255]);
    library
        .show_coarse(&hash, SIZE, &small, None, locations)
        .unwrap();
    let found = library.pictures().find(&location).unwrap();
    assert_eq!(([found.width, found.height], &found.hash), (SIZE, &hash));
    assert!(!library.has_picture(&location) && !library.has_picture_file(&hash));
    assert_eq!(library.missing_pictures(locations.to_vec()), locations);
    assert_eq!(library.pictures().kept(&location), None);
    let at = |level| TileAddress { level, x: 0, y: 0 };
    let source = library.tiles();
    let coarse = tile(&library, &hash, at(2)).unwrap();
    assert_eq!(coarse.rgba[..4], [9, 8, 7, 255]);
    assert!(tile(&library, &hash, at(3)).is_some());
    assert!(matches!(source.tile(&hash, at(0)), Fetched::Loading));
    assert!(matches!(source.whole(&hash, 64), Fetched::Loading));
    let named = source.tile_name(&hash, at(2));
    assert_eq!(named.picture, hash);
    // What does not fit is not shown.
    let odd = png(300, 140, noise);
    assert!(
        library
            .show_coarse(&hash, SIZE, &odd, None, locations)
            .is_err()
    );
    assert!(
        library
            .show_coarse(&hash, SIZE, b"no picture", None, locations)
            .is_err()
    );

    library
        .add_fetched_picture(&mut &file[..], &hash, locations)
        .unwrap();
    assert!(library.has_picture(&location));
    assert_ne!(source.tile_name(&hash, at(2)), named);
    assert_eq!(tile(&library, &hash, at(0)).unwrap().rgba[..4], noise(0, 0));
    assert_ne!(
        tile(&library, &hash, at(2)).unwrap().rgba[..4],
        [9, 8, 7, 255]
    );
    // One that comes late is of no use.
    library
        .show_coarse(&hash, SIZE, &small, None, locations)
        .unwrap();
    assert_eq!(tile(&library, &hash, at(0)).unwrap().rgba[..4], noise(0, 0));
}

#[test]
fn what_is_kept_is_bounded() {
    let (_folder, library) = empty();
    let passing = library.records.passing();
    for n in 0..4u32 {
        let at: Rgba = if n % 2 == 0 { noise } else { brighter };
        let mut tiles: [Option<Rgba>; 6] = [None; 6];
        tiles[n as usize % 3 * 2] = Some(at);
        take(&library, &tiles);
        let state = passing.state.read();
        assert!(state.pictures.len() <= EDITIONS && state.by_location.len() <= EDITIONS);
    }
    let small = png(275, 140, noise);
    for n in 0..MOST_PICTURES + 3 {
        let hash = PictureHash::new(&format!("{n}"));
        let locations = [format!("map/{n}.png")];
        library
            .show_coarse(&hash, SIZE, &small, None, &locations)
            .unwrap();
    }
    let state = passing.state.read();
    assert_eq!(state.pictures.len(), MOST_PICTURES);
    assert_eq!(state.by_location.len(), MOST_PICTURES);
}

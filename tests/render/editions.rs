//! Maps that follow each other as editions of one picture: what has not come yet is shown as it was.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tableglow::geom::pyramid::{PyramidLayout, TileAddress};
use tableglow::model::id::PictureHash;
use tableglow::render::{Frame, Headless, SceneInput};
use tableglow::scene::picture::{Fetched, PictureInfo, PictureSource, TileName};

use super::support::{MemoryPictures, SceneBuilder, gpu, pixel};

/// Two pictures as editions of one. The second differs in its right half, and that is on its way.
struct Editions {
    pictures: MemoryPictures,
    second: PictureHash,
    is_here: AtomicBool,
}

const LEFT_TILES: u32 = 1;

impl PictureSource for Editions {
    fn layout(&self, picture: &PictureHash) -> Option<PyramidLayout> {
        self.pictures.layout(picture)
    }

    fn tile(&self, picture: &PictureHash, address: TileAddress) -> Fetched {
        let is_new = self.tile_name(picture, address).edition == 1;
        if is_new && !self.is_here.load(Ordering::Relaxed) {
            return Fetched::Loading;
        }
        self.pictures.tile(picture, address)
    }

    fn tile_name(&self, picture: &PictureHash, address: TileAddress) -> TileName {
        let is_changed = address.level > 0 || address.x >= LEFT_TILES;
        TileName {
            picture: PictureHash::new("both"),
            edition: u64::from(*picture == self.second && is_changed),
        }
    }

    fn whole(&self, _picture: &PictureHash, _max_side_px: u32) -> Fetched {
        Fetched::Missing
    }

    fn arrivals(&self) -> u64 {
        0
    }

    fn wait_for_arrival(&self, _seen: u64, _at_most: Duration) {}
}

#[test]
fn until_the_next_edition_of_a_map_is_there_the_one_before_is_shown() {
    let mut pictures = MemoryPictures::default();
    let red = |_, _| [200, 0, 0, 255];
    let green = |x, _| {
        if x < 256 {
            [200, 0, 0, 255]
        } else {
            [0, 200, 0, 255]
        }
    };
    let (first, second) = (
        pictures.add("first", 512, 256, red),
        pictures.add("second", 512, 256, green),
    );
    let source = Editions {
        pictures,
        second: second.hash.clone(),
        is_here: AtomicBool::new(false),
    };
    let mut headless = Headless::on(gpu()).expect("a renderer");
    let mut draw = |map: &PictureInfo| {
        let scene = SceneBuilder::new([512, 256], 50.0).map(map, 0.0).build();
        let frame = Frame::of_map(SceneInput::Dm(&scene), [512, 256]).expect("a map");
        let (picture, report) = headless
            .render(&frame, &source, Duration::from_millis(100))
            .expect("a picture");
        let places = [100, 400].map(|x| pixel(&picture, x, 100)[..2].to_vec());
        (places, report.timed_out)
    };
    let (red, green) = (vec![200, 0], vec![0, 200]);
    assert_eq!(draw(&first), ([red.clone(), red.clone()], false));
    assert_eq!(draw(&second), ([red.clone(), red.clone()], true));
    source.is_here.store(true, Ordering::Relaxed);
    assert_eq!(draw(&second), ([red.clone(), green], false));
    assert_eq!(draw(&first), ([red.clone(), red], false));
}

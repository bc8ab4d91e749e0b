//! What players are promised of maps in tiles: nothing from under the fog, all of the rest, and only
//! what changed is new.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::geom::pyramid::PyramidLayout;

const SIZE: [u32; 2] = [1100, 700];

/// A library's picture, and what is cut from it.
struct Bench {
    cuts: Arc<Cuts>,
    picture: PictureHash,
    file: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(format: image::ImageFormat) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path().join("blobs"));
        let picture = image::RgbImage::from_fn(SIZE[0], SIZE[1], |x, y| {
            // No pixel of it is black, and it is no small file.
            let noise = x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b);
            image::Rgb([8, 16, 24].map(|bits| ((noise >> bits) % 200) as u8 + 40))
        });
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, format).unwrap();
        let file = file.into_inner();
        let pending = blobs.receive(&mut &file[..], 1 << 30).unwrap();
        let hash = PictureHash::new(&pending.hash);
        blobs.keep(pending).unwrap();
        Self {
            cuts: Arc::new(Cuts::new(blobs, folder.path().join("cuts"))),
            picture: hash,
            file,
            _folder: folder,
        }
    }

    fn cut(&self, fog: Option<&Mask>) -> Arc<Made> {
        let wanted = CutWanted {
            scene: SceneId::new("cellar"),
            picture: self.picture.clone(),
            fog: fog.cloned().map(Arc::new),
        };
        let (hash, _) = self.cuts.cut_now(&wanted).unwrap();
        self.cuts.made(&hash).unwrap()
    }

    /// All that was made was made long ago; false where the clock is too young for that.
    fn grow_old(&self) -> bool {
        let mut state = self.cuts.state.lock();
        let Some(long_ago) = Instant::now().checked_sub(GRACE) else {
            return false;
        };
        for made in state.made.values_mut() {
            let made_before = Made {
                hash: Arc::clone(&made.hash),
                list: made.list.clone(),
                tiled: made.tiled.clone(),
                tiles: made.tiles.clone(),
                picture: made.picture.clone(),
                fog: made.fog.clone(),
                ending: made.ending,
                at: long_ago,
            };
            *made = Arc::new(made_before);
        }
        true
    }

    /// What the tiles make together.
    fn put_together(&self, made: &Made) -> image::RgbImage {
        let list = TiledPicture::decode(&made.list).unwrap();
        assert_eq!(
            (list.size_px, hash_of(&made.list).as_str()),
            (SIZE, &*made.hash)
        );
        let mut whole = image::RgbImage::new(SIZE[0], SIZE[1]);
        for (part, tile) in tiled::parts(SIZE).zip(&list.tiles) {
            let Some(tile) = tile else { continue };
            let bytes = std::fs::read(self.cuts.tile(tile.as_str()).unwrap()).unwrap();
            assert_eq!(hash_of(&bytes), tile.as_str());
            let tile = image::load_from_memory(&bytes).unwrap().to_rgb8();
            assert_eq!(tile.dimensions(), (part.width(), part.height()));
            let [x, y] = part.min.map(i64::from);
            image::imageops::replace(&mut whole, &tile, x, y);
        }
        whole
    }
}

fn fog(size: [u32; 2], rects: &[([i32; 2], [i32; 2], bool)]) -> Mask {
    let mut fog = Mask::new_filled(size[0], size[1]).unwrap();
    for (min, size, value) in rects {
        fog.fill_rect(
            IRect::new(*min, [min[0] + size[0], min[1] + size[1]]),
            *value,
        );
    }
    fog
}

fn tiles(made: &Made) -> Vec<Option<PictureHash>> {
    TiledPicture::decode(&made.list).unwrap().tiles
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn tiles_are_the_whole_picture_cut(
        mask in prop::sample::select(vec![[1100, 700], [275, 175], [97, 61], [2200, 1400]]),
        strokes in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64, 0.0..0.6f64, any::<bool>()), 1..4),
    ) {
        let bench = Bench::new(image::ImageFormat::Png);
        let rects: Vec<_> = strokes.iter().map(|(x, y, side, covers)| {
            let at = |share: f64, whole: u32| (share * f64::from(whole)) as i32;
            let size = [at(*side, mask[0]) + 1, at(*side, mask[1]) + 1];
            ([at(*x, mask[0]), at(*y, mask[1])], size, *covers)
        }).collect();
        // Stroke by stroke, so that each goes on with what the one before left.
        for count in 1..=rects.len() {
            let fog = fog(mask, &rects[..count]);
            let made = bench.cut(Some(&fog));
            let mut whole = Vec::new();
            cut::cut(Cursor::new(&bench.file), Some(&fog), &mut whole).unwrap();
            let whole = image::load_from_memory(&whole).unwrap().to_rgb8();
            prop_assert!(bench.put_together(&made) == whole);
            for (part, tile) in tiled::parts(SIZE).zip(tiles(&made)) {
                let [x, y] = part.min.map(|n| n as u32);
                let part = image::imageops::crop_imm(&whole, x, y, part.width(), part.height());
                let is_seen = part.to_image().iter().any(|channel| *channel != 0);
                prop_assert_eq!(tile.is_some(), is_seen);
            }
        }
    }
}

#[test]
fn after_a_stroke_only_the_tiles_that_it_touched_are_new() {
    let bench = Bench::new(image::ImageFormat::Jpeg);
    let open = fog(SIZE, &[([0, 0], [1100, 700], false)]);
    let first = bench.cut(Some(&open));
    assert!(tiles(&first).iter().all(Option::is_some));
    // Tiles that are not touched are not even looked at.
    let names = |made: &Made| tiles(made).into_iter().flatten();
    let path = |tile: &PictureHash| bench.cuts.tile(tile.as_str()).unwrap();
    bench.cuts.state.lock().decoded.clear();
    let stroke = [([0, 0], [1100, 700], false), ([500, 100], [30, 30], true)];
    let second = bench.cut(Some(&fog(SIZE, &stroke)));
    let pairs = tiles(&first).into_iter().zip(tiles(&second));
    let changed: Vec<bool> = pairs.map(|(a, b)| a != b).collect();
    assert_eq!(changed, [true, true, false, false, false, false]);
    // One that got lost is cut anew.
    let lost = names(&second).last().unwrap();
    std::fs::remove_file(path(&lost)).unwrap();
    let third = bench.cut(Some(&fog(SIZE, &stroke)));
    assert_eq!(tiles(&third), tiles(&second));
    assert!(path(&lost).is_file());
    // Nothing is seen without fog that is known.
    assert!(tiles(&bench.cut(None)).iter().all(Option::is_none));
    assert!(bench.cut(None).list.len() < 500);
}

#[test]
fn lists_of_one_map_share_a_name_that_tells_nothing() {
    let (bench, other) = (
        Bench::new(image::ImageFormat::Png),
        Bench::new(image::ImageFormat::Png),
    );
    let name = |made: &Made| TiledPicture::decode(&made.list).unwrap().map;
    let open = fog(SIZE, &[([0, 0], [1100, 700], false)]);
    assert_eq!(name(&bench.cut(None)), name(&bench.cut(Some(&open))));
    assert_ne!(name(&bench.cut(None)), name(&other.cut(None)));
    assert!(!bench.picture.as_str().contains(&*name(&bench.cut(None))));
}

#[tokio::test]
async fn a_coarse_map_has_a_level_s_size_and_nothing_from_under_the_fog() {
    let bench = Bench::new(image::ImageFormat::Png);
    let half = fog([110, 70], &[([55, 0], [55, 70], false)]);
    let made = bench.cut(Some(&half));
    let coarse = async |name: &str, made| {
        let (path, size_px) = bench.cuts.coarse(name, made).await.unwrap();
        assert_eq!(size_px, SIZE);
        image::load_from_memory(&std::fs::read(path).unwrap())
            .unwrap()
            .to_rgb8()
    };
    let small = coarse(&made.hash, Some(Arc::clone(&made))).await;
    let layout = PyramidLayout::new(SIZE[0], SIZE[1]).unwrap();
    assert_eq!(
        <[u32; 2]>::from(small.dimensions()),
        layout.level_size_px(2)
    );
    let is_dark = |pixel: &image::Rgb<u8>| pixel.0.iter().all(|channel| *channel < 12);
    for (x, _, pixel) in small.enumerate_pixels() {
        // Around the edge losses blur.
        if !(120..154).contains(&x) {
            assert_eq!(is_dark(pixel), x < 137, "{x}: {pixel:?}");
        }
    }
    // Without fog that is known, nothing is seen; the whole picture, for those who may, is.
    let unknown = bench.cut(None);
    let dark = coarse(&unknown.hash, Some(Arc::clone(&unknown))).await;
    assert!(dark.pixels().all(is_dark));
    let open = coarse(bench.picture.as_str(), None).await;
    assert!(open.pixels().all(|pixel| !is_dark(pixel)));
}

#[tokio::test]
async fn what_is_not_named_any_more_goes_with_its_tiles() {
    let mut bench = Bench::new(image::ImageFormat::Png);
    let open = fog(SIZE, &[([0, 0], [1100, 700], false)]);
    let stroke = [([0, 0], [1100, 700], false), ([0, 0], [30, 30], true)];
    let (first, second) = (bench.cut(Some(&open)), bench.cut(Some(&fog(SIZE, &stroke))));
    let named = || BTreeSet::from([Arc::clone(&second.hash)]);
    // What is young stays.
    assert!(!bench.cuts.sweep(named).await);
    assert!(bench.cuts.made(&first.hash).is_some());
    if !bench.grow_old() {
        return;
    }
    assert!(bench.cuts.sweep(named).await);
    assert!(bench.cuts.made(&first.hash).is_none());
    let is_here = |tile: &PictureHash| bench.cuts.tile(tile.as_str()).unwrap().is_file();
    assert!(second.tiles.iter().all(is_here));
    assert_eq!(first.tiles.iter().filter(|tile| is_here(tile)).count(), 5);
    // The next one goes on with what is left.
    bench.picture = second.picture.clone();
    assert_eq!(tiles(&bench.cut(Some(&open))), tiles(&first));
}

//! How quickly a picture gets into a library and from there to a renderer.
//!
//! `import`: a 3840 x 2160 PNG, from its bytes to a finished pyramid on disk, flushed.
//! `open`: opening a library and waiting for the first pixels of a map (its coarsest tile), and for
//! all tiles of a 1920 x 1080 view: of the whole map, and of a part of it at full size. Maps of
//! 4096, 8192 and 16384 pixels a side; files warm in the system's cache.

#![expect(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark, whose groups a macro makes"
)]

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use glam::DVec2;
use tableglow::geom::pyramid::{PyramidLayout, TileAddress};
use tableglow::geom::rect::DRect;
use tableglow::library::pictures::PictureUse;
use tableglow::library::{Library, Mode};
use tableglow::model::id::PictureHash;
use tableglow::scene::picture::{Fetched, PictureSource};

/// The view that is waited for.
const VIEW_PX: [u32; 2] = [1920, 1080];

/// Something like a painted map: soft shapes under a fine grain.
fn map_png([width, height]: [u32; 2]) -> Vec<u8> {
    let mut grain = 1_u32;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    for y in 0..height {
        let row: Vec<u8> = (0..width)
            .flat_map(|x| {
                grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (grain >> 29) as u8;
                let soft = ((x / 7) ^ (y / 11)) as u8 / 4;
                [90 + soft + noise, 70 + soft / 2 + noise, 50 + noise]
            })
            .collect();
        rows.write_all(&row).unwrap();
    }
    rows.finish().unwrap();
    writer.finish().unwrap();
    bytes
}

fn add(folder: &Path, bytes: &[u8]) -> PictureHash {
    let library = Library::create_empty(folder).unwrap();
    let added = library
        .add_picture(&mut &*bytes, PictureUse::Map, "map.png", &mut |_| {})
        .unwrap();
    added.info.hash
}

fn wait_for(source: &dyn PictureSource, picture: &PictureHash, address: TileAddress) {
    loop {
        let seen = source.arrivals();
        match source.tile(picture, address) {
            Fetched::Ready(pixels) => {
                black_box(pixels);
                return;
            }
            Fetched::Loading => source.wait_for_arrival(seen, Duration::from_secs(1)),
            Fetched::Missing => return,
        }
    }
}

fn import(c: &mut Criterion) {
    let size = [3840, 2160];
    let bytes = map_png(size);
    let mut group = c.benchmark_group("import");
    group.sample_size(10);
    group.throughput(Throughput::Elements(size.map(u64::from).iter().product()));
    group.bench_function("4K PNG", |b| {
        b.iter_batched(
            || tempfile::tempdir().unwrap(),
            |folder| {
                add(&folder.path().join("library"), &bytes);
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// The tiles that a view of the whole map needs, or one of its top left at full size.
fn tiles_of_view(layout: &PyramidLayout, whole: bool) -> Vec<TileAddress> {
    let [width, height] = layout.size_px().map(f64::from);
    let view = VIEW_PX.map(f64::from);
    let (texels_per_screen_px, shown) = if whole {
        let texels = (width / view[0]).max(height / view[1]);
        (texels, [width, height])
    } else {
        (1.0, view)
    };
    let level = layout.level_for(texels_per_screen_px);
    let picture_px = DRect::new(DVec2::ZERO, DVec2::from_array(shown));
    layout.tiles_in(level, picture_px).collect()
}

fn open(c: &mut Criterion) {
    let mut group = c.benchmark_group("open");
    group.sample_size(20);
    for side in [4096, 8192, 16384] {
        let folder = tempfile::tempdir().unwrap();
        let picture = add(folder.path(), &map_png([side, side]));
        group.bench_function(format!("{side} first pixels"), |b| {
            b.iter(|| {
                let library = Library::open(folder.path(), Mode::ReadOnly).unwrap();
                let level = library.tiles().layout(&picture).unwrap().coarsest_level();
                let address = TileAddress { level, x: 0, y: 0 };
                wait_for(&**library.tiles(), &picture, address);
            });
        });
        for (name, whole) in [("whole map", true), ("full size", false)] {
            group.bench_function(format!("{side} {name}"), |b| {
                b.iter(|| {
                    let library = Library::open(folder.path(), Mode::ReadOnly).unwrap();
                    let tiles = &**library.tiles();
                    let view = tiles_of_view(&tiles.layout(&picture).unwrap(), whole);
                    // As a frame does: everything is asked for first.
                    for &address in &view {
                        drop(tiles.tile(&picture, address));
                    }
                    for address in view {
                        wait_for(tiles, &picture, address);
                    }
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, import, open);
criterion_main!(benches);

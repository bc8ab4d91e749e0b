//! How quickly a picture gets into a library and from there to a renderer.
//!
//! `import`: a 3840 x 2160 PNG, from its bytes to a finished pyramid on disk, flushed.
//! `open to first tile`: opening a library and waiting for the coarsest tile of such a map, and
//! for the 40 tiles of full size that a 1920 x 1080 view of it needs; files warm in the system's
//! cache.

#![expect(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark, whose groups a macro makes"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tableglow::geom::pyramid::TileAddress;
use tableglow::library::pictures::PictureUse;
use tableglow::library::{Library, Mode};
use tableglow::model::id::PictureHash;
use tableglow::scene::picture::{Fetched, PictureSource};

const WIDTH: u32 = 3840;
const HEIGHT: u32 = 2160;

/// Something like a painted map: soft shapes under a fine grain.
fn map_png() -> Vec<u8> {
    let mut grain = 1_u32;
    let rgb: Vec<u8> = (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).map(move |x| (x, y)))
        .flat_map(|(x, y)| {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (grain >> 29) as u8;
            let soft = ((x / 7) ^ (y / 11)) as u8 / 4;
            [90 + soft + noise, 70 + soft / 2 + noise, 50 + noise]
        })
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&rgb).unwrap();
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
    let bytes = map_png();
    let mut group = c.benchmark_group("import");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(WIDTH) * u64::from(HEIGHT)));
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

fn first_tile(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let picture = add(folder.path(), &map_png());
    let mut group = c.benchmark_group("open to first tile");
    group.sample_size(20);
    group.bench_function("4K coarsest", |b| {
        b.iter(|| {
            let library = Library::open(folder.path(), Mode::ReadOnly).unwrap();
            let level = library.tiles().layout(&picture).unwrap().coarsest_level();
            wait_for(
                &**library.tiles(),
                &picture,
                TileAddress { level, x: 0, y: 0 },
            );
        });
    });
    group.bench_function("4K one 1920 x 1080 view", |b| {
        b.iter(|| {
            let library = Library::open(folder.path(), Mode::ReadOnly).unwrap();
            let tiles = &**library.tiles();
            let view = |ask: &dyn Fn(TileAddress)| {
                for (x, y) in (0..5).flat_map(|y| (0..8).map(move |x| (x, y))) {
                    ask(TileAddress { level: 0, x, y });
                }
            };
            // As a frame does: everything is asked for first.
            view(&|address| drop(tiles.tile(&picture, address)));
            view(&|address| wait_for(tiles, &picture, address));
        });
    });
    group.finish();
}

criterion_group!(benches, import, first_tile);
criterion_main!(benches);

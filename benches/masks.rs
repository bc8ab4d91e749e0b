//! Masks at 4096²: encoding and decoding in bytes of one-byte-per-pixel pictures a second, the
//! upload expansion, and what a brush costs.
//!
//! `cargo bench --bench masks`

#![expect(
    missing_docs,
    reason = "criterion's macros make functions without a line"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tableglow::geom::{DVec2, IRect, Mask, MaskError, raster};

const SIDE: u32 = 4096;

/// A way that wanders over the whole mask, the same in every run.
fn way(points: u32) -> Vec<DVec2> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut at = DVec2::splat(f64::from(SIDE) / 2.0);
    (0..points)
        .map(|_| {
            let step = DVec2::new(
                (next(&mut state) % 241) as f64,
                (next(&mut state) % 241) as f64,
            );
            at = (at + step - 120.0).clamp(DVec2::ZERO, DVec2::splat(f64::from(SIDE)));
            at
        })
        .collect()
}

/// Xorshift: noise without a dependency.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Fog with wiped ways, fog over one half, fog of single pixels.
fn masks() -> Result<[(&'static str, Mask); 3], MaskError> {
    let mut strokes = Mask::new_filled(SIDE, SIDE)?;
    for (i, part) in way(400).chunks(100).enumerate() {
        raster::draw_stroke(&mut strokes, part, 30.0 + 25.0 * i as f64, false);
    }
    let mut half = Mask::new(SIDE, SIDE)?;
    half.fill_rect(IRect::new([0, 0], [SIDE as i32 / 2, SIDE as i32]), true);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes: Vec<u8> = (0..SIDE * SIDE)
        .map(|_| (next(&mut state) >> 56) as u8)
        .collect();
    let noise = Mask::from_r8(SIDE, SIDE, &bytes)?;
    Ok([("strokes", strokes), ("half", half), ("noise", noise)])
}

fn codec(c: &mut Criterion) {
    let Ok(masks) = masks() else { return };
    let mut group = c.benchmark_group("rle");
    group.throughput(Throughput::Bytes(u64::from(SIDE) * u64::from(SIDE)));
    for (name, mask) in &masks {
        let bytes = mask.encode_rle();
        group.bench_function(BenchmarkId::new("encode", name), |b| {
            b.iter(|| black_box(mask).encode_rle());
        });
        group.bench_function(BenchmarkId::new("decode", name), |b| {
            b.iter(|| Mask::decode_rle(black_box(&bytes)));
        });
    }
    group.finish();
}

fn upload(c: &mut Criterion) {
    let Ok([(_, strokes), ..]) = masks() else {
        return;
    };
    let mut group = c.benchmark_group("upload");
    group.throughput(Throughput::Bytes(u64::from(SIDE) * u64::from(SIDE)));
    let mut out = Vec::new();
    group.bench_function("to_r8", |b| {
        b.iter(|| strokes.to_r8(black_box(strokes.rect()), &mut out));
    });
    group.finish();
}

fn drawing(c: &mut Criterion) {
    let Ok(mut mask) = Mask::new(SIDE, SIDE) else {
        return;
    };
    let mut group = c.benchmark_group("draw");
    let mut value = true;
    let leg = [DVec2::new(2000.3, 2000.7), DVec2::new(2012.9, 1994.2)];
    group.bench_function("one leg of a brush of radius 100", |b| {
        b.iter(|| {
            value = !value;
            raster::draw_stroke(&mut mask, black_box(&leg), 100.0, value)
        });
    });
    let whole = DVec2::splat(f64::from(SIDE));
    group.bench_function("rectangle over all of it", |b| {
        b.iter(|| {
            value = !value;
            raster::draw_rectangle(&mut mask, DVec2::ZERO, black_box(whole), value)
        });
    });
    group.bench_function("ellipse over all of it", |b| {
        b.iter(|| {
            value = !value;
            raster::draw_ellipse(&mut mask, DVec2::ZERO, black_box(whole), value)
        });
    });
    let corners = way(64);
    group.bench_function("polygon of 64 corners", |b| {
        b.iter(|| {
            value = !value;
            raster::draw_polygon(&mut mask, black_box(&corners), value)
        });
    });
    group.finish();
}

criterion_group!(benches, codec, upload, drawing);
criterion_main!(benches);

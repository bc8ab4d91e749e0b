//! Tests of the mask and its codec, against readers and writers that work pixel by pixel.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// The format again, byte by byte and without any cleverness.
fn naive_encode(width: u32, height: u32, pixels: &[bool]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    let mut value = pixels[0];
    out.push(u8::from(value));
    let mut run = 0u64;
    let mut push = |mut run: u64| {
        while run >= 128 {
            out.push((run % 128) as u8 + 128);
            run /= 128;
        }
        out.push(run as u8);
    };
    for &pixel in pixels {
        if pixel != value {
            push(run);
            run = 0;
            value = pixel;
        }
        run += 1;
    }
    push(run);
    out
}

fn naive_decode(bytes: &[u8]) -> Option<(u32, u32, Vec<bool>)> {
    let side = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut w, mut h, mut at) = (1024, 1024, 0);
    if bytes.len() > 8 && (1..=8192).contains(&side(0)) && (1..=8192).contains(&side(4)) {
        (w, h, at) = (side(0), side(4), 8);
    }
    let total = w as usize * h as usize;
    let mut pixels = Vec::new();
    let mut value = bytes.get(at).is_some_and(|&b| b != 0);
    at += 1;
    while at < bytes.len() && pixels.len() < total {
        let mut run = 0u128;
        let mut shift = 0;
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            run |= u128::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                break;
            }
            if shift == 35 {
                bytes.get(at)?;
                return None;
            }
        }
        if run > u128::from(u32::MAX) {
            return None;
        }
        let run = (run as usize).min(total - pixels.len());
        pixels.extend(std::iter::repeat_n(value, run));
        value = !value;
    }
    pixels.resize(total, false);
    Some((w, h, pixels))
}

fn mask_of(width: u32, height: u32, pixels: &[bool]) -> Mask {
    let mut mask = Mask::new(width, height).unwrap();
    for (i, &pixel) in (0..).zip(pixels) {
        mask.set(i % width, i / width, pixel);
    }
    mask
}

fn pixels_of(mask: &Mask) -> Vec<bool> {
    (0..mask.height())
        .flat_map(|y| (0..mask.width()).map(move |x| mask.get(x, y)))
        .collect()
}

/// Masks of any shape with short and long runs.
fn any_mask() -> impl Strategy<Value = (u32, u32, Vec<bool>)> {
    (1u32..200, 1u32..40, prop::collection::vec(0u32..300, 0..60)).prop_map(|(w, h, runs)| {
        let mut pixels = Vec::new();
        for (i, run) in runs.iter().enumerate() {
            let run = if run % 3 == 0 { *run } else { run % 5 };
            pixels.extend(std::iter::repeat_n(i % 2 == 1, run as usize));
        }
        pixels.resize((w * h) as usize, w % 2 == 0);
        (w, h, pixels)
    })
}

fn any_rect() -> impl Strategy<Value = IRect> {
    (-20i32..220, -20i32..60, 0i32..230, 0i32..60)
        .prop_map(|(x, y, w, h)| IRect::new([x, y], [x + w, y + h]))
}

#[test]
fn sizes_beyond_the_format_are_refused() {
    for (w, h) in [(0, 1), (1, 0), (8193, 1), (1, 8193), (u32::MAX, u32::MAX)] {
        assert_eq!(
            Mask::new(w, h).unwrap_err(),
            MaskError::Size {
                width: w,
                height: h
            }
        );
    }
    assert_eq!(Mask::new(8192, 8192).unwrap().count(), 0);
}

#[test]
fn worked_examples_of_the_format() {
    let mut corner = Mask::new(4, 2).unwrap();
    corner.set(0, 0, true);
    assert_eq!(corner.encode_rle(), [4, 0, 0, 0, 2, 0, 0, 0, 1, 1, 7]);
    let full = Mask::new_filled(16, 16).unwrap();
    assert_eq!(full.encode_rle()[8..], [1, 0x80, 2]);
    assert_eq!(Mask::new(16, 16).unwrap().encode_rle()[8..], [0, 0x80, 2]);
    let mut half = Mask::new(255, 1).unwrap();
    half.fill_rect(IRect::new([127, 0], [255, 1]), true);
    assert_eq!(half.encode_rle()[8..], [0, 0x7f, 0x80, 1]);
    let mut long = Mask::new_filled(200, 100).unwrap();
    let clear = long.fill_rect(IRect::new([0, 0], [200, 81]), false);
    assert_eq!(clear, IRect::new([0, 0], [200, 81]));
    long.fill_rect(IRect::new([0, 81], [184, 82]), false);
    assert_eq!(long.encode_rle()[8..], [0, 0x80, 0x80, 1, 0xa0, 0x1c]);
}

#[test]
fn old_data_without_a_header_is_1024_square() {
    assert_eq!(
        Mask::decode_rle(&[]).unwrap(),
        Mask::new(1024, 1024).unwrap()
    );
    let old = Mask::decode_rle(&[1, 3, 2, 4]).unwrap();
    assert_eq!((old.size_px(), old.count()), ([1024, 1024], 7));
    assert!(old.get(2, 0) && !old.get(3, 0) && old.get(8, 0) && !old.get(9, 0));
    // A header that names a size beyond the limit is none: nothing of that size is made.
    let mut hostile = 60_000u32.to_le_bytes().to_vec();
    hostile.extend(60_000u32.to_le_bytes());
    hostile.extend([1, 5]);
    assert_eq!(Mask::decode_rle(&hostile).unwrap().size_px(), [1024, 1024]);
}

#[test]
fn damaged_data_is_named() {
    let header = [4, 0, 0, 0, 2, 0, 0, 0, 1];
    let with = |tail: &[u8]| [&header[..], tail].concat();
    assert_eq!(
        Mask::decode_rle(&with(&[0xff, 0xff, 0xff, 0xff, 0x10])),
        Err(MaskError::RunTooLong { at: 9 })
    );
    assert_eq!(
        Mask::decode_rle(&with(&[1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01])),
        Err(MaskError::RunTooLong { at: 10 })
    );
    assert_eq!(
        Mask::decode_rle(&with(&[1, 0x80])),
        Err(MaskError::Truncated)
    );
    // Longer than the mask, but a run that a reader of 32 bits has: cut.
    let full = Mask::decode_rle(&with(&[0xff, 0xff, 0xff, 0xff, 0x0f])).unwrap();
    assert_eq!(full.count(), 8);
    // What the data does not reach is clear.
    assert_eq!(Mask::decode_rle(&with(&[3])).unwrap().count(), 3);
}

#[test]
fn filling_tells_what_changed() {
    let mut mask = Mask::new(130, 10).unwrap();
    let rect = IRect::new([60, 2], [129, 5]);
    assert_eq!(mask.fill_rect(rect, true), rect);
    assert_eq!(mask.fill_rect(rect, true), IRect::EMPTY);
    let wider = IRect::new([50, 4], [129, 5]);
    assert_eq!(mask.fill_rect(wider, true), IRect::new([50, 4], [60, 5]));
    assert_eq!(mask.bounds(), IRect::new([50, 2], [129, 5]));
    assert_eq!(mask.fill(true), mask.rect());
    assert_eq!(mask.count(), 1300);
    assert_eq!(mask.fill(false), mask.rect());
    assert!(mask.is_clear());
}

#[test]
fn what_lies_outside_is_not_set() {
    let mask = Mask::new_filled(70, 5).unwrap();
    assert!(mask.all_set_in(mask.rect()));
    assert!(!mask.all_set_in(IRect::new([60, 0], [71, 5])));
    assert!(mask.all_set_in(IRect::EMPTY));
    assert!(!mask.any_set_in(IRect::new([70, 0], [80, 5])));
    assert!(mask.any_set_in(IRect::new([-5, -5], [1, 1])));
    assert!(!mask.get(70, 0) && !mask.get(0, 5));
}

#[test]
fn sizes_must_agree_to_combine() {
    let mut a = Mask::new(10, 10).unwrap();
    let b = Mask::new(10, 11).unwrap();
    assert!(matches!(a.or(&b), Err(MaskError::SizesDiffer { .. })));
}

#[test]
fn resampling_takes_the_nearest_pixel() {
    let mut small = Mask::new(2, 2).unwrap();
    small.set(1, 0, true);
    let big = small.resampled(200, 100).unwrap();
    assert_eq!(big.bounds(), IRect::new([100, 0], [200, 50]));
    assert_eq!(big.count(), 5000);
    assert_eq!(big.resampled(2, 2).unwrap(), small);
    assert_eq!(small.resampled(2, 2).unwrap(), small);
}

proptest! {
    #[test]
    fn encoding_equals_the_naive_one((w, h, pixels) in any_mask()) {
        let mask = mask_of(w, h, &pixels);
        let bytes = mask.encode_rle();
        prop_assert_eq!(&bytes, &naive_encode(w, h, &pixels));
        prop_assert_eq!(Mask::decode_rle(&bytes).unwrap(), mask);
    }

    #[test]
    fn any_bytes_decode_as_the_naive_reader_has_them(
        size in prop::option::weighted(0.97, (1u32..300, 1u32..40)),
        tail in prop::collection::vec(prop_oneof![0u8..6, any::<u8>()], 0..80),
    ) {
        let mut bytes = Vec::new();
        if let Some((w, h)) = size {
            bytes.extend(w.to_le_bytes());
            bytes.extend(h.to_le_bytes());
        }
        bytes.extend(&tail);
        match (Mask::decode_rle(&bytes), naive_decode(&bytes)) {
            (Ok(mask), Some((w, h, pixels))) => {
                prop_assert_eq!(mask.size_px(), [w, h]);
                prop_assert!(pixels_of(&mask) == pixels);
                let again = Mask::decode_rle(&mask.encode_rle()).unwrap();
                prop_assert_eq!(again, mask);
            }
            (Err(_), None) => {}
            (ours, naive) => prop_assert!(false, "{:?} but naive {}", ours, naive.is_some()),
        }
    }

    #[test]
    fn rectangles_count_as_pixels_do((w, h, pixels) in any_mask(), rect in any_rect()) {
        let mask = mask_of(w, h, &pixels);
        let inside = rect.intersection(&mask.rect());
        let set = (0..h)
            .flat_map(|y| (0..w).map(move |x| (x, y)))
            .filter(|&(x, y)| inside.contains(x as i32, y as i32) && mask.get(x, y))
            .count() as u64;
        prop_assert_eq!(mask.count_in(rect), set);
        prop_assert_eq!(mask.any_set_in(rect), set > 0);
        prop_assert_eq!(mask.all_set_in(rect), rect.is_empty() || set == rect.area());

        let mut bytes = vec![7; 3];
        prop_assert_eq!(mask.to_r8(rect, &mut bytes), inside);
        let expected: Vec<u8> = (inside.min[1]..inside.max[1])
            .flat_map(|y| (inside.min[0]..inside.max[0]).map(move |x| (x, y)))
            .map(|(x, y)| if mask.get(x as u32, y as u32) { 255 } else { 0 })
            .collect();
        prop_assert_eq!(bytes, expected);
    }

    #[test]
    fn combining_works_by_pixel_and_tells_what_changed(
        (w, h, a) in any_mask(),
        runs in prop::collection::vec(1usize..90, 1..40),
    ) {
        let mut b: Vec<bool> = runs
            .iter()
            .enumerate()
            .flat_map(|(i, &n)| std::iter::repeat_n(i % 2 == 0, n))
            .collect();
        b.resize(a.len(), false);
        let (old, other) = (mask_of(w, h, &a), mask_of(w, h, &b));
        type Combine = fn(&mut Mask, &Mask) -> Result<IRect, MaskError>;
        type OfPixels = fn(bool, bool) -> bool;
        let ops: [(Combine, OfPixels); 3] = [
            (Mask::or, |a, b| a | b),
            (Mask::and_not, |a, b| a & !b),
            (Mask::xor, |a, b| a ^ b),
        ];
        for (op, pixel) in ops {
            let mut new = old.clone();
            let changed = op(&mut new, &other).unwrap();
            let expected: Vec<bool> = a.iter().zip(&b).map(|(&a, &b)| pixel(a, b)).collect();
            prop_assert_eq!(&new, &mask_of(w, h, &expected));
            prop_assert_eq!(changed, old.difference_bounds(&new).unwrap());
        }
    }

    #[test]
    fn bytes_in_bytes_out((w, h, pixels) in any_mask()) {
        let mask = mask_of(w, h, &pixels);
        let mut bytes = Vec::new();
        mask.to_r8(mask.rect(), &mut bytes);
        prop_assert_eq!(Mask::from_r8(w, h, &bytes).unwrap(), mask);
    }
}

//! What a user is promised of pictures.
#![expect(clippy::unwrap_used, reason = "tests")]

mod samples;

use std::io::Cursor;

use image::{ExtendedColorType, ImageEncoder as _};
use proptest::prelude::*;

use super::*;
use samples::*;

type Bytes = Cursor<Vec<u8>>;

fn open(bytes: &[u8]) -> Result<PictureReader<Bytes>, PictureError> {
    PictureReader::open(Cursor::new(bytes.to_vec()), &Limits::default())
}

fn read(bytes: &[u8]) -> Result<(PictureInfo, Vec<u8>), PictureError> {
    let mut reader = open(bytes)?;
    let mut pixels = Vec::new();
    reader.read_rows(5, |first, rows| {
        assert_eq!(first as usize * reader_stride(bytes), pixels.len());
        pixels.extend_from_slice(rows);
        Ok::<_, PictureError>(())
    })?;
    Ok((*reader.info(), pixels))
}

fn reader_stride(bytes: &[u8]) -> usize {
    open(bytes).unwrap().info().width as usize * 4
}

#[test]
fn every_format_is_known_by_its_content_and_read() {
    for &(name, format, ref bytes) in samples() {
        let (info, pixels) = read(bytes).map_err(|e| format!("{name}: {e}")).unwrap();
        assert_eq!(info.format, format, "{name}");
        if name == "interlaced png" {
            assert_eq!(pixels, [255, 0, 0, 255, 0, 0, 255, 255]);
            continue;
        }
        assert_eq!((info.width, info.height), (31, 23), "{name}");
        let expected = rgba_of_rgb(&rgb(31, 23));
        let lossless = matches!(
            format,
            PictureFormat::Png | PictureFormat::WebP | PictureFormat::Bmp | PictureFormat::Tiff
        );
        let allowed = match format {
            _ if lossless => 0,
            PictureFormat::Gif => 48,
            _ => 12,
        };
        let worst = pixels
            .iter()
            .zip(&expected)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(worst.unwrap() <= allowed, "{name}: {worst:?}");
        let row_wise = matches!(name, "png" | "jpeg");
        assert_eq!(info.row_wise, row_wise, "{name}");
    }
}

#[test]
fn a_plain_png_comes_out_bit_equal() {
    let noise: Vec<u8> = (0..40 * 30 * 4u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let png = png_with(
        40,
        30,
        png::ColorType::Rgba,
        png::BitDepth::Eight,
        &noise,
        |info| {
            // Written by many tools, meant by few.
            info.gama_chunk = Some(png::ScaledFloat::new(0.5));
        },
    );
    let (info, pixels) = read(&png).unwrap();
    assert_eq!(pixels, noise);
    assert!(info.has_alpha && info.row_wise && !info.has_icc);
}

#[test]
fn grey_palette_and_sixteen_bit_pngs_are_converted() {
    use png::{BitDepth, ColorType};
    let gray = png_with(
        4,
        1,
        ColorType::Grayscale,
        BitDepth::Two,
        &[0b00_01_10_11],
        |_| {},
    );
    let (_, pixels) = read(&gray).unwrap();
    assert_eq!(pixels[..8], [0, 0, 0, 255, 85, 85, 85, 255]);

    let indexed = png_with(2, 1, ColorType::Indexed, BitDepth::Eight, &[1, 0], |info| {
        info.palette = Some(vec![1, 2, 3, 9, 8, 7].into());
        info.trns = Some(vec![0].into());
    });
    let (info, pixels) = read(&indexed).unwrap();
    assert_eq!(pixels, [9, 8, 7, 255, 1, 2, 3, 0]);
    assert!(info.has_alpha);

    // 0x0180 is nearer to 1 than to 2 (1.494); 0x0181 rounds up (1.498 does not, 0x0182 does).
    let wide = [0x01, 0x80, 0x01, 0x83, 0xff, 0xff];
    let sixteen = png_with(1, 1, ColorType::Rgb, BitDepth::Sixteen, &wide, |_| {});
    let (_, pixels) = read(&sixteen).unwrap();
    assert_eq!(pixels, [1, 2, 255, 255]);
}

#[test]
fn a_profile_is_converted_and_an_srgb_one_changes_nothing() {
    let data = rgb(16, 16);
    let with_profile = |profile: &moxcms::ColorProfile| {
        let icc = profile.encode().unwrap();
        let png = png_with(
            16,
            16,
            png::ColorType::Rgb,
            png::BitDepth::Eight,
            &data,
            |info| {
                info.icc_profile = Some(icc.clone().into());
            },
        );
        let jpeg = jpeg_rgb(16, 16);
        let mut block = b"ICC_PROFILE\0\x01\x01".to_vec();
        block.extend_from_slice(&icc);
        (png, with_app(&jpeg, 2, &block), jpeg)
    };
    let (png, jpeg, plain_jpeg) = with_profile(&moxcms::ColorProfile::new_srgb());
    let (info, pixels) = read(&png).unwrap();
    assert!(info.has_icc);
    assert_eq!(pixels, rgba_of_rgb(&data));
    assert_eq!(read(&jpeg).unwrap().1, read(&plain_jpeg).unwrap().1);

    let (png, jpeg, plain_jpeg) = with_profile(&moxcms::ColorProfile::new_display_p3());
    assert_ne!(read(&png).unwrap().1, rgba_of_rgb(&data));
    assert_ne!(read(&jpeg).unwrap().1, read(&plain_jpeg).unwrap().1);

    // Full P3 red lies outside sRGB: it clips to full red; P3 grey is grey.
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let png = png_with(
        2,
        1,
        png::ColorType::Rgb,
        png::BitDepth::Eight,
        &[255, 0, 0, 128, 128, 128],
        |info| info.icc_profile = Some(icc.into()),
    );
    let (_, pixels) = read(&png).unwrap();
    assert_eq!(pixels[..4], [255, 0, 0, 255]);
    assert!(
        pixels[4..7].iter().all(|v| v.abs_diff(128) <= 1),
        "{pixels:?}"
    );
}

#[test]
fn a_broken_profile_is_passed_over() {
    let mut block = b"ICC_PROFILE\0\x01\x01".to_vec();
    block.extend_from_slice(&[7; 300]);
    let (info, pixels) = read(&with_app(&jpeg_rgb(16, 16), 2, &block)).unwrap();
    assert!(info.has_icc);
    assert_eq!(pixels, read(&jpeg_rgb(16, 16)).unwrap().1);
}

#[test]
fn orientation_is_applied_in_all_eight_cases() {
    let (w, h) = (24, 16);
    let upright = image::RgbaImage::from_raw(w, h, rgba_of_rgb(&rgb(w, h))).unwrap();
    for number in 1..=8 {
        let mut expected = image::DynamicImage::from(upright.clone());
        expected.apply_orientation(Orientation::from_exif(number).unwrap());
        let png = with_chunk(&png_rgb(w, h), *b"eXIf", &exif(number));
        let (info, pixels) = read(&png).unwrap();
        assert_eq!(info.orientation, number);
        assert_eq!(
            (info.width, info.height),
            (expected.width(), expected.height())
        );
        assert_eq!(pixels, expected.into_bytes(), "PNG {number}");

        let mut expected = image::DynamicImage::from(
            image::RgbaImage::from_raw(w, h, read(&jpeg_rgb(w, h)).unwrap().1).unwrap(),
        );
        expected.apply_orientation(Orientation::from_exif(number).unwrap());
        let mut block = b"Exif\0\0".to_vec();
        block.extend_from_slice(&exif(number));
        let (_, pixels) = read(&with_app(&jpeg_rgb(w, h), 1, &block)).unwrap();
        assert_eq!(pixels, expected.into_bytes(), "JPEG {number}");
    }
}

#[test]
fn webp_orientation_is_applied() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
    encoder.set_exif_metadata(exif(6)).unwrap();
    let data = rgb(5, 3);
    encoder
        .write_image(&data, 5, 3, ExtendedColorType::Rgb8)
        .unwrap();
    let (info, pixels) = read(&bytes).unwrap();
    assert_eq!((info.width, info.height, info.orientation), (3, 5, 6));
    // Turned right: the top left pixel was the bottom left one.
    assert_eq!(pixels[..3], data[2 * 15..2 * 15 + 3]);
}

#[test]
fn tiff_orientation_is_applied() {
    // Two pixels side by side, red and blue, uncompressed, tag 274 (orientation) = 6.
    let mut tiff = b"II*\0\x0e\0\0\0".to_vec();
    tiff.extend_from_slice(&[255, 0, 0, 0, 0, 255]);
    let tags: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, 2),
        (257, 4, 1, 1),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (274, 3, 1, 6),
        (277, 3, 1, 3),
        (279, 4, 1, 6),
    ];
    tiff.extend_from_slice(&(tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        tiff.extend_from_slice(&tag.to_le_bytes());
        tiff.extend_from_slice(&kind.to_le_bytes());
        tiff.extend_from_slice(&count.to_le_bytes());
        tiff.extend_from_slice(&value.to_le_bytes());
    }
    tiff.extend_from_slice(&[0; 4]);
    let (info, pixels) = read(&tiff).unwrap();
    assert_eq!((info.width, info.height, info.orientation), (1, 2, 6));
    assert_eq!(pixels, [255, 0, 0, 255, 0, 0, 255, 255]);
}

#[test]
fn jpegs_of_every_baseline_kind_come_row_by_row() {
    use mozjpeg::ColorSpace::{JCS_CMYK, JCS_GRAYSCALE, JCS_RGB};
    let data = rgb(33, 17);
    for (h, v) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
        let jpeg = jpeg_with(33, 17, JCS_RGB, &data, |e| {
            e.set_chroma_sampling_pixel_sizes((h, v), (h, v))
        });
        let (info, pixels) = read(&jpeg).unwrap();
        assert!(info.row_wise);
        let worst = pixels
            .iter()
            .zip(rgba_of_rgb(&data))
            .map(|(a, b)| a.abs_diff(b))
            .max();
        assert!(worst.unwrap() < 16, "{h}x{v}: {worst:?}");
    }
    let gray: Vec<u8> = (0..33 * 17u32).map(|i| (i % 33 * 7) as u8).collect();
    let (info, pixels) = read(&jpeg_with(33, 17, JCS_GRAYSCALE, &gray, |_| {})).unwrap();
    assert!(info.row_wise && pixels[0] == pixels[1] && pixels[1] == pixels[2]);

    // Inverted, as Adobe writes it: 255 is no ink. Pure cyan on the left, white on the right.
    let inks: Vec<u8> = (0..16 * 16u32)
        .flat_map(|i| {
            if i % 16 < 8 {
                [0, 255, 255, 255]
            } else {
                [255; 4]
            }
        })
        .collect();
    let jpeg = jpeg_with(16, 16, JCS_CMYK, &inks, |_| {});
    let (_, pixels) = read(&jpeg).unwrap();
    let near = |at: usize, to: [u8; 3]| {
        pixels[at..at + 3]
            .iter()
            .zip(to)
            .all(|(a, b)| a.abs_diff(b) < 10)
    };
    assert!(
        near(0, [0, 255, 255]) && near(15 * 4, [255; 3]),
        "{:?}",
        &pixels[..64]
    );
}

#[test]
fn a_jpeg_with_restart_intervals_is_read() {
    // The encoder does not write restart markers, so two pictures of one block each, coded with
    // the same tables, become one of two blocks with a restart between them.
    let coded = |width: u32, value: u8| {
        let gray = vec![value; width as usize * 8];
        let jpeg = jpeg_with(width, 8, mozjpeg::ColorSpace::JCS_GRAYSCALE, &gray, |e| {
            e.set_optimize_coding(false);
        });
        let scan = jpeg.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
        let (head, rest) = jpeg.split_at(scan);
        (
            head.to_vec(),
            rest[..10].to_vec(),
            rest[10..rest.len() - 2].to_vec(),
        )
    };
    let (mut jpeg, scan_head, _) = coded(16, 0);
    jpeg.extend_from_slice(&[0xff, 0xdd, 0, 4, 0, 1]);
    jpeg.extend_from_slice(&scan_head);
    jpeg.extend_from_slice(&coded(8, 100).2);
    jpeg.extend_from_slice(&[0xff, 0xd0]);
    jpeg.extend_from_slice(&coded(8, 200).2);
    jpeg.extend_from_slice(&[0xff, 0xd9]);
    let (info, pixels) = read(&jpeg).unwrap();
    assert!(info.row_wise);
    assert!(pixels[0].abs_diff(100) < 3 && pixels[15 * 4].abs_diff(200) < 3);
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    for &(name, format, ref bytes) in samples() {
        let ends = bytes.len().saturating_sub(20);
        for kept in (16..ends).step_by(11).chain(ends..bytes.len()) {
            match read(&bytes[..kept]) {
                Ok(_) => {
                    // Trailing bytes of a format that are no part of the picture may be missing.
                    let missing = bytes.len() - kept;
                    let allowed = match format {
                        PictureFormat::Gif => 8,
                        PictureFormat::WebP => 1,
                        _ => 0,
                    };
                    assert!(
                        missing <= allowed,
                        "{name} without its last {missing} bytes"
                    );
                }
                Err(e) => {
                    let said = e.to_string();
                    assert!(!said.contains('\n') && said.len() < 400, "{name}: {said}");
                }
            }
        }
        let half = &bytes[..bytes.len() / 2];
        let said = read(half).unwrap_err().to_string();
        assert!(said.contains("ends early"), "{name}: {said}");
    }
}

#[test]
fn sizes_are_refused_before_anything_is_allocated() {
    let mut png = png_rgb(4, 4);
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let said = open(&png).err().unwrap().to_string();
    assert!(
        said.contains("60000 × 60000") && said.contains("32768"),
        "{said}"
    );

    let mut jpeg = jpeg_rgb(16, 16);
    let sof = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    jpeg[sof + 5..sof + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    assert!(matches!(
        open(&jpeg),
        Err(PictureError::Size { width: 60_000, .. })
    ));

    let mut bmp = encode(image::ImageFormat::Bmp, 4, 4);
    bmp[18..26].copy_from_slice(&[0x60, 0xea, 0, 0, 0x60, 0xea, 0, 0]);
    assert!(matches!(open(&bmp), Err(PictureError::Size { .. })));

    let mut gif = encode(image::ImageFormat::Gif, 4, 4);
    gif[6..10].copy_from_slice(&[0x60, 0xea, 0x60, 0xea]);
    assert!(matches!(open(&gif), Err(PictureError::Size { .. })));
}

#[test]
fn a_huge_picture_of_next_to_no_bytes_is_not_opened() {
    let mut png = png_rgb(4, 4);
    png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let said = open(&png).err().unwrap().to_string();
    assert!(said.contains("30000 × 30000 pixels in 1 KiB"), "{said}");
    // A blank map of a size that people use is no bomb.
    png[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let crc = crc32fast::hash(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(open(&png).unwrap().info().width, 16_384);
}

#[test]
fn a_form_that_has_to_be_decoded_whole_is_limited_in_words() {
    let limits = Limits {
        whole_pixels: 1_000_000,
        ..Limits::default()
    };
    let webp = encode(image::ImageFormat::WebP, 1001, 1000);
    let said = PictureReader::open(Cursor::new(webp), &limits)
        .err()
        .unwrap()
        .to_string();
    assert!(
        said.contains("a WebP of 1001 × 1000") && said.contains("1 megapixel"),
        "{said}"
    );
    let progressive = jpeg_with(
        1001,
        1000,
        mozjpeg::ColorSpace::JCS_RGB,
        &rgb(1001, 1000),
        |e| {
            e.set_progressive_mode();
        },
    );
    let said = PictureReader::open(Cursor::new(progressive.clone()), &limits)
        .err()
        .unwrap()
        .to_string();
    assert!(said.contains("a progressive JPEG"), "{said}");

    // libjpeg's own memory for it is limited, too.
    let limits = Limits {
        whole_bytes: 1 << 20,
        ..Limits::default()
    };
    let refused = PictureReader::open(Cursor::new(progressive), &limits);
    assert!(matches!(refused, Err(PictureError::Memory { .. })));
}

#[test]
fn text_that_unpacks_without_end_is_passed_over() {
    // 40 MB of zeros in a compressed text block of 40 kB.
    let mut packed = Vec::new();
    {
        use std::io::Write as _;
        let data = vec![0u8; 1 << 20];
        let mut out = png::Encoder::new(&mut packed, 1 << 20, 40);
        out.set_color(png::ColorType::Grayscale);
        let mut writer = out.write_header().unwrap();
        let mut stream = writer.stream_writer().unwrap();
        for _ in 0..40 {
            stream.write_all(&data).unwrap();
        }
        stream.finish().unwrap();
    }
    let idat = packed.windows(4).position(|w| w == b"IDAT").unwrap();
    let mut text = b"bomb\0\0".to_vec();
    text.extend_from_slice(&packed[idat + 4..packed.len() - 16]);
    let png = with_chunk(&png_rgb(8, 8), *b"zTXt", &text);
    let (_, pixels) = read(&png).unwrap();
    assert_eq!(pixels, rgba_of_rgb(&rgb(8, 8)));
}

#[test]
fn what_is_no_picture_is_told_by_name_where_it_is_known() {
    assert!(matches!(open(b""), Err(PictureError::Empty)));
    let strangers: [(&[u8], &str); 4] = [
        (b"Hello, world, this is a text", "not a picture"),
        (b"%PDF-1.7 and more", "PDF"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"BMW makes cars, and this is a text", "not a picture"),
    ];
    for (bytes, word) in strangers {
        let said = open(bytes).err().unwrap().to_string();
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn unusual_jpegs_are_refused_in_words() {
    let jpeg = jpeg_rgb(16, 16);
    let sof = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    for (marker, word) in [(0xc9, "arithmetic"), (0xc3, "lossless")] {
        let mut odd = jpeg.clone();
        odd[sof + 1] = marker;
        let said = open(&odd).err().unwrap().to_string();
        assert!(said.contains(word), "{said}");
    }
    let mut odd = jpeg;
    odd[sof + 4] = 12;
    assert!(open(&odd).err().unwrap().to_string().contains("8 bits"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_change_of_any_file_gives_a_picture_or_a_sentence(
        which in 0usize..8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = samples()[which].2.clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let limits = Limits { max_side: 4096, whole_pixels: 1 << 20, whole_bytes: 16 << 20 };
        if let Ok(mut reader) = PictureReader::open(Cursor::new(bytes), &limits) {
            let info = *reader.info();
            if u64::from(info.width) * u64::from(info.height) <= 1 << 20 {
                let _ = reader.verify();
            }
        }
    }
}

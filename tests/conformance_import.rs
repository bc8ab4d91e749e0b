//! Real map files: their walls lie on their pictures' walls.
//!
//! Runs where `TABLEGLOW_SHARED` names the folder with the fixtures. Each map is also drawn with
//! its walls (red), object walls (orange), doors (green) and lights (yellow) over the picture,
//! into a temporary folder that the test names, for a person to look at.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that tells where it put its pictures"
)]

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use tableglow::cli::inspect_map::inspect_map;
use tableglow::import::picture::{Limits, PictureError, PictureReader};
use tableglow::import::plan::GridSource;
use tableglow::import::{ImportPlan, InputKind, open_map, sniff, uvtt};

/// What is known of one fixture.
struct Known {
    name: &'static str,
    /// Width, height, cell in pixels.
    picture: [u32; 3],
    format: &'static str,
    /// Walls, object walls, doors, lights.
    counts: [usize; 4],
    baked: bool,
    /// The picture shows the whole map, so all geometry lies in it.
    whole_map: bool,
}

const FIXTURES: [Known; 3] = [
    Known {
        name: "imagix-sampleMap.dd2vtt",
        picture: [2560, 2560, 256],
        format: "png",
        counts: [4, 1, 2, 2],
        baked: false,
        whole_map: true,
    },
    Known {
        name: "mimir-goblin-hideout.dd2vtt",
        picture: [2592, 1458, 54],
        format: "png",
        counts: [4, 0, 11, 2],
        baked: true,
        whole_map: true,
    },
    Known {
        name: "the-litch-and-his-tomb.dd2vtt",
        picture: [6144, 3456, 128],
        format: "webp",
        counts: [35, 0, 5, 2],
        baked: true,
        // Walls go on beyond the lower border.
        whole_map: false,
    },
];

fn shared() -> Option<PathBuf> {
    let path = std::env::var_os("TABLEGLOW_SHARED").map(PathBuf::from);
    if path.is_none() {
        eprintln!("TABLEGLOW_SHARED is not set: nothing to compare with");
    }
    path.map(|p| p.join("fixtures/uvtt"))
}

/// The picture's pixels, every `step`th of every `step`th row, and their size.
fn small_picture(bytes: impl std::io::Read + std::io::Seek, step: u32) -> image::RgbaImage {
    let mut reader = PictureReader::open(bytes, &Limits::default()).unwrap();
    let info = *reader.info();
    let (width, height) = (info.width / step, info.height / step);
    let mut picture = image::RgbaImage::new(width, height);
    let mut row = vec![0; info.width as usize * 4];
    let mut y = 0;
    while reader.next_row(&mut row).unwrap() {
        if y % step == 0 && y / step < height {
            for x in 0..width {
                let at = (x * step) as usize * 4;
                let pixel = [row[at], row[at + 1], row[at + 2], 255];
                picture.put_pixel(x, y / step, image::Rgba(pixel));
            }
        }
        y += 1;
    }
    picture
}

fn line(picture: &mut image::RgbaImage, a: [f64; 2], b: [f64; 2], step: u32, color: [u8; 3]) {
    let scale = 1.0 / f64::from(step);
    let length = (b[0] - a[0]).hypot(b[1] - a[1]) * scale;
    let steps = length.ceil().max(1.0) as u32;
    for i in 0..=steps {
        let t = f64::from(i) / f64::from(steps);
        let x = ((b[0] - a[0]).mul_add(t, a[0]) * scale) as i64;
        let y = ((b[1] - a[1]).mul_add(t, a[1]) * scale) as i64;
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let (Ok(x), Ok(y)) = (u32::try_from(x + dx), u32::try_from(y + dy)) else {
                continue;
            };
            if x < picture.width() && y < picture.height() {
                let [r, g, b] = color;
                picture.put_pixel(x, y, image::Rgba([r, g, b, 255]));
            }
        }
    }
}

fn draw(plan: &ImportPlan, picture: &mut image::RgbaImage, step: u32, to: &Path) {
    let polylines = [
        (&plan.walls, [255, 0, 0]),
        (&plan.object_walls, [255, 140, 0]),
    ];
    for (walls, color) in polylines {
        for pair in walls.iter().flat_map(|wall| wall.windows(2)) {
            line(picture, pair[0], pair[1], step, color);
        }
    }
    for door in &plan.doors {
        line(picture, door.a, door.b, step, [0, 255, 0]);
    }
    for light in &plan.lights {
        let r = 10.0 * f64::from(step);
        line(
            picture,
            [light.x - r, light.y],
            [light.x + r, light.y],
            step,
            [255, 255, 0],
        );
        line(
            picture,
            [light.x, light.y - r],
            [light.x, light.y + r],
            step,
            [255, 255, 0],
        );
    }
    picture.save(to).unwrap();
}

/// How much the picture changes along the walls, against places a third of a cell beside them:
/// a wall is drawn there, so it differs from the floor.
fn contrast_at_walls(plan: &ImportPlan, picture: &image::RgbaImage, step: u32) -> (f64, f64) {
    let cell = plan.grid.unwrap().cell_px;
    let luma = |p: [f64; 2]| {
        let (x, y) = (p[0] / f64::from(step), p[1] / f64::from(step));
        let inside = x >= 1.0
            && y >= 1.0
            && x < f64::from(picture.width() - 1)
            && y < f64::from(picture.height() - 1);
        inside.then(|| {
            let [r, g, b, _] = picture.get_pixel(x as u32, y as u32).0;
            f64::from(r) * 0.3 + f64::from(g) * 0.59 + f64::from(b) * 0.11
        })
    };
    // The step in brightness across a line, from `offset` cells on.
    let across = |offset: f64| {
        let (mut sum, mut count) = (0.0, 0.0);
        for pair in plan.walls.iter().flat_map(|wall| wall.windows(2)) {
            let (a, b) = (pair[0], pair[1]);
            let length = (b[0] - a[0]).hypot(b[1] - a[1]);
            let normal = [(a[1] - b[1]) / length, (b[0] - a[0]) / length];
            let steps = (length / cell * 4.0).ceil() as u32;
            for i in 0..=steps {
                let t = f64::from(i) / f64::from(steps.max(1));
                let at = |side: f64| {
                    let away = (offset + side * 0.12) * cell;
                    [
                        (b[0] - a[0]).mul_add(t, a[0]) + normal[0] * away,
                        (b[1] - a[1]).mul_add(t, a[1]) + normal[1] * away,
                    ]
                };
                if let (Some(left), Some(middle), Some(right)) =
                    (luma(at(-1.0)), luma(at(0.0)), luma(at(1.0)))
                {
                    sum += (left - middle).abs() + (right - middle).abs();
                    count += 1.0;
                }
            }
        }
        sum / f64::max(count, 1.0)
    };
    (across(0.0), f64::midpoint(across(0.45), across(-0.45)))
}

#[test]
fn walls_lie_on_the_pictures_walls() {
    let Some(folder) = shared() else { return };
    let out = std::env::temp_dir().join("tableglow-overlays");
    std::fs::create_dir_all(&out).unwrap();
    for known in FIXTURES {
        let path = folder.join(known.name);
        let mut file = File::open(&path).unwrap();
        assert_eq!(sniff(&mut file).unwrap(), InputKind::UniversalVtt);
        let spool = Cursor::new(Vec::new());
        let opened = open_map(known.name, file, spool, &Limits::default()).unwrap();
        let plan = opened.plan;

        let picture = plan.picture.unwrap();
        let grid = plan.grid.unwrap();
        let [width, height, cell] = known.picture;
        assert_eq!([picture.width, picture.height], [width, height]);
        assert_eq!(picture.format.id(), known.format);
        assert_eq!(grid.source, GridSource::File);
        assert_eq!(
            [grid.cell_px, grid.columns, grid.rows],
            [cell, width / cell, height / cell].map(f64::from)
        );
        let counts = [
            plan.walls.len(),
            plan.object_walls.len(),
            plan.doors.len(),
            plan.lights.len(),
        ];
        assert_eq!(counts, known.counts, "{}", known.name);
        assert_eq!(plan.baked_lighting, known.baked);
        assert!(plan.lights.iter().all(|light| light.enabled != known.baked));
        if known.whole_map {
            let inside = |p: &[f64; 2]| {
                p[0] >= -0.5
                    && p[1] >= -0.5
                    && p[0] <= f64::from(width) + 0.5
                    && p[1] <= f64::from(height) + 0.5
            };
            assert!(plan.walls.iter().flatten().all(inside), "{}", known.name);
        }

        let step = (width / 1400).max(1);
        let mut small = small_picture(opened.picture.unwrap(), step);
        let (on, beside) = contrast_at_walls(&plan, &small, step);
        let to = out.join(format!("{}.png", known.name));
        draw(&plan, &mut small, step, &to);
        eprintln!(
            "{}: contrast across walls {on:.1}, beside them {beside:.1}; look at {}",
            known.name,
            to.display()
        );
        for text in plan.report.texts() {
            eprintln!("  {text}");
        }
        assert!(on > beside, "{}: {on} against {beside}", known.name);
    }
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let Some(folder) = shared() else { return };
    for known in FIXTURES {
        let file = File::open(folder.join(known.name)).unwrap();
        let spool = Cursor::new(Vec::new());
        let mut first = open_map(known.name, file, spool, &Limits::default()).unwrap();
        let mut written = Vec::new();
        let document = first.plan.to_uvtt();
        let bytes: &mut dyn std::io::Read = &mut first.picture.as_mut().unwrap();
        uvtt::write(&document, Some(bytes), &mut written).unwrap();
        let spool = Cursor::new(Vec::new());
        let again = open_map(known.name, Cursor::new(written), spool, &Limits::default()).unwrap();
        assert_eq!(again.plan.picture, first.plan.picture);
        assert_eq!(again.plan.grid, first.plan.grid);
        let (walls, before) = (&again.plan.walls, &first.plan.walls);
        assert_eq!(walls.len(), before.len());
        for (a, b) in walls.iter().flatten().zip(before.iter().flatten()) {
            assert!((a[0] - b[0]).hypot(a[1] - b[1]) < 1e-6, "{a:?} {b:?}");
        }
        assert_eq!(again.plan.doors.len(), first.plan.doors.len());
        assert_eq!(again.plan.lights.len(), first.plan.lights.len());
    }
}

#[test]
fn inspect_tells_real_files_and_cut_ones() {
    let Some(folder) = shared() else { return };
    let known = &FIXTURES[0];
    let bytes = std::fs::read(folder.join(known.name)).unwrap();
    let inspect = |bytes: &[u8]| {
        let source = Cursor::new(bytes.to_vec());
        inspect_map(
            known.name,
            source,
            Cursor::new(Vec::new()),
            &Limits::default(),
        )
    };
    let json = inspect(&bytes).unwrap();
    assert_eq!(json["kind"], "map");
    assert_eq!(json["format"], 0.3);
    assert_eq!(json["grid"]["cellPx"], 256);
    // (7, 2) cells with the crop's origin at (2, 1).
    assert_eq!(json["walls"][0][0], serde_json::json!([1280, 256]));
    assert_eq!(json["lights"][0]["color"], "#eccd8b");
    let cut = inspect(&bytes[..bytes.len() / 2]).unwrap_err();
    assert!(cut.to_string().contains("ends early"), "{cut}");
    let not_even_json = PictureReader::open(Cursor::new(b"{".to_vec()), &Limits::default());
    assert!(matches!(
        not_even_json,
        Err(PictureError::NotAPicture { .. })
    ));
}

//! What must hold of any picture.

use glam::{DAffine2, DVec2};
use tableglow::model::{marker, scene};
use tableglow::render::{Frame, LayerSet, Phase, SceneInput};
use tableglow::scene::player::PlayerScene;

use super::support::{MemoryPictures, SceneBuilder, pixel, render, set};

/// Every pixel of its own colour.
fn unlike(x: u32, y: u32) -> [u8; 4] {
    [x as u8, y as u8, (x / 256 * 16 + y / 256) as u8 ^ 0x5a, 255]
}

#[test]
fn a_map_at_its_own_size_is_its_file_bit_by_bit() {
    for (width, height) in [(1, 1), (255, 33), (256, 256), (257, 513), (770, 531)] {
        let mut pictures = MemoryPictures::default();
        let picture = pictures.add("map", width, height, unlike);
        let scene = SceneBuilder::new([1920, 1080], 50.0)
            .map(&picture, 17.0)
            .build();
        let input = SceneInput::Dm(&scene);
        let mut frame = Frame::of_map(input, [width, height]).expect("a map");
        frame.layers = LayerSet::of(&[Phase::Map]);
        let drawn = render(&frame, &pictures);
        assert!(drawn.rgba == pictures.rgba(&picture), "{width} x {height}");
        frame.layers = LayerSet::all().without(Phase::Grid);
        let drawn = render(&frame, &pictures);
        assert!(
            drawn.rgba == pictures.rgba(&picture),
            "{width} x {height}, all layers"
        );
    }
}

#[test]
fn a_translucent_map_alone_keeps_its_alpha() {
    let mut pictures = MemoryPictures::default();
    let picture = pictures.add("map", 300, 270, |x, y| {
        let [r, g, b, _] = unlike(x, y);
        [r, g, b, (x + y) as u8]
    });
    let scene = SceneBuilder::new([640, 480], 50.0)
        .map(&picture, 0.0)
        .build();
    let mut frame = Frame::of_map(SceneInput::Dm(&scene), [300, 270]).expect("a map");
    frame.layers = LayerSet::of(&[Phase::Map]);
    assert!(render(&frame, &pictures).rgba == pictures.rgba(&picture));
    // Over its background it is opaque.
    frame.layers = LayerSet::of(&[Phase::Background, Phase::Map]);
    let over = render(&frame, &pictures);
    assert!(over.rgba.chunks_exact(4).all(|p| p[3] == 255));
    assert_eq!(pixel(&over, 0, 0), [0x20, 0x24, 0x2c, 255]);
}

#[test]
fn a_map_shown_one_to_one_on_the_display_is_exact_even_when_centred_on_half_pixels() {
    let mut pictures = MemoryPictures::default();
    let picture = pictures.add("map", 301, 201, unlike);
    let scene = SceneBuilder::new([400, 300], 50.0)
        .map(&picture, 0.0)
        .placed(|p| p.zoom = 1.0)
        .build();
    let drawn = render(
        &Frame::of_display(SceneInput::Dm(&scene), [400, 300]),
        &pictures,
    );
    let at = |x: u32, y: u32| pixel(&drawn, x, y);
    let (left, top) = (0..400)
        .flat_map(|x| (0..300).map(move |y| (x, y)))
        .find(|&(x, y)| at(x, y) == unlike(0, 0))
        .expect("the map's corner");
    for y in 0..201 {
        for x in 0..301 {
            assert_eq!(at(left + x, top + y), unlike(x, y), "{x} {y}");
        }
    }
}

#[test]
fn tiles_meet_without_a_seam_at_any_zoom() {
    let mut pictures = MemoryPictures::default();
    // Smooth, so that any seam is a step.
    let picture = pictures.add("map", 1100, 800, |x, y| {
        [(x * 255 / 1100) as u8, (y * 255 / 800) as u8, 128, 255]
    });
    let scene = SceneBuilder::new([1100, 800], 50.0)
        .map(&picture, 0.0)
        .build();
    for (zoom, angle) in [(0.731, 0.0), (1.37, 0.0), (2.9, 0.31), (0.41, 1.1)] {
        let mut frame = Frame::of_display(SceneInput::Dm(&scene), [200, 150]);
        frame.clip_to_display = false;
        frame.layers = LayerSet::of(&[Phase::Background, Phase::Map]);
        frame.px_from_world = DAffine2::from_translation(DVec2::new(100.3, 75.7))
            * DAffine2::from_angle(angle)
            * DAffine2::from_scale(DVec2::new(zoom, -zoom));
        let drawn = render(&frame, &pictures);
        for y in 1..150 {
            for x in 1..200 {
                let here = pixel(&drawn, x, y);
                for before in [pixel(&drawn, x - 1, y), pixel(&drawn, x, y - 1)] {
                    let step = (0..3).map(|c| here[c].abs_diff(before[c])).max();
                    assert!(
                        step <= Some(3),
                        "zoom {zoom}: {before:?} {here:?} at {x} {y}"
                    );
                }
            }
        }
    }
}

#[test]
fn players_see_nothing_of_what_is_hidden() {
    let mut pictures = MemoryPictures::default();
    let picture = pictures.add("map", 400, 300, |_, _| [90, 90, 90, 255]);
    let magenta = |visibility: i64| {
        move |m: tableglow::model::row::Row| {
            let m = set(&m, marker::VISIBILITY, visibility);
            let m = set(&m, marker::SHAPE_COLOR, "#ff00ff");
            set(&set(&m, marker::LABEL, "X"), marker::SIZE, 2)
        }
    };
    let scene = SceneBuilder::new([400, 300], 40.0)
        .map(&picture, 0.0)
        .set(scene::FOG_OF_WAR_OPACITY_PLAYER, 0.5)
        .set(scene::MARKER_STROKE_COLOR, "#ff00ff")
        .set(scene::MARKER_TEXT_COLOR, "#ff00ff")
        .set(scene::MARKER_TEXT_STROKE_COLOR, "#ff00ff")
        .fog([400, 300], |x, _| x >= 200)
        .marker(-100.0, 0.0, magenta(marker::VISIBLE_TO_DM))
        .marker(120.0, 0.0, magenta(marker::VISIBLE_TO_EVERYONE))
        // Half in the fog: the other half shows.
        .marker(0.0, 80.0, magenta(marker::VISIBLE_TO_EVERYONE))
        .build();
    let player = PlayerScene::of(&scene);
    let is_magenta = |p: [u8; 4]| i32::from(p[0]) - i32::from(p[1]) > 24;
    for layers in [LayerSet::all(), LayerSet::all().without(Phase::FogOfWar)] {
        let mut frame = Frame::of_display(SceneInput::Player(&player), [400, 300]);
        frame.layers = layers;
        let drawn = render(&frame, &pictures);
        let mut seen = 0;
        for y in 0..300 {
            for x in 0..400 {
                if is_magenta(pixel(&drawn, x, y)) {
                    assert!(
                        x < 200 && (32..108).contains(&y),
                        "a hidden token at {x} {y}"
                    );
                    seen += 1;
                }
            }
        }
        assert!(
            seen > 500,
            "the revealed half of a token shows ({seen} pixels)"
        );
    }
    let dm = render(
        &Frame::of_display(SceneInput::Dm(&scene), [400, 300]),
        &pictures,
    );
    assert!(
        is_magenta(pixel(&dm, 100, 130)),
        "the DM sees the hidden token"
    );
}

#[test]
fn fog_never_covers_a_revealed_pixel_and_hides_deep_ones() {
    let mut pictures = MemoryPictures::default();
    let picture = pictures.add("map", 400, 300, |_, _| [90, 140, 90, 255]);
    let scene = SceneBuilder::new([400, 300], 40.0)
        .map(&picture, 0.0)
        .set(scene::FOG_OF_WAR_OPACITY_PLAYER, 1.0)
        .fog([400, 300], |x, y| x >= 200 && y >= 50)
        .build();
    let player = PlayerScene::of(&scene);
    for size in [[400, 300], [800, 600]] {
        let mut frame = Frame::of_display(SceneInput::Player(&player), size);
        frame.layers = LayerSet::all().without(Phase::Grid);
        let drawn = render(&frame, &pictures);
        let scale = size[0] / 400;
        for y in 0..size[1] {
            for x in 0..size[0] {
                let p = pixel(&drawn, x, y);
                let revealed = x / scale < 200 || y / scale < 50;
                let deep = x / scale >= 215 && y / scale >= 65;
                if revealed {
                    assert_eq!(p, [90, 140, 90, 255], "{x} {y}");
                }
                if deep {
                    assert!(p[0].abs_diff(p[1]) < 8, "the map shows at {x} {y}: {p:?}");
                }
            }
        }
    }
}

#[test]
fn a_scene_without_a_mask_is_all_fog_and_one_without_a_map_has_none() {
    let mut pictures = MemoryPictures::default();
    let picture = pictures.add("map", 400, 300, |_, _| [0, 255, 0, 255]);
    let mut fogged = SceneBuilder::new([400, 300], 40.0)
        .map(&picture, 0.0)
        .set(scene::FOG_OF_WAR_OPACITY_PLAYER, 1.0);
    fogged.fog = tableglow::scene::snapshot::Fog::Full;
    let player = PlayerScene::of(&fogged.build());
    let drawn = render(
        &Frame::of_display(SceneInput::Player(&player), [200, 150]),
        &pictures,
    );
    assert!(drawn.rgba.chunks_exact(4).all(|p| p[1].abs_diff(p[0]) < 8));

    let mapless = PlayerScene::of(&SceneBuilder::new([400, 300], 40.0).build());
    let drawn = render(
        &Frame::of_display(SceneInput::Player(&mapless), [200, 150]),
        &pictures,
    );
    assert_eq!(pixel(&drawn, 100, 75), [0x20, 0x24, 0x2c, 255]);
}

#[test]
fn players_see_only_black_around_the_display() {
    let mut pictures = MemoryPictures::default();
    let picture = pictures.add("map", 800, 800, |_, _| [200, 0, 0, 255]);
    let scene = SceneBuilder::new([400, 200], 40.0)
        .map(&picture, 0.0)
        .placed(|p| p.zoom = 1.0)
        .build();
    let player = PlayerScene::of(&scene);
    let drawn = render(
        &Frame::of_display(SceneInput::Player(&player), [200, 200]),
        &pictures,
    );
    assert_eq!(pixel(&drawn, 100, 20), [0, 0, 0, 255]);
    assert_eq!(pixel(&drawn, 100, 100), [200, 0, 0, 255]);
}

#[test]
fn grid_lines_are_there_at_every_zoom() {
    let pictures = MemoryPictures::default();
    let scene = SceneBuilder::new([1920, 1080], 55.0)
        .set(scene::GRID_OPACITY, 1.0)
        .set(scene::GRID_SHADOW_OPACITY, 0.0)
        .set(scene::GRID_LINE_COLOR, "#ffffff")
        .set(scene::BACKGROUND_COLOR, "#000000")
        .build();
    for zoom in [0.2, 0.37, 0.5, 1.0, 1.73, 4.0] {
        let mut frame = Frame::of_display(SceneInput::Dm(&scene), [192, 108]);
        frame.clip_to_display = false;
        frame.px_from_world = DAffine2::from_translation(DVec2::new(96.2, 54.4))
            * DAffine2::from_scale(DVec2::new(zoom, -zoom));
        let drawn = render(&frame, &pictures);
        // Along a row through a cell's middle each line adds up to one pixel of white.
        let cell_px = 55.0 * zoom;
        let y = (0..108).find(|&y| {
            let cell = (f64::from(y) + 0.5 - 54.4) / cell_px;
            let from_line = (cell * 2.0).fract().abs();
            (0.3..0.7).contains(&from_line) && (cell - cell.round()).abs() > 0.2
        });
        let Some(y) = y else { continue };
        let light: u32 = (0..192).map(|x| u32::from(pixel(&drawn, x, y)[0])).sum();
        let lines = 192.0 / cell_px;
        let per_line = f64::from(light) / 255.0 / lines;
        assert!(
            (0.5..1.6).contains(&per_line),
            "zoom {zoom}: {per_line} pixels a line"
        );
    }
}

//! One golden picture for each idea. Small; drawn in software.

use glam::{DAffine2, DVec2};
use tableglow::geom::grid::{GridMode, GridShape};
use tableglow::model::{annotation, light, marker, scene};
use tableglow::render::{Frame, LayerSet, Phase, SceneInput};
use tableglow::scene::picture::PictureInfo;
use tableglow::scene::player::PlayerScene;
use tableglow::scene::snapshot::SceneSnapshot;

use super::support::{
    MemoryPictures, SceneBuilder, assert_golden, mask, render_alone as render, set,
};

const SIZE: [u32; 2] = [240, 135];

/// A map with flagstones, a lake and a bright corner, 480 by 270.
fn town(pictures: &mut MemoryPictures) -> PictureInfo {
    pictures.add("town", 480, 270, |x, y| {
        let stone = if (x / 30 + y / 30) % 2 == 0 { 12 } else { 0 };
        let lake = (f64::from(x) - 360.0).hypot(f64::from(y) - 90.0) < 55.0;
        let shade = (x * 60 / 480) as u8;
        if lake {
            [40, 90 + shade / 2, 150, 255]
        } else {
            [
                96 + shade + stone,
                84 + stone + (y / 9) as u8,
                62 + stone,
                255,
            ]
        }
    })
}

fn base(pictures: &mut MemoryPictures) -> SceneBuilder {
    let map = town(pictures);
    SceneBuilder::new([480, 270], 30.0).map(&map, 0.0)
}

fn dm(scene: &SceneSnapshot) -> Frame<'_> {
    Frame::of_display(SceneInput::Dm(scene), SIZE)
}

#[test]
fn map_fitted_and_turned() {
    let mut pictures = MemoryPictures::default();
    let scene = base(&mut pictures).build();
    assert_golden("map", &render(&dm(&scene), &pictures));
    let map = town(&mut pictures);
    let turned = SceneBuilder::new([480, 270], 30.0)
        .map(&map, 33.0)
        .placed(|p| p.offset_world = DVec2::new(20.0, -10.0))
        .build();
    assert_golden("map_turned", &render(&dm(&turned), &pictures));
}

#[test]
fn grids() {
    let mut pictures = MemoryPictures::default();
    let lined = |pictures: &mut MemoryPictures| base(pictures).set(scene::GRID_OPACITY, 0.8);
    let square = lined(&mut pictures).build();
    assert_golden("grid_square", &render(&dm(&square), &pictures));

    let mut pointy = lined(&mut pictures);
    pointy.shape = GridShape::HexPointy;
    assert_golden("grid_hex_pointy", &render(&dm(&pointy.build()), &pictures));

    let mut flat = lined(&mut pictures).set(scene::GRID_LINE_THICKNESS, 6.0);
    flat.shape = GridShape::HexFlat;
    assert_golden("grid_hex_flat", &render(&dm(&flat.build()), &pictures));

    let map = town(&mut pictures);
    let mut on_map = SceneBuilder::new([480, 270], 30.0)
        .map(&map, 90.0)
        .set(scene::GRID_OPACITY, 1.0)
        .set(scene::GRID_LINE_COLOR, "#f0d020");
    on_map.mode = GridMode::MapDefined;
    on_map.map_cells = Some([8, 5]);
    assert_golden(
        "grid_on_turned_map",
        &render(&dm(&on_map.build()), &pictures),
    );
}

#[test]
fn the_camera_turns_and_zooms() {
    let mut pictures = MemoryPictures::default();
    let scene = base(&mut pictures)
        .set(scene::GRID_OPACITY, 0.9)
        .marker(0.0, 0.0, |m| set(&m, marker::LABEL, "Up"))
        .marker(60.0, 30.0, |m| {
            set(&set(&m, marker::LABEL, "A1"), marker::SHAPE, 2)
        })
        .build();
    let mut frame = dm(&scene);
    frame.clip_to_display = false;
    frame.px_from_world = DAffine2::from_translation(DVec2::new(120.0, 67.0))
        * DAffine2::from_angle(0.5)
        * DAffine2::from_scale(DVec2::new(1.4, -1.4));
    assert_golden("camera_turned", &render(&frame, &pictures));
}

#[test]
fn high_density_screens() {
    let mut pictures = MemoryPictures::default();
    let scene = base(&mut pictures)
        .set(scene::GRID_OPACITY, 0.9)
        .marker(-60.0, 0.0, |m| set(&m, marker::LABEL, "Hi"))
        .build();
    let mut frame = Frame::of_display(SceneInput::Dm(&scene), [320, 180]);
    frame.pixels_per_point = 2.0;
    assert_golden("hidpi", &render(&frame, &pictures));
}

#[test]
fn fog_of_war() {
    let mut pictures = MemoryPictures::default();
    let room = |x: u32, y: u32| {
        let open = (60..230).contains(&x) && (50..200).contains(&y);
        let cave = (f64::from(x) - 330.0).hypot(f64::from(y) - 140.0) < 75.0;
        !(open || cave)
    };
    let scene = base(&mut pictures).fog([480, 270], room).build();
    assert_golden("fog_dm", &render(&dm(&scene), &pictures));
    let player = PlayerScene::of(&scene);
    let frame = Frame::of_display(SceneInput::Player(&player), SIZE);
    assert_golden("fog_player", &render(&frame, &pictures));

    let green = base(&mut pictures)
        .fog([480, 270], room)
        .set(scene::FOG_OF_WAR_COLOR, "#4a7050")
        .set(scene::FOG_OF_WAR_OPACITY_PLAYER, 1.0)
        .build();
    let player = PlayerScene::of(&green);
    let mut frame = Frame::of_display(SceneInput::Player(&player), SIZE);
    frame.time = Some(std::time::Duration::from_secs(20));
    assert_golden("fog_moved", &render(&frame, &pictures));
}

#[test]
fn markers() {
    let mut pictures = MemoryPictures::default();
    let face = pictures.add("face", 300, 200, |x, y| {
        let eye = [120.0, 180.0]
            .iter()
            .any(|ex| (f64::from(x) - ex).hypot(f64::from(y) - 80.0) < 14.0);
        let mouth = (110..190).contains(&x) && (130..144).contains(&y);
        match (eye || mouth, x < 50) {
            (true, _) => [30, 20, 20, 255],
            (false, true) => [255, 0, 0, 255],
            _ => [240, 200, 160, 255],
        }
    });
    let mut builder = base(&mut pictures);
    for (i, color) in ["#c0392b", "#2980b9", "#27ae60", "#8e44ad", "#f39c12"]
        .iter()
        .enumerate()
    {
        let x = -190.0 + 60.0 * i as f64;
        let label = ["A1", "B2", "Orc", "Goblin 12", "É"][i];
        builder = builder.marker(x, 60.0, |m| {
            let m = set(&m, marker::SHAPE, i as i64);
            let m = set(&m, marker::SHAPE_COLOR, *color);
            set(&set(&m, marker::SIZE, 2), marker::LABEL, label)
        });
    }
    let scene = builder
        .marker(-150.0, -30.0, |m| set(&m, marker::SIZE, 3))
        .picture(&face)
        .marker(-50.0, -30.0, |m| {
            set(&set(&m, marker::SIZE, 2), marker::SHAPE, 2)
        })
        .picture(&face)
        .marker(20.0, -30.0, |m| {
            set(&set(&m, marker::SIZE, 2), marker::SHAPE, 0)
        })
        .picture(&face)
        // Hidden from the players.
        .marker(90.0, -30.0, |m| {
            let m = set(&m, marker::VISIBILITY, marker::VISIBLE_TO_DM);
            let m = set(&m, marker::SHAPE_COLOR, "#e03030");
            set(&set(&m, marker::SIZE, 2), marker::LABEL, "??")
        })
        // One lies on the other: only the upper label shows.
        .marker(160.0, -40.0, |m| {
            set(&set(&m, marker::SIZE, 3), marker::LABEL, "big")
        })
        .marker(165.0, -40.0, |m| {
            set(&set(&m, marker::LABEL, "S"), marker::SHAPE_COLOR, "#2ecc71")
        })
        .build();
    let frame = Frame::of_display(SceneInput::Dm(&scene), [480, 270]);
    assert_golden("markers", &render(&frame, &pictures));
}

#[test]
fn lights_mist_and_edge() {
    let mut pictures = MemoryPictures::default();
    let mut lit = base(&mut pictures);
    let styles = ["torch", "candle", "magical", "lantern", "spotlight"];
    for (i, style) in styles.iter().enumerate() {
        let color = ["#FF6B35", "#FFD700", "#8A2BE2", "#FFA500", "#E6E6FA"][i];
        lit = lit.light(-180.0 + 90.0 * i as f64, 10.0, |l| {
            let l = set(&set(&l, light::STYLE, *style), light::COLOR, color);
            set(&l, light::RADIUS, 3.0)
        });
    }
    assert_golden("lights", &render(&dm(&lit.build()), &pictures));
    let misty = base(&mut pictures)
        .set(scene::FOG_ENABLED, true)
        .set(scene::FOG_OPACITY, 0.6)
        .build();
    assert_golden("mist", &render(&dm(&misty), &pictures));
    let edged = base(&mut pictures)
        .set(scene::EDGE_ENABLED, true)
        .set(scene::EDGE_OPACITY, 0.9)
        .set(scene::EDGE_FADE_START, 0.6)
        .build();
    assert_golden("edge", &render(&dm(&edged), &pictures));
}

#[test]
fn annotations() {
    let mut pictures = MemoryPictures::default();
    let ring = mask([480, 270], |x, y| {
        let r = (f64::from(x) - 150.0).hypot(f64::from(y) - 130.0);
        (50.0..62.0).contains(&r)
    });
    let corner = mask([240, 135], |x, y| x < 60 && y < 40);
    let scene = base(&mut pictures)
        .annotation(ring, false, |a| set(&a, annotation::COLOR, "#ff3030"))
        .annotation(corner, true, |a| {
            let a = set(&a, annotation::OPACITY, 0.5);
            set(&a, annotation::EFFECT_TYPE, 4)
        })
        .build();
    assert_golden("annotations", &render(&dm(&scene), &pictures));
}

/// Everything at once.
pub(crate) fn whole_stack(pictures: &mut MemoryPictures) -> SceneSnapshot {
    let mut builder = base(pictures)
        .set(scene::GRID_OPACITY, 0.7)
        .set(scene::FOG_ENABLED, true)
        .set(scene::FOG_OPACITY, 0.25)
        .set(scene::EDGE_ENABLED, true)
        .set(scene::EDGE_OPACITY, 0.6)
        .fog([480, 270], |x, y| x > 250 || y > 210)
        .light(-120.0, 40.0, |l| set(&l, light::RADIUS, 5.0));
    for (i, (x, y)) in [(-150.0, 60.0), (-90.0, 0.0), (-30.0, -30.0), (120.0, 30.0)]
        .into_iter()
        .enumerate()
    {
        builder = builder.marker(x, y, |m| {
            let m = set(&m, marker::SHAPE, 1 + i as i64 % 3);
            let m = set(&m, marker::SHAPE_COLOR, "#3b7dd8");
            set(
                &set(&m, marker::SIZE, 2),
                marker::LABEL,
                format!("T{i}").as_str(),
            )
        });
    }
    let ink = mask([480, 270], |x, y| (x + y) % 480 < 8 && x < 200);
    builder
        .marker(-200.0, -60.0, |m| {
            let m = set(&m, marker::VISIBILITY, marker::VISIBLE_TO_DM);
            set(&m, marker::SHAPE_COLOR, "#ff00ff")
        })
        .annotation(ink, false, |a| set(&a, annotation::COLOR, "#ffd040"))
        .build()
}

#[test]
fn the_whole_stack() {
    let mut pictures = MemoryPictures::default();
    let scene = whole_stack(&mut pictures);
    let frame = Frame::of_display(SceneInput::Dm(&scene), [320, 180]);
    assert_golden("stack_dm", &render(&frame, &pictures));
    let player = PlayerScene::of(&scene);
    let frame = Frame::of_display(SceneInput::Player(&player), [320, 200]);
    assert_golden("stack_player", &render(&frame, &pictures));
}

#[test]
fn one_layer_alone_keeps_its_alpha() {
    let mut pictures = MemoryPictures::default();
    let scene = whole_stack(&mut pictures);
    let mut frame = dm(&scene);
    frame.layers = LayerSet::of(&[Phase::Grid]);
    assert_golden("layer_grid", &render(&frame, &pictures));
}

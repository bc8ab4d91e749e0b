//! What a plan says of a file.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn info(width: u32, height: u32) -> PictureInfo {
    PictureInfo {
        format: PictureFormat::Png,
        width,
        height,
        has_alpha: false,
        orientation: 1,
        has_icc: false,
        row_wise: true,
    }
}

/// A map of 10 × 8 cells of 50 pixels with one wall, on a picture of this size.
fn plan(size: [u32; 2], change: impl FnOnce(&mut UvttDocument)) -> ImportPlan {
    let mut document = UvttDocument {
        format: Some(UvttFormat::Number(0.3)),
        line_of_sight: vec![vec![[1.0, 2.0], [3.0, 4.0]]],
        resolution: UvttResolution {
            map_origin: [0.0; 2],
            map_size: Some([10.0, 8.0]),
            pixels_per_grid: Some(50.0),
        },
        ..UvttDocument::default()
    };
    change(&mut document);
    let embedded = EmbeddedPicture::Bytes {
        length: 1,
        claimed_type: None,
        duplicates: 0,
    };
    let picture = Some(Ok(info(size[0], size[1])));
    ImportPlan::of_uvtt("a.uvtt", &document, &embedded, picture, Report::default())
}

fn says(plan: &ImportPlan, word: &str) -> bool {
    plan.report.texts().any(|text| text.contains(word))
}

#[test]
fn cells_become_pixels_of_the_crop() {
    let plan = plan([500, 400], |d| d.resolution.map_origin = [1.0, 0.5]);
    assert_eq!(plan.walls, [[[0.0, 75.0], [100.0, 175.0]]]);
    let grid = plan.grid.unwrap();
    assert_eq!((grid.cell_px, grid.columns, grid.rows), (50.0, 10.0, 8.0));
    assert_eq!(grid.source, GridSource::File);
    assert!(says(&plan, "crop"));
    assert!(!says(&plan, "Outside"));
}

#[test]
fn a_picture_of_another_size_is_trusted() {
    let plan = plan([1000, 800], |_| {});
    assert_eq!(plan.walls, [[[100.0, 200.0], [300.0, 400.0]]]);
    let grid = plan.grid.unwrap();
    assert_eq!((grid.cell_px, grid.columns, grid.rows), (100.0, 10.0, 8.0));
    assert_eq!(grid.source, GridSource::Picture);
    assert!(says(&plan, "does not agree"));
}

#[test]
fn a_picture_of_another_shape_keeps_the_cell() {
    let plan = plan([500, 500], |_| {});
    assert_eq!(plan.walls, [[[50.0, 100.0], [150.0, 200.0]]]);
    let grid = plan.grid.unwrap();
    assert_eq!((grid.cell_px, grid.columns, grid.rows), (50.0, 10.0, 10.0));
    assert!(says(&plan, "does not agree"));
}

#[test]
fn what_the_file_does_not_say_comes_from_the_picture() {
    let no_cell = plan([500, 400], |d| d.resolution.pixels_per_grid = None);
    assert_eq!(no_cell.grid.unwrap().cell_px, 50.0);
    let no_size = plan([500, 400], |d| d.resolution.map_size = None);
    assert_eq!(no_size.grid.unwrap().rows, 8.0);
    let nothing = plan([500, 400], |d| d.resolution = UvttResolution::default());
    assert_eq!(nothing.grid.unwrap().source, GridSource::Assumed);
    assert!(says(&nothing, "assumed"));
}

#[test]
fn geometry_outside_the_picture_is_kept_and_told() {
    let plan = plan([500, 400], |d| {
        d.line_of_sight.push(vec![[-5.0, 1.0], [-4.0, 1.0]]);
    });
    assert_eq!(plan.walls[1], [[-250.0, 50.0], [-200.0, 50.0]]);
    assert!(says(
        &plan,
        "Outside the picture or reaching beyond it, and kept: 1 wall."
    ));
}

#[test]
fn baked_light_switches_the_lights_off() {
    let light = UvttLight {
        position: [5.0, 5.0],
        range: 2.0,
        intensity: 1.0,
        color: [1, 2, 3],
        alpha: 255,
        shadows: true,
    };
    let lit = plan([500, 400], |d| d.lights.push(light));
    assert!(lit.lights[0].enabled);
    assert_eq!(lit.lights[0].radius_px, 100.0);
    let baked = plan([500, 400], |d| {
        d.lights.push(light);
        d.environment.baked_lighting = true;
    });
    assert!(!baked.lights[0].enabled && says(&baked, "switched off"));
}

#[test]
fn a_plain_picture_takes_its_grid_from_its_name() {
    let named = ImportPlan::of_picture("maps/old_cave-30x22.webp", &info(4200, 3080));
    assert_eq!(named.scene_name, "Old cave");
    let grid = named.grid.unwrap();
    assert_eq!((grid.cell_px, grid.columns, grid.rows), (140.0, 30.0, 22.0));
    let plain = ImportPlan::of_picture("photo 1920x1080.png", &info(1920, 1080));
    assert!(plain.grid.is_none() && says(&plain, "No grid is known"));
}

#[test]
fn scene_names_are_tidy() {
    for (file, name) in [
        ("the-litch-and-his-tomb.dd2vtt", "The litch and his tomb"),
        ("C:\\maps\\Goblin_Hideout.PNG", "Goblin Hideout"),
        ("Cave [30x22] - night.jpg", "Cave night"),
        ("Level 1-2.png", "Level 1-2"),
        ("v1.5", "V1.5"),
        ("[10x15].png", "Map"),
        ("", "Map"),
        (".png", "Png"),
        ("\u{202e}\n", "Map"),
    ] {
        assert_eq!(scene_name(file), name, "{file}");
    }
}

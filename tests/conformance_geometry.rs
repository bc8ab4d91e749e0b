//! Geometry against golden values of Table Slayer's web client: snapping, distances, the
//! coordinate upgrade and the mask codec. The values are data outside this repository; without
//! `TABLEGLOW_SHARED` naming their folder the tests say so and do nothing.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tableglow::geom::{
    CoordUpgrade, DVec2, DistanceRule, Grid, GridMode, GridParams, GridShape, MapPlacement, Mask,
    SnapTarget,
};

fn fixtures() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("TABLEGLOW_SHARED") else {
        eprintln!("TABLEGLOW_SHARED is not set: nothing compared");
        return None;
    };
    Some(PathBuf::from(shared).join("fixtures/tableslayer"))
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// `{x, y}` or `[x, y]`.
fn pair(value: &Value) -> DVec2 {
    match value {
        Value::Array(xy) => DVec2::new(number(&xy[0]), number(&xy[1])),
        object => DVec2::new(number(&object["x"]), number(&object["y"])),
    }
}

fn whole_pair(value: &Value) -> [u32; 2] {
    let p = pair(value);
    [p.x as u32, p.y as u32]
}

/// The web client's grid at its version 1: positions are display pixels in both modes.
fn params(case: &Value) -> GridParams {
    let (display, grid) = (&case["display"], &case["grid"]);
    GridParams {
        resolution_px: whole_pair(&display["resolution"]),
        display_size_in: pair(&display["size"]).to_array(),
        padding_px: whole_pair(&display["padding"]),
        spacing_in: number(&grid["spacing"]),
        line_thickness_px: number(&grid["lineThickness"]),
        shape: if grid["gridType"] == 1 {
            GridShape::HexPointy
        } else {
            GridShape::Square
        },
        mode: if grid["gridMode"] == 1 {
            GridMode::MapDefined
        } else {
            GridMode::FillSpace
        },
        map_cells: Some(whole_pair(&grid["fixedGridCount"])),
        placement: None,
        coord_version: 0,
    }
}

#[test]
fn snapping_is_that_of_the_web_client() {
    let Some(folder) = fixtures() else { return };
    let golden = json(&folder, "grid_golden.json");
    let cases = golden["snap"].as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let name = &case["name"];
        let params = params(case);
        let grid = Grid::new(&params);
        assert!((grid.cell_px() - number(&case["cellPx"])).abs() < 1e-9);

        let resolution = pair(&case["display"]["resolution"]);
        let extent = grid.extent_world();
        let top_left = DVec2::new(
            extent.min.x + resolution.x * 0.5,
            resolution.y * 0.5 - extent.max.y,
        );
        let origin = pair(&case["gridOriginTopLeftPx"]);
        match params.mode {
            GridMode::MapDefined => {
                assert!(top_left.distance(origin) < 1e-9, "{name}: {top_left}");
            }
            // For a filling grid this helper of the web client answers with the padding. What it
            // draws, and what snapping (below) agrees with, is centred: so is ours, between
            // the paddings.
            GridMode::FillSpace => {
                assert_eq!(origin, pair(&case["display"]["padding"]), "{name}");
                assert!(top_left.cmpge(origin).all(), "{name}: {top_left}");
            }
        }

        // The web client has √3 to eight digits. It looks for hex corners among points that are
        // partly neighbouring centres, reached with the x spacing on both axes: on a display
        // whose pixels are not quite square those lie up to 0.022 px beside the lattice. Ours are
        // on it.
        let (center_tolerance, token_tolerance) = match params.shape {
            GridShape::Square => (1e-9, 1e-9),
            _ => (1e-5, 0.03),
        };
        for snap in case["snaps"].as_array().unwrap() {
            let from = pair(&snap["in"]);
            let token = grid.snap(from, SnapTarget::Token);
            let expected = pair(&snap["token"]);
            assert!(
                token.distance(expected) < token_tolerance,
                "{name} {from}: {token}, not {expected}"
            );
            let center = grid.snap(from, SnapTarget::Measurement);
            let expected = pair(&snap["centerOnly"]);
            assert!(
                center.distance(expected) < center_tolerance,
                "{name} {from}: {center}, not {expected}"
            );
        }
    }
}

#[test]
fn distances_are_those_of_the_web_client() {
    let Some(folder) = fixtures() else { return };
    let golden = json(&folder, "grid_golden.json");
    let cases = golden["distance"].as_array().unwrap();
    assert_eq!(cases.len(), 30);
    for case in cases {
        let hex = case["gridType"] == 1;
        let snapped = case["snapToGrid"] == true;
        let grid = Grid::new(&GridParams {
            shape: if hex {
                GridShape::HexPointy
            } else {
                GridShape::Square
            },
            ..GridParams::default()
        });
        let rule = if snapped && (hex || case["enableDMG252"] == true) {
            DistanceRule::Alternating
        } else {
            DistanceRule::Euclidean
        };
        let path = [&case["a"], &case["b"]].map(|p| pair(p) * grid.cell_px());
        let mut expected = number(&case["feet"]) / 5.0;
        // Two cells right and six rows up: each row gives half a cell, so the six rows are six
        // steps. The web client says five in steep directions.
        if hex && snapped && pair(&case["b"]) == DVec2::new(2.0, 5.0) {
            assert!((expected - 5.0).abs() < 1e-9);
            expected = 6.0;
        }
        let cells = grid.path_length_cells(&path, rule);
        assert!(
            (cells - expected).abs() < 1e-9,
            "{case}: {cells}, not {expected}"
        );
    }
}

#[test]
fn hex_steps_are_those_of_the_web_client_where_it_is_right() {
    let Some(folder) = fixtures() else { return };
    let golden = json(&folder, "grid_golden.json");
    let cases = golden["hex"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    let grid = Grid::new(&GridParams {
        shape: GridShape::HexPointy,
        ..GridParams::default()
    });
    let origin = grid.cell_at(DVec2::ZERO);
    for case in cases {
        let cells = pair(&case["cells"]);
        let mut expected = case["distanceFromOrigin"].as_u64().unwrap();
        // Three rows up are three steps; see above.
        if cells == DVec2::new(0.5, 2.598) {
            assert_eq!(expected, 2);
            expected = 3;
        }
        let cell = grid.cell_at(cells * grid.spacing_grid());
        assert_eq!(grid.steps_between(origin, cell), expected, "{case}");
    }
}

#[test]
fn positions_are_upgraded_as_the_web_client_does() {
    let Some(folder) = fixtures() else { return };
    let golden = json(&folder, "coord_upgrade_golden.json");
    let map = &golden["map"];
    let placement = MapPlacement {
        size_px: [1200, 850],
        rotation_deg: number(&map["rotation"]),
        offset_world: pair(&map["offset"]),
        zoom: number(&map["zoom"]),
    };
    let upgrade = CoordUpgrade::new(&placement, 55.0, [24, 17]);
    let cases = golden["conversions"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let (v0, v1) = (pair(&case["v0_display"]), pair(&case["v1_map"]));
        let ours = upgrade.map_from_world.transform_point2(v0);
        // One position is 2^31 pixels out, where the web client's sine of 90° is not quite 1:
        // relative to its size, the same digits.
        let tolerance = 1e-9 * (1.0 + v1.length());
        assert!(ours.distance(v1) < tolerance, "{v0}: {ours}, not {v1}");
        let back = placement.world_from_map().transform_point2(ours);
        assert!(back.distance(v0) < tolerance, "{v0}: back at {back}");
    }
}

#[test]
fn masks_are_read_and_written_as_the_web_client_does() {
    let Some(folder) = fixtures() else { return };
    let folder = folder.join("rle");
    let index = json(&folder, "index.json");
    let items = index["items"].as_array().unwrap();
    assert!(items.len() >= 11);
    for item in items {
        let name = item["name"].as_str().unwrap();
        let picture = image::open(folder.join(format!("{name}.png")))
            .unwrap()
            .to_luma8();
        let mask = Mask::from_r8(picture.width(), picture.height(), picture.as_raw()).unwrap();
        assert_eq!(u64::from(mask.width()), item["width"].as_u64().unwrap());
        assert_eq!(u64::from(mask.height()), item["height"].as_u64().unwrap());
        assert_eq!(mask.count(), item["pixels_set"].as_u64().unwrap(), "{name}");

        let bytes = fs::read(folder.join(format!("{name}.bin"))).unwrap();
        assert_eq!(bytes.len() as u64, item["bytes"].as_u64().unwrap());
        assert_eq!(Mask::decode_rle(&bytes).unwrap(), mask, "{name}");
        assert!(mask.encode_rle() == bytes, "{name}: other bytes");
        let mut pixels = Vec::new();
        mask.to_r8(mask.rect(), &mut pixels);
        assert!(&pixels == picture.as_raw(), "{name}: other pixels");

        // Old data has no header and is 1024 a side: the same pixels, broken into other rows.
        let old_bytes = fs::read(folder.join(format!("{name}.noheader.bin"))).unwrap();
        assert_eq!(old_bytes, bytes[8..], "{name}");
        let old = Mask::decode_rle(&old_bytes).unwrap();
        assert_eq!(old.size_px(), [1024, 1024], "{name}");
        let total = mask.width() * mask.height();
        for i in 0..total.min(1024 * 1024) {
            assert_eq!(
                old.get(i % 1024, i / 1024),
                mask.get(i % mask.width(), i / mask.width()),
                "{name} pixel {i}"
            );
        }
    }
}

//! Tests of the grids: cells, snapping and the distance rules.

#![expect(clippy::float_cmp, reason = "positions on the grid are exact")]

use proptest::prelude::*;

use super::*;

fn close(a: DVec2, b: DVec2) -> bool {
    a.distance(b) <= 1e-7 * (1.0 + a.length().max(b.length()))
}

/// Cells of 50 pixels on 1000 × 600.
fn plain() -> GridParams {
    GridParams {
        resolution_px: [1000, 600],
        display_size_in: [20.0, 12.0],
        padding_px: [10, 10],
        ..GridParams::default()
    }
}

fn on_map(rotation_deg: f64) -> GridParams {
    GridParams {
        mode: GridMode::MapDefined,
        map_cells: Some([30, 20]),
        placement: Some(MapPlacement {
            size_px: [3000, 2000],
            rotation_deg,
            offset_world: DVec2::new(12.0, -7.0),
            zoom: 3.0,
        }),
        ..plain()
    }
}

#[test]
fn a_filling_grid_lies_around_the_middle() {
    let grid = Grid::new(&plain());
    // (1000 - 20 - 1) / 50 = 19, (600 - 20 - 1) / 50 = 11.
    assert_eq!(grid.cell_counts(), [19, 11]);
    assert_eq!(grid.cell_px(), 50.0);
    assert_eq!(grid.anchor_grid(), DVec2::new(-475.0, 275.0));
    assert_eq!(grid.extent_world().size(), DVec2::new(950.5, 550.5));
    let x: Vec<f64> = grid.vertical_lines_grid().collect();
    assert_eq!((x.len(), x[0], x[19]), (20, -475.0, 475.0));
    let y: Vec<f64> = grid.horizontal_lines_grid().collect();
    assert_eq!((y.len(), y[0], y[11]), (12, 275.0, -275.0));
    assert_eq!(grid.cell_at(DVec2::new(-474.0, 274.0)), Cell::new(0, 0));
    assert_eq!(grid.cell_at(DVec2::new(-476.0, 276.0)), Cell::new(-1, -1));
    assert_eq!(
        grid.center_world(Cell::new(1, 0)),
        DVec2::new(-400.0, 250.0)
    );
}

#[test]
fn lines_are_never_thinner_than_a_screen_point() {
    let grid = Grid::new(&GridParams {
        line_thickness_px: 4.0,
        ..plain()
    });
    assert_eq!(grid.line_width_world(1.0), 2.0);
    assert_eq!(grid.line_width_world(0.25), 4.0);
    assert_eq!(grid.line_width_world(0.0), 2.0);
}

#[test]
fn squares_snap_to_half_cells() {
    let grid = Grid::new(&plain());
    let snap = |x: f64, y: f64| grid.snap(DVec2::new(x, y), SnapTarget::Token);
    assert_eq!(snap(1.0, -1.0), DVec2::ZERO);
    assert_eq!(snap(13.0, 36.0), DVec2::new(25.0, 25.0));
    assert_eq!(snap(12.5, 12.5), DVec2::new(25.0, 25.0));
    assert_eq!(snap(-12.5, -12.5), DVec2::ZERO);
    assert_eq!(snap(-38.0, 40.0), DVec2::new(-50.0, 50.0));
}

#[test]
fn a_grid_on_the_map_moves_and_turns_with_it() {
    let grid = Grid::new(&on_map(90.0));
    // A map cell of 100 px shows as a cell of 50: the stored zoom of 3 is not used.
    assert!(grid.anchored_to_map());
    assert_eq!(grid.placement().map(|p| p.zoom), Some(0.5));
    assert_eq!(grid.cell_px(), 50.0);
    assert_eq!(grid.spacing_grid(), DVec2::splat(100.0));
    assert_eq!(grid.cell_counts(), [30, 20]);
    // The map's top left cell, turned to the bottom left of the world.
    let first = grid.center_world(Cell::new(0, 0));
    assert!(close(first, DVec2::new(12.0 - 475.0, -7.0 - 725.0)));
    assert_eq!(grid.cell_at(first), Cell::new(0, 0));
    let snapped = grid.snap(first + DVec2::new(3.0, -4.0), SnapTarget::Token);
    assert!(close(snapped, first));
    assert!(close(
        grid.extent_world().size(),
        DVec2::new(1000.5, 1500.5)
    ));
}

#[test]
fn a_map_defined_grid_is_square_and_needs_no_map() {
    let grid = Grid::new(&GridParams {
        shape: GridShape::HexPointy,
        placement: None,
        ..on_map(0.0)
    });
    assert_eq!(grid.shape(), GridShape::Square);
    assert!(!grid.anchored_to_map());
    assert_eq!(grid.cell_counts(), [30, 20]);
    let unnamed = Grid::new(&GridParams {
        map_cells: None,
        ..on_map(0.0)
    });
    assert_eq!(unnamed.cell_counts(), DEFAULT_MAP_CELLS);
}

#[test]
fn counted_cells_that_do_not_fit_start_at_the_top_left() {
    let grid = Grid::new(&GridParams {
        coord_version: 0,
        map_cells: Some([30, 8]),
        line_thickness_px: 2.0,
        ..on_map(0.0)
    });
    // 1501 wide on 1000: from the left. 401 tall on 600: in the middle.
    assert_eq!(grid.anchor_grid(), DVec2::new(-499.5, 200.0));
    assert_eq!(grid.extent_grid().min.x, -500.0);
    assert_eq!(grid.extent_grid().max.y, 200.5);
    // The map keeps its own zoom.
    assert_eq!(grid.placement().map(|p| p.zoom), Some(3.0));
}

#[test]
fn hexes_of_both_kinds_share_the_middle() {
    let pointy = Grid::new(&GridParams {
        shape: GridShape::HexPointy,
        ..plain()
    });
    let flat = Grid::new(&GridParams {
        shape: GridShape::HexFlat,
        ..plain()
    });
    let pitch = 50.0 * 3f64.sqrt() / 2.0;
    let middle = Cell::new(0, 0);
    for (grid, neighbours) in [
        (
            pointy,
            [
                (Cell::new(1, 0), DVec2::new(50.0, 0.0)),
                (Cell::new(0, 1), DVec2::new(25.0, -pitch)),
                (Cell::new(-1, 1), DVec2::new(-25.0, -pitch)),
            ],
        ),
        (
            flat,
            [
                (Cell::new(0, 1), DVec2::new(0.0, -50.0)),
                (Cell::new(1, 0), DVec2::new(pitch, -25.0)),
                (Cell::new(1, -1), DVec2::new(pitch, 25.0)),
            ],
        ),
    ] {
        assert_eq!(grid.center_world(middle), DVec2::ZERO);
        for (cell, center) in neighbours {
            assert!(close(grid.center_world(cell), center), "{cell:?}");
            assert_eq!(grid.steps_between(middle, cell), 1);
        }
        assert_eq!(grid.vertical_lines_grid().count(), 0);
    }
    let radius = 50.0 / 3f64.sqrt();
    let near_top = DVec2::new(1.0, radius - 2.0);
    let top = pointy.snap(near_top, SnapTarget::Token);
    assert!(close(top, DVec2::new(0.0, radius)));
    let center = pointy.snap(near_top, SnapTarget::Measurement);
    assert!(close(center, DVec2::ZERO));
    let side = flat.snap(DVec2::new(radius - 2.0, 1.0), SnapTarget::Light);
    assert!(close(side, DVec2::new(radius, 0.0)));
    assert_eq!(pointy.corners_world(middle).len(), 6);
}

#[test]
fn hex_paths_count_steps_and_straight_lines_do_not() {
    let grid = Grid::new(&GridParams {
        shape: GridShape::HexPointy,
        ..plain()
    });
    let path = [
        DVec2::ZERO,
        grid.center_world(Cell::new(2, -3)),
        grid.center_world(Cell::new(2, 0)),
    ];
    assert_eq!(
        grid.path_length_cells(&path, DistanceRule::Alternating),
        6.0
    );
    let straight = grid.path_length_cells(&path[1..], DistanceRule::Euclidean);
    assert!((straight - 3.0).abs() < 1e-9);
    assert_eq!(
        grid.path_length_cells(&path[..1], DistanceRule::Chebyshev),
        0.0
    );
}

#[test]
fn square_paths_carry_their_diagonals() {
    let grid = Grid::new(&plain());
    let path = [(0.0, 0.0), (50.0, 50.0), (100.0, 0.0), (150.0, 50.0)].map(DVec2::from);
    assert_eq!(
        grid.path_length_cells(&path, DistanceRule::Alternating),
        4.0
    );
    assert_eq!(grid.path_length_cells(&path, DistanceRule::Chebyshev), 3.0);
    let turned = Grid::new(&on_map(90.0));
    let path = path.map(|p| p + DVec2::new(12.0, -7.0));
    let length = turned.path_length_cells(&path, DistanceRule::Alternating);
    assert!((length - 4.0).abs() < 1e-9);
}

#[test]
fn a_view_asks_for_the_cells_it_touches() {
    let grid = Grid::new(&plain());
    let view = DRect::new(DVec2::new(-474.0, 230.0), DVec2::new(-424.0, 274.0));
    let cells: Vec<Cell> = grid.cells_in(view).collect();
    assert_eq!(cells, [Cell::new(0, 0), Cell::new(1, 0)]);
    assert_eq!(grid.cells_in(DRect::default()).count(), 0);
}

fn any_params() -> impl Strategy<Value = GridParams> {
    let odd = prop_oneof![
        4 => 0.1..200.0f64,
        1 => prop::sample::select(vec![0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300]),
    ];
    (
        (0u32..5000, 0u32..5000, 0u32..400),
        (odd.clone(), odd.clone(), odd),
        0usize..3,
        any::<bool>(),
        prop::option::of((0u32..100, 0u32..100)),
        prop::option::of((1u32..9000, -360.0..360.0f64)),
        0u8..2,
    )
        .prop_map(
            |(res, size, shape, mapped, cells, map, version)| GridParams {
                resolution_px: [res.0, res.1],
                display_size_in: [size.0, size.1],
                padding_px: [res.2, res.2],
                spacing_in: size.2,
                line_thickness_px: size.0,
                shape: [GridShape::Square, GridShape::HexPointy, GridShape::HexFlat][shape],
                mode: if mapped {
                    GridMode::MapDefined
                } else {
                    GridMode::FillSpace
                },
                map_cells: cells.map(|(x, y)| [x, y]),
                placement: map.map(|(side, rotation_deg)| MapPlacement {
                    rotation_deg,
                    ..MapPlacement::unscaled([side, side / 2])
                }),
                coord_version: version,
            },
        )
}

proptest! {
    #[test]
    fn any_settings_make_a_grid_that_holds_together(
        params in any_params(),
        p in (-3000.0..3000.0f64, -3000.0..3000.0f64),
    ) {
        let grid = Grid::new(&params);
        let p = DVec2::from(p);
        prop_assert!(grid.cell_px().is_finite() && grid.cell_px() > 0.0);
        let cell = grid.cell_at(p);
        prop_assert_eq!(grid.cell_at(grid.center_world(cell)), cell);
        let reach = grid.world_from_grid().transform_vector2(grid.spacing_grid()).length();
        prop_assert!(grid.center_world(cell).distance(p) <= reach);
        for target in [SnapTarget::Token, SnapTarget::Light, SnapTarget::Measurement] {
            let snapped = grid.snap(p, target);
            prop_assert!(snapped.distance(p) <= reach);
            prop_assert!(close(grid.snap(snapped, target), snapped));
        }
        let around = grid
            .corners_world(cell)
            .into_iter()
            .fold(DVec2::ZERO, |sum, c| sum + c);
        let corners = grid.corners_world(cell).len() as f64;
        prop_assert!(close(around / corners, grid.center_world(cell)));
    }

    #[test]
    fn every_point_of_a_rectangle_is_in_a_listed_cell(
        params in any_params(),
        corner in (-500.0..500.0f64, -500.0..500.0f64),
        size in (1.0..60.0f64, 1.0..60.0f64),
        at in (0.0..1.0f64, 0.0..1.0f64),
    ) {
        let grid = Grid::new(&params);
        let corner = DVec2::from(corner);
        let rect = DRect::new(corner, corner + DVec2::from(size));
        let inside = corner + DVec2::from(size) * DVec2::from(at);
        let cell = grid.cell_at(inside);
        prop_assert!(grid.cells_in(rect).any(|c| c == cell), "{:?}", cell);
        // And no listed cell is further away than a cell.
        let reach = grid.world_from_grid().transform_vector2(grid.spacing_grid()).length();
        let around = rect.inflated(reach + rect.size().max_element());
        for cell in grid.cells_in(rect) {
            prop_assert!(around.contains(grid.center_world(cell)));
        }
    }
}

//! Tests of the rasteriser: strokes and shapes against what they must cover.

use proptest::prelude::*;

use super::*;

const WIDTH: u32 = 150;
const HEIGHT: u32 = 40;

fn empty() -> Mask {
    Mask::new(WIDTH, HEIGHT).unwrap_or_else(|_| unreachable!("a mask of that size"))
}

fn any_point() -> impl Strategy<Value = DVec2> {
    (-60.0..210.0f64, -60.0..100.0f64).prop_map(DVec2::from)
}

/// What the rules say in words, pixel by pixel: the same for all shapes.
fn check(
    drawn: &Mask,
    changed: IRect,
    inside: impl Fn(Point) -> bool,
) -> Result<(), TestCaseError> {
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let middle = Point {
                x: i64::from(x) * ONE + HALF,
                y: i64::from(y) * ONE + HALF,
            };
            prop_assert_eq!(drawn.get(x, y), inside(middle), "pixel {} {}", x, y);
        }
    }
    prop_assert_eq!(changed, drawn.bounds());
    Ok(())
}

/// Exact test of one pixel against one segment.
fn within(a: Point, b: Point, radius: i64, p: Point) -> bool {
    let [dx, dy, px, py] = [b.x - a.x, b.y - a.y, p.x - a.x, p.y - a.y].map(i128::from);
    let radius_squared = i128::from(radius).pow(2);
    let (dot, length_squared) = (px * dx + py * dy, dx * dx + dy * dy);
    if dot <= 0 {
        px * px + py * py <= radius_squared
    } else if dot >= length_squared {
        (px - dx).pow(2) + (py - dy).pow(2) <= radius_squared
    } else {
        (px * dy - py * dx).pow(2) <= radius_squared * length_squared
    }
}

/// Draws clear into a full mask: must be the mirror image of drawing set into an empty one.
fn clears_the_same(set: &Mask, changed: IRect, draw: impl Fn(&mut Mask, bool) -> IRect) -> bool {
    let mut other = empty();
    other.fill(true);
    let cleared = draw(&mut other, false);
    let again = draw(&mut other, false);
    let mut all = empty();
    all.fill(true);
    all.xor(&other).is_ok() && all == *set && cleared == changed && again.is_empty()
}

#[test]
fn a_dot_is_a_disc_of_pixels() {
    let mut mask = empty();
    let changed = draw_stroke(&mut mask, &[DVec2::new(20.5, 10.5)], 2.0, true);
    assert_eq!(changed, IRect::new([18, 8], [23, 13]));
    assert_eq!(mask.count(), 13);
    assert!(mask.get(18, 10) && !mask.get(18, 9) && mask.get(19, 9));
}

#[test]
fn the_smallest_brush_never_misses() {
    for i in 0..64 {
        let at = DVec2::new(10.0 + f64::from(i % 8) / 8.0, 10.0 + f64::from(i / 8) / 8.0);
        let mut mask = empty();
        assert!(!draw_stroke(&mut mask, &[at, at], 1.0, true).is_empty());
    }
}

#[test]
fn brush_sizes_follow_the_grid() {
    let radius = |size, zoom| fog_brush_radius_px(size, 55.077, zoom);
    assert_eq!(
        [radius(2.0, 1.0), radius(1.0, 2.0), radius(1.0, 1e9)],
        [55.0, 14.0, 1.0]
    );
    assert_eq!(
        [line_radius_px(0.25, 55.077), line_radius_px(0.25, 20.0)],
        [7.0, 3.0]
    );
    assert_eq!(fog_brush_radius_px(1.0, 50.0, f64::NAN), 1.0);
}

#[test]
fn boxes_take_pixels_less_than_one_outside() {
    let mut mask = empty();
    // Middles at 8.5 are 1.5 outside of 10, at 9.5 half a pixel.
    let rect = draw_rectangle(
        &mut mask,
        DVec2::new(20.0, 30.0),
        DVec2::new(10.0, 12.0),
        true,
    );
    assert_eq!(rect, IRect::new([9, 11], [21, 31]));
    let mut mask = empty();
    // Exactly 1 outside is out.
    let rect = draw_rectangle(
        &mut mask,
        DVec2::new(10.5, 10.5),
        DVec2::new(12.5, 10.5),
        true,
    );
    assert_eq!(rect, IRect::new([10, 10], [13, 11]));
    assert_eq!(mask.count(), 3);
    let mut mask = empty();
    let dot = draw_ellipse(
        &mut mask,
        DVec2::new(10.5, 10.5),
        DVec2::new(10.5, 10.5),
        true,
    );
    assert_eq!(dot, IRect::new([10, 10], [11, 11]));
}

#[test]
fn nothing_comes_of_nothing() {
    let mut mask = empty();
    let nan = DVec2::new(f64::NAN, 3.0);
    let far = DVec2::new(1e300, -1e300);
    assert!(draw_stroke(&mut mask, &[], 5.0, true).is_empty());
    assert!(draw_stroke(&mut mask, &[nan], 5.0, true).is_empty());
    assert!(draw_stroke(&mut mask, &[far], 1e300, true).is_empty());
    assert!(draw_stroke(&mut mask, &[DVec2::ZERO], f64::NAN, true).is_empty());
    assert!(draw_rectangle(&mut mask, nan, DVec2::ZERO, true).is_empty());
    assert!(draw_ellipse(&mut mask, far, far, true).is_empty());
    assert!(draw_polygon(&mut mask, &[DVec2::ZERO, DVec2::splat(50.0)], true).is_empty());
    assert!(draw_polygon(&mut mask, &[far, far, far], true).is_empty());
    assert!(mask.is_clear());
}

#[test]
fn what_is_far_larger_than_the_mask_fills_it() {
    let far = DVec2::splat(1e12);
    let mut mask = empty();
    assert_eq!(draw_rectangle(&mut mask, far, -far, true), mask.rect());
    assert_eq!(mask.count(), u64::from(WIDTH * HEIGHT));
    let mut mask = empty();
    assert_eq!(draw_ellipse(&mut mask, far, -far, true), mask.rect());
    let mut mask = empty();
    let around = [far, DVec2::new(-1e12, 1e12), -far, DVec2::new(1e12, -1e12)];
    assert_eq!(draw_polygon(&mut mask, &around, true), mask.rect());
    let mut mask = empty();
    assert_eq!(
        draw_stroke(&mut mask, &[far, -far], 1e12, true),
        mask.rect()
    );
    assert_eq!(mask.count(), u64::from(WIDTH * HEIGHT));
}

#[test]
fn crossed_areas_are_outside() {
    let mut mask = empty();
    let bow_tie = [(10.0, 4.0), (40.0, 34.0), (40.0, 4.0), (10.0, 34.0)].map(DVec2::from);
    draw_polygon(&mut mask, &bow_tie, true);
    assert!(mask.get(12, 19) && mask.get(37, 19));
    assert!(!mask.get(25, 6) && !mask.get(25, 31));
    // Twice around: even, so a hole in the middle.
    let frame = [
        (10.0, 4.0),
        (40.0, 4.0),
        (40.0, 34.0),
        (10.0, 34.0),
        (10.0, 4.0),
        (20.0, 14.0),
        (30.0, 14.0),
        (30.0, 24.0),
        (20.0, 24.0),
        (20.0, 14.0),
    ]
    .map(DVec2::from);
    let mut mask = empty();
    draw_polygon(&mut mask, &frame, true);
    assert_eq!(mask.count(), 30 * 30 - 10 * 10);
}

#[test]
fn polygons_with_a_common_edge_share_no_pixel() {
    let (a, b) = (DVec2::new(13.7, 4.1), DVec2::new(97.3, 35.9));
    let (left, right) = (DVec2::new(3.3, 33.7), DVec2::new(120.1, 8.9));
    let (mut one, mut two) = (empty(), empty());
    draw_polygon(&mut one, &[a, b, left], true);
    draw_polygon(&mut two, &[b, a, right], true);
    let sum = one.count() + two.count();
    let mut whole = empty();
    draw_polygon(&mut whole, &[a, left, b, right], true);
    assert!(one.or(&two).is_ok());
    assert_eq!(one.count(), sum);
    assert_eq!(one, whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn strokes_hold_every_pixel_within_the_radius(
        points in prop::collection::vec(any_point(), 1..5),
        radius in prop_oneof![0.0..3.0f64, 3.0..40.0f64],
    ) {
        let draw = |mask: &mut Mask, value| draw_stroke(mask, &points, radius, value);
        let mut mask = empty();
        let changed = draw(&mut mask, true);
        let way: Vec<Point> = points.iter().filter_map(|&p| Point::new(p)).collect();
        let r = fixed(radius);
        check(&mask, changed, |p| {
            way.windows(2).any(|leg| within(leg[0], leg[1], r, p)) || within(way[0], way[0], r, p)
        })?;
        prop_assert!(clears_the_same(&mask, changed, draw));
    }

    #[test]
    fn boxes_and_ellipses_are_what_they_say(a in any_point(), b in any_point()) {
        let (low, high) = corners(a, b).unwrap_or_else(|| unreachable!("finite"));
        let draw = |mask: &mut Mask, value| draw_rectangle(mask, a, b, value);
        let mut mask = empty();
        let changed = draw(&mut mask, true);
        check(&mask, changed, |p| {
            p.x > low.x - ONE && p.x < high.x + ONE && p.y > low.y - ONE && p.y < high.y + ONE
        })?;
        prop_assert!(clears_the_same(&mask, changed, draw));

        let draw = |mask: &mut Mask, value| draw_ellipse(mask, a, b, value);
        let mut mask = empty();
        let changed = draw(&mut mask, true);
        check(&mask, changed, |p| {
            let axis = |low: i64, high: i64| i128::from(high - low + 2 * ONE).pow(2);
            let (ax, ay) = (axis(low.x, high.x), axis(low.y, high.y));
            let dx = i128::from(2 * p.x - low.x - high.x).pow(2);
            let dy = i128::from(2 * p.y - low.y - high.y).pow(2);
            dx * ay + dy * ax < ax * ay
        })?;
        prop_assert!(clears_the_same(&mask, changed, draw));
    }

    #[test]
    fn polygons_are_even_odd(corners in prop::collection::vec(any_point(), 3..9)) {
        let draw = |mask: &mut Mask, value| draw_polygon(mask, &corners, value);
        let mut mask = empty();
        let changed = draw(&mut mask, true);
        let points: Vec<Point> = corners.iter().filter_map(|&p| Point::new(p)).collect();
        check(&mask, changed, |p| {
            // Edges that cross the row of this pixel to its left, or at it.
            let edges = points.iter().zip(points.iter().cycle().skip(1));
            let crossed = edges.filter(|&(&a, &b)| {
                let (top, bottom) = if a.y < b.y { (a, b) } else { (b, a) };
                let [tx, ty, bx, by, px, py] =
                    [top.x, top.y, bottom.x, bottom.y, p.x, p.y].map(i128::from);
                ty <= py && py < by && (px - tx) * (by - ty) >= (py - ty) * (bx - tx)
            });
            crossed.count() % 2 == 1
        })?;
        prop_assert!(clears_the_same(&mask, changed, draw));
    }
}

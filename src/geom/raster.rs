//! Drawing into a [`Mask`]: strokes, rectangles, ellipses, polygons.
//!
//! Positions are mask px (top left corner, y down); a pixel counts by its middle. The same call
//! gives the same pixels on every machine: positions are first rounded to 1/256 pixel, and
//! everything after that is whole numbers. Nothing here is approximate, and no call depends on
//! what was drawn before.
//!
//! Every function takes the value to draw (set or clear) and returns the rectangle of the
//! pixels that changed. What is not finite is left out; what lies further out than about a
//! million pixels is moved there.

use glam::DVec2;

use super::mask::{ChangeBounds, Mask};
use super::rect::IRect;

/// Sub-pixel positions per pixel.
const ONE: i64 = 256;
/// The middle of a pixel.
const HALF: i64 = ONE / 2;
/// Positions are cut to this many pixels from the corner, so that no product overflows.
const FAR_PX: f64 = (1 << 20) as f64;
/// Radii are cut to this many pixels: more than the diagonal of the largest mask.
const RADIUS_MAX_PX: f64 = (1 << 14) as f64;
/// How far outside the corners of a rectangle or an ellipse a pixel still belongs to it. The
/// web client draws those as distance fields cut at 1.
const BOX_GROWTH: i64 = ONE;

/// A position in 1/256 px.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    x: i64,
    y: i64,
}

fn fixed(px: f64) -> i64 {
    (px.clamp(-FAR_PX, FAR_PX) * ONE as f64 + 0.5).floor() as i64
}

impl Point {
    fn new(p: DVec2) -> Option<Self> {
        p.is_finite().then(|| Self {
            x: fixed(p.x),
            y: fixed(p.y),
        })
    }
}

/// Radius in mask px of a fog brush: `size_cells` is its diameter, `cell_px` a cell on the
/// display, `map_zoom` the map's zoom. At least 1.
#[must_use]
pub fn fog_brush_radius_px(size_cells: f64, cell_px: f64, map_zoom: f64) -> f64 {
    brush_radius_px(size_cells * cell_px / (2.0 * map_zoom))
}

/// Radius in display pixels of a drawing's line: `width_cells` is its diameter, `cell_px` a cell
/// on the display. At least 1.
#[must_use]
pub fn line_radius_px(width_cells: f64, cell_px: f64) -> f64 {
    brush_radius_px(width_cells * cell_px / 2.0)
}

fn brush_radius_px(radius: f64) -> f64 {
    // Halves round up; `max` also takes care of what is not a number.
    (radius + 0.5).floor().max(1.0)
}

/// The columns (inclusive) whose pixel middles lie in the sub-pixel range `from..=to`.
fn columns(from: i64, to: i64) -> (i64, i64) {
    (ceil_div(from - HALF, ONE), (to - HALF).div_euclid(ONE))
}

/// `⌈a / b⌉` for positive `b`.
fn ceil_div(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

/// Fills the columns `first..=last` of a row, both possibly outside.
fn fill_columns(
    mask: &mut Mask,
    changed: &mut ChangeBounds,
    y: i64,
    (first, last): (i64, i64),
    value: bool,
) {
    let first = first.max(0);
    let last = last.min(i64::from(mask.width()) - 1);
    if first <= last {
        let y = y as u32;
        changed.add(y, mask.fill_span(y, first as u32, last as u32 + 1, value));
    }
}

/// The rows of the mask whose pixel middles lie in the sub-pixel range `from..=to`.
fn rows(mask: &Mask, from: i64, to: i64) -> std::ops::RangeInclusive<i64> {
    let (first, last) = columns(from, to);
    first.max(0)..=last.min(i64::from(mask.height()) - 1)
}

/// A stroke: every pixel whose middle is no further than `radius_px` from the way along the
/// points. One point makes a dot, none nothing.
pub fn draw_stroke(mask: &mut Mask, points: &[DVec2], radius_px: f64, value: bool) -> IRect {
    if !radius_px.is_finite() || radius_px < 0.0 {
        return IRect::EMPTY;
    }
    let radius = fixed(radius_px.min(RADIUS_MAX_PX));
    let mut changed = ChangeBounds::default();
    let mut points = points.iter().filter_map(|&p| Point::new(p));
    let Some(mut from) = points.next() else {
        return IRect::EMPTY;
    };
    let mut drawn = false;
    for to in points {
        // A pointer that stands still draws nothing new.
        if to != from {
            draw_capsule(mask, &mut changed, from, to, radius, value);
            drawn = true;
        }
        from = to;
    }
    if !drawn {
        draw_capsule(mask, &mut changed, from, from, radius, value);
    }
    changed.rect()
}

/// All pixels within `radius` of the segment. A capsule is convex, so its pixels in a row are
/// one run: from the leftmost to the rightmost of its two discs and the strip between them.
fn draw_capsule(
    mask: &mut Mask,
    changed: &mut ChangeBounds,
    a: Point,
    b: Point,
    radius: i64,
    value: bool,
) {
    let strip = Strip::new(a, b, radius);
    for y in rows(mask, a.y.min(b.y) - radius, a.y.max(b.y) + radius) {
        let middle = y * ONE + HALF;
        let runs = [
            disc_columns(a, radius, middle),
            disc_columns(b, radius, middle),
            strip.and_then(|s| s.columns(middle)),
        ];
        let run = runs
            .into_iter()
            .flatten()
            .filter(|(first, last)| first <= last)
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        if let Some(run) = run {
            fill_columns(mask, changed, y, run, value);
        }
    }
}

fn disc_columns(center: Point, radius: i64, y: i64) -> Option<(i64, i64)> {
    let dy = y - center.y;
    let reach = (radius * radius - dy * dy).checked_isqrt()?;
    Some(columns(center.x - reach, center.x + reach))
}

/// The part of a capsule beside its segment: between the perpendiculars through both ends, and
/// no further than the radius from the line.
#[derive(Clone, Copy)]
struct Strip {
    a: Point,
    dx: i64,
    dy: i64,
    length_squared: i64,
    /// The largest whole number that is no more than radius × length: a bound for cross
    /// products, which are whole.
    reach: i64,
}

impl Strip {
    fn new(a: Point, b: Point, radius: i64) -> Option<Self> {
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length_squared = dx * dx + dy * dy;
        if length_squared == 0 {
            return None;
        }
        let reach =
            u128::from(radius.unsigned_abs()).pow(2) * u128::from(length_squared.unsigned_abs());
        Some(Self {
            a,
            dx,
            dy,
            length_squared,
            reach: i64::try_from(reach.isqrt()).ok()?,
        })
    }

    fn columns(&self, y: i64) -> Option<(i64, i64)> {
        let y = y - self.a.y;
        let along = between(self.dx, y * self.dy, 0, self.length_squared)?;
        let beside = between(self.dy, -y * self.dx, -self.reach, self.reach)?;
        let from = along.0.max(beside.0);
        let to = along.1.min(beside.1);
        (from <= to).then(|| columns(self.a.x + from, self.a.x + to))
    }
}

/// Further than any position, but far from overflowing.
const ANYWHERE: (i64, i64) = (-(1 << 40), 1 << 40);

/// The whole `x` with `low <= factor * x + term <= high`.
fn between(factor: i64, term: i64, low: i64, high: i64) -> Option<(i64, i64)> {
    let (low, high) = (low - term, high - term);
    match factor.signum() {
        0 => (low <= 0 && 0 <= high).then_some(ANYWHERE),
        1 => Some((ceil_div(low, factor), high.div_euclid(factor))),
        _ => Some((ceil_div(-high, -factor), (-low).div_euclid(-factor))),
    }
}

/// The box of two opposite corners in sub-pixels.
fn corners(a: DVec2, b: DVec2) -> Option<(Point, Point)> {
    let (a, b) = (Point::new(a)?, Point::new(b)?);
    Some((
        Point {
            x: a.x.min(b.x),
            y: a.y.min(b.y),
        },
        Point {
            x: a.x.max(b.x),
            y: a.y.max(b.y),
        },
    ))
}

/// The rectangle of two opposite corners, with every pixel less than 1 px outside of it.
pub fn draw_rectangle(mask: &mut Mask, a: DVec2, b: DVec2, value: bool) -> IRect {
    let Some((low, high)) = corners(a, b) else {
        return IRect::EMPTY;
    };
    let mut changed = ChangeBounds::default();
    // Less than 1 px: the last sub-pixel before it.
    let grow = BOX_GROWTH - 1;
    let run = columns(low.x - grow, high.x + grow);
    for y in rows(mask, low.y - grow, high.y + grow) {
        fill_columns(mask, &mut changed, y, run, value);
    }
    changed.rect()
}

/// The ellipse in the box of two opposite corners, with every pixel less than 1 px outside of it:
/// inside the ellipse whose half axes are 1 px longer.
pub fn draw_ellipse(mask: &mut Mask, a: DVec2, b: DVec2, value: bool) -> IRect {
    let Some((low, high)) = corners(a, b) else {
        return IRect::EMPTY;
    };
    // Twice everything, so that the middle is whole: at most 2^30 each, products below 2^122.
    let center = Point {
        x: low.x + high.x,
        y: low.y + high.y,
    };
    let axis_x = i128::from(high.x - low.x + 2 * BOX_GROWTH);
    let axis_y = i128::from(high.y - low.y + 2 * BOX_GROWTH);
    let mut changed = ChangeBounds::default();
    for y in rows(mask, low.y - BOX_GROWTH, high.y + BOX_GROWTH) {
        let dy = i128::from(2 * (y * ONE + HALF) - center.y);
        // dx² / axis_x² + dy² / axis_y² < 1
        let room = axis_x * axis_x * (axis_y * axis_y - dy * dy);
        if room <= 0 {
            continue;
        }
        let reach = ((room - 1) / (axis_y * axis_y)).isqrt();
        let reach = i64::try_from(reach).unwrap_or(i64::MAX >> 8);
        // Back from twice the sub-pixels to whole ones, inwards.
        let from = ceil_div(center.x - reach, 2);
        let to = (center.x + reach).div_euclid(2);
        fill_columns(mask, &mut changed, y, columns(from, to), value);
    }
    changed.rect()
}

/// The polygon of these corners by the even-odd rule, closed by itself. Fewer than three
/// corners are nothing. Polygons that share an edge share no pixel along it and leave none out.
///
/// Cost: the rows that each edge crosses, and the area around the polygon once.
pub fn draw_polygon(mask: &mut Mask, corners: &[DVec2], value: bool) -> IRect {
    let points: Vec<Point> = corners.iter().filter_map(|&p| Point::new(p)).collect();
    let (Some(&last), true) = (points.last(), points.len() >= 3) else {
        return IRect::EMPTY;
    };
    let [low_y, high_y] = points.iter().fold([i64::MAX, i64::MIN], |[low, high], p| {
        [low.min(p.y), high.max(p.y)]
    });
    let rows = rows(mask, low_y, high_y);
    let Some(row_count) = (rows.end() - rows.start() + 1)
        .try_into()
        .ok()
        .filter(|&n: &usize| n > 0)
    else {
        return IRect::EMPTY;
    };

    // One bit where an edge crosses a row: right of it inside and outside change places. So the
    // parity of the bits up to a pixel tells whether it is inside.
    let width = i64::from(mask.width());
    let words_per_row = mask.width().div_ceil(64) as usize;
    let mut crossings = vec![0u64; words_per_row * row_count];
    let mut from = last;
    for &to in &points {
        let (top, bottom) = if from.y < to.y {
            (from, to)
        } else {
            (to, from)
        };
        from = to;
        let (dx, dy) = (bottom.x - top.x, bottom.y - top.y);
        // Half open: a corner belongs to the edge below it, and a level edge crosses nothing.
        let (first, end) = (
            ceil_div(top.y - HALF, ONE).max(*rows.start()),
            ceil_div(bottom.y - HALF, ONE).min(rows.end() + 1),
        );
        for y in first..end {
            let down = y * ONE + HALF - top.y;
            // The first pixel whose middle is not left of the crossing.
            let column = ceil_div((top.x - HALF) * dy + down * dx, ONE * dy).max(0);
            if column < width {
                let row = (y - rows.start()) as usize * words_per_row;
                if let Some(word) = crossings.get_mut(row + (column / 64) as usize) {
                    *word ^= 1 << (column % 64);
                }
            }
        }
    }

    let mut changed = ChangeBounds::default();
    for (y, row) in rows.zip(crossings.chunks_mut(words_per_row)) {
        let mut inside = 0;
        for word in row.iter_mut() {
            *word = prefix_parity(*word) ^ inside;
            // All ones when the last pixel is inside.
            inside = ((*word as i64) >> 63) as u64;
        }
        let y = y as u32;
        changed.add(y, mask.combine_row(y, row, value));
    }
    changed.rect()
}

/// Bit `i` of the result is the parity of the bits `0..=i`.
const fn prefix_parity(mut word: u64) -> u64 {
    let mut shift = 1;
    while shift < 64 {
        word ^= word << shift;
        shift *= 2;
    }
    word
}

#[cfg(test)]
mod tests;

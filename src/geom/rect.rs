//! Axis-aligned rectangles: [`IRect`] counts pixels or cells, [`DRect`] measures.
//!
//! Both are half open (`min` belongs to the rectangle, `max` does not) and say nothing about
//! the space they are in: the name of the variable does (`dirty_mask_px`, `visible_world`).

use glam::{DAffine2, DVec2};

/// A half-open rectangle of whole pixels or cells. Empty when `max <= min` on an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IRect {
    /// First column and row inside.
    pub min: [i32; 2],
    /// First column and row outside.
    pub max: [i32; 2],
}

impl IRect {
    /// The rectangle that holds nothing.
    pub const EMPTY: Self = Self {
        min: [0, 0],
        max: [0, 0],
    };

    /// From the first column and row inside to the first outside.
    #[must_use]
    pub const fn new(min: [i32; 2], max: [i32; 2]) -> Self {
        Self { min, max }
    }

    /// From the origin to `size` (sides beyond `i32::MAX` end there).
    #[must_use]
    pub fn of_size(size: [u32; 2]) -> Self {
        Self {
            min: [0, 0],
            max: size.map(|s| i32::try_from(s).unwrap_or(i32::MAX)),
        }
    }

    /// Whether it holds no pixel.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.max[0] <= self.min[0] || self.max[1] <= self.min[1]
    }

    /// Columns, 0 when empty.
    #[must_use]
    pub const fn width(&self) -> u32 {
        if self.is_empty() {
            0
        } else {
            self.max[0].abs_diff(self.min[0])
        }
    }

    /// Rows, 0 when empty.
    #[must_use]
    pub const fn height(&self) -> u32 {
        if self.is_empty() {
            0
        } else {
            self.max[1].abs_diff(self.min[1])
        }
    }

    /// Number of pixels.
    #[must_use]
    pub const fn area(&self) -> u64 {
        self.width() as u64 * self.height() as u64
    }

    /// Whether the pixel is inside.
    #[must_use]
    pub const fn contains(&self, x: i32, y: i32) -> bool {
        x >= self.min[0] && x < self.max[0] && y >= self.min[1] && y < self.max[1]
    }

    /// What both share; [`IRect::EMPTY`] when nothing.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let shared = Self {
            min: [self.min[0].max(other.min[0]), self.min[1].max(other.min[1])],
            max: [self.max[0].min(other.max[0]), self.max[1].min(other.max[1])],
        };
        if shared.is_empty() {
            Self::EMPTY
        } else {
            shared
        }
    }

    /// The smallest rectangle around both; an empty one adds nothing.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        Self {
            min: [self.min[0].min(other.min[0]), self.min[1].min(other.min[1])],
            max: [self.max[0].max(other.max[0]), self.max[1].max(other.max[1])],
        }
    }
}

/// A half-open rectangle of measured positions. Empty when `max <= min` on an axis or not a
/// number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DRect {
    /// The corner with the smaller coordinates.
    pub min: DVec2,
    /// The corner with the larger coordinates.
    pub max: DVec2,
}

impl DRect {
    /// From the smaller to the larger corner.
    #[must_use]
    pub const fn new(min: DVec2, max: DVec2) -> Self {
        Self { min, max }
    }

    /// Any two opposite corners.
    #[must_use]
    pub fn from_corners(a: DVec2, b: DVec2) -> Self {
        Self {
            min: a.min(b),
            max: a.max(b),
        }
    }

    /// `size` around `center`.
    #[must_use]
    pub fn from_center_size(center: DVec2, size: DVec2) -> Self {
        Self {
            min: center - size * 0.5,
            max: center + size * 0.5,
        }
    }

    /// Extent per axis.
    #[must_use]
    pub fn size(&self) -> DVec2 {
        self.max - self.min
    }

    /// The middle.
    #[must_use]
    pub fn center(&self) -> DVec2 {
        (self.min + self.max) * 0.5
    }

    /// Whether it has no area.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !(self.max.x > self.min.x && self.max.y > self.min.y)
    }

    /// Whether the position is inside.
    #[must_use]
    pub fn contains(&self, p: DVec2) -> bool {
        p.cmpge(self.min).all() && p.cmplt(self.max).all()
    }

    /// What both share; an empty rectangle when nothing.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let shared = Self {
            min: self.min.max(other.min),
            max: self.max.min(other.max),
        };
        if shared.is_empty() {
            Self::default()
        } else {
            shared
        }
    }

    /// The smallest rectangle around both; an empty one adds nothing.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// Grown by `by` on every side (shrunk when negative).
    #[must_use]
    pub fn inflated(&self, by: f64) -> Self {
        Self {
            min: self.min - DVec2::splat(by),
            max: self.max + DVec2::splat(by),
        }
    }

    /// The four corners, around the rectangle.
    #[must_use]
    pub fn corners(&self) -> [DVec2; 4] {
        [
            self.min,
            DVec2::new(self.max.x, self.min.y),
            self.max,
            DVec2::new(self.min.x, self.max.y),
        ]
    }

    /// The bounding rectangle of this one after `b_from_a`.
    #[must_use]
    pub fn transformed(&self, b_from_a: &DAffine2) -> Self {
        let [first, rest @ ..] = self.corners().map(|c| b_from_a.transform_point2(c));
        rest.iter().fold(
            Self {
                min: first,
                max: first,
            },
            |r, &c| Self {
                min: r.min.min(c),
                max: r.max.max(c),
            },
        )
    }

    /// The whole pixels that it touches, ends beyond `i32` cut off.
    #[must_use]
    pub fn outer_pixels(&self) -> IRect {
        if self.is_empty() {
            return IRect::EMPTY;
        }
        // A float to int cast saturates, which is just what is wanted here.
        IRect {
            min: [self.min.x.floor() as i32, self.min.y.floor() as i32],
            max: [self.max.x.ceil() as i32, self.max.y.ceil() as i32],
        }
    }
}

impl From<IRect> for DRect {
    fn from(r: IRect) -> Self {
        Self {
            min: DVec2::new(f64::from(r.min[0]), f64::from(r.min[1])),
            max: DVec2::new(f64::from(r.max[0]), f64::from(r.max[1])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_rectangles_join_and_cut() {
        let a = IRect::new([0, 0], [10, 4]);
        let b = IRect::new([8, -2], [12, 2]);
        assert_eq!(a.intersection(&b), IRect::new([8, 0], [10, 2]));
        assert_eq!(a.union(&b), IRect::new([0, -2], [12, 4]));
        assert_eq!(a.union(&IRect::EMPTY), a);
        assert_eq!(IRect::EMPTY.union(&b), b);
        assert!(a.intersection(&IRect::new([10, 0], [11, 4])).is_empty());
        assert_eq!((a.width(), a.height(), a.area()), (10, 4, 40));
        assert!(a.contains(9, 3) && !a.contains(10, 3));
        assert_eq!(IRect::of_size([7, u32::MAX]).max, [7, i32::MAX]);
    }

    #[test]
    fn measured_rectangles_cover_the_pixels_they_touch() {
        let r = DRect::from_corners(DVec2::new(3.2, -1.5), DVec2::new(0.5, 2.0));
        assert_eq!(r.outer_pixels(), IRect::new([0, -2], [4, 2]));
        assert!(DRect::new(DVec2::splat(f64::NAN), DVec2::ONE).is_empty());
        let turned = r.transformed(&DAffine2::from_scale(DVec2::new(-2.0, 1.0)));
        assert_eq!(turned.min, DVec2::new(-6.4, -1.5));
        assert_eq!(turned.max, DVec2::new(-1.0, 2.0));
    }
}

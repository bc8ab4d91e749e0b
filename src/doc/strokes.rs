//! Strokes as documents hold them.
//!
//! A record is immutable bytes under `stroke/<scene>/<mask>/<n>`; `n` is `<client>.<number>` in hex
//! for a stroke drawn here, so that no two replicas ever make the same key, and `h<hash>` for one that
//! was made of a foreign client's mask, so that two importers make the same one.
//!
//! # Bytes
//! Numbers are LEB128, signed ones zigzag. `1` (version), clock, client, number, mode (0 erase, 1 add),
//! shape (0 brush: radius; 1 rectangle; 2 ellipse; 3 polygon; 4 everything; 5 replace: length and mask
//! bytes; 6 difference: length and mask bytes of what was added, length and mask bytes of what was
//! cleared), count of points, each point as the difference from the one before it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::stroke::{NewStroke, StrokeMode, StrokeShape, StrokeStamp};

/// The most points a stroke may have: more than hours of drawing.
const MAX_POINTS: u64 = 1 << 20;

/// A stroke in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stroke {
    /// Its name in its mask.
    pub id: Arc<str>,
    /// Its place in the order.
    pub stamp: StrokeStamp,
    /// What it does.
    pub action: Action,
}

/// What a stroke does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Draws.
    Draw(NewStroke),
    /// What a foreign client changed on the mask that we had written for it: mask bytes.
    Difference {
        /// Set where it set.
        added: Arc<[u8]>,
        /// Set where it cleared.
        cleared: Arc<[u8]>,
    },
}

impl Stroke {
    /// Whether what lies below this stroke cannot be seen.
    #[must_use]
    pub fn covers_everything(&self) -> bool {
        matches!(
            &self.action,
            Action::Draw(NewStroke {
                shape: StrokeShape::Everything | StrokeShape::Replace(_),
                ..
            })
        )
    }
}

/// The name of a stroke drawn by a replica.
#[must_use]
pub(super) fn id_of(stamp: &StrokeStamp) -> Arc<str> {
    format!("{:x}.{:x}", stamp.client, stamp.n).into()
}

/// A mask's strokes, in their order, and which of them were taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StrokeList {
    /// All strokes by stamp.
    pub strokes: Vec<Stroke>,
    /// Names of those that were taken back.
    pub voided: BTreeSet<Arc<str>>,
}

impl StrokeList {
    /// The strokes that make the picture: not taken back, from the last that covers everything on.
    #[must_use]
    pub fn effective(&self) -> Vec<&Stroke> {
        let standing: Vec<&Stroke> = self
            .strokes
            .iter()
            .filter(|stroke| !self.voided.contains(&stroke.id))
            .collect();
        let from = standing
            .iter()
            .rposition(|stroke| stroke.covers_everything())
            .unwrap_or(0);
        standing.get(from..).unwrap_or_default().to_vec()
    }

    /// The clock for the next stroke: above every one seen.
    #[must_use]
    pub fn next_clock(&self) -> u64 {
        self.strokes
            .iter()
            .map(|stroke| stroke.stamp.clock)
            .max()
            .map_or(1, |clock| clock.saturating_add(1))
    }
}

/// The bytes of a stroke.
#[must_use]
pub(super) fn encode(stamp: &StrokeStamp, action: &Action) -> Vec<u8> {
    let mut out = vec![1];
    put(&mut out, stamp.clock);
    put(&mut out, stamp.client);
    put(&mut out, u64::from(stamp.n));
    match action {
        Action::Difference { added, cleared } => {
            out.extend([1, 6]);
            put_bytes(&mut out, added);
            put_bytes(&mut out, cleared);
            out.push(0);
        }
        Action::Draw(stroke) => {
            out.push(match stroke.mode {
                StrokeMode::Erase => 0,
                StrokeMode::Add => 1,
            });
            match &stroke.shape {
                StrokeShape::Brush { radius } => {
                    out.push(0);
                    put_signed(&mut out, i64::from(*radius));
                }
                StrokeShape::Rectangle => out.push(1),
                StrokeShape::Ellipse => out.push(2),
                StrokeShape::Polygon => out.push(3),
                StrokeShape::Everything => out.push(4),
                StrokeShape::Replace(mask) => {
                    out.push(5);
                    put_bytes(&mut out, mask);
                }
            }
            put(&mut out, stroke.points.len() as u64);
            let mut last = [0i64; 2];
            for point in &stroke.points {
                for (last, now) in last.iter_mut().zip(point) {
                    put_signed(&mut out, i64::from(*now) - *last);
                    *last = i64::from(*now);
                }
            }
        }
    }
    out
}

/// Reads a stroke's bytes; `None` for what is none.
#[must_use]
pub(super) fn decode(id: &str, bytes: &[u8]) -> Option<Stroke> {
    let mut rest = bytes;
    if byte(&mut rest)? != 1 {
        return None;
    }
    let stamp = StrokeStamp {
        clock: get(&mut rest)?,
        client: get(&mut rest)?,
        n: u32::try_from(get(&mut rest)?).ok()?,
    };
    let mode = match byte(&mut rest)? {
        0 => StrokeMode::Erase,
        1 => StrokeMode::Add,
        _ => return None,
    };
    let shape = match byte(&mut rest)? {
        0 => StrokeShape::Brush {
            radius: i32::try_from(get_signed(&mut rest)?).ok()?,
        },
        1 => StrokeShape::Rectangle,
        2 => StrokeShape::Ellipse,
        3 => StrokeShape::Polygon,
        4 => StrokeShape::Everything,
        5 => StrokeShape::Replace(get_bytes(&mut rest)?),
        6 => {
            let action = Action::Difference {
                added: get_bytes(&mut rest)?,
                cleared: get_bytes(&mut rest)?,
            };
            return Some(Stroke {
                id: id.into(),
                stamp,
                action,
            });
        }
        _ => return None,
    };
    let count = get(&mut rest)?;
    if count > MAX_POINTS || count > rest.len() as u64 / 2 {
        return None;
    }
    let mut points = Vec::with_capacity(usize::try_from(count).ok()?);
    let mut last = [0i64; 2];
    for _ in 0..count {
        let mut point = [0i32; 2];
        for (last, now) in last.iter_mut().zip(&mut point) {
            *last = last.checked_add(get_signed(&mut rest)?)?;
            *now = i32::try_from(*last).ok()?;
        }
        points.push(point);
    }
    Some(Stroke {
        id: id.into(),
        stamp,
        action: Action::Draw(NewStroke {
            shape,
            mode,
            points,
        }),
    })
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[expect(clippy::cast_sign_loss, reason = "zigzag")]
fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

fn get(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let byte = byte(rest)?;
        let low = u64::from(byte & 0x7f);
        if shift == 63 && low > 1 {
            return None;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[expect(clippy::cast_possible_wrap, reason = "zigzag")]
fn get_signed(rest: &mut &[u8]) -> Option<i64> {
    let value = get(rest)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}

fn get_bytes(rest: &mut &[u8]) -> Option<Arc<[u8]>> {
    let length = usize::try_from(get(rest)?).ok()?;
    let (taken, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(taken.into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_action() -> impl Strategy<Value = Action> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..20).prop_map(Arc::<[u8]>::from);
        let shape = prop_oneof![
            any::<i32>().prop_map(|radius| StrokeShape::Brush { radius }),
            Just(StrokeShape::Rectangle),
            Just(StrokeShape::Ellipse),
            Just(StrokeShape::Polygon),
            Just(StrokeShape::Everything),
            bytes().prop_map(StrokeShape::Replace),
        ];
        let points = proptest::collection::vec(any::<[i32; 2]>(), 0..20);
        let mode = prop_oneof![Just(StrokeMode::Erase), Just(StrokeMode::Add)];
        prop_oneof![
            (shape, mode, points).prop_map(|(shape, mode, points)| Action::Draw(NewStroke {
                shape,
                mode,
                points
            })),
            (bytes(), bytes()).prop_map(|(added, cleared)| Action::Difference { added, cleared }),
        ]
    }

    proptest! {
        #[test]
        fn a_stroke_reads_as_it_was_written(
            clock: u64, client: u64, n: u32, action in any_action(),
        ) {
            let stamp = StrokeStamp { clock, client, n };
            let bytes = encode(&stamp, &action);
            let stroke = decode("x", &bytes).unwrap();
            prop_assert_eq!(stroke.stamp, stamp);
            prop_assert_eq!(stroke.action, action);
        }

        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let _ = decode("x", &bytes);
        }
    }
}

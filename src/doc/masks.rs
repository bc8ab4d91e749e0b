//! The pictures that masks show: base ⊕ ordered strokes.
//!
//! Any two peers that hold the same base and records get the same pixels, in whatever order the
//! records came. [`MaskCache`] draws a new stroke onto the picture that it has; everything else (a
//! stroke taken back, one that belongs further down, another base) draws the picture anew.

use std::collections::HashMap;
use std::sync::Arc;

use glam::{DAffine2, DVec2};
use sha2::{Digest as _, Sha256};
use yrs::Any;

use super::change::{self, Cell};
use super::document::GameDoc;
use super::keys;
use super::origin::Origin;
use super::strokes::{self, Action, Stroke, StrokeList};
use crate::geom::mask::Mask;
use crate::geom::raster;
use crate::geom::space::{mask_from_picture, picture_from_map};
use crate::model::id::SceneId;
use crate::model::stroke::{
    MaskTarget, NewStroke, STROKE_UNITS_PER_PX, StrokeMode, StrokeShape, StrokeStamp,
};

/// The largest side of masks of our own.
pub const OWN_MASK_MAX_SIDE: u32 = 4096;

/// The smallest radius that a brush is drawn with, in mask pixels: no stroke is lost between them.
const LEAST_RADIUS_MASK_PX: f64 = 0.75;

/// What a mask covers: the map for fog, the map or the display for drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaskSpace {
    /// Width and height of what it covers, in the pixels that strokes are in.
    pub size_px: [u32; 2],
    /// The mask's own width and height where no mask of the document says otherwise.
    pub mask_size_px: [u32; 2],
}

impl MaskSpace {
    /// The space of something with this size: its mask is as fine, within [`OWN_MASK_MAX_SIDE`].
    #[must_use]
    pub fn covering(size_px: [u32; 2]) -> Self {
        Self {
            size_px: size_px.map(|side| side.max(1)),
            mask_size_px: own_mask_size(size_px),
        }
    }
}

/// The size of a mask of ours over a picture: the picture's, brought to at most
/// [`OWN_MASK_MAX_SIDE`] a side, aspect kept.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "1 to 4096 by the clamp"
)]
pub fn own_mask_size(size_px: [u32; 2]) -> [u32; 2] {
    let longest = f64::from(size_px[0].max(size_px[1]).max(1));
    let limit = f64::from(OWN_MASK_MAX_SIDE);
    let scale = (limit / longest).min(1.0);
    size_px.map(|side| (f64::from(side) * scale).round().clamp(1.0, limit) as u32)
}

/// The pictures of masks that were asked for, kept for the next stroke.
#[derive(Debug, Default)]
pub struct MaskCache {
    kept: HashMap<(SceneId, MaskTarget), Kept>,
}

#[derive(Debug)]
struct Kept {
    space: MaskSpace,
    base: Option<Arc<[u8]>>,
    drawn: Vec<Arc<str>>,
    mask: Arc<Mask>,
}

impl MaskCache {
    /// The picture of a mask; the same `Arc` as before when nothing changed. `None` when there is
    /// none: full fog, or nothing drawn. Fog that cannot be read is full fog.
    pub fn mask(
        &mut self,
        doc: &GameDoc,
        scene: &SceneId,
        target: &MaskTarget,
        space: MaskSpace,
    ) -> Option<Arc<Mask>> {
        let place = (scene.clone(), target.clone());
        let base = doc.mask_base(scene, target);
        let list = doc.strokes(scene, target);
        let effective = list.effective();
        let names = || effective.iter().map(|stroke| Arc::clone(&stroke.id));
        if let Some(kept) = self.kept.get_mut(&place)
            && kept.space == space
            && kept.base == base
            && names()
                .take(kept.drawn.len())
                .eq(kept.drawn.iter().cloned())
        {
            for stroke in effective.iter().skip(kept.drawn.len()) {
                draw(Arc::make_mut(&mut kept.mask), stroke, target, space.size_px);
                kept.drawn.push(Arc::clone(&stroke.id));
            }
            return Some(Arc::clone(&kept.mask));
        }
        let Some(mask) = picture(base.as_deref(), &effective, target, space) else {
            self.kept.remove(&place);
            return None;
        };
        let drawn = names().collect();
        let mask = Arc::new(mask);
        let kept = Kept {
            space,
            base,
            drawn,
            mask: Arc::clone(&mask),
        };
        self.kept.insert(place, kept);
        Some(mask)
    }

    /// Drops the pictures of drawing layers that are no more.
    pub fn retain(&mut self, mut wanted: impl FnMut(&SceneId, &MaskTarget) -> bool) {
        self.kept.retain(|(scene, target), _| wanted(scene, target));
    }
}

/// The picture of a base and strokes, drawn from nothing. `None` when there is none, or when fog
/// cannot be read.
fn picture(
    base: Option<&[u8]>,
    effective: &[&Stroke],
    target: &MaskTarget,
    space: MaskSpace,
) -> Option<Mask> {
    if base.is_none() && effective.is_empty() {
        return None;
    }
    let fog = *target == MaskTarget::Fog;
    let replaced = first_size(effective);
    // What is replaced decides nothing, not even how fine the picture is.
    let base = base.filter(|_| replaced.is_none());
    let mut mask = match base.map(Mask::decode_rle) {
        Some(Ok(mask)) => mask,
        // Unreadable fog hides everything; unreadable ink is none.
        Some(Err(_)) if effective.is_empty() => return None,
        Some(Err(_)) | None => {
            let [width, height] = replaced.unwrap_or(space.mask_size_px);
            let blank = if fog {
                Mask::new_filled(width, height)
            } else {
                Mask::new(width, height)
            };
            blank.ok()?
        }
    };
    for stroke in effective {
        draw(&mut mask, stroke, target, space.size_px);
    }
    Some(mask)
}

/// The size that the lowest stroke brings along.
fn first_size(effective: &[&Stroke]) -> Option<[u32; 2]> {
    match &effective.first()?.action {
        Action::Draw(NewStroke {
            shape: StrokeShape::Replace(bytes),
            ..
        }) => Mask::decode_rle(bytes).ok().map(|mask| mask.size_px()),
        _ => None,
    }
}

fn draw(mask: &mut Mask, stroke: &Stroke, target: &MaskTarget, size_px: [u32; 2]) {
    match &stroke.action {
        Action::Draw(stroke) => draw_new(mask, stroke, target, size_px),
        Action::Difference { added, cleared } => {
            // The sizes agree after resampling, so neither can fail.
            if let Some(added) = fitting(added, mask) {
                let _ = mask.or(&added);
            }
            if let Some(cleared) = fitting(cleared, mask) {
                let _ = mask.and_not(&cleared);
            }
        }
    }
}

fn fitting(bytes: &[u8], like: &Mask) -> Option<Mask> {
    let mask = Mask::decode_rle(bytes).ok()?;
    if mask.size_px() == like.size_px() {
        return Some(mask);
    }
    mask.resampled(like.width(), like.height()).ok()
}

fn draw_new(mask: &mut Mask, stroke: &NewStroke, target: &MaskTarget, size_px: [u32; 2]) {
    let value = stroke.mode == StrokeMode::Add;
    let mask_from_units = mask_from_picture(mask.size_px(), size_px)
        * picture_from_map(size_px)
        * DAffine2::from_scale(DVec2::splat(STROKE_UNITS_PER_PX.recip()));
    let mut points = stroke
        .points
        .iter()
        .map(|&[x, y]| mask_from_units.transform_point2(DVec2::new(f64::from(x), f64::from(y))));
    match &stroke.shape {
        StrokeShape::Brush { radius } => {
            let points: Vec<DVec2> = points.collect();
            let radius_mask_px = f64::from((*radius).max(0)) * mask_from_units.matrix2.x_axis.x;
            raster::draw_stroke(
                mask,
                &points,
                radius_mask_px.max(LEAST_RADIUS_MASK_PX),
                value,
            );
        }
        StrokeShape::Rectangle => {
            if let (Some(a), Some(b)) = (points.next(), points.next_back()) {
                raster::draw_rectangle(mask, a, b, value);
            }
        }
        StrokeShape::Ellipse => {
            if let (Some(a), Some(b)) = (points.next(), points.next_back()) {
                raster::draw_ellipse(mask, a, b, value);
            }
        }
        StrokeShape::Polygon => {
            let corners: Vec<DVec2> = points.collect();
            raster::draw_polygon(mask, &corners, value);
        }
        StrokeShape::Everything => {
            mask.fill(value);
        }
        StrokeShape::Replace(bytes) => match fitting(bytes, mask) {
            Some(other) => *mask = other,
            // What cannot be read hides: fog becomes full, ink none.
            None => {
                mask.fill(*target == MaskTarget::Fog);
            }
        },
    }
}

impl GameDoc {
    /// The picture of a mask, drawn from nothing; see [`MaskCache::mask`].
    #[must_use]
    pub fn mask(&self, scene: &SceneId, target: &MaskTarget, space: MaskSpace) -> Option<Mask> {
        let list = self.strokes(scene, target);
        picture(
            self.mask_base(scene, target).as_deref(),
            &list.effective(),
            target,
            space,
        )
    }

    /// The size of the mask below the strokes, if the document holds one.
    #[must_use]
    pub fn base_size(&self, scene: &SceneId, target: &MaskTarget) -> Option<[u32; 2]> {
        let base = self.mask_base(scene, target)?;
        Mask::decode_rle(&base).ok().map(|mask| mask.size_px())
    }

    /// The size of the mask below the strokes as its header says, if a web client wrote it and no
    /// stroke replaces it whole.
    #[must_use]
    pub fn foreign_base_size(&self, scene: &SceneId, target: &MaskTarget) -> Option<[u32; 2]> {
        let shared = self.shared_mask(scene, target)?;
        // A base of ours would be another value: this one is the web client's.
        let base = self.mask_base(scene, target)?;
        let side = |from: usize| {
            let bytes = base.get(from..from + 4)?;
            <[u8; 4]>::try_from(bytes).ok().map(u32::from_le_bytes)
        };
        (shared == base).then_some(())?;
        let replaced = first_size(&self.strokes(scene, target).effective()).is_some();
        (!replaced).then_some([side(0)?, side(4)?])
    }

    /// Draws all but the newest `keep` strokes of a mask into its base and drops their records. Only
    /// for a serialising owner of the document (our room server, or a library that is attached to
    /// nothing): no stroke may be under way to it. The picture stays the same. Returns whether
    /// anything was compacted.
    ///
    /// Keep at least as many strokes as steps can be undone ([`super::undo::DEPTH`]).
    pub fn compact_mask(
        &mut self,
        scene: &SceneId,
        target: &MaskTarget,
        space: MaskSpace,
        keep: usize,
    ) -> bool {
        let list = self.strokes(scene, target);
        let settled = list.strokes.len().saturating_sub(keep);
        if settled == 0 {
            return false;
        }
        let below = StrokeList {
            strokes: list.strokes.into_iter().take(settled).collect(),
            voided: list.voided,
        };
        let base = self.mask_base(scene, target);
        let mask = picture(base.as_deref(), &below.effective(), target, space);
        let mut txn = self.replica.write(Origin::Upkeep);
        if let Some(mask) = mask {
            let key = Cell::Ours(keys::mask_key(keys::BASE, scene, target).into());
            change::write_cell(&mut txn, &key, Some(&buffer(mask.encode_rle())));
        }
        for stroke in &below.strokes {
            for kind in [keys::STROKE, keys::VOID] {
                let key = keys::stroke_key(kind, scene, target, &stroke.id);
                change::write_cell(&mut txn, &Cell::Ours(key.into()), None);
            }
        }
        true
    }

    /// Writes a mask's picture where web clients read it, and remembers what was written. Only where
    /// such a client is or may be. Returns whether anything changed.
    pub fn project_mask(&mut self, scene: &SceneId, target: &MaskTarget, space: MaskSpace) -> bool {
        let Some(mask) = self.mask(scene, target, space) else {
            return false;
        };
        let bytes = mask.encode_rle();
        let shared = self.shared_mask(scene, target);
        let projected = self.projected_mask(scene, target);
        if shared.as_deref() == Some(&bytes) && projected.as_deref() == Some(&bytes) {
            return false;
        }
        let base = self.mask_base(scene, target);
        let mut txn = self.replica.write(Origin::Upkeep);
        if let Some(base) = base {
            // From now on the shared mask is ours and no longer the base.
            let key = Cell::Ours(keys::mask_key(keys::BASE, scene, target).into());
            change::write_cell(&mut txn, &key, Some(&Any::Buffer(base)));
        }
        let any = buffer(bytes);
        let key = Cell::Ours(keys::mask_key(keys::PROJECTED, scene, target).into());
        change::write_cell(&mut txn, &key, Some(&any));
        write_shared(&mut txn, scene, target, &any);
        true
    }

    /// Takes in a mask that a foreign client wrote over our projection: what it changed becomes one
    /// stroke, named by the mask's hash, so that two importers make the same one. Returns whether
    /// there was such a mask.
    pub fn adopt_foreign_mask(&mut self, scene: &SceneId, target: &MaskTarget) -> bool {
        let (Some(shared), Some(projected)) = (
            self.shared_mask(scene, target),
            self.projected_mask(scene, target),
        ) else {
            return false;
        };
        if shared == projected {
            return false;
        }
        let digest = Sha256::digest(&shared);
        let head: [u8; 8] = std::array::from_fn(|index| digest.get(index).copied().unwrap_or(0));
        let stamp = StrokeStamp {
            clock: self.strokes(scene, target).next_clock(),
            client: u64::from_be_bytes(head),
            n: 0,
        };
        let action = difference(&projected, &shared).unwrap_or_else(|| {
            Action::Draw(NewStroke {
                shape: StrokeShape::Replace(Arc::clone(&shared)),
                mode: StrokeMode::Add,
                points: Vec::new(),
            })
        });
        let id = format!("h{:016x}", stamp.client);
        let bytes = strokes::encode(&stamp, &action);
        let mut txn = self.replica.write(Origin::Upkeep);
        let key = keys::stroke_key(keys::STROKE, scene, target, &id);
        change::write_cell(&mut txn, &Cell::Ours(key.into()), Some(&buffer(bytes)));
        let key = keys::mask_key(keys::PROJECTED, scene, target);
        let projection = Any::Buffer(shared);
        change::write_cell(&mut txn, &Cell::Ours(key.into()), Some(&projection));
        true
    }

    fn projected_mask(&self, scene: &SceneId, target: &MaskTarget) -> Option<Arc<[u8]>> {
        let txn = self.replica.read();
        let key = Cell::Ours(keys::mask_key(keys::PROJECTED, scene, target).into());
        match change::read_cell(&txn, &key) {
            Ok(Some(Any::Buffer(bytes))) => Some(bytes),
            _ => None,
        }
    }
}

/// What turns one mask into another; `None` when they cannot be compared.
fn difference(from: &[u8], to: &[u8]) -> Option<Action> {
    let from = Mask::decode_rle(from).ok()?;
    let to = Mask::decode_rle(to).ok()?;
    let mut added = to.clone();
    added.and_not(&from).ok()?;
    let mut cleared = from;
    cleared.and_not(&to).ok()?;
    Some(Action::Difference {
        added: added.encode_rle().into(),
        cleared: cleared.encode_rle().into(),
    })
}

fn buffer(bytes: Vec<u8>) -> Any {
    Any::Buffer(bytes.into())
}

fn write_shared(txn: &mut yrs::TransactionMut, scene: &SceneId, target: &MaskTarget, mask: &Any) {
    use yrs::Map as _;
    let map = match target {
        MaskTarget::Fog => super::read::scene_map(txn, scene),
        MaskTarget::Annotation(id) => {
            let row = crate::model::edit::RowRef::annotation(scene, id);
            super::read::row_map(txn, &row)
        }
    };
    if let Some(map) = map {
        map.insert(txn, super::read::mask_place(scene, target).1, mask.clone());
    }
}

//! The map picture: which tiles a view needs, and the quads that show them (`shaders/map.wgsl`).
//!
//! The camera picks the level; tiles in view come first, then a ring around them. Where a tile is
//! not there yet its nearest coarser relative shows its part, so the view is never empty once the
//! coarsest tile is there. Where picture pixels lie exactly on target pixels single texels are
//! read, so that a picture shown 1:1 comes out bit by bit.

use std::ops::Range;

use glam::{DAffine2, DVec2};

use crate::geom::pyramid::{PyramidLayout, TileAddress};
use crate::geom::rect::{DRect, IRect};
use crate::model::id::PictureHash;
use crate::scene::picture::PictureSource;
use crate::scene::snapshot::MapLayer;

use super::gpu::Gpu;
use super::pipelines::{Layouts, Pipelines};
use super::quad::{QuadInstance, QuadList};
use super::resources::Samplers;
use super::tiles::{PAGE_SIDE_PX, TileCache, TileKey, TileSlot, Wanted};

/// How far a scale may be from exact and still count as exact: a tenth of a pixel over 8192.
const EXACT_SCALE_TOLERANCE: f64 = 1.2e-5;

/// What of the map one frame draws.
#[derive(Debug, Default)]
pub(super) struct MapDraw {
    batches: Vec<Batch>,
    filtered: bool,
    /// The picture's own alpha goes to the target as it is.
    keep_alpha: bool,
    /// What the tiles came to.
    pub(super) loading: bool,
    pub(super) uploading: bool,
    pub(super) missing: u32,
}

#[derive(Debug)]
struct Batch {
    page: usize,
    opaque: bool,
    quads: Range<u32>,
}

/// The map's place in one view.
#[derive(Debug)]
pub(super) struct MapPlace<'a> {
    layer: &'a MapLayer,
    layout: PyramidLayout,
    level: u8,
    /// Texels lie exactly on pixels.
    exact: bool,
    px_from_picture: DAffine2,
    /// From the map's texture coordinates (0..1, v down) to pixels.
    pub(super) px_from_uv: DAffine2,
    pub(super) size_world: DVec2,
}

impl<'a> MapPlace<'a> {
    /// `None` for a picture that has no tiles and no size.
    pub(super) fn new(
        layer: &'a MapLayer,
        source: &dyn PictureSource,
        px_from_world: &DAffine2,
    ) -> Option<Self> {
        let [width, height] = layer.placement.size_px;
        let layout = match &layer.picture {
            Some(picture) => source
                .layout(&picture.hash)
                .or_else(|| PyramidLayout::new(picture.width, picture.height).ok()),
            // Fog still covers a map whose picture is not here.
            None => PyramidLayout::new(width, height).ok(),
        }?;
        let mut px_from_picture = px_from_picture(layer, &layout, px_from_world);
        let px_per_picture_px = px_from_picture.matrix2.determinant().abs().sqrt();
        let level = layout.level_for(1.0 / px_per_picture_px);
        let exact = snap_when_exact(
            &mut px_from_picture,
            f64::from(layout.picture_px_per_level_px(level)),
        );
        let placement = &layer.placement;
        Some(Self {
            px_from_uv: px_from_picture
                * DAffine2::from_scale(DVec2::from(layout.size_px().map(f64::from))),
            size_world: DVec2::from(placement.size_px.map(f64::from)) * placement.effective_zoom(),
            layer,
            layout,
            level,
            exact,
            px_from_picture,
        })
    }

    /// Width and height in pixels.
    pub(super) fn size_px(&self) -> DVec2 {
        DVec2::new(
            self.px_from_uv.matrix2.x_axis.length(),
            self.px_from_uv.matrix2.y_axis.length(),
        )
    }
}

/// What the tiles are shown with.
pub(super) struct MapContext<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) layouts: &'a Layouts,
    pub(super) samplers: &'a Samplers,
    pub(super) source: &'a dyn PictureSource,
    pub(super) size_px: [u32; 2],
    /// Bytes that may still be uploaded this frame.
    pub(super) upload_budget_bytes: &'a mut usize,
    /// Only the map is drawn, and its alpha is kept.
    pub(super) keep_alpha: bool,
    /// Also fetch a ring of tiles around the view.
    pub(super) with_ring: bool,
}

impl MapDraw {
    pub(super) fn prepare(
        place: &MapPlace<'_>,
        tiles: &mut TileCache,
        quads: &mut QuadList,
        context: &mut MapContext<'_>,
    ) -> Self {
        let MapPlace {
            layout,
            level,
            px_from_picture,
            ..
        } = *place;
        let Some(picture) = &place.layer.picture else {
            return Self {
                missing: 1,
                ..Self::default()
            };
        };
        let target = DRect::new(DVec2::ZERO, DVec2::from(context.size_px.map(f64::from)));
        let visible = target.transformed(&px_from_picture.inverse());
        let in_view = tiles_from_the_middle(&layout, level, visible);
        let whole: DRect = IRect::of_size(layout.size_px()).into();
        let mut wanted: Vec<_> = layout.tiles_in(layout.coarsest_level(), whole).collect();
        // Parents first: two levels up covers the view with a sixteenth of its tiles.
        if level + 2 < layout.coarsest_level() {
            wanted.extend(layout.tiles_in(level + 2, visible));
        }
        wanted.extend(in_view.iter().copied());
        if context.with_ring {
            let side = f64::from(256 * layout.picture_px_per_level_px(level));
            wanted.extend(layout.tiles_in(level, visible.inflated(side)));
        }
        let mut seen = std::collections::HashSet::new();
        wanted.retain(|address| seen.insert(*address));
        let answers = tiles.want(
            context.gpu,
            context.layouts,
            context.samplers,
            context.source,
            (&picture.hash, &wanted),
            context.upload_budget_bytes,
        );

        let mut draw = Self {
            filtered: !place.exact,
            keep_alpha: context.keep_alpha,
            ..Self::default()
        };
        let in_view_set: std::collections::HashSet<_> = in_view.iter().copied().collect();
        for (address, answer) in wanted.iter().zip(answers) {
            let matters = in_view_set.contains(address);
            match answer {
                Wanted::Loading if matters => draw.loading = true,
                Wanted::Waiting if matters => draw.uploading = true,
                Wanted::Missing if matters => draw.missing += 1,
                _ => {}
            }
        }

        let mut drawn: Vec<(TileSlot, QuadInstance)> = in_view
            .iter()
            .filter_map(|&address| {
                let (slot, shown) =
                    nearest_resident(tiles, context.source, &layout, &picture.hash, address)?;
                Some((
                    slot,
                    tile_quad(&layout, &px_from_picture, address, shown, slot),
                ))
            })
            .collect();
        drawn.sort_by_key(|(slot, _)| (slot.page, !slot.opaque));
        for group in drawn.chunk_by(|(a, _), (b, _)| (a.page, a.opaque) == (b.page, b.opaque)) {
            if let Some((slot, _)) = group.first() {
                draw.batches.push(Batch {
                    page: slot.page,
                    opaque: slot.opaque,
                    quads: quads.add(group.iter().map(|(_, quad)| *quad)),
                });
            }
        }
        draw
    }

    pub(super) fn draw(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        pipelines: &Pipelines,
        tiles: &TileCache,
    ) {
        for batch in &self.batches {
            let Some(page) = tiles.page(batch.page, self.filtered) else {
                continue;
            };
            pass.set_pipeline(if batch.opaque || self.keep_alpha {
                &pipelines.map_as_is
            } else {
                &pipelines.map_blended
            });
            pass.set_bind_group(1, page, &[]);
            pass.draw(0..4, batch.quads.clone());
        }
    }
}

/// From pixels of the picture file to the target. The document may mean another size than the
/// file's (a scaled-down one).
fn px_from_picture(map: &MapLayer, layout: &PyramidLayout, px_from_world: &DAffine2) -> DAffine2 {
    let file = DVec2::from(layout.size_px().map(f64::from));
    let meant = DVec2::from(map.placement.size_px.map(f64::from));
    *px_from_world * map.placement.world_from_picture() * DAffine2::from_scale(meant / file)
}

/// Whether the picture's (or its level's) pixels are exactly as large as the target's and upright
/// or turned by quarters. Then they are also moved onto them, by half a pixel at most.
fn snap_when_exact(px_from_picture: &mut DAffine2, picture_px_per_level_px: f64) -> bool {
    let m = px_from_picture.matrix2 * picture_px_per_level_px;
    let is_unit = |v: f64| (v.abs() - 1.0).abs() < EXACT_SCALE_TOLERANCE;
    let is_zero = |v: f64| v.abs() < EXACT_SCALE_TOLERANCE;
    let upright =
        is_unit(m.x_axis.x) && is_unit(m.y_axis.y) && is_zero(m.x_axis.y) && is_zero(m.y_axis.x);
    let quarter =
        is_zero(m.x_axis.x) && is_zero(m.y_axis.y) && is_unit(m.x_axis.y) && is_unit(m.y_axis.x);
    if !(upright || quarter) {
        return false;
    }
    let rounded = |v: DVec2| v.round() / picture_px_per_level_px;
    px_from_picture.matrix2.x_axis = rounded(m.x_axis);
    px_from_picture.matrix2.y_axis = rounded(m.y_axis);
    // Halves always go the same way, so that a picture does not tremble between two frames.
    px_from_picture.translation = (px_from_picture.translation - 1e-6).round();
    true
}

/// Tiles in view, the middle of the view first.
fn tiles_from_the_middle(layout: &PyramidLayout, level: u8, visible: DRect) -> Vec<TileAddress> {
    let mut tiles: Vec<_> = layout.tiles_in(level, visible).collect();
    let middle = visible.center();
    let distance = |tile: &TileAddress| {
        let rect: DRect = layout.content_picture_px(*tile).into();
        rect.center().distance_squared(middle)
    };
    tiles.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    tiles
}

/// The tile or its nearest coarser relative that is there.
fn nearest_resident(
    tiles: &mut TileCache,
    source: &dyn PictureSource,
    layout: &PyramidLayout,
    picture: &PictureHash,
    address: TileAddress,
) -> Option<(TileSlot, TileAddress)> {
    let mut candidate = Some(address);
    while let Some(address) = candidate {
        let (key, _) = TileKey::of(source, picture, address);
        if let Some(slot) = tiles.find(&key) {
            return Some((slot, address));
        }
        candidate = layout.parent(address);
    }
    None
}

/// The place of one tile, textured with it or with its part of a coarser one.
fn tile_quad(
    layout: &PyramidLayout,
    px_from_picture: &DAffine2,
    place: TileAddress,
    shown: TileAddress,
    slot: TileSlot,
) -> QuadInstance {
    let picture_px: DRect = layout.content_picture_px(place).into();
    let stored_from_picture = layout.stored_from_picture(shown);
    let origin = DVec2::from(slot.origin_px.map(f64::from));
    let uv =
        |p: DVec2| (origin + stored_from_picture.transform_point2(p)) / f64::from(PAGE_SIDE_PX);
    QuadInstance::new(px_from_picture, picture_px).with_uv(uv(picture_px.min), uv(picture_px.max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_scales_snap_and_others_do_not() {
        let mut at = DAffine2::from_scale_angle_translation(DVec2::ONE, 0.0, DVec2::new(0.5, 7.25));
        assert!(snap_when_exact(&mut at, 1.0));
        assert_eq!(at.translation, DVec2::new(0.0, 7.0));
        let mut turned = DAffine2::from_angle(std::f64::consts::FRAC_PI_2);
        assert!(snap_when_exact(&mut turned, 1.0));
        assert_eq!(turned.matrix2.x_axis, DVec2::Y);
        let mut half = DAffine2::from_scale(DVec2::splat(0.5));
        assert!(!snap_when_exact(&mut half.clone(), 1.0));
        assert!(snap_when_exact(&mut half, 2.0));
        let mut other = DAffine2::from_scale(DVec2::splat(1.001));
        assert!(!snap_when_exact(&mut other, 1.0));
    }
}

//! Drawing layers (`shaders/annotation.wgsl`): a colour where the mask is set, shaded only where
//! there is ink.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::Arc;

use glam::{DAffine2, DVec2};

use crate::geom::mask::Mask;
use crate::geom::rect::{DRect, IRect};
use crate::model::annotation as prop;
use crate::model::color::Rgb;
use crate::scene::snapshot::{Annotation, SceneSnapshot};

use super::frame::{ViewId, display_rect_world};
use super::gpu::Gpu;
use super::gpu_data::rgba;
use super::mask_cache::{MaskCache, MaskResource};
use super::mask_texture::MaskTexture;
use super::noise::level_of_detail;
use super::pipelines::{Layouts, Pipelines};
use super::quad::{QuadInstance, QuadList};
use super::resources::{Samplers, bind_group};

/// `effectType`: magic, which always has this colour.
const MAGIC: i64 = 4;
const MAGIC_COLOR: Rgb = Rgb::new(0x93, 0x33, 0xea);

/// A drawing's mask on the GPU, and where its ink is.
#[derive(Debug)]
pub(super) struct InkTexture {
    texture: MaskTexture,
    bounds: IRect,
}

impl MaskResource for InkTexture {
    fn create(gpu: &Gpu, mask: Arc<Mask>) -> Result<Self, String> {
        Ok(Self {
            bounds: mask.bounds(),
            texture: MaskTexture::new(gpu, mask)?,
        })
    }

    fn update(&mut self, gpu: &Gpu, mask: Arc<Mask>) -> bool {
        let bounds = mask.bounds();
        let updated = self.texture.update(gpu, mask).is_some();
        if updated {
            self.bounds = bounds;
        }
        updated
    }
}

/// The drawings of one frame, the lowest first.
#[derive(Debug, Default)]
pub(super) struct AnnotationsDraw {
    layers: Vec<(Range<u32>, wgpu::BindGroup)>,
}

/// What drawings need of the view.
pub(super) struct AnnotationsContext<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) layouts: &'a Layouts,
    pub(super) samplers: &'a Samplers,
    pub(super) view: ViewId,
    pub(super) is_player: bool,
    pub(super) px_from_world: DAffine2,
    /// From the map's texture coordinates (0..1, v down); `None` without a map.
    pub(super) px_from_map_uv: Option<DAffine2>,
}

impl AnnotationsDraw {
    pub(super) fn prepare(
        scene: &SceneSnapshot,
        context: &AnnotationsContext<'_>,
        cache: &mut MaskCache<InkTexture>,
        quads: &mut QuadList,
    ) -> Self {
        let mut shown = Vec::new();
        let mut draw = Self::default();
        for annotation in scene.annotations.iter() {
            let hidden =
                context.is_player && annotation.row.get(prop::VISIBILITY) == prop::VISIBLE_TO_DM;
            let opacity = annotation.row.get(prop::OPACITY);
            let (Some(mask), false, true) = (&annotation.mask, hidden, opacity > 0.0) else {
                continue;
            };
            let Some(px_from_uv) = px_from_uv(scene, annotation, context) else {
                continue;
            };
            let which = stable_number(annotation.id.as_str());
            shown.push(which);
            let user = (context.view, which);
            match cache.get(context.gpu, user, mask.revision, &mask.value) {
                Ok(ink) if !ink.bounds.is_empty() => {
                    let quad = quad(annotation, ink, &px_from_uv, opacity);
                    let group = bind_group(
                        context.gpu,
                        &context.layouts.textured,
                        &[
                            wgpu::BindingResource::TextureView(&ink.texture.view),
                            wgpu::BindingResource::Sampler(&context.samplers.linear),
                        ],
                    );
                    draw.layers.push((quads.add([quad]), group));
                }
                Ok(_) => {}
                Err(message) => {
                    tracing::warn!(target: "render", "a drawing cannot be shown: {message}");
                }
            }
        }
        cache.keep(context.view, &shown);
        draw
    }

    pub(super) fn draw(&self, pass: &mut wgpu::RenderPass<'_>, pipelines: &Pipelines) {
        if self.layers.is_empty() {
            return;
        }
        pass.set_pipeline(&pipelines.annotation);
        for (range, group) in &self.layers {
            pass.set_bind_group(1, group, &[]);
            pass.draw(0..4, range.clone());
        }
    }
}

/// From the mask's texture coordinates (0..1, v down) to pixels.
fn px_from_uv(
    scene: &SceneSnapshot,
    annotation: &Annotation,
    context: &AnnotationsContext<'_>,
) -> Option<DAffine2> {
    if annotation.anchored_to_map {
        return context.px_from_map_uv;
    }
    let rect = display_rect_world(scene);
    let size = rect.size();
    let world_from_uv = DAffine2::from_cols(
        DVec2::new(size.x, 0.0),
        DVec2::new(0.0, -size.y),
        DVec2::new(rect.min.x, rect.max.y),
    );
    Some(context.px_from_world * world_from_uv)
}

/// The part of a drawing that has ink.
fn quad(
    annotation: &Annotation,
    ink: &InkTexture,
    px_from_uv: &DAffine2,
    opacity: f64,
) -> QuadInstance {
    let size = DVec2::from(ink.texture.mask().size_px().map(f64::from));
    let bounds: DRect = ink.bounds.into();
    let bounds = bounds
        .inflated(1.0)
        .intersection(&DRect::new(DVec2::ZERO, size));
    let uv = DRect::new(bounds.min / size, bounds.max / size);
    let color = if annotation.row.get(prop::EFFECT_TYPE) == Some(MAGIC) {
        MAGIC_COLOR
    } else {
        annotation.row.get(prop::COLOR)
    };
    let px_per_uv = px_from_uv.matrix2.determinant().abs().sqrt();
    let texels = DVec2::from(ink.texture.size_px().map(f64::from));
    let px_per_texel = px_per_uv / (texels.x * texels.y).sqrt();
    let lod = level_of_detail(1.0 / px_per_texel, ink.texture.level_count()).round();
    QuadInstance::new(px_from_uv, uv)
        .with_uv(uv.min, uv.max)
        .with_color(rgba(color, opacity))
        .with_extra([px_per_texel.clamp(1.0, 64.0) as f32, lod, 0.0, 0.0])
}

/// A number that stands for an id within this process.
fn stable_number(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

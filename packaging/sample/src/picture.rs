//! From a scene to a picture file: painted and lit in bands, encoded as baseline JPEG.

use crate::canvas::Canvas;
use crate::light::{self, Light, MARGIN_CELLS};
use anyhow::{Context, Result};
use glam::{IVec2, UVec2, Vec2};

/// A map that can be painted at any resolution.
pub trait Scene {
    /// Size of the map in cells.
    fn cells(&self) -> Vec2;
    /// Its light.
    fn light(&self) -> Light;
    /// Paints what the canvas shows of it.
    fn paint(&self, canvas: &mut Canvas);
}

/// A finished picture: RGB bytes, row by row from the top.
pub struct Picture {
    /// Size in pixels.
    pub size: UVec2,
    /// `size.x * size.y * 3` bytes.
    pub rgb: Vec<u8>,
}

/// Pixels of a band, margins not counted: what bounds the memory of a large map.
const BAND_PIXELS: usize = 9_000_000;

/// Paints and lights a scene.
pub fn paint(scene: &dyn Scene, px_per_cell: f32) -> Picture {
    let size = (scene.cells() * px_per_cell).round().as_uvec2();
    let light = scene.light();
    let margin = (MARGIN_CELLS * px_per_cell).ceil() as u32;
    let band_rows = (BAND_PIXELS / size.x.max(1) as usize).max(1) as u32;
    let mut rgb = Vec::with_capacity(size.x as usize * size.y as usize * 3);
    let mut top = 0;
    while top < size.y {
        let bottom = (top + band_rows).min(size.y);
        let (from, to) = (top.saturating_sub(margin), (bottom + margin).min(size.y));
        let origin = IVec2::new(0, from as i32);
        let mut canvas = Canvas::new(origin, UVec2::new(size.x, to - from), px_per_cell);
        scene.paint(&mut canvas);
        let lit = light::render(&canvas, &light);
        let row = size.x as usize * 3;
        rgb.extend_from_slice(&lit[(top - from) as usize * row..(bottom - from) as usize * row]);
        top = bottom;
    }
    Picture { size, rgb }
}

/// Encodes as a baseline JPEG, 4:2:0, which any reader can take in bands.
pub fn encode_jpeg(picture: &Picture, quality: f32) -> Result<Vec<u8>> {
    let encode = || -> std::io::Result<Vec<u8>> {
        let mut jpeg = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
        jpeg.set_size(picture.size.x as usize, picture.size.y as usize);
        jpeg.set_optimize_scans(false);
        jpeg.set_quality(quality);
        let mut jpeg = jpeg.start_compress(Vec::new())?;
        jpeg.write_scanlines(&picture.rgb)?;
        jpeg.finish()
    };
    // The library reports its errors by unwinding.
    std::panic::catch_unwind(encode)
        .map_err(|_| anyhow::anyhow!("the JPEG encoder failed"))?
        .context("the JPEG encoder failed")
}

/// Encodes RGBA bytes with straight alpha as a PNG.
pub fn encode_png(size: UVec2, rgba: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.x, size.y);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgba)?;
    writer.finish()?;
    Ok(bytes)
}

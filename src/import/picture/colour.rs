//! From the pixels that a decoder gives to RGBA, 8 bits, sRGB.
//!
//! Profiles are converted with `moxcms`, row by row. A profile whose conversion moves no colour
//! by more than one step is sRGB written down by another tool, and its pixels pass unchanged.
//! 16-bit values are converted with 16 bits and rounded once, at the end.

use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout as CmsLayout, RenderingIntent, Transform8BitExecutor,
    Transform16BitExecutor, TransformOptions,
};

/// How a decoder lays pixels out. 16-bit channels are in the machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Gray8,
    GrayAlpha8,
    Rgb8,
    Rgba8,
    Gray16,
    GrayAlpha16,
    Rgb16,
    Rgba16,
    /// Ink amounts, 0 = none.
    Cmyk8,
}

impl Layout {
    pub(super) const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Gray8 => 1,
            Self::GrayAlpha8 | Self::Gray16 => 2,
            Self::Rgb8 => 3,
            Self::Rgba8 | Self::GrayAlpha16 | Self::Cmyk8 => 4,
            Self::Rgb16 => 6,
            Self::Rgba16 => 8,
        }
    }

    pub(super) const fn has_alpha(self) -> bool {
        matches!(
            self,
            Self::GrayAlpha8 | Self::Rgba8 | Self::GrayAlpha16 | Self::Rgba16
        )
    }

    const fn is_gray(self) -> bool {
        matches!(
            self,
            Self::Gray8 | Self::GrayAlpha8 | Self::Gray16 | Self::GrayAlpha16
        )
    }

    const fn is_16_bit(self) -> bool {
        matches!(
            self,
            Self::Gray16 | Self::GrayAlpha16 | Self::Rgb16 | Self::Rgba16
        )
    }
}

/// What the profile asks for.
enum Profile {
    /// None, or one that changes nothing.
    Srgb,
    Rgba8(Arc<Transform8BitExecutor>),
    Rgba16(Arc<Transform16BitExecutor>),
    /// sRGB value for each of 65536 (or 256, for 8 bits) grey values.
    Gray(Vec<u8>),
    Cmyk(Arc<Transform8BitExecutor>),
}

/// Converts rows of one layout.
pub(super) struct ToSrgb {
    layout: Layout,
    profile: Profile,
    wide: Vec<u16>,
    wide_out: Vec<u16>,
    narrow: Vec<u8>,
}

impl ToSrgb {
    /// `icc` is ignored when it cannot be read or is of another colour model than the pixels.
    pub(super) fn new(layout: Layout, icc: Option<&[u8]>) -> Self {
        let profile = icc
            .and_then(|bytes| read_profile(layout, bytes))
            .unwrap_or(Profile::Srgb);
        Self {
            layout,
            profile,
            wide: Vec::new(),
            wide_out: Vec::new(),
            narrow: Vec::new(),
        }
    }

    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// One row: `native` in the layout, `rgba` with four bytes for each of its pixels.
    pub(super) fn row(&mut self, native: &[u8], rgba: &mut [u8]) {
        match self.layout {
            Layout::Cmyk8 => {
                if let Profile::Cmyk(transform) = &self.profile
                    && transform.transform(native, rgba).is_ok()
                {
                    return;
                }
                for (ink, out) in native.chunks_exact(4).zip(rgba.chunks_exact_mut(4)) {
                    let light = |i: usize| 255 - u32::from(ink[i]);
                    let mix = |i: usize| ((light(i) * light(3) + 127) / 255) as u8;
                    out.copy_from_slice(&[mix(0), mix(1), mix(2), 255]);
                }
            }
            layout if layout.is_16_bit() => self.row_16_bit(native, rgba),
            layout => {
                expand_8_bit(layout, native, rgba);
                match &self.profile {
                    Profile::Gray(table) => gray_by_table(table, rgba),
                    Profile::Rgba8(transform) => {
                        self.narrow.clear();
                        self.narrow.extend_from_slice(rgba);
                        // The lengths are equal, the only thing that this can fail on.
                        let _ = transform.transform(&self.narrow, rgba);
                    }
                    _ => {}
                }
            }
        }
    }

    fn row_16_bit(&mut self, native: &[u8], rgba: &mut [u8]) {
        expand_16_bit(self.layout, native, &mut self.wide);
        if let Profile::Gray(table) = &self.profile {
            for (wide, out) in self.wide.chunks_exact(4).zip(rgba.chunks_exact_mut(4)) {
                let gray = table.get(usize::from(wide[0])).copied().unwrap_or(0);
                out.copy_from_slice(&[gray, gray, gray, to_8_bit(wide[3])]);
            }
            return;
        }
        let mut converted = &self.wide;
        if let Profile::Rgba16(transform) = &self.profile {
            self.wide_out.resize(self.wide.len(), 0);
            if transform.transform(&self.wide, &mut self.wide_out).is_ok() {
                converted = &self.wide_out;
            }
        }
        for (out, wide) in rgba.iter_mut().zip(converted) {
            *out = to_8_bit(*wide);
        }
    }
}

/// Rounds to the nearest of 256 values.
const fn to_8_bit(wide: u16) -> u8 {
    ((wide as u32 * 255 + 32_767) / 65_535) as u8
}

fn expand_8_bit(layout: Layout, native: &[u8], rgba: &mut [u8]) {
    let out = rgba.chunks_exact_mut(4);
    match layout {
        Layout::Gray8 => {
            for (gray, out) in native.iter().zip(out) {
                out.copy_from_slice(&[*gray, *gray, *gray, 255]);
            }
        }
        Layout::GrayAlpha8 => {
            for (p, out) in native.chunks_exact(2).zip(out) {
                out.copy_from_slice(&[p[0], p[0], p[0], p[1]]);
            }
        }
        Layout::Rgb8 => {
            for (p, out) in native.chunks_exact(3).zip(out) {
                out.copy_from_slice(&[p[0], p[1], p[2], 255]);
            }
        }
        _ => {
            for (p, out) in native.chunks_exact(4).zip(out) {
                out.copy_from_slice(p);
            }
        }
    }
}

fn expand_16_bit(layout: Layout, native: &[u8], wide: &mut Vec<u16>) {
    wide.clear();
    let value = |p: &[u8], i: usize| u16::from_ne_bytes([p[2 * i], p[2 * i + 1]]);
    for p in native.chunks_exact(layout.bytes_per_pixel()) {
        let pixel = match layout {
            Layout::Gray16 => {
                let gray = value(p, 0);
                [gray, gray, gray, u16::MAX]
            }
            Layout::GrayAlpha16 => {
                let gray = value(p, 0);
                [gray, gray, gray, value(p, 1)]
            }
            Layout::Rgb16 => [value(p, 0), value(p, 1), value(p, 2), u16::MAX],
            _ => [value(p, 0), value(p, 1), value(p, 2), value(p, 3)],
        };
        wide.extend_from_slice(&pixel);
    }
}

fn gray_by_table(table: &[u8], rgba: &mut [u8]) {
    for pixel in rgba.chunks_exact_mut(4) {
        let gray = table.get(usize::from(pixel[0])).copied().unwrap_or(0);
        pixel[..3].fill(gray);
    }
}

/// The conversion that a profile asks for; `None` where it cannot be used.
fn read_profile(layout: Layout, bytes: &[u8]) -> Option<Profile> {
    let source = ColorProfile::new_from_slice(bytes).ok()?;
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    };
    match source.color_space {
        DataColorSpace::Cmyk if layout == Layout::Cmyk8 => source
            .create_transform_8bit(CmsLayout::Rgba, &srgb, CmsLayout::Rgba, options)
            .ok()
            .map(Profile::Cmyk),
        DataColorSpace::Gray if layout.is_gray() => {
            let steps: u32 = if layout.is_16_bit() { 65_536 } else { 256 };
            let ramp: Vec<u16> = (0..steps)
                .map(|i| (i * (65_535 / (steps - 1))) as u16)
                .collect();
            let mut rgb = vec![0; ramp.len() * 3];
            let transform = source
                .create_transform_16bit(CmsLayout::Gray, &srgb, CmsLayout::Rgb, options)
                .ok()?;
            transform.transform(&ramp, &mut rgb).ok()?;
            let table: Vec<u8> = rgb.chunks_exact(3).map(|p| to_8_bit(p[1])).collect();
            let moved = table
                .iter()
                .zip(&ramp)
                .any(|(to, from)| to.abs_diff(to_8_bit(*from)) > 1);
            Some(if moved {
                Profile::Gray(table)
            } else {
                Profile::Srgb
            })
        }
        DataColorSpace::Rgb if !layout.is_gray() && layout != Layout::Cmyk8 => {
            let narrow = source
                .create_transform_8bit(CmsLayout::Rgba, &srgb, CmsLayout::Rgba, options)
                .ok()?;
            if !moves_colours(narrow.as_ref()) {
                return Some(Profile::Srgb);
            }
            if layout.is_16_bit() {
                source
                    .create_transform_16bit(CmsLayout::Rgba, &srgb, CmsLayout::Rgba, options)
                    .ok()
                    .map(Profile::Rgba16)
            } else {
                Some(Profile::Rgba8(narrow))
            }
        }
        _ => None,
    }
}

/// Whether a conversion moves any of a grid of probe colours, or of the greys, by more than one
/// step of a channel.
fn moves_colours(transform: &Transform8BitExecutor) -> bool {
    let mut probes = Vec::new();
    for i in 0..=255u8 {
        probes.extend_from_slice(&[i, i, i, 255]);
    }
    let steps = || (0..=255u8).step_by(17);
    for r in steps() {
        for g in steps() {
            for b in steps() {
                probes.extend_from_slice(&[r, g, b, 255]);
            }
        }
    }
    let mut converted = vec![0; probes.len()];
    if transform.transform(&probes, &mut converted).is_err() {
        return true;
    }
    probes
        .iter()
        .zip(&converted)
        .any(|(from, to)| from.abs_diff(*to) > 1)
}

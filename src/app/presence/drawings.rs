//! Drawings that fade, as textures: a mask in base64 becomes a white picture that is tinted when it is
//! drawn. Must not know when they go. Called by [`super::paint`].

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use eframe::egui;
use egui::{ColorImage, TextureHandle, TextureOptions};

use super::crowd::{Crowd, Key};
use crate::geom::mask::Mask;
use crate::geom::rect::IRect;

/// The longest side of a texture; a larger drawing is shown coarser.
const MOST_PX: u32 = 2048;
/// Masks of more base64 than this are not shown.
const MOST_BASE64: usize = 4 << 20;

/// A drawing that can be painted.
#[derive(Clone)]
pub struct Picture {
    /// White where there is ink.
    pub texture: TextureHandle,
    /// The mask's whole size.
    pub mask_size_px: [u32; 2],
    /// The part of the mask that the texture shows.
    pub area: IRect,
}

/// The textures of one window's drawings.
#[derive(Default)]
pub struct Drawings {
    held: HashMap<(Key, Arc<str>), Held>,
}

/// A mask as it was sent, and its picture.
type Held = (Arc<str>, Option<Picture>);

impl Drawings {
    /// The picture of a layer's mask; made when it is new. `None` without ink.
    pub fn picture(
        &mut self,
        ctx: &egui::Context,
        key: &Key,
        id: &Arc<str>,
        mask_base64: &Arc<str>,
    ) -> Option<Picture> {
        let at = (key.clone(), Arc::clone(id));
        if let Some((shown, picture)) = self.held.get(&at)
            && shown == mask_base64
        {
            return picture.clone();
        }
        let picture = decode(mask_base64).map(|(image, mask_size_px, area)| Picture {
            texture: ctx.load_texture("drawing that fades", image, TextureOptions::LINEAR),
            mask_size_px,
            area,
        });
        self.held
            .insert(at, (Arc::clone(mask_base64), picture.clone()));
        picture
    }

    /// Forgets drawings that nobody shows any more.
    pub fn forget_gone(&mut self, crowd: &Crowd) {
        self.held.retain(|(key, id), _| crowd.has_drawing(key, id));
    }
}

/// The inked part of a mask as a picture.
fn decode(mask_base64: &str) -> Option<(ColorImage, [u32; 2], IRect)> {
    if mask_base64.is_empty() || mask_base64.len() > MOST_BASE64 {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(mask_base64)
        .ok()?;
    let mask = Mask::decode_rle(&bytes).ok()?;
    let area = mask.bounds();
    if area.is_empty() {
        return None;
    }
    let [left, top] = area.min.map(|side| u32::try_from(side).unwrap_or_default());
    let step = area.width().max(area.height()).div_ceil(MOST_PX).max(1);
    let (width, height) = (area.width().div_ceil(step), area.height().div_ceil(step));
    let ink = |x: u32, y: u32| {
        if mask.get(left + x * step, top + y * step) {
            egui::Color32::WHITE
        } else {
            egui::Color32::TRANSPARENT
        }
    };
    let pixels = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| ink(x, y))
        .collect();
    let size = [width, height].map(|side| usize::try_from(side).unwrap_or_default());
    Some((ColorImage::new(size, pixels), mask.size_px(), area))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn base64_of(mask: &Mask) -> String {
        base64::engine::general_purpose::STANDARD.encode(mask.encode_rle())
    }

    #[test]
    fn ink_is_cut_out_of_its_mask() {
        let mut mask = Mask::new(192, 108).unwrap();
        mask.set(10, 20, true);
        mask.set(12, 21, true);
        let (image, size, area) = decode(&base64_of(&mask)).unwrap();
        assert_eq!((size, image.size), ([192, 108], [3, 2]));
        assert_eq!(area, IRect::new([10, 20], [13, 22]));
        assert_eq!(image.pixels[0], egui::Color32::WHITE);
        assert_eq!(image.pixels[1], egui::Color32::TRANSPARENT);
    }

    #[test]
    fn what_is_no_mask_is_not_shown() {
        let clear = base64_of(&Mask::new(64, 64).unwrap());
        for wrong in ["", "not base64!", "AAAA", &clear] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_huge_drawing_is_shown_coarser() {
        let mask = Mask::new_filled(8192, 16).unwrap();
        let (image, _, area) = decode(&base64_of(&mask)).unwrap();
        assert_eq!((image.size, area.width()), ([2048, 4], 8192));
    }
}

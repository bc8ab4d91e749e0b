//! The tile cache: the part of all pictures that the GPU holds, within a budget.
//!
//! Tiles lie in pages, textures of 8 by 8 stored tiles each. The least recently used tile makes
//! room when the budget is spent. No picture is ever uploaded in another way, so memory does not
//! depend on a picture's size.

use std::collections::{HashMap, HashSet};

use crate::geom::pyramid::{TILE_STORED_BYTES, TILE_STORED_PX, TileAddress};
use crate::model::id::PictureHash;
use crate::scene::picture::{Fetched, PictureSource, Pixels, TileName};

use super::gpu::Gpu;
use super::pipelines::Layouts;
use super::resources::{Samplers, bind_group, sampled_texture, whole_view, write_texture};

/// Tiles per side of a page.
const PAGE_TILES: u32 = 8;
/// A page's side in pixels.
pub(super) const PAGE_SIDE_PX: u32 = PAGE_TILES * TILE_STORED_PX;
const SLOTS_PER_PAGE: usize = (PAGE_TILES * PAGE_TILES) as usize;

/// A tile of a picture, of whatever edition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TileKey {
    /// The name that all editions share.
    pub(super) picture: PictureHash,
    pub(super) address: TileAddress,
}

impl TileKey {
    /// The key of a picture's tile, and the edition that is wanted of it.
    pub(super) fn of(
        source: &dyn PictureSource,
        picture: &PictureHash,
        address: TileAddress,
    ) -> (Self, u64) {
        let TileName { picture, edition } = source.tile_name(picture, address);
        (Self { picture, address }, edition)
    }
}

/// Where a tile lies on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TileSlot {
    pub(super) page: usize,
    /// Top left corner of the stored tile in the page.
    pub(super) origin_px: [u32; 2],
    /// Every pixel of it is opaque.
    pub(super) opaque: bool,
}

#[derive(Debug)]
struct Resident {
    edition: u64,
    slot: usize,
    opaque: bool,
    last_used: u64,
}

#[derive(Debug)]
struct Page {
    texture: wgpu::Texture,
    /// With single texels, and filtered.
    bind_groups: [wgpu::BindGroup; 2],
}

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It is there.
    Resident,
    /// It is being decoded.
    Loading,
    /// It is decoded and waits for the next frame's budget.
    Waiting,
    /// It can not be had.
    Missing,
    /// Every slot is in use by a view: coarser tiles are shown.
    NoRoom,
}

#[derive(Debug)]
pub(super) struct TileCache {
    resident: HashMap<TileKey, Resident>,
    missing: HashSet<(TileKey, u64)>,
    /// `None` where a slot is free.
    slots: Vec<Option<TileKey>>,
    pages: Vec<Page>,
    max_pages: usize,
    frame: u64,
    /// Tiles used at or after this frame belong to what some view has recorded or will draw.
    protected_since: u64,
    seen_arrivals: u64,
}

impl TileCache {
    /// A cache that grows to the budget, at least one page.
    pub(super) fn new(budget_bytes: usize) -> Self {
        Self {
            resident: HashMap::new(),
            missing: HashSet::new(),
            slots: Vec::new(),
            pages: Vec::new(),
            max_pages: (budget_bytes / (SLOTS_PER_PAGE * TILE_STORED_BYTES)).max(1),
            frame: 0,
            protected_since: 0,
            seen_arrivals: 0,
        }
    }

    /// A new frame of any view. Uploads are carried out before anything that is recorded in the
    /// same submission, so a slot that any other view's latest frame uses must not change:
    /// `other_views_since` is the oldest of those frames. Returns this frame's number.
    pub(super) fn begin_frame(
        &mut self,
        source: &dyn PictureSource,
        other_views_since: Option<u64>,
    ) -> u64 {
        self.frame += 1;
        self.protected_since = other_views_since.map_or(self.frame, |f| f.min(self.frame));
        let arrivals = source.arrivals();
        if arrivals != self.seen_arrivals {
            // What could not be had may have come by now.
            self.seen_arrivals = arrivals;
            if self.missing.len() > 4096 {
                self.missing.clear();
            }
        }
        self.frame
    }

    /// Forgets that tiles of a picture could not be had.
    pub(super) fn retry_missing(&mut self) {
        self.missing.clear();
    }

    /// Bytes of GPU memory.
    pub(super) fn memory_bytes(&self) -> usize {
        self.pages.len() * SLOTS_PER_PAGE * TILE_STORED_BYTES
    }

    /// The tile if it is there, of whatever edition, marked as used.
    pub(super) fn find(&mut self, key: &TileKey) -> Option<TileSlot> {
        let resident = self.resident.get_mut(key)?;
        resident.last_used = self.frame;
        Some(slot_at(resident.slot, resident.opaque))
    }

    /// Asks the source for a picture's tiles, the most important first, and uploads what is ready
    /// until `budget_bytes` are spent; a new edition of a tile takes the place of the one before.
    /// The source serves its latest request first, so the least important is asked for first.
    /// Returns one answer for each key.
    pub(super) fn want(
        &mut self,
        gpu: &Gpu,
        layouts: &Layouts,
        samplers: &Samplers,
        source: &dyn PictureSource,
        (picture, addresses): (&PictureHash, &[TileAddress]),
        budget_bytes: &mut usize,
    ) -> Vec<Wanted> {
        let frame = self.frame;
        let keys: Vec<(TileKey, u64)> = addresses
            .iter()
            .map(|address| TileKey::of(source, picture, *address))
            .collect();
        let mut fetched: Vec<(Wanted, Option<Pixels>)> = keys
            .iter()
            .rev()
            .map(|wanted| {
                let (key, edition) = wanted;
                if let Some(resident) = self.resident.get_mut(key) {
                    resident.last_used = frame;
                    if resident.edition == *edition {
                        return (Wanted::Resident, None);
                    }
                }
                if self.missing.contains(wanted) {
                    return (Wanted::Missing, None);
                }
                match source.tile(picture, key.address) {
                    Fetched::Ready(pixels) => (Wanted::Waiting, Some(pixels)),
                    Fetched::Loading => (Wanted::Loading, None),
                    Fetched::Missing => {
                        self.missing.insert(wanted.clone());
                        (Wanted::Missing, None)
                    }
                }
            })
            .collect();
        fetched.reverse();
        keys.iter()
            .zip(fetched)
            .map(|(wanted, (answer, pixels))| {
                let (key, edition) = wanted;
                let Some(pixels) = pixels else { return answer };
                let right_size = pixels.width == TILE_STORED_PX
                    && pixels.height == TILE_STORED_PX
                    && pixels.rgba.len() == TILE_STORED_BYTES;
                if !right_size {
                    self.missing.insert(wanted.clone());
                    return Wanted::Missing;
                }
                if *budget_bytes < TILE_STORED_BYTES {
                    return Wanted::Waiting;
                }
                // Another view may draw the edition before from the same place: it is the same part
                // of the same picture.
                let place = self.resident.get(key).map(|resident| resident.slot);
                let Some(slot) = place.or_else(|| self.free_slot(gpu, layouts, samplers)) else {
                    return Wanted::NoRoom;
                };
                *budget_bytes -= TILE_STORED_BYTES;
                let opaque = pixels.rgba.iter().skip(3).step_by(4).all(|&a| a == 255);
                let place = slot_at(slot, opaque);
                if let Some(page) = self.pages.get(place.page) {
                    let [x, y] = place.origin_px;
                    write_texture(
                        gpu,
                        &page.texture,
                        0,
                        [x, y, 0],
                        [TILE_STORED_PX; 2],
                        4,
                        &pixels.rgba,
                    );
                }
                if let Some(entry) = self.slots.get_mut(slot) {
                    *entry = Some(key.clone());
                }
                self.resident.insert(
                    key.clone(),
                    Resident {
                        edition: *edition,
                        slot,
                        opaque,
                        last_used: frame,
                    },
                );
                Wanted::Resident
            })
            .collect()
    }

    fn free_slot(&mut self, gpu: &Gpu, layouts: &Layouts, samplers: &Samplers) -> Option<usize> {
        if let Some(slot) = self.slots.iter().position(Option::is_none) {
            return Some(slot);
        }
        if self.pages.len() < self.max_pages
            && let Ok(page) = gpu.tried(|| new_page(gpu, layouts, samplers))
        {
            self.pages.push(page);
            let first = self.slots.len();
            self.slots.resize(first + SLOTS_PER_PAGE, None);
            return Some(first);
        }
        let (key, resident) = self
            .resident
            .iter()
            .filter(|(_, r)| r.last_used < self.protected_since)
            .min_by_key(|(_, r)| (r.last_used, r.slot))?;
        let (key, slot) = (key.clone(), resident.slot);
        self.resident.remove(&key);
        Some(slot)
    }

    /// The page's bind group: with single texels, or filtered.
    pub(super) fn page(&self, page: usize, filtered: bool) -> Option<&wgpu::BindGroup> {
        self.pages
            .get(page)
            .map(|p| &p.bind_groups[usize::from(filtered)])
    }
}

fn slot_at(slot: usize, opaque: bool) -> TileSlot {
    let within = (slot % SLOTS_PER_PAGE) as u32;
    TileSlot {
        page: slot / SLOTS_PER_PAGE,
        origin_px: [within % PAGE_TILES, within / PAGE_TILES].map(|i| i * TILE_STORED_PX),
        opaque,
    }
}

fn new_page(gpu: &Gpu, layouts: &Layouts, samplers: &Samplers) -> Page {
    let texture = sampled_texture(
        gpu,
        "map tiles",
        [PAGE_SIDE_PX, PAGE_SIDE_PX, 1],
        1,
        wgpu::TextureFormat::Rgba8Unorm,
    );
    let view = whole_view(&texture);
    let bind_groups = [&samplers.nearest, &samplers.linear].map(|sampler| {
        bind_group(
            gpu,
            &layouts.textured,
            &[
                wgpu::BindingResource::TextureView(&view),
                wgpu::BindingResource::Sampler(sampler),
            ],
        )
    });
    Page {
        texture,
        bind_groups,
    }
}

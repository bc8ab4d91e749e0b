//! A picture as a list of tiles, as room servers give maps to players: each tile is a picture of its
//! own that is named by what it holds, and what must not be seen at all has no tile and is black.
//!
//! A map whose fog has changed is another list, most of whose tiles are those of the one before. All
//! lists of one map say so by the same [`TiledPicture::map`].
//!
//! Must not know where the tiles are. Written by [`crate::server`], read by [`crate::library`] and
//! [`crate::session`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::geom::pyramid::{PyramidLayout, TILE_CONTENT_PX};
use crate::geom::rect::IRect;
use crate::model::id::PictureHash;

/// The side of a tile; those at the right and at the bottom may be smaller. A pyramid's tiles do not
/// cross its border.
pub const SIDE_PX: u32 = 2 * TILE_CONTENT_PX;
/// More than a list of the largest picture has.
pub const MOST_LIST_BYTES: u64 = 1 << 20;
/// The longest name of a map that is believed.
const MOST_NAME_BYTES: usize = 64;

/// The list of a picture's tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TiledPicture {
    /// The same for all lists of one map.
    pub map: Arc<str>,
    /// The whole picture's size.
    pub size_px: [u32; 2],
    /// Row by row from the top left; `None` where all is black.
    pub tiles: Vec<Option<PictureHash>>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    map: String,
    width: u32,
    height: u32,
    side: u32,
    tiles: Vec<Option<String>>,
}

/// The parts of a picture that its tiles are, in their order.
pub fn parts(size_px: [u32; 2]) -> impl Iterator<Item = IRect> {
    let [columns, rows] = size_px.map(|side| side.div_ceil(SIDE_PX));
    let end = |n: u32, whole: u32| n.saturating_add(1).saturating_mul(SIDE_PX).min(whole);
    let pixels = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    (0..rows)
        .flat_map(move |y| (0..columns).map(move |x| [x, y]))
        .map(move |[x, y]| {
            IRect::new(
                [x * SIDE_PX, y * SIDE_PX].map(pixels),
                [end(x, size_px[0]), end(y, size_px[1])].map(pixels),
            )
        })
}

impl TiledPicture {
    /// As it is sent: JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let [width, height] = self.size_px;
        let name = |tile: &PictureHash| tile.as_str().to_owned();
        let wire = Wire {
            map: self.map.to_string(),
            width,
            height,
            side: SIDE_PX,
            tiles: self
                .tiles
                .iter()
                .map(|tile| tile.as_ref().map(name))
                .collect(),
        };
        // Texts and numbers only: there is nothing that cannot be written.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// What was sent; `None` when it is no list of a picture that can be shown.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(bytes).ok()?;
        let size_px = [wire.width, wire.height];
        PyramidLayout::new(wire.width, wire.height).ok()?;
        let fits = wire.side == SIDE_PX
            && wire.map.len() <= MOST_NAME_BYTES
            && wire.tiles.len() == parts(size_px).count();
        let is_name = |tile: &Option<String>| {
            tile.as_ref().is_none_or(|name| {
                name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            })
        };
        (fits && wire.tiles.iter().all(is_name)).then(|| Self {
            map: wire.map.into(),
            size_px,
            tiles: wire
                .tiles
                .into_iter()
                .map(|tile| tile.map(|name| PictureHash::new(&name)))
                .collect(),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_picture_and_meet_the_tiles_of_its_pyramid() {
        for size in [[1, 1], [512, 512], [513, 511], [2000, 1300]] {
            let area: u64 = parts(size).map(|part| part.area()).sum();
            assert_eq!(area, u64::from(size[0]) * u64::from(size[1]));
            let layout = PyramidLayout::new(size[0], size[1]).unwrap();
            let finest = layout.tiles().filter(|tile| tile.level == 0);
            for tile in finest.map(|tile| layout.content_picture_px(tile)) {
                let holders = parts(size).filter(|part| part.intersection(&tile) == tile);
                assert_eq!(holders.count(), 1);
            }
        }
    }

    #[test]
    fn a_list_comes_back_as_it_was_and_nonsense_does_not() {
        let list = TiledPicture {
            map: "m".into(),
            size_px: [1000, 500],
            tiles: vec![None, Some(PictureHash::new(&"a".repeat(64)))],
        };
        let bytes = list.encode();
        assert_eq!(TiledPicture::decode(&bytes), Some(list));
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("1000", "0"),
            ("1000", "2000"),
            ("512", "256"),
            (&*"a".repeat(64), "../secret"),
            ("{", "["),
        ] {
            assert_eq!(
                TiledPicture::decode(text.replacen(from, to, 1).as_bytes()),
                None,
                "{to}"
            );
        }
    }
}

//! Scenes and pictures made by hand, a renderer that all tests share, and comparison with golden
//! pictures.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use glam::DVec2;
use parking_lot::Mutex;

use tableglow::geom::grid::{Grid, GridMode, GridParams, GridShape};
use tableglow::geom::mask::Mask;
use tableglow::geom::pyramid::{PyramidLayout, TILE_CONTENT_PX, TILE_STORED_PX, TileAddress};
use tableglow::geom::space::MapPlacement;
use tableglow::model::id::{PictureHash, RowId, SceneId};
use tableglow::model::property::Prop;
use tableglow::model::row::Row;
use tableglow::model::value::Value;
use tableglow::model::{annotation, light, marker, scene as scene_prop};
use tableglow::render::{AdapterChoice, Frame, Gpu, Headless, Picture};
use tableglow::scene::picture::{Fetched, PictureInfo, PictureSource, Pixels};
use tableglow::scene::snapshot::{
    Annotation, Fog, Light, MapLayer, Marker, SceneSnapshot, Structures,
};
use tableglow::util::revision::{Part, Revision};

/// Pictures in memory, with all levels.
#[derive(Default)]
pub(crate) struct MemoryPictures {
    pictures: HashMap<PictureHash, Vec<Level>>,
    tiles: Mutex<HashMap<(PictureHash, TileAddress), Pixels>>,
}

struct Level {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Level {
    fn pixel(&self, x: u32, y: u32) -> [u8; 4] {
        let i = ((y * self.width + x) * 4) as usize;
        std::array::from_fn(|c| self.rgba[i + c])
    }

    fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut rgba = Vec::with_capacity((width * height * 4) as usize);
        for y in 0..height {
            for x in 0..width {
                for c in 0..4 {
                    let mut sum = 0;
                    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                        let px = self.pixel(
                            (x * 2 + dx).min(self.width - 1),
                            (y * 2 + dy).min(self.height - 1),
                        );
                        sum += u32::from(px[c]);
                    }
                    rgba.push(((sum + 2) / 4) as u8);
                }
            }
        }
        Self {
            width,
            height,
            rgba,
        }
    }
}

impl MemoryPictures {
    /// Adds a picture whose pixels are computed.
    pub(crate) fn add(
        &mut self,
        name: &str,
        width: u32,
        height: u32,
        pixel: impl Fn(u32, u32) -> [u8; 4],
    ) -> PictureInfo {
        let rgba = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| pixel(x, y))
            .collect();
        let mut levels = vec![Level {
            width,
            height,
            rgba,
        }];
        let count = PyramidLayout::new(width, height).map_or(1, |l| l.level_count());
        for i in 1..usize::from(count) {
            let next = levels[i - 1].halved();
            levels.push(next);
        }
        // The renderer that tests share knows pictures by their hash.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let hash = PictureHash::new(&format!("{name} {}", COUNT.fetch_add(1, Ordering::Relaxed)));
        self.pictures.insert(hash.clone(), levels);
        PictureInfo {
            hash,
            width,
            height,
        }
    }

    /// All pixels of a picture.
    pub(crate) fn rgba(&self, picture: &PictureInfo) -> &[u8] {
        &self.pictures[&picture.hash][0].rgba
    }
}

impl PictureSource for MemoryPictures {
    fn layout(&self, picture: &PictureHash) -> Option<PyramidLayout> {
        let base = self.pictures.get(picture)?.first()?;
        PyramidLayout::new(base.width, base.height).ok()
    }

    fn tile(&self, picture: &PictureHash, address: TileAddress) -> Fetched {
        let key = (picture.clone(), address);
        if let Some(tile) = self.tiles.lock().get(&key) {
            return Fetched::Ready(tile.clone());
        }
        let Some(level) = self
            .pictures
            .get(picture)
            .and_then(|l| l.get(usize::from(address.level)))
        else {
            return Fetched::Missing;
        };
        let mut rgba = Vec::with_capacity((TILE_STORED_PX * TILE_STORED_PX * 4) as usize);
        for y in 0..TILE_STORED_PX {
            for x in 0..TILE_STORED_PX {
                let at = |i: u32, tile: u32, size: u32| {
                    (tile * TILE_CONTENT_PX + i).saturating_sub(1).min(size - 1)
                };
                rgba.extend(level.pixel(
                    at(x, address.x, level.width),
                    at(y, address.y, level.height),
                ));
            }
        }
        let tile = Pixels {
            width: TILE_STORED_PX,
            height: TILE_STORED_PX,
            rgba: rgba.into(),
        };
        self.tiles.lock().insert(key, tile.clone());
        Fetched::Ready(tile)
    }

    fn whole(&self, picture: &PictureHash, max_side_px: u32) -> Fetched {
        let Some(levels) = self.pictures.get(picture) else {
            return Fetched::Missing;
        };
        let fits = |l: &&Level| l.width.max(l.height) <= max_side_px;
        match levels.iter().find(fits) {
            Some(level) => Fetched::Ready(Pixels {
                width: level.width,
                height: level.height,
                rgba: level.rgba.as_slice().into(),
            }),
            None => Fetched::Missing,
        }
    }

    fn arrivals(&self) -> u64 {
        0
    }

    fn wait_for_arrival(&self, _seen: u64, _at_most: Duration) {}
}

/// A value of a setting.
pub(crate) fn set<T>(row: &Row, prop: Prop<T>, value: impl Into<Value>) -> Row {
    row.with(prop.property(), value.into())
}

/// A scene in the making.
pub(crate) struct SceneBuilder {
    pub(crate) settings: Row,
    pub(crate) map: Option<MapLayer>,
    pub(crate) shape: GridShape,
    pub(crate) mode: GridMode,
    pub(crate) map_cells: Option<[u32; 2]>,
    pub(crate) markers: Vec<Marker>,
    pub(crate) lights: Vec<Light>,
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) fog: Fog,
    resolution_px: [u32; 2],
    cell_px: f64,
}

impl SceneBuilder {
    /// A display of this size whose cells have so many pixels; no grid lines unless switched on.
    pub(crate) fn new(resolution_px: [u32; 2], cell_px: f64) -> Self {
        let [width, height] = resolution_px.map(f64::from);
        let mut settings = Row::defaults(&scene_prop::TABLE);
        settings = set(&settings, scene_prop::DISPLAY_RESOLUTION_X, width);
        settings = set(&settings, scene_prop::DISPLAY_RESOLUTION_Y, height);
        settings = set(&settings, scene_prop::DISPLAY_SIZE_X, width / cell_px);
        settings = set(&settings, scene_prop::DISPLAY_SIZE_Y, height / cell_px);
        settings = set(&settings, scene_prop::DISPLAY_PADDING_X, 4.0);
        settings = set(&settings, scene_prop::DISPLAY_PADDING_Y, 4.0);
        settings = set(&settings, scene_prop::GRID_OPACITY, 0.0);
        settings = set(&settings, scene_prop::BACKGROUND_COLOR, "#20242c");
        Self {
            settings,
            map: None,
            shape: GridShape::Square,
            mode: GridMode::FillSpace,
            map_cells: None,
            markers: Vec::new(),
            lights: Vec::new(),
            annotations: Vec::new(),
            fog: Fog::Full,
            resolution_px,
            cell_px,
        }
    }

    pub(crate) fn set<T>(mut self, prop: Prop<T>, value: impl Into<Value>) -> Self {
        self.settings = set(&self.settings, prop, value);
        self
    }

    /// The map, fitted into the display, without fog.
    pub(crate) fn map(mut self, picture: &PictureInfo, rotation_deg: f64) -> Self {
        let size_px = [picture.width, picture.height];
        self.map = Some(MapLayer {
            picture: Some(picture.clone()),
            placement: MapPlacement::fit(size_px, self.resolution_px, rotation_deg),
        });
        self.clear_fog()
    }

    pub(crate) fn placed(mut self, placement: impl FnOnce(&mut MapPlacement)) -> Self {
        if let Some(map) = &mut self.map {
            placement(&mut map.placement);
        }
        self
    }

    pub(crate) fn clear_fog(mut self) -> Self {
        self.fog = Fog::Mask(Arc::new(Mask::new(8, 8).expect("a small mask")));
        self
    }

    /// Fog wherever the function says so, at mask pixels.
    pub(crate) fn fog(mut self, size: [u32; 2], fogged: impl Fn(u32, u32) -> bool) -> Self {
        self.fog = Fog::Mask(Arc::new(mask(size, fogged)));
        self
    }

    pub(crate) fn marker(mut self, x: f64, y: f64, change: impl FnOnce(Row) -> Row) -> Self {
        let row = change(set(
            &Row::defaults(&marker::TABLE),
            marker::VISIBILITY,
            marker::VISIBLE_TO_EVERYONE,
        ));
        let size = row.get(marker::SIZE) as f64;
        self.markers.push(Marker {
            id: RowId::new(&format!("marker-{:05}", self.markers.len())),
            position_world: DVec2::new(x, y),
            diameter_world: 0.9 * self.cell_px * size,
            picture: None,
            row,
        });
        self
    }

    pub(crate) fn picture(mut self, picture: &PictureInfo) -> Self {
        if let Some(marker) = self.markers.last_mut() {
            marker.picture = Some(picture.clone());
        }
        self
    }

    pub(crate) fn light(mut self, x: f64, y: f64, change: impl FnOnce(Row) -> Row) -> Self {
        let row = change(Row::defaults(&light::TABLE));
        self.lights.push(Light {
            id: RowId::new(&format!("light-{}", self.lights.len())),
            position_world: DVec2::new(x, y),
            diameter_world: self.cell_px * row.get(light::RADIUS),
            row,
        });
        self
    }

    pub(crate) fn annotation(
        mut self,
        mask: Mask,
        anchored_to_map: bool,
        change: impl FnOnce(Row) -> Row,
    ) -> Self {
        self.annotations.push(Annotation {
            id: RowId::new(&format!("drawing-{}", self.annotations.len())),
            row: change(Row::defaults(&annotation::TABLE)),
            mask: Some(Part::new(Arc::new(mask))),
            anchored_to_map,
        });
        self
    }

    pub(crate) fn build(self) -> SceneSnapshot {
        let grid = Grid::new(&GridParams {
            resolution_px: self.resolution_px,
            display_size_in: self.resolution_px.map(|s| f64::from(s) / self.cell_px),
            padding_px: [4, 4],
            spacing_in: 1.0,
            line_thickness_px: self.settings.get(scene_prop::GRID_LINE_THICKNESS),
            shape: self.shape,
            mode: self.mode,
            map_cells: self.map_cells,
            placement: self.map.as_ref().map(|m| m.placement),
            coord_version: 1,
        });
        SceneSnapshot {
            id: SceneId::new("scene"),
            revision: Revision::next(),
            settings: Part::new(self.settings),
            map: Part::new(self.map),
            grid: Part::new(Arc::new(grid)),
            markers: Part::new(self.markers.into()),
            lights: Part::new(self.lights.into()),
            annotations: Part::new(self.annotations.into()),
            fog: Part::new(self.fog),
            structures: Part::new(Arc::new(Structures::default())),
        }
    }
}

/// A mask that is set where the function says so.
pub(crate) fn mask([width, height]: [u32; 2], is_set: impl Fn(u32, u32) -> bool) -> Mask {
    let bytes: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| if is_set(x, y) { 255 } else { 0 })
        .collect();
    Mask::from_r8(width, height, &bytes).expect("a small mask")
}

/// The device of this test binary: software, so that pictures are the same everywhere.
pub(crate) fn gpu() -> Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| Gpu::headless(AdapterChoice::Software).expect("a software adapter"))
        .clone()
}

/// Draws a frame with a renderer that all tests share.
pub(crate) fn render(frame: &Frame<'_>, source: &MemoryPictures) -> Picture {
    static HEADLESS: OnceLock<Mutex<Headless>> = OnceLock::new();
    let headless = HEADLESS.get_or_init(|| Mutex::new(Headless::on(gpu()).expect("a renderer")));
    let (picture, report) = headless
        .lock()
        .render(frame, source, Duration::from_secs(10))
        .expect("a picture");
    assert!(!report.timed_out && !report.fog_failed, "{report:?}");
    picture
}

/// Draws a frame with a renderer of its own: filtered pixels depend in their last bit on where in
/// the cache a tile lies, and so on what was drawn before.
pub(crate) fn render_alone(frame: &Frame<'_>, source: &MemoryPictures) -> Picture {
    let (picture, report) = Headless::on(gpu())
        .expect("a renderer")
        .render(frame, source, Duration::from_secs(10))
        .expect("a picture");
    assert!(!report.timed_out && !report.fog_failed, "{report:?}");
    picture
}

/// The pixel at a place.
pub(crate) fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 4] {
    let i = ((y * picture.width + x) * 4) as usize;
    std::array::from_fn(|c| picture.rgba[i + c])
}

/// Compares with `tests/golden/NAME.png`: exactly on the reference adapter (lavapipe, by the Mesa
/// version in `reference.txt`), else with a tolerance. `UPDATE_GOLDEN=1` writes the file; a
/// difference leaves `NAME.new.png` beside it.
pub(crate) fn assert_golden(name: &str, picture: &Picture) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(format!("{name}.png"));
    let write = |path: &PathBuf| {
        image::save_buffer(
            path,
            &picture.rgba,
            picture.width,
            picture.height,
            image::ColorType::Rgba8,
        )
        .expect("a picture on disk");
    };
    let reference = folder.join("reference.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        write(&path);
        std::fs::write(&reference, gpu().adapter_name()).expect("a file on disk");
        return;
    }
    let golden = image::open(&path)
        .unwrap_or_else(|e| panic!("{name}: {e}; UPDATE_GOLDEN=1 makes it"))
        .to_rgba8();
    let exact = std::fs::read_to_string(&reference).is_ok_and(|r| r == gpu().adapter_name());
    let (most, share) = if exact { (0, 0.0) } else { (6, 0.01) };
    let same_size = golden.dimensions() == (picture.width, picture.height);
    let differing = golden
        .as_raw()
        .chunks_exact(4)
        .zip(picture.rgba.chunks_exact(4))
        .filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > most))
        .count();
    let allowed = (golden.len() as f64 / 4.0 * share) as usize;
    if !same_size || differing > allowed {
        let new = folder.join(format!("{name}.new.png"));
        write(&new);
        panic!("{name}: {differing} pixels differ; see {}", new.display());
    }
}

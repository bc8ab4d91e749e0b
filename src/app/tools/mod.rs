//! Tools: small state machines that turn pointer events on the canvas into edits.
//!
//! A tool is a value. `transition(self, event, &ctx)` gives its next value and what shall happen;
//! it draws nothing, asks nobody and keeps no reference, so every gesture is tested without a
//! window. Must not know egui, the renderer or the session's handle. Called by
//! [`super::canvas`], which feeds events and carries effects out.

pub mod brush;
pub mod measure;
pub mod pen;
pub mod place;
pub mod select;
pub mod shape;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use glam::{DAffine2, DVec2};

use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::property::{Prop, RowKind};
use crate::model::stroke::{STROKE_UNITS_PER_PX, StrokeMode};
use crate::model::{light, marker};
use crate::scene::snapshot::{Light, Marker};
use crate::session::api::GestureId;

use brush::Brush;
use measure::{MeasureTool, Measuring};
use pen::{Ink, Pen};
use place::Place;
use select::Select;
use shape::{ShapeKind, ShapeTool};

/// Which tool is in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ToolKind {
    /// Picks and moves markers and lights, picks drawings.
    #[default]
    Select,
    /// Moves the view.
    Hand,
    /// Reveals or covers under a round brush.
    FogBrush,
    /// Reveals or covers a rectangle.
    FogRectangle,
    /// Reveals or covers an ellipse.
    FogEllipse,
    /// Adds markers.
    Marker,
    /// Measures distances and areas.
    Measure,
    /// Draws what fades by itself.
    Pen,
}

impl ToolKind {
    /// The tool bar, from left to right.
    pub const BAR: [Self; 8] = [
        Self::Select,
        Self::Hand,
        Self::FogBrush,
        Self::FogRectangle,
        Self::FogEllipse,
        Self::Marker,
        Self::Measure,
        Self::Pen,
    ];

    /// It reveals and covers.
    #[must_use]
    pub fn is_fog(self) -> bool {
        matches!(self, Self::FogBrush | Self::FogRectangle | Self::FogEllipse)
    }
}

/// Modifier keys as tools know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keys {
    /// Shift: add to the picked ones; the other fog mode.
    pub shift: bool,
    /// Alt: free of the grid.
    pub alt: bool,
    /// Ctrl or Cmd: pick one more or one fewer.
    pub command: bool,
}

/// What happens on the canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The main button went down.
    Press {
        /// Where, world units.
        at_world: DVec2,
        /// Modifiers.
        keys: Keys,
    },
    /// The pointer moved, button down or not.
    Move {
        /// Where, world units.
        at_world: DVec2,
        /// Modifiers.
        keys: Keys,
    },
    /// The main button came up.
    Release {
        /// Where, world units.
        at_world: DVec2,
        /// Modifiers.
        keys: Keys,
    },
    /// The pointer left the canvas.
    Leave,
    /// Time passed while a gesture is held.
    Tick,
    /// Escape, or the gesture was taken away: what is not committed is dropped.
    Cancel,
}

/// What a tool may look at.
#[derive(Clone, Copy)]
pub struct ToolContext<'a> {
    /// The scene on the canvas.
    pub scene: &'a SceneId,
    /// Its markers, the lowest first.
    pub markers: &'a [Marker],
    /// Its lights, as far as this window draws them.
    pub lights: &'a [Light],
    /// The topmost drawing that has ink at a world position.
    pub drawing_at: &'a dyn Fn(DVec2) -> Option<RowId>,
    /// What is picked.
    pub picked: &'a BTreeSet<RowId>,
    /// From world to map pixels; `None` without a map.
    pub map_from_world: Option<DAffine2>,
    /// Where a world position is stored.
    pub document_from_world: &'a dyn Fn(DVec2) -> DVec2,
    /// The nearest place on the grid for a token's centre.
    pub snap_world: &'a dyn Fn(DVec2) -> DVec2,
    /// The nearest place on the grid for an end of a measurement.
    pub snap_end_world: &'a dyn Fn(DVec2) -> DVec2,
    /// Snapping is on.
    pub snapping: bool,
    /// Side of a cell, world units.
    pub cell_world: f64,
    /// Diameter of the brush, cells.
    pub brush_cells: f64,
    /// What fog tools do.
    pub mode: StrokeMode,
    /// A fog brush commits while it is drawn.
    pub reveal_live: bool,
    /// Length of a screen point, world units.
    pub point_world: f64,
    /// Time since the app started.
    pub now: Duration,
    /// Gives out gesture ids.
    pub gestures: &'a Gestures,
}

impl ToolContext<'_> {
    /// A world position as a stroke's point; `None` without a map.
    #[must_use]
    pub fn stroke_point(&self, at_world: DVec2) -> Option<[i32; 2]> {
        let map = self.map_from_world?.transform_point2(at_world);
        let units = map * STROKE_UNITS_PER_PX;
        units.is_finite().then(|| [whole(units.x), whole(units.y)])
    }

    /// Stroke units in one world unit.
    #[must_use]
    pub fn stroke_units_per_world(&self) -> f64 {
        self.map_from_world
            .map_or(1.0, |map| map.matrix2.x_axis.length())
            * STROKE_UNITS_PER_PX
    }

    /// The brush's radius, world units.
    #[must_use]
    pub fn brush_radius_world(&self) -> f64 {
        self.brush_cells * self.cell_world / 2.0
    }

    /// The mode with Shift taken into account.
    #[must_use]
    pub fn mode_with(&self, keys: Keys) -> StrokeMode {
        if keys.shift {
            other_mode(self.mode)
        } else {
            self.mode
        }
    }

    /// A place for a token: on the grid unless snapping is off or Alt is held.
    #[must_use]
    pub fn placed(&self, at_world: DVec2, keys: Keys) -> DVec2 {
        if self.snapping && !keys.alt {
            (self.snap_world)(at_world)
        } else {
            at_world
        }
    }

    /// What can be dragged under a position: the topmost marker, else the handle of a light.
    #[must_use]
    pub fn thing_at(&self, at_world: DVec2) -> Option<Thing> {
        let slop = 4.0 * self.point_world;
        let marker = self.markers.iter().rev().find(|marker| {
            marker.position_world.distance(at_world) <= marker.diameter_world / 2.0 + slop
        });
        let handle = HANDLE_POINTS * self.point_world + slop;
        let light = || {
            let by_distance = |light: &&Light| light.position_world.distance(at_world);
            self.lights
                .iter()
                .min_by(|a, b| by_distance(a).total_cmp(&by_distance(b)))
                .filter(|light| by_distance(light) <= handle)
        };
        marker
            .map(Thing::of_marker)
            .or_else(|| light().map(Thing::of_light))
    }

    /// Everything that can be dragged, lights first.
    pub fn things(&self) -> impl Iterator<Item = Thing> {
        let lights = self.lights.iter().map(Thing::of_light);
        lights.chain(self.markers.iter().map(Thing::of_marker))
    }
}

/// Radius of a light's handle, points.
pub const HANDLE_POINTS: f64 = 6.0;

/// A marker or a light, as tools see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Thing {
    /// Which of the two.
    pub kind: RowKind,
    /// Its id.
    pub id: RowId,
    /// Its centre.
    pub position_world: DVec2,
    /// It stays where it is.
    pub locked: bool,
}

impl Thing {
    fn of_marker(marker: &Marker) -> Self {
        Self {
            kind: RowKind::Marker,
            id: marker.id.clone(),
            position_world: marker.position_world,
            locked: marker.row.get(marker::LOCKED),
        }
    }

    fn of_light(light: &Light) -> Self {
        Self {
            kind: RowKind::Light,
            id: light.id.clone(),
            position_world: light.position_world,
            locked: false,
        }
    }

    /// Its properties for right and up.
    #[must_use]
    pub fn position_props(kind: RowKind) -> (Prop<f64>, Prop<f64>) {
        if kind == RowKind::Light {
            (light::POSITION_X, light::POSITION_Y)
        } else {
            (marker::POSITION_X, marker::POSITION_Y)
        }
    }

    /// The edit that puts it somewhere.
    #[must_use]
    pub fn put(&self, ctx: &ToolContext<'_>, at_world: DVec2) -> Edit {
        let stored = (ctx.document_from_world)(at_world);
        let (x, y) = Self::position_props(self.kind);
        Edit::Set {
            row: RowRef::in_scene(ctx.scene, self.kind, &self.id),
            values: vec![Assignment::new(x, stored.x), Assignment::new(y, stored.y)],
        }
    }
}

/// Rounds to a whole stroke unit, cut to what a stroke can hold.
#[expect(clippy::cast_possible_truncation, reason = "clamped to i32")]
#[must_use]
pub fn whole(units: f64) -> i32 {
    units
        .round()
        .clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32
}

/// Reveal for cover and the reverse.
#[must_use]
pub fn other_mode(mode: StrokeMode) -> StrokeMode {
    match mode {
        StrokeMode::Erase => StrokeMode::Add,
        StrokeMode::Add => StrokeMode::Erase,
    }
}

/// Gives out gesture ids, each once in this process.
#[derive(Debug, Default)]
pub struct Gestures(Cell<u64>);

impl Gestures {
    /// A fresh one.
    #[must_use]
    pub fn fresh(&self) -> GestureId {
        self.0.set(self.0.get() + 1);
        GestureId(self.0.get())
    }
}

/// What shall happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A change of the documents.
    Edit {
        /// Its gesture.
        gesture: GestureId,
        /// What the undo menu says.
        label: &'static str,
        /// The changes.
        edits: Vec<Edit>,
        /// The gesture ends.
        last: bool,
    },
    /// These are picked now.
    Pick(BTreeSet<RowId>),
    /// A measurement is shown, stays or goes.
    Measure(Measuring),
    /// A stroke that fades is drawn.
    Ink(Ink),
}

/// A tool in some state.
#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    /// [`ToolKind::Select`].
    Select(Select),
    /// [`ToolKind::Hand`]: the canvas itself moves the view.
    Hand,
    /// [`ToolKind::FogBrush`].
    Brush(Brush),
    /// [`ToolKind::FogRectangle`] and [`ToolKind::FogEllipse`].
    Shape(ShapeTool),
    /// [`ToolKind::Marker`].
    Place(Place),
    /// [`ToolKind::Measure`].
    Measure(MeasureTool),
    /// [`ToolKind::Pen`].
    Pen(Pen),
}

impl Default for Tool {
    fn default() -> Self {
        Self::of(ToolKind::Select)
    }
}

impl Tool {
    /// A tool at rest.
    #[must_use]
    pub fn of(kind: ToolKind) -> Self {
        match kind {
            ToolKind::Select => Self::Select(Select::default()),
            ToolKind::Hand => Self::Hand,
            ToolKind::FogBrush => Self::Brush(Brush::default()),
            ToolKind::FogRectangle => Self::Shape(ShapeTool::at_rest(ShapeKind::Rectangle)),
            ToolKind::FogEllipse => Self::Shape(ShapeTool::at_rest(ShapeKind::Ellipse)),
            ToolKind::Marker => Self::Place(Place::default()),
            ToolKind::Measure => Self::Measure(MeasureTool::default()),
            ToolKind::Pen => Self::Pen(Pen::default()),
        }
    }

    /// Which tool this is.
    #[must_use]
    pub fn kind(&self) -> ToolKind {
        match self {
            Self::Select(_) => ToolKind::Select,
            Self::Hand => ToolKind::Hand,
            Self::Brush(_) => ToolKind::FogBrush,
            Self::Shape(tool) => match tool.kind() {
                ShapeKind::Rectangle => ToolKind::FogRectangle,
                ShapeKind::Ellipse => ToolKind::FogEllipse,
            },
            Self::Place(_) => ToolKind::Marker,
            Self::Measure(_) => ToolKind::Measure,
            Self::Pen(_) => ToolKind::Pen,
        }
    }

    /// A gesture is going on.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Select(tool) => tool.is_busy(),
            Self::Brush(tool) => tool.is_busy(),
            Self::Shape(tool) => tool.is_busy(),
            Self::Measure(tool) => tool.is_busy(),
            Self::Pen(tool) => tool.is_busy(),
            Self::Hand | Self::Place(_) => false,
        }
    }

    /// The tool after an event, and what shall happen.
    #[must_use]
    pub fn transition(self, event: Event, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        match self {
            Self::Select(tool) => wrap(Self::Select, tool.transition(event, ctx)),
            Self::Hand => (Self::Hand, Vec::new()),
            Self::Brush(tool) => wrap(Self::Brush, tool.transition(event, ctx)),
            Self::Shape(tool) => wrap(Self::Shape, tool.transition(event, ctx)),
            Self::Place(tool) => wrap(Self::Place, tool.transition(event, ctx)),
            Self::Measure(tool) => wrap(Self::Measure, tool.transition(event, ctx)),
            Self::Pen(tool) => wrap(Self::Pen, tool.transition(event, ctx)),
        }
    }

    /// One line about what the tool does now, with its modifiers.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Select(tool) => tool.hint(),
            Self::Hand => "Drag to move the view. Wheel zooms.",
            Self::Brush(_) => {
                "Drag to paint. X or Shift: reveal or cover. [ and ] or Shift+wheel: size."
            }
            Self::Shape(tool) if tool.is_busy() => "Let go to apply. Esc: cancel.",
            Self::Shape(_) => "Drag from corner to corner. X or Shift: reveal or cover.",
            Self::Place(_) => "Click to place a marker. Alt: free of the grid. Esc: done.",
            Self::Measure(tool) => tool.hint(),
            Self::Pen(tool) => tool.hint(),
        }
    }
}

fn wrap<T>(variant: fn(T) -> Tool, (tool, effects): (T, Vec<Effect>)) -> (Tool, Vec<Effect>) {
    (variant(tool), effects)
}

#[cfg(test)]
pub(crate) mod testing {
    //! A stage for tools without a window.

    use super::*;
    use crate::model::row::Row;

    /// A scene of square cells of 50 world units; map pixels are world units.
    pub(crate) struct Stage {
        pub(crate) scene: SceneId,
        pub(crate) markers: Vec<Marker>,
        pub(crate) lights: Vec<Light>,
        pub(crate) ink: Option<(RowId, crate::geom::rect::DRect)>,
        pub(crate) picked: BTreeSet<RowId>,
        pub(crate) gestures: Gestures,
        pub(crate) mode: StrokeMode,
        pub(crate) now: Duration,
        pub(crate) has_map: bool,
        pub(crate) reveal_live: bool,
    }

    impl Default for Stage {
        fn default() -> Self {
            Self {
                scene: SceneId::new("scene"),
                markers: Vec::new(),
                lights: Vec::new(),
                ink: None,
                picked: BTreeSet::new(),
                gestures: Gestures::default(),
                mode: StrokeMode::Erase,
                now: Duration::ZERO,
                has_map: true,
                reveal_live: true,
            }
        }
    }

    impl Stage {
        /// Adds a marker of one cell.
        pub(crate) fn with_marker(mut self, id: &str, x: f64, y: f64) -> Self {
            self.markers.push(Marker {
                id: RowId::new(id),
                row: Row::defaults(&marker::TABLE),
                position_world: DVec2::new(x, y),
                diameter_world: 45.0,
                picture: None,
            });
            self
        }

        /// Adds a light of two cells.
        pub(crate) fn with_light(mut self, id: &str, x: f64, y: f64) -> Self {
            self.lights.push(Light {
                id: RowId::new(id),
                row: Row::defaults(&light::TABLE),
                position_world: DVec2::new(x, y),
                diameter_world: 100.0,
            });
            self
        }

        /// Feeds events; picks are carried out.
        pub(crate) fn play(&mut self, mut tool: Tool, events: &[Event]) -> (Tool, Vec<Effect>) {
            let mut all = Vec::new();
            for &event in events {
                let snap = |p: DVec2| (p / 25.0).round() * 25.0;
                let snap_end = |p: DVec2| (p / 50.0).round() * 50.0;
                let same = |p: DVec2| p;
                let ink = |p: DVec2| {
                    let (id, area) = self.ink.as_ref()?;
                    area.contains(p).then(|| id.clone())
                };
                let ctx = ToolContext {
                    scene: &self.scene,
                    markers: &self.markers,
                    lights: &self.lights,
                    drawing_at: &ink,
                    picked: &self.picked,
                    map_from_world: self.has_map.then_some(DAffine2::IDENTITY),
                    document_from_world: &same,
                    snap_world: &snap,
                    snap_end_world: &snap_end,
                    snapping: true,
                    cell_world: 50.0,
                    brush_cells: 2.0,
                    mode: self.mode,
                    reveal_live: self.reveal_live,
                    point_world: 1.0,
                    now: self.now,
                    gestures: &self.gestures,
                };
                let (next, effects) = tool.transition(event, &ctx);
                tool = next;
                for effect in effects {
                    if let Effect::Pick(picked) = &effect {
                        self.picked.clone_from(picked);
                    }
                    all.push(effect);
                }
                self.now += Duration::from_millis(40);
            }
            (tool, all)
        }
    }

    pub(crate) fn press(x: f64, y: f64) -> Event {
        press_with(x, y, Keys::default())
    }

    pub(crate) fn press_with(x: f64, y: f64, keys: Keys) -> Event {
        Event::Press {
            at_world: DVec2::new(x, y),
            keys,
        }
    }

    pub(crate) fn drag(x: f64, y: f64) -> Event {
        Event::Move {
            at_world: DVec2::new(x, y),
            keys: Keys::default(),
        }
    }

    pub(crate) fn drag_with(x: f64, y: f64, keys: Keys) -> Event {
        Event::Move {
            at_world: DVec2::new(x, y),
            keys,
        }
    }

    pub(crate) fn release(x: f64, y: f64) -> Event {
        Event::Release {
            at_world: DVec2::new(x, y),
            keys: Keys::default(),
        }
    }
}

//! The editor's own state: what is in hand, picked, looked at. Nothing of it is in a document.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;
use glam::DVec2;

use super::command::Commands;
use super::dialogs::Dialog;
use super::gesture::FieldGesture;
use super::presence::own::Own;
use super::settings::Settings;
use super::tools::{Effect, Gestures, Tool, ToolContext};
use crate::geom::grid::SnapTarget;
use crate::geom::space::Camera;
use crate::model::id::{RowId, SceneId};
use crate::model::stroke::StrokeMode;
use crate::render::{LayerSet, Phase};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{GestureId, Published, Request, Severity};
use crate::util::clock::{Clock as _, SystemClock};

/// The editor's own state.
pub struct Editor {
    /// What this machine's user chose.
    pub settings: Settings,
    /// The tool in hand.
    pub tool: Tool,
    /// What fog tools do.
    pub mode: StrokeMode,
    /// What is picked in the edited scene: markers, lights, drawings.
    pub picked: BTreeSet<RowId>,
    /// Layers that this window draws.
    pub layers: LayerSet,
    /// How each scene was looked at last.
    pub cameras: HashMap<SceneId, Camera>,
    /// The size of the canvas in points, at the last frame.
    pub canvas_points: DVec2,
    /// A scene that is being renamed in the list, and its name so far.
    pub renaming: Option<Renaming>,
    /// The row of the scene list that has the keyboard.
    pub focused_row: Option<SceneId>,
    /// The diagnostics are shown.
    pub diagnostics_open: bool,
    /// The open dialog.
    pub dialog: Option<Dialog>,
    /// Gesture ids.
    pub gestures: Gestures,
    /// The gesture of the field that is being changed.
    pub field: FieldGesture,
    /// Messages of the app itself.
    pub tellings: Vec<Telling>,
    /// Requests that the session was too busy to take.
    pub unsent: VecDeque<Request>,
    /// The scene that the state above belongs to.
    pub scene: Option<SceneId>,
    /// Where the pointer is in the edited scene; `None` outside the canvas.
    pub pointer_world: Option<DVec2>,
    /// What others show over it.
    pub others: Others,
    /// What this user measures and draws for a while.
    pub own: Own,
    /// The same as it is painted.
    pub mine: Others,
    /// Looks for games on this network; `None` = not in this run.
    pub look_around: Option<super::dialogs::join::LookAround>,
    /// What of the room takes time.
    pub room_clock: super::panels::room::RoomClock,
    /// The scenes' thumbnails as textures.
    pub thumbnails: super::panels::scenes::Thumbnails,
    started: Instant,
    next_telling: u64,
}

/// What people show over a picture of a scene.
#[derive(Default)]
pub struct Others {
    /// What came from them.
    pub crowd: super::presence::crowd::Crowd,
    /// Their drawings as textures.
    pub drawings: super::presence::drawings::Drawings,
}

impl Others {
    /// Of this user alone.
    #[must_use]
    pub fn of_mine() -> Self {
        Self {
            crowd: super::presence::crowd::Crowd::of_mine(),
            ..Self::default()
        }
    }
}

/// A scene that is being renamed in place.
#[derive(Debug, Clone)]
pub struct Renaming {
    /// The scene.
    pub scene: SceneId,
    /// The name so far.
    pub text: String,
    /// The field has had the focus.
    pub focused: bool,
}

/// A message of the app itself.
#[derive(Debug, Clone)]
pub struct Telling {
    /// For dismissing it.
    pub id: u64,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub text: Arc<str>,
    /// When it came.
    pub at: Instant,
}

impl Editor {
    /// A fresh editor.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            tool: Tool::default(),
            mode: StrokeMode::Erase,
            picked: BTreeSet::new(),
            layers: LayerSet::all(),
            cameras: HashMap::new(),
            canvas_points: DVec2::new(800.0, 600.0),
            renaming: None,
            focused_row: None,
            diagnostics_open: false,
            dialog: None,
            gestures: Gestures::default(),
            field: FieldGesture::default(),
            tellings: Vec::new(),
            unsent: VecDeque::new(),
            scene: None,
            pointer_world: None,
            others: Others::default(),
            own: Own::default(),
            mine: Others::of_mine(),
            look_around: None,
            room_clock: super::panels::room::RoomClock::default(),
            thumbnails: super::panels::scenes::Thumbnails::default(),
            started: Instant::now(),
            next_telling: 1,
        }
    }

    /// Time since the app started.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Adds a message of the app itself.
    pub fn tell(&mut self, severity: Severity, text: impl Into<Arc<str>>) {
        let telling = Telling {
            id: self.next_telling,
            severity,
            text: text.into(),
            at: Instant::now(),
        };
        self.next_telling += 1;
        self.tellings.push(telling);
        if self.tellings.len() > 8 {
            self.tellings.remove(0);
        }
    }

    /// Follows what is published: another scene drops what belongs to the one before, what was
    /// deleted is picked no more.
    pub fn follow(&mut self, published: &Published, commands: &mut Commands) {
        let scene = published.editing.as_ref().map(|scene| scene.id.clone());
        if scene != self.scene {
            self.cancel_gesture(published, commands);
            self.picked.clear();
            self.scene = scene;
        }
        if let Some(scene) = &published.editing {
            // A marker that was just added is picked before it is published.
            if self.picked.len() > 1 {
                let there: BTreeSet<&RowId> = scene
                    .markers
                    .iter()
                    .map(|marker| &marker.id)
                    .chain(scene.lights.iter().map(|light| &light.id))
                    .chain(scene.annotations.iter().map(|drawing| &drawing.id))
                    .collect();
                self.picked.retain(|id| there.contains(id));
            }
        }
    }

    /// Takes a running gesture away from the tool.
    pub fn cancel_gesture(&mut self, published: &Published, commands: &mut Commands) {
        self.feed(super::tools::Event::Cancel, published, commands);
    }

    /// Feeds an event to the tool and carries out what follows.
    pub fn feed(
        &mut self,
        event: super::tools::Event,
        published: &Published,
        commands: &mut Commands,
    ) {
        let Some(scene) = published.editing.clone() else {
            self.tool = Tool::of(self.tool.kind());
            self.own.let_go();
            return;
        };
        let tool = std::mem::take(&mut self.tool);
        let (tool, effects) = self.with_context(&scene, |ctx| tool.transition(event, ctx));
        self.tool = tool;
        for effect in effects {
            match effect {
                Effect::Pick(picked) => self.picked = picked,
                Effect::Measure(measuring) => {
                    let options = self.settings.measuring;
                    let color = self.settings.color();
                    self.own.measure(&scene.id, measuring, options, color);
                }
                Effect::Ink(ink) => self.own.draw(&scene, ink, self.settings.pen_color()),
                Effect::Edit {
                    gesture,
                    label,
                    edits,
                    last,
                } => commands.request(Request::Edit {
                    gesture,
                    label,
                    edits,
                    last,
                }),
            }
        }
    }

    /// Looks at the clock for what this user measures and draws. Whenever that may have changed.
    pub fn follow_own(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|input| input.time);
        let before = Arc::clone(self.own.shown());
        let wake = self.own.follow(now, SystemClock::default().unix_ms());
        if !Arc::ptr_eq(&before, self.own.shown()) {
            // What was painted before this in the same frame may look otherwise now.
            ctx.request_repaint();
        }
        let smooth = self.settings.transitions;
        self.mine.crowd.follow(self.own.shown(), None, now, smooth);
        if let Some(wake) = wake.and_then(|wake| Duration::try_from_secs_f64(wake).ok()) {
            ctx.request_repaint_after(wake.max(Duration::from_millis(1)));
        }
    }

    /// Calls `f` with what tools may look at.
    pub fn with_context<R>(
        &self,
        scene: &SceneSnapshot,
        f: impl FnOnce(&ToolContext<'_>) -> R,
    ) -> R {
        let grid = &scene.grid;
        let document_from_world = |p: DVec2| scene.document_from_world(p);
        let snap_world = |p: DVec2| grid.snap(p, SnapTarget::Token);
        let snap_end_world = |p: DVec2| grid.snap(p, SnapTarget::Measurement);
        let camera = self.camera_of(scene);
        let point_world = 1.0 / camera.zoom;
        let drawing_at = |at: DVec2| {
            self.layers
                .contains(Phase::Annotations)
                .then(|| super::canvas::ink::drawing_at(scene, at, 5.0 * point_world))
                .flatten()
        };
        f(&ToolContext {
            scene: &scene.id,
            markers: &scene.markers,
            lights: if self.layers.contains(Phase::Lights) {
                &scene.lights
            } else {
                &[]
            },
            drawing_at: &drawing_at,
            picked: &self.picked,
            map_from_world: scene.map.as_ref().map(|map| map.placement.map_from_world()),
            document_from_world: &document_from_world,
            snap_world: &snap_world,
            snap_end_world: &snap_end_world,
            snapping: self.settings.snapping,
            cell_world: grid.cell_px(),
            brush_cells: self.settings.brush_cells,
            mode: self.mode,
            reveal_live: self.settings.reveal_live,
            point_world,
            now: self.now(),
            gestures: &self.gestures,
        })
    }

    /// How the scene is looked at: as last time, else fitted.
    #[must_use]
    pub fn camera_of(&self, scene: &SceneSnapshot) -> Camera {
        self.cameras
            .get(&scene.id)
            .copied()
            .unwrap_or_else(|| super::canvas::view::fit_display(scene, self.canvas_points))
    }

    /// One edit that is a step of its own.
    pub fn edit_once(
        &self,
        label: &'static str,
        edits: Vec<crate::model::edit::Edit>,
        commands: &mut Commands,
    ) {
        commands.request(Request::Edit {
            gesture: self.fresh_gesture(),
            label,
            edits,
            last: true,
        });
    }

    /// A fresh gesture id.
    #[must_use]
    pub fn fresh_gesture(&self) -> GestureId {
        self.gestures.fresh()
    }

    /// A text field has the keyboard.
    #[must_use]
    pub fn is_typing(ctx: &egui::Context) -> bool {
        ctx.text_edit_focused()
    }
}

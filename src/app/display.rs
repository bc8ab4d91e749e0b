//! The player display: the second window, on a monitor that the user chose.
//!
//! A deferred viewport: it repaints alone and never makes the editor repaint. It reads the newest
//! published state itself and has it painted by [`super::table_view`]. Must not know the editor.
//! Opened and closed by [`super::shell`].

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use eframe::egui;
use egui::{Ui, ViewportBuilder, ViewportClass, ViewportCommand, ViewportId};
use parking_lot::Mutex;

use super::bridge::Bridge;
use super::command::{Command, Commands};
use super::icons;
use super::link::SessionLink;
use super::monitors;
use super::settings::MonitorChoice;
use super::table_view::{Mine, Shown, Style, TableView, party_name};
use super::widgets::buttons::TextButton;
use crate::model::id::SceneId;

/// The window's size while it does not fill a monitor, points.
const WINDOW_SIZE: [f32; 2] = [960.0, 540.0];
/// A monitor that is gone is looked for this often.
const MONITOR_WATCH: Duration = Duration::from_secs(2);

/// The title of the window.
pub const TITLE: &str = "Tableglow player display";

/// The viewport of the player display.
#[must_use]
pub fn viewport_id() -> ViewportId {
    ViewportId::from_hash_of("player display")
}

/// A monitor as it is connected now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// How it is remembered.
    pub choice: MonitorChoice,
    /// It is the primary one, or the first.
    pub primary: bool,
    /// Where windowing has it in its list.
    index: usize,
}

/// The player display as the editor knows it.
pub struct DisplayState {
    shared: Arc<Shared>,
    open: bool,
    builder: ViewportBuilder,
    monitors: Vec<Monitor>,
    chosen: Option<MonitorChoice>,
    /// The monitor that the window fills or filled, by name.
    home: Option<String>,
    /// That monitor is gone, and the window is an ordinary one until it is back.
    away: bool,
    /// When the monitors were looked at last.
    looked: Instant,
}

/// What the window's own thread of paint shares with the editor.
struct Shared {
    /// Weak: egui keeps what windows share for longer than the app lives.
    link: Weak<dyn SessionLink>,
    view: TableView,
    transitions: AtomicBool,
    animation: AtomicBool,
    cursors: AtomicBool,
    /// What the user of this app shows.
    mine: Mutex<Mine>,
    fullscreen: AtomicBool,
    close_wanted: AtomicBool,
    /// The window was moved or resized since the editor looked.
    moved: AtomicBool,
    /// The monitor's index plus one, for the window's first frame; 0 afterwards.
    monitor_at_first: AtomicUsize,
    frames: AtomicU64,
    /// Where the window was at the last frame, points.
    place: Mutex<Option<egui::Rect>>,
}

impl DisplayState {
    /// A closed display.
    #[must_use]
    pub fn new(link: &Arc<dyn SessionLink>, bridge: Bridge, chosen: Option<MonitorChoice>) -> Self {
        let shown = link.published().player.clone();
        Self {
            shared: Arc::new(Shared {
                link: Arc::downgrade(link),
                view: TableView::new(bridge, shown),
                transitions: AtomicBool::new(true),
                animation: AtomicBool::new(false),
                cursors: AtomicBool::new(true),
                mine: Mutex::default(),
                fullscreen: AtomicBool::new(false),
                close_wanted: AtomicBool::new(false),
                moved: AtomicBool::new(false),
                monitor_at_first: AtomicUsize::new(0),
                frames: AtomicU64::new(0),
                place: Mutex::new(None),
            }),
            open: false,
            builder: ViewportBuilder::default(),
            monitors: Vec::new(),
            chosen,
            home: None,
            away: false,
            looked: Instant::now(),
        }
    }

    /// The window is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// How often it was painted.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.shared.frames.load(Ordering::Relaxed)
    }

    /// The scene that the players see in the window.
    #[must_use]
    pub fn shown(&self) -> Option<SceneId> {
        self.shared.view.shown()
    }

    /// Looks at the monitors that are connected now.
    pub fn enumerate(&mut self, window: Option<&winit::window::Window>) {
        let Some(window) = window else {
            return;
        };
        let primary = window.primary_monitor();
        self.monitors = monitors::connected(window)
            .into_iter()
            .map(|(index, monitor)| {
                let position = monitor.position();
                let size = monitor.size();
                Monitor {
                    choice: MonitorChoice {
                        name: monitor
                            .name()
                            .unwrap_or_else(|| format!("Monitor {}", index + 1)),
                        position_px: [position.x, position.y],
                        size_px: [size.width, size.height],
                    },
                    primary: primary.as_ref().map_or(index == 0, |p| *p == monitor),
                    index,
                }
            })
            .collect();
    }

    /// Opens the window on the chosen monitor. What it says when that is not connected.
    pub fn open(
        &mut self,
        window: Option<&winit::window::Window>,
        fullscreen: bool,
        icon: Option<Arc<egui::IconData>>,
    ) -> Option<String> {
        self.enumerate(window);
        let (index, told) = self.monitor_index();
        // Whoever asked for another monitor does not want the editor's to be covered.
        self.away = told.is_some();
        // Nor does anybody whose only screen that is, unless they chose it.
        let covers_editor = self.chosen.is_none() && self.monitors.len() < 2;
        let fullscreen = fullscreen && !self.away && !covers_editor;
        self.home = self.chosen.as_ref().map(|chosen| chosen.name.clone());
        if let Some(monitor) = index.and_then(|index| self.monitors.get(index))
            && !self.away
        {
            self.home = Some(monitor.choice.name.clone());
        }
        let index = self.windowing_index(index);
        self.open = true;
        self.shared.close_wanted.store(false, Ordering::Relaxed);
        self.shared.fullscreen.store(fullscreen, Ordering::Relaxed);
        let mut builder = ViewportBuilder::default()
            .with_title(TITLE)
            .with_app_id("tableglow");
        if let Some(icon) = icon {
            builder = builder.with_icon(icon);
        }
        if fullscreen {
            builder = match index {
                Some(index) => builder.with_monitor(index),
                None => builder.with_fullscreen(true),
            };
        } else {
            builder = builder.with_inner_size(WINDOW_SIZE);
        }
        // X11 window managers may map the window before they honour its wish for a monitor.
        let again = index.filter(|_| fullscreen).map_or(0, |index| index + 1);
        self.shared.monitor_at_first.store(again, Ordering::Relaxed);
        self.builder = builder;
        told
    }

    /// Closes it.
    pub fn close(&mut self) {
        self.open = false;
    }

    /// The index of the chosen monitor among those connected now; a sentence when it is not.
    fn monitor_index(&self) -> (Option<usize>, Option<String>) {
        let fallback = || {
            // Rather the second screen than the one with the editor.
            self.monitors
                .iter()
                .position(|monitor| !monitor.primary)
                .or(if self.monitors.is_empty() {
                    None
                } else {
                    Some(0)
                })
        };
        let Some(chosen) = &self.chosen else {
            return (fallback(), None);
        };
        let exact = self.monitors.iter().position(|m| m.choice == *chosen);
        let by_name = || {
            self.monitors
                .iter()
                .position(|m| m.choice.name == chosen.name)
        };
        match exact.or_else(by_name) {
            Some(index) => (Some(index), None),
            None => {
                let primary = self.monitors.iter().position(|monitor| monitor.primary);
                (
                    primary,
                    Some(format!(
                        "The monitor “{}” is not connected, so the player display is a window for now; it goes there when you plug it in, or choose another below.",
                        chosen.name
                    )),
                )
            }
        }
    }

    /// Moves the window to another monitor, now or when it opens.
    pub fn choose(
        &mut self,
        ctx: &egui::Context,
        window: Option<&winit::window::Window>,
        choice: MonitorChoice,
    ) {
        self.home = Some(choice.name.clone());
        self.chosen = Some(choice);
        self.enumerate(window);
        if self.open
            && let (Some(index), None) = self.monitor_index()
        {
            self.away = false;
            self.shared.fullscreen.store(true, Ordering::Relaxed);
            self.send_to(ctx, index);
        }
    }

    fn windowing_index(&self, index: Option<usize>) -> Option<usize> {
        index
            .and_then(|index| self.monitors.get(index))
            .map(|monitor| monitor.index)
    }

    fn send_to(&self, ctx: &egui::Context, index: usize) {
        if let Some(index) = self.windowing_index(Some(index)) {
            ctx.send_viewport_cmd_to(viewport_id(), ViewportCommand::SetMonitor(index));
            ctx.request_repaint_after_for(Duration::from_nanos(1), viewport_id());
        }
    }

    /// Notices when the window's monitor goes or comes back. A window whose monitor went would come to
    /// rest over the editor and fill its screen: it becomes an ordinary one, and goes back when it can.
    /// What it says then.
    pub fn follow_monitors(
        &mut self,
        ctx: &egui::Context,
        window: Option<&winit::window::Window>,
    ) -> Option<String> {
        if !self.open {
            return None;
        }
        let moved = self.shared.moved.swap(false, Ordering::Relaxed);
        let due = self.away && self.looked.elapsed() >= MONITOR_WATCH;
        if !moved && !due {
            if self.away {
                ctx.request_repaint_after(MONITOR_WATCH.saturating_sub(self.looked.elapsed()));
            }
            return None;
        }
        self.looked = Instant::now();
        self.enumerate(window);
        let home = self.home.clone()?;
        let there = self.monitors.iter().position(|m| m.choice.name == home);
        let filling = self.shared.fullscreen.load(Ordering::Relaxed);
        match there {
            // No system tells of a monitor that comes while no window is on it.
            None if self.away => {
                ctx.request_repaint_after(MONITOR_WATCH);
                None
            }
            None if filling && !self.monitors.is_empty() => {
                self.away = true;
                self.shared.fullscreen.store(false, Ordering::Relaxed);
                self.shared.monitor_at_first.store(0, Ordering::Relaxed);
                self.put_beside_editor(ctx);
                ctx.request_repaint_after(MONITOR_WATCH);
                Some(format!(
                    "The monitor “{home}” is gone, so the player display is a window here; plug it in again and the display goes back."
                ))
            }
            Some(index) if self.away => {
                self.away = false;
                self.shared.fullscreen.store(true, Ordering::Relaxed);
                self.send_to(ctx, index);
                Some(format!("The player display is on “{home}” again."))
            }
            _ => None,
        }
    }

    /// Makes the window an ordinary one on a monitor that is there.
    fn put_beside_editor(&self, ctx: &egui::Context) {
        let scale = ctx.native_pixels_per_point().unwrap_or(1.0).max(0.1);
        let corner = self
            .monitors
            .iter()
            .find(|monitor| monitor.primary)
            .or(self.monitors.first())
            .map_or([0, 0], |monitor| monitor.choice.position_px);
        #[expect(clippy::cast_precision_loss, reason = "pixels of a desktop")]
        let [x, y] = corner.map(|side| side as f32 / scale + 96.0);
        for command in [
            ViewportCommand::Fullscreen(false),
            ViewportCommand::InnerSize(WINDOW_SIZE.into()),
            ViewportCommand::OuterPosition(egui::pos2(x, y)),
        ] {
            ctx.send_viewport_cmd_to(viewport_id(), command);
        }
        ctx.request_repaint_after_for(Duration::from_nanos(1), viewport_id());
    }

    /// Fills the screen, or stops.
    pub fn toggle_fullscreen(&self, ctx: &egui::Context) {
        if self.open {
            self.shared.toggle_fullscreen(ctx);
        }
    }

    /// Shows the window while it is open. Called from the editor's `ui`, never from `logic`: eframe
    /// mishandles viewports that are opened there.
    pub fn show(&mut self, ctx: &egui::Context, style: Style, mine: Mine) {
        if self.shared.close_wanted.swap(false, Ordering::Relaxed) {
            self.open = false;
        }
        self.shared
            .transitions
            .store(style.transitions, Ordering::Relaxed);
        self.shared
            .animation
            .store(style.animation, Ordering::Relaxed);
        let cursors = self.shared.cursors.swap(style.cursors, Ordering::Relaxed);
        let is_other = {
            let mut shown = self.shared.mine.lock();
            let is_other =
                shown.pointed_out != mine.pointed_out || !Arc::ptr_eq(&shown.people, &mine.people);
            *shown = mine;
            is_other
        };
        let is_news = cursors != style.cursors || is_other;
        if is_news && self.open {
            ctx.request_repaint_after_for(Duration::from_nanos(1), viewport_id());
        }
        if !self.open {
            return;
        }
        let shared = Arc::clone(&self.shared);
        ctx.show_viewport_deferred(viewport_id(), self.builder.clone(), move |ui, class| {
            shared.paint(ui, class);
        });
    }

    /// The list of monitors in the strip.
    pub fn monitor_menu(&mut self, ui: &mut Ui, commands: &mut Commands) {
        if self.monitors.is_empty() {
            return;
        }
        let (index, _) = self.monitor_index();
        let current = index.and_then(|index| self.monitors.get(index));
        let words = match (current, self.monitors.len()) {
            (Some(monitor), 2..) => monitor.choice.name.clone(),
            _ => "1 monitor".to_owned(),
        };
        let mut short: String = words.chars().take(16).collect();
        if short.len() < words.len() {
            short.push('…');
        }
        let button = TextButton::new(&short).icon(icons::MONITOR).flat().show(ui);
        let button = button.on_hover_text("Monitor of the player display");
        egui::Popup::menu(&button).show(|ui| {
            ui.set_min_width(280.0);
            for monitor in &self.monitors {
                let [width, height] = monitor.choice.size_px;
                let main = if monitor.primary { ", main" } else { "" };
                let words = format!("{}  {width} × {height}{main}", monitor.choice.name);
                let on = current == Some(monitor);
                if ui.selectable_label(on, words).clicked() {
                    commands.push(Command::Monitor(monitor.choice.clone()));
                    ui.close();
                }
            }
        });
    }
}

impl Shared {
    fn toggle_fullscreen(&self, ctx: &egui::Context) {
        let on = !self.fullscreen.fetch_xor(true, Ordering::Relaxed);
        ctx.send_viewport_cmd_to(viewport_id(), ViewportCommand::Fullscreen(on));
        ctx.request_repaint_after_for(Duration::from_nanos(1), viewport_id());
    }

    fn paint(&self, ui: &mut Ui, class: ViewportClass) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        let Some(link) = self.link.upgrade() else {
            return;
        };
        let published = link.published();
        if class != ViewportClass::EmbeddedWindow {
            self.keys(ui);
        }
        let rect = if class == ViewportClass::EmbeddedWindow {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(480.0, 270.0), egui::Sense::hover());
            rect
        } else {
            ui.ctx().content_rect()
        };
        // A system that loses a monitor moves the window: the editor looks what happened.
        let place = ui.input(|input| input.viewport().outer_rect);
        if std::mem::replace(&mut *self.place.lock(), place) != place {
            self.moved.store(true, Ordering::Relaxed);
            ui.ctx()
                .request_repaint_after_for(Duration::from_nanos(1), ViewportId::ROOT);
        }
        let style = Style {
            transitions: self.transitions.load(Ordering::Relaxed),
            animation: self.animation.load(Ordering::Relaxed),
            cursors: self.cursors.load(Ordering::Relaxed),
        };
        let shown = Shown {
            frame: &published.player,
            title: party_name(&published),
            people: &link.people(),
            mine: &self.mine.lock().clone(),
        };
        self.view.paint(ui, rect, &shown, style);
    }

    fn keys(&self, ui: &Ui) {
        let first = self.monitor_at_first.swap(0, Ordering::Relaxed);
        if let Some(index) = first.checked_sub(1) {
            ui.ctx()
                .send_viewport_cmd(ViewportCommand::SetMonitor(index));
        }
        let (f11, escape, close) = ui.input(|input| {
            (
                input.key_pressed(egui::Key::F11),
                input.key_pressed(egui::Key::Escape),
                input.viewport().close_requested(),
            )
        });
        if close {
            self.close_wanted.store(true, Ordering::Relaxed);
            ui.ctx()
                .request_repaint_after_for(Duration::from_nanos(1), ViewportId::ROOT);
        }
        // Escape leaves full screen; it never closes the table's picture.
        if f11 || escape && self.fullscreen.load(Ordering::Relaxed) {
            self.toggle_fullscreen(ui.ctx());
        }
    }
}

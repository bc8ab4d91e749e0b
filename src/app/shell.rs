//! The app itself: one frame is `logic` (works while the window is hidden) and `ui`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eframe::egui;
use egui::Ui;

use super::bridge::Bridge;
use super::command::{Command, Commands};
use super::dialogs;
use super::dialogs::join::LookAround;
use super::dialogs::{Dialog, RunFacts};
use super::display::DisplayState;
use super::editor::Editor;
use super::events::Told;
use super::files::{Answer, FileDialogs};
use super::link::SessionLink;
use super::painter::Painter;
use super::panels::{hints, toasts::Toasts};
use super::pause_picture::{AddPicture, PausePictures};
use super::presence::mine::{Facts, Mine};
use super::secrets::KeyStore;
use super::settings::Settings;
use super::shortcuts::Action;
use super::table_view::Style;
use super::tables::Tables;
use super::theme::{self, Tokens};
use crate::library::ipc::IpcServer;
use crate::model::marker;
use crate::model::presence::{HoveredMarker, SharedView};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{Published, Request, Severity};
use crate::session::room::{Identity, People};
use crate::util::clock::{Clock as _, SystemClock};

/// Settings are written this long after their last change.
const SETTINGS_REST: Duration = Duration::from_secs(1);

/// What the app is made with.
pub struct Parts {
    /// The session.
    pub link: Arc<dyn SessionLink>,
    /// The renderer.
    pub bridge: Bridge,
    /// What this machine's user chose.
    pub settings: Settings,
    /// Where that is kept; `None` keeps it nowhere.
    pub settings_path: Option<PathBuf>,
    /// What dialogs say about this run.
    pub facts: RunFacts,
    /// The icon of both windows.
    pub icon: Option<Arc<egui::IconData>>,
    /// Told once at the start.
    pub told_at_start: Option<String>,
    /// Brings pictures into the library.
    pub add_picture: Option<AddPicture>,
    /// Looks for games on this network.
    pub look_around: Option<LookAround>,
    /// Where codes of rooms are kept.
    pub secrets: Option<Arc<KeyStore>>,
    /// Listens for other processes as long as the app runs.
    pub neighbours: Option<IpcServer>,
    /// Tells whoever wakes windows that the player display is open.
    pub display_open: Arc<AtomicBool>,
    /// The window shall fill its screen once it is shown.
    pub maximize: bool,
    /// Looks for a picture in the clipboard.
    pub clipboard_picture: Option<fn() -> Option<egui::ColorImage>>,
}

/// The app.
pub struct App {
    pub(super) link: Arc<dyn SessionLink>,
    pub(super) bridge: Bridge,
    /// The editor's own state.
    pub editor: Editor,
    pub(super) commands: Commands,
    pub(super) display: DisplayState,
    pub(super) dialogs: FileDialogs,
    pub(super) painter: Painter,
    pub(super) tables: Tables,
    introduced: Option<Identity>,
    /// Events of rooms.
    events: Told,
    mine: Mine,
    pub(super) pause_pictures: PausePictures,
    display_open: Arc<AtomicBool>,
    maximize: bool,
    pub(super) clipboard_picture: Option<fn() -> Option<egui::ColorImage>>,
    pub(super) facts: RunFacts,
    pub(super) icon: Option<Arc<egui::IconData>>,
    toasts: Toasts,
    settings_path: Option<PathBuf>,
    saved_settings: Settings,
    settings_changed: Option<Instant>,
    pub(super) canvas_rect: egui::Rect,
    title: String,
    secrets: Option<Arc<KeyStore>>,
    frames: u64,
    opened_display: bool,
    _neighbours: Option<IpcServer>,
}

impl App {
    /// Makes the app in a window's context.
    #[must_use]
    pub fn new(ctx: &egui::Context, parts: Parts) -> Self {
        theme::install_fonts(ctx);
        theme::apply(ctx, parts.settings.theme, parts.settings.transitions);
        // Zooming is the map's: Ctrl and + would blow up the panels.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let display = DisplayState::new(
            &parts.link,
            parts.bridge.clone(),
            parts.settings.player_monitor.clone(),
        );
        let painter = Painter::start(ctx, &parts.bridge, &parts.link);
        let saved_settings = parts.settings.clone();
        let mut editor = Editor::new(parts.settings);
        editor.settings.choose_color();
        editor.look_around = parts.look_around;
        if let Some(told) = parts.told_at_start {
            editor.tell(Severity::Warning, told);
        }
        Self {
            link: parts.link,
            bridge: parts.bridge,
            editor,
            commands: Commands::default(),
            display,
            dialogs: FileDialogs::default(),
            painter,
            tables: Tables::default(),
            introduced: None,
            events: Told::default(),
            mine: Mine::default(),
            secrets: parts.secrets,
            pause_pictures: PausePictures::new(parts.add_picture),
            display_open: parts.display_open,
            maximize: parts.maximize,
            clipboard_picture: parts.clipboard_picture,
            facts: parts.facts,
            icon: parts.icon,
            toasts: Toasts::default(),
            settings_path: parts.settings_path,
            saved_settings,
            settings_changed: None,
            canvas_rect: egui::Rect::ZERO,
            title: String::new(),
            frames: 0,
            opened_display: false,
            _neighbours: parts.neighbours,
        }
    }

    /// How often the editor was painted.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// How often the player display was painted.
    #[must_use]
    pub fn display_frames(&self) -> u64 {
        self.display.frames()
    }

    /// Where the canvas is.
    #[must_use]
    pub fn canvas_rect(&self) -> egui::Rect {
        self.canvas_rect
    }

    fn answers(&mut self) {
        for answer in self.dialogs.answers() {
            match answer {
                Answer::Files(purpose, files) => {
                    self.commands.push(Command::FilesChosen(purpose, files));
                }
                Answer::NoDialog(purpose) => {
                    self.commands
                        .push(Command::Dialog(Some(Dialog::path(purpose))));
                }
                Answer::Nothing => {}
            }
        }
    }

    /// What happened away from this thread: pictures written, graphics in trouble.
    fn outcomes(&mut self) {
        for done in self.painter.done() {
            match done {
                Ok(path) => self.editor.tell(
                    Severity::Info,
                    format!("The picture is written to {}.", path.display()),
                ),
                Err(problem) => self.editor.tell(
                    Severity::Error,
                    format!(
                        "The picture could not be written; the scene is not affected. {problem}"
                    ),
                ),
            }
        }
        for come in self.pause_pictures.come(&self.link.published()) {
            match come {
                Ok(request) => self.commands.request(request),
                Err(why) => self.editor.tell(Severity::Error, why),
            }
        }
        for problem in self.tables.ended() {
            self.editor.tell(Severity::Warning, problem);
        }
        let trouble = self
            .secrets
            .as_ref()
            .and_then(|secrets| secrets.take_trouble());
        if let Some(trouble) = trouble {
            self.editor.tell(Severity::Warning, trouble);
        }
        if let Some(trouble) = self.bridge.take_trouble() {
            self.editor.tell(Severity::Error, trouble);
        }
    }

    /// Tells the user what happens in the room, as far as that is wanted.
    fn tell_events(&mut self, published: &Published) {
        if let Some(room) = &published.room {
            let kinds = &self.editor.settings.room_events;
            for text in self.events.news(&room.events, kinds) {
                self.editor.tell(Severity::Info, text);
            }
        }
    }

    /// Tells the session who this user is, at the start and when that changes.
    fn introduce(&mut self, ctx: &egui::Context) {
        let identity = self.editor.settings.identity();
        if self.introduced.as_ref() == Some(&identity) {
            return;
        }
        if self.link.send(Request::Introduce(identity.clone())) {
            self.introduced = Some(identity);
        } else {
            ctx.request_repaint_after(Duration::from_millis(20));
        }
    }

    /// Shows others what this user points at and looks at.
    fn show_mine(&mut self, ctx: &egui::Context, published: &Published, people: &People) {
        self.editor.follow_own(ctx);
        let (focused, now) = ctx.input(|input| (input.focused, input.time));
        let (measurement, drawings) = self.editor.own.for_others(published.active_scene.as_ref());
        let editor = &self.editor;
        let identity = editor.settings.identity();
        let scene = published.editing.as_deref();
        let pointer_world = editor.pointer_world.filter(|_| focused);
        let camera = scene.map(|scene| editor.camera_of(scene));
        let facts = Facts {
            identity: &identity,
            shares_cursor: editor.settings.share_cursor,
            in_room: published.room.is_some(),
            game: published.game.as_ref(),
            people,
            is_on_table: scene.is_some_and(|it| published.active_scene.as_ref() == Some(&it.id)),
            pointer_world,
            pointed: pointer_world.and_then(|at| pointed(editor, scene?, at)),
            measurement,
            drawings,
            view: camera.map(|camera| SharedView {
                center_world: camera.offset / -camera.zoom,
                zoom: camera.zoom,
            }),
            now,
            unix_ms: SystemClock::default().unix_ms(),
        };
        let next = self.mine.next(&facts);
        let mut wake = next.wake_s;
        if let Some(presence) = next.send
            && !self.link.send(Request::Show(Box::new(presence)))
        {
            self.mine.not_sent();
            wake = Some(0.05);
        }
        if let Some(wake) = wake.and_then(|wake| Duration::try_from_secs_f64(wake).ok()) {
            ctx.request_repaint_after(wake.max(Duration::from_millis(1)));
        }
    }

    /// Sends what the session was too busy to take.
    fn resend(&mut self, ctx: &egui::Context) {
        while let Some(request) = self.editor.unsent.pop_front() {
            if !self.link.send(request.clone()) {
                self.editor.unsent.push_front(request);
                ctx.request_repaint_after(Duration::from_millis(20));
                break;
            }
        }
    }

    fn keep_settings(&mut self, ctx: &egui::Context, now: bool) {
        if self.editor.settings == self.saved_settings {
            self.settings_changed = None;
            return;
        }
        let since = *self.settings_changed.get_or_insert_with(Instant::now);
        let rest = SETTINGS_REST.saturating_sub(since.elapsed());
        if !rest.is_zero() && !now {
            ctx.request_repaint_after(rest);
            return;
        }
        self.settings_changed = None;
        self.saved_settings = self.editor.settings.clone();
        let Some(path) = &self.settings_path else {
            return;
        };
        if let Err(error) = self.editor.settings.save(path) {
            tracing::warn!(target: "app", %error, "settings not written");
            self.editor.tell(
                Severity::Warning,
                format!("Your settings could not be kept for the next start; your campaigns are not affected: {error}."),
            );
        }
    }

    /// Remembers where the window is, once it is where it shall be.
    fn note_window(&mut self, ctx: &egui::Context) {
        if self.frames == 2 && self.maximize {
            ctx.send_viewport_cmd(egui::ViewportCommand::Maximized(true));
        }
        if self.frames < 5 {
            if self.maximize {
                ctx.request_repaint_after(Duration::from_millis(50));
            }
            return;
        }
        let (inner, outer, maximized, minimized, scale) = ctx.input(|input| {
            let viewport = input.viewport();
            (
                viewport.inner_rect,
                viewport.outer_rect,
                viewport.maximized.unwrap_or(false),
                viewport.minimized.unwrap_or(false),
                viewport.native_pixels_per_point.unwrap_or(1.0),
            )
        });
        let settings = &mut self.editor.settings;
        settings.window_maximized = maximized;
        if maximized || minimized {
            return;
        }
        if let Some(rect) = inner.filter(|rect| rect.width() >= 640.0) {
            settings.window_size = [rect.width().round(), rect.height().round()];
        }
        if let Some(rect) = outer {
            let corner = rect.min * scale;
            let whole = |side: f32| super::tools::whole(f64::from(side));
            settings.window_position_px = Some([whole(corner.x), whole(corner.y)]);
        }
    }

    fn set_title(&mut self, ctx: &egui::Context, published: &Published) {
        let title = match &published.editing {
            Some(scene) => {
                let name = scene.setting(crate::model::scene::NAME);
                format!("{name} – Tableglow")
            }
            None => "Tableglow".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

/// The marker under the pointer that shows to players while it is pointed at.
fn pointed(editor: &Editor, scene: &SceneSnapshot, at_world: glam::DVec2) -> Option<HoveredMarker> {
    if editor.tool.is_busy() {
        return None;
    }
    let thing = editor.with_context(scene, |ctx| ctx.thing_at(at_world))?;
    let found = scene.markers.iter().find(|it| it.id == thing.id)?;
    (found.row.get(marker::VISIBILITY) == marker::VISIBLE_ON_HOVER).then(|| HoveredMarker {
        id: found.id.clone(),
        position_world: found.position_world,
        title: found.row.get(marker::TITLE),
        // A note is the DM's own.
        content: "".into(),
        image_url: None,
    })
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.answers();
        self.introduce(ctx);
        self.resend(ctx);
        self.outcomes();
        let published = self.link.published();
        self.tell_events(&published);
        self.editor.follow(&published, &mut self.commands);
        self.run_commands(ctx, frame, &published);
        if self.bridge.is_lost() {
            ctx.send_viewport_cmd_to(egui::ViewportId::ROOT, egui::ViewportCommand::Close);
        }
        if ctx.input(|input| input.viewport().close_requested()) {
            self.keep_settings(ctx, true);
        }
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.frames += 1;
        let ctx = ui.ctx().clone();
        let published = self.link.published();
        self.take_input(&ctx, &published);
        let people = self.link.people();
        self.editor.room_clock.follow(&ctx, &published);
        let now = ctx.input(|input| input.time);
        let smooth = self.editor.settings.transitions;
        let active = published.active_scene.as_ref();
        let others = &mut self.editor.others;
        others.crowd.follow(&people, active, now, smooth);
        self.panes(ui, &published, &people);
        self.show_mine(&ctx, &published, &people);
        if ctx.input(|input| input.events.contains(&egui::Event::WindowFocused(false))) {
            self.commands.request(Request::FocusLost);
        }
        self.file_hover(&ctx, &published);
        hints::follow(&published, self.display.is_open(), &mut self.editor);
        hints::show(&ctx, self.canvas_rect, &mut self.editor);
        self.toasts.show(
            &ctx,
            self.canvas_rect,
            &published,
            &mut self.editor,
            &mut self.commands,
        );
        dialogs::show(
            &ctx,
            &published,
            &people,
            &mut self.editor,
            &self.facts,
            &mut self.commands,
        );
        if !self.opened_display {
            self.opened_display = true;
            self.display.enumerate(frame.winit_window().map(|w| &**w));
            if self.editor.settings.player_display_open {
                self.commands.act(Action::PlayerDisplay);
            }
        }
        let window = frame.winit_window().map(|window| &**window);
        if let Some(told) = self.display.follow_monitors(&ctx, window) {
            self.editor.tell(Severity::Warning, told);
        }
        let settings = &self.editor.settings;
        self.display.show(
            &ctx,
            Style {
                transitions: settings.transitions,
                animation: settings.animation,
                cursors: settings.show_cursors,
            },
            super::table_view::Mine {
                pointed_out: self.mine.pointed_out().cloned(),
                people: Arc::clone(self.editor.own.shown()),
            },
        );
        self.editor.settings.player_display_open = self.display.is_open();
        self.display_open
            .store(self.display.is_open(), Ordering::Relaxed);
        self.painter.follow(&ctx, &published, &mut self.commands);
        // egui's own state has the end of a press only now.
        let Self {
            editor, commands, ..
        } = self;
        editor.field.end_if_over(&ctx, commands);
        self.run_commands(&ctx, frame, &published);
        self.note_window(&ctx);
        self.set_title(&ctx, &published);
        self.keep_settings(&ctx, false);
    }

    fn on_exit(&mut self) {
        self.keep_settings(&egui::Context::default(), true);
        self.link.send(Request::Close);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        Tokens::of_theme(self.editor.settings.theme)
            .canvas
            .to_normalized_gamma_f32()
    }
}

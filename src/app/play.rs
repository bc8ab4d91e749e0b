//! `tableglow play`: the table's display as a process of its own, in somebody's room.
//!
//! One window without any controls. It keeps the last picture whatever the connection does, and says
//! in a small line when it is not live. Escape leaves. Must not know the editor. Called by the command
//! line.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;
use egui::{Color32, Ui, ViewportCommand};
use parking_lot::Mutex;

use super::bridge::Bridge;
use super::table_view::{Mine, Shown, Style, TableView, party_name};
use super::theme::{self, ThemeChoice, Tokens};
use super::{gpu, monitors, restart, run};
use crate::scene::picture::PictureSource;
use crate::session::guest::{Follow, Guest, Table};
use crate::session::room::{Connection, Identity, Invitation, People, RoomView};
use crate::util::text::sentence;

/// The title of the window.
pub const TITLE: &str = "Tableglow table";
/// A connection that is not live for longer than this is told.
const GRACE: Duration = Duration::from_millis(1500);

/// What is shown, and how.
pub struct Options {
    /// The room.
    pub invitation: Invitation,
    /// Who this display is to others.
    pub identity: Identity,
    /// Which scene it shows.
    pub follow: Follow,
    /// The monitor, counted from 1; the system's choice without.
    pub monitor: Option<usize>,
    /// A window instead of a full screen.
    pub windowed: bool,
    /// Fog moves.
    pub animation: bool,
    /// Draw in software.
    pub safe_graphics: bool,
}

/// The guest, kept until the window is gone, and why it was closed when that was a failure.
#[derive(Default)]
struct Running {
    guest: Option<(Guest, Bridge)>,
    failure: Option<String>,
}

/// Shows the table until the window is closed.
///
/// # Errors
/// No graphics driver, no screen, no such monitor, or the room refuses: one sentence each.
pub fn play(options: Options) -> anyhow::Result<()> {
    let mut viewport = egui::ViewportBuilder::default()
        .with_title(TITLE)
        .with_app_id("tableglow")
        .with_inner_size([960.0, 540.0]);
    if let Some(icon) = run::window_icon() {
        viewport = viewport.with_icon(icon);
    }
    if !options.windowed {
        viewport = viewport.with_fullscreen(true);
    }
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Wgpu,
        wgpu_options: gpu::configuration(options.safe_graphics),
        // The map's own colours must come out as they are.
        dithering: false,
        ..eframe::NativeOptions::default()
    };
    let running = Arc::new(Mutex::new(Running::default()));
    let started = Arc::clone(&running);
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        eframe::run_native(
            TITLE,
            native,
            Box::new(move |cc| Ok(Box::new(Player::start(cc, options, started)?))),
        )
    }));
    let Running { guest, failure } = std::mem::take(&mut *running.lock());
    let is_lost = guest.as_ref().is_some_and(|(_, bridge)| bridge.is_lost());
    drop(guest);
    if is_lost {
        return restart::again(began.elapsed());
    }
    match (outcome, failure) {
        (_, Some(failure)) => anyhow::bail!(failure),
        (Ok(result), None) => result.map_err(|error| anyhow::anyhow!(run::no_window(error))),
        (Err(_), None) => {
            anyhow::bail!("the table's display stopped by a fault of its own; start it again")
        }
    }
}

struct Player {
    table: Table,
    running: Arc<Mutex<Running>>,
    bridge: Bridge,
    view: TableView,
    style: Style,
    /// The monitor that is still to be gone to.
    monitor: Option<usize>,
    fullscreen: bool,
    /// There is no such monitor.
    wrong_monitor: Option<String>,
    /// Since when the connection is not live.
    not_live: Option<Instant>,
}

impl Player {
    fn start(
        cc: &eframe::CreationContext<'_>,
        options: Options,
        running: Arc<Mutex<Running>>,
    ) -> anyhow::Result<Self> {
        theme::install_fonts(&cc.egui_ctx);
        theme::apply(&cc.egui_ctx, ThemeChoice::DarkRoom, true);
        let ctx = cc.egui_ctx.clone();
        let wake: Arc<dyn Fn() + Send + Sync> =
            Arc::new(move || ctx.request_repaint_after(Duration::from_nanos(1)));
        let guest = Guest::join(options.invitation, options.identity, Arc::clone(&wake))?;
        let session = guest.session();
        let table = Table::of(session, options.follow);
        let pictures = Arc::clone(session.library().tiles());
        pictures.set_wake(Box::new(move || wake()));
        let bridge = match &cc.wgpu_render_state {
            Some(state) => Bridge::new(&cc.egui_ctx, state, pictures as Arc<dyn PictureSource>),
            None => Bridge::blank(),
        };
        let (_, shown) = table.shown();
        running.lock().guest = Some((guest, bridge.clone()));
        Ok(Self {
            table,
            running,
            view: TableView::new(bridge.clone(), shown),
            bridge,
            style: Style {
                transitions: true,
                animation: options.animation,
                cursors: true,
            },
            monitor: options.monitor,
            fullscreen: !options.windowed,
            wrong_monitor: None,
            not_live: Some(Instant::now()),
        })
    }

    /// Goes to the monitor that was asked for; a sentence when there is none of that number.
    fn go_to_monitor(&mut self, ctx: &egui::Context, frame: &eframe::Frame) -> Option<String> {
        let window = frame.winit_window()?;
        let number = self.monitor.take()?;
        let connected = monitors::connected(window);
        let asked = number.checked_sub(1).and_then(|n| connected.get(n));
        if let Some((index, _)) = asked {
            ctx.send_viewport_cmd(ViewportCommand::SetMonitor(*index));
            return None;
        }
        let list: Vec<String> = connected
            .iter()
            .enumerate()
            .map(|(n, (_, monitor))| {
                let size = monitor.size();
                let name = monitor.name().unwrap_or_default();
                format!("{} {name} ({} x {})", n + 1, size.width, size.height)
            })
            .collect();
        Some(format!(
            "there is no monitor {number}; connected are {}",
            list.join(", ")
        ))
    }

    /// Everybody in the room.
    fn people(&self) -> Arc<People> {
        let running = self.running.lock();
        let guest = running.guest.as_ref();
        guest.map_or_else(Arc::default, |(guest, _)| guest.session().people())
    }

    fn keys(&mut self, ui: &Ui) {
        let (escape, f11) = ui.input(|input| {
            (
                input.key_pressed(egui::Key::Escape),
                input.key_pressed(egui::Key::F11),
            )
        });
        if escape {
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
        if f11 {
            self.fullscreen = !self.fullscreen;
            ui.ctx()
                .send_viewport_cmd(ViewportCommand::Fullscreen(self.fullscreen));
        }
    }

    /// What is wrong with the connection, once that has lasted for a moment.
    fn trouble(&mut self, ctx: &egui::Context, room: Option<&RoomView>) -> Option<String> {
        let connection = room.map(|room| &room.connection);
        if connection == Some(&Connection::Live) {
            self.not_live = None;
            return None;
        }
        let since = *self.not_live.get_or_insert_with(Instant::now);
        let left = GRACE.saturating_sub(since.elapsed());
        if !left.is_zero() && !matches!(connection, Some(Connection::Refused(_))) {
            ctx.request_repaint_after(left);
            return None;
        }
        Some(in_words(connection))
    }
}

/// A line for the table, without haste.
fn in_words(connection: Option<&Connection>) -> String {
    match connection {
        Some(Connection::Refused(why)) => sentence(why),
        Some(Connection::Syncing | Connection::Live) => "Fetching the table…".to_owned(),
        Some(Connection::Connecting { retry_in: Some(_) }) => {
            "Not connected; trying again…".to_owned()
        }
        Some(Connection::Disconnected) | None | Some(Connection::Connecting { retry_in: None }) => {
            "Connecting…".to_owned()
        }
    }
}

impl eframe::App for Player {
    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        if let Some(why) = self.go_to_monitor(&ctx, frame) {
            self.wrong_monitor = Some(why);
        }
        if self.wrong_monitor.is_some() || self.bridge.is_lost() {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        self.keys(ui);
        let (published, shown) = self.table.shown();
        let rect = ctx.content_rect();
        // Before it has joined, the guest's own empty library is open.
        let title = published
            .room
            .as_ref()
            .map_or("", |_| party_name(&published));
        let people = self.people();
        let shown = Shown {
            frame: &shown,
            title,
            people: &people,
            mine: &Mine::default(),
        };
        self.view.paint(ui, rect, &shown, self.style);
        let room = published.room.as_deref();
        // A room that refuses for good is told to whoever started this, too.
        let refusal = room.and_then(|room| match &room.connection {
            Connection::Refused(why) => Some(why.to_string()),
            _ => None,
        });
        self.running.lock().failure = self.wrong_monitor.clone().or(refusal);
        if let Some(words) = self.trouble(&ctx, room) {
            small_line(ui, rect, &words);
        }
    }
}

/// A small line at the lower edge, over whatever is shown.
fn small_line(ui: &Ui, rect: egui::Rect, words: &str) {
    let tokens = Tokens::of_theme(ThemeChoice::DarkRoom);
    let size = (rect.height() * 0.018).clamp(12.0, 28.0);
    let painter = ui.painter_at(rect);
    let words = painter.layout(
        words.to_owned(),
        egui::FontId::proportional(size),
        tokens.muted,
        rect.width() * 0.8,
    );
    let at = egui::pos2(
        rect.center().x - words.size().x / 2.0,
        rect.bottom() - words.size().y - size * 1.5,
    );
    let plate = egui::Rect::from_min_size(at, words.size()).expand2(egui::vec2(size, size * 0.5));
    painter.rect_filled(plate, size * 0.6, Color32::from_black_alpha(190));
    painter.galley(at, words, tokens.muted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_told_in_a_few_words() {
        let refused = Connection::Refused("Ask the host for a new code.".into());
        assert_eq!(in_words(Some(&refused)), "Ask the host for a new code.");
        for calm in [
            None,
            Some(&Connection::Syncing),
            Some(&Connection::Disconnected),
        ] {
            assert!(in_words(calm).chars().count() < 30);
        }
    }
}

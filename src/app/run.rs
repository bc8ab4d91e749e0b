//! Starts the app: settings, graphics, session, windows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use eframe::egui;
use eframe::egui_wgpu::WgpuError;
use parking_lot::Mutex;

use super::bridge::Bridge;
use super::dialogs::RunFacts;
use super::link::SessionLink;
use super::pause_picture::AddPicture;
use super::secrets::KeyStore;
use super::settings::{self, Settings};
use super::shell::{App, Parts};
use super::{display, gpu, restart, shots, window};
use crate::library::Library;
use crate::library::ipc::{IpcAnswer, IpcRequest, IpcServer};
use crate::library::pictures::PictureUse;
use crate::model::presence::TablePart;
use crate::scene::picture::PictureSource;
use crate::session::api::{Published, Request};
use crate::session::room::{People, Place, Scope, Secrets};
use crate::session::script::{Command, Done};
use crate::session::{Remote, Session};
use crate::util::clock::SystemClock;

/// How long a game may take to be hosted, and how often that is looked at.
const HOSTING: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// How the app starts.
pub struct Options {
    /// The library to work on.
    pub library: Arc<Library>,
    /// Draw in software.
    pub safe_graphics: bool,
}

impl SessionLink for Session {
    fn send(&self, request: Request) -> bool {
        Self::send(self, request).is_ok()
    }

    fn published(&self) -> Arc<Published> {
        Self::published(self)
    }

    fn people(&self) -> Arc<People> {
        Self::people(self)
    }
}

/// Runs the app until its window is closed; everything is saved when it returns.
///
/// # Errors
/// No graphics driver, no display, or a library that cannot be opened: one sentence each.
pub fn run(options: Options) -> anyhow::Result<()> {
    let path = settings::default_path();
    let (mut settings, told_at_start) = match &path {
        Some(path) => Settings::load(path),
        None => (Settings::default(), None),
    };
    settings.last_library = Some(options.library.folder().to_owned());
    let icon = window_icon();
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("Tableglow")
        .with_app_id("tableglow")
        .with_inner_size(settings.window_size)
        .with_min_inner_size(window::MIN_SIZE)
        .with_drag_and_drop(true);
    if let Some(icon) = &icon {
        viewport = viewport.with_icon(Arc::clone(icon));
    }
    let native = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Wgpu,
        wgpu_options: gpu::configuration(options.safe_graphics),
        // The map's own colours must come out as they are.
        dithering: false,
        ..eframe::NativeOptions::default()
    };
    let library = options.library;
    let running: Running = Running::default();
    let started = Arc::clone(&running);
    let began = Instant::now();
    let told_at_start = told_at_start.or_else(restart::told_at_start);
    // A window that cannot draw any more may panic; what it showed is saved all the same.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        eframe::run_native(
            "Tableglow",
            native,
            Box::new(move |cc| {
                let parts = start(cc, &library, &started, settings, path, icon, told_at_start)?;
                Ok(Box::new(App::new(&cc.egui_ctx, parts)))
            }),
        )
    }));
    let ended = running.lock().take();
    let (session, bridge) = ended.unzip();
    // The last handle: dropping it waits until everything is saved.
    drop(session);
    if bridge.is_some_and(|bridge| bridge.is_lost()) {
        return restart::again(began.elapsed());
    }
    match outcome {
        Ok(result) => result.map_err(|error| anyhow::anyhow!(no_window(error))),
        Err(_) => anyhow::bail!(
            "Tableglow stopped by a fault of its own; everything that you did is saved. Start it again, and send a report with Help, Save report."
        ),
    }
}

/// Why there is no window, in one sentence that says what to do.
pub(super) fn no_window(error: eframe::Error) -> String {
    match error {
        eframe::Error::AppCreation(error) => error.to_string(),
        eframe::Error::Wgpu(WgpuError::CustomNativeAdapterSelectionError(words)) => words,
        eframe::Error::Wgpu(error) => format!("{} ({error})", gpu::NO_DRIVER),
        eframe::Error::Winit(error) => no_screen(&error),
        eframe::Error::WinitEventLoop(error) => no_screen(&error),
    }
}

fn no_screen(error: &dyn std::error::Error) -> String {
    format!(
        "There is no screen that Tableglow can open a window on; nothing in your library is affected. Start it from a desktop, or use `tableglow render` on a machine without one. ({error})"
    )
}

/// The session and the renderer, kept until the windows are gone.
type Running = Arc<Mutex<Option<(Arc<Session>, Bridge)>>>;

fn start(
    cc: &eframe::CreationContext<'_>,
    library: &Arc<Library>,
    running: &Running,
    settings: Settings,
    settings_path: Option<std::path::PathBuf>,
    icon: Option<Arc<egui::IconData>>,
    told_at_start: Option<String>,
) -> anyhow::Result<Parts> {
    let display_open = Arc::new(AtomicBool::new(false));
    let wake: Arc<dyn Fn() + Send + Sync> = waker(&cc.egui_ctx, &display_open);
    let secrets = KeyStore::of_system();
    let session = Arc::new(Session::start_with(
        Arc::clone(library),
        Arc::new(SystemClock::default()),
        Arc::clone(&wake),
        Arc::clone(&secrets) as Arc<dyn Secrets>,
    )?);
    let pictures = Arc::clone(library.tiles());
    pictures.set_wake(Box::new(move || wake()));
    let bridge = match &cc.wgpu_render_state {
        Some(state) => Bridge::new(&cc.egui_ctx, state, pictures as Arc<dyn PictureSource>),
        None => Bridge::blank(),
    };
    *running.lock() = Some((Arc::clone(&session), bridge.clone()));
    let neighbours = listen(&cc.egui_ctx, library, &session, &bridge);
    let link: Arc<dyn SessionLink> = session;
    let facts = RunFacts {
        adapter: bridge.adapter_name(),
    };
    let maximize = cc
        .winit_window()
        .is_some_and(|window| window::settle(window, &settings));
    Ok(Parts {
        link,
        look_around: Some(super::dialogs::join::look_around),
        secrets: Some(secrets),
        neighbours,
        add_picture: Some(adder(library)),
        bridge,
        settings,
        settings_path,
        facts,
        icon,
        told_at_start,
        display_open,
        maximize,
        clipboard_picture: Some(super::files::clipboard_picture),
    })
}

/// Listens for other processes on the same library: a second start, an import on the command line.
/// Without the socket they are told that the library is in use.
fn listen(
    ctx: &egui::Context,
    library: &Library,
    session: &Arc<Session>,
    bridge: &Bridge,
) -> Option<IpcServer> {
    if !session.published().library.writable {
        return None;
    }
    let (ctx, remote, session) = (ctx.clone(), session.remote(), Arc::downgrade(session));
    let bridge = bridge.clone();
    let server = IpcServer::start(library.folder(), move |request| match request {
        IpcRequest::Command(command) => obey(&remote, &bridge, &command),
        IpcRequest::DisplayLink => display_link(&session),
        other => serve(&ctx, &session, other),
    });
    server
        .inspect_err(|error| tracing::warn!(target: "app", %error, "nobody can reach this process"))
        .ok()
}

/// Hosts the open game for programs on this machine, where it is not hosted, and gives the link for a
/// table's display. Called on a thread of its own; holds the session for a moment at a time.
fn display_link(session: &Weak<Session>) -> IpcAnswer {
    let failed = |words: &str| IpcAnswer::Failed(words.to_owned());
    let begun = Instant::now();
    let mut asked = false;
    while begun.elapsed() < HOSTING {
        let Some(session) = session.upgrade() else {
            return failed("the running Tableglow is closing; try again");
        };
        match session.published().room.as_deref().map(|room| &room.place) {
            Some(Place::Hosted { links, .. }) => {
                let link = links.iter().find(|(part, _)| *part == TablePart::Display);
                if let Some((_, link)) = link {
                    return IpcAnswer::Done(serde_json::json!({ "link": &**link }));
                }
            }
            Some(Place::Joined { .. }) => {
                return failed(
                    "the game that is open is in somebody else's room; ask its host for the display's link",
                );
            }
            None if !asked => {
                let host = Request::Host {
                    scope: Scope::ThisMachine,
                    port: 0,
                };
                asked = SessionLink::send(&*session, host);
            }
            None => {}
        }
        drop(session);
        std::thread::sleep(LOOK);
    }
    failed("the running Tableglow could not open its game for the display; look what it says")
}

/// Carries a script's command out. Called on a thread of its own; may wait. Keeps the session alive
/// no longer than its answer takes.
fn obey(remote: &Remote, bridge: &Bridge, command: &serde_json::Value) -> IpcAnswer {
    let done = command
        .as_object()
        .ok_or_else(|| "a command is a JSON object".to_owned())
        .and_then(Command::parse)
        .and_then(|command| remote.command(command))
        .and_then(|done| match done {
            Done::Answer(answer) => Ok(answer),
            Done::Draw(shot) => shots::write(bridge, &shot).map(|()| shot.answer()),
        });
    match done {
        Ok(answer) => IpcAnswer::Done(answer.into()),
        Err(why) => IpcAnswer::Failed(why),
    }
}

/// Does what another process asks for. Called on a thread of its own; may wait.
fn serve(ctx: &egui::Context, session: &Weak<Session>, request: IpcRequest) -> IpcAnswer {
    let Some(session) = session.upgrade() else {
        return IpcAnswer::Failed("the running Tableglow is closing; try again".to_owned());
    };
    let done = |lines: Vec<String>| IpcAnswer::Done(lines.into());
    match request {
        IpcRequest::Ping => done(Vec::new()),
        IpcRequest::Open(files) => {
            raise(ctx);
            if files.is_empty()
                || SessionLink::send(&*session, Request::Import { files, into: None })
            {
                done(Vec::new())
            } else {
                IpcAnswer::Failed("the running Tableglow is busy; try again".to_owned())
            }
        }
        IpcRequest::Import { files, game } => {
            let open = session.published().game.clone();
            let elsewhere =
                game.is_some_and(|asked| open.is_none_or(|open| open.as_str() != asked));
            if elsewhere {
                return IpcAnswer::Failed(
                    "the running Tableglow has another game open, so nothing was imported; open that game there and try again".to_owned(),
                );
            }
            match session.import_and_wait(files) {
                Ok(lines) => done(lines),
                Err(why) => IpcAnswer::Failed(why),
            }
        }
        IpcRequest::Command(_) | IpcRequest::DisplayLink | IpcRequest::Export { .. } => IpcAnswer::Failed(
            "the running Tableglow exports under File, Export campaign; or close it and try again"
                .to_owned(),
        ),
    }
}

/// Brings pictures into the library for whoever has a file's path.
fn adder(library: &Arc<Library>) -> AddPicture {
    let library = Arc::clone(library);
    Arc::new(move |file| {
        library
            .add_picture_file(file, PictureUse::Map, &mut |_| {})
            .map(|added| added.location)
            .map_err(|error| error.to_string())
    })
}

/// Brings the editor to the front.
fn raise(ctx: &egui::Context) {
    for command in [
        egui::ViewportCommand::Minimized(false),
        egui::ViewportCommand::Focus,
    ] {
        ctx.send_viewport_cmd_to(egui::ViewportId::ROOT, command);
    }
    ctx.request_repaint();
}

/// Wakes both windows: one frame each, where `request_repaint` would mean two.
fn waker(ctx: &egui::Context, display_open: &Arc<AtomicBool>) -> Arc<dyn Fn() + Send + Sync> {
    let ctx = ctx.clone();
    let display_open = Arc::clone(display_open);
    Arc::new(move || {
        let at_once = Duration::from_nanos(1);
        ctx.request_repaint_after_for(at_once, egui::ViewportId::ROOT);
        if display_open.load(Ordering::Relaxed) {
            ctx.request_repaint_after_for(at_once, display::viewport_id());
        }
    })
}

/// The icon of both windows.
pub(super) fn window_icon() -> Option<Arc<egui::IconData>> {
    let bytes = include_bytes!("../../assets/icon/tableglow-128.png");
    let picture = image::load_from_memory_with_format(bytes, image::ImageFormat::Png)
        .ok()?
        .into_rgba8();
    Some(Arc::new(egui::IconData {
        width: picture.width(),
        height: picture.height(),
        rgba: picture.into_raw(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_window_a_user_reads_what_to_do() {
        let selection = WgpuError::CustomNativeAdapterSelectionError("Do this.".into());
        assert_eq!(no_window(eframe::Error::Wgpu(selection)), "Do this.");
        let no_format = WgpuError::NoSurfaceFormatsAvailable;
        let words = no_window(eframe::Error::Wgpu(no_format));
        assert!(words.contains("Install a Vulkan driver"), "{words}");
        let broken = eframe::Error::AppCreation("The library is damaged.".into());
        assert_eq!(no_window(broken), "The library is damaged.");
    }

    #[test]
    fn the_icon_can_be_read() {
        assert!(window_icon().is_some());
    }
}

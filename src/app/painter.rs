//! Pictures that no window shows: thumbnails for the scene list, a scene as a file.
//!
//! One thread draws them with a renderer of its own on the windows' device, one at a time, and hands
//! PNG bytes back. Must not know panels. Called by [`super::shell`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use eframe::egui;

use super::bridge::Bridge;
use super::command::Commands;
use super::link::SessionLink;
use super::thumbnails::{Next, Turns};
use crate::model::id::SceneId;
use crate::render::{Frame, Gpu, GpuError, Headless, SceneInput};
use crate::scene::picture::PictureSource;
use crate::scene::player::PlayerScene;
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{Published, Request};

/// Width of a thumbnail; its height follows from the display's shape.
const THUMBNAIL_WIDTH: u32 = 288;
/// What is too busy is asked again after this time.
const BUSY: Duration = Duration::from_millis(100);
/// How often a thumbnail is offered to a session that is too busy to take it.
const SENDS: u32 = 50;
/// Pixels of a thumbnail are waited for; after this it goes to the end of the queue.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pixels of a picture that a user asked for are waited for longer.
const FILE_PATIENCE: Duration = Duration::from_secs(120);

/// What is drawn.
enum Job {
    Thumbnail(Arc<SceneSnapshot>),
    File {
        scene: Arc<SceneSnapshot>,
        to: PathBuf,
    },
}

/// Told when a file is written, or why it is not.
pub type FileDone = Result<PathBuf, String>;

/// The thread and what it is doing.
pub struct Painter {
    jobs: Option<Sender<Job>>,
    done: Receiver<FileDone>,
    /// Scenes whose pictures did not come in time.
    late: Receiver<SceneId>,
    turns: Turns,
    /// A thumbnail is being drawn.
    drawing: Arc<AtomicBool>,
}

impl Painter {
    /// Starts the thread; without a graphics device nothing is ever drawn.
    #[must_use]
    pub fn start(ctx: &egui::Context, bridge: &Bridge, link: &Arc<dyn SessionLink>) -> Self {
        let (jobs, inbox) = bounded(2);
        let (tell, done) = bounded(4);
        let (tell_late, late) = bounded(4);
        let drawing = Arc::new(AtomicBool::new(false));
        let started = bridge.gpu().and_then(|(gpu, source)| {
            let worker = Worker {
                gpu,
                source,
                link: Arc::downgrade(link),
                tell,
                tell_late,
                drawing: Arc::clone(&drawing),
                ctx: ctx.clone(),
            };
            std::thread::Builder::new()
                .name("painter".into())
                .spawn(move || worker.run(&inbox))
                .ok()
        });
        Self {
            jobs: started.is_some().then_some(jobs),
            done,
            late,
            turns: Turns::default(),
            drawing,
        }
    }

    /// Has the next thumbnail drawn that is missing or stale, when nothing else is going on.
    pub fn follow(&mut self, ctx: &egui::Context, published: &Published, commands: &mut Commands) {
        let Some(jobs) = &self.jobs else {
            return;
        };
        for scene in self.late.try_iter() {
            self.turns.put_back(&scene);
        }
        let (now, input) = ctx.input(|input| {
            let busy = !input.events.is_empty() || input.pointer.any_down();
            (input.time, busy)
        });
        let drawing = self.drawing.load(Ordering::Acquire);
        match self.turns.next(published, now, input, drawing) {
            Next::Nothing => {}
            Next::Wait(left) => ctx.request_repaint_after(left),
            Next::Peek(scene) => commands.request(Request::Peek(scene)),
            Next::Draw(scene) => {
                self.drawing.store(true, Ordering::Release);
                if jobs.try_send(Job::Thumbnail(Arc::clone(&scene))).is_err() {
                    self.drawing.store(false, Ordering::Release);
                    self.turns.put_back(&scene.id);
                    ctx.request_repaint_after(BUSY);
                }
            }
        }
    }

    /// Draws what the players see of a scene into a PNG file, at the table's resolution.
    ///
    /// # Errors
    /// Nothing can be drawn, or too much is being drawn already.
    pub fn write_file(&self, scene: Arc<SceneSnapshot>, to: PathBuf) -> Result<(), &'static str> {
        let Some(jobs) = &self.jobs else {
            return Err("There is no graphics device, so no picture was written.");
        };
        match jobs.try_send(Job::File { scene, to }) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                Err("A picture is still being drawn; try again in a moment.")
            }
            Err(TrySendError::Disconnected(_)) => Err(
                "Drawing has stopped, so no picture was written; your work is saved. Start Tableglow again to export pictures.",
            ),
        }
    }

    /// Files that are done since the last call.
    #[must_use]
    pub fn done(&self) -> Vec<FileDone> {
        self.done.try_iter().collect()
    }
}

/// What the thread works with.
struct Worker {
    gpu: Gpu,
    source: Arc<dyn PictureSource>,
    link: Weak<dyn SessionLink>,
    tell: Sender<FileDone>,
    tell_late: Sender<SceneId>,
    drawing: Arc<AtomicBool>,
    ctx: egui::Context,
}

impl Worker {
    fn run(&self, jobs: &Receiver<Job>) {
        for job in jobs {
            match job {
                Job::Thumbnail(scene) => {
                    self.thumbnail(&scene);
                    self.drawing.store(false, Ordering::Release);
                }
                Job::File { scene, to } => {
                    let player = PlayerScene::of(&scene);
                    let size = full_size(&scene);
                    let done = self
                        .draw(SceneInput::Player(&player), size, FILE_PATIENCE)
                        .map_err(|trouble| trouble.to_string())
                        .and_then(|png| std::fs::write(&to, png).map_err(|error| error.to_string()))
                        .map(|()| to);
                    // The app may be gone.
                    let _ = self.tell.send(done);
                }
            }
            self.ctx
                .request_repaint_after_for(Duration::from_nanos(1), egui::ViewportId::ROOT);
        }
    }

    fn thumbnail(&self, scene: &SceneSnapshot) {
        let size = thumbnail_size(scene);
        let png = match self.draw(SceneInput::Dm(scene), size, PATIENCE) {
            Ok(png) => png,
            Err(trouble) => {
                tracing::warn!(target: "app", %trouble, "no thumbnail");
                if matches!(trouble, Trouble::Late) {
                    // A full queue: the scene keeps the thumbnail that it has.
                    let _ = self.tell_late.try_send(scene.id.clone());
                }
                return;
            }
        };
        let thumbnail = Request::SetThumbnail {
            scene: scene.id.clone(),
            shows: scene.revision,
            png,
        };
        for _ in 0..SENDS {
            let Some(link) = self.link.upgrade() else {
                return;
            };
            if link.send(thumbnail.clone()) {
                return;
            }
            std::thread::sleep(BUSY);
        }
        tracing::debug!(target: "app", "a thumbnail was not taken");
    }

    fn draw(
        &self,
        scene: SceneInput<'_>,
        size_px: [u32; 2],
        patience: Duration,
    ) -> Result<Vec<u8>, Trouble> {
        // Made anew each time: its tiles would only take memory between two pictures.
        let mut renderer = Headless::on(self.gpu.clone())?;
        let frame = Frame::of_display(scene, size_px);
        let (picture, report) = renderer.render(&frame, &*self.source, patience)?;
        if report.timed_out {
            return Err(Trouble::Late);
        }
        let mut png = Vec::new();
        picture.write_png(&mut png)?;
        Ok(png)
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("Its map is still being read; try again in a moment.")]
    Late,
    #[error(transparent)]
    Gpu(#[from] GpuError),
    #[error("It cannot be written as PNG: {0}.")]
    Png(#[from] png::EncodingError),
}

fn full_size(scene: &SceneSnapshot) -> [u32; 2] {
    let size = scene.display_size_world();
    let side = |length: f64| super::tools::whole(length).unsigned_abs().clamp(1, 16_384);
    [side(size.x), side(size.y)]
}

fn thumbnail_size(scene: &SceneSnapshot) -> [u32; 2] {
    let [width, height] = full_size(scene).map(f64::from);
    let tall = f64::from(THUMBNAIL_WIDTH) * height / width;
    [
        THUMBNAIL_WIDTH,
        super::tools::whole(tall).unsigned_abs().clamp(16, 512),
    ]
}

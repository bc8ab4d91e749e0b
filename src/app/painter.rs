//! Pictures that no window shows: thumbnails for the scene list, a scene as a file.
//!
//! One thread draws them with a renderer of its own on the windows' device, one at a time, and hands
//! PNG bytes back. Must not know panels. Called by [`super::shell`].

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use eframe::egui;

use super::bridge::Bridge;
use super::link::SessionLink;
use crate::model::id::SceneId;
use crate::render::{Frame, Gpu, Headless, SceneInput};
use crate::scene::picture::PictureSource;
use crate::scene::player::PlayerScene;
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{Published, Request};
use crate::util::revision::Revision;

/// Width of a thumbnail; its height follows from the display's shape.
const THUMBNAIL_WIDTH: u32 = 288;
/// A scene rests this long before its thumbnail is made.
const REST: Duration = Duration::from_secs(3);
/// Pixels of a picture that are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

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
    /// The scene that was seen last, its revision, and since when, in seconds of egui's clock.
    seen: Option<(SceneId, Revision, f64)>,
    asked: Option<(SceneId, Revision)>,
}

impl Painter {
    /// Starts the thread; without a graphics device nothing is ever drawn.
    #[must_use]
    pub fn start(ctx: &egui::Context, bridge: &Bridge, link: &Arc<dyn SessionLink>) -> Self {
        let (jobs, inbox) = bounded(2);
        let (tell, done) = bounded(4);
        let started = bridge.gpu().and_then(|(gpu, source)| {
            let link = Arc::downgrade(link);
            let ctx = ctx.clone();
            std::thread::Builder::new()
                .name("painter".into())
                .spawn(move || work(&gpu, &*source, &link, &inbox, &tell, &ctx))
                .ok()
        });
        Self {
            jobs: started.is_some().then_some(jobs),
            done,
            seen: None,
            asked: None,
        }
    }

    /// Asks for a thumbnail when the edited scene has rested and its own is stale.
    pub fn follow(&mut self, ctx: &egui::Context, published: &Published) {
        let (Some(jobs), Some(scene)) = (&self.jobs, &published.editing) else {
            return;
        };
        let Some(entry) = published.scenes.iter().find(|entry| entry.id == scene.id) else {
            return;
        };
        if scene.map.is_none() && scene.markers.is_empty() || !published.library.writable {
            return;
        }
        let fresh = entry.thumbnail.is_some()
            && entry
                .thumbnail_shows
                .is_none_or(|shows| shows >= entry.revision);
        if fresh || self.asked.as_ref() == Some(&(scene.id.clone(), scene.revision)) {
            return;
        }
        let now = ctx.input(|input| input.time);
        let since = match &self.seen {
            Some((id, revision, since)) if *id == scene.id && *revision == scene.revision => *since,
            _ => {
                self.seen = Some((scene.id.clone(), scene.revision, now));
                now
            }
        };
        let rested = now - since;
        if rested < REST.as_secs_f64() {
            let left = REST.as_secs_f64() - rested;
            ctx.request_repaint_after(Duration::try_from_secs_f64(left).unwrap_or(REST));
            return;
        }
        if jobs.try_send(Job::Thumbnail(Arc::clone(scene))).is_ok() {
            self.asked = Some((scene.id.clone(), scene.revision));
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

fn work(
    gpu: &Gpu,
    source: &dyn PictureSource,
    link: &Weak<dyn SessionLink>,
    jobs: &Receiver<Job>,
    tell: &Sender<FileDone>,
    ctx: &egui::Context,
) {
    for job in jobs {
        match job {
            Job::Thumbnail(scene) => {
                let size = thumbnail_size(&scene);
                match draw(gpu, source, SceneInput::Dm(&scene), size) {
                    Ok(png) => {
                        let thumbnail = Request::SetThumbnail {
                            scene: scene.id.clone(),
                            shows: scene.revision,
                            png,
                        };
                        if !link.upgrade().is_some_and(|link| link.send(thumbnail)) {
                            tracing::debug!(target: "app", "a thumbnail was not taken");
                        }
                    }
                    Err(problem) => tracing::warn!(target: "app", problem, "no thumbnail"),
                }
            }
            Job::File { scene, to } => {
                let player = PlayerScene::of(&scene);
                let size = full_size(&scene);
                let done = draw(gpu, source, SceneInput::Player(&player), size)
                    .and_then(|png| std::fs::write(&to, png).map_err(|error| error.to_string()))
                    .map(|()| to);
                // The app may be gone.
                let _ = tell.send(done);
                ctx.request_repaint();
            }
        }
    }
}

fn draw(
    gpu: &Gpu,
    source: &dyn PictureSource,
    scene: SceneInput<'_>,
    size_px: [u32; 2],
) -> Result<Vec<u8>, String> {
    // Made anew each time: its tiles would only take memory between two pictures.
    let mut renderer = Headless::on(gpu.clone()).map_err(|error| error.to_string())?;
    let frame = Frame::of_display(scene, size_px);
    let (picture, _) = renderer
        .render(&frame, source, PATIENCE)
        .map_err(|error| error.to_string())?;
    let mut png = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    image::ImageEncoder::write_image(
        encoder,
        &picture.rgba,
        picture.width,
        picture.height,
        image::ExtendedColorType::Rgba8,
    )
    .map_err(|error| error.to_string())?;
    Ok(png)
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

//! The session thread: requests in, the newest state out.
//!
//! One named thread owns the [`Workspace`]. Requests come through a bounded queue; whatever waits
//! is done before the next publication, so a burst of edits costs one. The state is published on
//! an atomic pointer and the window is woken; nobody ever waits for this thread but at the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::library::{Library, LibraryError};
use crate::util::clock::Clock;

use super::api::{Published, Request, Severity, Work};
use super::courier::News;
use super::hosting::Running;
use super::jobs::{Asker, Done, Job, Report, Worker, imported_lines};
use super::room::{People, Secrets, SecretsInMemory};
use super::script::{self, Command, Outcome};
use super::workspace::{Network, Workspace};

/// Requests that may wait: more than a window can make between two of its frames.
const QUEUE: usize = 4096;
/// Requests that are done before the next publication.
const BURST: usize = 512;

/// Told on another thread that something has happened; must be quick.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The queue is full: the session is busy. The request comes back.
#[derive(Debug, thiserror::Error)]
#[error("the session is busy; try again")]
pub struct Busy(pub Box<Request>);

/// Why a session did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The library.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The system gives no thread.
    #[error(
        "the system did not start a thread ({0}), so the library was not opened; close other programs and try again"
    )]
    Thread(#[from] std::io::Error),
}

enum Message {
    Request(Box<Request>),
    /// Another process asks for an import of these files; each tells what became of it.
    Asked(Vec<(PathBuf, Asker)>),
    /// A script's command.
    Command(Box<Command>, Answer),
    Done(Box<Done>),
    /// The store has news: something is on disk, or writing fails.
    Stored,
    /// A room has news.
    Network,
    /// Pictures came, or did not.
    Courier(News),
    /// The room server of this process has started, or has not.
    Hosted(Result<Running, String>),
}

/// Where the answer to a script's command goes.
type Answer = Box<dyn FnOnce(Result<script::Done, String>) + Send>;

/// Asks a running session on behalf of another process. Does not keep the session running.
#[derive(Clone)]
pub struct Remote {
    messages: Sender<Message>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

impl Remote {
    /// Carries a script's command out and waits for its end. Never called by a thread that paints.
    ///
    /// # Errors
    /// Why it was not done, one sentence; or the session has ended.
    pub fn command(&self, command: Command) -> Result<script::Done, String> {
        let ended = "Tableglow is closing, so this was not done";
        let (answer, result) = bounded(1);
        let answer: Answer = Box::new(move |done| {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(done);
        });
        self.messages
            .send(Message::Command(Box::new(command), answer))
            .map_err(|_| ended)?;
        result.recv().map_err(|_| ended)?
    }
}

/// The handle to a running session. Dropping it saves everything and ends the session.
pub struct Session {
    messages: Sender<Message>,
    published: Arc<ArcSwap<Published>>,
    people: Arc<ArcSwap<People>>,
    library: Arc<Library>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("library", &self.library)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Opens the game that was used last and starts the session thread. `wake` is told that there
    /// is something new to read.
    ///
    /// # Errors
    /// When the library cannot be read or the thread not started.
    pub fn start(
        library: Arc<Library>,
        clock: Arc<dyn Clock>,
        wake: Wake,
    ) -> Result<Self, StartError> {
        Self::start_with(library, clock, wake, Arc::new(SecretsInMemory::default()))
    }

    /// As [`Self::start`], with a place where codes of rooms are kept.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(
        library: Arc<Library>,
        clock: Arc<dyn Clock>,
        wake: Wake,
        secrets: Arc<dyn Secrets>,
    ) -> Result<Self, StartError> {
        let mut workspace = Workspace::open(Arc::clone(&library), Arc::clone(&clock))?;
        let (messages, inbox) = bounded(QUEUE);
        let published = Arc::new(ArcSwap::from_pointee(Published::default()));
        let people = Arc::new(ArcSwap::from_pointee(People::default()));
        let listener = messages.clone();
        library.set_store_listener(move |_| {
            // A full queue means that a publication is coming anyway.
            let _ = listener.try_send(Message::Stored);
        });
        let pumped = Arc::new(AtomicBool::new(false));
        let (ring, rung) = (messages.clone(), Arc::clone(&pumped));
        let (hosted, courier) = (messages.clone(), messages.clone());
        workspace.set_network(Network {
            wake: Arc::new(move || {
                // One message stands for all that a pump takes in.
                if !rung.swap(true, Ordering::SeqCst) && ring.try_send(Message::Network).is_err() {
                    // Behind a full queue, everything is pumped anyway.
                    rung.store(false, Ordering::SeqCst);
                }
            }),
            hosted: Arc::new(move |result| {
                // Ends only with the session, and the server with it.
                let _ = hosted.send(Message::Hosted(result));
            }),
            courier: Arc::new(move |news| {
                let _ = courier.send(Message::Courier(news));
            }),
            secrets,
        });
        let results = messages.clone();
        let worker = Worker::start(Arc::clone(&library), move |done| {
            // Ends only with the session, which then has no use for it.
            let _ = results.send(Message::Done(Box::new(done)));
        })?;
        let mut actor = Actor {
            workspace,
            worker,
            waiting_jobs: 0,
            published: Arc::clone(&published),
            people: Arc::clone(&people),
            pumped,
            wake,
            clock,
        };
        actor.publish();
        let thread = std::thread::Builder::new()
            .name("session".into())
            .spawn(move || actor.run(&inbox))?;
        Ok(Self {
            messages,
            published,
            people,
            library,
            thread: Some(thread),
        })
    }

    /// Asks for something; never waits.
    ///
    /// # Errors
    /// [`Busy`] gives the request back.
    pub fn send(&self, request: Request) -> Result<(), Busy> {
        match self.messages.try_send(Message::Request(Box::new(request))) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => match message
            {
                Message::Request(request) => Err(Busy(request)),
                _ => Ok(()),
            },
        }
    }

    /// Imports files and waits until that is done: for another process that asked. Gives the lines
    /// of the report, or the sentence why not.
    ///
    /// # Errors
    /// The first import that failed; those before it stand.
    pub fn import_and_wait(&self, files: Vec<PathBuf>) -> Result<Vec<String>, String> {
        let wanted = files.len();
        let (tell, results) = bounded(wanted.max(1));
        let asked = files
            .into_iter()
            .map(|file| {
                let tell = tell.clone();
                let asker = Asker::new(move |result| {
                    // Whoever asked may have stopped waiting; the import stands.
                    let _ = tell.try_send(result);
                });
                (file, asker)
            })
            .collect();
        drop(tell);
        if self.messages.try_send(Message::Asked(asked)).is_err() {
            return Err(
                "the running Tableglow is busy, so nothing was imported; try again".to_owned(),
            );
        }
        let mut lines = Vec::new();
        // Ends early when the session ends, which drops the other end.
        for result in results.iter().take(wanted) {
            lines.extend(result?.lines);
        }
        Ok(lines)
    }

    /// A way to ask this session that does not keep it running.
    #[must_use]
    pub fn remote(&self) -> Remote {
        Remote {
            messages: self.messages.clone(),
        }
    }

    /// The newest state.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    /// Who else is in the room of the open game, at most 30 times a second newer; `wake` is told.
    #[must_use]
    pub fn people(&self) -> Arc<People> {
        self.people.load_full()
    }

    /// The library: lists, and pictures for a renderer.
    #[must_use]
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Waits for room: what was asked before is done before the end.
        let _ = self
            .messages
            .send(Message::Request(Box::new(Request::Close)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Actor {
    workspace: Workspace,
    worker: Worker,
    waiting_jobs: usize,
    published: Arc<ArcSwap<Published>>,
    people: Arc<ArcSwap<People>>,
    /// A [`Message::Network`] is in the queue.
    pumped: Arc<AtomicBool>,
    wake: Wake,
    clock: Arc<dyn Clock>,
}

impl Actor {
    fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let wait = self
                .workspace
                .next_deadline()
                .map(|deadline| deadline.saturating_sub(self.clock.now()));
            let first = match wait {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => inbox.recv_timeout(wait.max(Duration::from_millis(1))),
            };
            let (mut going_on, mut has_news) = (true, false);
            match first {
                Ok(message) => {
                    has_news |= !matches!(message, Message::Network);
                    going_on &= self.take(message);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => going_on = false,
            }
            for message in inbox.try_iter().take(BURST) {
                has_news |= !matches!(message, Message::Network);
                going_on &= self.take(message);
            }
            self.workspace.upkeep();
            if !going_on {
                break;
            }
            if let Some(people) = self.workspace.take_people() {
                self.people.store(Arc::new(people));
                (self.wake)();
            }
            // Signs of life of a room are nothing that a window shows.
            has_news |= self.workspace.take_room_news();
            if has_news {
                self.publish();
            }
        }
        let Self {
            workspace, worker, ..
        } = self;
        // Ends without waiting for what it would hand back: nobody reads it any more.
        drop(worker);
        if let Err(error) = workspace.close() {
            tracing::error!("not everything was saved at the end: {error}");
        }
    }

    /// Does what a message says; false when the session ends.
    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Request(request) => return self.request(*request),
            Message::Done(done) => self.done(*done),
            Message::Asked(files) => {
                for (file, asker) in files {
                    self.queue(Job::Import {
                        file,
                        into: None,
                        asker: Some(asker),
                    });
                }
            }
            Message::Command(command, answer) => self.command(*command, answer),
            Message::Stored => {}
            // Before the pump, so that what comes during it rings again.
            Message::Network => self.pumped.store(false, Ordering::SeqCst),
            Message::Courier(news) => self.workspace.courier_news(news),
            Message::Hosted(result) => self.workspace.hosted(result),
        }
        true
    }

    fn request(&mut self, request: Request) -> bool {
        match request {
            Request::Close => return false,
            Request::Import { files, into } => {
                for (n, file) in files.into_iter().enumerate() {
                    // One scene can be filled by one file; the others make scenes of their own.
                    let into = into.clone().filter(|_| n == 0);
                    self.queue(Job::Import {
                        file,
                        into,
                        asker: None,
                    });
                }
            }
            Request::ImportPixels {
                width,
                height,
                rgba,
                into,
            } => self.queue(Job::Pixels {
                width,
                height,
                rgba,
                into,
            }),
            Request::SetMarkerPicture {
                scene,
                marker,
                file,
            } => self.queue(Job::MarkerPicture {
                scene,
                marker,
                file,
            }),
            Request::ExportArchive { party, to } => {
                // The archive is made of what is stored.
                self.workspace.save_everything();
                self.queue(Job::ExportArchive { party, to });
            }
            Request::ExportUniversalVtt { scene, to } => match self.workspace.snapshot(&scene) {
                Some(scene) => self.queue(Job::ExportUniversalVtt { scene, to }),
                None => self.workspace.tell(
                    Severity::Error,
                    "This scene is no longer there, so nothing was exported",
                ),
            },
            Request::ImportArchive(file) => self.queue(Job::Import {
                file,
                into: None,
                asker: None,
            }),
            Request::Backup => {
                self.workspace.save_everything();
                self.queue(Job::Backup);
            }
            other => self.workspace.handle(other),
        }
        true
    }

    fn command(&mut self, command: Command, answer: Answer) {
        match script::carry_out(&mut self.workspace, command) {
            Ok(Outcome::Done(done)) => answer(Ok(done)),
            Err(why) => answer(Err(why)),
            Ok(Outcome::Import { file, into }) => {
                let asker = Asker::new(move |result| {
                    answer(result.map(|report| script::Done::imported(report.lines, report.scene)));
                });
                self.queue(Job::Import {
                    file,
                    into,
                    asker: Some(asker),
                });
            }
        }
    }

    fn queue(&mut self, job: Job) {
        let words = job.in_words();
        match self.worker.queue(job) {
            Ok(()) => {
                self.waiting_jobs += 1;
                self.workspace.set_work(Some(Work {
                    what: words.into(),
                    done: None,
                }));
            }
            Err(job) => {
                let why = format!(
                    "Too much is waiting already: {} was not begun; try again in a moment",
                    job.in_words()
                );
                self.workspace.tell(Severity::Error, &why);
                if let Job::Import { asker, .. } = *job {
                    answer(asker, Err(why));
                }
            }
        }
    }

    fn done(&mut self, done: Done) {
        self.waiting_jobs = self.waiting_jobs.saturating_sub(1);
        if self.waiting_jobs == 0 {
            self.workspace.set_work(None);
        }
        match done {
            Done::Import {
                result,
                into,
                asker,
            } => {
                let finished = result.and_then(|prepared| {
                    let lines = prepared.plan.report.texts().map(str::to_owned).collect();
                    let scene = self.workspace.finish_import(*prepared, into.as_ref())?;
                    Ok(Report {
                        lines,
                        scene: Some(scene),
                    })
                });
                match finished {
                    Ok(report) => answer(asker, Ok(report)),
                    Err(error) => {
                        self.workspace.tell(Severity::Error, &error.to_string());
                        answer(asker, Err(error.to_string()));
                    }
                }
            }
            Done::Archive { imported, asker } => {
                self.workspace.archive_came(&imported);
                let lines = imported_lines(&imported);
                answer(asker, Ok(Report { lines, scene: None }));
            }
            Done::MarkerPicture {
                scene,
                marker,
                location,
            } => self
                .workspace
                .set_marker_picture(&scene, &marker, &location),
            Done::Told { text, details } => {
                let details = details.into_iter().map(Arc::from).collect();
                self.workspace.tell_with(Severity::Info, &text, details);
                self.workspace.refresh_library();
            }
            Done::Failed { text, asker } => {
                self.workspace.tell(Severity::Error, &text);
                answer(asker, Err(text));
            }
        }
    }

    fn publish(&mut self) {
        self.published.store(Arc::new(self.workspace.publish()));
        (self.wake)();
    }
}

/// Tells another process what became of its request.
fn answer(asker: Option<Asker>, result: Result<Report, String>) {
    if let Some(asker) = asker {
        asker.tell(result);
    }
}

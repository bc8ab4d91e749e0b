//! How a second app or a command reaches the process that writes a library.
//!
//! That process listens on a local socket; others send one request each and get one answer. On
//! Unix the socket lies in a folder that only its owner may enter, and the library's folder says
//! where (`library.socket`); on Windows it is a named pipe whose name comes from the library's
//! path, which others may not write by its default rights. Nothing of this leaves the machine.
//!
//! A message is its length (4 bytes, little-endian) and that many bytes of JSON.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::bounded;
use interprocess::local_socket::traits::{Listener as _, Stream as _};
use interprocess::local_socket::{Listener, ListenerOptions, Name, Stream};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

#[cfg(unix)]
use crate::storage::atomic;
#[cfg(windows)]
use crate::storage::blobs::hash_of;

/// The longest request.
const MOST_BYTES: u32 = 1 << 20;
/// The longest answer: a scene with ten thousand markers in words.
const MOST_ANSWER_BYTES: u32 = 32 << 20;
/// Requests that are worked on at one time; more are turned away.
const AT_ONCE: usize = 8;
/// How long a peer may take to send a request or take an answer.
const PEER_PATIENCE: Duration = Duration::from_secs(10);
#[cfg(unix)]
const ADDRESS_FILE: &str = "library.socket";

/// What another process wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IpcRequest {
    /// Whether anybody is there.
    Ping,
    /// Bring the window to the front, and open these files as if they were dropped on it.
    Open(Vec<PathBuf>),
    /// Import map files, pictures or archives; answered when it is done.
    Import {
        /// The files, absolute.
        files: Vec<PathBuf>,
        /// The game session to add to; the one used last without.
        game: Option<String>,
    },
    /// Write the campaign archive; answered when it is done.
    Export {
        /// The party; all of them without.
        party: Option<String>,
        /// The file, absolute.
        to: PathBuf,
    },
    /// The link for a table's display on this machine; the game is hosted for it where it is not.
    DisplayLink,
    /// Carry a script's command out (`tableglow run`), an object as the session reads it; paths in it
    /// are absolute. Answered when it is done, with the answer's fields.
    Command(serde_json::Value),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IpcAnswer {
    /// Done; a report as the command line prints it.
    Done(serde_json::Value),
    /// Not done; one sentence.
    Failed(String),
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    /// No process listens for this library.
    #[error("no running Tableglow works on this library")]
    Nobody,
    /// It listens and did not answer in time.
    #[error(
        "the running Tableglow that works on this library does not answer; close it and try again"
    )]
    NoAnswer,
    /// The connection failed.
    #[error("the running Tableglow that works on this library could not be asked: {0}")]
    Io(#[from] io::Error),
}

type Handler = dyn Fn(IpcRequest) -> IpcAnswer + Send + Sync;

/// Listens for requests until it is dropped.
pub struct IpcServer {
    stop: Arc<AtomicBool>,
    address: Address,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for IpcServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IpcServer")
            .field("address", &self.address.name)
            .finish_non_exhaustive()
    }
}

impl IpcServer {
    /// Listens for a library; only the process that has its writer lock may. `handler` runs in
    /// threads of the server, one for each request, and may take its time.
    ///
    /// # Errors
    /// When the system gives no socket. The library works without: others then only read.
    pub fn start(
        folder: &Path,
        handler: impl Fn(IpcRequest) -> IpcAnswer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let address = Address::fresh(folder)?;
        let listener = ListenerOptions::new()
            .name(address.name()?)
            .try_overwrite(true)
            .create_sync()?;
        address.publish()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let handler: Arc<Handler> = Arc::new(handler);
        let thread = std::thread::Builder::new()
            .name("ipc".into())
            .spawn(move || accept_all(&listener, &stopped, &handler))?;
        Ok(Self {
            stop,
            address,
            thread: Mutex::new(Some(thread)),
        })
    }
}

impl Drop for IpcServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // The listening thread waits for somebody to come.
        let woken = self.address.name().and_then(Stream::connect).is_ok();
        if woken && let Some(thread) = self.thread.lock().take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
        self.address.retire();
    }
}

fn accept_all(listener: &Listener, stop: &AtomicBool, handler: &Arc<Handler>) {
    let working = Arc::new(AtomicUsize::new(0));
    loop {
        let stream = listener.accept();
        if stop.load(Ordering::Acquire) {
            return;
        }
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(target: "library", %error, "a request of another process failed");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if working.fetch_add(1, Ordering::AcqRel) >= AT_ONCE {
            working.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let (handler, slot) = (Arc::clone(handler), Slot(Arc::clone(&working)));
        let started = std::thread::Builder::new()
            .name("ipc-request".into())
            .spawn(move || {
                let _slot = slot;
                if let Err(error) = serve(stream, &*handler) {
                    tracing::warn!(target: "library", %error, "a request of another process failed");
                }
            });
        if let Err(error) = started {
            tracing::warn!(target: "library", %error, "a request of another process was turned away");
        }
    }
}

/// One of the requests that are worked on, given back however it ends.
struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn serve(mut stream: Stream, handler: &Handler) -> io::Result<()> {
    // Pipes of Windows have no time limits; there a silent peer holds one slot.
    let _ = stream.set_recv_timeout(Some(PEER_PATIENCE));
    let _ = stream.set_send_timeout(Some(PEER_PATIENCE));
    let answer = match receive::<IpcRequest>(&mut stream, MOST_BYTES) {
        Ok(request) => handler(request),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            IpcAnswer::Failed(format!("the request was not understood: {error}"))
        }
        Err(error) => return Err(error),
    };
    match send(&mut stream, &answer, MOST_ANSWER_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let told =
                IpcAnswer::Failed("it is done, but its answer is too long to send".to_owned());
            send(&mut stream, &told, MOST_ANSWER_BYTES)
        }
        other => other,
    }
}

/// Asks the process that writes a library, and waits for its answer for at most `at_most`.
///
/// # Errors
/// [`IpcError::Nobody`] when no process listens.
pub fn ask(folder: &Path, request: &IpcRequest, at_most: Duration) -> Result<IpcAnswer, IpcError> {
    let Some(address) = Address::of_running(folder)? else {
        return Err(IpcError::Nobody);
    };
    let request = request.clone();
    let (answer, wait) = bounded(1);
    // Its own thread: waiting with a time limit works the same on every system.
    std::thread::Builder::new()
        .name("ipc-client".into())
        .spawn(move || {
            // Nobody listens any more when the time is up.
            let _ = answer.send(address.exchange(&request));
        })?;
    match wait.recv_timeout(at_most) {
        Ok(result) => result,
        Err(_) => Err(IpcError::NoAnswer),
    }
}

fn send(stream: &mut impl Write, message: &impl Serialize, most: u32) -> io::Result<()> {
    let json = serde_json::to_vec(message).map_err(io::Error::other)?;
    let length = u32::try_from(json.len())
        .ok()
        .filter(|length| *length <= most)
        .ok_or(io::ErrorKind::FileTooLarge)?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(&json)?;
    stream.flush()
}

fn receive<T: serde::de::DeserializeOwned>(stream: &mut impl Read, most: u32) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut json = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut json)?;
    if json.len() as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&json).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Where a library's process listens.
struct Address {
    /// A socket's path on Unix, a pipe's name on Windows.
    name: String,
    #[cfg(unix)]
    announced_in: PathBuf,
}

impl Address {
    fn exchange(&self, request: &IpcRequest) -> Result<IpcAnswer, IpcError> {
        let mut stream = match Stream::connect(self.name()?) {
            Ok(stream) => stream,
            // What is left of a process that was killed.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Err(IpcError::Nobody);
            }
            Err(error) => return Err(error.into()),
        };
        send(&mut stream, request, MOST_BYTES)?;
        Ok(receive(&mut stream, MOST_ANSWER_BYTES)?)
    }
}

#[cfg(unix)]
impl Address {
    /// A place for a new socket: a folder that only this user may enter.
    fn fresh(library: &Path) -> io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|path| path.is_dir());
        let base = runtime.unwrap_or_else(std::env::temp_dir);
        // Made for its owner alone, with a name that nobody can guess beforehand.
        let owner_only =
            <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix("tableglow-")
            .permissions(owner_only)
            .tempdir_in(base)?
            .keep();
        let name = folder.join("socket");
        let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(Self {
            name: name.to_owned(),
            announced_in: library.join(ADDRESS_FILE),
        })
    }

    fn of_running(library: &Path) -> io::Result<Option<Self>> {
        let announced_in = library.join(ADDRESS_FILE);
        match std::fs::read_to_string(&announced_in) {
            Ok(name) if name.len() < 1000 => Ok(Some(Self {
                name: name.trim_end().to_owned(),
                announced_in,
            })),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn publish(&self) -> io::Result<()> {
        atomic::write_file(&self.announced_in, |file| {
            file.write_all(self.name.as_bytes())
        })
    }

    fn retire(&self) {
        // What cannot be removed is found dead by the next one who asks.
        let _ = std::fs::remove_file(&self.announced_in);
        let _ = std::fs::remove_file(&self.name);
        if let Some(folder) = Path::new(&self.name).parent() {
            let _ = std::fs::remove_dir(folder);
        }
    }

    fn name(&self) -> io::Result<Name<'_>> {
        use interprocess::local_socket::{GenericFilePath, ToFsName as _};
        self.name.as_str().to_fs_name::<GenericFilePath>()
    }
}

#[cfg(windows)]
impl Address {
    fn fresh(library: &Path) -> io::Result<Self> {
        let path = library.canonicalize()?;
        let hash = hash_of(path.to_string_lossy().as_bytes());
        Ok(Self {
            name: format!("tableglow-{}", hash.get(..32).unwrap_or_default()),
        })
    }

    fn of_running(library: &Path) -> io::Result<Option<Self>> {
        match Self::fresh(library) {
            Ok(address) => Ok(Some(address)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The name follows from the library's path: there is nothing to announce.
    fn publish(&self) -> io::Result<()> {
        Ok(())
    }

    fn retire(&self) {}

    fn name(&self) -> io::Result<Name<'_>> {
        use interprocess::local_socket::{GenericNamespaced, ToNsName as _};
        self.name.as_str().to_ns_name::<GenericNamespaced>()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(20);

    fn echo(request: IpcRequest) -> IpcAnswer {
        match request {
            IpcRequest::Ping => IpcAnswer::Done("here".into()),
            IpcRequest::Import { files, .. } => {
                IpcAnswer::Done(serde_json::json!({ "files": files }))
            }
            other => IpcAnswer::Failed(format!("{other:?}")),
        }
    }

    #[test]
    fn a_request_gets_its_answer_while_the_server_lives() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = ask(folder.path(), &IpcRequest::Ping, WAIT);
        assert!(matches!(nobody, Err(IpcError::Nobody)), "{nobody:?}");
        let server = IpcServer::start(folder.path(), echo).unwrap();
        for _ in 0..20 {
            let answer = ask(folder.path(), &IpcRequest::Ping, WAIT).unwrap();
            assert_eq!(answer, IpcAnswer::Done("here".into()));
        }
        let import = IpcRequest::Import {
            files: vec!["/a b/ü.png".into()],
            game: None,
        };
        let answer = ask(folder.path(), &import, WAIT).unwrap();
        assert_eq!(
            answer,
            IpcAnswer::Done(serde_json::json!({ "files": ["/a b/ü.png"] }))
        );
        drop(server);
        let nobody = ask(folder.path(), &IpcRequest::Ping, WAIT);
        assert!(matches!(nobody, Err(IpcError::Nobody)), "{nobody:?}");
    }

    #[test]
    fn strange_requests_do_not_stop_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let _server = IpcServer::start(folder.path(), echo).unwrap();
        let address = Address::of_running(folder.path()).unwrap().unwrap();
        let connect = || Stream::connect(address.name().unwrap()).unwrap();
        let mut huge = connect();
        huge.write_all(&u32::MAX.to_le_bytes()).unwrap();
        let answer: IpcAnswer = receive(&mut huge, MOST_BYTES).unwrap();
        assert!(matches!(answer, IpcAnswer::Failed(_)));
        let mut wrong = connect();
        send(
            &mut wrong,
            &serde_json::json!({ "format": "the disk" }),
            MOST_BYTES,
        )
        .unwrap();
        let answer: IpcAnswer = receive(&mut wrong, MOST_BYTES).unwrap();
        assert!(matches!(answer, IpcAnswer::Failed(_)));
        drop(connect());
        let mut half = connect();
        half.write_all(&[9, 0]).unwrap();
        drop(half);
        let answer = ask(folder.path(), &IpcRequest::Ping, WAIT).unwrap();
        assert_eq!(answer, IpcAnswer::Done("here".into()));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_enter_and_the_dead_are_nobody() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let server = IpcServer::start(folder.path(), echo).unwrap();
        let place = PathBuf::from(&server.address.name);
        let mode = place
            .parent()
            .unwrap()
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0);
        drop(server);
        std::fs::write(folder.path().join(ADDRESS_FILE), place.to_str().unwrap()).unwrap();
        let nobody = ask(folder.path(), &IpcRequest::Ping, WAIT);
        assert!(matches!(nobody, Err(IpcError::Nobody)), "{nobody:?}");
    }
}

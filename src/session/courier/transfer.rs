//! One picture's way over the network: fetched with its hash checked, or handed over.
//!
//! Bytes go from socket to file and back in small parts. A fetch that is cut goes on where it was; one
//! that no hash will check only if the server says that the file is still the same.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rand::Rng as _;
use ureq::Body;
use ureq::http::{HeaderValue, Response, StatusCode, header};

use crate::import::picture::{PictureError, PictureFormat};
use crate::library::pictures::MOST_PICTURE_BYTES;
use crate::library::{Library, LibraryError};
use crate::model::id::PictureHash;
use crate::session::picture_address::PictureAddress;
use crate::storage::error::StorageError;
use crate::util::web as client;

use super::{PictureServer, web};

const CONNECT: Duration = Duration::from_secs(5);
/// A server that says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(15);
/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Attempts to go on with what was cut, before it begins again later.
const MOST_CUTS: u32 = 9;
/// After so many of them in a row it is said to wait and not to come.
const STALLED_CUTS: u32 = 2;
/// What says of bytes which picture format they are.
const MAGIC_BYTES: usize = 16;
/// Who asks. Some of the internet's servers give nothing to programs that do not say.
const USER_AGENT: &str = concat!("Tableglow/", env!("CARGO_PKG_VERSION"));

/// A server that pictures are exchanged with, until it is detached.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) place: Place,
    agent: ureq::Agent,
    is_off: Mutex<bool>,
    woken: Condvar,
    /// It takes what it is given and does not have it then: a page for every path.
    keeps_nothing: AtomicBool,
}

/// Which server.
#[derive(Debug)]
pub(super) enum Place {
    /// The room's: its address, and what proves that we may.
    Room {
        base: String,
        authorization: Option<String>,
    },
    /// Where web clients keep their pictures. It is shown nothing that proves anything.
    Web(PictureAddress),
}

/// Why a picture did not come or go.
#[derive(Debug)]
pub(super) enum Failure {
    /// The network or the server; it may pass.
    Passing(String),
    /// The server does not have it.
    Absent,
    /// The server does not let us.
    Refused(String),
    /// The server has no place for pictures.
    NoPlace,
    /// A picture that is not even asked for: a video.
    Skipped,
    /// What came is of no use, or cannot be kept: a sentence.
    Useless(String),
    /// The server was detached meanwhile.
    Off,
}

/// The wait before the next attempt: twice as long each time, with jitter, so that the guests of a
/// server that comes back do not all ask at once.
pub(super) fn wait_after(failures: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << failures.min(10));
    longest
        .min(LONGEST_WAIT)
        .mul_f64(rand::rng().random_range(0.5..=1.0))
}

impl Attached {
    pub(super) fn to_room(server: &PictureServer) -> Self {
        let authorization = server.token.as_ref().map(|token| format!("Bearer {token}"));
        Self::to(Place::Room {
            base: server.base.trim_end_matches('/').to_owned(),
            authorization,
        })
    }

    pub(super) fn to_web(address: &PictureAddress) -> Self {
        Self::to(Place::Web(address.clone()))
    }

    fn to(place: Place) -> Self {
        let agent = client::client()
            .proxy(None)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .user_agent(USER_AGENT)
            .build();
        Self {
            place,
            agent: agent.into(),
            is_off: Mutex::new(false),
            woken: Condvar::new(),
            keeps_nothing: AtomicBool::new(false),
        }
    }

    /// Ends what is under way.
    pub(super) fn detach(&self) {
        *self.is_off.lock() = true;
        self.woken.notify_all();
        self.agent.clone().shutdown();
    }

    fn is_off(&self) -> bool {
        *self.is_off.lock()
    }

    /// Waits; false when the server is detached meanwhile.
    pub(super) fn wait(&self, wait: Duration) -> bool {
        let mut is_off = self.is_off.lock();
        if !*is_off {
            self.woken.wait_for(&mut is_off, wait);
        }
        !*is_off
    }

    /// Where the room's server has a picture.
    pub(super) fn url(&self, hash: &PictureHash) -> Result<String, Failure> {
        match &self.place {
            Place::Room { base, .. } => Ok(format!("{base}/assets/{hash}")),
            Place::Web(_) => Err(Failure::Off),
        }
    }

    fn allowed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.place {
            Place::Room {
                authorization: Some(value),
                ..
            } => request.header(header::AUTHORIZATION, value),
            Place::Room { .. } | Place::Web(_) => request,
        }
    }

    /// Asks for a file, from a byte on.
    pub(super) fn get(&self, url: &str, got: u64) -> Result<Response<Body>, Failure> {
        let ask = |url: &str| {
            let mut request = self.allowed(self.agent.get(url));
            if got > 0 {
                request = request.header(header::RANGE, format!("bytes={got}-"));
            }
            request.call().map_err(|error| self.failed(&error))
        };
        match &self.place {
            Place::Room { .. } => ask(url),
            Place::Web(_) => self.follow(url, ask),
        }
    }

    fn refusal(&self, response: Response<Body>) -> Failure {
        match &self.place {
            Place::Room { .. } => refusal(response),
            Place::Web(_) => web::refusal(&response),
        }
    }

    fn failed(&self, error: &ureq::Error) -> Failure {
        if self.is_off() {
            Failure::Off
        } else {
            Failure::Passing(client::in_words(error))
        }
    }

    /// Hands a picture over that the server lacks; may be called again at any time. A server that
    /// says yes to every question is not believed: it has a picture when it tells its size or its hash.
    pub(super) fn offer(&self, library: &Library, hash: &PictureHash) -> Result<(), Failure> {
        if self.keeps_nothing.load(Ordering::Relaxed) {
            return Err(Failure::NoPlace);
        }
        let url = self.url(hash)?;
        let file = library
            .open_picture_file(hash)
            .map_err(|error| Failure::Useless(error.to_string()))?;
        let bytes = file.metadata().map(|file| file.len());
        let bytes = bytes.map_err(|error| Failure::Useless(error.to_string()))?;
        let asked = self.head(&url)?;
        let says_yes = match asked.status() {
            StatusCode::NOT_FOUND => false,
            status if status.is_success() => true,
            _ => return Err(refusal(asked)),
        };
        if says_yes && is_of(&asked, hash, bytes) {
            return Ok(());
        }
        let request = self.allowed(self.agent.put(&url));
        let sent = request
            .header(header::CONTENT_TYPE, "application/octet-stream")
            // A refusal comes before the picture is sent for nothing.
            .header(header::EXPECT, "100-continue")
            .send(file)
            .map_err(|error| self.failed(&error))?;
        match sent.status() {
            status if status.is_success() => {
                let is_kept = match (is_page(&sent), says_yes) {
                    (true, _) => false,
                    (false, true) => is_of(&self.head(&url)?, hash, bytes),
                    (false, false) => true,
                };
                self.keeps_nothing.store(!is_kept, Ordering::Relaxed);
                is_kept.then_some(()).ok_or(Failure::NoPlace)
            }
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Err(Failure::Useless(said(sent)))
            }
            StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED => Err(Failure::NoPlace),
            _ => Err(refusal(sent)),
        }
    }

    fn head(&self, url: &str) -> Result<Response<Body>, Failure> {
        let asked = self.allowed(self.agent.head(url)).call();
        asked.map_err(|error| self.failed(&error))
    }

    /// Fetches a picture into the library. `progress` gets the bytes that are here and all of them,
    /// 0 of which are to come while it was cut off.
    pub(super) fn fetch(
        &self,
        library: &Library,
        hash: &PictureHash,
        locations: &[String],
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Failure> {
        let mut source = Source::open(self, self.url(hash)?, MOST_PICTURE_BYTES, progress)?;
        let added = library.add_fetched_picture(&mut source, hash, locations);
        let is_picture = PictureFormat::of_magic(&source.begin).is_some();
        match (added, source.failure.take()) {
            (Ok(()), _) => Ok(()),
            // The library only knows that reading failed.
            (Err(_), Some(failure)) => Err(failure),
            // Another picture is rot on a disk; anything else is what a server says when it has none.
            (Err(LibraryError::PictureChanged), None) if !is_picture => Err(Failure::Absent),
            (Err(error), None) => Err(kept_badly(&error)),
        }
    }
}

/// Whether an answer is a page for people: what some servers give for every path that they do not know.
pub(super) fn is_page(response: &Response<Body>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
}

/// Whether the answer to a `HEAD` is that of a server that has this file.
fn is_of(response: &Response<Body>, hash: &PictureHash, bytes: u64) -> bool {
    let text = |name| response.headers().get(name)?.to_str().ok();
    let has_size = text(header::CONTENT_LENGTH).is_some_and(|it| it.trim().parse() == Ok(bytes));
    let has_name = text(header::ETAG).is_some_and(|tag| tag.contains(hash.as_str()));
    response.status().is_success() && !is_page(response) && (has_size || has_name)
}

/// A picture that came and was not kept.
pub(super) fn kept_badly(error: &LibraryError) -> Failure {
    let sentence = match error {
        LibraryError::PictureChanged => {
            "A picture that came from the room was not the one that was asked for, so it was thrown \
             away; everything else goes on"
                .to_owned()
        }
        LibraryError::Picture(PictureError::Io(_)) | LibraryError::Storage(
            StorageError::Closed | StorageError::DiskFull { .. },
        ) => {
            return Failure::Passing("they cannot be kept: the disk may be full".into());
        }
        error => format!("A picture of the room cannot be used: {error}"),
    };
    Failure::Useless(sentence)
}

/// What a status that is no success means.
pub(super) fn refusal(response: Response<Body>) -> Failure {
    match response.status() {
        StatusCode::NOT_FOUND | StatusCode::GONE => Failure::Absent,
        status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY) => {
            Failure::Passing(format!("status {}", status.as_u16()))
        }
        StatusCode::TOO_MANY_REQUESTS => Failure::Passing("too many tries".into()),
        status if status.is_client_error() => Failure::Refused(said(response)),
        status => Failure::Passing(format!("it answered with status {}", status.as_u16())),
    }
}

/// The first line of what a server says to a refusal.
fn said(mut response: Response<Body>) -> String {
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(1024);
    let text = body.read_to_string().unwrap_or_default();
    let line = text.lines().next().unwrap_or_default().trim();
    let is_plain = !line.is_empty() && !line.starts_with(['<', '{']);
    if is_plain {
        line.chars().filter(|c| !c.is_control()).take(200).collect()
    } else {
        format!("it answered with status {status}")
    }
}

/// A picture on its way: a reader that asks for the rest when it is cut off.
pub(super) struct Source<'a> {
    server: &'a Attached,
    url: String,
    /// The file's version, where no hash says in the end that its parts belong together.
    version: Option<HeaderValue>,
    body: Option<Box<dyn Read + Send>>,
    /// The first bytes, as many as say what it is.
    begin: Vec<u8>,
    got: u64,
    /// The size, when the server tells it.
    all: Option<u64>,
    /// Failures in a row without a byte in between.
    cuts: u32,
    pub(super) failure: Option<Failure>,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl<'a> Source<'a> {
    pub(super) fn open(
        server: &'a Attached,
        url: String,
        most_bytes: u64,
        progress: &'a mut dyn FnMut(u64, u64),
    ) -> Result<Self, Failure> {
        let mut source = Self {
            server,
            url,
            version: None,
            body: None,
            begin: Vec::with_capacity(MAGIC_BYTES),
            got: 0,
            all: None,
            cuts: 0,
            failure: None,
            progress,
        };
        source.ask()?;
        if source.all.is_some_and(|all| all > most_bytes) {
            return Err(Failure::Useless(format!(
                "A picture of the room cannot be used: {}",
                LibraryError::PictureFileTooLarge
            )));
        }
        Ok(source)
    }

    /// Asks for what is still to come.
    fn ask(&mut self) -> Result<(), Failure> {
        let response = self.server.get(&self.url, self.got)?;
        let to_skip = match response.status() {
            status if status.is_success() && is_page(&response) => return Err(Failure::Absent),
            StatusCode::OK => self.got,
            StatusCode::PARTIAL_CONTENT if begins_at(&response, self.got) => 0,
            status if status.is_success() => {
                return Err(Failure::Passing(
                    "it gives parts of pictures wrongly".into(),
                ));
            }
            _ => return Err(self.server.refusal(response)),
        };
        let version = version_of(&response);
        let before = std::mem::replace(&mut self.version, version);
        if self.got > 0 && !self.is_checked_by_hash() && before != self.version {
            self.version = None;
            return Err(Failure::Passing("it was cut off".into()));
        }
        let length = response.body().content_length();
        self.all = length.map(|length| self.got - to_skip + length);
        let mut body = response.into_body().into_reader();
        // A server that knows no ranges gives all of it again.
        let skipped = io::copy(&mut (&mut body).take(to_skip), &mut io::sink());
        if !skipped.is_ok_and(|skipped| skipped == to_skip) {
            return Err(Failure::Passing("it was cut off".into()));
        }
        self.body = Some(Box::new(body));
        Ok(())
    }

    const fn is_checked_by_hash(&self) -> bool {
        matches!(self.server.place, Place::Room { .. })
    }

    /// Asks until there is an answer.
    fn go_on(&mut self) -> Result<(), Failure> {
        loop {
            if self.server.is_off() {
                return Err(Failure::Off);
            }
            if self.got > 0 && !self.is_checked_by_hash() && self.version.is_none() {
                return Err(Failure::Passing("it was cut off".into()));
            }
            self.cuts += 1;
            if self.cuts > MOST_CUTS {
                return Err(Failure::Passing("it is cut off again and again".into()));
            }
            if self.cuts >= STALLED_CUTS {
                (self.progress)(self.got, 0);
            }
            if !self.server.wait(wait_after(self.cuts - 1)) {
                return Err(Failure::Off);
            }
            match self.ask() {
                Err(Failure::Passing(_)) => {}
                result => return result,
            }
        }
    }
}

/// What a server calls this version of a file, if it promises that equal names are equal bytes.
fn version_of(response: &Response<Body>) -> Option<HeaderValue> {
    let tag = response.headers().get(header::ETAG)?;
    (!tag.as_bytes().starts_with(b"W/")).then(|| tag.clone())
}

/// Whether a part is the one that was asked for.
fn begins_at(response: &Response<Body>, first: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    range
        .and_then(|range| range.to_str().ok())
        .and_then(|range| range.strip_prefix("bytes "))
        .and_then(|range| range.split('-').next())
        .is_some_and(|begin| begin.trim().parse() == Ok(first))
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.body {
                Some(body) => body.read(buffer),
                None => Err(io::ErrorKind::NotConnected.into()),
            };
            match read {
                Ok(0) if self.all.is_none_or(|all| self.got >= all) => return Ok(0),
                Ok(count) if count > 0 => {
                    let missing = MAGIC_BYTES.saturating_sub(self.begin.len()).min(count);
                    self.begin
                        .extend_from_slice(buffer.get(..missing).unwrap_or_default());
                    self.got += count as u64;
                    self.cuts = 0;
                    (self.progress)(self.got, self.all.unwrap_or(self.got));
                    return Ok(count);
                }
                Ok(_) | Err(_) => {}
            }
            self.body = None;
            if let Err(failure) = self.go_on() {
                self.failure = Some(failure);
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
    }
}

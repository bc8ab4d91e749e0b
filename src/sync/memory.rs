//! A transport within the process: the way to a room that this process hosts, and the network of the
//! tests, with delays, duplicates and cuts that a seed decides.
//!
//! Both ends are alike and bounded: an end that does not read makes the other wait. Must not know
//! frames' meaning. Called by [`super::link`] (through [`super::link::Transport`]), the embedded host
//! and tests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::batch::Frame;
use super::client::{Incoming, Outgoing};
use super::link::{Transport, Wake};
use super::state::Closed;
use crate::util::clock::Clock;

/// Frames and bytes that wait in one direction before the sender has to.
const MAX_FRAMES: usize = 1024;
const MAX_BYTES: usize = 16 << 20;

/// What the way does to frames. Order is kept.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Weather {
    /// Each frame takes between nothing and this long.
    pub longest_delay: Duration,
    /// The share of binary frames to the first end that arrive twice, 0..=1: a room may say a thing
    /// again. What a client sends is counted by the room and comes once.
    pub duplicates: f64,
    /// What decides.
    pub seed: u64,
}

struct Pipe {
    frames: VecDeque<(Duration, Frame)>,
    bytes: usize,
    weather: Weather,
    rng: StdRng,
    last_due: Duration,
    is_closed: bool,
    sender_waits: bool,
    wake_reader: Option<Wake>,
    wake_sender: Option<Wake>,
}

type SharedPipe = Arc<Mutex<Pipe>>;

/// One end of a connection. Dropping it closes the connection.
pub struct End {
    clock: Arc<dyn Clock>,
    out: SharedPipe,
    inn: SharedPipe,
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("End").finish_non_exhaustive()
    }
}

/// What an end has to read.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// The next frame.
    Frame(Frame),
    /// Nothing yet.
    Nothing,
    /// Nothing any more: the other end has closed.
    Closed,
}

/// A connection: the client's end and the room's.
#[must_use]
pub fn pair(clock: &Arc<dyn Clock>, weather: Weather) -> (End, End) {
    let pipe = |salt: u64, weather: Weather| {
        Arc::new(Mutex::new(Pipe {
            frames: VecDeque::new(),
            bytes: 0,
            weather,
            rng: StdRng::seed_from_u64(weather.seed ^ salt),
            last_due: Duration::ZERO,
            is_closed: false,
            sender_waits: false,
            wake_reader: None,
            wake_sender: None,
        }))
    };
    let once = Weather {
        duplicates: 0.0,
        ..weather
    };
    let (there, back) = (pipe(1, once), pipe(2, weather));
    let end = |out: &SharedPipe, inn: &SharedPipe| End {
        clock: Arc::clone(clock),
        out: Arc::clone(out),
        inn: Arc::clone(inn),
    };
    (end(&there, &back), end(&back, &there))
}

impl End {
    /// Who is woken when there is something to read, or room to send again.
    pub fn set_wake(&self, wake: &Wake) {
        self.inn.lock().wake_reader = Some(Arc::clone(wake));
        self.out.lock().wake_sender = Some(Arc::clone(wake));
        wake();
    }

    /// A frame can be sent; when not, the end is woken as soon as one can.
    #[must_use]
    pub fn can_send(&self) -> bool {
        let mut pipe = self.out.lock();
        let fits = pipe.is_closed
            || pipe.frames.is_empty()
            || (pipe.frames.len() < MAX_FRAMES && pipe.bytes < MAX_BYTES);
        pipe.sender_waits = !fits;
        fits
    }

    /// Sends a frame; over a closed connection it is lost.
    pub fn send(&self, frame: Frame) {
        let now = self.clock.now();
        let mut pipe = self.out.lock();
        if pipe.is_closed {
            return;
        }
        let twice = matches!(frame, Frame::Binary(_)) && pipe.weather.duplicates > 0.0 && {
            let share = pipe.weather.duplicates.clamp(0.0, 1.0);
            pipe.rng.random_bool(share)
        };
        for copy in std::iter::once(frame.clone()).chain(twice.then_some(frame)) {
            let longest = pipe.weather.longest_delay;
            let share: f64 = pipe.rng.random();
            pipe.last_due = pipe.last_due.max(now + longest.mul_f64(share));
            pipe.bytes += copy.len();
            let due = pipe.last_due;
            pipe.frames.push_back((due, copy));
        }
        let wake = pipe.wake_reader.clone();
        drop(pipe);
        call(wake);
    }

    /// The next frame that has arrived.
    #[must_use]
    pub fn receive(&self) -> Received {
        let now = self.clock.now();
        let mut pipe = self.inn.lock();
        match pipe.frames.front() {
            Some((due, _)) if *due <= now => {}
            Some(_) => return Received::Nothing,
            None if pipe.is_closed => return Received::Closed,
            None => return Received::Nothing,
        }
        let Some((_, frame)) = pipe.frames.pop_front() else {
            return Received::Nothing;
        };
        pipe.bytes -= frame.len();
        let wake = if std::mem::take(&mut pipe.sender_waits) {
            pipe.wake_sender.clone()
        } else {
            None
        };
        drop(pipe);
        call(wake);
        Received::Frame(frame)
    }

    /// When the next frame arrives that is on its way.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.inn.lock().frames.front().map(|(due, _)| *due)
    }

    /// Closes the connection; what is on its way still arrives.
    pub fn close(&self) {
        for pipe in [&self.out, &self.inn] {
            let mut pipe = pipe.lock();
            pipe.is_closed = true;
            let wakes = [pipe.wake_reader.clone(), pipe.wake_sender.clone()];
            drop(pipe);
            wakes.into_iter().for_each(call);
        }
    }

    /// Cuts the connection; what is on its way is lost.
    pub fn cut(&self) {
        for pipe in [&self.out, &self.inn] {
            let mut pipe = pipe.lock();
            pipe.frames.clear();
            pipe.bytes = 0;
        }
        self.close();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.close();
    }
}

fn call(wake: Option<Wake>) {
    if let Some(wake) = wake {
        wake();
    }
}

/// Makes a connection to a room of this process: the client's end, or why there is none.
pub type Dial = Box<dyn FnMut() -> Result<End, Closed> + Send>;

/// The transport to a room of this process.
pub struct MemoryTransport {
    dial: Dial,
    wake: Wake,
    end: Option<End>,
    news: VecDeque<Incoming>,
}

impl std::fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryTransport").finish_non_exhaustive()
    }
}

impl MemoryTransport {
    /// A transport whose connections `dial` makes.
    #[must_use]
    pub fn new(dial: Dial, wake: Wake) -> Self {
        Self {
            dial,
            wake,
            end: None,
            news: VecDeque::new(),
        }
    }

    /// When the next frame arrives that is on its way.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.end.as_ref()?.next_due()
    }
}

impl Transport for MemoryTransport {
    fn connect(&mut self) {
        self.news.clear();
        self.end = None;
        match (self.dial)() {
            Ok(end) => {
                end.set_wake(&self.wake);
                self.end = Some(end);
                self.news.push_back(Incoming::Opened);
            }
            Err(closed) => self.news.push_back(Incoming::Closed(closed)),
        }
        (self.wake)();
    }

    fn close(&mut self) {
        self.end = None;
        self.news.clear();
    }

    fn can_send(&mut self) -> bool {
        self.end.as_ref().is_none_or(End::can_send)
    }

    fn send(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Frame(frame) => {
                if let Some(end) = &self.end {
                    end.send(frame);
                }
            }
            // Within one process the peer lives as long as we do.
            Outgoing::Ping => {
                if self.end.is_some() {
                    self.news.push_back(Incoming::Alive);
                }
            }
        }
    }

    fn receive(&mut self) -> Option<Incoming> {
        if let Some(news) = self.news.pop_front() {
            return Some(news);
        }
        match self.end.as_ref()?.receive() {
            Received::Frame(frame) => Some(Incoming::Frame(frame)),
            Received::Nothing => None,
            Received::Closed => {
                self.end = None;
                Some(Incoming::Closed(Closed::Lost {
                    why: "the room was closed".to_owned(),
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::clock::ManualClock;

    fn frame(n: u8) -> Frame {
        Frame::Binary(vec![n].into())
    }

    #[test]
    fn frames_arrive_in_order_after_their_delay() {
        let hands = ManualClock::default();
        let clock: Arc<dyn Clock> = Arc::new(hands.clone());
        let weather = Weather {
            longest_delay: Duration::from_millis(100),
            duplicates: 0.0,
            seed: 3,
        };
        let (a, b) = pair(&clock, weather);
        for n in 0..50 {
            a.send(frame(n));
        }
        let mut came = Vec::new();
        for _ in 0..11 {
            while let Received::Frame(Frame::Binary(bytes)) = b.receive() {
                came.push(bytes[0]);
            }
            hands.advance(Duration::from_millis(10));
        }
        assert_eq!(came, (0..50).collect::<Vec<_>>());
        a.send(frame(9));
        drop(a);
        hands.advance(Duration::from_secs(1));
        assert_eq!(
            b.receive(),
            Received::Frame(frame(9)),
            "sent before the end"
        );
        assert_eq!(b.receive(), Received::Closed);
    }

    #[test]
    fn a_full_pipe_pushes_back_and_wakes_its_sender() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let (a, b) = pair(&clock, Weather::default());
        let woken = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = Arc::clone(&woken);
        let wake: Wake = Arc::new(move || {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        a.set_wake(&wake);
        let mut sent = 0;
        while a.can_send() {
            a.send(frame(0));
            sent += 1;
        }
        assert_eq!(sent, MAX_FRAMES);
        let before = woken.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(b.receive(), Received::Frame(frame(0)));
        assert!(woken.load(std::sync::atomic::Ordering::Relaxed) > before);
        assert!(a.can_send());
        b.cut();
        assert_eq!(a.receive(), Received::Closed);
        assert_eq!(
            b.receive(),
            Received::Closed,
            "nothing of what was on its way"
        );
    }
}

//! One WebSocket connection: reads into the room, writes from the outbox.
//!
//! Reading and writing are two tasks, so that a peer that does not read can still be heard, and one
//! that floods is only read as fast as its share allows: the rest waits in its own socket.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role as Side, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::ConnectionId;
use super::access::Role;
use super::driver::Command;
use super::host::Host;
use super::metrics::Metrics;
use super::name::RoomName;
use super::outbox::{Close, Next, Outbox};
use super::room::{Join, User};
use crate::sync::batch::{Assembled, Assembler, BatchError};

/// The longest message of a DM, in one frame or put together from several.
const MOST_MESSAGE_BYTES: usize = 64 << 20;
/// The longest frame of a DM.
const MOST_FRAME_BYTES: usize = 32 << 20;
/// The longest message of everybody else.
const MOST_GUEST_BYTES: usize = 1 << 20;
/// The longest text message.
const MOST_TEXT_BYTES: usize = 256 << 10;
/// The server asks whether the peer is there this often.
const PING: Duration = Duration::from_secs(20);
/// A peer that nothing was heard from for this long is gone.
const IDLE: Duration = Duration::from_secs(60);
/// A peer that takes nothing for this long is gone.
const STALL: Duration = Duration::from_secs(90);
/// How long a close is waited for.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);
/// Bytes that are written before they are flushed.
const FLUSH_BYTES: usize = 64 << 10;

/// Who comes through a socket, after the checks at the door.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The room.
    pub room: RoomName,
    /// What it may do.
    pub role: Role,
    /// Who it is for.
    pub user: Option<User>,
    /// See [`Join::takes_text`].
    pub takes_text: bool,
    /// See [`Join::wants_durable`].
    pub wants_durable: bool,
    /// See [`Join::text_first`].
    pub text_first: bool,
}

/// Speaks with a peer until one of both ends it.
pub async fn serve<S>(stream: S, host: Arc<Host>, visitor: Visitor)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (most_message, most_frame) = match visitor.role {
        Role::Dm => (MOST_MESSAGE_BYTES, MOST_FRAME_BYTES),
        _ => (MOST_GUEST_BYTES, MOST_GUEST_BYTES),
    };
    // The library's buffers are made for few busy connections, ours are many and mostly quiet.
    let config = WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(16 << 10)
        .max_message_size(Some(most_message))
        .max_frame_size(Some(most_frame));
    let socket = WebSocketStream::from_raw_socket(stream, Side::Server, Some(config)).await;
    let (sink, mut source) = socket.split();
    let metrics = Arc::clone(&host.metrics);
    let outbox = Arc::new(Outbox::default());
    let connection = host.next_connection();
    let joined = host
        .join(&visitor.room, || Join {
            connection,
            role: visitor.role,
            user: visitor.user.clone(),
            takes_text: visitor.takes_text,
            wants_durable: visitor.wants_durable,
            text_first: visitor.text_first,
            outbox: Arc::clone(&outbox),
        })
        .await;
    if joined.is_err() {
        outbox.close(Close::TryLater);
    }
    let room = joined.ok();
    metrics.connections.fetch_add(1, Ordering::Relaxed);
    let writer = tokio::spawn(write(
        sink,
        Arc::clone(&outbox),
        room.clone().map(|room| (connection, room)),
        Arc::clone(&metrics),
    ));
    if let Some(room) = room {
        let reader = Reader {
            connection,
            room: room.clone(),
            metrics: Arc::clone(&metrics),
            assembler: Assembler::new(most_message),
            pace: Pace::default(),
        };
        tokio::select! {
            ended = reader.read(&mut source) => match ended {
                Some(close) => outbox.close(close),
                None => writer.abort(),
            },
            // The server's side has ended: what the peer still says is of no use.
            _ = outbox.closed() => {}
        }
        // A room that has ended needs no farewell.
        drop(room.send(Command::Leave(connection)).await);
    }
    let writing = writer.abort_handle();
    if timeout(STALL, writer).await.is_err() {
        writing.abort();
    }
    metrics.connections.fetch_sub(1, Ordering::Relaxed);
}

struct Reader {
    connection: ConnectionId,
    room: mpsc::Sender<Command>,
    metrics: Arc<Metrics>,
    assembler: Assembler,
    pace: Pace,
}

impl Reader {
    /// Until the peer has gone (`None`) or has to go.
    async fn read<S>(mut self, source: &mut SplitStream<WebSocketStream<S>>) -> Option<Close>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // One timer, set anew when it rings and not for each message.
        let mut heard = Instant::now();
        let silence = tokio::time::sleep_until(heard + IDLE);
        tokio::pin!(silence);
        loop {
            let next = tokio::select! {
                biased;
                next = source.next() => next,
                () = &mut silence => {
                    if heard.elapsed() >= IDLE {
                        return Some(Close::Silent);
                    }
                    silence.as_mut().reset(heard + IDLE);
                    continue;
                }
            };
            heard = Instant::now();
            let message = match next? {
                Ok(message) => message,
                Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                    return Some(Close::TooLarge);
                }
                Err(Error::Utf8(_)) => return Some(Close::NotText),
                Err(Error::Protocol(_) | Error::AttackAttempt) => return Some(Close::Hostile),
                Err(_) => return None,
            };
            let bytes = message.len();
            self.metrics.messages_in.fetch_add(1, Ordering::Relaxed);
            self.metrics
                .bytes_in
                .fetch_add(bytes as u64, Ordering::Relaxed);
            let command = match message {
                Message::Binary(frame) => self.binary(frame),
                Message::Text(text) => self.text(text),
                Message::Close(_) => return None,
                // Answered by the library; both say that the peer is there.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
            };
            let command = match command {
                Ok(command) => command,
                Err(BatchError::TooLarge) => return Some(Close::TooLarge),
                Err(_) => return Some(Close::Hostile),
            };
            if let Some(command) = command
                && self.room.send(command).await.is_err()
            {
                return Some(Close::TryLater);
            }
            if let Some(wait) = self.pace.take(heard, bytes) {
                tokio::time::sleep(wait).await;
            }
        }
    }

    fn binary(&mut self, frame: Bytes) -> Result<Option<Command>, BatchError> {
        let assembled = self.assembler.binary(frame)?;
        Ok(self.whole(assembled))
    }

    fn text(&mut self, text: Utf8Bytes) -> Result<Option<Command>, BatchError> {
        match self.assembler.text(&text)? {
            Some(assembled) => Ok(self.whole(assembled)),
            None if text.len() > MOST_TEXT_BYTES => Err(BatchError::TooLarge),
            None => Ok(Some(Command::Text(self.connection, text.into()))),
        }
    }

    fn whole(&self, assembled: Assembled) -> Option<Command> {
        match assembled {
            Assembled::Message(message) => Some(Command::Binary(self.connection, message)),
            Assembled::Pending => None,
        }
    }
}

async fn write<S>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    outbox: Arc<Outbox>,
    room: Option<(ConnectionId, mpsc::Sender<Command>)>,
    metrics: Arc<Metrics>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    write_until_closed(&mut sink, &outbox, room, &metrics).await;
    outbox.end();
    // The peer may be gone, and then there is nothing to end.
    drop(timeout(CLOSE_PATIENCE, sink.close()).await);
}

async fn write_until_closed<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    outbox: &Outbox,
    room: Option<(ConnectionId, mpsc::Sender<Command>)>,
    metrics: &Metrics,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut ping = tokio::time::interval_at(Instant::now() + PING, PING);
    let mut unflushed = 0;
    loop {
        let message = match outbox.next() {
            Next::Binary(frame) => Message::Binary(frame),
            Next::Text(text) => match Utf8Bytes::try_from(text) {
                Ok(text) => Message::Text(text),
                Err(_) => continue,
            },
            Next::CatchUp => {
                let Some((connection, room)) = &room else {
                    return;
                };
                metrics.catch_ups.fetch_add(1, Ordering::Relaxed);
                if room.send(Command::CatchUp(*connection)).await.is_err() {
                    outbox.close(Close::TryLater);
                }
                continue;
            }
            Next::Close(close) => {
                metrics.closed.fetch_add(1, Ordering::Relaxed);
                let (code, reason) = close.code();
                let frame = CloseFrame {
                    code: code.into(),
                    reason: Utf8Bytes::from_static(reason),
                };
                // A peer that has gone already is not told.
                drop(timeout(CLOSE_PATIENCE, sink.send(Message::Close(Some(frame)))).await);
                return;
            }
            Next::Wait if unflushed > 0 => {
                if !sent(sink.flush()).await {
                    return;
                }
                unflushed = 0;
                continue;
            }
            Next::Wait => tokio::select! {
                () = outbox.ready() => continue,
                _ = ping.tick() => Message::Ping(Bytes::new()),
            },
        };
        let bytes = message.len();
        metrics.messages_out.fetch_add(1, Ordering::Relaxed);
        metrics.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
        unflushed += bytes.max(1);
        if !sent(sink.feed(message)).await {
            return;
        }
        if unflushed >= FLUSH_BYTES {
            if !sent(sink.flush()).await {
                return;
            }
            unflushed = 0;
        }
    }
}

/// Whether the peer took it in time.
async fn sent<E>(sending: impl Future<Output = Result<(), E>>) -> bool {
    matches!(timeout(STALL, sending).await, Ok(Ok(())))
}

/// How fast a peer is read: a burst at once, then its share.
#[derive(Debug)]
struct Pace {
    messages: f64,
    bytes: f64,
    at: Option<Instant>,
}

impl Pace {
    const MESSAGES: (f64, f64) = (2000.0, 600.0);
    const BYTES: (f64, f64) = ((96 << 20) as f64, (8 << 20) as f64);

    /// Counts a message; how long to wait before the next is read.
    fn take(&mut self, now: Instant, bytes: usize) -> Option<Duration> {
        let passed = self
            .at
            .map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        self.at = Some(now);
        let refill = |held: f64, (most, rate): (f64, f64)| passed.mul_add(rate, held).min(most);
        self.messages = refill(self.messages, Self::MESSAGES) - 1.0;
        self.bytes = refill(self.bytes, Self::BYTES) - bytes as f64;
        let debt = (-self.messages / Self::MESSAGES.1).max(-self.bytes / Self::BYTES.1);
        (debt > 0.0)
            .then(|| Duration::try_from_secs_f64(debt).ok())
            .flatten()
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            messages: Self::MESSAGES.0,
            bytes: Self::BYTES.0,
            at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_read_at_its_share() {
        let mut pace = Pace::default();
        let mut now = Instant::now();
        let start = now;
        for _ in 0..8000 {
            if let Some(wait) = pace.take(now, 100) {
                now += wait;
            }
        }
        let seconds = (now - start).as_secs_f64();
        assert!((9.9..10.1).contains(&seconds), "{seconds}");
    }
}

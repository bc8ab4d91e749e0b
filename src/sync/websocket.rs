//! The transport of the network: WebSocket over TCP, with TLS where the address asks for it.
//!
//! One runtime, whose thread is called `net`, serves all connections; each has one task that reads and
//! writes, and bounded queues to the thread that owns the document. A queue that is full makes the
//! task stop reading, and TCP passes that on. A handshake that is answered with something else than a
//! WebSocket is reported with its HTTP status and the beginning of its text.
//!
//! Must not know documents. Called by [`crate::session`] through [`super::link::Transport`]. Secrets
//! travel in a header and are never logged.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_with_config};

use super::batch::Frame;
use super::client::{Incoming, MAX_MESSAGE_BYTES, Outgoing};
use super::dialect::RoomAddress;
use super::link::{Transport, Wake};
use super::state::Closed;
use crate::util::id::fresh_uuid;

/// Messages that wait in either direction.
const QUEUE: usize = 128;
/// Bytes that wait for the owner before the task stops reading; one message may be larger.
const QUEUE_BYTES: u32 = 16 << 20;
/// How long the peer has to answer a Close.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// What a refused handshake says is kept up to this many bytes.
const MAX_SAID_BYTES: usize = 1024;
/// Long messages report that they are still coming.
const PROGRESS: Duration = Duration::from_secs(5);

/// The network's runtime. Dropping it drops every connection.
#[derive(Debug)]
pub struct Net {
    runtime: Option<Runtime>,
    tls: Arc<Tls>,
}

/// The TLS configuration, made when it is first needed: reading the system's certificates takes a
/// while.
#[derive(Debug, Default)]
struct Tls {
    config: OnceCell<Arc<rustls::ClientConfig>>,
}

impl Net {
    /// Starts the runtime's thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("net")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            tls: Arc::default(),
        })
    }

    /// The runtime, for what else lives on the network.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(Runtime::handle)
    }

    /// A transport to a room. `wake` is called when there is something to pump.
    #[must_use]
    pub fn websocket(&self, address: RoomAddress, wake: Wake) -> Option<WebSocketTransport> {
        Some(WebSocketTransport {
            handle: self.handle()?.clone(),
            tls: Arc::clone(&self.tls),
            address,
            wake,
            connection: None,
        })
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Long enough for farewells, no longer than a user waits for a window to close.
            runtime.shutdown_timeout(CLOSE_LIMIT);
        }
    }
}

/// The transport to a room on the network.
pub struct WebSocketTransport {
    handle: Handle,
    tls: Arc<Tls>,
    address: RoomAddress,
    wake: Wake,
    connection: Option<Connection>,
}

impl std::fmt::Debug for WebSocketTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocketTransport")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The owner's side of a connection's task.
struct Connection {
    out: mpsc::Sender<Outgoing>,
    inn: mpsc::Receiver<Report>,
    sender_waits: Arc<AtomicBool>,
    task: tokio::task::AbortHandle,
}

/// Something to tell the owner, and its share of the queue's bytes.
struct Report {
    incoming: Incoming,
    _bytes: Option<OwnedSemaphorePermit>,
}

impl WebSocketTransport {
    /// Where it leads.
    #[must_use]
    pub const fn address(&self) -> &RoomAddress {
        &self.address
    }

    /// Leads elsewhere, or with another token, from the next connection on.
    pub fn set_address(&mut self, address: RoomAddress) {
        self.address = address;
    }
}

impl Transport for WebSocketTransport {
    fn connect(&mut self) {
        if let Some(last) = self.connection.take() {
            last.task.abort();
        }
        let (out, out_rx) = mpsc::channel(QUEUE);
        let (inn_tx, inn) = mpsc::channel(QUEUE);
        let sender_waits = Arc::new(AtomicBool::new(false));
        let reporter = Reporter {
            reports: inn_tx,
            budget: Arc::new(Semaphore::new(QUEUE_BYTES as usize)),
            wake: Arc::clone(&self.wake),
        };
        let task = Task {
            // A fresh id for each socket: two of one id hide each other from the room.
            url: self.address.url(&fresh_uuid()).ok(),
            token: self.address.token.clone(),
            tls: Arc::clone(&self.tls),
            reporter,
            sender_waits: Arc::clone(&sender_waits),
        };
        let task = self.handle.spawn(task.run(out_rx)).abort_handle();
        self.connection = Some(Connection {
            out,
            inn,
            sender_waits,
            task,
        });
    }

    fn close(&mut self) {
        // The task sends what it has, says good-bye and ends by itself.
        self.connection = None;
    }

    fn can_send(&mut self) -> bool {
        let Some(connection) = &self.connection else {
            return true;
        };
        if connection.out.capacity() > 0 {
            return true;
        }
        connection.sender_waits.store(true, Ordering::SeqCst);
        // The task may have made room between the two.
        connection.out.capacity() > 0
    }

    fn send(&mut self, outgoing: Outgoing) {
        if let Some(connection) = &self.connection {
            // Full it is not (`can_send`); closed it will report.
            let sent = connection.out.try_send(outgoing);
            debug_assert!(
                !matches!(sent, Err(mpsc::error::TrySendError::Full(_))),
                "sent without asking whether there is room"
            );
        }
    }

    fn receive(&mut self) -> Option<Incoming> {
        let connection = self.connection.as_mut()?;
        match connection.inn.try_recv() {
            Ok(report) => Some(report.incoming),
            Err(mpsc::error::TryRecvError::Empty) => None,
            Err(mpsc::error::TryRecvError::Disconnected) => {
                self.connection = None;
                Some(Incoming::Closed(Closed::Lost {
                    why: "the connection ended".to_owned(),
                }))
            }
        }
    }
}

/// Tells the owner what happens.
#[derive(Clone)]
struct Reporter {
    reports: mpsc::Sender<Report>,
    budget: Arc<Semaphore>,
    wake: Wake,
}

impl Reporter {
    /// Waits while the owner has too much to read; `false`: it is gone.
    async fn tell(&self, incoming: Incoming) -> bool {
        let bytes = match &incoming {
            Incoming::Frame(frame) => u32::try_from(frame.len())
                .unwrap_or(u32::MAX)
                .clamp(1, QUEUE_BYTES),
            _ => 0,
        };
        let permit = if bytes == 0 {
            None
        } else {
            Arc::clone(&self.budget)
                .acquire_many_owned(bytes)
                .await
                .ok()
        };
        let report = Report {
            incoming,
            _bytes: permit,
        };
        let told = self.reports.send(report).await.is_ok();
        (self.wake)();
        told
    }

    /// A sign of life, if there is room for it.
    fn alive(&self) {
        let report = Report {
            incoming: Incoming::Alive,
            _bytes: None,
        };
        // Behind a full queue the owner sees frames, which say the same.
        if self.reports.try_send(report).is_ok() {
            (self.wake)();
        }
    }
}

type Socket = WebSocketStream<Counted<MaybeTlsStream<TcpStream>>>;

/// One connection.
struct Task {
    url: Option<String>,
    token: Option<String>,
    tls: Arc<Tls>,
    reporter: Reporter,
    sender_waits: Arc<AtomicBool>,
}

impl Task {
    async fn run(self, mut out: mpsc::Receiver<Outgoing>) {
        let received = Arc::new(AtomicU64::new(0));
        let opened = tokio::select! {
            opened = self.open(&received) => opened,
            // The owner gave up before the connection was there.
            () = gone(&self.reporter) => return,
        };
        let socket = match opened {
            Ok(socket) => socket,
            Err(closed) => {
                self.reporter.tell(Incoming::Closed(closed)).await;
                return;
            }
        };
        if !self.reporter.tell(Incoming::Opened).await {
            return;
        }
        let (sink, mut source) = socket.split();
        let writing = write(sink, &mut out, &self.sender_waits, &self.reporter.wake);
        let closed = {
            let reading = read(&mut source, &self.reporter, &received);
            tokio::pin!(reading);
            tokio::select! {
                closed = &mut reading => closed,
                written = writing => match written {
                    // Our Close is out: the peer's is waited for, but not for long.
                    Ok(()) => {
                        drop(timeout(CLOSE_LIMIT, reading).await);
                        None
                    }
                    Err(closed) => Some(closed),
                },
            }
        };
        if let Some(closed) = closed {
            self.reporter.tell(Incoming::Closed(closed)).await;
        }
    }

    async fn open(&self, received: &Arc<AtomicU64>) -> Result<Socket, Closed> {
        let url = self.url.as_ref().ok_or(Closed::Address)?;
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|_| Closed::Address)?;
        if let Some(token) = &self.token {
            let mut value =
                HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Closed::Address)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let uri = request.uri();
        let encrypts = uri.scheme_str() == Some("wss");
        let host = uri.host().ok_or(Closed::Address)?;
        let port = uri.port_u16().unwrap_or(if encrypts { 443 } else { 80 });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let lost = |why: &dyn std::fmt::Display| Closed::Lost {
            why: why.to_string(),
        };
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|e| lost(&e))?;
        // A cursor must not wait for the answer to the one before it.
        stream.set_nodelay(true).map_err(|e| lost(&e))?;
        let stream = if encrypts {
            let connector = TlsConnector::from(self.tls.config().await.map_err(|why| lost(&why))?);
            let name = ServerName::try_from(host.to_owned()).map_err(|_| Closed::Address)?;
            let secured = connector.connect(name, stream).await;
            MaybeTlsStream::Rustls(secured.map_err(|e| lost(&e))?)
        } else {
            MaybeTlsStream::Plain(stream)
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(32 << 10)
            .write_buffer_size(32 << 10)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let counted = Counted {
            inner: Arc::new(Mutex::new(stream)),
            received: Arc::clone(received),
        };
        let kept = counted.clone();
        match client_async_with_config(request, counted, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(Closed::Status {
                status: response.status().as_u16(),
                said: said(&response, kept).await,
            }),
            Err(other) => Err(lost(&other)),
        }
    }
}

/// The beginning of a refusal's body. Some of it came with the head, the rest may be on its way.
async fn said(
    response: &tungstenite::http::Response<Option<Vec<u8>>>,
    rest: Counted<MaybeTlsStream<TcpStream>>,
) -> String {
    let mut body = response.body().clone().unwrap_or_default();
    let length = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(MAX_SAID_BYTES)
        .min(MAX_SAID_BYTES);
    let missing = length.saturating_sub(body.len()) as u64;
    if missing > 0 {
        // What comes in time is enough.
        drop(timeout(CLOSE_LIMIT, rest.take(missing).read_to_end(&mut body)).await);
    }
    body.truncate(length);
    String::from_utf8_lossy(&body).into_owned()
}

/// Until the owner has dropped its side.
async fn gone(reporter: &Reporter) {
    reporter.reports.closed().await;
}

/// Sends until the owner has dropped its side, then says good-bye.
async fn write(
    mut sink: SplitSink<Socket, Message>,
    out: &mut mpsc::Receiver<Outgoing>,
    sender_waits: &AtomicBool,
    wake: &Wake,
) -> Result<(), Closed> {
    let lost = |error: tungstenite::Error| Closed::Lost {
        why: error.to_string(),
    };
    while let Some(first) = out.recv().await {
        let mut next = Some(first);
        while let Some(outgoing) = next {
            sink.feed(message(outgoing)).await.map_err(lost)?;
            next = out.try_recv().ok();
        }
        sink.flush().await.map_err(lost)?;
        if sender_waits.swap(false, Ordering::SeqCst) {
            wake();
        }
    }
    // The peer may be gone already.
    drop(timeout(CLOSE_LIMIT, sink.close()).await);
    Ok(())
}

fn message(outgoing: Outgoing) -> Message {
    match outgoing {
        Outgoing::Frame(Frame::Binary(bytes)) => Message::Binary(bytes),
        Outgoing::Frame(Frame::Text(text)) => Message::Text(text.into()),
        Outgoing::Ping => Message::Ping(bytes::Bytes::new()),
    }
}

/// Reads until the connection ends; `None`: the owner has gone.
async fn read(
    source: &mut SplitStream<Socket>,
    reporter: &Reporter,
    received: &AtomicU64,
) -> Option<Closed> {
    let mut seen = received.load(Ordering::Relaxed);
    loop {
        let Ok(next) = timeout(PROGRESS, source.next()).await else {
            let now = received.load(Ordering::Relaxed);
            if now != seen {
                seen = now;
                reporter.alive();
            }
            continue;
        };
        let incoming = match next {
            Some(Ok(Message::Binary(bytes))) => Incoming::Frame(Frame::Binary(bytes)),
            Some(Ok(Message::Text(text))) => Incoming::Frame(Frame::Text(text.as_str().to_owned())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                reporter.alive();
                continue;
            }
            Some(Ok(Message::Close(None))) | None => {
                return Some(Closed::Lost {
                    why: "the server closed the connection".to_owned(),
                });
            }
            Some(Ok(Message::Close(Some(close)))) => {
                return Some(Closed::Code {
                    code: close.code.into(),
                    said: close.reason.as_str().to_owned(),
                });
            }
            Some(Err(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                return Some(Closed::TooMuch);
            }
            Some(Err(error)) => {
                return Some(Closed::Lost {
                    why: error.to_string(),
                });
            }
        };
        if !reporter.tell(incoming).await {
            return None;
        }
    }
}

impl Tls {
    async fn config(&self) -> Result<Arc<rustls::ClientConfig>, String> {
        self.config
            .get_or_try_init(|| async {
                tokio::task::spawn_blocking(tls_config)
                    .await
                    .map_err(|error| error.to_string())?
                    .map(Arc::new)
            })
            .await
            .map(Arc::clone)
    }
}

/// TLS 1.2 and 1.3 with the certificates that this system trusts.
fn tls_config() -> Result<rustls::ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err("this system has no certificates to check a server's with".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// A stream that is read by one after the other, and counts what is received, so that a message of
/// many megabytes over a slow line shows that the connection lives.
struct Counted<S> {
    inner: Arc<Mutex<S>>,
    received: Arc<AtomicU64>,
}

impl<S> Clone for Counted<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            received: Arc::clone(&self.received),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut *self.inner.lock()).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        self.received.fetch_add(read as u64, Ordering::Relaxed);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut *self.inner.lock()).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut *self.inner.lock()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut *self.inner.lock()).poll_shutdown(cx)
    }
}

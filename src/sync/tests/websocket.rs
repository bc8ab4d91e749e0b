//! The network's transport against real sockets on loopback.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use super::super::batch::Frame;
use super::super::client::{Incoming, Outgoing};
use super::super::dialect::RoomAddress;
use super::super::link::Transport;
use super::super::websocket::{Net, WebSocketTransport};
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

struct Socket {
    transport: WebSocketTransport,
    woken: Receiver<()>,
}

impl Socket {
    fn new(net: &Net, port: u16) -> Self {
        let (tell, woken) = bounded(1);
        let wake: Wake = Arc::new(move || _ = tell.try_send(()));
        let host = format!("127.0.0.1:{port}");
        let mut address = RoomAddress::new(Dialect::YPartyKit, &host, "game_session", "r");
        address.token = Some("s3cret".to_owned());
        Self {
            transport: net.websocket(address, wake).unwrap(),
            woken,
        }
    }

    fn next(&mut self) -> Incoming {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(incoming) = self.transport.receive() {
                return incoming;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(self.woken.recv_timeout(left).is_ok(), "nothing came");
        }
    }
}

/// A listener on loopback that hands each connection to `serve`, in order.
fn listen<F, R>(net: &Net, serve: F) -> u16
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let handle = net.handle().unwrap();
    let listener = handle.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    handle.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    port
}

#[test]
fn frames_go_both_ways_and_the_end_is_told_with_its_code() {
    let net = Net::start().unwrap();
    let port = listen(&net, |stream| async move {
        let config = WebSocketConfig::default().max_frame_size(None);
        let accepted = tokio_tungstenite::accept_async_with_config(stream, Some(config));
        let mut socket = accepted.await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Wire::Binary(bytes) => socket.send(Wire::Binary(bytes)).await.unwrap(),
                Wire::Text(_) => {
                    let close = CloseFrame {
                        code: 4003.into(),
                        reason: "kicked".into(),
                    };
                    socket.close(Some(close)).await.unwrap();
                }
                _ => {}
            }
        }
    });
    let mut socket = Socket::new(&net, port);
    for _ in 0..2 {
        socket.transport.connect();
        assert_eq!(socket.next(), Incoming::Opened);
        // Larger than the library's own limit for a frame.
        let large = Frame::Binary(vec![7; 20 << 20].into());
        for frame in [Frame::Binary(vec![1, 2, 3].into()), large] {
            assert!(socket.transport.can_send());
            socket.transport.send(Outgoing::Frame(frame.clone()));
            // Not by `assert_eq`: nobody wants to read 20 MiB.
            assert!(socket.next() == Incoming::Frame(frame));
        }
        socket.transport.send(Outgoing::Ping);
        assert_eq!(socket.next(), Incoming::Alive);
        socket
            .transport
            .send(Outgoing::Frame(Frame::Text("bye".into())));
        let said = "kicked".to_owned();
        assert_eq!(
            socket.next(),
            Incoming::Closed(Closed::Code { code: 4003, said })
        );
    }
}

#[test]
fn a_refused_handshake_tells_its_status_and_text() {
    let net = Net::start().unwrap();
    let (tell, asked) = bounded(1);
    let port = listen(&net, move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap();
            head.truncate(read);
            drop(tell.try_send(String::from_utf8(head).unwrap()));
            // In pieces, as a proxy may hand it on.
            let head = "HTTP/1.1 403 Forbidden\r\ncontent-length: 9\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.write_all(b"wrong one").await.unwrap();
        }
    });
    let mut socket = Socket::new(&net, port);
    socket.transport.connect();
    let refused = Closed::Status {
        status: 403,
        said: "wrong one".to_owned(),
    };
    assert_eq!(socket.next(), Incoming::Closed(refused));
    let head = asked.recv_timeout(PATIENCE).unwrap();
    let path = head.lines().next().unwrap();
    assert!(
        path.starts_with("GET /parties/game_session/r?_pk="),
        "{path}"
    );
    assert!(
        path.contains("&tableglow=1 ") && !path.contains("s3cret"),
        "{path}"
    );
    assert!(head.to_lowercase().contains("authorization: bearer s3cret"));
    drop(asked);
    // Nobody listens: said as well, and at once.
    let closed = listen(&net, |_| std::future::pending());
    let mut nobody = Socket::new(&net, 1);
    nobody.transport.connect();
    assert!(matches!(
        nobody.next(),
        Incoming::Closed(Closed::Lost { .. })
    ));
    let _ = closed;
}

#[test]
fn a_peer_that_does_not_read_makes_us_wait_and_a_cut_is_noticed() {
    let net = Net::start().unwrap();
    let (release, released) = tokio::sync::mpsc::channel::<()>(1);
    let released = Arc::new(tokio::sync::Mutex::new(released));
    let port = listen(&net, move |stream| {
        let released = Arc::clone(&released);
        async move {
            let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            released.lock().await.recv().await;
            drop(socket);
        }
    });
    let mut socket = Socket::new(&net, port);
    socket.transport.connect();
    assert_eq!(socket.next(), Incoming::Opened);
    let frame = Frame::Binary(vec![0; 1 << 20].into());
    let mut sent = 0;
    let end = Instant::now() + PATIENCE;
    // Full is full only when the task has had time to take what it can.
    let mut full_since = None;
    loop {
        assert!(Instant::now() < end && sent < 400, "{sent} MiB were taken");
        if socket.transport.can_send() {
            socket.transport.send(Outgoing::Frame(frame.clone()));
            (sent, full_since) = (sent + 1, None);
        } else if full_since.get_or_insert_with(Instant::now).elapsed() > Duration::from_millis(300)
        {
            break;
        } else {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    release.try_send(()).unwrap();
    assert!(matches!(
        socket.next(),
        Incoming::Closed(Closed::Lost { .. })
    ));
}

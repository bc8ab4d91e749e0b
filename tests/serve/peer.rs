//! A client of one room, on a real socket.

use std::collections::BTreeSet;
#[cfg(unix)]
use std::io::Read as _;
use std::net::TcpStream;
#[cfg(unix)]
use std::process::Command;
use std::time::Instant;

use tableglow::doc::{GameDoc, Origin};
use tableglow::model::edit::{Edit, RowRef};
use tableglow::model::id::{GameSessionId, SceneId};
use tableglow::sync::protocol::{AwarenessEntry, Message, SyncMessage, awareness_frame};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::HandshakeError;
use tokio_tungstenite::tungstenite::{self, WebSocket};

use super::serving::{PATIENCE, Serve};

pub(crate) const ROOM: &str = "/parties/game_session/cellar";

impl Serve {
    pub(crate) fn connect(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Peer, u16> {
        let mut request = format!("ws://{}{path}", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Peer {
                socket,
                doc: GameDoc::create(&GameSessionId::new("cellar")),
                durable: 0,
                sent: 0,
                texts: Vec::new(),
                shown: Vec::new(),
                heard: Vec::new(),
            }),
            Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn guest(&self) -> Peer {
        let mut peer = self
            .connect(&format!("{ROOM}?_pk=x&tableglow=1"), &[])
            .unwrap();
        peer.sync();
        peer
    }

    /// Ends it as the system would.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (status.code(), said)
    }
}

/// A client of one room.
pub(crate) struct Peer {
    socket: WebSocket<TcpStream>,
    pub(crate) doc: GameDoc,
    pub(crate) durable: u64,
    pub(crate) sent: u64,
    pub(crate) texts: Vec<String>,
    pub(crate) shown: Vec<(u64, String)>,
    /// Every byte that it was sent.
    pub(crate) heard: Vec<Vec<u8>>,
}

impl Peer {
    pub(crate) fn send(&mut self, message: &Message<'_>) {
        if matches!(
            message,
            Message::Sync(SyncMessage::Step2(_) | SyncMessage::Update(_))
        ) {
            self.sent += 1;
        }
        self.socket
            .send(tungstenite::Message::binary(message.encode()))
            .unwrap();
    }

    /// The first words of both sides.
    pub(crate) fn sync(&mut self) {
        let has = self.doc.replica().state_vector();
        self.doc.replica_mut().take_updates();
        self.send(&Message::Sync(SyncMessage::Step1(&has)));
        while !self.hear_one() {}
        let before = self.sent;
        self.wait_until(|peer| peer.sent > before || peer.sent > 0);
    }

    /// Reads a message; whether it was the answer to what this side has.
    pub(crate) fn hear_one(&mut self) -> bool {
        let message = self.socket.read().unwrap();
        self.heard.push(message.clone().into_data().to_vec());
        match message {
            tungstenite::Message::Binary(frame) => match Message::decode(&frame).unwrap() {
                Message::Sync(SyncMessage::Step1(has)) => {
                    let missing = self.doc.replica().encode_missing(has).unwrap();
                    self.send(&Message::Sync(SyncMessage::Step2(&missing)));
                }
                Message::Sync(
                    message @ (SyncMessage::Step2(update) | SyncMessage::Update(update)),
                ) => {
                    self.doc
                        .replica_mut()
                        .apply_update(update, Origin::Remote(1))
                        .unwrap();
                    self.doc.replica_mut().take_updates();
                    return matches!(message, SyncMessage::Step2(_));
                }
                Message::Durable { messages, .. } => self.durable = messages,
                Message::Awareness(update) => {
                    for entry in update.entries() {
                        self.shown.push((entry.client, entry.json.to_owned()));
                    }
                }
                other => panic!("{other:?}"),
            },
            tungstenite::Message::Text(text) => self.texts.push(text.to_string()),
            tungstenite::Message::Close(_) => panic!("closed"),
            _ => {}
        }
        false
    }

    pub(crate) fn wait_until(&mut self, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < end, "it never came");
            self.hear_one();
        }
    }

    pub(crate) fn create(&mut self, scene: &str) {
        let create = Edit::Create {
            row: RowRef::Scene(SceneId::new(scene)),
            values: vec![],
        };
        self.doc.apply(&[create], Origin::Local(1));
        for update in self.doc.replica_mut().take_updates() {
            self.send(&Message::Sync(SyncMessage::Update(&update.bytes)));
        }
    }

    pub(crate) fn scenes(&self) -> BTreeSet<String> {
        self.doc
            .scene_ids()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    pub(crate) fn show(&mut self, client: u64, clock: u64, json: &str) {
        let entry = AwarenessEntry {
            client,
            clock,
            json,
        };
        let frame = awareness_frame([entry]);
        self.socket
            .send(tungstenite::Message::binary(frame))
            .unwrap();
    }
}

//! A room whose document somebody in this process keeps: "host this game" in the app.
//!
//! The owner is a connection like any other, over [`crate::sync::memory`]; the room has no store of its
//! own, begins with the owner's document and ends when the owner leaves. What guests change reaches
//! the owner as from any room, and the owner's log is the one store.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};

use super::ConnectionId;
use super::access::Role;
use super::driver::{self, Command};
use super::host::{Host, Unavailable};
use super::name::RoomName;
use super::outbox::{Next, Outbox};
use super::room::Join;
use crate::sync::batch::{Assembled, Assembler, Frame};
use crate::sync::memory::{End, Received};

/// The longest message of an owner.
const MOST_MESSAGE_BYTES: usize = 256 << 20;

impl Host {
    /// Opens a room with the owner's whole document (one update) and lets guests in. `end` is the
    /// server's end of the owner's connection; the room ends when the owner closes the other one.
    ///
    /// # Errors
    /// When the bytes are no document, or the room is hosted already.
    pub async fn offer(
        self: &Arc<Self>,
        name: &RoomName,
        document: Vec<u8>,
        end: End,
    ) -> Result<(), Unavailable> {
        let room = self.open_offered(name, document)?;
        let connection = self.next_connection();
        let outbox = Arc::new(Outbox::default());
        let join = Join {
            connection,
            role: Role::Dm,
            user: None,
            takes_text: true,
            wants_durable: false,
            text_first: false,
            outbox: Arc::clone(&outbox),
        };
        let (reply, joined) = oneshot::channel();
        let sent = room.send(Command::Join(join, reply)).await;
        if sent.is_err() || joined.await.is_err() {
            return Err(Unavailable);
        }
        let (host, name) = (Arc::clone(self), name.clone());
        tokio::spawn(async move {
            carry(&end, connection, &room, &outbox).await;
            end.close();
            host.withdraw(&name);
            driver::stop(&room).await;
        });
        Ok(())
    }
}

/// Carries messages both ways until one side has ended.
async fn carry(end: &End, connection: ConnectionId, room: &mpsc::Sender<Command>, outbox: &Outbox) {
    let news = Arc::new(Notify::new());
    let woken = Arc::clone(&news);
    end.set_wake(&(Arc::new(move || woken.notify_one()) as crate::sync::link::Wake));
    let mut assembler = Assembler::new(MOST_MESSAGE_BYTES);
    loop {
        loop {
            let assembled = match end.receive() {
                Received::Frame(Frame::Binary(frame)) => assembler.binary(frame).map(Some),
                Received::Frame(Frame::Text(text)) => assembler.text(&text),
                Received::Nothing => break,
                Received::Closed => return,
            };
            let command = match assembled {
                Ok(Some(Assembled::Message(message))) => Command::Binary(connection, message),
                Ok(Some(Assembled::Pending) | None) => continue,
                Err(_) => return,
            };
            if room.send(command).await.is_err() {
                return;
            }
        }
        while end.can_send() {
            match outbox.next() {
                Next::Binary(frame) => end.send(Frame::Binary(frame)),
                Next::Text(text) => {
                    end.send(Frame::Text(String::from_utf8_lossy(&text).into_owned()));
                }
                Next::CatchUp => {
                    if room.send(Command::CatchUp(connection)).await.is_err() {
                        return;
                    }
                }
                Next::Close(_) => return,
                Next::Wait => break,
            }
        }
        tokio::select! {
            () = news.notified() => {}
            () = outbox.ready() => {}
        }
    }
}

//! A model of a y-partykit room with a disk: what it has written survives a crash, what it has not is
//! lost, and it says which is which as our server does.

use std::collections::VecDeque;

use super::super::batch::{Assembled, Assembler, Frame};
use super::super::memory::{End, Received};
use super::super::protocol::{AwarenessEntry, Message, SyncMessage, awareness_frame};
use super::session;
use crate::doc::{GameDoc, Origin};

pub(super) struct Room {
    doc: GameDoc,
    /// On disk; what is behind it is lost in a crash.
    written: Vec<Vec<u8>>,
    unwritten: Vec<Vec<u8>>,
    members: Vec<Member>,
    pub(super) echoes: bool,
    pub(super) tells_durable: bool,
    /// Sync messages that were handled.
    pub(super) handled: u64,
    /// The bytes of all frames, both ways.
    pub(super) bytes: u64,
    /// Awareness entries that were heard.
    pub(super) heard: Vec<(u64, u64, String)>,
}

struct Member {
    end: End,
    assembler: Assembler,
    messages: u64,
    waiting: VecDeque<Frame>,
}

impl Member {
    fn send(&mut self, frame: Vec<u8>) -> u64 {
        let len = frame.len() as u64;
        self.waiting.push_back(Frame::Binary(frame.into()));
        len
    }
}

impl Room {
    pub(super) fn new(seed: &[u8]) -> Self {
        Self {
            doc: GameDoc::open(&session(), [seed]).unwrap(),
            written: vec![seed.to_vec()],
            unwritten: Vec::new(),
            members: Vec::new(),
            echoes: true,
            tells_durable: true,
            handled: 0,
            bytes: 0,
            heard: Vec::new(),
        }
    }

    pub(super) fn doc(&self) -> &GameDoc {
        &self.doc
    }

    /// What would be left after a crash now.
    pub(super) fn on_disk(&self) -> GameDoc {
        GameDoc::open(&session(), self.written.iter().map(|update| &**update)).unwrap()
    }

    pub(super) fn member_count(&self) -> usize {
        self.members.len()
    }

    pub(super) fn join(&mut self, end: End) {
        let mut member = Member {
            end,
            assembler: Assembler::new(64 << 20),
            messages: 0,
            waiting: VecDeque::new(),
        };
        let state = self.doc.replica().state_vector();
        self.bytes += member.send(Message::Sync(SyncMessage::Step1(&state)).encode());
        self.members.push(member);
    }

    /// A text to everybody, as a POST to the room sends it.
    pub(super) fn broadcast_text(&mut self, text: &str) {
        for member in &mut self.members {
            member.waiting.push_back(Frame::Text(text.to_owned()));
        }
    }

    /// Anything at all to everybody.
    pub(super) fn broadcast(&mut self, frame: &[u8]) {
        for member in &mut self.members {
            member.send(frame.to_vec());
        }
    }

    /// Handles what has come and sends what can be sent.
    pub(super) fn step(&mut self) {
        let mut index = 0;
        while index < self.members.len() {
            let mut stays = true;
            loop {
                let received = self.members[index].end.receive();
                match received {
                    Received::Frame(frame) => {
                        self.bytes += frame.len() as u64;
                        stays &= self.frame(index, frame);
                    }
                    Received::Nothing => break,
                    Received::Closed => {
                        stays = false;
                        break;
                    }
                }
                if !stays {
                    break;
                }
            }
            if stays {
                index += 1;
            } else {
                self.members.remove(index);
            }
        }
        for member in &mut self.members {
            while member.end.can_send()
                && let Some(frame) = member.waiting.pop_front()
            {
                member.end.send(frame);
            }
        }
    }

    fn frame(&mut self, from: usize, frame: Frame) -> bool {
        let assembler = &mut self.members[from].assembler;
        let assembled = match frame {
            Frame::Binary(bytes) => assembler.binary(bytes),
            Frame::Text(text) => match assembler.text(&text) {
                Ok(assembled) => Ok(assembled.unwrap_or(Assembled::Pending)),
                Err(error) => Err(error),
            },
        };
        match assembled {
            Ok(Assembled::Message(bytes)) => {
                self.message(from, &bytes);
                true
            }
            Ok(Assembled::Pending) => true,
            Err(_) => false,
        }
    }

    fn message(&mut self, from: usize, bytes: &[u8]) {
        match Message::decode(bytes) {
            Ok(Message::Sync(SyncMessage::Step1(state))) => {
                let missing = self.doc.replica().encode_missing(state).unwrap();
                let answer = Message::Sync(SyncMessage::Step2(&missing)).encode();
                self.bytes += self.members[from].send(answer);
            }
            Ok(Message::Sync(SyncMessage::Step2(update) | SyncMessage::Update(update))) => {
                self.handled += 1;
                self.members[from].messages += 1;
                let origin = Origin::Remote(from as u64);
                self.doc.replica_mut().apply_update(update, origin).unwrap();
                for update in self.doc.replica_mut().take_updates() {
                    let frame = Message::Sync(SyncMessage::Update(&update.bytes)).encode();
                    for (index, member) in self.members.iter_mut().enumerate() {
                        if index != from || self.echoes {
                            self.bytes += member.send(frame.clone());
                        }
                    }
                }
                self.unwritten.push(update.to_vec());
            }
            Ok(Message::Awareness(update)) => {
                for entry in update.entries() {
                    let heard = (entry.client, entry.clock, entry.json.to_owned());
                    self.heard.push(heard);
                }
                let frame = awareness_frame(update.entries());
                for member in &mut self.members {
                    self.bytes += member.send(frame.clone());
                }
            }
            _ => panic!("a client sent what is no message: {bytes:?}"),
        }
    }

    /// Somebody else's cursor.
    pub(super) fn show(&mut self, client: u64, clock: u64, json: &str) {
        let frame = awareness_frame([AwarenessEntry {
            client,
            clock,
            json,
        }]);
        self.broadcast(&frame);
    }

    /// Writes everything to disk and says so.
    pub(super) fn write(&mut self) {
        self.written.append(&mut self.unwritten);
        if !self.tells_durable {
            return;
        }
        let state_vector = self.doc.replica().state_vector();
        for member in &mut self.members {
            let messages = member.messages;
            let durable = Message::Durable {
                messages,
                state_vector: &state_vector,
            };
            member.send(durable.encode());
        }
    }

    /// Ends every connection; what is on its way is lost.
    pub(super) fn cut(&mut self, which: Option<usize>) {
        match which {
            Some(index) if index < self.members.len() => self.members.remove(index).end.cut(),
            Some(_) => {}
            None => self.members.drain(..).for_each(|member| member.end.cut()),
        }
    }

    /// Writes, ends and begins again.
    pub(super) fn restart(&mut self) {
        self.write();
        self.crash();
    }

    /// Ends without warning and begins again with what is on disk.
    pub(super) fn crash(&mut self) {
        self.cut(None);
        self.unwritten.clear();
        self.doc = self.on_disk();
    }
}

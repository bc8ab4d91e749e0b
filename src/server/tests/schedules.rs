//! Random schedules of a room and its guests: late and lost connections, guests that do not read, a
//! disk that is slow or refuses, crashes of the server. However it goes, all who are there at the end
//! hold the same, and no edit that was acknowledged is lost.
//!
//! `TABLEGLOW_ROOM_SCHEDULES` asks for more of them, `TABLEGLOW_ROOM_SEED` for a certain one.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;

const SCHEDULES: u64 = 12;
const STEPS: usize = 250;

/// A client: its document, and the connection it has at the moment.
struct Peer {
    doc: GameDoc,
    link: Option<Link>,
}

struct Link {
    guest: Guest,
    /// What it has sent that the server has not read yet.
    on_the_way: Vec<Vec<u8>>,
    /// The scenes of each document message of this connection.
    sent: Vec<Vec<String>>,
    /// What the server said it has, while the answer lacks updates that wait for others here.
    unanswered: Option<Vec<u8>>,
}

struct World {
    table: Table,
    peers: Vec<Peer>,
    rng: StdRng,
    scenes: usize,
    acknowledged: BTreeSet<String>,
    received: usize,
    crashes: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let peers = (0..rng.random_range(2..=6)).map(|_| Peer::new()).collect();
        Self {
            table: Table::new(),
            peers,
            rng,
            scenes: 0,
            acknowledged: BTreeSet::new(),
            received: 0,
            crashes: 0,
        }
    }

    fn step(&mut self) {
        let who = self.rng.random_range(0..self.peers.len());
        match self.rng.random_range(0..100) {
            0..30 => self.edit(who),
            30..55 => self.server_reads(who),
            55..75 => self.peer_reads(who),
            75..82 => self.connect(who),
            82..86 => self.cut(who),
            86..88 => {
                // Gone for ever, with everything that was not acknowledged.
                self.cut(who);
                self.peers[who] = Peer::new();
            }
            88..95 => self.table.log.commit(),
            95..97 => {
                let mut disk = self.table.log.0.lock();
                disk.refuses = !disk.refuses;
            }
            97..98 => self.crash(),
            _ => self.table.wait(ms(1500)),
        }
        let time = ms(self.rng.random_range(0..12));
        self.table.wait(time);
    }

    fn edit(&mut self, who: usize) {
        let peer = &mut self.peers[who];
        let scene = format!("scene{}", self.scenes);
        self.scenes += 1;
        let create = Edit::Create {
            row: RowRef::Scene(SceneId::new(&scene)),
            values: vec![],
        };
        peer.doc.apply(&[create], Origin::Local(1));
        let updates = peer.doc.replica_mut().take_updates();
        let Some(link) = &mut peer.link else { return };
        for update in updates {
            link.on_the_way
                .push(Message::Sync(SyncMessage::Update(&update.bytes)).encode());
            link.sent.push(vec![scene.clone()]);
        }
    }

    fn connect(&mut self, who: usize) {
        if self.peers[who].link.is_some() {
            return;
        }
        let guest = self
            .table
            .guest_with(Role::Dm, |join| join.wants_durable = true);
        let peer = &mut self.peers[who];
        peer.doc.replica_mut().take_updates();
        let has = peer.doc.replica().state_vector();
        peer.link = Some(Link {
            guest,
            on_the_way: vec![Message::Sync(SyncMessage::Step1(&has)).encode()],
            sent: Vec::new(),
            unanswered: None,
        });
    }

    fn cut(&mut self, who: usize) {
        if let Some(link) = self.peers[who].link.take() {
            self.table.leave(&link.guest);
        }
    }

    fn server_reads(&mut self, who: usize) {
        let Some(link) = &mut self.peers[who].link else {
            return;
        };
        let count = self.rng.random_range(0..=link.on_the_way.len());
        let frames: Vec<_> = link.on_the_way.drain(..count).collect();
        let connection = link.guest.connection;
        for frame in frames {
            let now = self.table.now;
            self.table.room.receive(now, connection, &frame.into());
        }
    }

    fn peer_reads(&mut self, who: usize) {
        let Some(link) = self.peers[who].link.take() else {
            return;
        };
        let got = self.table.read(&link.guest);
        let peer = &mut self.peers[who];
        let link = peer.link.insert(link);
        let doc = &mut peer.doc;
        for message in got {
            self.received += 1;
            if let Some(update) = message.update() {
                doc.replica_mut()
                    .apply_update(update, Origin::Remote(1))
                    .unwrap();
                doc.replica_mut().take_updates();
                if !doc.replica().waits_for_updates()
                    && let Some(has) = link.unanswered.take()
                {
                    link.answer(doc, has);
                }
            }
            match message {
                Got::Step1(has) => link.answer(doc, has),
                Got::Durable(messages, _) => {
                    let messages = usize::try_from(messages).unwrap();
                    let durable = link.sent.iter().take(messages).flatten().cloned();
                    self.acknowledged.extend(durable);
                }
                _ => {}
            }
        }
    }

    fn crash(&mut self) {
        self.crashes += 1;
        for peer in &mut self.peers {
            peer.link = None;
        }
        let left = self.table.log.after_crash();
        self.table = Table::with(left, false);
    }

    /// Everybody comes back and hears everything.
    fn settle(&mut self) {
        self.table.log.0.lock().refuses = false;
        self.table.log.0.lock().eager = true;
        for who in 0..self.peers.len() {
            self.connect(who);
        }
        for _ in 0..6 {
            for who in 0..self.peers.len() {
                if let Some(link) = &mut self.peers[who].link {
                    let frames = std::mem::take(&mut link.on_the_way);
                    let connection = link.guest.connection;
                    for frame in frames {
                        let now = self.table.now;
                        self.table.room.receive(now, connection, &frame.into());
                    }
                }
            }
            // What was written before the disk became eager waits for it too.
            self.table.log.commit();
            self.table.wait(ms(1100));
            for who in 0..self.peers.len() {
                self.peer_reads(who);
            }
        }
    }
}

impl Link {
    /// What the server lacks; again, as clients of ours do, when updates that waited here for others
    /// no longer do.
    fn answer(&mut self, doc: &GameDoc, has: Vec<u8>) {
        let missing = doc.replica().encode_missing(&has).unwrap();
        let answer = Message::Sync(SyncMessage::Step2(&missing));
        self.on_the_way.push(answer.encode());
        let scenes = doc.scene_ids();
        self.sent
            .push(scenes.iter().map(ToString::to_string).collect());
        self.unanswered = doc.replica().waits_for_updates().then_some(has);
    }
}

impl Peer {
    fn new() -> Self {
        Self {
            doc: GameDoc::create(&GameSessionId::new("game")),
            link: None,
        }
    }

    fn scenes(&self) -> BTreeSet<String> {
        self.doc
            .scene_ids()
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}

#[test]
fn whatever_happens_all_agree_and_nothing_acknowledged_is_lost() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let one = number("TABLEGLOW_ROOM_SEED");
    let seeds = match one {
        Some(seed) => seed..seed + 1,
        None => 0..number("TABLEGLOW_ROOM_SCHEDULES").unwrap_or(SCHEDULES),
    };
    let (mut received, mut acknowledged, mut crashes) = (0, 0, 0);
    for seed in seeds {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.settle();
        let scenes = world.peers[0].scenes();
        for peer in &world.peers {
            assert_eq!(peer.scenes(), scenes, "seed {seed}: peers differ");
            let knows = |peer: &Peer| clocks(&peer.doc.replica().state_vector());
            assert_eq!(knows(peer), knows(&world.peers[0]), "seed {seed}");
        }
        let lost: Vec<_> = world.acknowledged.difference(&scenes).collect();
        assert!(
            lost.is_empty(),
            "seed {seed}: acknowledged and lost: {lost:?}"
        );
        assert!(world.table.room.is_saved(), "seed {seed}");
        received += world.received;
        acknowledged += world.acknowledged.len();
        crashes += world.crashes;
    }
    // A simulation in which nothing happens proves nothing.
    let counts = (received, acknowledged, crashes);
    assert!(
        one.is_some() || received > 200 && acknowledged > 100 && crashes > 0,
        "{counts:?}"
    );
}

//! Our client, driven as the app drives it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use serde_json::Value as Json;

use tableglow::doc::{GameDoc, Origin};
use tableglow::model::edit::{Assignment, Edit, RowRef};
use tableglow::model::id::{GameSessionId, RowId, SceneId};
use tableglow::model::marker;
use tableglow::sync::client::Event;
use tableglow::sync::dialect::{Dialect, RoomAddress};
use tableglow::sync::link::{RoomLink, Transport, Wake};
use tableglow::sync::state::{ConnectionState, Refusal};
use tableglow::sync::websocket::Net;
use tableglow::util::clock::{Clock, SystemClock};

/// What a slow machine may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const FROM_ROOM: Origin = Origin::Remote(1);

pub(crate) struct Us {
    pub(crate) doc: GameDoc,
    pub(crate) link: RoomLink,
    pub(crate) events: Vec<Event>,
    pub(crate) generation: u64,
    woken: Receiver<()>,
    clock: Arc<dyn Clock>,
}

impl Us {
    /// With an empty document, over the network.
    pub(crate) fn join(net: &Net, address: RoomAddress) -> Self {
        let doc = GameDoc::open(&session(), std::iter::empty()).unwrap();
        let dialect = address.dialect;
        Self::over(dialect, doc, |wake| {
            Box::new(net.websocket(address, wake).unwrap())
        })
    }

    /// With a new game of one scene, over the network.
    pub(crate) fn begin(net: &Net, address: RoomAddress) -> Self {
        let dialect = address.dialect;
        let mut us = Self::over(dialect, GameDoc::create(&session()), |wake| {
            Box::new(net.websocket(address, wake).unwrap())
        });
        us.until("a live room", |us| us.is_live());
        us.edit(Edit::Create {
            row: RowRef::Scene(cave()),
            values: Vec::new(),
        });
        us
    }

    /// With this document, over this transport.
    pub(crate) fn over(
        dialect: Dialect,
        doc: GameDoc,
        transport: impl FnOnce(Wake) -> Box<dyn Transport>,
    ) -> Self {
        let (tell, woken) = bounded(1);
        let wake = Arc::new(move || _ = tell.try_send(()));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let mut link = RoomLink::new(
            dialect,
            FROM_ROOM,
            doc.replica().client_id(),
            7,
            transport(wake),
            Arc::clone(&clock),
        );
        link.connect();
        Self {
            doc,
            link,
            events: Vec::new(),
            generation: 0,
            woken,
            clock,
        }
    }

    pub(crate) fn pump(&mut self) {
        self.events.extend(self.link.pump(self.doc.replica_mut()));
        self.share();
    }

    fn share(&mut self) {
        let updates = self.doc.replica_mut().take_updates();
        let doc = self.doc.replica();
        if self.link.share(doc, self.generation + 1, &updates) {
            self.generation += 1;
        }
    }

    /// Waits for the next thing to happen, not for long.
    pub(crate) fn wait(&self) {
        let now = self.clock.now();
        let wait = self
            .link
            .next_deadline()
            .map_or(Duration::from_secs(1), |due| due.saturating_sub(now))
            .min(Duration::from_millis(100));
        let _ = self.woken.recv_timeout(wait);
    }

    /// Runs until `done` holds.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.pump();
            if done(self) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{what} does not happen; {:?}, {:?}",
                self.link.state(),
                self.link.counters()
            );
            self.wait();
        }
    }

    /// Makes a change; the generation that is durable when it is.
    pub(crate) fn edit(&mut self, edit: Edit) -> u64 {
        self.doc.apply(&[edit], Origin::Local(1));
        self.share();
        let generation = self.generation;
        self.pump();
        generation
    }

    pub(crate) fn until_kept(&mut self, generation: u64) {
        self.until("word that it is stored", |us| {
            us.link.acknowledged() >= Some(generation)
        });
    }

    pub(crate) fn until_refused(&mut self) -> Refusal {
        self.until("a refusal", |us| {
            matches!(us.link.state(), ConnectionState::Refused(_))
        });
        match self.link.state() {
            ConnectionState::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn label(&self, marker: &str) -> Option<Arc<str>> {
        let row = self.doc.row(&marker_row(marker))?;
        row.get(marker::LABEL)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.link.state() == ConnectionState::Live
    }

    pub(crate) fn is_damaged(&self) -> bool {
        let is_damage = |event: &Event| matches!(event, Event::Damaged(_));
        self.events.iter().any(is_damage) || self.doc.replica().waits_for_updates()
    }

    /// The states that others show, as JSON.
    pub(crate) fn shown(&self) -> Vec<Json> {
        self.link
            .awareness()
            .states()
            .map(|(_, state)| serde_json::from_str(state).unwrap())
            .collect()
    }
}

pub(crate) fn session() -> GameSessionId {
    GameSessionId::new("s")
}

pub(crate) fn cave() -> SceneId {
    SceneId::new("cave")
}

pub(crate) fn marker_row(name: &str) -> RowRef {
    RowRef::marker(&cave(), &RowId::new(name))
}

pub(crate) fn labelled(name: &str, label: &str) -> Edit {
    Edit::Create {
        row: marker_row(name),
        values: vec![Assignment::new(marker::LABEL, label)],
    }
}

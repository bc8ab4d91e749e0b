//! A web client: a real Yjs provider in a Node process of its own.

use std::path::Path;

use serde_json::{Value as Json, json};

use tableglow::sync::dialect::RoomAddress;

use crate::node::Node;

/// The providers that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    PartyKit,
    PartyServer,
    Websocket,
}

pub(crate) struct Web(Node);

impl Web {
    /// Joins and waits for the first sync.
    pub(crate) fn join(folder: &Path, provider: Provider, address: &RoomAddress) -> Self {
        let rules = address.dialect.rules();
        let path = match (rules.has_parties, &*address.party) {
            (false, _) => String::new(),
            // The short form.
            (true, "main") => "/party".to_owned(),
            (true, party) => format!("/parties/{party}"),
        };
        Self::join_at(folder, provider, address, &path)
    }

    fn join_at(folder: &Path, provider: Provider, address: &RoomAddress, path: &str) -> Self {
        let mut web = Self(Node::start(folder));
        let kind = match provider {
            Provider::PartyKit => "y-partykit",
            Provider::PartyServer => "y-partyserver",
            Provider::Websocket => "y-websocket",
        };
        let params = address
            .token
            .as_ref()
            .map(|token| json!({ "token": token }));
        web.ask(&json!({
            "do": "join", "kind": kind, "host": address.host, "path": path,
            "party": address.party, "room": address.room, "params": params
        }));
        web
    }

    pub(crate) fn ask(&mut self, command: &Json) -> Json {
        self.0.ask(command)
    }

    pub(crate) fn set(&mut self, path: &[&str], value: &Json) {
        self.ask(&json!({ "do": "set", "path": path, "value": value }));
    }

    pub(crate) fn scenes(&mut self) -> Json {
        self.ask(&json!({ "do": "read", "root": "scenes" }))["value"].take()
    }

    pub(crate) fn others(&mut self) -> Json {
        self.ask(&json!({ "do": "others" }))["states"].take()
    }

    pub(crate) fn is_synced(&mut self) -> bool {
        self.ask(&json!({ "do": "state" }))["synced"] == true
    }

    pub(crate) fn texts(&mut self) -> Vec<String> {
        serde_json::from_value(self.ask(&json!({ "do": "texts" }))["texts"].take()).unwrap()
    }
}

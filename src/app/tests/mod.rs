//! Tests of the whole editor by accessibility label, on a session that only records.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod behaviour;
mod joining;
mod keyboard;
mod looks;
mod measuring;
mod promises;
mod removed;
mod rooms;

use std::sync::Arc;

use arc_swap::ArcSwap;
use eframe::egui;
use egui_kittest::Harness;
use glam::DVec2;
use parking_lot::Mutex;

use super::bridge::Bridge;
use super::dialogs::RunFacts;
use super::link::SessionLink;
use super::settings::Settings;
use super::shell::{App, Parts};
use crate::geom::grid::{Grid, GridParams};
use crate::geom::space::MapPlacement;
use crate::library::catalog::{GameEntry, LibraryView, PartyEntry};
use crate::model::edit::Edit;
use crate::model::id::{GameSessionId, PartyId, RowId, SceneId};
use crate::model::party::PartyDefaults;
use crate::model::presence::Presence;
use crate::model::row::Row;
use crate::model::value::Value;
use crate::model::{marker, scene};
use crate::scene::snapshot::{Fog, MapLayer, Marker, SceneSnapshot};
use crate::session::api::{Published, Request, SceneEntry};
use crate::session::room::{Identity, People};
use crate::util::revision::{Part, Revision};

/// A session that publishes what a test says and records what it is asked.
pub(super) struct Fake {
    published: ArcSwap<Published>,
    sent: Mutex<Vec<Request>>,
    people: ArcSwap<People>,
    /// Who the user was said to be, the newest last.
    introduced: Mutex<Vec<Identity>>,
    /// What the user showed to others, the newest last.
    shown: Mutex<Vec<Presence>>,
    pub(super) busy: std::sync::atomic::AtomicBool,
}

impl Fake {
    fn publishing(published: Published) -> Arc<Self> {
        Arc::new(Self {
            published: ArcSwap::from_pointee(published),
            sent: Mutex::new(Vec::new()),
            people: ArcSwap::default(),
            introduced: Mutex::default(),
            shown: Mutex::default(),
            busy: false.into(),
        })
    }

    fn publish(&self, change: impl FnOnce(&mut Published)) {
        let mut next = (*self.published.load_full()).clone();
        change(&mut next);
        self.published.store(Arc::new(next));
    }

    /// What was asked since the last call.
    fn sent(&self) -> Vec<Request> {
        std::mem::take(&mut *self.sent.lock())
    }

    /// All edits that were asked since the last call, with their gestures' ids and ends.
    fn edits(&self) -> Vec<(u64, Vec<Edit>, bool)> {
        self.sent()
            .into_iter()
            .filter_map(|request| match request {
                Request::Edit {
                    gesture,
                    edits,
                    last,
                    ..
                } => Some((gesture.0, edits, last)),
                _ => None,
            })
            .collect()
    }
}

impl SessionLink for Fake {
    fn send(&self, request: Request) -> bool {
        if self.busy.load(std::sync::atomic::Ordering::Relaxed) {
            return false;
        }
        match request {
            Request::Introduce(identity) => self.introduced.lock().push(identity),
            Request::Show(presence) => self.shown.lock().push(*presence),
            request => self.sent.lock().push(request),
        }
        true
    }

    fn published(&self) -> Arc<Published> {
        self.published.load_full()
    }

    fn people(&self) -> Arc<People> {
        self.people.load_full()
    }
}

pub(super) fn snapshot(id: &str, markers: &[(&str, f64, f64)]) -> SceneSnapshot {
    let placement = MapPlacement::fit([2400, 1600], [1920, 1080], 0.0);
    let markers: Vec<Marker> = markers
        .iter()
        .enumerate()
        .map(|(n, &(id, x, y))| {
            let colors = ["#e5645f", "#5fb58a", "#5b9df5"];
            Marker {
                id: RowId::new(id),
                row: Row::defaults(&marker::TABLE)
                    .with(marker::TITLE.property(), Value::text(id))
                    .with(marker::SHAPE_COLOR.property(), Value::text(colors[n % 3])),
                position_world: DVec2::new(x, y),
                diameter_world: 50.0,
                picture: None,
            }
        })
        .collect();
    SceneSnapshot {
        id: SceneId::new(id),
        revision: Revision::next(),
        settings: Part::new(
            Row::defaults(&scene::TABLE).with(scene::NAME.property(), Value::text(id)),
        ),
        map: Part::new(Some(MapLayer {
            picture: None,
            placement,
        })),
        grid: Part::new(Arc::new(Grid::new(&GridParams {
            placement: Some(placement),
            ..GridParams::default()
        }))),
        markers: Part::new(markers.into()),
        lights: Part::new(Vec::new().into()),
        annotations: Part::new(Vec::new().into()),
        fog: Part::new(Fog::Full),
        structures: Part::new(Arc::default()),
    }
}

fn entry(name: &str, markers: usize) -> SceneEntry {
    SceneEntry {
        id: SceneId::new(name),
        name: name.into(),
        thumbnail: None,
        revision: Revision::default(),
        thumbnail_shows: None,
        markers,
    }
}

/// A party with a game of three scenes; the first is edited and on the table.
pub(super) fn table_ready() -> Published {
    Published {
        library: Arc::new(LibraryView {
            folder: "/home/dm/Tableglow".into(),
            writable: true,
            parties: vec![PartyEntry {
                id: PartyId::new("party"),
                name: "Friday group".into(),
                defaults: PartyDefaults::default(),
                games: vec![GameEntry {
                    id: GameSessionId::new("game"),
                    name: "The Sunken Keep".into(),
                }],
            }],
            backups: Vec::new(),
        }),
        game: Some(GameSessionId::new("game")),
        party: Some(PartyId::new("party")),
        scenes: [
            entry("Crypt", 3),
            entry("The hall of the seventeen whispering kings", 1),
            entry("Cave", 0),
        ]
        .into(),
        active_scene: Some(SceneId::new("Crypt")),
        editing: Some(Arc::new(snapshot(
            "Crypt",
            &[
                ("Mira", 0.0, 0.0),
                ("Goblin", 220.0, 110.0),
                ("Ogre", -275.0, -165.0),
            ],
        ))),
        undo: Some("Move marker"),
        undo_depth: 12,
        ..Published::default()
    }
}

fn parts(fake: &Arc<Fake>, settings: Settings) -> Parts {
    Parts {
        link: Arc::clone(fake) as Arc<dyn SessionLink>,
        bridge: Bridge::blank(),
        settings,
        settings_path: None,
        facts: RunFacts {
            adapter: "llvmpipe".into(),
        },
        icon: None,
        told_at_start: None,
        look_around: None,
        secrets: None,
        neighbours: None,
        add_picture: None,
        display_open: Arc::default(),
        maximize: false,
        clipboard_picture: None,
    }
}

fn still() -> Settings {
    Settings {
        transitions: false,
        // Chosen, or it would be chosen now and the settings be written a moment later.
        user_color: Some("#4fc3f7".into()),
        ..Settings::default()
    }
}

/// The editor without a graphics device.
fn editor_of(published: Published) -> (Harness<'static, App>, Arc<Fake>) {
    editor_with(published, still())
}

/// The same with other settings.
fn editor_with(published: Published, settings: Settings) -> (Harness<'static, App>, Arc<Fake>) {
    let fake = Fake::publishing(published);
    let given = parts(&fake, settings);
    let harness = Harness::builder()
        .with_size(egui::vec2(1280.0, 720.0))
        .with_max_steps(40)
        .build_eframe(move |cc| App::new(&cc.egui_ctx, given));
    (harness, fake)
}

//! Games on this network, as a list to choose from.

use std::sync::Arc;

use eframe::egui;
use egui::Ui;
use parking_lot::Mutex;

use crate::app::theme::{Tokens, semibold};
use crate::app::widgets::frames::list_row;
use crate::session::discovery::network::{Browser, NetworkGame, NoDiscovery, browse};
use crate::session::discovery::server_of;

/// Games on this network, looked for as long as this lives.
#[derive(Clone)]
pub struct Found {
    list: Arc<Mutex<Vec<NetworkGame>>>,
    _browser: Option<Arc<Browser>>,
}

/// How games on this network are looked for.
pub type LookAround = fn(&egui::Context) -> Result<Found, NoDiscovery>;

/// Begins to look for games on this network.
///
/// # Errors
/// When this machine cannot.
pub fn look_around(ctx: &egui::Context) -> Result<Found, NoDiscovery> {
    let list = Arc::new(Mutex::new(Vec::new()));
    let (theirs, ctx) = (Arc::clone(&list), ctx.clone());
    let browser = browse(move |games| {
        *theirs.lock() = games;
        ctx.request_repaint();
    })?;
    Ok(Found {
        list,
        _browser: Some(Arc::new(browser)),
    })
}

impl Found {
    /// What somebody else fills.
    #[cfg(test)]
    pub const fn of(list: Arc<Mutex<Vec<NetworkGame>>>) -> Self {
        Self {
            list,
            _browser: None,
        }
    }

    /// The games that are there now.
    pub(super) fn games(&self) -> Vec<NetworkGame> {
        self.list.lock().clone()
    }
}

/// The list; the address that was clicked. `typed` is what is in the field.
pub(super) fn list(ui: &mut Ui, found: &[NetworkGame], typed: &str) -> Option<String> {
    if found.is_empty() {
        return None;
    }
    ui.label(egui::RichText::new("On this network").family(semibold()));
    let mut chosen = None;
    for game in found {
        let Some(address) = game.addresses.first() else {
            continue;
        };
        let server = format!("http://{address}");
        let picked = server_of(typed).is_some_and(|typed| typed == server);
        let label = format!("Game {} at {address}", game.title);
        let (rect, response) = list_row(ui, 36.0, &label, picked);
        let tokens = Tokens::of(ui.ctx());
        let version = if game.is_other_version {
            "  ·  another version of Tableglow"
        } else {
            ""
        };
        let words = format!("{}  ·  {address}{version}", game.title);
        let mut job = egui::text::LayoutJob::simple_singleline(
            words,
            egui::FontId::proportional(13.0),
            tokens.text,
        );
        job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 16.0);
        let galley = ui.painter().layout_job(job);
        let corner = egui::pos2(rect.left() + 8.0, rect.center().y - galley.size().y / 2.0);
        ui.painter().galley(corner, galley, tokens.text);
        if response.clicked() {
            chosen = Some(address.to_string());
        }
    }
    ui.add_space(8.0);
    chosen
}

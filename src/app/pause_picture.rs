//! A party's pause picture: brought into the library on a thread of its own, then set as a default.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui;

use crate::model::id::PartyId;
use crate::session::api::{Published, Request};

/// Brings a picture file into the library: its key, or a sentence why not.
pub type AddPicture = Arc<dyn Fn(&Path) -> Result<String, String> + Send + Sync>;

/// Pause pictures that are on their way.
pub struct PausePictures {
    add: Option<AddPicture>,
    tell: Sender<(PartyId, Result<String, String>)>,
    done: Receiver<(PartyId, Result<String, String>)>,
}

impl PausePictures {
    /// None on their way.
    #[must_use]
    pub fn new(add: Option<AddPicture>) -> Self {
        let (tell, done) = bounded(4);
        Self { add, tell, done }
    }

    /// Starts to bring one in. `false` when this app has no library or the system no thread.
    #[must_use]
    pub fn bring(&self, ctx: &egui::Context, party: PartyId, file: PathBuf) -> bool {
        let Some(add) = self.add.clone() else {
            return false;
        };
        let (tell, ctx) = (self.tell.clone(), ctx.clone());
        std::thread::Builder::new()
            .name("pause picture".into())
            .spawn(move || {
                let added = add(&file);
                // The app may be gone.
                let _ = tell.send((party, added));
                ctx.request_repaint();
            })
            .is_ok()
    }

    /// What has come since the last call: requests, or sentences why not.
    #[must_use]
    pub fn come(&self, published: &Published) -> Vec<Result<Request, String>> {
        self.done
            .try_iter()
            .filter_map(|(party, added)| {
                let location = match added {
                    Ok(location) => location,
                    Err(why) => return Some(Err(why)),
                };
                let entry = published.library.parties.iter().find(|p| p.id == party)?;
                let mut defaults = entry.defaults.clone();
                defaults.pause_picture = Some(location);
                Some(Ok(Request::SetPartyDefaults { party, defaults }))
            })
            .collect()
    }
}

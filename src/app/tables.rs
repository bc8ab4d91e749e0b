//! Table displays as processes of their own: `tableglow play LINK`.
//!
//! A display that crashes or hangs takes nothing of the editor with it. Its code goes by the environment:
//! other users of this machine can read the arguments of a process. Must not know what they show.
//! Called by [`super::shell`].

use std::process::{Command, Stdio};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui;

use crate::model::presence::TablePart;
use crate::session::room::{Invitation, part_of_link};
use crate::sync::dialect::Dialect;

/// The room of a display, and apart from it what opens it. In no debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct TableLink {
    address: String,
    token: Option<String>,
}

impl std::fmt::Debug for TableLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableLink").finish_non_exhaustive()
    }
}

impl TableLink {
    /// The link of an invitation for somebody of a part.
    #[must_use]
    pub fn of(mut invitation: Invitation, part: TablePart) -> Self {
        let token = invitation.token.take();
        Self {
            address: invitation.link_for(part),
            token,
        }
    }

    /// A link as a host gives it out. `None` when it is none.
    #[must_use]
    pub fn read(link: &str) -> Option<Self> {
        let part = part_of_link(link).unwrap_or(TablePart::Display);
        let invitation = Invitation::from_link(Dialect::YPartyKit, link).ok()?;
        Some(Self::of(invitation, part))
    }
}

/// The displays that were started here.
pub struct Tables {
    tell: Sender<String>,
    told: Receiver<String>,
}

impl Default for Tables {
    fn default() -> Self {
        let (tell, told) = bounded(8);
        Self { tell, told }
    }
}

impl Tables {
    /// Starts a display in a window; F11 fills the screen with it. It goes on when the editor is
    /// closed.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn open(&self, ctx: &egui::Context, display: &TableLink) -> Result<(), String> {
        let failed = |error: std::io::Error| {
            format!(
                "The table display could not be started; the game is not affected. Start `tableglow play` yourself: {error}."
            )
        };
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg("play").arg("--windowed").arg(&display.address);
        if let Some(token) = &display.token {
            command.env("TABLEGLOW_TOKEN", token);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (ctx, tell) = (ctx.clone(), self.tell.clone());
        // Whoever starts a process must wait for it, or it stays in the system's table.
        let waiting = std::thread::Builder::new()
            .name("table display".into())
            .spawn(move || {
                let ended = child.wait();
                if ended.is_ok_and(|status| !status.success()) {
                    // A full queue has more of the same in it.
                    let _ = tell.try_send(
                        "The table display has stopped; the game is not affected. Open it again, or look into its log.".to_owned(),
                    );
                    ctx.request_repaint();
                }
            });
        waiting.map(|_| ()).map_err(failed)
    }

    /// What is to be told of displays that ended.
    #[must_use]
    pub fn ended(&self) -> Vec<String> {
        self.told.try_iter().collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_argument_of_a_process_holds_a_code() {
        let link = "http://h:1/parties/game_session/g?party=p&token=SECRET&part=player";
        let display = TableLink::read(link).unwrap();
        assert_eq!(display.token.as_deref(), Some("SECRET"));
        assert!(!display.address.contains("SECRET"));
        assert_eq!(part_of_link(&display.address), Some(TablePart::Player));
        assert!(!format!("{display:?}").contains("SECRET"));
        assert_eq!(TableLink::read("nothing"), None);
    }
}

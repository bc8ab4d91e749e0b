//! Other processes that want something of this library: a second start, `import` and `export` on the
//! command line. They ask through the local socket and this process does it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;

use super::link::SessionLink;
use crate::library::ipc::{IpcAnswer, IpcRequest};
use crate::model::id::{GameSessionId, PartyId};
use crate::session::api::{Published, Request, Severity};

/// How often it is looked whether something is done.
const LOOK: Duration = Duration::from_millis(50);
/// Work that has not begun after this long will not.
const BEGINS: Duration = Duration::from_secs(3);
/// The longest work.
const PATIENCE: Duration = Duration::from_secs(590);

/// Does what another process asks for. Called on a thread of its own; may wait.
pub fn serve(ctx: &egui::Context, link: &Arc<dyn SessionLink>, request: IpcRequest) -> IpcAnswer {
    match request {
        IpcRequest::Ping => IpcAnswer::Done(serde_json::Value::Null),
        IpcRequest::Open(files) => {
            for command in [
                egui::ViewportCommand::Minimized(false),
                egui::ViewportCommand::Focus,
            ] {
                ctx.send_viewport_cmd_to(egui::ViewportId::ROOT, command);
            }
            ctx.request_repaint();
            if !files.is_empty() && !link.send(Request::Import { files, into: None }) {
                return busy();
            }
            IpcAnswer::Done(serde_json::Value::Null)
        }
        IpcRequest::Import { files, game } => {
            let open = link.published().game.clone();
            match game.as_deref().map(GameSessionId::new) {
                Some(asked) if Some(&asked) != open.as_ref() => IpcAnswer::Failed(
                    "The running Tableglow has another game open, so nothing was imported; open that game there and try again.".to_owned(),
                ),
                _ => wait_for(&**link, Request::Import { files, into: None }),
            }
        }
        IpcRequest::Export { party, to } => {
            let party = party
                .as_deref()
                .map(PartyId::new)
                .or_else(|| link.published().party.clone());
            match party {
                Some(party) => wait_for(&**link, Request::ExportArchive { party, to }),
                None => IpcAnswer::Failed(
                    "The running Tableglow has no party open, so nothing was exported.".to_owned(),
                ),
            }
        }
    }
}

fn busy() -> IpcAnswer {
    IpcAnswer::Failed("The running Tableglow is busy; try again in a moment.".to_owned())
}

fn newest_notice(published: &Published) -> u64 {
    published.notices.iter().map(|n| n.id).max().unwrap_or(0)
}

/// Sends a request and waits until its work is over; what was told meanwhile is the answer.
fn wait_for(link: &dyn SessionLink, request: Request) -> IpcAnswer {
    let before = newest_notice(&link.published());
    if !link.send(request) {
        return busy();
    }
    let started = Instant::now();
    let mut begun = false;
    loop {
        std::thread::sleep(LOOK);
        let published = link.published();
        begun |= published.work.is_some();
        let told = newest_notice(&published) > before;
        let over = published.work.is_none() && (told || begun || started.elapsed() > BEGINS);
        if over {
            return answer(&published, before);
        }
        if started.elapsed() > PATIENCE {
            return IpcAnswer::Failed(
                "The running Tableglow is still at it; look there how it goes on.".to_owned(),
            );
        }
    }
}

fn answer(published: &Published, before: u64) -> IpcAnswer {
    let fresh = || published.notices.iter().filter(|n| n.id > before);
    if let Some(failed) = fresh().find(|n| n.severity == Severity::Error) {
        return IpcAnswer::Failed(failed.text.to_string());
    }
    let lines: Vec<serde_json::Value> = fresh()
        .flat_map(|n| std::iter::once(&n.text).chain(n.details.iter()))
        .map(|line| line.to_string().into())
        .collect();
    IpcAnswer::Done(lines.into())
}

//! `tableglow play ROOM`: the table's display alone, in a window or as a PNG file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::room::{self, Kind};
use crate::library::Library;
use crate::model::presence::TablePart;
use crate::session::guest::Follow;
use crate::session::picture_address::PictureAddress;
use crate::session::room::Invitation;

/// Shows what is on the table of a room, full screen. Escape leaves.
#[derive(Debug, Args)]
pub(super) struct Play {
    /// The room: its link, the address of its server (with --token), or a code alone for a game that
    /// is hosted on this machine or network. Without it, the game that is open in the Tableglow that
    /// runs on --library.
    #[arg(value_name = "ROOM")]
    room: Option<String>,

    /// The code or token of the room; TABLEGLOW_TOKEN in the environment is read without it.
    // A token may begin with a dash.
    #[arg(long, allow_hyphen_values = true)]
    token: Option<String>,

    /// The kind of server that the room is on.
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,

    /// Where the room's web clients keep their pictures: https://files.example.com, below which the
    /// documents' keys are found. Rooms of tableslayer.com need none. Nothing is uploaded there.
    #[arg(long, value_name = "URL", value_parser = PictureAddress::parse, requires = "room")]
    pictures: Option<PictureAddress>,

    /// Show this scene of the game, by id or name, whatever is on the table. Needs a DM's code.
    #[arg(long, value_name = "SCENE")]
    scene: Option<String>,

    /// The monitor to fill, counted from 1.
    #[cfg(feature = "app")]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "headless")]
    monitor: Option<u16>,

    /// A window instead of a full screen.
    #[cfg(feature = "app")]
    #[arg(long, conflicts_with_all = ["headless", "monitor"])]
    windowed: bool,

    /// Let the fog move.
    #[cfg(feature = "app")]
    #[arg(long, conflicts_with = "headless")]
    animation: bool,

    /// Without a window: write a picture of the table, once it is there with all its pictures.
    #[arg(long, requires = "output")]
    headless: bool,

    /// The PNG file to write.
    #[arg(long, value_name = "PNG", requires = "headless")]
    output: Option<PathBuf>,

    /// Go on and write the file again at each change, until this is stopped.
    #[arg(long, requires = "headless")]
    watch: bool,

    /// Size of the picture.
    #[arg(long, value_name = "WxH", value_parser = super::render::parse_size, default_value = "1920x1080")]
    size: [u32; 2],

    /// How many seconds the room and what is on its table are waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..), requires = "headless")]
    timeout: u16,
}

impl Play {
    pub(super) fn run(&self, library: Option<&Path>, safe_graphics: bool) -> anyhow::Result<()> {
        if !self.headless && !cfg!(feature = "app") {
            bail!("this program was built without windows; write a picture with --headless");
        }
        let own;
        let address = match &self.room {
            Some(room) => room,
            None => {
                own = link_of_running(library)?;
                &own
            }
        };
        let (mut invitation, part) = room::invitation(address, self.token.as_deref(), self.kind)?;
        if self.pictures.is_some() {
            invitation.pictures.clone_from(&self.pictures);
        }
        let is_player = matches!(part, Some(TablePart::Player | TablePart::Display));
        let follow = match (&self.scene, &invitation.party) {
            (Some(scene), _) => Follow::Scene(scene.clone()),
            (None, Some(_)) => Follow::Party,
            (None, None) if is_player => Follow::OnlyScene,
            (None, None) => bail!(
                "this room does not say which party it belongs to, so what is on its table is not \
                 known; add ?party=PARTY to its address, or name a scene with --scene"
            ),
        };
        if let Some(output) = self.output.as_deref().filter(|_| self.headless) {
            return headless::play(self, output, invitation, follow, safe_graphics);
        }
        self.in_window(invitation, follow, safe_graphics)
    }

    #[cfg(feature = "app")]
    fn in_window(
        &self,
        invitation: Invitation,
        follow: Follow,
        safe_graphics: bool,
    ) -> anyhow::Result<()> {
        crate::app::play::play(crate::app::play::Options {
            invitation,
            identity: room::table_identity(),
            follow,
            monitor: self.monitor.map(usize::from),
            windowed: self.windowed,
            animation: self.animation,
            safe_graphics,
        })
    }

    #[cfg(not(feature = "app"))]
    fn in_window(
        &self,
        _invitation: Invitation,
        _follow: Follow,
        _safe_graphics: bool,
    ) -> anyhow::Result<()> {
        bail!("this program was built without windows; write a picture with --headless")
    }
}

/// The display's link of the Tableglow that runs on a library.
fn link_of_running(library: Option<&Path>) -> anyhow::Result<String> {
    let folder = match library {
        Some(folder) => folder.to_owned(),
        None => Library::default_folder()?,
    };
    super::running::display_link(&folder)?.context(
        "no Tableglow runs on this library, so there is no table to show; start it, or name a room",
    )
}

/// Pictures of a table, without a window.
mod headless {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use anyhow::bail;
    use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

    use super::Play;
    use crate::cli::render::{adapter_choice, write_picture};
    use crate::cli::{room, sentence, tell};
    use crate::model::id::PictureHash;
    use crate::model::marker;
    use crate::render::{Headless, Picture, RenderReport};
    use crate::scene::player::PlayerFrame;
    use crate::session::Session;
    use crate::session::guest::{Follow, Guest, Table};
    use crate::session::room::{Connection, Invitation};
    use crate::util::revision::Revision;

    /// Two pictures are at least this far apart.
    const THROTTLE: Duration = Duration::from_millis(250);
    /// How long pixels may take that are on this machine: a huge map is cut into tiles first.
    const PIXELS: Duration = Duration::from_secs(300);
    /// A file that could not be written is tried again after this long.
    const AGAIN: Duration = Duration::from_secs(1);
    /// The state is looked at this often even when nobody rings.
    const LOOK: Duration = Duration::from_millis(500);

    /// What a picture was made of: another one of these is another picture.
    #[derive(Debug, Clone, PartialEq)]
    enum Made {
        Waiting,
        Paused(Option<PictureHash>),
        Scene(Revision),
    }

    fn made_of(shown: &PlayerFrame) -> Made {
        match shown {
            PlayerFrame::Waiting => Made::Waiting,
            PlayerFrame::Paused { picture } => Made::Paused(picture.clone()),
            PlayerFrame::Scene(scene) => Made::Scene(scene.scene().revision),
        }
    }

    /// Pictures that the scene names and that are not on this machine yet.
    fn missing(shown: &PlayerFrame) -> usize {
        let PlayerFrame::Scene(scene) = shown else {
            return 0;
        };
        let scene = scene.scene();
        let map = scene.map.as_ref().is_some_and(|map| map.picture.is_none());
        let markers = scene.markers.iter().filter(|it| {
            let named = it.row.get(marker::IMAGE_LOCATION);
            it.picture.is_none() && named.is_some_and(|location| !location.is_empty())
        });
        usize::from(map) + markers.count()
    }

    pub(super) fn play(
        options: &Play,
        output: &Path,
        invitation: Invitation,
        follow: Follow,
        safe_graphics: bool,
    ) -> anyhow::Result<()> {
        let (ring, rung) = bounded(1);
        let guest = Guest::join(
            invitation,
            room::table_identity(),
            Arc::new(move || {
                // One that waits already is enough.
                let _ = ring.try_send(());
            }),
        )?;
        let at_most = Duration::from_secs(options.timeout.into());
        guest.wait_until_live(at_most)?;
        let mut studio = Studio {
            renderer: Headless::new(adapter_choice(safe_graphics))?,
            table: Table::of(guest.session(), follow),
            session: Arc::clone(guest.session()),
            rung,
            size_px: options.size,
        };
        let shown = studio.first(at_most)?;
        let (picture, report) = studio.draw(&shown)?;
        write_picture(&picture, report, output)?;
        if options.watch {
            studio.watch(shown, output, at_most)?;
        }
        Ok(())
    }

    struct Studio {
        renderer: Headless,
        table: Table,
        session: Arc<Session>,
        rung: Receiver<()>,
        size_px: [u32; 2],
    }

    impl Studio {
        /// What the table shows now; an error when the room has shown us the door.
        fn shown(&self) -> anyhow::Result<PlayerFrame> {
            let (published, shown) = self.table.shown();
            if let Some(room) = &published.room
                && let Connection::Refused(why) = &room.connection
            {
                bail!("{why}");
            }
            Ok(shown)
        }

        /// Waits for a ring, or for a moment.
        fn rest(&self, at_most: Duration) {
            if let Err(RecvTimeoutError::Disconnected) = self.rung.recv_timeout(at_most) {
                std::thread::sleep(at_most);
            }
        }

        /// The first thing on the table, with its pictures if they come in time.
        fn first(&self, at_most: Duration) -> anyhow::Result<PlayerFrame> {
            let begun = Instant::now();
            loop {
                let shown = self.shown()?;
                let is_there = !matches!(shown, PlayerFrame::Waiting);
                if is_there && missing(&shown) == 0 {
                    return Ok(shown);
                }
                if begun.elapsed() > at_most {
                    if is_there {
                        return Ok(shown);
                    }
                    bail!("nothing was put on the table in time, so no picture was written");
                }
                self.rest(LOOK);
            }
        }

        fn draw(&mut self, shown: &PlayerFrame) -> anyhow::Result<(Picture, RenderReport)> {
            let source = Arc::clone(self.session.library().tiles());
            let (picture, mut report) =
                self.renderer
                    .render_table(shown, self.size_px, &*source, PIXELS)?;
            if missing(shown) > 0 {
                // Told once, and better.
                report.missing = 0;
                tell(
                    "Some pictures have not come from the room; the picture shows the scene without them.",
                );
            }
            Ok((picture, report))
        }

        /// Writes each change. A new scene is waited for with its pictures, so that none is shown
        /// half. A file that cannot be written now ends nothing: an evening is long, and a disk or
        /// a program that reads the file may be in the way for a while.
        fn watch(
            &mut self,
            first: PlayerFrame,
            output: &Path,
            patience: Duration,
        ) -> anyhow::Result<()> {
            let mut last = made_of(&first);
            let mut lacking = missing(&first);
            let mut changed: Option<Instant> = None;
            let mut has_told = false;
            loop {
                let shown = self.shown()?;
                let (made, lacks) = (made_of(&shown), missing(&shown));
                if made == last && lacks == lacking {
                    changed = None;
                    self.rest(LOOK);
                    continue;
                }
                let since = *changed.get_or_insert_with(Instant::now);
                if lacks > lacking && since.elapsed() < patience {
                    self.rest(LOOK);
                    continue;
                }
                let (picture, report) = self.draw(&shown)?;
                if let Err(problem) = write_picture(&picture, report, output) {
                    if !std::mem::replace(&mut has_told, true) {
                        tell(&format!(
                            "{}; the table goes on, and the picture is tried again",
                            sentence(&problem)
                        ));
                    }
                    std::thread::sleep(AGAIN);
                    continue;
                }
                has_told = false;
                (last, lacking, changed) = (made, lacks, None);
                std::thread::sleep(THROTTLE);
            }
        }
    }
}

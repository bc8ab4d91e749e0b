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

    /// Without a window: write a picture of the table, once it is there with all its pictures; those
    /// that cannot come are told and left out.
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
    use std::collections::HashMap;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use anyhow::bail;
    use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

    use super::Play;
    use crate::cli::render::{adapter_choice, write_picture};
    use crate::cli::{room, sentence, tell};
    use crate::library::named::hash_in;
    use crate::model::id::PictureHash;
    use crate::model::marker;
    use crate::model::scene::{LOST_MAP, MAP_LOCATION};
    use crate::render::{Headless, Picture, RenderReport};
    use crate::scene::player::PlayerFrame;
    use crate::session::Session;
    use crate::session::api::{Lack, Published};
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
    /// A picture that nobody has is waited for so long: whoever put it on the table may be handing it
    /// over.
    const GRACE: Duration = Duration::from_secs(3);
    /// Pictures that are named when they are missing.
    const MOST_NAMED: usize = 4;

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

    /// A picture that the scene names and that is not on this machine, or not all of it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Wanted {
        location: String,
        /// What it is of, for people.
        of: String,
        /// Why it does not come, as far as is known; without, it is on its way.
        lack: Option<Lack>,
    }

    fn wanted(published: &Published, shown: &PlayerFrame) -> Vec<Wanted> {
        let PlayerFrame::Scene(scene) = shown else {
            return Vec::new();
        };
        let scene = scene.scene();
        let map = scene.setting(MAP_LOCATION).map(|location| {
            let is_here = (scene.map.as_ref()).is_some_and(|map| map.picture.is_some());
            (location, "the map".to_owned(), is_here)
        });
        let markers = scene.markers.iter().filter_map(|it| {
            let location = it.row.get(marker::IMAGE_LOCATION)?;
            let title = it.row.get(marker::TITLE);
            let of = if title.trim().is_empty() {
                "a marker".to_owned()
            } else {
                format!("the marker “{}”", plain(&title))
            };
            Some((location, of, it.picture.is_some()))
        });
        let named = map.into_iter().chain(markers);
        let named = named.filter(|(location, ..)| !location.is_empty());
        let mut all: Vec<Wanted> = Vec::new();
        for (location, of, is_here) in named {
            let lack = if *location == *LOST_MAP {
                Some(Lack::Absent)
            } else {
                published.lacking.get(&*location).copied()
            };
            // A coarse picture of one that does not come is all there is.
            let is_wanted = !is_here || lack.is_some();
            if is_wanted && all.iter().all(|it| it.location != *location) {
                all.push(Wanted {
                    location: location.to_string(),
                    of,
                    lack,
                });
            }
        }
        all
    }

    /// Text of a document as it may stand in a line.
    fn plain(text: &str) -> String {
        text.chars().filter(|c| !c.is_control()).take(60).collect()
    }

    /// One sentence about pictures that do not come: which, and why; what that means; what to do.
    /// `None` when all that is missing is on its way.
    fn told_of(wanted: &[Wanted]) -> Option<String> {
        let lacking: Vec<_> = wanted
            .iter()
            .filter_map(|it| Some((it, it.lack?)))
            .collect();
        let (_, first) = lacking.first()?;
        let mut named: Vec<String> = lacking
            .iter()
            .take(MOST_NAMED)
            .map(|(it, lack)| {
                let why = match lack {
                    Lack::Absent => "nobody has put it there",
                    Lack::Refused => "it is not given to this code",
                    Lack::Useless => "what came is no picture of that name",
                    Lack::Video => "it is a video, which is not drawn",
                    Lack::NoAddress => "its address is not known",
                };
                format!("{}{} ({why})", it.of, file_of(&it.location))
            })
            .collect();
        if let Some(more) = lacking.len().checked_sub(MOST_NAMED).filter(|it| *it > 0) {
            named.push(format!("{more} more"));
        }
        let advice = match first {
            Lack::Absent => "open the game in the Tableglow that has it, or choose it again",
            Lack::Refused => "ask the host for another code",
            Lack::Useless | Lack::Video => "put a picture in its place to see one",
            Lack::NoAddress => "say with --pictures where the room's pictures are",
        };
        Some(format!(
            "The room does not give the picture of {}, so the scene is drawn without it; {advice}.",
            named.join(", ")
        ))
    }

    /// The name of a picture's file, where it says something.
    fn file_of(location: &str) -> String {
        if location == LOST_MAP {
            return String::new();
        }
        let name = location.rsplit('/').next().unwrap_or_default();
        let name = match hash_in(location) {
            Some(_) => {
                let start: String = name.chars().take(12).collect();
                let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
                format!("{start}….{ending}")
            }
            None => plain(name),
        };
        format!(", {name}")
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
            lacking: HashMap::new(),
            told: None,
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
        /// Since when it is known of pictures that they do not come.
        lacking: HashMap<String, Instant>,
        /// The last sentence about them.
        told: Option<String>,
    }

    /// What the table shows at one moment.
    struct Look {
        shown: PlayerFrame,
        wanted: Vec<Wanted>,
        /// So many pictures are on their way, or may be.
        coming: usize,
    }

    impl Studio {
        /// What the table shows now; an error when the room has shown us the door.
        fn look(&mut self) -> anyhow::Result<Look> {
            let (published, shown) = self.table.shown();
            if let Some(room) = &published.room
                && let Connection::Refused(why) = &room.connection
            {
                bail!("{why}");
            }
            let wanted = wanted(&published, &shown);
            let lacks = |location: &String| {
                let mut wanted = wanted.iter();
                wanted.any(|it| it.location == *location && it.lack.is_some())
            };
            self.lacking.retain(|location, _| lacks(location));
            let mut coming = 0;
            for it in &wanted {
                let is_hopeless = it.lack.is_some() && {
                    let since = self.lacking.entry(it.location.clone());
                    since.or_insert_with(Instant::now).elapsed() >= GRACE
                };
                coming += usize::from(!is_hopeless);
            }
            Ok(Look {
                shown,
                wanted,
                coming,
            })
        }

        /// Waits for a ring, or for a moment.
        fn rest(&self, at_most: Duration) {
            if let Err(RecvTimeoutError::Disconnected) = self.rung.recv_timeout(at_most) {
                std::thread::sleep(at_most);
            }
        }

        /// The first thing on the table, with its pictures if they come in time.
        fn first(&mut self, at_most: Duration) -> anyhow::Result<Look> {
            let begun = Instant::now();
            loop {
                let look = self.look()?;
                let is_there = !matches!(look.shown, PlayerFrame::Waiting);
                if is_there && (look.coming == 0 || begun.elapsed() > at_most) {
                    return Ok(look);
                }
                if begun.elapsed() > at_most {
                    bail!("nothing was put on the table in time, so no picture was written");
                }
                self.rest(LOOK);
            }
        }

        fn draw(&mut self, look: &Look) -> anyhow::Result<(Picture, RenderReport)> {
            let source = Arc::clone(self.session.library().tiles());
            let (picture, mut report) =
                self.renderer
                    .render_table(&look.shown, self.size_px, &*source, PIXELS)?;
            if !look.wanted.is_empty() {
                // Told once, and better.
                report.missing = 0;
            }
            let told = told_of(&look.wanted);
            if self.told != told {
                if let Some(told) = &told {
                    tell(told);
                }
                self.told = told;
            }
            if look.wanted.iter().any(|it| it.lack.is_none()) {
                tell(
                    "Some pictures have not come from the room; the picture shows the scene without them.",
                );
            }
            Ok((picture, report))
        }

        /// Writes each change. A new scene is waited for with its pictures, so that none is shown
        /// half. A file that cannot be written now ends nothing: an evening is long, and a disk or
        /// a program that reads the file may be in the way for a while.
        fn watch(&mut self, first: Look, output: &Path, patience: Duration) -> anyhow::Result<()> {
            let mut last = made_of(&first.shown);
            let mut lacking = first.coming;
            let mut changed: Option<Instant> = None;
            let mut has_told = false;
            loop {
                let look = self.look()?;
                let (made, lacks) = (made_of(&look.shown), look.coming);
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
                let (picture, report) = self.draw(&look)?;
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

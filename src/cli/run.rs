//! `tableglow run SCRIPT.jsonl`: the editor's commands from a file, on a library or a running app.

use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value as Json};

use crate::library::{Library, Mode};
use crate::model::color::Rgb;
use crate::model::presence::TablePart;
use crate::session::Session;
use crate::session::api::Saved;
use crate::session::guest::Guest;
use crate::session::picture_address::PictureAddress;
use crate::session::room::Identity;
use crate::session::script::lines::{Script, Step, event_of_kind, next_line};
use crate::session::script::{Command, Done, Shot, WORDS, properties_json};
use crate::util::clock::SystemClock;

use super::room::{self, Kind};
use super::{print_json, print_text, running};

/// What was changed is waited for this long at the end.
const SAVING: Duration = Duration::from_secs(300);
/// A room is waited for this long.
const JOINING: Duration = Duration::from_secs(60);
/// The pictures of a snapshot are waited for this long.
const PICTURES: Duration = Duration::from_secs(120);
/// How often a room's events are looked at.
const EVENTS: Duration = Duration::from_millis(40);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Carries the editor's commands out: a JSON object a line, in order.
///
/// Works on the library, or, while Tableglow runs on that library, live in the running app; with
/// --room in a room. Each
/// command answers with one line of JSON on stdout: {"line":1,"ok":true,…} or
/// {"line":1,"ok":false,"error":"…"}. Ends at the first that fails, with exit code 1.
#[derive(Debug, Args)]
#[command(after_help = words())]
pub(super) struct Run {
    /// The script; `-` reads from stdin.
    #[arg(required_unless_present_any = ["properties", "guide"])]
    script: Option<PathBuf>,

    /// Go on after a command that fails; the exit code is 1 all the same.
    #[arg(long)]
    keep_going: bool,

    /// Work in a room instead of a library: its link, or the address of its server, with --token.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "library")]
    room: Option<String>,

    /// The code or token of the room; TABLEGLOW_TOKEN in the environment is read without it.
    // A token may begin with a dash.
    #[arg(long, requires = "room", allow_hyphen_values = true)]
    token: Option<String>,

    /// The kind of server that the room is on.
    #[arg(long, value_enum, default_value_t, requires = "room")]
    kind: Kind,

    /// Where the room's web clients keep their pictures: https://files.example.com, below which the
    /// documents' keys are found. Rooms of tableslayer.com need none. Nothing is uploaded there.
    #[arg(long, value_name = "URL", value_parser = PictureAddress::parse, requires = "room")]
    pictures: Option<PictureAddress>,

    /// Begin a game in a room that is empty.
    #[arg(long, requires = "room")]
    initialise: bool,

    /// Print every property that `set` knows, as JSON, and end.
    #[arg(long)]
    properties: bool,

    /// Print the guide to scripts, every command with an example, as Markdown, and end.
    #[arg(long)]
    guide: bool,
}

/// The commands, for `--help`.
fn words() -> String {
    let mut text =
        "Commands, the value of \"do\" (fields in brackets may be left out):\n".to_owned();
    for word in WORDS {
        text.push_str(&format!(
            "  {:17} {}\n  {:17} {}\n",
            word.name, word.says, "", word.fields
        ));
    }
    text.push_str(
        "\nScenes, markers and drawings are named by id or by name, or by the label that an earlier \
         line\ngave with \"as\". Places are {\"cell\": [column, row]}, {\"cells\": [x, y]} or \
         {\"px\": [x, y]}\n(pixels of the map picture from its top left corner). Example:\n\n  \
         {\"do\": \"add_marker\", \"title\": \"Goblin\", \"at\": {\"cell\": [3, 4]}, \"as\": \
         \"goblin\"}\n  {\"do\": \"set\", \"marker\": \"goblin\", \"values\": \
         {\"marker.visibility\": \"Everyone\"}}\n\nAll of it, with an example of each: tableglow run --guide",
    );
    text
}

/// Who carries commands out.
enum Target {
    /// A running app.
    Running(PathBuf),
    /// This process, on a library.
    Here(Box<Here>),
    /// This process, in a room.
    Room(Box<Visit>),
}

struct Here {
    session: Session,
    studio: Studio,
}

struct Visit {
    guest: Guest,
    studio: Studio,
}

fn obey(
    session: &Session,
    studio: &mut Studio,
    command: &Map<String, Json>,
) -> Result<Map<String, Json>, String> {
    let command = Command::parse(command)?;
    match session.remote().command(command)? {
        Done::Answer(answer) => Ok(answer),
        Done::Draw(shot) => {
            studio.write(&shot, session.library())?;
            Ok(shot.answer())
        }
    }
}

impl Run {
    fn visit(&self, room: &str, safe_graphics: bool) -> anyhow::Result<Target> {
        let (mut invitation, _) = room::invitation(room, self.token.as_deref(), self.kind)?;
        invitation.may_initialise = self.initialise;
        if self.pictures.is_some() {
            invitation.pictures.clone_from(&self.pictures);
        }
        let identity = Identity {
            name: "Script".to_owned(),
            color: Rgb::new(0x8a, 0x93, 0xa6),
            part: TablePart::Dm,
            shares_view: false,
        };
        let guest = Guest::join(invitation, identity, Arc::new(|| ()))?;
        guest.wait_until_writable(JOINING)?;
        Ok(Target::Room(Box::new(Visit {
            guest,
            studio: Studio::new(safe_graphics),
        })))
    }

    pub(super) fn run(&self, library: Option<&Path>, safe_graphics: bool) -> anyhow::Result<()> {
        if self.properties {
            return print_json(&properties_json());
        }
        if self.guide {
            return print_text(include_str!("run.md"));
        }
        let Some(script) = &self.script else {
            bail!("name a script, or - for stdin");
        };
        // Looked at first: a script that is not there must not leave a new library behind.
        let mut lines: Box<dyn BufRead> = if script.as_os_str() == "-" {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            let file = File::open(script).with_context(|| {
                format!(
                    "{} cannot be read; check that it is there",
                    script.display()
                )
            })?;
            Box::new(BufReader::new(file))
        };
        let mut target = match &self.room {
            Some(room) => self.visit(room, safe_graphics)?,
            None => Target::of(library, safe_graphics)?,
        };
        let outcome = self.carry_out(&mut *lines, &mut target);
        let saved = target.end();
        outcome.and(saved)
    }

    fn carry_out(&self, lines: &mut dyn BufRead, target: &mut Target) -> anyhow::Result<()> {
        let mut script = Script::default();
        let mut events = Events::of(target);
        let (mut asked, mut failed) = (0_u64, 0_u64);
        let mut number = 0_u64;
        let mut lines = lines;
        while let Some(line) = next_line(&mut lines).context("the script cannot be read further")? {
            number += 1;
            let result = match line.and_then(|line| script.read(&line)) {
                Ok(None) => continue,
                Ok(Some(step)) => take(step, &mut script, &mut events, target),
                Err(why) => Err(why),
            };
            asked += 1;
            print_answer(number, &result)?;
            if let Err(why) = result {
                failed += 1;
                if !self.keep_going {
                    bail!("line {number}: {why}");
                }
            }
        }
        if failed > 0 {
            bail!("{failed} of {asked} commands failed; their lines say why");
        }
        Ok(())
    }
}

fn take(
    step: Step,
    script: &mut Script,
    events: &mut Events,
    target: &mut Target,
) -> Result<Map<String, Json>, String> {
    match step {
        Step::WaitForEvent { kind, at_most } => events.wait(target, &kind, at_most),
        Step::Wait(time) => {
            std::thread::sleep(time);
            Ok(Map::new())
        }
        Step::Ask { object, label } => {
            let answer = target.ask(object)?;
            if let Some(label) = label {
                script.learn(label, &answer)?;
            }
            Ok(answer)
        }
    }
}

/// Which events of the room this script has waited for.
struct Events {
    seen: u64,
}

impl Events {
    /// From now on; what came before the script is not for it.
    fn of(target: &mut Target) -> Self {
        let seen = target.ask(asking_for_events(0)).ok();
        let seen = seen.and_then(|answer| answer.get("newest").and_then(Json::as_u64));
        Self {
            seen: seen.unwrap_or_default(),
        }
    }

    fn wait(
        &mut self,
        target: &mut Target,
        kind: &str,
        at_most: Duration,
    ) -> Result<Map<String, Json>, String> {
        let begun = Instant::now();
        loop {
            let answer = target.ask(asking_for_events(self.seen))?;
            if let Some((number, event)) = event_of_kind(&answer, kind) {
                self.seen = number;
                return Ok(Map::from_iter([("event".to_owned(), event)]));
            }
            let left = at_most.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(format!("no event “{kind}” came in time"));
            }
            std::thread::sleep(left.min(EVENTS));
        }
    }
}

fn asking_for_events(after: u64) -> Map<String, Json> {
    Map::from_iter([
        ("do".to_owned(), "events".into()),
        ("after".to_owned(), after.into()),
    ])
}

/// One line of JSON. A reader that wants no more of it does not end the script.
fn print_answer(line: u64, result: &Result<Map<String, Json>, String>) -> anyhow::Result<()> {
    let mut told = Map::new();
    told.insert("line".to_owned(), line.into());
    told.insert("ok".to_owned(), result.is_ok().into());
    match result {
        Ok(answer) => told.extend(answer.clone()),
        Err(why) => {
            told.insert("error".to_owned(), why.as_str().into());
        }
    }
    let mut text = serde_json::to_vec(&told)?;
    text.push(b'\n');
    let mut out = std::io::stdout().lock();
    match out.write_all(&text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

impl Target {
    fn of(library: Option<&Path>, safe_graphics: bool) -> anyhow::Result<Self> {
        let folder = match library {
            Some(folder) => folder.to_owned(),
            None => Library::default_folder()?,
        };
        if running::is_there(&folder)? {
            return Ok(Self::Running(folder));
        }
        let library = Arc::new(if Library::exists(&folder) {
            Library::open(&folder, Mode::Write)?
        } else {
            Library::create_empty(&folder)?
        });
        let clock = Arc::new(SystemClock::default());
        let session = Session::start(library, clock, Arc::new(|| ()))?;
        Ok(Self::Here(Box::new(Here {
            session,
            studio: Studio::new(safe_graphics),
        })))
    }

    fn ask(&mut self, command: Map<String, Json>) -> Result<Map<String, Json>, String> {
        match self {
            Self::Running(folder) => running::command_there(folder, command),
            Self::Here(here) => obey(&here.session, &mut here.studio, &command),
            Self::Room(visit) => {
                // What is drawn may still be on its way.
                if command.get("do").and_then(Json::as_str) == Some("snapshot") {
                    let _ = visit.guest.wait_for_pictures(PICTURES);
                }
                obey(visit.guest.session(), &mut visit.studio, &command)
            }
        }
    }

    /// Waits until everything is on disk, or with the room; a running app sees to that itself.
    fn end(self) -> anyhow::Result<()> {
        let here = match self {
            Self::Running(_) => return Ok(()),
            Self::Here(here) => here,
            Self::Room(visit) => {
                if visit.guest.wait_until_sent(SAVING)? {
                    return Ok(());
                }
                bail!(
                    "the room has not confirmed everything; look at it and run the rest of the script again"
                );
            }
        };
        let begun = Instant::now();
        loop {
            match &here.session.published().saved {
                Saved::Yes => return Ok(()),
                Saved::Failed(why) => bail!("{why}"),
                Saved::Writing if begun.elapsed() > SAVING => {
                    bail!(
                        "the changes could not be written in time; look at the disk and run the script again"
                    )
                }
                Saved::Writing => std::thread::sleep(LOOK),
            }
        }
    }
}

/// Draws snapshots; the graphics device is looked for with the first.
#[cfg(feature = "render")]
struct Studio {
    safe_graphics: bool,
    renderer: Option<crate::render::Headless>,
}

#[cfg(feature = "render")]
impl Studio {
    fn new(safe_graphics: bool) -> Self {
        Self {
            safe_graphics,
            renderer: None,
        }
    }

    fn write(&mut self, shot: &Shot, library: &Library) -> Result<(), String> {
        use super::render::{PATIENCE, adapter_choice, write_picture};
        use crate::render::{Frame, Headless, SceneInput};
        use crate::session::script::ShotView;

        let renderer = match &mut self.renderer {
            Some(renderer) => renderer,
            empty => {
                let found = Headless::new(adapter_choice(self.safe_graphics));
                empty.insert(found.map_err(|error| error.to_string())?)
            }
        };
        let source = &**library.tiles();
        let drawn = match &shot.view {
            ShotView::Dm(scene) => {
                let frame = Frame::of_display(SceneInput::Dm(scene), shot.size_px);
                renderer.render(&frame, source, PATIENCE)
            }
            ShotView::Player(shown) => renderer.render_table(shown, shot.size_px, source, PATIENCE),
        };
        let (picture, report) = drawn.map_err(|error| error.to_string())?;
        write_picture(&picture, report, &shot.file).map_err(|error| super::sentence(&error))
    }
}

/// Without the renderer there are no snapshots.
#[cfg(not(feature = "render"))]
struct Studio;

#[cfg(not(feature = "render"))]
impl Studio {
    fn new(_safe_graphics: bool) -> Self {
        Self
    }

    fn write(&self, _shot: &Shot, _library: &Library) -> Result<(), String> {
        Err("this program was built without the renderer, so it draws no snapshots".to_owned())
    }
}

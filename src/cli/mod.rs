//! The command line: one file per subcommand.
//!
//! Machine output is JSON (or the file that was asked for) on stdout, everything else goes to
//! stderr. Exit codes: 0 done, 1 failed with one clear message, 2 usage. Called by `main`.

mod editor;
mod export;
mod import;
mod input;
mod inspect;
pub mod inspect_map;
#[cfg(feature = "render")]
mod play;
#[cfg(feature = "render")]
mod render;
mod room;
mod run;
mod running;
mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Map scenes on two screens.
#[derive(Debug, Parser)]
#[command(name = "tableglow", version, about, long_about = None)]
struct Arguments {
    /// The library's folder; by default the one in your data folder.
    #[arg(long, value_name = "DIR", global = true)]
    library: Option<PathBuf>,

    /// How much an area writes into the log, for example `render=debug`; may be given several times.
    #[arg(long, value_name = "AREA=LEVEL", global = true)]
    log: Vec<String>,

    /// Draw without the graphics card.
    #[arg(long, global = true)]
    safe_graphics: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "render")]
    Render(render::Render),
    Inspect(inspect::Inspect),
    Import(import::Import),
    Export(export::Export),
    Run(run::Run),
    #[cfg(feature = "render")]
    Play(play::Play),
    Serve(Box<serve::Serve>),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _log = match crate::util::log::start(&arguments.log) {
        Ok(guard) => guard,
        Err(problem) => {
            tell(&problem.to_string());
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let problem = sentence(&problem);
            tracing::error!("{problem}");
            tell(&problem);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let safe_graphics = arguments.safe_graphics;
    match arguments.command {
        None => editor::run(arguments.library, safe_graphics),
        #[cfg(feature = "render")]
        Some(Command::Render(command)) => command.run(safe_graphics),
        Some(Command::Inspect(command)) => command.run(),
        Some(Command::Import(command)) => command.run(arguments.library.as_deref()),
        Some(Command::Export(command)) => command.run(safe_graphics),
        Some(Command::Run(command)) => command.run(arguments.library.as_deref(), safe_graphics),
        #[cfg(feature = "render")]
        Some(Command::Play(command)) => command.run(arguments.library.as_deref(), safe_graphics),
        Some(Command::Serve(command)) => command.run(),
    }
}

/// A problem with its causes, each told once: many of our errors quote their cause themselves.
fn sentence(problem: &anyhow::Error) -> String {
    problem.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        if told.is_empty() {
            cause
        } else if told.contains(&cause) {
            told
        } else {
            format!("{told}: {cause}")
        }
    })
}

/// Writes a line for the person at the terminal.
pub(crate) fn tell(line: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes machine output: one JSON document and a line end. A reader that wants no more of it
/// (`| head`) is no failure.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print_text(&format!("{value:#}\n"))
}

/// Prints a text to stdout; a reader that went away is fine.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn print_text(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

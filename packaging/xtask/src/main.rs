//! Developer tasks, run as `cargo xtask WORD`: the two commands of the README and what they share.
//!
//! Must not know the `tableglow` library: this crate uses the standard library alone, so that it
//! builds in seconds on a machine that has nothing yet. Called by people and by `.ci/run`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command talks on the terminal"
)]

mod icons;
mod machine;
mod setup;
mod tasks;

use std::process::ExitCode;

const HELP: &str = "\
Developer tasks of Tableglow.

  cargo xtask run [-- ARGS]     install what this machine lacks, build in release, and open the app
                                on the sample campaign; without a display, render it to pictures
  cargo xtask test [-- ARGS]    install what the tests need and run all of them;
                                ARGS go to `cargo test` (a name, --lib, --test NAME …)
  cargo xtask setup [run|test]  the installing alone
  cargo xtask icons             remake assets/icon/*.png, .ico and .icns from the SVG

Packages are installed with apt, as root or through sudo, and only those that are missing.
On other systems the tasks say what is missing and go on.";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Run(Vec<String>),
    Test(Vec<String>),
    Setup(setup::Purpose),
    Icons,
    Help,
}

/// Reads the words after `cargo xtask`; an error is the word that is not understood.
fn parse(words: &[String]) -> Result<Task, String> {
    let Some((first, rest)) = words.split_first() else {
        return Ok(Task::Help);
    };
    let passed_on = || match rest {
        [dashes, args @ ..] if dashes == "--" => args.to_vec(),
        args => args.to_vec(),
    };
    let alone = |task| match rest.first() {
        Some(word) => Err(word.clone()),
        None => Ok(task),
    };
    match first.as_str() {
        "run" => Ok(Task::Run(passed_on())),
        "test" => Ok(Task::Test(passed_on())),
        "setup" => match rest {
            [] => Ok(Task::Setup(setup::Purpose::Test)),
            [purpose] if purpose == "test" => Ok(Task::Setup(setup::Purpose::Test)),
            [purpose] if purpose == "run" => Ok(Task::Setup(setup::Purpose::Run)),
            [word, ..] => Err(word.clone()),
        },
        "icons" => alone(Task::Icons),
        "help" | "--help" | "-h" => Ok(Task::Help),
        other => Err(other.to_owned()),
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match parse(&words) {
        Err(word) => {
            eprintln!("cargo xtask does not know the word \"{word}\".\n\n{HELP}");
            return ExitCode::from(2);
        }
        Ok(Task::Help) => {
            println!("{HELP}");
            Ok(())
        }
        Ok(Task::Run(args)) => tasks::run(&args),
        Ok(Task::Test(args)) => tasks::test(&args),
        Ok(Task::Setup(purpose)) => setup::set_up(purpose),
        Ok(Task::Icons) => tasks::icons(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn words_become_tasks() {
        assert_eq!(parse(&words("")), Ok(Task::Help));
        assert_eq!(parse(&words("run")), Ok(Task::Run(vec![])));
        assert_eq!(
            parse(&words("test -- --lib geom")),
            Ok(Task::Test(words("--lib geom")))
        );
        assert_eq!(
            parse(&words("test --lib")),
            Ok(Task::Test(words("--lib"))),
            "the dashes may be left out"
        );
        assert_eq!(
            parse(&words("setup")),
            Ok(Task::Setup(setup::Purpose::Test))
        );
        assert_eq!(parse(&words("icons")), Ok(Task::Icons));
    }

    #[test]
    fn wrong_words_are_named() {
        assert_eq!(parse(&words("fly")), Err("fly".to_owned()));
        assert_eq!(parse(&words("setup moon")), Err("moon".to_owned()));
        assert_eq!(parse(&words("icons now")), Err("now".to_owned()));
    }
}

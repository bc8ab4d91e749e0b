//! When the graphics device is lost nothing can be drawn any more, not even the words that say so:
//! everything is saved, and the program starts itself again.
//!
//! Must not know the session or documents. Called by [`super::run`] when the windows are gone.

use std::process::Command;
use std::time::Duration;

/// How often in a row this program was started for a lost device.
const COUNT: &str = "TABLEGLOW_GRAPHICS_RESTARTS";
/// A run that lasted this long is no part of a row.
const GOOD_RUN: Duration = Duration::from_secs(120);

/// How the program starts itself again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    count: u32,
    /// In software: the driver failed twice.
    safe: bool,
}

/// `None` when starting again would not help.
fn next_start(earlier: u32, ran_for: Duration) -> Option<Start> {
    let count = if ran_for >= GOOD_RUN { 1 } else { earlier + 1 };
    (count <= 3).then_some(Start {
        count,
        safe: count > 1,
    })
}

fn earlier() -> u32 {
    std::env::var(COUNT)
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or_default()
}

/// What the editor says after such a start.
#[must_use]
pub fn told_at_start() -> Option<String> {
    match earlier() {
        0 => None,
        1 => Some("The graphics driver stopped, so Tableglow started again; everything is saved.".into()),
        _ => Some("The graphics driver stopped again, so Tableglow draws in software now; everything is saved. A newer driver may help.".into()),
    }
}

/// Starts the program again with its own arguments. Does not come back where a process can replace
/// itself.
///
/// # Errors
/// It did not help before, or the program cannot be started.
pub fn again(ran_for: Duration) -> anyhow::Result<()> {
    let Some(start) = next_start(earlier(), ran_for) else {
        anyhow::bail!(
            "The graphics driver stopped again and again, so Tableglow ends here; everything is saved. Update the driver, or start with --safe-graphics."
        );
    };
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(std::env::args_os().skip(1))
        .env(COUNT, start.count.to_string());
    if start.safe && !std::env::args_os().any(|argument| argument == "--safe-graphics") {
        command.arg("--safe-graphics");
    }
    tracing::warn!(target: "app", ?start, "starting again with a new graphics device");
    let failed = replace(command);
    failed.map_err(|error| {
        anyhow::anyhow!(
            "The graphics driver stopped, so Tableglow ends here; everything is saved. Start it again. ({error})"
        )
    })
}

#[cfg(unix)]
fn replace(mut command: Command) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> std::io::Result<()> {
    command.spawn().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_fails_again_is_left_for_software_and_then_given_up() {
        let soon = Duration::from_secs(5);
        let start = |count, safe| Some(Start { count, safe });
        assert_eq!(next_start(0, soon), start(1, false));
        assert_eq!(next_start(1, soon), start(2, true));
        assert_eq!(next_start(2, soon), start(3, true));
        assert_eq!(next_start(3, soon), None);
    }

    #[test]
    fn a_loss_after_a_good_evening_is_the_first() {
        let evening = Duration::from_secs(4 * 3600);
        assert_eq!(
            next_start(3, evening),
            Some(Start {
                count: 1,
                safe: false
            })
        );
    }
}

//! The log: a rotating file in the state folder, and what `--log` asks for on stderr as well.
//!
//! Seven daily files are kept. Nothing that a user wrote (names of scenes, notes) and no secret is
//! ever logged at the default levels. Called by `cli` at the start and by the report of `app`.

use std::path::PathBuf;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged without `--log`: warnings of everybody, information of ours.
const DEFAULT_FILTER: &str = "warn,tableglow=info";

/// Why a `--log` argument cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Not AREA=LEVEL.
    #[error("--log {argument}: write AREA=LEVEL, for example --log render=debug")]
    Shape {
        /// What was given.
        argument: String,
    },
    /// Not a level.
    #[error("--log {argument}: the level is one of error, warn, info, debug, trace or off")]
    Level {
        /// What was given.
        argument: String,
    },
}

/// Keeps the log's writer alive; what was logged is flushed when it goes.
#[derive(Debug)]
pub struct LogGuard {
    _file: Option<WorkerGuard>,
}

/// The folder of the log files.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "tableglow")?;
    Some(
        dirs.state_dir()
            .unwrap_or_else(|| dirs.data_local_dir())
            .join("log"),
    )
}

/// Starts the log. A folder that cannot be written means no file, never a failed start.
///
/// # Errors
/// An argument that is not `AREA=LEVEL`.
pub fn start(asked: &[String]) -> Result<LogGuard, LogError> {
    let mut filter = String::from(DEFAULT_FILTER);
    for argument in asked {
        filter.push(',');
        filter.push_str(&directive(argument)?);
    }
    let appender = folder().and_then(|folder| {
        std::fs::create_dir_all(&folder).ok()?;
        tracing_appender::rolling::Builder::new()
            .rotation(tracing_appender::rolling::Rotation::DAILY)
            .filename_prefix("tableglow")
            .filename_suffix("log")
            .max_log_files(7)
            .build(folder)
            .ok()
    });
    let (file_layer, guard) = match appender {
        None => (None, None),
        Some(appender) => {
            let (writer, guard) = tracing_appender::non_blocking(appender);
            let layer = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(writer)
                .with_filter(EnvFilter::new(&filter));
            (Some(layer), Some(guard))
        }
    };
    let stderr_layer = (!asked.is_empty()).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_filter(EnvFilter::new(&filter))
    });
    // A second start in one process (tests) keeps the first log.
    let _ = tracing_subscriber::registry()
        .with(file_layer)
        .with(stderr_layer)
        .try_init();
    Ok(LogGuard { _file: guard })
}

/// `render=debug` names a room of this crate; a path with `::` names any crate's module.
fn directive(argument: &str) -> Result<String, LogError> {
    let (area, level) = argument.split_once('=').ok_or_else(|| LogError::Shape {
        argument: argument.to_owned(),
    })?;
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if area.is_empty() || !area.chars().all(known) {
        return Err(LogError::Shape {
            argument: argument.to_owned(),
        });
    }
    if !["error", "warn", "info", "debug", "trace", "off"].contains(&level) {
        return Err(LogError::Level {
            argument: argument.to_owned(),
        });
    }
    Ok(if area.contains("::") || is_crate(area) {
        format!("{area}={level}")
    } else {
        format!("tableglow::{area}={level}")
    })
}

fn is_crate(area: &str) -> bool {
    [
        "tableglow",
        "wgpu",
        "wgpu_core",
        "wgpu_hal",
        "eframe",
        "egui",
        "naga",
        "winit",
    ]
    .contains(&area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_a_room_and_a_wrong_word_is_told() {
        assert_eq!(
            directive("render=debug").ok().as_deref(),
            Some("tableglow::render=debug")
        );
        assert_eq!(
            directive("wgpu_core=warn").ok().as_deref(),
            Some("wgpu_core=warn")
        );
        assert!(matches!(directive("render"), Err(LogError::Shape { .. })));
        assert!(matches!(
            directive("render=loud"),
            Err(LogError::Level { .. })
        ));
        assert!(matches!(directive("a b=info"), Err(LogError::Shape { .. })));
    }
}

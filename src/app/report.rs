//! The report that a user may hand to the makers: log, versions, adapter, counts.
//!
//! No secrets and no content: no names of scenes, parties, files or folders get in. Called by
//! [`super::shell`].

use std::fmt::Write as _;
use std::path::Path;

use crate::session::api::{Published, Saved};

/// How many lines of the log go in.
const LOG_LINES: usize = 400;

/// What the report says.
#[must_use]
pub fn text(published: &Published, adapter: &str, log_tail: &[String]) -> String {
    let library = &published.library;
    let games: usize = library.parties.iter().map(|party| party.games.len()).sum();
    let markers: usize = published.scenes.iter().map(|scene| scene.markers).sum();
    let saved = match published.saved {
        Saved::Yes => "yes",
        Saved::Writing => "writing",
        Saved::Failed(_) => "failed",
    };
    let mut report = String::new();
    // Writing into a String never fails.
    let _ = writeln!(report, "Tableglow report\n");
    let _ = writeln!(report, "version: {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(
        report,
        "system: {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    let _ = writeln!(report, "graphics: {adapter}");
    let _ = writeln!(report, "library writable: {}", library.writable);
    let _ = writeln!(report, "saved: {saved}");
    let _ = writeln!(
        report,
        "parties: {}, games: {games}, backups: {}, scenes of the open game: {}, markers: {markers}",
        library.parties.len(),
        library.backups.len(),
        published.scenes.len(),
    );
    if let Some(scene) = &published.editing {
        let _ = writeln!(
            report,
            "edited scene: map {:?}, markers {}, lights {}, drawings {}, walls {}, doors {}",
            scene.map.as_ref().map(|map| map.placement.size_px),
            scene.markers.len(),
            scene.lights.len(),
            scene.annotations.len(),
            scene.structures.walls.len(),
            scene.structures.doors.len(),
        );
    }
    let _ = writeln!(report, "\nlog:");
    let secrets = private_words(published);
    for line in log_tail {
        let _ = writeln!(report, "{}", without(line, &secrets));
    }
    report
}

/// Names and paths that must not leave this machine.
fn private_words(published: &Published) -> Vec<String> {
    let library = &published.library;
    let mut words: Vec<String> = vec![library.folder.display().to_string()];
    if let Some(folders) = directories::UserDirs::new() {
        words.push(folders.home_dir().display().to_string());
    }
    for party in &library.parties {
        words.push(party.name.clone());
        words.extend(party.games.iter().map(|game| game.name.clone()));
    }
    words.extend(published.scenes.iter().map(|scene| scene.name.to_string()));
    words.extend(published.removed.iter().map(|scene| scene.name.to_string()));
    // A short word would blot out half the log.
    words.retain(|word| word.chars().count() >= 3);
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

fn without(line: &str, secrets: &[String]) -> String {
    let mut line = line.to_owned();
    for secret in secrets {
        line = line.replace(secret.as_str(), "[name]");
    }
    line.split(' ')
        .map(|word| {
            // Whatever looks like a path or a file of pictures or maps.
            let path = word.contains('/') && word.matches('/').count() > 1 || word.contains(":\\");
            let file = [
                ".png",
                ".jpg",
                ".jpeg",
                ".webp",
                ".bmp",
                ".tif",
                ".gif",
                "vtt",
                ".tableglow",
            ]
            .iter()
            .any(|ending| word.to_lowercase().contains(ending));
            if path || file { "[path]" } else { word }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last lines of the newest log file in a folder.
#[must_use]
pub fn log_tail(folder: &Path) -> Vec<String> {
    let newest = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok());
    let Some(newest) = newest else {
        return Vec::new();
    };
    let Ok(bytes) = std::fs::read(newest.path()) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let first = lines.len().saturating_sub(LOG_LINES);
    lines.into_iter().skip(first).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::library::catalog::{LibraryView, PartyEntry};
    use crate::model::id::{PartyId, SceneId};
    use crate::model::party::PartyDefaults;
    use crate::session::api::SceneEntry;
    use crate::util::revision::Revision;

    #[test]
    fn a_report_holds_no_names_and_no_paths() {
        let published = Published {
            library: Arc::new(LibraryView {
                folder: "/home/mira/secret-folder".into(),
                writable: true,
                parties: vec![PartyEntry {
                    id: PartyId::new("p"),
                    name: "Friday heroes".into(),
                    defaults: PartyDefaults::default(),
                    games: Vec::new(),
                }],
                backups: Vec::new(),
            }),
            scenes: [SceneEntry {
                id: SceneId::new("s"),
                name: "Crypt of Doom".into(),
                thumbnail: None,
                revision: Revision::default(),
                thumbnail_shows: None,
                markers: 3,
            }]
            .into(),
            ..Published::default()
        };
        let log = [
            "opened /home/mira/secret-folder/library.db".to_owned(),
            "import of castle.png into Crypt of Doom for Friday heroes took 3 ms".to_owned(),
        ];
        let report = text(&published, "llvmpipe", &log);
        for secret in ["mira", "secret", "Friday", "Crypt", "castle"] {
            assert!(!report.contains(secret), "{secret} in {report}");
        }
        assert!(report.contains("took 3 ms"));
        assert!(report.contains("markers: 3"));
    }
}

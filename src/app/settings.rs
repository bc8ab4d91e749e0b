//! What this machine's user chose: window, theme, folded panes, monitor, last library.
//!
//! A JSON file in the configuration folder, written atomically; keys that this version does not know
//! survive. Must not know documents. Called by [`super::shell`] and dialogs.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::theme::ThemeChoice;
use super::tools::measure::MeasureOptions;
use crate::model::color::Rgb;
use crate::model::presence::{TablePart, shown_name};
use crate::session::room::{Identity, Scope};
use crate::storage::atomic;

/// What somebody is called who gave no name.
pub const NO_NAME: &str = "Game master";
/// Colours of people that stand out from maps and from each other.
pub const PEOPLE_COLORS: [Rgb; 8] = [
    Rgb::new(0x4f, 0xc3, 0xf7),
    Rgb::new(0x81, 0xc7, 0x84),
    Rgb::new(0xff, 0x8a, 0x65),
    Rgb::new(0xba, 0x68, 0xc8),
    Rgb::new(0xff, 0xd5, 0x4f),
    Rgb::new(0xf0, 0x62, 0x92),
    Rgb::new(0x4d, 0xb6, 0xac),
    Rgb::new(0xa1, 0x88, 0x7f),
];

/// Colours of the pen that stand out from maps.
pub const PEN_COLORS: [(Rgb, &str); 6] = [
    (Rgb::new(0xf2, 0xf2, 0xf0), "White"),
    (Rgb::new(0xff, 0xd5, 0x4f), "Yellow"),
    (Rgb::new(0xff, 0x5a, 0x4f), "Red"),
    (Rgb::new(0x4f, 0xc3, 0xf7), "Blue"),
    (Rgb::new(0x6f, 0xd0, 0x7a), "Green"),
    (Rgb::new(0x16, 0x16, 0x18), "Black"),
];

/// The settings of the app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// Inner size of the editor, points.
    pub window_size: [f32; 2],
    /// Top left corner of the editor in the desktop, pixels, where the system tells it.
    pub window_position_px: Option<[i32; 2]>,
    /// The editor fills its screen.
    pub window_maximized: bool,
    /// Colours.
    pub theme: ThemeChoice,
    /// The scene list is folded.
    pub left_pane_folded: bool,
    /// The inspector is folded.
    pub right_pane_folded: bool,
    /// The monitor of the player display.
    pub player_monitor: Option<MonitorChoice>,
    /// The player display opens with the app.
    pub player_display_open: bool,
    /// The player display fills its monitor.
    pub player_display_fullscreen: bool,
    /// The library opened last.
    pub last_library: Option<PathBuf>,
    /// Markers go to the grid.
    pub snapping: bool,
    /// Fog moves on the player display.
    pub animation: bool,
    /// Scenes fade over black, panes glide.
    pub transitions: bool,
    /// A fog brush reveals while it is drawn, not when it is lifted.
    pub reveal_live: bool,
    /// Diameter of the fog brush, cells.
    pub brush_cells: f64,
    /// What is measured with.
    pub measuring: MeasureOptions,
    /// The pen's colour, `#rrggbb`; the first that is offered without.
    pub pen_color: Option<String>,
    /// Who this user is to others in a room; empty = no name given.
    pub user_name: String,
    /// Their colour, `#rrggbb`; `None` until the first start chose one.
    pub user_color: Option<String>,
    /// Others in a room see where this user points.
    pub share_cursor: bool,
    /// Others in a room see what this user looks at.
    pub share_view: bool,
    /// Where others point is shown.
    pub show_cursors: bool,
    /// Who can reach a game that is hosted here.
    pub host_scope: Scope,
    /// The port that it is hosted on; 0 = any that is free.
    pub host_port: u16,
    /// Kinds of a room's events that are told, with commas between: `NOTICE, USER_JOINED`.
    pub room_events: String,
    /// First hints that are done.
    pub hints_done: BTreeSet<String>,
    /// What other versions wrote.
    #[serde(flatten)]
    pub unknown: serde_json::Map<String, serde_json::Value>,
}

/// A monitor as it is remembered: by name and place, because indices change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitorChoice {
    /// The system's name for it.
    pub name: String,
    /// Its top left corner in the desktop, pixels.
    pub position_px: [i32; 2],
    /// Its size, pixels.
    pub size_px: [u32; 2],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window_size: [1280.0, 800.0],
            window_position_px: None,
            window_maximized: false,
            theme: ThemeChoice::Dark,
            left_pane_folded: false,
            right_pane_folded: false,
            player_monitor: None,
            player_display_open: false,
            player_display_fullscreen: true,
            last_library: None,
            snapping: true,
            animation: false,
            transitions: true,
            reveal_live: true,
            brush_cells: 2.0,
            measuring: MeasureOptions::default(),
            pen_color: None,
            user_name: String::new(),
            user_color: None,
            share_cursor: true,
            share_view: true,
            show_cursors: true,
            host_scope: Scope::default(),
            host_port: 0,
            room_events: "NOTICE".into(),
            hints_done: BTreeSet::new(),
            unknown: serde_json::Map::new(),
        }
    }
}

impl Settings {
    /// Reads the file. What is missing is the default; a file that is no settings file is set aside
    /// as `….damaged` and told in the second value.
    #[must_use]
    pub fn load(path: &Path) -> (Self, Option<String>) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return (Self::default(), None);
            }
            Err(error) => {
                return (
                    Self::default(),
                    Some(format!(
                        "Your settings could not be read and are at their defaults; nothing else is affected: {error}."
                    )),
                );
            }
        };
        match Self::parse(&text) {
            Some(settings) => (settings, None),
            None => {
                let aside = path.with_extension("json.damaged");
                let kept = std::fs::rename(path, &aside).is_ok();
                let note = if kept {
                    format!(
                        "Your settings file is damaged and was set aside as {}; the settings are at their defaults, your campaigns are not affected.",
                        aside.display()
                    )
                } else {
                    "Your settings file is damaged; the settings are at their defaults, your campaigns are not affected.".to_owned()
                };
                (Self::default(), Some(note))
            }
        }
    }

    /// Reads settings text; each wrong value falls back to its default.
    fn parse(text: &str) -> Option<Self> {
        if let Ok(settings) = serde_json::from_str::<Self>(text) {
            return Some(settings.made_sane());
        }
        // One wrong value must not cost all others: keep the keys that read.
        let serde_json::Value::Object(given) = serde_json::from_str(text).ok()? else {
            return None;
        };
        let mut kept = serde_json::Map::new();
        for (key, value) in given {
            let mut attempt = kept.clone();
            attempt.insert(key, value);
            if serde_json::from_value::<Self>(attempt.clone().into()).is_ok() {
                kept = attempt;
            }
        }
        serde_json::from_value::<Self>(kept.into())
            .ok()
            .map(Self::made_sane)
    }

    fn made_sane(mut self) -> Self {
        for side in &mut self.window_size {
            *side = if side.is_finite() {
                side.clamp(640.0, 16_384.0)
            } else {
                1280.0
            };
        }
        self.brush_cells = if self.brush_cells.is_finite() {
            self.brush_cells.clamp(0.25, 20.0)
        } else {
            2.0
        };
        self.measuring = self.measuring.made_sane();
        self
    }

    /// Who this user is to others in a room.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let name = shown_name(&self.user_name);
        Identity {
            name: if name.is_empty() {
                NO_NAME.to_owned()
            } else {
                name
            },
            color: self.color(),
            part: TablePart::Dm,
            shares_view: self.share_view,
        }
    }

    /// This user's colour.
    #[must_use]
    pub fn color(&self) -> Rgb {
        let chosen = self.user_color.as_deref().and_then(Rgb::parse);
        chosen.unwrap_or(PEOPLE_COLORS[0])
    }

    /// The pen's colour.
    #[must_use]
    pub fn pen_color(&self) -> Rgb {
        let chosen = self.pen_color.as_deref().and_then(Rgb::parse);
        chosen.unwrap_or(PEN_COLORS[0].0)
    }

    /// Chooses a colour for a user who has none.
    pub fn choose_color(&mut self) {
        if self.user_color.as_deref().and_then(Rgb::parse).is_none() {
            let chosen = PEOPLE_COLORS.get(rand::random_range(0..PEOPLE_COLORS.len()));
            self.user_color = chosen.map(|color| color.to_hex());
        }
    }

    /// Writes the file: whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be made or written.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        atomic::write_private_file(path, |file| file.write_all(text.as_bytes()))
    }
}

/// Where the settings file is, if this system has a configuration folder.
#[must_use]
pub fn default_path() -> Option<PathBuf> {
    directories::ProjectDirs::from("app", "Tableglow", "Tableglow")
        .map(|folders| folders.config_dir().join("settings.json"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_restart_and_so_do_keys_of_other_versions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/settings.json");
        let mut settings = Settings {
            theme: ThemeChoice::DarkRoom,
            ..Settings::default()
        };
        settings.save(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap().replacen(
            '{',
            "{\"fromTheFuture\": {\"a\": 1},",
            1,
        );
        std::fs::write(&path, text).unwrap();
        let (read, told) = Settings::load(&path);
        assert_eq!(told, None);
        assert_eq!(read.theme, ThemeChoice::DarkRoom);
        settings = read;
        settings.snapping = false;
        settings.save(&path).unwrap();
        let again = std::fs::read_to_string(&path).unwrap();
        assert!(again.contains("fromTheFuture"), "{again}");
    }

    #[test]
    fn one_wrong_value_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(
            &path,
            r#"{"theme": 7, "snapping": false, "windowSize": [1e30, -4]}"#,
        )
        .unwrap();
        let (read, told) = Settings::load(&path);
        assert_eq!(told, None);
        assert!(!read.snapping);
        assert_eq!(read.theme, ThemeChoice::Dark);
        assert_eq!(read.window_size, [16_384.0, 640.0]);
    }

    #[test]
    fn nobody_gets_a_name_that_they_did_not_give() {
        let mut settings = Settings::default();
        assert_eq!(settings.identity().name, NO_NAME);
        settings.user_name = "mira@example.org".into();
        assert_eq!(settings.identity().name, "mira");
        settings.choose_color();
        let chosen = settings.color();
        settings.choose_color();
        assert_eq!(settings.color(), chosen);
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, "not json").unwrap();
        let (read, told) = Settings::load(&path);
        assert_eq!(read, Settings::default());
        assert!(told.unwrap().contains("set aside"));
        assert!(folder.path().join("settings.json.damaged").exists());
    }
}

//! What new scenes of a party start with: its table screen, its grid, its pause picture.

use eframe::egui;

use crate::app::command::{Command, Commands, FilePurpose};
use crate::app::icons;
use crate::app::widgets::buttons::{Accent, TextButton, switch};
use crate::app::widgets::fields::{NumberSpec, Room, choice, number, row};
use crate::app::widgets::frames::dialog;
use crate::model::id::PartyId;
use crate::model::party::PartyDefaults;
use crate::session::api::{Published, Request};

/// Resolutions that table screens have.
const RESOLUTIONS: [([u32; 2], &str); 10] = [
    ([1280, 720], "1280 × 720 (720p)"),
    ([1280, 800], "1280 × 800 (WXGA)"),
    ([1440, 900], "1440 × 900 (WXGA+)"),
    ([1680, 1050], "1680 × 1050 (WSXGA+)"),
    ([1920, 1080], "1920 × 1080 (1080p)"),
    ([1920, 1200], "1920 × 1200 (WUXGA)"),
    ([2560, 1440], "2560 × 1440 (1440p)"),
    ([2560, 1600], "2560 × 1600 (WQXGA)"),
    ([3840, 2160], "3840 × 2160 (4K)"),
    ([3840, 2400], "3840 × 2400 (WQUXGA)"),
];

/// The defaults of a party as they are being changed.
#[derive(Debug, Clone)]
pub struct DefaultsDialog {
    party: PartyId,
    name: String,
    defaults: PartyDefaults,
}

fn spec(min: f64, max: f64, step: f64, suffix: &'static str, whole: bool) -> NumberSpec {
    NumberSpec {
        min,
        max,
        step,
        whole,
        suffix,
        percent: false,
        slider: None,
        logarithmic: false,
    }
}

/// Width and height of a screen of so many inches across its corners.
fn of_diagonal(diagonal_in: f64, resolution_px: [u32; 2]) -> [f64; 2] {
    let [w, h] = resolution_px.map(f64::from);
    let scale = diagonal_in / w.hypot(h).max(1.0);
    [w * scale, h * scale].map(|side| (side * 100.0).round() / 100.0)
}

impl DefaultsDialog {
    /// The dialog of a party.
    #[must_use]
    pub fn of(party: &PartyId, published: &Published) -> Option<Self> {
        let entry = published.library.parties.iter().find(|p| p.id == *party)?;
        Some(Self {
            party: party.clone(),
            name: entry.name.clone(),
            defaults: entry.defaults.clone(),
        })
    }

    /// Shows it; `false` closes it.
    pub fn show(&mut self, ctx: &egui::Context, commands: &mut Commands) -> bool {
        dialog(ctx, "Table and new scenes", 480.0, |ui| {
            let d = &mut self.defaults;
            let mut asked = false;
            ui.weak(format!("What new scenes of {} start with.", self.name));
            ui.add_space(8.0);
            let mut resolution = d.display_resolution_px;
            let [x, y] = d.display_size_in;
            let mut diagonal = x.hypot(y);
            let (response, _) = number(
                ui,
                "Screen diagonal",
                &mut diagonal,
                &spec(5.0, 300.0, 1.0, " in", false),
                None,
            );
            if response.changed() {
                d.display_size_in = of_diagonal(diagonal, resolution);
            }
            row(ui, "Resolution", Room::Wide, None, |ui| {
                let mut choices = RESOLUTIONS.to_vec();
                if !RESOLUTIONS.iter().any(|(known, _)| *known == resolution) {
                    choices.push((resolution, "Other"));
                }
                if choice(ui, "Resolution", &mut resolution, &choices) {
                    d.display_resolution_px = resolution;
                    d.display_size_in = of_diagonal(diagonal, resolution);
                }
            });
            for (axis, label) in [(0, "Picture width"), (1, "Picture height")] {
                if let Some(side) = d.display_size_in.get_mut(axis) {
                    number(ui, label, side, &spec(0.1, 1000.0, 0.1, " in", false), None);
                }
            }
            for (axis, label) in [(0, "Padding left and right"), (1, "Padding top and bottom")] {
                if let Some(side) = d.display_padding_px.get_mut(axis) {
                    let mut px = f64::from(*side);
                    let (response, _) = number(
                        ui,
                        label,
                        &mut px,
                        &spec(0.0, 10_000.0, 1.0, " px", true),
                        None,
                    );
                    if response.changed() {
                        *side = crate::app::tools::whole(px).unsigned_abs();
                    }
                }
            }
            row(ui, "Grid", Room::Wide, None, |ui| {
                choice(
                    ui,
                    "Grid",
                    &mut d.grid_type,
                    &[(0, "Squares"), (1, "Hexes")],
                )
            });
            if d.grid_type == crate::model::scene::GRID_TYPE_HEX {
                row(ui, "Flat-topped hexes", Room::SWITCH, None, |ui| {
                    switch(ui, &mut d.hex_flat_top, "Flat-topped hexes")
                });
            }
            number(
                ui,
                "Cell size",
                &mut d.grid_spacing_in,
                &spec(0.01, 100.0, 0.25, " in", false),
                None,
            );
            number(
                ui,
                "Line width",
                &mut d.grid_line_thickness_px,
                &spec(0.5, 100.0, 1.0, " px", false),
                None,
            );
            row(ui, "Pause picture", Room::Wide, None, |ui| {
                let words = if d.pause_picture.is_some() {
                    "Replace"
                } else {
                    "Choose"
                };
                if TextButton::new(words)
                    .icon(icons::FILE_IMAGE)
                    .show(ui)
                    .clicked()
                {
                    // What is changed already is kept: the picture joins it when it has come.
                    commands.request(Request::SetPartyDefaults {
                        party: self.party.clone(),
                        defaults: d.clone(),
                    });
                    commands.push(Command::AskFile(FilePurpose::PausePicture {
                        party: self.party.clone(),
                    }));
                    asked = true;
                }
                if d.pause_picture.is_some() && TextButton::new("Remove").flat().show(ui).clicked()
                {
                    d.pause_picture = None;
                }
            });
            ui.add_space(12.0);
            let mut stay = !asked;
            ui.horizontal(|ui| {
                if TextButton::new("Save")
                    .accent(Accent::Edit)
                    .show(ui)
                    .clicked()
                {
                    commands.request(Request::SetPartyDefaults {
                        party: self.party.clone(),
                        defaults: d.clone(),
                    });
                    stay = false;
                }
                if TextButton::new("Cancel").flat().show(ui).clicked() {
                    stay = false;
                }
            });
            stay
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forty_inch_full_hd_screen_has_the_known_size() {
        assert_eq!(of_diagonal(40.0, [1920, 1080]), [34.86, 19.61]);
    }
}

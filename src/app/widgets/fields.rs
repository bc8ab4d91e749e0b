//! Fields: a label, a control and a reset, in rows that line up.

use eframe::egui;
use egui::{Align, Color32, CornerRadius, Layout, Response, Sense, Stroke, StrokeKind, Ui};

use super::buttons::IconButton;
use crate::app::icons;
use crate::app::theme::{CONTROL_HEIGHT, Tokens};
use crate::model::color::Rgb;

const RESET_WIDTH: f32 = 20.0;
/// Width of a number field.
const NUMBER_WIDTH: f32 = 92.0;

/// How much of a row its control takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Room {
    /// More than half of the row: lists, texts.
    Wide,
    /// So many points: numbers, switches, colours.
    Points(f32),
}

impl Room {
    /// A number field.
    pub const NUMBER: Self = Self::Points(NUMBER_WIDTH);
    /// A switch.
    pub const SWITCH: Self = Self::Points(36.0);
    /// A colour well.
    pub const COLOR: Self = Self::Points(66.0);
    /// A short button.
    pub const BUTTON: Self = Self::Points(64.0);
}

/// A row: the label at the left, the control at the right, a reset behind it. Returns what `control`
/// returned and whether the reset was clicked. `reset` is `None` for fields that have none, else
/// whether there is something to reset.
pub fn row<R>(
    ui: &mut Ui,
    label: &str,
    room: Room,
    reset: Option<bool>,
    control: impl FnOnce(&mut Ui) -> R,
) -> (R, bool) {
    ui.horizontal(|ui| {
        ui.set_min_height(CONTROL_HEIGHT);
        ui.spacing_mut().item_spacing.x = 4.0;
        let whole = ui.available_width();
        let reset_width = if reset.is_some() {
            RESET_WIDTH + 4.0
        } else {
            0.0
        };
        let label_width = match room {
            Room::Wide => (whole - reset_width) * 0.42,
            Room::Points(points) => (whole - reset_width - points - 4.0).max(40.0),
        };
        label_cell(ui, label, label_width);
        let control_width = (ui.available_width() - reset_width).max(24.0);
        let result = ui
            .allocate_ui_with_layout(
                egui::vec2(control_width, CONTROL_HEIGHT),
                Layout::right_to_left(Align::Center),
                |ui| {
                    ui.set_width(control_width);
                    ui.name_inputs(label, control)
                },
            )
            .inner;
        let clicked = reset.is_some_and(|active| reset_button(ui, label, active));
        (result, clicked)
    })
    .inner
}

fn label_cell(ui: &mut Ui, label: &str, width: f32) {
    let tokens = Tokens::of(ui.ctx());
    ui.allocate_ui_with_layout(
        egui::vec2(width, CONTROL_HEIGHT),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.set_width(width);
            ui.add(egui::Label::new(egui::RichText::new(label).color(tokens.muted)).truncate());
        },
    );
}

fn reset_button(ui: &mut Ui, label: &str, active: bool) -> bool {
    if !active {
        ui.add_space(RESET_WIDTH);
        return false;
    }
    let name = format!("Reset {}", label.to_lowercase());
    IconButton::new(icons::ARROW_COUNTER_CLOCKWISE, &name)
        .accent(super::buttons::Accent::Muted)
        .size(RESET_WIDTH)
        .show(ui)
        .clicked()
}

/// How a number is shown and moved.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberSpec {
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// One step of the field's arrows and drags.
    pub step: f64,
    /// Only whole numbers.
    pub whole: bool,
    /// What stands behind the number: " in".
    pub suffix: &'static str,
    /// Shown as per cent.
    pub percent: bool,
    /// The part of the range that a slider covers; `None` for no slider.
    pub slider: Option<(f64, f64)>,
    /// The slider moves in ratios.
    pub logarithmic: bool,
}

/// A number: label, field and reset on one line, the slider below. Returns the union of the two
/// controls' responses and whether the reset was clicked.
pub fn number(
    ui: &mut Ui,
    label: &str,
    value: &mut f64,
    spec: &NumberSpec,
    reset: Option<bool>,
) -> (Response, bool) {
    let mut shown = *value;
    let (field, clicked) = row(ui, label, Room::NUMBER, reset, |ui| {
        number_field(ui, &mut shown, spec)
    });
    let mut response = field;
    if let Some((low, high)) = spec.slider {
        let tail = if reset.is_some() {
            RESET_WIDTH + 4.0
        } else {
            0.0
        };
        let slider = ui
            .scope(|ui| {
                ui.spacing_mut().interact_size.y = 18.0;
                ui.spacing_mut().slider_width = (ui.available_width() - tail).max(40.0);
                let name = format!("{label} slider");
                ui.name_inputs(name, |ui| {
                    ui.add(
                        egui::Slider::new(&mut shown, low..=high)
                            .show_value(false)
                            .clamping(egui::SliderClamping::Never)
                            .logarithmic(spec.logarithmic)
                            .step_by(if spec.logarithmic { 0.0 } else { spec.step }),
                    )
                })
            })
            .inner;
        response = response.union(slider);
    }
    if response.changed() {
        let legal = shown.clamp(spec.min, spec.max);
        *value = if spec.whole { legal.round() } else { legal };
    }
    (response, clicked)
}

/// The bare number field of a row.
pub fn number_field(ui: &mut Ui, value: &mut f64, spec: &NumberSpec) -> Response {
    let scale = if spec.percent { 100.0 } else { 1.0 };
    let decimals = if spec.whole || spec.percent { 0 } else { 2 };
    let step = spec.step * scale;
    let suffix = match spec.suffix {
        _ if spec.percent => " %",
        " cells" if *value == 1.0 => " cell",
        other => other,
    };
    let width = ui.available_width().min(NUMBER_WIDTH);
    ui.add_sized(
        [width, CONTROL_HEIGHT],
        egui::DragValue::from_get_set(|new| {
            if let Some(new) = new {
                *value = new / scale;
            }
            *value * scale
        })
        .range(spec.min * scale..=spec.max * scale)
        .speed(step * 0.25)
        .custom_formatter(move |number, _| trimmed(number, decimals))
        .update_while_editing(false)
        .suffix(suffix),
    )
}

/// A number without the zeros that say nothing.
fn trimmed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A colour well that opens a picker with swatches. Returns its response; it is `changed` when the
/// colour is another one.
pub fn color(ui: &mut Ui, value: &mut Rgb, label: &str, swatches: &[Rgb]) -> Response {
    let tokens = Tokens::of(ui.ctx());
    let (rect, mut response) = ui.allocate_exact_size(egui::vec2(64.0, 22.0), Sense::click());
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::labeled(egui::Role::ColorWell, true, label);
        info.current_text_value = Some(value.to_hex());
        info
    });
    let ink = Color32::from_rgb(value.r, value.g, value.b);
    ui.painter().rect(
        rect,
        CornerRadius::same(4),
        ink,
        Stroke::new(
            if response.has_focus() { 2.0 } else { 1.0 },
            if response.has_focus() {
                tokens.edit
            } else {
                tokens.line
            },
        ),
        StrokeKind::Inside,
    );
    let mut changed = false;
    egui::Popup::menu(&response)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .width(220.0)
        .show(|ui| {
            ui.set_width(220.0);
            ui.spacing_mut().slider_width = 190.0;
            changed |= picker(ui, value);
            changed |= hex_field(ui, value);
            if !swatches.is_empty() {
                ui.add_space(4.0);
                ui.weak("Used in this campaign");
                changed |= swatch_rows(ui, value, swatches);
            }
        });
    if changed {
        response.mark_changed();
    }
    response
}

fn picker(ui: &mut Ui, value: &mut Rgb) -> bool {
    let mut color = Color32::from_rgb(value.r, value.g, value.b);
    let changed = ui.name_inputs("Colour picker", |ui| {
        egui::color_picker::color_picker_color32(ui, &mut color, egui::color_picker::Alpha::Opaque)
    });
    let picked = Rgb::new(color.r(), color.g(), color.b());
    if changed && picked != *value {
        *value = picked;
        return true;
    }
    false
}

fn hex_field(ui: &mut Ui, value: &mut Rgb) -> bool {
    let id = ui.make_persistent_id("hex");
    let mut text = ui
        .data(|data| data.get_temp::<String>(id))
        .unwrap_or_else(|| value.to_hex());
    let response = ui.name_inputs("Colour as #rrggbb", |ui| {
        ui.add(
            egui::TextEdit::singleline(&mut text)
                .id(id.with("edit"))
                .desired_width(96.0)
                .char_limit(7),
        )
    });
    if response.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, text.clone()));
    } else {
        ui.data_mut(|data| data.remove::<String>(id));
    }
    match Rgb::parse(&text) {
        Some(parsed) if response.changed() && parsed != *value => {
            *value = parsed;
            true
        }
        _ => false,
    }
}

fn swatch_rows(ui: &mut Ui, value: &mut Rgb, swatches: &[Rgb]) -> bool {
    let tokens = Tokens::of(ui.ctx());
    let mut changed = false;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        for &swatch in swatches.iter().take(24) {
            let (rect, response) = ui.allocate_exact_size(egui::vec2(22.0, 22.0), Sense::click());
            let name = format!("Colour {}", swatch.to_hex());
            response.widget_info(|| {
                egui::WidgetInfo::selected(egui::Role::Button, true, swatch == *value, &name)
            });
            let line = if swatch == *value || response.has_focus() {
                tokens.edit
            } else {
                tokens.line
            };
            ui.painter().rect(
                rect,
                CornerRadius::same(4),
                Color32::from_rgb(swatch.r, swatch.g, swatch.b),
                Stroke::new(if swatch == *value { 2.0 } else { 1.0 }, line),
                StrokeKind::Inside,
            );
            if response.on_hover_text(swatch.to_hex()).clicked() && swatch != *value {
                *value = swatch;
                changed = true;
            }
        }
    });
    changed
}

/// A choice from a list. `true` when another one was chosen.
pub fn choice<T: PartialEq + Clone>(
    ui: &mut Ui,
    label: &str,
    value: &mut T,
    choices: &[(T, &str)],
) -> bool {
    let (mut changed, mut by_key) = (false, false);
    let current = choices
        .iter()
        .find(|(candidate, _)| candidate == value)
        .map_or("", |(_, name)| name);
    let width = ui.available_width();
    let combo = egui::ComboBox::from_id_salt(label)
        .width(width)
        .truncate()
        .selected_text(current)
        .show_ui(ui, |ui| {
            for (candidate, name) in choices {
                let line = ui.selectable_label(candidate == value, *name);
                if line.clicked() {
                    changed |= candidate != value;
                    *value = candidate.clone();
                    // A key closes nothing by itself.
                    ui.close();
                    by_key |= !line.clicked_by(egui::PointerButton::Primary);
                }
            }
        });
    if by_key {
        // Where it was before the list opened.
        combo.response.request_focus();
    }
    combo.response.accessible_name(label.to_owned());
    changed
}

/// A line of text over the whole width, its label above it.
pub fn text_line(ui: &mut Ui, label: &str, text: &mut String, hint: &str) -> Response {
    ui.weak(label);
    ui.add(
        egui::TextEdit::singleline(text)
            .hint_text(hint.to_owned())
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(8, 6)),
    )
    // What stands in it as an example is no name.
    .accessible_name(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_no_empty_zeros() {
        assert_eq!(trimmed(34.86, 2), "34.86");
        assert_eq!(trimmed(1.0, 2), "1");
        assert_eq!(trimmed(0.5, 2), "0.5");
        assert_eq!(trimmed(120.0, 0), "120");
    }
}

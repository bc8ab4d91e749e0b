//! One property's control, made from the line that declares it. A new property appears by itself.

use eframe::egui;
use egui::Ui;

use crate::app::command::Commands;
use crate::app::editor::Editor;
use crate::app::gesture::Hold;
use crate::app::widgets::buttons::switch;
use crate::app::widgets::fields::{self, NumberSpec, Room};
use crate::model::color::Rgb;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::property::{Control, Property, Unit};
use crate::model::value::{FromValue, Value};

/// How long a changed value is shown before the session has published it, seconds.
const HELD_SECS: f64 = 0.4;

/// What a control did.
struct Change {
    value: Value,
    hold: Hold,
}

/// Shows a property of one or several rows as one control. `value` is what the first holds, `mixed`
/// that others hold something else. Changes go to all rows.
#[expect(clippy::too_many_arguments, reason = "one control's surroundings")]
pub fn show(
    ui: &mut Ui,
    property: &'static Property,
    value: &Value,
    mixed: bool,
    rows: &[RowRef],
    swatches: &[Rgb],
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let Some(control) = property.control() else {
        return;
    };
    let field = ui.make_persistent_id((property.key, rows.first()));
    let shown = held(ui, field, value);
    let default = property.default_value();
    let resettable = mixed || !same_value(&shown, &default);
    let change = ui
        .push_id(field, |ui| {
            control_ui(
                ui, field, property, control, &shown, resettable, swatches, &default,
            )
        })
        .inner;
    let Some(Change { value: new, hold }) = change else {
        return;
    };
    let Ok(legal) = property.check(new) else {
        return;
    };
    hold_value(ui, field, legal.clone());
    let edits = rows
        .iter()
        .map(|row| Edit::Set {
            row: row.clone(),
            values: vec![Assignment {
                property,
                value: legal.clone(),
            }],
        })
        .collect();
    editor.field.change(
        field,
        property.label,
        hold,
        edits,
        &editor.gestures,
        commands,
    );
}

/// Colours are equal however they are spelled.
fn same_value(a: &Value, b: &Value) -> bool {
    match (Rgb::from_value(a), Rgb::from_value(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// The value to show: what was just chosen until the session has published it, so that a drag
/// never jumps back.
fn held(ui: &Ui, field: egui::Id, published: &Value) -> Value {
    let Some((value, at)) = ui.data(|data| data.get_temp::<(Value, f64)>(field)) else {
        return published.clone();
    };
    let now = ui.input(|input| input.time);
    let holding = ui.input(|input| input.pointer.any_down()) || ui.ctx().text_edit_focused();
    if value == *published || !holding && now - at > HELD_SECS {
        ui.data_mut(|data| data.remove::<(Value, f64)>(field));
        return published.clone();
    }
    if !holding {
        // Without a frame after this the old value would stay on the screen.
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_millis(450));
    }
    value
}

fn hold_value(ui: &Ui, field: egui::Id, value: Value) {
    let now = ui.input(|input| input.time);
    ui.data_mut(|data| data.insert_temp(field, (value, now)));
}

#[expect(
    clippy::too_many_arguments,
    reason = "one control's surroundings, used once"
)]
fn control_ui(
    ui: &mut Ui,
    field: egui::Id,
    property: &'static Property,
    control: Control,
    value: &Value,
    resettable: bool,
    swatches: &[Rgb],
    default: &Value,
) -> Option<Change> {
    let label = property.label;
    let now = |value: Value| Change {
        value,
        hold: Hold::Click,
    };
    let reset = |clicked: bool| clicked.then(|| now(default.clone()));
    match control {
        Control::Toggle => {
            let mut on = bool::from_value(value).unwrap_or_default();
            let (changed, clicked) = fields::row(ui, label, Room::SWITCH, Some(resettable), |ui| {
                switch(ui, &mut on, label).changed()
            });
            reset(clicked).or_else(|| changed.then(|| now(Value::Bool(on))))
        }
        Control::Slider {
            min,
            max,
            step,
            whole,
            nullable,
        } => {
            if nullable && *value == Value::Null {
                let (set, _) = fields::row(ui, label, Room::BUTTON, Some(false), |ui| {
                    ui.button("Set").clicked()
                });
                return set.then(|| now(Value::Number(min.max(1.0))));
            }
            let mut number = f64::from_value(value).unwrap_or(min);
            let spec = number_spec(property, min, max, step, whole);
            let (response, clicked) =
                fields::number(ui, label, &mut number, &spec, Some(resettable));
            reset(clicked).or_else(|| {
                response.changed().then(|| Change {
                    value: Value::Number(number),
                    hold: Hold::of(ui.ctx()),
                })
            })
        }
        Control::Color => {
            let mut color = Rgb::from_value(value).unwrap_or_default();
            let (changed, clicked) = fields::row(ui, label, Room::COLOR, Some(resettable), |ui| {
                fields::color(ui, &mut color, label, swatches).changed()
            });
            reset(clicked).or_else(|| {
                changed.then(|| Change {
                    value: color.into(),
                    hold: Hold::of(ui.ctx()),
                })
            })
        }
        Control::Text { nullable } => text(ui, field, label, value, nullable),
        Control::Choice(choices) => {
            let mut code = i64::from_value(value).unwrap_or_default();
            let (changed, clicked) = fields::row(ui, label, Room::Wide, Some(resettable), |ui| {
                fields::choice(ui, label, &mut code, choices)
            });
            reset(clicked).or_else(|| changed.then(|| now(Value::from(code))))
        }
        Control::Word(words) => {
            let mut word = match value {
                Value::Text(text) => words
                    .iter()
                    .map(|(word, _)| *word)
                    .find(|word| *word == &**text)
                    .unwrap_or_default(),
                _ => "",
            };
            let (changed, clicked) = fields::row(ui, label, Room::Wide, Some(resettable), |ui| {
                fields::choice(ui, label, &mut word, words)
            });
            reset(clicked).or_else(|| changed.then(|| now(Value::text(word))))
        }
        Control::Note => super::note::field(ui, field, label, value).map(|(value, id)| Change {
            value,
            hold: Hold::Focus(id),
        }),
    }
}

/// A line of text; what is typed stays in the field until the focus goes, whatever is published.
fn text(
    ui: &mut Ui,
    field: egui::Id,
    label: &str,
    value: &Value,
    nullable: bool,
) -> Option<Change> {
    let mut text = match value {
        Value::Text(text) => text.to_string(),
        _ => String::new(),
    };
    let before = text.clone();
    let id = field.with("text");
    let (response, _) = fields::row(ui, label, Room::Wide, Some(false), |ui| {
        let width = ui.available_width();
        ui.add_sized(
            [width, crate::app::theme::CONTROL_HEIGHT],
            egui::TextEdit::singleline(&mut text)
                .id(id)
                .char_limit(2_000)
                .margin(egui::Margin::symmetric(8, 6)),
        )
    });
    if !response.changed() || text == before {
        return None;
    }
    let value = if nullable && text.is_empty() {
        Value::Null
    } else {
        Value::text(&text)
    };
    Some(Change {
        value,
        hold: Hold::Focus(id),
    })
}

/// How a property's number is shown: its unit, and the part of its range that a slider covers.
fn number_spec(property: &Property, min: f64, max: f64, step: f64, whole: bool) -> NumberSpec {
    let suffix = match property.unit {
        Unit::None | Unit::Share => "",
        Unit::WorldPx | Unit::TokenPx => " px",
        Unit::Inch => " in",
        Unit::Degree => "°",
        Unit::Times => " ×",
        Unit::Cell => " cells",
    };
    let preset = f64::from_value(&property.default_value()).unwrap_or(1.0);
    let (slider, logarithmic) = if property.unit == Unit::Times && min > 0.0 {
        let middle = if preset > 0.0 { preset } else { 1.0 };
        (
            Some(((middle / 16.0).max(min), (middle * 16.0).min(max))),
            true,
        )
    } else if (max - min) / step.max(1e-9) <= 128.0 {
        (Some((min, max)), false)
    } else if property.unit == Unit::Inch && preset <= 4.0 {
        (Some((step.max(min), 4.0)), false)
    } else if matches!(property.unit, Unit::TokenPx) {
        (Some((min, 128.0_f64.min(max))), false)
    } else {
        (None, false)
    };
    let (step, logarithmic) = if property.unit == Unit::Times && !logarithmic {
        (step.min(0.1), logarithmic)
    } else {
        (step, logarithmic)
    };
    NumberSpec {
        min,
        max,
        step,
        whole,
        suffix,
        percent: property.unit == Unit::Share,
        slider,
        logarithmic,
    }
}

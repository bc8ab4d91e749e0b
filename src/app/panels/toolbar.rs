//! The tool bar over the canvas: tools at the left, the options of the tool in hand beside them.

use eframe::egui;
use egui::Ui;

use crate::app::command::Commands;
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::panels::menu::is_possible;
use crate::app::settings::PEN_COLORS;
use crate::app::shortcuts::{self, Action, keys_of};
use crate::app::theme::{CONTROL_HEIGHT, Tokens};
use crate::app::tools::ToolKind;
use crate::app::tools::measure::{BEAMS_FT, CONES_DEG, MeasureShape};
use crate::app::widgets::buttons::{IconButton, TextButton, focus_ring, segmented};
use crate::app::widgets::fields::choice;
use crate::model::color::Rgb;
use crate::model::stroke::StrokeMode;
use crate::session::api::Published;

fn icon(tool: ToolKind) -> &'static str {
    match tool {
        ToolKind::Select => icons::CURSOR,
        ToolKind::Hand => icons::HAND,
        ToolKind::FogBrush => icons::PAINT_BRUSH,
        ToolKind::FogRectangle => icons::RECTANGLE,
        ToolKind::FogEllipse => icons::CIRCLE,
        ToolKind::Marker => icons::MAP_PIN_PLUS,
        ToolKind::Measure => icons::RULER,
        ToolKind::Pen => icons::SCRIBBLE_LOOP,
    }
}

/// Between buttons.
const GAP: f32 = 4.0;
/// A button with the gap before it.
const BUTTON: f32 = CONTROL_HEIGHT + GAP;
/// A rule with the gap before it.
const RULE: f32 = 9.0 + GAP;

/// A group of tools begins with it.
fn begins_group(tool: ToolKind) -> bool {
    matches!(
        tool,
        ToolKind::FogBrush | ToolKind::Marker | ToolKind::Measure
    )
}

/// How many of the tools have room in the bar; the rest, and the snapping with them, are in a menu.
fn tools_in(room: f32, has_options: bool) -> usize {
    let options = if has_options { RULE + BUTTON } else { 0.0 };
    let width = |tool: ToolKind| BUTTON + if begins_group(tool) { RULE } else { 0.0 };
    let all: f32 = ToolKind::BAR.into_iter().map(width).sum();
    if all + RULE + BUTTON + options <= room {
        return ToolKind::BAR.len();
    }
    let mut left = room - options - BUTTON;
    let fits = ToolKind::BAR.into_iter().take_while(|&tool| {
        left -= width(tool);
        left >= 0.0
    });
    fits.count().max(1)
}

/// Shows the bar.
pub fn show(ui: &mut Ui, published: &Published, editor: &mut Editor, commands: &mut Commands) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        let needed = options_width(editor);
        let shown = tools_in(ui.available_width(), needed.is_some());
        let (in_bar, in_menu) = ToolKind::BAR.split_at(shown);
        for &tool in in_bar {
            if begins_group(tool) {
                rule(ui);
            }
            tool_button(ui, tool, editor, commands);
        }
        if in_menu.is_empty() {
            rule(ui);
            let keys = keys_of(ui.ctx(), Action::Snapping);
            if IconButton::new(icons::MAGNET, "Snap to the grid")
                .keys(keys.as_deref())
                .switched(editor.settings.snapping)
                .show(ui)
                .clicked()
            {
                commands.act(Action::Snapping);
            }
        } else {
            more(ui, in_menu, editor, commands);
        }
        let Some(needed) = needed else {
            return;
        };
        rule(ui);
        if ui.available_width() >= needed {
            options(ui, published, editor, false, commands);
            return;
        }
        let button = IconButton::new(icons::SLIDERS_HORIZONTAL, "Options of the tool").show(ui);
        egui::Popup::menu(&button)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = GAP;
                    options(ui, published, editor, true, commands);
                });
            });
    });
}

fn tool_button(ui: &mut Ui, tool: ToolKind, editor: &Editor, commands: &mut Commands) {
    let Some(line) = shortcuts::of(Action::Tool(tool)) else {
        return;
    };
    let keys = keys_of(ui.ctx(), line.action);
    if IconButton::new(icon(tool), line.name)
        .keys(keys.as_deref())
        .selected(editor.tool.kind() == tool)
        .show(ui)
        .clicked()
    {
        commands.act(line.action);
    }
}

/// The tools that have no room in the bar, by name; the one in hand stands on the button.
fn more(ui: &mut Ui, tools: &[ToolKind], editor: &Editor, commands: &mut Commands) {
    let in_hand = editor.tool.kind();
    let has_it = tools.contains(&in_hand);
    let icon_now = if has_it {
        icon(in_hand)
    } else {
        icons::DOTS_THREE
    };
    let button = IconButton::new(icon_now, "More tools")
        .selected(has_it)
        .show(ui);
    egui::Popup::menu(&button).show(|ui| {
        ui.set_min_width(200.0);
        let snapping = shortcuts::of(Action::Snapping).map(|line| (icons::MAGNET, line));
        let lines = tools.iter().filter_map(|&tool| {
            let line = shortcuts::of(Action::Tool(tool))?;
            Some((icon(tool), line))
        });
        for (icon, line) in lines.chain(snapping) {
            let is_on = match line.action {
                Action::Tool(tool) => tool == in_hand,
                _ => editor.settings.snapping,
            };
            let keys = keys_of(ui.ctx(), line.action).unwrap_or_default();
            let entry = egui::Button::selectable(is_on, format!("{icon}  {}", line.name))
                .shortcut_text(keys);
            if ui.add(entry).clicked() {
                commands.act(line.action);
                ui.close();
            }
        }
    });
}

/// How much room the options of the tool in hand take, points; `None` when it has none.
fn options_width(editor: &Editor) -> Option<f32> {
    match editor.tool.kind() {
        ToolKind::FogBrush => Some(152.0),
        ToolKind::FogRectangle | ToolKind::FogEllipse => Some(60.0),
        ToolKind::Measure => match editor.settings.measuring.shape {
            MeasureShape::Cone | MeasureShape::Beam => Some(244.0),
            MeasureShape::Line | MeasureShape::Circle | MeasureShape::Square => Some(148.0),
        },
        ToolKind::Pen => Some(236.0),
        ToolKind::Select | ToolKind::Hand | ToolKind::Marker => None,
    }
}

/// The options of the tool in hand. `spread`: a list that would drop down lies open, because a popup
/// that opens over another one closes it.
fn options(
    ui: &mut Ui,
    published: &Published,
    editor: &mut Editor,
    spread: bool,
    commands: &mut Commands,
) {
    match editor.tool.kind() {
        ToolKind::Measure => measure_options(ui, editor, spread),
        ToolKind::Pen => pen_options(ui, published, editor, commands),
        _ => fog_options(ui, published, editor, commands),
    }
}

fn rule(ui: &mut Ui) {
    let tokens = Tokens::of(ui.ctx());
    let (rect, _) = ui.allocate_exact_size(egui::vec2(9.0, 20.0), egui::Sense::hover());
    ui.painter().vline(
        rect.center().x,
        rect.y_range(),
        egui::Stroke::new(1.0, tokens.line),
    );
}

fn measure_options(ui: &mut Ui, editor: &mut Editor, spread: bool) {
    let options = &mut editor.settings.measuring;
    let shapes = MeasureShape::ALL.map(|shape| {
        let (icon, name) = match shape {
            MeasureShape::Line => (icons::LINE_SEGMENT, "Line"),
            MeasureShape::Circle => (icons::CIRCLE, "Circle: the drag is its radius"),
            MeasureShape::Square => (icons::SQUARE, "Square: the drag is half its side"),
            MeasureShape::Cone => (icons::TRIANGLE, "Cone"),
            MeasureShape::Beam => (icons::RECTANGLE, "Beam"),
        };
        (shape, icon, name)
    });
    segmented(ui, &mut options.shape, &shapes);
    match options.shape {
        MeasureShape::Cone => {
            let angles = CONES_DEG.map(|deg| (deg, format!("{deg}°")));
            let value = &mut options.cone_deg;
            short_choice(ui, "Angle of the cone", value, &angles, spread);
        }
        MeasureShape::Beam => {
            let widths = BEAMS_FT.map(|ft| (ft, format!("{ft} ft")));
            let value = &mut options.beam_ft;
            short_choice(ui, "Width of the beam", value, &widths, spread);
        }
        MeasureShape::Line | MeasureShape::Circle | MeasureShape::Square => {}
    }
}

/// A choice of a few numbers.
fn short_choice(
    ui: &mut Ui,
    label: &str,
    value: &mut f64,
    choices: &[(f64, String)],
    spread: bool,
) {
    ui.add_space(4.0);
    if spread {
        for (choice, name) in choices {
            ui.selectable_value(value, *choice, name)
                .on_hover_text(label);
        }
        return;
    }
    ui.allocate_ui(egui::vec2(84.0, CONTROL_HEIGHT), |ui| {
        let choices: Vec<(f64, &str)> = choices
            .iter()
            .map(|(value, name)| (*value, name.as_str()))
            .collect();
        choice(ui, label, value, &choices);
    });
}

fn pen_options(ui: &mut Ui, published: &Published, editor: &mut Editor, commands: &mut Commands) {
    let now = editor.settings.pen_color();
    ui.spacing_mut().item_spacing.x = 0.0;
    for (color, name) in PEN_COLORS {
        if swatch(ui, color, name, color == now).clicked() {
            editor.settings.pen_color = Some(color.to_hex());
        }
    }
    ui.add_space(8.0);
    let keys = keys_of(ui.ctx(), Action::KeepDrawing);
    let can_keep = is_possible(Action::KeepDrawing, published, editor);
    ui.add_enabled_ui(can_keep, |ui| {
        let button = TextButton::new("Keep")
            .icon(icons::PUSH_PIN)
            .flat()
            .keys(keys.as_deref())
            .show(ui);
        if button.clicked() {
            commands.act(Action::KeepDrawing);
        }
    });
}

/// A colour to take.
fn swatch(ui: &mut Ui, color: Rgb, name: &str, selected: bool) -> egui::Response {
    let tokens = Tokens::of(ui.ctx());
    let side = egui::vec2(24.0, CONTROL_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(side, egui::Sense::click());
    let label = format!("{name} pen");
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::RadioButton, ui.is_enabled(), selected, &label)
    });
    let painter = ui.painter();
    let center = rect.center();
    if selected {
        painter.circle_stroke(center, 10.0, egui::Stroke::new(2.0, tokens.edit));
    } else if response.hovered() {
        painter.circle_filled(center, 11.0, tokens.hover);
    }
    let ink = egui::Color32::from_rgb(color.r, color.g, color.b);
    painter.circle(center, 7.0, ink, egui::Stroke::new(1.0, tokens.muted));
    focus_ring(ui, &response);
    response.on_hover_text(name)
}

fn fog_options(ui: &mut Ui, published: &Published, editor: &mut Editor, commands: &mut Commands) {
    let keys = keys_of(ui.ctx(), Action::SwapMode);
    for (mode, icon, name) in [
        (StrokeMode::Erase, icons::EYE, "Reveal"),
        (StrokeMode::Add, icons::CLOUD_FOG, "Cover"),
    ] {
        if IconButton::new(icon, name)
            .keys(keys.as_deref())
            .selected(editor.mode == mode)
            .show(ui)
            .clicked()
        {
            commands.act(Action::Mode(mode));
        }
    }
    if editor.tool.kind() == ToolKind::FogBrush {
        ui.add_space(4.0);
        let mut cells = editor.settings.brush_cells;
        let suffix = if cells == 1.0 { " cell" } else { " cells" };
        let response = ui.name_inputs("Brush size", |ui| {
            ui.add_sized(
                [84.0, CONTROL_HEIGHT],
                egui::DragValue::new(&mut cells)
                    .range(0.25..=20.0)
                    .speed(0.05)
                    .custom_formatter(|cells, _| format!("{}", (cells * 100.0).round() / 100.0))
                    .suffix(suffix),
            )
        });
        if response.changed() {
            editor.settings.brush_cells = cells;
        }
        response.on_hover_text("Brush size. [ and ] or Shift+wheel");
    }
    let has_map = published
        .editing
        .as_ref()
        .is_some_and(|scene| scene.map.is_some());
    let room = ui.available_width() > 230.0;
    ui.add_enabled_ui(has_map, |ui| {
        let clear = keys_of(ui.ctx(), Action::ClearFog);
        let reset = keys_of(ui.ctx(), Action::ResetFog);
        if room {
            ui.add_space(4.0);
            if TextButton::new("Reveal all")
                .flat()
                .keys(clear.as_deref())
                .show(ui)
                .clicked()
            {
                commands.act(Action::ClearFog);
            }
            if TextButton::new("Cover all")
                .flat()
                .keys(reset.as_deref())
                .show(ui)
                .clicked()
            {
                commands.act(Action::ResetFog);
            }
        }
    });
}

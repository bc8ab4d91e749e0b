//! The tool bar over the canvas: tools at the left, the options of the tool in hand beside them.

use eframe::egui;
use egui::Ui;

use crate::app::command::Commands;
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::shortcuts::{self, Action, keys_of};
use crate::app::theme::{CONTROL_HEIGHT, Tokens};
use crate::app::tools::ToolKind;
use crate::app::widgets::buttons::{IconButton, TextButton};
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
    }
}

/// Shows the bar.
pub fn show(ui: &mut Ui, published: &Published, editor: &mut Editor, commands: &mut Commands) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for tool in ToolKind::BAR {
            if matches!(tool, ToolKind::FogBrush | ToolKind::Marker) {
                rule(ui);
            }
            let Some(line) = shortcuts::of(Action::Tool(tool)) else {
                continue;
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
        rule(ui);
        let keys = keys_of(ui.ctx(), Action::Snapping);
        if IconButton::new(icons::MAGNET, "Snap markers to the grid")
            .keys(keys.as_deref())
            .switched(editor.settings.snapping)
            .show(ui)
            .clicked()
        {
            commands.act(Action::Snapping);
        }
        if editor.tool.kind().is_fog() {
            rule(ui);
            fog_options(ui, published, editor, commands);
        }
    });
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

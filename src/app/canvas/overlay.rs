//! What the editor paints over the map: the table's frame, rings of what is picked, handles of lights,
//! the tool's ghosts, and the words of an empty canvas.

use eframe::egui;
use egui::{Align2, Color32, Painter, Pos2, Shape, Stroke, Ui};
use glam::{DAffine2, DVec2};

use super::view::{View, display_rect, to_vec2};
use crate::app::command::Commands;
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::shortcuts::Action;
use crate::app::theme::{Tokens, semibold};
use crate::app::tools::pen::Pen;
use crate::app::tools::shape::ShapeKind;
use crate::app::tools::{HANDLE_POINTS, Tool};
use crate::app::widgets::frames::empty_state;
use crate::geom::rect::DRect;
use crate::model::color::Rgb;
use crate::model::light;
use crate::model::stroke::StrokeMode;
use crate::render::Phase;
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::Published;

/// The words of a canvas without a scene.
pub fn no_scene(ui: &mut Ui, rect: egui::Rect, published: &Published, commands: &mut Commands) {
    let room =
        egui::Rect::from_center_size(rect.center(), egui::vec2(rect.width().min(360.0), 200.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(room), |ui| {
        let (words, action) = if published.game.is_none() {
            (
                "No game is open. Choose one, or make the first.",
                (icons::BOOK_OPEN, "Parties and games", Action::Library),
            )
        } else if published
            .room
            .as_ref()
            .is_some_and(|room| room.waits_for_room)
        {
            (
                "Waiting for the room. Its scenes come when it was reached.",
                (icons::USERS, "People and connection", Action::Room),
            )
        } else if published.scenes.is_empty() {
            (
                "This game has no scenes yet. Drop a map here, or open one.",
                (icons::FOLDER_OPEN, "Open map or picture", Action::OpenFiles),
            )
        } else {
            (
                "Pick a scene in the list.",
                (icons::PLUS, "New scene", Action::NewScene),
            )
        };
        if empty_state(ui, icons::MAP_TRIFOLD, words, Some((action.0, action.1))) {
            commands.act(action.2);
        }
    });
}

/// Paints everything over the map.
pub fn paint(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    published: &Published,
    editor: &Editor,
    response: &egui::Response,
    tokens: &Tokens,
) {
    let live = published.active_scene.as_ref() == Some(&scene.id);
    frame(painter, view, scene, published, live, tokens);
    if scene.map.is_none() && scene.markers.is_empty() {
        hint_in_frame(painter, view, scene, tokens);
    }
    if published
        .room
        .as_ref()
        .is_some_and(|room| room.waits_for_room)
    {
        waiting_for_room(painter, view, tokens);
    }
    light_handles(painter, view, scene, editor, tokens);
    picked_ink(painter, view, scene, editor, tokens);
    picked_rings(painter, view, scene, editor, tokens);
    match &editor.tool {
        Tool::Select(select) => {
            if let Some(area) = select.box_world() {
                let corners = view.corners(area, &DAffine2::IDENTITY);
                painter.add(Shape::convex_polygon(
                    corners,
                    tokens.edit.gamma_multiply(0.12),
                    Stroke::new(1.0, tokens.edit),
                ));
            }
        }
        Tool::Brush(brush) => {
            if let super::super::tools::brush::Brush::Drawing(stroke) = brush {
                stroke_preview(
                    painter,
                    view,
                    scene,
                    editor,
                    stroke.path_world(),
                    stroke.mode(),
                );
            }
            if scene.map.is_some()
                && let Some(at) = response.hover_pos()
            {
                let shift = painter.ctx().input(|input| input.modifiers.shift);
                let mode = if shift {
                    super::super::tools::other_mode(editor.mode)
                } else {
                    editor.mode
                };
                brush_cursor(painter, view, scene, editor, at, mode, tokens);
            }
        }
        Tool::Shape(tool) => {
            if let Some(drag) = tool.drag() {
                shape_preview(painter, view, scene, tool.kind(), drag);
            }
        }
        Tool::Place(place) => {
            if let Some(at_world) = place.ghost_world() {
                ghost(painter, view, scene, at_world, tokens);
            }
        }
        Tool::Measure(tool) => {
            if let Some(at_world) = tool.ghost_world() {
                measure_start(painter, view, editor, at_world);
            }
        }
        Tool::Pen(_) => {
            if let Some(at) = response.hover_pos() {
                let radius_world = editor.with_context(scene, Pen::radius_world);
                pen_cursor(painter, view, editor, at, radius_world);
            }
        }
        Tool::Hand => {}
    }
}

/// The table's frame: amber while this scene is on the table, blue while another one is.
fn frame(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    published: &Published,
    live: bool,
    tokens: &Tokens,
) {
    let ink = if live { tokens.live } else { tokens.edit };
    let corners = view.corners(display_rect(scene), &DAffine2::IDENTITY);
    painter.add(Shape::closed_line(
        corners.clone(),
        Stroke::new(3.0, Color32::from_black_alpha(110)),
    ));
    painter.add(Shape::closed_line(corners.clone(), Stroke::new(1.5, ink)));
    let Some(top_left) = corners
        .iter()
        .copied()
        .min_by(|a, b| (a.x + a.y).total_cmp(&(b.x + b.y)))
    else {
        return;
    };
    let words = match (live, published.paused) {
        (true, true) => "On the table, paused",
        (true, false) => "On the table",
        (false, _) => "Not on the table",
    };
    let ground_ink = if live { tokens.on_live } else { tokens.on_edit };
    let galley = painter.layout_no_wrap(
        words.to_owned(),
        egui::FontId::new(11.0, semibold()),
        ground_ink,
    );
    let size = galley.size() + egui::vec2(12.0, 4.0);
    let mut corner = top_left - egui::vec2(0.0, size.y);
    // The word stays in sight when the frame's corner is not.
    let room = view.rect.shrink(8.0);
    corner.x = corner
        .x
        .clamp(room.left(), (room.right() - size.x).max(room.left()));
    corner.y = corner
        .y
        .clamp(room.top(), (room.bottom() - size.y).max(room.top()));
    let ground = egui::Rect::from_min_size(corner, size);
    painter.rect_filled(ground, egui::CornerRadius::same(4), ink);
    painter.galley(corner + egui::vec2(6.0, 2.0), galley, ground_ink);
}

/// Nothing can be changed yet, and why.
fn waiting_for_room(painter: &Painter, view: &View, tokens: &Tokens) {
    let galley = painter.layout_no_wrap(
        "Waiting for the room: nothing can be changed until it was here once".to_owned(),
        egui::FontId::new(13.0, semibold()),
        tokens.on_live,
    );
    let top = view.rect.center_top() + egui::vec2(0.0, 12.0);
    let ground = Align2::CENTER_TOP.anchor_size(top, galley.size() + egui::vec2(24.0, 10.0));
    painter.rect_filled(ground, egui::CornerRadius::same(6), tokens.live);
    painter.galley(ground.min + egui::vec2(12.0, 5.0), galley, tokens.on_live);
}

fn hint_in_frame(painter: &Painter, view: &View, scene: &SceneSnapshot, tokens: &Tokens) {
    let center = view.screen(display_rect(scene).center());
    painter.text(
        center,
        Align2::CENTER_CENTER,
        "Drop a map here",
        egui::FontId::proportional(15.0),
        tokens.muted,
    );
}

fn picked_rings(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    editor: &Editor,
    tokens: &Tokens,
) {
    for marker in scene
        .markers
        .iter()
        .filter(|m| editor.picked.contains(&m.id))
    {
        let center = view.screen(marker.position_world);
        let radius = points(marker.diameter_world / 2.0 * view.camera.zoom) + 3.0;
        painter.circle_stroke(
            center,
            radius + 0.5,
            Stroke::new(4.0, Color32::from_black_alpha(120)),
        );
        painter.circle_stroke(center, radius, Stroke::new(2.0, tokens.edit));
    }
}

/// Where lights can be taken: a dot in the light's colour, hollow when it is switched off; the glow's
/// reach while it is picked. Only with the tool that can take them.
fn light_handles(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    editor: &Editor,
    tokens: &Tokens,
) {
    let selecting = matches!(editor.tool, Tool::Select(_));
    if !editor.layers.contains(Phase::Lights) {
        return;
    }
    let radius = points(HANDLE_POINTS) - 1.0;
    for it in scene.lights.iter() {
        let picked = editor.picked.contains(&it.id);
        let center = view.screen(it.position_world);
        if !(selecting || picked) || !view.rect.expand(radius).contains(center) {
            continue;
        }
        let Rgb { r, g, b } = it.row.get(light::COLOR);
        let ink = Color32::from_rgb(r, g, b);
        let shade = Color32::from_black_alpha(150);
        painter.circle_filled(center, radius + 1.5, shade);
        if it.row.get(light::OFF) {
            painter.circle_stroke(center, radius - 1.0, Stroke::new(2.0, ink));
        } else {
            painter.circle_filled(center, radius, ink);
        }
        if picked {
            let reach = points(it.diameter_world / 2.0 * view.camera.zoom);
            painter.circle_stroke(center, reach, Stroke::new(3.0, shade));
            painter.circle_stroke(center, reach, Stroke::new(1.0, tokens.edit));
            painter.circle_stroke(center, radius + 3.0, Stroke::new(2.0, tokens.edit));
        }
    }
}

/// A frame round the ink of each picked drawing.
fn picked_ink(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    editor: &Editor,
    tokens: &Tokens,
) {
    for drawing in scene.annotations.iter() {
        if !editor.picked.contains(&drawing.id) {
            continue;
        }
        let Some(corners) = super::ink::ink_corners_world(scene, drawing) else {
            continue;
        };
        let corners = corners.map(|corner| view.screen(corner)).to_vec();
        painter.add(Shape::closed_line(
            corners.clone(),
            Stroke::new(3.0, Color32::from_black_alpha(120)),
        ));
        painter.add(Shape::closed_line(corners, Stroke::new(1.5, tokens.edit)));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "screen points")]
fn points(length: f64) -> f32 {
    length as f32
}

fn mode_ink(mode: StrokeMode) -> Color32 {
    match mode {
        StrokeMode::Erase => Color32::from_rgb(0xff, 0xe0, 0xa0),
        StrokeMode::Add => Color32::from_rgb(0xb8, 0xc4, 0xd8),
    }
}

fn brush_radius(view: &View, scene: &SceneSnapshot, editor: &Editor) -> f32 {
    points(editor.settings.brush_cells * scene.grid.cell_px() / 2.0 * view.camera.zoom)
}

fn brush_cursor(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    editor: &Editor,
    at: Pos2,
    mode: StrokeMode,
    tokens: &Tokens,
) {
    let radius = brush_radius(view, scene, editor).max(2.0);
    let ink = mode_ink(mode);
    painter.circle_stroke(
        at,
        radius + 1.0,
        Stroke::new(3.0, Color32::from_black_alpha(130)),
    );
    painter.circle_stroke(at, radius, Stroke::new(1.5, ink));
    let sign = match mode {
        StrokeMode::Erase => "−",
        StrokeMode::Add => "+",
    };
    painter.circle_filled(at, 7.0, Color32::from_black_alpha(150));
    painter.text(
        at,
        Align2::CENTER_CENTER,
        sign,
        egui::FontId::new(12.0, semibold()),
        ink,
    );
    let cells = editor.settings.brush_cells;
    let galley = painter.layout_no_wrap(
        format!("{cells} {}", if cells == 1.0 { "cell" } else { "cells" }),
        egui::FontId::proportional(11.0),
        tokens.text,
    );
    let corner = at + egui::vec2(radius * 0.72 + 6.0, radius * 0.72 + 6.0);
    let ground = egui::Rect::from_min_size(corner, galley.size()).expand2(egui::vec2(5.0, 2.0));
    painter.rect_filled(
        ground,
        egui::CornerRadius::same(4),
        tokens.pane.gamma_multiply(0.9),
    );
    painter.galley(corner, galley, tokens.text);
}

fn user_ink(color: Rgb) -> Color32 {
    Color32::from_rgb(color.r, color.g, color.b)
}

/// Where a measurement would begin.
fn measure_start(painter: &Painter, view: &View, editor: &Editor, at_world: DVec2) {
    let at = view.screen(at_world);
    let shade = Color32::from_black_alpha(150);
    painter.circle_stroke(at, 5.0, Stroke::new(4.0, shade));
    let ink = user_ink(editor.settings.color());
    painter.circle_stroke(at, 5.0, Stroke::new(2.0, ink));
}

/// The pen's point, in its colour.
fn pen_cursor(painter: &Painter, view: &View, editor: &Editor, at: Pos2, radius_world: f64) {
    let radius = points(radius_world * view.camera.zoom).max(2.5);
    let ink = user_ink(editor.settings.pen_color());
    painter.circle_filled(at, radius, ink);
    // Light and dark, so that it is seen on every map.
    painter.circle_stroke(
        at,
        radius + 0.75,
        Stroke::new(1.5, Color32::from_black_alpha(190)),
    );
    painter.circle_stroke(
        at,
        radius + 2.0,
        Stroke::new(1.0, Color32::from_white_alpha(190)),
    );
}

fn stroke_preview(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    editor: &Editor,
    path_world: &[DVec2],
    mode: StrokeMode,
) {
    let radius = brush_radius(view, scene, editor).max(1.0);
    let ink = mode_ink(mode).gamma_multiply(0.25);
    let path: Vec<Pos2> = path_world.iter().map(|&p| view.screen(p)).collect();
    match path.as_slice() {
        [] => {}
        [only] => {
            painter.circle_filled(*only, radius, ink);
        }
        _ => {
            painter.add(Shape::line(path, Stroke::new(radius * 2.0, ink)));
        }
    }
}

/// The box or ellipse on the map's own axes.
fn shape_preview(
    painter: &Painter,
    view: &View,
    scene: &SceneSnapshot,
    kind: ShapeKind,
    drag: super::super::tools::shape::Drag,
) {
    let Some(map) = scene.map.as_ref() else {
        return;
    };
    let map_from_world = map.placement.map_from_world();
    let world_from_map = map.placement.world_from_map();
    let area = DRect::from_corners(
        map_from_world.transform_point2(drag.from_world),
        map_from_world.transform_point2(drag.to_world),
    );
    let outline = match kind {
        ShapeKind::Rectangle => view.corners(area, &world_from_map),
        ShapeKind::Ellipse => (0..64)
            .map(|i| {
                let angle = f64::from(i) / 64.0 * std::f64::consts::TAU;
                let p = area.center() + DVec2::from_angle(angle) * area.size() / 2.0;
                view.screen(world_from_map.transform_point2(p))
            })
            .collect(),
    };
    let ink = mode_ink(drag.mode);
    painter.add(Shape::convex_polygon(
        outline.clone(),
        ink.gamma_multiply(0.18),
        Stroke::new(3.0, Color32::from_black_alpha(110)),
    ));
    painter.add(Shape::closed_line(outline, Stroke::new(1.5, ink)));
    let cell_map = scene.grid.cell_px() * map_from_world.matrix2.x_axis.length();
    if cell_map > 0.0 {
        let cells = area.size() / cell_map;
        painter.text(
            view.screen(drag.to_world) + egui::vec2(12.0, 12.0),
            Align2::LEFT_TOP,
            format!("{:.1} × {:.1} cells", cells.x, cells.y),
            egui::FontId::proportional(11.0),
            ink,
        );
    }
}

fn ghost(painter: &Painter, view: &View, scene: &SceneSnapshot, at_world: DVec2, tokens: &Tokens) {
    let center = view.screen(at_world);
    let radius = points(scene.grid.cell_px() * 0.45 * view.camera.zoom).max(3.0);
    painter.circle(
        center,
        radius,
        Color32::WHITE.gamma_multiply(0.35),
        Stroke::new(1.5, tokens.edit),
    );
    let arm = to_vec2(DVec2::new(4.0, 0.0));
    painter.line_segment(
        [center - arm, center + arm],
        Stroke::new(1.0, tokens.on_edit),
    );
    painter.line_segment(
        [center - arm.rot90(), center + arm.rot90()],
        Stroke::new(1.0, tokens.on_edit),
    );
}

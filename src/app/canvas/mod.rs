//! The canvas: the map edge to edge, the view's movements, the tools' events.
//!
//! The picture itself comes from the renderer through [`super::bridge`]; what lies over it is painted
//! by [`overlay`]. Must not know documents. Called by [`super::shell`].

pub mod ink;
pub mod overlay;
pub mod view;

use eframe::egui;
use egui::{PointerButton, Sense, Ui};
use glam::DVec2;

use super::bridge::Bridge;
use super::command::Commands;
use super::editor::Editor;
use super::presence::paint::{Stage, paint};
use super::theme::Tokens;
use super::tools::{Event, Keys, ToolKind};
use crate::session::api::Published;
use view::{View, ZOOM_MAX, ZOOM_MIN};

/// What moves is drawn this often at most.
pub const FRAME: std::time::Duration = std::time::Duration::from_millis(16);
/// One notch of a wheel.
const ZOOM_STEP: f64 = 1.15;

/// Shows the canvas in all the room there is. Returns its rectangle.
pub fn show(
    ui: &mut Ui,
    published: &Published,
    editor: &mut Editor,
    bridge: &Bridge,
    commands: &mut Commands,
) -> egui::Rect {
    let rect = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(rect, Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Canvas, true, "Map"));
    if response.clicked() || response.drag_started() {
        response.request_focus();
    }
    editor.canvas_points = view::size_of(rect);
    let tokens = Tokens::of(ui.ctx());
    ui.painter().rect_filled(rect, 0.0, tokens.canvas);

    editor.pointer_world = None;
    let Some(scene) = published.editing.clone() else {
        overlay::no_scene(ui, rect, published, commands);
        return rect;
    };
    let mut view = View {
        rect,
        camera: editor.camera_of(&scene),
    };
    let moved = move_view(ui, &response, &mut view, editor);
    if moved {
        editor.cameras.insert(scene.id.clone(), view.camera);
    }
    if !moved || editor.tool.is_busy() {
        feed_tool(ui, &response, &view, published, editor, commands);
    }
    editor.follow_own(ui.ctx());
    choose_cursor(ui, &response, &view, &scene, editor);
    let over = response.hovered() || response.dragged();
    editor.pointer_world = ui
        .input(|input| input.pointer.latest_pos())
        .filter(|at| over && rect.contains(*at))
        .map(|at| view.world(at));

    bridge.paint_editor(ui, &view, &scene, editor.layers);
    let painter = ui.painter_at(rect);
    overlay::paint(
        &painter, &view, &scene, published, editor, &response, &tokens,
    );
    others(&painter, &view, &scene, published, editor);
    if response.has_focus() && ui.input(|input| input.key_down(egui::Key::Tab)) {
        super::widgets::frames::outline(&painter, rect.shrink(1.0), tokens.edit, 2.0);
    }
    rect
}

/// What others in the room show, and what this user measures and draws.
fn others(
    painter: &egui::Painter,
    view: &View,
    scene: &crate::scene::snapshot::SceneSnapshot,
    published: &Published,
    editor: &mut Editor,
) {
    let ctx = painter.ctx();
    let stage = Stage {
        painter,
        view,
        scene,
        active: published.active_scene.as_ref(),
        now: ctx.input(|input| input.time),
        is_table: false,
        cursors: editor.settings.show_cursors,
    };
    for others in [&mut editor.others, &mut editor.mine] {
        if let Some(due) = paint(&stage, &others.crowd, &mut others.drawings) {
            ctx.request_repaint_after(due.max(FRAME));
        }
    }
    if let Some((stroke, color)) = editor.own.stroke(&scene.id) {
        stage.stroke(&stroke.points_world, stroke.radius_world, color);
    }
}

/// Pans and zooms. Returns whether the view is being moved, so that tools leave the pointer alone.
fn move_view(ui: &Ui, response: &egui::Response, view: &mut View, editor: &mut Editor) -> bool {
    let mut moved = false;
    let space = response.hovered()
        && !Editor::is_typing(ui.ctx())
        && ui.input(|input| input.key_down(egui::Key::Space));
    let hand = editor.tool.kind() == ToolKind::Hand;
    let by_middle = response.dragged_by(PointerButton::Middle);
    let by_main = (space || hand) && response.dragged_by(PointerButton::Primary);
    if (by_middle || by_main) && !editor.tool.is_busy() {
        let delta = response.drag_delta();
        view.camera = view
            .camera
            .panned(DVec2::new(f64::from(delta.x), f64::from(delta.y)));
        moved = true;
    }
    if let Some(touch) = ui.input(egui::InputState::multi_touch)
        && view.rect.contains(touch.center_pos)
    {
        let delta = touch.translation_delta;
        view.camera = view
            .camera
            .panned(DVec2::new(f64::from(delta.x), f64::from(delta.y)));
        zoom_by(view, touch.center_pos, f64::from(touch.zoom_delta));
        return true;
    }
    if response.hovered() {
        moved |= wheel(ui, response, view, editor);
    }
    moved || space && ui.input(|input| input.pointer.primary_down())
}

fn zoom_by(view: &mut View, at: egui::Pos2, factor: f64) {
    let pointer = at - view.rect.min;
    view.camera = view::zoomed(
        view.camera,
        DVec2::new(f64::from(pointer.x), f64::from(pointer.y)),
        view.camera.zoom * factor,
        view.size(),
    );
}

/// Wheels zoom, trackpads pan, pinches zoom, Shift and the wheel change the brush.
fn wheel(ui: &Ui, response: &egui::Response, view: &mut View, editor: &mut Editor) -> bool {
    let Some(pointer) = response.hover_pos() else {
        return false;
    };
    let mut moved = false;
    let events = ui.input(|input| input.events.clone());
    for event in &events {
        match event {
            egui::Event::Zoom(factor) => {
                zoom_by(view, pointer, f64::from(*factor));
                moved = true;
            }
            egui::Event::MouseWheel {
                unit,
                delta,
                source,
                modifiers,
                ..
            } => {
                let trackpad = *unit == egui::MouseWheelUnit::Point
                    && *source != egui::MouseWheelSource::Wheel;
                let notches = f64::from(delta.y)
                    / match unit {
                        egui::MouseWheelUnit::Point => 50.0,
                        egui::MouseWheelUnit::Line => 1.0,
                        egui::MouseWheelUnit::Page => 0.2,
                    };
                if modifiers.shift && editor.tool.kind() == ToolKind::FogBrush {
                    // Systems turn the wheel sideways while Shift is held.
                    let turn = if delta.y == 0.0 { delta.x } else { delta.y };
                    step_brush(editor, turn > 0.0);
                } else if trackpad && !modifiers.command {
                    view.camera = view
                        .camera
                        .panned(DVec2::new(f64::from(delta.x), f64::from(delta.y)));
                    moved = true;
                } else {
                    zoom_by(view, pointer, ZOOM_STEP.powf(notches.clamp(-8.0, 8.0)));
                    moved = true;
                }
            }
            _ => {}
        }
    }
    moved
}

/// The next larger or smaller brush.
pub fn step_brush(editor: &mut Editor, larger: bool) {
    const SIZES: [f64; 12] = [
        0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0,
    ];
    let now = editor.settings.brush_cells;
    let next = if larger {
        SIZES.iter().find(|&&size| size > now + 1e-9)
    } else {
        SIZES.iter().rev().find(|&&size| size < now - 1e-9)
    };
    if let Some(&next) = next {
        editor.settings.brush_cells = next;
    }
}

/// A zoom that is a step nearer or farther, about the middle of the canvas.
#[must_use]
pub fn stepped_zoom(zoom: f64, nearer: bool) -> f64 {
    let factor = if nearer { 1.25 } else { 0.8 };
    (zoom * factor).clamp(ZOOM_MIN, ZOOM_MAX)
}

/// Turns the pointer's events over the canvas into the tool's.
fn feed_tool(
    ui: &Ui,
    response: &egui::Response,
    view: &View,
    published: &Published,
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let keys = ui.input(|input| Keys {
        shift: input.modifiers.shift,
        alt: input.modifiers.alt,
        command: input.modifiers.command,
    });
    let (pressed, released, down, moved, origin, latest) = ui.input(|input| {
        (
            input.pointer.button_pressed(PointerButton::Primary),
            // A hand that goes on in another window has let go of what is in this one.
            input.pointer.button_released(PointerButton::Primary)
                || input.events.contains(&egui::Event::WindowFocused(false)),
            input.pointer.primary_down(),
            input.pointer.delta() != egui::Vec2::ZERO,
            input.pointer.press_origin(),
            input.pointer.latest_pos(),
        )
    });
    let mine = response.is_pointer_button_down_on() || response.hovered();
    if pressed
        && mine
        && let Some(at) = origin.or(latest).filter(|at| view.rect.contains(*at))
    {
        let at_world = view.world(at);
        editor.feed(Event::Press { at_world, keys }, published, commands);
    }
    let over = response.hovered() || response.dragged();
    if let Some(at) = latest {
        let at_world = view.world(at);
        if (moved || pressed) && (over || editor.tool.is_busy()) {
            for at in path_since_last_frame(ui, at) {
                let at_world = view.world(at);
                editor.feed(Event::Move { at_world, keys }, published, commands);
            }
        }
        if released && editor.tool.is_busy() {
            editor.feed(Event::Release { at_world, keys }, published, commands);
        }
    }
    if editor.tool.is_busy() {
        if down {
            editor.feed(Event::Tick, published, commands);
            // A held brush commits its segment although the hand rests.
            ui.ctx()
                .request_repaint_after(std::time::Duration::from_millis(110));
        } else if !released {
            editor.cancel_gesture(published, commands);
        }
    } else if !over {
        editor.feed(Event::Leave, published, commands);
    }
}

/// Every position that the pointer had since the last frame, so that a quick stroke keeps its bends.
fn path_since_last_frame(ui: &Ui, latest: egui::Pos2) -> Vec<egui::Pos2> {
    let mut path: Vec<egui::Pos2> = ui.input(|input| {
        input
            .events
            .iter()
            .filter_map(|event| match event {
                egui::Event::PointerMoved(at) => Some(*at),
                _ => None,
            })
            .collect()
    });
    if path.last() != Some(&latest) {
        path.push(latest);
    }
    path
}

fn choose_cursor(
    ui: &Ui,
    response: &egui::Response,
    view: &View,
    scene: &crate::scene::snapshot::SceneSnapshot,
    editor: &Editor,
) {
    if !response.hovered() && !response.dragged() {
        return;
    }
    let space = ui.input(|input| input.key_down(egui::Key::Space)) && !Editor::is_typing(ui.ctx());
    let dragging_view = response.dragged_by(PointerButton::Middle)
        || (space || editor.tool.kind() == ToolKind::Hand) && response.dragged();
    let icon = if dragging_view {
        egui::CursorIcon::Grabbing
    } else if space || editor.tool.kind() == ToolKind::Hand {
        egui::CursorIcon::Grab
    } else {
        match editor.tool.kind() {
            ToolKind::FogBrush if scene.map.is_some() => egui::CursorIcon::None,
            ToolKind::Measure => egui::CursorIcon::Crosshair,
            ToolKind::Pen => egui::CursorIcon::None,
            ToolKind::FogBrush | ToolKind::FogRectangle | ToolKind::FogEllipse => {
                if scene.map.is_some() {
                    egui::CursorIcon::Crosshair
                } else {
                    egui::CursorIcon::NotAllowed
                }
            }
            ToolKind::Marker => egui::CursorIcon::Copy,
            ToolKind::Select | ToolKind::Hand => {
                let over = response.hover_pos().is_some_and(|at| {
                    editor.with_context(scene, |ctx| ctx.thing_at(view.world(at)).is_some())
                });
                if over {
                    egui::CursorIcon::Move
                } else {
                    egui::CursorIcon::Default
                }
            }
        }
    };
    ui.ctx().set_cursor_icon(icon);
}

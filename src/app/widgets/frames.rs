//! What stands around controls: section headers, list rows, empty states, dialogs.

use eframe::egui;
use egui::{
    Align2, Color32, CornerRadius, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
};

use super::buttons::{Accent, IconButton, TextButton, focus_ring};
use crate::app::icons;
use crate::app::theme::{CONTROL_HEIGHT, CORNER, ICON_SIZE, Tokens, icon_font, semibold};

/// A header that folds what is below it. Remembers its state under `id`.
pub fn section<R>(
    ui: &mut Ui,
    id: &str,
    title: &str,
    open_at_first: bool,
    content: impl FnOnce(&mut Ui) -> R,
) -> Option<R> {
    let id = ui.make_persistent_id(("section", id));
    let mut open = ui
        .data(|data| data.get_temp::<bool>(id))
        .unwrap_or(open_at_first);
    let tokens = Tokens::of(ui.ctx());
    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), 32.0), Sense::click());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::DisclosureTriangle, true, title);
        info.selected = Some(open);
        info
    });
    if response.clicked() {
        open = !open;
        ui.data_mut(|data| data.insert_temp(id, open));
    }
    let ink = if response.hovered() {
        tokens.text
    } else {
        tokens.muted
    };
    ui.painter().text(
        egui::pos2(rect.left() + 6.0, rect.center().y),
        Align2::CENTER_CENTER,
        if open {
            icons::CARET_DOWN
        } else {
            icons::CARET_RIGHT
        },
        icon_font(12.0),
        ink,
    );
    ui.painter().text(
        egui::pos2(rect.left() + 20.0, rect.center().y),
        Align2::LEFT_CENTER,
        title,
        egui::FontId::new(13.0, semibold()),
        tokens.text,
    );
    focus_ring(ui, &response);
    let result = open.then(|| {
        let result = ui.push_id(id, content).inner;
        ui.add_space(8.0);
        result
    });
    let y = ui.cursor().top();
    ui.painter()
        .hline(rect.x_range(), y, Stroke::new(1.0, tokens.line));
    ui.add_space(1.0);
    result
}

/// The heading of a pane, with room for buttons at its right.
pub fn pane_heading(ui: &mut Ui, title: &str, buttons: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_min_height(36.0);
        ui.add(
            egui::Label::new(
                egui::RichText::new(title)
                    .size(15.0)
                    .family(semibold())
                    .color(Tokens::of(ui.ctx()).text),
            )
            .truncate(),
        );
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), buttons);
    });
}

/// What belongs here, and the one action that brings it. `true` when the action was chosen.
pub fn empty_state(ui: &mut Ui, icon: &str, words: &str, action: Option<(&str, &str)>) -> bool {
    let tokens = Tokens::of(ui.ctx());
    let mut chosen = false;
    ui.vertical_centered(|ui| {
        ui.add_space(24.0);
        let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(40.0), Sense::hover());
        ui.painter().text(
            rect.center(),
            Align2::CENTER_CENTER,
            icon,
            icon_font(32.0),
            tokens.muted,
        );
        ui.add_space(4.0);
        ui.add(egui::Label::new(egui::RichText::new(words).color(tokens.muted)).wrap());
        if let Some((icon, text)) = action {
            ui.add_space(8.0);
            chosen = TextButton::new(text).icon(icon).show(ui).clicked();
        }
    });
    chosen
}

/// A badge: a word on a coloured ground.
pub fn badge(ui: &Ui, right_center: egui::Pos2, text: &str, ground: Color32, ink: Color32) {
    let galley =
        ui.painter()
            .layout_no_wrap(text.to_owned(), egui::FontId::new(11.0, semibold()), ink);
    let size = galley.size() + egui::vec2(10.0, 4.0);
    let rect = egui::Rect::from_min_size(
        egui::pos2(right_center.x - size.x, right_center.y - size.y / 2.0),
        size,
    );
    ui.painter()
        .rect_filled(rect, CornerRadius::same(4), ground);
    ui.painter()
        .galley(rect.min + egui::vec2(5.0, 2.0), galley, ink);
}

/// Enter means the dialog's own button, unless it went to something that has the focus. A field that
/// is typed in lets go of the focus when it takes Enter.
#[must_use]
pub fn is_entered(ui: &Ui) -> bool {
    let is_pressed =
        ui.input(|input| input.modifiers.is_none() && input.key_pressed(egui::Key::Enter));
    let is_free = || ui.memory(|memory| memory.focused().is_none()) || ui.ctx().text_edit_focused();
    is_pressed && is_free()
}

/// A dialog over the window. Returns whether it stays open.
pub fn dialog(
    ctx: &egui::Context,
    title: &str,
    width: f32,
    content: impl FnOnce(&mut Ui) -> bool,
) -> bool {
    let tokens = Tokens::of(ctx);
    let screen = ctx.content_rect();
    let width = width.min(screen.width() - 64.0);
    let modal = egui::Modal::new(egui::Id::unique(("dialog", title)))
        .backdrop_color(Color32::from_black_alpha(if tokens.dark {
            140
        } else {
            90
        }))
        .frame(
            egui::Frame::new()
                .fill(tokens.pane)
                .stroke(Stroke::new(1.0, tokens.line))
                .corner_radius(CornerRadius::same(10))
                .inner_margin(egui::Margin::same(20)),
        )
        .show(ctx, |ui| {
            ui.set_width(width - 40.0);
            let mut stay = true;
            let heading = ui.horizontal(|ui| {
                ui.set_min_size(egui::vec2(ui.available_width(), CONTROL_HEIGHT));
                let words = egui::RichText::new(title).size(17.0).family(semibold());
                ui.label(words.color(tokens.text));
            });
            let heading = heading.response.rect;
            ui.add_space(8.0);
            let room = (screen.height() - 200.0).max(160.0);
            egui::ScrollArea::vertical()
                .max_height(room)
                // It grows with what is in it, which an area alone does not let it.
                .min_scrolled_height(room)
                .auto_shrink([false, true])
                .show(ui, |ui| stay &= content(ui));
            // After everything else, or Tab would come to it first.
            let corner = egui::Rect::from_min_max(
                egui::pos2(heading.right() - CONTROL_HEIGHT, heading.top()),
                heading.right_bottom(),
            );
            let close = IconButton::new(icons::X, "Close")
                .accent(Accent::Muted)
                .keys(Some("Esc"));
            let mut at = egui::UiBuilder::new().max_rect(corner);
            at = at.layout(egui::Layout::centered_and_justified(
                egui::Direction::TopDown,
            ));
            stay &= !ui.new_child(at).scope(|ui| close.show(ui)).inner.clicked();
            stay
        });
    ctx.data_mut(|data| data.insert_temp(dialog_id(), modal.response.rect));
    modal.inner && !modal.should_close()
}

fn dialog_id() -> egui::Id {
    egui::Id::unique("the open dialog")
}

/// Where the dialog of the last frame that had one was.
#[must_use]
pub fn dialog_rect(ctx: &egui::Context) -> Option<egui::Rect> {
    ctx.data(|data| data.get_temp(dialog_id()))
}

/// The ground of a list row, by its state. Returns the row's response and its rectangle; what is on
/// it is painted over it.
pub fn list_row(ui: &mut Ui, height: f32, label: &str, selected: bool) -> (egui::Rect, Response) {
    let tokens = Tokens::of(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(
        egui::vec2(ui.available_width(), height),
        Sense::click_and_drag(),
    );
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, label));
    let ground = if selected {
        tokens.raised
    } else if response.hovered() {
        tokens.hover.gamma_multiply(0.6)
    } else {
        Color32::TRANSPARENT
    };
    ui.painter()
        .rect_filled(rect, CornerRadius::same(CORNER), ground);
    focus_ring(ui, &response);
    (rect, response)
}

/// A card on a pane.
pub fn card<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let tokens = Tokens::of(ui.ctx());
    egui::Frame::new()
        .fill(tokens.raised)
        .corner_radius(CornerRadius::same(CORNER))
        .inner_margin(egui::Margin::same(12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            content(ui)
        })
        .inner
}

/// An icon as text beside a line.
pub fn icon_label(ui: &mut Ui, icon: &str, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(ICON_SIZE), Sense::hover());
    ui.painter().text(
        rect.center(),
        Align2::CENTER_CENTER,
        icon,
        icon_font(16.0),
        color,
    );
}

/// A thin frame around a rectangle.
pub fn outline(painter: &egui::Painter, rect: egui::Rect, color: Color32, width: f32) {
    painter.rect_stroke(
        rect,
        CornerRadius::same(4),
        Stroke::new(width, color),
        StrokeKind::Inside,
    );
}

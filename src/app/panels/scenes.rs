//! The scene list: pictures, order, names. What is on the table is amber, what is edited blue.

use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui;
use egui::{Align2, CornerRadius, Stroke, StrokeKind, Ui};

use crate::app::command::{Command, Commands};
use crate::app::editor::{Editor, Renaming};
use crate::app::icons;
use crate::app::shortcuts::{Action, keys_of};
use crate::app::theme::{CORNER, Tokens, icon_font, semibold};
use crate::app::widgets::buttons::IconButton;
use crate::app::widgets::frames::{badge, empty_state, list_row, pane_heading};
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::SceneId;
use crate::model::scene;
use crate::session::api::{Published, Request, SceneEntry};

const ROW_HEIGHT: f32 = 60.0;
/// A thumbnail as lists show it, points.
pub const PICTURE: egui::Vec2 = egui::vec2(72.0, 44.0);
/// Largest side of a thumbnail that is taken, pixels: what is larger is not ours.
const THUMBNAIL_SIDE: u32 = 1024;

/// Thumbnails as textures, by the bytes that they were made from.
#[derive(Clone, Default)]
pub struct Thumbnails {
    textures: HashMap<SceneId, (Arc<[u8]>, Option<egui::TextureHandle>)>,
}

impl std::fmt::Debug for Thumbnails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thumbnails")
            .field("count", &self.textures.len())
            .finish()
    }
}

impl Thumbnails {
    fn texture(
        &mut self,
        ctx: &egui::Context,
        scene: &SceneId,
        bytes: Option<&Arc<[u8]>>,
    ) -> Option<egui::TextureId> {
        let bytes = bytes?;
        let fresh = self
            .textures
            .get(scene)
            .is_none_or(|(known, _)| !Arc::ptr_eq(known, bytes));
        if fresh {
            let texture = decode(bytes).map(|picture| {
                ctx.load_texture("thumbnail", picture, egui::TextureOptions::LINEAR)
            });
            self.textures
                .insert(scene.clone(), (Arc::clone(bytes), texture));
        }
        let (_, texture) = self.textures.get(scene)?;
        texture.as_ref().map(egui::TextureHandle::id)
    }

    /// Paints a scene's thumbnail, or what stands in for one that is not there.
    pub fn paint(&mut self, ui: &Ui, rect: egui::Rect, scene: &SceneId, bytes: Option<&Arc<[u8]>>) {
        let tokens = Tokens::of(ui.ctx());
        let painter = ui.painter();
        painter.rect_filled(rect, CornerRadius::same(4), tokens.canvas);
        match self.texture(ui.ctx(), scene, bytes) {
            Some(texture) => {
                egui::Image::from_texture(egui::load::SizedTexture::new(texture, rect.size()))
                    .corner_radius(CornerRadius::same(4))
                    .paint_at(ui, rect);
            }
            None => {
                painter.text(
                    rect.center(),
                    Align2::CENTER_CENTER,
                    icons::IMAGE_SQUARE,
                    icon_font(20.0),
                    tokens.muted,
                );
            }
        }
    }

    fn keep_only(&mut self, scenes: &[SceneEntry]) {
        if self.textures.len() > scenes.len() {
            self.textures
                .retain(|id, _| scenes.iter().any(|entry| entry.id == *id));
        }
    }
}

fn decode(png: &[u8]) -> Option<egui::ColorImage> {
    let mut reader =
        image::ImageReader::with_format(std::io::Cursor::new(png), image::ImageFormat::Png);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(THUMBNAIL_SIDE);
    limits.max_image_height = Some(THUMBNAIL_SIDE);
    reader.limits(limits);
    let picture = reader.decode().ok()?.into_rgba8();
    let size = [picture.width() as usize, picture.height() as usize];
    Some(egui::ColorImage::from_rgba_unmultiplied(size, &picture))
}

/// Shows the list.
pub fn show(ui: &mut Ui, published: &Published, editor: &mut Editor, commands: &mut Commands) {
    let new_keys = keys_of(ui.ctx(), Action::NewScene);
    let open_keys = keys_of(ui.ctx(), Action::OpenFiles);
    let can_write = published.game.is_some();
    pane_heading(ui, "Scenes", |ui| {
        ui.add_enabled_ui(can_write, |ui| {
            if IconButton::new(icons::PLUS, "New scene")
                .keys(new_keys.as_deref())
                .show(ui)
                .clicked()
            {
                commands.act(Action::NewScene);
            }
            if IconButton::new(icons::FOLDER_OPEN, "Open map or picture")
                .keys(open_keys.as_deref())
                .show(ui)
                .clicked()
            {
                commands.act(Action::OpenFiles);
            }
        });
    });
    editor.thumbnails.keep_only(&published.scenes);
    editor.focused_row = None;
    if published.scenes.is_empty() {
        let words = "Scenes of this game appear here. Drop a map on the window to make the first.";
        let action = can_write.then_some((icons::PLUS, "New scene"));
        if empty_state(ui, icons::IMAGES, words, action) {
            commands.act(Action::NewScene);
        }
        return;
    }
    egui::ScrollArea::vertical()
        .id_salt("scenes")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (index, entry) in published.scenes.iter().enumerate() {
                row(ui, index, entry, published, editor, commands);
            }
            drop_at_end(ui, published, commands);
        });
}

fn row(
    ui: &mut Ui,
    index: usize,
    entry: &SceneEntry,
    published: &Published,
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let tokens = Tokens::of(ui.ctx());
    let edited = published.editing.as_ref().is_some_and(|s| s.id == entry.id);
    let live = published.active_scene.as_ref() == Some(&entry.id);
    let label = if live {
        format!("Scene {}, on the table", entry.name)
    } else {
        format!("Scene {}", entry.name)
    };
    let renaming = editor
        .renaming
        .as_ref()
        .is_some_and(|renaming| renaming.scene == entry.id);
    let (rect, response) = ui
        .push_id(entry.id.as_str(), |ui| {
            list_row(ui, ROW_HEIGHT, &label, edited)
        })
        .inner;
    response.dnd_set_drag_payload(entry.id.clone());
    if ui.is_rect_visible(rect) {
        paint_row(
            ui, rect, entry, index, edited, live, renaming, editor, &tokens,
        );
    }
    if renaming {
        rename_field(ui, rect, entry, editor, commands);
        return;
    }
    if response.double_clicked() {
        commands.push(Command::BeginRename(entry.id.clone()));
    } else if response.clicked() && !edited {
        commands.request(Request::EditScene(entry.id.clone()));
    }
    if response.has_focus() {
        editor.focused_row = Some(entry.id.clone());
        move_keys(ui, entry, published, index, commands);
    }
    let shown_as = if entry.name.chars().count() > 24 {
        response.clone().on_hover_text(&*entry.name)
    } else {
        response.clone()
    };
    shown_as.context_menu(|ui| menu(ui, entry, live, commands));
    drop_target(ui, rect, &response, entry, published, index, commands);
}

#[expect(clippy::too_many_arguments, reason = "one row's looks, used once")]
fn paint_row(
    ui: &Ui,
    rect: egui::Rect,
    entry: &SceneEntry,
    index: usize,
    edited: bool,
    live: bool,
    renaming: bool,
    editor: &mut Editor,
    tokens: &Tokens,
) {
    let painter = ui.painter_at(rect);
    if edited || live {
        let bar = egui::Rect::from_min_size(
            rect.left_top() + egui::vec2(0.0, 8.0),
            egui::vec2(3.0, rect.height() - 16.0),
        );
        let ink = if live { tokens.live } else { tokens.edit };
        painter.rect_filled(bar, CornerRadius::same(2), ink);
    }
    let picture = egui::Rect::from_min_size(
        egui::pos2(rect.left() + 10.0, rect.center().y - PICTURE.y / 2.0),
        PICTURE,
    );
    editor
        .thumbnails
        .paint(ui, picture, &entry.id, entry.thumbnail.as_ref());
    let line = if live {
        tokens.live
    } else if edited {
        tokens.edit
    } else {
        tokens.line
    };
    painter.rect_stroke(
        picture,
        CornerRadius::same(4),
        Stroke::new(if live || edited { 1.5 } else { 1.0 }, line),
        StrokeKind::Inside,
    );
    if renaming {
        return;
    }
    let left = picture.right() + 10.0;
    let width = rect.right() - left - 8.0;
    let mut name = egui::text::LayoutJob::simple_singleline(
        entry.name.to_string(),
        if edited {
            egui::FontId::new(13.0, semibold())
        } else {
            egui::FontId::proportional(13.0)
        },
        tokens.text,
    );
    name.wrap = egui::text::TextWrapping::truncate_at_width(width);
    let name = painter.layout_job(name);
    painter.galley(
        egui::pos2(left, rect.center().y - name.size().y - 1.0),
        name,
        tokens.text,
    );
    let second = match entry.markers {
        0 => format!("{}", index + 1),
        1 => format!("{} · 1 marker", index + 1),
        many => format!("{} · {many} markers", index + 1),
    };
    painter.text(
        egui::pos2(left, rect.center().y + 2.0),
        Align2::LEFT_TOP,
        second,
        egui::FontId::proportional(12.0),
        tokens.muted,
    );
    if live {
        let at = egui::pos2(rect.right() - 8.0, rect.center().y + 10.0);
        badge(ui, at, "Live", tokens.live, tokens.on_live);
    }
}

fn rename_field(
    ui: &mut Ui,
    rect: egui::Rect,
    entry: &SceneEntry,
    editor: &mut Editor,
    commands: &mut Commands,
) {
    let Some(Renaming { text, focused, .. }) = &mut editor.renaming else {
        return;
    };
    let left = rect.left() + PICTURE.x + 18.0;
    let field = egui::Rect::from_min_max(
        egui::pos2(left, rect.center().y - 14.0),
        egui::pos2(rect.right() - 6.0, rect.center().y + 14.0),
    );
    let id = ui.make_persistent_id(("rename", entry.id.as_str()));
    let response = ui.name_inputs("Scene name", |ui| {
        ui.put(
            field,
            egui::TextEdit::singleline(text)
                .id(id)
                .char_limit(200)
                .margin(egui::Margin::symmetric(6, 5)),
        )
    });
    if !*focused {
        response.request_focus();
        select_all(ui.ctx(), id, text);
        *focused = true;
    }
    if !response.lost_focus() && (response.has_focus() || response.gained_focus()) {
        return;
    }
    if !response.lost_focus() {
        return;
    }
    let name = text.trim().to_owned();
    let cancelled = ui.input(|input| input.key_pressed(egui::Key::Escape));
    editor.renaming = None;
    if !cancelled && !name.is_empty() && name != *entry.name {
        editor.edit_once(
            "Rename scene",
            vec![Edit::Set {
                row: RowRef::Scene(entry.id.clone()),
                values: vec![Assignment::new(scene::NAME, name.as_str())],
            }],
            commands,
        );
    }
}

fn select_all(ctx: &egui::Context, id: egui::Id, text: &str) {
    let mut state = egui::TextEdit::load_state(ctx, id).unwrap_or_default();
    let all = egui::text::CCursorRange::two(
        egui::text::CCursor::new(0),
        egui::text::CCursor::new(text.chars().count()),
    );
    state.cursor.set_char_range(Some(all));
    egui::TextEdit::store_state(ctx, id, state);
}

/// A focused row: Alt and the arrows move it.
fn move_keys(
    ui: &Ui,
    entry: &SceneEntry,
    published: &Published,
    index: usize,
    commands: &mut Commands,
) {
    let (up, down) = ui.input_mut(|input| {
        (
            input.consume_key(egui::Modifiers::ALT, egui::Key::ArrowUp),
            input.consume_key(egui::Modifiers::ALT, egui::Key::ArrowDown),
        )
    });
    if up && let Some(above) = index.checked_sub(1).and_then(|i| published.scenes.get(i)) {
        commands.request(Request::MoveScene {
            scene: entry.id.clone(),
            before: Some(above.id.clone()),
        });
    }
    if down && index + 1 < published.scenes.len() {
        commands.request(Request::MoveScene {
            scene: entry.id.clone(),
            before: published
                .scenes
                .get(index + 2)
                .map(|below| below.id.clone()),
        });
    }
}

fn menu(ui: &mut Ui, entry: &SceneEntry, live: bool, commands: &mut Commands) {
    let line = |ui: &mut Ui, text: &str| {
        let clicked = ui.button(text).clicked();
        if clicked {
            ui.close();
        }
        clicked
    };
    if line(ui, "Edit") {
        commands.request(Request::EditScene(entry.id.clone()));
    }
    if live {
        if line(ui, "Take off the table") {
            commands.request(Request::ShowOnTable(None));
        }
    } else if line(ui, "Show on the table") {
        commands.request(Request::ShowOnTable(Some(entry.id.clone())));
    }
    ui.separator();
    if line(ui, "Rename") {
        commands.push(Command::BeginRename(entry.id.clone()));
    }
    if line(ui, "Duplicate") {
        commands.push(Command::DuplicateScene(entry.id.clone()));
    }
    ui.separator();
    let tokens = Tokens::of(ui.ctx());
    if line_in(ui, "Delete", tokens.danger) {
        commands.push(Command::DeleteScene(entry.id.clone()));
    }
}

fn line_in(ui: &mut Ui, text: &str, ink: egui::Color32) -> bool {
    let clicked = ui.button(egui::RichText::new(text).color(ink)).clicked();
    if clicked {
        ui.close();
    }
    clicked
}

fn drop_target(
    ui: &Ui,
    rect: egui::Rect,
    response: &egui::Response,
    entry: &SceneEntry,
    published: &Published,
    index: usize,
    commands: &mut Commands,
) {
    let Some(dragged) = response.dnd_hover_payload::<SceneId>() else {
        return;
    };
    let Some(pointer) = ui.ctx().pointer_interact_pos() else {
        return;
    };
    let above = pointer.y < rect.center().y;
    let y = if above { rect.top() } else { rect.bottom() };
    let tokens = Tokens::of(ui.ctx());
    ui.painter()
        .hline(rect.x_range(), y, Stroke::new(2.0, tokens.edit));
    ui.painter().rect_stroke(
        rect,
        CornerRadius::same(CORNER),
        Stroke::new(1.0, tokens.line),
        StrokeKind::Inside,
    );
    if let Some(dropped) = response.dnd_release_payload::<SceneId>() {
        let before = if above {
            Some(entry.id.clone())
        } else {
            published.scenes.get(index + 1).map(|next| next.id.clone())
        };
        if before.as_ref() != Some(&*dropped) && *dragged != entry.id {
            commands.request(Request::MoveScene {
                scene: (*dropped).clone(),
                before,
            });
        }
    }
}

fn drop_at_end(ui: &mut Ui, published: &Published, commands: &mut Commands) {
    let size = egui::vec2(ui.available_width(), ui.available_height().max(24.0));
    let response = ui.allocate_response(size, egui::Sense::hover());
    if let Some(dropped) = response.dnd_release_payload::<SceneId>()
        && published
            .scenes
            .last()
            .is_some_and(|last| last.id != *dropped)
    {
        commands.request(Request::MoveScene {
            scene: (*dropped).clone(),
            before: None,
        });
    }
}

//! Pictures of the editor for eyes: written only when `TABLEGLOW_LOOKS` names a folder.

use std::path::PathBuf;

use eframe::egui;
use egui_kittest::Harness;

use super::{App, Fake, parts, still, table_ready};
use crate::app::dialogs::Dialog;
use crate::app::theme::ThemeChoice;
use crate::model::id::RowId;
use crate::session::api::Published;

fn picture(name: &str, size: egui::Vec2, published: Published, change: impl FnOnce(&mut App)) {
    let Some(folder) = std::env::var_os("TABLEGLOW_LOOKS").map(PathBuf::from) else {
        return;
    };
    let fake = Fake::publishing(published);
    let given = parts(&fake, still());
    let mut harness = Harness::builder()
        .with_size(size)
        .with_max_steps(40)
        .wgpu()
        .build_eframe(move |cc| App::new(&cc.egui_ctx, given));
    change(harness.state_mut());
    harness.run_steps(3);
    let theme = harness.state().editor.settings.theme;
    crate::app::theme::apply(&harness.ctx, theme, false);
    harness.run_steps(2);
    let picture = harness.render().unwrap();
    picture.save(folder.join(format!("{name}.png"))).unwrap();
}

#[test]
fn pictures_of_the_editor() {
    if std::env::var_os("TABLEGLOW_LOOKS").is_none() {
        return;
    }
    let small = egui::vec2(1280.0, 720.0);
    picture("editor", small, table_ready(), |_| {});
    picture("empty", small, Published::default(), |_| {});
    picture("marker", small, table_ready(), |app| {
        app.editor.picked.insert(RowId::new("Mira"));
    });
    picture("light", egui::vec2(1920.0, 1080.0), table_ready(), |app| {
        app.editor.settings.theme = ThemeChoice::Light;
    });
    picture("room", small, table_ready(), |app| {
        app.editor.settings.theme = ThemeChoice::DarkRoom;
    });
    picture("library", small, table_ready(), |app| {
        app.editor.dialog = Some(Dialog::library());
    });
    picture("shortcuts", small, table_ready(), |app| {
        app.editor.dialog = Some(Dialog::Shortcuts);
    });
    picture("settings", small, table_ready(), |app| {
        app.editor.dialog = Some(Dialog::Settings);
    });
}

//! The way back of deleted scenes, as a user meets it.

use eframe::egui;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;

use super::{editor_of, table_ready};
use crate::library::removed::RemovedScene;
use crate::model::id::SceneId;
use crate::session::api::{Published, Request};

/// Two scenes were deleted.
pub(super) fn with_removed() -> Published {
    let scene = |id: &str, name: &str, by_other| RemovedScene {
        id: SceneId::new(id),
        name: name.into(),
        removed_unix_ms: 1_780_000_000_000,
        by_other,
        thumbnail: None,
    };
    Published {
        removed: [
            scene("a", "Armoury", true),
            scene(
                "b",
                "The bath house of the forty whispering aunts and their many cats",
                false,
            ),
        ]
        .into(),
        ..table_ready()
    }
}

#[test]
fn a_deleted_scene_is_brought_back_from_the_scene_menu() {
    let (mut harness, fake) = editor_of(with_removed());
    harness.run();
    harness.get_by_role_and_label(Role::Button, "Scene").click();
    harness.run_steps(3);
    harness.get_by_label_contains("Bring back a scene…").click();
    harness.run_steps(4);
    harness.get_by_label("Armoury");
    harness.get_by_label_contains("· by somebody else");
    harness.get_by_label_contains("· here");
    // By the keyboard too: the button says whose it is.
    let button = harness.get_by_label("Bring back Armoury");
    button.focus();
    harness.run_steps(2);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(3);
    let sent = fake.sent();
    assert!(
        matches!(sent.as_slice(), [Request::BringBack(scene)] if scene.as_str() == "a"),
        "{sent:?}"
    );
    fake.publish(|published| published.removed = published.removed[1..].into());
    harness.run_steps(3);
    assert!(harness.query_by_label("Bring back Armoury").is_none());
    fake.publish(|published| published.removed = [].into());
    harness.run_steps(3);
    harness.get_by_label_contains("There is no deleted scene");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(
        harness
            .query_by_label_contains("There is no deleted scene")
            .is_none()
    );
}

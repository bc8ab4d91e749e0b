//! What a table shows, painted into a window: the scene, the pause screen, or a calm one while nothing
//! is on it, with a fade between two of them.
//!
//! Of the scene it shows nothing but what [`PlayerFrame`] holds, and over it what people show each
//! other. Must not know the editor. Called by the player display ([`super::display`]) and by
//! `tableglow play` ([`super::play`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;
use egui::{Color32, Ui};
use parking_lot::Mutex;

use super::bridge::Bridge;
use super::canvas::FRAME;
use super::canvas::view::{View, display_rect, size_of};
use super::editor::Others;
use super::presence::paint::{Stage, paint};
use super::theme::{Tokens, semibold};
use crate::geom::space::Camera;
use crate::model::id::SceneId;
use crate::model::presence::HoveredMarker;
use crate::scene::player::PlayerFrame;
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::Published;
use crate::session::room::People;

/// Fade out and fade in of a scene change, each.
const HALF_FADE: Duration = Duration::from_millis(125);
/// The pointer rests this long before it is hidden.
const POINTER_HIDES: Duration = Duration::from_secs(2);
/// Moving fog on the table: 15 pictures a second at most.
const ANIMATION_STEP: Duration = Duration::from_millis(67);
/// Around a table's picture, and on the waiting screen.
const SURROUND: Color32 = Color32::from_rgb(0x05, 0x05, 0x06);

/// How it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Scenes fade over black.
    pub transitions: bool,
    /// Fog moves.
    pub animation: bool,
    /// Where people point is shown.
    pub cursors: bool,
}

/// What the user of this app shows, in an app that has one.
#[derive(Debug, Clone, Default)]
pub struct Mine {
    /// The marker that they point out.
    pub pointed_out: Option<HoveredMarker>,
    /// What they measure and draw ([`super::presence::own`]).
    pub people: Arc<People>,
}

/// What is shown.
pub struct Shown<'a> {
    /// What is on the table now.
    pub frame: &'a PlayerFrame,
    /// What stands on the calm screens.
    pub title: &'a str,
    /// Everybody in the room.
    pub people: &'a Arc<People>,
    /// What the user of this app shows.
    pub mine: &'a Mine,
}

/// A table's picture in one window.
pub struct TableView {
    bridge: Bridge,
    started: Instant,
    look: Mutex<Look>,
}

/// What is on the screen, and since when.
struct Look {
    shown: PlayerFrame,
    fade: Option<Instant>,
    pointer_moved: Instant,
    /// What people show over the picture.
    others: Others,
    /// What the user of this app shows over it.
    mine: Others,
}

/// What makes two frames different enough for a fade.
#[derive(PartialEq)]
enum Kind {
    Waiting,
    Paused,
    Scene(SceneId),
}

fn kind(frame: &PlayerFrame) -> Kind {
    match frame {
        PlayerFrame::Waiting => Kind::Waiting,
        PlayerFrame::Paused { .. } => Kind::Paused,
        PlayerFrame::Scene(scene) => Kind::Scene(scene.scene().id.clone()),
    }
}

impl TableView {
    /// Begins with `shown`, without a fade.
    #[must_use]
    pub fn new(bridge: Bridge, shown: PlayerFrame) -> Self {
        Self {
            bridge,
            started: Instant::now(),
            look: Mutex::new(Look {
                shown,
                fade: None,
                pointer_moved: Instant::now(),
                others: Others::default(),
                mine: Others::of_mine(),
            }),
        }
    }

    /// The scene that is on the screen.
    #[must_use]
    pub fn shown(&self) -> Option<SceneId> {
        match &self.look.lock().shown {
            PlayerFrame::Scene(scene) => Some(scene.scene().id.clone()),
            PlayerFrame::Waiting | PlayerFrame::Paused { .. } => None,
        }
    }

    /// Paints what the table shows now.
    pub fn paint(&self, ui: &mut Ui, rect: egui::Rect, shown: &Shown<'_>, style: Style) {
        ui.painter().rect_filled(rect, 0.0, SURROUND);
        let title = shown.title;
        let look = &mut *self.look.lock();
        hide_pointer(ui, look);
        let dim = fade(ui.ctx(), look, shown.frame, style.transitions);
        let now = ui.input(|input| input.time);
        let active = match shown.frame {
            PlayerFrame::Scene(scene) => Some(&scene.scene().id),
            PlayerFrame::Waiting | PlayerFrame::Paused { .. } => None,
        };
        for (others, people) in [
            (&mut look.others, shown.people),
            (&mut look.mine, &shown.mine.people),
        ] {
            let crowd = &mut others.crowd;
            crowd.follow(people, active, now, style.transitions);
        }
        match &look.shown {
            PlayerFrame::Waiting => calm_words(ui, rect, title, ""),
            PlayerFrame::Paused { picture } => {
                let shown = picture
                    .as_ref()
                    .is_some_and(|picture| self.bridge.paint_picture(ui, rect, picture));
                if !shown {
                    calm_words(ui, rect, title, "Paused");
                }
            }
            PlayerFrame::Scene(scene) => {
                let time = style.animation.then(|| self.started.elapsed());
                self.bridge.paint_player(ui, rect, scene, time);
                if style.animation {
                    ui.ctx().request_repaint_after(ANIMATION_STEP);
                }
                let pointed_out = shown.mine.pointed_out.as_ref();
                let others = [&mut look.others, &mut look.mine];
                over(ui, rect, scene.scene(), others, style, pointed_out);
            }
        }
        if dim > 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0..=255"
            )]
            let alpha = (dim.clamp(0.0, 1.0) * 255.0) as u8;
            ui.painter()
                .rect_filled(rect, 0.0, Color32::from_black_alpha(alpha));
        }
    }
}

/// What people show over the table's picture.
fn over(
    ui: &Ui,
    rect: egui::Rect,
    scene: &SceneSnapshot,
    others: [&mut Others; 2],
    style: Style,
    pointed_out: Option<&HoveredMarker>,
) {
    let world = display_rect(scene);
    let view = View {
        rect,
        camera: Camera::fit(world, size_of(rect), 0.0),
    };
    let picture = egui::Rect::from_points(&view.corners(world, &glam::DAffine2::IDENTITY));
    let stage = Stage {
        painter: &ui.painter_at(picture.intersect(rect)),
        view: &view,
        scene,
        active: Some(&scene.id),
        now: ui.input(|input| input.time),
        is_table: true,
        cursors: style.cursors,
    };
    for others in others {
        if let Some(due) = paint(&stage, &others.crowd, &mut others.drawings) {
            ui.ctx().request_repaint_after(due.max(FRAME));
        }
    }
    if let Some(pointed_out) = pointed_out {
        stage.hovered(pointed_out);
    }
}

fn hide_pointer(ui: &Ui, look: &mut Look) {
    let (moved, inside) = ui.input(|input| {
        (
            input.pointer.delta() != egui::Vec2::ZERO,
            input.pointer.has_pointer(),
        )
    });
    if moved {
        look.pointer_moved = Instant::now();
    }
    if !inside {
        return;
    }
    let rested = look.pointer_moved.elapsed();
    if rested >= POINTER_HIDES {
        ui.ctx().set_cursor_icon(egui::CursorIcon::None);
    } else {
        ui.ctx()
            .request_repaint_after(POINTER_HIDES.saturating_sub(rested));
    }
}

/// How dark the picture is now, and which frame it shows.
fn fade(ctx: &egui::Context, look: &mut Look, newest: &PlayerFrame, smooth: bool) -> f32 {
    let changed = kind(&look.shown) != kind(newest);
    if !smooth {
        look.fade = None;
        look.shown = newest.clone();
        return 0.0;
    }
    if changed && look.fade.is_none() {
        look.fade = Some(Instant::now());
    }
    let Some(since) = look.fade else {
        look.shown = newest.clone();
        return 0.0;
    };
    let elapsed = since.elapsed();
    ctx.request_repaint();
    if elapsed < HALF_FADE {
        return elapsed.as_secs_f32() / HALF_FADE.as_secs_f32();
    }
    look.shown = newest.clone();
    let back = elapsed.saturating_sub(HALF_FADE);
    if back >= HALF_FADE {
        look.fade = None;
        return 0.0;
    }
    1.0 - back.as_secs_f32() / HALF_FADE.as_secs_f32()
}

/// The name of the open party.
#[must_use]
pub fn party_name(published: &Published) -> &str {
    published
        .party
        .as_ref()
        .and_then(|id| {
            published
                .library
                .parties
                .iter()
                .find(|party| party.id == *id)
        })
        .map_or("", |party| &party.name)
}

/// A dark screen with a line or two, sized for the far side of a table.
fn calm_words(ui: &Ui, rect: egui::Rect, first: &str, second: &str) {
    let tokens = Tokens::of_theme(super::theme::ThemeChoice::DarkRoom);
    let size = (rect.height() * 0.05).clamp(14.0, 96.0);
    let painter = ui.painter_at(rect);
    let middle = rect.center();
    let name = painter.layout(
        first.to_owned(),
        egui::FontId::new(size, semibold()),
        tokens.text,
        rect.width() * 0.8,
    );
    painter.galley(middle - name.size() / 2.0, Arc::clone(&name), tokens.text);
    if !second.is_empty() {
        painter.text(
            middle + egui::vec2(0.0, name.size().y / 2.0 + size * 0.5),
            egui::Align2::CENTER_TOP,
            second,
            egui::FontId::proportional(size * 0.5),
            tokens.muted,
        );
    }
}

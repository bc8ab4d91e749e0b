//! Messages at the bottom right of the canvas. Errors stay until they are dismissed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use eframe::egui;
use egui::{CornerRadius, Stroke, Ui};

use crate::app::command::Commands;
use crate::app::editor::Editor;
use crate::app::icons;
use crate::app::shortcuts::Action;
use crate::app::theme::Tokens;
use crate::app::widgets::buttons::{Accent, IconButton, TextButton};
use crate::app::widgets::frames::{dialog_rect, icon_label};
use crate::session::api::{Notice, Published, Request, Severity};

const INFO_STAYS: Duration = Duration::from_secs(8);
const WARNING_STAYS: Duration = Duration::from_secs(20);
/// More at once would hide the map.
const AT_ONCE: usize = 4;

/// When each notice was first shown, and which have their details open.
#[derive(Default)]
pub struct Toasts {
    seen: HashMap<u64, Instant>,
    open: std::collections::HashSet<u64>,
}

fn stays(severity: Severity, details: bool) -> Option<Duration> {
    match severity {
        Severity::Info if details => Some(WARNING_STAYS),
        Severity::Info => Some(INFO_STAYS),
        Severity::Warning => Some(WARNING_STAYS),
        Severity::Error => None,
    }
}

impl Toasts {
    /// Shows the newest messages over the bottom right of `canvas`.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        canvas: egui::Rect,
        published: &Published,
        editor: &mut Editor,
        commands: &mut Commands,
    ) {
        let now = Instant::now();
        self.seen
            .retain(|id, _| published.notices.iter().any(|notice| notice.id == *id));
        let mut wake: Option<Duration> = None;
        for notice in published.notices.iter() {
            let seen = *self.seen.entry(notice.id).or_insert(now);
            if self.open.contains(&notice.id) {
                continue;
            }
            if let Some(stays) = stays(notice.severity, !notice.details.is_empty()) {
                let left = stays.saturating_sub(now - seen);
                if left.is_zero() {
                    commands.request(Request::Dismiss(notice.id));
                } else {
                    wake = Some(wake.map_or(left, |wake| wake.min(left)));
                }
            }
        }
        editor.tellings.retain(|telling| {
            stays(telling.severity, false).is_none_or(|stays| {
                let left = stays.saturating_sub(now - telling.at);
                if !left.is_zero() {
                    wake = Some(wake.map_or(left, |wake| wake.min(left)));
                }
                !left.is_zero()
            })
        });
        if let Some(wake) = wake {
            ctx.request_repaint_after(wake);
        }
        if published.notices.is_empty() && editor.tellings.is_empty() {
            return;
        }
        let mut width = (canvas.width() - 32.0).clamp(200.0, 380.0);
        let mut corner = canvas.right_bottom();
        if let Some(dialog) = dialog_rect(ctx).filter(|_| editor.dialog.is_some()) {
            // Beside it, where there is room: it may be what the dialog waits for.
            corner.x = ctx.content_rect().right();
            width = width.min((corner.x - dialog.right() - 24.0).max(200.0));
        }
        egui::Area::new(egui::Id::unique("toasts"))
            .order(egui::Order::Foreground)
            .pivot(egui::Align2::RIGHT_BOTTOM)
            .fixed_pos(corner - egui::vec2(12.0, 12.0))
            .show(ctx, |ui| {
                ui.set_width(width);
                let first = published.notices.len().saturating_sub(AT_ONCE);
                for notice in published.notices.iter().skip(first) {
                    self.notice(ui, notice, commands);
                }
                let mut gone = None;
                for telling in &editor.tellings {
                    let dismissed = toast(ui, telling.severity, |ui| {
                        ui.add(egui::Label::new(&*telling.text).wrap());
                    });
                    if dismissed {
                        gone = Some(telling.id);
                    }
                }
                editor.tellings.retain(|telling| Some(telling.id) != gone);
            });
    }

    fn notice(&mut self, ui: &mut Ui, notice: &Notice, commands: &mut Commands) {
        let dismissed = ui
            .push_id(notice.id, |ui| {
                toast(ui, notice.severity, |ui| {
                    ui.add(egui::Label::new(&*notice.text).wrap());
                    self.extras(ui, notice, commands);
                })
            })
            .inner;
        if dismissed {
            self.open.remove(&notice.id);
            commands.request(Request::Dismiss(notice.id));
        }
    }

    fn extras(&mut self, ui: &mut Ui, notice: &Notice, commands: &mut Commands) {
        let open = self.open.contains(&notice.id);
        if notice.offers_undo || notice.brings_back.is_some() || !notice.details.is_empty() {
            ui.horizontal(|ui| {
                if let Some(scene) = &notice.brings_back
                    && TextButton::new("Bring it back")
                        .icon(icons::ARROW_COUNTER_CLOCKWISE)
                        .accent(Accent::Edit)
                        .flat()
                        .show(ui)
                        .clicked()
                {
                    commands.request(Request::BringBack(scene.clone()));
                }
                if notice.offers_undo
                    && TextButton::new("Undo")
                        .icon(icons::ARROW_COUNTER_CLOCKWISE)
                        .accent(Accent::Edit)
                        .flat()
                        .show(ui)
                        .clicked()
                {
                    commands.act(Action::Undo);
                    commands.request(Request::Dismiss(notice.id));
                }
                if !notice.details.is_empty() {
                    let words = if open { "Hide details" } else { "Details" };
                    if TextButton::new(words).flat().show(ui).clicked() {
                        if open {
                            self.open.remove(&notice.id);
                        } else {
                            self.open.insert(notice.id);
                        }
                    }
                }
            });
        }
        if open {
            egui::ScrollArea::vertical()
                .max_height(200.0)
                .show(ui, |ui| {
                    for line in notice.details.iter() {
                        ui.add(
                            egui::Label::new(
                                egui::RichText::new(&**line)
                                    .size(12.0)
                                    .color(Tokens::of(ui.ctx()).muted),
                            )
                            .wrap(),
                        );
                    }
                });
        }
    }
}

/// A card with an icon by severity. `true` when it was dismissed.
fn toast(ui: &mut Ui, severity: Severity, content: impl FnOnce(&mut Ui)) -> bool {
    let tokens = Tokens::of(ui.ctx());
    let (icon, ink) = match severity {
        Severity::Info => (icons::INFO, tokens.edit),
        Severity::Warning => (icons::WARNING, tokens.live),
        Severity::Error => (icons::WARNING_CIRCLE, tokens.danger),
    };
    let mut dismissed = false;
    egui::Frame::new()
        .fill(tokens.raised)
        .stroke(Stroke::new(
            1.0,
            if severity == Severity::Error {
                ink
            } else {
                tokens.line
            },
        ))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(egui::Margin::symmetric(12, 8))
        .shadow(ui.visuals().popup_shadow)
        .show(ui, |ui| {
            ui.horizontal_top(|ui| {
                ui.vertical(|ui| {
                    ui.add_space(3.0);
                    icon_label(ui, icon, ink);
                });
                let width = ui.available_width() - 24.0 - ui.spacing().item_spacing.x;
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.add_space(3.0);
                    content(ui);
                    ui.add_space(3.0);
                });
                dismissed = IconButton::new(icons::X, "Dismiss")
                    .accent(Accent::Muted)
                    .size(24.0)
                    .show(ui)
                    .clicked();
            });
        });
    dismissed
}

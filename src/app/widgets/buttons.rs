//! Buttons: icon buttons, text buttons, switches.

use eframe::egui;
use egui::{
    Align2, Color32, CornerRadius, Response, Role, Sense, Stroke, StrokeKind, TextStyle, Ui,
    WidgetInfo,
};

use crate::app::theme::{CONTROL_HEIGHT, CORNER, ICON_SIZE, Tokens, icon_font};

/// How a button stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accent {
    /// Like the text around it.
    #[default]
    Plain,
    /// Second-rank.
    Muted,
    /// What the players see.
    Live,
    /// What is edited or picked.
    Edit,
    /// Deletes.
    Danger,
}

impl Accent {
    fn ink(self, tokens: &Tokens) -> Color32 {
        match self {
            Self::Plain => tokens.text,
            Self::Muted => tokens.muted,
            Self::Live => tokens.live,
            Self::Edit => tokens.edit,
            Self::Danger => tokens.danger,
        }
    }

    fn ground(self, tokens: &Tokens) -> (Color32, Color32) {
        match self {
            Self::Live => (tokens.live, tokens.on_live),
            Self::Edit => (tokens.edit, tokens.on_edit),
            Self::Danger => (tokens.danger, tokens.on_live),
            Self::Plain | Self::Muted => (tokens.raised, tokens.text),
        }
    }
}

/// A square button with one icon.
#[derive(Debug, Clone, Copy)]
#[must_use = "call `show`"]
pub struct IconButton<'a> {
    icon: &'a str,
    label: &'a str,
    keys: Option<&'a str>,
    accent: Accent,
    selected: bool,
    toggle: bool,
    quiet: bool,
    size: f32,
}

impl<'a> IconButton<'a> {
    /// A button that shows `icon` and is called `label`.
    pub fn new(icon: &'a str, label: &'a str) -> Self {
        Self {
            icon,
            label,
            keys: None,
            accent: Accent::Plain,
            selected: false,
            toggle: false,
            quiet: false,
            size: CONTROL_HEIGHT,
        }
    }

    /// The shortcut that does the same, for the tooltip.
    pub fn keys(mut self, keys: Option<&'a str>) -> Self {
        self.keys = keys;
        self
    }

    /// Its colour.
    pub fn accent(mut self, accent: Accent) -> Self {
        self.accent = accent;
        self
    }

    /// A button that stays down while `on`.
    pub fn selected(mut self, on: bool) -> Self {
        self.selected = on;
        self.toggle = true;
        self
    }

    /// An option that is on or off, in no rank with the tool in hand.
    pub fn switched(mut self, on: bool) -> Self {
        self.selected = on;
        self.toggle = true;
        self.quiet = true;
        self
    }

    /// Another side than [`CONTROL_HEIGHT`].
    pub fn size(mut self, size: f32) -> Self {
        self.size = size;
        self
    }

    /// Shows it.
    pub fn show(self, ui: &mut Ui) -> Response {
        let tokens = Tokens::of(ui.ctx());
        let (rect, response) = ui.allocate_exact_size(egui::Vec2::splat(self.size), Sense::click());
        let enabled = ui.is_enabled();
        response.widget_info(|| {
            if self.toggle {
                WidgetInfo::selected(Role::Button, enabled, self.selected, self.label)
            } else {
                WidgetInfo::labeled(Role::Button, enabled, self.label)
            }
        });
        if ui.is_rect_visible(rect) {
            let painter = ui.painter();
            let (mut ground, mut ink) = (Color32::TRANSPARENT, self.accent.ink(&tokens));
            if self.selected && self.quiet {
                (ground, ink) = (tokens.raised, tokens.edit);
            } else if self.selected {
                let accent = if self.accent == Accent::Plain {
                    Accent::Edit
                } else {
                    self.accent
                };
                (ground, ink) = accent.ground(&tokens);
            } else if response.hovered() || response.is_pointer_button_down_on() {
                ground = tokens.hover;
            }
            painter.rect_filled(rect, CornerRadius::same(CORNER), ground);
            focus_ring(ui, &response);
            let icon_size = ICON_SIZE.min(self.size - 6.0);
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                self.icon,
                icon_font(icon_size),
                if enabled {
                    ink
                } else {
                    tokens.muted.gamma_multiply(0.5)
                },
            );
        }
        with_hint(response, self.label, self.keys)
    }
}

/// Adds a tooltip with the shortcut.
pub fn with_hint(response: Response, label: &str, keys: Option<&str>) -> Response {
    response.on_hover_ui(|ui| {
        ui.horizontal(|ui| {
            ui.label(label);
            if let Some(keys) = keys {
                ui.weak(keys);
            }
        });
    })
}

/// Paints the ring of keyboard focus.
pub fn focus_ring(ui: &Ui, response: &Response) {
    if response.has_focus() {
        ui.painter().rect_stroke(
            response.rect,
            CornerRadius::same(CORNER),
            Stroke::new(2.0, Tokens::of(ui.ctx()).edit),
            StrokeKind::Inside,
        );
    }
}

/// A button with an optional icon and a text.
#[derive(Debug, Clone, Copy)]
#[must_use = "call `show`"]
pub struct TextButton<'a> {
    icon: Option<&'a str>,
    text: &'a str,
    label: &'a str,
    accent: Accent,
    filled: bool,
    full_width: bool,
    keys: Option<&'a str>,
}

impl<'a> TextButton<'a> {
    /// A button that says `text`.
    pub fn new(text: &'a str) -> Self {
        Self {
            icon: None,
            text,
            label: text,
            accent: Accent::Plain,
            filled: true,
            full_width: false,
            keys: None,
        }
    }

    /// An icon before the text.
    pub fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Its colour.
    pub fn accent(mut self, accent: Accent) -> Self {
        self.accent = accent;
        self
    }

    /// What a screen reader says in place of the text, where several say the same.
    pub fn label(mut self, label: &'a str) -> Self {
        self.label = label;
        self
    }

    /// Without a ground until the pointer is over it.
    pub fn flat(mut self) -> Self {
        self.filled = false;
        self
    }

    /// As wide as there is room.
    pub fn full_width(mut self) -> Self {
        self.full_width = true;
        self
    }

    /// The shortcut that does the same, for the tooltip.
    pub fn keys(mut self, keys: Option<&'a str>) -> Self {
        self.keys = keys;
        self
    }

    /// Shows it.
    pub fn show(self, ui: &mut Ui) -> Response {
        let tokens = Tokens::of(ui.ctx());
        let enabled = ui.is_enabled();
        let (ground, ink) = if self.filled && !enabled {
            (tokens.raised, tokens.muted)
        } else if self.filled {
            self.accent.ground(&tokens)
        } else {
            (Color32::TRANSPARENT, self.accent.ink(&tokens))
        };
        let galley = ui.painter().layout_no_wrap(
            self.text.to_owned(),
            TextStyle::Button.resolve(ui.style()),
            ink,
        );
        let icon_width = if self.icon.is_some() {
            ICON_SIZE + 6.0
        } else {
            0.0
        };
        let mut width = galley.size().x + icon_width + 20.0;
        if self.full_width {
            width = width.max(ui.available_width());
        }
        let (rect, response) =
            ui.allocate_exact_size(egui::vec2(width, CONTROL_HEIGHT), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, self.label));
        if ui.is_rect_visible(rect) {
            // It is faded already where it is disabled.
            let painter = ui.painter();
            let over = response.hovered() && enabled;
            let shade = match (self.filled, over) {
                (true, true) if ground == tokens.raised => tokens.hover,
                (true, true) => ground.gamma_multiply(0.88),
                (true, false) => ground,
                (false, true) => tokens.hover,
                (false, false) => Color32::TRANSPARENT,
            };
            painter.rect_filled(rect, CornerRadius::same(CORNER), shade);
            let content = galley.size().x + icon_width;
            let mut x = rect.center().x - content / 2.0;
            if let Some(icon) = self.icon {
                painter.text(
                    egui::pos2(x + ICON_SIZE / 2.0, rect.center().y),
                    Align2::CENTER_CENTER,
                    icon,
                    icon_font(16.0),
                    ink,
                );
                x += icon_width;
            }
            painter.galley(
                egui::pos2(x, rect.center().y - galley.size().y / 2.0),
                galley,
                ink,
            );
            focus_ring(ui, &response);
        }
        if self.keys.is_some() {
            with_hint(response, self.text, self.keys)
        } else {
            response
        }
    }
}

/// A switch that slides. `label` is its accessible name; the caller shows it.
pub fn switch(ui: &mut Ui, on: &mut bool, label: &str) -> Response {
    let tokens = Tokens::of(ui.ctx());
    let (rect, mut response) = ui.allocate_exact_size(egui::vec2(34.0, 20.0), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Switch, enabled, *on, label));
    if ui.is_rect_visible(rect) {
        let share = ui.ctx().animate_bool_responsive(response.id, *on);
        let ground = if *on { tokens.edit } else { tokens.line };
        let knob = if *on { tokens.on_edit } else { tokens.muted };
        let painter = ui.painter();
        painter.rect_filled(rect, CornerRadius::same(10), ground);
        let x = egui::lerp(rect.left() + 10.0..=rect.right() - 10.0, share);
        painter.circle_filled(egui::pos2(x, rect.center().y), 7.0, knob);
        if response.has_focus() {
            painter.rect_stroke(
                rect.expand(2.0),
                CornerRadius::same(12),
                Stroke::new(2.0, tokens.edit),
                StrokeKind::Outside,
            );
        }
    }
    response
}

/// A row of icons of which one is down.
pub fn segmented<T: PartialEq + Copy>(
    ui: &mut Ui,
    value: &mut T,
    choices: &[(T, &str, &str)],
) -> bool {
    let mut changed = false;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for &(choice, icon, label) in choices {
            if IconButton::new(icon, label)
                .selected(*value == choice)
                .show(ui)
                .clicked()
                && *value != choice
            {
                *value = choice;
                changed = true;
            }
        }
    });
    changed
}

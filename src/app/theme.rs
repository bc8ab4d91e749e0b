//! The look: colour tokens of three themes, fonts, spacing.
//!
//! Every colour that the app paints comes from [`Tokens`]; every text passes a contrast test. Must
//! not know what is shown. Called by [`super::shell`] once and by panels for colours.

use std::sync::Arc;

use eframe::egui;
use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle,
};

/// Height of a control, points.
pub const CONTROL_HEIGHT: f32 = 28.0;
/// Size of an icon, points.
pub const ICON_SIZE: f32 = 18.0;
/// One step of spacing, points.
pub const STEP: f32 = 4.0;
/// Least and greatest width of a side pane, points.
pub const PANE_WIDTH: std::ops::RangeInclusive<f32> = 240.0..=320.0;
/// Corner radius of controls.
pub const CORNER: u8 = 6;
/// How long a motion takes, seconds.
pub const MOTION_SECS: f32 = 0.12;

/// Which theme is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeChoice {
    /// For an evening at the table.
    #[default]
    Dark,
    /// The dark theme at 60 % of its luminance, for a room lit by candles.
    DarkRoom,
    /// For preparing by day.
    Light,
}

impl ThemeChoice {
    /// All themes in the order of the settings dialog, with their names.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Dark, "Dark"),
        (Self::DarkRoom, "Dark room"),
        (Self::Light, "Light"),
    ];
}

/// The colours of a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Behind the map.
    pub canvas: Color32,
    /// Panes.
    pub pane: Color32,
    /// Controls and cards on panes.
    pub raised: Color32,
    /// A raised thing under the pointer.
    pub hover: Color32,
    /// Lines between panes and round fields.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Second-rank text.
    pub muted: Color32,
    /// What the players see: amber.
    pub live: Color32,
    /// Text on an amber ground.
    pub on_live: Color32,
    /// What is edited: blue.
    pub edit: Color32,
    /// Text on a blue ground.
    pub on_edit: Color32,
    /// Errors, deletion.
    pub danger: Color32,
    /// Done, saved.
    pub good: Color32,
    /// Dark themes need light shadows and the reverse.
    pub dark: bool,
}

const DARK: Tokens = Tokens {
    canvas: Color32::from_rgb(0x13, 0x14, 0x17),
    pane: Color32::from_rgb(0x1a, 0x1c, 0x21),
    raised: Color32::from_rgb(0x22, 0x25, 0x2b),
    hover: Color32::from_rgb(0x2b, 0x2f, 0x37),
    line: Color32::from_rgb(0x2e, 0x32, 0x3a),
    text: Color32::from_rgb(0xe6, 0xe7, 0xea),
    muted: Color32::from_rgb(0x9a, 0xa0, 0xab),
    live: Color32::from_rgb(0xf0, 0xa6, 0x3a),
    on_live: Color32::from_rgb(0x1c, 0x13, 0x04),
    edit: Color32::from_rgb(0x5b, 0x9d, 0xf5),
    on_edit: Color32::from_rgb(0x07, 0x12, 0x22),
    danger: Color32::from_rgb(0xe5, 0x64, 0x5f),
    good: Color32::from_rgb(0x5f, 0xb5, 0x8a),
    dark: true,
};

const LIGHT: Tokens = Tokens {
    canvas: Color32::from_rgb(0xdf, 0xe1, 0xe5),
    pane: Color32::from_rgb(0xf4, 0xf5, 0xf7),
    raised: Color32::from_rgb(0xff, 0xff, 0xff),
    hover: Color32::from_rgb(0xea, 0xec, 0xf0),
    line: Color32::from_rgb(0xcb, 0xcf, 0xd6),
    text: Color32::from_rgb(0x1b, 0x1d, 0x22),
    muted: Color32::from_rgb(0x55, 0x5b, 0x66),
    live: Color32::from_rgb(0x8f, 0x52, 0x00),
    on_live: Color32::from_rgb(0xff, 0xff, 0xff),
    edit: Color32::from_rgb(0x1b, 0x5c, 0xbd),
    on_edit: Color32::from_rgb(0xff, 0xff, 0xff),
    danger: Color32::from_rgb(0xad, 0x2f, 0x2a),
    good: Color32::from_rgb(0x1f, 0x6e, 0x48),
    dark: false,
};

impl Tokens {
    /// The colours of a theme.
    #[must_use]
    pub fn of_theme(choice: ThemeChoice) -> Self {
        match choice {
            ThemeChoice::Dark => DARK,
            ThemeChoice::Light => LIGHT,
            ThemeChoice::DarkRoom => DARK.at_luminance(0.6),
        }
    }

    /// The colours of the theme that is on.
    #[must_use]
    pub fn of(ctx: &egui::Context) -> Self {
        ctx.data(|data| data.get_temp(tokens_id())).unwrap_or(DARK)
    }

    fn at_luminance(self, share: f64) -> Self {
        let dim = |c: Color32| scale_luminance(c, share);
        Self {
            canvas: dim(self.canvas),
            pane: dim(self.pane),
            raised: dim(self.raised),
            hover: dim(self.hover),
            line: dim(self.line),
            text: dim(self.text),
            // These would fall below 4.5:1 on raised ground.
            muted: scale_luminance(self.muted, share * 1.15),
            live: dim(self.live),
            on_live: dim(self.on_live),
            edit: scale_luminance(self.edit, share * 1.15),
            on_edit: dim(self.on_edit),
            danger: scale_luminance(self.danger, share * 1.5),
            good: dim(self.good),
            dark: true,
        }
    }
}

fn tokens_id() -> egui::Id {
    egui::Id::unique("tableglow-tokens")
}

/// The linear value of an sRGB channel, IEC 61966-2-1.
fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.040_45 {
        c / 12.92
    } else {
        ((c + 0.055) / 1.055).powf(2.4)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255"
)]
fn encoded(linear: f64) -> u8 {
    let c = if linear <= 0.003_130_8 {
        linear * 12.92
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    };
    (c * 255.0).round().clamp(0.0, 255.0) as u8
}

fn scale_luminance(color: Color32, share: f64) -> Color32 {
    let dim = |c: u8| encoded(linear(c) * share);
    Color32::from_rgb(dim(color.r()), dim(color.g()), dim(color.b()))
}

/// Relative luminance, 0..=1 (WCAG 2.2).
#[must_use]
pub fn luminance(color: Color32) -> f64 {
    0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
}

/// Contrast ratio of two colours, 1..=21 (WCAG 2.2).
#[must_use]
pub fn contrast(a: Color32, b: Color32) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Text in a heavier weight.
#[must_use]
pub fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// The font of icons.
#[must_use]
pub fn icon_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("icons".into()))
}

/// Installs the fonts: Inter for text, Phosphor for icons, egui's own for what they lack.
pub fn install_fonts(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    for (name, bytes) in [
        (
            "inter",
            &include_bytes!("../../assets/fonts/Inter-Regular.ttf")[..],
        ),
        (
            "inter-semibold",
            &include_bytes!("../../assets/fonts/Inter-SemiBold.ttf")[..],
        ),
        (
            "phosphor",
            &include_bytes!("../../assets/fonts/Phosphor.ttf")[..],
        ),
    ] {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallbacks = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    let stack = |first: &[&str]| {
        first
            .iter()
            .map(|&name| name.to_owned())
            .chain(fallbacks.iter().cloned())
            .collect::<Vec<_>>()
    };
    fonts
        .families
        .insert(FontFamily::Proportional, stack(&["inter", "phosphor"]));
    fonts
        .families
        .insert(semibold(), stack(&["inter-semibold", "phosphor"]));
    fonts.families.insert(
        FontFamily::Name("icons".into()),
        stack(&["phosphor", "inter"]),
    );
    ctx.set_fonts(fonts);
}

/// Switches the theme on for all windows. `motion` off: nothing glides.
pub fn apply(ctx: &egui::Context, choice: ThemeChoice, motion: bool) {
    let tokens = Tokens::of_theme(choice);
    ctx.data_mut(|data| data.insert_temp(tokens_id(), tokens));
    ctx.set_theme(if tokens.dark {
        egui::Theme::Dark
    } else {
        egui::Theme::Light
    });
    ctx.all_styles_mut(|style| shape_style(style, &tokens, motion));
}

fn shape_style(style: &mut egui::Style, tokens: &Tokens, motion: bool) {
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(12.0)),
        (TextStyle::Body, FontId::proportional(13.0)),
        (TextStyle::Button, FontId::proportional(13.0)),
        (TextStyle::Heading, FontId::new(15.0, semibold())),
        (TextStyle::Monospace, FontId::monospace(12.0)),
    ]
    .into();
    style.animation_time = if motion { MOTION_SECS } else { 0.0 };
    style.drag_value_text_style = TextStyle::Body;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    shape_spacing(&mut style.spacing);

    let v = &mut style.visuals;
    v.dark_mode = tokens.dark;
    v.override_text_color = None;
    v.weak_text_color = Some(tokens.muted);
    v.hyperlink_color = tokens.edit;
    v.faint_bg_color = tokens.raised;
    v.extreme_bg_color = tokens.canvas;
    v.text_edit_bg_color = Some(tokens.canvas);
    v.code_bg_color = tokens.raised;
    v.warn_fg_color = tokens.live;
    v.error_fg_color = tokens.danger;
    v.window_corner_radius = CornerRadius::same(8);
    v.window_fill = tokens.pane;
    v.window_stroke = Stroke::new(1.0, tokens.line);
    v.menu_corner_radius = CornerRadius::same(CORNER);
    v.panel_fill = tokens.pane;
    let shade = egui::Shadow {
        offset: [0, 4],
        blur: 16,
        spread: 0,
        color: Color32::from_black_alpha(if tokens.dark { 110 } else { 50 }),
    };
    v.window_shadow = shade;
    v.popup_shadow = shade;
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.selection.bg_fill = tokens.edit.gamma_multiply(0.35);
    v.selection.stroke = Stroke::new(1.0, tokens.text);
    v.striped = false;
    v.indent_has_left_vline = false;
    v.disabled_alpha = 0.45;

    let corner = CornerRadius::same(CORNER);
    let widget = |ground, line, text| egui::style::WidgetVisuals {
        bg_fill: ground,
        weak_bg_fill: ground,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: corner,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    v.widgets.noninteractive = widget(tokens.pane, tokens.line, tokens.text);
    v.widgets.inactive = widget(tokens.raised, Color32::TRANSPARENT, tokens.text);
    v.widgets.inactive.bg_fill = tokens.line;
    v.widgets.hovered = widget(tokens.hover, tokens.line, tokens.text);
    // Keyboard focus shows as `active`/`hovered` strokes in egui: make it unmistakable.
    v.widgets.active = widget(tokens.hover, tokens.edit, tokens.text);
    v.widgets.open = widget(tokens.hover, tokens.line, tokens.text);
}

fn shape_spacing(spacing: &mut egui::style::Spacing) {
    spacing.item_spacing = egui::vec2(STEP * 2.0, STEP);
    spacing.button_padding = egui::vec2(STEP * 2.0, STEP);
    spacing.interact_size = egui::vec2(40.0, CONTROL_HEIGHT);
    spacing.menu_margin = egui::Margin::same(6);
    spacing.window_margin = egui::Margin::same(16);
    spacing.icon_width = 18.0;
    spacing.icon_width_inner = 10.0;
    spacing.slider_rail_height = 4.0;
    spacing.combo_width = 120.0;
    spacing.text_edit_width = 200.0;
    spacing.menu_width = 300.0;
    spacing.scroll = egui::style::ScrollStyle {
        floating: true,
        bar_width: 8.0,
        ..egui::style::ScrollStyle::thin()
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_can_be_read_in_every_theme() {
        for (choice, name) in ThemeChoice::ALL {
            let t = Tokens::of_theme(choice);
            for (ground_name, ground) in
                [("canvas", t.canvas), ("pane", t.pane), ("raised", t.raised)]
            {
                for (ink_name, ink) in [
                    ("text", t.text),
                    ("muted", t.muted),
                    ("live", t.live),
                    ("edit", t.edit),
                    ("danger", t.danger),
                    ("good", t.good),
                ] {
                    let ratio = contrast(ink, ground);
                    assert!(
                        ratio >= 4.5,
                        "{name}: {ink_name} on {ground_name} is {ratio:.2}:1"
                    );
                }
            }
            for (ink, ground) in [(t.on_live, t.live), (t.on_edit, t.edit), (t.text, t.hover)] {
                assert!(
                    contrast(ink, ground) >= 4.5,
                    "{name}: {ink:?} on {ground:?}"
                );
            }
        }
    }

    #[test]
    fn the_dark_room_is_dimmer_and_never_white() {
        let room = Tokens::of_theme(ThemeChoice::DarkRoom);
        let ratio = luminance(room.text) / luminance(DARK.text);
        assert!((ratio - 0.6).abs() < 0.02, "{ratio}");
        assert!(luminance(room.text) < 0.6);
    }
}

//! Draws what others show over a picture of a scene: on the editor's canvas, and on the table.
//!
//! On the table sizes are those of things seen from a chair: a cursor is a disc of 0.6 cells, letters
//! have capitals of 6 mm. Must not know rooms. Called by [`crate::app::canvas`] and
//! [`crate::app::display`].

use std::time::Duration;

use eframe::egui;
use egui::{Align2, Color32, FontId, Mesh, Painter, Pos2, Shape, Stroke};
use glam::DVec2;

use super::crowd::{Crowd, Dragged, Fading, Measured, Pointer};
use super::drawings::{Drawings, Picture};
use super::shapes;
use crate::app::canvas::ink::mask_corners_world;
use crate::app::canvas::view::{View, to_vec2};
use crate::app::theme::{contrast, semibold};
use crate::model::color::Rgb;
use crate::model::id::SceneId;
use crate::model::presence::HoveredMarker;
use crate::model::scene;
use crate::scene::snapshot::SceneSnapshot;

/// Diameter of a cursor on the table, cells.
const TABLE_CURSOR_CELLS: f64 = 0.6;
/// Height of capitals on the table, inches: 6 mm.
const TABLE_CAPITALS_IN: f64 = 0.236;
/// A capital's share of a font's size in Inter.
const CAPITALS: f64 = 0.727;
/// How far an arrow reaches from where it points, in the editor.
const ARROW: f32 = 14.0;
/// Dark around everything that lies on a map.
const SHADE: Color32 = Color32::from_black_alpha(150);

/// What is drawn over.
pub struct Stage<'a> {
    /// Clipped to the picture.
    pub painter: &'a Painter,
    /// How the picture looks at the scene.
    pub view: &'a View,
    /// The scene.
    pub scene: &'a SceneSnapshot,
    /// The scene on the table.
    pub active: Option<&'a SceneId>,
    /// The window's clock, seconds.
    pub now: f64,
    /// It is the table, not the editor.
    pub is_table: bool,
    /// Cursors are wanted.
    pub cursors: bool,
}

/// Paints everything. Returns when the next picture is due, if this one does not stay.
pub fn paint(stage: &Stage<'_>, crowd: &Crowd, drawings: &mut Drawings) -> Option<Duration> {
    let (scene, active, now) = (&stage.scene.id, stage.active, stage.now);
    let mut due = Due::default();
    drawings.forget_gone(crowd);
    for drawn in crowd.drawings(scene, active, now) {
        due.note(drawn.fading);
        let layer = drawn.layer;
        let ctx = stage.painter.ctx();
        let picture = drawings.picture(ctx, &drawn.key, &layer.id, &layer.mask_base64);
        if let Some(picture) = picture {
            stage.drawing(&picture, color32(layer.color), drawn.fading.opacity);
        }
    }
    for measured in crowd.measurements(scene, active, now) {
        due.note(measured.fading);
        stage.measurement(&measured);
    }
    if stage.is_table
        && let Some(hovered) = crowd.hovered(scene, active)
    {
        stage.hovered(hovered);
    }
    let pointers = if stage.cursors {
        crowd.pointers(scene, active, now)
    } else {
        Vec::new()
    };
    if !stage.is_table {
        for drag in crowd.drags(scene) {
            stage.drag(&drag, !is_named(stage.view, &drag, &pointers));
        }
    }
    for pointer in &pointers {
        due.note(pointer.fading);
        stage.pointer(pointer);
    }
    due.0
}

/// The name of whoever drags this stands at their cursor already.
fn is_named(view: &View, drag: &Dragged<'_>, pointers: &[Pointer]) -> bool {
    let pointer = pointers.iter().find(|pointer| pointer.key == drag.key);
    pointer.is_some_and(|pointer| {
        let is_seen = view.rect.contains(view.screen(pointer.at_world));
        is_seen && !pointer.name.is_empty() && pointer.fading.opacity > 0.5
    })
}

#[derive(Default)]
struct Due(Option<Duration>);

impl Due {
    fn note(&mut self, fading: Fading) {
        let next = fading
            .next_s
            .and_then(|s| Duration::try_from_secs_f64(s).ok());
        if let Some(next) = next {
            self.0 = Some(self.0.map_or(next, |due| due.min(next)));
        }
    }
}

fn color32(color: Rgb) -> Color32 {
    Color32::from_rgb(color.r, color.g, color.b)
}

fn pill_margin(font: &FontId) -> egui::Vec2 {
    egui::vec2(font.size * 0.5, font.size * 0.2)
}

/// Black or white, whichever can be read on a colour.
fn ink_on(ground: Color32) -> Color32 {
    let (dark, light) = (Color32::BLACK, Color32::from_gray(0xfc));
    if contrast(dark, ground) >= contrast(light, ground) {
        dark
    } else {
        light
    }
}

#[expect(clippy::cast_possible_truncation, reason = "screen points")]
fn points(length: f64) -> f32 {
    length as f32
}

impl Stage<'_> {
    fn length(&self, world: f64) -> f32 {
        points(world * self.view.camera.zoom)
    }

    /// Size of letters.
    fn font(&self) -> FontId {
        if !self.is_table {
            return FontId::new(12.0, semibold());
        }
        let inches: f64 = self.scene.setting(scene::DISPLAY_SIZE_X);
        let per_inch = self.scene.display_size_world().x / inches.max(0.1);
        let size = self.length(TABLE_CAPITALS_IN / CAPITALS * per_inch);
        FontId::new(size.clamp(10.0, 200.0), semibold())
    }

    /// How large the ground of a word is.
    fn pill_size(&self, words: &str) -> egui::Vec2 {
        let font = self.font();
        let margin = pill_margin(&font);
        let ink = Color32::PLACEHOLDER;
        let galley = self.painter.layout_no_wrap(words.to_owned(), font, ink);
        galley.size() + margin * 2.0
    }

    /// A word on a coloured ground; `at` is its `anchor`.
    fn pill(&self, at: Pos2, anchor: Align2, words: &str, ground: Color32, opacity: f32) {
        if words.is_empty() {
            return;
        }
        let font = self.font();
        let ink = ink_on(ground);
        let margin = pill_margin(&font);
        let galley = self.painter.layout_no_wrap(words.to_owned(), font, ink);
        let size = galley.size() + margin * 2.0;
        let mut rect = anchor.anchor_size(at, size);
        // Words stay in the picture.
        let room = self.view.rect.shrink(4.0);
        let shift = egui::vec2(
            (room.left() - rect.left()).max(0.0) - (rect.right() - room.right()).max(0.0),
            (room.top() - rect.top()).max(0.0) - (rect.bottom() - room.bottom()).max(0.0),
        );
        rect = rect.translate(shift);
        let corner = egui::CornerRadius::same(if self.is_table { 8 } else { 4 });
        self.painter
            .rect_filled(rect, corner, ground.gamma_multiply(opacity));
        self.painter.galley_with_override_text_color(
            rect.min + margin,
            galley,
            ink.gamma_multiply(opacity),
        );
    }

    fn pointer(&self, pointer: &Pointer) {
        let at = self.view.screen(pointer.at_world);
        if !self.view.rect.expand(40.0).contains(at) {
            return;
        }
        let opacity = pointer.fading.opacity;
        let color = color32(pointer.color);
        if self.is_table {
            let cell = self.scene.grid.cell_px();
            let radius = self.length(cell * TABLE_CURSOR_CELLS / 2.0).max(3.0);
            self.painter.circle(
                at,
                radius,
                color.gamma_multiply(0.85 * opacity),
                Stroke::new((radius * 0.12).max(1.0), SHADE.gamma_multiply(opacity)),
            );
            let below = at + egui::vec2(0.0, radius * 1.3);
            self.pill(below, Align2::CENTER_TOP, &pointer.name, color, opacity);
            return;
        }
        // An arrow with a notch, in two halves, because only convex shapes fill well.
        let [left, notch, right] =
            [(4.6, 15.0), (7.0, 8.5), (14.0, 6.0)].map(|(x, y)| at + egui::vec2(x, y));
        let ink = color.gamma_multiply(opacity);
        for half in [vec![at, left, notch], vec![at, notch, right]] {
            self.painter
                .add(Shape::convex_polygon(half, ink, Stroke::new(0.5, ink)));
        }
        // A dark arrow has a light edge, or it would be lost on a dark map.
        let edge = Stroke::new(1.5, ink_on(color).gamma_multiply(0.8 * opacity));
        self.painter
            .add(Shape::closed_line(vec![at, left, notch, right], edge));
        let beside = at + egui::vec2(12.0, 14.0);
        self.pill(beside, Align2::LEFT_TOP, &pointer.name, color, opacity);
    }

    fn measurement(&self, measured: &Measured<'_>) {
        let it = measured.measurement;
        let opacity = measured.fading.opacity * points(it.opacity);
        let outline = shapes::outline(it, &self.scene.grid);
        let corners: Vec<Pos2> = outline
            .corners
            .iter()
            .map(|&p| self.view.screen(p))
            .collect();
        let color = color32(it.color);
        let line = color.gamma_multiply(opacity);
        let edge = color32(it.outline_color).gamma_multiply(opacity);
        let width = self.length(it.thickness_px).max(1.5);
        let around = width + 2.0 * self.length(it.outline_thickness_px).max(0.5);
        if outline.is_closed {
            let fill = color.gamma_multiply(0.2 * opacity);
            self.painter
                .add(Shape::convex_polygon(corners.clone(), fill, Stroke::NONE));
            self.painter.add(Shape::closed_line(
                corners.clone(),
                Stroke::new(around, edge),
            ));
            self.painter
                .add(Shape::closed_line(corners, Stroke::new(width, line)));
        } else {
            self.painter
                .add(Shape::line(corners.clone(), Stroke::new(around, edge)));
            self.painter
                .add(Shape::line(corners, Stroke::new(width, line)));
        }
        let [start, end] = [it.start_world, it.end_world].map(|p| self.view.screen(p));
        let radius = self.length(it.marker_size_px / 2.0).max(2.0);
        for at in [start, end] {
            self.painter
                .circle(at, radius, line, Stroke::new(1.0, edge));
        }
        if it.shows_distance {
            let words = shapes::label(it, &self.scene.grid);
            let way = to_vec2(DVec2::new(
                it.end_world.x - it.start_world.x,
                it.start_world.y - it.end_world.y,
            ));
            // Far enough beyond the end to leave it in sight, whichever way that is.
            let half = self.pill_size(&words) / 2.0;
            let way = way.normalized();
            let clear = (half.x / way.x.abs()).min(half.y / way.y.abs());
            let clear = if clear.is_finite() { clear } else { half.y };
            // And the cursor there.
            let cursor = if self.is_table {
                self.length(self.scene.grid.cell_px() * TABLE_CURSOR_CELLS / 2.0)
            } else {
                ARROW
            };
            let at = end + way * (radius.max(cursor) + 3.0 + clear);
            self.pill(at, Align2::CENTER_CENTER, &words, color, opacity);
        }
    }

    fn drawing(&self, picture: &Picture, color: Color32, opacity: f32) {
        let [width, height] = [scene::DISPLAY_RESOLUTION_X, scene::DISPLAY_RESOLUTION_Y]
            .map(|side| self.scene.setting(side));
        let of_display = picture.mask_size_px.map(f64::from) == [width, height];
        // A mask of the table's size is of the table, also in a scene that is anchored to its map.
        let on_map = self.scene.grid.anchored_to_map() && !of_display;
        let corners = mask_corners_world(self.scene, picture.mask_size_px, picture.area, on_map);
        let Some(corners) = corners else {
            return;
        };
        let tint = color.gamma_multiply(opacity);
        let mut mesh = Mesh::with_texture(picture.texture.id());
        let places = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        for (corner, (u, v)) in corners.into_iter().zip(places) {
            mesh.vertices.push(egui::epaint::Vertex {
                pos: self.view.screen(corner),
                uv: egui::pos2(u, v),
                color: tint,
            });
        }
        mesh.add_triangle(0, 1, 2);
        mesh.add_triangle(0, 2, 3);
        self.painter.add(Shape::mesh(mesh));
    }

    /// A stroke while it is drawn.
    pub fn stroke(&self, points_world: &[DVec2], radius_world: f64, color: Rgb) {
        let (radius, ink) = (self.length(radius_world).max(0.5), color32(color));
        let path: Vec<Pos2> = points_world
            .iter()
            .map(|&at| self.view.screen(at))
            .collect();
        // Round where it bends and ends, as the mask of it is.
        for &at in &path {
            self.painter.circle_filled(at, radius, ink);
        }
        self.painter
            .add(Shape::line(path, Stroke::new(radius * 2.0, ink)));
    }

    fn drag(&self, drag: &Dragged<'_>, with_name: bool) {
        let marker = self.scene.markers.iter().find(|it| it.id == *drag.marker);
        let Some(marker) = marker else {
            return;
        };
        let at = self.view.screen(marker.position_world);
        let radius = self.length(marker.diameter_world / 2.0) + 3.0;
        let color = color32(drag.color);
        self.painter
            .circle_stroke(at, radius, Stroke::new(4.0, SHADE));
        self.painter
            .circle_stroke(at, radius, Stroke::new(2.0, color));
        let below = at + egui::vec2(0.0, radius + 4.0);
        if with_name {
            self.pill(below, Align2::CENTER_TOP, &drag.name, color, 1.0);
        }
    }

    /// What players may read of a marker that the DM points at.
    pub fn hovered(&self, hovered: &HoveredMarker) {
        let at = self.view.screen(hovered.position_world);
        let above = at - egui::vec2(0.0, self.length(self.scene.grid.cell_px() * 0.6));
        let ground = Color32::from_rgb(0x22, 0x25, 0x2b);
        self.pill(above, Align2::CENTER_BOTTOM, &hovered.title, ground, 0.95);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::space::Camera;
    use crate::model::id::{GameSessionId, RowId};

    #[test]
    fn a_drag_is_named_only_while_no_cursor_of_that_person_says_it() {
        let view = View {
            rect: egui::Rect::from_min_size(Pos2::new(50.0, 20.0), egui::vec2(800.0, 600.0)),
            // The middle of the world in the middle of the picture, a point a unit.
            camera: Camera::default(),
        };
        let key = |client| (GameSessionId::new("g"), client);
        let marker = RowId::new("troll");
        let drag = Dragged {
            key: key(1),
            name: "Mira".into(),
            color: Rgb::WHITE,
            marker: &marker,
        };
        let pointer = Pointer {
            key: key(1),
            name: "Mira".into(),
            color: Rgb::WHITE,
            at_world: DVec2::ZERO,
            fading: Fading {
                opacity: 1.0,
                next_s: None,
            },
        };
        assert!(is_named(&view, &drag, std::slice::from_ref(&pointer)));
        assert!(!is_named(&view, &drag, &[]), "there is no cursor");
        let hidden = [
            Pointer {
                key: key(2),
                ..pointer.clone()
            },
            Pointer {
                at_world: DVec2::new(401.0, 0.0),
                ..pointer.clone()
            },
            // While they measure, the distance stands there.
            Pointer {
                name: String::new(),
                ..pointer.clone()
            },
            Pointer {
                fading: Fading {
                    opacity: 0.4,
                    next_s: Some(0.0),
                },
                ..pointer
            },
        ];
        for one in hidden {
            let told = format!("{one:?}");
            assert!(!is_named(&view, &drag, &[one]), "{told}");
        }
    }

    #[test]
    fn names_can_be_read_on_every_colour() {
        for n in 0..512_u32 {
            let [r, g, b] =
                [n & 7, n >> 3 & 7, n >> 6].map(|step| u8::try_from(step * 36).unwrap_or(u8::MAX));
            let ground = Color32::from_rgb(r, g, b);
            assert!(contrast(ink_on(ground), ground) >= 4.5, "{ground:?}");
        }
    }
}

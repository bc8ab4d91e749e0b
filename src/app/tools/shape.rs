//! The fog rectangle and the fog ellipse: from corner to corner, on the map's own axes.

use glam::DVec2;

use super::brush::label;
use super::{Effect, Event, Keys, ToolContext};
use crate::model::edit::Edit;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeKind {
    /// A box.
    Rectangle,
    /// The ellipse in a box.
    Ellipse,
}

/// A fog shape tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShapeTool {
    kind: ShapeKind,
    drag: Option<Drag>,
}

/// A box that is being drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drag {
    /// Where it began, world units.
    pub from_world: DVec2,
    /// Where the pointer is, world units.
    pub to_world: DVec2,
    /// What it does.
    pub mode: StrokeMode,
}

impl ShapeTool {
    /// Nothing drawn yet.
    #[must_use]
    pub fn at_rest(kind: ShapeKind) -> Self {
        Self { kind, drag: None }
    }

    /// Which form.
    #[must_use]
    pub fn kind(&self) -> ShapeKind {
        self.kind
    }

    /// The box that is being drawn.
    #[must_use]
    pub fn drag(&self) -> Option<Drag> {
        self.drag
    }

    /// A box is being drawn.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.drag.is_some()
    }

    /// The tool after an event.
    #[must_use]
    pub fn transition(self, event: Event, ctx: &ToolContext<'_>) -> (Self, Vec<Effect>) {
        let rest = Self::at_rest(self.kind);
        match (self.drag, event) {
            (None, Event::Press { at_world, keys }) if ctx.map_from_world.is_some() => (
                self.dragging(at_world, at_world, ctx.mode_with(keys)),
                Vec::new(),
            ),
            (Some(drag), Event::Move { at_world, keys }) => {
                let mode = self.mode_while_dragging(drag, keys, ctx);
                (self.dragging(drag.from_world, at_world, mode), Vec::new())
            }
            (Some(drag), Event::Release { at_world, .. }) => {
                (rest, self.commit(drag, at_world, ctx).into_iter().collect())
            }
            (_, Event::Cancel) => (rest, Vec::new()),
            _ => (self, Vec::new()),
        }
    }

    fn mode_while_dragging(&self, drag: Drag, keys: Keys, ctx: &ToolContext<'_>) -> StrokeMode {
        if keys.shift {
            ctx.mode_with(keys)
        } else {
            drag.mode
        }
    }

    fn dragging(&self, from_world: DVec2, to_world: DVec2, mode: StrokeMode) -> Self {
        Self {
            kind: self.kind,
            drag: Some(Drag {
                from_world,
                to_world,
                mode,
            }),
        }
    }

    fn commit(&self, drag: Drag, to_world: DVec2, ctx: &ToolContext<'_>) -> Option<Effect> {
        // A click is a slip, not a shape.
        if drag.from_world.distance(to_world) < 3.0 * ctx.point_world {
            return None;
        }
        let points = vec![
            ctx.stroke_point(drag.from_world)?,
            ctx.stroke_point(to_world)?,
        ];
        Some(Effect::Edit {
            gesture: ctx.gestures.fresh(),
            label: label(drag.mode),
            edits: vec![Edit::Stroke {
                scene: ctx.scene.clone(),
                target: MaskTarget::Fog,
                stroke: NewStroke {
                    shape: match self.kind {
                        ShapeKind::Rectangle => StrokeShape::Rectangle,
                        ShapeKind::Ellipse => StrokeShape::Ellipse,
                    },
                    mode: drag.mode,
                    points,
                },
            }],
            last: true,
        })
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::super::testing::{Stage, drag, press, release};
    use super::super::{Tool, ToolKind};
    use super::*;

    #[test]
    fn a_drag_is_one_shape() {
        let mut stage = Stage {
            mode: StrokeMode::Add,
            ..Stage::default()
        };
        for (kind, shape) in [
            (ToolKind::FogRectangle, StrokeShape::Rectangle),
            (ToolKind::FogEllipse, StrokeShape::Ellipse),
        ] {
            let (tool, effects) = stage.play(
                Tool::of(kind),
                &[press(-10.0, 5.0), drag(0.0, 0.0), release(40.0, -25.0)],
            );
            assert_eq!(tool.kind(), kind);
            let [
                Effect::Edit {
                    edits, last: true, ..
                },
            ] = effects.as_slice()
            else {
                panic!("{effects:?}");
            };
            let [Edit::Stroke { stroke, .. }] = edits.as_slice() else {
                panic!("{edits:?}");
            };
            assert_eq!(stroke.shape, shape);
            assert_eq!(stroke.mode, StrokeMode::Add);
            assert_eq!(stroke.points, [[-160, 80], [640, -400]]);
        }
    }

    #[test]
    fn a_click_and_an_escape_change_nothing() {
        let mut stage = Stage::default();
        let tool = || Tool::of(ToolKind::FogRectangle);
        let (_, effects) = stage.play(tool(), &[press(1.0, 1.0), release(2.0, 1.0)]);
        assert!(effects.is_empty());
        let (after, effects) =
            stage.play(tool(), &[press(1.0, 1.0), drag(90.0, 90.0), Event::Cancel]);
        assert!(effects.is_empty());
        assert!(!after.is_busy());
    }
}

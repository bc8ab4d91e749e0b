//! The gesture of a field: a slider that is dragged, a text that is typed, a colour that is looked
//! for is one undo step, however many edits it takes.

use eframe::egui;

use super::command::Commands;
use super::tools::Gestures;
use crate::model::edit::Edit;
use crate::session::api::{GestureId, Request};

/// The gesture that is open, if one is.
#[derive(Debug, Default)]
pub struct FieldGesture {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    field: egui::Id,
    gesture: GestureId,
    label: &'static str,
    hold: Hold,
}

/// How long a gesture goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It is over at once.
    Click,
    /// As long as a pointer button is down.
    Pointer,
    /// As long as this text field has the focus.
    Focus(egui::Id),
}

impl Hold {
    /// How long a change of a slider, number or colour goes on: by what the user is doing.
    #[must_use]
    pub fn of(ctx: &egui::Context) -> Self {
        if ctx.input(|input| input.pointer.any_down()) {
            Self::Pointer
        } else {
            Self::Click
        }
    }
}

impl FieldGesture {
    /// Sends the edits of a changed field under its gesture.
    pub fn change(
        &mut self,
        field: egui::Id,
        label: &'static str,
        hold: Hold,
        edits: Vec<Edit>,
        gestures: &Gestures,
        commands: &mut Commands,
    ) {
        if self.open.as_ref().is_some_and(|open| open.field != field) {
            self.end(commands);
        }
        let gesture = match &mut self.open {
            Some(open) => {
                open.hold = hold;
                open.gesture
            }
            None => gestures.fresh(),
        };
        let last = hold == Hold::Click;
        commands.request(Request::Edit {
            gesture,
            label,
            edits,
            last,
        });
        self.open = (!last).then_some(Open {
            field,
            gesture,
            label,
            hold,
        });
    }

    /// Ends the gesture when what holds it is over. Once a frame.
    pub fn end_if_over(&mut self, ctx: &egui::Context, commands: &mut Commands) {
        let over = match &self.open {
            None => false,
            Some(open) => match open.hold {
                Hold::Click => true,
                Hold::Pointer => !ctx.input(|input| input.pointer.any_down()),
                Hold::Focus(id) => !ctx.memory(|memory| memory.has_focus(id)),
            },
        };
        if over {
            self.end(commands);
        }
    }

    /// Ends the gesture.
    pub fn end(&mut self, commands: &mut Commands) {
        if let Some(open) = self.open.take() {
            commands.request(Request::Edit {
                gesture: open.gesture,
                label: open.label,
                edits: Vec::new(),
                last: true,
            });
        }
    }
}

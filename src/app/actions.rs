//! How commands are done: the only place where panels' wishes become requests and changes.

use std::collections::BTreeSet;

use eframe::egui;
use glam::DVec2;

use super::canvas::{self, view};
use super::command::{Command, FilePurpose};
use super::dialogs::Dialog;
use super::editor::Renaming;
use super::input::empty_scene;
use super::panels::picked::Picked;
use super::shell::App;
use super::shortcuts::Action;
use super::tools::select::move_label;
use super::tools::{Event, Thing, Tool, ToolKind, other_mode};
use super::{report, theme};
use crate::geom::rect::DRect;
use crate::geom::space::Camera;
use crate::model::edit::{Assignment, Edit, RowRef};
use crate::model::id::{RowId, SceneId};
use crate::model::presence::SharedView;
use crate::model::stroke::{MaskTarget, NewStroke, StrokeMode, StrokeShape};
use crate::model::value::Value;
use crate::model::{light, marker, scene};
use crate::scene::snapshot::SceneSnapshot;
use crate::session::api::{Published, Request, Severity};

impl App {
    /// Does everything that was asked for.
    pub(super) fn run_commands(
        &mut self,
        ctx: &egui::Context,
        frame: &eframe::Frame,
        published: &Published,
    ) {
        // A command may push others; more rounds than this would be a loop of ours.
        for _ in 0..8 {
            if self.commands.is_empty() {
                return;
            }
            for (command, from) in self.commands.drain() {
                tracing::debug!(target: "app", from = %from, command = ?std::mem::discriminant(&command), "command");
                self.run(ctx, frame, published, command);
            }
        }
    }

    fn run(
        &mut self,
        ctx: &egui::Context,
        frame: &eframe::Frame,
        published: &Published,
        command: Command,
    ) {
        match command {
            Command::Do(action) => self.act(ctx, frame, published, action),
            Command::Request(request) => self.send(ctx, *request),
            Command::Pick(picked) => self.editor.picked = picked,
            Command::NudgeCells(by) => self.nudge(published, by),
            Command::ToggleLayer(layer) => {
                let on = self.editor.layers.contains(layer);
                self.editor.layers = if on {
                    self.editor.layers.without(layer)
                } else {
                    self.editor.layers.with(layer)
                };
            }
            Command::BeginRename(scene) => self.begin_rename(published, scene),
            Command::DuplicateScene(source) => self.duplicate_scene(source),
            Command::DeleteScene(scene) => self.editor.edit_once(
                "Delete scene",
                vec![Edit::Delete {
                    row: RowRef::Scene(scene),
                }],
                &mut self.commands,
            ),
            Command::AskFile(purpose) => self.dialogs.ask(ctx, purpose),
            Command::FilesChosen(purpose, files) => {
                self.files_chosen(ctx, published, purpose, files)
            }
            Command::Dialog(dialog) => self.editor.dialog = dialog,
            Command::Theme(choice) => {
                self.editor.settings.theme = choice;
                theme::apply(ctx, choice, self.editor.settings.transitions);
                ctx.request_repaint();
            }
            Command::Monitor(choice) => {
                self.editor.settings.player_monitor = Some(choice.clone());
                let window = frame.winit_window().map(|window| &**window);
                self.display.choose(ctx, window, choice);
            }
            Command::ZoomTo(zoom) => {
                if let Some(scene) = &published.editing {
                    self.zoom_to(scene, zoom);
                }
            }
            Command::Tell(severity, text) => self.editor.tell(severity, text),
            Command::LookAt(scene, view) => self.look_at(published, scene, view),
            Command::OpenTable(link) => {
                if let Err(problem) = self.tables.open(ctx, &link) {
                    self.editor.tell(Severity::Error, problem);
                }
            }
        }
    }

    fn send(&mut self, ctx: &egui::Context, request: Request) {
        // What waits goes first, or edits would overtake each other.
        if !self.editor.unsent.is_empty() || !self.link.send(request.clone()) {
            self.editor.unsent.push_back(request);
            ctx.request_repaint_after(std::time::Duration::from_millis(20));
        }
    }

    fn act(
        &mut self,
        ctx: &egui::Context,
        frame: &eframe::Frame,
        published: &Published,
        action: Action,
    ) {
        if !super::panels::menu::is_possible(action, published, &self.editor) {
            return;
        }
        let editing = published.editing.as_deref();
        match action {
            Action::OpenFiles => self
                .commands
                .push(Command::AskFile(FilePurpose::Import { into: None })),
            Action::NewScene => self.commands.request(Request::CreateScene {
                name: "New scene".to_owned(),
            }),
            Action::Library => self.editor.dialog = Some(Dialog::library()),
            Action::ImportArchive => self
                .commands
                .push(Command::AskFile(FilePurpose::ImportArchive)),
            Action::ExportArchive => self.export_archive(published),
            Action::ExportUniversalVtt => {
                if let Some(scene) = editing {
                    self.commands
                        .push(Command::AskFile(FilePurpose::ExportUniversalVtt {
                            scene: scene.id.clone(),
                            name: scene.setting(scene::NAME).to_string(),
                        }));
                }
            }
            Action::ExportPicture => {
                if let Some(scene) = editing {
                    self.commands
                        .push(Command::AskFile(FilePurpose::ExportPicture {
                            name: scene.setting(scene::NAME).to_string(),
                        }));
                }
            }
            Action::Backups => {
                self.editor.dialog = Some(Dialog::Backups(
                    super::dialogs::backups::BackupsDialog::default(),
                ));
            }
            Action::Settings => self.editor.dialog = Some(Dialog::Settings),
            Action::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Action::Undo => {
                self.editor.cancel_gesture(published, &mut self.commands);
                self.editor.field.end(&mut self.commands);
                self.commands.request(Request::Undo);
            }
            Action::Redo => {
                self.editor.field.end(&mut self.commands);
                self.commands.request(Request::Redo);
            }
            Action::Paste => ctx.send_viewport_cmd(egui::ViewportCommand::RequestPaste),
            Action::Duplicate => self.duplicate_picked(published),
            Action::Delete => self.delete_picked(published),
            Action::SelectAll => {
                if let Some(scene) = editing {
                    self.editor.picked = scene.markers.iter().map(|m| m.id.clone()).collect();
                }
            }
            Action::Fit | Action::FitMap => {
                if let Some(scene) = editing {
                    let rect = if action == Action::Fit {
                        view::display_rect(scene)
                    } else {
                        view::map_rect(scene)
                    };
                    let camera = view::fit(rect, self.editor.canvas_points);
                    self.editor.cameras.insert(scene.id.clone(), camera);
                }
            }
            Action::ZoomIn | Action::ZoomOut | Action::ZoomOne => {
                if let Some(scene) = editing {
                    let now = self.editor.camera_of(scene).zoom;
                    let zoom = match action {
                        Action::ZoomIn => canvas::stepped_zoom(now, true),
                        Action::ZoomOut => canvas::stepped_zoom(now, false),
                        _ => 1.0,
                    };
                    self.zoom_to(scene, zoom);
                }
            }
            Action::LeftPane => self.editor.settings.left_pane_folded ^= true,
            Action::RightPane => self.editor.settings.right_pane_folded ^= true,
            Action::Diagnostics => self.toggle_diagnostics(published),
            Action::Snapping => self.editor.settings.snapping ^= true,
            Action::NextScene => self.step_scene(published, 1),
            Action::PreviousScene => self.step_scene(published, -1),
            Action::RenameScene => {
                if let Some(scene) = editing {
                    self.begin_rename(published, scene.id.clone());
                }
            }
            Action::DuplicateScene => {
                if let Some(scene) = editing {
                    self.duplicate_scene(scene.id.clone());
                }
            }
            Action::DeleteScene => {
                if let Some(scene) = editing {
                    self.commands.push(Command::DeleteScene(scene.id.clone()));
                }
            }
            Action::BringBackScene => {
                self.editor.dialog = Some(Dialog::Removed(
                    super::dialogs::removed::RemovedDialog::default(),
                ));
            }
            Action::ClearFog => self.whole_fog(editing, StrokeMode::Erase, "Reveal everything"),
            Action::ResetFog => self.whole_fog(editing, StrokeMode::Add, "Cover everything"),
            Action::RemoveMap => {
                if let Some(scene) = editing {
                    self.editor.edit_once(
                        "Remove map",
                        vec![Edit::Set {
                            row: RowRef::Scene(scene.id.clone()),
                            values: vec![Assignment::new(scene::MAP_LOCATION, Value::Null)],
                        }],
                        &mut self.commands,
                    );
                }
            }
            Action::ShowOnTable => {
                if let Some(scene) = editing {
                    self.commands
                        .request(Request::ShowOnTable(Some(scene.id.clone())));
                }
            }
            Action::ClearTable => self.commands.request(Request::ShowOnTable(None)),
            Action::Pause => self.commands.request(Request::Pause(!published.paused)),
            Action::PlayerDisplay => self.toggle_display(frame),
            Action::DisplayFullscreen => self.display.toggle_fullscreen(ctx),
            Action::Host => {
                self.editor.dialog = Some(Dialog::Host(super::dialogs::host::HostDialog::of(
                    &self.editor.settings,
                )));
            }
            Action::Join => self.editor.dialog = Some(Dialog::join()),
            Action::Room => self.editor.dialog = Some(Dialog::Room),
            Action::LeaveRoom => self.commands.request(Request::LeaveRoom),
            Action::ShareCursor => self.editor.settings.share_cursor ^= true,
            Action::ShowCursors => self.editor.settings.show_cursors ^= true,
            Action::Tool(kind) => {
                self.editor.cancel_gesture(published, &mut self.commands);
                self.editor.tool = Tool::of(kind);
            }
            Action::KeepDrawing => {
                if let Some(scene) = editing {
                    let edits = self.editor.own.keep(scene);
                    self.editor
                        .edit_once("Keep drawing", edits, &mut self.commands);
                }
            }
            Action::Mode(mode) => self.editor.mode = mode,
            Action::SwapMode => self.editor.mode = other_mode(self.editor.mode),
            Action::BrushSmaller => canvas::step_brush(&mut self.editor, false),
            Action::BrushLarger => canvas::step_brush(&mut self.editor, true),
            Action::Shortcuts => self.editor.dialog = Some(Dialog::Shortcuts),
            Action::SaveReport => self
                .commands
                .push(Command::AskFile(FilePurpose::SaveReport)),
            Action::About => self.editor.dialog = Some(Dialog::About),
        }
    }

    fn toggle_diagnostics(&mut self, published: &Published) {
        self.editor.diagnostics_open ^= true;
        // Nobody reads the trace any more.
        if !self.editor.diagnostics_open && published.diagnostics.trace.is_some() {
            self.commands.request(Request::Trace(false));
        }
    }

    fn toggle_display(&mut self, frame: &eframe::Frame) {
        if self.display.is_open() {
            self.display.close();
            return;
        }
        let window = frame.winit_window().map(|window| &**window);
        let fullscreen = self.editor.settings.player_display_fullscreen;
        if let Some(told) = self.display.open(window, fullscreen, self.icon.clone()) {
            self.editor.tell(Severity::Warning, told);
        }
    }

    fn zoom_to(&mut self, scene: &SceneSnapshot, zoom: f64) {
        let canvas = self.editor.canvas_points;
        let camera = self.editor.camera_of(scene);
        let camera = view::zoomed(camera, canvas / 2.0, zoom, canvas);
        self.editor.cameras.insert(scene.id.clone(), camera);
    }

    /// Opens a scene where somebody else looks at it.
    fn look_at(&mut self, published: &Published, scene: SceneId, view: Option<SharedView>) {
        if let Some(view) = view {
            let zoom = view.zoom.clamp(view::ZOOM_MIN, view::ZOOM_MAX);
            let camera = Camera {
                zoom,
                offset: view.center_world * -zoom,
                ..Camera::fit(
                    DRect::from_center_size(DVec2::ZERO, DVec2::ONE),
                    DVec2::ONE,
                    0.0,
                )
            };
            self.editor.cameras.insert(scene.clone(), camera);
        }
        let open = published.editing.as_ref().map(|scene| &scene.id);
        if open != Some(&scene) {
            self.commands.request(Request::EditScene(scene));
        }
    }

    fn whole_fog(&mut self, scene: Option<&SceneSnapshot>, mode: StrokeMode, label: &'static str) {
        let Some(scene) = scene else {
            return;
        };
        self.editor.edit_once(
            label,
            vec![Edit::Stroke {
                scene: scene.id.clone(),
                target: MaskTarget::Fog,
                stroke: NewStroke {
                    shape: StrokeShape::Everything,
                    mode,
                    points: Vec::new(),
                },
            }],
            &mut self.commands,
        );
    }

    /// Escape: the gesture first, then what is picked, then the tool.
    pub(super) fn step_back(&mut self, ctx: &egui::Context, published: &Published) {
        if self.editor.tool.is_busy() {
            self.editor
                .feed(Event::Cancel, published, &mut self.commands);
        } else if !self.editor.picked.is_empty() {
            self.editor.picked.clear();
        } else if self.editor.tool.kind() != ToolKind::Select {
            self.editor.tool = Tool::of(ToolKind::Select);
        } else if let Some(focused) = ctx.memory(egui::Memory::focused) {
            ctx.memory_mut(|memory| memory.surrender_focus(focused));
        }
    }

    fn begin_rename(&mut self, published: &Published, scene: SceneId) {
        let Some(entry) = published.scenes.iter().find(|entry| entry.id == scene) else {
            return;
        };
        self.editor.settings.left_pane_folded = false;
        self.editor.renaming = Some(Renaming {
            scene,
            text: entry.name.to_string(),
            focused: false,
        });
    }

    fn duplicate_scene(&mut self, source: SceneId) {
        let copy = SceneId::fresh();
        self.editor.edit_once(
            "Duplicate scene",
            vec![Edit::DuplicateScene {
                source,
                copy: copy.clone(),
            }],
            &mut self.commands,
        );
        self.commands.request(Request::EditScene(copy));
    }

    fn step_scene(&mut self, published: &Published, by: isize) {
        let now = published
            .editing
            .as_ref()
            .and_then(|scene| published.scenes.iter().position(|e| e.id == scene.id));
        let next = match now {
            Some(index) => index.checked_add_signed(by),
            None => Some(0),
        };
        if let Some(entry) = next.and_then(|index| published.scenes.get(index)) {
            self.commands.request(Request::EditScene(entry.id.clone()));
        }
    }

    fn delete_picked(&mut self, published: &Published) {
        let Some(scene) = &published.editing else {
            return;
        };
        let picked = Picked::of(scene, &self.editor);
        let edits: Vec<Edit> = picked
            .rows(scene)
            .into_iter()
            .map(|row| Edit::Delete { row })
            .collect();
        if edits.is_empty() {
            return;
        }
        let label = picked.label(|names| names.delete, "Delete what is picked");
        self.editor.edit_once(label, edits, &mut self.commands);
        self.editor.picked.clear();
    }

    fn duplicate_picked(&mut self, published: &Published) {
        let Some(scene) = &published.editing else {
            return;
        };
        let picked = Picked::of(scene, &self.editor);
        if !picked.drawings.is_empty() {
            return;
        }
        let markers = picked
            .markers
            .iter()
            .map(|it| (&marker::TABLE, &it.row, it.position_world));
        let lights = picked
            .lights
            .iter()
            .map(|it| (&light::TABLE, &it.row, it.position_world));
        let beside = DVec2::new(scene.grid.cell_px(), 0.0);
        let mut copies = BTreeSet::new();
        let mut edits = Vec::new();
        for (table, row, at_world) in markers.chain(lights) {
            let id = RowId::fresh();
            let stored = scene.document_from_world(at_world + beside);
            let values = table
                .properties
                .iter()
                .filter_map(|property| {
                    let value = match property.key {
                        "id" | "sceneId" => return None,
                        "positionX" => Value::Number(stored.x),
                        "positionY" => Value::Number(stored.y),
                        _ => row.value(property)?.clone(),
                    };
                    Some(Assignment { property, value })
                })
                .collect();
            edits.push(Edit::Create {
                row: RowRef::in_scene(&scene.id, table.row, &id),
                values,
            });
            copies.insert(id);
        }
        if edits.is_empty() {
            return;
        }
        let label = picked.label(|names| names.duplicate, "Duplicate what is picked");
        self.editor.edit_once(label, edits, &mut self.commands);
        self.editor.picked = copies;
    }

    fn nudge(&mut self, published: &Published, by_cells: DVec2) {
        let Some(scene) = &published.editing else {
            return;
        };
        let by = by_cells * scene.grid.cell_px();
        let (label, edits) = self.editor.with_context(scene, |ctx| {
            let things: Vec<Thing> = ctx
                .things()
                .filter(|thing| ctx.picked.contains(&thing.id) && !thing.locked)
                .collect();
            let edits: Vec<Edit> = things
                .iter()
                .map(|thing| thing.put(ctx, thing.position_world + by))
                .collect();
            (move_label(&things), edits)
        });
        if !edits.is_empty() {
            self.editor.edit_once(label, edits, &mut self.commands);
        }
    }

    fn export_archive(&mut self, published: &Published) {
        let party = published.party.as_ref().and_then(|id| {
            published
                .library
                .parties
                .iter()
                .find(|party| party.id == *id)
        });
        if let Some(party) = party {
            self.commands
                .push(Command::AskFile(FilePurpose::ExportArchive {
                    party: party.id.clone(),
                    name: party.name.clone(),
                }));
        }
    }

    fn files_chosen(
        &mut self,
        ctx: &egui::Context,
        published: &Published,
        purpose: FilePurpose,
        files: Vec<std::path::PathBuf>,
    ) {
        let Some(first) = files.first().cloned() else {
            return;
        };
        match purpose {
            FilePurpose::Import { into } => {
                if published.game.is_none() {
                    self.editor.tell(
                        Severity::Warning,
                        "No game is open, so there is no place for the map. Open one under File, Parties and games.",
                    );
                    return;
                }
                // One map fills the empty scene that is open; more make scenes of their own.
                let into =
                    into.or_else(|| (files.len() == 1).then(|| empty_scene(published)).flatten());
                self.send(ctx, Request::Import { files, into });
            }
            FilePurpose::MarkerPicture { scene, marker } => self.send(
                ctx,
                Request::SetMarkerPicture {
                    scene,
                    marker,
                    file: first,
                },
            ),
            FilePurpose::ImportArchive => {
                for file in files {
                    self.send(ctx, Request::ImportArchive(file));
                }
            }
            FilePurpose::ExportArchive { party, .. } => {
                self.send(ctx, Request::ExportArchive { party, to: first });
            }
            FilePurpose::ExportUniversalVtt { scene, .. } => {
                self.send(ctx, Request::ExportUniversalVtt { scene, to: first });
            }
            FilePurpose::ExportPicture { .. } => self.export_picture(published, first),
            FilePurpose::SaveReport => self.save_report(published, &first),
            FilePurpose::PausePicture { party } => {
                if !self.pause_pictures.bring(ctx, party, first) {
                    self.editor.tell(
                        Severity::Error,
                        "The pause picture could not be read now; the table is not affected. Try again.",
                    );
                }
            }
        }
    }

    fn export_picture(&mut self, published: &Published, to: std::path::PathBuf) {
        let Some(scene) = published.editing.clone() else {
            return;
        };
        if let Err(problem) = self.painter.write_file(scene, to) {
            self.editor.tell(Severity::Error, problem);
        }
    }

    fn save_report(&mut self, published: &Published, to: &std::path::Path) {
        let tail = crate::util::log::folder()
            .map(|folder| report::log_tail(&folder))
            .unwrap_or_default();
        let text = report::text(published, &self.facts.adapter, &tail);
        match std::fs::write(to, text) {
            Ok(()) => self.editor.tell(
                Severity::Info,
                "The report is written. It holds no names and no pictures of yours; read it before you send it.",
            ),
            Err(error) => self.editor.tell(
                Severity::Error,
                format!("The report could not be written; nothing else is affected. Try another folder: {error}."),
            ),
        }
    }
}

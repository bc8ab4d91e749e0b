//! Pictures that a script asked a running app for.
//!
//! Drawn on the thread that brought the request, with the app's own device and pictures. Must not
//! know egui. Called by [`super::run`].

use std::time::Duration;

use super::bridge::Bridge;
use crate::render::{Frame, Headless, SceneInput};
use crate::session::script::{Shot, ShotView};
use crate::storage::atomic;
use crate::storage::error::StorageError;

/// Pixels of a picture are waited for this long.
const PATIENCE: Duration = Duration::from_secs(300);

/// Draws a picture and writes its file, whole or not at all.
pub(super) fn write(bridge: &Bridge, shot: &Shot) -> Result<(), String> {
    let (gpu, source) = bridge
        .gpu()
        .ok_or("there is no graphics device, so no picture was written")?;
    let mut renderer = Headless::on(gpu).map_err(|error| error.to_string())?;
    let drawn = match &shot.view {
        ShotView::Dm(scene) => {
            let frame = Frame::of_display(SceneInput::Dm(scene), shot.size_px);
            renderer.render(&frame, &*source, PATIENCE)
        }
        ShotView::Player(shown) => renderer.render_table(shown, shot.size_px, &*source, PATIENCE),
    };
    let (picture, report) = drawn.map_err(|error| error.to_string())?;
    if report.timed_out {
        return Err(
            "its map did not load in time, so no picture was written; try again".to_owned(),
        );
    }
    atomic::write_file(&shot.file, |file| Ok(picture.write_png(file)?))
        .map_err(|error| StorageError::from_io(&shot.file, &error).to_string())
}

//! Which monitors are connected now.
//!
//! winit's list, but on X11, where winit reads it once and never hears of a change: there the server is
//! asked which of them still show something. Must not know windows. Called by [`super::display`].

use winit::monitor::MonitorHandle;
use winit::window::Window;

/// The monitors of a window's desktop with their index in winit's list, which is what a window is
/// sent to.
pub fn connected(window: &Window) -> Vec<(usize, MonitorHandle)> {
    let live = live_outputs(window);
    window
        .available_monitors()
        .enumerate()
        .filter(|(_, monitor)| match (&live, monitor.name()) {
            (Some(live), Some(name)) => live.contains(&name),
            _ => true,
        })
        .collect()
}

/// Names of the outputs that show something; `None` where winit's own list can be trusted.
#[cfg(target_os = "linux")]
fn live_outputs(window: &Window) -> Option<Vec<String>> {
    use winit::raw_window_handle::{HasDisplayHandle as _, RawDisplayHandle};
    let handle = window.display_handle().ok()?.as_raw();
    if !matches!(handle, RawDisplayHandle::Xlib(_) | RawDisplayHandle::Xcb(_)) {
        return None;
    }
    x11_outputs()
        .inspect_err(
            |error| tracing::debug!(target: "app", %error, "the X server tells no monitors"),
        )
        .ok()
        .filter(|names| !names.is_empty())
}

#[cfg(not(target_os = "linux"))]
fn live_outputs(_window: &Window) -> Option<Vec<String>> {
    None
}

#[cfg(target_os = "linux")]
fn x11_outputs() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    use x11rb::CURRENT_TIME;
    use x11rb::connection::Connection as _;
    use x11rb::protocol::randr::ConnectionExt as _;

    let (server, screen) = x11rb::connect(None)?;
    let root = server
        .setup()
        .roots
        .get(screen)
        .ok_or("no such screen")?
        .root;
    server.randr_query_version(1, 3)?.reply()?;
    let resources = server.randr_get_screen_resources_current(root)?.reply()?;
    let mut names = Vec::new();
    for crtc in resources.crtcs {
        let crtc = server.randr_get_crtc_info(crtc, CURRENT_TIME)?.reply()?;
        let Some(output) = crtc.outputs.first().filter(|_| crtc.width > 0) else {
            continue;
        };
        let output = server
            .randr_get_output_info(*output, CURRENT_TIME)?
            .reply()?;
        names.push(String::from_utf8_lossy(&output.name).into_owned());
    }
    Ok(names)
}

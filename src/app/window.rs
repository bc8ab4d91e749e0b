//! Where the editor's window goes: as it was left, but never larger than its screen and never on a
//! monitor that is gone.
//!
//! Must not know documents or panels. Called by [`super::run`] before the window is shown.

use super::settings::Settings;

/// Room that title bars, task bars and panels may take from a screen's height, points.
const BARS: f64 = 72.0;
/// The smallest editor that is of use, points.
pub const MIN_SIZE: [f32; 2] = [900.0, 560.0];

/// A monitor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screen {
    /// Its top left corner in the desktop, pixels.
    pub position_px: [i32; 2],
    /// Its size, pixels.
    pub size_px: [u32; 2],
    /// Pixels to a point.
    pub scale: f64,
}

impl Screen {
    fn size_points(&self) -> [f64; 2] {
        self.size_px
            .map(|side| f64::from(side) / self.scale.max(0.1))
    }

    fn holds(&self, [x, y]: [i32; 2]) -> bool {
        let inside = |at: i32, from: i32, length: u32| {
            i64::from(at) >= i64::from(from) && i64::from(at) < i64::from(from) + i64::from(length)
        };
        inside(x, self.position_px[0], self.size_px[0])
            && inside(y, self.position_px[1], self.size_px[1])
    }
}

/// Where a window goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Inner size, points.
    pub size: [f32; 2],
    /// Least inner size, points.
    pub min_size: [f32; 2],
    /// Top left corner in the desktop, pixels; `None` leaves it to the system.
    pub position_px: Option<[i32; 2]>,
    /// It fills its screen.
    pub maximized: bool,
}

/// The place for what the settings ask for. `screens` begins with the one that windows open on.
/// A window that does not fit is maximised, because only the system knows where its panels are.
#[must_use]
pub fn place(settings: &Settings, screens: &[Screen]) -> Place {
    let wanted = Place {
        size: settings.window_size,
        min_size: MIN_SIZE,
        position_px: settings.window_position_px,
        maximized: settings.window_maximized,
    };
    let home = wanted.position_px.and_then(|corner| {
        // The title bar must be in reach.
        let bar = [corner[0].saturating_add(40), corner[1].saturating_add(8)];
        screens.iter().find(|screen| screen.holds(bar))
    });
    let Some(screen) = home.or(screens.first()) else {
        return wanted;
    };
    let [width, height] = screen.size_points();
    let room = [width, (height - BARS).max(height / 2.0)];
    let fits = f64::from(wanted.size[0]) <= room[0] && f64::from(wanted.size[1]) <= room[1];
    let least = |side: f32, room: f64| side.min(points(room));
    Place {
        size: [
            least(wanted.size[0], room[0]),
            least(wanted.size[1], room[1]),
        ],
        min_size: [least(MIN_SIZE[0], room[0]), least(MIN_SIZE[1], room[1])],
        position_px: wanted.position_px.filter(|_| home.is_some() && fits),
        maximized: wanted.maximized || !fits,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "points of a screen")]
fn points(length: f64) -> f32 {
    length as f32
}

/// Gives the editor's window its place, while it is still hidden. Returns whether it shall be
/// maximised once it is shown: X11 forgets that wish of a hidden window.
pub fn settle(window: &winit::window::Window, settings: &Settings) -> bool {
    let first = window
        .current_monitor()
        .or_else(|| window.primary_monitor());
    let screens: Vec<Screen> = first
        .into_iter()
        .chain(window.available_monitors())
        .map(|monitor| Screen {
            position_px: [monitor.position().x, monitor.position().y],
            size_px: [monitor.size().width, monitor.size().height],
            scale: monitor.scale_factor(),
        })
        .filter(|screen| !screen.size_px.contains(&0))
        .collect();
    let place = place(settings, &screens);
    let logical = |[width, height]: [f32; 2]| winit::dpi::LogicalSize::new(width, height);
    window.set_min_inner_size(Some(logical(place.min_size)));
    if place.size != settings.window_size {
        // Systems that answer at once have done it already; others send a resize.
        let _ = window.request_inner_size(logical(place.size));
    }
    if let Some([x, y]) = place.position_px {
        window.set_outer_position(winit::dpi::PhysicalPosition::new(x, y));
    }
    place.maximized
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(x: i32, width: u32, height: u32, scale: f64) -> Screen {
        Screen {
            position_px: [x, 0],
            size_px: [width, height],
            scale,
        }
    }

    fn asking(size: [f32; 2], position: Option<[i32; 2]>) -> Settings {
        Settings {
            window_size: size,
            window_position_px: position,
            ..Settings::default()
        }
    }

    #[test]
    fn a_window_that_fits_stays_as_it_was() {
        let settings = asking([1280.0, 800.0], Some([200, 100]));
        let got = place(&settings, &[screen(0, 1920, 1080, 1.0)]);
        assert_eq!(got.size, [1280.0, 800.0]);
        assert_eq!(got.position_px, Some([200, 100]));
        assert!(!got.maximized);
        assert_eq!(got.min_size, MIN_SIZE);
    }

    #[test]
    fn a_small_screen_is_filled_and_never_exceeded() {
        for (width, height) in [(1280, 720), (1024, 768), (800, 600)] {
            let got = place(&Settings::default(), &[screen(0, width, height, 1.0)]);
            assert!(got.maximized, "{width}x{height}");
            assert!(f64::from(got.size[0]) <= f64::from(width));
            assert!(f64::from(got.size[1]) <= f64::from(height) - BARS);
            assert!(got.min_size[0] <= got.size[0] && got.min_size[1] <= got.size[1]);
        }
    }

    #[test]
    fn pixels_are_not_points() {
        let settings = asking([1280.0, 800.0], None);
        let sharp = place(&settings, &[screen(0, 3840, 2160, 2.0)]);
        assert!(!sharp.maximized);
        let tight = place(&settings, &[screen(0, 2560, 1440, 2.0)]);
        assert!(
            tight.maximized && tight.size == [1280.0, 648.0],
            "{tight:?}"
        );
    }

    #[test]
    fn a_position_on_a_monitor_that_is_gone_is_forgotten() {
        let settings = asking([1000.0, 700.0], Some([2400, 80]));
        let main = screen(0, 1920, 1080, 1.0);
        let both = place(&settings, &[main, screen(1920, 1920, 1080, 1.0)]);
        assert_eq!(both.position_px, Some([2400, 80]));
        let alone = place(&settings, &[main]);
        assert_eq!(alone.position_px, None);
        assert_eq!(alone.size, [1000.0, 700.0]);
    }

    #[test]
    fn without_any_monitor_nothing_is_changed() {
        let settings = asking([1000.0, 700.0], None);
        assert_eq!(place(&settings, &[]).size, [1000.0, 700.0]);
    }
}

//! What a machine needs beside Rust, how to see that it is there, and getting it with apt.
//!
//! A C compiler is not among it: without one this program could not have been linked.
//!
//! Must not know how the app is built or started. Called by `tasks` before each of them.

use crate::machine;
use std::process::Command;

/// What the machine is to be ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Build the app and open it, or render pictures where there is no display.
    Run,
    /// Build everything and run the whole test suite, windows under a virtual display included.
    Test,
}

/// How to see that something is there. Each looks for the thing itself and not for a package, so
/// that a driver from elsewhere (a vendor's, Nix's) counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// A program on the path.
    Program(&'static str),
    /// A shared library that the dynamic linker finds.
    Library(&'static str),
    /// Any Vulkan driver.
    VulkanDriver,
    /// Mesa's software Vulkan driver, whose pictures the tests compare with.
    SoftwareVulkan,
}

/// One thing that is needed, its Debian and Ubuntu package, and why.
#[derive(Debug, PartialEq, Eq)]
struct Need {
    sign: Sign,
    package: &'static str,
    why: &'static str,
}

const fn need(sign: Sign, package: &'static str, why: &'static str) -> Need {
    Need { sign, package, why }
}

/// For drawing anything.
const DRAW: &[Need] = &[
    need(
        Sign::Library("libvulkan.so.1"),
        "libvulkan1",
        "Vulkan, through which everything is drawn",
    ),
    need(
        Sign::VulkanDriver,
        "mesa-vulkan-drivers",
        "Vulkan drivers: open ones for GPUs, and software",
    ),
];

/// For windows. All of them are loaded while the app starts, so a build does not miss them.
const WINDOWS: &[Need] = &[
    need(Sign::Library("libX11.so.6"), "libx11-6", "windows on X11"),
    need(
        Sign::Library("libX11-xcb.so.1"),
        "libx11-xcb1",
        "windows on X11",
    ),
    need(
        Sign::Library("libXcursor.so.1"),
        "libxcursor1",
        "the pointer on X11",
    ),
    need(
        Sign::Library("libXi.so.6"),
        "libxi6",
        "mouse and touch on X11",
    ),
    need(
        Sign::Library("libxkbcommon.so.0"),
        "libxkbcommon0",
        "the keyboard",
    ),
    need(
        Sign::Library("libxkbcommon-x11.so.0"),
        "libxkbcommon-x11-0",
        "the keyboard on X11",
    ),
    need(
        Sign::Library("libwayland-client.so.0"),
        "libwayland-client0",
        "windows on Wayland",
    ),
];

/// For the tests that open windows on a display of their own.
const TESTS: &[Need] = &[
    need(
        Sign::SoftwareVulkan,
        "mesa-vulkan-drivers",
        "the software driver that pictures are compared on",
    ),
    need(
        Sign::Program("Xvfb"),
        "xvfb",
        "a display in memory for the tests of windows",
    ),
    need(
        Sign::Program("openbox"),
        "openbox",
        "a window manager there",
    ),
    need(
        Sign::Program("xdotool"),
        "xdotool",
        "moves the pointer and types there",
    ),
    need(
        Sign::Program("wmctrl"),
        "wmctrl",
        "lists and moves the windows there",
    ),
    need(Sign::Program("scrot"), "scrot", "takes the pictures there"),
    need(
        Sign::Program("xwininfo"),
        "x11-utils",
        "measures the windows there",
    ),
];

impl Purpose {
    /// What this purpose needs, in the order in which it is told.
    fn needs(self, display: bool) -> impl Iterator<Item = &'static Need> {
        let windows: &[Need] = if display || self == Self::Test {
            WINDOWS
        } else {
            &[]
        };
        let tests: &[Need] = if self == Self::Test { TESTS } else { &[] };
        DRAW.iter().chain(windows).chain(tests)
    }
}

/// Brings this machine to where `purpose` can start, or says what it lacks and goes on: what is
/// still missing then, if it matters, is reported by the step that meets it.
pub(crate) fn set_up(purpose: Purpose) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        // macOS and Windows bring their own windows and drivers; cargo names a missing linker.
        return Ok(());
    }
    let display = machine::has_display(|name| std::env::var_os(name));
    let libraries = machine::libraries();
    let missing = missing(purpose.needs(display), |sign| is_there(sign, &libraries));
    if missing.is_empty() {
        return Ok(());
    }
    println!("This machine lacks:");
    for need in &missing {
        println!("  {:22} {}", need.package, need.why);
    }
    let packages = packages(&missing);
    let Some(prefix) = apt_prefix(
        machine::has_program("apt-get"),
        machine::user_id(),
        machine::has_program("sudo"),
    ) else {
        println!(
            "They are not installed from here: that is done on Debian and Ubuntu, as root or with sudo.\n\
             The names above are Debian's; install what has the same purpose here. Going on."
        );
        return Ok(());
    };
    // A stale package list is the usual reason for a failing install, an unreachable mirror the
    // usual one for a failing update: the first failure need not be the last word.
    for args in [
        vec!["update"],
        [
            vec!["install", "--yes", "--no-install-recommends"],
            packages,
        ]
        .concat(),
    ] {
        let line = [prefix, &["apt-get"], &args].concat();
        println!("$ {}", line.join(" "));
        let done = Command::new(line[0])
            .args(&line[1..])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status();
        match done {
            Ok(status) if status.success() => {}
            Ok(status) => eprintln!("That did not work ({status}). Going on."),
            Err(error) => eprintln!("That could not be started ({error}). Going on."),
        }
    }
    Ok(())
}

/// Those of `needs` that are not there, each package once.
fn missing(
    needs: impl Iterator<Item = &'static Need>,
    is_there: impl Fn(Sign) -> bool,
) -> Vec<&'static Need> {
    let mut missing: Vec<&Need> = Vec::new();
    for need in needs {
        if !is_there(need.sign) && missing.iter().all(|known| known.package != need.package) {
            missing.push(need);
        }
    }
    missing
}

fn packages(needs: &[&Need]) -> Vec<&'static str> {
    needs.iter().map(|need| need.package).collect()
}

/// What to write before `apt-get`, or `None` where packages cannot be installed from here.
fn apt_prefix(
    has_apt: bool,
    user_id: Option<u32>,
    has_sudo: bool,
) -> Option<&'static [&'static str]> {
    match (has_apt, user_id) {
        (true, Some(0)) => Some(&[]),
        (true, Some(_)) if has_sudo => Some(&["sudo"]),
        _ => None,
    }
}

/// Looks for one sign on this machine.
fn is_there(sign: Sign, libraries: &[String]) -> bool {
    match sign {
        Sign::Program(name) => machine::has_program(name),
        Sign::Library(name) => libraries.iter().any(|known| known == name),
        Sign::VulkanDriver => {
            ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
                .iter()
                .any(|name| std::env::var_os(name).is_some())
                || vulkan_drivers().next().is_some()
        }
        Sign::SoftwareVulkan => vulkan_drivers().any(|file| file.starts_with("lvp_icd")),
    }
}

/// File names of the Vulkan drivers' manifests.
fn vulkan_drivers() -> impl Iterator<Item = String> {
    [
        "/usr/share/vulkan/icd.d",
        "/usr/local/share/vulkan/icd.d",
        "/etc/vulkan/icd.d",
    ]
    .iter()
    .filter_map(|dir| std::fs::read_dir(dir).ok())
    .flatten()
    .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
    .filter(|name| name.ends_with(".json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_machine_needs_nothing() {
        assert_eq!(
            missing(Purpose::Test.needs(true), |_| true),
            Vec::<&Need>::new()
        );
    }

    #[test]
    fn a_bare_machine_gets_each_package_once() {
        let all = packages(&missing(Purpose::Test.needs(false), |_| false));
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len());
        assert!(all.contains(&"mesa-vulkan-drivers") && all.contains(&"xvfb"));
    }

    #[test]
    fn a_server_that_only_renders_gets_no_window_libraries() {
        let without = packages(&missing(Purpose::Run.needs(false), |_| false));
        assert_eq!(without, ["libvulkan1", "mesa-vulkan-drivers"]);
        let with = packages(&missing(Purpose::Run.needs(true), |_| false));
        assert!(with.contains(&"libx11-6") && !with.contains(&"xvfb"));
    }

    #[test]
    fn another_vulkan_driver_does_for_running_but_not_for_comparing_pictures() {
        let vendors_driver = |sign| sign != Sign::SoftwareVulkan;
        assert!(missing(Purpose::Run.needs(true), vendors_driver).is_empty());
        assert_eq!(
            packages(&missing(Purpose::Test.needs(true), vendors_driver)),
            ["mesa-vulkan-drivers"]
        );
    }

    #[test]
    fn apt_runs_as_root_or_through_sudo_or_not_at_all() {
        assert_eq!(apt_prefix(true, Some(0), false), Some(&[] as &[&str]));
        assert_eq!(
            apt_prefix(true, Some(1000), true),
            Some(&["sudo"] as &[&str])
        );
        assert_eq!(apt_prefix(true, Some(1000), false), None);
        assert_eq!(apt_prefix(false, Some(0), true), None);
    }
}

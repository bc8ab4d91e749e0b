//! The tasks themselves: open or render the sample campaign, run the tests, remake the icons.
//!
//! Must not know what a machine needs (`setup`) nor how an icon file is laid out (`icons`).
//! Called by `main`.

use crate::setup::{self, Purpose};
use crate::{icons, machine};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where this checkout is and where it builds to.
struct Places {
    root: PathBuf,
    target: PathBuf,
}

impl Places {
    fn find() -> Result<Self, String> {
        let root = machine::root()?;
        let started_in = std::env::current_dir()
            .map_err(|error| format!("The current folder cannot be read: {error}."))?;
        let target = machine::target_dir(&root, std::env::var_os("CARGO_TARGET_DIR"), &started_in);
        Ok(Self { root, target })
    }
}

/// Sets the machine up, builds in release and opens the app, handing `args` on to it. The first
/// start opens the sample campaign. Without a display: pictures of it instead.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    setup::set_up(Purpose::Run)?;
    let Places { root, target } = Places::find()?;
    let mut build = machine::cargo(&root, &target);
    succeed(build.args(["build", "--release", "--package", "tableglow"]))?;
    let app = target
        .join("release")
        .join(format!("tableglow{}", std::env::consts::EXE_SUFFIX));
    if machine::has_display(|name| std::env::var_os(name)) {
        return succeed(Command::new(app).args(args));
    }
    println!(
        "No display here (neither DISPLAY nor WAYLAND_DISPLAY): rendering the sample campaign instead."
    );
    let sample = root.join("assets").join("sample.tableglow");
    let pictures = target.join("pictures");
    make_dir(&pictures)?;
    let runtime_dir = runtime_dir()?;
    let mut made = Vec::new();
    for viewer in ["dm", "player"] {
        let picture = pictures.join(format!("sample-{viewer}.png"));
        let mut render = Command::new(&app);
        render
            .arg("render")
            .arg(&sample)
            .args(["--as", viewer, "--size", "1920x1080", "--output"])
            .arg(&picture);
        if let Some(dir) = &runtime_dir {
            render.env("XDG_RUNTIME_DIR", dir);
        }
        succeed(&mut render)?;
        made.push(picture);
    }
    for picture in made {
        println!("{}", picture.display());
    }
    Ok(())
}

/// Sets the machine up and runs the whole suite: units, integration tests, examples and doc tests
/// of every crate here. Benchmarks are compiled by clippy and run by hand.
pub(crate) fn test(args: &[String]) -> Result<(), String> {
    setup::set_up(Purpose::Test)?;
    let Places { root, target } = Places::find()?;
    let mut cargo = machine::cargo(&root, &target);
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(args);
    // A test that forgot to name a library of its own must not meet the developer's.
    let home = target.join("test-home");
    for (variable, folder) in [
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
    ] {
        let dir = home.join(folder);
        make_dir(&dir)?;
        cargo.env(variable, dir);
    }
    if let Some(dir) = runtime_dir()? {
        cargo.env("XDG_RUNTIME_DIR", dir);
    }
    succeed(&mut cargo)
}

/// Remakes every raster form of the app's icon.
pub(crate) fn icons() -> Result<(), String> {
    let root = machine::root()?;
    icons::remake(&root.join("assets").join("icon"))
}

/// A private folder for sockets where the session has none (a container, CI): the Wayland library
/// complains without one. `None` where the session's own is good, and on systems without the idea.
fn runtime_dir() -> Result<Option<PathBuf>, String> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    if !cfg!(target_os = "linux") || own.is_some_and(|dir| dir.is_dir()) {
        return Ok(None);
    }
    // Not in the build folder: a socket's path may have no more than 107 bytes.
    let user = machine::user_id().unwrap_or_default();
    let dir = std::env::temp_dir().join(format!("tableglow-runtime-{user}"));
    make_dir(&dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700))
            .map_err(|error| format!("{} cannot be made private: {error}.", dir.display()))?;
    }
    Ok(Some(dir))
}

fn make_dir(dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir)
        .map_err(|error| format!("{} cannot be made: {error}.", dir.display()))
}

/// Runs a command to its end, its output going where ours goes.
fn succeed(command: &mut Command) -> Result<(), String> {
    let program = Path::new(command.get_program())
        .file_stem()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let what = command.get_args().next().map_or_else(
        || program.clone(),
        |first| format!("{program} {}", first.to_string_lossy()),
    );
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} failed ({status}); what it said is above.")),
        Err(error) => Err(format!("{what} could not be started: {error}.")),
    }
}

//! What is on this machine: the repository, the build folder, programs, libraries, displays.
//!
//! Must not know which of it a task needs. Called by `setup` and `tasks`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The repository's root: the folder above `packaging/xtask`, as cargo names it at run time, so
/// that a build folder shared by several checkouts stays right.
pub(crate) fn root() -> Result<PathBuf, String> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .ok_or("start this as `cargo xtask`: cargo tells it where the repository is.")?;
    here.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is not inside the repository.", here.display()))
}

/// The build folder, as cargo chooses it: `CARGO_TARGET_DIR`, relative to where the command was
/// started, else `target` in the root.
pub(crate) fn target_dir(root: &Path, wanted: Option<OsString>, started_in: &Path) -> PathBuf {
    match wanted {
        Some(dir) if !dir.is_empty() => started_in.join(dir),
        _ => root.join("target"),
    }
}

/// `cargo` for a build of the workspace: in the root, into `target`, and without the variables by
/// which cargo describes *this* crate, because a build script that watches one of them would run
/// again each time.
pub(crate) fn cargo(root: &Path, target: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_MANIFEST_PATH");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") {
            command.env_remove(name);
        }
    }
    command
}

/// Whether a window can open: always, except on a Linux session with neither X11 nor Wayland.
/// `variable` looks an environment variable up; an empty one counts as none.
pub(crate) fn has_display(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
            .iter()
            .any(|name| variable(name).is_some_and(|value| !value.is_empty()))
}

/// Whether a program of this name is on the path.
pub(crate) fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// The numeric user, 0 being root; `None` where there is no `id`.
pub(crate) fn user_id() -> Option<u32> {
    let out = Command::new("id").arg("-u").output().ok()?;
    String::from_utf8(out.stdout).ok()?.trim().parse().ok()
}

/// Names of the shared libraries that the dynamic linker finds; empty where it cannot be asked.
pub(crate) fn libraries() -> Vec<String> {
    // An ordinary Debian user has no /sbin on the path.
    ["ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"]
        .iter()
        .find_map(|program| {
            let out = Command::new(program)
                .arg("-p")
                .stderr(Stdio::null())
                .output()
                .ok()?;
            let names = library_names(&String::from_utf8_lossy(&out.stdout));
            (!names.is_empty()).then_some(names)
        })
        .unwrap_or_default()
}

/// The names in what `ldconfig -p` prints: lines like `    libX11.so.6 (libc6,x86-64) => /usr/lib/…`.
fn library_names(printed: &str) -> Vec<String> {
    printed
        .lines()
        .filter_map(|line| Some(line.strip_prefix('\t')?.split_once(" (")?.0.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_folder_is_cargos() {
        let (root, cwd) = (Path::new("/repo"), Path::new("/repo/src"));
        assert_eq!(target_dir(root, None, cwd), Path::new("/repo/target"));
        assert_eq!(
            target_dir(root, Some("".into()), cwd),
            Path::new("/repo/target")
        );
        assert_eq!(
            target_dir(root, Some("out".into()), cwd),
            Path::new("/repo/src/out")
        );
        assert_eq!(
            target_dir(root, Some("/t".into()), cwd),
            Path::new("/t"),
            "absolute stays"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_display_is_x11_or_wayland() {
        assert!(!has_display(|_| None));
        assert!(!has_display(|_| Some("".into())));
        assert!(has_display(|name| (name == "DISPLAY").then(|| ":0".into())));
        assert!(has_display(
            |name| (name == "WAYLAND_DISPLAY").then(|| "wayland-0".into())
        ));
    }

    #[test]
    fn library_names_are_read_from_the_linkers_list() {
        let printed = "2 libs found in cache `/etc/ld.so.cache'\n\
            \tlibX11.so.6 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libX11.so.6\n\
            \tlibvulkan.so.1 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libvulkan.so.1\n\
            Cache generated by: ldconfig\n";
        assert_eq!(library_names(printed), ["libX11.so.6", "libvulkan.so.1"]);
    }
}

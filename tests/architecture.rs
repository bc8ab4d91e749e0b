//! Keeps the house in shape: which room may use which, which room alone names a foreign crate, and
//! what each source file looks like. It reads the sources as text, with comments and literals
//! taken out, so it sees code of every feature, every system and `#[cfg(test)]` as well.
#![expect(clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rooms by height. A room uses only rooms that are lower; equals do not know each other.
const HEIGHTS: &[(&str, u8)] = &[
    ("util", 0),
    ("geom", 1),
    ("model", 2),
    ("import", 3),
    ("storage", 3),
    ("doc", 3),
    ("sync", 4),
    ("scene", 4),
    ("broadcast", 5),
    ("library", 5),
    ("render", 5),
    ("server", 5),
    ("session", 6),
    ("app", 7),
    ("cli", 8),
];

/// Foreign crates that are the business of some rooms only.
const KEEPERS: &[(&str, &[&str])] = &[
    ("yrs", &["doc"]),
    ("rusqlite", &["storage", "library"]),
    ("axum", &["server"]),
    ("hyper", &["server"]),
    ("wgpu", &["render", "app"]),
    ("naga", &["render"]),
    ("egui", &["app"]),
    ("eframe", &["app"]),
    ("egui_wgpu", &["app"]),
    ("egui_kittest", &["app"]),
    ("winit", &["app"]),
    ("rfd", &["app"]),
    ("arboard", &["app"]),
    ("mdns_sd", &["session"]),
];

/// What tests may name anywhere: they stand servers up for what they test.
const FOR_TESTS: &[&str] = &["axum"];

/// Past this many lines a file has more than one subject.
const LONGEST_FILE_LINES: usize = 900;

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(room) = file.room() else { continue };
        for (used, line) in rooms_used(&tokens(&file.text), file.depth_in_crate()) {
            if used != room && !may_use(room, &used) {
                wrong.push(format!(
                    "{}:{line}: {room} uses {used}",
                    file.path.display()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the direction of the rooms:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn foreign_crates_stay_with_their_keepers() {
    let mut wrong = Vec::new();
    for file in sources() {
        let room = file.room().unwrap_or("the crate's root");
        let tokens = tokens(&file.text);
        for (name, keepers) in KEEPERS {
            if keepers.contains(&room) || (file.is_test() && FOR_TESTS.contains(name)) {
                continue;
            }
            for line in lines_naming(&tokens, name) {
                wrong.push(format!(
                    "{}:{line}: {room} names {name}, which only {} may",
                    file.path.display(),
                    keepers.join(", ")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_place() {
    for file in sources() {
        if let Some(room) = file.room() {
            assert!(
                height(room).is_some(),
                "{room} is not in the list of rooms: say how high it stands"
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_is_not_too_long() {
    for file in sources() {
        let lines = file.text.lines().count();
        assert!(
            file.text.starts_with("//! "),
            "{}: begins without saying what it is for",
            file.path.display()
        );
        assert!(
            lines <= LONGEST_FILE_LINES,
            "{}: {lines} lines; split it by subject",
            file.path.display()
        );
    }
}

/// The test of this test: each way to name a room or a crate is seen, and texts are not.
#[test]
fn the_reader_sees_every_way_to_name_a_room() {
    let rooms = |source: &str, depth| {
        rooms_used(&tokens(source), depth)
            .into_iter()
            .map(|(room, _)| room)
            .collect::<Vec<_>>()
    };
    assert_eq!(rooms("use crate::doc::Doc;", 1), ["doc"]);
    assert_eq!(
        rooms("use crate::{doc, scene::{Snapshot, render}, util};", 1),
        ["doc", "scene", "util"]
    );
    assert_eq!(
        rooms("fn f() -> crate::render::View { $crate::app::x!() }", 1),
        ["render", "app"]
    );
    assert_eq!(
        rooms(
            "pub(crate) fn f() { r#\"crate::app\"#; 'x'; '\\''; b\"crate::app\" }",
            1
        ),
        [""; 0]
    );
    assert_eq!(
        rooms(
            "/* crate::app /* */ crate::app */ // crate::app\nuse crate::doc;",
            1
        ),
        ["doc"]
    );
    assert_eq!(
        rooms("use super::doc::Doc;", 1),
        ["doc"],
        "from src/scene/mod.rs"
    );
    assert_eq!(
        rooms("use super::doc::Doc;", 2),
        [""; 0],
        "from src/scene/derive.rs"
    );
    assert_eq!(rooms("use super::super::doc;", 2), ["doc"]);
    assert_eq!(rooms("mod tests { use super::super::doc; }", 1), ["doc"]);
    assert_eq!(rooms("mod tests { use super::super::doc; }", 2), [""; 0]);
    assert_eq!(
        rooms(
            "mod tests { use super::super::{doc, util::Id}; } use super::scene;",
            1
        ),
        ["doc", "util", "scene"]
    );

    let named = |source: &str| lines_naming(&tokens(source), "wgpu").len();
    assert_eq!(
        named("use wgpu::Device; fn f(d: &::wgpu::Queue) {} use wgpu as gpu;"),
        3
    );
    assert_eq!(
        named("use egui_wgpu::wgpu; struct S { wgpu: u8 } // wgpu::Device"),
        0
    );

    assert!(may_use("geom", "util") && may_use("scene", "doc") && may_use("session", "render"));
    assert!(
        !may_use("util", "geom") && !may_use("doc", "storage") && !may_use("render", "library")
    );
}

fn height(room: &str) -> Option<u8> {
    HEIGHTS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, height)| *height)
}

fn may_use(room: &str, used: &str) -> bool {
    height(room) > height(used)
}

/// One file under `src`.
struct Source {
    /// Relative to `src`.
    path: PathBuf,
    text: String,
}

impl Source {
    /// The room whose folder (or single file) this is in; `None` for `lib.rs` and `main.rs`.
    fn room(&self) -> Option<&str> {
        let first = self.path.components().next()?.as_os_str().to_str()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(name, "lib" | "main")).then_some(name)
    }

    /// It holds tests and nothing else.
    fn is_test(&self) -> bool {
        let stem = self.path.file_stem().and_then(|stem| stem.to_str());
        stem.is_some_and(|stem| stem == "tests" || stem.ends_with("_tests"))
            || self
                .path
                .components()
                .any(|part| part.as_os_str() == "tests")
    }

    /// How many `super` lead from this file's module to the crate's root.
    fn depth_in_crate(&self) -> usize {
        let parts = self.path.components().count();
        let is_folder = self.path.ends_with("mod.rs") || self.room().is_none();
        if is_folder { parts - 1 } else { parts }
    }
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![src.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let path = path
                    .strip_prefix(&src)
                    .map(Path::to_path_buf)
                    .unwrap_or(path);
                sources.push(Source { path, text });
            }
        }
    }
    assert!(
        sources.len() > 10,
        "the sources are not where this test looks"
    );
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// A word or a sign of the source, with its line; `::` is one sign.
#[derive(Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Cuts Rust source into words and signs; comments, strings, characters and lifetimes are left out.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut tokens, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let begin = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut nested = 1;
                i += 2;
                while i < chars.len() && nested > 0 {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (nested, i) = (nested + 1, i + 2),
                        ('*', '/') => (nested, i) = (nested - 1, i + 2),
                        _ => i += 1,
                    }
                }
            }
            '"' => i = after_string(&chars, i),
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += if at(i + 1) == '\\' { 3 } else { 2 };
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' => {
                i += 1;
                while is_word(at(i)) {
                    i += 1;
                }
            }
            'r' | 'b' | 'c' if raw_string_hashes(&chars, i).is_some() => {
                let (hashes, mut end) = raw_string_hashes(&chars, i).unwrap_or_default();
                while end < chars.len()
                    && !(at(end) == '"' && (1..=hashes).all(|n| at(end + n) == '#'))
                {
                    end += 1;
                }
                i = end + hashes + 1;
            }
            c if is_word(c) => {
                while is_word(at(i)) {
                    i += 1;
                }
                let text = chars[begin..i].iter().collect();
                tokens.push(Token { text, line });
            }
            ':' if at(i + 1) == ':' => {
                i += 2;
                tokens.push(Token {
                    text: "::".to_owned(),
                    line,
                });
            }
            c => {
                i += 1;
                if !c.is_whitespace() {
                    tokens.push(Token {
                        text: c.to_string(),
                        line,
                    });
                }
            }
        }
        line += chars[begin..i.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
    }
    tokens
}

/// Past the end of the string that opens at `i`.
fn after_string(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// At `r"`, `br#"` and the like: how many hashes, and where the text begins.
fn raw_string_hashes(chars: &[char], i: usize) -> Option<(usize, usize)> {
    let prefix = chars[i..]
        .iter()
        .take_while(|c| matches!(**c, 'b' | 'c' | 'r'))
        .count();
    let raw = chars[i..i + prefix].contains(&'r');
    let hashes = chars[i + prefix..]
        .iter()
        .take_while(|c| **c == '#')
        .count();
    let begins_word = i == 0 || !(chars[i - 1].is_alphanumeric() || chars[i - 1] == '_');
    let quote = chars.get(i + prefix + hashes) == Some(&'"');
    (raw && prefix <= 2 && quote && begins_word).then_some((hashes, i + prefix + hashes + 1))
}

/// Every room named by a path from the crate's root, in order, with its line. `depth` is how many
/// `super` lead from the file's own module to the root.
fn rooms_used(tokens: &[Token], depth: usize) -> Vec<(String, usize)> {
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let rooms: BTreeSet<&str> = HEIGHTS.iter().map(|(room, _)| *room).collect();
    let mut used = Vec::new();
    // Braces that are open, and whether each belongs to an inline module.
    let mut open: Vec<bool> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match text(i) {
            "{" => open.push(i >= 2 && text(i - 2) == "mod"),
            "}" => drop(open.pop()),
            "crate" | "super" if text(i + 1) == "::" && (i == 0 || text(i - 1) != "::") => {
                let mut supers = 0;
                while text(i) == "super" && text(i + 1) == "::" {
                    supers += 1;
                    i += 2;
                }
                let inline = open.iter().filter(|module| **module).count();
                let from_root = match text(i) {
                    "crate" => {
                        i += 2;
                        true
                    }
                    _ => supers == depth + inline,
                };
                if from_root {
                    for at in first_segments(tokens, i) {
                        if rooms.contains(text(at)) {
                            used.push((text(at).to_owned(), tokens[at].line));
                        }
                    }
                }
                continue;
            }
            _ => {}
        }
        i += 1;
    }
    used
}

/// Where the first segments of a path stand: one word, or each first word of a `{…}` group.
fn first_segments(tokens: &[Token], at: usize) -> Vec<usize> {
    if tokens.get(at).is_none_or(|token| token.text != "{") {
        return vec![at];
    }
    let (mut nested, mut begins, mut found) = (0, false, Vec::new());
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "{" => (nested, begins) = (nested + 1, true),
            "}" => nested -= 1,
            "," => begins = true,
            _ if nested == 1 && begins => {
                found.push(i);
                begins = false;
            }
            _ => begins = false,
        }
        if nested == 0 {
            break;
        }
    }
    found
}

/// Lines on which a path begins with this crate's name.
fn lines_naming(tokens: &[Token], name: &str) -> Vec<usize> {
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let is_name = |word: &str| {
        word.chars()
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
    };
    (0..tokens.len())
        .filter(|&i| text(i) == name)
        .filter(|&i| text(i + 1) == "::" || (i > 0 && matches!(text(i - 1), "use" | "crate")))
        .filter(|&i| i < 2 || text(i - 1) != "::" || !is_name(text(i - 2)))
        .map(|i| tokens[i].line)
        .collect()
}

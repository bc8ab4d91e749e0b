//! A scene's name from a file name.

use crate::import::hints::without_hints;

/// The file name without folders and extension.
pub(super) fn stem(file_name: &str) -> &str {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    match name.rsplit_once('.') {
        // An extension is short and no number, so that "cave v1.5" keeps its version.
        Some((stem, extension))
            if !stem.is_empty()
                && extension.len() <= 8
                && !extension.bytes().all(|b| b.is_ascii_digit()) =>
        {
            stem
        }
        _ => name,
    }
}

/// A scene's name from a file name: no folders, extension or grid hint; words apart; at most 80
/// characters; `Map` when nothing is left.
pub(super) fn scene_name(file_name: &str) -> String {
    let bare = without_hints(stem(file_name));
    let spaced = bare.contains(' ') && bare.trim().contains(' ');
    let apart = |c: char| c == '_' || (c == '-' && !spaced) || c.is_control() || c.is_whitespace();
    // Marks that turn the direction of writing have no place in a name that others read.
    let bare: String = bare
        .chars()
        .filter(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    let words: Vec<&str> = bare
        .split(apart)
        .map(|word| word.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | '.')))
        .filter(|word| !word.is_empty() && *word != "-")
        .collect();
    let name: String = words.join(" ").chars().take(80).collect();
    let mut characters = name.trim().chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "Map".to_owned(),
    }
}

//! Notes: TipTap documents shown as plain lines of text.
//!
//! A note that holds more than paragraphs of plain text (headings, lists, bold) is shown as its words
//! and kept as it is until somebody changes those words.

use std::sync::Arc;

use eframe::egui;
use egui::Ui;
use serde_json::{Value as Json, json};

use crate::app::theme::Tokens;
use crate::model::value::Value;

/// A note's words, a line for each block.
#[must_use]
pub fn words_of(note: &Json) -> String {
    fn walk(node: &Json, lines: &mut Vec<String>) {
        if let Some(text) = node.get("text").and_then(Json::as_str) {
            match lines.last_mut() {
                Some(line) => line.push_str(text),
                None => lines.push(text.to_owned()),
            }
            return;
        }
        let kind = node.get("type").and_then(Json::as_str).unwrap_or_default();
        if kind == "hardBreak" {
            lines.push(String::new());
        }
        if matches!(kind, "paragraph" | "heading" | "codeBlock") {
            lines.push(String::new());
        }
        for child in node
            .get("content")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            walk(child, lines);
        }
    }
    let mut lines = Vec::new();
    walk(note, &mut lines);
    lines.join("\n")
}

/// A TipTap document of plain paragraphs; `Null` for no words at all.
#[must_use]
pub fn note_of(words: &str) -> Value {
    if words.trim().is_empty() {
        return Value::Null;
    }
    let paragraphs: Vec<Json> = words
        .split('\n')
        .map(|line| {
            if line.is_empty() {
                json!({"type": "paragraph"})
            } else {
                json!({"type": "paragraph", "content": [{"type": "text", "text": line}]})
            }
        })
        .collect();
    Value::Json(Arc::new(json!({"type": "doc", "content": paragraphs})))
}

/// A note holds more than plain paragraphs.
#[must_use]
pub fn is_rich(note: &Json) -> bool {
    let kind = note.get("type").and_then(Json::as_str).unwrap_or_default();
    let plain = match kind {
        "doc" | "paragraph" => true,
        "text" => note
            .get("marks")
            .is_none_or(|marks| marks.as_array().is_some_and(Vec::is_empty)),
        _ => false,
    };
    !plain
        || note
            .get("content")
            .and_then(Json::as_array)
            .is_some_and(|children| children.iter().any(is_rich))
}

/// The field of a note. Returns the changed note and the field's id.
pub(super) fn field(
    ui: &mut Ui,
    field: egui::Id,
    label: &str,
    value: &Value,
) -> Option<(Value, egui::Id)> {
    let rich = matches!(value, Value::Json(note) if is_rich(note));
    let mut words = match value {
        Value::Json(note) => words_of(note),
        Value::Text(text) => text.to_string(),
        _ => String::new(),
    };
    // The published words would lose a line end that is being typed.
    let id = field.with("note");
    let before = words.clone();
    let typing = field.with("typing");
    if ui.memory(|memory| memory.has_focus(id))
        && let Some(kept) = ui.data(|data| data.get_temp::<String>(typing))
    {
        words = kept;
    }
    ui.add_space(4.0);
    ui.label(egui::RichText::new(label).color(Tokens::of(ui.ctx()).muted));
    let response = ui.name_inputs(label, |ui| {
        ui.add(
            egui::TextEdit::multiline(&mut words)
                .id(id)
                .desired_width(f32::INFINITY)
                .desired_rows(4)
                .char_limit(100_000)
                .hint_text("Only you see this.")
                .margin(egui::Margin::symmetric(8, 6)),
        )
    });
    if response.has_focus() {
        ui.data_mut(|data| data.insert_temp(typing, words.clone()));
    } else {
        ui.data_mut(|data| data.remove::<String>(typing));
    }
    if rich {
        ui.weak("Has formatting, which stays until you change the words.");
    }
    (response.changed() && words != before).then(|| (note_of(&words), id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_come_back_as_they_were() {
        for words in ["Hello", "A trap.\n\nDC 15, *really*", "ünï\ncode"] {
            let note = note_of(words);
            let Value::Json(json) = &note else {
                unreachable!("words make a note");
            };
            assert_eq!(words_of(json), words);
            assert!(!is_rich(json));
        }
        assert_eq!(note_of(" \n "), Value::Null);
    }

    #[test]
    fn formatting_is_seen_and_its_words_are_read() {
        let rich = json!({"type": "doc", "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Mira"}]},
            {"type": "bulletList", "content": [
                {"type": "listItem", "content": [{"type": "paragraph", "content": [
                    {"type": "text", "text": "a "},
                    {"type": "text", "text": "bold", "marks": [{"type": "bold"}]}
                ]}]}
            ]}
        ]});
        assert!(is_rich(&rich));
        assert_eq!(words_of(&rich), "Mira\na bold");
    }
}

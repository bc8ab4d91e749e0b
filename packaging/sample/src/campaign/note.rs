//! Rich notes as documents hold them: TipTap JSON.

use serde_json::{Value, json};

/// A note from plain text: a line that starts with `# ` is a heading, with `- ` an item of a
/// list, others are paragraphs.
pub fn note(text: &str) -> Value {
    let words = |line: &str| json!([{ "type": "text", "text": line }]);
    let mut blocks: Vec<Value> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("# ") {
            blocks.push(
                json!({ "type": "heading", "attrs": { "level": 2 }, "content": words(heading) }),
            );
        } else if let Some(item) = line.strip_prefix("- ") {
            let paragraph = json!({ "type": "paragraph", "content": words(item) });
            let item = json!({ "type": "listItem", "content": [paragraph] });
            let list = blocks
                .last_mut()
                .filter(|block| block["type"] == "bulletList");
            match list.and_then(|list| list["content"].as_array_mut()) {
                Some(items) => items.push(item),
                None => blocks.push(json!({ "type": "bulletList", "content": [item] })),
            }
        } else {
            blocks.push(json!({ "type": "paragraph", "content": words(line) }));
        }
    }
    json!({ "type": "doc", "content": blocks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_headings_lists_and_paragraphs() {
        let doc = note("# Altar\nCold stone.\n- one\n- two");
        let kinds: Vec<&str> = doc["content"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|block| block["type"].as_str())
            .collect();
        assert_eq!(kinds, ["heading", "paragraph", "bulletList"]);
        assert_eq!(
            doc["content"][2]["content"].as_array().map(Vec::len),
            Some(2)
        );
    }
}

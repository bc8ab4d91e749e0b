//! Frames of a real PartyKit session: each is read as what it is and written as the same bytes.
//!
//! Needs the environment variable `TABLEGLOW_SHARED` (the shared folder); says so and passes without.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::Value;
use tableglow::doc::guard::check_update;
use tableglow::geom::mask::Mask;
use tableglow::model::color::Rgb;
use tableglow::model::presence::{Measurement, Presence};
use tableglow::sync::batch::{Assembled, Assembler, Frame, split};
use tableglow::sync::protocol::{Message, SyncMessage, awareness_frame};

fn fixtures() -> Option<PathBuf> {
    Some(shared()?.join("fixtures/partykit"))
}

fn shared() -> Option<PathBuf> {
    let Some(shared) = std::env::var_os("TABLEGLOW_SHARED") else {
        eprintln!("TABLEGLOW_SHARED is not set: nothing was compared");
        return None;
    };
    Some(PathBuf::from(shared))
}

/// Reads a message, compares it with what the record says of it, and writes it again.
fn check(message: &[u8], record: &Value) {
    let (read, rest) = Message::decode_first(message).unwrap_or_else(|error| {
        panic!("{}: {error}", record["file"]);
    });
    assert!(rest.is_empty(), "{}: more than a message", record["file"]);
    let name = match &read {
        Message::Sync(_) => "sync",
        Message::Awareness(_) => "awareness",
        other => panic!("{}: {other:?}", record["file"]),
    };
    if let Some(expected) = record["name"].as_str() {
        assert_eq!(name, expected, "{}", record["file"]);
    }
    match &read {
        Message::Sync(sync) => {
            let (sub, update) = match sync {
                SyncMessage::Step1(_) => (0, None),
                SyncMessage::Step2(update) => (1, Some(update)),
                SyncMessage::Update(update) => (2, Some(update)),
            };
            if let Some(expected) = record["sub"].as_u64() {
                assert_eq!(sub, expected, "{}", record["file"]);
            }
            if let Some(update) = update {
                check_update(update).unwrap();
            }
        }
        Message::Awareness(update) => {
            assert_eq!(awareness_frame(update.entries()), message);
            for entry in update.entries() {
                assert!([1001, 2002, 3003].contains(&entry.client));
                serde_json::from_str::<Value>(entry.json).unwrap();
            }
        }
        _ => {}
    }
    assert_eq!(read.encode(), message, "{}", record["file"]);
}

#[test]
fn every_frame_of_a_real_session_is_read_and_written_alike() {
    let Some(folder) = fixtures() else { return };
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: Value = serde_json::from_str(&index).unwrap();
    let mut assemblers = std::collections::HashMap::new();
    let mut sent: Vec<Frame> = Vec::new();
    let (mut frames, mut messages, mut batches) = (0, 0, 0);
    for record in index["frames"].as_array().unwrap() {
        let Some(file) = record["file"].as_str() else {
            continue;
        };
        frames += 1;
        let Ok(bytes) = std::fs::read(folder.join(file)) else {
            // The two of three megabytes are what the slices come to, and not kept.
            assert!(record["bytes"].as_u64().unwrap() > 1_000_000, "{file}");
            continue;
        };
        let key = (record["client"].to_string(), record["dir"].to_string());
        let assembler = assemblers
            .entry(key)
            .or_insert_with(|| Assembler::new(64 << 20));
        let was_open = assembler.is_open();
        let assembled = if record["opcode"] == "text" {
            let text = String::from_utf8(bytes).unwrap();
            sent.push(Frame::Text(text.clone()));
            assembler.text(&text).unwrap().unwrap()
        } else {
            let bytes = Bytes::from(bytes);
            if was_open {
                sent.push(Frame::Binary(bytes.clone()));
            }
            assembler.binary(bytes).unwrap()
        };
        let Assembled::Message(message) = assembled else {
            continue;
        };
        messages += 1;
        if was_open {
            batches += 1;
            check(&message, &Value::Null);
            // The same slices; the batch's name is the sender's.
            let ours = split(message, 1_000_000, 1);
            assert_eq!(ours.len(), sent.len());
            for (ours, theirs) in ours.iter().zip(&sent) {
                match (ours, theirs) {
                    (Frame::Text(ours), Frame::Text(theirs)) => {
                        let after_id = |text: &str| text.split_once(',').unwrap().1.to_owned();
                        assert_eq!(after_id(ours), after_id(theirs));
                    }
                    _ => assert_eq!(ours, theirs),
                }
            }
        } else {
            check(&message, record);
        }
    }
    assert!(
        frames > 60 && messages > 50 && batches == 1,
        "{frames} frames"
    );
}

#[test]
fn what_web_clients_show_is_read_whole_and_written_with_their_keys() {
    use base64::Engine as _;
    let Some(shared) = shared() else { return };
    let file = shared.join("fixtures/tableslayer/awareness_states.json");
    let states: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut parts = 0;
    // What they send and we do not show again.
    let unused = ["/cursor/label", "/temporaryLayers/0/effectType"];
    for name in ["editor", "editor_after_measure", "playfield"] {
        let mut theirs = states[name].clone();
        let read = Presence::read(&theirs.to_string());
        let ours: Value = serde_json::from_str(&read.write()).unwrap();
        for (key, part) in ours.as_object().unwrap() {
            for path in unused.iter().filter(|path| path[1..].starts_with(key)) {
                let (holder, field) = path.rsplit_once('/').unwrap();
                let holder = theirs.pointer_mut(holder).unwrap();
                holder.as_object_mut().unwrap().remove(field).unwrap();
            }
            let mut part = part.clone();
            if key == "cursor" {
                part.as_object_mut().unwrap().remove("label").unwrap();
            }
            assert_eq!(lower(&part), lower(&theirs[key]), "{name} {key}");
            parts += 1;
        }
    }
    assert_eq!(parts, 4);

    let editor = Presence::read(&states["editor"].to_string());
    let measured = editor.measurement.unwrap();
    let usual = Measurement::new("user-1", measured.start_world, measured.end_world, 0);
    assert_eq!((measured.shape, measured.color), (3, Rgb::WHITE));
    assert_eq!(measured.auto_hide_ms, usual.auto_hide_ms);
    let playfield = Presence::read(&states["playfield"].to_string());
    let layer = &playfield.temporary_layers[0];
    let mask = base64::engine::general_purpose::STANDARD
        .decode(layer.mask_base64.as_bytes())
        .unwrap();
    let mask = Mask::decode_rle(&mask).unwrap();
    assert!(mask.size_px() == [1920, 1080] && !mask.is_clear());
    assert_eq!(layer.expires_unix_ms - layer.made_unix_ms, 10_000);
}

/// Colours in one spelling, and all numbers as floating ones.
fn lower(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('#') => text.to_lowercase().into(),
        Value::Number(n) => n.as_f64().into(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), lower(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.iter().map(lower).collect(),
        other => other.clone(),
    }
}

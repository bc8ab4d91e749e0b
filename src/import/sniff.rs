//! What a file is, by content. Folders are the caller's to recognise.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use super::open::is_json_start;
use super::picture::PictureFormat;
use super::uvtt;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A picture of this format.
    Picture(PictureFormat),
    /// A Universal VTT map file.
    UniversalVtt,
    /// A game session exported by Table Slayer.
    TableSlayerJson,
    /// A scene exported by Foundry VTT.
    FoundryScene,
    /// JSON of something else, or damaged.
    OtherJson,
    /// A ZIP: a campaign archive, if anything.
    Archive,
    /// An SQLite database: the file inside a library folder.
    Database,
    /// Bytes that read like a Yjs update.
    YUpdate,
    /// No bytes at all.
    Empty,
    /// Anything else.
    Unknown,
}

/// Says what a file is and puts it back to its beginning. Of JSON, top-level keys are read until
/// they tell, which in a map file with the picture first means reading it through.
///
/// # Errors
/// Those of the source.
pub fn sniff<R: Read + Seek>(source: &mut R) -> io::Result<InputKind> {
    let mut start = Vec::with_capacity(512);
    source.seek(SeekFrom::Start(0))?;
    source.by_ref().take(512).read_to_end(&mut start)?;
    source.seek(SeekFrom::Start(0))?;
    if start.is_empty() {
        return Ok(InputKind::Empty);
    }
    if let Some(format) = PictureFormat::of_magic(&start) {
        return Ok(InputKind::Picture(format));
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Ok(InputKind::Archive);
    }
    if start.starts_with(b"SQLite format 3\0") {
        return Ok(InputKind::Database);
    }
    if is_json_start(&start) {
        let kind = json_kind(&mut *source);
        source.seek(SeekFrom::Start(0))?;
        return Ok(kind);
    }
    if looks_like_y_update(&start) {
        return Ok(InputKind::YUpdate);
    }
    Ok(InputKind::Unknown)
}

fn json_kind(source: impl Read) -> InputKind {
    let mut keys = Keys::default();
    let text = uvtt::without_picture(source);
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(text));
    // It ends with an error as soon as the keys tell.
    let _ = parser.deserialize_any(&mut keys);
    keys.kind()
}

#[derive(Default)]
struct Keys(BTreeSet<String>);

impl Keys {
    fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    fn kind(&self) -> InputKind {
        let foundry = [
            "walls",
            "tokens",
            "tiles",
            "_stats",
            "tokenVision",
            "padding",
        ];
        if self.has("gameSession") {
            InputKind::TableSlayerJson
        } else if [
            "resolution",
            "line_of_sight",
            "portals",
            "objects_line_of_sight",
        ]
        .iter()
        .any(|key| self.has(key))
        {
            InputKind::UniversalVtt
        } else if foundry.iter().filter(|key| self.has(key)).count() >= 2 {
            InputKind::FoundryScene
        } else if self.has("image") && self.has("format") {
            InputKind::UniversalVtt
        } else {
            InputKind::OtherJson
        }
    }

    fn tells(&self) -> bool {
        matches!(
            self.kind(),
            InputKind::TableSlayerJson | InputKind::UniversalVtt | InputKind::FoundryScene
        )
    }
}

impl<'de> Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        use serde::de::Error as _;
        while let Some(key) = map.next_key::<String>()? {
            if key.len() <= 64 {
                self.0.insert(key);
            }
            if self.tells() || self.0.len() > 200 {
                return Err(A::Error::custom("enough"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Whether bytes begin like a Yjs update, version 1: a number of clients, then for the first a
/// number of structs, a client id, a clock and a struct's kind. Source: `encodeStateAsUpdate`
/// of Yjs 13.6.
fn looks_like_y_update(start: &[u8]) -> bool {
    if start == [0, 0] {
        return true;
    }
    // Text can read like one; an update is never text alone, its lengths are below a space.
    if start.iter().all(|b| *b >= b' ' || b.is_ascii_whitespace()) {
        return false;
    }
    let mut rest = start;
    let mut next = || {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let (byte, after) = rest.split_first()?;
            rest = after;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    let (Some(clients), Some(structs), Some(client), Some(clock), Some(info)) =
        (next(), next(), next(), next(), next())
    else {
        return false;
    };
    let plausible = (1..100_000).contains(&clients)
        && (1..100_000_000).contains(&structs)
        && client < 1 << 53
        && clock < 1 << 40;
    // Kinds of structs are 0 (garbage) to 10 (skip); higher bits say which fields follow.
    plausible && info & 0x1f <= 10
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn kind(bytes: &[u8]) -> InputKind {
        let mut source = Cursor::new(bytes.to_vec());
        let kind = sniff(&mut source).unwrap();
        assert_eq!(source.position(), 0);
        kind
    }

    #[test]
    fn files_are_known_by_what_is_in_them() {
        assert_eq!(kind(b""), InputKind::Empty);
        assert_eq!(kind(b"GIF89a..."), InputKind::Picture(PictureFormat::Gif));
        assert_eq!(kind(b"PK\x03\x04..."), InputKind::Archive);
        assert_eq!(kind(b"SQLite format 3\0..."), InputKind::Database);
        assert_eq!(kind(b"Hello, world"), InputKind::Unknown);
        assert_eq!(kind(b"This is a text\n"), InputKind::Unknown);
        assert_eq!(kind(b"\0\0"), InputKind::YUpdate);
        assert_eq!(
            kind(b"\x01\x02\xb9\x60\x00\x28\x01\x04meta"),
            InputKind::YUpdate
        );
    }

    #[test]
    fn json_is_told_apart_by_its_keys() {
        let cases = [
            (
                r#"{"image":"aGVsbG8=","format":0.3,"resolution":{}}"#,
                InputKind::UniversalVtt,
            ),
            (" \n{\"line_of_sight\":[]}", InputKind::UniversalVtt),
            (
                r#"{"version":"0.0.1","metadata":{},"gameSession":{}}"#,
                InputKind::TableSlayerJson,
            ),
            (
                r#"{"name":"x","walls":[],"tokens":[]}"#,
                InputKind::FoundryScene,
            ),
            (r#"{"name":"x"}"#, InputKind::OtherJson),
            (r#"{"name":"#, InputKind::OtherJson),
        ];
        for (text, expected) in cases {
            assert_eq!(kind(text.as_bytes()), expected, "{text}");
        }
    }
}

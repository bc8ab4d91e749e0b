//! A reader between the file and the JSON parser.
//!
//! It lets the JSON through with two changes: the string under the top-level key `image` is
//! unpacked into a sink and an empty string stands in its place, and numbers that JSON does not
//! have (`NaN`, `Infinity`, ones beyond the range of a float) become `null`. A byte order mark
//! at the start is dropped. Memory is a few buffers, whatever the file's size.

use std::io::{self, BufRead, Read, Write};

use super::embedded::{EmbeddedPicture, Image};

/// A key, or a number, that is longer is passed on without a look at it.
const MAX_TOKEN: usize = 1 << 10;
/// Strings other than the picture may have this many bytes: the JSON parser holds them whole.
const MAX_TEXT_BYTES: u64 = 32 << 20;

/// The adapter. `R` is the file, `W` the sink for the picture.
pub(super) struct ImageDiverter<R, W> {
    source: R,
    sink: W,
    out: Vec<u8>,
    out_at: usize,
    scanner: Scanner,
    image: Image,
    bad_numbers: u32,
    failure: Option<io::Error>,
}

/// Where in the JSON it is; only the outermost object is followed by key.
struct Scanner {
    depth: u32,
    top_is_object: bool,
    expect: Expect,
    /// The top-level key before the value.
    key: Vec<u8>,
    mode: Mode,
    token: Vec<u8>,
    /// Bytes of the present string.
    text_bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Key,
    Colon,
    Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Between,
    /// In a string that passes through; `key` when it is a top-level key.
    Text {
        key: bool,
        escaped: bool,
    },
    /// In the image string.
    Image(Escape),
    /// In a number or a literal.
    Token,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    No,
    Begun,
    /// Hex digits so far, and their value.
    Hex(u8, u32),
}

impl<R: BufRead, W: Write> ImageDiverter<R, W> {
    pub(super) fn new(source: R, sink: W) -> Self {
        Self {
            source,
            sink,
            out: Vec::new(),
            out_at: 0,
            scanner: Scanner {
                depth: 0,
                top_is_object: false,
                expect: Expect::Value,
                key: Vec::new(),
                mode: Mode::Between,
                token: Vec::new(),
                text_bytes: 0,
            },
            image: Image::default(),
            bad_numbers: 0,
            failure: None,
        }
    }

    /// The picture's fate, how many numbers were no numbers, and the sink. An error of the source
    /// or of the sink comes out here as it was (the JSON parser wraps it).
    pub(super) fn finish(self) -> io::Result<(EmbeddedPicture, u32, W)> {
        match self.failure {
            Some(error) => Err(error),
            None => Ok((self.image.outcome(), self.bad_numbers, self.sink)),
        }
    }

    /// Takes the next stretch of the source apart.
    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.out_at = 0;
        while self.out.is_empty() {
            let input = self.source.fill_buf()?;
            if input.is_empty() {
                self.end_token();
                return Ok(());
            }
            let length = input.len();
            let input = input.to_vec();
            self.source.consume(length);
            let mut rest = input.as_slice();
            while !rest.is_empty() {
                rest = self.step(rest)?;
            }
        }
        Ok(())
    }

    /// Consumes at least one byte and gives what is left.
    fn step<'a>(&mut self, input: &'a [u8]) -> io::Result<&'a [u8]> {
        let Some((&byte, after)) = input.split_first() else {
            return Ok(input);
        };
        match self.scanner.mode {
            Mode::Image(escape) => self.in_image(escape, input),
            Mode::Text { key, escaped } => {
                // Up to the next quote or backslash in one go.
                let stop = if escaped {
                    0
                } else {
                    input
                        .iter()
                        .position(|b| matches!(b, b'"' | b'\\'))
                        .unwrap_or(input.len())
                };
                let (plain, rest) = input.split_at(if escaped { 1 } else { stop });
                self.out.extend_from_slice(plain);
                self.note_key(key, plain);
                self.scanner.text_bytes += plain.len() as u64 + 1;
                if self.scanner.text_bytes > MAX_TEXT_BYTES {
                    return Err(io::Error::other("a text in it is too long"));
                }
                if escaped {
                    self.scanner.mode = Mode::Text {
                        key,
                        escaped: false,
                    };
                    return Ok(rest);
                }
                let Some((&special, rest)) = rest.split_first() else {
                    return Ok(rest);
                };
                self.out.push(special);
                if special == b'"' {
                    self.scanner.mode = Mode::Between;
                    if key {
                        self.scanner.expect = Expect::Colon;
                    }
                } else {
                    self.note_key(key, &[special]);
                    self.scanner.mode = Mode::Text { key, escaped: true };
                }
                Ok(rest)
            }
            Mode::Token => {
                if is_token(byte) {
                    self.scanner.token.push(byte);
                    if self.scanner.token.len() > MAX_TOKEN {
                        self.end_token();
                    }
                    Ok(after)
                } else {
                    self.end_token();
                    Ok(input)
                }
            }
            Mode::Between => {
                self.between(byte);
                Ok(after)
            }
        }
    }

    fn note_key(&mut self, key: bool, bytes: &[u8]) {
        if key && self.scanner.key.len() + bytes.len() <= MAX_TOKEN {
            self.scanner.key.extend_from_slice(bytes);
        }
    }

    fn between(&mut self, byte: u8) {
        let scanner = &mut self.scanner;
        let in_top = scanner.depth == 1 && scanner.top_is_object;
        scanner.text_bytes = 0;
        match byte {
            b'"' if in_top && scanner.expect == Expect::Key => {
                scanner.key.clear();
                scanner.mode = Mode::Text {
                    key: true,
                    escaped: false,
                };
            }
            b'"' if in_top && scanner.expect == Expect::Value && is_image_key(&scanner.key) => {
                // Nothing goes out before the end of the string, and then both quotes.
                self.image.begin();
                self.scanner.mode = Mode::Image(Escape::No);
                return;
            }
            b'"' => {
                scanner.mode = Mode::Text {
                    key: false,
                    escaped: false,
                };
            }
            b'{' | b'[' => {
                if scanner.depth == 0 {
                    scanner.top_is_object = byte == b'{';
                    scanner.expect = Expect::Key;
                }
                scanner.depth = scanner.depth.saturating_add(1);
            }
            b'}' | b']' => scanner.depth = scanner.depth.saturating_sub(1),
            b':' if in_top => scanner.expect = Expect::Value,
            b',' if in_top => scanner.expect = Expect::Key,
            // A byte order mark.
            0xef | 0xbb | 0xbf if scanner.depth == 0 => return,
            _ if is_token(byte) => {
                scanner.mode = Mode::Token;
                scanner.token.clear();
                scanner.token.push(byte);
                return;
            }
            _ => {}
        }
        self.out.push(byte);
    }

    /// Lets a number or literal through, unless it is no number of JSON's.
    fn end_token(&mut self) {
        if self.scanner.mode != Mode::Token {
            return;
        }
        self.scanner.mode = Mode::Between;
        let token = std::mem::take(&mut self.scanner.token);
        let text = std::str::from_utf8(&token).unwrap_or("x");
        // The standard parser takes "NaN", "inf" and "infinity" in any case, and gives infinity
        // for what is beyond the range.
        let no_number = text.parse::<f64>().is_ok_and(|v| !v.is_finite());
        if no_number {
            self.bad_numbers = self.bad_numbers.saturating_add(1);
            self.out.extend_from_slice(b"null");
        } else {
            self.out.extend_from_slice(&token);
        }
        self.scanner.token = token;
        self.scanner.token.clear();
    }

    fn in_image<'a>(&mut self, escape: Escape, input: &'a [u8]) -> io::Result<&'a [u8]> {
        let Some((&byte, after)) = input.split_first() else {
            return Ok(input);
        };
        match escape {
            Escape::No => {
                let stop = input
                    .iter()
                    .position(|b| matches!(b, b'"' | b'\\'))
                    .unwrap_or(input.len());
                let (plain, rest) = input.split_at(stop);
                self.image.take(plain, &mut self.sink)?;
                let Some((&special, rest)) = rest.split_first() else {
                    return Ok(rest);
                };
                if special == b'"' {
                    self.image.end(&mut self.sink)?;
                    self.out.extend_from_slice(b"\"\"");
                    self.scanner.mode = Mode::Between;
                } else {
                    self.scanner.mode = Mode::Image(Escape::Begun);
                }
                Ok(rest)
            }
            Escape::Begun => {
                if byte == b'u' {
                    self.scanner.mode = Mode::Image(Escape::Hex(0, 0));
                    return Ok(after);
                }
                let meant = match byte {
                    b'n' | b'r' | b't' | b'f' | b'b' => b' ',
                    other => other,
                };
                self.image.take(&[meant], &mut self.sink)?;
                self.scanner.mode = Mode::Image(Escape::No);
                Ok(after)
            }
            Escape::Hex(digits, value) => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                let value = value * 16 + digit;
                if digits < 3 {
                    self.scanner.mode = Mode::Image(Escape::Hex(digits + 1, value));
                } else {
                    // What is beyond ASCII is no base64 in any case.
                    let meant = u8::try_from(value).ok().filter(u8::is_ascii);
                    self.image.take(&[meant.unwrap_or(b'?')], &mut self.sink)?;
                    self.scanner.mode = Mode::Image(Escape::No);
                }
                Ok(after)
            }
        }
    }
}

impl<R: BufRead, W: Write> Read for ImageDiverter<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.out_at >= self.out.len()
            && let Err(error) = self.refill()
        {
            let told = io::Error::new(error.kind(), "the source or the spool failed");
            self.failure = Some(error);
            return Err(told);
        }
        let ready = self.out.get(self.out_at..).unwrap_or_default();
        let n = ready.len().min(buffer.len());
        let (Some(to), Some(from)) = (buffer.get_mut(..n), ready.get(..n)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        self.out_at += n;
        Ok(n)
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Whether a raw key is `image`, escapes considered.
fn is_image_key(raw: &[u8]) -> bool {
    if !raw.contains(&b'\\') {
        return raw == b"image";
    }
    let quoted = [b"\"", raw, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).is_ok_and(|key| key == "image")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// JSON that comes out, the picture's fate, its bytes, and bad numbers.
    fn divert(text: &str, buffer: usize) -> (String, EmbeddedPicture, Vec<u8>, u32) {
        let source = io::BufReader::with_capacity(buffer, text.as_bytes());
        let mut diverter = ImageDiverter::new(source, Vec::new());
        let mut json = String::new();
        diverter.read_to_string(&mut json).unwrap();
        let (image, bad, bytes) = diverter.finish().unwrap();
        (json, image, bytes, bad)
    }

    fn bytes_of(text: &str) -> Option<Vec<u8>> {
        let mut results = [1, 3, 64, 8192].map(|buffer| {
            let (json, image, bytes, _) = divert(text, buffer);
            assert!(
                serde_json::from_str::<serde_json::Value>(&json).is_ok(),
                "{json}"
            );
            matches!(image, EmbeddedPicture::Bytes { .. }).then_some(bytes)
        });
        assert!(results.iter().all(|r| *r == results[0]));
        results[0].take()
    }

    #[test]
    fn the_picture_goes_into_the_sink_and_an_empty_string_stays() {
        let (json, image, bytes, _) = divert(r#"{"a":[1,2],"image":"aGVsbG8=","b":{}}"#, 5);
        assert_eq!(json, r#"{"a":[1,2],"image":"","b":{}}"#);
        assert_eq!(bytes, b"hello");
        assert!(matches!(
            image,
            EmbeddedPicture::Bytes {
                length: 5,
                duplicates: 0,
                ..
            }
        ));
    }

    #[test]
    fn base64_is_taken_in_every_dress() {
        let dresses = [
            r#"{"image":"aGVsbG8"}"#,
            r#"{"image":"aGVs bG8="}"#,
            r#"{"image":"aGVs\r\nbG8=\n"}"#,
            r#"{"image":"data:image/png;base64,aGVsbG8="}"#,
            r#"{"image":"DATA:image/png;charset=x;BASE64,aGVsbG8="}"#,
            r#"{"im\u0061ge":"\u0061GVsbG8="}"#,
            "\u{feff}{ \"image\" : \"aGVsbG8=\" }",
            r#"{"image":"","image":"aGVsbG8="}"#,
            r#"{"x":{"image":"d29ybGQ="},"image":"aGVsbG8="}"#,
            r#"{"x":"\"image\":\"","image":"aGVsbG8="}"#,
        ];
        for text in dresses {
            assert_eq!(
                bytes_of(text).as_deref(),
                Some(b"hello".as_slice()),
                "{text}"
            );
        }
        assert_eq!(bytes_of(r#"{"image":"\/\/\/+"}"#).unwrap(), [255, 255, 254]);
        assert_eq!(bytes_of(r#"{"image":"___-"}"#).unwrap(), [255, 255, 254]);
    }

    #[test]
    fn the_first_picture_wins() {
        let (_, image, bytes, _) = divert(r#"{"image":"aGVsbG8=","image":"d29ybGQ="}"#, 64);
        assert_eq!(bytes, b"hello");
        assert!(matches!(
            image,
            EmbeddedPicture::Bytes { duplicates: 1, .. }
        ));
    }

    #[test]
    fn what_is_no_base64_is_told_apart() {
        let outcome = |text: &str| divert(text, 7).1;
        assert_eq!(outcome("{}"), EmbeddedPicture::Absent);
        assert_eq!(outcome(r#"{"image":null}"#), EmbeddedPicture::Absent);
        assert_eq!(outcome(r#"{"image":""}"#), EmbeddedPicture::Empty);
        assert_eq!(
            outcome(r#"{"image":"data:image/png;base64,"}"#),
            EmbeddedPicture::Empty
        );
        assert_eq!(
            outcome(r#"{"image":"maps\/cave.png"}"#),
            EmbeddedPicture::Path("maps/cave.png".into())
        );
        assert!(matches!(
            outcome(r#"{"image":"aGVs=bG8="}"#),
            EmbeddedPicture::Broken { .. }
        ));
        let long = format!(r#"{{"image":"{}*"}}"#, "aGVs".repeat(200));
        assert!(matches!(
            outcome(&long),
            EmbeddedPicture::Broken { after: 800 }
        ));
        assert_eq!(
            outcome(r#"[{"image":"aGVsbG8="}]"#),
            EmbeddedPicture::Absent
        );
    }

    #[test]
    fn numbers_that_json_does_not_have_become_null() {
        let text = r#"{"a":[NaN,-Infinity,1e999,1.5,true,"NaN"],"b":Infinity}"#;
        for buffer in [1, 2, 100] {
            let (json, _, _, bad) = divert(text, buffer);
            assert_eq!(json, r#"{"a":[null,null,null,1.5,true,"NaN"],"b":null}"#);
            assert_eq!(bad, 4);
        }
    }

    proptest! {
        #[test]
        fn other_json_passes_unchanged(keys in prop::collection::vec(".{0,8}", 0..6), buffer in 1usize..40) {
            let object: serde_json::Map<_, _> = keys
                .into_iter()
                .filter(|k| k != "image")
                .map(|k| (k.clone(), serde_json::json!([k, 1, -2.5e-3, {"image": "x"}])))
                .collect();
            let text = serde_json::Value::Object(object).to_string();
            prop_assert_eq!(divert(&text, buffer).0, text);
        }

        #[test]
        fn any_bytes_survive(bytes in prop::collection::vec(any::<u8>(), 0..200), buffer in 1usize..20) {
            let mut text = b"{\"image\":\"".to_vec();
            text.extend_from_slice(&bytes);
            let source = io::BufReader::with_capacity(buffer, text.as_slice());
            let mut diverter = ImageDiverter::new(source, io::sink());
            io::copy(&mut diverter, &mut io::sink()).unwrap();
            diverter.finish().unwrap();
        }
    }
}

//! Archives come back as they went, and hostile ones leave nothing behind.

use std::io::{Cursor, Read as _, Write as _};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::read::Archive;
use super::write::{Contents, GameContents, PartyContents, PictureFile};
use super::{ArchiveError, FORMAT, Limits, Manifest};
use crate::model::id::{GameSessionId, PartyId};
use crate::model::party::PartyDefaults;
use crate::storage::blobs::hash_of;

fn png(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 20, 10);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[shade; 200]).unwrap();
    writer.finish().unwrap();
    bytes
}

fn contents() -> Contents {
    let mut contents = Contents::default();
    for shade in [1, 2, 1] {
        contents
            .add_picture(
                |hash, info| format!("map/{hash}-{}.png", info.width),
                "a map.png",
                PictureFile::Bytes(png(shade)),
            )
            .unwrap();
    }
    contents.add_party(PartyContents {
        id: PartyId::new("p"),
        name: "The party".into(),
        defaults: PartyDefaults::default(),
        document: Some(vec![0, 0]),
        games: vec![
            GameContents {
                id: GameSessionId::new("g1"),
                name: "One".into(),
                document: Some(b"document one".repeat(50)),
                scenes: 3,
            },
            GameContents {
                id: GameSessionId::new("g2"),
                name: "Two".into(),
                document: None,
                scenes: 0,
            },
        ],
    });
    contents
}

fn archive_bytes() -> Vec<u8> {
    let mut target = Cursor::new(Vec::new());
    contents().write_to(&mut target).unwrap();
    target.into_inner()
}

fn open(bytes: &[u8]) -> Result<Archive<Cursor<&[u8]>>, ArchiveError> {
    Archive::open(Cursor::new(bytes), Limits::default())
}

/// Opens an archive and reads everything in it, as an import does.
fn read_all(bytes: &[u8]) -> Result<usize, ArchiveError> {
    read_all_within(bytes, Limits::default())
}

fn read_all_within(bytes: &[u8], limits: Limits) -> Result<usize, ArchiveError> {
    let mut archive = Archive::open(Cursor::new(bytes), limits)?;
    let manifest = archive.manifest().clone();
    let mut total = 0;
    for party in &manifest.parties {
        let games = party.games.iter().filter_map(|g| g.document.as_ref());
        for hash in party.document.iter().chain(games) {
            total += archive.document(hash)?.len();
        }
    }
    for picture in &manifest.pictures {
        total += archive.picture(&picture.hash, |source| {
            let mut bytes = Vec::new();
            source.read_to_end(&mut bytes)?;
            if hash_of(&bytes) != picture.hash {
                return Err(ArchiveError::Damaged("hash".into()));
            }
            Ok::<_, ArchiveError>(bytes.len())
        })?;
    }
    Ok(total)
}

#[test]
fn what_goes_in_comes_out_and_equal_contents_are_equal_bytes() {
    let bytes = archive_bytes();
    assert_eq!(bytes, archive_bytes());
    let mut archive = open(&bytes).unwrap();
    let manifest: Manifest = archive.manifest().clone();
    assert_eq!(manifest, contents().manifest());
    assert_eq!(manifest.pictures.len(), 2, "equal pictures are one");
    let game = manifest.parties[0].games[0].document.clone().unwrap();
    assert_eq!(archive.document(&game).unwrap(), b"document one".repeat(50));
    assert!(archive.strangers().is_empty());
    read_all(&bytes).unwrap();
}

/// Builds a ZIP by hand: a valid campaign with some entries in place of its own or besides.
struct Forge {
    entries: Vec<(String, Vec<u8>, CompressionMethod)>,
}

impl Forge {
    fn valid() -> Self {
        let bytes = archive_bytes();
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let entries = (0..zip.len())
            .map(|i| {
                let mut entry = zip.by_index(i).unwrap();
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                let name = entry.name().unwrap().into_owned();
                (name, bytes, entry.compression())
            })
            .collect();
        Self { entries }
    }

    fn add(mut self, name: &str, bytes: &[u8]) -> Self {
        let entry = (name.to_owned(), bytes.to_vec(), CompressionMethod::Deflated);
        self.entries.push(entry);
        self
    }

    fn change(mut self, of: &str, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let entry = self.entries.iter_mut().find(|(n, ..)| n.starts_with(of));
        change(&mut entry.unwrap().1);
        self
    }

    fn manifest(self, change: impl FnOnce(&mut serde_json::Value)) -> Self {
        self.change("manifest.json", |bytes| {
            let mut json = serde_json::from_slice(bytes).unwrap();
            change(&mut json);
            *bytes = serde_json::to_vec(&json).unwrap();
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes, method) in &self.entries {
            let options = SimpleFileOptions::default().compression_method(*method);
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }
}

#[test]
fn entries_that_do_not_belong_are_never_read() {
    let names = [
        "../evil",
        "../../../../tmp/evil",
        "/etc/passwd",
        "..\\evil",
        "C:\\evil",
        "\\\\host\\share",
        "documents/../evil",
        "pictures/../../evil",
        "CON",
        "aux.txt",
        "documents/",
        "a/b/c",
        "Manifest.json",
        "manifest.json ",
        "pictures/ABC",
        "inner.tableglow",
        "evil\u{202e}gpj.exe",
    ];
    for name in names {
        let archive_bytes = Forge::valid().add(name, b"evil").bytes();
        let archive = open(&archive_bytes).unwrap();
        assert_eq!(archive.strangers().len(), 1, "{name}");
        read_all(&archive_bytes).unwrap();
    }
}

#[test]
fn tampered_archives_are_refused_in_words() {
    type Case = (&'static str, Forge);
    let cases: [Case; 11] = [
        (
            "a document",
            Forge::valid().change("documents/", |b| b[0] ^= 1),
        ),
        (
            "a picture",
            Forge::valid().change("pictures/", |b| b[60] ^= 1),
        ),
        (
            "no manifest",
            Forge {
                entries: Forge::valid().entries.split_off(1),
            },
        ),
        (
            "empty manifest",
            Forge::valid().change("manifest.json", Vec::clear),
        ),
        (
            "not JSON",
            Forge::valid().change("manifest.json", |b| b[0] = b'<'),
        ),
        (
            "other kind",
            Forge::valid().manifest(|m| m["format"] = "other".into()),
        ),
        (
            "newer",
            Forge::valid().manifest(|m| m["formatVersion"] = 2.into()),
        ),
        (
            "missing",
            Forge::valid().manifest(|m| {
                m["parties"][0]["document"] = "0".repeat(64).into();
            }),
        ),
        (
            "no hash",
            Forge::valid().manifest(|m| {
                m["parties"][0]["document"] = "../../etc/passwd".into();
            }),
        ),
        (
            "same id",
            Forge::valid().manifest(|m| {
                m["parties"][0]["games"][1]["id"] = "g1".into();
            }),
        ),
        (
            "long id",
            Forge::valid().manifest(|m| {
                m["parties"][0]["id"] = "x".repeat(100_000).into();
            }),
        ),
    ];
    for (name, forge) in cases {
        let result = read_all(&forge.bytes()).map_err(|error| error.to_string());
        assert!(result.is_err(), "{name}");
        let text = result.unwrap_err();
        assert!(text.contains("nothing was taken"), "{name}: {text}");
    }
    let newer = Forge::valid().manifest(|m| {
        m["formatVersion"] = 9.into();
        m["parties"] = "in another shape".into();
    });
    assert!(matches!(
        read_all(&newer.bytes()),
        Err(ArchiveError::Newer { found: 9 })
    ));
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    // The writer refuses duplicates, so the second name is changed in the finished bytes.
    let twin = "documents/".to_owned() + &"e".repeat(64) + ".bin";
    let original = Forge::valid()
        .entries
        .iter()
        .find(|(n, ..)| n.starts_with("documents/"))
        .unwrap()
        .0
        .clone();
    let mut bytes = Forge::valid().add(&twin, b"twin").bytes();
    while let Some(at) = bytes.windows(twin.len()).position(|w| w == twin.as_bytes()) {
        bytes[at..at + twin.len()].copy_from_slice(original.as_bytes());
    }
    let error = read_all(&bytes).unwrap_err();
    assert!(matches!(error, ArchiveError::Damaged(_)), "{error}");
}

#[test]
fn a_bomb_is_stopped_while_it_unpacks() {
    // 8 MiB of zeros pack a thousand to one.
    let zeros = vec![0; 8 << 20];
    let hash = hash_of(&zeros);
    let bomb = Forge::valid()
        .add(&format!("documents/{hash}.bin"), &zeros)
        .manifest(|m| m["parties"][0]["document"] = hash.clone().into())
        .bytes();
    let error = read_all(&bomb).unwrap_err();
    assert!(
        matches!(&error, ArchiveError::TooMuch(why) if why.contains("200")),
        "{error}"
    );

    // The same with a directory that claims 10 bytes.
    let mut liar = bomb;
    let size = (zeros.len() as u32).to_le_bytes();
    for at in 0..liar.len() - 4 {
        if liar[at..at + 4] == size {
            liar[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
        }
    }
    assert!(read_all(&liar).is_err());
}

#[test]
fn limits_hold_for_entries_and_for_the_sum() {
    let many = (0..40).fold(Forge::valid(), |forge, i| forge.add(&format!("x{i}"), b""));
    let few = Limits {
        entries: 30,
        ..Limits::default()
    };
    let error = read_all_within(&many.bytes(), few).unwrap_err();
    assert!(matches!(error, ArchiveError::TooMuch(_)), "{error}");

    let bytes = archive_bytes();
    let small = Limits {
        total_bytes: 900,
        ..Limits::default()
    };
    assert!(matches!(
        read_all_within(&bytes, small),
        Err(ArchiveError::TooMuch(_))
    ));
    let short = Limits {
        document_bytes: 10,
        ..Limits::default()
    };
    assert!(matches!(
        read_all_within(&bytes, short),
        Err(ArchiveError::TooMuch(_))
    ));
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let bytes = Forge::valid().add("padding", &png(9).repeat(300)).bytes();
    for cut in (0..bytes.len()).step_by(64) {
        assert!(open(&bytes[..cut]).is_err(), "{cut} of {}", bytes.len());
    }
    assert!(open(b"").is_err());
    assert!(open(&png(3)).is_err());
}

#[test]
fn a_picture_that_is_none_does_not_go_in() {
    let mut contents = Contents::default();
    let error = contents
        .add_picture(
            |h, _| h.to_owned(),
            "notes.txt",
            PictureFile::Bytes(b"hello".to_vec()),
        )
        .unwrap_err();
    assert!(
        error.to_string().starts_with("the picture notes.txt"),
        "{error}"
    );
    assert_eq!(contents.manifest().format, FORMAT);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_change_of_any_bytes_panics_or_passes_wrong_bytes(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = archive_bytes();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let total = read_all(&archive_bytes()).unwrap();
        if let Ok(read) = read_all(&bytes) {
            prop_assert!(read <= total);
        }
    }
}

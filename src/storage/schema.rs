//! The tables of a library database, and how an older one becomes a newer one.
//!
//! `PRAGMA user_version` counts the scripts that were run. A script that has left this machine
//! is never edited: the next change is a new one at the end.

/// `PRAGMA application_id` of a library: "TGLW".
pub(super) const APPLICATION_ID: i64 = 0x5447_4c57;

/// The scripts, in order; the schema version is their number.
pub(super) const MIGRATIONS: &[&str] = &[V1, V2, V3];

/// `seq` is the store's generation: one counter over all documents, so that "everything up to
/// here is on disk" is one number. Checksums are the first 8 bytes of SHA-256 over the bytes.
/// `set_aside` keeps snapshots that no longer agree with their checksum.
/// `deleted_ms` is the bin: rows leave the list, not the disk.
const V1: &str = "
CREATE TABLE parties (
    id          TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    defaults    TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    deleted_ms  INTEGER
);
CREATE TABLE game_sessions (
    id          TEXT PRIMARY KEY NOT NULL,
    party       TEXT NOT NULL REFERENCES parties (id),
    name        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    last_used   INTEGER NOT NULL,
    scene_count INTEGER NOT NULL DEFAULT 0,
    deleted_ms  INTEGER
);
CREATE INDEX game_sessions_by_party ON game_sessions (party);
CREATE TABLE documents (
    id          INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE
);
CREATE TABLE doc_updates (
    seq         INTEGER PRIMARY KEY,
    doc         INTEGER NOT NULL REFERENCES documents (id),
    bytes       BLOB NOT NULL,
    checksum    BLOB NOT NULL
);
CREATE INDEX doc_updates_by_doc ON doc_updates (doc, seq);
CREATE TABLE doc_snapshots (
    doc         INTEGER NOT NULL REFERENCES documents (id),
    upto_seq    INTEGER NOT NULL,
    made_ms     INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    checksum    BLOB NOT NULL,
    PRIMARY KEY (doc, upto_seq)
);
CREATE TABLE set_aside (
    id          INTEGER PRIMARY KEY,
    doc         INTEGER NOT NULL,
    upto_seq    INTEGER NOT NULL,
    found_ms    INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    checksum    BLOB NOT NULL
);
CREATE TABLE settings (
    key         TEXT PRIMARY KEY NOT NULL,
    json        TEXT NOT NULL
);
CREATE TABLE assets (
    hash        TEXT PRIMARY KEY NOT NULL,
    format      TEXT NOT NULL,
    width       INTEGER NOT NULL,
    height      INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    added_ms    INTEGER NOT NULL
);
CREATE TABLE asset_locations (
    location    TEXT PRIMARY KEY NOT NULL,
    hash        TEXT NOT NULL REFERENCES assets (hash)
);
CREATE TABLE thumbnails (
    game        TEXT NOT NULL,
    scene       TEXT NOT NULL,
    png         BLOB NOT NULL,
    PRIMARY KEY (game, scene)
);
";

/// Scenes that were deleted, as they were; `bytes` is a game document that holds nothing else.
const V2: &str = "
CREATE TABLE removed_scenes (
    id          INTEGER PRIMARY KEY,
    game        TEXT NOT NULL,
    scene       TEXT NOT NULL,
    name        TEXT NOT NULL,
    removed_ms  INTEGER NOT NULL,
    by_other    INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    checksum    BLOB NOT NULL,
    UNIQUE (game, scene)
);
";

/// What each scene of a game was when this library and the game's room last held the same.
const V3: &str = "
CREATE TABLE agreed_scenes (
    game        TEXT NOT NULL,
    scene       TEXT NOT NULL,
    name        TEXT NOT NULL,
    digest      INTEGER NOT NULL,
    agreed_ms   INTEGER NOT NULL,
    changed_ms  INTEGER,
    PRIMARY KEY (game, scene)
);
";

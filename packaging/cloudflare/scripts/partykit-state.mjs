/**
 * Reads the rooms that `partykit dev` kept under `.partykit/state`: one SQLite file per room, in a
 * folder per party, with what y-partykit persisted.
 *
 * Folders are `-<party>DO`, and `-PartyKitDurable` for the party `main`. The table
 * `_cf_KV` has V8-serialised values under y-partykit's keys:
 *
 *     "v1"#"<room>"#"update"#<n, 9 digits>#<slice, 3 digits>    128 KiB slices of the update n
 *     "v1_sv"#"<room>"#<slice>                                  the state vector; not needed
 *
 * The last changes are in the write-ahead log beside the file, often all of them.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { deserialize } from "node:v8";
import initSqlJs from "sql.js";
import * as Y from "yjs";

/** Every SQLite file in a folder and below, or the file itself. */
export async function sqliteFiles(path) {
  if ((await stat(path)).isFile()) return [path];
  const files = (await readdir(path, { recursive: true })).filter((name) => name.endsWith(".sqlite"));
  return files.sort().map((name) => join(path, name));
}

/** The party whose rooms are in a file's folder; null when the folder is none of partykit's. */
export function partyOf(file) {
  const folder = basename(dirname(file));
  if (/(^|-)PartyKitDurable$/.test(folder)) return "main";
  // `partykit dev` itself leaves the worker's name empty; with one, a dash in it ends before the party.
  return /^-(.+)DO$/.exec(folder)?.[1] ?? /-([^-]+)DO$/.exec(folder)?.[1] ?? null;
}

/**
 * The rooms of a file: `{ room, update }`, the update of version 1 that makes the document. Throws
 * when the file is no database, or a room lacks a part of its document.
 */
export async function roomsOf(file) {
  const SQL = await initSqlJs();
  const db = new SQL.Database(await readWithLog(file));
  try {
    const tables = db.exec("SELECT 1 FROM sqlite_master WHERE name = '_cf_KV'");
    if (tables.length === 0) return [];
    const slices = new Map();
    const rows = db.prepare("SELECT key, value FROM _cf_KV ORDER BY key");
    while (rows.step()) {
      const [key, value] = rows.get();
      const [, room, n, slice] = /^"v1"#"(.*)"#"update"#(\d+)#(\d+)$/s.exec(key) ?? [];
      if (room === undefined) continue;
      const updates = slices.get(room) ?? slices.set(room, new Map()).get(room);
      const update = updates.get(n) ?? updates.set(n, []).get(n);
      if (Number(slice) !== update.length) throw new Error(`${file}: the room ${room} lacks a slice of its update ${Number(n)}`);
      update.push(deserialize(value));
    }
    rows.free();
    return [...slices].map(([room, updates]) => ({ room, update: asOneUpdate([...updates.values()].map((parts) => Buffer.concat(parts))) }));
  } finally {
    db.close();
  }
}

/** Updates as one, without what was deleted. Throws when something they build on is missing. */
export function asOneUpdate(updates) {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) throw new Error("a part of the document is missing");
  return Y.encodeStateAsUpdate(doc);
}

/** The bytes of a database, with its write-ahead log applied, as one file that needs no log. */
export async function readWithLog(file) {
  const main = await readFile(file);
  const log = await readFile(`${file}-wal`).catch(() => Buffer.alloc(0));
  const image = applyLog(main, log);
  // Read and write version: 2 is "with a log", 1 is without.
  if (image.length >= 20) image[18] = image[19] = 1;
  return image;
}

/**
 * Applies the committed frames of a write-ahead log (https://www.sqlite.org/fileformat2.html#walformat).
 * Frames after the last commit, of an older run of the log, or damaged, are left out, as SQLite does.
 */
export function applyLog(main, log) {
  if (log.length < 32) return main;
  const magic = log.readUInt32BE(0);
  if (magic >>> 1 !== 0x377f0682 >>> 1) return main;
  const sum = checksum(magic & 1);
  const pageSize = log.readUInt32BE(8);
  let state = sum([0, 0], log.subarray(0, 24));
  if (state[0] !== log.readUInt32BE(24) || state[1] !== log.readUInt32BE(28)) return main;
  const salts = log.subarray(16, 24);
  const committed = new Map();
  let open = new Map();
  let pages = main.length / pageSize;
  for (let at = 32; at + 24 + pageSize <= log.length; at += 24 + pageSize) {
    const page = log.subarray(at + 24, at + 24 + pageSize);
    state = sum(sum(state, log.subarray(at, at + 8)), page);
    if (!log.subarray(at + 8, at + 16).equals(salts)) break;
    if (state[0] !== log.readUInt32BE(at + 16) || state[1] !== log.readUInt32BE(at + 20)) break;
    open.set(log.readUInt32BE(at), page);
    const pagesAfterCommit = log.readUInt32BE(at + 4);
    if (pagesAfterCommit === 0) continue;
    for (const [number, bytes] of open) committed.set(number, bytes);
    open = new Map();
    pages = pagesAfterCommit;
  }
  const image = Buffer.alloc(pages * pageSize);
  main.copy(image);
  for (const [number, bytes] of committed) if (number <= pages) bytes.copy(image, (number - 1) * pageSize);
  return image;
}

/** The log's running checksum, over 32-bit words of the byte order that its magic number names. */
function checksum(bigEndian) {
  return ([a, b], bytes) => {
    for (let i = 0; i + 8 <= bytes.length; i += 8) {
      a = (a + (bigEndian ? bytes.readUInt32BE(i) : bytes.readUInt32LE(i)) + b) >>> 0;
      b = (b + (bigEndian ? bytes.readUInt32BE(i + 4) : bytes.readUInt32LE(i + 4)) + a) >>> 0;
    }
    return [a, b];
  };
}

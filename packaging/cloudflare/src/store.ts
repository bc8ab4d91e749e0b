/**
 * A room's document on the object's own SQLite: a snapshot and the updates since, both cut into
 * parts, since a row holds 2 MB at most. Every change is one transaction, so that what is read back
 * is always a state that once was.
 *
 * *No record* means an empty document. Anything else that cannot be read throws: a room that cannot
 * be read is refused and tried again, never begun anew over what it held.
 */
import { concat } from "./replies";

/** Bytes of a part; well under the platform's 2 MB for a row. */
const PART = 1_000_000;

/** The log is folded into the snapshot when it holds more updates than this, … */
const LOG_UPDATES = 1000;

/** … or more bytes than this and than the snapshot. */
const LOG_BYTES = 1_000_000;

export class Store {
  readonly #storage: DurableObjectStorage;
  #snapshotBytes = 0;
  #logBytes = 0;
  #logUpdates = 0;
  #next = 1;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Bytes of the document as it is stored. */
  get bytes(): number {
    return this.#snapshotBytes + this.#logBytes;
  }

  /** Updates that are not in the snapshot yet. */
  get logUpdates(): number {
    return this.#logUpdates;
  }

  /** Whether the log has grown so much that it should be folded into the snapshot. */
  get wantsCompaction(): boolean {
    return this.#logUpdates > LOG_UPDATES || this.#logBytes > Math.max(LOG_BYTES, this.#snapshotBytes);
  }

  /**
   * Everything stored, as Yjs updates (version 1) in their order; empty when there is no record.
   * `n` 0 is the snapshot. Throws when the store cannot be read or parts are missing.
   */
  load(): Uint8Array[] {
    const { sql } = this.#storage;
    // Without a rowid the key is the table: one row written and billed per part, not two.
    sql.exec(
      `CREATE TABLE IF NOT EXISTS document (
         n INTEGER NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL,
         PRIMARY KEY (n, part)
       ) WITHOUT ROWID`,
    );
    sql.exec("CREATE TABLE IF NOT EXISTS presence (id INTEGER PRIMARY KEY, entries TEXT NOT NULL)");
    const updates: Uint8Array[] = [];
    let pieces: Uint8Array[] = [];
    this.#snapshotBytes = this.#logBytes = this.#logUpdates = 0;
    this.#next = 1;
    for (const row of sql.exec<{ n: number; part: number; parts: number; bytes: number; data: ArrayBuffer }>(
      "SELECT n, part, parts, bytes, data FROM document ORDER BY n, part",
    )) {
      if (row.part !== pieces.length) throw new Error(`update ${row.n} lacks part ${pieces.length} of ${row.parts}`);
      pieces.push(new Uint8Array(row.data));
      if (row.part + 1 < row.parts) continue;
      const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
      if (size !== row.bytes) throw new Error(`update ${row.n} has ${size} bytes instead of ${row.bytes}`);
      updates.push(concat(pieces, size));
      pieces = [];
      this.#count(row.n, size);
    }
    if (pieces.length !== 0) throw new Error("the last update lacks its end");
    return updates;
  }

  /** Adds an update to the log, durable when the object's next answer leaves it. */
  append(update: Uint8Array): void {
    const n = this.#next;
    this.#storage.transactionSync(() => this.#write(n, update));
    this.#count(n, update.byteLength);
  }

  /** Replaces everything by one snapshot. */
  compact(state: Uint8Array): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("DELETE FROM document");
      this.#write(0, state);
    });
    this.#snapshotBytes = this.#logBytes = this.#logUpdates = 0;
    this.#next = 1;
    this.#count(0, state.byteLength);
  }

  /** What was kept of presence, null for nothing. */
  loadPresence(): string | null {
    for (const row of this.#storage.sql.exec<{ entries: string }>("SELECT entries FROM presence WHERE id = 0")) return row.entries;
    return null;
  }

  /** Keeps presence for an object that sleeps while its sockets stay open. */
  savePresence(entries: string): void {
    if (entries.length > PART) return;
    this.#storage.sql.exec("INSERT OR REPLACE INTO presence (id, entries) VALUES (0, ?)", entries);
  }

  #write(n: number, data: Uint8Array): void {
    const parts = Math.max(1, Math.ceil(data.byteLength / PART));
    for (let part = 0; part < parts; part++) {
      this.#storage.sql.exec(
        "INSERT INTO document (n, part, parts, bytes, data) VALUES (?, ?, ?, ?, ?)",
        n,
        part,
        parts,
        data.byteLength,
        data.slice(part * PART, (part + 1) * PART).buffer,
      );
    }
  }

  #count(n: number, bytes: number): void {
    if (n === 0) {
      this.#snapshotBytes = bytes;
    } else {
      this.#logBytes += bytes;
      this.#logUpdates += 1;
    }
    this.#next = n + 1;
  }
}

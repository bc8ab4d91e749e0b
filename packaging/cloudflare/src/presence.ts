/**
 * Who is here: the awareness states of a room's sockets. Takes the place of y-partyserver's own
 * handling, which relays every frame unread, forgets who owns a state when its owner comes back,
 * and never expires one. Knows nothing of documents or storage.
 *
 * - A state is taken when its clock is newer than the known one; stale ones, as JavaScript peers
 *   send back for everything they receive, are dropped before their JSON is read.
 * - The socket that last sent a newer state of a client owns it. Only the owner can end it, and it
 *   ends with the owner's socket.
 * - A client that renews its state (sends it unchanged with a newer clock, every 15 s) and stops is
 *   taken for gone after 30 s. One that never renews (y-partyserver's provider) is gone with its
 *   socket.
 * - Changes leave at once and then every 33 ms, the latest of each client in one frame, to the
 *   sender too: y-partykit's provider takes a socket on which nothing arrives for dead.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";

const MESSAGE_AWARENESS = 1;
const FRAME_MS = 33;
const EXPIRY_MS = 30_000;
const SWEEP_MS = 5_000;
/** How long presence must be quiet before it is kept for a sleeping object. */
const QUIET_MS = 3_000;
/** States of one client, and clients in one frame, beyond which a frame is not taken. */
const MAX_STATE_CHARS = 64 * 1024;
const MAX_CLIENTS = 512;
/** Client ids that one socket can own. */
const MAX_OWNED = 16;

/** A socket as presence knows it: ids it owns are kept with it, so that they outlive a sleep. */
export interface Peer {
  readonly id: string;
  owned(): readonly number[];
  own(ids: number[]): void;
}

interface Entry {
  clock: number;
  /** The state's JSON text; `null` when the client is gone, its clock remembered. */
  json: string;
  owner: Peer | null;
  /** When the client was last heard of, in milliseconds. */
  seen: number;
  renews: boolean;
}

/** An entry as it is kept while the object sleeps. */
type Kept = [client: number, clock: number, json: string, renews: boolean];

export class Presence {
  readonly #entries = new Map<number, Entry>();
  readonly #changed = new Set<number>();
  readonly #broadcast: (frame: Uint8Array) => void;
  readonly #keep: (entries: string) => void;
  #lastFrame = 0;
  #frameTimer: ReturnType<typeof setTimeout> | null = null;
  #sweepTimer: ReturnType<typeof setTimeout> | null = null;
  #quietTimer: ReturnType<typeof setTimeout> | null = null;

  /** `broadcast` sends a frame to every socket; `keep` stores a text until the object wakes. */
  constructor(broadcast: (frame: Uint8Array) => void, keep: (entries: string) => void) {
    this.#broadcast = broadcast;
    this.#keep = keep;
  }

  /** Takes up what was kept, as far as the sockets that own it are still open. */
  restore(kept: string, peers: Iterable<Peer>): void {
    const owners = new Map<number, Peer>();
    for (const peer of peers) for (const client of peer.owned()) owners.set(client, peer);
    for (const [client, clock, json, renews] of JSON.parse(kept) as Kept[]) {
      const owner = owners.get(client);
      if (owner !== undefined) this.#entries.set(client, { clock, json, owner, seen: Date.now(), renews });
    }
    this.#sweepLater();
  }

  /** Takes an awareness update. Throws on what cannot be decoded. */
  receive(peer: Peer, update: Uint8Array): void {
    const decoder = decoding.createDecoder(update);
    const count = decoding.readVarUint(decoder);
    if (count > MAX_CLIENTS) throw new Error("too many clients in a frame of presence");
    for (let i = 0; i < count; i++) {
      const client = decoding.readVarUint(decoder);
      const clock = decoding.readVarUint(decoder);
      const json = decoding.readVarString(decoder);
      this.#take(peer, client, clock, json);
    }
    this.#frameSoon();
  }

  /** Ends what a socket owned. */
  leave(peer: Peer): void {
    for (const [client, entry] of this.#entries) if (entry.owner?.id === peer.id) this.#end(client, entry);
    this.#frameNow();
  }

  /** Every present client in one frame, null when nobody is. */
  snapshot(): Uint8Array | null {
    const present = [...this.#entries].filter(([, entry]) => entry.json !== "null").map(([client]) => client);
    return present.length === 0 ? null : this.#encode(present);
  }

  #take(peer: Peer, client: number, clock: number, json: string): void {
    const known = this.#entries.get(client);
    if (json === "null") {
      // Peers also pass on the ends they decided on themselves, of clients that are alive here.
      if (known === undefined || known.owner?.id !== peer.id || clock < known.clock) return;
      known.clock = clock;
      this.#end(client, known);
      return;
    }
    // Clock 0 is a client that has not said anything yet; peers do not take it either.
    if (clock <= (known?.clock ?? 0)) return;
    if (json.length > MAX_STATE_CHARS || !isJsonObject(json)) return;
    if (known?.owner?.id !== peer.id) {
      if (peer.owned().length >= MAX_OWNED) return;
      if (known?.owner) known.owner.own(known.owner.owned().filter((id) => id !== client));
      if (!peer.owned().includes(client)) peer.own([...peer.owned(), client]);
    }
    const renews = known !== undefined && (known.renews || known.json === json);
    this.#entries.set(client, { clock, json, owner: peer, seen: Date.now(), renews });
    this.#changed.add(client);
    if (renews) this.#sweepLater();
  }

  #end(client: number, entry: Entry): void {
    entry.owner?.own(entry.owner.owned().filter((id) => id !== client));
    entry.owner = null;
    entry.json = "null";
    this.#changed.add(client);
  }

  #frameSoon(): void {
    if (this.#changed.size === 0 || this.#frameTimer !== null) return;
    const wait = this.#lastFrame + FRAME_MS - Date.now();
    if (wait <= 0) this.#frameNow();
    else this.#frameTimer = setTimeout(() => this.#frameNow(), wait);
  }

  #frameNow(): void {
    if (this.#frameTimer !== null) clearTimeout(this.#frameTimer);
    this.#frameTimer = null;
    if (this.#changed.size === 0) return;
    this.#lastFrame = Date.now();
    const frame = this.#encode([...this.#changed]);
    this.#changed.clear();
    this.#broadcast(frame);
    this.#keepLater();
  }

  #encode(clients: number[]): Uint8Array {
    const update = encoding.createEncoder();
    encoding.writeVarUint(update, clients.length);
    for (const client of clients) {
      const entry = this.#entries.get(client);
      encoding.writeVarUint(update, client);
      encoding.writeVarUint(update, entry?.clock ?? 0);
      encoding.writeVarString(update, entry?.json ?? "null");
    }
    const frame = encoding.createEncoder();
    encoding.writeVarUint(frame, MESSAGE_AWARENESS);
    encoding.writeVarUint8Array(frame, encoding.toUint8Array(update));
    return encoding.toUint8Array(frame);
  }

  /** A pending timer keeps the object awake, so it only runs while there is somebody to expire. */
  #sweepLater(): void {
    if (this.#sweepTimer !== null || ![...this.#entries.values()].some(expires)) return;
    this.#sweepTimer = setTimeout(() => {
      this.#sweepTimer = null;
      const latest = Date.now() - EXPIRY_MS;
      for (const [client, entry] of this.#entries) if (expires(entry) && entry.seen < latest) this.#end(client, entry);
      this.#frameNow();
      this.#sweepLater();
    }, SWEEP_MS);
  }

  #keepLater(): void {
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => {
      this.#quietTimer = null;
      const kept = [...this.#entries].filter(([, entry]) => entry.owner !== null);
      this.#keep(JSON.stringify(kept.map(([client, { clock, json, renews }]): Kept => [client, clock, json, renews])));
    }, QUIET_MS);
  }
}

function expires(entry: Entry): boolean {
  return entry.renews && entry.json !== "null";
}

function isJsonObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

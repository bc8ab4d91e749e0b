/**
 * Messages in pieces, as y-partykit's provider sends those of more than 1,000,000 bytes:
 *
 *     y-pk-batch#{"id":"gf","type":"start","size":3000027,"count":4}     a text frame
 *     … `count` binary frames, slices of the whole message …
 *     y-pk-batch#{"id":"gf","type":"end","size":3000027,"count":4}       a text frame
 *
 * While a batch is open every binary frame of that socket is a piece of it.
 */
import { LIMITS } from "./environment";
import { concat } from "./replies";

const PREFIX = "y-pk-batch#";

interface Marker {
  id: string;
  type: "start" | "end";
  size: number;
  count: number;
}

/** An open batch of one socket. */
interface Open extends Marker {
  pieces: Uint8Array[];
  received: number;
  /** Runs out when the batch stays open; until then it also keeps the object from sleeping. */
  timer: ReturnType<typeof setTimeout>;
}

/** How long a batch may take. */
const BATCH_MS = 60_000;

/** A batch that does not add up: the socket that sent it cannot be trusted with another frame. */
export class BatchError extends Error {}

/** The open batches of a room, by socket. */
export class Batches {
  readonly #open = new WeakMap<WebSocket, Open>();
  readonly #onTimeout: (socket: WebSocket) => void;

  /** `onTimeout` is called for a socket whose batch is not finished in time. */
  constructor(onTimeout: (socket: WebSocket) => void) {
    this.#onTimeout = onTimeout;
  }

  static isMarker(text: string): boolean {
    return text.startsWith(PREFIX);
  }

  isOpen(socket: WebSocket): boolean {
    return this.#open.has(socket);
  }

  /** Takes a marker; returns the whole message when it was the end of a batch. */
  mark(socket: WebSocket, text: string): Uint8Array | null {
    const marker = readMarker(text);
    const open = this.#open.get(socket);
    if (marker.type === "start") {
      if (open !== undefined) throw new BatchError("a batch was begun inside another");
      if (marker.size > LIMITS.message) throw new BatchError(`a batch of ${marker.size} bytes is too large`);
      const timer = setTimeout(() => {
        this.#open.delete(socket);
        this.#onTimeout(socket);
      }, BATCH_MS);
      this.#open.set(socket, { ...marker, pieces: [], received: 0, timer });
      return null;
    }
    if (open === undefined || open.id !== marker.id) throw new BatchError("a batch ended that was not begun");
    this.close(socket);
    if (open.received !== open.size || open.pieces.length !== open.count) throw new BatchError("a batch ended before it was whole");
    return concat(open.pieces, open.size);
  }

  /** Gives up what is open of a socket. */
  close(socket: WebSocket): void {
    clearTimeout(this.#open.get(socket)?.timer ?? null);
    this.#open.delete(socket);
  }

  /** Takes a piece of the open batch. */
  add(socket: WebSocket, piece: Uint8Array): void {
    const open = this.#open.get(socket);
    if (open === undefined) throw new BatchError("a piece came outside a batch");
    open.received += piece.byteLength;
    if (open.received > open.size || open.pieces.length >= open.count) throw new BatchError("a batch is longer than it said");
    open.pieces.push(piece);
  }
}

function readMarker(text: string): Marker {
  let json: Partial<Record<keyof Marker, unknown>> | null;
  try {
    json = JSON.parse(text.slice(PREFIX.length)) as typeof json;
  } catch {
    throw new BatchError("a batch marker is not JSON");
  }
  const { id, type, size, count } = json ?? {};
  if (typeof id !== "string" || (type !== "start" && type !== "end") || !isCount(size) || !isCount(count)) {
    throw new BatchError("a batch marker lacks what it needs");
  }
  return { id, type, size, count };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

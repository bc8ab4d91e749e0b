/**
 * A room: one Durable Object with a Yjs document on y-partyserver, kept in the object's SQLite, and
 * the room's side of HTTP. Who may come in was decided before (`worker.ts`); nothing else can reach
 * an object. Sockets hibernate: a quiet room costs nothing while they stay open.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { Connection, ConnectionContext, WSMessage } from "partyserver";
import { YServer } from "y-partyserver";
import * as sync from "y-protocols/sync";
import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector, mergeUpdates } from "yjs";
import { BatchError, Batches } from "./batch";
import { LIMITS } from "./environment";
import { Presence, type Peer } from "./presence";
import { readBody, reason, refuse, reply } from "./replies";
import { Store } from "./store";

const MESSAGE_SYNC = 0;
const MESSAGE_AWARENESS = 1;
const MESSAGE_QUERY_AWARENESS = 3;

/**
 * Tableglow's own message, to those who ask for it with `tableglow=1`: 120, 0, how many document
 * messages (step 2 and update) of this socket are durable, from the first on, and the state vector
 * of the durable document. Other clients pass over message types that they do not know.
 */
const MESSAGE_TABLEGLOW = 120;
const DURABLE = 0;

/** What y-partyserver's provider puts before the texts that its user sends and receives. */
const CUSTOM_MESSAGE = "__YPS:";

/** Edits are durable after this at the latest. */
const SAVE_MS = 250;
const RETRY_MS = [1_000, 2_000, 5_000, 15_000] as const;

/** What the runtime reports for a close frame without a code, as browsers send it. */
const NO_STATUS = 1005;

/** The origin of an update that is stored already. */
const STORED = Symbol("stored");

/** The author of a text seed: always the same, so that the same seed is always the same edit. */
const SEED_CLIENT = 1;

/** The header in which the worker tells the room who asks, as URI-encoded JSON of a `Visitor`. */
export const VISITOR_HEADER = "x-tableglow-visitor";

export interface User {
  id: string;
  name: string | null;
}

/** Who asks, and for what, out of the address. */
export interface Visitor {
  /** Null for those who do not say. */
  user: User | null;
  /** A PartyKit client; others would take a text for a broken message of y-protocols. */
  hearsText: boolean;
  /** Wants to be told what is durable. */
  wantsDurable: boolean;
  /** Plain JSON: nothing binary is sent before the client does. */
  textFirst: boolean;
  /** The user whom an event is not for. */
  exclude: string | null;
  /** The root of the document that a seed of plain text goes into. */
  textRoot: string | null;
}

/** What is kept with a socket, also while the object sleeps; the platform takes 2 KB. */
interface Attachment extends Pick<Visitor, "user" | "hearsText" | "wantsDurable" | "textFirst"> {
  /** When the socket came, in milliseconds. */
  since: number;
  spokeBinary: boolean;
  /** Document messages that it sent. */
  messages: number;
  /** The first of them that was not taken in, if there was one. */
  refused: number | null;
  /** Awareness clients that the socket owns. */
  clients: readonly number[];
}

export class Room extends YServer {
  static override options = { hibernate: true };
  static override callbackOptions = { debounceWait: SAVE_MS, debounceMaxWait: SAVE_MS };

  readonly #store = new Store(this.ctx.storage);
  readonly #batches = new Batches((socket) => socket.close(1002, "a batch was not finished"));
  readonly #presence = new Presence(
    (frame) => this.#send(frame, this.getConnections<Attachment>()),
    (entries) => this.#store.savePresence(entries),
  );
  /** How many malformed frames came from a socket. */
  readonly #malformed = new WeakMap<WebSocket, number>();
  /** Sockets whose end was told: an error and a close may both come. */
  readonly #left = new WeakSet<WebSocket>();
  /** Updates that are not stored yet, in their order. */
  #unsaved: Uint8Array[] = [];
  /** Sockets that wait to be told of what they sent, by their count of messages. */
  readonly #progress = new Map<Connection<Attachment>, Progress>();
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;

  override async onStart(): Promise<void> {
    await super.onStart();
    this.document.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== STORED) this.#unsaved.push(update);
    });
    try {
      const kept = this.#store.loadPresence();
      if (kept !== null) this.#presence.restore(kept, this.#sockets().map(peer));
    } catch (error) {
      // Everybody says again who they are; the document is what matters.
      console.warn("presence was not restored:", reason(error));
    }
  }

  /**
   * Those that y-partyserver sends documents to: in plain JSON rooms nothing binary is sent before the
   * client has sent some.
   */
  override *getConnections<T = unknown>(tag?: string): Generator<Connection<T>> {
    for (const connection of super.getConnections<T>(tag)) {
      const state = connection.state as Attachment | null;
      if (state === null || state.spokeBinary || !state.textFirst) yield connection;
    }
  }

  /** Reads the stored document. An error leaves the room closed, to be tried again when next asked for. */
  override async onLoad(): Promise<void> {
    for (const update of this.#store.load()) applyUpdate(this.document, update, STORED);
  }

  /** Stores what is not stored yet; what fails stays and is tried again. */
  override async onSave(): Promise<void> {
    this.#save();
  }

  /** A full room is refused before the upgrade. */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get("upgrade")?.toLowerCase() === "websocket" && this.#sockets().length >= LIMITS.connections) {
      return refuse(503, `The room is full: it takes ${LIMITS.connections} connections.`, { "retry-after": "30" });
    }
    return super.fetch(request);
  }

  override onConnect(connection: Connection<Attachment>, context: ConnectionContext): void {
    const { user, hearsText, wantsDurable, textFirst } = readVisitor(context.request);
    const isNew = user !== null && !this.#users().some((other) => other.id === user.id);
    const attachment = { user, hearsText, wantsDurable, textFirst, since: Date.now(), spokeBinary: false, messages: 0, refused: null, clients: [] };
    connection.setState(attachment);
    if (!textFirst) this.#greet(connection, context);
    if (isNew) this.#announce("USER_JOINED", user, connection);
  }

  override onMessage(connection: Connection<Attachment>, message: WSMessage): void {
    try {
      if (typeof message === "string") this.#receiveText(connection, message);
      else this.#receiveBytes(connection, bytesOf(message));
    } catch (error) {
      if (error instanceof BatchError) connection.close(1002, error.message);
      else this.#noteMalformed(connection, error);
    }
  }

  /** A malformed frame is left unread; only who sends nothing else is sent away. */
  #noteMalformed(connection: Connection<Attachment>, error: unknown): void {
    const count = (this.#malformed.get(connection) ?? 0) + 1;
    this.#malformed.set(connection, count);
    if (count === 1) console.warn("a malformed frame was left unread:", reason(error));
    if (count === LIMITS.malformed) connection.close(1008, "too much that is no message of a room");
  }

  override onClose(connection: Connection<Attachment>, code: number): void {
    if (code === NO_STATUS) answerClose(connection);
    this.#leave(connection);
  }

  override onError(connection: Connection<Attachment>): void {
    this.#leave(connection);
  }

  #leave(connection: Connection<Attachment>): void {
    if (this.#left.has(connection)) return;
    this.#left.add(connection);
    this.#batches.close(connection);
    this.#presence.leave(peer(connection));
    this.#progress.delete(connection);
    const user = connection.state?.user ?? null;
    const rest = this.#sockets().filter((socket) => socket !== connection);
    if (user !== null && !rest.some((socket) => socket.state?.user?.id === user.id)) this.#announce("USER_LEFT", user, connection);
    if (rest.length === 0) {
      this.#save();
      if (this.#unsaved.length === 0 && this.#store.logUpdates > 0) this.#compact();
    }
  }

  override async onRequest(request: Request): Promise<Response> {
    switch (request.method) {
      case "GET":
      case "HEAD":
        return this.#describe();
      case "POST":
        return this.#receiveEvent(request);
      case "PUT":
        return this.#seed(request);
      default:
        return refuse(405, "A room takes GET, POST and PUT.", { allow: "GET, HEAD, POST, PUT, OPTIONS" });
    }
  }

  /** What a socket is told first: the document's state vector, and who is here. */
  #greet(connection: Connection<Attachment>, context: ConnectionContext): void {
    super.onConnect(connection, context);
    this.#showAll(connection);
  }

  #showAll(connection: Connection<Attachment>): void {
    const present = this.#presence.snapshot();
    if (present !== null) connection.send(present);
  }

  #receiveBytes(connection: Connection<Attachment>, bytes: Uint8Array): void {
    if (this.#batches.isOpen(connection)) {
      this.#batches.add(connection, bytes);
      return;
    }
    if (connection.state !== null && !connection.state.spokeBinary) {
      connection.setState({ ...connection.state, spokeBinary: true });
      if (connection.state.textFirst) this.#greet(connection, { request: new Request("https://room/") });
    }
    const decoder = decoding.createDecoder(bytes);
    switch (decoding.readVarUint(decoder)) {
      case MESSAGE_SYNC:
        this.#receiveSync(connection, decoder);
        break;
      case MESSAGE_AWARENESS:
        if (bytes.byteLength > LIMITS.presence) throw new Error("a frame of presence is too large");
        this.#presence.receive(peer(connection), decoding.readVarUint8Array(decoder));
        break;
      case MESSAGE_QUERY_AWARENESS:
        this.#showAll(connection);
        break;
      default:
        break;
    }
  }

  #receiveSync(connection: Connection<Attachment>, decoder: decoding.Decoder): void {
    switch (decoding.readVarUint(decoder)) {
      case sync.messageYjsSyncStep1: {
        const answer = encoding.createEncoder();
        encoding.writeVarUint(answer, MESSAGE_SYNC);
        sync.writeSyncStep2(answer, this.document, decoding.readVarUint8Array(decoder));
        connection.send(encoding.toUint8Array(answer));
        break;
      }
      case sync.messageYjsSyncStep2:
      case sync.messageYjsUpdate: {
        const progress = this.#progressOf(connection);
        const { store } = this.document;
        const waiting = { structs: store.pendingStructs?.update, deletions: store.pendingDs?.byteLength ?? 0 };
        progress.messages += 1;
        try {
          applyUpdate(this.document, decoding.readVarUint8Array(decoder), connection);
          // What waits for something that has not come yet is not in the document, nor stored.
          const structsWait = store.pendingStructs !== null && store.pendingStructs.update !== waiting.structs;
          const deletionsWait = (store.pendingDs?.byteLength ?? 0) > waiting.deletions;
          if (structsWait || deletionsWait) progress.refused ??= progress.messages;
        } catch (error) {
          progress.refused ??= progress.messages;
          throw error;
        } finally {
          if (this.#unsaved.length === 0) this.#tellDurable();
        }
        break;
      }
      default:
        break;
    }
  }

  #progressOf(connection: Connection<Attachment>): Progress {
    let progress = this.#progress.get(connection);
    if (progress === undefined) {
      progress = { messages: connection.state?.messages ?? 0, refused: connection.state?.refused ?? null };
      this.#progress.set(connection, progress);
    }
    return progress;
  }

  /**
   * Everything is stored: says so to those who ask, and keeps their counts with their sockets. What
   * is sent leaves the object when what was written before is on disk.
   */
  #tellDurable(): void {
    const state = encodeStateVector(this.document);
    for (const [connection, { messages, refused }] of this.#progress) {
      if (connection.state === null || connection.state.messages === messages) continue;
      connection.setState({ ...connection.state, messages, refused });
      if (!connection.state.wantsDurable) continue;
      const message = encoding.createEncoder();
      encoding.writeVarUint(message, MESSAGE_TABLEGLOW);
      encoding.writeVarUint(message, DURABLE);
      encoding.writeVarUint(message, refused === null ? messages : refused - 1);
      encoding.writeVarUint8Array(message, state);
      this.#send(encoding.toUint8Array(message), [connection]);
    }
  }

  /**
   * Text is batch markers, or an event that goes to the others as it is: any JSON, or what
   * y-partyserver's provider sends as a custom message.
   */
  #receiveText(connection: Connection<Attachment>, text: string): void {
    if (Batches.isMarker(text)) {
      const whole = this.#batches.mark(connection, text);
      if (whole !== null) this.#receiveBytes(connection, whole);
    } else if (text.length <= LIMITS.event) {
      if (!text.startsWith(CUSTOM_MESSAGE)) JSON.parse(text);
      this.#sendEvent(text, (socket) => socket === connection);
    }
  }

  #describe(): Response {
    return reply({
      users: this.#users().map((user) => ({ ...user, role: "dm" })),
      connections: this.#sockets().length,
      document: {
        bytes: encodeStateAsUpdate(this.document).byteLength,
        stateVectorBytes: encodeStateVector(this.document).byteLength,
        storedBytes: this.#store.bytes,
        unsavedBytes: this.#unsaved.reduce((sum, update) => sum + update.byteLength, 0),
      },
    });
  }

  /** `POST`: an event for the room's sockets, any JSON, passed on as it came. */
  async #receiveEvent(request: Request): Promise<Response> {
    const body = await readBody(request, LIMITS.event);
    if (body === null) return refuse(413, `An event has ${LIMITS.event} bytes at most.`);
    let text: string;
    let event: unknown;
    try {
      text = decodeText(body);
      event = JSON.parse(text);
    } catch {
      return refuse(400, "The event is not JSON, so nothing was sent.");
    }
    if (typeof event === "object" && event !== null && "type" in event && event.type === "ping") {
      const timestamp = "timestamp" in event ? event.timestamp : null;
      return reply({ type: "pong", timestamp, serverTimestamp: Date.now(), roomId: this.#roomId() });
    }
    const { exclude } = readVisitor(request);
    return reply({ sent: this.#sendEvent(text, (socket) => exclude !== null && socket.state?.user?.id === exclude) });
  }

  /**
   * `PUT`: what the room begins with, once only: a Yjs update (version 1), raw or as base64, or plain
   * text, which becomes a text of the document, `codemirror` or what the query names as `text`.
   */
  async #seed(request: Request): Promise<Response> {
    const body = await readBody(request, LIMITS.seed);
    if (body === null) return refuse(413, `A seed has ${LIMITS.seed} bytes at most.`);
    let seed: Uint8Array;
    try {
      seed = readSeed(body, readVisitor(request).textRoot ?? "codemirror");
    } catch (error) {
      return refuse(400, `The seed cannot be used and nothing was stored: ${reason(error)}.`);
    }
    const { clients, pendingStructs } = this.document.store;
    if (clients.size > 0 || pendingStructs !== null || this.#store.bytes > 0) {
      return refuse(409, "The room was used before, so its content stays: seeds are for new rooms.");
    }
    try {
      this.#store.append(seed);
    } catch (error) {
      console.error("a seed could not be stored:", reason(error));
      return refuse(503, "The seed could not be stored: try again in a moment.", { "retry-after": "5" });
    }
    applyUpdate(this.document, seed, STORED);
    return reply({ ok: true }, 201);
  }

  #save(): void {
    if (this.#unsaved.length === 0) return;
    const taken = this.#unsaved.length;
    try {
      this.#store.append(taken === 1 && this.#unsaved[0] !== undefined ? this.#unsaved[0] : mergeUpdates(this.#unsaved));
      this.#unsaved = [];
      this.#failures = 0;
    } catch (error) {
      const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 0;
      this.#failures += 1;
      console.error(`${taken} updates could not be stored, trying again in ${wait} ms:`, reason(error));
      this.#retryTimer ??= setTimeout(() => {
        this.#retryTimer = null;
        this.#save();
      }, wait);
      return;
    }
    this.#tellDurable();
    if (this.#store.wantsCompaction) this.#compact();
  }

  /** The log and the snapshot say the same before and after, so a failure can wait for the next time. */
  #compact(): void {
    try {
      this.#store.compact(encodeStateAsUpdate(this.document));
    } catch (error) {
      console.error("the log could not be compacted:", reason(error));
    }
  }

  #announce(type: "USER_JOINED" | "USER_LEFT", user: User, about: Connection<Attachment>): void {
    const event = { type, payload: { userId: user.id, userName: user.name }, timestamp: Date.now() };
    this.#sendEvent(JSON.stringify(event), (socket) => socket === about);
  }

  /** Sends a text to those who can be sent text, but those left out; returns to how many. */
  #sendEvent(text: string, leaveOut: (socket: Connection<Attachment>) => boolean): number {
    const hears = ({ state }: Connection<Attachment>) => state !== null && (state.hearsText || !state.spokeBinary);
    return this.#send(text, this.#sockets().filter((socket) => hears(socket) && !leaveOut(socket)));
  }

  /** Sends to sockets; returns to how many. */
  #send(message: string | Uint8Array, sockets: Iterable<Connection<Attachment>>): number {
    let sent = 0;
    for (const socket of sockets) {
      try {
        socket.send(message);
        sent += 1;
      } catch {
        // The socket is going away; its close is told separately.
      }
    }
    return sent;
  }

  #sockets(): Connection<Attachment>[] {
    return [...super.getConnections<Attachment>()];
  }

  /** Everybody who is here and says who they are, once each, in the order of their coming. */
  #users(): User[] {
    const users = new Map<string, User>();
    const states = this.#sockets().flatMap(({ state }) => (state === null ? [] : [state]));
    for (const { user } of states.sort((a, b) => a.since - b.since)) if (user !== null) users.set(user.id, user);
    return [...users.values()];
  }

  #roomId(): string {
    return this.name.slice(this.name.indexOf("/") + 1);
  }
}

/** How far a socket's document messages are. */
type Progress = Pick<Attachment, "messages" | "refused">;

/**
 * partyserver leaves a close without a code unanswered, and the client would wait for the answer
 * before it can come back.
 */
function answerClose(connection: Connection<Attachment>): void {
  try {
    connection.close();
  } catch {
    // The socket is gone already.
  }
}

function peer(connection: Connection<Attachment>): Peer {
  return {
    id: connection.id,
    owned: () => connection.state?.clients ?? [],
    own: (clients) => {
      if (connection.state !== null) connection.setState({ ...connection.state, clients });
    },
  };
}

/** A seed as an update. Throws with the reason when it cannot be used. */
function readSeed(body: Uint8Array, textRoot: string): Uint8Array {
  let update = isUpdate(body) ? body : null;
  if (update === null) {
    let text: string;
    try {
      text = decodeText(body);
    } catch {
      throw new Error("it is neither a Yjs update (version 1) nor text");
    }
    const decoded = /^[\w+/=\s]+$/.test(text) ? fromBase64(text) : null;
    update = decoded !== null && isUpdate(decoded) ? decoded : textAsUpdate(text, textRoot);
  }
  const doc = new Doc();
  applyUpdate(doc, update);
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) {
    throw new Error("it is a part of a document and needs what came before it");
  }
  if (doc.store.clients.size === 0) throw new Error("it is empty");
  return update;
}

function isUpdate(bytes: Uint8Array): boolean {
  try {
    applyUpdate(new Doc(), bytes);
    return bytes.byteLength > 0;
  } catch {
    return false;
  }
}

function textAsUpdate(text: string, root: string): Uint8Array {
  const doc = new Doc();
  doc.clientID = SEED_CLIENT;
  doc.getText(root).insert(0, text);
  return encodeStateAsUpdate(doc);
}

function fromBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Throws on what is not UTF-8. */
function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
}

function readVisitor(request: Request): Visitor {
  return JSON.parse(decodeURIComponent(request.headers.get(VISITOR_HEADER) ?? "")) as Visitor;
}

function bytesOf(message: ArrayBuffer | ArrayBufferView): Uint8Array {
  return message instanceof ArrayBuffer
    ? new Uint8Array(message)
    : new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
}

/**
 * A real worker under `wrangler dev`, on loopback, with state of its own, and the clients of the
 * tests. Every process is ended by the group it was started in.
 */
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";
import YPartyKitProvider from "y-partykit/provider";
import YProvider from "y-partyserver/provider";
import * as Y from "yjs";

const folder = fileURLToPath(new URL("..", import.meta.url));

export const SECRET = "a-secret-of-the-tests-with-more-than-32-characters";
/** As `tableglow serve` writes it. */
export const TOKENS = {
  server: "server-token-0123456789",
  rooms: {
    "game_session/table": { dm: "dm-token-of-table-0001", viewer: "viewer-token-of-table1", player: "player-token-of-table1", display: "display-token-of-table" },
    "party/p1": { dm: "dm-token-of-party-p1-1", player: "" },
  },
};
export const TABLE_TOKEN = TOKENS.rooms["game_session/table"].dm;

/** A signed token, as `npm run token` makes it. */
export function signed(role, rooms, secret = SECRET) {
  const head = `tg1.${Buffer.from(JSON.stringify({ role, rooms })).toString("base64url")}`;
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
}

/** A token for everything. */
export const TOKEN = signed("dm", ["*"]);

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Worker {
  /** Where rooms and pictures are kept; `start` and `stop` as often as the test likes. */
  static async create(secrets = { TOKEN_SECRET: SECRET, ROOM_TOKENS: JSON.stringify(TOKENS) }) {
    const worker = new Worker();
    worker.home = await mkdtemp(join(tmpdir(), "tableglow-worker-"));
    worker.state = join(worker.home, "state");
    worker.log = "";
    worker.clients = [];
    const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`);
    await writeFile(join(worker.home, "secrets.env"), `${lines.join("\n")}\n`);
    await worker.start();
    return worker;
  }

  async start() {
    this.port = await freePort();
    const wrangler = join(folder, "node_modules/wrangler/bin/wrangler.js");
    const args = ["dev", "--env=", "--local", "--ip", "127.0.0.1", "--port", String(this.port), "--inspector-port", String(await freePort())];
    args.push("--persist-to", this.state, "--env-file", join(this.home, "secrets.env"), "--show-interactive-dev-session=false");
    this.process = spawn(process.execPath, [wrangler, ...args], {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", XDG_CONFIG_HOME: this.home, WRANGLER_REGISTRY_PATH: join(this.home, "registry"), WRANGLER_LOG_PATH: join(this.home, "logs") },
    });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (data) => (this.log += data));
    await eventually(async () => (await fetch(`${this.http}/health`)).ok, 60_000, () => `wrangler did not start:\n${this.log}`);
  }

  get http() {
    return `http://127.0.0.1:${this.port}`;
  }

  get host() {
    return `127.0.0.1:${this.port}`;
  }

  /** Ends the worker; with SIGKILL it has no say in it. */
  async stop(signal = "SIGINT") {
    const { process: child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const kill = (name) => {
      try {
        process.kill(-child.pid, name);
      } catch {
        // It has ended already.
      }
    };
    kill(signal);
    const timer = setTimeout(() => kill("SIGKILL"), 8_000);
    await ended;
    clearTimeout(timer);
    kill("SIGKILL");
  }

  async dispose() {
    // A client that nobody ended would go on knocking, and keep the test from ending.
    for (const client of this.clients) client.destroy();
    await this.stop();
    await rm(this.home, { recursive: true, force: true });
  }

  /** A request with the token for everything. */
  request(path, options = {}) {
    return fetch(this.http + path, { ...options, headers: { authorization: `Bearer ${TOKEN}`, ...options.headers } });
  }

  /** y-partyserver's own provider in a room. */
  provider(party, room, { doc = new Y.Doc(), params = {}, ...options } = {}) {
    const provider = new YProvider(this.host, room, doc, { party, WebSocketPolyfill: WebSocket, disableBc: true, params: { token: TOKEN, ...params }, ...options });
    this.clients.push(provider);
    return provider;
  }

  /** y-partykit's provider, as pages made for PartyKit have it. */
  oldProvider(party, room, doc = new Y.Doc()) {
    const provider = new YPartyKitProvider(this.host, room, doc, { party, WebSocketPolyfill: WebSocket, disableBc: true, params: { token: TOKEN } });
    this.clients.push(provider);
    return provider;
  }

  /** A bare socket; `frames` are what came, texts as strings. Resolves when it is open. */
  async socket(path, { token = TOKEN, headers = {}, query = {} } = {}) {
    const url = new URL(path, `ws://${this.host}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const socket = new WebSocket(url, { headers: token === null ? headers : { authorization: `Bearer ${token}`, ...headers }, perMessageDeflate: false });
    socket.frames = [];
    socket.on("message", (data, isBinary) => socket.frames.push(isBinary ? new Uint8Array(data) : data.toString()));
    socket.closed = new Promise((resolve) => socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() })));
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
      socket.once("unexpected-response", async (_request, response) => {
        let body = "";
        for await (const chunk of response) body += chunk;
        reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode, body }));
      });
    });
    return socket;
  }
}

/** Waits until `check` returns something true, and returns it. */
export async function eventually(check, timeout = 10_000, message = () => "it did not happen in time") {
  const end = Date.now() + timeout;
  let last;
  while (Date.now() < end) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    await sleep(20);
  }
  throw new Error(message(), { cause: last });
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function synced(provider) {
  return eventually(() => provider.synced, 15_000, () => "the provider did not sync");
}

/** Leaves without a word, as a pulled cable does. */
export function cut(provider) {
  provider.shouldConnect = false;
  provider.ws?.terminate();
}

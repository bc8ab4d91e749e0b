/** Presence: what is shown is who is here, with peers that renew and peers that do not. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { cut, eventually, sleep, synced, Worker } from "./harness.mjs";

let worker;
before(async () => {
  worker = await Worker.create();
});
after(() => worker.dispose());

/** An awareness frame of `[client, clock, state]`. */
function frame(...entries) {
  const update = encoding.createEncoder();
  encoding.writeVarUint(update, entries.length);
  for (const [client, clock, state] of entries) {
    encoding.writeVarUint(update, client);
    encoding.writeVarUint(update, clock);
    encoding.writeVarString(update, typeof state === "string" ? state : JSON.stringify(state));
  }
  const message = encoding.createEncoder();
  encoding.writeVarUint(message, 1);
  encoding.writeVarUint8Array(message, encoding.toUint8Array(update));
  return encoding.toUint8Array(message);
}

/** Every `[client, clock, state]` a socket was sent, frame by frame. */
function seen(socket) {
  return socket.frames.filter((bytes) => typeof bytes !== "string" && bytes[0] === 1).map((bytes) => {
    const decoder = decoding.createDecoder(bytes.subarray(1));
    const update = decoding.createDecoder(decoding.readVarUint8Array(decoder));
    return Array.from({ length: decoding.readVarUint(update) }, () => [decoding.readVarUint(update), decoding.readVarUint(update), JSON.parse(decoding.readVarString(update))]);
  });
}

const has = (socket, client, clock, state) => seen(socket).flat().some((entry) => JSON.stringify(entry) === JSON.stringify([client, clock, state]));

test("a state reaches everybody, late comers too, and ends when its client says so", async () => {
  const a = worker.provider("game_session", "cursors");
  const b = worker.provider("game_session", "cursors");
  await Promise.all([synced(a), synced(b)]);
  a.awareness.setLocalState({ cursor: { x: 1.5, y: -2 }, name: "Ada 🎲" });
  await eventually(() => b.awareness.getStates().get(a.doc.clientID)?.name === "Ada 🎲");
  const late = worker.oldProvider("game_session", "cursors");
  await eventually(() => late.awareness.getStates().get(a.doc.clientID)?.cursor?.x === 1.5);
  a.awareness.setLocalState(null);
  await eventually(() => !b.awareness.getStates().has(a.doc.clientID) && !late.awareness.getStates().has(a.doc.clientID));
  for (const provider of [a, b, late]) provider.destroy();
});

test("who drops out is gone at once, the first time and every time after", async () => {
  const watcher = worker.provider("game_session", "drops");
  const a = worker.provider("game_session", "drops", { maxBackoffTime: 50 });
  await Promise.all([synced(watcher), synced(a)]);
  for (let round = 0; round < 3; round++) {
    a.awareness.setLocalState({ round });
    await eventually(() => watcher.awareness.getStates().get(a.doc.clientID)?.round === round);
    cut(a);
    await eventually(() => !watcher.awareness.getStates().has(a.doc.clientID), 3000, () => `round ${round}: a stale cursor stays`);
    await eventually(() => a.ws === null);
    await a.connect();
    await synced(a);
  }
  watcher.destroy();
  a.destroy();
});

test("one who leaves takes nobody else along", async () => {
  const [a, b, c] = [0, 1, 2].map(() => worker.oldProvider("game_session", "leaving"));
  const all = [a, b, c];
  await eventually(() => all.every((provider) => provider.synced));
  all.forEach((provider, i) => provider.awareness.setLocalState({ i }));
  await eventually(() => all.every((provider) => provider.awareness.getStates().size === 3));
  c.ws.terminate();
  c.shouldConnect = false;
  await eventually(() => !a.awareness.getStates().has(c.doc.clientID));
  await sleep(500);
  assert.ok(a.awareness.getStates().has(b.doc.clientID) && b.awareness.getStates().has(a.doc.clientID));
  for (const provider of all) provider.destroy();
});

test("stale clocks, clock 0, broken JSON and ends of others' states go nowhere", async () => {
  const path = "/parties/game_session/strict";
  const a = await worker.socket(path);
  const b = await worker.socket(path);
  a.send(frame([7, 5, { v: 5 }]));
  await eventually(() => has(b, 7, 5, { v: 5 }));
  b.frames.length = 0;
  a.send(frame([7, 5, { v: "same clock" }], [7, 4, { v: "older" }], [8, 0, { v: "zero" }], [9, 1, "{broken"], [10, 1, "12"], [11, 1, { ok: true }]));
  b.send(frame([7, 5, null]));
  b.send(frame([7, 6, null], [12, 3, null]));
  await eventually(() => has(b, 11, 1, { ok: true }));
  await sleep(150);
  assert.deepEqual(seen(b).flat(), [[11, 1, { ok: true }]]);
  a.send(frame([7, 5, null]));
  await eventually(() => has(b, 7, 5, null));
  a.send(frame([7, 6, { v: "back" }]));
  await eventually(() => has(b, 7, 6, { v: "back" }));
  a.close();
  b.close();
});

test("a client that comes back on a new socket keeps its state when the old one closes", async () => {
  const path = "/parties/game_session/takeover";
  const watcher = await worker.socket(path);
  const old = await worker.socket(path, { query: { _pk: "same" } });
  old.send(frame([7, 1, { on: "old" }]));
  const fresh = await worker.socket(path, { query: { _pk: "same" } });
  fresh.send(frame([7, 2, { on: "new" }]));
  await eventually(() => has(watcher, 7, 2, { on: "new" }));
  old.close();
  await old.closed;
  await sleep(200);
  assert.ok(!seen(watcher).flat().some(([, , state]) => state === null));
  fresh.terminate();
  await eventually(() => has(watcher, 7, 2, null));
  watcher.close();
});

test("a fast cursor leaves at once and then at 30 Hz at most, the last position always", async () => {
  const path = "/parties/game_session/fast";
  const a = await worker.socket(path);
  const b = await worker.socket(path);
  const begin = Date.now();
  for (let i = 1; i <= 500; i++) {
    a.send(frame([7, i, { i }]));
    if (i % 5 === 0) await sleep(2);
  }
  await eventually(() => has(b, 7, 500, { i: 500 }));
  const allowed = (Date.now() - begin) / 33 + 3;
  assert.ok(seen(b).length <= allowed, `${seen(b).length} frames where ${allowed} are allowed`);
  assert.ok(has(a, 7, 500, { i: 500 }), "the sender hears itself");
  a.close();
  b.close();
});

test("who asks for presence gets it", async () => {
  const path = "/parties/game_session/query";
  const a = await worker.socket(path);
  a.send(frame([7, 1, { here: true }]));
  await eventually(() => has(a, 7, 1, { here: true }));
  a.frames.length = 0;
  a.send(Buffer.from([3]));
  await eventually(() => has(a, 7, 1, { here: true }));
  a.close();
});

test("who renewed and stopped is gone after 30 s, who never renews stays with their socket", { timeout: 90_000 }, async () => {
  const path = "/parties/game_session/expiry";
  const watcher = await worker.socket(path);
  const renewing = await worker.socket(path);
  const quiet = await worker.socket(path);
  renewing.send(frame([7, 1, { who: "renews" }]));
  quiet.send(frame([8, 1, { who: "quiet" }]));
  await sleep(500);
  renewing.send(frame([7, 2, { who: "renews" }]));
  const last = Date.now();
  await eventually(() => has(watcher, 7, 2, null), 45_000);
  const after = Date.now() - last;
  assert.ok(after >= 29_000 && after < 40_000, `${after} ms`);
  assert.ok(!has(watcher, 8, 1, null));
  for (const socket of [watcher, renewing, quiet]) socket.close();
});

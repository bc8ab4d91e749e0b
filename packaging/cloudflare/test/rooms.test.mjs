/** Documents: they reach everybody, they last, and a room never mistakes an error for emptiness. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import initSqlJs from "sql.js";
import WebSocket from "ws";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";
import * as Y from "yjs";
import { readWithLog, sqliteFiles } from "../scripts/partykit-state.mjs";
import { cut, eventually, sleep, synced, Worker } from "./harness.mjs";

let worker, SQL;
before(async () => {
  SQL = await initSqlJs();
  worker = await Worker.create();
});
after(() => worker.dispose());

const bytes = (size, seed = 1) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 255);

test("what one client writes, the others have: maps, bytes, unicode, numbers", async () => {
  const a = worker.provider("game_session", "exchange");
  const b = worker.provider("game_session", "exchange");
  await Promise.all([synced(a), synced(b)]);
  const scene = new Y.Map();
  a.doc.transact(() => {
    a.doc.getMap("scenes").set("s1", scene);
    scene.set("name", "Höhle 🐉");
    scene.set("mask", bytes(70_000));
    scene.set("zoom", 1.5);
    scene.set("nested", new Y.Map([["deep", [1, null, { x: true }]]]));
  });
  b.doc.getMap("tableglow").set("wall/s1/w1", { points: [1, 2, 3] });
  await eventually(() => b.doc.getMap("scenes").get("s1")?.get("nested") && a.doc.getMap("tableglow").get("wall/s1/w1"));
  const seen = b.doc.getMap("scenes").get("s1");
  assert.equal(seen.get("name"), "Höhle 🐉");
  assert.deepEqual(seen.get("mask"), bytes(70_000));
  assert.deepEqual(seen.get("nested").get("deep"), [1, null, { x: true }]);
  const late = worker.provider("game_session", "exchange");
  await synced(late);
  assert.deepEqual(late.doc.toJSON ? late.doc.getMap("scenes").toJSON() : null, a.doc.getMap("scenes").toJSON());
  for (const provider of [a, b, late]) provider.destroy();
});

test("rooms of one name in two parties are two rooms, and /party/ is the main party", async () => {
  const session = worker.provider("game_session", "twin");
  const party = worker.provider("party", "twin");
  const main = worker.provider("main", "twin");
  const alias = worker.provider("main", "twin", { prefix: `/party/twin` });
  await Promise.all([session, party, main, alias].map(synced));
  session.doc.getMap("m").set("here", "session");
  main.doc.getMap("m").set("here", "main");
  await eventually(() => alias.doc.getMap("m").get("here") === "main");
  await sleep(100);
  assert.equal(party.doc.getMap("m").size, 0);
  for (const provider of [session, party, main, alias]) provider.destroy();
});

test("an update of 3 MB goes as one frame, and in y-partykit's batches", async () => {
  const a = worker.provider("game_session", "large");
  await synced(a);
  a.doc.getMap("m").set("one frame", bytes(3_000_000, 1));
  const old = worker.oldProvider("game_session", "large");
  await eventually(() => old.synced && old.doc.getMap("m").get("one frame"), 20_000);
  old.doc.getMap("m").set("batch", bytes(3_000_000, 2));
  await eventually(() => a.doc.getMap("m").get("batch"), 20_000);
  assert.deepEqual(a.doc.getMap("m").get("batch"), bytes(3_000_000, 2));
  assert.deepEqual(old.doc.getMap("m").get("one frame"), bytes(3_000_000, 1));
  await worker.stop();
  await worker.start();
  const late = worker.provider("game_session", "large");
  await synced(late);
  assert.deepEqual(late.doc.getMap("m").get("batch"), bytes(3_000_000, 2));
  for (const provider of [a, old, late]) provider.destroy();
});

test("a batch that does not add up ends its own socket only", async () => {
  const good = worker.provider("game_session", "batches");
  await synced(good);
  for (const frames of [
    ['y-pk-batch#{"id":"a","type":"end","size":3,"count":1}'],
    ['y-pk-batch#{"id":"a","type":"start","size":3,"count":1}', Buffer.from([0, 0, 0, 0])],
    ['y-pk-batch#{"id":"a","type":"start","size":99999999999,"count":1}'],
    ["y-pk-batch#nonsense"],
  ]) {
    const bad = await worker.socket("/parties/game_session/batches");
    for (const frame of frames) bad.send(frame);
    assert.equal((await bad.closed).code, 1002);
  }
  assert.ok(good.wsconnected);
  good.destroy();
});

test("a document outlives a restart, edits 300 ms old outlive a kill", async () => {
  const a = worker.provider("game_session", "lasting");
  await synced(a);
  const first = worker.provider("game_session", "lasting");
  a.doc.getMap("m").set("before", 1);
  await eventually(() => first.doc.getMap("m").get("before") === 1);
  await sleep(300);
  await worker.stop("SIGKILL");
  await worker.start();
  const b = worker.provider("game_session", "lasting");
  await synced(b);
  assert.equal(b.doc.getMap("m").get("before"), 1);
  const witness = worker.provider("game_session", "lasting");
  for (let i = 0; i < 50; i++) b.doc.getMap("m").set("count", i);
  await eventually(() => witness.doc.getMap("m").get("count") === 49);
  await eventually(async () => (await (await worker.request("/parties/game_session/lasting")).json()).document.unsavedBytes === 0);
  for (const provider of [a, b, first, witness]) provider.destroy();
  await worker.stop();
  await worker.start();
  const c = worker.provider("game_session", "lasting");
  await synced(c);
  assert.equal(c.doc.getMap("m").get("count"), 49);
  c.destroy();
});

test("the log is folded into a snapshot when the last client leaves", async () => {
  const a = worker.provider("game_session", "folded");
  await synced(a);
  for (let i = 0; i < 200; i++) {
    a.doc.getMap("m").set("value", `${i}`.repeat(200));
    if (i % 20 === 0) await sleep(30);
  }
  await eventually(async () => (await (await worker.request("/parties/game_session/folded")).json()).document.unsavedBytes === 0);
  a.destroy();
  await eventually(async () => {
    const { connections, document } = await (await worker.request("/parties/game_session/folded")).json();
    return connections === 0 && document.storedBytes === document.bytes;
  });
});

test("a client that was away gets, and brings, only what is missing", async () => {
  const a = worker.provider("game_session", "away");
  const b = worker.provider("game_session", "away");
  await Promise.all([synced(a), synced(b)]);
  a.doc.getMap("m").set("mask", bytes(200_000));
  await eventually(() => b.doc.getMap("m").get("mask"));
  b.disconnect();
  a.doc.getMap("m").set("theirs", 1);
  b.doc.getMap("m").set("mine", 2);
  await sleep(100);
  let received = 0;
  b.connect();
  await eventually(() => b.ws);
  b.ws.addEventListener("message", ({ data }) => (received += data.byteLength ?? data.length));
  await eventually(() => a.doc.getMap("m").get("mine") === 2 && b.doc.getMap("m").get("theirs") === 1);
  assert.ok(received < 1024, `${received} bytes for one small edit`);
  a.destroy();
  b.destroy();
});

test("who asks is told what is durable, and it is", async () => {
  const path = "/parties/game_session/durable";
  const socket = await worker.socket(path, { query: { tableglow: "1" } });
  const other = await worker.socket(path);
  other.on("error", () => {});
  const told = (from) => from.frames.filter((frame) => frame[0] === 120).map((frame) => {
    const decoder = decoding.createDecoder(frame.subarray(2));
    return [decoding.readVarUint(decoder), Y.decodeStateVector(decoding.readVarUint8Array(decoder))];
  });
  const doc = new Y.Doc();
  const send = (update) => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0);
    sync.writeUpdate(encoder, update);
    socket.send(encoding.toUint8Array(encoder));
  };
  doc.on("update", send);
  doc.getMap("m").set("a", 1);
  doc.getMap("m").set("b", bytes(2_100_000));
  await eventually(() => told(socket).some(([messages]) => messages === 2));
  await worker.stop("SIGKILL");
  await worker.start();
  const late = worker.provider("game_session", "durable");
  await synced(late);
  assert.deepEqual(late.doc.getMap("m").get("b"), bytes(2_100_000));
  const again = await worker.socket(path, { query: { tableglow: "1" } });
  const frame = (update) => Buffer.from([0, 2, ...new Uint8Array([update.length]), ...update]);
  again.send(frame(Y.encodeStateAsUpdate(new Y.Doc())));
  await eventually(() => told(again).some(([messages]) => messages === 1), 5000, () => "what changes nothing is durable too");
  late.doc.getMap("m").delete("a");
  await eventually(async () => (await (await worker.request(path)).json()).document.unsavedBytes === 0);
  const [, vector] = told(again).at(-1);
  assert.equal(vector.get(doc.clientID), Y.getState(doc.store, doc.clientID));
  again.send(Buffer.from([0, 2, 3, 255, 255, 255]));
  again.send(frame(Y.encodeStateAsUpdate(new Y.Doc())));
  await sleep(400);
  assert.equal(told(again).at(-1)[0], 1, "the count stops before what was not taken in");
  assert.deepEqual(told(other), []);
  const orphan = new Y.Doc();
  orphan.getMap("m").set("first", 1);
  const known = Y.encodeStateVector(orphan);
  orphan.getMap("m").set("second", 2);
  const third = await worker.socket(path, { query: { tableglow: "1" } });
  const fourth = await worker.socket(path, { query: { tableglow: "1" } });
  third.send(frame(Y.encodeStateAsUpdate(orphan, known)));
  await eventually(() => told(third).length === 1);
  assert.equal(told(third)[0][0], 0, "what waits for something else is not durable");
  fourth.send(frame(Y.encodeStateAsUpdate(new Y.Doc())));
  await eventually(() => told(fourth).length === 1);
  assert.equal(told(fourth)[0][0], 1, "and holds nobody else up");
  for (const open of [again, third, fourth]) open.close();
  late.destroy();
});

test("malformed frames are left unread, and the room goes on", async () => {
  const good = worker.provider("game_session", "malformed");
  await synced(good);
  const bad = await worker.socket("/parties/game_session/malformed");
  const frames = [[], [4], [0], [0, 9], [0, 2], [0, 2, 200, 1, 1], [0, 1, 3, 255, 255, 255], [1], [1, 5, 1], [1, 3, 1, 1, 1], [2, 0], [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]];
  for (const frame of frames) bad.send(Buffer.from(frame));
  for (let i = 0; i < 900; i++) bad.send(Buffer.from(bytes(1 + (i % 40), i * 7)));
  good.doc.getMap("m").set("still", "here");
  const late = worker.provider("game_session", "malformed");
  await synced(late);
  await eventually(() => late.doc.getMap("m").get("still") === "here");
  assert.equal(bad.readyState, WebSocket.OPEN);
  for (let i = 0; i < 1200; i++) bad.send(Buffer.from([0, 2, 3, 255, 255, 255]));
  assert.equal((await bad.closed).code, 1008);
  assert.ok(good.wsconnected);
  good.destroy();
  late.destroy();
});

/** The file of the stopped worker's room whose largest update has so many bytes. */
async function holding(least, most) {
  for (const file of await sqliteFiles(join(worker.state, "v3/do/tableglow-rooms-Room"))) {
    const db = new SQL.Database(await readWithLog(file));
    const isRoom = db.exec("SELECT 1 FROM sqlite_master WHERE name = 'document'").length > 0;
    const largest = isRoom ? db.exec("SELECT max(bytes) FROM document")[0].values[0][0] : 0;
    db.close();
    if (largest >= least && largest <= most) return file;
  }
  throw new Error("there is no such room");
}

async function change(file, sql) {
  const db = new SQL.Database(await readWithLog(file));
  db.run(sql);
  await writeFile(file, db.export());
  for (const beside of ["-wal", "-shm"]) await rm(file + beside, { force: true });
  db.close();
}

test("a store that cannot be read refuses with 503, is not written to, and opens when it can be read again", async () => {
  const a = worker.provider("game_session", "broken");
  await synced(a);
  a.doc.getMap("m").set("big", bytes(2_500_000));
  await eventually(async () => (await (await worker.request("/parties/game_session/broken")).json()).document.storedBytes > 2_500_000, 20_000);
  a.destroy();
  await worker.stop();
  const file = await holding(2_500_000, 2_900_000);
  await change(file, "CREATE TABLE hidden AS SELECT * FROM document WHERE part = 1; DELETE FROM document WHERE part = 1");
  await worker.start();
  for (let attempt = 0; attempt < 2; attempt++) {
    const refused = await worker.request("/parties/game_session/broken");
    assert.equal(refused.status, 503);
    assert.match(await refused.text(), /untouched/);
    assert.equal(refused.headers.get("retry-after"), "5");
    await assert.rejects(worker.socket("/parties/game_session/broken"), { status: 503 });
    assert.equal((await worker.request("/parties/game_session/broken", { method: "PUT", body: Y.encodeStateAsUpdate(a.doc) })).status, 503);
  }
  await worker.stop();
  await change(file, "INSERT INTO document SELECT * FROM hidden; DROP TABLE hidden");
  await worker.start();
  const b = worker.provider("game_session", "broken");
  await synced(b);
  assert.deepEqual(b.doc.getMap("m").get("big"), bytes(2_500_000));
  b.destroy();
});

test("a room sleeps with its sockets open, and wakes with its document and its presence", { timeout: 60_000 }, async () => {
  const a = worker.provider("game_session", "asleep");
  const b = worker.provider("game_session", "asleep");
  const bare = await worker.socket("/parties/game_session/asleep");
  await Promise.all([synced(a), synced(b)]);
  a.awareness.setLocalState({ name: "Ada" });
  a.doc.getMap("m").set("x", 1);
  await sleep(20_000);
  assert.ok(a.wsconnected && b.wsconnected);
  const late = worker.provider("game_session", "asleep");
  await synced(late);
  assert.equal(late.doc.getMap("m").get("x"), 1);
  await eventually(() => late.awareness.getStates().get(a.doc.clientID)?.name === "Ada");
  a.doc.getMap("m").set("x", 2);
  await eventually(() => b.doc.getMap("m").get("x") === 2 && late.doc.getMap("m").get("x") === 2);
  // A room that wakes asks everybody for what they have.
  assert.equal(bare.frames.filter((frame) => frame[0] === 0 && frame[1] === 0).length, 2, "the room slept");
  bare.close();
  cut(a);
  await eventually(() => !late.awareness.getStates().has(a.doc.clientID) && !b.awareness.getStates().has(a.doc.clientID));
  for (const provider of [a, b, late]) provider.destroy();
});

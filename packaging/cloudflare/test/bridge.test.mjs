/** The room's side of HTTP: who is here, events for everybody, seeds, pictures. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import * as Y from "yjs";
import { eventually, SECRET, sleep, synced, Worker } from "./harness.mjs";

let worker;
before(async () => {
  worker = await Worker.create();
});
after(() => worker.dispose());

const texts = (socket) => socket.frames.filter((frame) => typeof frame === "string");
/** The room as y-websocket's clients come: they take every message for one of y-protocols. */
const plainYjs = async (path) => {
  const socket = await worker.socket(path);
  socket.send(Buffer.from([0, 0, 1, 0]));
  await eventually(() => socket.frames.some((frame) => frame[0] === 0 && frame[1] === 1));
  return socket;
};
const events = (socket, type) => texts(socket).map((text) => JSON.parse(text)).filter((event) => event.type === type);
const post = (path, body) => worker.request(path, { method: "POST", body });

test("GET names the users once each, and the document's size", async () => {
  const path = "/parties/game_session/users";
  assert.deepEqual((await (await worker.request(path)).json()).users, []);
  const ada = await worker.socket(path, { query: { userId: "u1", userName: "Ada 🎲" } });
  await sleep(5);
  const again = await worker.socket(path, { query: { userId: "u1", userName: "Ada 🎲" } });
  await sleep(5);
  const bob = await worker.socket(path, { query: { userId: "u2", userName: "Bob" } });
  const answer = await (await worker.request(path)).json();
  assert.deepEqual(answer.users, [{ id: "u1", name: "Ada 🎲", role: "dm" }, { id: "u2", name: "Bob", role: "dm" }]);
  assert.equal(answer.connections, 3);
  const writer = worker.provider("game_session", "users");
  await synced(writer);
  writer.doc.getMap("m").set("mask", new Uint8Array(5000));
  await eventually(async () => (await (await worker.request(path)).json()).document.storedBytes > 5000);
  assert.ok((await (await worker.request(path)).json()).document.bytes > 5000);
  for (const socket of [ada, again, bob]) socket.close();
  writer.destroy();
  await eventually(async () => (await (await worker.request(path)).json()).connections === 0);
});

test("coming and going is told to the others, once per user", async () => {
  const path = "/parties/main/door";
  const host = await worker.socket(path, { query: { userId: "host", userName: "Host" } });
  const first = await worker.socket(path, { query: { userId: "u1", userName: "Ada" } });
  const second = await worker.socket(path, { query: { userId: "u1", userName: "Ada" } });
  await eventually(() => events(host, "USER_JOINED").length === 1);
  first.terminate();
  await sleep(300);
  assert.equal(events(host, "USER_LEFT").length, 0);
  second.close();
  await eventually(() => events(host, "USER_LEFT").length === 1);
  const [joined] = events(host, "USER_JOINED");
  assert.deepEqual(joined.payload, { userId: "u1", userName: "Ada" });
  assert.ok(Math.abs(joined.timestamp - Date.now()) < 60_000);
  assert.deepEqual(events(host, "USER_LEFT")[0].payload, { userId: "u1", userName: "Ada" });
  assert.equal(events(first, "USER_JOINED").length, 0, "who comes is not told of themselves");
  host.close();
});

test("POST sends any JSON as it is to every socket, and says to how many", async () => {
  const path = "/parties/game_session/events";
  const a = await worker.socket(path, { query: { userId: "u1" } });
  const b = await worker.socket(path, { query: { userId: "u2" } });
  const provider = worker.provider("game_session", "events", { params: { userId: "u3" } });
  await synced(provider);
  const plain = await plainYjs(path);
  a.frames.length = b.frames.length = 0;
  const bodies = ['{"type":"TASK_DONE","payload":{"id":1},"timestamp":7}', '{ "requestId": "r", "body": {"ü":"🐉"}, "name": "x" }', "[1,2]", '"text"', "12"];
  for (const body of bodies) assert.deepEqual(await (await post(path, body)).json(), { sent: 3 });
  await eventually(() => texts(b).length === bodies.length);
  assert.deepEqual(texts(a), bodies);
  assert.deepEqual(texts(b), bodies);
  assert.deepEqual(await (await post(`${path}?exclude=u1`, '"not for u1"')).json(), { sent: 2 });
  const byHeader = await worker.request(path, { method: "POST", body: '"not for u1"', headers: { "x-exclude-user": "u1" } });
  assert.deepEqual(await byHeader.json(), { sent: 2 });
  await eventually(() => texts(b).includes('"not for u1"'));
  assert.ok(!texts(a).includes('"not for u1"'));
  assert.deepEqual(await (await post("/parties/game_session/nobody", "{}")).json(), { sent: 0 });
  assert.ok(provider.wsconnected);
  assert.deepEqual(texts(plain), [], "a client that knows no texts gets none");
  for (const socket of [a, b, plain]) socket.close();
  provider.destroy();
});

test("POST refuses what is no JSON or too long, and answers a ping itself", async () => {
  const path = "/parties/game_session/pings";
  const a = await worker.socket(path);
  for (const body of ["", "nonsense", "{", Buffer.from([0xff, 0xfe])]) assert.equal((await post(path, body)).status, 400);
  assert.equal((await post(path, JSON.stringify("x".repeat(70_000)))).status, 413);
  const pong = await (await post(path, '{"type":"ping","timestamp":42}')).json();
  assert.deepEqual([pong.type, pong.timestamp, pong.roomId], ["pong", 42, "pings"]);
  assert.ok(Math.abs(pong.serverTimestamp - Date.now()) < 60_000);
  await sleep(100);
  assert.deepEqual(texts(a), []);
  a.close();
});

test("a plain JSON room sends nothing binary before its client does, also after it slept", { timeout: 60_000 }, async () => {
  const other = await Worker.create({ TOKEN_SECRET: SECRET, TEXT_PARTIES: "chat, x" });
  try {
    const path = "/parties/chat/lobby";
    const a = await other.socket(path, { query: { userId: "u1" } });
    const b = await other.socket(path, { query: { userId: "u2", userName: "🐉".repeat(200) } });
    await sleep(14_000);
    assert.deepEqual(await (await other.request(path, { method: "POST", body: '{"type":"WAKE"}' })).json(), { sent: 2 });
    await eventually(() => events(a, "WAKE").length === 1 && events(b, "WAKE").length === 1);
    const { users } = await (await other.request(path)).json();
    assert.deepEqual(users.map(({ id, name }) => [id, name]), [["u1", null], ["u2", "🐉".repeat(64)]]);
    assert.deepEqual([...a.frames, ...b.frames].filter((frame) => typeof frame !== "string"), []);
    a.send(Buffer.from([0, 0, 1, 0]));
    await eventually(() => a.frames.some((frame) => frame[0] === 0 && frame[1] === 0) && a.frames.some((frame) => frame[0] === 0 && frame[1] === 1));
    const yjs = other.provider("chat", "lobby");
    await synced(yjs);
    yjs.doc.getMap("m").set("x", 1);
    await eventually(() => a.frames.some((frame) => frame[0] === 0 && frame[1] === 2));
    assert.deepEqual(b.frames.filter((frame) => typeof frame !== "string"), []);
  } finally {
    await other.dispose();
  }
});

test("a text that a client sends goes to the others", async () => {
  const path = "/parties/main/chat";
  const a = await worker.socket(path);
  const b = await worker.socket(path);
  a.frames.length = 0;
  a.send("not JSON");
  a.send('{"type":"HELLO"}');
  a.send(JSON.stringify("x".repeat(70_000)));
  await eventually(() => events(b, "HELLO").length === 1);
  const custom = [worker.provider("main", "chat"), worker.provider("main", "chat")];
  await Promise.all(custom.map(synced));
  const heard = new Promise((resolve) => custom[1].once("custom-message", resolve));
  custom[0].sendMessage("roll 2d6");
  assert.equal(await heard, "roll 2d6");
  for (const provider of custom) provider.destroy();
  await eventually(() => texts(b).includes("__YPS:roll 2d6"));
  assert.deepEqual([texts(a).filter((text) => !text.includes("USER_JOINED")), texts(b)], [["__YPS:roll 2d6"], ['{"type":"HELLO"}', "__YPS:roll 2d6"]]);
  a.close();
  b.close();
});

test("a seed is taken once: an update, or plain text, live for those who are there", async () => {
  const doc = new Y.Doc();
  doc.getMap("scenes").set("s1", new Y.Map([["name", "Cave"]]));
  doc.getMap("m").set("large", new Uint8Array(2_500_000).fill(7));
  const update = Y.encodeStateAsUpdate(doc);
  const path = "/parties/game_session/seeded";
  const put = (body, to = path) => worker.request(to, { method: "PUT", body });
  const here = worker.provider("game_session", "seeded");
  await synced(here);
  assert.equal((await put(Buffer.from([255, 254, 3]))).status, 400);
  assert.equal((await put(new Uint8Array())).status, 400);
  assert.equal((await put(Y.encodeStateAsUpdate(new Y.Doc()))).status, 400);
  const before = Y.encodeStateVector(doc);
  doc.getMap("m").set("later", 1);
  assert.equal((await put(Y.encodeStateAsUpdate(doc, before))).status, 400, "a difference without what it builds on");
  const taken = await put(update);
  assert.equal(taken.status, 201);
  assert.deepEqual(await taken.json(), { ok: true });
  await eventually(() => here.doc.getMap("scenes").get("s1")?.get("name") === "Cave");
  assert.equal((await put(update)).status, 409);
  assert.equal((await put("text")).status, 409);
  await worker.stop("SIGKILL");
  await worker.start();
  const late = worker.provider("game_session", "seeded");
  await synced(late);
  assert.equal(late.doc.getMap("m").get("large").length, 2_500_000);
  assert.equal((await put(update)).status, 409, "after a restart too");
  const notes = "/parties/main/notes";
  assert.deepEqual((await Promise.all([put("Notes ✒", notes), put("Notes ✒", notes)])).map((answer) => answer.status).sort(), [201, 409]);
  const reader = worker.provider("main", "notes");
  await synced(reader);
  assert.equal(reader.doc.getText("codemirror").toString(), "Notes ✒");
  assert.equal((await put(Buffer.from(update).toString("base64"), "/parties/main/base64")).status, 201);
  assert.equal((await put("# Diagram", "/parties/main/rooted?text=diagram")).status, 201);
  const decoded = worker.provider("main", "base64");
  const rooted = worker.provider("main", "rooted");
  await Promise.all([synced(decoded), synced(rooted)]);
  assert.equal(decoded.doc.getMap("scenes").get("s1").get("name"), "Cave");
  assert.equal(rooted.doc.getText("diagram").toString(), "# Diagram");
  for (const provider of [here, late, reader, decoded, rooted]) provider.destroy();
});

test("an edited room takes no seed", async () => {
  const a = worker.provider("game_session", "edited");
  await synced(a);
  a.doc.getMap("m").set("x", 1);
  await sleep(50);
  const other = new Y.Doc();
  other.getMap("m").set("x", 2);
  assert.equal((await worker.request("/parties/game_session/edited", { method: "PUT", body: Y.encodeStateAsUpdate(other) })).status, 409);
  a.destroy();
});

test("pictures: stored under their hash only, whole or in ranges, kept for ever", async () => {
  const picture = randomBytes(1_500_000);
  const hash = createHash("sha256").update(picture).digest("hex");
  const path = `/assets/${hash}`;
  const put = (body, to = path, type = "image/webp") => worker.request(to, { method: "PUT", body, headers: { "content-type": type } });
  assert.equal((await worker.request(path)).status, 404);
  assert.equal((await put(randomBytes(1000))).status, 422);
  assert.equal((await worker.request(path)).status, 404, "bytes of another hash are not stored");
  assert.equal((await put(picture)).status, 201);
  const again = await put(picture);
  assert.deepEqual([again.status, await again.json()], [200, { ok: true }]);
  const whole = await worker.request(path);
  assert.equal(whole.status, 200);
  assert.deepEqual(Buffer.from(await whole.arrayBuffer()), picture);
  assert.equal(whole.headers.get("content-type"), "image/webp");
  assert.match(whole.headers.get("cache-control"), /immutable/);
  assert.equal(whole.headers.get("accept-ranges"), "bytes");
  const range = async (header) => {
    const answer = await worker.request(path, { headers: { range: header } });
    return [answer.status, answer.headers.get("content-range"), Buffer.from(await answer.arrayBuffer())];
  };
  const size = picture.length;
  assert.deepEqual(await range("bytes=0-99"), [206, `bytes 0-99/${size}`, picture.subarray(0, 100)]);
  assert.deepEqual(await range("bytes=1000000-"), [206, `bytes 1000000-${size - 1}/${size}`, picture.subarray(1_000_000)]);
  assert.deepEqual(await range("bytes=-10"), [206, `bytes ${size - 10}-${size - 1}/${size}`, picture.subarray(-10)]);
  assert.deepEqual(await range(`bytes=5-${size * 2}`), [206, `bytes 5-${size - 1}/${size}`, picture.subarray(5)]);
  assert.deepEqual((await range(`bytes=${size}-`)).slice(0, 2), [416, `bytes */${size}`]);
  for (const odd of ["bytes=9-3", "bytes=1-2,5-6", "lines=1-2"]) assert.equal((await range(odd))[0], 200, odd);
  const head = await worker.request(path, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(size)]);
  assert.equal((await worker.request(path, { headers: { "if-none-match": whole.headers.get("etag") } })).status, 304);
  assert.equal((await put("x", "/assets/nonsense")).status, 400);
  assert.equal((await worker.request("/assets/..%2f..")).status, 404);
  assert.equal((await worker.request(`/assets/${hash.toUpperCase()}`)).status, 404);
  assert.ok((await put("", `/assets/${"0".repeat(64)}`)).status >= 400);
  assert.equal((await worker.request(path, { method: "DELETE" })).status, 405);
  const page = Buffer.from("<script>alert(1)</script>");
  const pageHash = createHash("sha256").update(page).digest("hex");
  assert.equal((await put(page, `/assets/${pageHash}`, "text/html")).status, 201);
  const served = await worker.request(`/assets/${pageHash}`);
  assert.equal(served.headers.get("content-type"), "application/octet-stream");
  assert.equal(served.headers.get("x-content-type-options"), "nosniff");
  await worker.stop();
  await worker.start();
  assert.deepEqual(Buffer.from(await (await worker.request(path)).arrayBuffer()), picture);
});

test("a full room says so before the upgrade", { timeout: 60_000 }, async () => {
  const path = "/parties/game_session/full";
  const sockets = [];
  for (let i = 0; i < 16; i++) sockets.push(...(await Promise.all(Array.from({ length: 16 }, () => worker.socket(path)))));
  assert.equal(sockets.length, 256);
  await assert.rejects(worker.socket(path), (error) => error.status === 503 && /full/.test(error.body));
  sockets.pop().close();
  await eventually(() => worker.socket(path).then((socket) => sockets.push(socket)));
  for (const socket of sockets) socket.terminate();
});

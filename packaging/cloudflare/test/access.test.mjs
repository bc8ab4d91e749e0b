/** Who may come in: nobody without a token, game masters only, and no web page that is not known. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SECRET, signed, TABLE_TOKEN, TOKEN, TOKENS, Worker } from "./harness.mjs";

let worker;
before(async () => {
  worker = await Worker.create();
});
after(() => worker.dispose());

const table = "/parties/game_session/table";

/** The status of a socket's upgrade and of a GET, and the sentence, which must be the same. */
async function tries(path, token, query = {}) {
  const url = new URL(path, worker.http);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const response = await fetch(url, { headers: token === null ? {} : { authorization: `Bearer ${token}` } });
  const body = await response.text();
  const upgrade = await worker.socket(path, { token, query }).then(
    (socket) => (socket.close(), { status: 200 }),
    (error) => error,
  );
  assert.equal(upgrade.status, response.status, `the upgrade and GET of ${path} agree`);
  if (response.status !== 200) assert.equal(upgrade.body, body);
  return { status: response.status, error: body };
}

test("a room opens with its token, in the header or in the query, listed or signed", async () => {
  for (const token of [TABLE_TOKEN, TOKEN, signed("dm", ["game_session/table"]), signed("dm", ["party/x", "game_session/*"])]) {
    assert.equal((await tries(table, token)).status, 200);
    assert.equal((await tries(table, null, { token })).status, 200);
  }
  assert.equal((await tries("/parties/party/p1", TOKENS.rooms["party/p1"].dm)).status, 200);
  assert.equal((await tries("/parties/any/room", TOKENS.server)).status, 200);
});

test("without a token it is 401, with a wrong one or another room's 403, before the upgrade", async () => {
  const none = await tries(table, null);
  assert.deepEqual([none.status, /needs a token/.test(none.error)], [401, true]);
  assert.equal((await tries(table, null, { token: "" })).status, 401);
  assert.equal((await fetch(worker.http + table)).headers.get("www-authenticate"), "Bearer");
  const head = signed("player", ["*"]).split(".").slice(0, 2).join(".");
  const stolenMac = TOKEN.split(".")[2];
  const wrong = ["x", TABLE_TOKEN.slice(0, -1), `${TABLE_TOKEN}x`, TOKENS.rooms["party/p1"].dm, signed("dm", ["game_session/other"]), signed("dm", ["game_session"]), signed("dm", ["*"], "another secret of more than 32 characters"), signed("king", ["*"]), `${head}.${stolenMac}`, "tg1..", "tg1.e30.x", "a".repeat(5000)];
  for (const token of wrong) {
    const { status, error } = await tries(table, token);
    assert.equal(status, 403, token.slice(0, 60));
    assert.match(error, /not one of this room/);
  }
});

test("players and displays are refused with one clear sentence", async () => {
  const refused = [await tries(table, TOKENS.rooms["game_session/table"].player), await tries(table, TOKENS.rooms["game_session/table"].display), await tries(table, signed("player", ["*"])), await tries(table, TOKEN, { role: "display" })];
  for (const { status, error } of refused) {
    assert.equal(status, 403);
    assert.match(error, /game masters only.*cannot hide.*tableglow serve/);
    assert.equal(error.match(/[.!?](\s|$)/g).length, 1);
  }
  const picture = await fetch(`${worker.http}/assets/${"0".repeat(64)}`, { headers: { authorization: `Bearer ${signed("player", ["*"])}` } });
  assert.equal(picture.status, 403);
});

test("pictures ask for a token of any room", async () => {
  const url = `${worker.http}/assets/${"0".repeat(64)}`;
  assert.equal((await fetch(url)).status, 401);
  assert.equal((await fetch(url, { method: "PUT", body: "x" })).status, 401);
  assert.equal((await fetch(url, { headers: { authorization: "Bearer nonsense" } })).status, 403);
  for (const token of [TOKEN, TABLE_TOKEN, signed("dm", ["game_session/table"])]) assert.equal((await fetch(`${url}?token=${token}`)).status, 404);
});

test("web pages are let in by origin, with CORS", async () => {
  const evil = { origin: "https://evil.example" };
  assert.equal((await worker.request(table, { headers: evil })).status, 403);
  assert.equal((await worker.request(table, { method: "OPTIONS", headers: evil })).status, 403);
  await assert.rejects(worker.socket(table, { headers: evil }), { status: 403 });
  for (const origin of ["http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:3000"]) {
    const answer = await worker.request(table, { headers: { origin } });
    assert.equal(answer.headers.get("access-control-allow-origin"), origin);
    assert.match(answer.headers.get("vary"), /origin/i);
    (await worker.socket(table, { headers: { origin } })).close();
  }
  for (const origin of ["http://localhost.evil.example", "http://127.0.0.1.evil.example", "null", "file://"]) {
    assert.equal((await worker.request(table, { headers: { origin } })).status, 403);
  }
  const preflight = await fetch(worker.http + table, { method: "OPTIONS", headers: { origin: "http://localhost:1", "access-control-request-method": "PUT" } });
  assert.equal(preflight.status, 200);
  assert.deepEqual(await preflight.json(), { ok: true });
  for (const method of ["GET", "POST", "PUT"]) assert.match(preflight.headers.get("access-control-allow-methods"), new RegExp(method));
  assert.match(preflight.headers.get("access-control-allow-headers"), /authorization/);
});

test("there is nothing beside the addresses of the room server", async () => {
  for (const path of ["/", "/nothing", "/parties", "/parties/game_session", "/parties/game_session/", "/parties/p%20q/r", "/parties/*/r", "/party", "/party/", "/assets", `/parties/main/${"x".repeat(513)}`]) {
    assert.equal((await worker.request(path)).status, 404, path);
    await assert.rejects(worker.socket(path), { status: 404 }, path);
  }
  assert.equal((await worker.request(`${table}/sub/path`)).status, 200);
  assert.equal((await worker.request(table, { method: "DELETE" })).status, 405);
  const health = await (await fetch(`${worker.http}/health`)).json();
  assert.deepEqual([health.ok, health.roles], [true, ["dm"]]);
});

test("a worker without secrets, or with bad ones, lets nobody in", async () => {
  for (const [secrets, status] of [
    [{}, 403],
    [{ TOKEN_SECRET: "short" }, 503],
    [{ ROOM_TOKENS: "not json" }, 503],
    [{ ROOM_TOKENS: '{"server":"","rooms":{"game_session/table":{"dm":"short"}}}' }, 503],
  ]) {
    const other = await Worker.create(secrets);
    try {
      assert.equal((await fetch(`${other.http}${table}?token=anything-at-all-long`)).status, status);
      assert.ok(!other.log.includes("anything-at-all-long"));
    } finally {
      await other.dispose();
    }
  }
});

test("the token script makes what the worker takes", async () => {
  const script = fileURLToPath(new URL("../scripts/token.mjs", import.meta.url));
  const make = (...args) => execFileSync(process.execPath, [script, ...args], { env: { ...process.env, TOKEN_SECRET: SECRET }, encoding: "utf8" }).trim();
  assert.equal((await tries(table, make("game_session/table"))).status, 200);
  assert.equal((await tries(table, make("--role", "player", "game_session/table"))).status, 403);
  assert.equal((await tries(table, make("party/p1", "game_session/other"))).status, 403);
  assert.throws(() => make("--role", "king", "*"));
  assert.throws(() => make());
  assert.throws(() => execFileSync(process.execPath, [script, "*"], { env: { ...process.env, TOKEN_SECRET: "" }, stdio: "pipe" }));
});

test("a token of every room makes tokens for one", async () => {
  const path = "/tokens/game_session/table";
  const ask = (token) => fetch(worker.http + path, { headers: { authorization: `Bearer ${token}` } });
  for (const token of [TOKENS.server, TOKEN]) {
    const made = await (await ask(token)).json();
    assert.deepEqual(Object.keys(made), ["dm", "viewer", "player", "display"]);
    assert.equal((await tries(table, made.dm)).status, 200);
    assert.equal((await tries("/parties/game_session/other", made.dm)).status, 403);
    assert.match((await tries(table, made.player)).error, /game masters only/);
    assert.equal((await ask(made.dm)).status, 403);
  }
  assert.equal((await ask(TABLE_TOKEN)).status, 403);
  assert.equal((await fetch(worker.http + path)).status, 401);
  const other = await Worker.create({ ROOM_TOKENS: JSON.stringify(TOKENS) });
  assert.equal((await fetch(`${other.http}${path}?token=${TOKENS.server}`)).status, 404);
  await other.dispose();
});

test("tokens stand neither in the log nor in what is kept", async () => {
  (await worker.socket(table, { token: null, query: { token: TABLE_TOKEN } })).close();
  await worker.request(table, { method: "POST", body: "{}" });
  await worker.stop();
  const files = readdirSync(worker.state, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.length > 0);
  for (const secret of [TABLE_TOKEN, TOKEN, SECRET]) {
    assert.ok(!worker.log.includes(secret), "the log");
    for (const file of files) assert.ok(!readFileSync(join(file.parentPath ?? file.path, file.name)).includes(secret), file.name);
  }
});

/**
 * Rooms come over from PartyKit. `partykit-state.tar.gz` is what `partykit dev` 0.0.115 with
 * y-partykit 0.0.33 (`persist: {mode: "snapshot"}`) kept of four rooms of ours when its workerd was
 * killed: two whose clients had left, two in the middle of a session, nearly everything in the
 * write-ahead logs. Each has a map `scenes` with a mask of 300,000 sevens and a `meta.count` of 7.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as Y from "yjs";
import { applyLog, partyOf, roomsOf, sqliteFiles } from "../scripts/partykit-state.mjs";
import { eventually, signed, synced, TOKEN, Worker } from "./harness.mjs";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
let worker, folder, state;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tableglow-rooms-"));
  await run("tar", ["-xzf", join(here, "partykit-state.tar.gz"), "-C", folder]);
  state = join(folder, "state");
  worker = await Worker.create();
});
after(async () => {
  await worker.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the script; resolves with its lines and its exit code. */
async function bring(...args) {
  const env = { ...process.env, TABLEGLOW_TOKEN: TOKEN };
  const options = typeof args.at(-1) === "object" ? args.pop() : {};
  try {
    const { stdout } = await run(process.execPath, [join(here, "../scripts/bring-rooms.mjs"), ...args], { env: { ...env, ...options.env } });
    return { code: 0, lines: stdout.trim().split("\n"), error: "" };
  } catch (error) {
    return { code: error.code, lines: error.stdout.trim().split("\n"), error: error.stderr.trim() };
  }
}

const NAMES = ["game_session/left-session", "game_session/live-session", "main/7", "party/left-party"];

test("every room of partykit's state is brought, once", async () => {
  const first = await bring("--to", worker.http, state);
  assert.deepEqual([first.code, first.error], [0, ""]);
  assert.deepEqual(first.lines.map((line) => line.split(":")[0]).sort(), NAMES);
  for (const name of NAMES) {
    const [party, room] = name.split("/");
    const provider = worker.provider(party, room);
    await synced(provider);
    const scene = provider.doc.getMap("scenes").get("s1");
    assert.equal(scene.get("name"), `Höhle ${room} 🐉`);
    assert.deepEqual(scene.get("mask"), new Uint8Array(300_000).fill(7));
    assert.equal(provider.doc.getMap("meta").get("count"), 7);
    if (party === "main") provider.doc.getMap("meta").set("count", 8);
    provider.destroy();
  }
  const second = await bring("--to", worker.http, state);
  assert.equal(second.code, 1);
  assert.ok(second.lines.every((line) => /not brought \(409\).*used before/.test(line)), second.lines.join("\n"));
  assert.match(second.error, /4 of 4/);
  const edited = worker.provider("main", "7");
  await synced(edited);
  assert.equal(edited.doc.getMap("meta").get("count"), 8);
  edited.destroy();
});

test("the list changes nothing, and updates can be saved as files and brought from them", async () => {
  const listed = await bring("--list", state);
  assert.deepEqual([listed.code, listed.lines.length], [0, 4]);
  assert.match(listed.lines.join("\n"), /party\/left-party: 3\d{5} bytes, with .*scenes \(1\)/);
  const files = join(folder, "saved");
  assert.equal((await bring("--save", files, state)).code, 0);
  assert.equal((await bring("--save", files, state)).code, 1, "a file is never overwritten");
  const file = join(files, "game_session", "left-session.bin");
  const brought = await bring("--to", worker.http, "--room", "game_session/from-file", file);
  assert.deepEqual([brought.code, brought.error], [0, ""]);
  const provider = worker.provider("game_session", "from-file");
  await synced(provider);
  assert.equal(provider.doc.getMap("meta").get("count"), 7);
  provider.destroy();
});

test("a room that still runs is fetched from there", async () => {
  const source = worker.provider("game_session", "running");
  await synced(source);
  source.doc.getMap("m").set("x", "still here");
  await eventually(async () => (await (await worker.request("/parties/game_session/running")).json()).document.storedBytes > 0);
  const target = await Worker.create();
  try {
    const brought = await bring("--from", `${worker.http}?token=${TOKEN}`, "--to", target.http, "--room", "game_session/running");
    assert.deepEqual([brought.code, brought.error], [0, ""]);
    const copy = target.provider("game_session", "running");
    await synced(copy);
    assert.equal(copy.doc.getMap("m").get("x"), "still here");
    copy.destroy();
    source.destroy();
  } finally {
    await target.dispose();
  }
});

test("what cannot be brought is said in a sentence", async () => {
  const text = join(folder, "text.bin");
  await writeFile(text, Buffer.from([255, 255, 255, 1]));
  const cases = [
    [["--to", worker.http, "--room", "game_session/x", text], /no Yjs update/],
    [["--to", worker.http, "--room", "x", text], /PARTY\/ROOM/],
    [["--to", worker.http, "--from", "ws://127.0.0.1:1", "--room", "main/x"], /cannot be reached/],
    [["--to", worker.http, join(folder, "nowhere")], /ENOENT/],
    [["--to", "http://127.0.0.1:1", state], /fetch failed/],
    [["--nonsense"], /nonsense/],
    [[], /Usage/],
  ];
  for (const [args, sentence] of cases) {
    const { code, error } = await bring(...args);
    assert.equal(code, 1, args.join(" "));
    assert.match(error, sentence);
    assert.ok(!error.includes("    at "), "no trace");
  }
  const refused = await bring("--to", worker.http, state, { env: { TABLEGLOW_TOKEN: signed("player", ["*"]) } });
  assert.equal(refused.code, 1);
  assert.match(refused.lines[0], /403.*game masters only/);
});

test("a log that was cut or damaged gives the state of its last whole commit", async () => {
  const [file] = (await sqliteFiles(state)).filter((name) => name.includes("PartyKitDurable"));
  const log = await readFile(`${file}-wal`);
  await truncate(`${file}-wal`, log.length - 100);
  const [cut] = await roomsOf(file);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, cut.update);
  assert.equal(doc.getMap("scenes").get("s1").get("mask").length, 300_000);
  assert.ok(doc.getMap("meta").get("count") < 7);
  const damaged = Buffer.from(log);
  damaged[damaged.length - 50] ^= 1;
  await writeFile(`${file}-wal`, damaged);
  assert.deepEqual(Buffer.from((await roomsOf(file))[0].update).length, Buffer.from(cut.update).length);
  await writeFile(`${file}-wal`, log);
  const main = await readFile(file);
  assert.equal(applyLog(main, Buffer.alloc(0)), main);
  assert.equal(applyLog(main, Buffer.alloc(4096, 1)), main);
  assert.ok((await readdir(join(state, "party"))).length >= 3);
});

test("folders name their party", () => {
  const party = (folder) => partyOf(`/x/${folder}/a.sqlite`);
  assert.equal(party("-game_sessionDO"), "game_session");
  assert.equal(party("-my-partyDO"), "my-party");
  assert.equal(party("my-worker-game_sessionDO"), "game_session");
  assert.equal(party("-PartyKitDurable"), "main");
  assert.equal(party("elsewhere"), null);
});

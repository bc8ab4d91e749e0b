/**
 * Brings rooms to a worker, or to `tableglow serve`, as the seeds of rooms there. A room that has
 * been used there is left as it is. See README.md, "Rooms from PartyKit".
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import WebSocket from "ws";
import YProvider from "y-partyserver/provider";
import * as Y from "yjs";
import { asOneUpdate, partyOf, roomsOf, sqliteFiles } from "./partykit-state.mjs";

const USAGE = `Usage:
  npm run --silent bring-rooms -- --to URL .partykit/state      every room that partykit dev kept
  npm run --silent bring-rooms -- --to URL --room PARTY/ROOM FILE…   a room from Yjs updates
  npm run --silent bring-rooms -- --to URL --from URL --room PARTY/ROOM   a room that still runs
Options:
  --list         say what is there, and bring nothing (needs no --to)
  --save FOLDER  write each room as FOLDER/PARTY/ROOM.bin, and bring nothing (needs no --to)
  --party NAME   the party of SQLite files that are not in partykit's folders
The token of the rooms is read from TABLEGLOW_TOKEN.`;

class Problem extends Error {}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { to: { type: "string" }, from: { type: "string" }, room: { type: "string" }, party: { type: "string" }, save: { type: "string" }, list: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  if (values.help) return console.log(USAGE);
  const token = process.env.TABLEGLOW_TOKEN ?? "";
  const found = await roomsFrom(values, positionals);
  if (found.length === 0) throw new Problem(`There is no room in ${positionals.join(", ")}: y-partykit keeps rooms only with its \`persist\` option.`);
  let failed = 0;
  for (const { party, room, update, problem } of found) {
    const name = `${party}/${room}`;
    if (problem !== undefined) {
      console.log(`${name}: left out, ${problem}`);
      failed += 1;
      continue;
    }
    const size = `${update.byteLength} bytes`;
    if (values.list) {
      console.log(`${name}: ${size}, with ${contents(update)}`);
    } else if (values.save !== undefined) {
      // A room's name is a segment of a URL, and "." or ".." never is one.
      const file = join(values.save, party, `${encodeURIComponent(room)}.bin`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, update, { flag: "wx" });
      console.log(`${name}: ${size}, in ${file}`);
    } else {
      const answer = await fetch(new URL(`/parties/${party}/${room}`, values.to), {
        method: "PUT",
        body: update,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" },
      });
      const words = (await answer.text()).trim();
      if (answer.status === 201) console.log(`${name}: ${size}, brought`);
      else console.log(`${name}: not brought (${answer.status}): ${words}`);
      if (answer.status !== 201) failed += 1;
    }
  }
  if (failed > 0) throw new Problem(`${failed} of ${found.length} rooms were not brought; nothing was changed at those.`);
}

async function roomsFrom({ to, from, room, party, save, list }, paths) {
  if (to === undefined && save === undefined && !list) throw new Problem(USAGE);
  if (room !== undefined) {
    const [, roomParty, name] = /^([\w-]+)\/([^/]+)$/.exec(room) ?? [];
    if (name === undefined) throw new Problem("--room is PARTY/ROOM, as in the address.");
    if (from !== undefined) return [{ party: roomParty, room: name, update: await fromRunning(from, roomParty, name) }];
    if (paths.length === 0) throw new Problem("Name the file that holds the room's Yjs update.");
    const updates = await Promise.all(paths.map((path) => readFile(path)));
    try {
      return [{ party: roomParty, room: name, update: asOneUpdate(updates) }];
    } catch (error) {
      throw new Problem(`${paths.join(", ")}: this is no Yjs update (version 1), or not a whole one (${error.message}).`);
    }
  }
  if (from !== undefined) throw new Problem("--from needs --room: a server does not say which rooms it has.");
  if (paths.length === 0) throw new Problem(USAGE);
  const found = [];
  for (const path of paths) {
    for (const file of await sqliteFiles(path)) {
      const fileParty = party ?? partyOf(file);
      if (fileParty === null) throw new Problem(`${file} is in no folder of partykit's: name its party with --party.`);
      try {
        for (const { room: name, update } of await roomsOf(file)) found.push({ party: fileParty, room: name, update });
      } catch (error) {
        found.push({ party: fileParty, room: file, problem: error.message });
      }
    }
  }
  return found;
}

/** The document of a room on a server that still runs, as its own clients get it. */
async function fromRunning(from, party, room) {
  const url = new URL(from.includes("://") ? from : `https://${from}`);
  const protocol = /^(http|ws):$/.test(url.protocol) ? "ws" : "wss";
  const provider = new YProvider(url.host, room, new Y.Doc(), { party, protocol, WebSocketPolyfill: WebSocket, disableBc: true, connect: false, params: Object.fromEntries(url.searchParams) });
  // A reader shows nobody that it is there.
  provider.awareness.setLocalState(null);
  try {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Problem(`${url.host} did not send the room ${party}/${room} within 60 s.`)), 60_000);
      provider.on("synced", (isSynced) => isSynced && resolve(clearTimeout(timer)));
      provider.on("connection-error", (event) => (clearTimeout(timer), reject(new Problem(`${url.host} cannot be reached: ${event.message}.`))));
      provider.connect();
    });
    return asOneUpdate([Y.encodeStateAsUpdate(provider.doc)]);
  } finally {
    provider.destroy();
  }
}

/** The names of a document's roots with the number of their entries. */
function contents(update) {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update);
  const roots = [...doc.share].map(([name, root]) => `${name} (${root._map.size || root._length})`);
  return roots.length === 0 ? "nothing" : roots.join(", ");
}

main().catch((error) => {
  const isOurs = error instanceof Problem || error.code?.startsWith("ERR_PARSE_ARGS") || error.syscall !== undefined || error instanceof TypeError;
  console.error(isOurs ? (error.cause?.message ? `${error.message}: ${error.cause.message}` : error.message) : error);
  process.exit(1);
});

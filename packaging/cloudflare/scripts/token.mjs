/**
 * Makes a token that the worker takes, from the secret it was given as TOKEN_SECRET:
 *
 *     TOKEN_SECRET=… npm run --silent token -- game_session/ID party/ID
 *     TOKEN_SECRET=… npm run --silent token -- --role player 'game_session/*'
 *     npm run --silent token -- --new-secret
 */
import { createHmac, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

const ROLES = ["dm", "player", "display"];

function fail(sentence) {
  console.error(sentence);
  process.exit(2);
}

let args;
try {
  args = parseArgs({ allowPositionals: true, options: { role: { type: "string", default: "dm" }, "new-secret": { type: "boolean", default: false } } });
} catch (error) {
  fail(error.message);
}
const { values, positionals: rooms } = args;
if (values["new-secret"]) {
  console.log(randomBytes(32).toString("base64url"));
  process.exit(0);
}
const secret = process.env.TOKEN_SECRET ?? "";
if (!ROLES.includes(values.role)) fail(`A role is one of ${ROLES.join(", ")}.`);
if (rooms.length === 0 || !rooms.every((room) => room === "*" || /^[^/\s]+\/[^/\s]+$/.test(room))) fail("Name the rooms: PARTY/ROOM, PARTY/* or *.");
if (secret.length < 32) fail("TOKEN_SECRET must hold the worker's secret, of 32 characters at least; --new-secret makes one.");

const head = `tg1.${Buffer.from(JSON.stringify({ role: values.role, rooms })).toString("base64url")}`;
console.log(`${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`);

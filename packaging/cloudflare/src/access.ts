/**
 * Who may come in. A request shows a token in `Authorization: Bearer …` or, as browsers cannot set
 * headers on a socket, in the query as `token`. Tokens come from two secrets, either or both:
 *
 * - `ROOM_TOKENS` is the `tokens.json` of `tableglow serve`, so that a room keeps its tokens when it
 *   moves: `{"server": "…", "rooms": {"party/room": {"dm": "…", "player": "…", …}}}`. The server's
 *   token is a game master's in every room.
 * - `TOKEN_SECRET` signs tokens (`npm run token`) that name their role and rooms (`party/room`,
 *   `party/*` or `*`) themselves: `tg1.<base64url JSON {"role","rooms"}>.<base64url HMAC-SHA-256 of
 *   all before the last dot>`.
 *
 * Without secrets nobody gets in. Only the game master's role is taken: what players may see is
 * decided by Tableglow's own code, which does not run here, and a second copy of it would drift from
 * the first.
 */
import { LIMITS } from "./environment";
import { reason, refuse } from "./replies";

export const ROLES = ["dm", "viewer", "player", "display"] as const;
export type Role = (typeof ROLES)[number];

/** A grant as it stands in a signed token. */
interface Grant {
  role: Role;
  rooms: string[];
}

const encoder = new TextEncoder();

/**
 * Null when the request may go on as the game master, else the refusal. `room` is `party/room`;
 * without it (pictures belong to no room) a token of any room will do.
 */
export async function refusal(request: Request, url: URL, room: string | null, env: Cloudflare.Env): Promise<Response | null> {
  const token = bearer(request) ?? url.searchParams.get("token");
  if (token === null || token === "") {
    return refuse(401, "This room needs a token: ask the person who runs it for the link.", { "www-authenticate": "Bearer" });
  }
  let role: Role | null;
  try {
    role = token.length > LIMITS.token ? null : await roleOf(token, room, env);
  } catch (error) {
    console.error("the worker's secrets cannot be used:", reason(error));
    return refuse(503, "This worker's tokens are not set up rightly, so nobody can come in: its owner finds the reason in its log.");
  }
  if (role === null) return refuse(403, "The token is not one of this room: it may have been replaced, ask for a new link.");
  if (role !== "dm" || (url.searchParams.get("role") ?? "dm") !== "dm") {
    return refuse(
      403,
      "This room is on a Cloudflare worker, which takes game masters only, since it cannot hide from players what they must not see: players and displays join a game that is hosted by Tableglow or `tableglow serve`.",
    );
  }
  return null;
}

/**
 * Tokens for a room, one for each role, for whoever may enter every room. Null when the worker has
 * no secret to sign them with.
 */
export async function invitations(room: string, env: Cloudflare.Env): Promise<Record<Role, string> | null> {
  if (!env.TOKEN_SECRET) return null;
  const key = await signingKey(env.TOKEN_SECRET);
  const tokens: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    const head = `tg1.${toBase64Url(encoder.encode(JSON.stringify({ role, rooms: [room] } satisfies Grant)))}`;
    tokens[role] = `${head}.${toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(head))))}`;
  }
  return tokens as Record<Role, string>;
}

function bearer(request: Request): string | null {
  const header = request.headers.get("authorization");
  return header === null ? null : (/^Bearer +(\S+)$/i.exec(header)?.[1] ?? null);
}

/** The role a token has in a room, null for none. Throws when a secret is unusable. */
async function roleOf(token: string, room: string | null, env: Cloudflare.Env): Promise<Role | null> {
  const listed = await listedRole(token, room, env.ROOM_TOKENS);
  const signed = await signedRole(token, room, env.TOKEN_SECRET);
  return listed ?? signed;
}

/** Looks at every listed token whatever it finds, so that the time taken says nothing. */
async function listedRole(token: string, room: string | null, secret: string | undefined): Promise<Role | null> {
  if (secret === undefined || secret === "") return null;
  const shown = await digest(token);
  let found: Role | null = null;
  for (const [where, role, listed] of tokenTable(secret)) {
    const same = crypto.subtle.timingSafeEqual(shown, await digest(listed));
    if (same && found === null && (room === null || covers(where, room))) found = role;
  }
  return found;
}

async function signedRole(token: string, room: string | null, secret: string | undefined): Promise<Role | null> {
  if (secret === undefined || secret === "") return null;
  const key = await signingKey(secret);
  const [, signedPart, payload, mac] = /^(tg1\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]+)$/.exec(token) ?? [];
  if (signedPart === undefined || payload === undefined || mac === undefined) return null;
  const bytes = fromBase64Url(mac);
  if (bytes === null || !(await crypto.subtle.verify("HMAC", key, bytes, encoder.encode(signedPart)))) return null;
  const grant = readGrant(payload);
  if (grant === null) return null;
  return room === null || grant.rooms.some((pattern) => covers(pattern, room)) ? grant.role : null;
}

function signingKey(secret: string): Promise<CryptoKey> {
  if (secret.length < 32) throw new Error("TOKEN_SECRET has fewer than 32 characters");
  return crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

/** `*` covers every room, `party/*` those of a party. */
function covers(pattern: string, room: string): boolean {
  if (pattern === "*" || pattern === room) return true;
  return pattern.endsWith("/*") && room.startsWith(pattern.slice(0, -1));
}

type TokenTable = [where: string, role: Role, token: string][];
let lastTable: { secret: string; table: TokenTable } | null = null;

/** The tokens of `ROOM_TOKENS`. A role without a token, or with an empty one, is nobody's. */
function tokenTable(secret: string): TokenTable {
  if (lastTable?.secret === secret) return lastTable.table;
  let json: unknown;
  try {
    json = JSON.parse(secret);
  } catch {
    throw new Error("ROOM_TOKENS is not JSON");
  }
  const { server = "", rooms = {} } = isRecord(json) ? json : { server: null };
  if (typeof server !== "string" || !isRecord(rooms)) throw new Error('ROOM_TOKENS is not {"server": …, "rooms": …}');
  const table: TokenTable = [["*", "dm", server]];
  for (const [room, tokens] of Object.entries(rooms)) {
    if (!isRecord(tokens)) throw new Error(`ROOM_TOKENS: the tokens of ${room} are no object`);
    for (const role of ROLES) {
      const token = tokens[role] ?? "";
      if (typeof token !== "string") throw new Error(`ROOM_TOKENS: the ${role} token of ${room} is no text`);
      table.push([room, role, token]);
    }
  }
  const used = table.filter(([, , token]) => token !== "");
  for (const [room, role, token] of used) {
    if (token.length < 16) throw new Error(`ROOM_TOKENS: the ${role} token of ${room} has fewer than 16 characters`);
  }
  lastTable = { secret, table: used };
  return used;
}

function readGrant(payload: string): Grant | null {
  const bytes = fromBase64Url(payload);
  if (bytes === null) return null;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (!isRecord(json) || !isRole(json["role"]) || !Array.isArray(json["rooms"])) return null;
    return { role: json["role"], rooms: json["rooms"].filter((room) => typeof room === "string") };
  } catch {
    return null;
  }
}

function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", encoder.encode(text));
}

function fromBase64Url(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

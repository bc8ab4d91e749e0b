/**
 * Tableglow rooms on Cloudflare. Answers the addresses of Tableglow's own room server:
 *
 *     /parties/:party/:room    a socket, and GET, POST, PUT; /party/:room is /parties/main/:room
 *     /assets/:hash            pictures
 *     /tokens/:party/:room     a room's tokens, for a token of every room
 *     /health                  whether the worker runs, and what it takes
 *
 * Here is decided where a request goes and who may come in; what a room does is in `room.ts`.
 */
import { getServerByName } from "partyserver";
import { invitations, refusal } from "./access";
import { LIMITS } from "./environment";
import { picture } from "./pictures";
import { discard, listed, originAllowed, preflight, reason, refuse, reply, withCors } from "./replies";
import { VISITOR_HEADER, type Visitor } from "./room";

export { Room } from "./room";

/** A room as the address names it: not percent-decoded, letters as they are. */
interface RoomName {
  party: string;
  room: string;
}

export default {
  async fetch(request, env): Promise<Response> {
    const origin = request.headers.get("origin");
    if (!originAllowed(origin, env.ALLOWED_ORIGINS)) {
      return refuse(403, "This worker does not know the web page that asks: its owner can add the page's origin to ALLOWED_ORIGINS.");
    }
    const response = await answer(request, env);
    await discard(request);
    return withCors(response, origin);
  },
} satisfies ExportedHandler<Cloudflare.Env>;

async function answer(request: Request, env: Cloudflare.Env): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/health" && (request.method === "GET" || request.method === "HEAD")) {
    return reply({ ok: true, server: "tableglow-worker", dialect: "y-partyserver", roles: ["dm"], limits: LIMITS });
  }
  const [, first, ...rest] = url.pathname.split("/");
  if (first === "assets" && rest.length === 1) {
    if (request.method === "OPTIONS") return preflight();
    const refused = await refusal(request, url, null, env);
    if (refused !== null) return refused;
    try {
      return await picture(request, rest[0] ?? "", env.PICTURES);
    } catch (error) {
      console.error("the pictures cannot be reached:", reason(error));
      return refuse(503, "The pictures cannot be reached right now: try again in a moment.", { "retry-after": "5" });
    }
  }
  const name = roomName(first === "tokens" ? "parties" : first, rest);
  if (name === null) return refuse(404, "There is nothing at this address: rooms are at /parties/PARTY/ROOM.");
  const key = `${name.party}/${name.room}`;
  if (request.method === "OPTIONS") return preflight();
  if (first === "tokens") return tokens(request, url, key, env);
  return (await refusal(request, url, key, env)) ?? toRoom(request, url, name, env);
}

/** The room that an address names. Segments after the room are left aside, as PartyKit does. */
function roomName(first: string | undefined, rest: string[]): RoomName | null {
  const [party, room] = first === "parties" ? rest : first === "party" ? ["main", rest[0]] : [];
  if (!party || !room || party.length > LIMITS.partyName || room.length > LIMITS.roomName) return null;
  return /^[\w-]+$/.test(party) && room !== "*" ? { party, room } : null;
}

async function tokens(request: Request, url: URL, key: string, env: Cloudflare.Env): Promise<Response> {
  if (request.method !== "GET") return refuse(405, "A room's tokens take GET.", { allow: "GET, OPTIONS" });
  const refused = await refusal(request, url, "*", env);
  if (refused !== null) return refused;
  const made = await invitations(key, env);
  return made === null ? refuse(404, "This worker has no secret to make tokens with.") : reply(made);
}

async function toRoom(request: Request, url: URL, { party, room }: RoomName, env: Cloudflare.Env): Promise<Response> {
  try {
    // Waits until the room has read its document, or could not.
    const stub = await getServerByName(env.ROOMS, `${party}/${room}`);
    return await stub.fetch(forRoom(request, url, party, env));
  } catch (error) {
    console.error("a room could not be opened:", reason(error));
    return refuse(503, "The room cannot be opened right now; what it holds is untouched: try again in a moment.", {
      "retry-after": "5",
    });
  }
}

/**
 * The request as the room gets it: without the token, which would be kept with the socket, and with
 * who comes in a header.
 */
function forRoom(request: Request, url: URL, party: string, env: Cloudflare.Env): Request {
  const { searchParams: query } = url;
  const given = (...names: string[]) => names.map((name) => query.get(name)).find((value) => value !== null && value !== "") ?? null;
  const clean = new URL(url.pathname, url.origin);
  // A provider that comes back shows the same `_pk`, while its last socket may still be open: the
  // room tells sockets apart by an id of its own.
  clean.searchParams.set("_pk", crypto.randomUUID());
  const name = short(given("userName"));
  const id = short(given("userId")) ?? name;
  const visitor: Visitor = {
    user: id === null ? null : { id, name },
    hearsText: ["_pk", "userId", "userName"].some((key) => query.has(key)),
    wantsDurable: query.get("tableglow") === "1",
    textFirst: listed(env.TEXT_PARTIES, party),
    exclude: short(given("exclude", "excludeUser", "excludeUserId") ?? request.headers.get("x-exclude-user")),
    textRoot: short(given("text")),
  };
  const forwarded = new Request(clean, request);
  forwarded.headers.delete("authorization");
  for (const header of [...forwarded.headers.keys()]) if (header.startsWith("x-partykit-")) forwarded.headers.delete(header);
  forwarded.headers.set(VISITOR_HEADER, encodeURIComponent(JSON.stringify(visitor)));
  return forwarded;
}

/** Ids and names are cut to what fits beside a socket, at whole characters. */
function short(text: string | null): string | null {
  return text === null ? null : [...text.toWellFormed()].slice(0, 64).join("");
}

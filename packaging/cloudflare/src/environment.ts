/** What `wrangler.jsonc` and `wrangler secret put` give the worker. */
import type { Room } from "./room";

declare global {
  namespace Cloudflare {
    interface Env {
      /** One object per room; its name is `party/room`. */
      ROOMS: DurableObjectNamespace<Room>;
      /** Pictures by the SHA-256 of their bytes. */
      PICTURES: R2Bucket;
      /** Comma-separated origins of web pages that may use the rooms. */
      ALLOWED_ORIGINS: string;
      /** Comma-separated parties of plain JSON rooms: nothing binary is sent before the client does. */
      TEXT_PARTIES: string;
      /** Secret: the `tokens.json` of `tableglow serve`. */
      ROOM_TOKENS?: string;
      /** Secret: at least 32 characters; signs the tokens of `npm run token`. */
      TOKEN_SECRET?: string;
    }
  }
}

/** What the worker takes before it says no. Sizes in bytes. */
export const LIMITS = {
  /** Sockets of one room. */
  connections: 256,
  /** A Yjs message, in one frame or put together from a batch; the platform's own limit for frames. */
  message: 32 * 1024 * 1024,
  /** A seed that `PUT` brings. */
  seed: 32 * 1024 * 1024,
  /** An event, by `POST` or by a client's text frame. */
  event: 64 * 1024,
  /** A frame of presence. */
  presence: 256 * 1024,
  /** Malformed frames of a socket. */
  malformed: 1000,
  /** A picture: what the platform lets through in one request on its smallest plans. */
  picture: 100 * 1000 * 1000,
  /** Characters of a room's name and of a party's. */
  roomName: 512,
  partyName: 64,
  /** Characters of a token. */
  token: 4096,
} as const;

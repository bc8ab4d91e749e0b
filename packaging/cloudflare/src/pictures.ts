/**
 * `GET`, `HEAD` and `PUT /assets/:hash`: pictures by the SHA-256 of their bytes, in hex. A picture
 * never changes, so that an answer may be kept for ever; R2 itself refuses bytes of another hash.
 */
import { LIMITS } from "./environment";
import { reason, refuse, reply } from "./replies";

const HASH = /^[0-9a-f]{64}$/;

export async function picture(request: Request, hash: string, bucket: R2Bucket): Promise<Response> {
  if (!HASH.test(hash)) {
    return refuse(request.method === "PUT" ? 400 : 404, "A picture's name is the SHA-256 of its file in lower-case hex.");
  }
  switch (request.method) {
    case "GET":
    case "HEAD":
      return fetchPicture(request, hash, bucket);
    case "PUT":
      return storePicture(request, hash, bucket);
    default:
      return refuse(405, "Pictures take GET, HEAD and PUT.", { allow: "GET, HEAD, PUT, OPTIONS" });
  }
}

async function fetchPicture(request: Request, hash: string, bucket: R2Bucket): Promise<Response> {
  const etag = `"${hash}"`;
  const asked = request.headers.get("if-none-match");
  // Whoever names the hash as what they hold, holds it: the bytes cannot have changed.
  if (asked?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)) {
    return new Response(null, { status: 304, headers: { etag } });
  }
  const header = request.headers.get("range");
  let range: { offset: number; length: number } | null = null;
  let object: R2Object | R2ObjectBody | null = null;
  if (request.method === "HEAD" || header !== null) {
    object = await bucket.head(hash);
    if (object === null) return missing();
    if (header !== null && request.method === "GET") {
      const wanted = readRange(header, object.size);
      if (wanted === "unsatisfiable") {
        return refuse(416, `The picture has ${object.size} bytes and none where they were asked for.`, {
          "content-range": `bytes */${object.size}`,
        });
      }
      range = wanted;
    }
  }
  let body: ReadableStream | null = null;
  if (request.method === "GET") {
    const found = await bucket.get(hash, range === null ? {} : { range });
    if (found === null) return missing();
    object = found;
    body = found.body;
  }
  if (object === null) return missing();
  const headers = new Headers({
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=31536000, immutable",
    "content-length": String(range?.length ?? object.size),
    "content-type": object.httpMetadata?.contentType ?? "application/octet-stream",
    // A picture is never a page, whatever it says it is.
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    etag,
  });
  if (range !== null) headers.set("content-range", `bytes ${range.offset}-${range.offset + range.length - 1}/${object.size}`);
  return new Response(body, { status: range === null ? 200 : 206, headers });
}

async function storePicture(request: Request, hash: string, bucket: R2Bucket): Promise<Response> {
  const length = request.headers.get("content-length");
  if (length === null || request.body === null) return refuse(411, "A picture is sent with its length (Content-Length).");
  const size = Number(length);
  if (!(size > 0)) return refuse(400, "The picture is empty.");
  if (size > LIMITS.picture) {
    return refuse(413, `The picture has ${size} bytes and this worker takes ${LIMITS.picture} at most: make it smaller.`);
  }
  if ((await bucket.head(hash)) !== null) return reply({ ok: true });
  const type = request.headers.get("content-type") ?? "";
  try {
    await bucket.put(hash, request.body, {
      sha256: hash,
      httpMetadata: { contentType: /^(image|video)\/[\w.+-]+$/.test(type) ? type : "application/octet-stream" },
    });
  } catch (error) {
    const words = reason(error);
    // 10037 is R2's number for a checksum that differs.
    if (/10037|checksum|sha-?256/i.test(words)) {
      return refuse(422, "The bytes do not have the hash in the address, so nothing was stored: send the picture again.");
    }
    console.error("a picture could not be stored:", words);
    return refuse(503, "The picture could not be stored: try again in a moment.", { "retry-after": "5" });
  }
  return reply({ ok: true }, 201);
}

function missing(): Response {
  return refuse(404, "This worker does not have the picture.");
}

/**
 * One range of a `Range` header (RFC 9110, 14.1). Null when the whole is to be sent, which is right
 * for several ranges and for what cannot be read.
 */
function readRange(header: string, size: number): { offset: number; length: number } | "unsatisfiable" | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < offset) return null;
  return offset >= size ? "unsatisfiable" : { offset, length: end - offset + 1 };
}

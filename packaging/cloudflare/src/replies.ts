/** Answers of the HTTP side: JSON bodies, one sentence of plain text per refusal, CORS. */

/** A JSON answer. */
export function reply(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}

/** A refusal: a status and one sentence. */
export function refuse(status: number, sentence: string, headers: Record<string, string> = {}): Response {
  return new Response(`${sentence}\n`, {
    status,
    headers: { "cache-control": "no-store", "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

/** The reason that an error gives, for the log. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}

const LOOPBACK = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Whether a page of this origin may use the worker: those of the user's own machine, and those in
 * the comma-separated list. Native clients send no origin and need only their token.
 */
export function originAllowed(origin: string | null, allowed: string): boolean {
  return origin === null || LOOPBACK.test(origin) || listed(allowed, origin);
}

/** Whether a comma-separated list has the word. */
export function listed(list: string, word: string): boolean {
  return list.split(",").some((entry) => entry.trim() === word);
}

/** The same answer with what a browser of an allowed origin needs to read it. */
export function withCors(response: Response, origin: string | null): Response {
  if (origin === null || response.status === 101) return response;
  const answer = new Response(response.body, response);
  answer.headers.set("access-control-allow-origin", origin);
  answer.headers.append("vary", "origin");
  answer.headers.set("access-control-expose-headers", "accept-ranges, content-length, content-range, etag, retry-after");
  return answer;
}

/** The answer to a preflight. */
export function preflight(): Response {
  return reply({ ok: true }, 200, {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, if-none-match, range, x-exclude-user",
    "access-control-max-age": "86400",
  });
}

/**
 * The body of a request, or null when it is longer than `limit` bytes. Reads no further than that,
 * whatever length the request claims.
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array | null> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) {
    await discard(request);
    return null;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) return null;
    chunks.push(chunk);
  }
  return concat(chunks, size);
}

/**
 * Reads away a body that nobody wanted, as far as it is small, so that the connection it came on can
 * be used for the next request.
 */
export async function discard(request: Request): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  try {
    let left = 4 * 1024 * 1024;
    for await (const chunk of request.body) if ((left -= chunk.byteLength) < 0) return;
  } catch {
    // Whoever sent it has gone, or it is somebody else's now.
  }
}

/** Pieces of bytes as one. */
export function concat(pieces: Iterable<Uint8Array>, size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

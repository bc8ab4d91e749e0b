/**
 * Reads what `wrangler deploy` wrote to WRANGLER_OUTPUT_FILE_PATH, waits until the worker answers at its
 * address, and prints `url=ADDRESS` for the workflow.
 */
import { readFile } from "node:fs/promises";

const entries = (await readFile(process.argv[2], "utf8")).split("\n").filter(Boolean).map((line) => JSON.parse(line));
const [target] = entries.findLast((entry) => entry.type === "deploy")?.targets ?? [];
if (target === undefined) {
  console.error("wrangler deployed nothing that has an address.");
  process.exit(1);
}
const url = target.startsWith("https://") ? target : `https://${target}`;
const end = Date.now() + 120_000;
for (;;) {
  const answer = await fetch(`${url}/health`).catch((error) => error);
  if (answer.ok && (await answer.json()).ok === true) break;
  if (Date.now() > end) {
    console.error(`${url}/health does not answer: ${answer.status ?? answer.message}`);
    process.exit(1);
  }
  await new Promise((resolve) => setTimeout(resolve, 3_000));
}
console.log(`url=${url}`);

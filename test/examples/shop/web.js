// The image shop/web:1: greets, says which pod it is, and passes on what the back end offers.
import { readFile } from "node:fs/promises";
import { createServer, get } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";

const BACKEND_URL = process.env.BACKEND_URL ?? "http://backend:8080/offer";
const MOTTO = join(process.env.INKUBE_ROOT ?? "/", "etc/shop/motto.txt");
const BACKEND_TRIES = 3;
const BACKEND_TIMEOUT_MS = 1_000;
/** The first pause between two tries; it doubles. */
const RETRY_PAUSE_MS = 50;
/** How long requests are still taken after SIGTERM: news of the end has to reach those who send them. */
const DRAIN_MS = 300;

let isEnding = false;

const server = createServer((request, response) => {
  answer(request).then(
    ({ status, body }) => send(response, status, body),
    (error) => send(response, 500, { error: String(error) }),
  );
});

async function answer(request) {
  const { pathname } = new URL(request.url ?? "/", "http://web");
  if (pathname === "/healthz") return { status: 200, body: { ok: true } };
  if (pathname === "/ready") return { status: isEnding ? 503 : 200, body: { ready: !isEnding } };
  if (pathname !== "/") return { status: 404, body: { error: "not found" } };
  const page = {
    greeting: process.env.GREETING ?? "Hello",
    motto: await motto(),
    pod: hostname(),
    node: process.env.NODE_NAME ?? "",
  };
  try {
    return { status: 200, body: { ...page, backend: await offer() } };
  } catch (error) {
    return { status: 502, body: { ...page, error: `the back end does not answer: ${error.message}` } };
  }
}

/** Read anew each time: the volume follows its ConfigMap. */
async function motto() {
  try {
    return (await readFile(MOTTO, "utf8")).trim();
  } catch {
    return "";
  }
}

/** Asking for an offer changes nothing, so it may be asked for again. */
async function offer() {
  let failure;
  for (let attempt = 0; attempt < BACKEND_TRIES; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS * 2 ** (attempt - 1)));
    try {
      return await fetchJson(BACKEND_URL);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function fetchJson(url) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: BACKEND_TIMEOUT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => (text += part));
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        else resolve(JSON.parse(text));
      });
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", reject);
  });
}

function send(response, status, body) {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...(isEnding ? { connection: "close" } : {}),
  });
  response.end(text);
}

server.listen(80, () => console.log("the shop is open on port 80"));

process.on("SIGTERM", () => {
  isEnding = true;
  console.log("the shop closes");
  setTimeout(() => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  }, DRAIN_MS);
});

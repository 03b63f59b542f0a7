// Records what an operator of controller-runtime (`manager/main.go`) asks of a real kube-apiserver while its connections are cut
// three times, and what it is answered, into `recorded/manager.json`: `../e2e/manager.test.ts` asks the same of inkube.
//
//   node test/conformance/record-manager.mjs URL TOKEN
//
// Start a kube-apiserver 1.37 of your own on loopback before, without controllers and with nothing in it; this needs Go, and its
// module proxy, which inkube and its tests never do. A line of the recording is an exchange, in the order in which they began; of
// a watch it has the events; or `cut`, at which every connection broke. Bodies that went as protobuf stand as JSON would have
// them, and it is checked that inkube makes the very bytes of them that the operator sent. Discovery is kept for the groups that
// the operator needs.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { request } from "node:https";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [url, token] = process.argv.slice(2);
if (token === undefined) {
  console.error("usage: node test/conformance/record-manager.mjs URL TOKEN");
  process.exit(2);
}
const here = new URL(".", import.meta.url);
const { readBody, readEvents, writeBody, essential } = await wire();

const NAMESPACE = "operator";
const WIDGETS = `/apis/clients.example.com/v1/namespaces/${NAMESPACE}/widgets`;
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Nothing but renewals of the Lease for so long: the operator has done what it had to. */
const IDLE_MS = 800;

const entries = [];
const sockets = new Set();
/** Exchanges under way but watches, open watches, and when the last exchange ended that was no renewal. */
const now = { underWay: 0, watching: 0, lastMs: performance.now() };

const proxy = createServer(forward);
proxy.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${proxy.address().port}`;

await drive("POST /api/v1/namespaces", { metadata: { name: NAMESPACE } });
await drive(`POST ${DEFINITIONS}`, definition());
while ((await ask("GET", `${url}${WIDGETS}`)).status !== 200) await pause(50);
const operator = await start();
await whenIdle();

await drive(`POST ${WIDGETS}`, widget("one", 1));
await drive(`POST ${WIDGETS}`, widget("two", 2));
await drive(`POST ${WIDGETS}`, widget("three", 3));
await cut();
await drive(`PATCH ${WIDGETS}/one`, { spec: { size: 4 } });
await drive(`PATCH ${WIDGETS}/two`, { spec: { size: 5 } });
await drive(`POST ${WIDGETS}`, widget("four", 4));
await drive(`POST ${WIDGETS}`, widget("bad", 0));
await cut();
await drive(`DELETE ${WIDGETS}/two`);
await drive(`DELETE /api/v1/namespaces/${NAMESPACE}/configmaps/three`);
await drive(`PATCH ${WIDGETS}/three`, { spec: { size: 6 } });
await cut();
await drive(`DELETE /api/v1/namespaces/${NAMESPACE}/secrets/four`);
await drive(`PATCH ${WIDGETS}/four`, { metadata: { labels: { seen: "yes" } } });
await drive(`POST ${WIDGETS}`, widget("five", 5));
await drive(`DELETE ${WIDGETS}`);
operator.kill("SIGTERM");
await new Promise((resolve) => operator.on("exit", resolve));
await whenIdle();
proxy.close();
proxy.closeAllConnections();
const lines = entries
  .map((entry) => JSON.stringify(entry))
  .join(",\n")
  .replaceAll(hostname(), "host-of-the-operator");
writeFileSync(new URL("recorded/manager.json", here), `[\n${lines}\n]\n`);
console.log(`${entries.length} exchanges`);
process.exit(0);

/** `wire.ts`, which needs a build. */
async function wire() {
  const entry = fileURLToPath(new URL("wire.ts", here));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

function definition() {
  const condition = {
    type: "object",
    required: ["type", "status", "reason", "message", "lastTransitionTime"],
    properties: {
      ...Object.fromEntries(["type", "status", "reason", "message"].map((name) => [name, { type: "string" }])),
      lastTransitionTime: { type: "string", format: "date-time" },
      observedGeneration: { type: "integer", format: "int64" },
    },
  };
  const conditions = {
    type: "array",
    items: condition,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
  };
  const spec = { type: "object", required: ["size"], properties: { size: { type: "integer", minimum: 1 } } };
  const status = { type: "object", properties: { observed: { type: "integer" }, conditions } };
  const schema = { openAPIV3Schema: { type: "object", required: ["spec"], properties: { spec, status } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.clients.example.com" },
    spec: {
      group: "clients.example.com",
      scope: "Namespaced",
      names: { plural: "widgets", kind: "Widget" },
      versions: [{ name: "v1", served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}

function widget(name, size) {
  return { apiVersion: "clients.example.com/v1", kind: "Widget", metadata: { name }, spec: { size } };
}

/** Builds the operator, starts it, and waits until it leads. */
async function start() {
  const directory = mkdtempSync(join(tmpdir(), "inkube-manager-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  for (const file of ["main.go", "go.mod"]) copyFileSync(new URL(`manager/${file}`, here), join(directory, file));
  for (const args of [
    ["mod", "tidy"],
    ["build", "-o", "manager", "."],
  ]) {
    const { status } = spawnSync("go", args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) process.exit(1);
  }
  const kubeconfig = join(directory, "kubeconfig");
  const context = { cluster: "c", user: "u" };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: address } }],
    users: [{ name: "u", user: {} }],
    contexts: [{ name: "c", context }],
    "current-context": "c",
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const child = spawn(join(directory, "manager"), [NAMESPACE], { env: { ...process.env, KUBECONFIG: kubeconfig } });
  child.stderr.pipe(process.stderr);
  let printed = "";
  child.stdout.on("data", (chunk) => void (printed += chunk));
  while (!printed.includes("leads")) await pause(50);
  return child;
}

/** What a user does; then the operator has its time. */
async function drive(what, body) {
  const [method, path] = what.split(" ");
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const { status } = await ask(method, `${address}${path}`, body, type);
  console.log(`${what}: ${status}`);
  await whenIdle();
}

async function ask(method, target, body, type = "application/json") {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  const headers = {
    accept: "application/json",
    "content-type": type,
    "user-agent": "driver/1",
    authorization: `Bearer ${token}`,
  };
  const answer = await fetch(target, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.arrayBuffer();
  return answer;
}

async function whenIdle() {
  while (now.underWay > 0 || performance.now() - now.lastMs < IDLE_MS) await pause(20);
}

/** Every connection breaks, as when the API server dies that serves them; goes on when all is watched again. */
async function cut() {
  const before = now.watching;
  while (now.underWay > 0) await pause(1);
  entries.push({ cut: true });
  for (const socket of sockets) socket.destroy();
  console.log(`cut ${before} watches`);
  await pause(20);
  while (now.watching < before) await pause(20);
  await whenIdle();
}

function forward(asked, answered) {
  const isWatch = /[?&]watch=(true|1)\b/.test(asked.url);
  const isLease = asked.url.includes("/leases/");
  const { accept, "content-type": sentType, "user-agent": agent } = asked.headers;
  const entry = { do: `${asked.method} ${asked.url}`, agent: agent.split("/")[0], accept };
  entries.push(entry);
  if (!isWatch) now.underWay++;
  const chunks = [];
  asked.on("data", (chunk) => chunks.push(chunk));
  asked.on("end", () => {
    const sent = Buffer.concat(chunks);
    if (sent.length > 0) {
      const body = readBody(sentType, sent);
      if (!sentType.includes("json") && !Buffer.from(writeBody(sentType, body)).equals(sent)) {
        console.error(`${entry.do}: made of other bytes`, sent.toString("hex"), JSON.stringify(body));
      }
      Object.assign(entry, { sentType, sent: body });
    }
    const headers = { ...asked.headers, host: new URL(url).host, authorization: `Bearer ${token}` };
    delete headers["accept-encoding"];
    const passed = request(
      new URL(asked.url, url),
      { method: asked.method, headers, rejectUnauthorized: false },
      (answer) => {
        const type = answer.headers["content-type"] ?? "";
        Object.assign(entry, { status: answer.statusCode, type });
        if (answer.headers.warning !== undefined) entry.warning = answer.headers.warning;
        answered.writeHead(answer.statusCode, answer.headers);
        if (isWatch && answer.statusCode === 200) return follow(answer, answered, entry, type);
        const parts = [];
        answer.on("data", (chunk) => parts.push(chunk));
        answer.on("end", () => {
          const bytes = Buffer.concat(parts);
          entry.body = essential(readBody(type, bytes));
          answered.end(bytes);
          if (!isWatch) now.underWay--;
          if (!isLease) now.lastMs = performance.now();
        });
      },
    );
    passed.on("error", (error) => void answered.destroy(error));
    answered.on("close", () => passed.destroy());
    passed.end(sent);
  });
}

function follow(answer, answered, entry, type) {
  now.watching++;
  entry.events = [];
  let left = Buffer.alloc(0);
  answered.flushHeaders();
  answer.on("data", (chunk) => {
    answered.write(chunk);
    const { events, rest } = readEvents(type, Buffer.concat([left, chunk]));
    entry.events.push(...events);
    left = Buffer.from(rest);
    if (!entry.do.includes("/leases")) now.lastMs = performance.now();
  });
  answer.on("error", () => undefined);
  answered.on("close", () => void now.watching--);
}

/** What stays of memory when hostile clients have been at an API server: before, at the peak, and after half a minute of rest. */
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { send, sendAll } from "../api-process.ts";
import type { ClusterProcess } from "../cluster-process.ts";
import { startClusterProcess } from "../cluster-process.ts";
import type { Report, Suite } from "../report.ts";

const REST_MS = 30_000;
const SAMPLE_MS = 50;
const BYTES_OF_MB = 1_048_576;
const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

export const attacks: Suite = {
  name: "attacks",
  about:
    "resident memory of a process of one master, controllers off, and its API server's heap, while and after it is attacked",
  run: async (report) => {
    const api = await startClusterProcess({ masters: 1, workers: 0, controllers: false });
    try {
      // What the engine compiles and keeps anyway is there then.
      await sendAll(api, 8, 2_000, (at) => ({
        method: "POST",
        path: "/api/v1/namespaces/default/pods",
        body: pod(at),
      }));
      for (const [name, attack] of ATTACKS) await measured(report, api, name, () => attack(api));
    } finally {
      await api.stop();
    }
  },
};

async function measured(report: Report, api: ClusterProcess, name: string, attack: () => Promise<void>): Promise<void> {
  const before = api.residentBytes();
  const heapBefore = await heapBytes(api);
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, api.residentBytes())), SAMPLE_MS);
  await attack();
  clearInterval(sampling);
  await rest(REST_MS);
  const peer = { name: "before", value: before / BYTES_OF_MB };
  report({ name: `${name}: at the peak`, value: peak / BYTES_OF_MB, unit: "MB", peer });
  report({ name: `${name}: after half a minute`, value: api.residentBytes() / BYTES_OF_MB, unit: "MB", peer });
  const heap = { name: "before", value: heapBefore / BYTES_OF_MB };
  report({ name: `${name}: heap after it`, value: (await heapBytes(api)) / BYTES_OF_MB, unit: "MB", peer: heap });
}

type Attack = (api: ClusterProcess) => Promise<void>;

const ATTACKS: readonly (readonly [name: string, attack: Attack])[] = [
  ["32 clients with bodies of 3 MB", (api) => flood(api, 32, 4, () => post(CONFIG_MAPS, LARGE))],
  ["5,000 watches that see 50 pods made", watches],
  ["200 lists that nobody reads", (api) => unread(api, "application/json")],
  ["200 lists in YAML that nobody reads", (api) => unread(api, "application/yaml")],
  ["200 tables that nobody reads", (api) => unread(api, "application/json;as=Table;v=v1;g=meta.k8s.io")],
  ["50 watches that nobody reads, 75 MB each", slowWatches],
  [
    "16 clients with bombs in YAML",
    (api) => flood(api, 16, 20, (at) => post(CONFIG_MAPS, BOMBS[at % 2], "application/yaml")),
  ],
  ["600 connections that stop in the middle", halfOpen],
  ["60 definitions of 8,000 fields made and deleted", floodOfDefinitions],
  ["10,000 requests in flight", (api) => flood(api, 50, 200, () => ({ ":path": "/api/v1/pods?limit=50" }), true)],
];

const LARGE = JSON.stringify({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { generateName: "a" },
  data: Object.fromEntries(Array.from({ length: 2_900 }, (_, i) => [`k${i}`, "x".repeat(1_000)])),
});
/** Each line stands for nine of the line before; and a text that is nothing but signs. */
const BOMBS = [
  ["a: &a [x,x,x,x,x,x,x,x,x]", ..."bcdefghij".split("")]
    .map((line, i) =>
      i === 0
        ? line
        : `${line}: &${line} [${Array(9)
            .fill(`*${"abcdefghi"[i - 1]}`)
            .join(",")}]`,
    )
    .join("\n"),
  "? ".repeat(95_000),
];

interface Sent {
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | undefined;
}

function post(path: string, body: string | undefined, type: string = "application/json"): Sent {
  return { headers: { ":method": "POST", ":path": path, "content-type": type }, body };
}

/** `count` requests of each of `clients`; whatever is answered. */
async function flood(
  api: ClusterProcess,
  clients: number,
  count: number,
  make: (at: number) => Sent | OutgoingHttpHeaders,
  atOnce: boolean = false,
): Promise<void> {
  const one = async (): Promise<void> => {
    const client = session(api);
    const ask = (at: number): Promise<void> => {
      const made = make(at);
      return read(api, client, "headers" in made ? (made as Sent) : { headers: made as OutgoingHttpHeaders });
    };
    if (atOnce) await Promise.all(Array.from({ length: count }, (_, at) => ask(at)));
    else for (let at = 0; at < count; at++) await ask(at);
    client.destroy();
  };
  await Promise.all(Array.from({ length: clients }, one));
}

async function watches(api: ClusterProcess): Promise<void> {
  const clients = Array.from({ length: 50 }, () => session(api));
  const opened = clients.flatMap((client) =>
    Array.from({ length: 100 }, () => begin(api, client, { ":path": "/api/v1/pods?watch=1" }, true)),
  );
  await Promise.all(opened);
  await sendAll(api, 8, 50, (at) => ({
    method: "POST",
    path: "/api/v1/namespaces/default/pods",
    body: pod(10_000 + at),
  }));
  for (const client of clients) client.destroy();
}

async function unread(api: ClusterProcess, accept: string): Promise<void> {
  const clients = Array.from({ length: 20 }, () => session(api, 1_000));
  const begun = clients.flatMap((client) =>
    Array.from({ length: 10 }, () => begin(api, client, { ":path": "/api/v1/pods", accept }, false)),
  );
  await Promise.race([Promise.all(begun), rest(10_000)]);
  for (const client of clients) client.destroy();
}

async function slowWatches(api: ClusterProcess): Promise<void> {
  const clients = Array.from({ length: 50 }, () => session(api, 100));
  const headers = { ":path": "/api/v1/configmaps?watch=1" };
  await Promise.race([Promise.all(clients.map((client) => begin(api, client, headers, false))), rest(5_000)]);
  const data = { a: "x".repeat(500_000) };
  const flooded = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "flood" }, data };
  await send(api, { method: "POST", path: CONFIG_MAPS, body: JSON.stringify(flooded) });
  for (let i = 0; i < 150; i++) {
    const body = JSON.stringify({ data: { b: String(i) } });
    await send(api, {
      method: "PATCH",
      path: `${CONFIG_MAPS}/flood`,
      body,
      contentType: "application/merge-patch+json",
    });
  }
  for (const client of clients) client.destroy();
}

async function halfOpen(api: ClusterProcess): Promise<void> {
  const { hostname: host, port } = new URL(api.server);
  const begun = `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${api.token}\r\ncontent-length: 3000000\r\n\r\n`;
  const sockets = Array.from({ length: 600 }, (_, i): Socket => {
    if (i % 3 > 0) {
      const socket = connectTcp(Number(port), host);
      // The beginning of a greeting in TLS, or nothing at all.
      if (i % 3 === 1) socket.write(Uint8Array.of(22, 3, 1, 2, 0, 1));
      return socket.on("error", ignore);
    }
    const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false });
    socket.on("secureConnect", () => socket.write(begun + "x".repeat(60_000)));
    return socket.on("error", ignore);
  });
  await rest(20_000);
  for (const socket of sockets) socket.destroy();
}

async function floodOfDefinitions(api: ClusterProcess): Promise<void> {
  const properties = Object.fromEntries(
    Array.from({ length: 8_000 }, (_, i) => [`f${i}`, { type: "string", description: `words ${i}` }]),
  );
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } } };
  let next = 0;
  const one = async (): Promise<void> => {
    for (let at = next++; at < 60; at = next++) {
      const names = { plural: `f${at}s`, singular: `f${at}`, kind: `F${at}`, listKind: `F${at}List` };
      const metadata = { name: `f${at}s.bench.example.com` };
      const versions = [{ name: "v1", served: true, storage: true, schema }];
      const spec = { group: "bench.example.com", scope: "Namespaced", names, versions };
      const whole = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata, spec };
      await send(api, { method: "POST", path: DEFINITIONS, body: JSON.stringify(whole) });
      await send(api, { method: "DELETE", path: `${DEFINITIONS}/${metadata.name}` });
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
}

function pod(at: number): string {
  const spec = { containers: [{ name: "c", image: "x" }] };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: `p${at}` }, spec });
}

/** @param windowBytes so much is sent before the client has read; absent: Node's own */
function session({ server }: ClusterProcess, windowBytes?: number): ClientHttp2Session {
  const settings = windowBytes === undefined ? {} : { initialWindowSize: windowBytes };
  return connect(server, { rejectUnauthorized: false, settings }).on("error", ignore);
}

/** Resolves once the answer begins, or never will. */
function begin(
  api: ClusterProcess,
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  reads: boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const stream = client.request({ authorization: `Bearer ${api.token}`, ...headers });
    stream.on("error", () => resolve());
    stream.on("response", () => resolve());
    if (reads) stream.resume();
  });
}

function read(api: ClusterProcess, client: ClientHttp2Session, { headers, body }: Sent): Promise<void> {
  return new Promise((resolve) => {
    const stream = client.request({ authorization: `Bearer ${api.token}`, ...headers });
    stream.on("error", () => resolve());
    stream.on("close", () => resolve());
    stream.resume();
    stream.end(body);
  });
}

async function heapBytes(api: ClusterProcess): Promise<number> {
  const page = (await send(api, { method: "GET", path: "/metrics" })).toString();
  const found = page.matchAll(/^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)$/gm);
  return Array.from(found, ([, value]) => Number(value)).reduce((sum, value) => sum + value, 0);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function ignore(): void {}

/** The Kubernetes API over HTTPS, one master, asked by `h2load`, which costs hardly any CPU, as its peer was. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ClusterProcess } from "../cluster-process.ts";
import { startClusterProcess } from "../cluster-process.ts";
import { samplePod } from "../sample-pod.ts";
import type { Report, Suite } from "../report.ts";
import { median } from "../report.ts";

const run = promisify(execFile);
const ROUNDS = 5;
const PODS = 10_000;
const WATCHERS = 1_000;
const EVENTS = 100;
const PEER_NAME = "kube-apiserver 1.37";

export const api: Suite = {
  name: "api",
  about: `one master, HTTP/2 over TLS, 64 in flight; CPU of the whole cluster; medians of ${ROUNDS} rounds`,
  run: async (report) => {
    if (spawnSync("h2load", ["--version"]).error !== undefined) {
      console.log("  not run: it needs h2load (Debian: apt-get install nghttp2-client)");
      return;
    }
    const directory = mkdtempSync(join(tmpdir(), "inkube-bench-"));
    const cluster = await startClusterProcess({ masters: 1, workers: 0 });
    try {
      await requests(report, cluster, directory);
      await lists(report, cluster);
      await watches(report, cluster);
    } finally {
      await cluster.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

function podBody(metadata: object): string {
  const { spec } = samplePod();
  // Nothing places it: the figures are the API server's and etcd's.
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: {
      ...spec,
      nodeName: undefined,
      schedulerName: "nobody",
      serviceAccountName: undefined,
      volumes: undefined,
      containers: spec?.containers?.slice(0, 1).map((container) => ({ ...container, volumeMounts: undefined })),
    },
  });
}

async function load(
  cluster: ClusterProcess,
  count: number,
  path: string,
  bodyFile?: string,
): Promise<{ rate: number; cpuUs: number }> {
  const before = cluster.cpuMs();
  const { stdout } = await run("h2load", [
    ...["-n", String(count), "-c", "8", "-m", "8", "-t", "1", "-H", `authorization: Bearer ${cluster.token}`],
    ...(bodyFile === undefined ? [] : ["-d", bodyFile, "-H", "content-type: application/json"]),
    `${cluster.server}${path}`,
  ]);
  const cpuUs = ((cluster.cpuMs() - before) * 1_000) / count;
  const succeeded = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1]);
  if (succeeded !== count) throw new Error(`only ${succeeded} of ${count} requests succeeded:\n${stdout}`);
  return { rate: Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1]), cpuUs };
}

async function requests(report: Report, cluster: ClusterProcess, directory: string): Promise<void> {
  await send(cluster, "POST", "/api/v1/namespaces/default/pods", podBody({ name: "bench" }));
  const bodyFile = join(directory, "pod.json");
  writeFileSync(bodyFile, podBody({ generateName: "bench-" }));
  const plans = [
    ["GET pod", 20_000, "/api/v1/namespaces/default/pods/bench", undefined, { rate: 5_400, cpuUs: 330 }, "≥ 2 ×"],
    [
      "CREATE pod",
      PODS / ROUNDS,
      "/api/v1/namespaces/default/pods",
      bodyFile,
      { rate: 1_650, cpuUs: 1_150 },
      "≥ 1.5 ×",
    ],
  ] as const;
  for (const [name, count, path, body, peer, target] of plans) {
    const results = [];
    for (let round = 0; round < ROUNDS; round++) results.push(await load(cluster, count, path, body));
    report({
      name: `${name}, 64 in flight`,
      value: median(results.map(({ rate }) => rate)),
      unit: "/s",
      peer: { name: PEER_NAME, value: peer.rate },
      target,
    });
    report({
      name: `${name}, CPU each`,
      value: median(results.map(({ cpuUs }) => cpuUs)),
      unit: "µs",
      peer: { name: PEER_NAME, value: peer.cpuUs },
    });
  }
}

async function lists(report: Report, cluster: ClusterProcess): Promise<void> {
  const costs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = cluster.cpuMs();
    const answer = await send(cluster, "GET", "/api/v1/pods");
    costs.push(cluster.cpuMs() - before);
    bytes = answer.length;
  }
  report({
    name: `LIST of ${PODS.toLocaleString("en-US")} pods (${(bytes / 1e6).toFixed(0)} MB), CPU`,
    value: median(costs),
    unit: "ms",
    peer: { name: PEER_NAME, value: 285 },
    target: "≤ 0.5 ×",
  });
}

async function watches(report: Report, cluster: ClusterProcess): Promise<void> {
  await send(
    cluster,
    "POST",
    "/api/v1/namespaces/default/configmaps",
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bench" }, data: { n: "0" } }),
  );
  const sessions = Array.from({ length: 10 }, () => session(cluster));
  const path = "/api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Dbench";
  let received = 0;
  let opened = 0;
  let onProgress: () => void = () => undefined;
  for (let index = 0; index < WATCHERS; index++) {
    const stream = sessions[index % sessions.length]!.request({
      ":path": path,
      authorization: `Bearer ${cluster.token}`,
    });
    let first = true;
    stream.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) received++;
      if (first) opened++;
      first = false;
      onProgress();
    });
  }
  const reaching = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      onProgress = () => done() && resolve();
      onProgress();
    });
  // Each watcher is told of the object that is there.
  await reaching(() => opened === WATCHERS);
  received = 0;
  const cpuBefore = cluster.cpuMs();
  const started = performance.now();
  for (let event = 1; event <= EVENTS; event++) {
    await send(
      cluster,
      "PATCH",
      "/api/v1/namespaces/default/configmaps/bench",
      JSON.stringify({ data: { n: String(event) } }),
      "application/merge-patch+json",
    );
  }
  await reaching(() => received >= WATCHERS * EVENTS);
  const seconds = (performance.now() - started) / 1_000;
  for (const one of sessions) one.destroy();
  report({
    name: `watch, ${WATCHERS} watchers × ${EVENTS} events`,
    value: (WATCHERS * EVENTS) / seconds,
    unit: "/s",
    peer: { name: PEER_NAME, value: 106_594 },
    target: "≥ 0.5 ×",
  });
  report({
    name: "watch, CPU an event",
    value: ((cluster.cpuMs() - cpuBefore) * 1_000) / (WATCHERS * EVENTS),
    unit: "µs",
    peer: { name: PEER_NAME, value: 11 },
  });
}

function session(cluster: ClusterProcess): ClientHttp2Session {
  return connect(cluster.server, { rejectUnauthorized: false, settings: { initialWindowSize: 1 << 20 } });
}

function send(
  cluster: ClusterProcess,
  method: string,
  path: string,
  body?: string,
  contentType = "application/json",
): Promise<string> {
  const client = session(cluster);
  return new Promise((resolve, reject) => {
    client.on("error", reject);
    const stream = client.request({
      ":method": method,
      ":path": path,
      authorization: `Bearer ${cluster.token}`,
      ...(body === undefined ? {} : { "content-type": contentType }),
    });
    let status = 0;
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => void (status = Number(headers[":status"])));
    stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      client.close();
      const text = Buffer.concat(chunks).toString();
      if (status >= 200 && status < 300) resolve(text);
      else reject(new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`));
    });
    stream.end(body);
  });
}

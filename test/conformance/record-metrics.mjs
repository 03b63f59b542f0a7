// Records which metrics the real components tell, into `recorded/metrics.json`: of each its type, the names of its labels and the bounds of its buckets. With it
// `../e2e/metrics.test.ts` compares what inkube tells.
//
//   node test/conformance/record-metrics.mjs TOKEN API-URL ETCD-URL [SCHEDULER-URL CONTROLLERS-URL]
//
// Start etcd 3.7, kube-apiserver, kube-scheduler and kube-controller-manager 1.37 of your own on loopback before; this needs Go, which
// inkube and its tests never do. What has happened nowhere yet is told by none, so some of everything is made to happen first: a node, a
// Deployment whose pods are placed on it, and one whose pods fit nowhere. Then `npm run format`.
import { writeFileSync } from "node:fs";
import { request as http } from "node:http";
import { request as https } from "node:https";
import { setTimeout as pause } from "node:timers/promises";

const [token, api, etcd, scheduler, controllers] = process.argv.slice(2);
if (etcd === undefined) {
  console.error(
    "usage: node test/conformance/record-metrics.mjs TOKEN API-URL ETCD-URL [SCHEDULER-URL CONTROLLERS-URL]",
  );
  process.exit(2);
}
const NAMESPACE = "metrics";

function ask(method, url, object) {
  const body = object === undefined ? undefined : JSON.stringify(object);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? https : http;
    const asked = send(url, { method, rejectUnauthorized: false, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve(Buffer.concat(chunks).toString()));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const deployment = (name, cpu) => ({
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "web", image: "nginx", resources: { requests: { cpu } } }] },
    },
  },
});
await ask("POST", `${api}/api/v1/namespaces`, { metadata: { name: NAMESPACE } });
const capacity = { cpu: "4", memory: "8Gi", pods: "110" };
await ask("POST", `${api}/api/v1/nodes`, { metadata: { name: "recorded" } });
const ready = { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: new Date().toISOString() };
const status = { capacity, allocatable: capacity, conditions: [ready] };
await ask("PUT", `${api}/api/v1/nodes/recorded/status`, { metadata: { name: "recorded" }, status });
for (const [name, cpu] of [
  ["fits", "100m"],
  ["too-large", "100"],
])
  await ask("POST", `${api}/apis/apps/v1/namespaces/${NAMESPACE}/deployments`, deployment(name, cpu));
await pause(5_000);

/** Names and values of one line's labels are told apart by the quotes. */
function labelsOf(text) {
  return [...text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\]|\\.)*"/g)].map(([, name]) => name);
}

function familiesOf(text) {
  const families = {};
  let family;
  for (const line of text.split("\n")) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) families[(family = name)] = { type, labels: new Set(), bounds: new Set() };
    if (line === "" || line.startsWith("#")) continue;
    const [, bound] = /[{,]le="([^"]*)"/.exec(line) ?? [];
    if (bound !== undefined) families[family].bounds.add(bound);
    for (const label of labelsOf(line)) if (label !== "le" && label !== "quantile") families[family].labels.add(label);
  }
  const names = Object.keys(families).filter((name) => !/^(go|promhttp|grpc|os)_/.test(name));
  return Object.fromEntries(
    names.sort().map((name) => {
      const { type, labels, bounds } = families[name];
      return [
        name,
        {
          type,
          labels: [...labels].sort((a, b) => (a < b ? -1 : 1)),
          ...(bounds.size === 0 ? {} : { bounds: [...bounds] }),
        },
      ];
    }),
  );
}

const components = {
  "kube-apiserver": api,
  etcd,
  ...(scheduler === undefined ? {} : { "kube-scheduler": scheduler }),
  ...(controllers === undefined ? {} : { "kube-controller-manager": controllers }),
};
const recorded = {};
for (const [component, url] of Object.entries(components)) {
  recorded[component] = familiesOf(await ask("GET", `${url}/metrics`));
}
await ask("DELETE", `${api}/api/v1/namespaces/${NAMESPACE}`);
await ask("DELETE", `${api}/api/v1/nodes/recorded`);
writeFileSync(new URL("recorded/metrics.json", import.meta.url), `${JSON.stringify(recorded, null, 2)}\n`);
for (const [component, families] of Object.entries(recorded)) console.log(component, Object.keys(families).length);

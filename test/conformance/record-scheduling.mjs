// Records what a real kube-scheduler makes of the situations in `scheduling-situations.mjs`, into `recorded/scheduling.json`.
//
//   node test/conformance/record-scheduling.mjs URL TOKEN LOG
//
// Start a kube-apiserver 1.37 of your own on loopback before, with nothing in it, without controllers and without the admission plugins
// ServiceAccount and TaintNodesByCondition, and a kube-scheduler with `--config scheduling-profiles.yaml` (and a clientConnection) and
// `-v=10`, whose log is LOG: the scores are read from there. Everything that it makes is deleted in the end, but namespaces.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { SITUATIONS } from "./scheduling-situations.mjs";

const [url, token, log] = process.argv.slice(2);
if (log === undefined) {
  console.error("usage: node test/conformance/record-scheduling.mjs URL TOKEN LOG");
  process.exit(2);
}
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
/** The scheduler has heard of what has been written. */
const HEARD_MS = 400;
const LOOK_MS = 50;
const LOOKS_MAX = 200;
const run = process.env["RUN"] ?? "situation";
const policy = "/apis/policy/v1";
const apps = "/apis/apps/v1";

for (const [name, value] of Object.entries({ low: 10, middle: 100, high: 1000, never: 1000 })) {
  const preemptionPolicy = name === "never" ? "Never" : "PreemptLowerPriority";
  await ask(
    "POST",
    "/apis/scheduling.k8s.io/v1/priorityclasses",
    { metadata: { name }, value, preemptionPolicy },
    true,
  );
}
await clean();
const recorded = [];
for (const [index, situation] of SITUATIONS.entries()) {
  const namespace = `${run}-${index}`;
  const answers = await play(situation, namespace);
  recorded.push({ name: situation.name, pods: answers });
  console.log(situation.name, JSON.stringify(answers.map(({ node, message }) => node ?? message)));
  await clean();
}
const scores = scoresIn(readFileSync(log, "utf8"));
for (const [index, { pods }] of recorded.entries()) {
  for (const pod of pods) {
    const found = scores.get(`${run}-${index}/${pod.name}`);
    if (found !== undefined) pod.scores = found;
  }
}
writeFileSync(new URL("recorded/scheduling.json", import.meta.url), `${JSON.stringify(recorded, undefined, 2)}\n`);

async function play(
  { nodes, bound = [], pods, services = [], replicaSets = [], budgets = [], namespaces = {} },
  namespace,
) {
  const placed = (object) => JSON.parse(JSON.stringify(object).replaceAll("NS-", `${namespace}-`));
  await ask("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  for (const [name, labels] of Object.entries(namespaces)) {
    await ask("POST", "/api/v1/namespaces", { metadata: { name: `${namespace}-${name}`, labels } });
  }
  for (const { status, ...node } of nodes) {
    const made = await ask("POST", "/api/v1/nodes", { kind: "Node", apiVersion: "v1", ...node });
    await ask("PUT", `/api/v1/nodes/${node.metadata.name}/status`, {
      ...made,
      status: { capacity: status.allocatable, ...status },
    });
  }
  const inside = `/namespaces/${namespace}`;
  for (const service of services) await ask("POST", `/api/v1${inside}/services`, service);
  for (const set of replicaSets) await ask("POST", `${apps}${inside}/replicasets`, set);
  for (const { status, ...budget } of budgets) {
    const made = await ask("POST", `${policy}${inside}/poddisruptionbudgets`, budget);
    await ask("PUT", `${policy}${inside}/poddisruptionbudgets/${budget.metadata.name}/status`, { ...made, status });
  }
  for (const { namespace: other, ...pod } of bound) {
    const at = other === undefined ? namespace : `${namespace}-${other}`;
    await ask("POST", `/api/v1/namespaces/${at}/pods`, placed(pod));
  }
  await pause(HEARD_MS);
  const answers = [];
  for (const pod of pods) {
    await ask("POST", `/api/v1${inside}/pods`, placed(pod));
    answers.push(await answered(namespace, pod.metadata.name));
    await pause(HEARD_MS);
  }
  for (const { metadata } of bound) {
    const pod = await ask("GET", `/api/v1${inside}/pods/${metadata.name}`, undefined, true);
    if (pod.metadata?.deletionTimestamp === undefined) continue;
    const { type, status, reason, message } = pod.status.conditions.find(
      (condition) => condition.type === "DisruptionTarget",
    );
    const preempted = (await eventsOf(namespace, metadata.name)).find((event) => event.reason === "Preempted");
    (answers.at(-1).victims ??= []).push({
      name: metadata.name,
      condition: { type, status, reason, message },
      event: preempted?.note ?? preempted?.message,
    });
  }
  return answers;
}

/** Its node, or why it has none: the first thing that is said of it. */
async function answered(namespace, name) {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const events = (await eventsOf(namespace, name)).filter(
      ({ reason }) => reason === "FailedScheduling" || reason === "Scheduled",
    );
    const pod = await ask("GET", `/api/v1/namespaces/${namespace}/pods/${name}`);
    const condition = pod.status.conditions?.find(({ type }) => type === "PodScheduled");
    const isGated = condition?.reason === "SchedulingGated";
    if (events.length === 0 && !isGated) {
      await pause(LOOK_MS);
      continue;
    }
    if (events.some(({ reason }) => reason === "Scheduled")) return { name, node: pod.spec.nodeName };
    await pause(HEARD_MS);
    const now = await ask("GET", `/api/v1/namespaces/${namespace}/pods/${name}`);
    const { nominatedNodeName } = now.status;
    const message = events[0]?.message ?? events[0]?.note ?? condition.message;
    return {
      name,
      message,
      reason: condition?.reason,
      ...(nominatedNodeName === undefined ? {} : { nominatedNode: nominatedNodeName }),
    };
  }
  throw new Error(`nothing is said of ${namespace}/${name}`);
}

async function eventsOf(namespace, name) {
  const { items } = await ask(
    "GET",
    `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.name=${name}`,
  );
  const timeOf = (event) => event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
  return items.sort((left, right) => (timeOf(left) < timeOf(right) ? -1 : 1));
}

async function clean() {
  for (const { metadata } of (await ask("GET", "/api/v1/pods")).items) {
    await ask(
      "DELETE",
      `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`,
      { gracePeriodSeconds: 0 },
      true,
    );
  }
  for (const { metadata } of (await ask("GET", "/api/v1/nodes")).items)
    await ask("DELETE", `/api/v1/nodes/${metadata.name}`);
  await pause(HEARD_MS);
}

/** Weighted scores by pod, plugin and node: those of each pod's first attempt. */
function scoresIn(text) {
  const byPod = new Map();
  for (const line of text.split("\n")) {
    const found = /"Plugin scored node for pod" pod="([^"]+)" plugin="([^"]+)" node="([^"]+)" score=(-?\d+)/.exec(line);
    if (found === null) continue;
    const [, pod, plugin, node, score] = found;
    const plugins = byPod.get(pod) ?? {};
    byPod.set(pod, plugins);
    const nodes = (plugins[plugin] ??= {});
    nodes[node] ??= Number(score);
  }
  return byPod;
}

async function ask(method, path, body, mayFail = false) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const object = await answer.json();
  if (!answer.ok && !mayFail) throw new Error(`${method} ${path}: ${object.message}`);
  return object;
}

/** What it costs to find nodes for pods, with all plugins on, beside kube-scheduler in the same run. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_CONFIGURATION } from "../../../actors/scheduler/core/configuration/configuration.ts";
import { profilesOf } from "../../../actors/scheduler/core/configuration/profiles.ts";
import { SchedulerCache } from "../../../actors/scheduler/core/cache.ts";
import { ClusterObjects } from "../../../actors/scheduler/core/cluster-objects.ts";
import { Nominator } from "../../../actors/scheduler/core/nominator.ts";
import { podInfo } from "../../../actors/scheduler/core/pod-info.ts";
import { Scheduling } from "../../../actors/scheduler/core/schedule.ts";
import type { Node, Pod, Service } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { ApiProcess } from "../api-process.ts";
import { send, sendAll } from "../api-process.ts";
import { startClusterProcess } from "../cluster-process.ts";
import { startPeer } from "../peer-process.ts";
import { cpuMsOf } from "../process-figures.ts";
import type { Report, Suite } from "../report.ts";

const NODES = [100, 1_000, 5_000];
const PODS = 2_000;
const CLIENTS = 16;
const LOOK_MS = 50;
/** Pods of so many Services, so that spreading has something to spread. */
const SERVICES = 20;
const BOUND_WITHIN_MS = 240_000;

export const scheduling: Suite = {
  name: "scheduling",
  about: `${PODS} pods of ${SERVICES} Services that wait when the scheduler comes, on nodes in three zones without kubelets; one API server`,
  run: async (report) => {
    for (const nodes of NODES) {
      report({ name: `decision alone, ${nodes} nodes`, value: decisionCpuUs(nodes), unit: "µs CPU/pod" });
      await beside(nodes, report);
    }
  },
};

interface Run {
  /** From the first bound pod to the last. */
  readonly rate: number;
  /** Of API server, etcd and scheduler. */
  readonly cpuMs: number;
  readonly schedulerCpuMs: number;
}

async function beside(nodes: number, report: Report): Promise<void> {
  const ours = await ourRun(nodes);
  const theirs = await theirRun(nodes);
  const peer = (value: number | undefined): object =>
    value === undefined ? {} : { peer: { name: "kube-scheduler", value } };
  report({
    name: `pods bound, ${nodes} nodes`,
    value: ours.rate,
    unit: "/s",
    ...peer(theirs?.rate),
    target: "≥ 5 x",
  });
  report({
    name: `CPU of API server, etcd and scheduler, ${nodes} nodes`,
    value: ours.cpuMs / PODS,
    unit: "ms/pod",
    ...peer(theirs === undefined ? undefined : theirs.cpuMs / PODS),
  });
  if (theirs !== undefined) {
    report({ name: `kube-scheduler's own CPU, ${nodes} nodes`, value: theirs.schedulerCpuMs / PODS, unit: "ms/pod" });
  }
}

async function ourRun(nodes: number): Promise<Run> {
  const cluster = await startClusterProcess({ masters: 1, workers: 0 });
  try {
    // Pods need the account; after that nobody takes nodes without kubelets for lost.
    await cluster.evaluate(`cluster.waitFor("serviceaccount/default", () => true).then(() => null)`);
    await cluster.evaluate(cutOff("controller-manager-0"));
    await cluster.evaluate(cutOff("scheduler-0"));
    await fill(cluster, nodes);
    const before = cluster.cpuMs();
    await cluster.evaluate(`globalThis["scheduler-0"].stop()`);
    const rate = await bound(cluster);
    return { rate, cpuMs: cluster.cpuMs() - before, schedulerCpuMs: Number.NaN };
  } finally {
    await cluster.stop();
  }
}

/** Holds back what the actor and the API server send each other, until what is kept under its name is stopped. */
function cutOff(actor: string): string {
  const partition = { id: actor, kind: "partition", from: actor, to: "api-server-0", forMs: 3_600_000 };
  const plan = JSON.stringify({ faults: [partition] });
  return `(globalThis[${JSON.stringify(actor)}] = cluster.applyFaults(${plan})).settled()`;
}

/** Undefined where there is no peer. */
async function theirRun(nodes: number): Promise<Run | undefined> {
  const api = await startPeer();
  if (api === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "inkube-bench-scheduler-"));
  let scheduler: ChildProcess | undefined;
  try {
    await fill(api, nodes);
    const before = api.cpuMs();
    scheduler = startScheduler(api, directory);
    const rate = await bound(api);
    const schedulerCpuMs = cpuMsOf(scheduler.pid!);
    return { rate, cpuMs: api.cpuMs() - before + schedulerCpuMs, schedulerCpuMs };
  } finally {
    scheduler?.kill("SIGKILL");
    await api.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function startScheduler({ server, token }: ApiProcess, directory: string): ChildProcess {
  const binary = process.env["INKUBE_BENCH_PEER"] ?? join(homedir(), ".cache/inkube-oracle/components");
  const kubeconfig = join(directory, "kubeconfig");
  const config = join(directory, "config");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c",
    }),
  );
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: "kubescheduler.config.k8s.io/v1",
      kind: "KubeSchedulerConfiguration",
      leaderElection: { leaderElect: false },
      clientConnection: { kubeconfig, qps: 5_000, burst: 5_000 },
    }),
  );
  const logs = openSync(join(directory, "log"), "w");
  const flags = ["kube-scheduler", `--config=${config}`, "--secure-port=0"];
  return spawn(binary, flags, { stdio: ["ignore", logs, logs] });
}

async function fill(api: ApiProcess, nodes: number): Promise<void> {
  const post = (
    path: string,
    object: object,
  ): { readonly method: string; readonly path: string; readonly body: string } => ({
    method: "POST",
    path,
    body: JSON.stringify(object),
  });
  const inside = "/api/v1/namespaces/default";
  await sendAll(api, CLIENTS, SERVICES, (at) => post(`${inside}/services`, serviceOf(at)));
  await sendAll(api, CLIENTS, nodes, (at) => post("/api/v1/nodes", nodeOf(at)));
  await sendAll(api, CLIENTS, PODS, (at) => post(`${inside}/pods`, podOf(at)));
}

/** Pods a second, from the first one to the last. */
async function bound(api: ApiProcess): Promise<number> {
  const isThere = async (selector: string): Promise<boolean> => {
    const path = `/api/v1/pods?limit=1&fieldSelector=${encodeURIComponent(selector)}`;
    const { items } = JSON.parse((await send(api, { method: "GET", path })).toString()) as {
      readonly items: readonly unknown[];
    };
    return items.length > 0;
  };
  const deadline = performance.now() + BOUND_WITHIN_MS;
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error("the pods are not bound");
      await sleep(LOOK_MS);
    }
  };
  await until(() => isThere("spec.nodeName!="));
  const started = performance.now();
  await until(async () => !(await isThere("spec.nodeName=")));
  return (PODS * 1_000) / (performance.now() - started);
}

function serviceOf(at: number): Service {
  return { metadata: { name: `s${at}` }, spec: { selector: { app: `a${at}` }, ports: [{ port: 80 }] } };
}

function nodeOf(at: number): Node {
  const name = `n${at}`;
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": `z${at % 3}` } },
    status: {
      capacity: { cpu: "32", memory: "256Gi", pods: "110" },
      allocatable: { cpu: "32", memory: "256Gi", pods: "110" },
    },
  };
}

function podOf(at: number): Pod {
  return {
    metadata: { name: `p${at}`, labels: { app: `a${at % SERVICES}` } },
    spec: {
      containers: [{ name: "c", image: "pause", resources: { requests: { cpu: "100m", memory: "64Mi" } } }],
      // A node without a kubelet has the taint `not-ready`, and nobody takes it away.
      tolerations: [{ operator: "Exists" }],
    },
  };
}

function decisionCpuUs(nodes: number): number {
  const snapshot = { cache: new SchedulerCache(), objects: new ClusterObjects(), nominator: new Nominator() };
  const made = profilesOf(
    DEFAULT_CONFIGURATION,
    new Map([["DefaultBinder", () => ({ name: "DefaultBinder", bind: () => undefined })]]),
  );
  if ("problem" in made) throw new Error(made.problem);
  const [profile] = made.profiles;
  for (let at = 0; at < SERVICES; at++) snapshot.objects.setService("default", `s${at}`, serviceOf(at));
  for (let at = 0; at < nodes; at++) snapshot.cache.setNode(nodeOf(at));
  const alone = new Scheduling(snapshot);
  const before = process.cpuUsage();
  for (let at = 0; at < PODS; at++) {
    const pod = podOf(at);
    const info = podInfo({ ...pod, metadata: { ...pod.metadata, namespace: "default", uid: `u${at}` } });
    const { node } = alone.decide(profile!, info, (at * 0.618) % 1);
    if (node === undefined) throw new Error("no node");
    snapshot.cache.assume(info, node);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / PODS;
}

/** What the components tell of their work is what Kubernetes' and etcd's tell, under the same names: held against a recording of these. */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, type LoopbackServer } from "inkube";
import type { ReadFamily } from "../../fixtures/metrics-text.ts";
import { readMetrics } from "../../fixtures/metrics-text.ts";
import { until } from "../../fixtures/until.ts";

interface Recorded {
  readonly type: string;
  readonly labels: readonly string[];
  readonly bounds?: readonly string[];
}
const recorded = JSON.parse(
  readFileSync(new URL("../../conformance/recorded/metrics.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Readonly<Record<string, Recorded>>>>;

const WEB = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "nginx", readinessProbe: { tcpSocket: { port: 80 } } }] },
    },
  },
};

let cluster: Cluster;
let server: LoopbackServer;
beforeAll(async () => {
  cluster = await Cluster.start({ masters: 1, workers: 1 });
  await cluster.apply(WEB);
  await cluster.waitFor("deployment/web", "RolledOut");
  server = await cluster.serveMetrics();
}, 60_000);
afterAll(() => cluster.stop());

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = send(url, { headers, ca: cluster.authority }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const { "content-type": type = "" } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, type, text: Buffer.concat(chunks).toString() });
      });
    });
    asked.on("error", reject).end();
  });
}

const api = (path: string): Promise<Answer> =>
  get(`${cluster.server}${path}`, { authorization: `Bearer ${cluster.token}` });
const of = async (actor: string): Promise<Map<string, ReadFamily>> =>
  readMetrics((await get(`http://${server.address}/metrics/${actor}`)).text);

/** The value of the one series that has these labels. */
function value(families: Map<string, ReadFamily>, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const found = (families.get(name.replace(/_count$/, ""))?.samples ?? families.get(name)?.samples ?? []).filter(
    (sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  );
  expect(found, `${name} ${JSON.stringify(labels)}`).toHaveLength(1);
  return found[0]!.value;
}

/** Ours, and what is told of the thread; and what the recording has no occasion for. */
const OUR_OWN = /^(inkube|nodejs)_/;
const NOT_RECORDED: Readonly<Record<string, string>> = {
  apiserver_request_terminations_total: "only where another server did not answer",
  apiserver_flowcontrol_current_inqueue_requests: "only once somebody has waited",
  apiserver_flowcontrol_request_wait_duration_seconds: "only once somebody has waited",
  apiserver_flowcontrol_rejected_requests_total: "only once somebody was refused",
  etcd_request_errors_total: "only once something has failed",
  etcd_network_peer_sent_bytes_total: "only of several members",
  etcd_network_peer_received_bytes_total: "only of several members",
  etcd_network_active_peers: "only of several members",
};

describe("metrics", () => {
  it.each([
    ["api-server-0", "kube-apiserver"],
    ["etcd-0", "etcd"],
    ["scheduler-0", "kube-scheduler"],
    ["controller-manager-0", "kube-controller-manager"],
  ])("of %s are of the types, labels and bounds that %s has", async (actor, component) => {
    const known = recorded[component]!;
    const families = await of(actor);
    for (const [name, { type, samples }] of families) {
      if (OUR_OWN.test(name) || name in NOT_RECORDED) continue;
      expect(Object.keys(known), name).toContain(name);
      const { labels, bounds, type: expected } = known[name]!;
      expect(type, name).toBe(expected);
      const ours = new Set(samples.flatMap((sample) => Object.keys(sample.labels)).filter((label) => label !== "le"));
      // A recording without a sample tells no labels.
      if (labels.length > 0) expect([...ours].sort(), name).toEqual(labels);
      if (bounds === undefined) continue;
      const numbers = (texts: readonly (string | undefined)[]): readonly number[] =>
        [...new Set(texts.filter((text) => text !== undefined && text !== "+Inf"))].map(Number);
      expect(numbers(samples.map(({ labels: { le } }) => le)), name).toEqual(numbers(bounds));
    }
    expect(families.size).toBeGreaterThan(15);
  });

  it("count what has happened", async () => {
    const [apiServer, etcd, scheduler, controllers, kubelet, proxy] = await Promise.all(
      ["api-server-0", "etcd-0", "scheduler-0", "controller-manager-0", "worker-0/kubelet", "worker-0/kube-proxy"].map(
        of,
      ),
    );
    const deployments = { group: "apps", resource: "deployments", verb: "POST", code: "201" };
    expect(value(apiServer!, "apiserver_request_total", deployments)).toBe(1);
    expect(value(apiServer!, "apiserver_resource_objects", { group: "", resource: "pods" })).toBe(2);
    const pods = { operation: "create", group: "", resource: "pods" };
    expect(value(apiServer!, "etcd_requests_total", pods)).toBe(2);
    expect(value(apiServer!, "etcd_request_duration_seconds_count", pods)).toBe(2);
    expect(value(etcd!, "etcd_server_is_leader")).toBe(1);
    expect(value(etcd!, "etcd_server_leader_changes_seen_total")).toBe(1);
    expect(value(etcd!, "etcd_disk_wal_fsync_duration_seconds_count")).toBeGreaterThan(10);
    expect(value(etcd!, "etcd_server_proposals_applied_total")).toBeGreaterThan(10);
    const scheduled = { result: "scheduled", profile: "default-scheduler" };
    expect(value(scheduler!, "scheduler_schedule_attempts_total", scheduled)).toBe(2);
    expect(value(scheduler!, "scheduler_pending_pods", { queue: "active" })).toBe(0);
    expect(value(scheduler!, "leader_election_master_status", { name: "kube-scheduler" })).toBe(1);
    expect(value(controllers!, "workqueue_adds_total", { name: "replica-set" })).toBeGreaterThan(0);
    expect(value(controllers!, "workqueue_work_duration_seconds_count", { name: "replica-set" })).toBeGreaterThan(0);
    expect(value(controllers!, "node_collector_zone_size")).toBe(1);
    expect(value(kubelet!, "kubelet_running_pods")).toBe(2);
    expect(value(kubelet!, "kubelet_pod_start_duration_seconds_count")).toBe(2);
    expect(value(kubelet!, "kubelet_runtime_operations_total", { operation_type: "run_podsandbox" })).toBe(2);
    expect(value(kubelet!, "rest_client_requests_total", { method: "POST", code: "201" })).toBeGreaterThan(0);
    expect(value(proxy!, "kubeproxy_sync_proxy_rules_service_changes_total")).toBeGreaterThan(0);
    expect(value(proxy!, "kubeproxy_sync_proxy_rules_duration_seconds_count")).toBeGreaterThan(0);
  });

  it("of an API server are at its own door, of a kubelet behind the proxy of its node, with what its containers use", async () => {
    const own = await api("/metrics");
    expect([own.status, own.type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(value(readMetrics(own.text), "apiserver_resource_objects", { group: "apps", resource: "deployments" })).toBe(
      1,
    );
    const proxied = async (page: string): Promise<Map<string, ReadFamily>> =>
      readMetrics((await api(`/api/v1/nodes/worker-0/proxy${page}`)).text);
    expect(value(await proxied("/metrics"), "kubelet_node_name", { node: "worker-0" })).toBe(1);
    const used = (families: Map<string, ReadFamily>): readonly (string | undefined)[] =>
      families.get("container_memory_working_set_bytes")?.samples.map(({ labels }) => labels["container"]) ?? [];
    const resources = await proxied("/metrics/resource");
    expect(used(resources)).toEqual(["web", "web"]);
    expect(value(resources, "resource_scrape_error")).toBe(0);
    expect(value(resources, "node_cpu_usage_seconds_total")).toBeGreaterThan(0);
    expect(used(await proxied("/metrics/cadvisor"))).toEqual(["web", "web"]);
    const probes = (await proxied("/metrics/probes")).get("prober_probe_total")!.samples;
    expect(new Set(probes.map(({ labels: { probe_type: type, container } }) => `${type} ${container}`))).toEqual(
      new Set(["Readiness web"]),
    );
  });

  it("of all are in one place, each with its job and instance; in the form that is asked for", async () => {
    const accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    const { text, type } = await get(`http://${server.address}/metrics`, { accept });
    expect(type).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    readMetrics(text, "openmetrics");
    const families = readMetrics(await cluster.metrics());
    const instances = families.get("nodejs_heap_size_used_bytes")!.samples.map(({ labels }) => labels);
    expect(instances).toContainEqual({ job: "apiserver", instance: "api-server-0" });
    expect(instances).toContainEqual({ job: "kubelet", instance: "worker-0/kubelet" });
    expect(value(families, "inkube_actor_up", { actor: "etcd-0" })).toBe(1);
  });

  it.runIf(process.platform === "linux")("tell what the process has of the machine", async () => {
    const families = readMetrics(await cluster.metrics());
    const ofOne = (name: string): number => value(families, name, { instance: "etcd-0" });
    // Each thread has a file of its own to be woken by.
    expect(ofOne("process_open_fds")).toBeGreaterThan(10);
    expect(ofOne("process_max_fds")).toBeGreaterThanOrEqual(ofOne("process_open_fds"));
    expect(ofOne("process_virtual_memory_bytes")).toBeGreaterThan(ofOne("process_resident_memory_bytes"));
    expect(ofOne("process_resident_memory_bytes")).toBeGreaterThan(1_048_576);
  });

  it("tell Prometheus where each actor is, who is not there, and who may not ask", async () => {
    const { text } = await get(`http://${server.address}/targets`);
    const targets = JSON.parse(text) as { targets: string[]; labels: Record<string, string> }[];
    const etcd = targets.find(({ labels }) => labels["instance"] === "etcd-0")!;
    expect(etcd).toEqual({
      targets: [server.address],
      labels: { job: "etcd", instance: "etcd-0", __metrics_path__: "/metrics/etcd-0" },
    });
    expect(await get(`http://${server.address}/metrics/etcd-7`)).toMatchObject({ status: 404 });
    expect(await get(`http://${server.address}/else`)).toMatchObject({ status: 404 });
    expect(await get(`http://${server.address}/metrics`, { host: "evil.example" })).toMatchObject({ status: 403 });
    const port = Number(server.address.split(":")[1]);
    await expect(cluster.serveMetrics(port)).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });

  it("count the restarts of an actor by what ended it", async () => {
    await cluster.kill("scheduler-0");
    const families = await until("the scheduler is back", async () => {
      const found = readMetrics(await cluster.metrics());
      return value(found, "inkube_actor_up", { actor: "scheduler-0" }) === 1 && found;
    });
    expect(value(families, "inkube_actor_restarts_total", { actor: "scheduler-0", reason: "killed" })).toBe(1);
  });
});

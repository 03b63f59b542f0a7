import { it } from "vitest";
import { writeFileSync } from "node:fs";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { deployments } from "../../../actors/client/resources.ts";
import { changesOf } from "../../fixtures/object-changes.ts";
import { TraceRecord } from "../../../actors/trace-collector/core/record.ts";
import { divergenceOf } from "../../../actors/trace-collector/core/divergence.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";

function app(name: string, image: string): Deployment {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: "main", image }] } };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: "default" }, spec: { replicas: 3, selector: { matchLabels: labels }, template } };
}
const ready = ({ status }: Deployment): boolean => status?.readyReplicas === 3;

async function run(seed: number, faults: unknown[]): Promise<TraceRecord> {
  const cluster = new SimulatedCluster({ seed, faults: { faults: faults as never } });
  await cluster.start();
  const { client, clock, host } = cluster;
  const changes = await cluster.run(async () => {
    await client.create(deployments, app("web", "nginx:1"));
    await cluster.waitFor(deployments, "web", "default", ready, 60_000);
    await clock.sleep(20_000);
    return changesOf(cluster);
  }, 600_000);
  return new TraceRecord({ events: host.trace.events, changes });
}

it("lab", async () => {
  const plain = await run(1, []);
  const show = (name: string, left: TraceRecord, right: TraceRecord): void => {
    const t = process.cpuUsage().user;
    const d = divergenceOf(left, right);
    writeFileSync("/tmp/lab2.txt", `${name} ${(process.cpuUsage().user - t) / 1000}ms ${JSON.stringify(d, undefined, 1).slice(0, 6000)}\n`, { flag: "a" });
  };
  writeFileSync("/tmp/lab2.txt", "");
  show("same", plain, await run(1, []));
  show("seeds", plain, await run(2, []));
  show("fault", plain, await run(1, [{ id: "power", kind: "actor-crash", at: "worker-1/kubelet", fromMs: 3000 }]));
  show("fault+seed", plain, await run(3, [{ id: "power", kind: "actor-crash", at: "api-server-1", fromMs: 3000 }]));
  show("partition", await run(4, [{ id: "cut", kind: "partition", from: "worker-1/kubelet", to: "api-server-*", fromMs: 3000, forMs: 10000 }]), plain);
}, 120_000);

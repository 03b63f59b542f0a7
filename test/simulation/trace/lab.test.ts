import { it } from "vitest";
import { writeFileSync } from "node:fs";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { deployments, leases, pods } from "../../../actors/client/resources.ts";
import { changesOf } from "../../fixtures/object-changes.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";

function app(name: string, image: string, annotations: Record<string, string> = {}, cpu = "1"): Deployment {
  const labels = { app: name };
  const containers = [{ name: "main", image, resources: { requests: { cpu } } }];
  const template = { metadata: { labels, annotations }, spec: { containers } };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: "default" }, spec: { replicas: 3, selector: { matchLabels: labels }, template } };
}
const ready = ({ status }: Deployment): boolean => status?.readyReplicas === 3;

it("lab", async () => {
  const cluster = new SimulatedCluster({ seed: 41, faults: { faults: [{ id: "registry", kind: "image-gone", image: "gone:*" } as never] } });
  await cluster.start();
  const { client, host, clock } = cluster;
  const changes = await cluster.run(async () => {
    await client.create(deployments, app("web", "nginx:1"));
    await cluster.waitFor(deployments, "web", "default", ready, 60_000);
    await cluster.killNode("worker-1");
    await cluster.waitFor(deployments, "web", "default", (now) => !ready(now), 60_000);
    await cluster.waitFor(deployments, "web", "default", ready, 60_000);
    await clock.sleep(20_000);
    await cluster.restoreNode("worker-1");
    await client.create(deployments, app("loop", "nginx:1", { "inkube.dev/simulated-exit-after-ms": "500", "inkube.dev/simulated-exit-code": "3" }));
    await client.create(deployments, app("huge", "nginx:1", {}, "100"));
    await client.create(deployments, app("stuck", "nginx:1"));
    await cluster.waitFor(deployments, "stuck", "default", ready, 60_000);
    await client.patch(deployments, "stuck", "default", { spec: app("stuck", "gone:2").spec });
    const lease = await client.get(leases, "kube-controller-manager", "kube-system");
    host.kill(lease.spec?.holderIdentity ?? "");
    host.kill("api-server-1");
    await clock.sleep(20_000);
    await client.create(deployments, app("owned", "nginx:1"));
    await cluster.waitFor(deployments, "owned", "default", ready, 60_000);
    await client.delete(deployments, "owned", "default");
    await clock.sleep(10_000);
    return changesOf(cluster);
  }, 600_000);
  writeFileSync("/tmp/lab-traceask.json", JSON.stringify({ events: host.trace.events, changes }));
  void pods;
}, 120_000);

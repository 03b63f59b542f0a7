/** A cluster whose pods come to nothing in all the usual ways, and whose parts die. */
import type { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import type { ObjectChange } from "../../../actors/trace-collector/core/record.ts";
import { deployments, leases } from "../../../actors/client/resources.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Probe } from "../../../protocols/kubernetes/types/core-v1.ts";
import { changesOf } from "../../fixtures/object-changes.ts";

export interface Told {
  readonly changes: readonly ObjectChange[];
  /** Who led the controllers until it was killed. */
  readonly leader: string;
  /** The pod that came for the one that was lost with its node. */
  readonly replaced: string;
}

interface Look {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly cpu?: string;
  readonly livenessProbe?: Probe;
}

export function app(
  name: string,
  image: string,
  { annotations = {}, cpu = "1", livenessProbe }: Look = {},
): Deployment {
  const labels = { app: name };
  const probe = livenessProbe === undefined ? {} : { livenessProbe };
  const containers = [{ name: "main", image, resources: { requests: { cpu } }, ...probe }];
  const template = { metadata: { labels, annotations }, spec: { containers } };
  const spec = { replicas: 3, selector: { matchLabels: labels }, template };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: "default" }, spec };
}

export const allReady = ({ status }: Deployment): boolean => status?.readyReplicas === 3;

const CRASHES = { "inkube.dev/simulated-exit-after-ms": "500", "inkube.dev/simulated-exit-code": "3" };

const FALLS_ILL = { "inkube.dev/simulated-unready-after-ms": "2000" };
const PROBE: Probe = { httpGet: { path: "/", port: 80 }, periodSeconds: 1, failureThreshold: 1 };

/** Awaited within the cluster's `run`. */
export async function playStory(cluster: SimulatedCluster): Promise<Told> {
  const { client, host, clock } = cluster;
  await client.create(deployments, app("web", "nginx:1"));
  await cluster.waitFor(deployments, "web", "default", allReady, 60_000);
  await cluster.killNode("worker-1");
  await cluster.waitFor(deployments, "web", "default", (now) => !allReady(now), 60_000);
  await cluster.waitFor(deployments, "web", "default", allReady, 60_000);
  const replaced = host.trace.events.findLast(({ kind }) => kind === "scheduled")?.subject ?? "";
  await clock.sleep(20_000);
  await cluster.restoreNode("worker-1");
  await client.create(deployments, app("loop", "nginx:1", { annotations: CRASHES }));
  await client.create(deployments, app("ill", "nginx:1", { annotations: FALLS_ILL, livenessProbe: PROBE }));
  await client.create(deployments, app("huge", "nginx:1", { cpu: "100" }));
  await client.create(deployments, app("stuck", "nginx:1"));
  await cluster.waitFor(deployments, "stuck", "default", allReady, 60_000);
  await client.patch(deployments, "stuck", "default", { spec: app("stuck", "gone:2").spec });
  await clock.sleep(5_000);
  const lease = await client.get(leases, "kube-controller-manager", "kube-system");
  const leader = lease.spec?.holderIdentity ?? "";
  host.kill(leader);
  host.kill("api-server-1");
  await clock.sleep(20_000);
  await client.create(deployments, app("owned", "nginx:1"));
  await cluster.waitFor(deployments, "owned", "default", allReady, 60_000);
  await client.delete(deployments, "owned", "default");
  await clock.sleep(10_000);
  return { changes: await changesOf(cluster), leader, replaced };
}

import { expect, it } from "vitest";
import { deployments, nodes, pods } from "../../../actors/client/resources.ts";
import { SCHEDULER_DEFAULTS } from "../../../actors/scheduler/spec.ts";
import { controllerManagerProtocol } from "../../../protocols/controller-manager.ts";
import { etcdProtocol } from "../../../protocols/etcd.ts";
import { schedulerProtocol } from "../../../protocols/scheduler.ts";
import { ControlPlane } from "./control-plane.ts";
import { isSettled, web } from "./objects.ts";

/** No API server would take them: they stand for whatever a controller of ours has not thought of. */
const FAULTY: readonly (readonly [string, unknown])[] = [
  ["deployments/default/faulty", { spec: { replicas: 1, selector: { matchLabels: { app: "faulty" } }, template: 7 } }],
  ["replicasets/default/faulty", { spec: { replicas: 1, selector: { matchExpressions: 7 }, template: null } }],
  ["services/specs/default/faulty", { spec: { selector: { app: "web" }, ports: 7 } }],
  ["pods/default/faulty", { spec: { schedulerName: "default-scheduler", containers: 7 } }],
  ["namespaces/faulty", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, spec: { finalizers: 7 } }],
];

async function writeFaulty(plane: ControlPlane): Promise<void> {
  const etcd = plane.host.context.ref(etcdProtocol, "etcd-0");
  for (const [path, object] of FAULTY) {
    const name = path.split("/").at(-1);
    const metadata = { name, uid: name, ...(path.split("/").length > 2 ? { namespace: "default" } : {}) };
    const { metadata: given, ...rest } = object as { readonly metadata?: object };
    const text = JSON.stringify({ metadata: { ...metadata, ...given }, ...rest });
    await etcd.call("put", { key: `/registry/${path}`, value: new TextEncoder().encode(text) });
  }
}

it("an object that a controller or the scheduler can't cope with costs only itself, and is told loudly", async () => {
  const plane = new ControlPlane({ seed: 1, workers: 2, faults: true });
  await plane.start();
  await plane.until("nodes", async () => (await plane.client.list(nodes)).items.length === 2);
  await plane.host.settle(() => writeFaulty(plane));
  await plane.host.run(1_000);
  await plane.do((client) => client.create(deployments, web(3)));
  await plane.until("3 replicas", () => isSettled(plane.client, 3));
  await plane.host.run(10_000);
  await plane.do((client) => client.patch(deployments, "web", "default", { spec: { replicas: 4 } }));
  await plane.until("4 replicas", () => isSettled(plane.client, 4));
  const manager = await plane.host.settle(() =>
    plane.host.context.ref(controllerManagerProtocol, "controller-manager-0").call("status", null),
  );
  const scheduler = await plane.host.settle(() =>
    plane.host.context.ref(schedulerProtocol, "scheduler-0").call("status", null),
  );
  expect(manager.faults).toBeGreaterThan(0);
  expect(scheduler.counts?.faults).toBeGreaterThan(0);
});

/** Makes of a pod in etcd what no API server would, over the pod that is there. */
async function writePod(plane: ControlPlane, name: string, pod: object): Promise<void> {
  const etcd = plane.host.context.ref(etcdProtocol, "etcd-0");
  const value = JSON.stringify({ metadata: { name, namespace: "default", uid: name }, ...pod });
  await plane.host.settle(() =>
    etcd.call("put", { key: `/registry/pods/default/${name}`, value: new TextEncoder().encode(value) }),
  );
}

async function faultsOfScheduler(plane: ControlPlane): Promise<number> {
  const status = await plane.host.settle(() =>
    plane.host.context.ref(schedulerProtocol, "scheduler-0").call("status", null),
  );
  return status.counts?.faults ?? 0;
}

const podOn = (labels: unknown) => ({
  spec: {
    containers: [{ name: "c", image: "i" }],
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: labels } } },
  },
});

it("a pod over which a plugin throws is tried again, and placed when it is mended", async () => {
  const plane = new ControlPlane({ seed: 2, workers: 1, faults: true });
  await plane.start();
  await plane.until("nodes", async () => (await plane.client.list(nodes)).items.length === 1);
  await writePod(plane, "odd", podOn(7));
  await plane.host.run(1_000);
  expect(await faultsOfScheduler(plane)).toBeGreaterThan(1);
  await writePod(plane, "odd", { spec: { containers: [{ name: "c", image: "i" }] } });
  await plane.until(
    "placed",
    async () => (await plane.client.get(pods, "odd", "default")).spec?.nodeName !== undefined,
  );
});

it("a pod whose filter throws over a node that has changed gets its attempt, where that is told", async () => {
  const plane = new ControlPlane({ seed: 3, workers: 1, faults: true });
  await plane.start();
  await plane.until("nodes", async () => (await plane.client.list(nodes)).items.length === 1);
  await writePod(plane, "odd", podOn([{ matchExpressions: [{ key: "disk", operator: "In", values: 7 }] }]));
  await plane.host.run(1_000);
  expect(await faultsOfScheduler(plane)).toBe(0);
  await plane.do((client) => client.patch(nodes, "worker-0", undefined, { metadata: { labels: { disk: "ssd" } } }));
  await plane.host.run(1_000);
  expect(await faultsOfScheduler(plane)).toBeGreaterThan(0);
});

it("a fault while a pod is reported costs no place among those under way", async () => {
  const plane = new ControlPlane({ seed: 4, workers: 1, faults: true });
  await plane.start();
  await plane.until("nodes", async () => (await plane.client.list(nodes)).items.length === 1);
  const never = podOn([{ matchExpressions: [{ key: "none", operator: "Exists" }] }]);
  const inFlightMax = SCHEDULER_DEFAULTS.inFlightMax;
  for (let index = 0; index <= inFlightMax; index++) {
    await writePod(plane, `odd-${index}`, { ...never, status: { conditions: 7 } });
  }
  await plane.host.run(1_000);
  expect(await faultsOfScheduler(plane)).toBeGreaterThan(inFlightMax);
  await writePod(plane, "good", { spec: { containers: [{ name: "c", image: "i" }] } });
  await plane.until(
    "placed",
    async () => (await plane.client.get(pods, "good", "default")).spec?.nodeName !== undefined,
  );
});

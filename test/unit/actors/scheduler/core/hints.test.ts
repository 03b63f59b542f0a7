/** Which events bring a pod back that no node has taken. @see KEP-4247 */
import { expect, it } from "vitest";
import type { ClusterEvent } from "../../../../../actors/scheduler/core/cluster-event.ts";
import { mayHelp } from "../../../../../actors/scheduler/core/hints.ts";
import { podInfo } from "../../../../../actors/scheduler/core/pod-info.ts";
import type { Node, Pod, PodSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { SchedulingWorld } from "../../../../fixtures/scheduling.ts";

const HOST = "kubernetes.io/hostname";
const node = (name: string, cpu: string, spec: Node["spec"] = {}): Node => ({
  metadata: { name, labels: { [HOST]: name } },
  spec,
  status: { allocatable: { cpu, memory: "8Gi", pods: "10" } },
});
const pod = (name: string, cpu: string, app: string, spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name, namespace: "n", uid: name, labels: { app } },
  spec: { containers: [{ name: "c", resources: { requests: { cpu } } }], ...spec },
});
const term = { topologyKey: HOST, labelSelector: { matchLabels: { app: "db" } } };
const required = { requiredDuringSchedulingIgnoredDuringExecution: [term] };

/** A world of one full node, and who has rejected `wanted` there. */
function rejected(
  wanted: Pod,
  there: readonly Pod[],
): { readonly world: SchedulingWorld; readonly by: ReadonlySet<string> } {
  const world = new SchedulingWorld();
  world.cache.setNode(node("a", "1"));
  for (const one of there) world.cache.setPod({ ...one, spec: { ...one.spec!, nodeName: "a" } });
  const decision = world.decide(wanted);
  if (decision.node !== undefined) throw new Error("it fits");
  return { world, by: decision.rejectors };
}

const helps = (world: SchedulingWorld, event: ClusterEvent, wanted: Pod, by: ReadonlySet<string>): boolean =>
  mayHelp(event, world.profileOf(wanted), podInfo(wanted), by, world);

it("brings a pod back that has too little room when a node has enough, and not for one that has not", () => {
  const wanted = pod("p", "800m", "web");
  const { world, by } = rejected(wanted, [pod("q", "500m", "db")]);
  expect([...by]).toEqual(["NodeResourcesFit"]);
  expect(helps(world, world.cache.setNode(node("b", "500m"))!, wanted, by)).toBe(false);
  expect(helps(world, world.cache.setNode(node("c", "2"))!, wanted, by)).toBe(true);
  const { info } = { info: world.cache.removePod("n/q")!.info };
  expect(helps(world, { kind: "pod-deleted", pod: info, node: world.cache.node("a") }, wanted, by)).toBe(true);
  expect(helps(world, { kind: "pod-added", pod: info, node: world.cache.node("c") }, wanted, by)).toBe(false);
});

it("brings an urgent pod back for a node where it could make room", () => {
  const wanted = pod("p", "800m", "web", { priority: 5 });
  const { world, by } = rejected(wanted, [pod("q", "500m", "db", { priority: 9 })]);
  world.cache.setNode(node("b", "1", { unschedulable: true }));
  world.cache.setPod(pod("r", "500m", "db", { nodeName: "b" }));
  expect(helps(world, world.cache.setNode(node("b", "1"))!, wanted, by)).toBe(true);
  expect(helps(world, world.cache.setNode(node("a", "1100m"))!, wanted, by)).toBe(false);
});

it("says nothing of a heartbeat", () => {
  const world = new SchedulingWorld();
  world.cache.setNode(node("a", "1"));
  const beat = node("a", "1");
  expect(world.cache.setNode({ ...beat, status: { ...beat.status, conditions: [] } })).toBeUndefined();
});

it("brings a pod back that wants to be beside another when that one comes, and no third", () => {
  const wanted = pod("p", "100m", "web", { affinity: { podAffinity: required } });
  const { world, by } = rejected(wanted, []);
  expect([...by]).toEqual(["InterPodAffinity"]);
  const added = (app: string): ClusterEvent => ({
    kind: "pod-added",
    pod: podInfo(pod("x", "1m", app)),
    node: world.cache.node("a"),
  });
  expect(helps(world, added("other"), wanted, by)).toBe(false);
  expect(helps(world, added("db"), wanted, by)).toBe(true);
});

it("brings a pod back that another kept away when that one goes, or is another now", () => {
  const wanted = pod("p", "100m", "web", { affinity: { podAntiAffinity: required } });
  const { world, by } = rejected(wanted, [pod("q", "100m", "db")]);
  const [gone, third] = [podInfo(pod("q", "100m", "db")), podInfo(pod("x", "1m", "other"))];
  const at = world.cache.node("a");
  expect(helps(world, { kind: "pod-deleted", pod: third, node: at }, wanted, by)).toBe(false);
  expect(helps(world, { kind: "pod-deleted", pod: gone, node: at }, wanted, by)).toBe(true);
  expect(helps(world, { kind: "pod-updated", previous: gone, pod: third, node: at }, wanted, by)).toBe(true);
});

it("brings a spread pod back when pods of its kind come or go", () => {
  const constraint = {
    maxSkew: 1,
    topologyKey: "zone",
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: { app: "web" } },
  } as const;
  const wanted = pod("p", "100m", "web", { topologySpreadConstraints: [constraint] });
  const { world, by } = rejected(wanted, []);
  expect([...by]).toEqual(["PodTopologySpread"]);
  const event = (app: string): ClusterEvent => ({
    kind: "pod-deleted",
    pod: podInfo(pod("x", "1m", app)),
    node: undefined,
  });
  expect([helps(world, event("db"), wanted, by), helps(world, event("web"), wanted, by)]).toEqual([false, true]);
});

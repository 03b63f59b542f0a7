/** The record of a cluster that is used and broken: what happened can be told from what began it. */
import { beforeAll, describe, expect, it } from "vitest";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import { EMBEDDER } from "../../../actors/cluster/topology.ts";
import { deployments, leases, pods } from "../../../actors/client/resources.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { TraceRecord } from "../../../actors/trace-collector/core/record.ts";
import { explain } from "../../../actors/trace-collector/core/why.ts";
import { compareEvents } from "../../../runtime/trace/event.ts";
import { chainOf, reachOf } from "../../fixtures/trace-causes.ts";
import { effectsBeforeCauses } from "../../fixtures/trace-order.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

function web(image: string): Deployment {
  const labels = { app: "web" };
  const containers = [{ name: "web", image }];
  const template = { metadata: { labels }, spec: { containers } };
  const spec = { replicas: 3, selector: { matchLabels: labels }, template };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "default" }, spec };
}

function pod(name: string, image: string, cpu: string): Pod {
  const containers = [{ name: "main", image, resources: { requests: { cpu } } }];
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" }, spec: { containers } };
}

const manager = "kube-controller-manager";
const ready = ({ status }: Deployment): boolean => status?.readyReplicas === 3;
/** Clocks that stand ahead and behind, by more than any message takes. */
const SKEWS = { "api-server-0": -4_000, "etcd-1": 2_500, "controller-manager-1": -1_500, "worker-2/kubelet": 3_000 };

/**
 * A rollout, a node that is lost with its pods, leaders that die (of the controllers by a kill, of etcd by a fault), and a
 * Deployment that is deleted with all that it owns; then pods that come to nothing. Gives the record up to when the pods of the
 * lost node were replaced.
 */
async function play(cluster: SimulatedCluster): Promise<readonly TraceEvent[]> {
  const { client, host, clock } = cluster;
  await client.create(deployments, web("nginx:1"));
  await cluster.waitFor(deployments, "web", "default", ready, 60_000);
  await client.patch(deployments, "web", "default", { spec: web("nginx:2").spec });
  await cluster.waitFor(deployments, "web", "default", "RolledOut", 60_000);
  await cluster.killNode("worker-1");
  await cluster.waitFor(deployments, "web", "default", (now) => !ready(now), 60_000);
  await cluster.waitFor(deployments, "web", "default", ready, 60_000);
  const replaced = [...host.trace.events];
  await clock.sleep(20_000);
  await cluster.restoreNode("worker-1");
  const lease = await client.get(leases, manager, "kube-system");
  host.kill(lease.spec?.holderIdentity ?? "");
  const led = await cluster.leader();
  host.applyFaults({ faults: [{ id: "power", kind: "actor-crash", at: led ?? "" }] });
  await clock.sleep(5_000);
  await client.create(deployments, { ...web("nginx:1"), metadata: { name: "other", namespace: "default" } });
  await clock.sleep(5_000);
  await client.delete(deployments, "web", "default");
  await clock.sleep(10_000);
  await client.create(pods, pod("victim", "nginx", "1"));
  await cluster.waitFor(pods, "victim", "default", "Ready", 10_000);
  const faults = [
    { id: "registry", kind: "image-gone", image: "gone:*" } as const,
    { id: "killer", kind: "pod-kill", pod: "default/victim", everyMs: 4_000 } as const,
  ];
  host.applyFaults({ faults });
  await client.create(pods, pod("missing", "gone:1", "1"));
  await client.create(pods, pod("huge", "nginx", "100"));
  await clock.sleep(10_000);
  return replaced;
}

describe("the record of a cluster in the simulation", () => {
  let events: readonly TraceEvent[] = [];
  let replaced: readonly TraceEvent[] = [];

  beforeAll(async () => {
    const cluster = new SimulatedCluster({ seed: 44, faults: { faults: [] } });
    watchCrashes(cluster.host);
    for (const [actor, skewMs] of Object.entries(SKEWS)) cluster.host.skewClock(actor, skewMs);
    await cluster.start();
    replaced = await cluster.run(() => play(cluster), 300_000);
    events = cluster.host.trace.events;
  });

  /** The last event of that kind, and what it came of, in kinds and subjects, back to the first. */
  const chainOfLast = (kind: string, subject = ""): readonly string[] => {
    const last = events.findLast((event) => event.kind === kind && event.subject.includes(subject));
    if (last === undefined) throw new Error(`there is no ${kind} of ${subject}`);
    return chainOf(events, last).map((event) => `${event.kind} ${event.subject}`);
  };

  it("tells of nearly every event what it came of", () => {
    const reach = reachOf(events, [EMBEDDER]);
    expect(reach.events).toBeGreaterThan(500);
    expect(reach.reached / reach.events, JSON.stringify(reach.unreached, undefined, 1)).toBeGreaterThanOrEqual(0.95);
  });

  it("tells an eviction from the kill of the node that was lost", () => {
    const { subject } = events.find(({ kind }) => kind === "pod-evicted")!;
    const { chain, first } = explain(new TraceRecord({ events: replaced }), subject);
    expect(chain.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["down", "node-lost", "pod-evicted"]));
    expect(`${first.kind} ${first.subject}`).toBe("kill worker-1");
  });

  it("tells a change of leader, and what the new one then does, from the end of the one before", () => {
    const chain = chainOfLast("leader-elected", manager);
    expect(chain.slice(0, 2)).toEqual([expect.stringContaining("leader-elected"), expect.stringContaining("down ")]);
    expect(chain.at(-1)).toMatch(/^kill controller-manager-\d$/);
  });

  it("tells the leader of etcd from the fault that took the last one, and the restart of that", () => {
    const chain = chainOfLast("leader-known");
    expect(chain.at(-1)).toMatch(/^fault etcd-\d$/);
    const restart = events.findLast(({ kind, actor }) => kind === "start" && actor.startsWith("etcd-"));
    expect(chainOf(events, restart!).map(({ kind }) => kind)).toEqual(["start", "down", "fault"]);
  });

  it("tells what a garbage collector takes from who deleted its owner", () => {
    const chain = chainOfLast("garbage-collected", "pods/default/web-");
    expect(chain.filter((link) => link.startsWith("garbage-collected"))).toHaveLength(2);
    expect(chain.at(-1)).toBe("call request");
  });

  it("tells a container from the request that made its Deployment", () => {
    const chain = chainOfLast("container.started", "other-");
    expect(chain).toEqual(expect.arrayContaining([expect.stringContaining("scheduled pods/default/other-")]));
    expect(chain).toEqual(expect.arrayContaining([expect.stringContaining("reconcile replica-set/default/other-")]));
    expect(chain.at(-1)).toBe("call request");
  });

  it("says in a sentence why a pod is there, waits, does not start or crashes, and why somebody leads", () => {
    const lost = replaced.findIndex(({ kind }) => kind === "node-lost");
    const { subject = "" } = replaced.slice(lost).find(({ kind }) => kind === "scheduled") ?? {};
    const sentence = (from: readonly TraceEvent[], ref: string): string =>
      explain(new TraceRecord({ events: from }), ref).sentence;
    expect(sentence(replaced, subject)).toMatch(/^web-\S+ is there because worker-1 was killed \d+\.\d s before\.$/);
    expect(sentence(events, "pod/huge")).toMatch(
      /^huge waits: none of 3 nodes takes it \(NodeResourcesFit=3\); kubernetes-admin created pods\/default\/huge /,
    );
    expect(sentence(events, "pod/missing")).toMatch(
      /^missing does not start: its container main failed (once|\d+ times): gone:1: .* \(IMAGE_NOT_FOUND\) because a fault of the plan \(registry, image-gone\) /,
    );
    expect(sentence(events, "pods/default/victim")).toMatch(
      /^victim crashes: its container main has ended \d+ times, last with exit code 137 because a fault of the plan \(killer, pod-kill\) /,
    );
    expect(sentence(events, `lease/kube-system/${manager}`)).toMatch(
      /^controller-manager-\d leads kube-controller-manager because controller-manager-\d was killed /,
    );
    expect(() => explain(new TraceRecord({ events }), "pod/nobody")).toThrow(
      expect.objectContaining({ code: "NOT_RECORDED" }),
    );
  });

  it("has no effect before its cause, however wrong the clocks are", () => {
    const byClock = [...events].sort((left, right) => left.timeMs - right.timeMs);
    expect(effectsBeforeCauses(byClock).length).toBeGreaterThan(0);
    expect(effectsBeforeCauses([...events].sort(compareEvents))).toEqual([]);
  });
});

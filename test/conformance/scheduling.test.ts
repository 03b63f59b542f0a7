/**
 * What a real kube-scheduler 1.37 made of the situations in `scheduling-situations.mjs`: where each pod went, what each plugin gave
 * each node, why no node took it, and who had to give way. Ours must come to the same. `record-scheduling.mjs` recorded it.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { podInfo } from "../../actors/scheduler/core/pod-info.ts";
import type { Decision } from "../../actors/scheduler/core/schedule.ts";
import type { Pod } from "../../protocols/kubernetes/types/core-v1.ts";
import { profilesFor, SchedulingWorld } from "../fixtures/scheduling.ts";
import type { SchedulingSituation } from "./scheduling-situations.mjs";
import { SITUATIONS } from "./scheduling-situations.mjs";

interface Answer {
  readonly name: string;
  readonly node?: string;
  readonly message?: string;
  readonly nominatedNode?: string;
  readonly victims?: readonly { readonly name: string }[];
  /** Weighted, by plugin and node. */
  readonly scores?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const recorded = JSON.parse(read("recorded/scheduling.json")) as readonly {
  readonly name: string;
  readonly pods: readonly Answer[];
}[];
const profiles = profilesFor(parse(read("scheduling-profiles.yaml")) as object);
const NAMESPACE = "here";

it("has an answer for each situation", () => {
  expect(recorded.map(({ name }) => name)).toEqual(SITUATIONS.map(({ name }) => name));
  expect(SITUATIONS.length).toBeGreaterThanOrEqual(60);
});

it.each(SITUATIONS.map((situation, index) => [situation.name, situation, recorded[index]!.pods] as const))(
  "comes to what kube-scheduler does: %s",
  (_name, situation, answers) => {
    const world = worldOf(situation);
    const victims: string[] = [];
    for (const [index, answer] of answers.entries()) {
      const pod = inNamespace(situation.pods[index]!, NAMESPACE);
      const info = podInfo(pod);
      const gated = world.profileOf(pod).plugins.preEnqueue.some((plugin) => plugin.preEnqueue(info) !== undefined);
      expect(gated).toBe(answer.message?.startsWith("Scheduling is blocked") ?? false);
      if (gated) continue;
      const decision = world.decide(pod);
      victims.push(...judge(decision, answer));
      if (answer.node !== undefined) world.cache.assume(info, answer.node);
      else if (decision.node === undefined && decision.postFilter?.nominatedNode !== undefined) {
        world.nominator.set(info, decision.postFilter.nominatedNode);
      }
    }
    const evicted = answers.flatMap((answer) => answer.victims ?? []).map(({ name }) => name);
    expect([...new Set(victims)].sort()).toEqual(evicted.sort());
  },
);

/** Answers who has to give way. */
function judge(decision: Decision, answer: Answer): readonly string[] {
  if (decision.node === undefined) {
    expect(decision.message).toBe(answer.message);
    expect(decision.postFilter?.nominatedNode ?? "").toBe(answer.nominatedNode ?? "");
    return (decision.postFilter?.victims ?? []).map(({ pod }) => pod.metadata?.name ?? "");
  }
  expect(answer.message).toBeUndefined();
  // Among the best it draws lots.
  const { nodes, totals } = decision.scores;
  const best = nodes.filter((_, index) => totals[index] === Math.max(...totals)).map(({ name }) => name);
  expect(best).toContain(answer.node);
  for (const node of nodes) {
    const given = decision.scores.of(node.name);
    for (const [plugin, byNode] of Object.entries(answer.scores ?? {})) {
      // A plugin that gives all nodes the same decides nothing.
      if (given[plugin] === undefined) expect(new Set(Object.values(byNode)).size, plugin).toBe(1);
      else expect(given[plugin], `${plugin} of ${node.name}`).toBe(byNode[node.name]);
    }
  }
  return [];
}

function worldOf(situation: SchedulingSituation): SchedulingWorld {
  const { nodes, bound = [], services = [], replicaSets = [], budgets = [], namespaces = {} } = situation;
  const world = new SchedulingWorld(profiles);
  const { cache, objects } = world;
  objects.setNamespace(NAMESPACE, { "kubernetes.io/metadata.name": NAMESPACE });
  for (const [name, labels] of Object.entries(namespaces)) {
    objects.setNamespace(`${NAMESPACE}-${name}`, { ...labels, "kubernetes.io/metadata.name": `${NAMESPACE}-${name}` });
  }
  for (const node of nodes) cache.setNode(node);
  for (const service of services) objects.setService(NAMESPACE, service.metadata?.name ?? "", service);
  for (const set of replicaSets) {
    objects.setController("ReplicaSet", NAMESPACE, set.metadata?.name ?? "", set.spec?.selector);
  }
  for (const budget of budgets) {
    const { name = "" } = budget.metadata ?? {};
    objects.setBudget(NAMESPACE, name, { ...budget, metadata: { name, namespace: NAMESPACE } });
  }
  for (const { namespace, ...pod } of bound) {
    cache.setPod(inNamespace(pod, namespace === undefined ? NAMESPACE : `${NAMESPACE}-${namespace}`));
  }
  return world;
}

function inNamespace(pod: Pod, namespace: string): Pod {
  const placed = JSON.parse(JSON.stringify(pod).replaceAll("NS-", `${NAMESPACE}-`)) as Pod;
  return { ...placed, metadata: { ...placed.metadata, namespace, uid: placed.metadata?.name ?? "" } };
}

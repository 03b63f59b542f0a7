/** Affinity, spread and preemption against what their definitions say, counted out anew for each pod of small clusters drawn at random. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { podInfo } from "../../../../../actors/scheduler/core/pod-info.ts";
import type {
  Node,
  Pod,
  PodAffinityTerm,
  TopologySpreadConstraint,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { SchedulingWorld } from "../../../../fixtures/scheduling.ts";

const ZONE = "zone";
const HOST = "kubernetes.io/hostname";
const APPS = ["a", "b"] as const;
const NAMES = ["n0", "n1", "n2", "n3", "n4"];
/** The last one is in no zone. */
const NODES: readonly Node[] = NAMES.map((name, index) => ({
  metadata: { name, labels: { [HOST]: name, ...(index === 4 ? {} : { [ZONE]: `z${index % 2}` }) } },
  status: { allocatable: { cpu: "2", memory: "8Gi", pods: "10" } },
}));

interface Drawn {
  readonly app: string;
  readonly cpuMilli: number;
  readonly priority: number;
  readonly beside: string | undefined;
  readonly apart: string | undefined;
  readonly key: string;
  readonly skew: number | undefined;
  /** Instead of being scheduled, this many-th pod that is there goes. */
  readonly removes: number | undefined;
}

const app = fc.constantFrom(...APPS);
const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });
const drawn: fc.Arbitrary<Drawn> = fc.record({
  app,
  cpuMilli: fc.constantFrom(100, 500, 1_500),
  priority: fc.integer({ min: 0, max: 3 }),
  beside: sometimes(app),
  apart: sometimes(app),
  key: fc.constantFrom(ZONE, HOST),
  skew: sometimes(fc.integer({ min: 1, max: 2 })),
  removes: sometimes(fc.nat(20)),
});

function podOf({ app: own, cpuMilli, priority, beside, apart, key, skew }: Drawn, name: string): Pod {
  const term = (other: string): PodAffinityTerm => ({
    topologyKey: key,
    labelSelector: { matchLabels: { app: other } },
  });
  const required = (other: string): { requiredDuringSchedulingIgnoredDuringExecution: PodAffinityTerm[] } => ({
    requiredDuringSchedulingIgnoredDuringExecution: [term(other)],
  });
  const constraint: TopologySpreadConstraint | undefined =
    skew === undefined
      ? undefined
      : {
          maxSkew: skew,
          topologyKey: key,
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector: { matchLabels: { app: own } },
        };
  return {
    metadata: { name, namespace: "n", uid: name, labels: { app: own } },
    spec: {
      priority,
      containers: [{ name: "c", resources: { requests: { cpu: `${cpuMilli}m` } } }],
      affinity: {
        ...(beside === undefined ? {} : { podAffinity: required(beside) }),
        ...(apart === undefined ? {} : { podAntiAffinity: required(apart) }),
      },
      ...(constraint === undefined ? {} : { topologySpreadConstraints: [constraint] }),
    },
  };
}

interface Placed {
  readonly drawn: Drawn;
  readonly node: Node;
  readonly pod: Pod;
}

const labelOf = (node: Node, key: string): string | undefined => node.metadata?.labels?.[key];
const areTogether = (left: Node, right: Node, key: string): boolean =>
  labelOf(left, key) !== undefined && labelOf(left, key) === labelOf(right, key);

/** Whether the node takes the pod, by the words of the documentation. */
function takes(node: Node, wanted: Drawn, placed: readonly Placed[]): boolean {
  const here = placed.filter((one) => one.node === node);
  if (here.reduce((sum, one) => sum + one.drawn.cpuMilli, wanted.cpuMilli) > 2_000 || here.length >= 10) return false;
  const near = (of: string): boolean =>
    placed.some((one) => one.drawn.app === of && areTogether(one.node, node, wanted.key));
  if (wanted.beside !== undefined && !near(wanted.beside)) {
    const nobody = !placed.some(
      (one) => one.drawn.app === wanted.beside && labelOf(one.node, wanted.key) !== undefined,
    );
    const isFirst = wanted.beside === wanted.app && nobody && labelOf(node, wanted.key) !== undefined;
    if (!isFirst) return false;
  }
  if (wanted.apart !== undefined && near(wanted.apart)) return false;
  if (placed.some((one) => one.drawn.apart === wanted.app && areTogether(one.node, node, one.drawn.key))) return false;
  return wanted.skew === undefined || skewOn(node, wanted, placed) <= wanted.skew;
}

function skewOn(node: Node, { app: own, key }: Drawn, placed: readonly Placed[]): number {
  const value = labelOf(node, key);
  if (value === undefined) return Infinity;
  const domains = new Set(NODES.flatMap((each) => labelOf(each, key) ?? []));
  const count = (domain: string): number =>
    placed.filter((one) => one.drawn.app === own && labelOf(one.node, key) === domain).length;
  return count(value) + 1 - Math.min(...[...domains].map(count));
}

it("places a pod where the rules allow it, and nowhere only when they allow it nowhere", () => {
  fc.assert(
    fc.property(
      fc.array(drawn, { maxLength: 25 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (wanted, chance) => {
        const world = new SchedulingWorld();
        for (const node of NODES) world.cache.setNode(node);
        const placed: Placed[] = [];
        for (const [index, one] of wanted.entries()) {
          if (one.removes !== undefined && placed.length > 0) {
            const [gone] = placed.splice(one.removes % placed.length, 1);
            world.cache.removePod(`n/${gone!.pod.metadata?.name}`);
            continue;
          }
          const pod = podOf(one, `p${index}`);
          const decision = world.decide(pod, chance);
          const allowed = NODES.filter((node) => takes(node, one, placed)).map(({ metadata }) => metadata?.name);
          if (decision.node === undefined) {
            expect(allowed).toEqual([]);
            judgeVictims(world, pod, decision.postFilter?.victims ?? [], decision.postFilter?.nominatedNode ?? "");
            continue;
          }
          expect(allowed).toContain(decision.node);
          expect(new Set(decision.scores.nodes.map(({ name }) => name))).toEqual(new Set(allowed));
          world.cache.assume(podInfo(pod), decision.node);
          placed.push({ drawn: one, pod, node: NODES.find(({ metadata }) => metadata?.name === decision.node)! });
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** Who gives way is less urgent, is enough, and is no more than must be: without any one of them in their place the pod fits. */
function judgeVictims(
  world: SchedulingWorld,
  pod: Pod,
  victims: readonly ReturnType<typeof podInfo>[],
  nominated: string,
): void {
  if (victims.length === 0) return;
  const node = world.cache.node(nominated)!;
  for (const victim of victims) expect(victim.priority).toBeLessThan(pod.spec?.priority ?? 0);
  const fitsHere = (): boolean => {
    const decision = world.decide(pod);
    return decision.node !== undefined && decision.scores.nodes.includes(node);
  };
  for (const victim of victims) world.cache.tryOut(victim, node, -1);
  expect(fitsHere()).toBe(true);
  for (const victim of victims) {
    world.cache.tryOut(victim, node, 1);
    expect(fitsHere()).toBe(false);
    world.cache.tryOut(victim, node, -1);
  }
  for (const victim of victims) world.cache.tryOut(victim, node, 1);
  expect(fitsHere()).toBe(false);
}

it("is as it was after it has looked for victims", () => {
  const world = new SchedulingWorld();
  for (const node of NODES) world.cache.setNode(node);
  const plain: Drawn = {
    app: "a",
    cpuMilli: 1_500,
    priority: 0,
    beside: undefined,
    apart: "b",
    key: ZONE,
    skew: undefined,
    removes: undefined,
  };
  for (const [index, name] of NAMES.entries()) world.cache.assume(podInfo(podOf(plain, `q${index}`)), name);
  const seen = (): unknown =>
    world.cache.nodes.map(({ name, requested, pods }) => [name, { ...requested }, [...pods.keys()].sort()]);
  const before = seen();
  const urgent = podOf({ ...plain, app: "b", priority: 3, apart: undefined }, "p");
  const decision = world.decide(urgent);
  expect(decision.node === undefined && decision.postFilter?.victims?.length).toBeGreaterThan(0);
  expect(seen()).toEqual(before);
  expect(world.decide(urgent)).toMatchObject({ message: (decision as { readonly message: string }).message });
});

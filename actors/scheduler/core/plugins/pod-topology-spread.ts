/**
 * Pods of a kind spread over zones, nodes and what else nodes are labelled by: as the pod says, or as the profile does for all
 * that say nothing.
 *
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread
 */
import type { TopologySpreadConstraint } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { ClusterEvent } from "../cluster-event.ts";
import type { Plugin, Rejection, Snapshot } from "../framework.ts";
import { MAX_NODE_SCORE } from "../framework.ts";
import type { NodeInfo } from "../node-info.ts";
import { PodCounts } from "../pod-counts.ts";
import type { PodInfo } from "../pod-info.ts";
import type { SpreadConstraint } from "../spread-constraints.ts";
import { countsOf, eligibility, spreadConstraints } from "../spread-constraints.ts";

const NAME = "PodTopologySpread";
const SCORES = `${NAME}/scores`;
const HOSTNAME = "kubernetes.io/hostname";

export interface PodTopologySpreadArgs {
  readonly defaultConstraints: readonly TopologySpreadConstraint[];
  /** `System`: the constraints of `SYSTEM_CONSTRAINTS`. */
  readonly defaultingType: "System" | "List";
}

/** What holds for pods that say nothing. @see https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#internal-default-constraints */
export const SYSTEM_CONSTRAINTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

const NO_LABEL: Rejection = {
  plugin: NAME,
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  unresolvable: true,
};
const SKEW: Rejection = {
  plugin: NAME,
  reasons: ["node(s) didn't match pod topology spread constraints"],
  unresolvable: false,
};

/** What a constraint that must hold comes to with the pods there are. */
interface Spread {
  readonly constraint: SpreadConstraint;
  /** The pod counts among those that are spread. */
  readonly countsItself: boolean;
  pods: ReadonlyMap<string, number>;
  least: number;
}

interface Spreads {
  readonly spreads: readonly Spread[];
  podsVersion: number;
}

interface Scored {
  readonly constraint: SpreadConstraint;
  /** By domain, or by node where each node is one. */
  readonly pods: ReadonlyMap<string, number> | PodCounts;
  readonly weight: number;
}

interface Scores {
  readonly scored: readonly Scored[];
  /** A node without one of the labels is worth nothing. */
  readonly needsAllLabels: boolean;
}

export function podTopologySpread(args: PodTopologySpreadArgs): Plugin {
  const isSystem = args.defaultingType === "System";
  const defaults = isSystem ? SYSTEM_CONSTRAINTS : args.defaultConstraints;
  return {
    name: NAME,
    preFilter(state, pod, snapshot) {
      const constraints = spreadConstraints(pod, "DoNotSchedule", defaults, snapshot.objects);
      if (constraints.length === 0) return "skip";
      const spreads = constraints.map((constraint) => ({
        constraint,
        countsItself: constraint.selector.matches(pod.labels),
        pods: new Map<string, number>(),
        least: 0,
      }));
      state.write(NAME, { spreads, podsVersion: -1 } satisfies Spreads);
      return undefined;
    },
    filter(state, pod, node, snapshot) {
      const spreads = state.read(NAME) as Spreads | undefined;
      if (spreads === undefined) return undefined;
      if (spreads.podsVersion !== snapshot.cache.podsVersion) countSpreads(spreads, pod, snapshot);
      for (const { constraint, countsItself, pods, least } of spreads.spreads) {
        const value = node.labels[constraint.topologyKey];
        if (value === undefined) return NO_LABEL;
        const skew = (pods.get(value) ?? 0) + (countsItself ? 1 : 0) - least;
        if (skew > constraint.maxSkew) return SKEW;
      }
      return undefined;
    },
    preScore(state, pod, nodes, snapshot) {
      const needsAllLabels = hasOwn(pod) || !isSystem;
      const constraints = spreadConstraints(pod, "ScheduleAnyway", defaults, snapshot.objects);
      if (constraints.length === 0) return "skip";
      const scored = scoredBy(constraints, pod, nodes, needsAllLabels, snapshot);
      state.write(SCORES, { scored, needsAllLabels } satisfies Scores);
      return undefined;
    },
    score(state, _pod, node) {
      const scores = state.read(SCORES) as Scores | undefined;
      if (scores === undefined || isIgnored(scores, node)) return 0;
      let score = 0;
      for (const { constraint, pods, weight } of scores.scored) {
        const value = node.labels[constraint.topologyKey];
        if (value === undefined) continue;
        const count = pods instanceof PodCounts ? pods.on(node) : (pods.get(value) ?? 0);
        score += count * weight + (constraint.maxSkew - 1);
      }
      return Math.round(score);
    },
    normalizeScore(state, _pod, scores, nodes) {
      const read = state.read(SCORES) as Scores | undefined;
      const ignored = (index: number): boolean => read !== undefined && isIgnored(read, nodes[index]!);
      let least = Infinity;
      let most = 0;
      for (let index = 0; index < scores.length; index++) {
        if (ignored(index)) continue;
        least = Math.min(least, scores[index]!);
        most = Math.max(most, scores[index]!);
      }
      for (let index = 0; index < scores.length; index++) {
        if (ignored(index)) scores[index] = 0;
        else if (most === 0) scores[index] = MAX_NODE_SCORE;
        else scores[index] = Math.trunc((MAX_NODE_SCORE * (most + least - scores[index]!)) / most);
      }
    },
    isSchedulableAfter: (event, pod, { objects }) =>
      helps(event, spreadConstraints(pod, "DoNotSchedule", defaults, objects), pod),
  };
}

function hasOwn({ pod }: PodInfo): boolean {
  return (pod.spec?.topologySpreadConstraints ?? []).length > 0;
}

/** The pods in each domain, and the least of them; where nothing leaves nodes out, the cache has them counted. */
function countSpreads(spreads: Spreads, pod: PodInfo, snapshot: Snapshot): void {
  const { cache } = snapshot;
  spreads.podsVersion = cache.podsVersion;
  const constraints = spreads.spreads.map(({ constraint }) => constraint);
  const isWhole = constraints.length === 1 || constraints.every((one) => areAllLabelled(one, snapshot));
  for (const spread of spreads.spreads) {
    const { constraint } = spread;
    const counts = countsOf(constraint, pod, snapshot);
    let domains: ReadonlySet<string>;
    if (isWhole && eligibility(constraint, pod) === undefined) {
      spread.pods = counts.in(constraint.topologyKey, cache.topologyVersion);
      ({ domains } = cache.topologyOf(constraint.topologyKey));
    } else {
      const pods = new Map<string, number>();
      const suits = eligibility(constraint, pod);
      for (const node of cache.nodes) {
        if (!constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined)) continue;
        if (suits !== undefined && !suits(node)) continue;
        const value = node.labels[constraint.topologyKey]!;
        pods.set(value, (pods.get(value) ?? 0) + counts.on(node));
      }
      spread.pods = pods;
      domains = new Set(pods.keys());
    }
    spread.least = domains.size < constraint.minDomains ? 0 : leastOf(spread.pods, domains);
  }
}

function areAllLabelled({ topologyKey }: SpreadConstraint, { cache }: Snapshot): boolean {
  return cache.topologyOf(topologyKey).nodes === cache.nodes.length;
}

function leastOf(pods: ReadonlyMap<string, number>, domains: ReadonlySet<string>): number {
  // A domain that is not among those counted has none.
  if (pods.size < domains.size) return 0;
  let least = Infinity;
  for (const domain of domains) least = Math.min(least, pods.get(domain) ?? 0);
  return least;
}

function scoredBy(
  constraints: readonly SpreadConstraint[],
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  needsAllLabels: boolean,
  snapshot: Snapshot,
): readonly Scored[] {
  const hasAll = (node: NodeInfo): boolean =>
    !needsAllLabels || constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
  const worth = nodes.filter(hasAll);
  return constraints.map((constraint) => {
    const { topologyKey } = constraint;
    if (topologyKey === HOSTNAME) {
      return { constraint, pods: countsOf(constraint, pod, snapshot), weight: weightOf(worth.length) };
    }
    const domains = new Set(worth.map(({ labels }) => labels[topologyKey] ?? ""));
    return { constraint, pods: podsIn(constraint, pod, hasAll, snapshot), weight: weightOf(domains.size) };
  });
}

function podsIn(
  constraint: SpreadConstraint,
  pod: PodInfo,
  hasAll: (node: NodeInfo) => boolean,
  snapshot: Snapshot,
): ReadonlyMap<string, number> {
  const counts = countsOf(constraint, pod, snapshot);
  const suits = eligibility(constraint, pod);
  if (suits === undefined && areAllLabelled(constraint, snapshot)) {
    return counts.in(constraint.topologyKey, snapshot.cache.topologyVersion);
  }
  const pods = new Map<string, number>();
  for (const [node, of] of counts.byNode) {
    const value = node.labels[constraint.topologyKey];
    if (value === undefined || !hasAll(node) || (suits !== undefined && !suits(node))) continue;
    pods.set(value, (pods.get(value) ?? 0) + of);
  }
  return pods;
}

function isIgnored({ scored, needsAllLabels }: Scores, node: NodeInfo): boolean {
  if (!needsAllLabels) return false;
  return scored.some(({ constraint }) => node.labels[constraint.topologyKey] === undefined);
}

/** A topology of few domains counts less, so that one of many is not drowned by it. */
function weightOf(domains: number): number {
  return Math.log(domains + 2);
}

function helps(event: ClusterEvent, constraints: readonly SpreadConstraint[], pod: PodInfo): boolean {
  const isSpread = (other: PodInfo): boolean =>
    other.namespace === pod.namespace && constraints.some(({ selector }) => selector.matches(other.labels));
  const isLabelled = (node: NodeInfo): boolean =>
    constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
  switch (event.kind) {
    case "pod-added":
    case "pod-deleted":
      return isSpread(event.pod);
    case "pod-updated":
      return isSpread(event.pod) || isSpread(event.previous);
    case "node-added":
    case "node-updated":
      return isLabelled(event.node);
    case "node-deleted":
      return true;
    case "object-changed":
      return false;
  }
}

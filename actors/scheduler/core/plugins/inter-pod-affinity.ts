/**
 * Pods that want to be beside others, or apart from them, and that others want to be beside or apart from. Nothing is counted
 * here: the cache has how many pods each term means in each topology domain.
 *
 * @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/interpodaffinity
 */
import type { Labels } from "../../../../protocols/kubernetes/selectors.ts";
import type { ClusterEvent } from "../cluster-event.ts";
import type { ClusterObjects } from "../cluster-objects.ts";
import type { Plugin, Rejection, Snapshot } from "../framework.ts";
import { MAX_NODE_SCORE } from "../framework.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodCounts } from "../pod-counts.ts";
import type { TermKind } from "../pod-index.ts";
import type { PodInfo } from "../pod-info.ts";
import type { AffinityTerm } from "../pod-terms.ts";
import { termMatches } from "../pod-terms.ts";

const NAME = "InterPodAffinity";
const SCORES = `${NAME}/scores`;

export interface InterPodAffinityArgs {
  /** How much a required term of a pod that is there counts for one that it means. 0 to 100. */
  readonly hardPodAffinityWeight: number;
  /** Pods without preferences of their own are placed as if those there had none. */
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

const reject = (reason: string, unresolvable: boolean): Rejection => ({
  plugin: NAME,
  reasons: [reason],
  unresolvable,
});
const AFFINITY = reject("node(s) didn't match pod affinity rules", true);
const ANTI_AFFINITY = reject("node(s) didn't match pod anti-affinity rules", false);
const EXISTING_ANTI_AFFINITY = reject("node(s) didn't satisfy existing pods anti-affinity rules", false);

interface Counted {
  readonly topologyKey: string;
  readonly counts: PodCounts;
}

interface Required {
  /** Pods that all terms mean, by each term's key. */
  readonly affinity: readonly Counted[];
  /** It would be beside itself: enough, where nobody else is. */
  readonly suitsItself: boolean;
  readonly antiAffinity: readonly Counted[];
  existing: readonly Counted[];
  /** The terms there were when `existing` was looked up. */
  termsVersion: number;
}

/** Weighted pods in the domains of `topologyKey`. */
interface Scored extends Counted {
  readonly weight: number;
}

export function interPodAffinity(args: InterPodAffinityArgs): Plugin {
  return {
    name: NAME,
    preFilter(state, pod, snapshot) {
      const { requiredAffinity, requiredAntiAffinity } = pod.terms;
      const existing = matching("requiredAntiAffinity", pod, snapshot);
      if (requiredAffinity.length + requiredAntiAffinity.length + existing.length === 0) return "skip";
      const means = meaning(snapshot.objects);
      const together = requiredAffinity.length === 0 ? undefined : countedBy(requiredAffinity, snapshot, means);
      state.write(NAME, {
        affinity: together === undefined ? [] : requiredAffinity.map((term) => counted(term, together)),
        suitsItself: requiredAffinity.every((term) => means(term, pod)),
        antiAffinity: requiredAntiAffinity.map((term) => counted(term, countedBy([term], snapshot, means))),
        existing,
        termsVersion: snapshot.cache.index.termsVersion,
      } satisfies Required);
      return undefined;
    },
    filter(state, pod, node, snapshot) {
      const required = state.read(NAME) as Required | undefined;
      if (required === undefined) return undefined;
      const { index, topologyVersion: version } = snapshot.cache;
      if (required.termsVersion !== index.termsVersion) {
        required.termsVersion = index.termsVersion;
        required.existing = matching("requiredAntiAffinity", pod, snapshot);
      }
      if (!suitsAffinity(required, node, version)) return AFFINITY;
      const taken = ({ counts, topologyKey }: Counted): boolean => isIn(counts, topologyKey, node, version);
      if (required.antiAffinity.some(taken)) return ANTI_AFFINITY;
      return required.existing.some(taken) ? EXISTING_ANTI_AFFINITY : undefined;
    },
    preScore(state, pod, _nodes, snapshot) {
      const { preferredAffinity, preferredAntiAffinity } = pod.terms;
      const hasOwn = preferredAffinity.length + preferredAntiAffinity.length > 0;
      if (args.ignorePreferredTermsOfExistingPods && !hasOwn) return "skip";
      const scored = scoredBy(pod, snapshot, args);
      if (scored.length === 0) return "skip";
      state.write(SCORES, scored);
      return undefined;
    },
    score(state, _pod, node, { cache }) {
      let score = 0;
      for (const { topologyKey, counts, weight } of (state.read(SCORES) as readonly Scored[] | undefined) ?? []) {
        const value = node.labels[topologyKey];
        if (value !== undefined) score += weight * (counts.in(topologyKey, cache.topologyVersion).get(value) ?? 0);
      }
      return score;
    },
    normalizeScore(_state, _pod, scores) {
      let least = Infinity;
      let most = -Infinity;
      for (const score of scores) {
        if (score < least) least = score;
        if (score > most) most = score;
      }
      for (let index = 0; index < scores.length; index++) {
        scores[index] = most === least ? 0 : Math.trunc(MAX_NODE_SCORE * ((scores[index]! - least) / (most - least)));
      }
    },
    isSchedulableAfter,
  };
}

function suitsAffinity({ affinity, suitsItself }: Required, node: NodeInfo, topologyVersion: number): boolean {
  if (affinity.length === 0) return true;
  if (affinity.every(({ counts, topologyKey }) => isIn(counts, topologyKey, node, topologyVersion))) return true;
  if (!suitsItself) return false;
  const nobody = affinity.every(({ counts, topologyKey }) => counts.in(topologyKey, topologyVersion).size === 0);
  return nobody && affinity.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
}

function isIn(counts: PodCounts, topologyKey: string, node: NodeInfo, topologyVersion: number): boolean {
  const value = node.labels[topologyKey];
  return value !== undefined && (counts.in(topologyKey, topologyVersion).get(value) ?? 0) > 0;
}

function counted({ topologyKey }: AffinityTerm, counts: PodCounts): Counted {
  return { topologyKey, counts };
}

type Means = (term: AffinityTerm, pod: PodInfo) => boolean;

function meaning(objects: ClusterObjects): Means {
  return (term, pod) => termMatches(term, pod, labelsFor(term, pod.namespace, objects));
}

function labelsFor(term: AffinityTerm, namespace: string, objects: ClusterObjects): Labels | undefined {
  return term.namespaceSelector === undefined ? undefined : objects.namespaceLabels(namespace);
}

/** Pods on nodes that all of `terms` mean. */
function countedBy(terms: readonly AffinityTerm[], { cache, objects }: Snapshot, means: Means): PodCounts {
  const byLabels = terms.some(({ namespaceSelector }) => namespaceSelector !== undefined);
  const text = `${byLabels ? objects.namespacesVersion : ""} ${terms.map((term) => term.text).join()}`;
  const namespaces = terms[0]!.namespaces;
  const only = !byLabels && namespaces.size === 1 ? [...namespaces][0] : undefined;
  return cache.countsOf(text, only, (pod) => terms.every((term) => means(term, pod)));
}

/** The terms of pods on nodes that mean `pod`. */
function matching(kind: TermKind, pod: PodInfo, { cache, objects }: Snapshot): readonly Scored[] {
  if (!cache.index.hasPlacedTerms(kind)) return [];
  const found: Scored[] = [];
  const namespaceLabels = objects.namespaceLabels(pod.namespace);
  for (const { term, weight, counts } of cache.index.placedTerms(kind)) {
    if (termMatches(term, pod, namespaceLabels)) found.push({ topologyKey: term.topologyKey, weight, counts });
  }
  return found;
}

function scoredBy(pod: PodInfo, snapshot: Snapshot, args: InterPodAffinityArgs): readonly Scored[] {
  const { preferredAffinity, preferredAntiAffinity } = pod.terms;
  const means = meaning(snapshot.objects);
  const own = (terms: PodInfo["terms"]["preferredAffinity"], sign: 1 | -1): readonly Scored[] =>
    terms.map(({ term, weight }) => ({
      topologyKey: term.topologyKey,
      weight: sign * weight,
      counts: countedBy([term], snapshot, means),
    }));
  const others = (kind: TermKind, factor: number): readonly Scored[] =>
    factor === 0 ? [] : matching(kind, pod, snapshot).map((scored) => ({ ...scored, weight: scored.weight * factor }));
  return [
    ...own(preferredAffinity, 1),
    ...own(preferredAntiAffinity, -1),
    ...others("requiredAffinity", args.hardPodAffinityWeight),
    ...others("preferredAffinity", 1),
    ...others("preferredAntiAffinity", -1),
  ].filter(({ counts }) => counts.byNode.size > 0);
}

function isSchedulableAfter(event: ClusterEvent, pod: PodInfo, { objects }: Snapshot): boolean {
  const means = meaning(objects);
  const wanted = (other: PodInfo): boolean => pod.terms.requiredAffinity.some((term) => means(term, other));
  const inTheWay = (other: PodInfo): boolean =>
    pod.terms.requiredAntiAffinity.some((term) => means(term, other)) ||
    other.terms.requiredAntiAffinity.some((term) => means(term, pod));
  switch (event.kind) {
    case "pod-added":
      return wanted(event.pod);
    case "pod-deleted":
      // With the last one that it wanted to be beside, it may be the first itself.
      return inTheWay(event.pod) || wanted(event.pod);
    case "pod-updated":
      return (wanted(event.pod) && !wanted(event.previous)) || (inTheWay(event.previous) && !inTheWay(event.pod));
    case "node-added":
    case "node-updated":
      return [...pod.terms.requiredAffinity, ...pod.terms.requiredAntiAffinity].every(
        ({ topologyKey }) => event.node.labels[topologyKey] !== undefined,
      );
    case "object-changed":
      return event.resource === "namespaces";
    case "node-deleted":
      return false;
  }
}

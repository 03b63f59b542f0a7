/**
 * What pods on nodes are counted by: whether a selector means them, and which affinity terms they have. A count that nobody has
 * asked for costs nothing; one that has been asked for is kept up to date until so many others have been asked for since.
 */
import type { NodeInfo } from "./node-info.ts";
import { PodCounts } from "./pod-counts.ts";
import type { PodInfo } from "./pod-info.ts";
import type { AffinityTerm } from "./pod-terms.ts";

/** Templates whose selectors are counted by at a time; each costs every pod that comes or goes a match. */
const COUNTED_MAX = 512;

/** From so many terms of a kind on those without pods are forgotten. */
const TERMS_KEPT = 64;

interface Counted {
  /** Undefined: pods of all namespaces. */
  readonly namespace: string | undefined;
  readonly matches: (pod: PodInfo) => boolean;
  readonly counts: PodCounts;
}

/** The terms of pods that are on nodes, which count for others that come. */
export type TermKind = "requiredAffinity" | "requiredAntiAffinity" | "preferredAffinity" | "preferredAntiAffinity";

export interface PlacedTerm {
  readonly kind: TermKind;
  readonly term: AffinityTerm;
  /** 1 of a required one. */
  readonly weight: number;
  /** Pods with this very term. */
  readonly counts: PodCounts;
}

export class PodIndex {
  /** Another one whenever there is a term that there was not. */
  termsVersion = 0;
  private readonly counted = new Map<string, Counted>();
  private readonly byKind: Readonly<Record<TermKind, Map<string, PlacedTerm>>> = {
    requiredAffinity: new Map(),
    requiredAntiAffinity: new Map(),
    preferredAffinity: new Map(),
    preferredAntiAffinity: new Map(),
  };

  /** `sign`: -1 when the pod goes. */
  count(pod: PodInfo, node: NodeInfo, sign: 1 | -1): void {
    for (const { namespace, matches, counts } of this.counted.values()) {
      if ((namespace === undefined || namespace === pod.namespace) && matches(pod)) counts.add(node, sign);
    }
    if (!pod.hasTerms) return;
    const { requiredAffinity, requiredAntiAffinity, preferredAffinity, preferredAntiAffinity } = pod.terms;
    for (const term of requiredAffinity) this.countTerm("requiredAffinity", term, 1, node, sign);
    for (const term of requiredAntiAffinity) this.countTerm("requiredAntiAffinity", term, 1, node, sign);
    for (const { term, weight } of preferredAffinity) this.countTerm("preferredAffinity", term, weight, node, sign);
    for (const { term, weight } of preferredAntiAffinity) {
      this.countTerm("preferredAntiAffinity", term, weight, node, sign);
    }
  }

  /**
   * Pods on nodes for which `matches` says yes. `text` is equal for equal questions, and with it the answer of `matches` for one
   * pod never changes. `nodes`: all there are, for the first time.
   */
  countsOf(
    text: string,
    namespace: string | undefined,
    matches: (pod: PodInfo) => boolean,
    nodes: Iterable<NodeInfo>,
  ): PodCounts {
    const found = this.counted.get(text);
    if (found !== undefined) {
      this.counted.delete(text);
      this.counted.set(text, found);
      return found.counts;
    }
    const counts = new PodCounts();
    for (const node of nodes) {
      let pods = 0;
      for (const pod of node.pods.values()) {
        if ((namespace === undefined || namespace === pod.namespace) && matches(pod)) pods++;
      }
      if (pods > 0) counts.add(node, pods);
    }
    if (this.counted.size >= COUNTED_MAX) {
      for (const oldest of this.counted.keys()) {
        this.counted.delete(oldest);
        break;
      }
    }
    this.counted.set(text, { namespace, matches, counts });
    return counts;
  }

  /** The different terms of this kind that pods on nodes have. */
  placedTerms(kind: TermKind): Iterable<PlacedTerm> {
    return this.byKind[kind].values();
  }

  hasPlacedTerms(kind: TermKind): boolean {
    return this.byKind[kind].size > 0;
  }

  private countTerm(kind: TermKind, term: AffinityTerm, weight: number, node: NodeInfo, sign: 1 | -1): void {
    const terms = this.byKind[kind];
    const text = `${weight}${term.text}`;
    let placed = terms.get(text);
    if (placed === undefined) {
      placed = { kind, term, weight, counts: new PodCounts() };
      terms.set(text, placed);
      this.termsVersion++;
    }
    placed.counts.add(node, sign);
  }

  /** Forgets terms that no pod has any more. Never while something is tried out: whoever does so holds on to their counts. */
  prune(): void {
    for (const terms of Object.values(this.byKind)) {
      if (terms.size < TERMS_KEPT) continue;
      for (const [text, { counts }] of terms) if (counts.byNode.size === 0) terms.delete(text);
    }
  }
}

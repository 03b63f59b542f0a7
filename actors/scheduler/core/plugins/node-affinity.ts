import { matchesNodeTerm, matchesRequiredNodes } from "../../../../protocols/kubernetes/node-selectors.ts";
import type {
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PreferredSchedulingTerm,
} from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { Plugin, Rejection } from "../framework.ts";
import { normalizeToMax } from "../framework.ts";

const NAME = "NodeAffinity";
const reject = (reason: string): Rejection => ({ plugin: NAME, reasons: [reason], unresolvable: true });
const POD = reject("node(s) didn't match Pod's node affinity/selector");
const ADDED = reject("node(s) didn't match scheduler-enforced node affinity");
const CONFLICT = reject("pod affinity terms conflict");

export interface NodeAffinityArgs {
  /** Holds for all pods of the profile, besides their own. */
  readonly addedAffinity?: NodeAffinity;
}

/** `nodeSelector` and node affinity. @see k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodeaffinity */
export function nodeAffinity({ addedAffinity }: NodeAffinityArgs): Plugin {
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const addedPreferred = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return {
    name: NAME,
    preFilter(_state, { pod }) {
      const terms = requiredOf(pod);
      if (terms === undefined && added === undefined && pod.spec?.nodeSelector === undefined) return "skip";
      const named = namedNodes(terms ?? []);
      if (named === undefined) return undefined;
      return named.size === 0 ? { rejection: CONFLICT } : { nodes: named };
    },
    filter(_state, { pod }, { node }) {
      if (added !== undefined && !added.some((term) => matchesNodeTerm(term, node))) return ADDED;
      return matchesRequiredNodes(pod.spec, node) ? undefined : POD;
    },
    preScore: (state, { pod }) => {
      const preferred = [...preferredOf(pod), ...addedPreferred];
      if (preferred.length === 0) return "skip";
      state.write(NAME, preferred);
      return undefined;
    },
    score(state, _pod, { node }) {
      let sum = 0;
      for (const { weight, preference } of (state.read(NAME) as readonly PreferredSchedulingTerm[] | undefined) ?? []) {
        if (matchesNodeTerm(preference, node)) sum += weight;
      }
      return sum;
    },
    normalizeScore(_state, _pod, scores) {
      normalizeToMax(scores, false);
    },
  };
}

function requiredOf(pod: Pod): readonly NodeSelectorTerm[] | undefined {
  return pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
}

function preferredOf(pod: Pod): readonly PreferredSchedulingTerm[] {
  return pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** The nodes that the terms name, when each of them names some: then no others need to be looked at. */
function namedNodes(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  if (terms.length === 0) return undefined;
  const named = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const fields = matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In");
    const [first, ...rest] = fields;
    if (first === undefined) return undefined;
    for (const name of first.values ?? []) {
      if (rest.every(({ values = [] }) => values.includes(name))) named.add(name);
    }
  }
  return named;
}

/**
 * Makes room for a pod that no node takes, where evicting less urgent pods makes some: on the node where that harms least.
 * Who is evicted is found by trying out; the cache is the same again afterwards.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#preemption
 * @see k8s.io/kubernetes/pkg/scheduler/framework/preemption
 */
import { compileCached } from "../pod-terms.ts";
import { fitError } from "../fit-error.ts";
import type { Findings, Plugin, PostFilterResult, Rejection, Snapshot } from "../framework.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";

const NAME = "DefaultPreemption";

export interface DefaultPreemptionArgs {
  /** Of the nodes where room could be made so many, in per cent, are tried out, and no fewer than `minCandidateNodesAbsolute`. */
  readonly minCandidateNodesPercentage: number;
  readonly minCandidateNodesAbsolute: number;
}

export interface Candidate {
  readonly node: string;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
  /** How many of them a budget protects. */
  readonly violations: number;
}

const NO_VICTIMS: Rejection = {
  plugin: NAME,
  reasons: ["No preemption victims found for incoming pod"],
  unresolvable: true,
};

export function defaultPreemption(args: DefaultPreemptionArgs): Plugin {
  return {
    name: NAME,
    postFilter(_state, pod, findings, snapshot): PostFilterResult {
      const ineligible = whyIneligible(pod, findings, snapshot);
      if (ineligible !== undefined) return { message: `preemption: ${ineligible}` };
      const { nodes } = snapshot.cache;
      const possible = nodes.filter(({ name }) => findings.rejections.get(name)?.unresolvable === false);
      const statuses = new Map<string, Rejection>();
      const candidates = candidatesAmong(possible, args, pod, findings, snapshot, statuses);
      if (candidates.length === 0) {
        const why = fitError(nodes.length, statuses, "Preemption is not helpful for scheduling");
        return { nominatedNode: "", message: `preemption: ${why}` };
      }
      const { node, victims, violations } = bestOf(candidates);
      const message = `preemption: found a potential placement for pod on node ${node}, preempting ${victims.length} victims`;
      return { nominatedNode: node, victims, violations, message };
    },
  };
}

function whyIneligible(pod: PodInfo, { rejections }: Findings, { cache, nominator }: Snapshot): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = cache.node(nominator.of(pod.key));
  if (nominated === undefined || rejections.get(nominated.name)?.unresolvable !== false) return undefined;
  for (const other of nominated.pods.values()) {
    if (other.priority < pod.priority && isBeingPreempted(other)) {
      return "not eligible due to a terminating pod on the nominated node.";
    }
  }
  return undefined;
}

function isBeingPreempted({ pod, terminating }: PodInfo): boolean {
  return (
    terminating &&
    (pod.status?.conditions ?? []).some(
      ({ type, status, reason }) =>
        type === "DisruptionTarget" && status === "True" && reason === "PreemptionByScheduler",
    )
  );
}

/** Those that break no budget are before those that do. `statuses` is told why the others are none. */
function candidatesAmong(
  possible: readonly NodeInfo[],
  { minCandidateNodesPercentage, minCandidateNodesAbsolute }: DefaultPreemptionArgs,
  pod: PodInfo,
  findings: Findings,
  snapshot: Snapshot,
  statuses: Map<string, Rejection>,
): readonly Candidate[] {
  const share = Math.trunc((possible.length * minCandidateNodesPercentage) / 100);
  const wanted = Math.min(possible.length, Math.max(share, minCandidateNodesAbsolute));
  const startAt = Math.floor(findings.chance * possible.length);
  const harmless: Candidate[] = [];
  const violating: Candidate[] = [];
  for (let looked = 0; looked < possible.length; looked++) {
    const node = possible[(startAt + looked) % possible.length]!;
    const found = candidateOn(node, pod, findings, snapshot);
    if ("reasons" in found) statuses.set(node.name, found);
    else (found.violations === 0 ? harmless : violating).push(found);
    if (harmless.length > 0 && harmless.length + violating.length >= wanted) break;
  }
  return [...harmless, ...violating];
}

/** The fewest and least important pods without which the node takes the pod. */
function candidateOn(node: NodeInfo, pod: PodInfo, { fits }: Findings, snapshot: Snapshot): Candidate | Rejection {
  const { cache } = snapshot;
  const lower = [...node.pods.values()].filter(({ priority }) => priority < pod.priority).sort(byImportance);
  if (lower.length === 0) return NO_VICTIMS;
  const gone = new Set<PodInfo>();
  const take = (other: PodInfo): void => {
    cache.tryOut(other, node, -1);
    gone.add(other);
  };
  const giveBack = (other: PodInfo): void => {
    cache.tryOut(other, node, 1);
    gone.delete(other);
  };
  try {
    for (const other of lower) take(other);
    const rejection = fits(node);
    if (rejection !== undefined) return rejection;
    const protectedBy = protectedPods(lower, snapshot);
    let violations = 0;
    // Those that a budget protects are spared first, then by importance.
    for (const other of [
      ...lower.filter((one) => protectedBy.has(one)),
      ...lower.filter((one) => !protectedBy.has(one)),
    ]) {
      giveBack(other);
      if (fits(node) === undefined) continue;
      take(other);
      if (protectedBy.has(other)) violations++;
    }
    // Nobody is in the way after all: the next attempt finds out.
    if (gone.size === 0) return NO_VICTIMS;
    return { node: node.name, victims: [...gone].sort(byImportance), violations };
  } finally {
    for (const other of gone) cache.tryOut(other, node, 1);
  }
}

/** Higher priority first, then what has run longer. */
function byImportance(left: PodInfo, right: PodInfo): number {
  if (left.priority !== right.priority) return right.priority - left.priority;
  const [leftStart, rightStart] = [startOf(left), startOf(right)];
  return leftStart < rightStart ? -1 : leftStart > rightStart ? 1 : 0;
}

/** What has not started yet starts later than all that has. */
function startOf({ pod }: PodInfo): string {
  return pod.status?.startTime ?? "~";
}

/** Pods whose eviction, after that of those before them, a budget does not allow. */
function protectedPods(pods: readonly PodInfo[], { objects }: Snapshot): ReadonlySet<PodInfo> {
  const budgets = [...objects.disruptionBudgets()].map((budget) => ({
    namespace: budget.metadata?.namespace ?? "",
    selector: compileCached(budget.spec?.selector),
    disrupted: budget.status?.disruptedPods ?? {},
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }));
  const found = new Set<PodInfo>();
  for (const pod of pods) {
    if (Object.keys(pod.labels).length === 0) continue;
    for (const budget of budgets) {
      const { namespace, selector, disrupted } = budget;
      if (namespace !== pod.namespace || selector.requirements.length === 0 || !selector.matches(pod.labels)) continue;
      // The API server has counted it already.
      if (Object.hasOwn(disrupted, pod.pod.metadata?.name ?? "")) continue;
      if (--budget.allowed < 0) {
        found.add(pod);
        break;
      }
    }
  }
  return found;
}

/** Of each question in turn those with the least remain. A sum counts each pod, so that many of negative priority are no bargain. */
const HARM: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => victims[0]?.priority ?? 0,
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
  ({ victims }) => victims.length,
];

export function bestOf(candidates: readonly Candidate[]): Candidate {
  let left = candidates;
  for (const harm of HARM) {
    const least = Math.min(...left.map(harm));
    left = left.filter((candidate) => harm(candidate) === least);
  }
  // Of the most important victims the earliest start counts: where it is the latest, the least work is lost.
  let best = left[0]!;
  for (const candidate of left) if (earliestStart(candidate) > earliestStart(best)) best = candidate;
  return best;
}

function earliestStart({ victims }: Candidate): string {
  const highest = victims[0]?.priority;
  return victims
    .filter(({ priority }) => priority === highest)
    .map(startOf)
    .reduce((least, start) => (start < least ? start : least), "~");
}

/**
 * One scheduling decision: which node a pod goes to, or why to none. Filters in order, the first that rejects a node
 * speaks for it; then scores. For big clusters only as many feasible nodes are looked for as make a good choice.
 *
 * @see pkg/scheduler/schedule_one.go
 */
import { fitError, sentence } from "./fit-error.ts";
import type { PostFilterResult, Rejection, Snapshot } from "./framework.ts";
import { CycleState } from "./framework.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Observer, PluginAt, Profile, Status } from "./profile.ts";
import { UNOBSERVED } from "./profile.ts";
import { scoreNodes } from "./score-nodes.ts";
import type { Scores } from "./score-nodes.ts";

export interface Placement {
  readonly node: string;
  readonly state: CycleState;
  readonly scores: Scores;
  readonly rejections: ReadonlyMap<string, Rejection>;
}

export interface NoFit {
  readonly node: undefined;
  readonly message: string;
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** The plugins that have rejected nodes: what helps them helps the pod. */
  readonly rejectors: ReadonlySet<string>;
  readonly postFilter: PostFilterResult | undefined;
}

export type Decision = Placement | NoFit;

/** What the nodes of one attempt come to. */
interface Search {
  readonly feasible: readonly NodeInfo[];
  readonly rejections: Map<string, Rejection>;
  readonly rejectors: Set<string>;
  /** What speaks for all nodes at once, before any was looked at. */
  readonly preFilterMessage: string;
  /** Of nodes that were left out from the start. */
  readonly leftOut: string;
  readonly filters: readonly PluginAt<"filter">[];
  /** It is rejected wherever it would be, and whoever gives way. */
  readonly isHopeless: boolean;
}

/**
 * kube-scheduler asks its plugins for room also then, and says what the first of them, DynamicResources, answers when nobody has
 * asked it before.
 */
const HOPELESS: PostFilterResult = { message: "not found" };

/** Below this many nodes all are looked at. */
const FEASIBLE_NODES_MIN = 100;

/** How many feasible nodes are enough, of `nodes`; `percentage` 0: half of them at 100, a twentieth from 5,625 on. Never below 100. */
export function feasibleNodesWanted(nodes: number, percentage: number): number {
  if (nodes < FEASIBLE_NODES_MIN) return nodes;
  const percent = percentage === 0 ? Math.max(5, 50 - Math.floor(nodes / 125)) : percentage;
  return Math.max(FEASIBLE_NODES_MIN, Math.floor((nodes * percent) / 100));
}

export class Scheduling {
  private readonly snapshot: Snapshot;
  /** Where the next search begins, so that all nodes get their turn. */
  private startAt = 0;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** `chance` in [0, 1) chooses among nodes of the same score. */
  decide(profile: Profile, pod: PodInfo, chance: number, observer: Observer = UNOBSERVED): Decision {
    const { cache } = this.snapshot;
    const state = new CycleState();
    if (cache.nodes.length === 0) {
      const none = { rejections: new Map(), rejectors: new Set<string>(), postFilter: undefined };
      return { node: undefined, message: "no nodes available to schedule pods", ...none };
    }
    const search = this.search(profile, state, pod, observer);
    const { feasible, rejections } = search;
    if (feasible.length > 0) {
      const scores = scoreNodes(profile, state, pod, feasible, this.snapshot, observer);
      return { node: scores.best(chance).name, state, scores, rejections };
    }
    const found = search.isHopeless ? HOPELESS : this.postFilter(profile, state, pod, search, chance, observer);
    const { length } = cache.nodes;
    const reasons =
      search.preFilterMessage === ""
        ? fitError(length, rejections, search.leftOut)
        : sentence(length, search.preFilterMessage);
    return {
      node: undefined,
      message: found === undefined || found.message === "" ? reasons : `${reasons} ${found.message}`,
      rejections,
      rejectors: search.rejectors,
      postFilter: found,
    };
  }

  private search(profile: Profile, state: CycleState, pod: PodInfo, observer: Observer): Search {
    const { cache } = this.snapshot;
    const sinceMs = observer.nowMs();
    const before = runPreFilters(profile, state, pod, this.snapshot, observer);
    const rejections = new Map<string, Rejection>();
    const { filters, rejectors } = before;
    if (before.rejection !== undefined) {
      const { rejection } = before;
      observer.point("preFilter", statusOf(rejection), sinceMs);
      for (const { name } of cache.nodes) rejections.set(name, rejection);
      const preFilterMessage = rejection.reasons.join(", ");
      const isHopeless = rejection.unresolvable;
      return { feasible: [], rejections, rejectors, preFilterMessage, leftOut: "", filters, isHopeless };
    }
    observer.point("preFilter", "Success", sinceMs);
    const filtersSinceMs = observer.nowMs();
    const feasible = this.feasible(profile, state, pod, before.nodes, filters, rejections, observer);
    for (const { plugin } of rejections.values()) rejectors.add(plugin);
    observer.point("filter", "Success", filtersSinceMs);
    const leftOut =
      before.nodes === undefined ? "" : `node(s) didn't satisfy plugin(s) [${[...before.limiters].sort().join(" ")}]`;
    return { feasible, rejections, rejectors, preFilterMessage: "", leftOut, filters, isHopeless: false };
  }

  /** Room that was made for the pod is looked at first: likely nothing else takes it. */
  private feasible(
    profile: Profile,
    state: CycleState,
    pod: PodInfo,
    named: ReadonlySet<string> | undefined,
    filters: readonly PluginAt<"filter">[],
    rejections: Map<string, Rejection>,
    observer: Observer,
  ): readonly NodeInfo[] {
    const { cache, nominator } = this.snapshot;
    const takes = (node: NodeInfo): Rejection | undefined =>
      runFilters(filters, state, pod, node, this.snapshot, observer);
    const nominated = cache.node(nominator.of(pod.key));
    if (nominated !== undefined && takes(nominated) === undefined) return [nominated];
    const nodes =
      named === undefined
        ? cache.nodes
        : [...named].map((name) => cache.node(name)).filter((node) => node !== undefined);
    const wanted =
      profile.plugins.score.length === 0 ? 1 : feasibleNodesWanted(nodes.length, profile.percentageOfNodesToScore);
    const feasible: NodeInfo[] = [];
    let looked = 0;
    for (; looked < nodes.length && feasible.length < wanted; looked++) {
      const node = nodes[(this.startAt + looked) % nodes.length]!;
      const rejection = takes(node);
      if (rejection === undefined) feasible.push(node);
      else rejections.set(node.name, rejection);
    }
    this.startAt = (this.startAt + looked) % cache.nodes.length;
    return feasible;
  }

  private postFilter(
    profile: Profile,
    state: CycleState,
    pod: PodInfo,
    { rejections, filters }: Search,
    chance: number,
    observer: Observer,
  ): PostFilterResult | undefined {
    const sinceMs = observer.nowMs();
    const fits = (node: NodeInfo): Rejection | undefined =>
      runFilters(filters, state, pod, node, this.snapshot, UNOBSERVED);
    let last: PostFilterResult | undefined;
    const messages: string[] = [];
    for (const plugin of profile.plugins.postFilter) {
      const pluginSinceMs = observer.nowMs();
      const found = plugin.postFilter(state, pod, { rejections, fits, chance }, this.snapshot);
      const helps = (found?.nominatedNode ?? "") !== "";
      if (observer.measuresPlugins) {
        observer.plugin("postFilter", plugin.name, helps ? "Success" : "Unschedulable", pluginSinceMs);
      }
      if (found === undefined) continue;
      last = found;
      if (helps) {
        observer.point("postFilter", "Success", sinceMs);
        return found;
      }
      messages.push(found.message);
    }
    observer.point("postFilter", "Unschedulable", sinceMs);
    return last === undefined ? undefined : { ...last, message: messages.join(", ") };
  }
}

interface PreFiltered {
  readonly filters: readonly PluginAt<"filter">[];
  readonly rejectors: Set<string>;
  /** Undefined: all. */
  readonly nodes: ReadonlySet<string> | undefined;
  /** The plugins that have left nodes out. */
  readonly limiters: ReadonlySet<string>;
  readonly rejection: Rejection | undefined;
}

function runPreFilters(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  snapshot: Snapshot,
  observer: Observer,
): PreFiltered {
  const skipped = new Set<string>();
  const limiters = new Set<string>();
  let nodes: ReadonlySet<string> | undefined;
  let rejection: Rejection | undefined;
  for (const plugin of profile.plugins.preFilter) {
    const sinceMs = observer.measuresPlugins ? observer.nowMs() : 0;
    const result = plugin.preFilter(state, pod, snapshot);
    const rejected = typeof result === "object" && "rejection" in result ? result.rejection : undefined;
    if (observer.measuresPlugins) {
      const status = result === "skip" ? "Skip" : rejected === undefined ? "Success" : statusOf(rejected);
      observer.plugin("preFilter", plugin.name, status, sinceMs);
    }
    if (result === "skip") skipped.add(plugin.name);
    else if (rejected !== undefined) {
      rejection = rejected;
      // What removing pods could help must hear the others first.
      if (rejected.unresolvable) break;
    } else if (typeof result === "object" && "nodes" in result) {
      limiters.add(plugin.name);
      nodes = nodes === undefined ? result.nodes : common(nodes, result.nodes);
      if (nodes.size === 0) {
        rejection = nobodyLeft(limiters);
        break;
      }
    }
  }
  const filters = profile.plugins.filter.filter(({ name }) => !skipped.has(name));
  const rejectors = new Set(rejection === undefined || limiters.size > 0 ? limiters : [rejection.plugin]);
  return { filters, rejectors, nodes, limiters, rejection };
}

function common(left: ReadonlySet<string>, right: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...left].filter((name) => right.has(name)));
}

function nobodyLeft(limiters: ReadonlySet<string>): Rejection {
  const names = [...limiters].sort();
  const [plugin = ""] = names;
  const reason =
    names.length === 1
      ? `node(s) didn't satisfy plugin ${plugin}`
      : `node(s) didn't satisfy plugin(s) [${names.join(" ")}] simultaneously`;
  return { plugin, reasons: [reason], unresolvable: true };
}

/** With what is nominated to the node and goes before the pod, and without: it may never come. */
function runFilters(
  filters: readonly PluginAt<"filter">[],
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
  snapshot: Snapshot,
  observer: Observer,
): Rejection | undefined {
  const before = snapshot.nominator.before(pod, node.name);
  if (before.length > 0) {
    for (const nominated of before) snapshot.cache.tryOut(nominated, node, 1);
    try {
      const rejection = firstRejection(filters, state, pod, node, snapshot, observer);
      if (rejection !== undefined) return rejection;
    } finally {
      for (const nominated of before) snapshot.cache.tryOut(nominated, node, -1);
    }
  }
  return firstRejection(filters, state, pod, node, snapshot, observer);
}

function firstRejection(
  filters: readonly PluginAt<"filter">[],
  state: CycleState,
  pod: PodInfo,
  node: NodeInfo,
  snapshot: Snapshot,
  observer: Observer,
): Rejection | undefined {
  for (const plugin of filters) {
    const sinceMs = observer.measuresPlugins ? observer.nowMs() : 0;
    const rejection = plugin.filter(state, pod, node, snapshot);
    if (observer.measuresPlugins) observer.plugin("filter", plugin.name, statusOf(rejection), sinceMs);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

function statusOf(rejection: Rejection | undefined): Status {
  if (rejection === undefined) return "Success";
  return rejection.unresolvable ? "UnschedulableAndUnresolvable" : "Unschedulable";
}

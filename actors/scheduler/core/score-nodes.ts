/** The nodes that take a pod, scored: each plugin's scores brought to 0 to 100, weighted, and added up. */
import type { CycleState, Snapshot } from "./framework.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Observer, PluginAt, Profile } from "./profile.ts";

interface PluginScores {
  readonly plugin: string;
  /** Weighted, in the order of the nodes. */
  readonly scores: readonly number[];
}

export class Scores {
  readonly nodes: readonly NodeInfo[];
  readonly totals: readonly number[];
  private readonly parts: readonly PluginScores[];

  constructor(nodes: readonly NodeInfo[], totals: readonly number[], parts: readonly PluginScores[]) {
    this.nodes = nodes;
    this.totals = totals;
    this.parts = parts;
  }

  /** `chance` in [0, 1) chooses among nodes of the same score. */
  best(chance: number): NodeInfo {
    let highest = -Infinity;
    let candidates = 0;
    for (const total of this.totals) {
      if (total > highest) {
        highest = total;
        candidates = 1;
      } else if (total === highest) candidates++;
    }
    let left = Math.floor(chance * candidates);
    for (let index = 0; index < this.totals.length; index++) {
      if (this.totals[index] === highest && left-- === 0) return this.nodes[index]!;
    }
    throw new Error("no node to choose from");
  }

  /** What each plugin has given a node, weighted; nothing when it was the only one, and so none was asked. */
  of(name: string): Readonly<Record<string, number>> {
    const index = this.nodes.findIndex((node) => node.name === name);
    return Object.fromEntries(this.parts.map(({ plugin, scores }) => [plugin, scores[index] ?? 0]));
  }
}

export function scoreNodes(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
  observer: Observer,
): Scores {
  const totals = nodes.map(() => 0);
  const parts: PluginScores[] = [];
  // A single node needs no scores.
  if (nodes.length === 1) return new Scores(nodes, totals, parts);
  const skipped = preScore(profile, state, pod, nodes, snapshot, observer);
  const sinceMs = observer.nowMs();
  for (const plugin of profile.plugins.score) {
    if (skipped.has(plugin.name)) continue;
    const scores = scoresOf(plugin, state, pod, nodes, snapshot, observer);
    const weight = profile.weights.get(plugin.name) ?? 1;
    for (let index = 0; index < scores.length; index++) {
      const weighted = scores[index]! * weight;
      scores[index] = weighted;
      totals[index]! += weighted;
    }
    parts.push({ plugin: plugin.name, scores });
  }
  observer.point("score", "Success", sinceMs);
  return new Scores(nodes, totals, parts);
}

function preScore(
  profile: Profile,
  state: CycleState,
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
  observer: Observer,
): ReadonlySet<string> {
  const sinceMs = observer.nowMs();
  const skipped = new Set<string>();
  for (const plugin of profile.plugins.preScore) {
    const pluginSinceMs = observer.measuresPlugins ? observer.nowMs() : 0;
    const skips = plugin.preScore(state, pod, nodes, snapshot) === "skip";
    if (skips) skipped.add(plugin.name);
    if (observer.measuresPlugins) {
      observer.plugin("preScore", plugin.name, skips ? "Skip" : "Success", pluginSinceMs);
    }
  }
  observer.point("preScore", "Success", sinceMs);
  return skipped;
}

function scoresOf(
  plugin: PluginAt<"score">,
  state: CycleState,
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
  observer: Observer,
): number[] {
  const sinceMs = observer.measuresPlugins ? observer.nowMs() : 0;
  const scores = nodes.map((node) => plugin.score(state, pod, node, snapshot));
  plugin.normalizeScore?.(state, pod, scores, nodes);
  if (observer.measuresPlugins) observer.plugin("score", plugin.name, "Success", sinceMs);
  return scores;
}

/** A profile: the plugins that one scheduler name has at each extension point, in order, and what their scores weigh. */
import type { ExtensionPoint, Plugin } from "./framework.ts";

/** A plugin that has this extension point for certain. */
export type PluginAt<Point extends ExtensionPoint> = Plugin & Required<Pick<Plugin, Point>>;

export type PluginsByPoint = { readonly [Point in ExtensionPoint]: readonly PluginAt<Point>[] };

export interface Profile {
  /** Pods with this `spec.schedulerName` are its own. */
  readonly schedulerName: string;
  readonly plugins: PluginsByPoint;
  /** Of the plugins that score. */
  readonly weights: ReadonlyMap<string, number>;
  /** Of so many nodes, in per cent, that take a pod the best is chosen; 0: the fewer the more there are. */
  readonly percentageOfNodesToScore: number;
}

/** How attempts are measured; the times are the caller's own clock. */
export interface Observer {
  nowMs(): number;
  /** Whether this attempt's plugins are measured one by one: to do so for all costs more than most plugins. */
  readonly measuresPlugins: boolean;
  point(point: ExtensionPoint, status: Status, sinceMs: number): void;
  plugin(point: ExtensionPoint, plugin: string, status: Status, sinceMs: number): void;
}

/** In Kubernetes' words, as its metrics have them. */
export type Status = "Success" | "Unschedulable" | "UnschedulableAndUnresolvable" | "Wait" | "Skip" | "Error";

export const UNOBSERVED: Observer = {
  nowMs: () => 0,
  measuresPlugins: false,
  point: () => undefined,
  plugin: () => undefined,
};

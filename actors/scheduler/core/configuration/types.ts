/**
 * `KubeSchedulerConfiguration` of `kubescheduler.config.k8s.io/v1`, as far as it has a meaning here.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/
 */
import type { ExtensionPoint } from "../framework.ts";

export interface PluginChoice {
  readonly name: string;
  readonly weight?: number;
}

export interface PluginSet {
  readonly enabled?: readonly PluginChoice[];
  /** `*`: all that are enabled by default. */
  readonly disabled?: readonly PluginChoice[];
}

export type PluginSets = { readonly [point in ExtensionPoint | "multiPoint"]?: PluginSet };

export interface PluginConfig {
  readonly name: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface SchedulerProfile {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: PluginSets;
  readonly pluginConfig?: readonly PluginConfig[];
}

export interface KubeSchedulerConfiguration {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly profiles?: readonly SchedulerProfile[];
}

/** What is written down, with what holds where nothing is. */
export interface ResolvedConfiguration {
  readonly percentageOfNodesToScore: number;
  /** Undefined: inkube's own, which is shorter than Kubernetes'. */
  readonly podInitialBackoffSeconds: number | undefined;
  readonly podMaxBackoffSeconds: number | undefined;
  readonly profiles: readonly (SchedulerProfile & { readonly schedulerName: string })[];
  /** Fields that are known and have no meaning in one process: who gave them is told. */
  readonly unhonoured: readonly string[];
}

/** Kubernetes' plugins: how each is made from its arguments, and which a profile has that says nothing. */
import { defaultPreemption } from "../plugins/default-preemption.ts";
import { imageLocality } from "../plugins/image-locality.ts";
import { interPodAffinity } from "../plugins/inter-pod-affinity.ts";
import { nodeAffinity } from "../plugins/node-affinity.ts";
import { nodeName } from "../plugins/node-name.ts";
import { nodePorts } from "../plugins/node-ports.ts";
import { nodeResourcesBalancedAllocation, nodeResourcesFit } from "../plugins/node-resources.ts";
import { nodeUnschedulable } from "../plugins/node-unschedulable.ts";
import { podTopologySpread } from "../plugins/pod-topology-spread.ts";
import { prioritySort } from "../plugins/priority-sort.ts";
import { schedulingGates } from "../plugins/scheduling-gates.ts";
import { taintToleration } from "../plugins/taint-toleration.ts";
import { nodeVolumeLimits } from "../plugins/node-volume-limits.ts";
import { volumeBinding } from "../plugins/volume-binding.ts";
import { volumeRestrictions } from "../plugins/volume-restrictions.ts";
import { volumeZone } from "../plugins/volume-zone.ts";
import type { Plugin } from "../framework.ts";
import type { Args } from "./plugin-args.ts";
import {
  balancedAllocationArgs,
  defaultPreemptionArgs,
  interPodAffinityArgs,
  nodeAffinityArgs,
  nodeResourcesFitArgs,
  podTopologySpreadArgs,
} from "./plugin-args.ts";
import type { PluginChoice } from "./types.ts";

/** Of the default ones `DefaultBinder` is missing, and of `VolumeBinding` its `preBind`: who binds must know the API. */
export const PLUGINS: ReadonlyMap<string, (args: Args) => Plugin> = new Map<string, (args: Args) => Plugin>([
  ["SchedulingGates", () => schedulingGates],
  ["PrioritySort", () => prioritySort],
  ["NodeName", () => nodeName],
  ["NodeUnschedulable", () => nodeUnschedulable],
  ["TaintToleration", () => taintToleration],
  ["NodeAffinity", (args) => nodeAffinity(nodeAffinityArgs(args))],
  ["NodePorts", () => nodePorts],
  ["NodeResourcesFit", (args) => nodeResourcesFit(nodeResourcesFitArgs(args))],
  ["VolumeRestrictions", () => volumeRestrictions],
  ["NodeVolumeLimits", () => nodeVolumeLimits],
  ["VolumeBinding", () => volumeBinding],
  ["VolumeZone", () => volumeZone],
  ["PodTopologySpread", (args) => podTopologySpread(podTopologySpreadArgs(args))],
  ["InterPodAffinity", (args) => interPodAffinity(interPodAffinityArgs(args))],
  ["DefaultPreemption", (args) => defaultPreemption(defaultPreemptionArgs(args))],
  ["NodeResourcesBalancedAllocation", (args) => nodeResourcesBalancedAllocation(balancedAllocationArgs(args))],
  ["ImageLocality", () => imageLocality],
]);

/** In Kubernetes' order, with its weights. @see pkg/scheduler/apis/config/v1/default_plugins.go */
export const DEFAULT_PLUGINS: readonly PluginChoice[] = [
  { name: "SchedulingGates" },
  { name: "PrioritySort" },
  { name: "NodeName" },
  { name: "NodeUnschedulable" },
  { name: "TaintToleration", weight: 3 },
  { name: "NodeAffinity", weight: 2 },
  { name: "NodePorts" },
  { name: "NodeResourcesFit", weight: 1 },
  { name: "VolumeRestrictions" },
  { name: "NodeVolumeLimits" },
  { name: "VolumeBinding" },
  { name: "VolumeZone" },
  { name: "PodTopologySpread", weight: 2 },
  { name: "InterPodAffinity", weight: 2 },
  { name: "DefaultPreemption" },
  { name: "NodeResourcesBalancedAllocation", weight: 1 },
  { name: "ImageLocality", weight: 1 },
  { name: "DefaultBinder" },
];

/** The arguments of Kubernetes' plugins: which there are, what holds where they say nothing, and what they may say. */
import { labelValue } from "../../../../protocols/kubernetes/labels.ts";
import type { NodeAffinity, TopologySpreadConstraint } from "../../../../protocols/kubernetes/types/core-v1.ts";
import type { DefaultPreemptionArgs } from "../plugins/default-preemption.ts";
import type { InterPodAffinityArgs } from "../plugins/inter-pod-affinity.ts";
import type { NodeAffinityArgs } from "../plugins/node-affinity.ts";
import type { NodeResourcesFitArgs } from "../plugins/node-resources.ts";
import type { PodTopologySpreadArgs } from "../plugins/pod-topology-spread.ts";
import type { ResourceSpec, ScoringStrategy, ShapePoint } from "../resource-scores.ts";
import type { Shape } from "./decode.ts";
import { duplicate, forbidden, invalid, required, unsupported, wrongWith } from "./decode.ts";

export type Args = Readonly<Record<string, unknown>>;

const TYPED = { apiVersion: "string", kind: "string" } as const;
const RESOURCES: Shape = { listOf: { fields: { name: "string", weight: "integer" } } };
const SHAPES: Readonly<Record<string, Readonly<Record<string, Shape>>>> = {
  DefaultPreemption: { minCandidateNodesPercentage: "integer", minCandidateNodesAbsolute: "integer" },
  InterPodAffinity: { hardPodAffinityWeight: "integer", ignorePreferredTermsOfExistingPods: "boolean" },
  NodeAffinity: { addedAffinity: "any" },
  NodeResourcesBalancedAllocation: { resources: RESOURCES },
  NodeResourcesFit: {
    ignoredResources: { listOf: "string" },
    ignoredResourceGroups: { listOf: "string" },
    scoringStrategy: {
      fields: {
        type: "string",
        resources: RESOURCES,
        requestedToCapacityRatio: {
          fields: { shape: { listOf: { fields: { utilization: "integer", score: "integer" } } } },
        },
      },
    },
  },
  PodTopologySpread: { defaultConstraints: { listOf: "any" }, defaultingType: "string" },
  VolumeBinding: { bindTimeoutSeconds: "integer" },
};

const DEFAULT_RESOURCES: readonly ResourceSpec[] = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];

export function defaultPreemptionArgs(given: Args): DefaultPreemptionArgs {
  const { minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 } = given as Partial<DefaultPreemptionArgs>;
  return { minCandidateNodesPercentage, minCandidateNodesAbsolute };
}

export function interPodAffinityArgs(given: Args): InterPodAffinityArgs {
  const { hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false } =
    given as Partial<InterPodAffinityArgs>;
  return { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods };
}

export function nodeAffinityArgs(given: Args): NodeAffinityArgs {
  const { addedAffinity } = given as { readonly addedAffinity?: NodeAffinity };
  return addedAffinity === undefined ? {} : { addedAffinity };
}

export function balancedAllocationArgs(given: Args): { readonly resources: readonly ResourceSpec[] } {
  return { resources: resourcesOf((given as { readonly resources?: readonly ResourceSpec[] }).resources) };
}

export function nodeResourcesFitArgs(given: Args): NodeResourcesFitArgs {
  const { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy } = given as Partial<NodeResourcesFitArgs>;
  return { ignoredResources, ignoredResourceGroups, scoringStrategy: strategyOf(scoringStrategy) };
}

export function podTopologySpreadArgs(given: Args): PodTopologySpreadArgs {
  const { defaultConstraints = [], defaultingType = "System" } = given as Partial<PodTopologySpreadArgs>;
  return { defaultConstraints, defaultingType };
}

function strategyOf(given: Partial<ScoringStrategy> | undefined): ScoringStrategy {
  const { type = "LeastAllocated", resources, requestedToCapacityRatio } = given ?? {};
  return {
    type,
    resources: resourcesOf(resources),
    ...(requestedToCapacityRatio === undefined ? {} : { requestedToCapacityRatio }),
  };
}

function resourcesOf(given: readonly ResourceSpec[] | undefined): readonly ResourceSpec[] {
  if (given === undefined || given.length === 0) return DEFAULT_RESOURCES;
  return given.map(({ name, weight }) => ({ name, weight: (weight as number | undefined) || 1 }));
}

/** What is wrong with the arguments of a plugin; those of a plugin of somebody's own are its own affair. */
export function argsProblems(plugin: string, args: Args, path: string): readonly string[] {
  const shape = Object.hasOwn(SHAPES, plugin) ? SHAPES[plugin] : undefined;
  if (shape === undefined) return [];
  const strict = wrongWith(args, { fields: { ...TYPED, ...shape } }, path);
  if (strict.length > 0) return strict;
  const kind = args["kind"];
  if (kind !== undefined && kind !== `${plugin}Args`) return [invalid(path, args, "has to match plugin args")];
  switch (plugin) {
    case "DefaultPreemption":
      return preemptionProblems(defaultPreemptionArgs(args), path);
    case "InterPodAffinity": {
      const { hardPodAffinityWeight: weight } = interPodAffinityArgs(args);
      return inRange(weight, 0, 100)
        ? []
        : [invalid(`${path}.hardPodAffinityWeight`, weight, "not in valid range [0, 100]")];
    }
    case "NodeResourcesBalancedAllocation":
      return balancedProblems(balancedAllocationArgs(args).resources, `${path}.resources`);
    case "NodeResourcesFit":
      return fitProblems(nodeResourcesFitArgs(args), path);
    case "PodTopologySpread":
      return spreadProblems(podTopologySpreadArgs(args), path);
    case "VolumeBinding": {
      const seconds = args["bindTimeoutSeconds"];
      const why = "invalid BindTimeoutSeconds, should not be a negative value";
      return typeof seconds === "number" && seconds < 0 ? [invalid(`${path}.bindTimeoutSeconds`, seconds, why)] : [];
    }
    default:
      return [];
  }
}

const inRange = (value: number, least: number, most: number): boolean => value >= least && value <= most;

function preemptionProblems(args: DefaultPreemptionArgs, path: string): readonly string[] {
  const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = args;
  const [percentagePath, absolutePath] = [`${path}.minCandidateNodesPercentage`, `${path}.minCandidateNodesAbsolute`];
  const problems: string[] = [];
  if (!inRange(percentage, 0, 100)) problems.push(invalid(percentagePath, percentage, "not in valid range [0, 100]"));
  if (absolute < 0) problems.push(invalid(absolutePath, absolute, "not in valid range [0, inf)"));
  if (percentage === 0 && absolute === 0) {
    problems.push(
      invalid(percentagePath, 0, "cannot be zero at the same time as minCandidateNodesAbsolute"),
      invalid(absolutePath, 0, "cannot be zero at the same time as minCandidateNodesPercentage"),
    );
  }
  return problems;
}

function balancedProblems(resources: readonly ResourceSpec[], path: string): readonly string[] {
  return resources.flatMap(({ name, weight }, index) => [
    ...(resources.findIndex((other) => other.name === name) === index
      ? []
      : [duplicate(`${path}[${index}].name`, name)]),
    ...(weight === 1 ? [] : [invalid(`${path}[${index}].weight`, weight, "must be 1")]),
  ]);
}

function fitProblems(args: NodeResourcesFitArgs, path: string): readonly string[] {
  const { ignoredResources, ignoredResourceGroups, scoringStrategy } = args;
  const { type, resources, requestedToCapacityRatio } = scoringStrategy;
  const strategy = `${path}.scoringStrategy`;
  const problems: string[] = [];
  for (const [index, group] of ignoredResourceGroups.entries()) {
    if (group.includes("/")) {
      problems.push(invalid(`${path}.ignoredResourceGroups[${index}]`, group, "resource group name can't contain '/'"));
    }
  }
  for (const [index, name] of ignoredResources.entries()) {
    const [, part = name] = name.split("/");
    for (const why of labelValue(part)) problems.push(invalid(`${path}.ignoredResources[${index}]`, name, why));
  }
  const types = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"];
  if (!types.includes(type)) problems.push(unsupported(`${strategy}.type`, type, types));
  for (const [index, { name, weight }] of resources.entries()) {
    if (inRange(weight, 1, 100)) continue;
    const why = `resource weight of ${name} not in valid range (0, 100]`;
    problems.push(invalid(`${strategy}.resources[${index}].weight`, weight, why));
  }
  const ratio = `${strategy}.requestedToCapacityRatio`;
  if (type !== "RequestedToCapacityRatio") {
    const why = "must be nil when type is not RequestedToCapacityRatio";
    return requestedToCapacityRatio === undefined ? problems : [...problems, forbidden(ratio, why)];
  }
  if (requestedToCapacityRatio === undefined) {
    return [...problems, required(ratio, "must be specified when type is RequestedToCapacityRatio")];
  }
  return [...problems, ...shapeProblems(requestedToCapacityRatio.shape, `${ratio}.shape`)];
}

function shapeProblems(shape: readonly ShapePoint[] | undefined, path: string): readonly string[] {
  if (shape === undefined || shape.length === 0) return [required(path, "at least one point must be specified")];
  const problems: string[] = [];
  const unsorted = shape.findIndex((point, at) => at > 0 && shape[at - 1]!.utilization >= point.utilization);
  if (unsorted > 0) {
    const why = "values must be sorted in increasing order";
    problems.push(invalid(`${path}[${unsorted}].utilization`, shape[unsorted]!.utilization, why));
  }
  for (const [index, { utilization, score }] of shape.entries()) {
    const at = `${path}[${index}]`;
    if (!inRange(utilization, 0, 100)) {
      problems.push(invalid(`${at}.utilization`, utilization, "not in valid range [0, 100]"));
    }
    if (!inRange(score, 0, 10)) problems.push(invalid(`${at}.score`, score, "not in valid range [0, 10]"));
  }
  return problems;
}

function spreadProblems(
  { defaultConstraints, defaultingType }: PodTopologySpreadArgs,
  path: string,
): readonly string[] {
  const problems: string[] = [];
  const types = ["System", "List"];
  if (!types.includes(defaultingType)) problems.push(unsupported(`${path}.defaultingType`, defaultingType, types));
  else if (defaultingType === "System" && defaultConstraints.length > 0) {
    problems.push(invalid(`${path}.defaultingType`, defaultingType, "when .defaultConstraints are not empty"));
  }
  for (const [index, constraint] of defaultConstraints.entries()) {
    problems.push(...constraintProblems(constraint, `${path}.defaultConstraints[${index}]`));
    const same = defaultConstraints.findIndex(
      ({ topologyKey, whenUnsatisfiable }) =>
        topologyKey === constraint.topologyKey && whenUnsatisfiable === constraint.whenUnsatisfiable,
    );
    if (same !== index) {
      const pair = `{${constraint.topologyKey}, ${constraint.whenUnsatisfiable}}`;
      problems.push(duplicate(`${path}.defaultConstraints[${index}]`, pair));
    }
  }
  return problems;
}

function constraintProblems(constraint: Partial<TopologySpreadConstraint>, path: string): readonly string[] {
  const { maxSkew = 0, topologyKey = "", whenUnsatisfiable, labelSelector } = constraint;
  const problems: string[] = [];
  if (maxSkew <= 0) problems.push(invalid(`${path}.maxSkew`, maxSkew, "not in valid range (0, inf)"));
  if (topologyKey === "") problems.push(required(`${path}.topologyKey`, "can not be empty"));
  const actions = ["DoNotSchedule", "ScheduleAnyway"];
  if (whenUnsatisfiable === undefined) problems.push(required(`${path}.whenUnsatisfiable`, "can not be empty"));
  else if (!actions.includes(whenUnsatisfiable)) {
    problems.push(unsupported(`${path}.whenUnsatisfiable`, whenUnsatisfiable, actions));
  }
  if (labelSelector !== undefined) {
    const why = "constraint must not define a selector, as they deduced for each pod";
    problems.push(forbidden(`${path}.labelSelector`, why));
  }
  return problems;
}

/** @see pkg/scheduler/apis/config/validation/validation_test.go, whose cases these are in part */
import { expect, it } from "vitest";
import { readConfiguration } from "../../../../../actors/scheduler/core/configuration/configuration.ts";
import type { PluginFactory } from "../../../../../actors/scheduler/core/configuration/profiles.ts";
import type { ExtensionPoint } from "../../../../../actors/scheduler/core/framework.ts";
import { profilesFor } from "../../../../fixtures/scheduling.ts";

const HEAD = { apiVersion: "kubescheduler.config.k8s.io/v1", kind: "KubeSchedulerConfiguration" };
const problemOf = (rest: object): string | undefined => {
  const read = readConfiguration({ ...HEAD, ...rest });
  return "problem" in read ? read.problem : undefined;
};
const withArgs = (name: string, args: object): object => ({ profiles: [{ pluginConfig: [{ name, args }] }] });
const ARGS = "profiles[0].pluginConfig[0].args";

it("takes Kubernetes' own example, and what says nothing", () => {
  expect(problemOf({})).toBeUndefined();
  expect(problemOf({ leaderElection: { leaderElect: true, leaseDuration: "15s" }, parallelism: 8 })).toBeUndefined();
  expect(
    problemOf({
      profiles: [{ schedulerName: "a" }, { schedulerName: "b", plugins: { score: { disabled: [{ name: "*" }] } } }],
    }),
  ).toBeUndefined();
});

it.each<[string, object, string]>([
  ["a field that there is not", { paralellism: 1 }, 'strict decoding error: unknown field "paralellism"'],
  [
    "one deep within",
    { profiles: [{ plugins: { scores: {} } }] },
    'strict decoding error: unknown field "profiles[0].plugins.scores"',
  ],
  ["another type", { parallelism: "many" }, 'strict decoding error: parallelism must be a whole number, not "many"'],
  [
    "parallelism of 0",
    { parallelism: 0 },
    "parallelism: Invalid value: 0: should be an integer value greater than zero",
  ],
  [
    "more than all nodes",
    { percentageOfNodesToScore: 101 },
    "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
  ],
  ["no pause", { podInitialBackoffSeconds: 0 }, "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"],
  [
    "a longest pause that is shorter",
    { podMaxBackoffSeconds: 1, podInitialBackoffSeconds: 2 },
    "podMaxBackoffSeconds: Invalid value: 1: must be greater than or equal to PodInitialBackoffSeconds",
  ],
  [
    "two profiles of one name",
    { profiles: [{ schedulerName: "a" }, { schedulerName: "a" }] },
    'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
  ],
  [
    "several profiles without a name",
    { profiles: [{ schedulerName: "a" }, {}] },
    "profiles[1].schedulerName: Required value",
  ],
  [
    "a plugin of old",
    { profiles: [{ plugins: { filter: { enabled: [{ name: "EBSLimits" }] } } }] },
    'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "kubescheduler.config.k8s.io/v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
  ],
  [
    "arguments twice",
    { profiles: [{ pluginConfig: [{ name: "NodeAffinity" }, { name: "NodeAffinity" }] }] },
    'profiles[0].pluginConfig[1]: Duplicate value: "NodeAffinity"',
  ],
  [
    "an argument that there is not",
    withArgs("InterPodAffinity", { weight: 1 }),
    `strict decoding error: unknown field "${ARGS}.weight"`,
  ],
  [
    "too great a weight",
    withArgs("InterPodAffinity", { hardPodAffinityWeight: 101 }),
    `${ARGS}.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]`,
  ],
  [
    "no candidates at all",
    withArgs("DefaultPreemption", { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }),
    `[${ARGS}.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, ${ARGS}.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]`,
  ],
  [
    "a strategy that there is not",
    withArgs("NodeResourcesFit", { scoringStrategy: { type: "Best" } }),
    `${ARGS}.scoringStrategy.type: Unsupported value: "Best": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
  ],
  [
    "a shape that goes back",
    withArgs("NodeResourcesFit", {
      scoringStrategy: {
        type: "RequestedToCapacityRatio",
        requestedToCapacityRatio: {
          shape: [
            { utilization: 50, score: 1 },
            { utilization: 40, score: 11 },
          ],
        },
      },
    }),
    `[${ARGS}.scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 40: values must be sorted in increasing order, ${ARGS}.scoringStrategy.requestedToCapacityRatio.shape[1].score: Invalid value: 11: not in valid range [0, 10]]`,
  ],
  [
    "a shape where there is no use for one",
    withArgs("NodeResourcesFit", {
      scoringStrategy: { type: "MostAllocated", requestedToCapacityRatio: { shape: [] } },
    }),
    `${ARGS}.scoringStrategy.requestedToCapacityRatio: Forbidden: must be nil when type is not RequestedToCapacityRatio`,
  ],
  [
    "constraints besides those of the system",
    withArgs("PodTopologySpread", {
      defaultConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "ScheduleAnyway", labelSelector: {} }],
    }),
    `[${ARGS}.defaultingType: Invalid value: "System": when .defaultConstraints are not empty, ${ARGS}.defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod]`,
  ],
  [
    "an extender",
    { extenders: [{ urlPrefix: "http://127.0.0.1" }] },
    "extenders: Forbidden: extenders are not called; a plugin of your own does the same in the process",
  ],
])("refuses %s", (_name, rest, problem) => {
  expect(problemOf(rest)).toBe(problem);
});

const namesAt = (
  configuration: object,
  point: ExtensionPoint,
  plugins?: ReadonlyMap<string, PluginFactory>,
): readonly string[] =>
  [...profilesFor({ ...HEAD, ...configuration }, plugins).values()][0]!.plugins[point].map(({ name }) => name);

it("has Kubernetes' plugins at each extension point, in its order", () => {
  expect(namesAt({}, "filter")).toEqual([
    "NodeName",
    "NodeUnschedulable",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
  ]);
  expect(namesAt({}, "queueSort")).toEqual(["PrioritySort"]);
  expect(namesAt({}, "postFilter")).toEqual(["DefaultPreemption"]);
});

it("takes plugins away, adds them and orders them as Kubernetes does", () => {
  const profile = (plugins: object): object => ({ profiles: [{ plugins }] });
  const scores = namesAt({}, "score");
  expect(
    namesAt(
      profile({ score: { disabled: [{ name: "*" }], enabled: [{ name: "ImageLocality", weight: 3 }] } }),
      "score",
    ),
  ).toEqual(["ImageLocality"]);
  expect(namesAt(profile({ multiPoint: { disabled: [{ name: "NodePorts" }] } }), "filter")).not.toContain("NodePorts");
  // What the point names itself is first; what all points have besides follows.
  expect(namesAt(profile({ score: { enabled: [{ name: "ImageLocality", weight: 5 }] } }), "score")).toEqual([
    "ImageLocality",
    ...scores.filter((name) => name !== "ImageLocality"),
  ]);
  const weights = [
    ...profilesFor({ ...HEAD, ...profile({ score: { enabled: [{ name: "ImageLocality", weight: 5 }] } }) }).values(),
  ][0]!.weights;
  expect([weights.get("ImageLocality"), weights.get("TaintToleration")]).toEqual([5, 3]);
});

it.each<[object, string]>([
  [
    { filter: { enabled: [{ name: "Nope" }] } },
    'creating profile for scheduler name default-scheduler: FilterPlugin "Nope" does not exist',
  ],
  [
    { filter: { enabled: [{ name: "ImageLocality" }] } },
    'creating profile for scheduler name default-scheduler: plugin "ImageLocality" does not extend FilterPlugin plugin',
  ],
  [
    { queueSort: { disabled: [{ name: "*" }] } },
    'creating profile for scheduler name default-scheduler: only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0',
  ],
  [
    { bind: { disabled: [{ name: "*" }] } },
    'creating profile for scheduler name default-scheduler: at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
  ],
])("makes no profile of %j", (plugins, message) => {
  expect(() => profilesFor({ ...HEAD, profiles: [{ plugins }] })).toThrow(message);
});

it("enables a plugin of one's own in all profiles, unless one names it", () => {
  const own: PluginFactory = ({ least = 0 }) => ({
    name: "Own",
    filter: () => undefined,
    score: () => least as number,
  });
  const plugins = new Map([["Own", own]]);
  expect(namesAt({}, "filter", plugins)).toContain("Own");
  const named = {
    profiles: [
      {
        plugins: { score: { enabled: [{ name: "Own", weight: 2 }] } },
        pluginConfig: [{ name: "Own", args: { least: 7 } }],
      },
    ],
  };
  expect(namesAt(named, "filter", plugins)).not.toContain("Own");
  const profile = [...profilesFor({ ...HEAD, ...named }, plugins).values()][0]!;
  expect(
    profile.plugins.score.find(({ name }) => name === "Own")?.score(...([] as never as [never, never, never, never])),
  ).toBe(7);
});

/** A scheduler's configuration: read, defaulted and checked in Kubernetes' words. */
import { EXTENSION_POINTS } from "../framework.ts";
import type { Shape } from "./decode.ts";
import { duplicate, forbidden, invalid, required, wrongWith } from "./decode.ts";
import { argsProblems } from "./plugin-args.ts";
import type { KubeSchedulerConfiguration, ResolvedConfiguration, SchedulerProfile } from "./types.ts";

const API_VERSION = "kubescheduler.config.k8s.io/v1";
const KIND = "KubeSchedulerConfiguration";
const DEFAULT_NAME = "default-scheduler";
/** Plugins that Kubernetes has dropped; their names are refused to this day. */
const DROPPED: readonly string[] = ["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"];
/** Fields about kube-scheduler's own process. */
const UNHONOURED = [
  "parallelism",
  "leaderElection",
  "clientConnection",
  "enableProfiling",
  "enableContentionProfiling",
  "delayCacheUntilActive",
] as const;

const CHOICES: Shape = { listOf: { fields: { name: "string", weight: "integer" } } };
const SET: Shape = { fields: { enabled: CHOICES, disabled: CHOICES } };
const SHAPE: Shape = {
  fields: {
    apiVersion: "string",
    kind: "string",
    parallelism: "integer",
    leaderElection: {
      fields: {
        leaderElect: "boolean",
        leaseDuration: "duration",
        renewDeadline: "duration",
        retryPeriod: "duration",
        resourceLock: "string",
        resourceName: "string",
        resourceNamespace: "string",
      },
    },
    clientConnection: {
      fields: {
        kubeconfig: "string",
        acceptContentTypes: "string",
        contentType: "string",
        qps: "number",
        burst: "integer",
      },
    },
    enableProfiling: "boolean",
    enableContentionProfiling: "boolean",
    percentageOfNodesToScore: "integer",
    podInitialBackoffSeconds: "integer",
    podMaxBackoffSeconds: "integer",
    delayCacheUntilActive: "boolean",
    extenders: { listOf: "any" },
    profiles: {
      listOf: {
        fields: {
          schedulerName: "string",
          percentageOfNodesToScore: "integer",
          plugins: {
            fields: Object.fromEntries(
              [...EXTENSION_POINTS, "multiPoint"].map((point): [string, Shape] => [point, SET]),
            ),
          },
          pluginConfig: { listOf: { fields: { name: "string", args: "any" } } },
        },
      },
    },
  },
};

/** What holds where nothing is configured. */
export const DEFAULT_CONFIGURATION: ResolvedConfiguration = {
  percentageOfNodesToScore: 0,
  podInitialBackoffSeconds: undefined,
  podMaxBackoffSeconds: undefined,
  profiles: [{ schedulerName: DEFAULT_NAME }],
  unhonoured: [],
};

/** `value`: what the YAML or JSON says. */
export function readConfiguration(
  value: unknown,
): { readonly configuration: ResolvedConfiguration } | { readonly problem: string } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { problem: `must be a ${KIND} of ${API_VERSION}` };
  }
  const { apiVersion, kind } = value as KubeSchedulerConfiguration;
  if (kind !== KIND || apiVersion !== API_VERSION) {
    const [group = "", version = ""] = (apiVersion ?? "").split("/");
    const named =
      kind === undefined
        ? "Object 'Kind' is missing"
        : `no kind "${kind}" is registered for version "${group}/${version}"`;
    return { problem: `${named}: must be a ${KIND} of ${API_VERSION}` };
  }
  const strict = wrongWith(value, SHAPE);
  if (strict.length > 0) return { problem: strict.join("; ") };
  const given = value as KubeSchedulerConfiguration & Readonly<Record<string, unknown>>;
  const configuration = resolve(given);
  const problems = problemsOf(given, configuration);
  if (problems.length > 0) return { problem: problems.length === 1 ? problems[0]! : `[${problems.join(", ")}]` };
  return { configuration };
}

/** Only a single profile may go without a name. */
function resolve(given: KubeSchedulerConfiguration & Readonly<Record<string, unknown>>): ResolvedConfiguration {
  const profiles: readonly SchedulerProfile[] = (given.profiles ?? []).length === 0 ? [{}] : given.profiles!;
  const name = profiles.length === 1 ? DEFAULT_NAME : "";
  return {
    percentageOfNodesToScore: given.percentageOfNodesToScore ?? 0,
    podInitialBackoffSeconds: given.podInitialBackoffSeconds,
    podMaxBackoffSeconds: given.podMaxBackoffSeconds,
    profiles: profiles.map((profile) => ({ ...profile, schedulerName: profile.schedulerName ?? name })),
    unhonoured: UNHONOURED.filter((field) => given[field] !== undefined),
  };
}

function problemsOf(given: Readonly<Record<string, unknown>>, configuration: ResolvedConfiguration): readonly string[] {
  const { percentageOfNodesToScore, podInitialBackoffSeconds = 1, podMaxBackoffSeconds = 10, profiles } = configuration;
  const problems: string[] = [];
  const parallelism = given["parallelism"];
  if (typeof parallelism === "number" && parallelism <= 0) {
    problems.push(invalid("parallelism", parallelism, "should be an integer value greater than zero"));
  }
  for (const [index, profile] of profiles.entries()) problems.push(...profileProblems(profile, `profiles[${index}]`));
  for (const [index, { schedulerName }] of profiles.entries()) {
    const first = profiles.findIndex((other) => other.schedulerName === schedulerName);
    if (first !== index)
      problems.push(duplicate(`profiles[${index}].schedulerName`, `profiles[${first}].schedulerName`));
  }
  problems.push(...percentageProblems("percentageOfNodesToScore", percentageOfNodesToScore));
  if (podInitialBackoffSeconds <= 0) {
    problems.push(invalid("podInitialBackoffSeconds", podInitialBackoffSeconds, "must be greater than 0"));
  }
  if (podMaxBackoffSeconds < podInitialBackoffSeconds) {
    const why = "must be greater than or equal to PodInitialBackoffSeconds";
    problems.push(invalid("podMaxBackoffSeconds", podMaxBackoffSeconds, why));
  }
  if (Array.isArray(given["extenders"]) && given["extenders"].length > 0) {
    problems.push(
      forbidden("extenders", "extenders are not called; a plugin of your own does the same in the process"),
    );
  }
  return problems;
}

function percentageProblems(path: string, percentage: number | undefined): readonly string[] {
  const isValid = percentage === undefined || (percentage >= 0 && percentage <= 100);
  return isValid ? [] : [invalid(path, percentage, "not in valid range [0-100]")];
}

function profileProblems(profile: SchedulerProfile, path: string): readonly string[] {
  const problems: string[] = [];
  if ((profile.schedulerName ?? "") === "") problems.push(required(`${path}.schedulerName`));
  problems.push(...percentageProblems(`${path}.percentageOfNodesToScore`, profile.percentageOfNodesToScore));
  const dropped = (at: string, name: string): readonly string[] =>
    DROPPED.includes(name)
      ? [invalid(at, name, `was invalid in version "${API_VERSION}" (${KIND} is version "${API_VERSION}")`)]
      : [];
  for (const [point, set] of Object.entries(profile.plugins ?? {})) {
    for (const [index, { name }] of (set.enabled ?? []).entries()) {
      problems.push(...dropped(`${path}.plugins.${point}.enabled[${index}]`, name));
    }
  }
  const seen = new Set<string>();
  for (const [index, { name, args }] of (profile.pluginConfig ?? []).entries()) {
    const at = `${path}.pluginConfig[${index}]`;
    if (seen.has(name)) problems.push(duplicate(at, name));
    seen.add(name);
    problems.push(...dropped(at, name), ...argsProblems(name, args ?? {}, `${at}.args`));
  }
  return problems;
}

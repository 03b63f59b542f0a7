/**
 * What admission makes of a pod: accounts, priority, runtime class, tolerations. These are the plugins of kube-apiserver that are
 * on by default, in its order and its words: ServiceAccount, Priority, DefaultTolerationSeconds,
 * RuntimeClass.
 */
import type { RuntimeClass } from "../../../../../protocols/kubernetes/types/node-v1.ts";
import type { PriorityClass } from "../../../../../protocols/kubernetes/types/scheduling-v1.ts";
import type { Pod, PodSpec, Toleration } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { equalJson, withFields } from "../../machinery/json-value.ts";
import type { Admission } from "../rules.ts";
import { admitAccount } from "./pod-account.ts";
import { refused } from "./pod-refusal.ts";

const PRIORITIES = "/registry/priorityclasses";
const RUNTIMES = "/registry/runtimeclasses";

/** Classes of every cluster, which are there before any object of theirs is. */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};
const DEFAULT_TOLERATION_KEYS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** @throws Status 403 for an account, a priority or a runtime class that the cluster does not have */
export function admitPod(pod: Pod, admission: Admission): PodSpec {
  const given = pod.spec ?? { containers: [] };
  const spec = admission.serviceAccounts ? admitAccount(pod, given, admission) : given;
  const tolerations = withDefaultTolerations(spec.tolerations ?? [], admission.tolerationSeconds);
  return admitRuntimeClass(pod, withFields(spec, { ...admitPriority(pod, spec, admission), tolerations }), admission);
}

/** An update that leaves out what admission added keeps it. */
export function admitPodUpdate(spec: PodSpec, old: PodSpec): PodSpec {
  const given = spec.tolerations ?? [];
  const added = (old.tolerations ?? []).filter(
    ({ key, effect }) =>
      key !== undefined && DEFAULT_TOLERATION_KEYS.includes(key) && effect === "NoExecute" && !covers(given, key),
  );
  const priority = spec.priority ?? old.priority;
  const preemptionPolicy = spec.preemptionPolicy ?? old.preemptionPolicy;
  return {
    ...spec,
    ...(given.length + added.length === 0 ? {} : { tolerations: [...given, ...added] }),
    ...(priority === undefined ? {} : { priority }),
    ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
  };
}

type Priority = Pick<PodSpec, "priorityClassName" | "priority" | "preemptionPolicy">;

function admitPriority(pod: Pod, spec: PodSpec, admission: Admission): Priority {
  const asked = spec.priorityClassName ?? "";
  const found = asked === "" ? defaultPriority(admission) : namedPriority(asked, admission);
  if (found === undefined) throw refused(pod, `no PriorityClass with name ${asked} was found`);
  const { metadata, value = 0, preemptionPolicy = "PreemptLowerPriority" } = found;
  const computed = (what: string | number): string =>
    `must not be provided in pod spec; priority admission controller computed ${what} from the given PriorityClass name`;
  const priority = spec.priority ?? value;
  if (priority !== value) throw refused(pod, `the integer value of priority (${priority}) ${computed(value)}`);
  const policy = spec.preemptionPolicy ?? preemptionPolicy;
  if (policy !== preemptionPolicy) {
    throw refused(pod, `the string value of PreemptionPolicy (${policy}) ${computed(preemptionPolicy)}`);
  }
  const name = metadata?.name;
  return { priority, preemptionPolicy, ...(name === undefined ? {} : { priorityClassName: name }) };
}

function namedPriority(name: string, { find }: Admission): PriorityClass | undefined {
  const value = Object.hasOwn(SYSTEM_PRIORITIES, name) ? SYSTEM_PRIORITIES[name] : undefined;
  return value === undefined ? (find(PRIORITIES, name) as PriorityClass | undefined) : { metadata: { name }, value };
}

/** Of several default classes the one of the lowest priority counts. */
function defaultPriority({ all }: Admission): PriorityClass {
  const defaults = (all(PRIORITIES) as readonly PriorityClass[]).filter(({ globalDefault }) => globalDefault === true);
  return (
    defaults.reduce<PriorityClass | undefined>(
      (lowest, one) => (lowest === undefined || (one.value ?? 0) < (lowest.value ?? 0) ? one : lowest),
      undefined,
    ) ?? { value: 0 }
  );
}

function admitRuntimeClass(pod: Pod, spec: PodSpec, { find }: Admission): PodSpec {
  const { runtimeClassName: name, overhead = {} } = spec;
  const found = name === undefined ? undefined : (find(RUNTIMES, name) as RuntimeClass | undefined);
  if (name !== undefined && found === undefined) {
    throw refused(pod, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  }
  const fixed = found?.overhead?.podFixed;
  if (Object.keys(overhead).length > 0 && !equalJson(overhead, fixed ?? {})) {
    const why =
      fixed === undefined
        ? "Pod Overhead set without corresponding RuntimeClass defined Overhead"
        : "Pod's Overhead doesn't match RuntimeClass's defined Overhead";
    throw refused(pod, `pod rejected: ${why}`);
  }
  if (found === undefined) return spec;
  const { nodeSelector, tolerations = [] } = found.scheduling ?? {};
  const given = spec.nodeSelector ?? {};
  const torn = Object.entries(nodeSelector ?? {}).find(([key, value]) => (given[key] ?? value) !== value);
  if (torn !== undefined) {
    throw refused(pod, `pod rejected: conflict: runtimeClass.scheduling.nodeSelector[${torn[0]}] = ${torn[1]}`);
  }
  const added = tolerations.filter((one) => !(spec.tolerations ?? []).some((own) => equalJson(own, one)));
  return {
    ...spec,
    ...(fixed === undefined ? {} : { overhead: fixed }),
    ...(nodeSelector === undefined ? {} : { nodeSelector: { ...given, ...nodeSelector } }),
    ...(added.length === 0 ? {} : { tolerations: [...(spec.tolerations ?? []), ...added] }),
  };
}

function covers(tolerations: readonly Toleration[], key: string): boolean {
  return tolerations.some((one) => (!one.key || one.key === key) && (!one.effect || one.effect === "NoExecute"));
}

function withDefaultTolerations(given: readonly Toleration[], tolerationSeconds: number): readonly Toleration[] {
  const added = DEFAULT_TOLERATION_KEYS.filter((key) => !covers(given, key)).map((key): Toleration => ({
    key,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds,
  }));
  return [...given, ...added];
}

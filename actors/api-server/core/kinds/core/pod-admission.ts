/**
 * What admission makes of a pod: accounts, priority, runtime class, tolerations. These are the plugins of kube-apiserver that are
 * on by default, in its order and its words: ServiceAccount (without its token volume), Priority, DefaultTolerationSeconds,
 * RuntimeClass.
 */
import type { InkubeError } from "../../../../../protocols/errors.ts";
import type { Pod, PodSpec, Toleration } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { forbidden } from "../../machinery/status.ts";
import type { Admission } from "../rules.ts";

/** Classes of every cluster; PriorityClass is no served kind yet. */
const PRIORITY_CLASSES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};
/** Every namespace gets it, so a pod need not wait until it is there. */
const DEFAULT_ACCOUNT = "default";
const DEFAULT_TOLERATION_KEYS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** @throws Status 403 for an account, a priority or a runtime class that the cluster does not have */
export function admitPod(pod: Pod, admission: Admission): PodSpec {
  const spec = pod.spec ?? { containers: [] };
  const account = admitAccount(pod, spec, admission);
  const { priority, preemptionPolicy } = admitPriority(pod, spec);
  admitRuntimeClass(pod, spec);
  return {
    ...spec,
    serviceAccountName: account,
    serviceAccount: account,
    priority,
    preemptionPolicy,
    tolerations: withDefaultTolerations(spec.tolerations ?? [], admission.tolerationSeconds),
  };
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

function refused(pod: Pod, why: string): InkubeError {
  const name = pod.metadata?.name ?? pod.metadata?.generateName ?? "";
  return forbidden({ group: "", resource: "pods" }, name, why);
}

function admitAccount(pod: Pod, spec: PodSpec, admission: Admission): string {
  const account = spec.serviceAccountName || spec.serviceAccount || DEFAULT_ACCOUNT;
  const namespace = pod.metadata?.namespace ?? "";
  if (account === DEFAULT_ACCOUNT || admission.hasServiceAccount(namespace, account)) return account;
  const why = `serviceaccount ${JSON.stringify(account)} not found`;
  throw refused(pod, `error looking up service account ${namespace}/${account}: ${why}`);
}

function admitPriority(pod: Pod, spec: PodSpec): Required<Pick<PodSpec, "priority" | "preemptionPolicy">> {
  const name = spec.priorityClassName ?? "";
  const priority = name === "" ? 0 : Object.hasOwn(PRIORITY_CLASSES, name) ? PRIORITY_CLASSES[name] : undefined;
  if (priority === undefined) throw refused(pod, `no PriorityClass with name ${name} was found`);
  const given = spec.priority ?? priority;
  const computed = (value: string | number): string =>
    `must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
  if (given !== priority) throw refused(pod, `the integer value of priority (${given}) ${computed(priority)}`);
  const preemptionPolicy = "PreemptLowerPriority";
  const asked = spec.preemptionPolicy ?? preemptionPolicy;
  if (asked !== preemptionPolicy) {
    throw refused(pod, `the string value of PreemptionPolicy (${asked}) ${computed(preemptionPolicy)}`);
  }
  return { priority, preemptionPolicy };
}

/** RuntimeClass is no served kind yet: there is none that a pod could name. */
function admitRuntimeClass(pod: Pod, { runtimeClassName, overhead }: PodSpec): void {
  if (runtimeClassName !== undefined) {
    throw refused(pod, `pod rejected: RuntimeClass ${JSON.stringify(runtimeClassName)} not found`);
  }
  if (overhead !== undefined && Object.keys(overhead).length > 0) {
    throw refused(pod, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
  }
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

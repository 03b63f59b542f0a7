/**
 * Faults of Kubernetes' own level: what goes wrong with pods, nodes, images, names and stored objects. They are part of a
 * `FaultPlan`; each is carried out by the actors whose work it spoils, so that one plan means the same in the simulation and
 * on threads.
 *
 * Further ones need no kind of their own: a disk that is full or slow is `disk-full` and `disk-slow`, the clock of a node
 * `clock-skew` at `worker-0/**`, a node or a master that is lost or upgraded `node-loss` and `node-upgrade`.
 */
import type { FieldProblem, FieldRule, LastingTimes, StrikeTimes } from "./fault-fields.ts";
import { LASTING_TIMES, NAME, STRIKE_TIMES, optional, required } from "./fault-fields.ts";
import type { ObjectPattern, Triggered } from "./api-faults.ts";
import { OBJECT_PATTERN, TRIGGERED } from "./api-faults.ts";
import { parseFieldPath } from "./object-fields.ts";

/** Names of nodes, as `worker-0`; `*` stands for anything. */
export type NodePattern = string;
/** A pod or a Service as `default/web`; `*` stands for anything within a part. */
export type NamedPattern = string;

interface Striking extends StrikeTimes, Triggered {}
interface Lasting extends LastingTimes, Triggered {}

/** At moments. */
export type StrikingClusterFault =
  /**
   * The containers of a pod that runs are killed by its runtime (SIGKILL, exit code 137), or only the one of that name. What
   * becomes of the pod is its `restartPolicy`'s.
   */
  | (Striking & { readonly kind: "pod-kill"; readonly pod: NamedPattern; readonly container?: string })
  /**
   * A field of a stored object is another, written into etcd behind the API: nothing defaults, validates or admits it, and
   * watches tell it as any change. `to` is its value then; without it a number has one bit flipped, a text one character
   * changed, true is false, and of a list or a map one member is gone.
   */
  | (Striking & {
      readonly kind: "object-flip";
      readonly of: ObjectPattern;
      /** As `spec.replicas`, `spec.template.spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`. */
      readonly field: string;
      readonly to?: unknown;
    });

/** From `fromMs` or `when` on for `forMs`. `at`: which nodes; default: all. */
export type LastingClusterFault =
  /**
   * No container of that image, as pods write it, can be started, whether the node had it or not; those that run go on. `*` stands
   * for anything.
   */
  | (Lasting & { readonly kind: "image-gone"; readonly image: string; readonly at?: NodePattern })
  /** Containers of those nodes ask in vain for the addresses of a Service, and of the pods behind it (EAI_AGAIN). */
  | (Lasting & { readonly kind: "dns-fail"; readonly service: NamedPattern; readonly at?: NodePattern })
  /**
   * New connections between pods of the one pattern and pods of the other, by their own addresses or through Services, are not
   * made while it lasts, in either direction. Those that are open go on; a program that is not Node.js is reached by it through
   * Services only; pods that share their node's address, or all one address (macOS), not at all.
   */
  | (Lasting & { readonly kind: "pod-network-loss"; readonly between: readonly [NamedPattern, NamedPattern] })
  /**
   * The node tells that its memory is short (condition MemoryPressure): it is tainted, nothing new that does not tolerate it is bound
   * to it, and a BestEffort pod that is, is rejected. While it lasts its pods are evicted, one a second, in the order of Kubernetes:
   * who uses more than it has asked for, then by priority; critical ones stay.
   */
  | (Lasting & { readonly kind: "memory-pressure"; readonly at?: NodePattern })
  /**
   * The node is drained, as by `kubectl drain`: nothing new is bound to it, and its pods are evicted, as far as budgets let
   * them; those of DaemonSets stay. In the end it takes pods again.
   */
  | (Lasting & { readonly kind: "node-drain"; readonly at: NodePattern });

export type ClusterFault = StrikingClusterFault | LastingClusterFault;
export type ClusterFaultKind = ClusterFault["kind"];

/** One strike, as it is given to who may carry it out: `ctx.faults.strike` tells that it did, `ctx.faults.end` that it can't. */
export type OrderedStrike = StrikingClusterFault & {
  /** The how-manieth of this fault. */
  readonly nth: number;
};

/** The kind of actors that carry each out. */
export const CLUSTER_FAULTS_AT: { readonly [K in ClusterFaultKind]: string } = {
  "pod-kill": "container-runtime",
  "image-gone": "container-runtime",
  "dns-fail": "kube-proxy",
  "pod-network-loss": "kube-proxy",
  "memory-pressure": "kubelet",
  "node-drain": "kubelet",
  "object-flip": "api-server",
};

const NAMED = required(
  "a namespace and a name, as default/web or shop/*",
  (value) => typeof value === "string" && /^[a-z0-9*][a-z0-9*-]*\/[a-z0-9*][a-z0-9.*-]*$/.test(value),
);
const PAIR = required(
  "two of a namespace and a name, as [default/web-*, default/db-*]",
  (value) => Array.isArray(value) && value.length === 2 && value.every((each) => NAMED.holds(each)),
);
const FIELD = required(
  "the path of a field, as spec.replicas or spec.containers[0].image",
  (value) => typeof value === "string" && parseFieldPath(value) !== undefined,
);
const VALUE = required("a value of JSON", (value) => value !== undefined && typeof value !== "function");

type FieldsOf<K extends ClusterFaultKind> = Exclude<keyof Extract<ClusterFault, { readonly kind: K }>, "kind">;

const STRIKING = { ...STRIKE_TIMES, ...TRIGGERED };
const LASTING = { ...LASTING_TIMES, ...TRIGGERED };

/** Every field of every kind, and what it may be. */
export const CLUSTER_FAULT_FIELDS: {
  readonly [K in ClusterFaultKind]: { readonly [F in FieldsOf<K>]-?: FieldRule };
} = {
  "pod-kill": { ...STRIKING, pod: NAMED, container: optional(NAME) },
  "object-flip": { ...STRIKING, of: OBJECT_PATTERN, field: FIELD, to: optional(VALUE) },
  "image-gone": { ...LASTING, image: NAME, at: optional(NAME) },
  "dns-fail": { ...LASTING, service: NAMED, at: optional(NAME) },
  "pod-network-loss": { ...LASTING, between: PAIR },
  "memory-pressure": { ...LASTING, at: optional(NAME) },
  "node-drain": { ...LASTING, at: NAME },
};

/** What never is a stored object's own: who reads it does not find it in there. */
const NOT_STORED = ["metadata.resourceVersion", "metadata.selfLink"];
/** What makes an object the one that it is: another one of them is no change of a field. */
const IDENTITY = ["apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "metadata.uid"];

/** What fields hold each for itself, and not for what the fault does. */
export function problemsOfClusterFault(fault: ClusterFault): readonly FieldProblem[] {
  if (fault.kind !== "object-flip") return [];
  const allowed = "a field below metadata, spec, status, data, …";
  if (NOT_STORED.includes(fault.field)) return [{ field: "field", problem: `${fault.field} is not stored`, allowed }];
  if (IDENTITY.includes(fault.field)) {
    return [{ field: "field", problem: `with another ${fault.field} it is another object`, allowed }];
  }
  return [];
}

export function isClusterFault(fault: { readonly kind: string }): fault is ClusterFault {
  return Object.hasOwn(CLUSTER_FAULTS_AT, fault.kind);
}

export function isStrikingClusterFault(fault: { readonly kind: string }): fault is StrikingClusterFault {
  return isClusterFault(fault) && (fault.kind === "pod-kill" || fault.kind === "object-flip");
}

/** Of an actor's name: `worker-0` of `worker-0/kubelet`; an actor of a master is no node's. */
export function nodeOf(actor: string): string {
  return actor.split("/")[0]!;
}

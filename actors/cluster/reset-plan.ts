/**
 * What is to be written into etcd for the objects to be as they were. Watchers see ordinary events: what is gone is deleted, what
 * comes back is created with its uid.
 *
 * Left alone is what tells of the present: leadership, and what kubelets say of themselves and of pods that run.
 */
import type { KeyValue } from "../../protocols/etcd.ts";
import type { KubernetesObject } from "../../protocols/api-server.ts";
import type { Taint } from "../../protocols/kubernetes/types/core-v1.ts";

/** Everything below `/registry/` by its key. */
export type State = ReadonlyMap<string, KeyValue>;

/** A deletion, where there is no value. */
export interface Write {
  readonly key: string;
  readonly value?: Uint8Array;
  /** The write is good for this state of the key only; 0: for none; undefined: for any. */
  readonly seen: number | undefined;
}

/** Carried out in this order, each list before the next. */
export interface ResetPlan {
  /** Without the pods, whose owners so are gone before them: nobody replaces a pod then. */
  readonly deletes: readonly Write[];
  /** Pods that are about to be deleted: their kubelets are told to leave them no time. */
  readonly marks: readonly Write[];
  readonly ends: readonly Write[];
  readonly puts: readonly Write[];
}

/** How much is compared: all of it once, and then only what no controller changes in the course of its work. */
export type Depth = "everything" | "identity";

const REGISTRY = "/registry/";
const PODS = "/registry/pods/";
const NODES = "/registry/minions/";
const EVENTS = "/registry/events/";
/** Who leads, who lives, and what each machine has. */
const PRESENT = [
  /^\/registry\/leases\/kube-node-lease\//,
  /^\/registry\/leases\/kube-system\/kube-(scheduler|controller-manager)$/,
  /^\/registry\/csinodes\//,
];
/** Made by controllers from other objects, and kept up to date by them. */
const DERIVED = ["/registry/services/endpoints/", "/registry/endpointslices/"];
/** What controllers make in each namespace of the beginning. */
const LATE = /^\/registry\/(serviceaccounts\/[^/]+\/default|configmaps\/[^/]+\/kube-root-ca\.crt)$/;
const SYSTEM_NAMESPACE = /^\/registry\/[^/]+\/(default|kube-system|kube-public|kube-node-lease)\//;
const STARTERS = ["kube-apiserver", "api-priority-and-fairness-config-producer-v1"];
/** Of taints that tell of a node's state: `node.kubernetes.io/not-ready`. */
const STATE_TAINT = /^node\.kubernetes\.io\//;

/** Whether a key is looked at at all. */
function isOfObjects(key: string): boolean {
  return key.startsWith(REGISTRY) && !PRESENT.some((present) => present.test(key));
}

/**
 * Whether an object belongs to the start though it was written after it: API servers and controllers make some of what every
 * cluster has once the cluster is up. `apiAddress`: of the Service `kubernetes`.
 */
export function isOfTheStart({ key, value }: KeyValue, apiAddress: string): boolean {
  if (LATE.test(key)) return SYSTEM_NAMESPACE.test(key);
  if (key.endsWith(`/${apiAddress}`)) return key.startsWith("/registry/ranges/");
  const { metadata } = parse(value);
  if (metadata?.labels?.["kube-aggregator.kubernetes.io/automanaged"] === "true") return false;
  // API servers write the status of users' definitions as well.
  return (
    metadata?.managedFields?.some(
      ({ manager = "", subresource }) => STARTERS.includes(manager) && subresource === undefined,
    ) ?? false
  );
}

/** Those that are there and were not, other than what comes and goes by itself. */
export function strangers(base: State, now: State): readonly KeyValue[] {
  return [...now.values()].filter(({ key }) => isOfObjects(key) && !base.has(key) && !isMachine(key));
}

/** `time`: as Kubernetes writes it; when pods are told to end. */
export function planReset(base: State, now: State, depth: Depth, time: string): ResetPlan {
  const plan = { deletes: [] as Write[], marks: [] as Write[], ends: [] as Write[], puts: [] as Write[] };
  const remove = ({ key, modRevision, value }: KeyValue): void => {
    if (!key.startsWith(PODS)) return void plan.deletes.push({ key, seen: modRevision });
    const mark = marked(value, time);
    if (mark !== undefined) plan.marks.push({ key, seen: modRevision, value: mark });
    // Its kubelet may have said something of it since it was marked.
    plan.ends.push({ key, seen: undefined });
  };
  for (const kv of strangers(base, now)) {
    if (depth === "everything" || !kv.key.startsWith(EVENTS)) remove(kv);
  }
  for (const { key, value } of base.values()) {
    if (!isOfObjects(key) || key.startsWith(EVENTS)) continue;
    const found = now.get(key);
    if (found === undefined) {
      if (!isMachine(key)) plan.puts.push({ key, seen: 0, value });
      continue;
    }
    if (Buffer.compare(found.value, value) === 0) continue;
    if (isReplaced(key, value, found.value)) {
      remove(found);
      plan.puts.push({ key, seen: 0, value });
      continue;
    }
    const wanted = restored(key, value, found.value, depth);
    if (wanted !== undefined) plan.puts.push({ key, seen: found.modRevision, value: wanted });
  }
  return plan;
}

/** Every write but the marks, which deletions follow. */
export function writesOf({ deletes, ends, puts }: ResetPlan): readonly Write[] {
  return [...deletes, ...ends, ...puts];
}

/** Nodes come and go with their kubelets. */
function isMachine(key: string): boolean {
  return key.startsWith(NODES);
}

/** Whether what is there is another object of that name, or a pod that ends: a kubelet takes no pod back that it is ending. */
function isReplaced(key: string, before: Uint8Array, now: Uint8Array): boolean {
  const [old, present] = [parse(before).metadata, parse(now).metadata];
  if (old?.uid !== present?.uid) return true;
  return key.startsWith(PODS) && present?.deletionTimestamp !== undefined && old?.deletionTimestamp === undefined;
}

/** What is to be written; undefined where it is as it was. */
function restored(key: string, before: Uint8Array, now: Uint8Array, depth: Depth): Uint8Array | undefined {
  if (key.startsWith(NODES)) return unlessSame(nodeAsBefore(parse(before), parse(now)), now);
  if (key.startsWith(PODS)) return unlessSame({ ...parse(before), status: parse(now).status }, now);
  if (depth === "everything") return before;
  if (DERIVED.some((prefix) => key.startsWith(prefix))) return undefined;
  return lasting(before) === lasting(now) ? undefined : before;
}

interface Stored extends KubernetesObject {
  readonly spec?: { readonly taints?: readonly Taint[] };
  readonly status?: unknown;
}

/** All that its user has said of it, and all that its kubelet says. */
function nodeAsBefore(before: Stored, now: Stored): Stored {
  const taints = [
    ...(before.spec?.taints ?? []).filter((taint) => !isOfState(taint)),
    ...(now.spec?.taints ?? []).filter(isOfState),
  ];
  const { taints: _, ...spec } = before.spec ?? {};
  return {
    ...before,
    metadata: { ...before.metadata, ...uidOf(now) },
    spec: taints.length === 0 ? spec : { ...spec, taints },
    status: now.status,
  };
}

function isOfState({ key }: Taint): boolean {
  return STATE_TAINT.test(key);
}

function uidOf({ metadata }: Stored): { readonly uid?: string } {
  return metadata?.uid === undefined ? {} : { uid: metadata.uid };
}

function unlessSame(wanted: Stored, now: Uint8Array): Uint8Array | undefined {
  if (essence(wanted) === essence(parse(now))) return undefined;
  return new TextEncoder().encode(JSON.stringify(wanted));
}

/** Without what counts writes and who made them. */
function essence({ metadata = {}, ...rest }: Stored): string {
  const { managedFields: _fields, generation: _generation, ...lastingMetadata } = metadata;
  return canonical({ ...rest, metadata: lastingMetadata });
}

function lasting(value: Uint8Array): string {
  const { status: _, ...object } = parse(value);
  return essence(object);
}

/** A pod that is deleted with no time left; undefined where it says so already, or no kubelet has it. */
function marked(value: Uint8Array, time: string): Uint8Array | undefined {
  const pod = parse(value) as Stored & { readonly spec?: { readonly nodeName?: string } };
  const { metadata = {}, spec } = pod;
  if (spec?.nodeName === undefined || metadata.deletionGracePeriodSeconds === 0) return undefined;
  const deletionTimestamp = metadata.deletionTimestamp ?? time;
  const ending = { ...metadata, deletionTimestamp, deletionGracePeriodSeconds: 0 };
  return new TextEncoder().encode(JSON.stringify({ ...pod, metadata: ending }));
}

/** Of a key that holds no object, as the address of a Service does, an object without anything. */
function parse(value: Uint8Array): Stored {
  const text = new TextDecoder().decode(value);
  return text.startsWith("{") ? (JSON.parse(text) as Stored) : ({ data: text } as Stored);
}

/** JSON with the keys of objects in order: controllers write the fields that they leave alone in another one. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== "object" || field === null || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}

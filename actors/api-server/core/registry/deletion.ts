/**
 * What deleting an object does: remove it, mark it and wait (grace, finalizers), or nothing more than was done before.
 * Source: apiserver `rest.BeforeDelete`, `registry.Store.Delete`, `deletionFinalizersForGarbageCollection`.
 */
import type { DeleteOptions } from "../../../../protocols/api-server.ts";
import type { ObjectMeta } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Served } from "../catalog/catalog.ts";
import type { GroupResource } from "../machinery/status.ts";
import { formatTime, parseTimeMs } from "../machinery/time.ts";
import type { Fields, KindRules } from "../kinds/rules.ts";

const FOREGROUND = "foregroundDeletion";
const ORPHAN = "orphan";

type Policy = DeleteOptions["propagationPolicy"];

export type Deletion =
  /** With the state in which the object ends, where that is told: of kinds that may end gracefully. */
  | { readonly action: "remove"; readonly object?: Fields }
  | { readonly action: "update"; readonly object: Fields }
  /** The deletion is under way already, and this request does not hasten it. */
  | { readonly action: "pending" };

export interface FailedPrecondition {
  readonly of: GroupResource;
  readonly why: string;
}

/**
 * Why the preconditions do not hold; undefined when they do. `resourceVersion` is that of the present object. Storages that look
 * before they mark the object name their resource, and others its kind, which is that of the version they store.
 */
export function failedPrecondition(
  { info, rules }: Served,
  object: Fields,
  conditions: DeleteOptions["preconditions"],
): FailedPrecondition | undefined {
  const { group, resource, kind } = info;
  const { uid, resourceVersion } = object.metadata ?? {};
  const asked = conditions ?? {};
  const own = rules.failedPrecondition;
  const [uidFails, versionFails] = [
    asked.uid !== undefined && asked.uid !== uid,
    asked.resourceVersion !== undefined && asked.resourceVersion !== resourceVersion,
  ];
  if (own !== undefined && uidFails) {
    return { of: { group, resource }, why: `${own}: UID in precondition: ${asked.uid}, UID in object meta: ${uid}` };
  }
  const of = { group, resource: kind };
  if (uidFails) {
    const why = `the UID in the precondition (${asked.uid}) does not match the UID in record (${uid})`;
    return { of, why: `${why}. The object might have been deleted and then recreated` };
  }
  if (versionFails) {
    const why = `the ResourceVersion in the precondition (${asked.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion})`;
    return { of, why: `${why}. The object might have been modified` };
  }
  return undefined;
}

export function decideDeletion(rules: KindRules, object: Fields, options: DeleteOptions, nowMs: number): Deletion {
  const metadata = object.metadata ?? {};
  const finalizers = finalizersAfter(metadata.finalizers ?? [], policyOf(rules, metadata, options));
  const finalizersChange = finalizers.join() !== (metadata.finalizers ?? []).join();
  if (rules.specFinalizers) return decideNamespace(object, finalizers, nowMs);
  const grace = rules.graceSeconds?.(object, options.gracePeriodSeconds);
  if (metadata.deletionTimestamp !== undefined) {
    const shortened = shorten(metadata, rules.graceSeconds === undefined ? undefined : options.gracePeriodSeconds);
    const left = shortened?.deletionGracePeriodSeconds ?? metadata.deletionGracePeriodSeconds ?? 0;
    if (finalizers.length === 0 && left === 0) {
      return shortened === undefined
        ? { action: "remove" }
        : { action: "remove", object: withMetadata(object, { ...metadata, ...shortened }, finalizers) };
    }
    if (shortened === undefined && !finalizersChange) return { action: "pending" };
    return { action: "update", object: withMetadata(object, { ...metadata, ...shortened }, finalizers) };
  }
  if (rules.beginDeletion !== undefined) return { action: "update", object: rules.beginDeletion(object, nowMs) };
  if (finalizers.length === 0 && grace === undefined) return { action: "remove" };
  const seconds = grace ?? 0;
  const marked: ObjectMeta = {
    ...metadata,
    deletionTimestamp: formatTime(nowMs + seconds * 1_000),
    deletionGracePeriodSeconds: seconds,
    ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
  };
  const action = finalizers.length === 0 && seconds === 0 ? "remove" : "update";
  return { action, object: withMetadata(object, marked, finalizers) };
}

/** Whether an update has just let go of an object that was marked for deletion. */
export function isReleased(rules: KindRules, object: Fields): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata ?? {};
  if (deletionTimestamp === undefined || (finalizers?.length ?? 0) > 0) return false;
  if (rules.specFinalizers) return specFinalizers(object).length === 0;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

/** A namespace is only marked; it goes when both of its lists of finalizers are empty. */
function decideNamespace(object: Fields, finalizers: readonly string[], nowMs: number): Deletion {
  const metadata = object.metadata ?? {};
  if (metadata.deletionTimestamp !== undefined) {
    return specFinalizers(object).length === 0 && finalizers.length === 0
      ? { action: "remove" }
      : { action: "pending" };
  }
  const status = { ...(object["status"] as object | undefined), phase: "Terminating" };
  const marked = { ...metadata, deletionTimestamp: formatTime(nowMs) };
  return { action: "update", object: { ...withMetadata(object, marked, finalizers), status } };
}

function specFinalizers(object: Fields): readonly string[] {
  return (object["spec"] as { readonly finalizers?: readonly string[] } | undefined)?.finalizers ?? [];
}

/** What was asked for, else what a finalizer says already, else what is usual for the kind. */
function policyOf(rules: KindRules, { finalizers = [] }: ObjectMeta, options: DeleteOptions): Policy {
  if (options.propagationPolicy !== undefined || rules.orphans === undefined) return options.propagationPolicy;
  return finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN) ? undefined : "Orphan";
}

function finalizersAfter(finalizers: readonly string[], policy: Policy): readonly string[] {
  if (policy === undefined) return finalizers;
  const others = finalizers.filter((name) => name !== FOREGROUND && name !== ORPHAN);
  switch (policy) {
    case "Background":
      return others;
    case "Foreground":
      return finalizers.includes(FOREGROUND) ? finalizers.filter((name) => name !== ORPHAN) : [...others, FOREGROUND];
    case "Orphan":
      return finalizers.includes(ORPHAN) ? finalizers.filter((name) => name !== FOREGROUND) : [...others, ORPHAN];
  }
}

/** A second deletion can only bring the end forward. */
function shorten(metadata: ObjectMeta, asked: number | undefined): Partial<ObjectMeta> | undefined {
  const granted = metadata.deletionGracePeriodSeconds;
  if (asked === undefined || granted === undefined || asked >= granted) return undefined;
  const seconds = Math.max(0, asked);
  const endMs = parseTimeMs(metadata.deletionTimestamp ?? "") ?? 0;
  return {
    deletionTimestamp: formatTime(endMs - (granted - seconds) * 1_000),
    deletionGracePeriodSeconds: seconds,
  };
}

function withMetadata(object: Fields, metadata: ObjectMeta, finalizers: readonly string[]): Fields {
  const { finalizers: _old, ...rest } = metadata;
  return { ...object, metadata: finalizers.length === 0 ? rest : { ...rest, finalizers } };
}

/**
 * What creation and update make of an incoming object. Pure: who, when and which uid are arguments.
 * Source: apiserver `rest.BeforeCreate`, `rest.BeforeUpdate` and `registry.Store`.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ObjectMeta, StatusCause } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Served } from "../catalog/catalog.ts";
import { equalJson, withFields } from "../machinery/json-value.ts";
import { applyDefaults } from "../machinery/defaults.ts";
import type { GroupKind } from "../machinery/status.ts";
import { invalid } from "../machinery/status.ts";
import { formatTime } from "../machinery/time.ts";
import type { Steps } from "../steps.ts";
import { resultOf } from "../steps.ts";
import { validateCreate, validateUpdate } from "../machinery/validation.ts";
import type { Admission, Fields, KindRules } from "../kinds/rules.ts";
import type { Manage } from "./field-writes.ts";
import { withManagedFields } from "./field-writes.ts";
import { toServed, toStored } from "./present.ts";

export interface Creation extends Admission {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string | undefined;
}

/** The rest of the cluster, for admission to look at, and the time. */
export interface Others extends Pick<Admission, "find" | "all" | "nowMs"> {
  /** Takes what is to be told, whether or not the write is refused. */
  readonly warn?: (warnings: readonly string[]) => void;
}

/** Of what no client has sent. */
const UNMANAGED: Manage = () => undefined;

/**
 * The object to store.
 * @throws Status 422 with the causes
 */
export function* prepareCreate(
  served: Served,
  given: KubernetesObject,
  creation: Creation,
  manage: Manage = UNMANAGED,
): Steps<Fields> {
  if (served.own !== undefined) {
    return toStored(served, yield* prepareCreate(served.own, given, creation, manage)) as Fields;
  }
  const { rules } = served.stored;
  const incoming = toStored(served, given);
  const {
    resourceVersion: _rv,
    selfLink: _link,
    deletionTimestamp: _deletion,
    deletionGracePeriodSeconds: _grace,
    generation,
    managedFields,
    ...metadata
  } = incoming.metadata ?? {};
  const { name, namespace, uid, nowMs } = creation;
  const stamped: ObjectMeta = withFields(metadata, {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    creationTimestamp: formatTime(nowMs),
    // Of a kind that counts nothing it is what its sender says.
    ...(rules.generation === undefined ? (generation === undefined ? {} : { generation }) : { generation: 1 }),
  });
  const { status: _status, ...rest } = incoming as Fields;
  const fresh = applyDefaults(
    rules,
    rules.status === "empty"
      ? (withFields(rest, { status: emptyStatus(served.stored), metadata: stamped }) as Fields)
      : { ...(incoming as Fields), metadata: stamped },
    nowMs,
  ) as Fields;
  const prepared = rules.prepareCreate?.(fresh, creation) ?? fresh;
  yield;
  const object = withManagedFields(prepared, yield* resultOf(manage(fresh, managedFields)));
  // In the version that it came in, whose field names its sender knows.
  check(served.stored, name, given, yield* validateCreate(served.rules, toServed(served, object)));
  rules.review?.(object as never, { verb: "create", subresource: "", find: creation.find, all: creation.all });
  return object;
}

function emptyStatus({ form }: Served): unknown {
  return (form.empty as Fields)["status"] ?? {};
}

/**
 * The object to store in place of `old`; metadata that belongs to the server is the old one's.
 * @param others absent where nobody else has a say
 * @throws Status 422 with the causes
 */
export function* prepareUpdate(
  served: Served,
  given: KubernetesObject,
  old: KubernetesObject,
  subresource: string | undefined,
  manage: Manage = UNMANAGED,
  others?: Others,
): Steps<Fields> {
  if (served.own !== undefined) {
    const before = toServed(served, old);
    return toStored(served, yield* prepareUpdate(served.own, given, before, subresource, manage, others)) as Fields;
  }
  const { rules } = served.stored;
  const incoming = toStored(served, given);
  const before = old as Fields;
  const kept = applyDefaults(rules, {
    ...(incoming as Fields),
    metadata: serverMetadata(incoming.metadata ?? {}, before.metadata ?? {}),
  }) as Fields;
  yield;
  const managedFields = yield* resultOf(manage(kept, incoming.metadata?.managedFields));
  let next: Fields;
  const own = subresource === undefined ? undefined : rules.subresources?.[subresource];
  if (own !== undefined) next = own.change(kept, before, others?.nowMs);
  else if (subresource !== undefined) {
    // `status`, and others that are about it: `approval`.
    const metadata =
      rules.statusKeepsMetadata === true
        ? before.metadata
        : rules.statusKeepsLabels
          ? withLabels(kept.metadata ?? {}, before.metadata?.labels)
          : kept.metadata;
    const merged = withStatus({ ...before, metadata: metadata ?? {} }, kept["status"]);
    next = rules.prepareStatusUpdate?.(merged, before, others?.nowMs) ?? merged;
  } else {
    const isolated = rules.status === undefined ? kept : withStatus(kept, before["status"]);
    next = rules.prepareUpdate?.(isolated, before) ?? isolated;
  }
  yield;
  const object = withManagedFields(raiseGeneration(rules, next, before, subresource), managedFields);
  yield;
  const [shown, shownBefore] = [toServed(served, object), toServed(served, before)];
  const { causes, warnings } = yield* validateUpdate(served.rules, shown, shownBefore, subresource, others?.nowMs);
  if (warnings.length > 0) others?.warn?.(warnings);
  check(served.stored, object.metadata?.name ?? "", given, causes);
  if (others !== undefined) {
    const { find, all } = others;
    rules.review?.(object as never, { verb: "update", subresource: subresource ?? "", old: before, find, all });
  }
  return object;
}

/** @param given of a custom resource, it may say that it is of another kind, and is refused as such */
function check({ info, form }: Served, name: string, given: KubernetesObject, causes: readonly StatusCause[]): void {
  if (causes.length === 0) return;
  const isCustom = form.type === undefined;
  throw invalid(isCustom ? groupKindOf(given) : { group: info.group, kind: info.kind }, name, causes);
}

function groupKindOf({ apiVersion = "", kind = "" }: KubernetesObject): GroupKind {
  return { group: apiVersion.slice(0, Math.max(0, apiVersion.indexOf("/"))), kind };
}

/**
 * What clients can't change is the old one's: identity, creation time, generation. Another name, uid or deletion time is left for the
 * validation to refuse.
 */
function serverMetadata(incoming: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const { resourceVersion: _rv, selfLink: _link, managedFields: _managed, generation: _generation, ...free } = incoming;
  const deletion = ["deletionTimestamp", "deletionGracePeriodSeconds"] as const;
  return {
    ...free,
    ...pick(old, ["name", "namespace", "uid", "generation", "creationTimestamp", ...deletion]),
    ...pick(incoming, ["name", "uid", ...deletion]),
  };
}

function pick(from: ObjectMeta, names: readonly (keyof ObjectMeta)[]): ObjectMeta {
  const picked: Record<string, unknown> = {};
  for (const name of names) if (from[name] !== undefined && from[name] !== null) picked[name] = from[name];
  return picked;
}

function withLabels(metadata: ObjectMeta, labels: ObjectMeta["labels"]): ObjectMeta {
  const { labels: _labels, ...rest } = metadata;
  return labels === undefined ? rest : { ...rest, labels };
}

function withStatus(object: Fields, status: unknown): Fields {
  const { status: _status, ...rest } = object;
  return status === undefined ? rest : { ...rest, status };
}

function raiseGeneration(rules: KindRules, object: Fields, old: Fields, subresource: string | undefined): Fields {
  const counts = subresource === undefined && metadataCounts(rules, object.metadata ?? {}, old.metadata ?? {});
  if (rules.generation !== true || (!counts && sameSpec(object, old, rules.status !== undefined))) return object;
  return { ...object, metadata: { ...object.metadata, generation: (old.metadata?.generation ?? 0) + 1 } };
}

function metadataCounts({ annotationsCount, labelsCount }: KindRules, next: ObjectMeta, old: ObjectMeta): boolean {
  const differ = (a: unknown, b: unknown): boolean => !equalJson(a ?? {}, b ?? {});
  if (annotationsCount === true && differ(next.annotations, old.annotations)) return true;
  return labelsCount === true && differ(next.labels, old.labels);
}

/**
 * Whether everything but the metadata is the same, whatever the order of the fields.
 * @param ownStatus whether the status is written by itself, and is no part of what is counted
 */
function sameSpec(a: Fields, b: Fields, ownStatus: boolean): boolean {
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const own of ["metadata", "kind", "apiVersion"]) fields.delete(own);
  if (ownStatus) fields.delete("status");
  for (const field of fields) if (!equalJson(a[field], b[field])) return false;
  return true;
}

/** Whether storing `next` would change nothing. Times of managers that manage what they did are no change. */
export function sameStored(present: KubernetesObject, next: Fields): boolean {
  const { resourceVersion: _rv, managedFields: before, ...metadata } = present.metadata ?? {};
  const { managedFields: after, ...rest } = next.metadata ?? {};
  return sameManagers(before, after) && equalJson({ ...present, metadata }, { ...next, metadata: rest });
}

function sameManagers(a: ObjectMeta["managedFields"] = [], b: ObjectMeta["managedFields"] = []): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every((entry, i) => equalJson({ ...entry, time: undefined }, { ...b[i], time: undefined }))
  );
}

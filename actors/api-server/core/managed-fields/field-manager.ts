/**
 * What a write makes of `metadata.managedFields`, and what server-side apply makes of an object.
 * Source: apimachinery `util/managedfields/internal`, structured-merge-diff `merge/update.go`.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ManagedFieldsEntry } from "../../../../protocols/kubernetes/types/meta-v1.ts";
import { equalJson } from "../machinery/json-value.ts";
import { unexplained } from "../machinery/status.ts";
import { formatTime } from "../machinery/time.ts";
import type { Steps } from "../steps.ts";
import type { Structure } from "../structure/structure.ts";
import { checkApplied, joined } from "./applied-check.ts";
import type { Comparison } from "./comparison.ts";
import { compareObjects, namedFields, Untold } from "./comparison.ts";
import type { CreatedFields } from "./created-fields.ts";
import type { Conflict } from "./conflicts.ts";
import { applyConflict } from "./conflicts.ts";
import type { FieldFilter } from "./field-filter.ts";
import { filterFields } from "./field-filter.ts";
import type { FieldSet } from "./field-set.ts";
import { difference, intersection, isEmpty, NO_FIELDS, setOfPath, union } from "./field-set.ts";
import { ownByLastApplied, withLastApplied } from "./last-applied.ts";
import type { Manager, Managers, Operation } from "./managers.ts";
import {
  asksForReset,
  byIdentity,
  entriesOf,
  identityOf,
  joinOldest,
  managersOf,
  parseManagers,
  setFields,
} from "./managers.ts";
import { mergeObjects } from "./merge.ts";
import { prune } from "./prune.ts";

/** A kind in one of the versions that it is served in. */
export interface Version {
  readonly apiVersion: string;
  readonly structure: Structure;
  /** An object as it is stored, in this version. */
  toServed(object: KubernetesObject): KubernetesObject;
  /** An object of this version, as it is stored. */
  toStored(object: KubernetesObject): KubernetesObject;
}

/** Who writes what, by which version and subresource. */
export interface FieldWrite {
  readonly manager: string;
  /** "" is the object itself. */
  readonly subresource: string;
  readonly version: Version;
  /** undefined: the kind is not served in it any more. */
  readonly versionOf: (apiVersion: string) => Version | undefined;
  /** What this write can't change. */
  readonly filter: FieldFilter;
  readonly nowMs: number;
  /** In `version`; what is in it has nobody made. */
  readonly empty: KubernetesObject;
  /** Of objects in `version`. */
  readonly created: CreatedFields;
}

/** Nobody manages what identifies an object, and what the server alone writes. */
const NOT_MANAGED: FieldSet = [
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((name) => ["f:metadata", `f:${name}`]),
]
  .map(setOfPath)
  .reduce(union, NO_FIELDS);

/** Who owned the fields of an object that nobody had tracked before it was first applied. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/**
 * The entries of an object that has been created, or put in place of `old`.
 * @param old as it is stored; undefined: the object is being created
 * @param next as it would be stored, with its defaults
 * @param given the entries that came with the request: a client may edit them, or ask that nothing is tracked
 */
export function* managedAfterUpdate(
  write: FieldWrite,
  old: KubernetesObject | undefined,
  next: KubernetesObject,
  given: readonly ManagedFieldsEntry[] | undefined,
): Steps<readonly ManagedFieldsEntry[] | undefined> {
  try {
    return yield* managedAfterTold(write, old, next, given);
  } catch (error) {
    if (!(error instanceof Untold)) throw error;
    return old?.metadata?.managedFields;
  }
}

function* managedAfterTold(
  write: FieldWrite,
  old: KubernetesObject | undefined,
  next: KubernetesObject,
  given: readonly ManagedFieldsEntry[] | undefined,
): Steps<readonly ManagedFieldsEntry[] | undefined> {
  if (old === undefined && given === undefined) return yield* managedFromNow(write, next);
  const live = old?.metadata?.managedFields;
  const managers = managersBefore(live, write.subresource === "" ? given : undefined);
  // An object that is not tracked stays so: it was there before, or a client has asked for it.
  if (managers.size === 0 && old !== undefined) return undefined;
  const change = changeOf(write, old, next);
  if (given === undefined && isNone(yield* change.in(write.version.apiVersion))) return live;
  yield* update(write, managers, change);
  joinOldest(managers);
  return entriesOf(managers);
}

/** Of an object that is being created. */
function* managedFromNow(write: FieldWrite, next: KubernetesObject): Steps<readonly ManagedFieldsEntry[] | undefined> {
  const { version, empty, filter, created } = write;
  const object = version.toServed(bare(next));
  const own = yield* created.of(version.structure, empty, object, filter, () =>
    ownOf(write, changeOf(write, undefined, next)),
  );
  if (isEmpty(own)) return undefined;
  const self = managerOf(write, "Update", own, formatTime(write.nowMs));
  return entriesOf(new Map([[identityOf(self), self]]));
}

function isNone(comparison: Comparison | undefined): boolean {
  if (comparison === undefined) return false;
  const { removed, modified, added } = comparison;
  return isEmpty(removed) && isEmpty(modified) && isEmpty(added);
}

function managersBefore(
  live: readonly ManagedFieldsEntry[] | undefined,
  given: readonly ManagedFieldsEntry[] | undefined,
): Managers {
  if (given === undefined || given === null || given === live) return managersOf(live);
  if (asksForReset(given)) return new Map();
  if (equalJson(given, live)) return managersOf(live);
  const parsed = parseManagers(given);
  return parsed instanceof Map && parsed.size > 0 ? parsed : managersOf(live);
}

/** Without what is never compared. */
function bare(object: KubernetesObject): KubernetesObject {
  const { metadata } = object;
  if (metadata?.managedFields === undefined && metadata?.resourceVersion === undefined) return object;
  const { managedFields: _managed, resourceVersion: _revision, ...rest } = metadata;
  return { ...object, metadata: rest };
}

/** Before and after. */
interface Change {
  /** As it is stored; undefined: there was none. */
  readonly old: KubernetesObject | undefined;
  readonly next: KubernetesObject;
  /** What has changed in a version; undefined in one that is not served. */
  readonly in: (apiVersion: string) => Steps<Comparison | undefined>;
  /** What of a comparison has been added or modified. */
  readonly set: (comparison: Comparison) => FieldSet;
}

function changeOf(
  { version, versionOf, filter, empty }: FieldWrite,
  old: KubernetesObject | undefined,
  next: KubernetesObject,
): Change {
  const known = new Map<string, Comparison>();
  const compared = function* (one: Version): Steps<Comparison> {
    // What nobody has made is known in the version of the write; managers of others are there only when there was an object.
    const before = old === undefined ? (one.apiVersion === version.apiVersion ? empty : {}) : one.toServed(bare(old));
    const after = one.toServed(bare(next));
    yield;
    const { removed, modified, added } = compareObjects(one.structure, before, after);
    yield;
    return {
      removed: filterFields(removed, filter),
      modified: filterFields(modified, filter),
      added: filterFields(added, filter),
    };
  };
  const changed = function* (apiVersion: string): Steps<Comparison | undefined> {
    const found = known.get(apiVersion);
    if (found !== undefined) return found;
    const one = apiVersion === version.apiVersion ? version : versionOf(apiVersion);
    if (one === undefined) return undefined;
    const comparison = yield* compared(one);
    known.set(apiVersion, comparison);
    return comparison;
  };
  const sets = new Map<Comparison, FieldSet>();
  const set = (comparison: Comparison): FieldSet => {
    let found = sets.get(comparison);
    if (found === undefined) sets.set(comparison, (found = union(comparison.modified, comparison.added)));
    return found;
  };
  return { old, next, in: changed, set };
}

/** Takes from the managers what has been changed, and gives it to the one that writes. Changes `managers`. */
function* update(write: FieldWrite, managers: Managers, change: Change): Steps<void> {
  yield* disown(managers, change);
  const own = yield* ownOf(write, change);
  if (isEmpty(own)) return;
  const self = managerOf(write, "Update", own, formatTime(write.nowMs));
  const identity = identityOf(self);
  const known = managers.get(identity);
  managers.set(identity, known === undefined ? self : { ...self, fields: union(own, known.fields) });
}

/** What whoever writes owns by it. */
function* ownOf({ version, filter }: FieldWrite, change: Change): Steps<FieldSet> {
  const set = change.set((yield* change.in(version.apiVersion)) as Comparison);
  yield;
  return difference(filterFields(set, filter), NOT_MANAGED);
}

function managerOf(write: FieldWrite, operation: Operation, fields: FieldSet, time: string | undefined): Manager {
  const name = write.manager === "" ? "unknown" : write.manager;
  const { subresource, version } = write;
  return { name, operation, apiVersion: version.apiVersion, subresource, time, fields };
}

/**
 * Takes from all but `except` what has changed. Changes `managers`.
 * @returns from whom it took what the write has set
 */
function* disown(managers: Managers, change: Change, except?: string): Steps<readonly Conflict[]> {
  const conflicts: Conflict[] = [];
  for (const [identity, manager] of managers) {
    if (identity === except) continue;
    const changed = yield* change.in(manager.apiVersion);
    if (changed === undefined) {
      managers.delete(identity);
      continue;
    }
    if (isNone(changed)) continue;
    // What is gone through is what the manager has, and not what has changed: there may be hundreds of managers.
    const set = intersection(manager.fields, change.set(changed));
    if (!isEmpty(set)) conflicts.push({ manager, fields: set });
    yield;
    const left = difference(manager.fields, set);
    yield;
    const fields = difference(left, intersection(manager.fields, changed.removed));
    if (fields !== manager.fields) setFields(managers, identity, { ...manager, fields });
  }
  return conflicts.sort((a, b) => byIdentity(a.manager, b.manager));
}

export interface Applied {
  /** In the version of the write, without defaults. */
  readonly object: KubernetesObject;
  /** It is what is there. */
  readonly isSame: boolean;
  readonly managedFields: readonly ManagedFieldsEntry[] | undefined;
}

/**
 * What applying a configuration makes of an object.
 * @param live as it is stored; undefined: there is none yet
 * @throws Status 500 for an object with elements that nothing tells apart, as from kube-apiserver
 * @throws Status 409 when others manage what it would change, and `force` is not set
 */
export function* applyConfiguration(
  write: FieldWrite,
  live: KubernetesObject | undefined,
  configuration: KubernetesObject,
  force: boolean,
): Steps<Applied> {
  try {
    return yield* applyTold(write, live, configuration, force);
  } catch (error) {
    if (!(error instanceof Untold) || live === undefined) throw error;
    const { namespace = "", name = "" } = live.metadata ?? {};
    const version = write.version.apiVersion;
    const type = `${version.includes("/") ? version : `/${version}`}, Kind=${live.kind ?? ""}`;
    const why = joined(checkApplied(write.version.structure, write.version.toServed(bare(live))));
    throw unexplained(`failed to create typed live object (${namespace}/${name}; ${type}): ${why}`);
  }
}

function* applyTold(
  write: FieldWrite,
  live: KubernetesObject | undefined,
  configuration: KubernetesObject,
  force: boolean,
): Steps<Applied> {
  const { version, filter, empty } = write;
  const managers = managersOf(live?.metadata?.managedFields);
  if (managers.size === 0 && live !== undefined) {
    yield* update({ ...write, manager: BEFORE_FIRST_APPLY }, managers, changeOf(write, undefined, live));
    joinOldest(managers);
  }
  const before = live === undefined ? empty : version.toServed(bare(live));
  const merged = mergeObjects(version.structure, before, configuration) as KubernetesObject;
  yield;
  const named = filterFields(namedFields(version.structure, configuration), filter);
  const self = managerOf(write, "Apply", named, undefined);
  const identity = identityOf(self);
  const last = managers.get(identity);
  managers.set(identity, self);
  yield;
  const object = last === undefined ? merged : yield* prune(write, merged, managers, last);
  const conflicts = yield* disown(managers, changeOf(write, live, version.toStored(object)), identity);
  if (!force && conflicts.length > 0) {
    const own = ownByLastApplied(write, before);
    const left = conflicts.filter(({ fields }) => own === undefined || !isEmpty(difference(fields, own)));
    if (left.length > 0) throw applyConflict(own === undefined ? left : withoutOwn(left, own));
  }
  yield;
  const isSame = equalJson(before, object);
  yield;
  const time = isSame ? last?.time : formatTime(write.nowMs);
  setFields(managers, identity, { ...self, time, fields: difference(named, NOT_MANAGED) });
  return { object: withLastApplied(write.manager, object, configuration), isSame, managedFields: entriesOf(managers) };
}

function withoutOwn(conflicts: readonly Conflict[], own: FieldSet): readonly Conflict[] {
  return conflicts.map((conflict) => ({ ...conflict, fields: difference(conflict.fields, own) }));
}

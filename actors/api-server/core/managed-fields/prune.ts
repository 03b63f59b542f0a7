/**
 * What an applier named before and does not name any more goes, unless somebody else manages it.
 * Source: structured-merge-diff `merge/update.go` (prune, addBackOwnedItems, addBackDanglingItems).
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { Steps } from "../steps.ts";
import type { Structure } from "../structure/structure.ts";
import { UNKNOWN } from "../structure/structure.ts";
import { namedFields } from "./comparison.ts";
import type { FieldWrite, Version } from "./field-manager.ts";
import type { FieldSet } from "./field-set.ts";
import { difference, intersection, isEmpty, NO_FIELDS, union, unionOfAll } from "./field-set.ts";
import type { Manager, Managers } from "./managers.ts";
import { removeFields } from "./merge.ts";
import type { PathElement } from "./path-element.ts";
import { SELF } from "./path-element.ts";

/**
 * @param merged in the version of the write
 * @param managers with what the applier names now
 * @param last what it named before
 */
export function* prune(
  { version, versionOf }: FieldWrite,
  merged: KubernetesObject,
  managers: Managers,
  last: Manager,
): Steps<KubernetesObject> {
  if (isEmpty(last.fields)) return merged;
  const then = last.apiVersion === version.apiVersion ? version : versionOf(last.apiVersion);
  if (then === undefined) return merged;
  const gone = withNamedFields(then.structure, last.fields);
  const whole = convert(merged, version, then);
  yield;
  let pruned = without(then, whole, gone);
  yield;
  for (const [apiVersion, owned] of ownedByVersion(managers, then.apiVersion)) {
    const one = apiVersion === then.apiVersion ? then : versionOf(apiVersion);
    if (one === undefined) continue;
    // Whatever somebody names stays, and all that it stands in.
    const inOne = convert(whole, then, one);
    const kept = union(allFields(one, convert(pruned, then, one)), withNamedFields(one.structure, owned));
    yield;
    const dropped = difference(allFields(one, inOne), kept);
    yield;
    pruned = convert(without(one, inOne, dropped), one, then);
    yield;
  }
  // And what the applier had not named itself is not its to remove.
  const lost = difference(allFields(then, whole), allFields(then, pruned));
  yield;
  const left = removeFields(then.structure, whole, intersection(lost, gone), undefined) ?? {};
  return convert(left as KubernetesObject, then, version);
}

/** A field that is emptied is still there, and not lost, as long as it is not taken out itself. */
function without({ structure }: Version, object: KubernetesObject, gone: FieldSet): KubernetesObject {
  return (removeFields(structure, object, gone, null) ?? {}) as KubernetesObject;
}

function allFields({ structure }: Version, object: KubernetesObject): FieldSet {
  return withNamedFields(structure, namedFields(structure, object));
}

/** What one version says, in the words of another. */
function convert(object: KubernetesObject, from: Version, to: Version): KubernetesObject {
  return from.apiVersion === to.apiVersion ? object : to.toServed(from.toStored(object));
}

/** `first` comes first: what the conversion to others rests on is back by then. */
function ownedByVersion(managers: Managers, first: string): Map<string, FieldSet> {
  const owned = new Map<string, FieldSet[]>([[first, []]]);
  for (const { apiVersion, fields } of managers.values()) {
    const sets = owned.get(apiVersion);
    if (sets === undefined) owned.set(apiVersion, [fields]);
    else sets.push(fields);
  }
  return new Map(Array.from(owned, ([apiVersion, sets]) => [apiVersion, unionOfAll(sets)]));
}

/** With the declared fields that lead to what is in the set, which are in no set of their own. */
export function withNamedFields(structure: Structure, set: FieldSet): FieldSet {
  const result: Record<PathElement, FieldSet> = {};
  for (const element in set) {
    const node = set[element] as FieldSet;
    if (element === SELF || isEmpty(node)) {
      result[element] = node;
      continue;
    }
    const isField = element.startsWith("f:");
    const name = element.slice(2);
    const below = isField ? structure.field(name) : structure.element;
    const full = withNamedFields(below ?? UNKNOWN, node);
    const declared = isField && structure.declares(name);
    result[element] = declared && full[SELF] === undefined ? { [SELF]: NO_FIELDS, ...full } : full;
  }
  return result;
}

/**
 * What clients are told about an object that is taken, as `Warning` headers: Kubernetes' own sentences, and those about fields that
 * nothing here acts on.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KindRules } from "../kinds/rules.ts";
import { repeatedAt } from "./validation/repeated.ts";

/** @param old what was there before an update: what it was warned about is not told again, unless its kind says so */
export function warningsOf(
  rules: KindRules,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  subresource?: string,
): readonly string[] {
  const found = sentences(rules, object);
  if (old === undefined) return found;
  const own = subresource === undefined ? undefined : rules.subresources?.[subresource]?.warnings;
  const besides = own?.(object as never, old as never) ?? [];
  if (found.length === 0) return besides;
  const again = subresource === undefined ? (rules.retold?.(object as never, old as never) ?? []) : [];
  const known = new Set([...again, ...sentences(rules, old)]);
  return [...again, ...found.filter((sentence) => !known.has(sentence)), ...besides];
}

function sentences({ warnings }: KindRules, object: KubernetesObject): readonly string[] {
  const owners = ownerWarnings(object);
  const own = warnings?.(object as never) ?? [];
  return owners.length === 0 ? own : [...owners, ...own];
}

function ownerWarnings({ metadata }: KubernetesObject): readonly string[] {
  const { ownerReferences = [] } = metadata ?? {};
  if (ownerReferences.length < 2) return [];
  const uids = ownerReferences.map((owner) => owner.uid);
  const at = repeatedAt(uids);
  const repeated = [...new Set(uids.filter((_uid, i) => at.has(i)))];
  if (repeated.length === 0) return [];
  const why =
    "API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests";
  const uid = `duplicate UID(s) observed: ${repeated.join(", ")}`;
  return [`.metadata.ownerReferences contains duplicate entries; ${why}; ${uid}`];
}

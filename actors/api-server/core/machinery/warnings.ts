/**
 * What clients are told about an object that is taken, as `Warning` headers: Kubernetes' own sentences, and those about fields that
 * nothing here acts on.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { KindRules } from "../kinds/rules.ts";

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
  return warnings?.(object as never) ?? [];
}

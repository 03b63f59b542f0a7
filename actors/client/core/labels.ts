/** Label selectors of the objects' own form, matched and written as a query. */
import type { LabelSelector } from "../../../protocols/kubernetes/meta-v1.ts";

export type Labels = Readonly<Record<string, string>>;

/** Whether every wanted label is there; an empty `wanted` matches everything. */
export function matchesLabels(wanted: Labels, labels: Labels | undefined): boolean {
  for (const [key, value] of Object.entries(wanted)) {
    if (labels?.[key] !== value) return false;
  }
  return true;
}

/** As in Kubernetes an absent selector matches nothing, an empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  if (!matchesLabels(selector.matchLabels ?? {}, labels)) return false;
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const value = labels?.[key];
    const listed = value !== undefined && (values ?? []).includes(value);
    if (
      operator === "In"
        ? !listed
        : operator === "NotIn"
          ? listed
          : operator === "Exists"
            ? value === undefined
            : value !== undefined
    ) {
      return false;
    }
  }
  return true;
}

/**
 * What a namespace tells of its deletion: what could not be deleted, what remains, and which finalizers hold it.
 * Source: Kubernetes `pkg/controller/namespace/deletion/status_condition_utils.go`; sentences as kube-controller-manager 1.37 has them.
 */
import type { NamespaceCondition } from "../../../protocols/kubernetes/types/core-v1.ts";

/** What is left of one resource. */
export interface Remaining {
  readonly resource: string;
  readonly group: string;
  readonly count: number;
  /** Of each object that was looked at. */
  readonly finalizers: readonly (readonly string[])[];
}

type Told = Omit<NamespaceCondition, "lastTransitionTime">;

const FINE: readonly Told[] = (
  [
    ["NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"],
    ["NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"],
    [
      "NamespaceDeletionContentFailure",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ],
    ["NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"],
    ["NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"],
  ] as const
).map(([type, reason, message]) => ({ type, status: "False", reason, message }));

/** @param failures of deletions, in words */
export function toldOf(remaining: readonly Remaining[], failures: readonly string[]): readonly Told[] {
  const trouble = new Map<string, Pick<Told, "reason" | "message">>();
  if (failures.length > 0) {
    const message = `Failed to delete all resource types, ${failures.length} remaining: ${[...failures].sort().join(", ")}`;
    trouble.set("NamespaceDeletionContentFailure", { reason: "ContentDeletionFailed", message });
  }
  const left = remaining.map(({ resource, group, count }) => `${resource}.${group} has ${count} resource instances`);
  if (left.length > 0) {
    const message = `Some resources are remaining: ${left.sort().join(", ")}`;
    trouble.set("NamespaceContentRemaining", { reason: "SomeResourcesRemain", message });
  }
  const holds = new Map<string, number>();
  for (const finalizer of remaining.flatMap((each) => each.finalizers.flat())) {
    holds.set(finalizer, (holds.get(finalizer) ?? 0) + 1);
  }
  const held = Array.from(holds, ([finalizer, count]) => `${finalizer} in ${count} resource instances`);
  if (held.length > 0) {
    const message = `Some content in the namespace has finalizers remaining: ${held.sort().join(", ")}`;
    trouble.set("NamespaceFinalizersRemaining", { reason: "SomeFinalizersRemain", message });
  }
  return FINE.map((fine) => ({
    ...fine,
    ...(trouble.has(fine.type) && { status: "True" }),
    ...trouble.get(fine.type),
  }));
}

/**
 * @param now as it is written down
 * @returns undefined: they are told already
 */
export function conditionsWith(
  present: readonly NamespaceCondition[],
  told: readonly Told[],
  now: string,
): readonly NamespaceCondition[] | undefined {
  let changed = false;
  const others = present.filter(({ type }) => !told.some((each) => each.type === type));
  const next = told.map((wanted) => {
    const known = present.find(({ type }) => type === wanted.type);
    if (known?.status === wanted.status && known.reason === wanted.reason && known.message === wanted.message) {
      return known;
    }
    changed = true;
    return { ...wanted, lastTransitionTime: now };
  });
  return changed ? [...others, ...next] : undefined;
}

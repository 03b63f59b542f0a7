/**
 * The status of a CustomResourceDefinition: whether it has its names, is served, or is on its way out. Pure; who writes it down, and the
 * time of it, is the caller's.
 * Source: apiextensions-apiserver `controller/status`, `controller/establish`, `controller/nonstructuralschema`, `controller/finalizer`.
 */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import { equalJson } from "../machinery/json-value.ts";
import { formatTime } from "../machinery/time.ts";
import type { NameSpace, NameTaken } from "./granted-names.ts";

/** Holds a definition until its objects are gone. */
export const CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

type Condition = Omit<CustomResourceDefinitionCondition, "lastTransitionTime">;

export interface NamesDecision {
  readonly acceptedNames: CustomResourceDefinitionNames;
  readonly condition: Condition;
}

const NO_NAMES: CustomResourceDefinitionNames = { plural: "", kind: "" };

/**
 * Which names the definition gets: each that it asks for and that no other of its group has been granted. What it asks for in vain
 * stays as it was.
 * @param taken by others
 */
export function namesConflict(crd: CustomResourceDefinition, taken: NameTaken): NamesDecision {
  const asked = crd.spec.names;
  const granted = crd.status?.acceptedNames ?? NO_NAMES;
  const conflicts: { readonly reason: string; readonly message: string }[] = [];
  const grant = (name: string | undefined, had: string | undefined, space: NameSpace, reason: string) => {
    if (name === had || name === undefined || !taken(space, name)) return name;
    conflicts.push({ reason, message: inUse(name) });
    return had;
  };
  const plural = grant(asked.plural, granted.plural, "resource", "PluralConflict") ?? "";
  const singular = grant(asked.singular, granted.singular, "resource", "SingularConflict");
  const inVain = (asked.shortNames ?? []).filter(
    (name) => !(granted.shortNames ?? []).includes(name) && taken("resource", name),
  );
  if (inVain.length > 0) conflicts.push({ reason: "ShortNamesConflict", message: aggregate(inVain.map(inUse)) });
  const shortNames = inVain.length > 0 ? granted.shortNames : asked.shortNames;
  const kind = grant(asked.kind, granted.kind, "kind", "KindConflict") ?? "";
  const listKind = grant(asked.listKind, granted.listKind, "kind", "ListKindConflict");
  const { categories } = asked;
  const last = conflicts.at(-1);
  return {
    acceptedNames: {
      plural,
      ...(singular === undefined ? {} : { singular }),
      ...(shortNames === undefined ? {} : { shortNames }),
      kind,
      ...(listKind === undefined ? {} : { listKind }),
      ...(categories === undefined ? {} : { categories }),
    },
    condition:
      last === undefined
        ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
        : { type: "NamesAccepted", status: "False", ...last },
  };
}

function inUse(name: string): string {
  return `${JSON.stringify(name)} is already in use`;
}

/** As Go joins several errors. */
function aggregate(messages: readonly string[]): string {
  const distinct = [...new Set(messages)];
  return distinct.length === 1 ? (distinct[0] ?? "") : `[${distinct.join(", ")}]`;
}

/**
 * The status that follows from the definition and the others. Without a conflict it is established at once: what is served is
 * served in the same moment.
 * @returns the status at hand when nothing changes
 */
export function statusOf(
  crd: CustomResourceDefinition,
  taken: NameTaken,
  nowMs: number,
): CustomResourceDefinitionStatus {
  const { acceptedNames, condition } = namesConflict(crd, taken);
  const before = crd.status?.conditions ?? [];
  let conditions = withCondition(before, condition, nowMs);
  const established = conditions.find(({ type }) => type === "Established")?.status === "True";
  if (!established) conditions = withCondition(conditions, establishedIf(condition.status === "True"), nowMs);
  if (crd.metadata?.deletionTimestamp !== undefined && !conditions.some(({ type }) => type === "Terminating")) {
    conditions = withCondition(conditions, terminating("InstanceDeletionPending"), nowMs);
  }
  const status: CustomResourceDefinitionStatus = {
    ...crd.status,
    conditions,
    acceptedNames,
    storedVersions: storedVersionsOf(crd),
  };
  return crd.status !== undefined && equalJson(crd.status, status) ? crd.status : status;
}

function establishedIf(accepted: boolean): Condition {
  const type = "Established";
  if (!accepted) return { type, status: "False", reason: "NotAccepted", message: "not all names are accepted" };
  const message = "the initial names have been accepted";
  return { type, status: "True", reason: "InitialNamesAccepted", message };
}

/** Versions in which objects may be stored: the storage version joins them, and only an administrator takes one out. */
export function storedVersionsOf({ spec, status }: CustomResourceDefinition): readonly string[] {
  const stored = status?.storedVersions ?? [];
  const storage = (spec.versions ?? []).find((version) => version.storage)?.name;
  return storage === undefined || stored.includes(storage) ? stored : [...stored, storage];
}

export type Termination =
  | "InstanceDeletionPending"
  | "InstanceDeletionInProgress"
  | "InstanceDeletionCompleted"
  | "InstanceDeletionFailed"
  /** They are all deleted, and some are still there. */
  | "InstanceDeletionCheck"
  /** There never were any. */
  | "NeverEstablished";

/** How far the removal of the objects of a definition is that is being deleted. */
export function terminating(reason: Termination, problem: string = ""): Condition {
  const type = "Terminating";
  switch (reason) {
    case "InstanceDeletionPending":
      return {
        type,
        status: "True",
        reason,
        message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
      };
    case "InstanceDeletionInProgress":
      return { type, status: "True", reason, message: "CustomResource deletion is in progress" };
    case "InstanceDeletionCompleted":
      return { type, status: "False", reason, message: "removed all instances" };
    case "InstanceDeletionFailed":
      return { type, status: "True", reason, message: problem };
    case "InstanceDeletionCheck":
      return { type, status: "True", reason, message: problem };
    case "NeverEstablished":
      return { type, status: "False", reason, message: "resource was never established" };
  }
}

/**
 * The list with the condition set. Its time is that of the last change of its status; the list is the one at hand when nothing
 * changes.
 */
export function withCondition(
  conditions: readonly CustomResourceDefinitionCondition[],
  next: Condition,
  nowMs: number,
): readonly CustomResourceDefinitionCondition[] {
  const at = conditions.findIndex(({ type }) => type === next.type);
  const old = conditions[at];
  if (old === undefined) return [...conditions, { ...next, lastTransitionTime: formatTime(nowMs) }];
  const lastTransitionTime =
    old.status === next.status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : formatTime(nowMs);
  const condition = { ...next, lastTransitionTime };
  return equalJson(old, condition) ? conditions : conditions.with(at, condition);
}

/** Where a CustomResourceDefinition is between its creation and its end. */
import type { CustomResourceDefinition } from "../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Fields } from "../kinds/rules.ts";
import { formatTime } from "../machinery/time.ts";
import { CLEANUP_FINALIZER, terminating, withCondition } from "./conditions.ts";

export function hasCondition({ status }: CustomResourceDefinition, wanted: string): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === wanted && value === "True") === true;
}

/** Being deleted, and held until its objects are gone. */
export function isEnding({ metadata }: CustomResourceDefinition): boolean {
  return metadata?.deletionTimestamp !== undefined && metadata.finalizers?.includes(CLEANUP_FINALIZER) === true;
}

/** The reason of the condition Terminating. */
export function terminationOf({ status }: CustomResourceDefinition): string | undefined {
  return status?.conditions?.find(({ type }) => type === "Terminating")?.reason;
}

/** What the first deletion makes of a definition. Source: apiextensions-apiserver `registry/customresourcedefinition/etcd.go`. */
export function beginDeletion(object: Fields, nowMs: number): Fields {
  const { metadata = {}, status } = object as Fields & Pick<CustomResourceDefinition, "status">;
  const { finalizers = [] } = metadata;
  const conditions = withCondition(status?.conditions ?? [], terminating("InstanceDeletionPending"), nowMs);
  return {
    ...object,
    metadata: {
      ...metadata,
      deletionTimestamp: formatTime(nowMs),
      finalizers: finalizers.includes(CLEANUP_FINALIZER) ? finalizers : [...finalizers, CLEANUP_FINALIZER],
    },
    status: { ...status, conditions },
  };
}

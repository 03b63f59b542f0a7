/** What claims and templates of claims have in common. Source: Kubernetes `pkg/apis/core/v1/defaults.go`, `pkg/api/persistentvolumeclaim`. */
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { quantityMilli } from "../../../../../protocols/kubernetes/quantity.ts";
import { member, objectIn, roundAmounts, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import type { Fields } from "../rules.ts";

export function defaultClaim(claim: JsonObject): void {
  const spec = member(claim, "spec");
  const status = member(claim, "status");
  const resources = objectIn(spec, "resources") ?? {};
  for (const list of ["limits", "requests"]) roundAmounts(objectIn(resources, list));
  for (const list of ["capacity", "allocatedResources"]) roundAmounts(objectIn(status, list));
  setDefault(spec, "volumeMode", "Filesystem");
  setDefault(status, "phase", "Pending", "");
}

/** @param at the place of the spec */
export function claimSpecWarnings(at: string, spec: PersistentVolumeClaimSpec | undefined): readonly string[] {
  return (["requests", "limits"] as const).flatMap((list) => {
    const storage = spec?.resources?.[list]?.["storage"];
    if (storage === undefined || quantityMilli(storage) % 1000 === 0) return [];
    return [`${at}.resources.${list}[storage]: fractional byte value "${storage}" is invalid, must be an integer`];
  });
}

/** Where the class of a claim or volume was named before it had a field. */
export const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

/** Always in this order. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return Object.keys(SHORT_MODES)
    .filter((mode) => modes?.includes(mode) === true)
    .map((mode) => SHORT_MODES[mode])
    .join(",");
}

/** Holds what is in use when it is deleted. Source: admission plugin StorageObjectInUseProtection. */
export function withProtection(object: Fields, finalizer: string): Fields {
  const finalizers = object.metadata?.finalizers ?? [];
  if (finalizers.includes(finalizer)) return object;
  return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
}

/** As Go's types name the fields. */
export function shownClaimSpec(spec: PersistentVolumeClaimSpec): unknown {
  const source = (of: PersistentVolumeClaimSpec["dataSourceRef"], local: boolean): unknown =>
    of === undefined
      ? null
      : {
          APIGroup: of.apiGroup ?? null,
          Kind: of.kind,
          Name: of.name,
          ...(local ? {} : { Namespace: of.namespace ?? null }),
        };
  return {
    AccessModes: spec.accessModes ?? null,
    Selector: spec.selector ?? null,
    Resources: { Limits: spec.resources?.limits ?? null, Requests: spec.resources?.requests ?? null },
    VolumeName: spec.volumeName ?? "",
    StorageClassName: spec.storageClassName ?? null,
    VolumeMode: spec.volumeMode ?? null,
    DataSource: source(spec.dataSource, true),
    DataSourceRef: source(spec.dataSourceRef, false),
    VolumeAttributesClassName: spec.volumeAttributesClassName ?? null,
  };
}

export function shownClaim({ metadata, spec, status }: PersistentVolumeClaim): unknown {
  return {
    ...metadata,
    Spec: shownClaimSpec(spec ?? {}),
    Status: {
      Phase: status?.phase ?? "",
      AccessModes: status?.accessModes ?? null,
      Capacity: status?.capacity ?? null,
      Conditions: status?.conditions ?? null,
      AllocatedResources: status?.allocatedResources ?? null,
      AllocatedResourceStatuses: status?.allocatedResourceStatuses ?? null,
      CurrentVolumeAttributesClassName: status?.currentVolumeAttributesClassName ?? null,
      ModifyVolumeStatus: status?.modifyVolumeStatus ?? null,
      HealthStatus: status?.healthStatus ?? null,
    },
  };
}

/** PersistentVolumeClaims. Source: Kubernetes `pkg/registry/core/persistentvolumeclaim/strategy.go`, `pkg/apis/core/validation`. */
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimStatus,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { compareQuantities } from "../../../../../protocols/kubernetes/quantity.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { equalJson } from "../../machinery/json-value.ts";
import { validateClaimSpec } from "../../machinery/validation/claim.ts";
import { unifiedDifference } from "../../machinery/validation/difference.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { qualifiedName } from "../../machinery/validation/names.ts";
import { immutable } from "../../machinery/validation/object-meta.ts";
import type { Fields, KindRules } from "../rules.ts";
import {
  accessModesText,
  claimSpecWarnings,
  CLASS_ANNOTATION,
  defaultClaim,
  shownClaimSpec,
  withProtection,
} from "./claim-spec.ts";
import { reviewClaimLimits } from "./limits.ts";
import { reviewExpansion, withDefaultClass } from "./storage-admission.ts";

export const persistentVolumeClaimRules: KindRules = {
  returnsDeletedObject: true,
  defaults: defaultClaim,
  prepareCreate: (object, admission) => {
    const claim = withSources({ ...object, status: { phase: "Pending" } }, undefined);
    return withProtection(withDefaultClass(claim, admission), "kubernetes.io/pvc-protection");
  },
  prepareUpdate: withSources,
  validate: ({ spec }: PersistentVolumeClaim, errors) => validateClaimSpec("spec", (spec ?? {}) as JsonObject, errors),
  validateUpdate,
  validateStatusUpdate: ({ status, spec }: PersistentVolumeClaim, _old: PersistentVolumeClaim, errors) => {
    if ((spec?.accessModes ?? []).length === 0) errors.required("Spec.accessModes");
    validateStatus(status ?? {}, errors);
  },
  review: (claim: PersistentVolumeClaim, review) => {
    // In the order of kube-apiserver's plugins: LimitRanger, then PersistentVolumeClaimResize.
    reviewClaimLimits(claim, review);
    reviewExpansion(claim, review);
  },
  warnings,
  retold: warnings,
  cells,
};

function warnings({ metadata, spec }: PersistentVolumeClaim): readonly string[] {
  const instead = 'deprecated since v1.8; use "storageClassName" attribute instead';
  return [
    ...(metadata?.annotations?.[CLASS_ANNOTATION] === undefined
      ? []
      : [`metadata.annotations[${CLASS_ANNOTATION}]: ${instead}`]),
    ...claimSpecWarnings("spec", spec),
  ];
}

const SNAPSHOTS = "snapshot.storage.k8s.io";

/**
 * A claim for what another object holds names it in two fields, of which the older one knows claims and snapshots only.
 * Source: `EnforceDataSourceBackwardsCompatibility`, `NormalizeDataSources`.
 */
function withSources(object: Fields, old: Fields | undefined): Fields {
  const { spec = {} } = object as PersistentVolumeClaim;
  const { dataSource, dataSourceRef, ...rest } = spec;
  const before = (old as PersistentVolumeClaim | undefined)?.spec;
  const had = before?.dataSource !== undefined || before?.dataSourceRef !== undefined;
  // References into other namespaces are switched off in Kubernetes.
  const ref = dataSourceRef?.namespace && before?.dataSourceRef === undefined ? undefined : dataSourceRef;
  const group = dataSource?.apiGroup ?? "";
  const known =
    (dataSource?.kind === "PersistentVolumeClaim" && group === "") ||
    (dataSource?.kind === "VolumeSnapshot" && group === SNAPSHOTS);
  const source = had || ref !== undefined || known ? dataSource : undefined;
  const both: Pick<PersistentVolumeClaimSpec, "dataSource" | "dataSourceRef"> = {
    ...given("dataSource", source ?? (ref?.namespace ? undefined : ref)),
    ...given("dataSourceRef", ref ?? source),
  };
  return { ...object, spec: { ...rest, ...both } };
}

function given(name: string, value: object | undefined): object {
  return value === undefined ? {} : { [name]: value };
}

function validateUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim, errors: FieldErrors): void {
  const [spec, before] = [claim.spec ?? {}, old.spec ?? {}];
  const anyApiGroup = before.dataSource?.apiGroup !== undefined || before.dataSourceRef?.apiGroup !== undefined;
  validateClaimSpec("spec", spec as JsonObject, errors, { anyApiGroup });
  const [now, then] = [comparable(claim, old, errors), withVolume(before, spec)];
  if (!equalJson(now, then)) {
    const detail =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.forbidden("spec", `${detail}\n${unifiedDifference(shownClaimSpec(then), shownClaimSpec(now))}`);
  }
  const [size, was] = [storageOf(spec), storageOf(before)];
  if (compareQuantities(size, was) < 0 && compareQuantities(size, old.status?.capacity?.["storage"] ?? "0") <= 0) {
    errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
  }
  immutable("volumeMode", spec.volumeMode, before.volumeMode, errors);
  const name = spec.volumeAttributesClassName;
  if (name === before.volumeAttributesClassName || old.status?.currentVolumeAttributesClassName === undefined) return;
  if (name !== undefined && name !== "") return;
  const to = name === undefined ? "nil" : "empty string";
  const detail = `update to ${to} is forbidden when status.currentVolumeAttributesClassName is not nil`;
  errors.forbidden("spec.volumeAttributesClassName", detail);
}

function storageOf(spec: PersistentVolumeClaimSpec): string {
  return spec.resources?.requests?.["storage"] ?? "0";
}

/** A claim gets its volume once. */
function withVolume(before: PersistentVolumeClaimSpec, { volumeName }: PersistentVolumeClaimSpec): typeof before {
  return before.volumeName || !volumeName ? before : { ...before, volumeName };
}

/** The spec, with what may change as it was. */
function comparable(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  errors: FieldErrors,
): PersistentVolumeClaimSpec {
  const before = old.spec ?? {};
  let spec = claim.spec ?? {};
  const [annotation, was] = [claim, old].map(({ metadata }) => metadata?.annotations?.[CLASS_ANNOTATION]);
  const [name, nameBefore] = [spec.storageClassName, before.storageClassName];
  const moves = was !== undefined && nameBefore === undefined && name === was && (annotation ?? was) === was;
  if (!moves && (annotation ?? "") !== (was ?? "")) {
    errors.invalid(`metadata.annotations.${CLASS_ANNOTATION}`, annotation ?? "", "field is immutable");
  }
  const named = name !== undefined && nameBefore === undefined && (was === undefined || name === was);
  if (moves || named) spec = withoutClass(spec);
  if (claim.status?.phase !== "Bound") return spec;
  const { requests } = spec.resources ?? {};
  if (requests !== undefined) {
    spec = { ...spec, resources: { ...spec.resources, requests: { ...requests, storage: storageOf(before) } } };
  }
  const { volumeAttributesClassName: _now, ...rest } = spec;
  const { volumeAttributesClassName: attributes } = before;
  return attributes === undefined ? rest : { ...rest, volumeAttributesClassName: attributes };
}

function withoutClass({ storageClassName: _given, ...rest }: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  return rest;
}

const RESIZE_STATES = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
].sort();

function validateStatus(status: PersistentVolumeClaimStatus, errors: FieldErrors): void {
  for (const [name, amount] of Object.entries(status.capacity ?? {})) {
    validateBasic(`status.capacity[${name}]`, amount, errors);
  }
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    const field = "status.allocatedResourceStatuses";
    validateKey(field, name, errors);
    if (!RESIZE_STATES.includes(state)) errors.unsupported(field, name, RESIZE_STATES);
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {})) {
    const before = errors.causes.length;
    validateKey("status.allocatedResources", name, errors);
    if (errors.causes.length === before) validateBasic(`status.allocatedResources[${name}]`, amount, errors);
  }
}

function validateBasic(field: string, amount: string, errors: FieldErrors): void {
  if (compareQuantities(amount, "0") < 0) errors.invalid(field, Number(amount), "must be a valid resource quantity");
}

function validateKey(field: string, name: string, errors: FieldErrors): void {
  const problems = qualifiedName(name);
  errors.all(field, name, problems);
  const native = !name.includes("/") || name.includes("kubernetes.io/");
  if (problems.length === 0 && native) errors.oneOf(field, name, ["storage"]);
}

function cells(object: PersistentVolumeClaim, nowMs: number): readonly Cell[] {
  const { metadata, spec = {}, status } = object;
  const bound = spec.volumeName !== undefined && spec.volumeName !== "";
  return [
    nameOf(object),
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating",
    spec.volumeName ?? "",
    bound ? (status?.capacity?.["storage"] ?? "0") : "",
    bound ? accessModesText(status?.accessModes) : "",
    metadata?.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? "",
    spec.volumeAttributesClassName ?? "<unset>",
    ageOf(object, nowMs),
    spec.volumeMode ?? "<unset>",
  ];
}

/** PersistentVolumes. Source: Kubernetes `pkg/registry/core/persistentvolume/strategy.go`, `pkg/apis/core/validation`. */
import type {
  PersistentVolume,
  PersistentVolumeSpec,
  PersistentVolumeStatus,
} from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { compareQuantities } from "../../../../../protocols/kubernetes/quantity.ts";
import type { Cell } from "../../machinery/cells.ts";
import { ageOf, nameOf } from "../../machinery/cells.ts";
import { member, objectIn, roundAmounts, setDefault } from "../../machinery/default-values.ts";
import type { JsonObject } from "../../machinery/json-value.ts";
import { equalJson, isJsonObject } from "../../machinery/json-value.ts";
import { defaultVolumeSource } from "../../machinery/pod-defaults.ts";
import { formatTime } from "../../machinery/time.ts";
import { validateAccessModes, VOLUME_MODES } from "../../machinery/validation/claim.ts";
import { unifiedDifference } from "../../machinery/validation/difference.ts";
import type { FieldErrors } from "../../machinery/validation/field-errors.ts";
import { dns1123Subdomain } from "../../machinery/validation/names.ts";
import { immutable, validateObjectMeta } from "../../machinery/validation/object-meta.ts";
import { PERSISTENT_SOURCES, validatePersistentSource } from "../../machinery/validation/persistent-volume-sources.ts";
import { validateNodeSelector } from "../../machinery/validation/scheduling.ts";
import type { KindRules } from "../rules.ts";
import { accessModesText, CLASS_ANNOTATION, withProtection } from "./claim-spec.ts";
import { shownSources } from "./persistent-volume-shown.ts";
import { termWarnings } from "./pod-warnings.ts";

export const persistentVolumeRules: KindRules = {
  returnsDeletedObject: true,
  defaults,
  prepareCreate: (object, { nowMs }) =>
    withProtection(
      { ...object, status: { phase: "Pending", lastPhaseTransitionTime: formatTime(nowMs) } },
      "kubernetes.io/pv-protection",
    ),
  prepareStatusUpdate: (object, old, nowMs) => {
    const [now, before] = [(object as PersistentVolume).status, (old as PersistentVolume).status];
    const at = transitionTime(now ?? {}, before ?? {}, nowMs);
    return at === undefined ? object : { ...object, status: { ...now, lastPhaseTransitionTime: at } };
  },
  validate,
  validateUpdate,
  warnings,
  retold: warnings,
  cells,
};

function defaults(object: JsonObject): void {
  const [spec, status] = [member(object, "spec"), member(object, "status")];
  roundAmounts(objectIn(spec, "capacity"));
  setDefault(status, "phase", "Pending", "");
  setDefault(spec, "persistentVolumeReclaimPolicy", "Retain", "");
  setDefault(spec, "volumeMode", "Filesystem");
  defaultVolumeSource(spec);
}

const POLICIES = ["Delete", "Recycle", "Retain"];

function validate({ metadata, spec = {} }: PersistentVolume, errors: FieldErrors): void {
  if ((spec.accessModes ?? []).length === 0) errors.required("spec.accessModes");
  validateAccessModes("spec.accessModes", spec.accessModes ?? [], errors);
  validateCapacity(spec.capacity ?? {}, errors);
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy) errors.oneOf("spec.persistentVolumeReclaimPolicy", policy, POLICIES);
  if (spec.nodeAffinity !== undefined) {
    const { required } = spec.nodeAffinity;
    const at = "spec.nodeAffinity.required";
    if (required === undefined) errors.required(at, "must specify required node constraints");
    else validateNodeSelector(at, required, errors);
  }
  validatePersistentSource("spec", spec as JsonObject, metadata?.name ?? "", errors);
  if (policy === "Recycle" && isRoot(spec.hostPath?.path)) {
    const detail = "may not be 'recycle' for a hostPath mount of '/'";
    errors.forbidden("spec.persistentVolumeReclaimPolicy", detail);
  }
  const { storageClassName: storage = "", volumeAttributesClassName: attributes } = spec;
  if (storage !== "") errors.all("spec.storageClassName", storage, dns1123Subdomain(storage));
  errors.oneOf("spec.volumeMode", spec.volumeMode, VOLUME_MODES);
  if (attributes !== undefined) {
    const at = "spec.volumeAttributesClassName";
    if (attributes === "") errors.required(at, "an empty string is disallowed");
    else errors.all(at, attributes, dns1123Subdomain(attributes));
    if (spec.csi === undefined) {
      errors.required("spec.csi", "has to be specified when using volumeAttributesClassName");
    }
  }
  validateMountOptions(metadata?.annotations ?? {}, spec, errors);
}

/** The server's time, unless the phase comes with one of its own. */
function transitionTime(
  now: PersistentVolumeStatus,
  before: PersistentVolumeStatus,
  nowMs: number | undefined,
): string | null | undefined {
  const [given, was] = [now.lastPhaseTransitionTime, before.lastPhaseTransitionTime];
  if (now.phase === before.phase) return given ?? was;
  return nowMs === undefined || (given !== undefined && given !== was) ? given : formatTime(nowMs);
}

function isRoot(path: string | undefined): boolean {
  return path !== undefined && path.startsWith("/") && path.split("/").every((part) => part === "" || part === ".");
}

function validateCapacity(capacity: Readonly<Record<string, string>>, errors: FieldErrors): void {
  const names = Object.keys(capacity);
  if (names.length === 0) errors.required("spec.capacity");
  if (names.length !== 1 || names[0] !== "storage")
    errors.unsupported("spec.capacity", names.length === 0 ? null : capacity, ["storage"]);
  for (const [name, amount] of Object.entries(capacity)) {
    const at = `spec.capacity[${name}]`;
    if (compareQuantities(amount, "0") < 0) errors.invalid(at, Number(amount), "must be a valid resource quantity");
    if (compareQuantities(amount, "0") <= 0) errors.invalid(at, amount, "must be greater than zero");
  }
}

const MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options";
const MOUNTED_WITH_OPTIONS: ReadonlySet<string> = new Set([
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "nfs",
  "rbd",
  "quobyte",
  "iscsi",
  "cinder",
  "cephfs",
  "azureFile",
  "vsphereVolume",
  "azureDisk",
  "photonPersistentDisk",
]);

/** Source: `pkg/volume/validation`. */
function validateMountOptions(annotations: object, spec: PersistentVolumeSpec, errors: FieldErrors): void {
  if (!Object.hasOwn(annotations, MOUNT_OPTIONS)) return;
  if (Object.keys(spec).some((kind) => MOUNTED_WITH_OPTIONS.has(kind))) return;
  const detail = "may not specify mount options for this volume type";
  errors.forbidden(`metadata.annotations.${MOUNT_OPTIONS}`, detail);
}

function validateUpdate(volume: PersistentVolume, old: PersistentVolume, errors: FieldErrors): void {
  validateObjectMeta(volume.metadata ?? {}, dns1123Subdomain, errors);
  validate(volume, errors);
  const [spec, before] = [volume.spec ?? {}, old.spec ?? {}];
  const [now, then] = [sourcesOf(spec, before), sourcesOf(before, before)];
  if (!equalJson(now, then)) {
    const detail = "spec.persistentvolumesource is immutable after creation";
    const difference = unifiedDifference(shownSources(then), shownSources(now));
    errors.forbidden("spec.persistentvolumesource", `${detail}\n${difference}`);
  }
  immutable("volumeMode", spec.volumeMode, before.volumeMode, errors);
  if (before.nodeAffinity !== undefined && !equalJson(spec.nodeAffinity ?? null, before.nodeAffinity)) {
    const detail = "field is immutable, except for updating from beta label to GA";
    errors.invalid("nodeAffinity", spec.nodeAffinity ?? null, detail);
  }
  const [name, was] = [spec.volumeAttributesClassName, before.volumeAttributesClassName];
  if (was !== undefined && name === undefined) {
    errors.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden");
  }
}

/** What may come to a volume later is left out. */
function sourcesOf(spec: PersistentVolumeSpec, before: PersistentVolumeSpec): JsonObject {
  const sources: JsonObject = {};
  for (const kind of PERSISTENT_SOURCES) {
    const source = (spec as JsonObject)[kind];
    if (isJsonObject(source)) sources[kind] = source;
  }
  if (spec.csi === undefined || before.csi === undefined || before.csi.controllerExpandSecretRef !== undefined) {
    return sources;
  }
  const { controllerExpandSecretRef: _later, ...csi } = spec.csi;
  return { ...sources, csi };
}

const DEPRECATED_SOURCES: Readonly<Record<string, string>> = {
  cephfs: "cephfs: deprecated in v1.28, non-functional in v1.31+",
  photonPersistentDisk: "photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+",
  scaleIO: "scaleIO: deprecated in v1.16, non-functional in v1.22+",
  storageos: "storageOS: deprecated in v1.22, non-functional in v1.25+",
  glusterfs: "glusterfs: deprecated in v1.25, non-functional in v1.26+",
  rbd: "rbd: deprecated in v1.28, non-functional in v1.31+",
};

const DEPRECATED_ANNOTATIONS: Readonly<Record<string, string>> = {
  [CLASS_ANNOTATION]: 'deprecated since v1.8; use "storageClassName" attribute instead',
  [MOUNT_OPTIONS]: 'deprecated since v1.31; use "mountOptions" attribute instead',
};

function warnings({ metadata, spec = {} }: PersistentVolume): readonly string[] {
  const annotations = Object.keys(DEPRECATED_ANNOTATIONS).filter((key) => metadata?.annotations?.[key] !== undefined);
  const at = "spec.nodeAffinity.required.nodeSelectorTerms";
  const recycled =
    "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
  return [
    ...annotations.map((key) => `metadata.annotations[${key}]: ${DEPRECATED_ANNOTATIONS[key]}`),
    ...(spec.persistentVolumeReclaimPolicy === "Recycle" ? [`spec.persistentVolumeReclaimPolicy: ${recycled}`] : []),
    ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, i) => termWarnings(`${at}[${i}]`, term)),
    ...Object.keys(DEPRECATED_SOURCES)
      .filter((kind) => isJsonObject((spec as JsonObject)[kind]))
      .map((kind) => `spec.${DEPRECATED_SOURCES[kind]}`),
  ];
}

function cells(object: PersistentVolume, nowMs: number): readonly Cell[] {
  const { metadata, spec = {}, status } = object;
  const { claimRef } = spec;
  return [
    nameOf(object),
    spec.capacity?.["storage"] ?? "0",
    accessModesText(spec.accessModes),
    spec.persistentVolumeReclaimPolicy ?? "",
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating",
    claimRef === undefined ? "" : `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}`,
    metadata?.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? "",
    spec.volumeAttributesClassName ?? "<unset>",
    status?.reason ?? "",
    ageOf(object, nowMs),
    spec.volumeMode ?? "<unset>",
  ];
}

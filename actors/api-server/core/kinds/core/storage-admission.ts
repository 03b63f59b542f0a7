/** What admission makes of a claim. Source: admission plugins DefaultStorageClass and PersistentVolumeClaimResize. */
import type { PersistentVolumeClaim } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { ObjectMeta } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { compareQuantities } from "../../../../../protocols/kubernetes/quantity.ts";
import type { StorageClass } from "../../../../../protocols/kubernetes/types/storage-v1.ts";
import { forbidden } from "../../machinery/status.ts";
import type { Admission, Fields, Review } from "../rules.ts";
import { CLASS_ANNOTATION } from "./claim-spec.ts";

const CLASSES = "/registry/storageclasses";
const DEFAULT_MARKS = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

/** A claim that names no class gets the newest of those that are marked as the cluster's. */
export function withDefaultClass(object: Fields, admission: Admission): Fields {
  const { metadata, spec = {} } = object as PersistentVolumeClaim;
  if (metadata?.annotations?.[CLASS_ANNOTATION] !== undefined || spec.storageClassName !== undefined) return object;
  const marked = admission
    .all(CLASSES)
    .map((one): ObjectMeta => one.metadata ?? {})
    .filter(({ annotations }) => DEFAULT_MARKS.some((mark) => annotations?.[mark] === "true"))
    .sort((a, b) => order(b.creationTimestamp, a.creationTimestamp) || order(a.name, b.name));
  const name = marked[0]?.name;
  return name === undefined ? object : { ...object, spec: { ...spec, storageClassName: name } };
}

function order(a: string | null | undefined = "", b: string | null | undefined = ""): number {
  const [left, right] = [a ?? "", b ?? ""];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** @throws Status 403 for a bound claim that asks for more, where its class does not say that it may */
export function reviewExpansion(claim: PersistentVolumeClaim, { subresource, old, find }: Review): void {
  const before = old as PersistentVolumeClaim | undefined;
  if (subresource !== "" || before?.status?.phase !== "Bound") return;
  const [now, was] = [claim, before].map(({ spec }) => spec?.resources?.requests?.["storage"] ?? "0");
  if (compareQuantities(now ?? "0", was ?? "0") <= 0) return;
  const name = claim.metadata?.annotations?.[CLASS_ANNOTATION] ?? claim.spec?.storageClassName ?? "";
  const found = name === "" ? undefined : (find(CLASSES, name) as StorageClass | undefined);
  if (found?.allowVolumeExpansion === true) return;
  const why =
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
  throw forbidden({ group: "", resource: "persistentvolumeclaims" }, claim.metadata?.name ?? "", why);
}

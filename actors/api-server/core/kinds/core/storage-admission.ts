/** What admission makes of a claim. Source: admission plugin DefaultStorageClass. */
import type { PersistentVolumeClaim } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { ObjectMeta } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Admission, Fields } from "../rules.ts";
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

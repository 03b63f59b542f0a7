/** The cluster's default class. @see k8s.io/kubernetes/pkg/volume/util (GetDefaultClass) */
import type { StorageClass } from "../../../../protocols/kubernetes/types/storage-v1.ts";

const MARKS = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/** Of several the newest, and of those of one second the first by name. */
export function defaultClassOf(classes: readonly StorageClass[]): string | undefined {
  let best: StorageClass | undefined;
  for (const one of classes) {
    if (!MARKS.some((mark) => one.metadata?.annotations?.[mark] === "true")) continue;
    if (best === undefined || isBefore(one, best)) best = one;
  }
  return best?.metadata?.name;
}

function isBefore({ metadata: one }: StorageClass, { metadata: other }: StorageClass): boolean {
  const [at, otherAt] = [one?.creationTimestamp ?? "", other?.creationTimestamp ?? ""];
  return at === otherAt ? (one?.name ?? "") < (other?.name ?? "") : at > otherAt;
}

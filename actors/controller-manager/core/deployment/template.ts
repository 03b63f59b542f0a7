/** Pod templates: when two are the same, and the hash that names the ReplicaSet of one. */
import type { PodTemplateSpec } from "../../../../protocols/kubernetes/types/core-v1.ts";

export const HASH_LABEL = "pod-template-hash";

/** One text for equal values: keys sorted, absent and undefined alike. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined && item !== null)
    .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

/** The template without the label that the controller itself adds, and without empty metadata. */
export function templateText(template: PodTemplateSpec | undefined): string {
  const { labels, annotations } = template?.metadata ?? {};
  const { [HASH_LABEL]: _hash, ...others } = labels ?? {};
  const annotated = annotations === undefined || Object.keys(annotations).length === 0 ? undefined : annotations;
  return canonical({ labels: others, annotations: annotated, spec: template?.spec });
}

/** Kubernetes' alphabet for names that are never words. @see k8s.io/apimachinery/pkg/util/rand SafeEncodeString */
const SAFE = "bcdfghjklmnpqrstvwxz2456789";

/** `collisions` gives another name to the same template. */
export function templateHash(template: PodTemplateSpec | undefined, collisions: number): string {
  return safeHash(`${templateText(template)}#${collisions}`);
}

/** Ten letters at most, of FNV-1a over the text. */
export function safeHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return Array.from(String(hash >>> 0))
    .map((digit) => SAFE.charAt(digit.charCodeAt(0) % SAFE.length))
    .join("");
}

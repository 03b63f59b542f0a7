/** Lists as JSON, put together from what the cache holds, without parsing it. */
import type { StoredObject } from "./stored-object.ts";

const encoder = new TextEncoder();
const COMMA = 0x2c;
const END = "]}";

export interface ListMetadata {
  /** Absent of what is not stored. */
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** `{"kind":"PodList",…,"items":[…]}`. In Kubernetes only items of custom resources carry kind and apiVersion: those are `typed`. */
export function encodeList(
  kind: string,
  apiVersion: string,
  metadata: ListMetadata,
  items: readonly StoredObject[],
  typed: boolean = false,
): Uint8Array {
  const head = encoder.encode(
    `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`,
  );
  const parts = items.map((item) => item.item(typed));
  let length = head.length + Math.max(0, items.length - 1) + END.length;
  for (const { start, rest } of parts) length += start.length + rest.length;
  const list = Buffer.allocUnsafeSlow(length);
  list.set(head);
  let at = head.length;
  for (const [index, { start, rest }] of parts.entries()) {
    if (index > 0) list[at++] = COMMA;
    at += list.write(start, at, "latin1");
    at += list.write(rest, at, "latin1");
  }
  list.write(END, at, "latin1");
  return list;
}

/** Lists as JSON, put together from the bytes that the cache already has. */
import type { StoredObject } from "./stored-object.ts";
import { startsWith } from "./stored-object.ts";

const encoder = new TextEncoder();
const OPEN = 0x7b;
const COMMA = 0x2c;

export interface ListMetadata {
  readonly resourceVersion: string;
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
  const parts: Uint8Array[] = [];
  let length = head.length + 2;
  for (const item of items) {
    const { bytes } = item;
    const plain = !typed && startsWith(bytes, item.head.bytes);
    // Without the head's kind and apiVersion, with an opening brace: one byte longer than what is left.
    const part = plain ? bytes.subarray(item.head.itemOffset - 1) : bytes;
    parts.push(part);
    length += part.length + 1;
  }
  const list = new Uint8Array(length - (items.length > 0 ? 1 : 0));
  list.set(head);
  let at = head.length;
  for (let i = 0; i < parts.length; i++) {
    if (i > 0) list[at++] = COMMA;
    const part = parts[i] as Uint8Array;
    list.set(part, at);
    list[at] = OPEN;
    at += part.length;
  }
  list[at++] = 0x5d;
  list[at] = 0x7d;
  return list;
}

/** Lists as JSON, put together from what the cache holds, without parsing it. */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { bytesOf, keepBytes } from "../../../../protocols/kept-bytes.ts";
import type { StoredObject } from "./stored-object.ts";

const encoder = new TextEncoder();
const END = "]}";
/** So much is joined at a time. */
const PIECE_BYTES = 65_536;

export interface ListMetadata {
  /** Absent of what is not stored. */
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** A list that can be sent while it is put together: whole, tens of megabytes would be held for each who reads it. */
export class EncodedList {
  private readonly head: KeptBytes;
  private readonly items: readonly StoredObject[];
  private readonly typed: boolean;
  /** About so much, to a few bytes an item. */
  readonly sizeBytes: number;

  constructor(head: KeptBytes, items: readonly StoredObject[], typed: boolean) {
    this.head = head;
    this.items = items;
    this.typed = typed;
    // What can't be read is found here, before anything is sent.
    this.sizeBytes = items.reduce((sum, { servedSizeBytes }) => sum + servedSizeBytes, head.length);
  }

  /** In order; each but the last of `PIECE_BYTES` or a little more. */
  *pieces(): Generator<KeptBytes, void, undefined> {
    let piece: string[] = [this.head];
    let length = this.head.length;
    let separator = "";
    for (const item of this.items) {
      const { start, rest } = item.item(this.typed);
      piece.push(separator, start, rest);
      separator = ",";
      length += start.length + rest.length;
      if (length < PIECE_BYTES) continue;
      yield piece.join("") as KeptBytes;
      piece = [];
      length = 0;
    }
    piece.push(END);
    yield piece.join("") as KeptBytes;
  }

  /** All of it at once. */
  get bytes(): Uint8Array {
    return Buffer.concat([...this.pieces()].map(bytesOf));
  }
}

/** `{"kind":"PodList",…,"items":[…]}`. In Kubernetes only items of custom resources carry kind and apiVersion: those are `typed`. */
export function encodeList(
  kind: string,
  apiVersion: string,
  metadata: ListMetadata,
  items: readonly StoredObject[],
  typed: boolean = false,
): EncodedList {
  const head = `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`;
  return new EncodedList(keepBytes(encoder.encode(head)), items, typed);
}

/** Lists as JSON, put together from what the cache holds, without parsing it. */
import { keepBytes } from "../../../../protocols/kept-bytes.ts";
import { Pieces } from "../machinery/pieces.ts";
import type { StoredObject } from "./stored-object.ts";

const encoder = new TextEncoder();
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
): Pieces {
  const head = keepBytes(
    encoder.encode(`{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`),
  );
  // What can't be read is found here, before anything is sent.
  const sizeBytes = items.reduce((sum, { servedSizeBytes }) => sum + servedSizeBytes, head.length);
  return new Pieces(sizeBytes, function* () {
    yield head;
    let separator = "";
    for (const item of items) {
      const { start, rest } = item.item(typed);
      yield separator + start;
      yield rest;
      separator = ",";
    }
    yield END;
  });
}

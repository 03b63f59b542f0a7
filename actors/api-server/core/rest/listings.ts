/** What is answered to a list: its items as they are served, or the rows or the metadata of them. */
import type { KeptBytes } from "../../../../protocols/kept-bytes.ts";
import { keepBytes, textOf } from "../../../../protocols/kept-bytes.ts";
import type { ListMetadata } from "../cache/encode-list.ts";
import type { ProtobufObjects } from "../cache/protobuf-objects.ts";
import type { StoredObject } from "../cache/stored-object.ts";
import type { Served } from "../catalog/catalog.ts";
import { encodeProtobufList, inEnvelope, messageOf } from "../machinery/encode-protobuf.ts";
import type { Listing } from "../machinery/list-text.ts";
import type { Pieces } from "../machinery/pieces.ts";
import type { TableOptions } from "../machinery/table.ts";
import { toPartialObjectMetadata, toRow, toTable } from "../machinery/table.ts";
import { isConverted, toServed } from "../registry/present.ts";
import type { Steps } from "../steps.ts";

const PARTIAL = { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" };

export interface Listed {
  readonly served: Served;
  readonly metadata: ListMetadata;
  readonly items: readonly StoredObject[];
}

export function listingOf({ served, metadata, items }: Listed): Listing {
  const { info } = served;
  const isTyped = served.openApiSchema !== undefined;
  const head = { kind: listKindOf(served), apiVersion: info.apiVersion, metadata };
  return { head, field: "items", items: made(items, (stored) => itemOf(served, stored, isTyped)) };
}

export function tableOf({ served, metadata, items }: Listed, options: TableOptions): Listing {
  const { rows: _rows, ...head } = toTable(served, [], metadata, options);
  const row = (stored: StoredObject): object => toRow(served, toServed(served, stored.object), options);
  return { head, field: "rows", items: made(items, row) };
}

export function metadataOf({ served, metadata, items }: Listed): Listing {
  const partial = (stored: StoredObject): object => toPartialObjectMetadata(served, toServed(served, stored.object));
  return { head: { ...PARTIAL, metadata }, field: "items", items: made(items, partial) };
}

export function listKindOf({ info }: Served): string {
  return info.listKind ?? `${info.kind}List`;
}

/** In protobuf. */
export function* messagesOf({ served, metadata, items }: Listed, known: ProtobufObjects): Steps<Pieces> {
  const messages: KeptBytes[] = [];
  for (const stored of items) {
    messages.push(known.message(served, stored));
    yield;
  }
  return encodeProtobufList(served.info.apiVersion, listKindOf(served), metadata, messages);
}

/** The metadata alone, in protobuf. */
export function* metadataMessagesOf({ served, metadata, items }: Listed): Steps<Pieces> {
  const messages: KeptBytes[] = [];
  for (const stored of items) {
    messages.push(messageOf(keepBytes(inEnvelope(toPartialObjectMetadata(served, toServed(served, stored.object))))));
    yield;
  }
  return encodeProtobufList(PARTIAL.apiVersion, PARTIAL.kind, metadata, messages);
}

/** Those that are built in carry no kind and apiVersion of their own, as in `encodeList`. */
function itemOf(served: Served, stored: StoredObject, isTyped: boolean): object {
  if (!isConverted(served)) {
    const { start, rest } = stored.item(isTyped);
    return JSON.parse(start + textOf(rest)) as object;
  }
  const { kind, apiVersion, ...item } = toServed(served, stored.object);
  return isTyped ? { kind, apiVersion, ...item } : item;
}

function* made(items: readonly StoredObject[], make: (stored: StoredObject) => object): Generator<object> {
  for (const stored of items) yield make(stored);
}

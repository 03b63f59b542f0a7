/**
 * Lists that are written for whoever asks: their items are made and written one by one, and others have their turn between two of them.
 * A list of tens of thousands would hold them up for seconds.
 */
import type { Steps } from "../steps.ts";
import { toYaml, yamlItem } from "./yaml-text.ts";

export interface Listing {
  /** All fields but that of the items, which stands behind them. */
  readonly head: object;
  readonly field: "items" | "rows";
  /** Each is made when it is asked for. */
  readonly items: Iterable<object>;
}

export type Writing = "json" | "pretty" | "yaml";

interface Form {
  begin(head: object, field: string): string;
  item(item: object, isFirst: boolean): string;
  /** @param isEmpty whether there were no items */
  end(isEmpty: boolean): string;
}

const FORMS: Readonly<Record<Writing, Form>> = {
  json: {
    begin: (head, field) => `${JSON.stringify(head).slice(0, -"}".length)},"${field}":[`,
    item: (item, isFirst) => (isFirst ? "" : ",") + JSON.stringify(item),
    end: () => "]}",
  },
  pretty: {
    begin: (head, field) => `${JSON.stringify(head, null, 2).slice(0, -"\n}".length)},\n  "${field}": [`,
    // Line ends within texts are escaped.
    item: (item, isFirst) => `${isFirst ? "" : ","}\n    ${JSON.stringify(item, null, 2).replaceAll("\n", "\n    ")}`,
    end: (isEmpty) => (isEmpty ? "]\n}" : "\n  ]\n}"),
  },
  yaml: {
    begin: (head, field) => `${toYaml(head)}${field}:`,
    item: (item, isFirst) => (isFirst ? "\n" : "") + yamlItem(item),
    end: (isEmpty) => (isEmpty ? " []\n" : ""),
  },
};

/** So much text becomes bytes at a time. */
const CHUNK_CHARS = 65_536;
const encoder = new TextEncoder();

export function* listBytes({ head, field, items }: Listing, writing: Writing): Steps<Uint8Array> {
  const form = FORMS[writing];
  const chunks: Uint8Array[] = [];
  let text = form.begin(head, field);
  let isEmpty = true;
  for (const item of items) {
    text += form.item(item, isEmpty);
    isEmpty = false;
    if (text.length >= CHUNK_CHARS) {
      chunks.push(encoder.encode(text));
      text = "";
    }
    yield;
  }
  chunks.push(encoder.encode(text + form.end(isEmpty)));
  return joined(chunks);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first = new Uint8Array()] = chunks;
  if (chunks.length <= 1) return first;
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

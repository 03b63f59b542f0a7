import { jsonProblem } from "../machinery/go-json-syntax.ts";
import { textOf } from "../machinery/json-value.ts";

/**
 * Where a paginated list goes on: the revision that all pages are of, and the first key of the next page. A token of
 * revision 0 was handed out when its snapshot had been lost: the list goes on at whatever is newest.
 * Clients treat it as opaque. Source: apiserver `storage.EncodeContinue`.
 */
export interface ContinueToken {
  readonly revision: number;
  /** Relative to the resource's prefix; not necessarily a key that exists. */
  readonly start: string;
}

const encoder = new TextEncoder();
const VERSION = "meta.k8s.io/v1";

export function encodeContinue(token: ContinueToken): string {
  const json = JSON.stringify({ v: VERSION, rv: token.revision, start: token.start });
  return btoa(json).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Base64 for URLs without padding (RFC 4648, section 5), or what Go says of it. Line breaks are passed over, as there. */
function decodeUnpadded(text: string): Uint8Array | string {
  const bad = /[^\w\-\r\n]/.exec(text);
  const corrupt = (at: number): string => `illegal base64 data at input byte ${at}`;
  if (bad !== null) return corrupt(encoder.encode(text.slice(0, bad.index)).length);
  const digits = text.replaceAll(/[\r\n]/g, "");
  if (digits.length % 4 === 1) return corrupt(text.length);
  return Uint8Array.from(atob(digits.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

/** The reason, when the text is not a token that `encodeContinue` made for a list of `namespace`. */
export function decodeContinue(text: string, namespace: string | undefined): ContinueToken | string {
  const bytes = decodeUnpadded(text);
  if (typeof bytes === "string") return `continue key is not valid: ${bytes}`;
  const problem = jsonProblem(bytes);
  if (problem !== undefined) return `continue key is not valid: ${problem}`;
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const { v, rv, start } = (value ?? {}) as { readonly v?: unknown; readonly rv?: unknown; readonly start?: unknown };
  if (typeof (v ?? "") !== "string") {
    const type = Array.isArray(v) ? "array" : typeof v === "boolean" ? "bool" : typeof v;
    return `continue key is not valid: json: cannot unmarshal ${type} into Go struct field continueToken.v of type string`;
  }
  if (v !== VERSION) {
    return `continue key is not valid: server does not recognize this encoded version ${textOf(v)}`;
  }
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv < 0)
    return "continue key is not valid: incorrect encoded start resourceVersion";
  if (typeof start !== "string" || start === "") return "continue key is not valid: encoded start key empty";
  if (namespace !== undefined && !start.startsWith(`${namespace}/`)) {
    return "continue key is not valid: the start key is outside of the list";
  }
  return { revision: rv, start };
}

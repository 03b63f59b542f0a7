/** Request bodies: JSON, YAML or protobuf to JSON values. */
import type { Document, Tags } from "yaml";
import { isCollection, isScalar, Lexer, LineCounter, parseDocument, visit } from "yaml";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { statusError, statusOf } from "../../../protocols/api-server.ts";
import { isYamlTooDeep } from "../../../protocols/kubernetes/yaml-depth.ts";
import { GO_YAML_TAGS } from "../../../protocols/kubernetes/yaml-tags.ts";
import { decodeProtobuf, isProtobuf, NO_PROTOBUF, PROTOBUF_MEDIA_TYPE } from "../core/machinery/decode-protobuf.ts";
import type { ObjectForm } from "../core/catalog/form.ts";
import type { Decoded, ExpectedKind, FieldValidation } from "../core/machinery/decode-object.ts";
import { unrecognized } from "../core/machinery/decode-object.ts";
import type { JsonBody } from "../core/machinery/json.ts";
import { inexact, isInexact, parseJson, readJson } from "../core/machinery/json.ts";
import { jsonChars } from "../core/machinery/json-value.ts";
import { badRequest, failure, requestEntityTooLarge, unsupportedMediaType } from "../core/machinery/status.ts";
import type { HttpRequest } from "./http-messages.ts";
import type { Steps } from "../core/steps.ts";
import { header } from "./http-messages.ts";

const customTags = (tags: Tags): Tags => [...tags, ...GO_YAML_TAGS];

const MEDIA_TYPES = ["application/json", "application/yaml", PROTOBUF_MEDIA_TYPE];
/** Aliases in YAML can make a small text large. */
const YAML_ALIASES_MAX = 1_000;
/** The parser looks for what an alias stands for through the whole document: so many nodes it may look at for all of them. */
const YAML_LOOKS_MAX = 5_000_000;
/** Of what a text of aliases stands for, as JSON. The largest body that is taken as JSON. */
const YAML_JSON_CHARS_MAX = 3_145_728;
/** kubectl and the client libraries send JSON or protobuf. */
const YAML_BYTES_MAX = 1_048_576;
/**
 * Words, signs, blanks and line breaks, each of which takes the parser some microseconds: about a second in all, in which nobody else is
 * served. Of what people write there are five characters to each, and two of what is made to be slow.
 */
const YAML_TOKENS_MAX = 200_000;

export function mediaTypeOf(request: HttpRequest): string {
  return (header(request, "content-type") ?? "application/json").split(";")[0]?.trim().toLowerCase() ?? "";
}

/**
 * The object in the body.
 * @throws Status 400 for what can't be understood, 415 for an unknown media type
 */
export function decodeBody(request: HttpRequest, form: ObjectForm, validation: FieldValidation): Decoded {
  return form.decode(readBody(request, form), validation);
}

/** What is smaller is read within a few milliseconds. */
const LARGE_BODY_BYTES = 131_072;

export function isLarge({ body }: HttpRequest): boolean {
  return body.length >= LARGE_BODY_BYTES;
}

/** As `decodeBody`, of what is large. */
export function* decodeInSteps(request: HttpRequest, form: ObjectForm, validation: FieldValidation): Steps<Decoded> {
  const body = readBody(request, form);
  yield;
  const decoded = form.decode(body, validation);
  yield;
  return decoded;
}

/** As `decodeConfiguration`, of what is large. */
export function* configurationInSteps(request: HttpRequest): Steps<JsonBody> {
  const body = decodeConfiguration(request);
  yield;
  return body;
}

/** As a JSON value; undefined of what can't be read, or is none. A patch is JSON, or YAML that is to be applied. */
export function bodyValue(body: Uint8Array, contentType: string): unknown {
  const type = contentType.split(";")[0]!.trim().toLowerCase();
  const isYaml = type === "application/yaml" || type === "application/apply-patch+yaml";
  const isJson = type === "" || type === "application/json" || type.endsWith("+json");
  try {
    if (isYaml) return yamlBody(body, "").value;
    if (isJson) return plainJson(textOf(body)).value;
    return type === PROTOBUF_MEDIA_TYPE ? decodeProtobuf(body) : undefined;
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return undefined;
  }
}

/** @param expected undefined: no error names it */
function readBody(request: HttpRequest, expected: ExpectedKind | undefined): JsonBody {
  switch (mediaTypeOf(request)) {
    case "application/json":
    case "":
      return expected === undefined ? plainJson(textOf(request.body)) : parseJson(textOf(request.body), expected);
    case "application/yaml":
      return parseYaml(request.body, expected);
    case PROTOBUF_MEDIA_TYPE:
      if (expected !== undefined && !isProtobuf(request.body)) {
        throw unrecognized(expected, NO_PROTOBUF, request.body);
      }
      return { value: decodeProtobuf(request.body), duplicates: [] };
    default:
      throw unsupportedMediaType(MEDIA_TYPES);
  }
}

function plainJson(text: string): JsonBody {
  const read = readJson(text);
  if ("problem" in read) throw badRequest(`couldn't get version/kind; json parse error: ${read.problem}`);
  return read;
}

/** A body that may be missing and need not be strict: DeleteOptions. */
export function decodeDeleteOptions(request: HttpRequest): Readonly<Record<string, unknown>> {
  if (request.body.length === 0) return {};
  const { value } = readBody(request, undefined);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badRequest("the body of a deletion must be DeleteOptions");
  }
  const { kind, apiVersion = "meta.k8s.io/v1" } = value as KubernetesObject;
  if (kind !== undefined && kind !== "DeleteOptions") {
    throw badRequest(
      `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  return value as Readonly<Record<string, unknown>>;
}

/**
 * What is to be applied: YAML, or JSON. Its `duplicates` are told as the YAML parser of Kubernetes tells them.
 * @throws Status 400 for what can't be understood
 */
export function decodeConfiguration({ body }: HttpRequest): JsonBody {
  const text = textOf(body);
  const json = text.startsWith("{") ? jsonOf(text) : undefined;
  if (json !== undefined && json.duplicates.length === 0) return json;
  return yamlBody(body, "error encoding patch: ");
}

/** Undefined for what is no JSON, but may be YAML. */
function jsonOf(text: string): JsonBody | undefined {
  try {
    const read = readJson(text);
    return "problem" in read ? undefined : read;
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return undefined;
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/**
 * The parser takes time that grows with the tokens, and memory without bound for deep nesting: both are limited before.
 * @throws Status 400, and 413 above `YAML_BYTES_MAX` or `YAML_TOKENS_MAX`
 */
function parseYaml(bytes: Uint8Array, expected: ExpectedKind | undefined): JsonBody {
  const refusal = (why: string): Error =>
    expected === undefined ? badRequest(why) : unrecognized(expected, why, bytes);
  const { value, document, lines } = yamlDocument(bytes, refusal);
  return { value, duplicates: [], yamlProblems: duplicateKeys(document, lines) };
}

function yamlBody(bytes: Uint8Array, prefix: string): JsonBody {
  const { value, document, lines } = yamlDocument(bytes, (why) => badRequest(prefix + why));
  return { value, duplicates: duplicateKeys(document, lines) };
}

interface Yaml {
  readonly value: unknown;
  readonly document: Document;
  readonly lines: LineCounter;
}

function yamlDocument(bytes: Uint8Array, refusal: (why: string) => Error): Yaml {
  if (bytes.length > YAML_BYTES_MAX) throw requestEntityTooLarge(YAML_BYTES_MAX);
  const text = textOf(bytes);
  if (isYamlTooDeep(text)) throw refusal("yaml: exceeded max depth");
  refuseTooManyTokens(text);
  const lines = new LineCounter();
  try {
    // Also of a document that calls itself YAML 1.1, whose merge keys would copy maps into maps.
    const options = { schema: "core", merge: false, uniqueKeys: false, prettyErrors: false, customTags } as const;
    const document = parseDocument(text, { ...options, lineCounter: lines });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    refuseUnkeepable(document);
    const value = document.toJS({ maxAliasCount: YAML_ALIASES_MAX }) as unknown;
    if (jsonChars(value, YAML_JSON_CHARS_MAX) > YAML_JSON_CHARS_MAX) throw new Error(EXCESSIVE);
    return { value, document, lines };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw refusal(`yaml: ${error.message}`);
  }
}

/** @throws Status 413 */
function refuseTooManyTokens(text: string): void {
  // Each has a character, and most stand with two marks of the lexer's own.
  if (text.length < YAML_TOKENS_MAX / 2) return;
  let left = YAML_TOKENS_MAX;
  for (const _token of new Lexer().lex(text)) {
    if (left-- > 0) continue;
    const why = `YAML of more than ${YAML_TOKENS_MAX} tokens is not read; send it as JSON`;
    throw statusError(failure(413, "RequestEntityTooLarge", `Request entity too large: ${why}`));
  }
}

/** As Go's parser says it. */
const EXCESSIVE = "document contains excessive aliasing";

/** @throws when a key is a list or a map, which no JSON has, a number is one that can't be kept, or there are too many aliases */
function refuseUnkeepable(document: Document): void {
  let aliases = 0;
  let nodes = 0;
  visit(document, {
    Node: () => void nodes++,
    Alias: () => void aliases++,
  });
  if (aliases * nodes > YAML_LOOKS_MAX) throw new Error(EXCESSIVE);
  visit(document, {
    Scalar: (_key, { value, source = "" }) => {
      if (typeof value !== "number" || !/^[-+]?\d{16,19}$/.test(source)) return;
      const literal = source.replace(/^\+/, "");
      if (isInexact(literal)) throw new Error(inexact("number", literal));
    },
    Pair: (_key, { key }) => {
      if (isCollection(key)) throw new Error(`invalid map key: ${goKey(key.toJS(document, { mapAsMap: true }))}`);
    },
  });
}

/** As Go shows a value with its types. */
function goKey(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goKey).join(", ")}}`;
  if (!(value instanceof Map)) return value === null ? "interface {}(nil)" : JSON.stringify(value);
  const entries = Array.from(value, ([key, item]) => `${goKey(key)}:${goKey(item)}`).sort();
  return `map[interface {}]interface {}{${entries.join(", ")}}`;
}

/** As Kubernetes' YAML parser tells them: `line 1: key "a" already set in map`. */
function duplicateKeys(document: Document, lines: LineCounter): readonly string[] {
  const found: { readonly line: number; readonly text: string }[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const { line } = lines.linePos(key.range?.[0] ?? 0);
        const text = `line ${line}: key ${JSON.stringify(key.value)} already set in map`;
        if (seen.has(key.value)) found.push({ line, text });
        seen.add(key.value);
      }
    },
  });
  return found.sort((a, b) => a.line - b.line).map(({ text }) => text);
}

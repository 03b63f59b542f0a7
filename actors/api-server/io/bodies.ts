/** Request bodies: JSON, YAML or protobuf to JSON values. */
import type { Tags } from "yaml";
import { parseDocument } from "yaml";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import { isYamlTooDeep } from "../../../protocols/kubernetes/yaml-depth.ts";
import { GO_YAML_TAGS } from "../../../protocols/kubernetes/yaml-tags.ts";
import { decodeProtobuf, PROTOBUF_MEDIA_TYPE } from "../core/machinery/decode-protobuf.ts";
import type { ObjectForm } from "../core/catalog/form.ts";
import type { Decoded, ExpectedKind, FieldValidation } from "../core/machinery/decode-object.ts";
import type { JsonBody } from "../core/machinery/json.ts";
import { parseJson } from "../core/machinery/json.ts";
import { badRequest, requestEntityTooLarge, unsupportedMediaType } from "../core/machinery/status.ts";
import type { HttpRequest } from "./http-messages.ts";
import { header } from "./http-messages.ts";

const customTags = (tags: Tags): Tags => [...tags, ...GO_YAML_TAGS];

const MEDIA_TYPES = ["application/json", "application/yaml", PROTOBUF_MEDIA_TYPE];
/** Aliases in YAML can make a small text large. */
const YAML_ALIASES_MAX = 1_000;
/** Two seconds of parsing. kubectl and the client libraries send JSON or protobuf. */
const YAML_BYTES_MAX = 1_048_576;

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

function readBody(request: HttpRequest, expected: ExpectedKind): JsonBody {
  switch (mediaTypeOf(request)) {
    case "application/json":
    case "":
      return parseJson(textOf(request.body), expected);
    case "application/yaml":
      return parseYaml(request.body);
    case PROTOBUF_MEDIA_TYPE:
      return { value: decodeProtobuf(request.body), duplicates: [] };
    default:
      throw unsupportedMediaType(MEDIA_TYPES);
  }
}

/** A body that may be missing and need not be strict: DeleteOptions. */
export function decodeDeleteOptions(request: HttpRequest): Readonly<Record<string, unknown>> {
  if (request.body.length === 0) return {};
  const { value } = readBody(request, { apiVersion: "v1", kind: "DeleteOptions" });
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

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/**
 * The parser takes time that grows with the size, and memory without bound for deep nesting: both are limited before.
 * @throws Status 400, and 413 above `YAML_BYTES_MAX`
 */
function parseYaml(bytes: Uint8Array): JsonBody {
  if (bytes.length > YAML_BYTES_MAX) throw requestEntityTooLarge(YAML_BYTES_MAX);
  const text = textOf(bytes);
  if (isYamlTooDeep(text)) throw badRequest("error converting YAML to JSON: yaml: exceeded max depth");
  try {
    const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, customTags });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return { value: document.toJS({ maxAliasCount: YAML_ALIASES_MAX }) as unknown, duplicates: [] };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw badRequest(`error converting YAML to JSON: yaml: ${error.message}`);
  }
}

/**
 * OpenAPI v2, which clients before `/openapi/v3` read, and kubectl still where v3 has no answer. It says less than v3: no
 * defaults, no alternatives, no null. Each group's part is derived from its v3 documents; a document is the parts in one.
 */
import type { CatalogGroup } from "../catalog/catalog.ts";
import { versionDocument } from "./discovery.ts";
import type { Steps } from "../steps.ts";
import { JsonParts, openApiDocument } from "./openapi.ts";
import type { Json } from "./openapi-schemas.ts";
import { writeDefinition, writeFrame, writeParameter, writePath } from "./openapi-v2-protobuf.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

/** What clients ask for, and what is answered: the former is no media type that their own parsers take. */
const ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
export const OPENAPI_V2_MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

export const OPENAPI_V2_ASKED: readonly string[] = [OPENAPI_V2_MEDIA_TYPE, ASKED];

/** One path or definition, in both encodings. */
export interface Piece {
  readonly json: string;
  readonly protobuf: Uint8Array;
}

/** By name. */
type Pieces = ReadonlyMap<string, Piece>;

export interface OpenApiV2Part {
  readonly paths: Pieces;
  readonly definitions: Pieces;
  /** What several paths have in common; only other servers' documents have such. */
  readonly parameters?: Pieces;
}

/** Of the types that have a field table, and are the same wherever they are used. */
const BUILT_IN = /^io\.k8s\.(?:api\.\w+\.v|apimachinery\.pkg\.)/;

/** @param shared what other parts have in common with this one; it adds its own */
export function* openApiV2Part(
  { name, versions }: CatalogGroup,
  writer: ProtobufWriter,
  shared: Map<string, Piece>,
): Steps<OpenApiV2Part> {
  const paths = new Map<string, Piece>();
  const definitions = new Map<string, Piece>();
  for (const version of versions) {
    const document = openApiDocument(name, version);
    for (const [path, item] of Object.entries(document.paths)) {
      const value = pathItem(item);
      paths.set(path, pathPiece(writer, path, value));
      yield;
    }
    for (const [type, schema] of Object.entries(document.components.schemas ?? {})) {
      if (definitions.has(type)) continue;
      const known = shared.get(type);
      const value = known === undefined ? definition(schema) : undefined;
      yield;
      const piece = known ?? definitionPiece(writer, type, value ?? {});
      definitions.set(type, piece);
      if (known === undefined && BUILT_IN.test(type)) shared.set(type, piece);
    }
  }
  return { paths, definitions };
}

export function pathPiece(writer: ProtobufWriter, path: string, value: Json): Piece {
  return { json: member(path, value), protobuf: writePath(writer, path, value) };
}

export function definitionPiece(writer: ProtobufWriter, name: string, value: Json): Piece {
  return { json: member(name, value), protobuf: writeDefinition(writer, name, value) };
}

export function parameterPiece(writer: ProtobufWriter, name: string, value: Json): Piece {
  return { json: member(name, value), protobuf: writeParameter(writer, name, value) };
}

export function* openApiV2Json(parts: readonly OpenApiV2Part[]): Steps<Uint8Array> {
  const { info, securityDefinitions, security } = frame();
  const { paths, definitions, parameters } = yield* all(parts);
  const json = new JsonParts();
  const textOf = (piece: Piece): string => piece.json;
  json.add(`{"swagger":"2.0","info":${JSON.stringify(info)},"paths":`);
  yield* json.listed(paths, textOf);
  json.add(`,"definitions":`);
  yield* json.listed(definitions, textOf);
  if (parameters.length > 0) {
    json.add(`,"parameters":`);
    yield* json.listed(parameters, textOf);
  }
  json.add(`,"securityDefinitions":${JSON.stringify(securityDefinitions)},"security":${JSON.stringify(security)}}`);
  return json.finish();
}

export function* openApiV2Protobuf(parts: readonly OpenApiV2Part[]): Steps<Uint8Array> {
  const { paths, definitions, parameters } = yield* all(parts);
  const bytesOf = (pieces: readonly Piece[]): readonly Uint8Array[] => pieces.map(({ protobuf }) => protobuf);
  return writeFrame(frame(), bytesOf(paths), bytesOf(definitions), bytesOf(parameters));
}

function frame(): Json {
  const { gitVersion } = versionDocument() as { readonly gitVersion: string };
  return {
    info: { title: "Kubernetes", version: gitVersion },
    securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    security: [{ BearerToken: [] }],
  };
}

/** Types that several groups use are the same in each; the first one's is taken. */
function* all(parts: readonly OpenApiV2Part[]): Steps<{
  readonly paths: readonly Piece[];
  readonly definitions: readonly Piece[];
  readonly parameters: readonly Piece[];
}> {
  const merged = (pick: (part: OpenApiV2Part) => Pieces): readonly Piece[] => {
    const found = new Map<string, Piece>();
    for (const part of parts) for (const [name, piece] of pick(part)) if (!found.has(name)) found.set(name, piece);
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, piece]) => piece);
  };
  const paths = merged((part) => part.paths);
  yield;
  const definitions = merged((part) => part.definitions);
  yield;
  return { paths, definitions, parameters: merged(({ parameters = NONE }) => parameters) };
}

const NONE: Pieces = new Map();

function member(name: string, value: Json): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

interface ParameterV3 {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Json;
}

type ContentV3 = Readonly<Record<string, { readonly schema: Json }>>;

interface OperationV3 extends Readonly<Json> {
  readonly parameters?: readonly ParameterV3[];
  readonly requestBody?: { readonly required?: boolean; readonly content: ContentV3 };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: ContentV3 }>>;
}

function pathItem(item: Json): Json {
  const { parameters, ...methods } = item;
  const operations = Object.entries(methods).map(([method, value]) => [method, operation(value as OperationV3)]);
  return {
    ...Object.fromEntries(operations),
    parameters: (parameters as readonly ParameterV3[]).map(parameter),
  } as Json;
}

function parameter({ name, in: place, required, schema }: ParameterV3): Json {
  return { ...schema, name, in: place, ...(required === undefined ? {} : { required }) };
}

function operation({ parameters, requestBody, responses, ...rest }: OperationV3): Json {
  const bodies = Object.values(requestBody?.content ?? {});
  const body = bodies.map(({ schema }) => ({
    name: "body",
    in: "body",
    ...(requestBody?.required === undefined ? {} : { required: requestBody.required }),
    schema: definition(schema),
  }));
  const answers = Object.entries(responses).map(([code, { description, content }]) => {
    const [first] = Object.values(content ?? {});
    return [code, { description, ...(first === undefined ? {} : { schema: definition(first.schema) }) }];
  });
  const inputs = [...body.slice(0, 1), ...(parameters ?? []).map(parameter)];
  return {
    consumes: requestBody === undefined ? ["*/*"] : Object.keys(requestBody.content),
    produces: Object.keys(responses["200"]?.content ?? {}),
    schemes: ["https"],
    ...rest,
    ...(inputs.length === 0 ? {} : { parameters: inputs }),
    responses: Object.fromEntries(answers) as Json,
  };
}

/** What v2 has no word for. */
const V3_ONLY: ReadonlySet<string> = new Set(["default", "allOf", "anyOf", "oneOf", "not", "nullable"]);

/**
 * A schema of v3 in the words of v2. Old clients refuse a null, or a field that they do not know, against any structure at all:
 * where either may come, none is given. Source: apiextensions `pkg/controller/openapi/v2/conversion.go`.
 */
function definition(schema: Json): Json {
  const [only, second] = (schema["allOf"] ?? []) as readonly Json[];
  const base = only !== undefined && second === undefined && "$ref" in only ? { ...schema, ...only } : schema;
  const isOpen = schema["nullable"] === true || schema["x-kubernetes-preserve-unknown-fields"] === true;
  const result: Json = {};
  for (const [key, value] of Object.entries(base)) {
    if (V3_ONLY.has(key) || (isOpen && (key === "type" || key === "items" || key === "properties"))) continue;
    if (key === "$ref") result[key] = (value as string).replace("#/components/schemas/", "#/definitions/");
    else if (key === "properties") {
      const properties = Object.entries(value as Readonly<Record<string, Json>>);
      result[key] = Object.fromEntries(properties.map(([name, of]) => [name, definition(of)]));
    } else if ((key === "items" || key === "additionalProperties") && typeof value === "object" && value !== null) {
      result[key] = definition(value as Json);
    } else result[key] = value;
  }
  // The alternatives of these are a text in all clients that know v2.
  if (Array.isArray(schema["oneOf"]) && result["type"] === undefined) result["type"] = "string";
  return result;
}

/**
 * OpenAPI v3 as protobuf. Source: gnostic-models `openapiv3/OpenAPIv3.proto`; the numbers are those of its fields, and what is not
 * in a table here stands in no document of ours.
 */
import type { Member, Write } from "./openapi-messages.ts";
import { any, double, each, flag, integer, message, named, text, wrapped } from "./openapi-messages.ts";
import type { Steps } from "../steps.ts";
import type { OpenApiDocument } from "./openapi.ts";
import type { Json } from "./openapi-schemas.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

/** What clients ask for, and what is answered: the former is no media type that their own parsers take. */
const ASKED = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
export const OPENAPI_V3_MEDIA_TYPE = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";
export const OPENAPI_V3_ASKED: readonly string[] = [OPENAPI_V3_MEDIA_TYPE, ASKED];

const CAPACITY_BYTES = 262_144;

/** Messages without extensions have no number for them. */
const NONE = 0;

const reference = message(
  () => [
    ["$ref", 1, text],
    ["summary", 2, text],
    ["description", 3, text],
  ],
  NONE,
);

const plainSchema: Write = message(() => SCHEMA, 36);

/** A `SchemaOrReference`. */
function schema(writer: ProtobufWriter, number: number, value: unknown): void {
  const before = writer.length;
  if ((value as Json)["$ref"] === undefined) plainSchema(writer, 1, value);
  else reference(writer, 2, value);
  writer.lengthDelimited(number, before);
}

/** `true`, or what each further property is. */
function additional(writer: ProtobufWriter, number: number, value: unknown): void {
  const before = writer.length;
  if (typeof value === "boolean") flag(writer, 2, value);
  else schema(writer, 1, value);
  writer.lengthDelimited(number, before);
}

/** A `DefaultType`, which has a place for scalars alone: of a list or an object it says only that there is one. */
function defaultType(writer: ProtobufWriter, number: number, value: unknown): void {
  const before = writer.length;
  if (typeof value === "string") text(writer, 3, value);
  else if (typeof value === "boolean") flag(writer, 2, value);
  else if (typeof value === "number") double(writer, 1, value);
  writer.lengthDelimited(number, before);
}

const EXTERNAL_DOCS: readonly Member[] = [
  ["description", 1, text],
  ["url", 2, text],
];
const SCHEMA: readonly Member[] = [
  ["nullable", 1, flag],
  ["externalDocs", 6, message(() => EXTERNAL_DOCS, 3)],
  ["example", 7, any],
  ["title", 9, text],
  ["multipleOf", 10, double],
  ["maximum", 11, double],
  ["exclusiveMaximum", 12, flag],
  ["minimum", 13, double],
  ["exclusiveMinimum", 14, flag],
  ["maxLength", 15, integer],
  ["minLength", 16, integer],
  ["pattern", 17, text],
  ["maxItems", 18, integer],
  ["minItems", 19, integer],
  ["uniqueItems", 20, flag],
  ["maxProperties", 21, integer],
  ["minProperties", 22, integer],
  ["required", 23, each(text)],
  ["enum", 24, each(any)],
  ["type", 25, text],
  ["allOf", 26, each(schema)],
  ["oneOf", 27, each(schema)],
  ["anyOf", 28, each(schema)],
  ["not", 29, plainSchema],
  ["items", 30, wrapped(1, schema)],
  ["properties", 31, wrapped(1, named(schema))],
  ["additionalProperties", 32, additional],
  ["default", 33, defaultType],
  ["description", 34, text],
  ["format", 35, text],
];

/** A message that is alone in one that could hold a reference in its place. */
function own(members: readonly Member[], extensions: number): Write {
  return wrapped(
    1,
    message(() => members, extensions),
  );
}

const content = wrapped(1, named(message(() => [["schema", 1, schema]], 5)));
const parameter = own(
  [
    ["name", 1, text],
    ["in", 2, text],
    ["description", 3, text],
    ["required", 4, flag],
    ["schema", 10, schema],
  ],
  14,
);
const requestBody = own(
  [
    ["description", 1, text],
    ["content", 2, content],
    ["required", 3, flag],
  ],
  4,
);
const response = own(
  [
    ["description", 1, text],
    ["content", 3, content],
  ],
  5,
);
const OPERATION: readonly Member[] = [
  ["tags", 1, each(text)],
  ["description", 3, text],
  ["operationId", 5, text],
  ["parameters", 6, each(parameter)],
  ["requestBody", 7, requestBody],
  ["responses", 8, wrapped(2, named(response))],
  ["deprecated", 10, flag],
];
const operation = message(() => OPERATION, 13);
const PATH_ITEM: readonly Member[] = [
  ["description", 3, text],
  ["get", 4, operation],
  ["put", 5, operation],
  ["post", 6, operation],
  ["delete", 7, operation],
  ["patch", 10, operation],
  ["parameters", 13, each(parameter)],
];
const securityScheme = own(
  [
    ["type", 1, text],
    ["description", 2, text],
    ["name", 3, text],
    ["in", 4, text],
  ],
  9,
);
const SECURITY_SCHEMES: Write = wrapped(1, named(securityScheme));
const INFO: readonly Member[] = [
  ["title", 1, text],
  ["description", 2, text],
  ["version", 6, text],
];
const info = message(() => INFO, 7);
const pathItem = message(() => PATH_ITEM, 14);

export function* openApiV3Protobuf({ openapi, info: about, paths, components }: OpenApiDocument): Steps<Uint8Array> {
  const writer = new ProtobufWriter(CAPACITY_BYTES);
  const { schemas, securitySchemes } = components;
  if (securitySchemes !== undefined) SECURITY_SCHEMES(writer, 7, securitySchemes);
  if (schemas !== undefined) yield* writeNamed(writer, 1, schemas, schema);
  writer.lengthDelimited(5, 0);
  yield* writeNamed(writer, 4, paths, pathItem);
  info(writer, 2, about);
  writer.string(1, openapi);
  return writer.finish();
}

/** A message of named ones, one of them a piece. */
function* writeNamed(
  writer: ProtobufWriter,
  number: number,
  members: Readonly<Record<string, Json>>,
  write: Write,
): Steps<void> {
  const before = writer.length;
  const one = named(write);
  for (const name of Object.keys(members).toReversed()) {
    one(writer, 1, { [name]: members[name] });
    yield;
  }
  writer.lengthDelimited(number, before);
}

/**
 * OpenAPI v2 as protobuf, the form in which kubectl and client-go read it.
 * Source: gnostic-models `openapiv2/OpenAPIv2.proto`; the numbers are those of its fields.
 */
import type { Member, Write } from "./openapi-messages.ts";
import { any, double, each, flag, integer, message, named, text, wrapped } from "./openapi-messages.ts";
import type { Json } from "./openapi-schemas.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

const schema: Write = message(() => SCHEMA, 31);

/** `true`, or what each further property is. */
function additional(writer: ProtobufWriter, number: number, value: unknown): void {
  const before = writer.length;
  if (typeof value === "boolean") flag(writer, 2, value);
  else schema(writer, 1, value);
  writer.lengthDelimited(number, before);
}

const SCHEMA: readonly Member[] = [
  ["$ref", 1, text],
  ["format", 2, text],
  ["title", 3, text],
  ["description", 4, text],
  ["default", 5, any],
  ["multipleOf", 6, double],
  ["maximum", 7, double],
  ["exclusiveMaximum", 8, flag],
  ["minimum", 9, double],
  ["exclusiveMinimum", 10, flag],
  ["maxLength", 11, integer],
  ["minLength", 12, integer],
  ["pattern", 13, text],
  ["maxItems", 14, integer],
  ["minItems", 15, integer],
  ["uniqueItems", 16, flag],
  ["maxProperties", 17, integer],
  ["minProperties", 18, integer],
  ["required", 19, each(text)],
  ["enum", 20, each(any)],
  ["additionalProperties", 21, additional],
  ["type", 22, wrapped(1, each(text))],
  ["items", 23, wrapped(1, each(schema))],
  ["allOf", 24, each(schema)],
  ["properties", 25, wrapped(1, named(schema))],
  ["discriminator", 26, text],
  ["readOnly", 27, flag],
  ["example", 30, any],
];

const BODY: readonly Member[] = [
  ["description", 1, text],
  ["name", 2, text],
  ["in", 3, text],
  ["required", 4, flag],
  ["schema", 5, schema],
];
const IN_QUERY: readonly Member[] = [
  ["required", 1, flag],
  ["in", 2, text],
  ["description", 3, text],
  ["name", 4, text],
  ["type", 6, text],
  ["uniqueItems", 20, flag],
];
/** Those in a header are written with the same numbers. */
const IN_PATH: readonly Member[] = [
  ["required", 1, flag],
  ["in", 2, text],
  ["description", 3, text],
  ["name", 4, text],
  ["type", 5, text],
  ["uniqueItems", 19, flag],
];

const inBody = wrapped(
  1,
  message(() => BODY, 6),
);
const inQuery = wrapped(
  2,
  wrapped(
    3,
    message(() => IN_QUERY, 23),
  ),
);
const inPath = wrapped(
  2,
  wrapped(
    4,
    message(() => IN_PATH, 22),
  ),
);

const inHeader = wrapped(
  2,
  wrapped(
    1,
    message(() => IN_PATH, 22),
  ),
);

/** A `Parameter`, and in it one of its kinds. */
function parameter(writer: ProtobufWriter, number: number, value: unknown): void {
  const { in: place } = value as { readonly in: string };
  const write = place === "body" ? inBody : place === "path" ? inPath : place === "header" ? inHeader : inQuery;
  write(writer, number, value);
}

const reference = wrapped(1, text);

/** A `ParametersItem`: a parameter, or where it is. */
function parameterItem(writer: ProtobufWriter, number: number, value: unknown): void {
  const before = writer.length;
  const { $ref } = value as { readonly $ref?: string };
  if ($ref === undefined) parameter(writer, 1, value);
  else reference(writer, 2, $ref);
  writer.lengthDelimited(number, before);
}

const RESPONSE: readonly Member[] = [
  ["description", 1, text],
  ["schema", 2, wrapped(1, schema)],
];
const OPERATION: readonly Member[] = [
  ["tags", 1, each(text)],
  ["summary", 2, text],
  ["description", 3, text],
  ["operationId", 5, text],
  ["produces", 6, each(text)],
  ["consumes", 7, each(text)],
  ["parameters", 8, each(parameterItem)],
  [
    "responses",
    9,
    wrapped(
      1,
      named(
        wrapped(
          1,
          message(() => RESPONSE, 5),
        ),
      ),
    ),
  ],
  ["schemes", 10, each(text)],
  ["deprecated", 11, flag],
];
const operation = message(() => OPERATION, 13);
const PATH_ITEM: readonly Member[] = [
  ["get", 2, operation],
  ["put", 3, operation],
  ["post", 4, operation],
  ["delete", 5, operation],
  ["options", 6, operation],
  ["head", 7, operation],
  ["patch", 8, operation],
  ["parameters", 9, each(parameterItem)],
];
const INFO: readonly Member[] = [
  ["title", 1, text],
  ["version", 2, text],
];
const API_KEY: readonly Member[] = [
  ["type", 1, text],
  ["name", 2, text],
  ["in", 3, text],
];
const FRAME: readonly Member[] = [
  ["security", 12, each(wrapped(1, named(wrapped(1, each(text)))))],
  [
    "securityDefinitions",
    13,
    wrapped(
      1,
      named(
        wrapped(
          2,
          message(() => API_KEY, 5),
        ),
      ),
    ),
  ],
];

/** A `NamedPathItem`, as `Paths` holds it. */
export function writePath(writer: ProtobufWriter, name: string, item: Json): Uint8Array {
  writer.clear();
  named(message(() => PATH_ITEM, 10))(writer, 2, { [name]: item });
  return writer.finish();
}

/** A `NamedSchema`, as `Definitions` holds it. */
export function writeDefinition(writer: ProtobufWriter, name: string, value: Json): Uint8Array {
  writer.clear();
  named(schema)(writer, 1, { [name]: value });
  return writer.finish();
}

/** A `NamedParameter`, as `ParameterDefinitions` holds it. */
export function writeParameter(writer: ProtobufWriter, name: string, value: Json): Uint8Array {
  writer.clear();
  named(parameter)(writer, 1, { [name]: value });
  return writer.finish();
}

/** The `Document` around what is written already. */
export function writeFrame(
  frame: Json,
  paths: readonly Uint8Array[],
  definitions: readonly Uint8Array[],
  parameters: readonly Uint8Array[],
): Uint8Array {
  const all = [...paths, ...definitions, ...parameters];
  const writer = new ProtobufWriter(all.reduce((sum, { length }) => sum + length, 4_096));
  for (const [name, number, write] of FRAME.toReversed()) write(writer, number, frame[name]);
  for (const [number, pieces] of [[10, parameters] as const, [9, definitions] as const, [8, paths] as const]) {
    if (pieces.length === 0) continue;
    const before = writer.length;
    for (let i = pieces.length - 1; i >= 0; i--) writer.raw(pieces[i] as Uint8Array);
    writer.lengthDelimited(number, before);
  }
  message(() => INFO, 7)(writer, 2, frame["info"]);
  writer.string(1, "2.0");
  return writer.finish();
}

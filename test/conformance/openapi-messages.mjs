// Reads OpenAPI v3 that was written as protobuf, by a table of its own: message, then `number name type` of its fields.
// Source: gnostic-models `openapiv3/OpenAPIv3.proto`. What no document of an API server has is not here, and is refused.
const MESSAGES = new Map(
  `
AdditionalPropertiesItem 1 schema SchemaOrReference, 2 boolean bool
Any 2 yaml string
Components 1 schemas Schemas, 7 securitySchemes SecuritySchemes
DefaultType 1 number double, 2 boolean bool, 3 string string
Document 1 openapi string, 2 info Info, 4 paths Paths, 5 components Components
ExternalDocs 1 description string, 2 url string
Info 1 title string, 2 description string, 6 version string
ItemsItem 1 schema []SchemaOrReference
MediaType 1 schema SchemaOrReference
MediaTypes 1 named []NamedMediaType
NamedAny 1 name string, 2 value Any
NamedMediaType 1 name string, 2 value MediaType
NamedPathItem 1 name string, 2 value PathItem
NamedResponse 1 name string, 2 value ResponseOrReference
NamedSchema 1 name string, 2 value SchemaOrReference
NamedSecurityScheme 1 name string, 2 value SecuritySchemeOrReference
Operation 1 tags []string, 3 description string, 5 operationId string, 6 parameters []ParameterOrReference, 7 requestBody RequestBodyOrReference, 8 responses Responses, 10 deprecated bool, 13 extensions []NamedAny
Parameter 1 name string, 2 in string, 3 description string, 4 required bool, 10 schema SchemaOrReference
ParameterOrReference 1 parameter Parameter
PathItem 3 description string, 4 get Operation, 5 put Operation, 6 post Operation, 7 delete Operation, 8 options Operation, 9 head Operation, 10 patch Operation, 13 parameters []ParameterOrReference
Paths 1 path []NamedPathItem
Properties 1 named []NamedSchema
Reference 1 ref string, 2 summary string, 3 description string
RequestBody 1 description string, 2 content MediaTypes, 3 required bool
RequestBodyOrReference 1 requestBody RequestBody
Response 1 description string, 3 content MediaTypes
ResponseOrReference 1 response Response
Responses 2 named []NamedResponse
Schema 1 nullable bool, 6 externalDocs ExternalDocs, 7 example Any, 9 title string, 10 multipleOf double, 11 maximum double, 12 exclusiveMaximum bool, 13 minimum double, 14 exclusiveMinimum bool, 15 maxLength int, 16 minLength int, 17 pattern string, 18 maxItems int, 19 minItems int, 20 uniqueItems bool, 21 maxProperties int, 22 minProperties int, 23 required []string, 24 enum []Any, 25 type string, 26 allOf []SchemaOrReference, 27 oneOf []SchemaOrReference, 28 anyOf []SchemaOrReference, 29 not Schema, 30 items ItemsItem, 31 properties Properties, 32 additionalProperties AdditionalPropertiesItem, 33 default DefaultType, 34 description string, 35 format string, 36 extensions []NamedAny
SchemaOrReference 1 schema Schema, 2 reference Reference
Schemas 1 named []NamedSchema
SecurityScheme 1 type string, 2 description string, 3 name string, 4 in string
SecuritySchemeOrReference 1 scheme SecurityScheme
SecuritySchemes 1 named []NamedSecurityScheme
`
    .trim()
    .split("\n")
    .map((line) => {
      const [name, rest] = line.split(/ (.*)/);
      const fields = rest.split(", ").map((field) => field.split(" "));
      return [name, new Map(fields.map(([number, own, type]) => [Number(number), { own, type }]))];
    }),
);

/** @param {Uint8Array} bytes @param {(text: string) => unknown} yaml what an `Any` says @returns {unknown} fields by name */
export function decodeOpenApiV3(bytes, yaml) {
  return message("Document", bytes, yaml);
}

function message(name, bytes, yaml) {
  const fields = MESSAGES.get(name);
  const found = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = fields.get(tag >> 3);
    if (field === undefined) throw new Error(`${name} has a field ${tag >> 3}`);
    const { own, type } = field;
    const isList = type.startsWith("[]");
    let value;
    if ((tag & 7) === 0) value = type === "bool" ? varint() === 1 : varint();
    else if ((tag & 7) === 1) {
      value = view.getFloat64(at, true);
      at += 8;
    } else {
      const length = varint();
      const part = bytes.subarray(at, at + length);
      at += length;
      const of = isList ? type.slice(2) : type;
      value = of === "string" ? new TextDecoder().decode(part) : message(of, part, yaml);
    }
    if (isList) (found[own] ??= []).push(value);
    else found[own] = value;
  }
  return name === "Any" ? yaml(found.yaml) : found;
}

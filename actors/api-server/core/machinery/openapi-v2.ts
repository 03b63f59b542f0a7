/**
 * `/openapi/v2` as protobuf, the only form that kubectl reads: a document without definitions. kubectl asks for it where v3
 * has no answer for it, for a `kind: List` and for kinds that are not served. What it finds no definition of it lets through,
 * to be validated here, or to be told by discovery that there is no such kind.
 * Source: gnostic `openapiv2/OpenAPIv2.proto`, message Document.
 */
import { versionDocument } from "./discovery.ts";

/** What clients ask for, and what is answered: the former is no media type that their own parsers take. */
const ASKED = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
export const OPENAPI_V2_MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

export function acceptsOpenApiV2(accept: string): boolean {
  return [ASKED, OPENAPI_V2_MEDIA_TYPE].some((type) => accept.includes(type));
}

const encoder = new TextEncoder();
const LENGTH_DELIMITED = 2;

/** Numbers of the fields in the messages Document and Info. */
const SWAGGER = 1;
const INFO = 2;
const PATHS = 8;
const TITLE = 1;
const VERSION = 2;

export function openApiV2(): Uint8Array {
  const { gitVersion } = versionDocument() as { readonly gitVersion: string };
  const info = [...field(TITLE, encoder.encode("Kubernetes")), ...field(VERSION, encoder.encode(gitVersion))];
  return Uint8Array.from([...field(SWAGGER, encoder.encode("2.0")), ...field(INFO, info), ...field(PATHS, [])]);
}

/** A field of fewer than 128 bytes. */
function field(number: number, bytes: ArrayLike<number>): readonly number[] {
  return [(number << 3) | LENGTH_DELIMITED, bytes.length, ...Array.from(bytes)];
}

/**
 * What objects of a custom resource look like, as its schema says.
 * Source: apiextensions-apiserver `apiserver/customresource_handler.go`, `apiserver/schema/objectmeta`.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { ObjectForm } from "../catalog/form.ts";
import type { Decoded, FieldValidation } from "../machinery/decode-object.ts";
import {
  decodeMetadata,
  handledAs,
  protoKeyAt,
  recordIn,
  unkeepableKey,
  unrecognized,
  yamlProblemsOf,
} from "../machinery/decode-object.ts";
import type { JsonBody } from "../machinery/json.ts";
import type { JsonObject } from "../machinery/json-value.ts";
import { isJsonObject, setOwn } from "../machinery/json-value.ts";
import { badRequest } from "../machinery/status.ts";
import { goJson } from "../machinery/go-text.ts";
import { CreatedFields } from "../managed-fields/created-fields.ts";
import { childPath, dropNulls, prune, setDefaults } from "./pruning.ts";
import type { Schema } from "./schema.ts";
import { ANY, schemaAt } from "./schema.ts";
import type { SchemasByVersion, VersionSchema } from "./version-schema.ts";

/** Strategic merge patches need merge keys of Go types: custom resources have none. */
export function customForm(info: ResourceInfo, schema: VersionSchema, schemas: SchemasByVersion): ObjectForm {
  const { apiVersion, kind } = info;
  return {
    apiVersion,
    kind,
    type: undefined,
    get structure() {
      return schema.structure;
    },
    empty: { apiVersion, kind },
    created: new CreatedFields(),
    decode: (body, fieldValidation) => decode(info, schema.root, schemas, body, fieldValidation),
  };
}

/**
 * What somebody else than a client has made, without what the schema does not know.
 * @throws Status 400 for an embedded object of a wrong form
 */
export function coerced(info: ResourceInfo, schema: Schema, object: KubernetesObject): KubernetesObject {
  const { value } = prune(object as unknown as JsonObject, schema, true);
  dropNulls(value, schema);
  coerceEmbedded(info, value, schema);
  return value as unknown as KubernetesObject;
}

/** What says that it is of another kind is left for the validation to refuse, and what is of another version for its caller. */
function decode(
  info: ResourceInfo,
  schema: Schema,
  schemas: SchemasByVersion,
  body: JsonBody,
  fieldValidation: FieldValidation,
): Decoded {
  const value = recordIn(info, body);
  const { source = JSON.stringify(value) } = body;
  const textOf = (field: string): string => textIn(info, value, field, source);
  const [kind, apiVersion] = [textOf("kind"), textOf("apiVersion")];
  if (kind === "") throw unrecognized(info, `Object 'Kind' is missing in '${source}'`, source);
  const proto = protoKeyAt(value);
  if (proto !== undefined) throw badRequest(`${handledAs(info)}${unkeepableKey(proto)}`);
  const metadata = Object.hasOwn(value, "metadata") ? decodeMetadata(value["metadata"]) : undefined;
  if (metadata?.error !== undefined) throw badRequest(`${handledAs(info)}${metadata.error}`);

  const pruned = prune(value as JsonObject, schema, true);
  dropNulls(pruned.value, schema);
  const embedded = coerceEmbedded(info, pruned.value, schema);
  setDefaults(pruned.value, schema);
  const isOwn = apiVersion === info.apiVersion && kind === info.kind;
  const unknown = isOwn ? pruned.unknown : unknownElsewhere(info, schemas, value as JsonObject);
  const isStrict = fieldValidation === "Strict";
  const strict = [
    ...yamlProblemsOf(body, isStrict),
    ...body.duplicates.map((path) => `duplicate field "${path}"`),
    ...[...(metadata?.unknown.map((path) => `metadata.${path}`) ?? []), ...unknown, ...embedded].map(
      (path) => `unknown field "${path}"`,
    ),
  ];
  if (isStrict && strict.length > 0) {
    const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
    const head = `${kind} in version "${version}" cannot be handled as a ${info.kind}: `;
    throw badRequest(`${head}strict decoding error: ${strict.join(", ")}`);
  }
  const head = { apiVersion, kind, ...(metadata === undefined ? {} : { metadata: metadata.metadata }) };
  return {
    object: { ...pruned.value, ...head } as KubernetesObject,
    warnings: fieldValidation === "Warn" ? strict : [],
  };
}

/** Of an object of another version of the kind, in which everything is unknown when there is no such version. Of other kinds nothing is known. */
function unknownElsewhere(info: ResourceInfo, schemas: SchemasByVersion, value: JsonObject): readonly string[] {
  const { apiVersion, kind } = value as { readonly apiVersion?: string; readonly kind?: string };
  if (kind !== info.kind || apiVersion?.startsWith(`${info.group}/`) !== true) return [];
  const schema = schemas.get(apiVersion.slice(info.group.length + 1));
  return prune(value, schema?.root ?? ANY, true).unknown;
}

function textIn(info: ResourceInfo, value: Readonly<Record<string, unknown>>, field: string, source: string): string {
  const text = Object.hasOwn(value, field) ? value[field] : undefined;
  if (text === undefined || text === null) return "";
  if (typeof text === "string") return text;
  const type = Array.isArray(text) ? "array" : typeof text === "boolean" ? "bool" : typeof text;
  const why = `json: cannot unmarshal ${type} into Go struct field .${field} of type string`;
  throw unrecognized(info, `couldn't get version/kind; json parse error: ${why}`, source);
}

/**
 * Brings the metadata of embedded objects into form. Changes the value at hand.
 * @returns the unknown fields that were left out of them, in order
 * @throws Status 400
 */
function coerceEmbedded(info: ResourceInfo, value: JsonObject, schema: Schema): readonly string[] {
  const unknown: string[] = [];
  const refuse = (path: string, bad: unknown, why: string): never => {
    throw badRequest(`${handledAs(info)}${path}: Invalid value: ${goJson(bad)}: ${why}`);
  };
  const walk = (at: unknown, one: Schema | undefined, path: string): void => {
    if (one?.has.embedded !== true) return;
    if (Array.isArray(at)) for (const [i, item] of at.entries()) walk(item, one.items, childPath(path, i));
    if (!isJsonObject(at)) return;
    for (const key of Object.keys(at)) {
      const item = at[key];
      const place = childPath(path, key);
      if (one.embedded && (key === "apiVersion" || key === "kind") && typeof item !== "string") {
        refuse(place, item, "must be a string");
      }
      if (one.embedded && key === "metadata") {
        const decoded = decodeMetadata(item);
        if (decoded.error !== undefined) refuse(place, item, decoded.error);
        unknown.push(...decoded.unknown.map((below) => `${place}.${below}`));
        setOwn(at, key, decoded.metadata);
      } else walk(item, schemaAt(one, key), place);
    }
  };
  walk(value, schema, "");
  return unknown.sort();
}

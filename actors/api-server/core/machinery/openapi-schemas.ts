/**
 * The components of an OpenAPI v3 document: what objects look like, from their field tables, or from the schema that a
 * CustomResourceDefinition brings. What is not in `descriptions.ts` has no description: `kubectl explain` prints `<empty>`.
 */
import type { Field, FieldType, Scalar, TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { Served } from "../catalog/catalog.ts";
import { describedName, descriptions } from "./descriptions.ts";

export type Json = Record<string, unknown>;

export interface GroupVersionKind {
  readonly group: string;
  readonly kind: string;
  readonly version: string;
}

const OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

export function kindOf(apiVersion: string, kind: string): GroupVersionKind {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return { group, kind, version };
}

/** Scalars that are always written have their zero value as a default. */
function zeroDefault(type: FieldType): Json {
  if (type.is !== "scalar") return {};
  switch (type.scalar) {
    case "string":
      return { default: "" };
    case "bool":
      return { default: false };
    case "int32":
    case "int64":
    case "float64":
      return { default: 0 };
    case "bytes":
    case "Time":
    case "MicroTime":
    case "Duration":
    case "Quantity":
    case "IntOrString":
    case "FieldsV1":
    case "RawExtension":
    case "JSON":
      return {};
  }
}

/** Types are added as they are referred to. */
export class Schemas {
  readonly #schemas = new Map<string, Json>();
  readonly #pending: TypeRef[] = [];
  readonly #descriptions = descriptions();

  /** By name, in its order. */
  finish(): Json {
    for (let type = this.#pending.pop(); type !== undefined; type = this.#pending.pop()) this.#type(type);
    return inOrder(Object.fromEntries(this.#schemas));
  }

  /** Of a resource's own kind. */
  served(served: Served): Json {
    const { type } = served.form;
    return type === undefined ? this.#custom(served) : this.#ref(type);
  }

  /** Of a kind that has a field table. */
  kind(apiVersion: string, kind: string): Json {
    const type = findType(apiVersion, kind);
    if (type === undefined) throw new Error(`no schema for ${apiVersion} ${kind}`);
    return this.#ref(type);
  }

  /** An object that has nothing but texts. @param optional those that may be left out */
  texts(name: string, fields: readonly string[], optional: readonly string[]): Json {
    const always = fields.map((field) => [field, { type: "string", default: "" }] as const);
    const other = optional.map((field) => [field, { type: "string" }] as const);
    const properties = inOrder(Object.fromEntries([...always, ...other]));
    this.#schemas.set(name, { type: "object", required: fields, properties });
    return refTo(name);
  }

  list(served: Served): Json {
    const { apiVersion, kind } = served.info;
    const name = `${this.#nameOf(served)}List`;
    this.#schemas.set(name, {
      type: "object",
      required: ["items"],
      properties: {
        apiVersion: { type: "string" },
        items: { type: "array", items: this.served(served) },
        kind: { type: "string" },
        metadata: { default: {}, allOf: [this.meta("ListMeta")] },
      },
      "x-kubernetes-group-version-kind": [kindOf(apiVersion, `${kind}List`)],
    });
    return refTo(name);
  }

  meta(name: string): Json {
    const type = findType("meta.k8s.io/v1", name);
    if (type === undefined) throw new Error(`no schema for ${name}`);
    return this.#ref(type);
  }

  /** Source: apiextensions `pkg/controller/openapi/builder`: `com.example.v1.Widget`. */
  #nameOf({ info, form }: Served): string {
    const { kind, group, version } = info;
    return form.type?.openApiName ?? `${group.split(".").reverse().join(".")}.${version}.${kind}`;
  }

  /** Its schema, with what every object has. */
  #custom(served: Served): Json {
    const { apiVersion, kind } = served.info;
    const schema = served.openApiSchema ?? {};
    const name = this.#nameOf(served);
    this.meta("ObjectMeta");
    this.#schemas.set(name, {
      ...schema,
      type: "object",
      properties: {
        ...(schema["properties"] as Json | undefined),
        apiVersion: { type: "string" },
        kind: { type: "string" },
        metadata: { allOf: [refTo(OBJECT_META)] },
      },
      "x-kubernetes-group-version-kind": [kindOf(apiVersion, kind)],
    });
    return refTo(name);
  }

  #ref(type: TypeRef): Json {
    if (!this.#schemas.has(type.openApiName)) {
      this.#schemas.set(type.openApiName, {});
      this.#pending.push(type);
    }
    return refTo(type.openApiName);
  }

  #type(type: TypeRef): void {
    const fields = [...type.fields.values()];
    const properties: Json = {};
    if (type.isKind) {
      properties["apiVersion"] = { description: "Group and version that the object is written in.", type: "string" };
      properties["kind"] = { description: "What the object is. It can't be changed.", type: "string" };
    }
    const name = describedName(type.openApiName);
    for (const field of fields) {
      properties[field.name] = { ...this.#described(`${name}.${field.name}`), ...this.#property(field) };
    }
    const required = fields.filter((field) => field.required).map((field) => field.name);
    // The kinds of meta.k8s.io are of every version; documents name the first.
    const apiVersion = type.apiVersion === "meta.k8s.io/v1" ? "v1" : type.apiVersion;
    this.#schemas.set(type.openApiName, {
      ...this.#described(name),
      type: "object",
      ...(required.length === 0 ? {} : { required: required.sort() }),
      ...(Object.keys(properties).length === 0 ? {} : { properties: inOrder(properties) }),
      ...(type.atomic ? { "x-kubernetes-map-type": "atomic" } : {}),
      ...(type.isKind ? { "x-kubernetes-group-version-kind": [kindOf(apiVersion, type.name)] } : {}),
    });
  }

  #described(name: string): Json {
    const description = this.#descriptions.get(name);
    return description === undefined ? {} : { description };
  }

  #property(field: Field): Json {
    const strategy = field.patchStrategies.join(",");
    return {
      ...this.#fieldType(field.type, !field.pointer),
      ...(field.omitEmpty || field.pointer ? {} : zeroDefault(field.type)),
      ...(field.default === undefined ? {} : { default: field.default }),
      ...(field.mapType === undefined ? {} : { "x-kubernetes-map-type": field.mapType }),
      ...(field.listMapKeys.length === 0 ? {} : { "x-kubernetes-list-map-keys": field.listMapKeys }),
      ...(field.listType === undefined ? {} : { "x-kubernetes-list-type": field.listType }),
      ...(field.mergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": field.mergeKey }),
      ...(strategy === "" ? {} : { "x-kubernetes-patch-strategy": strategy }),
    };
  }

  /** `hasDefault`: an object that is always there has the default `{}`. */
  #fieldType(type: FieldType, hasDefault: boolean): Json {
    switch (type.is) {
      case "object":
        return { ...(hasDefault ? { default: {} } : {}), allOf: [this.#ref(type.type)] };
      case "list":
        return { type: "array", items: this.#element(type.of) };
      case "map":
        return { type: "object", additionalProperties: this.#element(type.of) };
      case "scalar":
        return type.values === undefined
          ? this.#scalar(type.scalar)
          : { type: "string", enum: [...type.values].sort() };
      case "either":
        return this.#any(type.openApiName);
    }
  }

  #element(type: FieldType): Json {
    if (type.is === "object") return this.#ref(type.type);
    const schema = this.#fieldType(type, true);
    return Array.isArray(schema["allOf"]) ? (schema["allOf"][0] as Json) : schema;
  }

  /** Types of which Kubernetes' documents have a component of their own; kubectl prints its name. */
  #named(name: string, schema: Json): Json {
    const full = `io.k8s.apimachinery.pkg.${name}`;
    if (!this.#schemas.has(full)) this.#schemas.set(full, schema);
    return { allOf: [refTo(full)] };
  }

  /** Kubernetes' documents say nothing of what such a value looks like. */
  #any(full: string): Json {
    if (!this.#schemas.has(full)) this.#schemas.set(full, {});
    return { allOf: [refTo(full)] };
  }

  #scalar(scalar: Scalar): Json {
    switch (scalar) {
      case "string":
        return { type: "string" };
      case "bool":
        return { type: "boolean" };
      case "int32":
      case "int64":
        return { type: "integer", format: scalar };
      case "float64":
        return { type: "number", format: "double" };
      case "bytes":
        return { type: "string", format: "byte" };
      case "Time":
        return this.#named("apis.meta.v1.Time", { type: "string", format: "date-time" });
      case "MicroTime":
        return this.#named("apis.meta.v1.MicroTime", { type: "string", format: "date-time" });
      case "Duration":
        return this.#named("apis.meta.v1.Duration", { type: "string" });
      case "Quantity":
        return this.#named("api.resource.Quantity", { oneOf: [{ type: "string" }, { type: "number" }] });
      case "IntOrString":
        return this.#named("util.intstr.IntOrString", {
          format: "int-or-string",
          oneOf: [{ type: "integer" }, { type: "string" }],
        });
      case "FieldsV1":
        return this.#named("apis.meta.v1.FieldsV1", { type: "object" });
      case "RawExtension":
        return this.#named("runtime.RawExtension", { type: "object" });
      case "JSON":
        return this.#any("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON");
    }
  }
}

function refTo(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function inOrder(members: Json): Json {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
}

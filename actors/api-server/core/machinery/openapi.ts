/**
 * OpenAPI v3 of what is served, derived from the schema and the catalog. The bytes are the same in every process of one build,
 * so clients may cache them by the hash in the index.
 * What clients read from it: `fieldValidation` on PATCH, the media types that PATCH takes, kinds, fields, merge keys.
 */
import type { ResourceInfo, SubresourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import type { Field, FieldType, Scalar, TypeRef } from "../../../../protocols/kubernetes/schema/schema.ts";
import { findType } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { Catalog, CatalogGroup } from "../catalog/catalog.ts";
import { versionDocument } from "./discovery.ts";

const encoder = new TextEncoder();

/** Where the document of a group and version is, below `/openapi/v3/`. */
function pathOf(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

/** `/openapi/v3`. `documentsOf` makes, or knows, those of a group. */
export function openApiIndex(
  catalog: Catalog,
  documentsOf: (group: CatalogGroup) => ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const paths: Record<string, unknown> = {};
  for (const group of catalog.groups.values()) {
    for (const [version, bytes] of documentsOf(group)) {
      const path = pathOf(group.name, version);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash(bytes)}` };
    }
  }
  return encoder.encode(JSON.stringify({ paths }));
}

/** FNV-1a over the bytes, twice with different seeds, as 16 hexadecimal digits in capitals. */
function hash(bytes: Uint8Array): string {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000193);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0").toUpperCase()).join("");
}

/** The documents of a group by version: `/openapi/v3/api/v1` is "v1" of "", `/openapi/v3/apis/apps/v1` is "v1" of "apps". */
export function openApiDocuments({ name, versions }: CatalogGroup): ReadonlyMap<string, Uint8Array> {
  return new Map(
    versions.map(({ version, resources }) => {
      const rows = resources.flatMap(({ info, openApiSchema }) => (openApiSchema === undefined ? [info] : []));
      return [version, encoder.encode(JSON.stringify(new Document(pathOf(name, version), rows).build()))];
    }),
  );
}

type Json = Record<string, unknown>;

interface GroupVersionKind {
  readonly group: string;
  readonly kind: string;
  readonly version: string;
}

const MEDIA_TYPES = ["application/json", "application/yaml"];
const PATCH_MEDIA_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

function query(name: string, type: "string" | "integer" | "boolean" = "string"): Json {
  return { name, in: "query", schema: { type, uniqueItems: true } };
}

function inPath(name: string): Json {
  return { name, in: "path", required: true, schema: { type: "string", uniqueItems: true } };
}

const WRITE_PARAMETERS = [query("dryRun"), query("fieldManager"), query("fieldValidation")];
const DELETE_PARAMETERS = [query("dryRun"), query("gracePeriodSeconds", "integer"), query("propagationPolicy")];
const LIST_PARAMETERS = [
  query("allowWatchBookmarks", "boolean"),
  query("continue"),
  query("fieldSelector"),
  query("labelSelector"),
  query("limit", "integer"),
  query("resourceVersion"),
  query("resourceVersionMatch"),
  query("sendInitialEvents", "boolean"),
  query("timeoutSeconds", "integer"),
  query("watch", "boolean"),
];

const VERB_METHODS: Readonly<Record<string, string>> = {
  get: "get",
  update: "put",
  patch: "patch",
  delete: "delete",
};

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
    case "Quantity":
    case "IntOrString":
    case "FieldsV1":
    case "RawExtension":
    case "JSON":
      return {};
  }
}

/** One document under construction: types are added as they are referred to. */
class Document {
  readonly #path: string;
  readonly #rows: readonly ResourceInfo[];
  readonly #schemas = new Map<string, Json>();
  readonly #pending: TypeRef[] = [];

  constructor(path: string, rows: readonly ResourceInfo[]) {
    this.#path = path;
    this.#rows = rows;
  }

  build(): Json {
    const paths: Json = {};
    for (const row of this.#rows) this.#resource(row, paths);
    for (let type = this.#pending.pop(); type !== undefined; type = this.#pending.pop()) this.#type(type);
    const names = [...this.#schemas.keys()].sort();
    const { gitVersion } = versionDocument() as { readonly gitVersion: string };
    return {
      openapi: "3.0.0",
      info: { title: "Kubernetes", version: gitVersion },
      paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
      components: {
        schemas: Object.fromEntries(names.map((name) => [name, this.#schemas.get(name)])),
        securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
      },
    };
  }

  #resource(row: ResourceInfo, paths: Json): void {
    const root = `/${this.#path}`;
    const scoped = row.namespaced ? `${root}/namespaces/{namespace}` : root;
    const scope = row.namespaced ? [inPath("namespace")] : [];
    const gvk = { group: row.group, kind: row.kind, version: row.version };
    const type = findType(row.apiVersion, row.kind);
    if (type === undefined) throw new Error(`no schema for ${row.apiVersion} ${row.kind}`);
    this.#kind(type, gvk);
    const collection: Json = {};
    if (row.verbs.includes("list")) collection["get"] = this.#list(row, type, gvk);
    if (row.verbs.includes("create")) collection["post"] = this.#write("post", type, gvk);
    if (row.verbs.includes("deletecollection")) {
      const parameters = [...DELETE_PARAMETERS, ...LIST_PARAMETERS];
      collection["delete"] = this.#operation("deletecollection", gvk, this.#status(), { parameters });
    }
    paths[`${scoped}/${row.resource}`] = { ...collection, ...(scope.length === 0 ? {} : { parameters: scope }) };
    if (row.namespaced && row.verbs.includes("list")) {
      paths[`${root}/${row.resource}`] = { get: this.#list(row, type, gvk) };
    }
    const item = this.#item(row.verbs, type, gvk);
    const name = [inPath("name"), ...scope];
    if (Object.keys(item).length > 0) paths[`${scoped}/${row.resource}/{name}`] = { ...item, parameters: name };
    for (const sub of row.subresources) {
      const path = `${scoped}/${row.resource}/{name}/${sub.name}`;
      paths[path] = { ...this.#subresource(row, sub), parameters: name };
    }
  }

  #subresource(row: ResourceInfo, sub: SubresourceInfo): Json {
    const apiVersion = sub.apiVersion ?? row.apiVersion;
    const [version = "", group = ""] = apiVersion.split("/").reverse();
    const gvk = { group, kind: sub.kind, version };
    const type = findType(apiVersion, sub.kind);
    if (type === undefined) throw new Error(`no schema for ${apiVersion} ${sub.kind}`);
    this.#kind(type, gvk);
    const item = this.#item(sub.verbs, type, gvk);
    return sub.verbs.includes("create") ? { ...item, post: this.#write("post", type, gvk) } : item;
  }

  #item(verbs: readonly string[], type: TypeRef, gvk: GroupVersionKind): Json {
    const item: Json = {};
    for (const verb of Object.keys(VERB_METHODS)) {
      if (!verbs.includes(verb)) continue;
      const method = VERB_METHODS[verb] ?? verb;
      if (verb === "get") item[method] = this.#operation("get", gvk, this.#ref(type), {});
      else if (verb === "delete") {
        const body = { content: { "*/*": { schema: this.#metaRef("DeleteOptions") } } };
        item[method] = this.#operation("delete", gvk, this.#status(), {
          parameters: DELETE_PARAMETERS,
          requestBody: body,
        });
      } else item[method] = this.#write(verb === "patch" ? "patch" : "put", type, gvk);
    }
    return item;
  }

  #write(action: "post" | "put" | "patch", type: TypeRef, gvk: GroupVersionKind): Json {
    const schema = action === "patch" ? { type: "object" } : this.#ref(type);
    const media = action === "patch" ? PATCH_MEDIA_TYPES : ["*/*"];
    const content = Object.fromEntries(media.map((name) => [name, { schema }]));
    const parameters = action === "patch" ? [...WRITE_PARAMETERS, query("force", "boolean")] : WRITE_PARAMETERS;
    return this.#operation(action, gvk, this.#ref(type), { parameters, requestBody: { content, required: true } });
  }

  #list(row: ResourceInfo, type: TypeRef, gvk: GroupVersionKind): Json {
    const name = `${type.openApiName}List`;
    if (!this.#schemas.has(name)) {
      this.#schemas.set(name, {
        type: "object",
        required: ["items"],
        properties: {
          apiVersion: { type: "string" },
          items: { type: "array", items: this.#ref(type) },
          kind: { type: "string" },
          metadata: { default: {}, allOf: [this.#metaRef("ListMeta")] },
        },
        "x-kubernetes-group-version-kind": [{ ...gvk, kind: `${row.kind}List` }],
      });
    }
    return this.#operation("list", gvk, { $ref: `#/components/schemas/${name}` }, { parameters: LIST_PARAMETERS });
  }

  #operation(action: string, gvk: GroupVersionKind, answer: Json, extra: Json): Json {
    const content = Object.fromEntries(MEDIA_TYPES.map((name) => [name, { schema: answer }]));
    return {
      ...extra,
      responses: { "200": { description: "OK", content }, "401": { description: "Unauthorized" } },
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": gvk,
    };
  }

  #status(): Json {
    return this.#metaRef("Status");
  }

  #metaRef(name: string): Json {
    const type = findType("meta.k8s.io/v1", name);
    if (type === undefined) throw new Error(`no schema for ${name}`);
    return this.#ref(type);
  }

  #ref(type: TypeRef): Json {
    if (!this.#schemas.has(type.openApiName)) {
      this.#schemas.set(type.openApiName, {});
      this.#pending.push(type);
    }
    return { $ref: `#/components/schemas/${type.openApiName}` };
  }

  #kind(type: TypeRef, gvk: GroupVersionKind): void {
    this.#ref(type);
    Object.assign(this.#schemas.get(type.openApiName) ?? {}, { "x-kubernetes-group-version-kind": [gvk] });
  }

  #type(type: TypeRef): void {
    const fields = [...type.fields.values()];
    const properties: Json = {};
    if (type.isKind) {
      properties["apiVersion"] = { type: "string" };
      properties["kind"] = { type: "string" };
    }
    for (const field of fields) properties[field.name] = this.#property(field);
    const required = fields.filter((field) => field.required).map((field) => field.name);
    const target = this.#schemas.get(type.openApiName) ?? {};
    const kind = target["x-kubernetes-group-version-kind"];
    delete target["x-kubernetes-group-version-kind"];
    Object.assign(target, {
      type: "object",
      ...(required.length === 0 ? {} : { required: required.sort() }),
      properties: Object.fromEntries(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))),
      ...(type.atomic ? { "x-kubernetes-map-type": "atomic" } : {}),
      ...(kind === undefined ? {} : { "x-kubernetes-group-version-kind": kind }),
    });
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
    return { allOf: [{ $ref: `#/components/schemas/${full}` }] };
  }

  /** Kubernetes' documents say nothing of what such a value looks like. */
  #any(full: string): Json {
    if (!this.#schemas.has(full)) this.#schemas.set(full, {});
    return { allOf: [{ $ref: `#/components/schemas/${full}` }] };
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

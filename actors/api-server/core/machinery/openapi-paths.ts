/**
 * The paths of an OpenAPI v3 document: which verbs a resource has, with which options, bodies and answers.
 * Source: apiserver `endpoints/installer.go` and kube-openapi, as the documents of Kubernetes 1.37.1 show them.
 */
import type { SubresourceInfo } from "../../../../protocols/kubernetes/resources.ts";
import { CONNECTED_SUBRESOURCES } from "../../../../protocols/kubernetes/resources.ts";
import type { Served } from "../catalog/catalog.ts";
import { PATCH_TYPES } from "./patch/apply-patch.ts";
import type { GroupVersionKind, Json, Schemas } from "./openapi-schemas.ts";
import { kindOf } from "./openapi-schemas.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const MEDIA_TYPES = ["application/json", PROTOBUF, "application/yaml"];
const LIST_MEDIA_TYPES = [
  "application/json",
  "application/json;stream=watch",
  PROTOBUF,
  `${PROTOBUF};stream=watch`,
  "application/yaml",
];
const TEXT_MEDIA_TYPES = ["application/json", "application/yaml"];
const STRATEGIC = "application/strategic-merge-patch+json";
/** Of what has no field table, nothing tells merge keys. */
const CUSTOM_PATCHES = PATCH_TYPES.filter((type) => type !== STRATEGIC);

type Type = "string" | "integer" | "boolean";

function query(name: string, type: Type = "string"): Json {
  return { name, in: "query", schema: { type, uniqueItems: true } };
}

function inPath(name: string): Json {
  return { name, in: "path", required: true, schema: { type: "string", uniqueItems: true } };
}

const WRITE = [query("dryRun"), query("fieldManager"), query("fieldValidation")];
const DELETE = [
  query("dryRun"),
  query("gracePeriodSeconds", "integer"),
  query("orphanDependents", "boolean"),
  query("propagationPolicy"),
];
const SELECT = [
  query("continue"),
  query("fieldSelector"),
  query("labelSelector"),
  query("limit", "integer"),
  query("resourceVersion"),
  query("resourceVersionMatch"),
  query("sendInitialEvents", "boolean"),
  query("timeoutSeconds", "integer"),
];
const LIST = [query("allowWatchBookmarks", "boolean"), ...SELECT, query("watch", "boolean")];
const LOG = [
  query("container"),
  query("follow", "boolean"),
  query("limitBytes", "integer"),
  query("previous", "boolean"),
  query("sinceSeconds", "integer"),
  query("tailLines", "integer"),
  query("timestamps", "boolean"),
];

/** What all operations on one path share. */
interface Place {
  /** In an operation's id: `NamespacedDeploymentScale`. */
  readonly noun: string;
  readonly gvk: GroupVersionKind;
  readonly schema: Json;
  readonly isCustom: boolean;
}

/** How a group is called in tags and in the ids of operations: `rbacAuthorization`, `RbacAuthorization`. */
export function ownerOf(group: string): { readonly tag: string; readonly owner: string } {
  const words = (group === "" ? "core" : group.replace(/\.k8s\.io$/, "")).split(/[.-]/);
  const [first = "", ...others] = words;
  return { tag: `${first}${others.map(capital).join("")}`, owner: words.map(capital).join("") };
}

/** The paths of one group and version, by name. */
export class Paths {
  readonly #root: string;
  readonly #tag: string;
  /** `AppsV1`, in ids. */
  readonly #owner: string;
  readonly #schemas: Schemas;
  readonly #paths: Record<string, Json> = {};

  /** @param root `/apis/apps/v1` */
  constructor(root: string, group: string, version: string, schemas: Schemas) {
    this.#root = root;
    this.#schemas = schemas;
    const { tag, owner } = ownerOf(group);
    this.#tag = `${tag}_${version}`;
    this.#owner = `${owner}${capital(version)}`;
  }

  finish(): Json {
    return Object.fromEntries(Object.entries(this.#paths).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  add(served: Served): void {
    const { info } = served;
    const { apiVersion, kind, namespaced, resource, verbs } = info;
    const root = this.#root;
    const scoped = namespaced ? `${root}/namespaces/{namespace}/${resource}` : `${root}/${resource}`;
    const scope = namespaced ? [inPath("namespace")] : [];
    const noun = `${namespaced ? "Namespaced" : ""}${kind}`;
    const isCustom = served.form.type === undefined;
    const place = { noun, gvk: kindOf(apiVersion, kind), schema: this.#schemas.served(served), isCustom };
    const pretty = query("pretty");
    const list = verbs.includes("list") ? this.#schemas.list(served) : undefined;
    this.#put(scoped, [...scope, pretty], {
      ...(list !== undefined && { get: this.#list(`list${this.#owner}${noun}`, list, place) }),
      ...(verbs.includes("create") && { post: this.#write("create", "post", place) }),
      ...(verbs.includes("deletecollection") && { delete: this.#deleteCollection(place) }),
    });
    if (namespaced && list !== undefined) {
      const id = `list${this.#owner}${kind}ForAllNamespaces`;
      this.#put(`${root}/${resource}`, [pretty], { get: this.#list(id, list, place) });
    }
    const named = [inPath("name"), ...scope, pretty];
    this.#put(`${scoped}/{name}`, named, this.#item(verbs, place));
    for (const sub of info.subresources) {
      // Of what they carry no document tells.
      if (!CONNECTED_SUBRESOURCES.includes(sub.name))
        this.#subresource(`${scoped}/{name}/${sub.name}`, named, sub, place, apiVersion);
    }
  }

  #subresource(path: string, parameters: readonly Json[], sub: SubresourceInfo, of: Place, apiVersion: string): void {
    const noun = `${of.noun}${capital(sub.name)}`;
    if (sub.name === "log") {
      const text = { "text/plain": { schema: { type: "string" } } };
      const get = this.#operation(`read${this.#owner}${noun}`, "get", of, { "200": ok(text) }, { parameters: LOG });
      this.#put(path, parameters, { get });
      return;
    }
    const own = sub.kind === of.gvk.kind && (sub.apiVersion ?? apiVersion) === apiVersion;
    const schema = own ? of.schema : this.#schemas.kind(sub.apiVersion ?? apiVersion, sub.kind);
    const place = { noun, gvk: kindOf(sub.apiVersion ?? apiVersion, sub.kind), schema, isCustom: of.isCustom };
    const create = sub.verbs.includes("create") && { post: this.#write("create", "post", place) };
    this.#put(path, parameters, { ...this.#item(sub.verbs, place), ...create });
  }

  #put(path: string, parameters: readonly Json[], methods: Json): void {
    if (Object.keys(methods).length > 0) this.#paths[path] = { ...methods, parameters };
  }

  #item(verbs: readonly string[], place: Place): Json {
    return {
      ...(verbs.includes("get") && { get: this.#get(place) }),
      ...(verbs.includes("update") && { put: this.#write("replace", "put", place) }),
      ...(verbs.includes("patch") && { patch: this.#write("patch", "patch", place) }),
      ...(verbs.includes("delete") && { delete: this.#delete(place) }),
    };
  }

  #get(place: Place): Json {
    const id = `read${this.#owner}${place.noun}`;
    return this.#operation(id, "get", place, answers(["200"], place.schema, mediaTypes(place)), {});
  }

  #list(id: string, list: Json, place: Place): Json {
    const types = place.isCustom ? TEXT_MEDIA_TYPES : LIST_MEDIA_TYPES;
    return this.#operation(id, "list", place, answers(["200"], list, types), { parameters: LIST });
  }

  #write(verb: "create" | "replace" | "patch", action: "post" | "put" | "patch", place: Place): Json {
    const isPatch = action === "patch";
    const schema = isPatch ? this.#schemas.meta("Patch") : place.schema;
    const patches = place.isCustom ? CUSTOM_PATCHES : PATCH_TYPES;
    const content = contentOf(isPatch ? patches : ["*/*"], schema);
    const codes = action === "post" ? ["200", "201", "202"] : ["200", "201"];
    return this.#operation(
      `${verb}${this.#owner}${place.noun}`,
      action,
      place,
      answers(codes, place.schema, mediaTypes(place)),
      {
        parameters: isPatch ? [...WRITE, query("force", "boolean")] : WRITE,
        requestBody: { content, required: true },
      },
    );
  }

  #delete(place: Place): Json {
    const id = `delete${this.#owner}${place.noun}`;
    const responses = answers(["200", "202"], this.#schemas.meta("Status"), mediaTypes(place));
    return this.#operation(id, "delete", place, responses, { parameters: DELETE, requestBody: this.#deleteBody() });
  }

  #deleteCollection(place: Place): Json {
    const id = `delete${this.#owner}Collection${place.noun}`;
    const responses = answers(["200"], this.#schemas.meta("Status"), mediaTypes(place));
    const extra = { parameters: [...DELETE, ...SELECT], requestBody: this.#deleteBody() };
    return this.#operation(id, "deletecollection", place, responses, extra);
  }

  #deleteBody(): Json {
    return { content: contentOf(["*/*"], this.#schemas.meta("DeleteOptions")) };
  }

  #operation(operationId: string, action: string, { gvk }: Place, responses: Json, extra: Json): Json {
    return {
      tags: [this.#tag],
      operationId,
      ...extra,
      responses: { ...responses, "401": { description: "Unauthorized" } },
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": gvk,
    };
  }
}

function mediaTypes({ isCustom }: Place): readonly string[] {
  return isCustom ? TEXT_MEDIA_TYPES : MEDIA_TYPES;
}

const DESCRIPTIONS: Readonly<Record<string, string>> = { "200": "OK", "201": "Created", "202": "Accepted" };

function answers(codes: readonly string[], schema: Json, types: readonly string[]): Json {
  const content = contentOf(types, schema);
  return Object.fromEntries(codes.map((code) => [code, { description: DESCRIPTIONS[code], content }]));
}

function ok(content: Json): Json {
  return { description: "OK", content };
}

function contentOf(types: readonly string[], schema: Json): Json {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

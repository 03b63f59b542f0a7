import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Catalog, CatalogGroup, Served } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import type { OpenApiDocument } from "../../../../../actors/api-server/core/machinery/openapi.ts";
import {
  hash,
  openApiDocument,
  OpenApiHashes,
  openApiIndex,
  openApiJson,
} from "../../../../../actors/api-server/core/machinery/openapi.ts";
import type { OpenApiV2Part, Piece } from "../../../../../actors/api-server/core/machinery/openapi-v2.ts";
import {
  openApiV2Json,
  openApiV2Part,
  openApiV2Protobuf,
} from "../../../../../actors/api-server/core/machinery/openapi-v2.ts";
import { openApiV3Protobuf } from "../../../../../actors/api-server/core/machinery/openapi-v3-protobuf.ts";
import { openApiRootDocument, openApiRoots } from "../../../../../actors/api-server/core/machinery/openapi-roots.ts";
import { ProtobufReader } from "../../../../../actors/api-server/core/machinery/protobuf-reader.ts";
import { ProtobufWriter } from "../../../../../actors/api-server/core/machinery/protobuf-writer.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import { decodeOpenApiV3 } from "../../../../conformance/openapi-messages.mjs";
import { structureHash } from "../../../../conformance/openapi-structure.mjs";
import { catalog, servedAs } from "../harness/catalog.ts";
import { readFixture } from "./oracle-fixture.ts";

type Json = Readonly<Record<string, unknown>>;

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Json };
  readonly "x-kubernetes-group-version-kind"?: unknown;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}
interface DocumentV2 {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly definitions: Readonly<Record<string, Json>>;
}

/** Recorded by `test/conformance/record-openapi.mjs`: names and hashes of structures, and `<method> <path> <id>`. */
const recorded = readFixture("openapi") as {
  readonly definitions: readonly string[];
  readonly operations: readonly string[];
};

/** Fields whose values Kubernetes lists in its documents, although its validation has a message of its own for others. */
const OPEN_ENUMS = [
  "io.k8s.api.discovery.v1.EndpointSlice",
  "io.k8s.api.networking.v1.HTTPIngressPath",
  "io.k8s.api.resource.v1.DeviceSubRequest",
  "io.k8s.api.resource.v1.ExactDeviceRequest",
];
/** Discovery's own documents, which have no group and version. */
const NOT_HERE =
  /\.(?:API(?:Group|GroupList|Resource|ResourceList|Versions)|WatchEvent|Info|GroupVersionForDiscovery|ServerAddressByClientCIDR)$/;
const NOT_SERVED = /\/(?:proxy|exec|attach|portforward)\b/;

function documentOf(name: string, version: string, of: Catalog = catalog): Document {
  const found = of.version(name, version);
  if (found === undefined) throw new Error(`no ${name}/${version}`);
  return JSON.parse(JSON.stringify(openApiDocument(name, found))) as Document;
}

function partsOf(of: Catalog): readonly OpenApiV2Part[] {
  const writer = new ProtobufWriter();
  const shared = new Map<string, Piece>();
  return [...of.groups.values()].map((group) => finished(openApiV2Part(group, writer, shared)));
}

function withWidgets(): Catalog {
  const base = servedAs("apps/v1", "deployments");
  const names = { group: "example.com", apiVersion: "example.com/v1", resource: "widgets", kind: "Widget" };
  const subresources = [{ name: "status", kind: "Widget", verbs: ["get", "patch", "update"] }];
  const info = { ...base.info, ...names, subresources };
  const spec = {
    type: "object",
    required: ["size"],
    properties: {
      size: { type: "integer", default: 1, description: "How large it is." },
      any: { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties: { a: { type: "string" } } },
      maybe: { type: "string", nullable: true },
    },
  };
  const form = { ...base.form, apiVersion: info.apiVersion, kind: info.kind, type: undefined };
  const widget: Served = {
    info,
    form,
    rules: {},
    stored: base,
    openApiSchema: { type: "object", properties: { spec } },
  };
  return catalog.with("widgets.example.com", [widget]);
}

interface RecordedV3 {
  readonly path: string;
  readonly json: OpenApiDocument;
  /** What the protobuf of the same document holds. */
  readonly decoded: unknown;
}

const roots = readFixture("openapi-roots") as readonly RecordedV3[];

/** Without the words of manuals, and without the order of what has none. */
function undescribed(value: unknown): unknown {
  const text = JSON.stringify(value, (name, item: unknown) => {
    if (name === "description" && typeof item === "string") return undefined;
    return name === "required" && Array.isArray(item) ? [...(item as string[])].sort() : item;
  });
  return JSON.parse(text) as unknown;
}

describe("OpenAPI v3", () => {
  it.each(roots)("has the document of kube-apiserver at $path", ({ path, json }) => {
    const { info: _ours, ...document } = openApiRootDocument(path) as { readonly info: unknown };
    const { info: _theirs, ...expected } = json as { readonly info?: unknown };
    expect(openApiRoots(catalog)).toContain(path);
    expect(undescribed(document)).toEqual(undescribed(expected));
  });

  it.each([...(readFixture("openapi-v3") as readonly RecordedV3[]), ...roots])(
    "is written as protobuf as recorded: $path",
    ({ json, decoded }) => {
      expect(decodeOpenApiV3(finished(openApiV3Protobuf(json)), parse)).toEqual(decoded);
    },
  );

  it.each(["", "apps", "example.com"])("is written as JSON as it is: group %j", (name) => {
    const of = withWidgets();
    const version = of.group(name)?.versions[0];
    if (version === undefined) throw new Error(`no ${name}`);
    const document = openApiDocument(name, version);
    expect(new TextDecoder().decode(finished(openApiJson(document)))).toBe(JSON.stringify(document));
  });

  it("names each document by what it is made from, without making it", () => {
    const hashOf = (group: CatalogGroup, version: string): string => new OpenApiHashes().of(group).get(version) ?? "";
    const { paths } = openApiIndex(catalog, hashOf) as { paths: Record<string, { serverRelativeURL: string }> };
    const versions = new Set(
      catalog.all.map(({ info: { group, version } }) => (group === "" ? `api/${version}` : `apis/${group}/${version}`)),
    );
    const groups = new Set(catalog.all.flatMap(({ info: { group } }) => (group === "" ? [] : [`apis/${group}`])));
    const others = ["api", "apis", "version", "openid/v1/jwks", ".well-known/openid-configuration", ...groups];
    expect(Object.keys(paths).sort()).toEqual([...versions, ...others].sort());
    const hashes = Object.values(paths).map(({ serverRelativeURL }) => serverRelativeURL.split("hash=")[1]);
    expect(new Set(hashes).size).toBe(versions.size + others.length);
    const apps = catalog.groups.get("apps");
    if (apps === undefined) throw new Error("no apps");
    const fewer = { ...apps, versions: apps.versions.map((each) => ({ ...each, resources: each.resources.slice(1) })) };
    expect(new OpenApiHashes().of(fewer).get("v1")).not.toBe(new OpenApiHashes().of(apps).get("v1"));
  });

  it("keeps its revision with what the same tables give: raise DOCUMENTS_REVISION when this changes", () => {
    expect(hash(JSON.stringify(documentOf("coordination.k8s.io", "v1")))).toBe("6ADC5BFEE9E31FCF");
  });

  it("tells kubectl that PATCH validates fields, and which patches it takes", () => {
    const patch = documentOf("apps", "v1").paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.["patch"];
    expect(patch?.parameters?.map(({ name }) => name)).toContain("fieldValidation");
    expect(Object.keys(patch?.requestBody?.content ?? {})).toContain("application/strategic-merge-patch+json");
    expect(patch?.["x-kubernetes-group-version-kind"]).toEqual({ group: "apps", kind: "Deployment", version: "v1" });
  });

  it("refers only to schemas that it holds, and gives lists their merge keys", () => {
    for (const { name, versions } of catalog.groups.values()) {
      for (const { version } of versions) {
        const document = documentOf(name, version);
        const refs = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
        for (const [, ref = ""] of refs) expect(Object.hasOwn(document.components.schemas, ref), ref).toBe(true);
      }
    }
    const spec = documentOf("", "v1").components.schemas["io.k8s.api.core.v1.PodSpec"];
    expect((spec?.["properties"] as Json | undefined)?.["containers"]).toEqual({
      description: "What runs: one container at least. The list can't change.",
      type: "array",
      items: { $ref: "#/components/schemas/io.k8s.api.core.v1.Container" },
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-list-type": "map",
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
    });
  });

  it("takes the schema of a custom resource as it is, with what every object has", () => {
    const { components, paths } = documentOf("example.com", "v1", withWidgets());
    expect(components.schemas["com.example.v1.Widget"]).toMatchObject({
      type: "object",
      properties: {
        apiVersion: { type: "string" },
        metadata: { allOf: [{ $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" }] },
        spec: { properties: { size: { default: 1, description: "How large it is." }, maybe: { nullable: true } } },
      },
      "x-kubernetes-group-version-kind": [{ group: "example.com", kind: "Widget", version: "v1" }],
    });
    expect(components.schemas["com.example.v1.WidgetList"]).toBeDefined();
    const patch = paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]?.["patch"];
    expect(patch?.operationId).toBe("patchExampleComV1NamespacedWidget");
    expect(Object.keys(patch?.requestBody?.content ?? {})).not.toContain("application/strategic-merge-patch+json");
  });
});

describe("OpenAPI v2", () => {
  const document = JSON.parse(new TextDecoder().decode(finished(openApiV2Json(partsOf(catalog))))) as DocumentV2;

  it("has the definitions of kube-apiserver, with the same structure", () => {
    const ours = new Map(Object.entries(document.definitions).map(([name, schema]) => [name, structureHash(schema)]));
    const others = recorded.definitions.map((line) => line.split(" ")).filter(([name = ""]) => !NOT_HERE.test(name));
    expect(others.length).toBeGreaterThan(590);
    const differing = others.filter(([name = "", expected]) => ours.get(name) !== expected).map(([name]) => name);
    expect(differing).toEqual(OPEN_ENUMS);
    const known = new Set(others.map(([name]) => name));
    expect([...ours.keys()].filter((name) => !known.has(name))).toEqual([]);
  });

  it("has its operations, with the same ids", () => {
    const ours = new Set(
      Object.entries(document.paths).flatMap(([path, item]) =>
        Object.entries(item)
          .filter(([method]) => method !== "parameters")
          .map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
      ),
    );
    // A path that ends in a slash is one of discovery.
    const others = recorded.operations.filter((line) => !NOT_SERVED.test(line) && !/\/ /.test(line));
    expect(others.length).toBeGreaterThan(500);
    expect(others.filter((line) => !ours.has(line))).toEqual([]);
    expect([...ours].filter((line) => !others.includes(line))).toEqual([]);
  });

  it("says the same in protobuf", () => {
    const names = { paths: new Set<string>(), definitions: new Set<string>() };
    const top = new ProtobufReader(finished(openApiV2Protobuf(partsOf(catalog))));
    const nameOf = (entry: ProtobufReader): string => {
      const named = new ProtobufReader(entry.bytes());
      named.next();
      return named.string();
    };
    while (top.next()) {
      const bytes = top.bytes();
      if (top.field !== 8 && top.field !== 9) continue;
      const entries = new ProtobufReader(bytes);
      while (entries.next()) (top.field === 8 ? names.paths : names.definitions).add(nameOf(entries));
    }
    expect([...names.paths]).toEqual(Object.keys(document.paths));
    expect([...names.definitions]).toEqual(Object.keys(document.definitions));
  });

  it("leaves out of a custom resource's schema what old clients misread", () => {
    const { definitions } = JSON.parse(
      new TextDecoder().decode(finished(openApiV2Json(partsOf(withWidgets())))),
    ) as DocumentV2;
    const widget = definitions["com.example.v1.Widget"]?.["properties"] as Readonly<Record<string, Json>>;
    expect(widget["metadata"]).toEqual({ $ref: "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" });
    expect(widget["spec"]?.["properties"]).toEqual({
      size: { type: "integer", description: "How large it is." },
      any: { "x-kubernetes-preserve-unknown-fields": true },
      maybe: {},
    });
  });
});

/**
 * OpenAPI of what is served, derived from the catalog. Nothing is made before it is asked for: the index names each document by
 * a hash of what it would be made from.
 */
import { PACKAGES } from "../../../../protocols/kubernetes/schema/schema.ts";
import type { Catalog, CatalogGroup, CatalogVersion, Served } from "../catalog/catalog.ts";
import { GroupCache } from "../catalog/catalog.ts";
import type { Steps } from "../steps.ts";
import { versionDocument } from "./discovery.ts";
import { PATCH_TYPES } from "./patch/apply-patch.ts";
import { Paths } from "./openapi-paths.ts";
import { openApiRoots } from "./openapi-roots.ts";
import type { Json } from "./openapi-schemas.ts";
import { Schemas } from "./openapi-schemas.ts";

/** To be raised when the same tables give other documents: clients keep a document for as long as its hash is the same. */
const DOCUMENTS_REVISION = 3;

/** Where the document of a group and version is, below `/openapi/v3/`. */
function pathOf(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

/** `/openapi/v3`. */
export function openApiIndex(
  catalog: Catalog,
  hashOf: (group: CatalogGroup, version: string) => string,
): { readonly paths: Readonly<Record<string, unknown>> } {
  const paths: Record<string, unknown> = {};
  for (const group of catalog.groups.values()) {
    for (const { version } of group.versions) {
      const path = pathOf(group.name, version);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(group, version)}` };
    }
  }
  for (const path of openApiRoots(catalog)) {
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOfRoot(path)}` };
  }
  return { paths };
}

/** Of a document that is of no version. */
export function hashOfRoot(path: string): string {
  return hash(`${commonHash()} ${path}`);
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, Json>>;
  readonly components: {
    /** Absent: the document speaks of no type. */
    readonly schemas?: Readonly<Record<string, Json>>;
    readonly securitySchemes?: Json;
  };
}

/** The document of one group and version: `/openapi/v3/apis/apps/v1`. */
export function openApiDocument(group: string, { version, resources }: CatalogVersion): OpenApiDocument {
  const root = `/${pathOf(group, version)}`;
  const schemas = new Schemas();
  const paths = new Paths(root, group, version, schemas);
  for (const served of resources) paths.add(served);
  const { gitVersion } = versionDocument() as { readonly gitVersion: string };
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: gitVersion },
    paths: paths.finish() as Readonly<Record<string, Json>>,
    components: {
      schemas: schemas.finish() as Readonly<Record<string, Json>>,
      securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    },
  };
}

/** As JSON. A schema may have a megabyte, and a group thousands of them. */
export function* openApiJson({ paths, components, ...head }: OpenApiDocument): Steps<Uint8Array> {
  const { schemas, ...others } = components;
  const parts = new JsonParts();
  parts.add(`${JSON.stringify(head).slice(0, -1)},"paths":`);
  yield* parts.members(paths);
  if (schemas === undefined) parts.add(`,"components":${JSON.stringify(others)}}`);
  else {
    parts.add(`,"components":{"schemas":`);
    yield* parts.members(schemas);
    parts.add(`,${JSON.stringify(others).slice(1)}}`);
  }
  return parts.finish();
}

/** JSON in parts, each as its bytes: as one text it would have to be put together, and then encoded, in one piece. */
export class JsonParts {
  readonly #parts: Uint8Array[] = [];
  readonly #encoder = new TextEncoder();

  add(text: string): void {
    this.#parts.push(this.#encoder.encode(text));
  }

  /** An object, a member a piece. */
  *members(object: Readonly<Record<string, Json>>): Steps<void> {
    yield* this.listed(Object.keys(object), (name) => `${JSON.stringify(name)}:${JSON.stringify(object[name])}`);
  }

  /** The same of members whose text is known. */
  *listed<T>(members: readonly T[], textOf: (member: T) => string): Steps<void> {
    this.add("{");
    for (const [i, member] of members.entries()) {
      this.add(i === 0 ? textOf(member) : `,${textOf(member)}`);
      yield;
    }
    this.add("}");
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** Of what the documents of a group are made from. With thousands of resources, one that changes costs its own part. */
export class OpenApiHashes {
  private readonly ofServed = new WeakMap<Served, string>();
  private readonly ofGroups = new GroupCache((group) => this.group(group));

  /** By version. */
  of(group: CatalogGroup): ReadonlyMap<string, string> {
    return this.ofGroups.of(group);
  }

  private group({ name, versions }: CatalogGroup): ReadonlyMap<string, string> {
    return new Map(
      versions.map(({ version, resources }) => {
        const made = resources.map((served) => this.served(served)).join();
        return [version, hash(`${commonHash()} ${pathOf(name, version)} ${made}`)];
      }),
    );
  }

  private served(served: Served): string {
    let known = this.ofServed.get(served);
    if (known === undefined) {
      const { info, openApiSchema, openApiRevision } = served;
      known = hash(JSON.stringify([info, openApiRevision ?? openApiSchema]));
      this.ofServed.set(served, known);
    }
    return known;
  }
}

/** The tables are the same for as long as the process runs. */
let ofTables: string | undefined;

function commonHash(): string {
  return (ofTables ??= hash(JSON.stringify([DOCUMENTS_REVISION, versionDocument(), PATCH_TYPES, PACKAGES])));
}

/** FNV-1a over the characters, twice with different seeds, as 16 hexadecimal digits in capitals. */
export function hash(text: string): string {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x01000193);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0").toUpperCase()).join("");
}

/**
 * OpenAPI v3 of what is not of one group and version: the roots of discovery, groups, the version, and the issuer of tokens.
 * Source: the documents of kube-apiserver 1.37.1.
 */
import type { Catalog } from "../catalog/catalog.ts";
import { KUBERNETES_VERSION } from "./discovery.ts";
import type { OpenApiDocument } from "./openapi.ts";
import { ownerOf } from "./openapi-paths.ts";
import type { Json } from "./openapi-schemas.ts";
import { Schemas } from "./openapi-schemas.ts";

const ENCODED = ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];

interface Root {
  readonly tag: string;
  readonly operationId: string;
  readonly description: string;
  readonly types?: readonly string[];
  /** Of the answer; a text where there is none. */
  readonly schema?: (schemas: Schemas) => Json;
}

const ROOTS: Readonly<Record<string, Root>> = {
  api: {
    tag: "core",
    operationId: "getCoreAPIVersions",
    description: "get available API versions",
    schema: (schemas) => schemas.meta("APIVersions"),
  },
  apis: {
    tag: "apis",
    operationId: "getAPIVersions",
    description: "get available API versions",
    schema: (schemas) => schemas.meta("APIGroupList"),
  },
  version: {
    tag: "version",
    operationId: "getCodeVersion",
    description: "get the version information for this server",
    types: ["application/json"],
    schema: (schemas) => schemas.texts("io.k8s.apimachinery.pkg.version.Info", VERSION_FIELDS, VERSION_OPTIONAL),
  },
  "openid/v1/jwks": {
    tag: "openid",
    operationId: "getServiceAccountIssuerOpenIDKeyset",
    description: "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
    types: ["application/jwk-set+json"],
  },
  ".well-known/openid-configuration": {
    tag: "WellKnown",
    operationId: "getServiceAccountIssuerOpenIDConfiguration",
    description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
    types: ["application/json"],
  },
};

const VERSION_FIELDS = [
  "major",
  "minor",
  "gitVersion",
  "gitCommit",
  "gitTreeState",
  "buildDate",
  "goVersion",
  "compiler",
  "platform",
];
const VERSION_OPTIONAL = ["emulationMajor", "emulationMinor", "minCompatibilityMajor", "minCompatibilityMinor"];

/** Below `/openapi/v3/`. Groups that definitions alone have made have no document of their own. */
export function openApiRoots(catalog: Catalog): readonly string[] {
  const groups = [...catalog.groups.values()]
    .filter(({ name, versions }) => name !== "" && versions.some(({ resources }) => resources.some(isBuiltIn)))
    .map(({ name }) => `apis/${name}`);
  return [...Object.keys(ROOTS), ...groups];
}

function isBuiltIn({ openApiSchema }: { readonly openApiSchema?: unknown }): boolean {
  return openApiSchema === undefined;
}

/** @param path one of `openApiRoots` */
export function openApiRootDocument(path: string): OpenApiDocument {
  const schemas = new Schemas();
  const { tag, operationId, description, types = ENCODED, schema } = ROOTS[path] ?? groupRoot(path);
  const content = Object.fromEntries(types.map((type) => [type, { schema: schema?.(schemas) ?? { type: "string" } }]));
  const responses = { "200": { description: "OK", content }, "401": { description: "Unauthorized" } };
  const known = schemas.finish() as Record<string, Json>;
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: KUBERNETES_VERSION },
    paths: { [`/${path}/`]: { get: { tags: [tag], description, operationId, responses } } },
    components: {
      ...(Object.keys(known).length === 0 ? {} : { schemas: known }),
      securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
    },
  };
}

function groupRoot(path: string): Root {
  const { tag, owner } = ownerOf(path.slice("apis/".length));
  return {
    tag,
    operationId: `get${owner}APIGroup`,
    description: "get information of a group",
    schema: (schemas) => schemas.meta("APIGroup"),
  };
}

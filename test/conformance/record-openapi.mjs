// Records from a kube-apiserver what its OpenAPI says, for `test/unit/actors/api-server/machinery/openapi.test.ts`: of each
// definition a hash of its structure, of each path the ids of its operations; and two documents of v3 as JSON and as what their
// protobuf holds, one of them of a definition that is made for it. No descriptions.
// usage: node test/conformance/record-openapi.mjs https://127.0.0.1:16443 TOKEN
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { parse } from "yaml";
import { decodeOpenApiV3 } from "./openapi-messages.mjs";
import { structureHash } from "./openapi-structure.mjs";

const [url, token] = process.argv.slice(2);
const fixtures = new URL("../unit/actors/api-server/machinery/fixtures/", import.meta.url);
const target = new URL("openapi.json", fixtures);

function ask(method, path, accept, body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, accept, "content-type": "application/json" };
    request(new URL(path, url), { method, rejectUnauthorized: false, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, bytes: Buffer.concat(chunks) }));
    })
      .on("error", reject)
      .end(body);
  });
}

const json = ({ bytes }) => JSON.parse(bytes.toString());
const document = json(await ask("GET", "/openapi/v2", "application/json"));

/** A schema that has all that one may have. */
const SPEC = {
  type: "object",
  required: ["size"],
  description: "What is wanted.",
  externalDocs: { description: "more", url: "https://example.com" },
  properties: {
    size: {
      type: "integer",
      format: "int32",
      minimum: 1,
      maximum: 10,
      exclusiveMaximum: true,
      default: 3,
      title: "Size",
    },
    part: { type: "number", multipleOf: 0.5, default: 1.5 },
    on: { type: "boolean", default: true, example: { a: [1, "b"] } },
    off: { type: "boolean", default: false },
    name: { type: "string", pattern: "^a*", minLength: 0, maxLength: 9, default: "", nullable: true },
    mode: { type: "string", enum: ["a", "1", "true"] },
    list: {
      type: "array",
      items: { type: "string" },
      minItems: 1,
      maxItems: 3,
      default: ["a"],
      "x-kubernetes-list-type": "set",
    },
    map: {
      type: "object",
      additionalProperties: { type: "integer" },
      minProperties: 1,
      maxProperties: 2,
      default: { a: 1 },
    },
    any: { type: "object", additionalProperties: true },
    kept: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    either: {
      "x-kubernetes-int-or-string": true,
      anyOf: [{ type: "integer" }, { type: "string" }],
      allOf: [{ not: { enum: [0] } }],
      oneOf: [{ pattern: "1" }, { pattern: "2" }],
    },
    ruled: { type: "string", "x-kubernetes-validations": [{ rule: "self != 'a'", message: "no a" }] },
  },
};
const names = { plural: "samples", singular: "sample", kind: "Sample" };
const version = { name: "v1", served: true, storage: true };
const openAPIV3Schema = { type: "object", properties: { spec: SPEC } };
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "samples.conformance.example.com" },
  spec: {
    group: "conformance.example.com",
    scope: "Namespaced",
    names,
    versions: [{ ...version, schema: { openAPIV3Schema } }],
  },
};

const PROTOBUF = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
const TRIES_MAX = 100;
const PAUSE_MS = 100;

/** Words of a manual are not carried. */
function undescribed(value) {
  if (Array.isArray(value)) return value.map((item) => undescribed(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [
    name,
    name === "description" && typeof item === "string" ? "…" : undescribed(item),
  ]);
  return Object.fromEntries(entries);
}

async function sample(path) {
  for (let tries = 1; ; tries++) {
    const first = await ask("GET", `/openapi/v3/${path}`, "application/json");
    if (first.status === 200 && first.bytes.length > 0) {
      const { bytes } = await ask("GET", `/openapi/v3/${path}`, PROTOBUF);
      return { path, json: undescribed(json(first)), decoded: undescribed(decodeOpenApiV3(bytes, parse)) };
    }
    if (tries === TRIES_MAX) throw new Error(`no document ${path}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
await ask("POST", definitionsPath, "application/json", JSON.stringify(definition));
const samples = [await sample("apis/node.k8s.io/v1"), await sample("apis/conformance.example.com/v1")];
await ask("DELETE", `${definitionsPath}/${definition.metadata.name}`, "application/json");
writeFileSync(
  new URL("openapi-v3.json", fixtures),
  `[\n${samples.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`,
);

/** Those of no version, of groups some. */
const ROOTS = ["api", "apis", "version", "openid/v1/jwks", ".well-known/openid-configuration"];
const GROUPS = ["apis/apps", "apis/rbac.authorization.k8s.io", "apis/flowcontrol.apiserver.k8s.io"];
const roots = [];
for (const path of [...ROOTS, ...GROUPS]) roots.push(await sample(path));
writeFileSync(
  new URL("openapi-roots.json", fixtures),
  `[\n${roots.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`,
);

/** Made by users of the server, or not of one group and version. */
const isForeign = (name) => !name.startsWith("io.k8s.");
const definitions = Object.entries(document.definitions)
  .filter(([name]) => !isForeign(name))
  .map(([name, schema]) => `${name} ${structureHash(schema)}`);
const paths = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => method !== "parameters")
    .map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
);
const operations = paths.filter((line) => !/\/watch\/|example\.com/.test(line)).sort();
writeFileSync(
  target,
  `${JSON.stringify({ source: "kube-apiserver 1.37.1 /openapi/v2", definitions: definitions.sort(), operations }, null, 2)}\n`,
);

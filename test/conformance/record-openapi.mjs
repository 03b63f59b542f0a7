// Records from a kube-apiserver what its OpenAPI says, for `test/unit/actors/api-server/machinery/openapi.test.ts`: of each
// definition a hash of its structure, of each path the ids of its operations. No descriptions.
// usage: node test/conformance/record-openapi.mjs https://127.0.0.1:16443 TOKEN
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { structureHash } from "./openapi-structure.mjs";

const [url, token] = process.argv.slice(2);
const target = new URL("../unit/actors/api-server/machinery/fixtures/openapi.json", import.meta.url);

const document = await new Promise((resolve, reject) => {
  const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
  request(new URL("/openapi/v2", url), { rejectUnauthorized: false, headers }, (answer) => {
    const chunks = [];
    answer.on("data", (chunk) => chunks.push(chunk));
    answer.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
  })
    .on("error", reject)
    .end();
});

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

// Records what a real kube-apiserver makes of the cases of `custom/`; `custom-case.mjs` says how those are written.
//
//   node test/conformance/record-custom.mjs URL TOKEN [FILE…]        FILE: one of custom/ without its ending
import { readdirSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { GROUP, PLAIN, definitionOf, factsOf, objectOf, overlay, readCases } from "./custom-case.mjs";

const [url, token, ...asked] = process.argv.slice(2);
if (url === undefined || token === undefined) {
  console.error("usage: node test/conformance/record-custom.mjs URL TOKEN [FILE…]");
  process.exit(2);
}
const folder = new URL("custom/", import.meta.url);
const all = readdirSync(folder).flatMap((file) => (file.endsWith(".yaml") ? [file.replace(".yaml", "")] : []));
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

await send("POST", "/api/v1/namespaces", { metadata: { name: "crd-core" } });
for (const name of asked.length > 0 ? asked : all) {
  const recorded = {};
  for (const [index, one] of readCases(new URL(`${name}.yaml`, folder)).entries()) {
    recorded[one.name] =
      one.definition === undefined ? await objectsOf(one, `cases${index}s`) : await definitionFacts(one);
  }
  const lines = Object.entries(recorded).map(
    ([key, facts]) => `${JSON.stringify(key)}: [\n${facts.map((fact) => JSON.stringify(fact)).join(",\n")}\n]`,
  );
  writeFileSync(new URL(`${name}.json`, folder), `{\n${lines.join(",\n")}\n}\n`);
  console.log(`${name}: ${Object.values(recorded).flat().length} facts`);
}

async function objectsOf(one, plural) {
  const definition = definitionOf(one, plural);
  const created = await send("POST", definitions, definition);
  if (created.status !== 201) throw new Error(`${one.name}: ${created.body.message}`);
  const objects = `/apis/${GROUP}/v1/namespaces/crd-core/${plural}`;
  const facts = [];
  try {
    await until(async () => (await send("GET", objects)).status === 200);
    for (const body of one.bodies ?? []) {
      const answer = await send("POST", `${objects}?dryRun=All&fieldValidation=Warn`, objectOf(body));
      facts.push(factsOf(answer));
    }
    for (const [before, after] of one.updates ?? []) {
      const old = await send("POST", objects, objectOf(before));
      if (old.status !== 201) throw new Error(`${one.name}: ${old.body.message}`);
      const next = objectOf(after);
      next.metadata.resourceVersion = old.body.metadata.resourceVersion;
      const answer = await send("PUT", `${objects}/a${after.through ?? ""}?dryRun=All`, next);
      facts.push(factsOf(answer));
      await send("DELETE", `${objects}/a`);
    }
  } finally {
    await send("DELETE", `${definitions}/${definition.metadata.name}`);
    await until(async () => (await send("GET", `${definitions}/${definition.metadata.name}`)).status === 404);
  }
  return facts;
}

/** Definitions are served, and gone, a moment after they were written. */
async function until(holds) {
  for (let tries = 0; tries < 2_000; tries++) if (await holds()) return;
  throw new Error("the definition is neither served nor gone");
}

async function definitionFacts(one) {
  const first = overlay(PLAIN, one.definition);
  if (one.update === undefined) return [factsOf(await send("POST", `${definitions}?dryRun=All`, first))];
  const created = await send("POST", definitions, first);
  if (created.status !== 201) throw new Error(`${one.name}: ${created.body.message}`);
  const place = `${definitions}/${first.metadata.name}`;
  try {
    await until(async () => {
      const { body } = await send("GET", place);
      created.body = body;
      return body.status.conditions?.some(({ type, status }) => type === "Established" && status === "True");
    });
    const next = overlay(first, one.update);
    next.metadata = { ...next.metadata, resourceVersion: created.body.metadata.resourceVersion };
    return [factsOf(await send("PUT", `${place}?dryRun=All`, next))];
  } finally {
    await send("DELETE", place);
    await until(async () => (await send("GET", place)).status === 404);
  }
}

function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, url),
      {
        method,
        rejectUnauthorized: false,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      },
      (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const warnings = [...(answer.headers.warning ?? "").matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
            JSON.parse(`"${text}"`),
          );
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: answer.statusCode,
            warnings,
            body: text === "" || text[0] !== "{" ? { message: text } : JSON.parse(text),
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

// Asks a real kube-apiserver what it answers to the objects of the fixtures, and writes the answers down anew.
//
//   node test/conformance/record.mjs URL TOKEN [bad-objects | validation | warnings]…
//
// Start a kube-apiserver 1.37 of your own on loopback before (etcd beside it, and --token-auth-file for the token); it needs
// Go, which inkube and its tests never do. Each object is created with `dryRun=All`, so nothing is left behind. To record more,
// add rows that have no answer to the file, run it, and then `npm run format`. A git diff shows what has changed; a few rows
// change from run to run, where kube-apiserver walks a map in whatever order.
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";

const [url, token, ...names] = process.argv.slice(2);
if (url === undefined || token === undefined) {
  console.error("usage: node test/conformance/record.mjs URL TOKEN [bad-objects | validation | warnings]…");
  process.exit(2);
}
const CLUSTER_SCOPED = ["namespaces", "nodes"];

/** The answer's Status or object, and its warnings. */
function create({ apiVersion, resource, namespaced, object }, query = "?dryRun=All") {
  const group = apiVersion === "v1" ? "api/v1" : `apis/${apiVersion}`;
  const isNamespaced = namespaced ?? !CLUSTER_SCOPED.includes(resource);
  const path = `/${group}${isNamespaced ? "/namespaces/default" : ""}/${resource}${query}`;
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(path, url),
      {
        method: "POST",
        rejectUnauthorized: false,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json" },
      },
      (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => {
          const header = answer.headers.warning;
          const warnings = [...(header ?? "").matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
            JSON.parse(`"${text}"`),
          );
          resolve({ body: JSON.parse(Buffer.concat(chunks).toString()), warnings });
        });
      },
    );
    asked.on("error", reject);
    asked.end(JSON.stringify(object));
  });
}

// Without controllers nobody makes the account that every pod has.
await create({ apiVersion: "v1", resource: "serviceaccounts", object: { metadata: { name: "default" } } }, "");

const causesOf = (body) => body.details?.causes ?? [];
/** How each fixture keeps an answer. */
const RECORD = {
  validation: ({ body }) => ({ message: body.message, causes: causesOf(body) }),
  "bad-objects": ({ body }) => ({
    causes: causesOf(body).map(({ field, reason, message }) => `${field} | ${reason} | ${message}`),
  }),
  warnings: ({ warnings }) => ({ warnings }),
};

for (const name of names.length > 0 ? names : Object.keys(RECORD)) {
  const file = new URL(`../unit/actors/api-server/machinery/fixtures/${name}.json`, import.meta.url);
  const fixture = JSON.parse(readFileSync(file, "utf8"));
  let changed = 0;
  for (const [index, row] of fixture.cases.entries()) {
    const recorded = { ...row, ...RECORD[name](await create(row)) };
    if (JSON.stringify(recorded) !== JSON.stringify(row)) changed++;
    fixture.cases[index] = recorded;
  }
  writeFileSync(file, `${JSON.stringify(fixture, null, 2)}\n`);
  console.log(`${name}: ${fixture.cases.length} asked, ${changed} answers differ from those on record`);
}

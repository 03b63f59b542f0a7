// Records what a real kube-controller-manager makes of the situations in `workload-situations.mjs`, into `recorded/workloads.json`.
//
//   node test/conformance/record-workloads.mjs URL TOKEN
//
// Start kube-apiserver and kube-controller-manager 1.37 of your own on loopback before, without nodes. Namespaces and nodes that
// it makes are deleted in the end.
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { SITUATIONS } from "./workload-situations.mjs";
import { beat, play } from "./workload-case.mjs";

const [url, token] = process.argv.slice(2);
if (token === undefined) {
  console.error("usage: node test/conformance/record-workloads.mjs URL TOKEN");
  process.exit(2);
}
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
/** Nothing has changed for so long: the controllers have done what they had to. Changes of nodes are looked at within two seconds. */
const IDLE_MS = 2_500;
const LOOK_MS = 150;

const recorded = [];
for (const [index, { name, steps }] of SITUATIONS.entries()) {
  const namespace = `situation-${index}`;
  const apiVersion = "v1";
  await ask({
    verb: "create",
    target: core("namespaces"),
    body: { apiVersion, kind: "Namespace", metadata: { name: namespace } },
  });
  await settle();
  recorded.push({ name, steps, states: await play({ namespace, steps }, { ask, settle }) });
  console.log(name);
  await ask({ verb: "delete", target: core("namespaces"), name: namespace, body: {} });
  for (const { metadata } of (await ask({ verb: "list", target: core("pods") })).items) {
    const target = { ...core("pods"), namespace: metadata.namespace };
    await ask({ verb: "delete", target, name: metadata.name, body: { gracePeriodSeconds: 0 } }).catch(() => undefined);
  }
  for (const { metadata } of (await ask({ verb: "list", target: core("nodes") })).items) {
    await ask({ verb: "delete", target: core("nodes"), name: metadata.name, body: {} });
  }
}
writeFileSync(new URL("recorded/workloads.json", import.meta.url), `${JSON.stringify(recorded, undefined, 2)}\n`);

function core(resource) {
  return { group: "", version: "v1", resource };
}

async function ask({ verb, target, name, subresource, body }) {
  const { group, version, resource, namespace } = target;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const parts = [root, ...(namespace === undefined ? [] : ["namespaces", namespace]), resource];
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(subresource);
  const method = { create: "POST", patch: "PATCH", delete: "DELETE", list: "GET" }[verb];
  const type = verb === "patch" ? "application/merge-patch+json" : "application/json";
  const answer = await fetch(`${url}${parts.join("/")}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": type },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const object = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${parts.join("/")}: ${object.message}`);
  return object;
}

/** Until nothing that the controllers write has another version. */
async function settle() {
  // Nodes that are not heard of are lost within a minute.
  for (const { metadata } of (await ask({ verb: "list", target: core("nodes") })).items) {
    await beat({ ask }, metadata.name, new Date().toISOString());
  }
  const kinds = [core("pods"), core("persistentvolumeclaims"), core("events"), core("nodes")];
  for (const resource of ["statefulsets", "daemonsets", "controllerrevisions"]) {
    kinds.push({ group: "apps", version: "v1", resource });
  }
  let before = "";
  let sinceMs = performance.now();
  while (performance.now() - sinceMs < IDLE_MS) {
    const lists = await Promise.all(kinds.map((target) => ask({ verb: "list", target })));
    const now = lists
      .flatMap(({ items }) => items.map(({ metadata }) => `${metadata.uid}/${metadata.resourceVersion}`))
      .join();
    if (now !== before) sinceMs = performance.now();
    before = now;
    await pause(LOOK_MS);
  }
}

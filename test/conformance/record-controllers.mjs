// Records what a real kube-controller-manager makes of the situations in `controllers-situations.mjs`, into `recorded/controllers.json`.
//
//   node test/conformance/record-controllers.mjs URL TOKEN [PREFIX]
//
// Start kube-apiserver and kube-controller-manager 1.37 of your own on loopback before. Namespaces, and what it makes outside of them,
// are deleted in the end; they begin with PREFIX.
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { SITUATIONS } from "./controllers-situations.mjs";
import { clean, play } from "./controllers-case.mjs";

const [url, token, prefix = "situation"] = process.argv.slice(2);
if (token === undefined) {
  console.error("usage: node test/conformance/record-controllers.mjs URL TOKEN [PREFIX]");
  process.exit(2);
}
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
/** Nothing that is to be seen has changed for so long: the controllers have done what they had to. Claims that wait are looked at each 15 seconds. */
const IDLE_MS = 4_000;
const WAITING_MS = 18_000;
const LOOK_MS = 250;
/** Played at a time. */
const TOGETHER = 20;

const namespaces = { group: "", version: "v1", resource: "namespaces" };
const recorded = [];
const waiting = [...SITUATIONS.entries()];
await Promise.all(Array.from({ length: TOGETHER }, worker));
writeFileSync(new URL("recorded/controllers.json", import.meta.url), `${JSON.stringify(recorded, undefined, 2)}\n`);

async function worker() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [index, { name, steps }] = next;
    const namespace = `${prefix}-${index}x`;
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
    await ask({ verb: "create", target: namespaces, body });
    // The account of its pods.
    await pause(1_000);
    try {
      recorded[index] = { name, steps, states: await play({ namespace, steps }, { ask, settle }) };
      console.log(name);
    } finally {
      await ask({ verb: "delete", target: namespaces, name: namespace, body: {} });
      await clean(namespace, { ask });
    }
  }
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
  if (!answer.ok) throw new Error(object.message);
  return object;
}

async function settle(look) {
  let before = "";
  let sinceMs = performance.now();
  let idleMs = IDLE_MS;
  while (performance.now() - sinceMs < idleMs) {
    const state = await look();
    const now = JSON.stringify(state);
    if (now !== before) sinceMs = performance.now();
    before = now;
    const waits = [...(state.claims ?? []), ...(state.volumes ?? [])].some((line) =>
      / (Pending|Lost|Available) /.test(line),
    );
    idleMs = state.claims !== undefined && waits ? WAITING_MS : IDLE_MS;
    await pause(LOOK_MS);
  }
}

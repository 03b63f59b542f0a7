// Exchanges with an API server, the same for kube-apiserver (`record-exchanges.mjs`) and for inkube (`exchanges.test.ts`).
//
// A file of `exchanges/` is a list of scenarios, each of which runs alone in a namespace of its own, named in texts as {ns}:
//
//   - name: a ConfigMap that can't be changed
//     steps:
//       - do: POST /api/v1/namespaces/{ns}/configmaps
//         body: { metadata: { name: a }, immutable: true }
//       - do: PATCH /api/v1/namespaces/{ns}/configmaps/a
//         type: application/merge-patch+json        # application/json without it
//         accept: application/json                  # as it is without it
//         body: { data: { a: b } }                  # or `text:` for a body that is sent as it stands
//
// A step with `until: 200` is asked again until it is answered so: what a definition changes counts a moment later. Of a step with
// `aside: true` the answer does not count: it depends on what happens at the same time.
//
// or, for all that can be asked of an object of any kind, `lifecycle`, which stands for `stepsOfLife`:
//
//   - lifecycle: /apis/batch/v1/namespaces/{ns}/jobs
//     object: { metadata: { name: a }, spec: { … } }
//
// or, for what is refused and what is made of a body, `each`: one dry run a body.
//
//   - each: /apis/batch/v1/namespaces/{ns}/jobs
//     bodies: [{ … }, { … }]
//
// Bodies that differ in little are an `object`, and `with` what is merged into it (RFC 7396). `changes` makes the object, then one
// dry run of a merge patch for each of `to`, at `at` below the object (its status, when that is `/status`).
//
//   - changes: /apis/batch/v1/namespaces/{ns}/jobs
//     object: { … }
//     at: /status
//     to: [{ … }, { … }]
//
// Of a step with `shows: [etag, location]` these headers of the answer count as well; with `headOnly: true` its body does not.
//
// `{rv}` and `{uid}` in a later step are those of the last object that was answered, `{token}` is the last token, `{etag}` the last
// ETag without its quotes. What differs from server to server and from
// run to run (uids, versions, times, addresses) is put in general form on both sides; all else counts.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { parse } from "yaml";

/**
 * `webhook` says by its name how the webhook at `webhookUrl`, whose certificate is in `bundle` (base64 of PEM), answers from now on.
 * `pauses`: it needs the time that a step asks for to take notice of the one before.
 * @typedef {{ url: string, token: string, webhook?: (name: string) => void, webhookUrl?: string, bundle?: string, pauses?: boolean }} Peer
 */
/** @typedef {{ do: string, type?: string, accept?: string, body?: unknown, text?: string, until?: number, aside?: boolean, headers?: Record<string, string>, shows?: string[], headOnly?: boolean }} Step */
/** @typedef {{ name: string, steps: Step[] }} Scenario */
/** @typedef {{ status: number, type: string, warnings: string[], headers?: Record<string, string>, body: unknown }} Answer */

/** The scenarios of a file, in their long form. @returns {Scenario[]} */
export function readScenarios(file) {
  const seen = new Map();
  return parse(readFileSync(file, "utf8")).map((given) => {
    const scenario = longForm(given);
    const count = (seen.get(scenario.name) ?? 0) + 1;
    seen.set(scenario.name, count);
    return count === 1 ? scenario : { ...scenario, name: `${scenario.name} (${count})` };
  });
}

function longForm(given) {
  if (given.lifecycle !== undefined) {
    const title = given.name ?? `the life of ${given.object.metadata.name}, one of ${given.lifecycle}`;
    return { name: title, steps: [...(given.before ?? []), ...stepsOfLife(given.lifecycle, given.object)] };
  }
  if (given.changes !== undefined) {
    const own = `${given.changes}/${given.object.metadata.name}`;
    const steps = [
      { do: `POST ${given.changes}`, body: given.object },
      ...(given.first ?? []),
      ...given.to.map((body) => ({ do: `PATCH ${own}${given.at ?? ""}?dryRun=All`, type: MERGE, body })),
      { do: `DELETE ${own}` },
    ];
    const title = given.name ?? `changes of ${given.object.metadata.name}, one of ${given.changes}${given.at ?? ""}`;
    return { name: title, steps: [...(given.before ?? []), ...steps] };
  }
  if (given.each !== undefined) {
    const bodies = given.bodies ?? given.with.map((change) => merged(given.object, change));
    const steps = bodies.map((body) => ({ do: `POST ${given.each}?dryRun=All`, body }));
    return { name: given.name ?? `bodies for ${given.each}`, steps: [...(given.before ?? []), ...steps] };
  }
  return given;
}

/** RFC 7396. */
function merged(value, change) {
  if (typeof change !== "object" || change === null || Array.isArray(change)) return change;
  const result = typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  for (const [key, item] of Object.entries(change)) {
    if (item === null) delete result[key];
    else result[key] = merged(result[key], item);
  }
  return result;
}

const MERGE = "application/merge-patch+json";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";
const PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/** What a client may ask of an object of any kind, from its creation to its end. */
function stepsOfLife(collection, object) {
  const own = `${collection}/${object.metadata.name}`;
  const only = `fieldSelector=metadata.name%3D${object.metadata.name}`;
  const labels = (value) => ({ metadata: { labels: { seen: value } } });
  return [
    { do: `POST ${collection}?dryRun=All&fieldValidation=Strict`, body: object },
    { do: `GET ${own}` },
    { do: `POST ${collection}`, body: object },
    { do: `POST ${collection}`, body: object },
    { do: `GET ${own}` },
    { do: `GET ${own}`, accept: TABLE },
    { do: `GET ${own}`, accept: PARTIAL },
    { do: `GET ${collection}?${only}` },
    { do: `GET ${collection}?${only}`, accept: TABLE },
    { do: `GET ${collection}?${only}`, accept: PARTIAL_LIST },
    { do: `GET ${collection}?labelSelector=seen&${only}` },
    { do: `PATCH ${own}`, type: MERGE, body: labels("once") },
    { do: `GET ${collection}?labelSelector=seen&${only}` },
    { do: `PATCH ${own}?dryRun=All`, type: MERGE, body: { spec: { unheardOf: 1 }, unheardOf: 1 } },
    { do: `PATCH ${own}?fieldValidation=Strict`, type: MERGE, body: { unheardOf: 1 } },
    { do: `PATCH ${own}`, type: "application/strategic-merge-patch+json", body: labels("twice") },
    {
      do: `PATCH ${own}`,
      type: "application/json-patch+json",
      body: [{ op: "replace", path: "/metadata/labels/seen", value: "thrice" }],
    },
    { do: `PATCH ${own}`, type: "application/json-patch+json", body: [{ op: "test", path: "/kind", value: "x" }] },
    { do: `PATCH ${own}`, type: MERGE, body: { metadata: { name: "other" } } },
    { do: `PATCH ${own}`, type: "text/plain", body: {} },
    { do: `PUT ${own}`, body: { ...object, metadata: { ...object.metadata, resourceVersion: "1" } } },
    { do: `PUT ${own}`, body: { ...object, metadata: { ...object.metadata, annotations: { put: "yes" } } } },
    { do: `PUT ${own}`, body: { ...object, kind: "Other" } },
    { do: `PUT ${own}/status`, body: object },
    { do: `GET ${own}/status` },
    { do: `DELETE ${own}`, body: { preconditions: { uid: "no" } } },
    { do: `DELETE ${own}?dryRun=All` },
    { do: `DELETE ${own}?propagationPolicy=Sideways` },
    { do: `DELETE ${own}`, body: { gracePeriodSeconds: 0 } },
    { do: `GET ${own}` },
    { do: `DELETE ${own}` },
    { do: `PATCH ${own}`, type: MERGE, body: labels("late") },
  ];
}

/** Of a step that says until when. */
const TRIES_MAX = 200;
const PAUSE_MS = 25;
const UNCOUNTED = { status: 0, type: "", warnings: [], body: null };

/** Runs the steps one after the other. @returns {Promise<Answer[]>} */
export async function runScenario(peer, scenario, namespace) {
  const base = { metadata: { name: namespace } };
  await send(peer, "POST", "/api/v1/namespaces", { body: JSON.stringify(base) });
  const account = { metadata: { name: "default" } };
  await send(peer, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: JSON.stringify(account) });
  const answers = [];
  let last = {};
  let token = "";
  let etag = "";
  for (const step of scenario.steps) {
    if (step.webhook !== undefined) peer.webhook(step.webhook);
    if (step.pauseMs !== undefined && peer.pauses === true) await new Promise((go) => setTimeout(go, step.pauseMs));
    const fill = (text) =>
      text
        .replaceAll("{url}", peer.webhookUrl ?? "")
        .replaceAll("{bundle}", peer.bundle ?? "")
        .replaceAll("{ns}", namespace)
        .replaceAll("{rv}", last.resourceVersion ?? "")
        .replaceAll("{uid}", last.uid ?? "")
        .replaceAll("{token}", token)
        .replaceAll("{etag}", etag);
    const [method, path] = fill(step.do).split(/ (.*)/);
    const body = step.text ?? (step.body === undefined ? undefined : JSON.stringify(step.body));
    const asked = {
      ...(body === undefined ? {} : { body: fill(body) }),
      type: step.type ?? "application/json",
      accept: step.accept ?? "application/json",
      headOnly: step.headOnly === true,
      headers: Object.fromEntries(Object.entries(step.headers ?? {}).map(([name, text]) => [name, fill(text)])),
    };
    let answer = await send(peer, method, path, asked);
    for (let tries = 1; step.until !== undefined && answer.status !== step.until && tries < TRIES_MAX; tries++) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      answer = await send(peer, method, path, asked);
    }
    if (answer.body?.metadata?.uid !== undefined) last = answer.body.metadata;
    token = answer.body?.status?.token ?? token;
    etag = answer.headers.etag?.replaceAll('"', "") ?? etag;
    answers.push(step.aside === true ? UNCOUNTED : counted(step, answer));
  }
  await send(peer, "DELETE", `/api/v1/namespaces/${namespace}`, {});
  return answers.map((answer) => general(answer, namespace));
}

function counted({ shows }, { headers, ...answer }) {
  const chosen = shows?.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]));
  return chosen === undefined ? answer : { ...answer, headers: Object.fromEntries(chosen) };
}

function send({ url, token }, method, path, asking) {
  const { body, type = "application/json", accept = "application/json", headers, headOnly = false } = asking;
  return new Promise((resolve, reject) => {
    const asked = request(
      new URL(path, url),
      {
        method,
        rejectUnauthorized: false,
        headers: {
          authorization: `Bearer ${token}`,
          accept,
          "user-agent": "conformance/1.0",
          ...(body === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(body) }),
          ...headers,
        },
      },
      (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const warning = answer.headers.warning;
          const warnings = [...(warning ?? "").matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
            JSON.parse(`"${text}"`),
          );
          const bytes = Buffer.concat(chunks);
          const media = answer.headers["content-type"] ?? "";
          resolve({
            status: answer.statusCode,
            type: media,
            warnings,
            headers: answer.headers,
            body: headOnly ? null : bodyOf(media, bytes),
          });
        });
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

/** A value; of a watch the list of its events; of what is no text its bytes in hexadecimal. */
function bodyOf(media, bytes) {
  if (media.includes("protobuf")) return bytes.toString("hex");
  const text = bytes.toString("utf8");
  if (media.includes("yaml")) return parse(text);
  if (!media.includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }
}

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const JWT = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;
/** Addresses that are given out. */
const ADDRESS = /\b10\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/g;
/** Hashes of documents, in one form and the other. */
const ETAG = /"[0-9A-F]{16,128}"/g;
const HASH = /\bhash=[0-9A-F]{16,128}/g;
const HTTP_DATE = /\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d (GMT|UTC)\b/g;
const NAMED = { resourceVersion: "<version>", continue: "<token>", nodePort: "<port>", healthCheckNodePort: "<port>" };

/** What does not depend on the server, nor on the day. */
export function general(value, namespace, key = "") {
  if (typeof value === "string") {
    if (Object.hasOwn(NAMED, key) && value !== "") return NAMED[key];
    const text = value
      .replaceAll(namespace, "{ns}")
      .replaceAll(UID, "<uid>")
      .replaceAll(TIME, "<time>")
      .replaceAll(JWT, "<jwt>")
      .replaceAll(ADDRESS, "<address>")
      .replaceAll(ETAG, '"<etag>"')
      .replaceAll(HASH, "hash=<etag>")
      .replaceAll(HTTP_DATE, "<date>")
      .replaceAll(/(kube-api-access-)[a-z0-9]{5}/g, "$1<suffix>")
      .replaceAll(/in record \(\d+\)/g, "in record (<version>)")
      .replaceAll(/object not decodable revision=\d+/g, "object not decodable revision=<version>")
      // A whole object in an error, whose fields have no order.
      .replace(/Invalid value: (\\*"|)(?:\{.*\}|\[\{.*\}\])(\\*"|)/, "Invalid value: <object>");
    return /^\d+(ms|s|m|d)$/.test(text) && key === "cells" ? "<age>" : text;
  }
  if (typeof value === "number" && Object.hasOwn(NAMED, key)) return NAMED[key];
  if (Array.isArray(value)) return value.map((item) => general(item, namespace, key));
  if (typeof value !== "object" || value === null) return value;
  // Columns are described in a manual's words, which we do not carry.
  const described = key === "columnDefinitions";
  // The hash of a group that has the name of the run tells nothing.
  const hashed = value.kind === "APIResourceList" && value.groupVersion.includes(namespace);
  const told = hashed ? { ...value, resources: value.resources.map(withoutHash) } : value;
  const entries = Object.entries(told).filter(([name]) => !(described && name === "description"));
  // Owners are told apart by their uid, in the keys of who manages what.
  return Object.fromEntries(
    entries.map(([name, item]) => [name.replaceAll(UID, "<uid>"), general(item, namespace, name)]),
  );
}

function withoutHash({ storageVersionHash, ...resource }) {
  return storageVersionHash === undefined ? resource : { ...resource, storageVersionHash: "<hash>" };
}

/** Where two values differ: `path: expected, got`, as far as `limit`. */
export function differences(expected, got, limit = 20) {
  const found = [];
  const walk = (a, b, path) => {
    if (found.length >= limit || Object.is(a, b)) return;
    const bothObjects = typeof a === "object" && typeof b === "object" && a !== null && b !== null;
    if (!bothObjects || Array.isArray(a) !== Array.isArray(b)) {
      found.push(`${path}: expected ${shown(a)}, got ${shown(b)}`);
      return;
    }
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) walk(a[key], b[key], `${path}.${key}`);
  };
  walk(expected, got, "");
  return found;
}

function shown(value) {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

// Asks a real kube-apiserver about one full and one minimal object of each kind, and about each way in which a field of the full
// one can be wrong, and writes the answers down.
//
//   node test/conformance/record-kinds.mjs URL TOKEN [group]…
//
// The fixtures are `test/unit/actors/api-server/machinery/fixtures/kinds/<group>.txt`; a kind begins with lines that are written
// by hand, and those below them are made from these:
//
//   == APIVERSION RESOURCE [namespaced] [noupdate]
//   full OBJECT
//   minimal OBJECT
//   also full|minimal CHANGES          more to ask for; CHANGES are values by JSON pointer, `(none)` removes
//   full: OBJECT                       what is stored of it
//   cells: CELLS                       of the Table that shows the full one
//   create|update full|minimal CHANGES
//     FIELD | REASON | MESSAGE         a cause why it is refused
//     = CHANGES                        what else is different in what is stored, when it is taken
//     ~ TEXT                           a Warning
//
// `update` puts the changed object over the full one, which is stored for that; all else is asked with `dryRun=All`.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { request } from "node:https";

const [url, token, ...groups] = process.argv.slice(2);
if (url === undefined || token === undefined) {
  console.error("usage: node test/conformance/record-kinds.mjs URL TOKEN [group]…");
  process.exit(2);
}
/** Nothing is left in it; its objects' names begin with those of the fixtures. */
const NAMESPACE = "default";
/** What stands in changes for a field that is not there. */
const NONE = "(none)";

function ask(method, path, body, accept = "application/json", type = "application/json") {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": type, accept };
    const asked = request(new URL(path, url), { method, rejectUnauthorized: false, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        const warnings = [...(answer.headers.warning ?? "").matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)];
        const told = warnings.map(([, text]) => JSON.parse(`"${text}"`));
        resolve({ code: answer.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()), warnings: told });
      });
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const stepsOf = (pointer) =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

/** A copy of `object` with `changes` made. */
function changed(object, changes) {
  const copy = structuredClone(object);
  for (const [pointer, value] of Object.entries(changes)) {
    const steps = stepsOf(pointer);
    const last = steps.pop();
    let at = copy;
    for (const step of steps) at = at[step] ??= {};
    if (value === NONE) delete at[last];
    else at[last] = structuredClone(value);
  }
  return copy;
}

/** As text, whatever the order of the fields. */
const sorted = (value) =>
  JSON.stringify(value, (_key, item) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );

/** The changes that lead from `from` to `to`; lists are compared whole. */
function differences(from, to, at = "", found = {}) {
  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const pointer = `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (!(key in to)) found[pointer] = NONE;
    else if (isObject(from[key]) && isObject(to[key])) differences(from[key], to[key], pointer, found);
    else if (sorted(from[key]) !== sorted(to[key])) found[pointer] = to[key];
  }
  return found;
}

/** One change for each way in which something in `value` can be wrong. */
function* wrongForms(value, at = "") {
  if (at !== "") yield { [at]: NONE };
  if (typeof value === "string") {
    yield { [at]: "" };
    yield { [at]: "Bad/value_!" };
  } else if (typeof value === "number") {
    yield { [at]: -1 };
    yield { [at]: 0 };
    yield { [at]: 99_999_999 };
  } else if (typeof value === "boolean") {
    yield { [at]: !value };
  } else if (value === null) {
    yield { [at]: NONE };
  } else if (Array.isArray(value)) {
    yield { [at]: [] };
    if (value.length > 0) yield { [at]: [...value, value[0]] };
    for (const [i, item] of value.entries()) {
      // A list without one of its items is not what this is about.
      for (const form of wrongForms(item, `${at}/${i}`)) if (form[`${at}/${i}`] !== NONE) yield form;
    }
  } else {
    if (at !== "") yield { [at]: {} };
    for (const [key, item] of Object.entries(value)) {
      if (at === "" && ["metadata", "kind", "apiVersion"].includes(key)) continue;
      yield* wrongForms(item, `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    }
  }
}

/** What a store adds is not of interest. */
function bare({ metadata = {}, ...rest }) {
  const { uid: _uid, creationTimestamp: _c, resourceVersion: _r, managedFields: _m, namespace: _n, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

const oneLine = (text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");

/** The lines of an answer, or undefined when it is neither a refusal with causes nor the object. */
function linesOf({ code, body, warnings }, expected) {
  const told = warnings.map((text) => `  ~ ${oneLine(text)}`);
  if (code === 422) {
    const causes = body.details?.causes ?? [];
    return causes.map(({ field, reason, message }) => `  ${field} | ${reason} | ${oneLine(message)}`);
  }
  if (code >= 300) return undefined;
  const difference = differences(expected, bare(body));
  return Object.keys(difference).length === 0 ? [...told, "  ="] : [...told, `  = ${JSON.stringify(difference)}`];
}

async function record(head, full, minimal, also) {
  const [apiVersion, resource, ...flags] = head.split(" ");
  const group = apiVersion === "v1" ? "api/v1" : `apis/${apiVersion}`;
  const path = `/${group}${flags.includes("namespaced") ? `/namespaces/${NAMESPACE}` : ""}/${resource}`;
  const dry = `${path}?dryRun=All`;
  const bases = { full, minimal };
  const lines = [];
  const shown = {};
  for (const name of ["full", "minimal"]) {
    const answer = await ask("POST", dry, bases[name]);
    if (answer.code !== 201) throw new Error(`${head} ${name}: ${JSON.stringify(answer.body)}`);
    shown[name] = bare(answer.body);
    lines.push(`${name}: ${JSON.stringify(shown[name])}`, ...answer.warnings.map((text) => `  ~ ${oneLine(text)}`));
  }
  const cases = [
    ...[...wrongForms(full)].map((changes) => ["full", changes]),
    ...[...wrongForms(minimal)].map((changes) => ["minimal", changes]),
    ...also,
  ];
  const known = new Set();
  const taken = [];
  let skipped = 0;
  for (const [base, changes] of cases) {
    const object = changed(bases[base], changes);
    const text = JSON.stringify(object);
    if (known.has(text)) continue;
    known.add(text);
    const answer = await ask("POST", dry, object);
    const told = linesOf(answer, changed(shown[base], changes));
    if (told === undefined) {
      skipped++;
      continue;
    }
    if (base === "full" && answer.code < 300) taken.push(changes);
    lines.push(`create ${base} ${JSON.stringify(changes)}`, ...told);
  }
  if (!flags.includes("noupdate")) lines.push(...(await recordUpdates(path, full, taken)));
  console.log(`${head}: ${cases.length} asked, ${skipped} answered by something else than causes or an object`);
  return lines;
}

/** No controller runs that would release what is protected. */
async function remove(path) {
  await ask("DELETE", `${path}?gracePeriodSeconds=0`);
  const patch = { metadata: { finalizers: null } };
  await ask("PATCH", path, patch, "application/json", "application/merge-patch+json");
}

async function recordUpdates(path, full, taken) {
  const { name } = full.metadata;
  await remove(`${path}/${name}`);
  const stored = await ask("POST", path, full);
  if (stored.code !== 201) throw new Error(`${path}: ${JSON.stringify(stored.body)}`);
  const lines = [];
  const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const { body } = await ask("GET", `${path}/${name}`, undefined, table);
  const cells = body.rows[0].cells.map((cell) => (/^\ds$/.test(cell) ? "0s" : cell));
  lines.push(`cells: ${JSON.stringify(cells)}`);
  const { resourceVersion } = stored.body.metadata;
  for (const changes of taken) {
    const object = changed(full, changes);
    object.metadata.resourceVersion = resourceVersion;
    const answer = await ask("PUT", `${path}/${name}?dryRun=All`, object);
    const told = linesOf(answer, changed(bare(stored.body), changes));
    if (told !== undefined) lines.push(`update full ${JSON.stringify(changes)}`, ...told);
  }
  await remove(`${path}/${name}`);
  return lines;
}

const folder = new URL("../unit/actors/api-server/machinery/fixtures/kinds/", import.meta.url);
for (const file of readdirSync(folder)) {
  if (groups.length > 0 && !groups.includes(file.replace(/\.txt$/, ""))) continue;
  const out = [];
  for (const section of readFileSync(new URL(file, folder), "utf8").split(/^== /m).slice(1)) {
    const [head, ...rest] = section.trimEnd().split("\n");
    const written = rest.filter((line) => /^(full|minimal|also) /.test(line));
    const of = (name) => JSON.parse(written.find((line) => line.startsWith(`${name} `)).slice(name.length + 1));
    const also = written.filter((line) => line.startsWith("also ")).map((line) => /^also (\w+) (.*)$/.exec(line));
    const answers = await record(
      head,
      of("full"),
      of("minimal"),
      also.map(([, base, changes]) => [base, JSON.parse(changes)]),
    );
    out.push(`== ${head}`, ...written, ...answers, "");
  }
  writeFileSync(new URL(file, folder), out.join("\n"));
}

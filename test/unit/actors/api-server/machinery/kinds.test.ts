import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../../actors/api-server/core/machinery/json-value.ts";
import { warningsOf } from "../../../../../actors/api-server/core/machinery/warnings.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { Changes } from "./kind-fixtures.ts";
import { kindFixtures } from "./kind-fixtures.ts";
import { createdBy, updatedBy } from "./oracle-fixture.ts";

function changed(object: KubernetesObject, changes: Changes): KubernetesObject {
  const copy = structuredClone(object);
  for (const [pointer, value] of Object.entries(changes)) {
    const steps = pointer.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop() ?? "";
    let at = copy as unknown as JsonObject;
    for (const step of steps.slice(1)) at = (at[step] ??= {}) as JsonObject;
    if (value === "(none)") delete at[last];
    else at[last] = structuredClone(value);
  }
  return copy;
}

/** Without what no two servers give alike. */
function bare(object: KubernetesObject | undefined): KubernetesObject | undefined {
  if (object === undefined) return undefined;
  const {
    uid: _uid,
    creationTimestamp: _created,
    namespace: _namespace,
    finalizers,
    ...metadata
  } = object.metadata ?? {};
  // Nothing in inkube would take such a finalizer off again.
  const kept = finalizers?.filter((finalizer) => !finalizer.endsWith("-protection")) ?? [];
  const plain = { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, finalizers: kept } };
  // Users of tokens have no uid here.
  return JSON.parse(
    JSON.stringify(plain)
      .replace('"uid":"admin",', "")
      .replaceAll(/"lastTransitionTime":"[^"]*"/g, '"lastTransitionTime":"now"'),
  ) as KubernetesObject;
}

/** What is said otherwise, and why. */
const ACCEPTED: ReadonlySet<string> = new Set([
  // A list without items and none at all are the same here before they are compared.
  'csinodes update full {"/spec/drivers/0/topologyKeys":[]}',
  // Kubernetes warns again only where the requests for tokens have changed; here what is new is told.
  'csidrivers update full {"/spec/serviceAccountTokenInSecrets":"(none)"}',
]);

const texts = (causes: readonly { field?: string; reason?: string; message?: string }[]): readonly string[] =>
  causes
    .map(({ field, reason, message }) => `${field} | ${reason} | ${message}`)
    .map((text) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n"))
    .sort();

function ownWarnings(text: string): boolean {
  return text.includes("not honoured by inkube");
}

describe.each(kindFixtures)("$title, as kube-apiserver has it", ({ served, objects, shown, cells, cases }) => {
  const object = (name: string): KubernetesObject => objects[name] ?? {};
  const created = (name: string): KubernetesObject => createdBy(served, object(name)).object ?? {};

  it.each(Object.keys(objects))("stores a %s object with its defaults", (name) => {
    expect(createdBy(served, object(name)).causes).toEqual([]);
    expect(bare(created(name))).toEqual(bare(shown[name]));
  });

  it.skipIf(cells === undefined)("is shown in a row", () => {
    const stored = { ...created("full") };
    const timed = cells?.find((cell) => typeof cell === "string" && /^2\d{3}-.*Z$/.test(cell));
    stored.metadata = { ...stored.metadata, creationTimestamp: (timed as string) ?? "1970-01-01T00:00:00Z" };
    expect(served.rules.cells?.(stored as never, 0)).toEqual(cells);
  });

  const titled = cases.map((one) => ({ ...one, title: `${one.verb} ${one.base} ${JSON.stringify(one.changes)}` }));
  it.each(titled.filter((one) => !ACCEPTED.has(`${served.info.resource} ${one.title}`)))(
    "$title",
    ({ verb, base, changes, causes, warnings, more }) => {
      const old = verb === "update" ? created("full") : undefined;
      const value = changed(object(base), changes);
      const written = old === undefined ? createdBy(served, value) : updatedBy(served, value, old);
      expect(texts(written.causes)).toEqual([...causes].sort());
      if (more === undefined || written.object === undefined) return;
      expect(bare(written.object)).toEqual(bare(changed(changed(shown[base] ?? {}, changes), more)));
      const told = warningsOf(served.rules, written.object, old).filter((text) => !ownWarnings(text));
      expect(told).toEqual(warnings);
    },
  );
});

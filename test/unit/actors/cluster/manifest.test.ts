import { describe, expect, it } from "vitest";
import {
  applyPatch,
  parseManifest,
  resourceNamed,
  resourceOf,
  withRecord,
} from "../../../../actors/cluster/manifest.ts";

describe("a manifest", () => {
  it("is YAML or JSON of several documents, lists, or objects", () => {
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
    expect(parseManifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n# nothing\n---\n")).toEqual([map]);
    expect(parseManifest(JSON.stringify({ apiVersion: "v1", kind: "List", items: [map, map] }))).toEqual([map, map]);
    expect(parseManifest(map)).toEqual([map]);
    expect(parseManifest([map, map])).toEqual([map, map]);
    expect(parseManifest("")).toEqual([]);
  });

  it("has the booleans that kubectl reads: yes and off, but not in quotes", () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: yes, b: Off, c: n, d: "yes", e: nay}';
    expect(parseManifest(text)).toMatchObject([{ data: { a: true, b: false, c: false, d: "yes", e: "nay" } }]);
  });

  it.each([
    ["a: b: c", /web\.yaml: .* at line 1, column 4$/],
    ["- 1", /web\.yaml, document 1: is not an object/],
    ["kind: Pod", /has no apiVersion/],
    ["apiVersion: v1\nkind: 5", /has no kind/],
    ["apiVersion: v1\nkind: Pod", /\(Pod\) has no metadata\.name/],
    ["apiVersion: v1\nkind: List\nitems: [1]", /document 1\.items\[0\]: is not an object/],
  ])("that is wrong is refused with its place: %j", (text, message) => {
    expect(() => parseManifest(text, "web.yaml")).toThrow(message);
  });

  const ring: Record<string, unknown> = {};
  ring["ring"] = ring;
  const list: { apiVersion: string; kind: string; items: unknown[] } = { apiVersion: "v1", kind: "List", items: [] };
  list.items.push(list, list);
  let deep: unknown = {};
  for (let depth = 0; depth < 50_000; depth++) deep = { deep };
  const throwing = {
    get a(): never {
      throw new Error("not now");
    },
  };
  const map = (data: unknown): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data });
  it.each([
    ["a bigint", map({ a: 1n }), /^web\[0\]: is no plain data: data\.a is a bigint$/],
    ["a function", map({ a: () => 1 }), /data\.a is a function/],
    ["a ring", map(ring), /^web\[0\]: is no plain data: data\.ring.* 1000 deep/],
    ["50,000 levels", map(deep), /^web\[0\]: is no plain data: data\.deep.* 1000 deep/],
    ["a getter that throws", map(throwing), /^web\[0\]: .*data\.a can't be read: not now/],
    [
      "a Proxy that throws",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("no");
          },
        },
      ),
      /^web\[0\]: can't be read: no/,
    ],
    ["a List of itself", list, /^web\[0\]\.items\[0\].* does it contain itself/],
    ["a YAML text of aliases that multiply", bomb(), /^web, document 1: can't be read: Excessive alias count/],
    [
      "a YAML text that contains itself",
      "apiVersion: v1\nkind: X\nmetadata: {name: a}\nd: &a [*a]\n",
      /^web, document 1: /,
    ],
    ["a YAML text of 50,000 levels", `a: ${"[".repeat(50_000)}`, /^web: is nested too deep/],
  ] as const)("that holds %s is refused with its place", (_, given, message) => {
    const error = refusal(() => parseManifest(given, "web"));
    expect(error).toMatchObject({ code: "INVALID_MANIFEST", message: expect.stringMatching(message) as unknown });
  });

  it("names kinds that are known, and says which are when not", () => {
    expect(resourceOf({ apiVersion: "apps/v1", kind: "Deployment" }).resource).toBe("deployments");
    expect(() => resourceOf({ apiVersion: "v1", kind: "Deployment" })).toThrow(/apps\/v1 Deployment/);
    for (const word of ["pod", "pods", "Pod"]) expect(resourceNamed(word).resource).toBe("pods");
    for (const word of ["deploy", "deployments.apps", "Deployments.v1.apps", "deployment.apps"])
      expect(resourceNamed(word).resource).toBe("deployments");
    expect(() => resourceNamed("pods.apps")).toThrow(/no resource "pods.apps"/);
    expect(() => resourceNamed("gadget")).toThrow(/no resource "gadget"/);
  });
});

describe("applying again", () => {
  const base = { apiVersion: "v1", kind: "ConfigMap" };

  it("takes out what the last manifest said and this one does not, and leaves what others added", () => {
    const first = { ...base, metadata: { name: "a", labels: { x: "1", y: "2" } }, data: { k: "v" } };
    const current = withRecord(first);
    const next = { ...base, metadata: { name: "a", labels: { x: "1" } } };
    const patch = applyPatch(current, next) as unknown as { metadata: { labels: object }; data: unknown };
    expect(patch.metadata.labels).toEqual({ x: "1", y: null });
    expect(patch.data).toBeNull();
  });

  it("takes nothing out of an object that was not made by apply", () => {
    const current = { ...base, metadata: { name: "a", labels: { theirs: "1" } } };
    const patch = applyPatch(current, { ...base, metadata: { name: "a" } });
    expect(patch.metadata?.labels).toBeUndefined();
  });
});

it("refuses nesting that would end the process, and says where", () => {
  expect(() => parseManifest("[".repeat(3_000), "deep.yaml")).toThrow(/deep\.yaml: is nested too deep/);
});

/** Each line has the one before nine times. */
function bomb(): string {
  const lines = Array.from({ length: 9 }, (_, index) => {
    const item = index === 0 ? "x" : `*a${index - 1}`;
    return `a${index}: &a${index} [${Array.from({ length: 9 }, () => item).join(", ")}]`;
  });
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n${lines.join("\n")}\n`;
}

function refusal(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

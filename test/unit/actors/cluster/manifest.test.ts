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

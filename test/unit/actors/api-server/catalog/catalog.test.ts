import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Catalog } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { SharedMap } from "../../../../../actors/api-server/core/catalog/shared-map.ts";
import { customServed } from "../../../../../actors/api-server/core/custom/served.ts";
import { compareVersions } from "../../../../../protocols/kubernetes/version-priority.ts";
import { catalog } from "../harness/catalog.ts";
import { definitionOf } from "../harness/definitions.ts";

function withDefinition(base: Catalog, plural: string, group?: string, versions?: readonly string[]): Catalog {
  const definition = definitionOf(plural, group, versions);
  return base.with(definition.metadata?.name ?? "", customServed(definition));
}

function versionsOf(of: Catalog, group: string): readonly string[] | undefined {
  return of.groups.get(group)?.versions.map(({ version }) => version);
}

describe("a catalog with definitions", () => {
  it("names groups that are added by name behind those that are built in, and versions by their priority", () => {
    let of = withDefinition(catalog, "widgets", "shop.example.com", ["v1", "v9", "v2alpha1", "v2beta2", "odd"]);
    of = withDefinition(of, "gadgets", "a.example.com");
    expect([...of.groups.keys()]).toEqual([...catalog.groups.keys(), "a.example.com", "shop.example.com"]);
    expect(versionsOf(of, "shop.example.com")).toEqual(["v9", "v1", "v2beta2", "v2alpha1", "odd"]);
  });

  it("shares the groups that a definition does not change, and is as before without it", () => {
    const first = withDefinition(catalog, "gadgets", "a.example.com");
    const second = withDefinition(first, "widgets", "shop.example.com");
    expect(second.group("a.example.com")).toBe(first.group("a.example.com"));
    expect(second.group("apps")).toBe(catalog.group("apps"));
    const third = second.without("widgets.shop.example.com");
    expect([...third.groups.keys()]).toEqual([...first.groups.keys()]);
    expect(third.find("shop.example.com", "v1", "widgets")).toBeUndefined();
    expect(first.find("a.example.com", "v1", "gadgets")).toBe(third.find("a.example.com", "v1", "gadgets"));
  });

  it("holds several definitions of one group, each in its own versions, and what replaces one", () => {
    let of = withDefinition(catalog, "widgets", "shop.example.com", ["v1", "v2"]);
    of = withDefinition(of, "gadgets", "shop.example.com", ["v1"]);
    const resources = (version: string): unknown =>
      of.version("shop.example.com", version)?.resources.map(({ info }) => info.resource);
    expect([resources("v1"), resources("v2")]).toEqual([["gadgets", "widgets"], ["widgets"]]);
    of = withDefinition(of, "widgets", "shop.example.com", ["v2"]);
    expect([resources("v1"), resources("v2")]).toEqual([["gadgets"], ["widgets"]]);
    expect(of.find("shop.example.com", "v1", "widgets")).toBeUndefined();
  });

  it("adds versions to a group that is built in, and nothing to a version of it that is", () => {
    const of = withDefinition(catalog, "widgets", "apps", ["v1", "v7"]);
    expect(versionsOf(of, "apps")).toEqual(["v7", "v1"]);
    expect(of.version("apps", "v1")).toBe(catalog.version("apps", "v1"));
    expect(of.find("apps", "v7", "widgets")?.info.apiVersion).toBe("apps/v7");
    expect(of.without("widgets.apps").group("apps")).toBe(catalog.group("apps"));
  });
});

it("a shared map is a map, and each of its states stays as it is", () => {
  const steps = fc.array(fc.tuple(fc.string({ maxLength: 2 }), fc.option(fc.nat(), { nil: undefined })));
  fc.assert(
    fc.property(steps, (changes) => {
      const states: { readonly shared: SharedMap<number>; readonly model: ReadonlyMap<string, number> }[] = [];
      let shared = SharedMap.empty<number>();
      const model = new Map<string, number>();
      for (const [key, value] of changes) {
        if (value === undefined) {
          shared = shared.without(key);
          model.delete(key);
        } else {
          shared = shared.with(key, value);
          model.set(key, value);
        }
        states.push({ shared, model: new Map(model) });
      }
      for (const state of states) {
        expect(state.shared.size).toBe(state.model.size);
        for (const [key] of changes) expect(state.shared.get(key)).toBe(state.model.get(key));
      }
    }),
  );
});

it("a shared map tells keys of one hash apart", () => {
  const seen = new Map<number, string>();
  const pair: string[] = [];
  for (let i = 0; pair.length === 0; i++) {
    const key = `k${i}`;
    let hash = 0x811c9dc5;
    for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    const other = seen.get(hash);
    if (other !== undefined) pair.push(other, key);
    seen.set(hash, key);
  }
  const [a = "", b = ""] = pair;
  const map = SharedMap.empty<number>().with(a, 1).with(b, 2);
  expect([map.get(a), map.get(b), map.size]).toEqual([1, 2, 2]);
  expect([map.without(a).get(a), map.without(a).get(b)]).toEqual([undefined, 2]);
});

it("orders versions as Kubernetes does", () => {
  const sorted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
  expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
});

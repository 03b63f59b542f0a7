/** A definition that has gone, or has become another one, leaves nothing behind of its schemas. */
import { expect, it } from "vitest";
import { CatalogFollower } from "../../../../../actors/api-server/catalog.ts";
import { Catalog } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { KeptSchemas } from "../../../../../actors/api-server/core/custom/version-schema.ts";
import type { Store } from "../../../../../actors/api-server/store.ts";
import type { CustomResourceDefinition } from "../../../../../protocols/kubernetes/types/apiextensions-v1.ts";
import type { Context } from "../../../../../runtime/actor.ts";

const FIELDS = 1_000;

function definition(at: number, generation: number = 1): CustomResourceDefinition {
  const names = { plural: `as${at}`, singular: `a${at}`, kind: `A${at}`, listKind: `A${at}List` };
  const properties = Object.fromEntries(
    Array.from({ length: FIELDS }, (_, i) => [`f${i}`, { type: "string", description: `g${generation}` }]),
  );
  const schema = { openAPIV3Schema: { type: "object", properties } };
  return {
    metadata: { name: `as${at}.example.com`, uid: String(at), generation },
    spec: {
      group: "example.com",
      scope: "Cluster",
      names,
      versions: ["v1", "v2"].map((name) => ({ name, served: true, storage: name === "v1", schema })),
    },
    status: {
      acceptedNames: names,
      storedVersions: ["v1"],
      conditions: [
        { type: "Established", status: "True", lastTransitionTime: "2020-01-01T00:00:00Z", reason: "", message: "" },
      ],
    },
  } as unknown as CustomResourceDefinition;
}

it("what is made of its schemas goes with a definition, and with an earlier form of it", () => {
  const stored = new Map<string, CustomResourceDefinition>();
  const store = {
    cache: () => ({ get: (name: string) => (stored.has(name) ? { object: stored.get(name) } : undefined) }),
    follow: () => undefined,
    attach: () => undefined,
    detach: () => undefined,
    isBuiltIn: () => false,
  } as unknown as Store;
  const kept = new KeptSchemas();
  const follower = new CatalogFollower({} as Context["log"], store, Catalog.builtIn(), kept);
  const use = (name: string): void => {
    for (const version of ["v1", "v2"]) {
      const resource = name.slice(0, name.indexOf("."));
      void follower.current.required("example.com", version, resource).form.structure;
    }
  };
  const put = (made: CustomResourceDefinition): void => {
    const { name = "" } = made.metadata ?? {};
    stored.set(name, made);
    follower.changed(name);
    use(name);
  };
  put(definition(0));
  const ofOne = kept.bytes;
  expect(ofOne).toBeGreaterThan(FIELDS * 2);
  for (let generation = 2; generation < 20; generation++) put(definition(0, generation));
  // A digit more in each description.
  expect(kept.bytes).toBeLessThan(ofOne * 1.1);
  for (let at = 1; at < 20; at++) {
    put(definition(at));
    stored.delete(`as${at}.example.com`);
    follower.changed(`as${at}.example.com`);
  }
  expect(kept.bytes).toBeLessThan(ofOne * 1.1);
  stored.clear();
  follower.changed("as0.example.com");
  expect(kept.bytes).toBe(0);
});

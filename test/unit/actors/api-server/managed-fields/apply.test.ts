/** What server-side apply holds to, whatever is applied: KEP 555, structured-merge-diff `merge/update.go`. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Catalog } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { compareObjects, namedFields } from "../../../../../actors/api-server/core/managed-fields/comparison.ts";
import type { FieldWrite } from "../../../../../actors/api-server/core/managed-fields/field-manager.ts";
import {
  applyConfiguration,
  managedAfterUpdate,
} from "../../../../../actors/api-server/core/managed-fields/field-manager.ts";
import type { FieldSet } from "../../../../../actors/api-server/core/managed-fields/field-set.ts";
import {
  difference,
  intersection,
  shownPaths,
  union,
} from "../../../../../actors/api-server/core/managed-fields/field-set.ts";
import { fieldWriteOf } from "../../../../../actors/api-server/core/registry/field-writes.ts";
import { KnownConversions } from "../../../../../actors/api-server/core/webhooks/conversion.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";

const catalog = Catalog.builtIn();
const deployments = catalog.required("apps", "v1", "deployments");
const { structure } = deployments.form;

function by(manager: string): FieldWrite {
  return fieldWriteOf(catalog, deployments, undefined, manager, 0, new KnownConversions());
}

function apply(live: KubernetesObject | undefined, manager: string, configuration: KubernetesObject): KubernetesObject {
  const { object, managedFields } = finished(applyConfiguration(by(manager), live, configuration, true));
  // What a kind is never without is back when the object is decoded.
  const whole = deployments.form.decode({ value: object, duplicates: [] }, "Ignore").object;
  return { ...whole, metadata: { ...whole.metadata, uid: "u", ...(managedFields && { managedFields }) } };
}

function ownedBy(object: KubernetesObject, manager: string): FieldSet {
  const entry = object.metadata?.managedFields?.find((each) => each.manager === manager);
  return (entry?.fieldsV1 ?? {}) as FieldSet;
}

const env = fc.uniqueArray(fc.record({ name: fc.constantFrom("A", "B", "C"), value: fc.constantFrom("1", "2") }), {
  minLength: 1,
  selector: ({ name }) => name,
});
const containers = fc.uniqueArray(
  fc.record(
    { name: fc.constantFrom("x", "y", "z"), image: fc.constantFrom("i", "j"), env },
    { requiredKeys: ["name"] },
  ),
  // Nobody comes to own a list by naming it empty.
  { selector: ({ name }) => name, minLength: 1 },
);
const configurations = fc
  .record(
    {
      labels: fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2"), { minKeys: 1 }),
      finalizers: fc.uniqueArray(fc.constantFrom("e.com/a", "e.com/b"), { minLength: 1 }),
      replicas: fc.nat(3),
      containers,
    },
    { requiredKeys: [] },
  )
  .map(({ labels, finalizers, replicas, containers: list }) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d", ...(labels && { labels }), ...(finalizers && { finalizers }) },
    spec: { ...(replicas !== undefined && { replicas }), ...(list && { template: { spec: { containers: list } } }) },
  })) as fc.Arbitrary<KubernetesObject>;

/** What two objects say, but for who says it. */
function changed(before: KubernetesObject, after: KubernetesObject): readonly string[] {
  const bare = ({ metadata, ...rest }: KubernetesObject): KubernetesObject => {
    const { managedFields: _managed, ...own } = metadata ?? {};
    return { ...rest, metadata: own };
  };
  const { removed, modified, added } = compareObjects(structure, bare(before), bare(after));
  return shownPaths(union(union(removed, modified), added));
}

describe("server-side apply", () => {
  it("changes nothing when the same is applied again", () => {
    fc.assert(
      fc.property(configurations, configurations, (one, two) => {
        const live = apply(apply(undefined, "one", one), "two", two);
        const again = apply(live, "two", two);
        expect(changed(live, again)).toEqual([]);
        expect(again.metadata?.managedFields).toEqual(live.metadata?.managedFields);
      }),
    );
  });

  it("makes an object say what was applied last, and leaves what others alone have applied", () => {
    fc.assert(
      fc.property(configurations, configurations, configurations, (one, two, later) => {
        const live = apply(apply(apply(undefined, "one", one), "two", two), "two", later);
        const { modified, removed } = compareObjects(structure, later, live);
        expect(shownPaths(intersection(union(modified, removed), namedFields(structure, later)))).toEqual([]);
        const mine = namedFields(structure, one);
        const touched = union(namedFields(structure, two), namedFields(structure, later));
        const kept = difference(mine, touched);
        const lost = compareObjects(structure, one, live);
        expect(shownPaths(intersection(kept, union(lost.removed, lost.modified)))).toEqual([]);
      }),
    );
  });

  it("takes away what an applier does not name any more, and nobody else does", () => {
    fc.assert(
      fc.property(configurations, configurations, (one, two) => {
        const live = apply(apply(undefined, "one", one), "one", two);
        expect(changed(apply(undefined, "one", two), live).filter((path) => !path.includes("uid"))).toEqual([]);
      }),
    );
  });

  it("makes who updates the only one that manages what it has changed", () => {
    fc.assert(
      fc.property(configurations, configurations, configurations, (one, two, next) => {
        const live = apply(apply(undefined, "one", one), "two", two);
        const wanted = { ...next, metadata: { ...next.metadata, uid: "u" } };
        const managedFields = finished(managedAfterUpdate(by("three"), live, wanted, undefined));
        const after: KubernetesObject = {
          ...wanted,
          metadata: { ...wanted.metadata, ...(managedFields && { managedFields }) },
        };
        const own = ownedBy(after, "three");
        for (const other of ["one", "two"]) expect(intersection(ownedBy(after, other), own)).toEqual({});
      }),
    );
  });
});

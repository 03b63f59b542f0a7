/** Who creates an object owns what it has, whatever has been created before it. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Catalog } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { CreatedFields } from "../../../../../actors/api-server/core/managed-fields/created-fields.ts";
import { managedAfterUpdate } from "../../../../../actors/api-server/core/managed-fields/field-manager.ts";
import type { FieldWrite } from "../../../../../actors/api-server/core/managed-fields/field-manager.ts";
import { fieldWriteOf } from "../../../../../actors/api-server/core/registry/field-writes.ts";
import { KnownConversions } from "../../../../../actors/api-server/core/webhooks/conversion.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { ManagedFieldsEntry } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";

const catalog = Catalog.builtIn();
const deployments = catalog.required("apps", "v1", "deployments");

function writeOf(created: CreatedFields, resource = deployments): FieldWrite {
  return { ...fieldWriteOf(catalog, resource, undefined, "m", 0, new KnownConversions()), created };
}

function create(write: FieldWrite, object: object): readonly ManagedFieldsEntry[] | undefined {
  return finished(managedAfterUpdate(write, undefined, object as KubernetesObject, undefined));
}

const name = fc.constantFrom("a", "b");
const ports = fc.array(
  fc.record(
    { containerPort: fc.constantFrom(1, 2), protocol: fc.constantFrom("TCP", "UDP") },
    { requiredKeys: ["containerPort"] },
  ),
  { minLength: 1, maxLength: 2 },
);
const containers = fc.oneof(
  fc.uniqueArray(fc.record({ name, image: name }), { selector: (each) => each.name, maxLength: 2 }),
  ports.map((list) => [{ name: "a", ports: list }]),
  fc.uniqueArray(name).map((command) => [{ name: "a", command }]),
  fc.constant(null),
);
/** Of few fields and values, so that many are alike; as it may be stored, also with what a kind is never without. */
const created = fc
  .oneof(
    fc.record({ labels: fc.dictionary(fc.constantFrom("a", "b", "constructor"), name) }),
    fc.record({ finalizers: fc.uniqueArray(name) }),
    fc.record({ creationTimestamp: fc.constantFrom(null, "2026-01-01T00:00:00Z") }),
    fc.record({ containers }),
    fc.record({ status: fc.constantFrom({}, null, undefined) }),
    fc.record({ replicas: fc.constantFrom(0, 1, null) }),
    fc.record({ strategy: fc.constantFrom({}, null, { type: "Recreate" }) }),
    fc.record({ selector: fc.constantFrom(null, {}, { matchLabels: { a: "b" } }) }),
  )
  .map((one) => {
    const { labels, finalizers, creationTimestamp, status, containers: list, ...spec } = one as Record<string, unknown>;
    return {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d", labels, finalizers },
      spec: { ...spec, template: { metadata: { creationTimestamp }, spec: { containers: list } } },
      status,
    };
  });

it("is the same for each as if it were the first of its kind", () => {
  fc.assert(
    fc.property(fc.array(created, { minLength: 2, maxLength: 12 }), (objects) => {
      const write = writeOf(new CreatedFields());
      for (const object of objects) expect(create(write, object)).toEqual(create(writeOf(new CreatedFields()), object));
    }),
    { numRuns: 300 },
  );
});

it("is one set for all that differ only in what their fields say", () => {
  const write = writeOf(new CreatedFields());
  const of = (image: string, replicas: number): unknown =>
    create(write, {
      metadata: { name: image },
      spec: { replicas, template: { spec: { containers: [{ name: "c", image }] } } },
    })?.[0]?.fieldsV1;
  expect(of("a", 1)).toBe(of("b", 2));
});

it("is not remembered of what has more values than most objects", () => {
  const write = writeOf(new CreatedFields(), catalog.required("", "v1", "configmaps"));
  const large = { data: Object.fromEntries(Array.from({ length: 2_000 }, (_each, i) => [`k${i}`, ""])) };
  const [first, second] = [create(write, large), create(write, large)];
  expect(first).toEqual(second);
  expect(first?.[0]?.fieldsV1).not.toBe(second?.[0]?.fieldsV1);
});

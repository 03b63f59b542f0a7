/** What is much to do for one request is done in pieces, so that nobody else is held up: counted, for time says nothing on a busy machine. */
import { describe, expect, it } from "vitest";
import { headOf, StoredObject, encodeStored } from "../../../../../actors/api-server/core/cache/stored-object.ts";
import { ProtobufObjects } from "../../../../../actors/api-server/core/cache/protobuf-objects.ts";
import { Catalog } from "../../../../../actors/api-server/core/catalog/catalog.ts";
import { listBytes } from "../../../../../actors/api-server/core/machinery/list-text.ts";
import { patchObject } from "../../../../../actors/api-server/core/machinery/patch/apply-patch.ts";
import { validateCreate } from "../../../../../actors/api-server/core/machinery/validation.ts";
import {
  applyConfiguration,
  managedAfterUpdate,
} from "../../../../../actors/api-server/core/managed-fields/field-manager.ts";
import { fieldWriteOf } from "../../../../../actors/api-server/core/registry/field-writes.ts";
import {
  listingOf,
  messagesOf,
  metadataMessagesOf,
  metadataOf,
  tableOf,
} from "../../../../../actors/api-server/core/rest/listings.ts";
import type { Steps } from "../../../../../actors/api-server/core/steps.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import { KnownConversions } from "../../../../../actors/api-server/core/webhooks/conversion.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";

const catalog = Catalog.builtIn();

function piecesOf(work: Steps<unknown>): number {
  for (let pieces = 1; ; pieces++) if (work.next().done === true) return pieces;
}

function many<T>(count: number, make: (i: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

const long = (name: string): string => many(1_000, (i) => `${name} == 'x${i}'`).join(" || ");
const match = {
  resourceRules: [{ apiGroups: ["apps"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["*"] }],
};
const hook = {
  name: "w.example.com",
  admissionReviewVersions: ["v1"],
  sideEffects: "None",
  clientConfig: { url: "https://example.com/" },
};
const selectors = (count: number): readonly object[] =>
  many(count, () => ({ cel: { expression: many(300, (i) => `device.driver == 'x${i}'`).join(" || ") } }));

describe("expressions are compiled in pieces", () => {
  const cases: readonly (readonly [group: string, resource: string, spec: (count: number) => object])[] = [
    [
      "admissionregistration.k8s.io",
      "validatingadmissionpolicies",
      (count) => ({
        spec: { matchConstraints: match, validations: many(count, () => ({ expression: long("object.a") })) },
      }),
    ],
    [
      "admissionregistration.k8s.io",
      "mutatingadmissionpolicies",
      (count) => ({
        spec: {
          matchConstraints: match,
          reinvocationPolicy: "Never",
          variables: many(count, (i) => ({ name: `v${i}`, expression: long("object.a") })),
          mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: "[]" } }],
        },
      }),
    ],
    [
      "admissionregistration.k8s.io",
      "validatingwebhookconfigurations",
      (count) => ({
        webhooks: [{ ...hook, matchConditions: many(count, (i) => ({ name: `c${i}`, expression: long("object.a") })) }],
      }),
    ],
    ["resource.k8s.io", "deviceclasses", (count) => ({ spec: { selectors: selectors(count) } })],
    [
      "resource.k8s.io",
      "resourceclaims",
      (count) => ({
        spec: {
          devices: { requests: [{ name: "r", exactly: { deviceClassName: "d", selectors: selectors(count) } }] },
        },
      }),
    ],
  ];
  it.each(cases)("of %s/%s", (group, resource, spec) => {
    const { rules } = catalog.required(group, "v1", resource);
    const pieces = (count: number): number =>
      piecesOf(validateCreate(rules, { metadata: { name: "a" }, ...spec(count) } as KubernetesObject));
    expect(pieces(8) - pieces(1)).toBeGreaterThan(7 * 10);
  });
});

describe("of an object with several managers", () => {
  const configMaps = catalog.required("", "v1", "configmaps");
  const write = (manager: string): ReturnType<typeof fieldWriteOf> =>
    fieldWriteOf(catalog, configMaps, undefined, manager, 0, new KnownConversions());
  const object = (data: Readonly<Record<string, string>>): KubernetesObject =>
    ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data }) as KubernetesObject;
  const first = finished(applyConfiguration(write("one"), undefined, object({ a: "1", b: "1" }), false));
  const live = {
    ...first.object,
    metadata: { ...first.object.metadata, managedFields: first.managedFields ?? [] },
  } as KubernetesObject;

  it("each part of an update, and of an apply, is a piece", () => {
    const next = { ...live, data: { a: "2", b: "1" } } as KubernetesObject;
    expect(piecesOf(managedAfterUpdate(write("two"), live, next, undefined))).toBeGreaterThan(4);
    expect(piecesOf(applyConfiguration(write("one"), live, object({ a: "2" }), false))).toBeGreaterThan(8);
  });

  it("a patch is applied in one piece, and its result read in another", () => {
    const patch = { data: { a: "3" } };
    expect(piecesOf(patchObject("application/merge-patch+json", configMaps.form, live, patch, "Warn"))).toBe(2);
  });
});

describe("a list is made item by item", () => {
  const pods = catalog.required("", "v1", "pods");
  const items = many(50, (i) => {
    const pod = {
      metadata: { name: `p${i}`, namespace: "default" },
      spec: { containers: [{ name: "c", image: "x" }] },
    };
    return new StoredObject(headOf(pods.info), `default/p${i}`, i + 1, encodeStored(headOf(pods.info), pod));
  });
  const listed = { served: pods, metadata: { resourceVersion: "60" }, items };
  const table = { includeObject: "Object", nowMs: 0, columns: true } as const;
  const works: readonly (readonly [name: string, work: () => Steps<unknown>])[] = [
    ["YAML", () => listBytes(listingOf(listed), "yaml")],
    ["indented JSON", () => listBytes(listingOf(listed), "pretty")],
    ["a table", () => listBytes(tableOf(listed, table), "json")],
    ["the metadata alone", () => listBytes(metadataOf(listed), "json")],
    ["protobuf", () => messagesOf(listed, new ProtobufObjects())],
    ["the metadata alone in protobuf", () => metadataMessagesOf(listed)],
  ];
  it.each(works)("as %s", (_name, work) => {
    expect(piecesOf(work())).toBe(items.length + 1);
  });
});

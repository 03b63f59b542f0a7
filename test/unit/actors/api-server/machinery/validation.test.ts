import { describe, expect, it } from "vitest";
import { podRules } from "../../../../../actors/api-server/core/kinds/core/pod.ts";
import { applyDefaults } from "../../../../../actors/api-server/core/machinery/defaults.ts";
import { decodeObject } from "../../../../../actors/api-server/core/machinery/decode-object.ts";
import { validateCreate, validateUpdate } from "../../../../../actors/api-server/core/machinery/validation.ts";
import { finished } from "../../../../../actors/api-server/core/steps.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { StatusCause } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import { createdBy, readFixture, resourceOf, updatedBy } from "./oracle-fixture.ts";
import { rulesFor, servedAs } from "../harness/catalog.ts";

interface Case {
  readonly apiVersion: string;
  readonly resource: string;
  readonly object: KubernetesObject;
  readonly causes: readonly StatusCause[];
}

interface UpdateCase {
  readonly apiVersion: string;
  readonly resource: string;
  readonly old: KubernetesObject;
  readonly object: KubernetesObject;
  readonly causes: readonly StatusCause[];
}

/** Kubernetes walks maps in any order, and so names their problems in any order. */
function sorted(causes: readonly StatusCause[]): readonly string[] {
  return causes.map(({ field, reason, message }) => `${field} | ${reason} | ${message}`).sort();
}

function prepare(apiVersion: string, resource: string, value: unknown): KubernetesObject {
  const { object } = decodeObject(resourceOf(apiVersion, resource), { value, duplicates: [] }, "Ignore");
  return applyDefaults(rulesFor(object), object);
}

describe("validateCreate", () => {
  for (const { apiVersion, resource, object, causes } of (readFixture("validation") as { cases: Case[] }).cases) {
    it(`finds what kube-apiserver finds in ${resource} ${JSON.stringify(object).slice(0, 160)}`, () => {
      expect(sorted(createdBy(servedAs(apiVersion, resource), object).causes)).toEqual(sorted(causes));
    });
  }

  /** One object for each thing that can be wrong with a field, its causes as `field | reason | message`. */
  const bad = (readFixture("bad-objects") as { cases: (Omit<Case, "causes"> & { causes: readonly string[] })[] }).cases;
  for (const { apiVersion, resource, object, causes } of bad) {
    it(`refuses ${resource} because of ${causes.join("; ").slice(0, 200)}`, () => {
      const found = sorted(createdBy(servedAs(apiVersion, resource), object).causes);
      expect(found.map((text) => text.split("\n")[0])).toEqual(causes);
    });
  }

  it("takes endpoints on loopback, where the pods of an embedded cluster are", () => {
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1", namespace: "default" },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.64.0.7"] }],
    };
    expect(finished(validateCreate(rulesFor(slice), slice))).toEqual([]);
  });

  it("refuses names and labels that are too long", () => {
    const long = "a".repeat(64);
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a".repeat(254), labels: { a: long } } };
    expect(finished(validateCreate(rulesFor(object), object)).map((cause) => cause.message)).toEqual([
      `Invalid value: "${"a".repeat(254)}": must be no more than 253 characters`,
      `Invalid value: "${long}": must be no more than 63 bytes`,
    ]);
  });

  it("refuses a ConfigMap whose values are larger than one megabyte", () => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { a: "x".repeat(1_048_577) } };
    expect(finished(validateCreate(rulesFor(object), object))).toEqual([
      { reason: "FieldValueTooLong", message: "Too long: may not be more than 1048576 bytes", field: "" },
    ]);
  });
});

describe("validateUpdate", () => {
  for (const { apiVersion, resource, old, object, causes } of (readFixture("updates") as { cases: UpdateCase[] })
    .cases) {
    it(`finds what kube-apiserver finds when ${resource} becomes ${JSON.stringify(object).slice(0, 160)}`, () => {
      const before = prepare(apiVersion, resource, old);
      const found = updatedBy(servedAs(apiVersion, resource), object, before).causes;
      // Which fields of a pod changed is told in words of our own.
      const comparable = (cause: StatusCause): StatusCause => ({
        ...cause,
        message: (cause.message ?? "").split("\n")[0] ?? "",
      });
      expect(sorted(found.map(comparable))).toEqual(sorted(causes.map(comparable)));
    });
  }

  it("names the fields of a pod that may not change", () => {
    const pod = (restartPolicy: string): KubernetesObject =>
      prepare("v1", "pods", {
        metadata: { name: "a" },
        spec: { restartPolicy, containers: [{ name: "a", image: "b" }] },
      });
    expect(finished(validateUpdate(podRules, pod("Never"), pod("Always"))).causes[0]?.message).toContain(
      "\nchanged: spec.restartPolicy",
    );
  });

  it("takes no new finalizer on an object that is being deleted", () => {
    const metadata = { name: "a", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a.b/c"] };
    const old = { apiVersion: "v1", kind: "ConfigMap", metadata };
    const object = { ...old, metadata: { ...metadata, finalizers: ["a.b/c", "x.y/z"] } };
    expect(finished(validateUpdate(rulesFor(object), object, old)).causes.map((cause) => cause.field)).toEqual([
      "metadata.finalizers",
    ]);
  });

  it("looks only at the metadata when a status is written", () => {
    const old = prepare("v1", "pods", { metadata: { name: "a" }, spec: { containers: [{ name: "a", image: "b" }] } });
    const object = { ...old, spec: {}, status: { phase: "Running" } };
    expect(finished(validateUpdate(rulesFor(object), object, old, "status")).causes).toEqual([]);
  });
});

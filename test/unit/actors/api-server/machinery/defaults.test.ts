import { describe, expect, it } from "vitest";
import { podRules } from "../../../../../actors/api-server/core/kinds/core/pod.ts";
import { applyDefaults } from "../../../../../actors/api-server/core/machinery/defaults.ts";
import { decodeObject } from "../../../../../actors/api-server/core/machinery/decode-object.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { readFixture, resourceOf } from "./oracle-fixture.ts";
import { rulesFor } from "../harness/catalog.ts";

interface Case {
  readonly apiVersion: string;
  readonly resource: string;
  readonly object: unknown;
  readonly expected: KubernetesObject & { readonly spec?: Record<string, unknown> };
}

/** What the registry gives an object, not its defaults. */
function withoutAllocations(object: unknown): unknown {
  const copy = structuredClone(object) as {
    metadata: Record<string, unknown>;
    spec?: Record<string, unknown>;
    status?: unknown;
  };
  delete copy.status;
  delete copy.metadata["namespace"];
  delete copy.metadata["generation"];
  const { spec } = copy;
  if (spec?.["clusterIP"] !== "None") delete spec?.["clusterIP"];
  for (const given of ["clusterIPs", "ipFamilies", "ipFamilyPolicy"]) delete spec?.[given];
  for (const port of (spec?.["ports"] ?? []) as Record<string, unknown>[]) delete port["nodePort"];
  return copy;
}

describe("applyDefaults", () => {
  for (const { apiVersion, resource, object, expected } of (readFixture("defaults") as { cases: Case[] }).cases) {
    it(`gives ${resource} the defaults of kube-apiserver: ${JSON.stringify(object).slice(0, 160)}`, () => {
      const decoded = decodeObject(resourceOf(apiVersion, resource), { value: object, duplicates: [] }, "Strict");
      expect(withoutAllocations(applyDefaults(rulesFor(decoded.object), decoded.object))).toEqual(
        withoutAllocations(expected),
      );
    });
  }

  it("does not change its input", () => {
    const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { containers: [{ name: "a" }] } };
    const before = structuredClone(object);
    applyDefaults(rulesFor(object), object);
    expect(object).toEqual(before);
  });

  it("changes nothing when applied again", () => {
    for (const { apiVersion, resource, object } of (readFixture("defaults") as { cases: Case[] }).cases) {
      const { object: decoded } = decodeObject(
        resourceOf(apiVersion, resource),
        { value: object, duplicates: [] },
        "Strict",
      );
      const once = applyDefaults(rulesFor(decoded), decoded);
      expect(applyDefaults(rulesFor(once), once)).toEqual(once);
    }
  });

  it("rounds amounts finer than a thousandth up", () => {
    const containers = [{ name: "a", resources: { limits: { cpu: "100u", memory: "1Gi" } } }];
    const pod = applyDefaults(podRules, { apiVersion: "v1", kind: "Pod", spec: { containers } } as KubernetesObject);
    expect(pod).toMatchObject({ spec: { containers: [{ resources: { limits: { cpu: "1m", memory: "1Gi" } } }] } });
  });

  it("marks a namespace with its own name", () => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
    expect(applyDefaults(rulesFor(namespace), namespace)).toMatchObject({
      metadata: { labels: { "kubernetes.io/metadata.name": "shop" } },
      status: { phase: "Active" },
    });
  });
});

import { describe, expect, it } from "vitest";
import { applyMergePatch } from "../../../../../actors/api-server/core/machinery/patch/merge-patch.ts";
import { allocate, claimsOf, ipRange } from "../../../../../actors/api-server/core/kinds/core/service-addresses.ts";
import type { Fields } from "../../../../../actors/api-server/core/kinds/rules.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { ServicePort, ServiceSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { StatusCause } from "../../../../../protocols/kubernetes/types/meta-v1.ts";
import type { Written } from "../machinery/oracle-fixture.ts";
import { servedAs } from "../harness/catalog.ts";
import { createdBy, readFixture, updatedBy } from "../machinery/oracle-fixture.ts";

interface Result {
  readonly expected?: ServiceSpec;
  readonly causes?: readonly StatusCause[];
}

interface Creation extends Result {
  readonly spec: ServiceSpec;
}

interface Change extends Result {
  readonly of: string;
  readonly old: ServiceSpec;
  /** A merge patch of the spec, or (of an update) the whole new spec. */
  readonly patch?: unknown;
  readonly spec?: ServiceSpec;
}

interface Fixture {
  readonly creates: readonly Creation[];
  readonly patches: readonly Change[];
  readonly puts: readonly Change[];
}

const fixture = readFixture("services") as Fixture;
const served = servedAs("v1", "services");

function service(spec: unknown): KubernetesObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name: "u" }, spec } as KubernetesObject;
}

function texts(causes: readonly StatusCause[]): readonly string[] {
  return causes.map(({ field, message }) => `${field ?? ""} | ${message ?? ""}`).sort();
}

/** Addresses that were given in the write at hand are not the same ones here and there. */
function comparable(spec: ServiceSpec, known: readonly string[]): unknown {
  const { clusterIP, clusterIPs, ports, healthCheckNodePort, ...rest } = spec;
  const given = (value: string | number | undefined): unknown =>
    value === undefined || known.includes(String(value)) ? value : "given";
  return {
    ...rest,
    ...(clusterIP === undefined ? {} : { clusterIP: given(clusterIP) }),
    ...(clusterIPs === undefined ? {} : { clusterIPs: clusterIPs.map(given) }),
    ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort: given(healthCheckNodePort) }),
    ...(ports === undefined
      ? {}
      : { ports: ports.map((port: ServicePort) => ({ ...port, nodePort: given(port.nodePort) })) }),
  };
}

/** Words of addresses and ports in a JSON text. */
function addressesIn(...values: readonly unknown[]): readonly string[] {
  return JSON.stringify(values).match(/10\.96\.\d+\.\d+|3\d{4}|None/g) ?? [];
}

function check(found: Written, result: Result, known: readonly string[]): void {
  expect(texts(found.causes)).toEqual(texts(result.causes ?? []));
  const spec = found.object?.["spec"] as ServiceSpec | undefined;
  if (result.expected === undefined) return;
  expect(comparable(spec ?? {}, known)).toEqual(comparable(result.expected, known));
}

describe("a Service that is created", () => {
  for (const row of fixture.creates) {
    it(`is what kube-apiserver makes of ${JSON.stringify(row.spec)}`, () => {
      check(createdBy(served, service(row.spec)), row, addressesIn(row.spec));
    });
  }
});

describe("a Service that changes", () => {
  for (const row of [...fixture.patches, ...fixture.puts]) {
    const change = row.patch ?? row.spec;
    it(`of kind ${row.of} becomes what kube-apiserver makes of ${row.patch ? "a patch" : "an update"} by ${JSON.stringify(change)}`, () => {
      const next = row.spec ?? applyMergePatch(row.old, row.patch);
      check(updatedBy(served, service(next), service(row.old)), row, addressesIn(row.old, change));
    });
  }

  it("holds claims for all that it has", () => {
    for (const row of fixture.patches) {
      const old = service(row.old) as Fields;
      const { object } = updatedBy(served, service(applyMergePatch(row.old, row.patch)), old);
      if (object === undefined) continue;
      const ranges = { ...ipRange("10.96.0.0/16"), firstNodePort: 30_000, lastNodePort: 32_767 };
      const again = allocate(object, old, ranges, { has: () => false, below: () => 5 });
      if (!("claim" in again)) throw new Error("the second allocation was refused");
      const held = [...claimsOf(old), ...again.claim].filter((key) => !again.release.includes(key));
      expect(held.sort()).toEqual([...claimsOf(object)].sort());
    }
  });
});

describe("the port of a health check", () => {
  const ranges = { ...ipRange("10.96.0.0/16"), firstNodePort: 30_000, lastNodePort: 30_002 };
  const asked = (healthCheckNodePort: number | undefined, taken: readonly number[] = []): unknown => {
    const spec = {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      clusterIP: "10.96.1.1",
      ports: [{ port: 80, nodePort: 30_000 }],
      ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
    };
    const has = (claim: string): boolean => taken.some((port) => claim.endsWith(`/${port}`));
    const found = allocate(service(spec) as Fields, undefined, ranges, { has, below: () => 0 });
    return "claim" in found ? (found.object["spec"] as ServiceSpec).healthCheckNodePort : texts(found);
  };
  const refused = (port: number, why: string): readonly string[] => [
    `spec.healthCheckNodePort | Internal error: failed to allocate requested HealthCheck NodePort ${port}: ${why}`,
  ];

  it("is none of the Service's own node ports, and none that is taken", () => {
    expect(asked(30_001)).toBe(30_001);
    for (const [port, taken] of [
      [30_000, []],
      [30_001, [30_001]],
    ] as const) {
      expect(asked(port, taken)).toEqual(refused(port, "provided port is already allocated"));
    }
    const outside = "provided port is not in the valid range. The range of valid ports is 30000-30002";
    expect(asked(30_003)).toEqual(refused(30_003, outside));
  });

  it("is the first that is free where none is asked for", () => {
    expect(asked(undefined)).toBe(30_001);
    expect(asked(undefined, [30_001])).toBe(30_002);
  });
});

import { expect, it } from "vitest";
import { planMirror } from "../../../../../actors/controller-manager/core/endpoints-mirror.ts";
import type { Endpoints, Service } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const SERVICE: Service = { metadata: { name: "db", namespace: "shop" }, spec: { ports: [{ port: 5_432 }] } };
const ENDPOINTS: Endpoints = {
  metadata: {
    name: "db",
    namespace: "shop",
    uid: "u-1",
    labels: { tier: "data" },
    annotations: { note: "by hand", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
  },
  subsets: [
    {
      addresses: [{ ip: "10.0.0.1", hostname: "one", nodeName: "worker-0" }, { ip: "fd00::1" }],
      notReadyAddresses: [{ ip: "10.0.0.2" }],
      ports: [{ name: "sql", port: 5_432 }],
    },
  ],
};
const named = (plan: ReturnType<typeof planMirror>) =>
  plan.create.map((slice, index) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `db-${index}`, resourceVersion: "1" },
  }));

it("gives a slice for each family of addresses, which the Endpoints own", () => {
  const { create } = planMirror(SERVICE, ENDPOINTS, []);
  expect(create.map(({ addressType }) => addressType)).toEqual(["IPv4", "IPv6"]);
  expect(create[0]).toMatchObject({
    metadata: {
      generateName: "db-",
      namespace: "shop",
      labels: {
        tier: "data",
        "kubernetes.io/service-name": "db",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
      },
      annotations: { note: "by hand" },
      ownerReferences: [{ kind: "Endpoints", name: "db", uid: "u-1", controller: true }],
    },
    ports: [{ name: "sql", protocol: "TCP", port: 5_432 }],
    endpoints: [
      { addresses: ["10.0.0.1"], conditions: { ready: true }, hostname: "one", nodeName: "worker-0" },
      { addresses: ["10.0.0.2"], conditions: { ready: false } },
    ],
  });
});

it("writes nothing when all is mirrored, and only what has changed", () => {
  const present = named(planMirror(SERVICE, ENDPOINTS, []));
  expect(planMirror(SERVICE, ENDPOINTS, present)).toEqual({ create: [], update: [], delete: [] });
  const subsets = [{ addresses: [{ ip: "10.0.0.3" }], ports: [{ name: "sql", port: 5_432 }] }];
  const plan = planMirror(SERVICE, { ...ENDPOINTS, subsets }, present);
  expect(plan.update.map(({ metadata, endpoints }) => [metadata?.name, endpoints?.[0]?.addresses])).toEqual([
    ["db-0", ["10.0.0.3"]],
  ]);
  expect(plan.delete.map(({ metadata }) => metadata?.name)).toEqual(["db-1"]);
});

it.each<[string, Service | undefined, Endpoints | undefined]>([
  ["of a Service that isn't there", undefined, ENDPOINTS],
  ["of a Service with a selector", { ...SERVICE, spec: { selector: { app: "db" } } }, ENDPOINTS],
  ["without Endpoints", SERVICE, undefined],
  [
    "of Endpoints that ask for none",
    SERVICE,
    {
      ...ENDPOINTS,
      metadata: { ...ENDPOINTS.metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    },
  ],
  [
    "of Endpoints that are a lock",
    SERVICE,
    {
      ...ENDPOINTS,
      metadata: { ...ENDPOINTS.metadata, annotations: { "control-plane.alpha.kubernetes.io/leader": "" } },
    },
  ],
])("there is no mirror %s", (_what, service, endpoints) => {
  const present = named(planMirror(SERVICE, ENDPOINTS, []));
  const plan = planMirror(service, endpoints, present);
  expect([plan.create.length, plan.update.length, plan.delete.length]).toEqual([0, 0, 2]);
});

it("an address that is there twice is there once, ready when it is so anywhere in its subset", () => {
  const subsets = [{ addresses: [{ ip: "10.0.0.1" }], notReadyAddresses: [{ ip: "10.0.0.1" }] }];
  const [slice] = planMirror(SERVICE, { ...ENDPOINTS, subsets }, []).create;
  expect(slice?.endpoints).toEqual([{ addresses: ["10.0.0.1"], conditions: { ready: true } }]);
});

it("a slice has no more than 1,000 endpoints, as in Kubernetes", () => {
  const addresses = Array.from({ length: 1_001 }, (_, index) => ({ ip: `10.0.${index >> 8}.${index & 255}` }));
  const { create } = planMirror(SERVICE, { ...ENDPOINTS, subsets: [{ addresses }] }, []);
  expect(create.map(({ endpoints }) => endpoints?.length)).toEqual([1_000]);
});

it("ports that differ in anything, also in what is spoken there, have slices of their own", () => {
  const subsets = ["http", "kubernetes.io/h2c"].map((appProtocol, index) => ({
    addresses: [{ ip: `10.0.0.${index}` }],
    ports: [{ name: "web", port: 80, appProtocol }],
  }));
  const { create } = planMirror(SERVICE, { ...ENDPOINTS, subsets }, []);
  expect(create.map(({ ports }) => ports?.[0]?.appProtocol)).toEqual(["http", "kubernetes.io/h2c"]);
});

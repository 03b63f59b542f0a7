import fc from "fast-check";
import { expect, it } from "vitest";
import { endpointsOf, planEndpoints, planSlices } from "../../../../../actors/controller-manager/core/endpoints.ts";
import type { Pod, Service, ServiceSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../../../../protocols/kubernetes/types/discovery-v1.ts";

function service(spec: ServiceSpec = {}): Service {
  return {
    metadata: { name: "web", namespace: "n", uid: "s" },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }], ...spec },
  };
}

interface Traits {
  readonly ready?: boolean;
  readonly deleting?: boolean;
  readonly phase?: "Running" | "Succeeded";
  readonly ip?: string;
  readonly ports?: string;
  readonly containerPort?: number;
}

function pod(name: string, traits: Traits = {}): Pod {
  const { ready = true, deleting = false, phase = "Running", ip = "127.64.0.1", containerPort = 8080 } = traits;
  return {
    metadata: {
      name,
      namespace: "n",
      uid: name,
      labels: { app: "web" },
      ...(deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
      ...(traits.ports === undefined ? {} : { annotations: { "inkube.dev/ports": traits.ports } }),
    },
    spec: { containers: [{ name: "c", ports: [{ name: "http", containerPort }] }], nodeName: "worker-0" },
    status: { phase, podIP: ip, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

const zoneOf = (node: string): string | undefined => (node === "worker-0" ? "z" : undefined);
const plan = (
  of: Service,
  pods: readonly Pod[],
  present: readonly EndpointSlice[] = [],
): ReturnType<typeof planSlices> => planSlices(of, endpointsOf(of, pods), present, zoneOf);

it.each<[string, Traits, ServiceSpec, object | undefined]>([
  ["ready", {}, {}, { ready: true, serving: true, terminating: false }],
  ["not ready", { ready: false }, {}, { ready: false, serving: false, terminating: false }],
  ["ready but ending", { deleting: true }, {}, { ready: false, serving: true, terminating: true }],
  [
    "not ready but published",
    { ready: false },
    { publishNotReadyAddresses: true },
    { ready: true, serving: false, terminating: false },
  ],
  ["ended", { phase: "Succeeded" }, {}, undefined],
  ["without an address", { ip: "" }, {}, undefined],
])("shows a pod that is %s", (_state, traits, spec, conditions) => {
  const [slice] = plan(service(spec), [pod("a", traits)]).create;
  expect(slice?.endpoints?.[0]?.conditions).toEqual(conditions);
});

it("carries node, zone, target and the number behind a named port", () => {
  const { create } = plan(service(), [pod("a")]);
  expect(create).toMatchObject([
    {
      metadata: {
        namespace: "n",
        labels: {
          "kubernetes.io/service-name": "web",
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
        ownerReferences: [{ kind: "Service", uid: "s" }],
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: [
        { addresses: ["127.64.0.1"], nodeName: "worker-0", zone: "z", targetRef: { kind: "Pod", name: "a", uid: "a" } },
      ],
    },
  ]);
});

it("writes the port that really listens, and groups pods by their ports", () => {
  const pods = [pod("a"), pod("b", { ports: '{"8080":41233}' }), pod("c", { containerPort: 9090 })];
  const { create } = plan(service(), pods);
  expect(create.map((slice) => [slice.ports?.[0]?.port, slice.endpoints?.length])).toEqual([
    [8080, 1],
    [41233, 1],
    [9090, 1],
  ]);
  expect(new Set(create.map((slice) => slice.metadata?.name)).size).toBe(3);
});

it("keeps one empty slice for a Service without pods", () => {
  const { create } = plan(service(), []);
  expect(create).toMatchObject([{ endpoints: [] }]);
  expect(plan(service(), [], create)).toEqual({ create: [], update: [], delete: [] });
});

it("writes only the slice in which something changed", () => {
  const pods = Array.from({ length: 150 }, (_, index) => pod(`p${String(index).padStart(3, "0")}`));
  const { create } = plan(service(), pods);
  expect(create.map((slice) => slice.endpoints?.length)).toEqual([100, 50]);
  const changed = [...pods.slice(0, 120), pod("p120", { ready: false }), ...pods.slice(121)];
  const next = plan(service(), changed, create);
  expect([next.create.length, next.update.map((slice) => slice.metadata?.name), next.delete.length]).toEqual([
    0,
    [create[1]?.metadata?.name],
    0,
  ]);
});

it("gives the same name again when the present slices are not seen yet", () => {
  const [first] = plan(service(), [pod("a")]).create;
  const [second] = plan(service(), [pod("a"), pod("b")]).create;
  expect(second?.metadata?.name).toBe(first?.metadata?.name);
});

it("writes Endpoints with ready and unready addresses apart, without those that end", () => {
  const pods = [pod("a"), pod("b", { ready: false, ip: "127.64.0.2" }), pod("c", { deleting: true, ip: "127.64.0.3" })];
  const written = planEndpoints(service(), endpointsOf(service(), pods), undefined);
  expect(written?.subsets).toMatchObject([
    {
      addresses: [{ ip: "127.64.0.1" }],
      notReadyAddresses: [{ ip: "127.64.0.2" }],
      ports: [{ name: "http", port: 8080 }],
    },
  ]);
  expect(planEndpoints(service(), endpointsOf(service(), pods), written)).toBeUndefined();
});

it("always ends with every pod in exactly one slice of its ports, none too full, and then rests", () => {
  const population = fc.uniqueArray(fc.integer({ min: 0, max: 260 }), { maxLength: 240 });
  fc.assert(
    fc.property(fc.array(population, { minLength: 1, maxLength: 4 }), (rounds) => {
      let slices: readonly EndpointSlice[] = [];
      for (const round of rounds) {
        const pods = round.map((index) => pod(`p${index}`, { containerPort: index % 3 === 0 ? 80 : 81 }));
        const next = plan(service(), pods, slices);
        const updated = new Map(next.update.map((slice) => [slice.metadata?.name, slice]));
        const gone = new Set(next.delete.map((slice) => slice.metadata?.name));
        slices = [
          ...slices
            .filter((slice) => !gone.has(slice.metadata?.name))
            .map((slice) => updated.get(slice.metadata?.name) ?? slice),
          ...next.create,
        ];
        const seen = slices.flatMap((slice) =>
          (slice.endpoints ?? []).map((endpoint) => `${endpoint.targetRef?.uid}:${slice.ports?.[0]?.port}`),
        );
        expect([...seen].sort()).toEqual(round.map((index) => `p${index}:${index % 3 === 0 ? 80 : 81}`).sort());
        expect(Math.max(...slices.map((slice) => slice.endpoints?.length ?? 0))).toBeLessThanOrEqual(100);
        expect(new Set(slices.map((slice) => slice.metadata?.name)).size).toBe(slices.length);
        expect(plan(service(), pods, slices)).toEqual({ create: [], update: [], delete: [] });
      }
    }),
    { numRuns: 30 },
  );
});

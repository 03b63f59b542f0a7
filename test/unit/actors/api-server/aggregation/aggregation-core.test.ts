/** Source of the words: kube-aggregator `pkg/controllers/status`, `pkg/apiserver/handler_discovery.go`. */
import { describe, expect, it } from "vitest";
import {
  PASSED,
  failedDiscovery,
  withFinding,
} from "../../../../../actors/api-server/core/aggregation/availability.ts";
import type { RemoteVersion } from "../../../../../actors/api-server/core/aggregation/remote-discovery.ts";
import {
  groupListWith,
  groupWith,
  indexWith,
} from "../../../../../actors/api-server/core/aggregation/remote-discovery.ts";
import {
  externalEndpoint,
  podsOfSlice,
  serviceEndpoints,
  servicePort,
} from "../../../../../actors/api-server/core/aggregation/service-endpoints.ts";
import type { Pod, Service } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import type { EndpointSlice } from "../../../../../protocols/kubernetes/types/discovery-v1.ts";
import { catalog } from "../harness/catalog.ts";

describe("the condition of an APIService", () => {
  const [began, later] = ["2026-01-01T00:00:00Z", Date.UTC(2026, 0, 2)];
  const before = [{ type: "Available", ...failedDiscovery("https://a", "away"), lastTransitionTime: began }];

  it("keeps its time while it only has another reason, and gets a new one when it turns", () => {
    const timeOf = (finding: typeof PASSED): unknown => withFinding(before, finding, later)?.at(-1)?.lastTransitionTime;
    expect(timeOf(failedDiscovery("https://a", "still away"))).toBe(began);
    expect(timeOf(PASSED)).toBe("2026-01-02T00:00:00Z");
  });

  it("is the same one when nothing new was found, beside others that stay", () => {
    expect(withFinding(before, failedDiscovery("https://a", "away"), later)).toBe(before);
    const other = { type: "Other", status: "True" as const };
    expect(withFinding([other, ...before], PASSED, later)).toMatchObject([other, { type: "Available" }]);
  });
});

describe("the endpoints of a Service", () => {
  const service: Service = {
    spec: {
      ports: [
        { name: "web", port: 80 },
        { name: "https", port: 443 },
      ],
    },
  };
  const slice = (address: string, ready: boolean | undefined): EndpointSlice => ({
    addressType: "IPv4",
    endpoints: [{ addresses: [address], ...(ready === undefined ? {} : { conditions: { ready } }) }],
    ports: [
      { name: "web", port: 8_080 },
      { name: "https", port: 8_443 },
    ],
  });
  const slices = [slice("10.0.0.1", true), slice("10.0.0.2", false), slice("10.0.0.3", undefined)];

  it.each([443, "443", "https"])("behind port %o are those that are not known to be unready", (port) => {
    expect(serviceEndpoints(service, slices, port)).toEqual([
      { host: "10.0.0.1", port: 8_443 },
      { host: "10.0.0.3", port: 8_443 },
    ]);
  });

  it("are none behind a port that it does not have, and its name elsewhere when it is external", () => {
    expect(serviceEndpoints(service, slices, "")).toEqual([]);
    const external: Service = { spec: { ...service.spec, type: "ExternalName", externalName: "api.example" } };
    expect(externalEndpoint(external, 8_443)).toEqual({ host: "api.example", port: 8_443 });
    expect(externalEndpoint(service, 443)).toBeUndefined();
    // The proxy of a Service leads to its own endpoints only.
    expect(serviceEndpoints(external, [], 443)).toEqual([]);
    expect(servicePort({ spec: { ports: [{ port: 80 }] } }, "")).toEqual({ port: 80 });
  });
});

describe("groups that other servers answer for", () => {
  const remote = (group: string, version: string, groupPriority: number, versionPriority: number): RemoteVersion => ({
    ...{ group, version, groupPriority, versionPriority, available: true, resources: [], openApi: undefined },
  });
  const versions = [
    remote("low.example", "v1", 10, 5),
    remote("high.example", "v1beta1", 200, 5),
    remote("high.example", "v1", 200, 15),
    remote("batch", "v1", 1, 1),
  ];
  const remotes = { versions, priorityOf: (group: string): number => (group === "apps" ? 100 : 50) };

  it("stand by their priority among this server's own, their versions too", () => {
    const { groups } = groupListWith(catalog, remotes) as {
      readonly groups: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[];
    };
    const names = groups.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(["high.example", "apps"]);
    expect(names.slice(-2)).toEqual(["low.example", "batch"]);
    expect(groups[0]?.versions.map(({ version }) => version)).toEqual(["v1", "v1beta1"]);
  });

  it("have a version once that this server has as well", () => {
    expect(groupWith(catalog, remotes, "batch")).toMatchObject({
      name: "batch",
      versions: [{ groupVersion: "batch/v1", version: "v1" }],
      preferredVersion: { version: "v1" },
    });
    const { versions: own } = groupWith(catalog, remotes, "batch") as { readonly versions: readonly object[] };
    expect(own).toHaveLength(1);
    expect(groupWith(catalog, remotes, "none.example")).toBeUndefined();
  });

  it("have the OpenAPI document that their server names, and none of this one's in its place", () => {
    const named = { ...remote("high.example", "v1", 1, 1), openApi: "/openapi/v3/apis/high.example/v1?hash=1" };
    const own = { paths: { "apis/batch/v1": {}, "apis/apps/v1": {} } };
    expect(indexWith(own, { ...remotes, versions: [...versions.slice(3), named] })).toEqual({
      paths: { "apis/apps/v1": {}, "apis/high.example/v1": { serverRelativeURL: named.openApi } },
    });
  });
});

describe("the pods that a slice leads to", () => {
  const at = (ip: string): Pod => ({ status: { podIPs: [{ ip }] } }) as unknown as Pod;
  const pods = new Map([["web", at("127.0.0.1")]]);
  const led = (endpoint: object): unknown =>
    podsOfSlice({ endpoints: [endpoint] } as unknown as EndpointSlice, "shop", (name) => pods.get(name)).endpoints;

  it("are those of its own namespace, at the addresses that they have", () => {
    const targetRef = { kind: "Pod", namespace: "shop", name: "web" };
    expect(led({ addresses: ["127.0.0.1", "127.0.0.2"], targetRef })).toEqual([
      { addresses: ["127.0.0.1"], targetRef },
    ]);
  });

  it.each([
    ["a pod of another namespace", { kind: "Pod", namespace: "bank", name: "web" }],
    ["a pod that is not there", { kind: "Pod", namespace: "shop", name: "gone" }],
    ["something else", { kind: "Node", namespace: "shop", name: "web" }],
    ["nothing", undefined],
  ])("are none where an endpoint names %s", (_what, targetRef) => {
    expect(led({ addresses: ["127.0.0.1"], targetRef })).toEqual([]);
  });
});

import { expect, it } from "vitest";
import { prepareServiceUpdate } from "../../../../../actors/api-server/core/kinds/core/service-changes.ts";
import type { ServicePort, ServiceSpec } from "../../../../../protocols/kubernetes/types/core-v1.ts";

const BASE: ServiceSpec = {
  ipFamilyPolicy: "SingleStack",
  ipFamilies: ["IPv4"],
  clusterIP: "10.96.0.9",
  clusterIPs: ["10.96.0.9"],
};

function updated(old: ServiceSpec, next: ServiceSpec): ServiceSpec {
  const metadata = { name: "web" };
  return prepareServiceUpdate({ metadata, spec: { ...BASE, ...next } }, { metadata, spec: { ...BASE, ...old } }).spec!;
}

it("a port keeps its node port, unless another port of the update asks for that one", () => {
  const type = "NodePort";
  const nodePorts = (...ports: readonly ServicePort[]) =>
    updated({ type, ports: [{ name: "a", port: 80, nodePort: 30_001 }] }, { type, ports }).ports?.map(
      ({ nodePort }) => nodePort,
    );
  expect(nodePorts({ name: "a", port: 81 })).toEqual([30_001]);
  expect(nodePorts({ name: "a", port: 80 }, { name: "b", port: 81, nodePort: 30_001 })).toEqual([undefined, 30_001]);
});

it("a health check port stays when the update is silent about it", () => {
  const balanced: ServiceSpec = { type: "LoadBalancer", externalTrafficPolicy: "Local" };
  expect(updated({ ...balanced, healthCheckNodePort: 31_000 }, balanced).healthCheckNodePort).toBe(31_000);
  expect(
    updated({ ...balanced, healthCheckNodePort: 31_000 }, { ...balanced, healthCheckNodePort: 31_001 })
      .healthCheckNodePort,
  ).toBe(31_001);
});

it("what only a load balancer has goes with its type, where the update leaves it as it was", () => {
  const was: ServiceSpec = {
    type: "LoadBalancer",
    loadBalancerClass: "example.com/a",
    externalTrafficPolicy: "Cluster",
    allocateLoadBalancerNodePorts: true,
  };
  const { type: _type, ...fields } = was;
  const is = updated(was, { ...fields, type: "ClusterIP" });
  expect([is.loadBalancerClass, is.externalTrafficPolicy, is.allocateLoadBalancerNodePorts]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(updated(was, { ...fields, type: "ClusterIP", loadBalancerClass: "example.com/b" }).loadBalancerClass).toBe(
    "example.com/b",
  );
});

it("the list of addresses follows the one address, when only that was changed", () => {
  const moved = updated({ type: "ClusterIP" }, { type: "ClusterIP", clusterIP: "10.96.0.10" });
  expect(moved.clusterIPs).toEqual(["10.96.0.10"]);
});

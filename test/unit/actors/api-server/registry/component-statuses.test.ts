import { describe, expect, it } from "vitest";
import { componentStatusRules } from "../../../../../actors/api-server/core/kinds/core/componentstatus.ts";
import type { ComponentStatus } from "../../../../../protocols/kubernetes/types/core-v1.ts";
import { formatMicroTime } from "../../../../../runtime/clock.ts";
import type { TestServer } from "../harness/test-server.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();
const target = { group: "", version: "v1", resource: "componentstatuses" };
const LEASE_SECONDS = 3_600;

async function all(server: TestServer): Promise<Readonly<Record<string, readonly unknown[] | undefined>>> {
  const list = (await server.request({ verb: "list", target })) as unknown as { readonly items: ComponentStatus[] };
  return Object.fromEntries(
    list.items.map((each) => [each.metadata?.name ?? "", componentStatusRules.cells?.(each as never, 0).slice(1)]),
  );
}

async function lease(server: TestServer, name: string, renewedMs: number): Promise<void> {
  const object = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name },
    spec: {
      holderIdentity: "scheduler-1",
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: formatMicroTime(renewedMs),
    },
  };
  const of = { group: "coordination.k8s.io", version: "v1", resource: "leases", namespace: "kube-system" };
  await server.request({ verb: "create", target: of, object: object as never });
}

describe("component statuses", () => {
  it("tell of each member of etcd whether it answers, and of each leader whether it renews its Lease", async () => {
    const server = await start();
    await lease(server, "kube-scheduler", Date.now());
    expect(await all(server)).toEqual({
      "controller-manager": ["Unhealthy", "nobody holds the Lease kube-system/kube-controller-manager", ""],
      "etcd-0": ["Healthy", "ok", ""],
      "etcd-1": ["Healthy", "ok", ""],
      scheduler: ["Healthy", "ok", ""],
    });
  });

  it("tell why a member can't be asked, what it complains of, and since when a leader is silent", async () => {
    const server = await start();
    await lease(server, "kube-scheduler", 0);
    server.etcd.trouble("readIndex", { how: "refuse", code: "ACTOR_DOWN" });
    const found = await all(server);
    const since = "scheduler-1 has not renewed the Lease kube-system/kube-scheduler since 1970-01-01T00:00:00.000000Z";
    expect(found["scheduler"]).toEqual(["Unhealthy", since, ""]);
    expect([found["etcd-0"], found["etcd-1"]]).toContainEqual(["Unhealthy", "", "made by the test"]);
    server.etcd.errors = ["its disk is full"];
    expect((await all(server))["etcd-0"]).toEqual(["Unhealthy", "its disk is full", ""]);
  });
});

/** The objects of priority and fairness, as kube-apiserver keeps them. */
import { expect, it, vi } from "vitest";
import type { ApiTarget, KubernetesObject } from "../../../../../protocols/api-server.ts";
import { FakeEtcd } from "../harness/fake-etcd.ts";
import { noDoor } from "../../../../../actors/api-server/backend.ts";
import type { TestServer } from "../harness/test-server.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();
const target = (resource: string, name?: string): ApiTarget => ({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  resource,
  ...(name === undefined ? {} : { name }),
});
const SCHEMAS = "flowschemas";
const LEVELS = "prioritylevelconfigurations";

function schema(name: string, wanted: string): KubernetesObject {
  const subjects = [{ kind: "User", user: { name: "a" } }];
  const rules = [{ subjects, nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["/a"] }] }];
  const spec = { matchingPrecedence: 5_000, priorityLevelConfiguration: { name: wanted }, rules };
  return { apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "FlowSchema", metadata: { name }, spec } as never;
}

function level(name: string): KubernetesObject {
  const spec = { type: "Limited", limited: { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" } } };
  const apiVersion = "flowcontrol.apiserver.k8s.io/v1";
  return { apiVersion, kind: "PriorityLevelConfiguration", metadata: { name }, spec } as never;
}

interface Told {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

async function told(server: TestServer, name: string): Promise<Told | undefined> {
  const found = (await server.request({ verb: "get", target: target(SCHEMAS, name) })) as unknown as {
    readonly status?: { readonly conditions?: readonly Told[] };
  };
  return found.status?.conditions?.[0];
}

async function ready(server: TestServer): Promise<void> {
  const list = { verb: "list", target: target(SCHEMAS) } as const;
  const items = async (): Promise<number> =>
    ((await server.request(list)) as unknown as { readonly items: readonly unknown[] }).items.length;
  await expect.poll(items).toBeGreaterThan(10);
}

it("a FlowSchema tells whether its level is there, whichever of the two comes and goes", async () => {
  const etcd = new FakeEtcd();
  const [a, b] = await Promise.all([0, 1].map(() => start({ initialObjectsAfterMs: 0 }, noDoor, etcd)));
  await Promise.all([ready(a!), ready(b!)]);
  await a!.request({ verb: "create", target: target(SCHEMAS), object: schema("mine", "none") });
  const named = 'This FlowSchema references the PriorityLevelConfiguration object named "none"';
  const reason = async (): Promise<string | undefined> => (await told(b!, "mine"))?.reason;
  await expect.poll(reason).toBe("NotFound");
  expect(await told(a!, "mine")).toMatchObject({ status: "True", message: `${named} but there is no such object` });
  await b!.request({ verb: "create", target: target(LEVELS), object: level("none") });
  await expect.poll(reason).toBe("Found");
  expect(await told(a!, "mine")).toMatchObject({ status: "False", message: `${named} and it exists` });
  await b!.request({ verb: "delete", target: target(LEVELS, "none") });
  await expect.poll(reason).toBe("NotFound");
  const patch = { spec: { priorityLevelConfiguration: { name: "global-default" } } };
  const patchType = "application/merge-patch+json";
  await a!.request({ verb: "patch", target: target(SCHEMAS, "mine"), patchType, patch });
  await expect.poll(reason).toBe("Found");
  const mine = await a!.request({ verb: "get", target: target(SCHEMAS, "mine") });
  expect(
    mine.metadata?.managedFields?.map(({ manager, operation, subresource }) => [manager, operation, subresource]),
  ).toContainEqual(["api-priority-and-fairness-config-consumer-v1", "Apply", "status"]);
});

it("those of a fresh control plane come back within a minute, and are as they were", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  try {
    const server = await start({ initialObjectsAfterMs: 0 });
    await vi.advanceTimersByTimeAsync(1_000);
    await server.request({ verb: "delete", target: target(SCHEMAS, "exempt") });
    await server.request({ verb: "delete", target: target(LEVELS, "catch-all") });
    const patchType = "application/merge-patch+json";
    const patch = { spec: { limited: { lendablePercent: 7 } } };
    await server.request({ verb: "patch", target: target(LEVELS, "workload-low"), patchType, patch });
    await vi.advanceTimersByTimeAsync(61_000);
    const get = (resource: string, name: string): Promise<KubernetesObject> =>
      server.request({ verb: "get", target: target(resource, name) });
    expect(await get(SCHEMAS, "exempt")).toMatchObject({ spec: { matchingPrecedence: 1 } });
    expect(await get(LEVELS, "catch-all")).toMatchObject({ spec: { limited: { nominalConcurrencyShares: 5 } } });
    expect(await get(LEVELS, "workload-low")).toMatchObject({ spec: { limited: { lendablePercent: 90 } } });
  } finally {
    vi.useRealTimers();
  }
});

/** The bookkeeping of APIServices: who is looked at when, and whose findings count; the servers behind them are the test's own. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Backend } from "../../../../../actors/api-server/backend.ts";
import { noDoor } from "../../../../../actors/api-server/backend.ts";
import { plainTokenKeys } from "../../../../../actors/api-server/plain-token-keys.ts";
import type { HttpsCall, HttpsReply, OpenHttps } from "../../../../../actors/api-server/outward.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { FakeEtcd } from "../harness/fake-etcd.ts";
import type { TestServer } from "../harness/test-server.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();
afterEach(() => void vi.useRealTimers());

const NAME = "v1.ext.example.com";
const API_SERVICES = { group: "apiregistration.k8s.io", version: "v1", resource: "apiservices" };
const RESOURCES = { kind: "APIResourceList", resources: [{ name: "things", kind: "Thing", verbs: ["get"] }] };

/** A server whose answers wait while `held`. */
class Behind {
  readonly asked: HttpsCall[] = [];
  code = 200;
  private waiting: (() => void)[] | undefined;

  readonly open: OpenHttps = () => ({
    ask: async (call) => {
      this.asked.push(call);
      const { waiting } = this;
      if (waiting !== undefined) await new Promise<void>((resolve) => waiting.push(resolve));
      const isVersion = call.path.startsWith("/apis/");
      const value: HttpsReply = {
        code: this.code,
        type: "",
        etag: "",
        body: isVersion ? JSON.stringify(RESOURCES) : "",
      };
      return { value };
    },
    close: () => undefined,
  });

  hold(): void {
    this.waiting = [];
  }

  release(): void {
    const { waiting = [] } = this;
    this.waiting = undefined;
    for (const go of waiting) go();
  }

  /** Looks so far. */
  get looks(): number {
    return this.asked.filter(({ path }) => path.startsWith("/apis/")).length;
  }
}

interface Started {
  readonly server: TestServer;
  readonly etcd: FakeEtcd;
  readonly behind: Behind;
  readonly backend: Backend;
  create(this: void, service?: string): Promise<KubernetesObject>;
  remove(this: void): Promise<KubernetesObject>;
  reason(this: void): Promise<string | undefined>;
}

async function started(): Promise<Started> {
  const [etcd, behind] = [new FakeEtcd(), new Behind()];
  let backend: Backend | undefined;
  const openDoor = (of: Backend): ReturnType<typeof noDoor> => {
    backend = of;
    return noDoor(of);
  };
  const server = await start({}, openDoor, etcd, plainTokenKeys, { openHttps: behind.open });
  const put = (group: string, resource: string, object: object): Promise<KubernetesObject> => {
    const target = { group, version: "v1", resource, namespace: "default" };
    return server.request({ verb: "create", target, object: object as KubernetesObject });
  };
  const ports = [{ name: "https", port: 443 }];
  await put("", "services", { apiVersion: "v1", kind: "Service", metadata: { name: "ext" }, spec: { ports } });
  await put("discovery.k8s.io", "endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "ext-1", labels: { "kubernetes.io/service-name": "ext" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"] }],
    ports,
  });
  return {
    ...{ server, etcd, behind, backend: backend as unknown as Backend },
    create: (service = "ext") => {
      const spec = { group: "ext.example.com", version: "v1", groupPriorityMinimum: 100, versionPriority: 10 };
      const reference = { namespace: "default", name: service };
      const head = { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", metadata: { name: NAME } };
      const object = { ...head, spec: { ...spec, service: reference } } as unknown as KubernetesObject;
      return server.request({ verb: "create", target: API_SERVICES, object });
    },
    remove: () => server.request({ verb: "delete", target: { ...API_SERVICES, name: NAME } }),
    reason: async () => {
      const found = await server.request({ verb: "get", target: { ...API_SERVICES, name: NAME } });
      const { status } = found as {
        readonly status?: { readonly conditions?: readonly { readonly reason: string }[] };
      };
      return status?.conditions?.[0]?.reason;
    },
  };
}

describe("an APIService that is made anew", () => {
  it("has told nothing of what the one before it told", async () => {
    const { backend, create, reason, etcd, server } = await started();
    await create();
    await expect.poll(reason).toBe("Passed");
    expect(backend.aggregation.all?.versions[0]?.resources).toHaveLength(1);
    // What lies between is compacted: the server finds another one when it loads anew.
    const found = await server.request({ verb: "get", target: { ...API_SERVICES, name: NAME } });
    const { status: _status, ...own } = found as KubernetesObject & { readonly status?: object; readonly spec: object };
    const metadata = { ...own.metadata, uid: "another", resourceVersion: undefined };
    const another = { ...own, metadata, spec: { ...own.spec, service: { namespace: "default", name: "none" } } };
    const value = new TextEncoder().encode(JSON.stringify(another));
    const key = `/registry/apiregistration.k8s.io/apiservices/${NAME}`;
    etcd.hold();
    await etcd.ref("etcd-0").call("put", { key, value } as never, { timeoutMs: 1_000 });
    etcd.compact();
    etcd.breakWatches("ETCD_COMPACTED");
    etcd.release();
    await expect.poll(reason).toBe("ServiceNotFound");
    expect(backend.aggregation.all?.versions).toMatchObject([{ available: false, resources: undefined }]);
    expect(server.crashes).toEqual([]);
  });

  it("is not what was found of the one before it, which was looked at for so long", async () => {
    const { server, behind, create, remove, reason } = await started();
    behind.hold();
    await create();
    await expect.poll(() => behind.looks).toBe(1);
    await remove();
    const watch = server.watch({ target: API_SERVICES, resourceVersion: "0" } as never);
    await create("none");
    behind.release();
    await expect.poll(reason).toBe("ServiceNotFound");
    expect(JSON.stringify(watch.events)).not.toContain("Passed");
    watch.cancel();
  });
});

describe("a look at an APIService", () => {
  it("is followed by one more when it was asked for meanwhile, however often", async () => {
    const { behind, backend, create, reason } = await started();
    behind.hold();
    await create();
    await expect.poll(() => behind.looks).toBe(1);
    for (let i = 0; i < 3; i++) backend.aggregation.look(NAME);
    expect(behind.looks).toBe(1);
    behind.code = 500;
    behind.release();
    await expect.poll(() => behind.looks).toBeGreaterThanOrEqual(2);
    await expect.poll(reason).toBe("FailedDiscoveryCheck");
  });

  it("is taken each second while its server is away, and each half minute while it is there", async () => {
    vi.useFakeTimers();
    const { behind, create } = await started();
    await create();
    await vi.advanceTimersByTimeAsync(100);
    const first = behind.looks;
    await vi.advanceTimersByTimeAsync(28_000);
    expect(behind.looks).toBe(first);
    behind.code = 500;
    await vi.advanceTimersByTimeAsync(3_000);
    const away = behind.looks;
    expect(away).toBeGreaterThan(first);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(behind.looks).toBeGreaterThanOrEqual(away + 2);
  });
});

/** An API server that is cut off from etcd says so, leaves the cluster's address, and sends its clients elsewhere. */
import { describe, expect, it } from "vitest";
import type { OpenDoor } from "../../../actors/api-server/backend.ts";
import { Client } from "../../../actors/client/client.ts";
import { Informer } from "../../../actors/client/informer.ts";
import { configMaps } from "../../../actors/client/resources.ts";
import { ApiAddress } from "../../../actors/cluster/api-address.ts";
import { apiServerProtocol, statusOf } from "../../../protocols/api-server.ts";
import type { ApiRequest } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { SimulationHost } from "../../../runtime/simulation/simulation-host.ts";
import { ETCD, plane, SERVERS } from "./plane.ts";

/** The ports of a machine on which no two may listen, unless both share. */
class Ports {
  private readonly holders = new Map<number, Set<object>>();

  readonly openDoor: OpenDoor = () => {
    const me = {};
    const leave = (): void => {
      for (const holders of this.holders.values()) holders.delete(me);
    };
    return {
      serve: (_host, port, reusePort) => {
        leave();
        const holders = this.holders.get(port) ?? new Set();
        this.holders.set(port, holders);
        if (holders.size > 0 && !reusePort) {
          return Promise.reject(new InkubeError("ADDRESS_IN_USE", `port ${port} is in use`, { retryable: true }));
        }
        holders.add(me);
        return Promise.resolve(port);
      },
      withdraw: leave,
      close: () => Promise.resolve(leave()),
    };
  };

  holdersOf(port: number): number {
    return this.holders.get(port)?.size ?? 0;
  }
}

const PORT = 6_443;
const target = { group: "", version: "v1", resource: "configmaps", namespace: "default" };

interface World {
  readonly host: SimulationHost;
  readonly ports: Ports;
  readonly address: ApiAddress;
  readonly client: Client;
  /** What the server answers, and after how long. */
  readonly ask: (
    server: string,
    request: ApiRequest,
  ) => Promise<{ readonly code: number | string; readonly tookMs: number }>;
}

async function start(seed: number, shared: boolean): Promise<World> {
  const ports = new Ports();
  const host = plane(seed, ports.openDoor);
  await host.start();
  const { context } = host;
  await host.settle(() => context.ref(apiServerProtocol, "api-server-0").call("ready", null));
  const refs = SERVERS.map((name) => context.ref(apiServerProtocol, name));
  const address = new ApiAddress(refs, PORT, context, shared);
  for (const name of SERVERS) address.serverUp(name);
  await host.settle(() => address.open());
  await host.run(500);
  return {
    host,
    ports,
    address,
    client: new Client(context, SERVERS),
    ask: (server, request) =>
      host.settle(async () => {
        const sinceMs = context.clock.monotonicMs();
        const tookMs = (): number => context.clock.monotonicMs() - sinceMs;
        try {
          await context.ref(apiServerProtocol, server).call("request", request);
          return { code: 200, tookMs: tookMs() };
        } catch (error) {
          return { code: statusOf(error)?.code ?? (error as InkubeError).code, tookMs: tookMs() };
        }
      }),
  };
}

describe.each([
  ["one server has the address", false],
  ["all servers share the port", true],
])("where %s, an API server that is cut off from etcd", (_name, shared) => {
  it("leaves the address within a second and a half, and is back when it reaches a quorum again", async () => {
    const { host, address, ports } = await start(31, shared);
    expect(address.servers).toEqual(shared ? SERVERS : ["api-server-0"]);
    host.partition(["api-server-0"], ETCD);
    await host.run(1_500);
    expect(address.servers).toEqual(shared ? ["api-server-1", "api-server-2"] : ["api-server-1"]);
    expect(ports.holdersOf(PORT)).toBe(shared ? 2 : 1);
    host.heal(["api-server-0"], ETCD);
    await host.run(1_000);
    expect(address.servers).toEqual(shared ? SERVERS : ["api-server-1"]);
    expect(host.crashes).toEqual([]);
    await host.stop();
  });

  it("keeps the address while no other server is ready either", async () => {
    const { host, address, ask } = await start(32, shared);
    host.partition(SERVERS, ETCD);
    await host.run(2_000);
    const [holder = ""] = address.servers;
    expect(address.servers).toEqual([holder]);
    expect(await ask(holder, { verb: "list", target })).toMatchObject({ code: 503 });
    host.heal(SERVERS, ETCD);
    await host.run(1_000);
    expect(await ask(holder, { verb: "list", target })).toMatchObject({ code: 200 });
    expect(address.servers.length).toBe(shared ? 3 : 1);
    await host.stop();
  });
});

describe("an API server that is cut off from etcd", () => {
  it("refuses at once what needs a quorum, and still reads from its cache", async () => {
    const { host, ask } = await start(33, false);
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "default" } };
    expect(await ask("api-server-0", { verb: "create", target, object })).toMatchObject({ code: 200 });
    host.partition(["api-server-0"], ETCD);
    // On its way when the link breaks: it is refused once the silence is long enough, and not only at its deadline.
    const underWay = ask("api-server-0", { verb: "get", target: { ...target, name: "a" } });
    expect(await underWay).toMatchObject({ code: 503 });
    expect((await underWay).tookMs).toBeLessThan(1_500);
    const named = { ...target, name: "a" };
    const requests: readonly ApiRequest[] = [
      { verb: "get", target: named },
      { verb: "list", target },
      { verb: "list", target, options: { resourceVersion: "999999" } },
      { verb: "create", target, object },
      { verb: "update", target: named, object },
      { verb: "patch", target: named, patchType: "application/merge-patch+json", patch: { data: { a: "b" } } },
      { verb: "delete", target: named },
      { verb: "deletecollection", target },
    ];
    for (const request of requests) {
      const { code, tookMs } = await ask("api-server-0", request);
      expect([request.verb, code]).toEqual([request.verb, 503]);
      expect(tookMs).toBeLessThan(100);
    }
    expect(await ask("api-server-0", { verb: "get", target: named, resourceVersion: "0" })).toMatchObject({
      code: 200,
    });
    expect(await ask("api-server-0", { verb: "list", target, options: { resourceVersion: "0" } })).toMatchObject({
      code: 200,
    });
    await host.stop();
  });

  it("loses none of its clients: their requests and their watches go on at another server", async () => {
    const { host, client } = await start(34, false);
    const informer = new Informer(host.context, client, configMaps, { namespace: "default" });
    informer.start();
    await host.settle(() => informer.whenSynced());
    host.partition(["api-server-0"], ETCD);
    const sinceMs = host.context.clock.monotonicMs();
    await host.settle(() => client.create(configMaps, { metadata: { name: "late", namespace: "default" } }));
    expect(host.context.clock.monotonicMs() - sinceMs).toBeLessThan(2_500);
    await host.run(4_000);
    expect(informer.get("late", "default")).toBeDefined();
    await host.stop();
  });

  it("tells each change once where a change is the first that it hears of etcd again", async () => {
    const { host } = await start(36, false);
    const [cutOff, other] = SERVERS.map((name) => host.context.ref(apiServerProtocol, name));
    const told: (string | undefined)[] = [];
    cutOff!.stream(
      "watch",
      { target },
      {
        next: ({ type, object }) => {
          if (type !== "BOOKMARK") told.push(object.metadata?.name);
        },
        end: () => void told.push("the end"),
      },
    );
    await host.run(100);
    host.partition(["api-server-0"], ETCD);
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "meanwhile", namespace: "default" } };
    await host.settle(() => other!.call("request", { verb: "create", target, object }));
    await host.run(1_500);
    expect(told).toEqual([]);
    host.heal(["api-server-0"], ETCD);
    await host.run(1_000);
    expect(told).toEqual(["meanwhile"]);
    await host.stop();
  });

  it("is none when an etcd member dies: the address stays, and requests go through", async () => {
    const { host, address, client } = await start(35, false);
    for (const name of ETCD) {
      host.kill(name);
      await host.settle(() => client.create(configMaps, { metadata: { generateName: "x-", namespace: "default" } }));
      await host.run(1_000);
      expect(address.servers).toEqual(["api-server-0"]);
    }
    await host.stop();
  });
});

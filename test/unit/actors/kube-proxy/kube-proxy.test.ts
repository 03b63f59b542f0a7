import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasCode } from "../../../../protocols/errors.ts";
import type { Pod } from "../../../../protocols/kubernetes/types/core-v1.ts";
import { NO_OWN_FAULTS } from "../../../../runtime/faults/boundary.ts";
import type { Address } from "../../../../runtime/net.ts";
import type { Proxy } from "./proxy-world.ts";
import { freePort, node, ProxyWorld, service, slice, until } from "./proxy-world.ts";

const SERVICE_IP = "127.251.0.7";
const RANGE = "127.251.0.0/16";
const PEERS = ["worker-0", "worker-1", "worker-2"];
let world: ProxyWorld;

beforeEach(() => {
  world = new ProxyWorld();
});
afterEach(() => {
  world.close();
  expect(world.failures).toEqual([]);
});

/** A server that says its name to whoever comes. */
async function backend(name: string, host: string, port = 0): Promise<Address> {
  const listener = await world.net.listen({ host, port }, (connection) => {
    connection.onData(() => undefined);
    connection.write(new TextEncoder().encode(name));
    connection.end();
  });
  return listener.address;
}

/** What the server behind `address` says, or the code of the error. */
async function ask(address: Address): Promise<string> {
  try {
    const connection = await world.net.connect(address, { timeoutMs: 2_000 });
    return await new Promise((resolve) => {
      let text = "";
      connection.onData((bytes) => (text += new TextDecoder().decode(bytes)));
      connection.onEnd(() => connection.end());
      connection.onClose(() => resolve(text === "" ? "dropped" : text));
    });
  } catch (error) {
    return hasCode(error) ? error.code : String(error);
  }
}

const bound = async (proxy: Proxy): Promise<readonly string[]> =>
  (await proxy.call("status", null)).listeners.flatMap((each) =>
    each.bound === undefined ? [] : [`${each.bound.host}:${each.bound.port}`],
  );

describe.runIf(process.platform === "linux")("kube-proxy on real sockets", () => {
  it("serves a Service on its own address, each idle endpoint the same number of times", async () => {
    const port = await freePort(world.net, SERVICE_IP);
    const places = await Promise.all(
      ["a", "b", "c"].map((name, index) => backend(name, `127.250.0.${index + 1}`, port)),
    );
    world.api.put("services", service("web", SERVICE_IP, port));
    world.api.put(
      "endpointslices",
      slice(
        "web",
        port,
        places.map(({ host }) => ({ addresses: [host] })),
      ),
    );
    await world.start("worker-0", { serviceRange: RANGE });
    const said: string[] = [];
    await until(async () => (await ask({ host: SERVICE_IP, port })) !== "CONNECTION_REFUSED");
    for (let index = 0; index < 9; index++) said.push(await ask({ host: SERVICE_IP, port }));
    expect(said.sort().join("")).toBe("aaabbbccc");
  });

  it("takes nobody to an endpoint from which a fault keeps him, and others as ever", async () => {
    const port = await freePort(world.net, SERVICE_IP);
    const places = await Promise.all(["a", "b"].map((name, index) => backend(name, `127.250.0.${index + 21}`, port)));
    const endpoints = places.map(({ host }) => ({ addresses: [host] }));
    world.api.put("services", service("web", SERVICE_IP, port));
    world.api.put("endpointslices", slice("web", port, endpoints));
    // Whoever connects from this test comes from 127.0.0.1.
    const addresses: Readonly<Record<string, string>> = { asker: "127.0.0.1", a: "127.250.0.21", b: "127.250.0.22" };
    for (const [name, podIP] of Object.entries(addresses)) {
      const pod: Pod = { metadata: { name, namespace: "default" }, status: { podIP } };
      world.api.put("pods", pod);
    }
    const told: string[] = [];
    world.faults = {
      ...NO_OWN_FAULTS,
      inForce: [{ id: "cut", kind: "pod-network-loss", between: ["default/a", "default/asker"] }],
      strike: (_fault, what) => void told.push(what),
    };
    const proxy = await world.start("worker-0", { serviceRange: RANGE, connectTimeoutMs: 20 });
    await until(() => told.length > 0);
    await until(async () => (await ask({ host: SERVICE_IP, port })) !== "CONNECTION_REFUSED");
    const said = [];
    for (let index = 0; index < 4; index++) said.push(await ask({ host: SERVICE_IP, port }));
    expect(said).toEqual(["b", "b", "b", "b"]);
    expect(told).toEqual(["cuts 1 pair of pods for worker-0"]);
    const cut = { "127.0.0.1": ["127.250.0.21"], "127.250.0.21": ["127.0.0.1"] };
    expect(proxy.hosts()).toMatchObject({ cut });
    // It is well for all others.
    const { endpoints: known } = await proxy.call("endpoints", { namespace: "shop", service: "web" });
    expect(known.map(({ outOfRotation }) => outOfRotation)).toEqual([false, false]);
  });

  it("has one owner for each Service, and another one the moment that it dies", async () => {
    const port = await freePort(world.net, SERVICE_IP);
    const { host } = await backend("web", "127.250.0.4", port);
    world.api.put("services", service("web", SERVICE_IP, port));
    world.api.put("endpointslices", slice("web", port, [{ addresses: [host] }]));
    const options = { serviceRange: RANGE, peers: PEERS };
    const proxies = await Promise.all(PEERS.map((name) => world.start(name, options)));
    const owned = async (): Promise<readonly (readonly number[])[]> =>
      Promise.all(proxies.map(async (proxy) => (await proxy.call("status", null)).ownedShards));
    await until(async () => (await owned()).flat().length === 8);
    expect((await owned()).map((shards) => shards.length)).toEqual([3, 3, 2]);
    expect(new Set((await owned()).flat()).size).toBe(8);
    await until(async () => (await Promise.all(proxies.map(bound))).flat().length === 1);
    const holders = await Promise.all(proxies.map(bound));
    const first = holders.findIndex((each) => each.length === 1);
    proxies[first]?.kill();
    const rest = proxies.filter((_, index) => index !== first);
    await until(async () => (await Promise.all(rest.map(bound))).flat().length === 1);
    expect(await ask({ host: SERVICE_IP, port })).toBe("web");
    const left = (await Promise.all(rest.map((proxy) => proxy.call("status", null)))).flatMap(
      (each) => each.ownedShards,
    );
    expect(left.length).toBe(8);
  });

  it("tries another endpoint when one refuses, and leaves it alone for a while", async () => {
    const port = await freePort(world.net, SERVICE_IP);
    await backend("good", "127.250.0.5", port);
    world.api.put("services", service("web", SERVICE_IP, port));
    const endpoints = ["127.250.0.6", "127.250.0.5"].map((address) => ({ addresses: [address] }));
    world.api.put("endpointslices", slice("web", port, endpoints));
    const proxy = await world.start("worker-0", { serviceRange: RANGE });
    await until(async () => (await bound(proxy)).length === 1);
    for (let index = 0; index < 6; index++) expect(await ask({ host: SERVICE_IP, port })).toBe("good");
    const { endpoints: seen } = await proxy.call("endpoints", { namespace: "shop", service: "web" });
    expect(seen.map((each) => each.outOfRotation)).toEqual([true, false]);
  });

  it("refuses connections at once while a Service has no endpoint, and takes them when one comes", async () => {
    const port = await freePort(world.net, SERVICE_IP);
    const { host } = await backend("web", "127.250.0.7", port);
    world.api.put("services", service("web", SERVICE_IP, port));
    const proxy = await world.start("worker-0", { serviceRange: RANGE });
    await until(async () => (await proxy.call("status", null)).ownedShards.length === 8);
    expect(await ask({ host: SERVICE_IP, port })).toBe("CONNECTION_REFUSED");
    await expect(proxy.call("pick", { namespace: "shop", service: "web" })).rejects.toMatchObject({
      code: "NO_ENDPOINTS",
    });
    world.api.put("endpointslices", slice("web", port, [{ addresses: [host] }]));
    await until(async () => (await bound(proxy)).length === 1);
    expect(await ask({ host: SERVICE_IP, port })).toBe("web");
    world.api.remove("services", service("web", SERVICE_IP, port));
    await until(async () => (await bound(proxy)).length === 0);
    expect(await ask({ host: SERVICE_IP, port })).toBe("CONNECTION_REFUSED");
  });

  it("serves a NodePort on each node's address, and on 127.0.0.1 on one of them", async () => {
    const port = await freePort(world.net, SERVICE_IP);
    const nodePort = await freePort(world.net, "127.0.0.1");
    const { host } = await backend("web", "127.250.0.8", port);
    world.api.put("services", service("web", SERVICE_IP, port, { type: "NodePort", ports: [{ port, nodePort }] }));
    world.api.put("endpointslices", slice("web", port, [{ addresses: [host] }]));
    const nodes = ["127.249.0.1", "127.249.0.2"];
    const proxies = await Promise.all(
      nodes.map((nodeIP, index) =>
        world.start(`worker-${index}`, { serviceRange: RANGE, nodeIP, peers: PEERS.slice(0, 2) }),
      ),
    );
    await until(async () => (await Promise.all(proxies.map(bound))).flat().length === 4);
    for (const place of [...nodes, "127.0.0.1", SERVICE_IP]) {
      expect(await ask({ host: place, port: place === SERVICE_IP ? port : nodePort })).toBe("web");
    }
  });

  it("picks the endpoint on the requester's node, by name or by number of the port", async () => {
    const endpoints = [1, 2].map((index) => ({ addresses: [`127.64.${index}.2`], nodeName: `worker-${index}` }));
    world.api.put("nodes", node("worker-1", "127.64.1.0/24"));
    world.api.put("services", service("web", SERVICE_IP, 80));
    world.api.put("endpointslices", slice("web", 8_080, endpoints));
    const proxy = await world.start("worker-0", { serviceRange: RANGE });
    await until(async () => (await proxy.call("status", null)).synced);
    const request = { namespace: "shop", service: "web", port: 80, fromNode: "worker-2" };
    for (let index = 0; index < 3; index++) {
      expect(await proxy.call("pick", request)).toEqual({ address: "127.64.2.2", port: 8_080, node: "worker-2" });
    }
    await expect(proxy.call("pick", { ...request, port: 81 })).rejects.toMatchObject({ code: "SERVICE_NOT_FOUND" });
  });

  it("keeps apart from another cluster that has the same addresses", async () => {
    const ports = [await freePort(world.net, SERVICE_IP)];
    const port = ports[0] ?? 0;
    const { host } = await backend("one", "127.250.0.9", port);
    world.api.put("services", service("web", SERVICE_IP, port));
    world.api.put("endpointslices", slice("web", port, [{ addresses: [host] }]));
    const one = await world.start("worker-0", { serviceRange: RANGE, clusterId: "one" });
    await until(async () => (await bound(one)).length === 1);
    const two = await world.start("worker-0", { serviceRange: RANGE, clusterId: "two" });
    await until(async () => (await two.call("status", null)).ownedShards.length === 8);
    await until(async () => (await bound(two)).length === 1);
    expect(await bound(two)).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
    expect(await bound(one)).toEqual([`${SERVICE_IP}:${port}`]);
  });
});

describe("kube-proxy where addresses can't be had", () => {
  const moved = async (refuse: (address: Address) => string | undefined, host: string): Promise<void> => {
    const { port } = await backend("web", "127.0.0.1");
    world.api.put("services", service("web", SERVICE_IP, 80));
    world.api.put("endpointslices", slice("web", port, [{ addresses: ["127.0.0.1"] }]));
    const proxy = await world.start("worker-0", { serviceRange: RANGE, clusterId: `moved ${host}` }, refuse);
    const published = (): string | undefined => world.api.annotation("shop", "web", "inkube.dev/address");
    await until(() => published() !== undefined);
    const address = (JSON.parse(published() ?? "{}") as Record<string, string>)["80"] ?? "";
    expect(address.startsWith(`${host}:`)).toBe(true);
    expect(await ask({ host, port: Number(address.split(":")[1]) })).toBe("web");
    await until(() => proxy.hosts() !== null && JSON.stringify(proxy.hosts()).includes(address));
    expect(proxy.hosts()).toEqual({
      names: { "web.shop": [SERVICE_IP] },
      ports: { [`${SERVICE_IP}:80`]: address },
      srv: {},
    });
  };

  it.runIf(process.platform === "linux")("serves a privileged port on another one of the same address", () =>
    moved((address) => (address.port === 80 ? "PERMISSION_DENIED" : undefined), SERVICE_IP),
  );

  it("serves an address that the machine has not on 127.0.0.1", () =>
    moved((address) => (address.host === "127.0.0.1" ? undefined : "ADDRESS_NOT_AVAILABLE"), "127.0.0.1"));

  it("takes back what it published once the address can be had", async () => {
    world.api.put("services", {
      ...service("web", "127.0.0.1", await freePort(world.net, "127.0.0.1")),
      metadata: { name: "web", namespace: "shop", annotations: { "inkube.dev/address": "nonsense" } },
    });
    world.api.put("endpointslices", slice("web", 1, [{ addresses: ["127.0.0.1"] }]));
    await world.start("worker-0", { serviceRange: RANGE, clusterId: "taken back" });
    await until(() => world.api.annotation("shop", "web", "inkube.dev/address") === undefined);
  });

  it("gives a successor the same place, so that what clients know stays right", async () => {
    const { port } = await backend("web", "127.0.0.1");
    world.api.put("services", service("web", SERVICE_IP, 80));
    world.api.put("endpointslices", slice("web", port, [{ addresses: ["127.0.0.1"] }]));
    const refuse = (address: Address): string | undefined =>
      address.host === "127.0.0.1" ? undefined : "ADDRESS_NOT_AVAILABLE";
    const options = { serviceRange: RANGE, peers: PEERS.slice(0, 2), clusterId: "successor" };
    const proxies = [await world.start("worker-0", options, refuse), await world.start("worker-1", options, refuse)];
    await until(async () => (await Promise.all(proxies.map(bound))).flat().length === 1);
    await until(() => world.api.annotation("shop", "web", "inkube.dev/address") !== undefined);
    const holders = await Promise.all(proxies.map(bound));
    const first = holders.findIndex((each) => each.length === 1);
    proxies[first]?.kill();
    const other = proxies[1 - first];
    await until(async () => other !== undefined && (await bound(other)).length === 1);
    expect(await bound(other as Proxy)).toEqual(holders[first]);
  });
});

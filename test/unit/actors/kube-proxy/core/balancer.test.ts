import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Balancer, BALANCER_DEFAULTS } from "../../../../../actors/kube-proxy/core/balancer.ts";
import type { Endpoint, ServicePort } from "../../../../../actors/kube-proxy/core/service-ports.ts";

const PORT: ServicePort = {
  key: "shop/web:80",
  service: "shop/web",
  portName: "",
  port: 80,
  clusterIP: "127.96.0.1",
  nodePort: undefined,
  affinityTimeoutMs: undefined,
  internalLocal: false,
  externalLocal: false,
};

function endpoint(index: number, change: Partial<Endpoint> = {}): Endpoint {
  const address = `127.64.0.${index}`;
  return {
    key: `${address}:80`,
    address,
    port: 80,
    node: undefined,
    zone: undefined,
    ready: true,
    serving: true,
    terminating: false,
    ...change,
  };
}

function balancer(endpoints: readonly Endpoint[], port: Partial<ServicePort> = {}): Balancer {
  const made = new Balancer({ ...PORT, ...port });
  made.setEndpoints(endpoints);
  return made;
}

describe("Balancer", () => {
  it("gives N idle endpoints equal shares", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 9 }), (endpoints, rounds) => {
        const all = Array.from({ length: endpoints }, (_, index) => endpoint(index));
        const subject = balancer(all);
        const counts = new Map<string, number>();
        for (let pick = 0; pick < endpoints * rounds; pick++) {
          const key = subject.pick({}, 0)?.key ?? "none";
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        expect([...counts.values()]).toEqual(all.map(() => rounds));
      }),
    );
  });

  it("gives a connection to the endpoint with the fewest open ones", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 60 }), (steps) => {
        const subject = balancer([0, 1, 2, 3].map((index) => endpoint(index)));
        for (const [index, isClose] of steps) {
          if (isClose) {
            subject.closed(endpoint(index).key);
            continue;
          }
          const open = new Map(subject.endpoints(0).map((each) => [each.key, each.openConnections]));
          const key = subject.pick({}, 0)?.key ?? "";
          expect(open.get(key)).toBe(Math.min(...open.values()));
          subject.trying(key);
          subject.connected(key);
        }
      }),
    );
  });

  it("prefers an endpoint on the requester's node, then in its zone, then any", () => {
    const subject = balancer([
      endpoint(1, { node: "worker-0", zone: "a" }),
      endpoint(2, { node: "worker-1", zone: "a" }),
      endpoint(3, { node: "worker-2", zone: "b" }),
    ]);
    const three = (node: string, zone: string): Set<string | undefined> =>
      new Set([1, 2, 3].map(() => subject.pick({ node, zone }, 0)?.node));
    expect(three("worker-2", "b")).toEqual(new Set(["worker-2"]));
    expect(three("worker-9", "a")).toEqual(new Set(["worker-0", "worker-1"]));
    expect(three("worker-9", "c")).toEqual(new Set(["worker-0", "worker-1", "worker-2"]));
  });

  it("never gives out an endpoint that is not ready while another one is", () => {
    const subject = balancer([
      endpoint(1, { ready: false, serving: false }),
      endpoint(2),
      endpoint(3, { ready: false, serving: true, terminating: true }),
    ]);
    expect(new Set([1, 2, 3].map(() => subject.pick({}, 0)?.key))).toEqual(new Set([endpoint(2).key]));
  });

  it("falls back to endpoints that serve while they end, and to nothing else", () => {
    const ending = endpoint(3, { ready: false, serving: true, terminating: true });
    const unready = endpoint(1, { ready: false, serving: false });
    expect(balancer([unready, ending]).pick({}, 0)?.key).toBe(ending.key);
    expect(balancer([unready]).pick({}, 0)).toBeUndefined();
    expect(balancer([unready]).hasUsable({})).toBe(false);
  });

  it("takes an endpoint that refuses out of rotation and lets one connection try it after the pause", () => {
    const [bad, good] = [endpoint(1), endpoint(2)];
    const subject = balancer([bad, good]);
    subject.trying(bad.key);
    const pauseMs = subject.failed(bad.key, 1_000);
    expect(pauseMs).toBe(BALANCER_DEFAULTS.ejectBaseMs);
    const picks = (nowMs: number): (string | undefined)[] => [1, 2, 3].map(() => subject.pick({}, nowMs)?.key);
    expect(picks(1_000 + pauseMs - 1)).toEqual([good.key, good.key, good.key]);
    expect(subject.pick({}, 1_000 + pauseMs)?.key).toBe(bad.key);
    subject.trying(bad.key);
    expect(picks(1_000 + pauseMs)).toEqual([good.key, good.key, good.key]);
    expect(subject.failed(bad.key, 1_000 + pauseMs)).toBe(2 * pauseMs);
    subject.trying(bad.key);
    subject.connected(bad.key);
    expect(subject.endpoints(1_000 + pauseMs).some((each) => each.outOfRotation)).toBe(false);
  });

  it("counts connections that fail together as one failure", () => {
    const subject = balancer([endpoint(1)]);
    const key = endpoint(1).key;
    for (let index = 0; index < 10; index++) subject.trying(key);
    for (let index = 0; index < 10; index++) subject.failed(key, 500);
    expect(subject.endpoints(500 + BALANCER_DEFAULTS.ejectBaseMs)[0]).toMatchObject({
      outOfRotation: false,
      openConnections: 0,
    });
  });

  it("still tries when every endpoint is out of rotation, each once a connection", () => {
    const subject = balancer([endpoint(1), endpoint(2)]);
    for (const index of [1, 2]) {
      subject.trying(endpoint(index).key);
      subject.failed(endpoint(index).key, 0);
    }
    const tried = new Set<string>();
    for (let index = 0; index < 2; index++) tried.add(subject.pick({ tried }, 1)?.key ?? "none");
    expect(tried).toEqual(new Set([endpoint(1).key, endpoint(2).key]));
    expect(subject.pick({ tried }, 1)).toBeUndefined();
  });

  it("takes an endpoint back when its probe says that it is ready again", () => {
    const subject = balancer([endpoint(1)]);
    subject.trying(endpoint(1).key);
    subject.failed(endpoint(1).key, 0);
    subject.setEndpoints([endpoint(1, { ready: false, serving: false })]);
    subject.setEndpoints([endpoint(1)]);
    expect(subject.endpoints(1)[0]?.outOfRotation).toBe(false);
  });

  it("keeps a client on its endpoint with session affinity, also after another proxy has taken over", () => {
    const all = [0, 1, 2, 3, 4].map((index) => endpoint(index));
    const affinity = { affinityTimeoutMs: 1_000 };
    const [subject, successor] = [balancer(all, affinity), balancer(all, affinity)];
    const used = new Set<string | undefined>();
    for (let client = 0; client < 40; client++) {
      const clientIP = `127.64.1.${client}`;
      const first = subject.pick({ clientIP }, 0)?.key;
      used.add(first);
      expect(subject.pick({ clientIP }, 900)?.key).toBe(first);
      expect(successor.pick({ clientIP }, 900)?.key).toBe(first);
    }
    expect(used.size).toBe(5);
  });

  it("moves a client with session affinity when its endpoint is gone", () => {
    const subject = balancer([endpoint(1), endpoint(2)], { affinityTimeoutMs: 10_000 });
    const clientIP = "127.64.1.9";
    const first = subject.pick({ clientIP }, 0);
    const other = [endpoint(1), endpoint(2)].find((each) => each.key !== first?.key);
    subject.setEndpoints(other === undefined ? [] : [other]);
    expect(subject.pick({ clientIP }, 1)?.key).toBe(other?.key);
  });

  it("confines traffic to a node with the Local policies, each for its own way in", () => {
    const all = [endpoint(1, { node: "worker-0" }), endpoint(2, { node: "worker-1" })];
    const external = balancer(all, { externalLocal: true });
    expect(external.pick({ external: true, entryNode: "worker-1" }, 0)?.node).toBe("worker-1");
    expect(external.pick({ external: true, entryNode: "worker-7" }, 0)).toBeUndefined();
    expect(external.pick({ node: "worker-7" }, 0)).toBeDefined();
    const internal = balancer(all, { internalLocal: true });
    expect(internal.pick({ node: "worker-7" }, 0)).toBeUndefined();
    expect(internal.pick({ external: true, entryNode: "worker-7" }, 0)).toBeDefined();
  });
});

/** kube-proxies in virtual time: one owner for each address, whoever dies when, and the same story for the same seed. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../runtime/random.ts";
import type { EventOwner } from "../../../runtime/simulation/event-queue.ts";
import { SimClock } from "../../../runtime/simulation/sim-clock.ts";
import { SimNetwork } from "../../../runtime/simulation/sim-net.ts";
import { World } from "../../../runtime/simulation/world.ts";
import type { Proxy } from "../../unit/actors/kube-proxy/proxy-world.ts";
import { ProxyWorld, service, slice } from "../../unit/actors/kube-proxy/proxy-world.ts";

const NODES = ["worker-0", "worker-1", "worker-2", "worker-3"];
const SERVICES = Array.from({ length: 12 }, (_, index) => ({ name: `service-${index}`, ip: `127.96.0.${index + 1}` }));
const POD = "127.64.0.2";
const SECOND_US = 1_000_000;

interface Run {
  readonly answered: number;
  readonly failed: number;
  /** From a death until each Service answers again, in microseconds of virtual time. */
  readonly outagesUs: readonly number[];
  readonly owners: readonly string[];
  readonly steps: number;
}

async function run(seed: number): Promise<Run> {
  const world = new World({ seed });
  const network = new SimNetwork(world);
  const random = new SeededRandom(seed, "kills");
  const owner = (): EventOwner & { alive: boolean } => ({
    alive: true,
    hanging: undefined,
    crash: (error) => world.fail(error),
  });
  const proxies = new ProxyWorld((name) => {
    const life = owner();
    const net = network.open(life);
    const clock = new SimClock(world, life, world.random(`clock/${name}`));
    const kill = (): void => {
      net.close();
      life.alive = false;
    };
    return { net, clock, kill };
  });
  const outside = owner();
  const net = network.open(outside);
  const clock = new SimClock(world, outside, world.random("clock/outside"));
  const result = { answered: 0, failed: 0, outagesUs: [] as number[], owners: [] as string[] };

  const ask = async (ip: string): Promise<boolean> => {
    try {
      const connection = await net.connect({ host: ip, port: 80 }, { timeoutMs: 1_000 });
      const isAnswered = await new Promise<boolean>((resolve) => {
        connection.onData(() => resolve(true));
        connection.onClose(() => resolve(false));
      });
      connection.destroy();
      return isAnswered;
    } catch {
      return false;
    }
  };
  const untilAllAnswer = async (): Promise<number> => {
    const fromUs = world.nowUs;
    for (const { ip } of SERVICES) while (!(await ask(ip))) await clock.sleep(1);
    return world.nowUs - fromUs;
  };

  const story = async (): Promise<void> => {
    await net.listen({ host: POD, port: 8_080 }, (connection) => {
      connection.onData(() => undefined);
      connection.write(Uint8Array.of(1));
    });
    for (const { name, ip } of SERVICES) {
      proxies.api.put("services", service(name, ip, 80));
      proxies.api.put("endpointslices", slice(name, 8_080, [{ addresses: [POD] }]));
    }
    const running = new Map<string, Proxy>();
    for (const name of NODES) running.set(name, await proxies.start(name, { peers: NODES }));
    await untilAllAnswer();
    for (let kills = 0; kills < 6; kills++) {
      const name = NODES[random.below(NODES.length)] ?? "";
      running.get(name)?.kill();
      result.outagesUs.push(await untilAllAnswer());
      running.set(name, await proxies.start(name, { peers: NODES }));
      for (const { ip } of SERVICES) {
        if (await ask(ip)) result.answered++;
        else result.failed++;
      }
      await clock.sleep(100);
      result.owners.push(await ownersOf([...running.values()]));
    }
  };
  let isOver = false;
  const theEnd = story().then(() => (isOver = true));
  await world.run({ untilUs: 60 * SECOND_US, until: () => isOver });
  await theEnd;
  expect(proxies.failures).toEqual([]);
  return { ...result, steps: world.steps };
}

/** How often each shard is owned, and each Service listened for: `11111111 111111111111` when all is well. */
async function ownersOf(proxies: readonly Proxy[]): Promise<string> {
  const all = await Promise.all(proxies.map((proxy) => proxy.call("status", null)));
  const count = (values: readonly unknown[], value: unknown): number => values.filter((each) => each === value).length;
  const shards = all.flatMap((status) => status.ownedShards);
  const bound = all.flatMap((status) =>
    status.listeners.flatMap((each) => (each.bound === undefined ? [] : [each.host])),
  );
  const owned = Array.from({ length: 8 }, (_, shard) => count(shards, shard)).join("");
  return `${owned} ${SERVICES.map(({ ip }) => count(bound, ip)).join("")}`;
}

describe("kube-proxies in the simulation", () => {
  it.each([1, 2, 3, 4, 5, 6])("hand over within milliseconds whoever dies, seed %i", async (seed) => {
    const { answered, failed, outagesUs, owners } = await run(seed);
    expect(failed).toBe(0);
    expect(answered).toBe(6 * SERVICES.length);
    expect(owners).toEqual(owners.map(() => `11111111 ${"1".repeat(SERVICES.length)}`));
    expect(Math.max(...outagesUs)).toBeLessThan(SECOND_US / 10);
  });

  it("tell the same story for the same seed", async () => {
    expect(await run(7)).toEqual(await run(7));
  });
});

/** What a client sees of an API server while a plan of faults is applied: never anything that a real one would not show. */
import { describe, expect, it } from "vitest";
import type { Env } from "../../../actors/cluster/chaos/controller.ts";
import type { World } from "../../../actors/cluster/chaos/world.ts";
import { simulate } from "../../../actors/cluster/chaos/simulate.ts";
import { configMaps } from "../../../actors/client/resources.ts";
import { hasReason } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import type { ApiFault } from "../../../protocols/api-faults.ts";

const NAMESPACE = "default";
const CLUSTER = { masters: 1, workers: 0 } as const;
const map = (name: string, text = ""): ConfigMap => ({ metadata: { name, namespace: NAMESPACE }, data: { text } });

/** What the client `probe` does under these faults, while the world goes on with `work`. */
function probing<T>(
  faults: readonly ApiFault[],
  probe: (env: Env) => Promise<T>,
  work: (world: World) => Promise<void>,
): Promise<{
  readonly result: T | undefined;
  readonly struck: readonly string[];
}> {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let result: T | undefined;
  let isDone = false;
  const start = async (env: Env): Promise<void> => {
    await begun;
    result = await probe(env);
    isDone = true;
  };
  const options = { cluster: CLUSTER, controllers: [{ name: "probe", start }], faults: { faults } };
  return simulate(options, async (world) => {
    begin();
    await world.clock.sleep(10);
    await work(world);
    await world.until("the probe is done", () => isDone);
    await world.settle();
    return { result, struck: world.history.struck.map(({ fault, what }) => `${fault} ${what}`) };
  });
}

const none = async (): Promise<void> => undefined;

it("a write whose reply is lost has been carried out once, and its client does not hear of it at first", async () => {
  const fault: ApiFault = { id: "lost", kind: "reply-lost", by: "probe", when: { on: "write" } };
  const { result, struck } = await probing(
    [fault],
    async ({ client }) => {
      // The client asks again, and meets its own object.
      const outcome = await client.create(configMaps, map("a")).catch((error: unknown) => error);
      return [
        hasReason(outcome, "AlreadyExists"),
        (await client.list(configMaps, { namespace: NAMESPACE })).items.length,
      ];
    },
    none,
  );
  expect(result?.[0]).toBe(true);
  expect(struck).toEqual(["lost loses the reply: create configmaps default/a by probe"]);
});

it("a refused write has not been carried out", async () => {
  const fault: ApiFault = {
    id: "conflict",
    kind: "api-error",
    by: "probe",
    status: 409,
    when: { on: "write", verb: "update" },
  };
  const { result } = await probing(
    [fault],
    async ({ client }) => {
      const made = await client.create(configMaps, map("a", "first"));
      const outcome = await client
        .update(configMaps, { ...made, data: { text: "second" } })
        .catch((error: unknown) => error);
      const now = await client.get(configMaps, "a", NAMESPACE);
      return [
        hasReason(outcome, "Conflict"),
        now.data?.["text"],
        now.metadata?.resourceVersion === made.metadata?.resourceVersion,
      ];
    },
    none,
  );
  expect(result).toEqual([true, "first", true]);
});

describe("a view that has stopped", () => {
  const STALE: ApiFault = {
    id: "stale",
    kind: "view-stale",
    by: "probe",
    of: "configmaps",
    at: "now",
    when: { atMs: 0 },
    until: { atMs: 2_000 },
  };

  it("answers what asks for no newest state from the past, and reads from the quorum as ever", async () => {
    const { result } = await probing(
      [STALE],
      async ({ client, clock }) => {
        await client.create(configMaps, map("new"));
        const names = async (resourceVersion?: string): Promise<readonly string[]> => {
          const scope = { namespace: NAMESPACE, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
          const { items } = await client.list(configMaps, scope);
          return items.map(({ metadata }) => metadata?.name ?? "").filter((name) => name === "new");
        };
        const stale = [await names("0"), await names()];
        await clock.sleep(2_100);
        return [...stale, await names("0")];
      },
      none,
    );
    expect(result).toEqual([[], ["new"], ["new"]]);
  });

  it("answers nothing older than was asked for, but refuses what it has not reached", async () => {
    const { result } = await probing(
      [{ ...STALE, until: { atMs: 20_000 } }],
      async ({ client }) => {
        const made = await client.create(configMaps, map("new"));
        const resourceVersion = made.metadata?.resourceVersion ?? "";
        const outcome = await client
          .list(configMaps, { namespace: NAMESPACE, resourceVersion, resourceVersionMatch: "NotOlderThan" })
          .catch((error: unknown) => error);
        return outcome instanceof InkubeError;
      },
      none,
    );
    expect(result).toBe(true);
  });

  it("keeps what watches would tell, and tells it in order at the end", async () => {
    const told: string[] = [];
    await probing(
      [STALE],
      async (env) => {
        const maps = env.informer(configMaps, { namespace: NAMESPACE, labelSelector: "!kubernetes.io/metadata.name" });
        maps.onChange(({ type, object }) => {
          const name = object.metadata?.name ?? "";
          if (/^[ab]$/.test(name)) told.push(`${type} ${name} ${env.clock.monotonicMs() > 2_000 ? "late" : "at once"}`);
        });
        maps.start();
        await maps.whenSynced();
      },
      async (world) => {
        await world.clock.sleep(100);
        await world.client.create(configMaps, map("a"));
        await world.client.create(configMaps, map("b"));
        await world.client.delete(configMaps, "a", NAMESPACE);
        await world.clock.sleep(2_500);
      },
    );
    expect(told).toEqual(["added a late", "added b late", "deleted a late"]);
  });
});

describe("watches", () => {
  /** What an informer is told of one object that comes and goes. */
  async function toldOf(...faults: readonly ApiFault[]): Promise<readonly string[]> {
    const told: string[] = [];
    await probing(
      faults,
      async (env) => {
        const maps = env.informer(configMaps, { namespace: NAMESPACE });
        maps.onChange(({ type, object }) => {
          if (object.metadata?.name === "a") told.push(type);
        });
        maps.start();
      },
      async (world) => {
        await world.clock.sleep(100);
        await world.client.create(configMaps, map("a"));
        await world.clock.sleep(500);
        told.push("|");
        await world.client.delete(configMaps, "a", NAMESPACE);
        await world.clock.sleep(500);
      },
    );
    return told;
  }

  const born = { on: "delivery", verb: "ADDED", of: "configmaps/default/a" } as const;
  const dead = { on: "delivery", verb: "DELETED", of: "configmaps/default/a" } as const;
  const hold: ApiFault = { id: "hold", kind: "watch-hold", by: "probe", of: "configmaps", when: born, until: dead };

  it("tell everything at once without a fault", async () => {
    expect(await toldOf()).toEqual(["added", "|", "deleted"]);
  });

  it("that are held tell it together with what cancels it", async () => {
    expect(await toldOf(hold)).toEqual(["|", "added", "deleted"]);
  });

  it("that expire meanwhile never tell it", async () => {
    const expire: ApiFault = {
      id: "expire",
      kind: "watch-expire",
      by: "probe",
      of: "configmaps",
      when: { seq: [born, dead] },
    };
    expect(await toldOf(expire, hold)).toEqual(["|"]);
  });

  it.each(["watch-drop", "watch-expire"] as const)("that end by %s lose and repeat nothing", async (kind) => {
    expect(await toldOf({ id: "f", kind, by: "probe", of: "configmaps", when: born })).toEqual([
      "added",
      "|",
      "deleted",
    ]);
  });
});

describe("a controller", () => {
  /** At which virtual times its incarnations began, since the faults were applied, in whole milliseconds. */
  async function startsUnder(fault: ApiFault): Promise<readonly number[]> {
    const starts: number[] = [];
    let sinceMs = Infinity;
    const start = async ({ clock, client, signal }: Env): Promise<void> => {
      if (clock.monotonicMs() >= sinceMs) starts.push(Math.floor(clock.monotonicMs() - sinceMs));
      for (let count = 0; !signal.aborted; count++) {
        await clock.sleep(100);
        await client.find(configMaps, `tick-${count}`, NAMESPACE);
      }
    };
    await simulate({ cluster: CLUSTER, controllers: [{ name: "probe", start }] }, async (world) => {
      sinceMs = world.nowMs;
      world.faults({ faults: [fault] });
      await world.clock.sleep(2_000);
    });
    return starts;
  }

  it("that crashes is started again at once, as another incarnation", async () => {
    const [start, ...more] = await startsUnder({ id: "f", kind: "controller-crash", by: "probe", when: { atMs: 500 } });
    expect(start).toBeGreaterThanOrEqual(500);
    expect(start).toBeLessThan(520);
    expect(more).toEqual([]);
  });

  it("that is kept down is started again after that", async () => {
    const [start] = await startsUnder({
      id: "f",
      kind: "controller-crash",
      by: "probe",
      when: { on: "read" },
      downMs: 700,
    });
    expect(start).toBeGreaterThanOrEqual(700);
    expect(start).toBeLessThan(900);
  });

  it("is joined for a while by a second one, under a name of its own", async () => {
    const start = async ({ clock, client, signal }: Env): Promise<void> => {
      while (!signal.aborted) {
        await clock.sleep(100);
        await client.find(configMaps, "tick", NAMESPACE);
      }
    };
    await simulate({ cluster: CLUSTER, controllers: [{ name: "probe", start }] }, async (world) => {
      const sinceMs = world.nowMs;
      world.faults({
        faults: [{ id: "f", kind: "controller-twice", by: "probe", when: { atMs: 500 }, forMs: 700 }],
      });
      await world.clock.sleep(3_000);
      const asked = world.history.requestsOf("probe-second").map(({ atMs }) => atMs - sinceMs);
      expect(asked[0]).toBeGreaterThanOrEqual(600);
      expect(asked).toHaveLength(6);
      expect(asked.at(-1)).toBeLessThan(1_200);
      expect(world.history.requestsOf("probe").length).toBeGreaterThan(25);
    });
  });

  it("that pauses goes on as the same incarnation", async () => {
    expect(
      await startsUnder({ id: "f", kind: "controller-pause", by: "probe", when: { atMs: 100 }, downMs: 500 }),
    ).toEqual([]);
  });
});

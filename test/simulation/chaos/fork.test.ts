/** A world can be forked: the same moment, continued in another way. */
import { describe, expect, it } from "vitest";
import type { Env } from "../../../actors/cluster/chaos/controller.ts";
import type { ForkableWorld } from "../../../actors/cluster/chaos/simulate.ts";
import { simulate } from "../../../actors/cluster/chaos/simulate.ts";
import { configMaps } from "../../../actors/client/resources.ts";

const NAMESPACE = "default";

/** Makes a page for each site. */
async function start({ client, informer, queue }: Env): Promise<void> {
  const sites = informer(configMaps, { namespace: NAMESPACE, labelSelector: "role=site" });
  const reconciled = queue("sites", async (key) => {
    const name = sites.getByKey(key)?.metadata?.name;
    if (name === undefined) return;
    await client.create(configMaps, { metadata: { generateName: `${name}-page-`, namespace: NAMESPACE } });
  });
  sites.onChange(({ type, object }) => {
    if (type === "added") reconciled.add(`${NAMESPACE}/${object.metadata?.name}`);
  });
  sites.start();
}

const OPTIONS = { cluster: { masters: 1, workers: 0 }, controllers: [{ name: "web", start }] } as const;

async function site({ client }: ForkableWorld, name: string): Promise<void> {
  await client.create(configMaps, { metadata: { name, namespace: NAMESPACE, labels: { role: "site" } } });
}

/** Names of all pages, once nothing goes on. */
async function pages(world: ForkableWorld): Promise<readonly string[]> {
  await world.settle();
  await world.caughtUp();
  const names = world
    .state()
    .list(configMaps, NAMESPACE)
    .map(({ metadata }) => metadata?.name ?? "");
  return names.filter((name) => name.includes("-page-")).sort();
}

describe("a fork", () => {
  it("goes on from the very same moment, and what is done in it is not done here", async () => {
    const told = await simulate(OPTIONS, async (world) => {
      await site(world, "blog");
      const before = await pages(world);
      const atMs = world.nowMs;
      const forked = await world.fork(async (other) => {
        const sinceMs = other.nowMs - atMs;
        await site(other, "shop");
        return { sinceMs, pages: await pages(other) };
      });
      return { before, forked, sinceMs: world.nowMs - atMs, after: await pages(world) };
    });
    expect(told.before).toEqual([expect.stringMatching(/^blog-page-/)]);
    expect(told.forked.pages).toEqual([told.before[0], expect.stringMatching(/^shop-page-/)]);
    expect(told.forked.sinceMs).toBe(told.sinceMs);
    expect(told.after).toEqual(told.before);
  });

  it("that does the same comes to the same, event by event", async () => {
    const goOn = async (world: ForkableWorld): Promise<string> => {
      await site(world, "shop");
      world.kill("web");
      await pages(world);
      return world.digest;
    };
    const [forked, here] = await simulate(OPTIONS, async (world) => {
      await site(world, "blog");
      return [await world.fork(goOn), await goOn(world)];
    });
    expect(forked).toBe(here);
  });

  it("can be made in a fork, after another, and of a world under faults; what it throws is thrown", async () => {
    const crash = { id: "crash", kind: "controller-crash", by: "web", when: { on: "write", phase: "after" } } as const;
    const counts = await simulate({ ...OPTIONS, faults: { faults: [crash] } }, async (world) => {
      const failed = await world.fork(() => Promise.reject(new RangeError("too far"))).catch((error: unknown) => error);
      await site(world, "blog");
      const nested = await world.fork(async (other) => {
        await site(other, "shop");
        const deeper = await other.fork(async (third) => {
          await site(third, "bank");
          return (await pages(third)).length;
        });
        return [deeper, (await pages(other)).length];
      });
      return [(failed as Error).message, ...nested, (await pages(world)).length];
    });
    // A page is made and its maker dies: for the site that it has not heard of having made one for, there is one more.
    expect(counts[0]).toBe("too far");
    const [bank, shop, blog] = counts.slice(1).map(Number) as [number, number, number];
    expect([bank - shop, shop - blog]).toEqual([1, 1]);
    expect(blog).toBeGreaterThan(1);
  });

  it("of a work that does something else when it is run again is refused", async () => {
    let time = 0;
    const forking = simulate(OPTIONS, async (world) => {
      await site(world, `site-${++time}`);
      return world.fork(pages);
    });
    await expect(forking).rejects.toMatchObject({
      code: "SIMULATION_DIVERGED",
      message: expect.stringContaining("something else happened before it") as unknown,
    });
  });
});

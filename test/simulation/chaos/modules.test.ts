/** A controller that is given as a module: Node's clock, timers, chance and HTTP are the simulation's, and what is not is refused. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { SimulatedWorld, World } from "../../../actors/cluster/chaos/world.ts";
import { simulate } from "../../../actors/cluster/chaos/simulate.ts";
import { search } from "../../../actors/cluster/chaos/explore.ts";
import { configMaps } from "../../../actors/client/resources.ts";

const directory = mkdtempSync(join(tmpdir(), "inkube-modules-"));
const CLUSTER = { masters: 1, workers: 0 } as const;
const NAMESPACE = "default";
let count = 0;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a module needs to tell what it sees: a write by HTTP, with what it finds of the cluster. */
const TELL = `
import { readFileSync } from "node:fs";
import { request } from "node:https";
const { clusters: [{ cluster: { server } }], users: [{ user: { token } }] } = JSON.parse(readFileSync(process.env.KUBECONFIG, "utf8"));
const ask = (method, path, body) => new Promise((resolve, reject) => {
  const headers = { authorization: "Bearer " + token, "content-type": "application/json" };
  const outgoing = request(new URL(path, server), { method, headers }, (incoming) => {
    let text = "";
    incoming.on("data", (chunk) => (text += chunk)).on("end", () => resolve({ status: incoming.statusCode, body: JSON.parse(text) }));
  });
  outgoing.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
});
const configMaps = "/api/v1/namespaces/default/configmaps";
const tell = (name, data) => ask("POST", configMaps, { metadata: { name }, data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, JSON.stringify(value)])) });
`;

function module(text: string): string {
  const file = join(directory, `${++count}.mjs`);
  writeFileSync(file, TELL + text);
  return file;
}

function running<T>(
  text: string,
  work: (world: SimulatedWorld) => Promise<T>,
  more: { readonly seed?: number } = {},
): Promise<T> {
  const controllers = [{ name: "web", module: module(text), env: { COLOUR: "blue" } }];
  return simulate({ cluster: CLUSTER, controllers, ...more }, work);
}

async function told(world: World, name: string): Promise<Record<string, unknown>> {
  await world.until(name, async () => (await world.client.find(configMaps, name, NAMESPACE)) !== undefined);
  const { data = {} } = await world.client.get(configMaps, name, NAMESPACE);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, JSON.parse(value) as unknown]));
}

describe("a module in the simulation", () => {
  const chance = `
    import { randomBytes, randomInt, randomUUID } from "node:crypto";
    const draws = [Math.random(), crypto.randomUUID(), randomUUID(), randomBytes(8).toString("hex"), randomInt(1_000_000), crypto.getRandomValues(new Uint8Array(4)).join(".")];
    await tell("chance", { draws, date: new Date(), now: Date.now() });
  `;

  it("draws the same by chance with one seed, another with another, and lives in virtual time", async () => {
    const seeds = [1, 1, 2];
    const seen = [];
    for (const seed of seeds) seen.push(await running(chance, (world) => told(world, "chance"), { seed }));
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]!["draws"]).not.toEqual(seen[0]!["draws"]);
    expect(new Set(seen[0]!["draws"] as readonly unknown[]).size).toBe(6);
    expect(String(seen[0]!["date"])).toMatch(/^2026-01-01T00:0/);
  });

  it("waits in virtual time, whichever of Node's timers it takes, and those that are due at once come in order", async () => {
    const text = `
      import { setTimeout as wait, setInterval as every } from "node:timers/promises";
      import { setTimeout as later, clearTimeout as never } from "node:timers";
      import { promisify } from "node:util";
      const began = performance.now();
      const order = [];
      never(later(() => order.push("never"), 5));
      setTimeout(() => { order.push(1); Promise.resolve().then(() => order.push("then")); process.nextTick(() => order.push("tick")); }, 10);
      setTimeout((more) => order.push(more), 10, 2);
      later(() => order.push(3), 10);
      setImmediate(() => order.push(0));
      await wait(60_000);
      await promisify(setTimeout)(60_000);
      let rounds = 0;
      for await (const _ of every(1_000)) if (++rounds === 3) break;
      const timer = setInterval(() => { order.push("again"); if (++rounds === 5) clearInterval(timer); }, 10);
      await wait(100);
      const signal = AbortSignal.timeout(1_000);
      const why = await wait(5_000, undefined, { signal }).catch(({ name, cause }) => [name, cause.name]);
      await tell("times", { order, why, tookMs: Math.round(performance.now() - began) });
    `;
    const { order, why, tookMs } = await running(text, async (world) => {
      await world.clock.sleep(130_000);
      return told(world, "times");
    });
    expect(order).toEqual([0, 1, "tick", "then", 2, 3, "again", "again"]);
    expect(why).toEqual(["AbortError", "TimeoutError"]);
    expect(tookMs).toBeGreaterThanOrEqual(124_100);
    expect(tookMs).toBeLessThan(124_200);
  });

  it("asks the API as any HTTP client, by its own user, and is told by watches", async () => {
    const text = `
      const seen = [];
      const answer = await fetch(new URL(configMaps + "?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Dsite", server), { headers: { authorization: "Bearer " + token } });
      (async () => {
        let rest = "";
        for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
          rest += chunk;
          for (let end = rest.indexOf("\\n"); end >= 0; end = rest.indexOf("\\n")) {
            const { type, object } = JSON.parse(rest.slice(0, end));
            rest = rest.slice(end + 1);
            seen.push(type + " " + object.metadata.name);
            if (type === "DELETED") await tell("watched", { seen, env: [process.env.COLOUR, process.env.INKUBE_SIMULATED], unknown: (await ask("GET", configMaps + "/nothing")).body.message });
          }
        }
      })();
      const strangers = await fetch(new URL(configMaps, server), { headers: { authorization: "Bearer nobody" } });
      await tell("strangers", { status: strangers.status });
    `;
    await running(text, async (world) => {
      await world.client.create(configMaps, { metadata: { name: "site", namespace: NAMESPACE } });
      await world.settle();
      await world.client.delete(configMaps, "site", NAMESPACE);
      expect(await told(world, "watched")).toEqual({
        seen: ["ADDED site", "DELETED site"],
        env: ["blue", "1"],
        unknown: 'configmaps "nothing" not found',
      });
      expect(await told(world, "strangers")).toEqual({ status: 401 });
      const writes = world.history.requests.filter(({ by, verb }) => by === "web" && verb === "create");
      expect(writes.map(({ name }) => name).sort()).toEqual(["strangers", "watched"]);
    });
  });

  it("begins anew after a crash, with nothing of its variables, and its old timers and connections are gone", async () => {
    const text = `
      globalThis.starts = (globalThis.starts ?? 0) + 1;
      const name = "start-" + process.env.HOSTNAME + "-" + Math.random().toString(36).slice(2, 8);
      await tell(name, { starts: globalThis.starts });
      setTimeout(() => tell(name + "-later", {}), 10_000);
    `;
    await running(text, async (world) => {
      world.kill("web");
      await world.clock.sleep(20_000);
      const { items } = await world.client.list(configMaps, { namespace: NAMESPACE });
      const own = items.filter(({ metadata }) => metadata?.name?.startsWith("start-web-") === true);
      expect(own.map(({ data }) => data?.["starts"] ?? "later").sort()).toEqual(["1", "1", "later"]);
    });
  });

  it("goes on with another API server when the one that it was connected to ends", async () => {
    const text = `
      let round = 0;
      const again = () => tell("round-" + round++, {}).catch(() => {}).then(() => setTimeout(again, 500));
      again();
    `;
    const controllers = [{ name: "web", module: module(text) }];
    await simulate({ cluster: { masters: 3, workers: 0 }, controllers }, async (world) => {
      for (const name of ["api-server-0", "api-server-1", "api-server-2"]) {
        world.kill(name);
        const { length } = world.history.requestsOf("web");
        await world.until("more rounds", () => world.history.requestsOf("web").length > length + 3);
      }
    });
  });

  it("may be CommonJS, and knows that it is the program itself", async () => {
    const file = join(directory, `${++count}.cjs`);
    const main = `import("./tell.mjs").then(({ tell }) => tell("main", { isMain: require.main === module, argv: process.argv[1] === __filename }))`;
    writeFileSync(file, `if (require.main === module) ${main};`);
    writeFileSync(join(directory, "tell.mjs"), `${TELL}export { tell };`);
    const seen = await simulate({ cluster: CLUSTER, controllers: [{ name: "web", module: file }] }, (world) =>
      told(world, "main"),
    );
    expect(seen).toEqual({ isMain: true, argv: true });
  });

  it("serves HTTP, and may ask itself", async () => {
    const text = `
      import { createServer } from "node:http";
      const server2 = createServer((request, response) => response.end("fine " + request.url)).listen(8080, async () => {
        const answer = await fetch("http://localhost:8080/healthz");
        await tell("served", { text: await answer.text(), port: server2.address().port });
      });
    `;
    expect(await running(text, (world) => told(world, "served"))).toEqual({ text: "fine /healthz", port: 8080 });
  });

  it.each<[string, string]>([
    ["what nobody catches", "setTimeout(() => { throw new Error('no luck'); }, 1_000);"],
    ["a promise that nobody waits for", "setTimeout(() => void Promise.reject(new Error('no luck')), 1_000);"],
    [
      "an error in a stream's turn",
      "ask('GET', configMaps).then(() => process.nextTick(() => { throw new Error('no luck'); }));",
    ],
  ])("ends an incarnation by %s, and not the process around it", async (_what, text) => {
    await running(text, async (world) => {
      await world.clock.sleep(2_000);
      expect(world.crashes.map(({ actor, error }) => [actor, (error as Error).message])).toContainEqual([
        "web",
        "no luck",
      ]);
    });
  });

  it("survives what nobody catches where it listens for it, and ends where it says so", async () => {
    const text = `
      process.on("unhandledRejection", async ({ message }) => { await tell("caught", { message }); process.exit(3); });
      setTimeout(() => void Promise.reject(new Error("no luck")), 1_000);
    `;
    await running(text, async (world) => {
      expect(await told(world, "caught")).toEqual({ message: "no luck" });
      await world.settle();
      expect(world.crashes.map(({ error }) => (error as Error).message)).toContain("process.exit(3)");
    });
  });
});

describe("what reaches out of the simulation is refused by its name:", () => {
  it.each<[string, string]>([
    ["import { writeFileSync } from 'node:fs'; writeFileSync('/tmp/x', '');", "node:fs.writeFileSync"],
    ["import { readFileSync as read } from 'node:fs'; read('/etc/hosts');", "node:fs of /etc/hosts"],
    ["import net from 'node:net'; net.connect(80, 'example.org');", "node:net.connect"],
    ["import { spawn } from 'node:child_process'; try { spawn('ls'); } catch {}", "node:child_process.spawn"],
    ["import { Worker } from 'node:worker_threads'; new Worker('a.js');", "node:worker_threads.Worker"],
    ["await fetch('https://example.org/').catch(() => {});", "the address example.org:443"],
    ["await crypto.subtle.digest('SHA-256', new Uint8Array(1));", "crypto.subtle.digest"],
    [
      "import { createRequire } from 'node:module'; createRequire(import.meta.url)('dns').lookup('a', () => {});",
      "node:dns.lookup",
    ],
  ])("%s", async (text, name) => {
    await expect(running(text, (world) => world.settle())).rejects.toMatchObject({
      code: "CONTROLLER_FAILED",
      message: expect.stringContaining(`used ${name}, which reaches out of the simulation`) as unknown,
    });
  });
});

describe("an exploration of a module", () => {
  const workload = [
    {
      name: "a site",
      run: async ({ client }: World): Promise<void> =>
        void (await client.create(configMaps, { metadata: { name: "site", namespace: NAMESPACE } })),
    },
  ];

  it("finds a crash between a creation under a generated name and the note of it, and nothing where there is no such mistake", async () => {
    const text = (generate: string): string => `
      const look = async () => {
        const { status, body } = await ask("GET", configMaps + "/site");
        if (status === 200 && body.metadata.annotations === undefined) {
          const page = await ask("POST", configMaps, { metadata: { ${generate} } });
          const annotations = { page: page.body.metadata?.name ?? "site-page" };
          await ask("PUT", configMaps + "/site", { ...body, metadata: { ...body.metadata, annotations } });
        }
      };
      const again = () => look().catch(() => {}).then(() => setTimeout(again, 1_000));
      again();
    `;
    const found = async (generate: string): Promise<readonly string[]> => {
      const controllers = [{ name: "web", module: module(text(generate)) }];
      const search_ = { systematic: ["crash-after"] as const, random: 1 };
      const report = await search({ cluster: CLUSTER, controllers, workload, search: search_ });
      return report.found.map(({ story }) => story.text);
    };
    const [first = "", ...others] = await found('generateName: "site-page-"');
    expect(others).toEqual([]);
    expect(first).toContain("extra: ConfigMap default/site-page-*");
    expect(await found('name: "site-page"')).toEqual([]);
  });

  it("tells of a module that is not there, and of one that throws when it is imported", async () => {
    const given = (file: string): Parameters<typeof search>[0] => ({
      cluster: CLUSTER,
      controllers: [{ name: "web", module: file }],
      workload,
    });
    await expect(search(given(join(directory, "none.mjs")))).rejects.toMatchObject({
      code: "CONTROLLER_FAILED",
      message: expect.stringMatching(/none\.mjs can't be loaded: there is no such file/) as unknown,
    });
    await expect(search(given(module("throw new Error('no luck');")))).rejects.toMatchObject({
      code: "CHAOS_FAILS_WITHOUT_FAULTS",
      message: "it fails without any fault: the controller web threw Error: no luck",
    });
    await expect(search({ ...given(""), controllers: [{ name: "web", module: 1 as never }] })).rejects.toMatchObject({
      code: "INVALID_EXPLORATION",
      message: expect.stringContaining("controllers[0].module") as unknown,
    });
  });
});

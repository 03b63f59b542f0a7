/** Controllers with a mistake are found out, and told by a story that repeats itself; the search is not fooled by others. */
import { describe, expect, it } from "vitest";
import type { Env } from "../../../actors/cluster/chaos/controller.ts";
import { explore, plansOf, replay, search } from "../../../actors/cluster/chaos/explore.ts";
import type { Exploration, Step } from "../../../actors/cluster/chaos/exploration.ts";
import { CLUSTER_PATTERNS } from "../../../actors/cluster/chaos/patterns.ts";
import { always, sameEnd, sometimes } from "../../../actors/cluster/chaos/oracles.ts";
import { configMaps, pods, secrets } from "../../../actors/client/resources.ts";
import { hasReason } from "../../../protocols/api-server.ts";

const NAMESPACE = "default";
const SITES = { namespace: NAMESPACE, labelSelector: "role=site" };
const CLUSTER = { masters: 1, workers: 0 } as const;

const workload: readonly Step[] = [
  {
    name: "something else",
    run: async ({ client }) =>
      void (await client.create(configMaps, { metadata: { name: "else", namespace: NAMESPACE } })),
  },
  {
    name: "a site",
    run: async ({ client }) =>
      void (await client.create(configMaps, {
        metadata: { name: "blog", namespace: NAMESPACE, labels: { role: "site" } },
      })),
  },
];

/** Makes a page for each site, named by the API server, and says so at the site. */
async function generating({ client, informer, queue }: Env): Promise<void> {
  const sites = informer(configMaps, SITES);
  const reconciled = queue("sites", async (key) => {
    const { metadata } = sites.getByKey(key) ?? {};
    if (metadata?.name === undefined || metadata.annotations?.["page"] !== undefined) return;
    const page = await client.create(configMaps, {
      metadata: { generateName: `${metadata.name}-page-`, namespace: NAMESPACE },
    });
    await client.patch(configMaps, metadata.name, NAMESPACE, {
      metadata: { annotations: { page: page.metadata?.name } },
    });
  });
  sites.onChange(({ object }) => reconciled.add(`${NAMESPACE}/${object.metadata?.name}`));
  sites.start();
}

/** Makes a page for each site under a name that follows from the site's. */
async function naming({ client, informer, queue }: Env): Promise<void> {
  const sites = informer(configMaps, SITES);
  const reconciled = queue("sites", async (key) => {
    const name = sites.getByKey(key)?.metadata?.name;
    if (name === undefined) return;
    try {
      await client.create(configMaps, { metadata: { name: `${name}-page`, namespace: NAMESPACE } });
    } catch (error) {
      if (!hasReason(error, "AlreadyExists")) throw error;
    }
  });
  sites.onChange(({ object }) => reconciled.add(`${NAMESPACE}/${object.metadata?.name}`));
  sites.start();
}

function exploring(start: (env: Env) => Promise<void>, more: Partial<Exploration> = {}): Exploration {
  return { cluster: CLUSTER, controllers: [{ name: "web", start }], workload, search: { random: 0 }, ...more };
}

describe("a crash between a creation under a generated name and the note of it", () => {
  const exploration = exploring(generating, { search: { systematic: ["crash-after", "lost-reply"], random: 2 } });

  it("is found, made small, and repeats itself to the digest; without its fault everything holds", async () => {
    const { found } = await search(exploration);
    expect(found).toHaveLength(1);
    const { story } = found[0]!;
    expect(story).toMatchObject({
      oracle: "sameEnd",
      steps: ["a site"],
      plan: { faults: [{ kind: "controller-crash", by: "web", when: { on: "write", verb: "create" } }] },
    });
    expect(story.text).toContain("extra: ConfigMap default/blog-page-*");
    expect(story.events.filter((line) => line.includes("FAULT"))).toHaveLength(1);
    for (let time = 0; time < 3; time++) {
      const { asRecorded, failures } = await replay(story, exploration);
      expect([asRecorded, failures.map(({ oracle }) => oracle)]).toEqual([true, ["sameEnd"]]);
    }
    const healthy = await replay({ ...story, plan: { faults: [] } }, exploration);
    expect(healthy.failures).toEqual([]);
    const mended = await replay(story, { ...exploration, controllers: [{ name: "web", start: naming }] });
    expect([mended.asRecorded, mended.failures]).toEqual([false, []]);
  });

  it("is told as an error by explore, with the story as its text", async () => {
    await expect(
      explore(exploring(generating, { search: { systematic: ["crash-after"], random: 0 } })),
    ).rejects.toMatchObject({
      code: "CHAOS_FOUND",
      message: expect.stringContaining("crash-after: create configmaps/default/blog-page-") as unknown,
    });
  });
});

describe("what happens to the pods that a controller made", () => {
  /** A pod for each site, made where there is none; the mended one takes away those that have failed. */
  const keeping =
    (isMended: boolean) =>
    async ({ client, informer, queue }: Env): Promise<void> => {
      const [sites, running] = [informer(configMaps, SITES), informer(pods, { namespace: NAMESPACE })];
      const reconciled = queue("sites", async (name) => {
        const there = await client.find(pods, name, NAMESPACE);
        if (there === undefined) {
          const spec = { containers: [{ name: "main", image: "site:1" }] };
          await client.create(pods, { metadata: { name, namespace: NAMESPACE }, spec });
        } else if (isMended && there.status?.phase === "Failed") await client.delete(pods, name, NAMESPACE);
      });
      for (const each of [sites, running]) {
        each.onChange(({ object }) => reconciled.add(object.metadata?.name ?? ""));
        each.start();
      }
    };
  const drawn = { systematic: ["memory-pressure", "node-drain", "pod-kill"], random: 0 } as const;
  const exploration = (isMended: boolean, workers = 1): Exploration =>
    exploring(keeping(isMended), { cluster: { masters: 1, workers }, search: drawn });

  it("is tried, told, made small, and repeats itself", async () => {
    const { found, plans } = await search(exploration(false));
    // A kill as it begins to run, and one later.
    expect(plans).toBe(4);
    expect(found.map(({ story }) => story)).toMatchObject([
      {
        oracle: "sameEnd",
        about: "memory-pressure: node worker-0",
        steps: ["a site"],
        plan: {
          faults: [{ kind: "memory-pressure", at: "worker-0", when: { seq: [{ on: "write" }, { atMs: 500 }] } }],
        },
      },
    ]);
    const { story } = found[0]!;
    expect(story.text).toContain("missing: Pod default/blog");
    for (const what of ["is triggered", "begins", "evicts default/blog from worker-0"]) {
      expect(story.events).toContainEqual(expect.stringMatching(`FAULT memory ${what}`));
    }
    const again = await replay(story, exploration(false));
    expect([again.asRecorded, again.failures.map(({ oracle }) => oracle)]).toEqual([true, ["sameEnd"]]);
    expect((await replay({ ...story, plan: { faults: [] } }, exploration(false))).failures).toEqual([]);
    expect((await replay(story, exploration(true))).failures).toEqual([]);
  });

  it("is not held against a controller that makes them anew, whatever it is", async () => {
    const mended = { ...exploration(true), search: { systematic: CLUSTER_PATTERNS, random: 12 } };
    expect(await search(mended)).toMatchObject({ found: [], plans: 21, plansLeft: 0 });
  });

  it("is not tried where no pod runs", async () => {
    const plans = await plansOf(exploring(naming, { cluster: { masters: 1, workers: 1 }, search: drawn }));
    expect(plans).toEqual([]);
  });
});

describe("plans that are drawn find", () => {
  /** Takes it for granted that it is told of a site's secret before it is told of the site. */
  const trusting = ({ client, informer }: Env): void => {
    const known = informer(secrets, { namespace: NAMESPACE });
    const sites = informer(configMaps, SITES);
    sites.onChange(async ({ object: { metadata } }) => {
      if (known.get(`${metadata?.name}-secret`, NAMESPACE) === undefined) return;
      await client.create(configMaps, { metadata: { name: `${metadata?.name}-page`, namespace: NAMESPACE } });
    });
    known.start();
    sites.start();
  };
  const both: readonly Step[] = [
    {
      name: "a site with its secret",
      run: async ({ client }) => {
        await client.create(secrets, { metadata: { name: "blog-secret", namespace: NAMESPACE } });
        await client.create(configMaps, {
          metadata: { name: "blog", namespace: NAMESPACE, labels: { role: "site" } },
        });
      },
    },
  ];

  it("by what is told in which order: one who trusts in an order that nobody promises", async () => {
    const drawn = { systematic: [], random: 0, pct: { depth: 2, plans: 16 } };
    const { found } = await search(
      exploring(naming, { controllers: [{ name: "web", start: trusting }], workload: both, search: drawn }),
    );
    expect(found).toHaveLength(1);
    const [fault, ...others] = found[0]!.story.plan.faults;
    expect(others).toEqual([]);
    expect(fault).toMatchObject({
      kind: "watch-hold",
      of: "secrets",
      when: { on: "delivery", of: "secrets/default/blog-secret" },
    });
    expect(found[0]!.story.text).toContain("missing: ConfigMap default/blog-page");
  });

  it("by what others have shown: a crash between two writes, within the plans of the budget", async () => {
    const drawn = { systematic: [], random: 2, coverage: true };
    const report = await search(exploring(generating, { search: drawn, budget: { plans: 40 } }));
    expect([report.plans, report.plansLeft]).toEqual([40, 0]);
    const abouts = report.found.map(({ story }) => `${story.oracle} ${story.about}`);
    expect(abouts.some((about) => about.startsWith("sameEnd mutant plan"))).toBe(true);
  });
});

it("a controller without a mistake holds, also with several replicas", async () => {
  const controllers = [{ name: "web", replicas: 2, start: naming }];
  const report = await explore(
    exploring(naming, { controllers, search: { systematic: ["crash-before", "unseen", "stale-restart"], random: 4 } }),
  );
  expect(report).toMatchObject({ found: [], missed: [], plansLeft: 0 });
  expect(report.plans).toBeGreaterThanOrEqual(8);
});

it("an invariant is looked at after every revision, and a goal that no run met is told", async () => {
  const pages = always("no page", (state) => state.get(configMaps, "blog-page", NAMESPACE) === undefined);
  await expect(search(exploring(naming, { oracles: [pages] }))).rejects.toMatchObject({
    code: "CHAOS_FAILS_WITHOUT_FAULTS",
    message: expect.stringContaining("ConfigMap default/blog-page was created by inkube:web") as unknown,
  });
  const isHit = sometimes("a crash", ({ struck }) => struck.some(({ kind }) => kind === "controller-crash"));
  const isMissed = sometimes("a flood", () => false);
  const oracles = [sameEnd(), isHit, isMissed];
  await expect(explore(exploring(naming, { oracles }))).rejects.toMatchObject({
    code: "CHAOS_MISSED",
    message: "no run met the goal: a flood",
  });
});

it("plans beyond the budget are told", async () => {
  await expect(explore(exploring(naming, { budget: { wallMs: 1 } }))).rejects.toMatchObject({
    code: "CHAOS_MISSED",
    message: expect.stringMatching(/^\d+ plans were left out/) as unknown,
  });
});

describe("what can't be explored is told by name:", () => {
  let count = 0;
  const failing: readonly (readonly [string, Partial<Exploration>, string, string | RegExp])[] = [
    [
      "a controller that throws",
      { controllers: [{ name: "web", start: () => Promise.reject(new TypeError("no site")) }] },
      "CHAOS_FAILS_WITHOUT_FAULTS",
      "the controller web threw TypeError: no site",
    ],
    [
      "a listener that rejects",
      {
        controllers: [
          {
            name: "web",
            start: ({ informer }) => {
              const sites = informer(configMaps, SITES);
              sites.onChange(async () => Promise.reject(new RangeError("too far")));
              sites.start();
            },
          },
        ],
      },
      "CHAOS_FAILS_WITHOUT_FAULTS",
      "the controller web threw RangeError: too far",
    ],
    [
      "a controller that never comes to rest",
      {
        controllers: [
          {
            name: "web",
            start: async ({ client, clock, signal }) => {
              for (let round = 0; !signal.aborted; round++) {
                await client.delete(configMaps, `tick-${round}`, NAMESPACE).catch(() => undefined);
                await clock.sleep(200);
              }
            },
          },
        ],
      },
      "CHAOS_FAILS_WITHOUT_FAULTS",
      /converges: no rest within 6\d s after the last fault; the last request: delete configmaps tick-/,
    ],
    [
      "a workload that fails",
      { workload: () => Promise.reject(new Error("no such thing")) },
      "CHAOS_FAILS_WITHOUT_FAULTS",
      "workload: step workload failed: Error: no such thing",
    ],
    [
      "a controller that is another each time",
      {
        controllers: [
          {
            name: "web",
            start: async ({ client }) =>
              void (await client.create(configMaps, { metadata: { name: `run-${count++}`, namespace: NAMESPACE } })),
          },
        ],
      },
      "CHAOS_NOT_DETERMINISTIC",
      /create configmaps default\/run-\d, answered 200 at revision \d+; the second: at .* create configmaps default\/run-\d/,
    ],
    [
      "a controller that reads the machine's clock",
      { controllers: [{ name: "web", start: () => void Date.now() }] },
      "CONTROLLER_FAILED",
      "Date.now was used in the simulation; take it from Env",
    ],
  ];

  it.each(failing)("%s", async (_what, more, code, message) => {
    await expect(search(exploring(naming, more))).rejects.toMatchObject({
      code,
      message: (typeof message === "string"
        ? expect.stringContaining(message)
        : expect.stringMatching(message)) as unknown,
    });
  });

  it.each<[string, object, string]>([
    ["a misspelt field", { workloads: [] }, "workloads: an exploration has no such field; did you mean workload?"],
    [
      "a mode that there is not",
      { mode: "real" as "sim" },
      'mode: it is "real" (allowed: one of sim, threads, external)',
    ],
    [
      "a module outside of the simulation",
      { mode: "threads", controllers: [{ name: "web", module: "web.js" }] },
      "controllers[0]: it can't take part in the mode threads (allowed: one with start)",
    ],
    ["a quiet of virtual time", { quietMs: 100 }, "quietMs: it is of real time, and the mode is sim"],
    [
      "a pause of a function",
      { mode: "threads", search: { systematic: ["paused"] } },
      "search.systematic: paused can't be tried on these controllers in the mode threads",
    ],
    [
      "a misspelt field of a controller",
      { controllers: [{ name: "a", run: naming }] },
      "controllers[0].run: a controller has no such field",
    ],
    [
      "a step that is no function",
      { workload: [{ name: "a", run: 1 }] },
      "workload[0].run: it is 1 (allowed: a function)",
    ],
    [
      "two steps of one name",
      { workload: [...workload, workload[0]] },
      "workload[2].name: an earlier one is called something else too",
    ],
    ["an unknown pattern", { search: { systematic: ["crash"] } }, "search.systematic"],
    ["jobs of an exploration that is not a file", { budget: { jobs: 2 } }, "budget.jobs: it takes other threads"],
    ["a depth that is none", { search: { pct: { depth: 0 } } }, "search.pct.depth: it is 0"],
    ["an oracle without a judge", { oracles: [{ name: "a" }] }, "oracles[0].judge: it is missing"],
  ])("%s", async (_what, more, message) => {
    await expect(search({ ...exploring(naming), ...more })).rejects.toMatchObject({
      code: "INVALID_EXPLORATION",
      message: expect.stringContaining(message) as unknown,
    });
  });
});

/** `inkube chaos` as a user types it, on the examples and on files that are no use. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Story } from "../../actors/cluster/chaos/story.ts";
import { contentsOfNdjson } from "../../actors/trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../actors/trace-collector/core/record.ts";
import { chromium, inBrowser } from "../fixtures/browser.ts";

const root = new URL("../..", import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), "inkube-chaos-"));
/** Some tens of CPU seconds, on a machine that may be busy. */
const PATIENCE_MS = 300_000;
/** Who runs the tests at home may have no browser; CI installs one. */
const isBrowserWanted = chromium !== undefined || process.env["CI"] !== undefined;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function chaos(...args: readonly string[]): Promise<Ended> {
  return inkube("chaos", ...args);
}

function inkube(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const command = [join(root, "dist/cli.js"), ...args];
    execFile(process.execPath, command, { cwd: root, maxBuffer: 2 ** 26 }, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err }),
    );
  });
}

describe("the web site controller with three mistakes", () => {
  const stories = join(directory, "stories");
  const report = join(stories, "report.html");

  it(
    "is found out, each mistake by a story of few faults and steps, with a test to paste, and a story replays",
    async () => {
      const file = "test/examples/chaos/web-site.js";
      const args = ["--plans", "60", "--wall", "10m", "--out", stories, "--report", report];
      const { code, out } = await chaos("run", file, ...args);
      expect(code).toBe(1);
      const page = readFileSync(report, "utf8");
      expect(page.match(/<section class="story"/g)).toHaveLength(Number(/: (\d+) failures$/m.exec(out)?.[1]));
      expect(page).toMatch(/<td class="red" title="crash-after: create \S+blog-asset-[^"]*"><a href="#story-\d">/);
      expect(out).toMatch(/^60 plans, \d+ runs in [\d.]+ s: \d failures$/m);
      const written = readdirSync(stories).filter((name) => name.endsWith(".story.json"));
      const told = written.map((name) => JSON.parse(readFileSync(join(stories, name), "utf8")) as Story);
      const kinds = told.map(({ plan }) => plan.faults.map(({ kind }) => kind).join(" "));
      // Created and not noted; deleted while nobody was there; read from the past after a restart.
      const [generated, missed, stale] = [
        /crash-after: create \S+blog-asset-/,
        /^down: DELETED /,
        /^stale-restart: death /,
      ];
      for (const about of [generated, missed, stale])
        expect(told.map((each) => each.about).join("\n")).toMatch(new RegExp(about, "m"));
      expect(kinds).toContain("view-stale controller-crash");
      for (const { plan, steps } of told) {
        expect(plan.faults.length).toBeLessThanOrEqual(2);
        expect(steps.length).toBeLessThanOrEqual(3);
      }
      const traced = new TraceRecord(
        contentsOfNdjson(readFileSync(join(stories, "0001.trace.ndjson"), "utf8"), "trace"),
      );
      expect(traced.ofKind(new Set(["fault"])).length).toBeGreaterThan(0);
      expect(traced.changes.some(({ subject }) => subject.startsWith("configmaps/"))).toBe(true);
      expect(readFileSync(join(stories, "0001.trace.html"), "utf8")).toContain(
        `<title>${told[0]!.about.split(/[<>&"']/)[0]}`,
      );
      const test = readFileSync(join(stories, "0001.test.ts"), "utf8");
      expect(test).toContain('import { replay } from "inkube/chaos";');
      expect(test).toContain('new URL("./0001.story.json", import.meta.url)');
      const again = await chaos("replay", join(stories, written[0]!));
      expect(again.code).toBe(1);
      expect(again.out).toMatch(/, as recorded$/m);
      expect(again.out).toContain("FAULT crash crashes web-site");
      // A story opens as a trace, by what was recorded beside it, or by being run again.
      const story = join(stories, "0001.story.json");
      const beside = await inkube("trace", "--json", "--from", story);
      rmSync(join(stories, "0001.trace.ndjson"));
      const ranAgain = await inkube("trace", "--json", "--from", story);
      expect(beside).toMatchObject({ code: 0, err: "", out: expect.stringContaining('"kind":"fault"') as string });
      expect(ranAgain).toEqual(beside);
    },
    PATIENCE_MS,
  );

  it.runIf(isBrowserWanted)(
    "has a report that a browser shows without a network: its matrix leads to each story, its sequence, its faults and its differences",
    () =>
      inBrowser(report, async (page) => {
        const seen = (selector: string): Promise<readonly string[]> =>
          page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})]
            .filter((each) => each.checkVisibility() && each.getBoundingClientRect().width > 0)
            .map((each) => each.id || each.textContent)`);
        const count = await page.evaluate<number>(`document.querySelectorAll("section.story").length`);
        expect(await seen("#matrix td.green")).not.toEqual([]);
        expect(await seen("section.story")).toEqual(["story-1"]);
        const linked = await page.evaluate<string>(
          `[...document.querySelectorAll("#matrix td.red a")].at(-1).getAttribute("href")`,
        );
        await page.click(`#matrix td.red a[href="${linked}"]`);
        const [story] = await seen("section.story");
        expect(`#${story}`).toBe(linked);
        expect(await seen(`${linked} code`)).toContainEqual(
          expect.stringMatching(/^inkube chaos replay .*\.story\.json$/),
        );
        expect(await seen(`${linked} svg.sequence .fault text`)).not.toEqual([]);
        expect((await seen(`${linked} svg.sequence .request`)).length).toBeGreaterThan(2);
        expect(await seen(`${linked} article.difference`)).not.toEqual([]);
        const all: (string | undefined)[] = [];
        for (let number = 1; number <= count; number++) {
          await page.click(`nav a[href="#story-${number}"]`);
          all.push(...(await seen("section.story")));
        }
        expect(all).toEqual(Array.from({ length: count }, (_, index) => `story-${index + 1}`));
        // What is wide has a bar of its own: the page is never moved sideways.
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        expect(page.complaints).toEqual([]);
      }),
    PATIENCE_MS,
  );
});

it(
  "the web site controller without its mistakes holds",
  async () => {
    const file = "test/examples/chaos/web-site-mended.js";
    const { code, out } = await chaos("run", file, "--plans", "60", "--wall", "10m", "--out", join(directory, "none"));
    expect(out).toMatch(/^60 plans, 62 runs in [\d.]+ s: nothing was found$/m);
    expect(code).toBe(0);
  },
  PATIENCE_MS,
);

describe("the web site controller with @kubernetes/client-node, as it runs in a pod,", () => {
  it(
    "is found out for its three mistakes",
    async () => {
      const stories = join(directory, "client-node");
      const file = "test/examples/chaos/client-node.js";
      const { code, out } = await chaos("run", file, "--plans", "120", "--wall", "10m", "--out", stories);
      expect(out).toMatch(/^\d+ plans, \d+ runs in [\d.]+ s: \d failures$/m);
      expect(code).toBe(1);
      const written = readdirSync(stories).filter((name) => name.endsWith(".story.json"));
      const told = written.map((name) => (JSON.parse(readFileSync(join(stories, name), "utf8")) as Story).about);
      for (const about of [/^crash-after: create \S+blog-asset-/, /^down: DELETED /, /^stale-restart: death /]) {
        expect(told.join("\n")).toMatch(new RegExp(about, "m"));
      }
      const again = await chaos("replay", join(stories, written[0]!));
      expect([again.code, again.out]).toEqual([1, expect.stringMatching(/, as recorded$/m)]);
    },
    PATIENCE_MS,
  );

  it(
    "holds without them",
    async () => {
      const file = "test/examples/chaos/client-node-mended.js";
      const { code, out } = await chaos(
        "run",
        file,
        "--plans",
        "30",
        "--wall",
        "10m",
        "--out",
        join(directory, "none"),
      );
      expect(out).toMatch(/^30 plans, 32 runs in [\d.]+ s: nothing was found$/m);
      expect(code).toBe(0);
    },
    PATIENCE_MS,
  );
});

it(
  "what is found, its numbers and its digests are the same for any number of jobs",
  async () => {
    const found: string[] = [];
    for (const jobs of ["1", "3"]) {
      const out = join(directory, `jobs-${jobs}`);
      const file = "test/examples/chaos/web-site.js";
      const ran = await chaos("run", file, "--plans", "14", "--wall", "10m", "--jobs", jobs, "--out", out);
      expect(ran.code).toBe(1);
      const runs = /^14 plans, (\d+) runs/m.exec(ran.out)?.[1];
      const stories = readdirSync(out).sort();
      expect(stories).toContain("0001.story.json");
      found.push([runs, ...stories.map((name) => readFileSync(join(out, name), "utf8"))].join("\n"));
    }
    expect(found[1]).toBe(found[0]);
  },
  PATIENCE_MS,
);

describe("a run that never ends", () => {
  const configMaps = "{ group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespaced: true }";
  const text = `
const known = ${configMaps};
const start = async ({ client, informer }) => {
  const sites = informer(known, { namespace: 'default', labelSelector: 'role=site' });
  sites.onChange(async () => {
    try {
      await client.create(known, { metadata: { name: 'page', namespace: 'default' } });
    } catch (error) {
      if (error.message.includes('timed out')) spin();
    }
  });
  sites.start();
};
function spin() {
  for (;;);
}
const site = { metadata: { name: 'site', namespace: 'default', labels: { role: 'site' } } };
export default {
  cluster: { workers: 0 },
  controllers: [{ name: 'web', start }],
  workload: [{ name: 'a site', run: ({ client }) => client.create(known, site) }],
  search: { systematic: ['refused', 'crash-after'], random: 0 },
};`;

  it(
    "is a failure that names the controller and where it is, and the plans after it are run on another thread",
    async () => {
      const file = join(directory, "never-ends.mjs");
      writeFileSync(file, text);
      const out = join(directory, "never-ends");
      const ran = await chaos("run", file, "--run-wall", "10s", "--jobs", "1", "--wall", "10m", "--out", out);
      expect(ran.out).toContain(
        "neverEnds: a run did not end within 10 s of real time: the controller web never becomes idle",
      );
      expect(ran.out).toMatch(/at spin \(file:\S+never-ends.mjs:\d+:\d+\)/);
      expect(ran.out).toContain("found by refused: create configmaps/default/page");
      expect(ran.out).toMatch(/^2 plans, 4 runs in [\d.]+ s: 1 failures$/m);
      expect(ran.code).toBe(1);
    },
    PATIENCE_MS,
  );
});

describe("the exit code", () => {
  const idle = "{ name: 'web', start() {} }";
  const step = "{ name: 'nothing', run() {} }";
  const cluster = "cluster: { workers: 0 }";

  it.each<[number, string, string | undefined, readonly string[], string]>([
    [2, "a file that is not there", undefined, [], "can't be loaded"],
    [2, "a file that throws", "throw new Error('no luck')", [], "can't be loaded: Error: no luck"],
    [2, "a file that exports nothing", "export {}", [], "has no default export"],
    [
      2,
      "a misspelt field",
      `export default { controlers: [${idle}], workload: [${step}] }`,
      [],
      "did you mean controllers?",
    ],
    [2, "a time that is none", `export default {}`, ["--wall", "soon"], "--wall takes a time"],
    [
      2,
      "a module that is not there",
      `export default { ${cluster}, controllers: [{ name: 'web', module: './none.js' }], workload: [${step}] }`,
      [],
      "none.js can't be loaded: there is no such file",
    ],
    [
      2,
      "a module that reaches out",
      `import { spawn } from 'node:child_process';
      export default { ${cluster}, controllers: [{ name: 'web', module: import.meta.url }], workload: [${step}] };
      if (process.env.KUBECONFIG?.startsWith('/root/.kube')) spawn('ls');`,
      [],
      "used node:child_process.spawn, which reaches out of the simulation: leave it out where process.env.INKUBE_SIMULATED is set",
    ],
    [
      3,
      "plans that are left out",
      `export default { ${cluster}, controllers: [${idle}], workload: [${step}] }`,
      ["--wall", "1ms"],
      "40 plans were left out",
    ],
    [
      4,
      "a controller that is another each time",
      `let n = 0; const start = ({ log }) => log.info(String(++n)); export default { ${cluster}, controllers: [{ name: 'web', start }], workload: [${step}] }`,
      [],
      "two runs of one seed differ: the traces differ, but in no request and no delivery",
    ],
    [
      5,
      "a controller that never becomes idle",
      `export default { ${cluster}, controllers: [{ name: 'web', start() { for (;;); } }], workload: [${step}] }`,
      ["--run-wall", "2s"],
      "it fails without any fault: a run did not end within 4 s of real time: the controller web never becomes idle",
    ],
    [
      6,
      "a file that loops for ever",
      "for (;;);",
      ["--run-wall", "2s"],
      "a-file-that-loops-for-ever.mjs was not loaded within 2 s of real time: it never comes to its end; it is",
    ],
    [
      6,
      "a file that waits for ever",
      `await new Promise((resolve) => setInterval(() => undefined, 1e6)); export default {}`,
      ["--run-wall", "2s"],
      "a-file-that-waits-for-ever.mjs was not loaded within 2 s of real time: it never comes to its end",
    ],
    [
      5,
      "a controller that throws",
      `export default { ${cluster}, controllers: [{ name: 'web', start() { throw new Error('no luck'); } }], workload: [${step}] }`,
      [],
      "it fails without any fault: the controller web threw Error: no luck",
    ],
  ])(
    "%i tells of %s",
    async (expected, what, text, args, message) => {
      const file = join(directory, `${what.replaceAll(" ", "-")}.mjs`);
      if (text !== undefined) writeFileSync(file, text);
      const { code, out, err } = await chaos("run", file, "--out", join(directory, "bad"), ...args);
      expect(`${out}${err}`).toContain(message);
      expect(code).toBe(expected);
    },
    PATIENCE_MS,
  );

  it.each<[number, readonly string[], string]>([
    [2, ["run", "web-site.js", "--plan", "3"], "unknown option '--plan'"],
    [2, ["run"], "missing required argument 'file'"],
    [2, ["live", "--pln", "x"], "unknown option '--pln'"],
    [2, ["rn", "web-site.js"], "unknown command 'rn'"],
    [2, [], "Usage: inkube chaos"],
    [0, ["--help"], "Usage: inkube chaos"],
    [0, ["run", "--help"], "Usage: inkube chaos run"],
    [0, ["help", "plans"], "Usage: inkube chaos plans"],
  ])("%i is the end of %j", async (expected, args, message) => {
    const { code, out, err } = await chaos(...args);
    expect(`${out}${err}`).toContain(message);
    expect(code).toBe(expected);
  });

  it("2 tells of a story that is none", async () => {
    const file = join(directory, "bad.story.json");
    writeFileSync(file, JSON.stringify({ format: "inkube-story-1", seeds: 1 }));
    const { code, err } = await chaos("replay", file);
    expect(err).toContain("seeds: a story has no such field");
    expect(code).toBe(2);
  });
});

it("plans are listed without being run", async () => {
  const { code, out } = await chaos("plans", "test/examples/chaos/web-site.js", "--plans", "30");
  expect(code).toBe(0);
  expect(out).toContain("crash-after: create configmaps/default/blog-page\n");
  expect(out.trim().split("\n")).toHaveLength(60);
});

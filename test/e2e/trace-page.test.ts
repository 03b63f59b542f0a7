/** The page of a trace as `inkube trace export` writes it, in a real browser without a network. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ndjsonOf } from "../../actors/trace-collector/core/ndjson.ts";
import { TraceRecord } from "../../actors/trace-collector/core/record.ts";
import type { Page } from "../fixtures/browser.ts";
import { chromium, inBrowser } from "../fixtures/browser.ts";
import { largeRecord } from "../fixtures/large-record.ts";
import { recordedRun } from "../fixtures/recorded-run.ts";

const root = new URL("../..", import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), "inkube-trace-page-"));
/** Some tens of CPU seconds, on a machine that may be busy. */
const PATIENCE_MS = 300_000;
/** Who runs the tests at home may have no browser; CI installs one. */
const isBrowserWanted = chromium !== undefined || process.env["CI"] !== undefined;
const BYTES_MAX = 5 * 1_048_576;

let run: TraceRecord;
beforeAll(async () => {
  run = await recordedRun();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Gives the path of the page. */
async function pageOf(name: string, record: TraceRecord): Promise<string> {
  const [from, out] = [join(directory, `${name}.ndjson`), join(directory, `${name}.html`)];
  writeFileSync(from, ndjsonOf(record));
  const command = [join(root, "dist/cli.js"), "trace", "export", "--as", "html", "--from", from, "--out", out];
  await promisify(execFile)(process.execPath, command, { cwd: root });
  return out;
}

/** Resolves in the page once the condition holds there. */
const once = (condition: string): string => `new Promise((resolve) => {
  const look = () => ((${condition}) ? resolve(true) : requestAnimationFrame(look));
  look();
})`;
const textOf = (page: Page, selector: string): Promise<readonly string[]> =>
  page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.textContent)`);
const ready = (page: Page): Promise<boolean> => page.evaluate(once(`document.body.dataset.ready === "true"`));

async function search(page: Page, text: string): Promise<void> {
  await page.press("/", ...text.split(""), "Enter");
  await page.evaluate(once(`document.querySelector("#panel .event") !== null`));
}

describe.runIf(isBrowserWanted)("the page of a trace", () => {
  it(
    "shows 100,000 events in at most 5 MB",
    async () => {
      const record = largeRecord(run, 100_000);
      const file = await pageOf("large", record);
      expect(statSync(file).size).toBeLessThanOrEqual(BYTES_MAX);
      await inBrowser(file, async (page) => {
        await ready(page);
        expect(await textOf(page, "#facts")).toEqual([expect.stringMatching(/^100,000 events of 23 actors in /)]);
        await search(page, "unschedulable");
        expect(await textOf(page, "#panel .kind")).toEqual(["unschedulable"]);
        const count = record.events.filter((event) => JSON.stringify(event).includes("unschedulable")).length;
        expect(await textOf(page, "#count")).toEqual([`${count} found`]);
        expect(page.complaints).toEqual([]);
      });
    },
    PATIENCE_MS,
  );

  it(
    "is clicked through: an event, what it came of, what a write changed, the state at a moment, rows of actors",
    async () => {
      const file = await pageOf("run", run);
      await inBrowser(file, async (page) => {
        await ready(page);
        await search(page, "pod-evicted");
        expect(await textOf(page, "#panel .why")).toEqual([
          expect.stringContaining("fault of the plan (power, node-loss)"),
        ]);
        const chain = await textOf(page, "#panel .chain:nth-of-type(1) li");
        expect(chain[0]).toContain("power, node-loss");
        expect(chain.at(-1)).toContain("evicted pods/default/web-");

        // The first of the chain, and the mark that it is drawn as: a click there, after a click on nothing, is the same event.
        await page.press("Escape", "Escape");
        expect(await textOf(page, "#panel .event")).toEqual([]);
        await search(page, "pod-evicted");
        await page.evaluate(once(`document.querySelector("canvas").dataset.chosen !== undefined`));
        const name = await page.evaluate<string>(`document.querySelector("#panel .event").dataset.event`);
        const at = await page.evaluate<{ x: number; y: number }>(`(() => {
          const canvas = document.querySelector("canvas");
          const [x, y] = canvas.dataset.chosen.split(" ").map(Number);
          const { left, top } = canvas.getBoundingClientRect();
          return { x: left + x, y: top + y };
        })()`);
        await page.press("Escape", "Escape");
        await page.moveTo(at.x, at.y);
        await page.evaluate(once(`!document.querySelector("#tip").hidden`));
        expect(await textOf(page, "#tip b")).toEqual(["pod-evicted"]);
        await page.clickAt(at.x, at.y);
        expect(await page.evaluate(`document.querySelector("#panel .event").dataset.event`)).toBe(name);

        // From the eviction to the write that came of it, by its links.
        await page.click(`#panel .chain:last-of-type button[data-kind="call"]`);
        await page.click(`#panel .chain:last-of-type button[data-kind="write"]`);
        expect(await textOf(page, "#panel .kind")).toEqual(["write"]);
        expect(await textOf(page, "#panel .differences th")).toContain("metadata.deletionTimestamp");

        await page.click("#scrubber");
        expect(await textOf(page, "#panel h2")).toEqual([expect.stringMatching(/^State at 4\.\d+ s$/)]);
        await page.click(`#panel li[data-subject="deployments/default/web"] button`);
        expect(await textOf(page, "#panel pre")).toEqual([expect.stringContaining("kind: Deployment")]);

        await page.click("#view-actors");
        expect(await page.evaluate(`document.querySelector("#view-actors").ariaPressed`)).toBe("true");
        await page.click("#theme");
        expect(await page.evaluate(`["dark", "light"].includes(document.documentElement.dataset.theme)`)).toBe(true);
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        expect(page.complaints).toEqual([]);
      });
    },
    PATIENCE_MS,
  );

  it(
    "shows where another record parts from it, and says why a file is none",
    async () => {
      const other = await pageOf("other", await recordedRun(2));
      const none = join(directory, "none.txt");
      writeFileSync(none, "nothing\nof the kind\n");
      await inBrowser(await pageOf("one", run), async (page) => {
        await ready(page);
        await page.choose("#file", other);
        await page.evaluate(once(`document.querySelector("#panel .divergence") !== null`));
        expect(await page.evaluate(`document.querySelectorAll("canvas").length`)).toBe(2);
        expect(await textOf(page, "#panel .why")).toEqual([
          expect.stringMatching(/^the same was done to both, and they part where /),
        ]);
        await page.choose("#file", none);
        await page.evaluate(once(`document.querySelector("#status").textContent !== ""`));
        expect(await textOf(page, "#status")).toEqual([
          "none.txt can't be shown: line 1 of none.txt is neither an event nor a gap nor a change",
        ]);
        expect(page.complaints).toEqual([]);
      });
    },
    PATIENCE_MS,
  );

  it(
    "takes nothing that was recorded for markup or script",
    async () => {
      const evil = `</script><img src=x onerror="document.title='caught'"><script>document.title='caught'</script>`;
      const events = run.events.map((event) => ({
        ...event,
        subject: event.subject.replace("lonely", evil),
        detail: `${event.detail} evil=${evil}`,
      }));
      const file = await pageOf("evil", new TraceRecord({ events, changes: run.changes }));
      expect(readFileSync(file, "utf8")).not.toContain("onerror");
      await inBrowser(file, async (page) => {
        await ready(page);
        await search(page, "unschedulable");
        expect(await textOf(page, "#panel dd")).toContainEqual(`pods/default/${evil}`);
        expect(await page.evaluate(`[document.images.length, document.title.includes("caught")]`)).toEqual([0, false]);
        expect(page.complaints).toEqual([]);
      });
    },
    PATIENCE_MS,
  );
});

/** The dashboard as a person uses it, in a browser; and who is not let in. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster, type Dashboard } from "inkube";
import { chromium, inBrowser } from "../../fixtures/browser.ts";
import { until } from "../../fixtures/until.ts";

/** Who runs the tests at home may have no browser; CI installs one. */
const isBrowserWanted = chromium !== undefined || process.env["CI"] !== undefined;

let cluster: Cluster;
let dashboard: Dashboard;
beforeAll(async () => {
  cluster = await Cluster.start({ masters: 1, workers: 1 });
  dashboard = await cluster.serveDashboard();
  await cluster.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "shown" },
    spec: { containers: [{ name: "a", image: "pause" }] },
  });
  await cluster.waitFor("pod/shown", "Ready");
}, 60_000);
afterAll(() => cluster.stop());

const restartsOf = (name: string): number => cluster.actors().find((actor) => actor.name === name)?.restarts ?? 0;
const stateOf = (name: string): string | undefined => cluster.actors().find((actor) => actor.name === name)?.state;

describe("the dashboard", () => {
  it.runIf(isBrowserWanted)(
    "shows actors, objects and the trace, follows them, and kills what is pressed",
    () =>
      inBrowser(dashboard.url, async (page) => {
        const textOf = (selector: string): Promise<string> =>
          page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);
        const row = (name: string): string => `#rows tr[data-name="${name}"]`;
        await until("all actors are shown as up", async () =>
          /^(\d+) of \1 actors are up$/.test(await textOf("#summary")),
        );
        expect(await textOf(row("etcd-0"))).toMatch(/^etcd-0up\d*[\d.]+ %[\d.]+ MB/);
        await until("the pod is shown", async () => (await textOf("#table")).includes("defaultshown1/1Running"));
        await page.evaluate(
          `(() => { const kind = document.getElementById("kind"); kind.value = "v1/nodes"; kind.onchange(); })()`,
        );
        await until("the node is shown", async () => /worker-0Ready/.test(await textOf("#table")));

        await page.click(`${row("scheduler-0")} .kill`);
        await until("the scheduler was restarted", () => restartsOf("scheduler-0") === 1);
        await until("its end is shown", async () => /killed/.test(await textOf(`${row("scheduler-0")} .end`)));
        await until("its end is in the trace", async () =>
          /scheduler-0.*killed|down.*scheduler-0/s.test(await textOf("#log")),
        );
        await until("it is up again", async () => (await textOf(`${row("scheduler-0")} .state`)) === "up");

        await page.click(`${row("worker-0")} .kill`);
        await until("the worker is down", () => stateOf("worker-0") === "ended");
        await until("it can be restored", async () => (await textOf(`${row("worker-0")} .state`)) === "ended");
        await page.click(`${row("worker-0")} button[aria-label="Restore worker-0"]`);
        await until("the worker is back", () => stateOf("worker-0") === "up");
        expect(await page.evaluate("location.search")).toBe("");
        expect(page.complaints).toEqual([]);
      }),
    120_000,
  );

  const ask = (path: string, headers: Readonly<Record<string, string>>, method = "GET", body = ""): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request(`http://${dashboard.address}${path}`, { method, headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.on("error", reject).end(body);
    });

  it("lets nobody in without its token, nor by another name, nor from another page", async () => {
    const token = new URL(dashboard.url).searchParams.get("token")!;
    const known = { "x-inkube-token": token };
    expect(await ask("/state", known)).toBe(200);
    expect(await ask(`/?token=${token}`, {})).toBe(200);
    expect(await ask("/", {})).toBe(401);
    expect(await ask("/?token=x", {})).toBe(401);
    expect(await ask("/state", {})).toBe(401);
    expect(await ask(`/state?token=${token}`, {})).toBe(401);
    expect(await ask("/state", { ...known, host: "evil.example" })).toBe(403);
    expect(await ask("/kill", { ...known, origin: "http://evil.example" }, "POST", "etcd-0")).toBe(403);
    expect(await ask("/kill", {}, "POST", "etcd-0")).toBe(401);
    expect(await ask("/kill", known, "GET")).toBe(404);
    expect(await ask("/kill", known, "POST", "etcd-7")).toBe(404);
    expect(restartsOf("etcd-0")).toBe(0);
    expect(await ask("/kill", { ...known, origin: `http://${dashboard.address}` }, "POST", "etcd-0")).toBe(200);
    await until("etcd was restarted", () => restartsOf("etcd-0") === 1);
  });
});

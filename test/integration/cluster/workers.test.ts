import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Deployment } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { ConfigMap } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { Program } from "../../fixtures/program.ts";
import { until } from "../../fixtures/until.ts";

const WEB: Deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } },
  },
};

let cluster: Cluster;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "inkube-test-workers-"));
  cluster = await inkube.Cluster.start({ masters: 1, workers: 1, pods: "simulated" });
  writeFileSync(join(directory, "inkube.kubeconfig"), cluster.kubeconfig);
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const nodeNames = async (): Promise<readonly string[]> =>
  (await cluster.client.list(inkube.nodes)).items.map(({ metadata }) => metadata?.name ?? "").sort();
const eventsOf = async (part: string): Promise<boolean> =>
  (await cluster.client.list(inkube.events, { namespace: "kube-system" })).items.some(({ message }) =>
    message?.includes(part),
  );
const workersOfPods = async (): Promise<ReadonlySet<string | undefined>> =>
  new Set((await cluster.client.list(inkube.pods, { namespace: "default" })).items.map(({ spec }) => spec?.nodeName));

describe("workers of a running cluster", () => {
  it("come: two asked for at once get pods, and are in the trace", async () => {
    expect((await Promise.all([cluster.addWorker(), cluster.addWorker()])).sort()).toEqual(["worker-1", "worker-2"]);
    expect(await nodeNames()).toEqual(["worker-0", "worker-1", "worker-2"]);
    await cluster.apply(WEB);
    await cluster.waitFor("deploy/web", "RolledOut");
    expect(await workersOfPods()).toEqual(new Set(["worker-0", "worker-1", "worker-2"]));
    expect((await cluster.trace.events({ actor: "worker-2/kubelet" })).length).toBeGreaterThan(0);
    expect(cluster.actors().every(({ state }) => state === "up")).toBe(true);
  });

  it("go: the pods of one are ended gracefully and replaced elsewhere, its node and Lease are gone", async () => {
    await cluster.removeWorker("worker-1");
    expect(await nodeNames()).toEqual(["worker-0", "worker-2"]);
    expect(cluster.actors().some(({ name }) => name.startsWith("worker-1"))).toBe(false);
    // The Deployment's own word may be from before its pods went.
    await until("pods elsewhere", async () => {
      const [on, { items }] = [await workersOfPods(), await cluster.client.list(inkube.pods, { namespace: "default" })];
      return items.length === 4 && [...on].every((name) => name === "worker-0" || name === "worker-2");
    });
    await cluster.waitFor("deploy/web", "RolledOut");
    expect(await cluster.client.find(inkube.leases, "worker-1", "kube-node-lease")).toBeUndefined();
    await expect(cluster.removeWorker("worker-1")).rejects.toMatchObject({
      code: "NO_SUCH_ACTOR",
      message: expect.stringContaining("there are worker-0, worker-2"),
    });
  });

  it("take the lowest free number, and a killed one can be removed", async () => {
    expect(await cluster.addWorker()).toBe("worker-1");
    await cluster.kill("worker-1");
    await cluster.removeWorker("worker-1");
    expect(await nodeNames()).toEqual(["worker-0", "worker-2"]);
  });

  it("are as many as `inkube scale workers` says, also fewer", async () => {
    const scale = async (count: string): Promise<string> => {
      const program = Program.inkube(["scale", "workers", count], directory);
      const code = await program.exited;
      return `${String(code)} ${program.stdout}${program.stderr}`;
    };
    expect(await scale("4")).toBe("0 4 workers are Ready\n");
    expect(await nodeNames()).toEqual(["worker-0", "worker-1", "worker-2", "worker-3"]);
    expect(await scale("1")).toBe("0 1 worker is Ready\n");
    expect(await nodeNames()).toEqual(["worker-0"]);
    await cluster.waitFor("deploy/web", "RolledOut");
    expect(await scale("many")).toContain("takes a whole number from 0 to 500");
  });

  it("are as many as the last one to ask has asked for, and the one before is told so", async () => {
    const before = (await cluster.client.list(inkube.nodes)).items.length;
    expect(before).toBe(1);
    const first = Program.inkube(["scale", "workers", "5"], directory);
    const wish = (workers: string): Promise<unknown> =>
      cluster.waitFor<ConfigMap>("configmap/inkube", ({ data }) => data?.["workers"] === workers, {
        namespace: "kube-system",
      });
    await wish("5");
    // As many as there are: a wish that nothing would have to be done for, had nobody asked before.
    const metadata = { name: "inkube", namespace: "kube-system" };
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { workers: "1" } });
    expect(await first.exited).toBe(1);
    expect(first.stderr).toContain("somebody has asked for 1 workers meanwhile, and 1 there will be");
    await until("one worker again", async () => (await nodeNames()).join() === "worker-0" && eventsOf("from 5 to 1"));
  });

  it("are told about when somebody wishes for what can't be", async () => {
    const metadata = { name: "inkube", namespace: "kube-system" };
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { workers: "-1" } });
    await until("an event", async () =>
      (await cluster.client.list(inkube.events, { namespace: "kube-system" })).items.some(
        ({ reason, message }) => reason === "InvalidScale" && message?.includes('not "-1"'),
      ),
    );
    expect(await nodeNames()).toEqual(["worker-0"]);
  });
});

describe("workers of the API alone", () => {
  it("leave neither node nor pods behind, whether they were drained or are dead", async () => {
    await using alone = await inkube.Cluster.start({ masters: 1, workers: 2, controllers: false, pods: "simulated" });
    const podOn = (nodeName: string): object => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: nodeName },
      spec: { nodeName, containers: [{ name: "c", image: "i" }] },
    });
    await alone.apply([podOn("worker-0"), podOn("worker-1")]);
    await alone.waitFor("pod/worker-0", "Ready");
    await alone.waitFor("pod/worker-1", "Ready");
    await alone.kill("worker-1");
    await alone.removeWorker("worker-0");
    await alone.removeWorker("worker-1");
    expect((await alone.client.list(inkube.pods)).items).toEqual([]);
    expect((await alone.client.list(inkube.nodes)).items).toEqual([]);
    expect((await alone.client.list(inkube.leases, { namespace: "kube-node-lease" })).items).toEqual([]);
  });
});

/** Jobs and CronJobs in a cluster whose leaders and nodes are killed: every end counted once, every time due met once. */
import { describe, expect, it } from "vitest";
import { cronJobs, jobs, leases, pods } from "../../../actors/client/resources.ts";
import { SimulatedCluster } from "../../../actors/cluster/simulation/simulated-cluster.ts";
import type { Job, JobSpec } from "../../../protocols/kubernetes/types/batch-v1.ts";
import type { PodTemplateSpec } from "../../../protocols/kubernetes/types/core-v1.ts";
import { watchCrashes } from "../../fixtures/watch-crashes.ts";

const TRACKING = "batch.kubernetes.io/job-tracking";

function template(exitAfterMs: number, exitCode: number = 0): PodTemplateSpec {
  const annotations = {
    "inkube.dev/simulated-exit-after-ms": `${exitAfterMs}`,
    "inkube.dev/simulated-exit-code": `${exitCode}`,
  };
  return { metadata: { annotations }, spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox" }] } };
}

const job = (name: string, spec: Partial<JobSpec> & Pick<JobSpec, "template">): Job => ({
  metadata: { name, namespace: "default" },
  spec,
});
const has =
  (type: string) =>
  ({ status }: Job): boolean =>
    status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;

/** Kills whoever runs the controllers. */
async function killManager({ client, host }: SimulatedCluster): Promise<void> {
  const lease = await client.get(leases, "kube-controller-manager", "kube-system");
  host.kill(lease.spec?.holderIdentity ?? "");
}

async function inCluster(seed: number, story: (cluster: SimulatedCluster) => Promise<void>): Promise<void> {
  const cluster = new SimulatedCluster({ seed });
  watchCrashes(cluster.host);
  await cluster.start();
  await cluster.run(() => story(cluster), 600_000);
  await cluster.host.stop();
}

describe("Jobs in the simulation", () => {
  it.each([1, 2, 3])("are done through deaths of managers and of a node (seed %i)", (seed) =>
    inCluster(seed, async (cluster) => {
      const { client, clock } = cluster;
      const of = { parallelism: 4, completions: 16, template: template(700) };
      await client.create(jobs, job("plain", of));
      await client.create(jobs, job("indexed", { ...of, completionMode: "Indexed" }));
      await client.create(jobs, job("bad", { backoffLimit: 2, template: template(300, 3) }));
      for (let kills = 0; kills < 3; kills++) {
        await clock.sleep(600 + 173 * seed);
        await killManager(cluster);
      }
      await cluster.killNode("worker-1");
      await cluster.waitFor(jobs, "plain", "default", has("Complete"), 120_000);
      await cluster.waitFor(jobs, "indexed", "default", has("Complete"), 120_000);
      await cluster.waitFor(jobs, "bad", "default", has("Failed"), 120_000);
      const [plain, indexed, bad] = await Promise.all(
        ["plain", "indexed", "bad"].map((name) => client.get(jobs, name, "default")),
      );
      expect(plain?.status).toMatchObject({ succeeded: 16, uncountedTerminatedPods: {} });
      expect(indexed?.status).toMatchObject({ succeeded: 16, completedIndexes: "0-15", uncountedTerminatedPods: {} });
      expect(bad?.status).toMatchObject({ failed: 3, uncountedTerminatedPods: {} });
      const left = (await client.list(pods, { namespace: "default" })).items;
      const done = left.filter(
        ({ metadata, status }) => metadata?.labels?.["job-name"] === "plain" && status?.phase === "Succeeded",
      );
      expect(done.length).toBeLessThanOrEqual(16);
      expect(left.filter(({ metadata }) => metadata?.finalizers?.includes(TRACKING) === true)).toEqual([]);
    }),
  );

  it("go with their pods, and by themselves when their time is over", () =>
    inCluster(4, async (cluster) => {
      const { client } = cluster;
      await client.create(jobs, job("brief", { ttlSecondsAfterFinished: 2, template: template(100) }));
      await client.create(jobs, job("long", { parallelism: 3, completions: 3, template: template(1_000_000) }));
      await cluster.waitFor(jobs, "long", "default", ({ status }) => status?.ready === 3, 60_000);
      await client.delete(jobs, "long", "default", { propagationPolicy: "Background" });
      await cluster.until("no Job and no pod is left", 60_000, async () => {
        const [some, others] = await Promise.all([client.list(jobs), client.list(pods)]);
        return some.items.length + others.items.length === 0;
      });
    }));
});

it("a CronJob makes one Job each minute, whoever leads, and keeps its history short", () =>
  inCluster(5, async (cluster) => {
    const { client, clock } = cluster;
    const jobTemplate = { spec: { template: template(500) } };
    const spec = { schedule: "* * * * *", successfulJobsHistoryLimit: 2, jobTemplate };
    await client.create(cronJobs, { metadata: { name: "tick", namespace: "default" }, spec });
    const made = new Set<string>();
    for (let minutes = 0; minutes < 5; minutes++) {
      for (let looks = 0; looks < 12; looks++) {
        await clock.sleep(5_000);
        for (const { metadata } of (await client.list(jobs)).items) made.add(metadata?.name ?? "");
      }
      await killManager(cluster);
    }
    expect(made.size).toBeGreaterThanOrEqual(4);
    const minutes = [...made].map((name) => Number(name.split("-").at(-1))).sort((left, right) => left - right);
    // None is left out, whoever had just died.
    expect(minutes.at(-1)! - minutes[0]!).toBe(made.size - 1);
    await clock.sleep(5_000);
    expect((await client.list(jobs)).items.length).toBeLessThanOrEqual(2);
    const { status } = await client.get(cronJobs, "tick", "default");
    expect(status?.active ?? []).toEqual([]);
    expect(status?.lastSuccessfulTime).toBeDefined();
  }));

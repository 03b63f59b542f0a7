/** The scheduler's configuration, and plugins of the user, on threads. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";

const CONFIGURATION = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - schedulerName: default-scheduler
  - schedulerName: choosy
    plugins:
      multiPoint: { enabled: [{ name: Choosy, weight: 50 }] }
    pluginConfig:
      - { name: Choosy, args: { likes: worker-1 } }
`;
const PLUGIN = `
let prepared = 0;
export default ({ likes }) => ({
  filter: (_state, { labels }) =>
    labels.mood === "bad" ? { reasons: ["node(s) were not to its taste"], unresolvable: true } : undefined,
  score: (_state, _pod, { name }) => (name === likes ? 100 : 0),
  preBind: async () => {
    prepared++;
    return undefined;
  },
});
`;

let directory: string;
let cluster: Cluster;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "inkube-scheduler-"));
  writeFileSync(join(directory, "choosy.mjs"), PLUGIN);
  cluster = await inkube.Cluster.start({
    masters: 1,
    workers: 2,
    pods: "simulated",
    scheduler: { configuration: CONFIGURATION, plugins: { Choosy: { module: join(directory, "choosy.mjs") } } },
  });
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const create = (name: string, schedulerName: string, labels: Record<string, string> = {}): Promise<Pod> =>
  cluster.client.create(inkube.pods, {
    metadata: { name, namespace: "default", labels },
    spec: { schedulerName, containers: [{ name: "c", image: "pause" }] },
  });

it("places the pods of each profile by its plugins, one of the user's among them", async () => {
  for (const index of [1, 2, 3]) await create(`choosy-${index}`, "choosy");
  await create("plain", "default-scheduler");
  for (const index of [1, 2, 3]) {
    await cluster.waitFor(`pod/choosy-${index}`, "Ready");
    expect((await cluster.client.get(inkube.pods, `choosy-${index}`, "default")).spec?.nodeName).toBe("worker-1");
  }
  await cluster.waitFor("pod/plain", "Ready");
});

it("says what a plugin of the user says, and counts it", async () => {
  await create("sullen", "choosy", { mood: "bad" });
  const told = (pod: Pod): string | undefined =>
    pod.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message;
  await cluster.waitFor("pod/sullen", (pod: Pod) => told(pod) !== undefined);
  expect(told(await cluster.client.get(inkube.pods, "sullen", "default"))).toBe(
    "0/2 nodes are available: 2 node(s) were not to its taste. " +
      "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
  );
  const metrics = await cluster.metrics();
  expect(metrics).toMatch(
    /scheduler_framework_extension_point_duration_seconds_count\{[^}]*extension_point="Filter"[^}]*profile="choosy"/,
  );
  expect(metrics).toMatch(/scheduler_plugin_execution_duration_seconds_count\{[^}]*plugin="NodeResourcesFit"/);
  expect(metrics).toMatch(/scheduler_preemption_attempts_total\S* 1\b/);
});

it("refuses a configuration before anything is started", async () => {
  const start = (scheduler: object): Promise<unknown> => inkube.Cluster.start({ masters: 1, workers: 0, scheduler });
  const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
  await expect(start({ configuration: `${head}percentageOfNodesToScore: 200` })).rejects.toThrow(
    "percentageOfNodesToScore: Invalid value: 200: not in valid range [0-100]",
  );
  await expect(
    start({ configuration: `${head}profiles: [{ plugins: { filter: { enabled: [{ name: Nope }] } } }]` }),
  ).rejects.toThrow('FilterPlugin "Nope" does not exist');
  await expect(start({ plugins: { Lost: { module: "./lost.js" } } })).rejects.toThrow("there is no module ./lost.js");
});

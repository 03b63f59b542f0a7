import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { Pod } from "../../../protocols/kubernetes/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";
import { Program } from "../../fixtures/program.ts";

let dataDir: string;
let cluster: Cluster | undefined;
let program: Program | undefined;

beforeEach(() => void (dataDir = mkdtempSync(join(tmpdir(), "inkube-test-data-"))));
afterEach(async () => {
  program?.kill("SIGKILL");
  await program?.exited;
  await cluster?.stop();
  cluster = undefined;
  program = undefined;
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
});

const WORKLOAD = [
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" }, data: { color: "green" } },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] },
      },
    },
  },
];

const OPTIONS = { masters: 3, workers: 1 };

/** The pods answer HTTP again, and are the pods that were there before. */
async function expectAllBack(uids: ReadonlySet<string | undefined>): Promise<void> {
  expect(await cluster!.client.get(inkube.configMaps, "kept", "default")).toMatchObject({ data: { color: "green" } });
  await cluster!.waitFor("deployment/web", "RolledOut");
  const { items } = await cluster!.client.list(inkube.pods, { namespace: "default" });
  expect(new Set(items.map(({ metadata }) => metadata?.uid))).toEqual(uids);
  for (const pod of items) {
    const ready = (await cluster!.waitFor(`pod/${pod.metadata!.name!}`, "Ready")) as Pod;
    // What the API says of a pod may be from before until its kubelet has looked at it.
    await until("it answers", async () => (await fetch(`http://${ready.status!.podIP!}/`)).status === 200);
  }
}

describe("a data directory", () => {
  it("may lose the directory of one etcd member, and is refused by names and paths without those of a majority", async () => {
    const lose = (...members: readonly string[]): void => {
      for (const member of members) rmSync(join(dataDir, "actors", member), { recursive: true });
    };
    cluster = await inkube.Cluster.start({ ...OPTIONS, dataDir });
    await cluster.apply(WORKLOAD);
    await cluster.stop();
    lose("etcd-1");
    cluster = await inkube.Cluster.start({ ...OPTIONS, dataDir });
    expect(await cluster.client.get(inkube.configMaps, "kept", "default")).toMatchObject({ data: { color: "green" } });
    await cluster.stop();
    cluster = undefined;
    lose("etcd-1", "etcd-2");
    const path = (member: string): string => join(dataDir, "actors", member);
    await expect(inkube.Cluster.start({ ...OPTIONS, dataDir })).rejects.toMatchObject({
      code: "ETCD_QUORUM_LOST",
      message: expect.stringContaining(`etcd-1 (${path("etcd-1")}) and etcd-2 (${path("etcd-2")})`),
    });
  });

  it("brings all objects and running pods back after a stop", async () => {
    cluster = await inkube.Cluster.start({ ...OPTIONS, dataDir });
    await cluster.apply(WORKLOAD);
    await cluster.waitFor("deployment/web", "RolledOut");
    const { items } = await cluster.client.list(inkube.pods, { namespace: "default" });
    const { token, authority } = cluster;
    await cluster.stop();
    cluster = await inkube.Cluster.start({ ...OPTIONS, dataDir });
    expect(cluster.token).toBe(token);
    expect(cluster.authority).toBe(authority);
    await expectAllBack(new Set(items.map(({ metadata }) => metadata?.uid)));
  });

  it("brings all acknowledged objects and running pods back after a SIGKILL", async () => {
    program = Program.evaluate(`
      const { Cluster, pods } = await import("inkube");
      const cluster = await Cluster.start(${JSON.stringify({ ...OPTIONS, dataDir })});
      await cluster.apply(${JSON.stringify(WORKLOAD)});
      await cluster.waitFor("deployment/web", "RolledOut");
      const { items } = await cluster.client.list(pods, { namespace: "default" });
      process.stdout.write("uids " + JSON.stringify(items.map(({ metadata }) => metadata.uid)) + "\\n");
    `);
    const [, uids] = await program.printed(/^uids (.*)$/m);
    program.kill("SIGKILL");
    await program.exited;
    cluster = await inkube.Cluster.start({ ...OPTIONS, dataDir });
    await expectAllBack(new Set(JSON.parse(uids!) as string[]));
  });

  it("is refused while another cluster uses it, and when a newer inkube has written it", async () => {
    cluster = await inkube.Cluster.start({ masters: 1, workers: 0, dataDir });
    await expect(inkube.Cluster.start({ masters: 1, workers: 0, dataDir })).rejects.toMatchObject({
      code: "DATA_DIRECTORY_IN_USE",
    });
    await cluster.stop();
    writeFileSync(join(dataDir, "format"), "999\n");
    await expect(inkube.Cluster.start({ masters: 1, workers: 0, dataDir })).rejects.toMatchObject({
      code: "DATA_DIRECTORY_NEWER",
    });
  });
});

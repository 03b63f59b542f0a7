/** Volumes on real nodes: what a stateful program has written outlives its pod, its node, and the cluster's process. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/index.ts";
import { persistentVolumeClaims, pods, statefulSets } from "../../../actors/client/resources.ts";
import type { StatefulSet } from "../../../protocols/kubernetes/types/apps-v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../protocols/kubernetes/types/core-v1.ts";
import { inkube } from "../../fixtures/built.ts";
import { until } from "../../fixtures/until.ts";

const hasSqlite = spawnSync("python3", ["-c", "import sqlite3"]).status === 0;
const images = {
  ledger: { command: ["python3", fileURLToPath(new URL("../../fixtures/programs/ledger.py", import.meta.url))] },
};
const options = { masters: 1, workers: 2, tolerationSeconds: 0, images };

const LEDGER = `
  apiVersion: apps/v1
  kind: StatefulSet
  metadata: { name: ledger }
  spec:
    replicas: 1
    serviceName: ledger
    selector: { matchLabels: { app: ledger } }
    template:
      metadata: { labels: { app: ledger } }
      spec:
        terminationGracePeriodSeconds: 0
        containers:
          - name: ledger
            image: ledger
            env: [{ name: VERSION, value: one }]
            ports: [{ containerPort: 8080 }]
            volumeMounts: [{ name: data, mountPath: /data }]
            readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 }
    volumeClaimTemplates:
      - metadata: { name: data }
        spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
`;

interface Told {
  readonly version: string;
  readonly lines: readonly string[];
}

const podOf = (cluster: Cluster): Promise<Pod> => cluster.client.get(pods, "ledger-0", "default");

/** The pod's status may tell of one before it. */
function at(cluster: Cluster, line?: string): Promise<Told> {
  return until("the ledger answers", async () => {
    const { status } = await podOf(cluster);
    const url = `http://${status?.podIP ?? ""}:8080/`;
    const answer = await fetch(url, line === undefined ? {} : { method: "POST", body: line });
    return (await answer.json()) as Told;
  });
}

async function isRolledOut(cluster: Cluster): Promise<void> {
  await cluster.waitFor(
    "statefulset/ledger",
    ({ status, metadata }: StatefulSet) =>
      status?.observedGeneration === metadata?.generation &&
      status?.readyReplicas === 1 &&
      status.currentRevision === status.updateRevision,
  );
}

describe.skipIf(!hasSqlite)("a StatefulSet of SQLite", () => {
  it(
    "keeps what it has written through its node's loss, a rolling update, and the end of the process",
    { timeout: 120_000 },
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), "inkube-volumes-"));
      const directories = (): readonly string[] => readdirSync(join(dataDir, "volumes"));
      let cluster = await inkube.Cluster.start({ ...options, dataDir });
      try {
        await cluster.apply(LEDGER);
        await isRolledOut(cluster);
        const claim = await cluster.client.get(persistentVolumeClaims, "data-ledger-0", "default");
        expect(claim).toMatchObject({ spec: { storageClassName: "standard" }, status: { phase: "Bound" } });
        expect(directories()).toEqual([claim.spec?.volumeName]);
        await at(cluster, "first");

        const { metadata, spec } = await podOf(cluster);
        const lost = spec?.nodeName ?? "";
        const plan = await cluster.applyFaults({
          faults: [{ id: "loss", kind: "node-loss", at: lost, downMs: 600_000 }],
        });
        await until("the pod is on the other node", async () => {
          const now = await cluster.client.find(pods, "ledger-0", "default");
          return now !== undefined && now.metadata?.uid !== metadata?.uid && now.spec?.nodeName !== lost;
        });
        await isRolledOut(cluster);
        expect(await at(cluster)).toEqual({ version: "one", lines: ["first"] });
        await at(cluster, "second");
        await plan.stop();

        const env = [{ name: "VERSION", value: "two" }];
        const template = { spec: { containers: [{ name: "ledger", env }] } };
        const patch = { spec: { template } };
        await cluster.client.patch(statefulSets, "ledger", "default", patch, {
          patchType: "application/strategic-merge-patch+json",
        });
        await isRolledOut(cluster);
        expect(await at(cluster)).toEqual({ version: "two", lines: ["first", "second"] });
        await at(cluster, "third");

        await cluster.stop();
        cluster = await inkube.Cluster.start({ ...options, dataDir });
        await isRolledOut(cluster);
        expect((await at(cluster)).lines).toEqual(["first", "second", "third"]);

        await cluster.client.patch(persistentVolumeClaims, "data-ledger-0", "default", {
          spec: { resources: { requests: { storage: "2Mi" } } },
        });
        await cluster.waitFor(
          "pvc/data-ledger-0",
          ({ status }: PersistentVolumeClaim) => status?.capacity?.["storage"] === "2Mi",
        );
        expect((await at(cluster)).lines).toHaveLength(3);

        await cluster.client.delete(statefulSets, "ledger", "default");
        await cluster.client.delete(persistentVolumeClaims, "data-ledger-0", "default");
        await until("its directory is gone", () => Promise.resolve(directories().length === 0));
      } finally {
        await cluster.stop();
        expect(existsSync(dataDir)).toBe(true);
        rmSync(dataDir, { recursive: true, force: true });
      }
    },
  );
});

describe("volumes of pods", () => {
  it(
    "evicts a pod whose emptyDir has grown beyond its size, and takes a pod's own claim along with it",
    { timeout: 60_000 },
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), "inkube-volumes-"));
      const directories = (): readonly string[] =>
        existsSync(join(dataDir, "volumes")) ? readdirSync(join(dataDir, "volumes")) : [];
      const cluster = await inkube.Cluster.start({ masters: 1, workers: 1, dataDir });
      try {
        await cluster.apply(`
        apiVersion: v1
        kind: Pod
        metadata: { name: greedy }
        spec:
          restartPolicy: Never
          containers:
            - name: c
              image: busybox
              command: [sh, -c, 'cp /bin/sh "$INKUBE_VOLUME_KEPT/sh" && head -c 3000000 /dev/zero > "$INKUBE_VOLUME_SMALL/zeros" && sleep 600']
              volumeMounts: [{ name: small, mountPath: /small }, { name: kept, mountPath: /kept }]
          volumes:
            - name: small
              emptyDir: { sizeLimit: 1Mi }
            - name: kept
              ephemeral:
                volumeClaimTemplate: { spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }
      `);
        const evicted = await cluster.waitFor("pod/greedy", ({ status }: Pod) => status?.phase === "Failed");
        expect(evicted?.status).toMatchObject({
          reason: "Evicted",
          message: 'Usage of EmptyDir volume "small" exceeds the limit "1Mi". ',
        });
        expect(await cluster.client.get(persistentVolumeClaims, "greedy-kept", "default")).toMatchObject({
          metadata: { ownerReferences: [{ kind: "Pod", name: "greedy" }] },
          status: { phase: "Bound" },
        });
        expect(directories()).toHaveLength(1);
        await cluster.client.delete(pods, "greedy", "default");
        await until("its claim's directory is gone", () => directories().length === 0);
      } finally {
        await cluster.stop();
        rmSync(dataDir, { recursive: true, force: true });
      }
    },
  );
});

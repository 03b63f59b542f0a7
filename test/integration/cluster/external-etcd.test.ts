/** A cluster on a real etcd: over TLS, through deaths of that etcd, and from one start of the cluster to the next. Left out where there is none. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "../../../actors/cluster/cluster.ts";
import type { ConfigMap } from "../../../actors/cluster/index.ts";
import { inkube } from "../../fixtures/built.ts";
import { hasEtcd, RealEtcd } from "../../fixtures/real-etcd.ts";
import { until } from "../../fixtures/until.ts";

const WEB = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "nginx" }] },
    },
  },
};

describe.skipIf(!hasEtcd)("a cluster on a real etcd", () => {
  const dataDir = join(mkdtempSync(join(tmpdir(), "inkube-external-")), "data");
  let etcd: RealEtcd;
  let cluster: Cluster | undefined;
  const start = (): Promise<Cluster> =>
    inkube.Cluster.start({
      masters: 3,
      workers: 2,
      pods: "simulated",
      dataDir,
      etcd: { endpoints: [etcd.endpoint], ...etcd.pems },
    });
  beforeAll(async () => {
    etcd = await RealEtcd.start({ tls: true });
    cluster = await start();
  });
  afterAll(async () => {
    await cluster?.stop();
    await etcd?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it("runs what it is given, and has no member of its own", async () => {
    await cluster!.apply(WEB);
    await cluster!.waitFor("deployment/web", "RolledOut");
    const etcds = cluster!.actors().filter(({ name }) => /^etcd-|\/etcd/.test(name));
    expect(etcds.map(({ name }) => name)).toEqual(["etcd-0"]);
    expect(await cluster!.leader("etcd")).toBe("etcd-0");
  });

  it("loses no write that was acknowledged when etcd dies under them", async () => {
    const { client } = cluster!;
    const acknowledged: string[] = [];
    const stopped = new AbortController();
    const write = async (series: number): Promise<void> => {
      for (let number = 0; !stopped.signal.aborted; number++) {
        const name = `w-${series}-${number}`;
        const made = await client
          .create(inkube.configMaps, { metadata: { name, namespace: "default" }, data: { number: "0" } })
          .catch(() => undefined);
        if (made === undefined) continue;
        const raised = await client
          .update(inkube.configMaps, { ...made, data: { number: "1" } })
          .catch(() => undefined);
        if (raised !== undefined) acknowledged.push(name);
      }
    };
    const writers = [0, 1, 2, 3].map(write);
    const more = async (count: number): Promise<unknown> => {
      const before = acknowledged.length;
      return until(`${count} more writes`, () => acknowledged.length >= before + count, 60_000);
    };
    await more(20);
    for (let round = 0; round < 3; round++) {
      await etcd.kill("SIGKILL");
      await etcd.run();
      await more(20);
    }
    stopped.abort();
    await Promise.all(writers);
    const { items } = await client.list(inkube.configMaps, { namespace: "default" });
    const found = new Map(items.map((map: ConfigMap) => [map.metadata?.name ?? "", map.data?.["number"]]));
    expect(acknowledged.filter((name) => found.get(name) !== "1")).toEqual([]);
  }, 240_000);

  it("finds everything again at its next start", async () => {
    const { client } = cluster!;
    const before = (await client.get(inkube.deployments, "web", "default")).metadata?.uid;
    await cluster!.stop();
    cluster = undefined;
    cluster = await start();
    expect((await cluster.client.get(inkube.deployments, "web", "default")).metadata?.uid).toBe(before);
    await cluster.waitFor("deployment/web", "RolledOut");
  }, 120_000);

  it("is refused in words where no etcd answers, and without a place for its keys", async () => {
    const nobody = { endpoints: ["http://127.0.0.1:9"] };
    const elsewhere = join(dataDir, "..", "other");
    await expect(inkube.Cluster.start({ dataDir: elsewhere, etcd: nobody })).rejects.toMatchObject({
      code: "ETCD_UNREACHABLE",
      message: expect.stringMatching(/http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED/),
    });
    await expect(inkube.Cluster.start({ etcd: nobody })).rejects.toMatchObject({ code: "INVALID_OPTION" });
    const { ca: _ca, ...stranger } = etcd.pems!;
    const unknown = { endpoints: [etcd.endpoint], ...stranger };
    await expect(inkube.Cluster.start({ dataDir: elsewhere, etcd: unknown })).rejects.toMatchObject({
      code: "ETCD_UNREACHABLE",
      message: expect.stringMatching(/certificate/),
    });
  });
});

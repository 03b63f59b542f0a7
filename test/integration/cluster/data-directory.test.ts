import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster, ClusterEvent } from "../../../actors/cluster/cluster.ts";
import type { Pod, PodStatus } from "../../../protocols/kubernetes/types/core-v1.ts";
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

  it("does not run again what had ended, and tells of it as before: nor does a cluster that begins with its snapshot", async () => {
    const ran = join(dataDir, "..", `${basename(dataDir)}-ran`);
    const runs = (name: string, exitCode: number): object => {
      return { name, image: "busybox", command: ["sh", "-c", `echo ${name} >> ${ran}; exit ${exitCode}`] };
    };
    const pod = (name: string, restartPolicy: string, ...containers: readonly object[]): object => {
      return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { restartPolicy, containers } };
    };
    const statusOf = async (name: string): Promise<PodStatus> =>
      (await cluster!.client.get(inkube.pods, name, "default")).status ?? {};
    const endedOf = async (name: string): Promise<readonly unknown[]> => {
      const { phase, containerStatuses } = await statusOf(name);
      return [phase, containerStatuses];
    };
    const small = { masters: 1, workers: 1 };
    cluster = await inkube.Cluster.start({ ...small, dataDir });
    await cluster.apply([
      pod("failed", "Never", runs("a", 3)),
      pod("done", "OnFailure", runs("b", 0)),
      pod("half", "OnFailure", runs("c", 0), { name: "web", image: "nginx" }),
    ]);
    await cluster.waitFor("pod/failed", ({ status }: Pod) => status?.phase === "Failed");
    await cluster.waitFor("pod/done", ({ status }: Pod) => status?.phase === "Succeeded");
    const isHalf = ({ status }: Pod): boolean => {
      const [one, web] = status?.containerStatuses ?? [];
      return one?.state?.terminated !== undefined && web?.state?.running !== undefined;
    };
    await cluster.waitFor("pod/half", isHalf);
    const before = [await endedOf("failed"), await endedOf("done")];
    const [once] = (await statusOf("half")).containerStatuses!;
    const snapshot = await cluster.snapshot();
    await cluster.stop();
    for (const how of [{ dataDir }, { from: snapshot }]) {
      cluster = await inkube.Cluster.start({ ...small, ...how });
      // Its kubelet has looked at the others by the time that it has run a new one.
      await cluster.apply([pod(`new`, "Never", runs("new", 0))]);
      await cluster.waitFor("pod/new", ({ status }: Pod) => status?.phase === "Succeeded");
      expect([await endedOf("failed"), await endedOf("done")]).toEqual(before);
      expect((await statusOf("half")).containerStatuses![0]).toEqual(once);
      await cluster.stop();
    }
    expect(readFileSync(ran, "utf8").trim().split("\n").sort()).toEqual(["a", "b", "c", "new", "new"]);
    rmSync(ran);
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

describe("a data directory in which a member of etcd", () => {
  const SMALL = { masters: 3, workers: 0 } as const;
  const directoryOf = (member: string): string => join(dataDir, "actors", member);
  let events: ClusterEvent[];

  /** A cluster with an object in it, that was up and stopped. */
  async function stopped(): Promise<void> {
    cluster = await inkube.Cluster.start({ ...SMALL, dataDir });
    await cluster.apply(WORKLOAD.slice(0, 1));
    await cluster.stop();
    cluster = undefined;
    events = [];
  }

  const startAgain = (): Promise<Cluster> =>
    inkube.Cluster.start({ ...SMALL, dataDir, onEvent: (event) => void events.push(event) });

  /** One bit in the middle of what a member has written. */
  function damage(member: string): string {
    const wal = join(directoryOf(member), "wal");
    const files = readdirSync(wal).map((name) => join(wal, name));
    const path = files.sort((a, b) => readFileSync(b).length - readFileSync(a).length)[0]!;
    const content = readFileSync(path);
    content[Math.floor(content.length / 2)]! ^= 1;
    writeFileSync(path, content);
    return path;
  }

  it("has damaged data starts with the others, and says which member, which path and what to do", async () => {
    await stopped();
    const path = damage("etcd-1");
    const before = readFileSync(path);
    cluster = await startAgain();
    expect(await cluster.client.get(inkube.configMaps, "kept", "default")).toMatchObject({ data: { color: "green" } });
    await cluster.apply({ ...WORKLOAD[0]!, metadata: { name: "more" } });
    await until("another has taken its place", () => events.some(({ type }) => type === "alarm-over"));
    expect(events.filter(({ type }) => type.startsWith("alarm"))).toMatchObject([
      {
        type: "alarm",
        name: "etcd-1",
        alarm: "CORRUPT",
        path: directoryOf("etcd-1"),
        message: expect.stringMatching(
          /etcd-1 \(.*\) is out of service.*\.wal is damaged at byte \d+.*a new member takes/s,
        ),
      },
      { type: "alarm-over", name: "etcd-1" },
    ]);
    // What was damaged lies beside what the new member has.
    const aside = join(directoryOf("etcd-1"), "replaced", basename(path));
    expect(readFileSync(aside)).toEqual(before);
    await cluster.stop();
    rmSync(directoryOf("etcd-1"), { recursive: true });
    events = [];
    cluster = await startAgain();
    expect(await cluster.client.get(inkube.configMaps, "more", "default")).toBeDefined();
    await until("its loss is made good", () => events.some(({ type }) => type === "alarm-over"));
    expect(events.filter(({ type }) => type.startsWith("alarm"))).toMatchObject([
      { type: "alarm", name: "etcd-1", message: expect.stringContaining("the disk was lost") },
      { type: "alarm-over", name: "etcd-1" },
    ]);
  });

  it.each([
    ["two members have lost theirs", ["etcd-0", "etcd-2"]],
    ["all have lost theirs", ["etcd-0", "etcd-1", "etcd-2"]],
  ])("is refused within seconds where %s, with each of them named", async (_, lost) => {
    await stopped();
    const kept = mkdtempSync(join(tmpdir(), "inkube-test-kept-"));
    cpSync(join(dataDir, "actors"), kept, { recursive: true });
    for (const member of lost) rmSync(directoryOf(member), { recursive: true });
    const refused = startAgain();
    await expect(refused).rejects.toMatchObject({
      code: "DATA_DIRECTORY_DAMAGED",
      details: { paths: expect.arrayContaining(lost.map(directoryOf)) },
    });
    for (const member of lost) await expect(refused).rejects.toThrow(`(${directoryOf(member)})`);
    // What it says to do works.
    for (const member of lost) {
      rmSync(directoryOf(member), { recursive: true });
      cpSync(join(kept, member), directoryOf(member), { recursive: true });
    }
    rmSync(kept, { recursive: true });
    cluster = await startAgain();
    expect(await cluster.client.get(inkube.configMaps, "kept", "default")).toMatchObject({ data: { color: "green" } });
  });

  it("would be of another number of masters is refused", async () => {
    await stopped();
    await expect(inkube.Cluster.start({ masters: 1, workers: 0, dataDir })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("has 3"),
    });
  });
});

describe("a full disk", () => {
  it("refuses writes in etcd's words, goes on to serve reads, names member and path, and is over with the first room", async () => {
    const events: ClusterEvent[] = [];
    cluster = await inkube.Cluster.start({
      masters: 3,
      workers: 0,
      dataDir,
      onEvent: (event) => void events.push(event),
    });
    await cluster.apply(WORKLOAD.slice(0, 1));
    const faults = cluster.applyFaults({ faults: [{ id: "full", kind: "disk-full", at: "etcd-*" }] });
    const refused = async (): Promise<unknown> =>
      cluster!.client.create(inkube.configMaps, { metadata: { name: "more", namespace: "default" } }).then(
        () => "created",
        (error: unknown) => inkube.statusOf(error),
      );
    await until("a write is refused by name", async () =>
      JSON.stringify(await refused()).includes("database space exceeded"),
    );
    expect(await refused()).toMatchObject({
      code: 500,
      message: expect.stringMatching(
        /etcdserver: mvcc: database space exceeded: the disk of etcd-\d is full: .*actors\/etcd-\d/,
      ),
    });
    expect(await cluster.client.get(inkube.configMaps, "kept", "default")).toMatchObject({ data: { color: "green" } });
    const alarms = events.filter((event) => event.type === "alarm");
    expect(alarms).toContainEqual(
      expect.objectContaining({ alarm: "NOSPACE", path: expect.stringContaining(join(dataDir, "actors", "etcd-")) }),
    );
    await faults.stop();
    await until("there is room", () => cluster!.actors().every(({ alarms: raised }) => raised === undefined));
    await until("it is created", async () => {
      const answer = await refused();
      return answer === "created" || JSON.stringify(answer).includes("AlreadyExists");
    });
    expect(events.filter(({ type }) => type === "down")).toEqual([]);
  });
});

import { beforeAll, describe, expect, it } from "vitest";
import { isQuiet, LOOKS, Model } from "../../../../../actors/trace-collector/page/model.ts";
import { nameOf, TraceRecord } from "../../../../../actors/trace-collector/core/record.ts";
import { recordedRun } from "../../../../fixtures/recorded-run.ts";

let model: Model;
beforeAll(async () => {
  model = new Model(await recordedRun());
});
const keysOf = (name: "objects" | "actors"): readonly string[] => model.view(name).rows.map(({ key }) => key);

describe("what the page shows of a record", () => {
  it("is a row for each object below what it was made for, and what a cluster has for itself in the end, closed", () => {
    const { rows } = model.view("objects");
    const replicaSet = rows.findIndex(({ key }) => key.startsWith("replicasets/default/web-"));
    expect(rows[rows[replicaSet]!.parent]!.key).toBe("deployments/default/web");
    const pods = rows.filter(({ parent }) => parent === replicaSet);
    expect(pods.map(({ key }) => key)).toEqual(
      Array.from({ length: 4 }, () => expect.stringMatching(/^pods\/default\/web-/) as string),
    );
    expect(pods[0]!.phases.map(({ name }) => name)).toContain("Running");
    const closed = rows.filter(({ isGroup, isOpen }) => isGroup && !isOpen);
    expect(closed.map(({ label }) => label)).toContain("leases of the cluster");
    expect(keysOf("objects").indexOf(closed[0]!.key)).toBeGreaterThan(keysOf("objects").indexOf("nodes/worker-0"));
    expect(new Set(keysOf("objects")).size).toBe(rows.length);
  });

  it("is a row for each actor on its machine, with each event once", () => {
    const { rows, rowOf } = model.view("actors");
    expect([...rowOf].filter((row) => row < 0)).toEqual([]);
    expect(keysOf("actors")).toEqual(
      expect.arrayContaining(["group:master-0", "etcd-0", "group:worker-1", "worker-1/kubelet"]),
    );
    const kubelet = rows.find(({ key }) => key === "worker-1/kubelet")!;
    expect(kubelet.phases.map(({ name, until }) => [name, until === undefined])).toEqual([
      ["up", false],
      ["down", true],
    ]);
    const shown = rows.filter(({ isGroup }) => !isGroup).flatMap(({ events }) => [...events]);
    expect(shown.sort((left, right) => left - right)).toEqual(model.events.map((_, index) => index));
  });

  it("tells faults from trouble, writes and messages", () => {
    const looksOf = (kind: string): ReadonlySet<string> =>
      new Set(model.events.flatMap((event, index) => (event.kind === kind ? [LOOKS[model.looks[index]!]!] : [])));
    expect(["kill", "node-lost", "write", "cast", "scheduled"].map((kind) => [...looksOf(kind)])).toEqual([
      ["fault"],
      ["trouble"],
      ["write"],
      ["message"],
      ["other"],
    ]);
  });

  it("has the objects of each moment, and what a write made of one", () => {
    const writes = model.events.filter(
      ({ kind, subject }) => kind === "write" && subject === "deployments/default/web",
    );
    const [first, second] = writes;
    expect(model.writtenBy(first!)).toMatchObject({ before: undefined, after: { kind: "Deployment" } });
    expect(model.writtenBy(second!)?.before).toBe(model.writtenBy(first!)?.after);
    const subjects = (lamport: number): readonly string[] => model.stateAt(lamport).map(({ subject }) => subject);
    expect(subjects(first!.lamport)).toContain("deployments/default/web");
    expect(subjects(first!.lamport - 1)).not.toContain("deployments/default/web");
  });

  it("goes without objects: then what was told of each makes its phases", () => {
    const { events } = model;
    const alone = new Model(new TraceRecord({ events }));
    const row = alone.view("objects").rows.find(({ key }) => key === "nodes/worker-1");
    expect(row?.phases.map(({ name }) => name)).toEqual(["there", "registered", "lost"]);
    expect(alone.stateAt(Infinity)).toEqual([]);
  });

  it("leads back to the first cause, and to what else an event came of", () => {
    const index = model.events.findIndex(({ kind }) => kind === "pod-evicted");
    const { chain } = model.chainOf(index);
    expect(chain[0]).toBe(index);
    expect(model.events[chain.at(-1)!]).toMatchObject({ kind: "fault", subject: "worker-1" });
    const several = model.events.findIndex((event) => event.detail.includes("also="));
    const { also } = model.chainOf(several);
    expect(also.length).toBeGreaterThan(0);
    for (const [from, to] of also) {
      expect(to).toBe(several);
      expect(model.events[several]!.detail).toContain(nameOf(model.events[from]!));
    }
  });

  it.each([
    ["configmaps/default/mine", false],
    ["configmaps/default/kube-root-ca.crt", true],
    ["leases/kube-system/kube-scheduler", true],
    ["leases/shop/leader", false],
    ["serviceaccounts/shop/default", true],
    ["namespaces/shop", false],
    ["clusterroles/admin", true],
    ["pods/default/web", false],
  ])("%s is the cluster's own: %s", (subject, isOwn) => {
    expect(isQuiet(subject)).toBe(isOwn);
  });
});

/** The history of a run, its end, and what oracles make of them; each is seen red on a run that is bad in just that. */
import { describe, expect, it } from "vitest";
import { differencesOf, endStateOf } from "../../../../../actors/cluster/chaos/end-state.ts";
import { History } from "../../../../../actors/cluster/chaos/history.ts";
import type { Judged, Oracle } from "../../../../../actors/cluster/chaos/oracles.ts";
import {
  always,
  converges,
  eventually,
  never,
  noHotLoop,
  sameEnd,
} from "../../../../../actors/cluster/chaos/oracles.ts";
import { configMaps } from "../../../../../actors/client/resources.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";

const encoder = new TextEncoder();

interface Written {
  readonly name: string;
  readonly text?: string;
  readonly generateName?: string;
  readonly uid?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly deleted?: boolean;
  readonly atMs?: number;
}

/** A run in which these were written, one revision each, a second apart. */
function historyOf(...writes: readonly Written[]): History {
  const history = new History(["web"]);
  history.beganMs = 0;
  for (const [
    index,
    { name, text, generateName, uid, kind = "ConfigMap", namespace = "default", ...more },
  ] of writes.entries()) {
    const metadata = {
      name,
      namespace,
      uid: uid ?? `uid-${index}`,
      creationTimestamp: `2026-01-01T00:00:0${index}Z`,
      ...(generateName === undefined ? {} : { generateName }),
    };
    const object = { kind, apiVersion: "v1", metadata, ...(text === undefined ? {} : { data: { text } }) };
    const key = `/registry/${kind.toLowerCase()}s/${namespace}/${name}`;
    const revision = index + 1;
    const value = encoder.encode(JSON.stringify(object));
    const kv = { key, value, createRevision: revision, modRevision: revision, version: 1, lease: "0" };
    const type = more.deleted === true ? "delete" : "put";
    history.wrote(revision, "inkube:web");
    history.take({ header: { revision } as never, events: [{ type, kv }] }, more.atMs ?? revision * 1_000);
  }
  history.healedMs = 0;
  return history;
}

describe("the end of a run in which pods and nodes have suffered", () => {
  const end = (...objects: readonly object[]): ReturnType<typeof endStateOf> => {
    const history = new History(["web"]);
    history.beganMs = 0;
    for (const [index, object] of objects.entries()) {
      const { kind = "", metadata } = object as KubernetesObject;
      const value = encoder.encode(JSON.stringify({ apiVersion: "v1", ...object }));
      const key = `/registry/${kind.toLowerCase()}s/${metadata?.name}`;
      const revision = index + 1;
      const kv = { key, value, createRevision: revision, modRevision: revision, version: 1, lease: "0" };
      history.take({ header: { revision } as never, events: [{ type: "put", kv }] }, revision);
    }
    return endStateOf(history);
  };
  const pod = (name: string, nodeName: string, status: object = {}, image = "web:1"): object => ({
    kind: "Pod",
    metadata: { name, namespace: "default", uid: `${name} on ${nodeName}` },
    spec: { nodeName, containers: [{ name: "main", image }], volumes: [{ name: "kube-api-access-4xj24" }] },
    status: { phase: "Running", hostIP: nodeName, containerStatuses: [{ ready: true, restartCount: 0 }], ...status },
  });
  const differences = (reference: readonly object[], now: readonly object[]): readonly string[] =>
    differencesOf(end(...reference), end(...now)).map(({ text }) => text);

  it("does not tell where a pod runs, and how often its containers were started", () => {
    const other = JSON.parse(
      JSON.stringify(
        pod("db", "worker-1", {
          containerStatuses: [
            { ready: true, restartCount: 3, lastState: { terminated: {} }, containerID: "inkube://x" },
          ],
        }),
      ).replace("4xj24", "b2fgh"),
    ) as object;
    expect(differences([pod("db", "worker-0")], [other])).toEqual([]);
  });

  it.each<[string, object, string]>([
    ["is not ready", pod("db", "worker-0", { containerStatuses: [{ ready: false, restartCount: 0 }] }), "ready"],
    ["has another image", pod("db", "worker-0", {}, "web:2"), "spec.containers"],
    ["has failed by itself", pod("db", "worker-0", { phase: "Failed", reason: "Error" }), "status.phase"],
  ])("tells that a pod %s", (_what, now, where) => {
    const found = differences([pod("db", "worker-0")], [now]);
    expect(found).toEqual([expect.stringContaining("changed: Pod default/db")]);
    expect(JSON.stringify(found)).toMatch(where);
  });

  it("takes a pod that its node has evicted for one that is not there", () => {
    const evicted = pod("old", "worker-0", { phase: "Failed", reason: "Evicted" });
    expect(differences([pod("db", "worker-0")], [pod("db", "worker-0"), evicted])).toEqual([]);
    expect(differences([pod("old", "worker-0")], [evicted])).toEqual(["missing: Pod default/old"]);
  });

  it("tells of a node what is wanted of it, and not how it is", () => {
    const node = (spec: object, status: object): object => ({
      kind: "Node",
      metadata: { name: "worker-0" },
      spec,
      status,
    });
    const before = node({ podCIDR: "10" }, { conditions: [{ type: "Ready", status: "True" }] });
    const after = node({ podCIDR: "10", taints: [] }, { conditions: [{ type: "Ready", status: "Unknown" }] });
    expect(differences([before], [after])).toEqual([]);
    expect(differences([before], [node({ podCIDR: "10", unschedulable: true }, {})])).toEqual([
      expect.stringContaining("changed: Node worker-0 at spec.unschedulable"),
    ]);
  });
});

describe("the end of a run", () => {
  const differences = (reference: readonly Written[], now: readonly Written[]): readonly string[] =>
    differencesOf(endStateOf(historyOf(...reference)), endStateOf(historyOf(...now))).map(({ text }) => text);

  it("is the same when only what the control plane makes up differs", () => {
    const before: readonly Written[] = [
      { name: "a-xk2p9", generateName: "a-", uid: "one" },
      { name: "b", text: "a-xk2p9" },
      { name: "c", text: "one" },
      { name: "d", text: "2026-01-01T10:00:00Z" },
      { name: "e", text: "see a-xk2p9 there" },
    ];
    const after: readonly Written[] = [
      { name: "d", text: "2026-01-01T11:30:00Z" },
      { name: "a-77777", generateName: "a-", uid: "two" },
      { name: "c", text: "two" },
      { name: "b", text: "a-77777" },
      { name: "e", text: "see a-77777 there" },
    ];
    expect(differences(before, after)).toEqual([]);
  });

  it.each<[string, readonly Written[], readonly string[]]>([
    ["an object too few", [], ["missing: ConfigMap default/a"]],
    ["an object too many", [{ name: "a" }, { name: "b" }], ["extra: ConfigMap default/b"]],
    [
      "one of a generated name too many",
      [{ name: "a" }, { name: "b-1", generateName: "b-" }, { name: "b-2", generateName: "b-" }],
      ["extra: ConfigMap default/b-*", "extra: ConfigMap default/b-*"],
    ],
    [
      "another value",
      [{ name: "a", text: "x" }],
      ['changed: ConfigMap default/a at data: {"text":"x"}, in the reference nothing'],
    ],
    ["a deletion", [{ name: "a" }, { name: "a", deleted: true }], ["missing: ConfigMap default/a"]],
    [
      "nothing but what is the cluster's own",
      [{ name: "a" }, { name: "e", kind: "Event" }, { name: "k", namespace: "kube-system" }],
      [],
    ],
  ])("with %s is told so", (_what, now, told) => {
    expect(differences([{ name: "a" }], now)).toEqual(told);
  });
});

describe("an oracle", () => {
  function judge(oracle: Oracle, run: Partial<Judged> & Pick<Judged, "history">): readonly string[] {
    if ("goal" in oracle) throw new Error("it judges no run");
    const rest = {
      controllers: ["web"],
      end: endStateOf(run.history),
      reference: undefined,
      isQuiet: true,
      restMs: 9_000,
      endMs: 10_000,
    };
    return oracle.judge({ ...rest, ...run }).map(({ text }) => text);
  }

  it("of the end is red for another end, and has nothing to say of the reference itself", () => {
    const reference = endStateOf(historyOf({ name: "a" }));
    expect(judge(sameEnd(), { history: historyOf({ name: "a" }), reference })).toEqual([]);
    expect(judge(sameEnd(), { history: historyOf({ name: "b" }), reference })[0]).toContain(
      "missing: ConfigMap default/a",
    );
    expect(judge(sameEnd(), { history: historyOf({ name: "b" }) })).toEqual([]);
  });

  it("of convergence is red for what does not come to rest", () => {
    const history = historyOf();
    expect(judge(converges(), { history })).toEqual([]);
    expect(judge(converges(), { history, isQuiet: false })).toEqual(["no rest within 10 s after the last fault"]);
  });

  it.each([
    [20, 0],
    [21, 1],
  ])("of hot loops counts %i requests in a second of rest as %i failures", (count, failures) => {
    const history = historyOf();
    const seen = {
      by: "web",
      verb: "list",
      resource: "configmaps",
      namespace: "default",
      name: "",
      code: 200,
      revision: 1,
      cause: "",
    } as const;
    for (let index = 0; index < 100; index++) history.request({ ...seen, atMs: 5_000 });
    for (let index = 0; index < count; index++) history.request({ ...seen, atMs: 9_000 + index });
    expect(judge(noHotLoop(), { history })).toHaveLength(failures);
  });

  it("of what always or never holds names the first revision at which it does not", () => {
    const history = historyOf({ name: "a" }, { name: "b" }, { name: "b", deleted: true });
    const isB = always("b is not there", (state) => state.get(configMaps, "b", "default") === undefined);
    expect(judge(isB, { history })).toEqual([
      "it does not hold at revision 2: ConfigMap default/b was created by inkube:web",
    ]);
    const two = never("two", (state) => state.list(configMaps, "default").length > 1);
    expect(judge(two, { history })[0]).toContain("it is so at revision 2");
    expect(
      judge(
        never("three", (state) => state.list(configMaps).length > 2),
        { history },
      ),
    ).toEqual([]);
    history.beganMs = 2_500;
    expect(judge(isB, { history })).toEqual([]);
  });

  it("of what comes eventually is red when it does not come, comes late, or goes again", () => {
    const isThereInTime = eventually("a", (state) => state.get(configMaps, "a", "default") !== undefined, {
      withinMs: 2_000,
    });
    expect(judge(isThereInTime, { history: historyOf({ name: "a" }) })).toEqual([]);
    expect(judge(isThereInTime, { history: historyOf({ name: "b" }) })).toHaveLength(1);
    expect(judge(isThereInTime, { history: historyOf({ name: "b" }, { name: "b" }, { name: "a" }) })).toHaveLength(1);
    expect(
      judge(isThereInTime, { history: historyOf({ name: "a" }, { name: "b" }, { name: "a", deleted: true }) }),
    ).toHaveLength(1);
  });
});

describe("a history", () => {
  it("knows the state at each revision, who wrote it, and what was there before", () => {
    const history = historyOf({ name: "a", text: "1" }, { name: "a", text: "2" }, { name: "a", deleted: true });
    const textAt = (revision: number): unknown =>
      (
        history.stateAt(revision).get(configMaps, "a", "default") as
          | (KubernetesObject & { data?: { text?: string } })
          | undefined
      )?.data?.text;
    expect([0, 1, 2, 3].map(textAt)).toEqual([undefined, "1", "2", undefined]);
    const last = history.changes.at(-1);
    expect(last).toMatchObject({ type: "deleted", subject: "ConfigMap default/a", by: "inkube:web" });
    expect(last?.object).toMatchObject({ data: { text: "2" } });
  });

  it("takes heartbeats for no activity, and a controller's writes for one, also those that are refused", () => {
    const history = historyOf({ name: "a" }, { name: "n", kind: "Lease", atMs: 5_000 });
    expect(history.lastActivityMs).toBe(1_000);
    const seen = {
      by: "web",
      verb: "update",
      resource: "configmaps",
      namespace: "",
      name: "",
      code: 409,
      revision: 0,
      cause: "",
    } as const;
    history.request({ ...seen, atMs: 6_000 });
    history.request({ ...seen, verb: "get", atMs: 7_000 });
    history.request({ ...seen, by: "another", atMs: 8_000 });
    expect(history.lastActivityMs).toBe(6_000);
  });
});

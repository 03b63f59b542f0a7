/** What a client may rely on of its watches, and what is left of those that are gone: seen red on runs that are bad in that. */
import { describe, expect, it } from "vitest";
import { endStateOf } from "../../../../../actors/cluster/chaos/end-state.ts";
import { History } from "../../../../../actors/cluster/chaos/history.ts";
import { noLeakedObjects } from "../../../../../actors/cluster/chaos/leaks.ts";
import type { Oracle } from "../../../../../actors/cluster/chaos/oracles.ts";
import { sameLives } from "../../../../../actors/cluster/chaos/oracles.ts";
import { watchGuarantees } from "../../../../../actors/cluster/chaos/watch-guarantees.ts";
import type { SeenDelivery } from "../../../../../protocols/api-witness.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";

const encoder = new TextEncoder();
type Metadata = KubernetesObject["metadata"];

/** ConfigMaps as they were written, a revision each; `null`: that name is deleted. */
function historyOf(...writes: readonly (readonly [name: string, metadata: Metadata | null])[]): History {
  const history = new History(["web"]);
  history.beganMs = 0;
  for (const [index, [name, metadata]] of writes.entries()) {
    const revision = index + 1;
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default", ...metadata } };
    const earlier = writes.slice(0, index).findLast(([other]) => other === name)?.[1];
    const version = earlier === undefined || earlier === null ? 1 : 2;
    const value = encoder.encode(JSON.stringify(object));
    const key = `/registry/configmaps/default/${name}`;
    const kv = { key, value, createRevision: revision, modRevision: revision, version, lease: "0" };
    const type = metadata === null ? "delete" : "put";
    history.take({ header: { revision } as never, events: [{ type, kv }] }, revision);
  }
  return history;
}

function judged(oracle: Oracle, history: History, reference = history): readonly string[] {
  if ("goal" in oracle) throw new Error("it judges no run");
  const rest = { controllers: ["web"], isQuiet: true, restMs: 90, endMs: 100 };
  const run = { ...rest, history, end: endStateOf(history), reference: endStateOf(reference) };
  return oracle.judge(run).map(({ text }) => text);
}

const PLACE = { by: "web", resource: "configmaps", namespace: "default" };

describe("a watch", () => {
  const labelled = { labels: { role: "site" } };

  function watching(
    from: number,
    told: readonly (readonly [SeenDelivery["type"], string, number])[],
    bookmark?: readonly [atMs: number, revision: number],
    labelSelector?: string,
  ): readonly string[] {
    const history = historyOf(["a", labelled], ["b", {}], ["a", {}], ["a", labelled], ["b", null]);
    history.watch({ ...PLACE, atMs: 10, watch: "w", name: undefined, labelSelector, fieldSelector: undefined, from });
    for (const [index, [type, name, revision]] of told.entries()) {
      history.delivery({ ...PLACE, atMs: 20 + index, watch: "w", type, name, revision });
    }
    if (bookmark !== undefined) history.bookmark({ atMs: bookmark[0], watch: "w", by: "web", revision: bookmark[1] });
    return judged(watchGuarantees(), history);
  }

  it.each<[string, ...Parameters<typeof watching>]>([
    [
      "all that came",
      1,
      [
        ["ADDED", "b", 2],
        ["MODIFIED", "a", 3],
        ["MODIFIED", "a", 4],
        ["DELETED", "b", 5],
      ],
    ],
    [
      "what is there, in any order, and what came after",
      0,
      [
        ["ADDED", "b", 2],
        ["ADDED", "a", 1],
        ["MODIFIED", "a", 3],
      ],
    ],
    ["nothing yet", 3, []],
    [
      "what is selected as it comes and goes",
      1,
      [
        ["DELETED", "a", 3],
        ["ADDED", "a", 4],
      ],
      undefined,
      "role=site",
    ],
    [
      "a bookmark of what it told",
      1,
      [
        ["ADDED", "b", 2],
        ["MODIFIED", "a", 3],
      ],
      [21, 3],
    ],
  ])("that tells %s holds", (_what, ...given) => {
    expect(watching(...given)).toEqual([]);
  });

  it.each<[string, string, ...Parameters<typeof watching>]>([
    [
      "goes back",
      "MODIFIED a of revision 3 was told after 4",
      1,
      [
        ["ADDED", "b", 2],
        ["MODIFIED", "a", 4],
        ["MODIFIED", "a", 3],
      ],
    ],
    [
      "repeats itself",
      "MODIFIED a of revision 3 was told after 3",
      2,
      [
        ["MODIFIED", "a", 3],
        ["MODIFIED", "a", 3],
      ],
    ],
    ["tells what is older than asked", "ADDED b of revision 2 was told after 3", 3, [["ADDED", "b", 2]]],
    ["leaves one out", "updated at revision 3, was not told, though others up to 4", 2, [["MODIFIED", "a", 4]]],
    ["tells it as something else", "updated at revision 3, was told as ADDED", 2, [["ADDED", "a", 3]]],
    [
      "tells what is not selected",
      "updated at revision 4, was told as MODIFIED",
      3,
      [["MODIFIED", "a", 4]],
      undefined,
      "role=site",
    ],
    [
      "tells what a bookmark is beyond",
      "MODIFIED a of revision 3 was told after the bookmark 3",
      1,
      [
        ["ADDED", "b", 2],
        ["MODIFIED", "a", 3],
      ],
      [20, 3],
    ],
  ])("that %s is found", (_what, text, ...given) => {
    expect(watching(...given)).toEqual([expect.stringContaining(text)]);
  });
});

describe("an object", () => {
  const owner = (uid: string): Metadata => ({
    ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "a", uid }],
  });

  it.each<[string, History, readonly string[]]>([
    ["whose owner is there is no leak", historyOf(["a", { uid: "1" }], ["b", owner("1")]), []],
    [
      "whose owner is gone is one",
      historyOf(["a", { uid: "1" }], ["b", owner("1")], ["a", null]),
      ["ConfigMap default/b belongs to ConfigMap a, which is not there"],
    ],
    [
      "that waits for a finalizer is one",
      historyOf(["a", { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["x/y"] }]),
      ["ConfigMap default/a was deleted, and is kept by x/y"],
    ],
  ])("%s", (_what, history, told) => {
    expect(judged(noLeakedObjects(), history)).toEqual(told);
  });

  it("that was deleted and made anew has lived more than once", () => {
    const once = historyOf(["a", {}]);
    const twice = historyOf(["a", {}], ["a", null], ["a", {}]);
    expect(judged(sameLives(), once, once)).toEqual([]);
    expect(judged(sameLives(), once, twice)).toEqual([]);
    expect(judged(sameLives(), twice, once)[0]).toContain(
      "ConfigMap default/a was created 2 and deleted 1 times, without faults created 1 and deleted 0 times",
    );
  });
});

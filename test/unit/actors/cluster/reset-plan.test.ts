import { describe, expect, it } from "vitest";
import type { Depth, State, Write } from "../../../../actors/cluster/reset-plan.ts";
import { isOfTheStart, planReset, strangers, writesOf } from "../../../../actors/cluster/reset-plan.ts";
import type { KeyValue } from "../../../../protocols/etcd.ts";

const TIME = "2026-01-01T00:00:00Z";
const POD = "/registry/pods/default/p";
const NODE = "/registry/minions/worker-0";
const MAP = "/registry/configmaps/default/m";
const DEPLOYMENT = "/registry/deployments/default/d";

const kv = (key: string, value: unknown, modRevision = 7): KeyValue => ({
  key,
  value: new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)),
  createRevision: 2,
  modRevision,
  version: 1,
  lease: "0",
});
const state = (...kvs: readonly KeyValue[]): State => new Map(kvs.map((one) => [one.key, one]));
const object = (uid: string, more: object = {}, metadata: object = {}): object => ({
  metadata: { uid, ...metadata },
  ...more,
});
const pod = (uid: string, metadata: object = {}, status: object = {}): object =>
  object(uid, { spec: { nodeName: "worker-0" }, status }, metadata);

type Read = readonly [list: string, key: string, seen: number | undefined, value: unknown];

/** Each write by the list that it is in. */
function planned(before: State, now: State, depth: Depth = "everything"): readonly Read[] {
  return Object.entries(planReset(before, now, depth, TIME)).flatMap(([list, writes]) =>
    (writes as readonly Write[]).map(({ key, seen, value }): Read => [
      list,
      key,
      seen,
      value && JSON.parse(new TextDecoder().decode(value)),
    ]),
  );
}

describe("the plan of a reset", () => {
  it("writes nothing where everything is as it was, whatever the revisions are", () => {
    expect(planned(state(kv(MAP, object("a"), 3)), state(kv(MAP, object("a"), 9)))).toEqual([]);
  });

  it("deletes what was not there, puts back what is not there, and changes what differs, each in the state that it saw", () => {
    const before = state(kv(MAP, object("a", { data: { x: "1" } })), kv(`${MAP}2`, object("b")));
    const now = state(kv(MAP, object("a", { data: { x: "2" } }), 11), kv(`${MAP}3`, object("c"), 12));
    expect(planned(before, now)).toEqual([
      ["deletes", `${MAP}3`, 12, undefined],
      ["puts", MAP, 11, object("a", { data: { x: "1" } })],
      ["puts", `${MAP}2`, 0, object("b")],
    ]);
  });

  it("deletes another object of the same name before the old one comes back", () => {
    expect(planned(state(kv(MAP, object("old"))), state(kv(MAP, object("new"))))).toEqual([
      ["deletes", MAP, 7, undefined],
      ["puts", MAP, 0, object("old")],
    ]);
  });

  it("tells the kubelet of a pod that is to go that it has no time, once, and only a kubelet", () => {
    const marked = pod("p", { deletionTimestamp: TIME, deletionGracePeriodSeconds: 0 });
    const end: Read = ["ends", POD, undefined, undefined];
    expect(planned(state(), state(kv(POD, pod("p"))))).toEqual([["marks", POD, 7, marked], end]);
    expect(planned(state(), state(kv(POD, marked)))).toEqual([end]);
    expect(planned(state(), state(kv(POD, object("p", { spec: {} }))))).toEqual([end]);
  });

  it("takes a pod that ends for gone, since no kubelet takes it back, and brings it anew", () => {
    const ending = pod("p", { deletionTimestamp: "2025-01-01T00:00:00Z", deletionGracePeriodSeconds: 30 });
    const marked = pod("p", { deletionTimestamp: "2025-01-01T00:00:00Z", deletionGracePeriodSeconds: 0 });
    expect(planned(state(kv(POD, pod("p"))), state(kv(POD, ending)))).toEqual([
      ["marks", POD, 7, marked],
      ["ends", POD, undefined, undefined],
      ["puts", POD, 0, pod("p")],
    ]);
  });

  it("leaves what a kubelet says of a pod that goes on, and takes back what its user has said", () => {
    const before = pod("p", { labels: { a: "1" } }, { podIP: "127.64.0.1" });
    const now = (label: string): object => pod("p", { labels: { a: label } }, { podIP: "127.64.0.9" });
    expect(planned(state(kv(POD, before)), state(kv(POD, now("1"))))).toEqual([]);
    expect(planned(state(kv(POD, before)), state(kv(POD, now("2"))))).toEqual([["puts", POD, 7, now("1")]]);
  });

  it("takes labels, marks and taints off a node, and leaves its status and the taints that tell of its state", () => {
    const taint = (key: string): object => ({ key, effect: "NoSchedule" });
    const node = (uid: string, labels: object, taints: readonly object[], status: string): object =>
      object(uid, { spec: { taints }, status: { status } }, { labels });
    const before = node("n", {}, [taint("node.kubernetes.io/not-ready"), taint("kept")], "old");
    const now = node("n", { mine: "1" }, [taint("node.kubernetes.io/unreachable"), taint("mine")], "new");
    const wanted = node("n", {}, [taint("kept"), taint("node.kubernetes.io/unreachable")], "new");
    expect(planned(state(kv(NODE, before)), state(kv(NODE, now)))).toEqual([["puts", NODE, 7, wanted]]);
  });

  it.each([
    ["nodes that have joined or left", [kv(NODE, object("a"))], [kv("/registry/minions/worker-1", object("b"))]],
    [
      "who leads and who lives",
      [kv("/registry/leases/kube-system/kube-scheduler", object("a", { spec: { holderIdentity: "scheduler-0" } }))],
      [
        kv("/registry/leases/kube-system/kube-scheduler", object("a", { spec: { holderIdentity: "scheduler-1" } })),
        kv("/registry/leases/kube-node-lease/worker-0", object("b")),
      ],
    ],
    ["keys that are no objects of the API", [], [kv("compact_rev_key", "5")]],
    ["events that have expired", [kv("/registry/events/default/e", object("e"))], []],
  ])("leaves alone: %s", (_what, before, now) => {
    expect(planned(state(...before), state(...now))).toEqual([]);
  });

  it("restores a status once, and leaves it to its controller from then on", () => {
    const before = object("d", { spec: { replicas: 2 }, status: { readyReplicas: 2 } });
    const at = (replicas: number): State =>
      state(kv(DEPLOYMENT, object("d", { status: { readyReplicas: 0 }, spec: { replicas } }, { managedFields: [] })));
    const put: Read = ["puts", DEPLOYMENT, 7, before];
    expect(planned(state(kv(DEPLOYMENT, before)), at(2))).toEqual([put]);
    expect(planned(state(kv(DEPLOYMENT, before)), at(2), "identity")).toEqual([]);
    expect(planned(state(kv(DEPLOYMENT, before)), at(3), "identity")).toEqual([put]);
  });

  it("deletes new events once: they are written long after what they tell of", () => {
    const now = state(kv("/registry/events/default/e", object("e")));
    expect(planned(state(), now)).toHaveLength(1);
    expect(planned(state(), now, "identity")).toEqual([]);
  });

  it("reads no address of a Service as an object", () => {
    const key = "/registry/ranges/serviceips/127.128.0.9";
    const plan = planReset(state(kv(key, "a")), state(kv(key, "b")), "identity", TIME);
    expect(writesOf(plan)).toEqual([{ key, seen: 7, value: new TextEncoder().encode("a") }]);
    expect(writesOf(planReset(state(), state(kv(key, "x")), "identity", TIME))).toEqual([{ key, seen: 7 }]);
  });
});

describe("an object that came after the start", () => {
  const by = (manager: string, labels: object = {}): object =>
    object("u", {}, { labels, managedFields: [{ manager }] });
  it.each([
    ["of an API server", kv("/registry/clusterroles/view", by("kube-apiserver")), true],
    [
      "of a user, of which an API server tells how it is",
      kv("/registry/apiextensions.k8s.io/customresourcedefinitions/sites.example.com", {
        metadata: { managedFields: [{ manager: "kubectl" }, { manager: "kube-apiserver", subresource: "status" }] },
      }),
      false,
    ],
    ["of a user", kv("/registry/clusterroles/mine", by("kubectl")), false],
    [
      "by which a user's definition is served",
      kv(
        "/registry/apiregistration.k8s.io/apiservices/v1.x",
        by("kube-apiserver", { "kube-aggregator.kubernetes.io/automanaged": "true" }),
      ),
      false,
    ],
    [
      "that every namespace has, in one of the start's",
      kv("/registry/serviceaccounts/default/default", object("u")),
      true,
    ],
    ["that every namespace has, in a user's", kv("/registry/configmaps/mine/kube-root-ca.crt", object("u")), false],
    ["that takes the API's address", kv("/registry/ranges/serviceips/127.128.0.1", "x"), true],
    ["that takes another address", kv("/registry/ranges/serviceips/127.128.0.11", "x"), false],
  ])("%s is the start's or not", (_what, found, is) => {
    expect(strangers(state(), state(found))).toEqual([found]);
    expect(isOfTheStart(found, "127.128.0.1")).toBe(is);
  });
});

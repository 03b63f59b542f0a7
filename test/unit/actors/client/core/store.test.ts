import { expect, it } from "vitest";
import { keyOf, ObjectStore, splitKey } from "../../../../../actors/client/core/store.ts";
import type { Pod } from "../../../../../protocols/kubernetes/types/core-v1.ts";

function pod(name: string, version: string, node?: string): Pod {
  return {
    metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: version },
    spec: { containers: [], ...(node === undefined ? {} : { nodeName: node }) },
  };
}

it("tells of an addition, a modification and a deletion, and not of a version that it has", () => {
  const store = new ObjectStore<Pod>();
  expect(store.put(pod("a", "1"))?.type).toBe("added");
  expect(store.put(pod("a", "1"))).toBeUndefined();
  const change = store.put(pod("a", "2"), "etcd-0#7");
  expect(change).toMatchObject({
    type: "modified",
    previous: { metadata: { resourceVersion: "1" } },
    cause: "etcd-0#7",
  });
  expect(store.remove(pod("a", "3"))?.type).toBe("deleted");
  expect(store.remove(pod("a", "3"))).toBeUndefined();
  expect(store.size).toBe(0);
});

it("keeps indexes true when an object moves from one value to another", () => {
  const store = new ObjectStore<Pod>();
  store.put(pod("a", "1"));
  store.addIndex("node", (object) => [object.spec?.nodeName ?? ""]);
  store.put(pod("b", "2", "n1"));
  store.put(pod("a", "3", "n1"));
  expect(store.byIndex("node", "").length).toBe(0);
  expect(store.byIndex("node", "n1").map((object) => object.metadata?.name)).toEqual(["b", "a"]);
  store.remove(pod("b", "4"));
  expect(store.byIndex("node", "n1").map(keyOf)).toEqual(["default/a"]);
});

it("answers a relist with the difference only", () => {
  const store = new ObjectStore<Pod>();
  store.put(pod("gone", "1"));
  store.put(pod("same", "2"));
  store.put(pod("changed", "3"));
  const changes = store.replace([pod("same", "2"), pod("changed", "5"), pod("new", "6")]);
  expect(changes.map((change) => [change.type, change.object.metadata?.name])).toEqual([
    ["deleted", "gone"],
    ["modified", "changed"],
    ["added", "new"],
  ]);
});

it("splits a key into what it was made of", () => {
  expect(splitKey("default/web")).toEqual({ namespace: "default", name: "web" });
  expect(splitKey("worker-0")).toEqual({ namespace: "", name: "worker-0" });
});

import { expect, it } from "vitest";
import { Expectations, EXPECTATIONS_TIMEOUT_MS } from "../../../../../actors/controller-manager/core/expectations.ts";
import type { Presence, Verdict } from "../../../../../actors/controller-manager/core/ownership.ts";
import { judge, OwnershipGraph } from "../../../../../actors/controller-manager/core/ownership.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";

function object(uid: string, owners: readonly string[] = [], more: object = {}): KubernetesObject {
  const ownerReferences = owners.map((owner) => ({ apiVersion: "v1", kind: "X", name: owner, uid: owner }));
  return { metadata: { name: uid, uid, ownerReferences, ...more } };
}

it.each<[string, KubernetesObject, readonly Presence[], boolean, Verdict]>([
  ["without owners stays", object("a"), [], false, { do: "nothing" }],
  ["with a present owner stays", object("a", ["o"]), ["solid"], false, { do: "nothing" }],
  ["whose last owner is gone goes", object("a", ["o"]), ["absent"], false, { do: "delete", policy: "Background" }],
  [
    "with a finalizer to orphan goes so",
    object("a", ["o"], { finalizers: ["orphan"] }),
    ["absent"],
    true,
    { do: "delete", policy: "Orphan" },
  ],
  [
    "of an owner that waits, with dependents, goes in the foreground",
    object("a", ["o"]),
    ["waiting"],
    true,
    { do: "delete", policy: "Foreground" },
  ],
  [
    "of an owner that waits, without dependents, just goes",
    object("a", ["o"]),
    ["waiting"],
    false,
    { do: "delete", policy: "Background" },
  ],
  [
    "that is being deleted is left alone",
    object("a", ["o"], { deletionTimestamp: "t" }),
    ["absent"],
    false,
    { do: "nothing" },
  ],
])("judges that what is %s", (_name, given, presences, hasDependents, verdict) => {
  expect(judge(given, presences, hasDependents)).toEqual(verdict);
});

it("drops only the owners that are gone while another is there", () => {
  const verdict = judge(object("a", ["o", "p"]), ["absent", "solid"], false);
  expect(verdict).toMatchObject({ do: "keep-owners", owners: [{ uid: "p" }] });
});

it("knows the dependents of an owner, also of one that it has not seen or sees no more", () => {
  const graph = new OwnershipGraph<string>();
  graph.put("pods", object("a", ["o"]));
  graph.put("pods", object("b", ["o"]));
  const uids = (): readonly (string | undefined)[] => graph.dependentsOf("o").map((item) => item.object.metadata?.uid);
  expect(uids()).toEqual(["a", "b"]);
  graph.put("sets", object("o"));
  graph.remove("o");
  expect([graph.isGone("o"), graph.get("o")]).toEqual([true, undefined]);
  expect(uids()).toEqual(["a", "b"]);
  graph.put("pods", object("a", ["p"]));
  graph.remove("b");
  expect(uids()).toEqual([]);
});

it("waits for what was asked for, but not for ever", () => {
  const expectations = new Expectations();
  expect(expectations.fulfilled("k", 0)).toBe(true);
  expectations.expectCreations("k", 2, 0);
  expectations.created("k");
  expect(expectations.fulfilled("k", 1)).toBe(false);
  expect(expectations.fulfilled("k", EXPECTATIONS_TIMEOUT_MS + 1)).toBe(true);
  expectations.created("k");
  expect(expectations.fulfilled("k", 1)).toBe(true);
  expectations.expectDeletions("k", ["a", "b"], 2);
  expectations.deleted("k", "a");
  expectations.deleted("k", "a");
  expect(expectations.fulfilled("k", 3)).toBe(false);
  expectations.deleted("k", "b");
  expect(expectations.fulfilled("k", 3)).toBe(true);
});

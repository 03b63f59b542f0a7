import { expect, it } from "vitest";
import {
  newRevision,
  planHistory,
  planTruncation,
  REVISION_LABEL,
  templateOf,
  templatePatch,
} from "../../../../../actors/controller-manager/core/controller-revisions.ts";
import type { ControllerRevision, DaemonSet } from "../../../../../protocols/kubernetes/types/apps-v1.ts";

const style = { kind: "DaemonSet", hashLabel: REVISION_LABEL } as const;

function set(image: string): DaemonSet {
  return {
    metadata: { name: "agent", namespace: "n", uid: "u", annotations: { "kubernetes.io/change-cause": image } },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: { metadata: { labels: { app: "agent" } }, spec: { containers: [{ name: "c", image }] } },
    },
  };
}

function revision(image: string, number: number, name: string = `agent-${image}`): ControllerRevision {
  return { metadata: { name }, data: templatePatch(set(image).spec?.template), revision: number };
}

it("keeps the template as a patch that replaces it, with sorted keys, as kubectl makes one", () => {
  expect(JSON.stringify(newRevision(style, set("a"), 1, 0).data)).toBe(
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"agent"}},"spec":{"containers":[{"image":"a","name":"c"}]}}}}',
  );
  expect(templateOf(newRevision(style, set("a"), 1, 0))).toEqual(set("a").spec?.template);
});

it("names a revision by its owner and its hash, labels it as its pods, and tells why it came to be", () => {
  const { metadata } = newRevision(style, set("a"), 3, 0);
  const hash = metadata?.labels?.[REVISION_LABEL] ?? "";
  expect(metadata).toMatchObject({
    name: `agent-${hash}`,
    namespace: "n",
    labels: { app: "agent" },
    annotations: { "kubernetes.io/change-cause": "a" },
    ownerReferences: [{ kind: "DaemonSet", uid: "u", controller: true }],
  });
  expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]+$/);
});

it("gives one template one name, and another after a collision", () => {
  const names = [0, 0, 1].map((collisions) => newRevision(style, set("a"), 1, collisions).metadata?.name);
  expect(names[0]).toBe(names[1]);
  expect(names[0]).not.toBe(names[2]);
  expect(newRevision(style, set("b"), 1, 0).metadata?.name).not.toBe(names[0]);
});

it("cuts a long name so that the revision's is no longer than names may be", () => {
  const long = { ...set("a"), metadata: { name: "x".repeat(253), namespace: "n", uid: "u" } };
  expect(newRevision(style, long, 1, 0).metadata?.name?.length).toBeLessThanOrEqual(253);
});

it.each([
  ["the first", [], undefined, 1],
  ["the newest again", [revision("b", 1), revision("a", 2)], "agent-a", 2],
  ["an old one again, which becomes the newest", [revision("a", 1), revision("b", 2)], "agent-a", 3],
  ["a new one", [revision("c", 4), revision("b", 2)], undefined, 5],
  ["the newer of two that are equal", [revision("a", 1, "one"), revision("a", 2, "two")], "two", 2],
] as const)("finds what the owner is now: %s", (_what, revisions, update, number) => {
  const plan = planHistory(set("a"), revisions);
  expect([plan.update?.metadata?.name, plan.revision]).toEqual([update, number]);
  expect(plan.others).toHaveLength(revisions.length - (update === undefined ? 0 : 1));
});

it("lets the oldest go that nobody needs, down to the limit", () => {
  const revisions = [1, 2, 3, 4].map((number) => revision("a", number, String(number)));
  const dead = (limit: number): readonly (string | undefined)[] =>
    planTruncation(revisions, ({ metadata }) => metadata?.name === "1", limit).map(({ metadata }) => metadata?.name);
  expect(dead(1)).toEqual(["2", "3"]);
  expect(dead(0)).toEqual(["2", "3", "4"]);
  expect(dead(10)).toEqual([]);
  expect(dead(-1)).toEqual([]);
});

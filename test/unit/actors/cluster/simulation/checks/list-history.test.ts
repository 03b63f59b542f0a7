import { describe, expect, it } from "vitest";
import { checkFinalizers } from "../../../../../../actors/cluster/simulation/checks/finalizers.ts";
import type { List } from "../../../../../../actors/cluster/simulation/checks/list-history.ts";
import { checkList } from "../../../../../../actors/cluster/simulation/checks/list-history.ts";
import { Replay } from "../../../../../../actors/cluster/simulation/checks/replay.ts";
import type { KubernetesObject } from "../../../../../../protocols/api-server.ts";
import { deleted, logOf, put, text } from "./events.ts";

const replay = new Replay(logOf([put("/a/1", "", 2), put("/a/2", "", 3), put("/a/1", "", 4), deleted("/a/2", 5)]));

function list(fields: Partial<List>): () => void {
  const whole = { client: "c", server: "s", asked: "as it is", floor: 0, revisions: [4], ...fields };
  const items =
    fields.items ??
    ([
      ["/a/1", 4],
      ["/a/2", 3],
    ] as const);
  return () => checkList({ ...whole, items }, "/a/", replay);
}

describe("what a list told", () => {
  it("holds when it is what was there", () => {
    expect(list({})).not.toThrow();
    expect(list({ floor: 4, exact: 4, revisions: [4, 4] })).not.toThrow();
    expect(list({ revisions: [5], items: [["/a/1", 4]] })).not.toThrow();
  });

  it("does not bear one that is older than asked, or of another revision than asked", () => {
    expect(list({ floor: 5 })).toThrow("of revision 4, is older than 5");
    expect(list({ exact: 3 })).toThrow("is not of revision 3");
    expect(list({ revisions: [6] })).toThrow("of a revision that there is not");
  });

  it("does not bear pages of several revisions", () => {
    expect(list({ revisions: [4, 5] })).toThrow("has a page of revision 5");
  });

  it("does not bear what is left out, old, made up, doubled or out of order", () => {
    expect(list({ items: [["/a/1", 4]] })).toThrow("revision none of /a/2, where 3 was");
    expect(
      list({
        items: [
          ["/a/1", 2],
          ["/a/2", 3],
        ],
      }),
    ).toThrow("revision 2 of /a/1, where 4 was");
    expect(
      list({
        items: [
          ["/a/1", 4],
          ["/a/2", 3],
          ["/a/3", 1],
        ],
      }),
    ).toThrow("/a/3, which nobody wrote");
    expect(
      list({
        items: [
          ["/a/1", 4],
          ["/a/1", 4],
          ["/a/2", 3],
        ],
      }),
    ).toThrow("has /a/1 after /a/1");
    expect(
      list({
        items: [
          ["/a/2", 3],
          ["/a/1", 4],
        ],
      }),
    ).toThrow("has /a/1 after /a/2");
  });
});

describe("what holds an object", () => {
  const object = (finalizers: readonly string[], isDeleted: boolean): string =>
    JSON.stringify({ metadata: { finalizers, ...(isDeleted ? { deletionTimestamp: "now" } : {}) } });
  const check = (last: string) => (): void =>
    checkFinalizers(
      "/a/",
      new Replay(logOf([put("/a/1", last, 2), deleted("/a/1", 3)])),
      (value) => JSON.parse(text(value)) as KubernetesObject,
    );

  it("lets it go one after the other, and nothing goes that is held", () => {
    expect(check(object([], false))).not.toThrow();
    expect(check(object(["x"], true))).not.toThrow();
    expect(check(object(["x"], false))).toThrow("deletes /a/1, which x still held");
    expect(check(object(["x", "y"], true))).toThrow("deletes /a/1, which x and y still held");
  });
});

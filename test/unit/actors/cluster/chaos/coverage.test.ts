/** What counts as something new: another operation, another state that the controller knew of, another fault before it. */
import { expect, it } from "vitest";
import { seenIn } from "../../../../../actors/cluster/chaos/coverage.ts";
import { History } from "../../../../../actors/cluster/chaos/history.ts";

const encoder = new TextEncoder();

class Run {
  readonly history = new History(["web"]);
  private revision = 0;
  private atMs = 0;

  constructor() {
    this.history.beganMs = 0;
  }

  told(
    name: string,
    text: string,
    options: { readonly uid?: string; readonly type?: "MODIFIED" | "DELETED" } = {},
  ): this {
    const { uid = "u", type = "MODIFIED" } = options;
    const metadata = { name, namespace: "default", uid, creationTimestamp: `2026-01-01T00:00:0${this.revision}Z` };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { text } };
    const [revision, atMs] = [++this.revision, ++this.atMs];
    const value = encoder.encode(JSON.stringify(object));
    const key = `/registry/configmaps/default/${name}`;
    const kv = { key, value, createRevision: 1, modRevision: revision, version: 2, lease: "0" };
    this.history.take({ header: { revision } as never, events: [{ type: "put", kv }] }, atMs);
    const place = { resource: "configmaps", namespace: "default", name };
    this.history.delivery({ atMs, watch: "w", by: "web", type, revision, ...place });
    return this;
  }

  asks(name = "page", code = 200): this {
    const place = { resource: "configmaps", namespace: "default", name };
    this.history.request({ atMs: ++this.atMs, by: "web", verb: "update", code, revision: 0, cause: "", ...place });
    return this;
  }

  struck(kind: string): this {
    this.history.struck.push({ atMs: ++this.atMs, fault: "f", kind, what: "" });
    return this;
  }

  get seen(): readonly number[] {
    return seenIn(this.history);
  }
}

const run = (): Run => new Run();
const BASE = run().told("a", "1").told("b", "1").asks().seen;

it.each<[string, Run]>([
  ["in which order it was told", run().told("b", "1").told("a", "1").asks()],
  ["what it was told before", run().told("a", "0").told("b", "1").told("a", "1").asks()],
  ["uids and times", run().told("b", "1", { uid: "v" }).told("a", "1", { uid: "w" }).asks()],
  ["the same once more", run().told("a", "1").told("b", "1").asks().asks()],
])("nothing new: %s", (_what, { seen }) => {
  expect(seen).toEqual(BASE);
});

it.each<[string, Run]>([
  ["another state of an object", run().told("a", "2").told("b", "1").asks()],
  ["an object that is gone", run().told("a", "1").told("b", "1", { type: "DELETED" }).asks()],
  ["one that it was not told of", run().told("a", "1").asks()],
  ["another object that it writes", run().told("a", "1").told("b", "1").asks("else")],
  ["another answer", run().told("a", "1").told("b", "1").asks("page", 409)],
  ["a fault before it", run().told("a", "1").told("b", "1").struck("watch-drop").asks()],
])("new: %s", (_what, { seen }) => {
  expect(seen).toHaveLength(1);
  expect(seen).not.toEqual(BASE);
});

it("names that the API server makes up are one", () => {
  const seen = run().told("a", "1").asks("a-page-x2b4c").asks("a-page-zzzzz").seen;
  expect(seen).toHaveLength(1);
});

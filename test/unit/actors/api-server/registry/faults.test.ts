/** A throw over somebody's data is the answer to that request, at both doors, and the server lives on. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { ResourceCache } from "../../../../../actors/api-server/core/cache/resource-cache.ts";
import { podRules } from "../../../../../actors/api-server/core/kinds/core/pod.ts";
import { isTransient } from "../../../../../actors/client/core/transient.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import { statusOf } from "../../../../../protocols/api-server.ts";
import { findResource } from "../../../../../protocols/kubernetes/resources.ts";
import { serversOfTests } from "../harness/test-server.ts";

const start = serversOfTests();
const pods = { group: "", version: "v1", resource: "pods", namespace: "default" };
const pod = { metadata: { name: "p" }, spec: { containers: [{ name: "a", image: "i" }] } } as KubernetesObject;
const fault = (): never => {
  throw new TypeError("a table of ours has a hole");
};

afterEach(() => void vi.restoreAllMocks());

describe("a fault of the server over a request's data", () => {
  it("is answered with 500, which no client carries to the next server", async () => {
    const { request } = await start();
    vi.spyOn(podRules as { prepareCreate: () => unknown }, "prepareCreate").mockImplementationOnce(fault);
    const error = await request({ verb: "create", target: pods, object: pod }).catch((thrown: unknown) => thrown);
    expect(statusOf(error)).toMatchObject({
      code: 500,
      reason: "InternalError",
      message: "Internal error occurred: a table of ours has a hole",
    });
    expect(isTransient(error)).toBe(false);
    expect(await request({ verb: "create", target: pods, object: pod })).toMatchObject({ kind: "Pod" });
  });
});

describe("a change that can't be told to one watcher", () => {
  it("ends that watch, and is told to the others", () => {
    const info = findResource("", "v1", "pods");
    if (info === undefined) throw new Error("no pods");
    const cache = new ResourceCache(info, undefined, {
      historyMax: 10,
      historyMin: 1,
      historyAgeMs: 1_000,
      historyBytes: 100_000,
    });
    const told: string[] = [];
    const selection = { everything: true, exact: new Map(), matches: () => true };
    for (const name of ["first", "odd", "last"]) {
      cache.watchers.add({
        namespace: undefined,
        selection,
        deliver: () => (name === "odd" ? fault() : void told.push(name)),
        expire: () => undefined,
        fail: (error) => void told.push(`${name} failed: ${(error as Error).message}`),
      });
    }
    cache.put("default/p", 2, new TextEncoder().encode(JSON.stringify(pod)), undefined, 0);
    expect(told).toEqual(["first", "odd failed: a table of ours has a hole", "last"]);
  });
});

import { afterEach, describe, expect, it, vi } from "vitest";
import { headOf, StoredObject, encodeStored } from "../../../../actors/api-server/core/cache/stored-object.ts";
import { ServedObjects } from "../../../../actors/api-server/served-objects.ts";
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import { PreEncoded, PreEncoder } from "../../../../runtime/pre-encoded.ts";
import { catalog } from "./harness/catalog.ts";
import type { TestServer } from "./harness/test-server.ts";
import { serversOfTests } from "./harness/test-server.ts";

const encode = vi.spyOn(PreEncoder.prototype, "encode");
const started = serversOfTests();
afterEach(() => void encode.mockClear());

const target = { group: "", version: "v1", resource: "configmaps", namespace: "default" };
const create = (server: TestServer, name: string): Promise<KubernetesObject> =>
  server.request({ verb: "create", target, object: { metadata: { name } } });
const encodedNames = (): (string | undefined)[] =>
  encode.mock.calls.map(([value]) => (value as KubernetesObject).metadata?.name);

describe("what several actors read", () => {
  it("is encoded once for all who watch, at each revision, and each gets an object of its own", async () => {
    const server = await started();
    const watches = [1, 2, 3].map(() => server.watch({ target }));
    await Promise.all(watches.map((watch) => watch.until(1)));
    await create(server, "a");
    const patch = { metadata: { labels: { step: "2" } } };
    const patchType = "application/merge-patch+json";
    await server.request({ verb: "patch", target: { ...target, name: "a" }, patchType, patch });
    await server.request({ verb: "delete", target: { ...target, name: "a" } });
    const seen = await Promise.all(watches.map(async (watch) => (await watch.until(4)).slice(1)));
    expect(encodedNames()).toEqual(["a", "a", "a"]);
    const [first] = seen;
    expect(first?.map(({ type }) => type)).toEqual(["ADDED", "MODIFIED", "DELETED"]);
    expect(new Set(first?.map(({ object }) => object.metadata?.resourceVersion)).size).toBe(3);
    for (const events of seen) expect(events).toEqual(first);
    expect(new Set(seen.flat().map(({ object }) => object)).size).toBe(9);
  });

  it("is not encoded before it goes to a link while one actor reads it", async () => {
    const server = await started();
    const watch = server.watch({ target });
    await watch.until(1);
    await create(server, "a");
    await watch.until(2);
    expect(encode).not.toHaveBeenCalled();
  });

  it("is encoded once for all lists, from the second on", async () => {
    const server = await started();
    for (const name of ["a", "b"]) await create(server, name);
    const lists = [];
    for (let reader = 1; reader <= 4; reader++) {
      lists.push(await server.request({ verb: "list", target }));
      expect(encodedNames()).toEqual(reader === 1 ? [] : ["a", "b"]);
    }
    for (const list of lists) expect(list).toEqual(lists[0]);
  });

  it("is told in the version of the reader", async () => {
    const server = await started();
    const events = { group: "events.k8s.io", version: "v1", resource: "events", namespace: "default" };
    const note = { metadata: { name: "e" }, eventTime: "2026-01-01T00:00:00.000000Z", note: "hello" };
    const required = { reason: "R", action: "A", type: "Normal", reportingController: "c", reportingInstance: "i" };
    const watches = [events, events, { ...events, group: "" }, { ...events, group: "" }].map((each) =>
      server.watch({ target: each }),
    );
    await Promise.all(watches.map((watch) => watch.until(1)));
    await server.request({ verb: "create", target: events, object: { ...note, ...required } as KubernetesObject });
    const objects = await Promise.all(watches.map(async (watch) => (await watch.until(2))[1]?.object));
    expect(objects.map((object) => object?.apiVersion)).toEqual(["events.k8s.io/v1", "events.k8s.io/v1", "v1", "v1"]);
    expect(objects.map((object) => (object as { note?: string; message?: string }).note)).toEqual([
      ...["hello", "hello"],
      ...[undefined, undefined],
    ]);
    expect(encode).toHaveBeenCalledTimes(1);
  });
});

describe("the form that is shared", () => {
  const maps = catalog.served(target);
  const head = headOf(maps.info);
  const stored = (): StoredObject =>
    new StoredObject(head, "default/a", 7, encodeStored(head, { metadata: { name: "a", namespace: "default" } }));

  it("is kept while it is read once in a period, and then let go of", () => {
    const served = new ServedObjects();
    const object = stored();
    expect(served.forReader(maps, object)).toBe(object.object);
    const shared = served.forReader(maps, object);
    expect(shared).toBeInstanceOf(PreEncoded);
    for (let period = 0; period < 3; period++) {
      served.age();
      expect(served.forReader(maps, object)).toBe(shared);
    }
    served.age();
    served.age();
    expect(served.forReader(maps, object)).not.toBe(shared);
    expect(encode).toHaveBeenCalledTimes(2);
  });
});

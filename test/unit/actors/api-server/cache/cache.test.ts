import fc from "fast-check";
import { podRules } from "../../../../../actors/api-server/core/kinds/core/pod.ts";
import type { Fields } from "../../../../../actors/api-server/core/kinds/rules.ts";
import { textOf } from "../../../../../protocols/kept-bytes.ts";
import { describe, expect, it } from "vitest";
import { decodeContinue, encodeContinue } from "../../../../../actors/api-server/core/cache/continue-token.ts";
import { encodeList } from "../../../../../actors/api-server/core/cache/encode-list.ts";
import { EventHistory } from "../../../../../actors/api-server/core/cache/event-history.ts";
import { listPage } from "../../../../../actors/api-server/core/cache/list.ts";
import type { CacheWatcher, ChangeType } from "../../../../../actors/api-server/core/cache/resource-cache.ts";
import { ResourceCache } from "../../../../../actors/api-server/core/cache/resource-cache.ts";
import { SortedKeys } from "../../../../../actors/api-server/core/cache/sorted-keys.ts";
import {
  encodeStored,
  headOf,
  StoredObject,
  writtenOf,
} from "../../../../../actors/api-server/core/cache/stored-object.ts";
import type { Selection } from "../../../../../actors/api-server/core/machinery/selectors.ts";
import { compileSelection } from "../../../../../actors/api-server/core/machinery/selectors.ts";
import type { KubernetesObject } from "../../../../../protocols/api-server.ts";
import type { ResourceInfo } from "../../../../../protocols/kubernetes/resources.ts";
import { findResource } from "../../../../../protocols/kubernetes/resources.ts";

const pods = findResource("", "v1", "pods") as ResourceInfo;
const head = headOf(pods);
const LIMITS = { historyMin: 4, historyMax: 8, historyAgeMs: 1_000, historyBytes: 1_000_000 };

const BOUNDS = { min: 2, minBytes: 2_000, max: 4, ageMs: 100, bytes: 100 };

function pod(name: string, node?: string, labels?: Record<string, string>): KubernetesObject {
  const metadata = { name, namespace: "default", ...(labels === undefined ? {} : { labels }) };
  return { metadata, spec: node === undefined ? {} : { nodeName: node } } as KubernetesObject;
}

function value(object: KubernetesObject): Uint8Array {
  return encodeStored(head, object);
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

it("a cache that is filled anew forgets what it had been told to expect", () => {
  const cache = new ResourceCache(pods, undefined, LIMITS);
  cache.expect(new StoredObject(head, "default/a", 5, value(pod("a"))));
  expect(cache.newest("default/a")?.revision).toBe(5);
  cache.reset(9);
  expect(cache.newest("default/a")).toBeUndefined();
});

class Recorder implements CacheWatcher {
  readonly namespace: string | undefined;
  readonly selection: Selection;
  readonly seen: [ChangeType, string, number][] = [];
  expired = false;

  constructor(labels?: string, fields?: string, namespace?: string) {
    this.selection = compileSelection(pods, labels, fields);
    this.namespace = namespace;
  }

  deliver(type: ChangeType, stored: StoredObject): void {
    this.seen.push([type, stored.key, Number(stored.object.metadata?.resourceVersion)]);
  }

  fail(error: unknown): void {
    throw error;
  }

  expire(): void {
    this.expired = true;
  }
}

describe("a stored object", () => {
  it("gets its resourceVersion without being parsed, wherever the bytes came from", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.string()),
        fc.integer({ min: 1, max: 1e9 }),
        (annotations, revision) => {
          const object = { metadata: { name: "a", annotations }, spec: { x: "é\u{1f600}" } } as KubernetesObject;
          const stored = new StoredObject(head, "default/a", revision, value(object));
          expect(JSON.parse(textOf(stored.json))).toEqual(stored.object);
          expect(stored.object.metadata?.resourceVersion).toBe(String(revision));
          const foreign = new TextEncoder().encode(JSON.stringify({ ...object, apiVersion: "v1", kind: "Pod" }));
          const other = new StoredObject(head, "default/a", revision, foreign);
          expect(JSON.parse(textOf(other.json))).toEqual(stored.object);
        },
      ),
    );
  });

  it("keeps what belongs to a revision out of the store", () => {
    const object = { metadata: { name: "a", resourceVersion: "5", selfLink: "/a" } } as KubernetesObject;
    expect(text(value(object))).toBe('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}');
  });
});

describe("the parsed form of an object", () => {
  const shared = (cache: ResourceCache): KubernetesObject => cache.get("default/p")!.object;

  it("is shared by its readers, and let go of when nobody has read it for a period", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    cache.put("default/p", 2, value(pod("p")), undefined, 0);
    const first = shared(cache);
    cache.age(0);
    expect(shared(cache)).toBe(first);
    cache.age(0);
    cache.age(0);
    expect(shared(cache)).not.toBe(first);
    expect(shared(cache)).toEqual(first);
  });
});

describe("an encoded list", () => {
  it.each([0, 1, 3])("of %i items is the JSON of the list", (count) => {
    const items = Array.from({ length: count }, (_each, index) => {
      const name = `p${index}`;
      return new StoredObject(head, `default/${name}`, 7, value(pod(name)));
    });
    const list = JSON.parse(text(encodeList("PodList", "v1", { resourceVersion: "9" }, items).bytes)) as object;
    const bare = items.map((item) => {
      const { kind: _kind, apiVersion: _version, ...rest } = item.object;
      return rest;
    });
    expect(list).toEqual({ kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "9" }, items: bare });
  });
});

describe("sorted keys", () => {
  it("are the set's keys in order, whatever came and went", () => {
    const key = fc.constantFrom("a/x", "a-b/x", "a/y", "b/a", "a.b/z", "b/b");
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("add", "remove", "read"), key)), (steps) => {
        const keys = new SortedKeys();
        const model = new Set<string>();
        for (const [step, each] of steps) {
          if (step === "add" && !model.has(each)) {
            keys.add(each);
            model.add(each);
          } else if (step === "remove" && model.delete(each)) keys.remove(each);
          else if (step === "read") expect(keys.all()).toEqual([...model].sort());
        }
        expect(keys.all()).toEqual([...model].sort());
      }),
    );
  });
});

describe("the history", () => {
  it("forgets what has become too old also while nothing changes, but for the least that it keeps", () => {
    const history = new EventHistory<{ revision: number; atMs: number; sizeBytes: number }>(BOUNDS);
    for (let i = 1; i <= 4; i++) history.push({ revision: i, atMs: i, sizeBytes: 10 });
    history.age(102);
    expect([history.size, history.sizeBytes, history.floorRevision]).toEqual([3, 30, 1]);
    history.age(10_000);
    expect([history.size, history.sizeBytes, history.floorRevision]).toEqual([2, 20, 2]);
  });

  it("forgets by number and by age, but never below its least, and knows from where on it is complete", () => {
    const history = new EventHistory<{ revision: number; atMs: number; sizeBytes: number }>(BOUNDS);
    history.reset(10);
    for (let i = 1; i <= 6; i++) history.push({ revision: 10 + i, atMs: i, sizeBytes: 1 });
    expect([history.size, history.floorRevision]).toEqual([4, 12]);
    history.push({ revision: 17, atMs: 500, sizeBytes: 1 });
    expect([history.size, history.floorRevision]).toEqual([2, 15]);
    expect([...history.after(15)].map((event) => event.revision)).toEqual([16, 17]);
    expect([...history.after(17)]).toEqual([]);
  });

  it("keeps fewer events when they are large, but never less than the least", () => {
    const history = new EventHistory<{ revision: number; atMs: number; sizeBytes: number }>(BOUNDS);
    for (let i = 1; i <= 4; i++) history.push({ revision: i, atMs: 0, sizeBytes: 40 });
    expect([history.size, history.sizeBytes, history.floorRevision]).toEqual([2, 80, 2]);
    history.push({ revision: 5, atMs: 0, sizeBytes: 1_000 });
    expect([history.size, history.sizeBytes]).toEqual([2, 1_040]);
    history.push({ revision: 6, atMs: 0, sizeBytes: 1 });
    history.push({ revision: 7, atMs: 0, sizeBytes: 1 });
    expect([history.size, history.sizeBytes, history.floorRevision]).toEqual([2, 2, 5]);
    history.reset(9);
    expect([history.size, history.sizeBytes]).toEqual([0, 0]);
  });

  it("keeps fewer than the least when even they are too large, and knows so", () => {
    const history = new EventHistory<{ revision: number; atMs: number; sizeBytes: number }>(BOUNDS);
    for (let i = 1; i <= 3; i++) history.push({ revision: i, atMs: 0, sizeBytes: 1_500 });
    expect([history.size, history.sizeBytes, history.floorRevision]).toEqual([1, 1_500, 2]);
    history.push({ revision: 4, atMs: 0, sizeBytes: 3_000 });
    expect([history.size, history.sizeBytes, history.floorRevision]).toEqual([0, 0, 4]);
    expect([...history.after(4)]).toEqual([]);
    history.push({ revision: 5, atMs: 0, sizeBytes: 1 });
    expect([...history.after(4)].map((event) => event.revision)).toEqual([5]);
  });

  it("refuses to go back", () => {
    const history = new EventHistory<{ revision: number; atMs: number; sizeBytes: number }>(BOUNDS);
    history.push({ revision: 5, atMs: 0, sizeBytes: 1 });
    expect(() => history.push({ revision: 4, atMs: 0, sizeBytes: 1 })).toThrow("event of revision 4 after 5");
  });
});

describe("an object of the past", () => {
  it("is kept as its bytes only, and is parsed again for who asks", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    const first = cache.put("default/p", 2, value(pod("p")), undefined, 0).current;
    const parsed = first.object;
    expect(first.object).toBe(parsed);
    cache.put("default/p", 3, value(pod("p", "n")), undefined, 0);
    expect(first.object).not.toBe(parsed);
    expect(first.object).toEqual(parsed);
  });
});

describe("a watcher", () => {
  it("sees an object enter its selection as ADDED and leave it as DELETED with the last state that matched", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    const watcher = new Recorder("a=1");
    cache.watchers.add(watcher);
    cache.put("default/p", 2, value(pod("p", undefined, { a: "0" })), undefined, 0);
    cache.put("default/p", 3, value(pod("p", undefined, { a: "1" })), undefined, 0);
    cache.put("default/p", 4, value(pod("p", "n", { a: "1" })), undefined, 0);
    cache.put("default/p", 5, value(pod("p", undefined, { a: "2" })), undefined, 0);
    cache.remove("default/p", 6, undefined, 0);
    expect(watcher.seen).toEqual([
      ["ADDED", "default/p", 3],
      ["MODIFIED", "default/p", 4],
      ["DELETED", "default/p", 5],
    ]);
  });

  it("of one node is asked about that node's pods only", () => {
    const cache = new ResourceCache(pods, podRules.indexed, LIMITS);
    cache.reset(1);
    const nodes = ["n0", "n1"].map((node) => new Recorder(undefined, `spec.nodeName=${node}`));
    let asked = 0;
    for (const watcher of nodes) {
      const { matches } = watcher.selection;
      (watcher.selection as { matches: Selection["matches"] }).matches = (object) => {
        asked++;
        return matches(object);
      };
      cache.watchers.add(watcher);
    }
    cache.put("default/a", 2, value(pod("a")), undefined, 0);
    expect(asked).toBe(0);
    cache.put("default/a", 3, value(pod("a", "n1")), undefined, 0);
    cache.put("default/b", 4, value(pod("b", "n0")), undefined, 0);
    cache.put("default/a", 5, value(pod("a", "n0")), undefined, 0);
    expect(nodes.map((watcher) => watcher.seen)).toEqual([
      [
        ["ADDED", "default/b", 4],
        ["ADDED", "default/a", 5],
      ],
      [
        ["ADDED", "default/a", 3],
        ["DELETED", "default/a", 5],
      ],
    ]);
  });

  it("gets the same from the index as from asking everyone, and from the history as live", () => {
    const step = fc.record({
      name: fc.constantFrom("a", "b", "c"),
      namespace: fc.constantFrom("default", "other"),
      node: fc.constantFrom(undefined, "n0", "n1"),
      label: fc.constantFrom("x", "y"),
      remove: fc.boolean(),
    });
    const kinds: readonly [string | undefined, string | undefined, string | undefined][] = [
      [undefined, undefined, undefined],
      [undefined, undefined, "default"],
      ["l=x", undefined, undefined],
      [undefined, "spec.nodeName=n0", undefined],
      [undefined, "metadata.name=a", undefined],
      ["l=y", "metadata.name=b", "other"],
      [undefined, "metadata.namespace=other,spec.nodeName=n1", undefined],
    ];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const cache = new ResourceCache(pods, undefined, {
          historyMin: 100,
          historyMax: 100,
          historyAgeMs: 1e9,
          historyBytes: 1e9,
        });
        cache.reset(1);
        const live = kinds.map((kind) => new Recorder(...kind));
        for (const watcher of live) cache.watchers.add(watcher);
        steps.forEach(({ name, namespace, node, label, remove }, index) => {
          const key = `${namespace}/${name}`;
          const object = pod(name, node, { l: label });
          const placed = { ...object, metadata: { ...object.metadata, namespace } } as KubernetesObject;
          if (remove) cache.remove(key, index + 2, undefined, 0);
          else cache.put(key, index + 2, value(placed), undefined, 0);
        });
        for (const [index, kind] of kinds.entries()) {
          const replayed = new Recorder(...kind);
          cache.replay(replayed, 1);
          expect(live[index]?.seen).toEqual(replayed.seen);
          const present = new Set<string>();
          for (const [type, key] of replayed.seen) {
            if (type === "DELETED") present.delete(key);
            else present.add(key);
          }
          const { namespace, selection } = replayed;
          const listed = listPage(cache, 99, { namespace, selection }, 0, undefined).items.map((each) => each.key);
          expect([...present].sort()).toEqual(listed);
        }
      }),
    );
  });

  it("is told to start over when the cache does", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    const watcher = new Recorder();
    cache.watchers.add(watcher);
    cache.reset(50);
    expect([watcher.expired, cache.watchers.size, cache.oldestRevision]).toEqual([true, 0, 50]);
  });
});

describe("what this server wrote itself", () => {
  it("is known before the watch brings it, and is not parsed again", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    const object = pod("p");
    const stored = new StoredObject(head, "default/p", 2, value(object), object);
    cache.expect(stored);
    expect(cache.newest("default/p")).toBe(stored);
    expect(cache.get("default/p")).toBeUndefined();
    cache.put("default/p", 2, value(object), undefined, 0);
    expect(cache.get("default/p")).toBe(stored);
  });

  it("is not parsed either when the watch brings it before the answer", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    cache.put("default/p", 2, value(pod("p", "n")), undefined, 0);
    const object = pod("p");
    cache.announce("default/p", writtenOf(head, object));
    cache.put("default/p", 3, value(object), undefined, 0);
    expect((cache.get("default/p")!.object as Fields)["spec"]).toBe((object as Fields)["spec"]);
    cache.withdraw("default/p");
    cache.put("default/p", 4, value(object), undefined, 0);
    expect((cache.get("default/p")!.object as Fields)["spec"]).not.toBe((object as Fields)["spec"]);
  });

  it("is held parsed when it is new only while somebody reads it", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    const create = (name: string, revision: number): KubernetesObject => {
      const object = pod(name);
      cache.announce(`default/${name}`, writtenOf(head, object));
      cache.put(`default/${name}`, revision, value(object), undefined, 0);
      return object;
    };
    const unread = create("p", 2);
    expect((cache.get("default/p")!.object as Fields)["spec"]).not.toBe((unread as Fields)["spec"]);
    expect(cache.get("default/p")!.object).toMatchObject(unread);
    cache.watchers.add(new Recorder());
    const read = create("q", 3);
    expect((cache.get("default/q")!.object as Fields)["spec"]).toBe((read as Fields)["spec"]);
  });

  it("is not taken for what another wrote meanwhile", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    cache.announce("default/p", writtenOf(head, pod("p")));
    cache.put("default/p", 2, value(pod("p", "n")), undefined, 0);
    expect(cache.get("default/p")?.object).toMatchObject(pod("p", "n"));
  });

  it("gives way to what others wrote after it", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    cache.expect(new StoredObject(head, "default/p", 2, value(pod("p"))));
    cache.put("default/p", 3, value(pod("p", "n")), undefined, 0);
    expect(cache.newest("default/p")?.revision).toBe(3);
  });
});

describe("pages", () => {
  it("put together are the whole list, whatever their size", () => {
    const cache = new ResourceCache(pods, undefined, LIMITS);
    cache.reset(1);
    const names = Array.from({ length: 23 }, (_each, index) => `p${index}`);
    for (const [index, name] of names.entries()) {
      cache.put(`${index % 2 === 0 ? "default" : "other"}/${name}`, index + 2, value(pod(name)), undefined, 0);
    }
    for (const namespace of [undefined, "default", "none"]) {
      const scope = { namespace, selection: compileSelection(pods, undefined, undefined) };
      const whole = listPage(cache, 30, scope, 0, undefined).items;
      for (const limit of [1, 2, 7, 100]) {
        const items: StoredObject[] = [];
        let start: string | undefined;
        for (;;) {
          const page = listPage(cache, 30, scope, limit, start);
          items.push(...page.items);
          if (page.next === undefined) break;
          expect(page.remaining).toBe(whole.length - items.length);
          start = page.next;
        }
        expect(items).toEqual(whole);
      }
    }
  });
});

describe("a continue token", () => {
  it("comes back as it went out", () => {
    fc.assert(
      fc.property(fc.nat(), fc.stringMatching(/^[a-z0-9.-]{1,20}$/), (revision, name) => {
        const token = { revision, start: `default/${name}` };
        expect(decodeContinue(encodeContinue(token), "default")).toEqual(token);
      }),
    );
  });

  it.each([
    ["abc", undefined],
    ["", undefined],
    [btoa("{}"), undefined],
    [encodeContinue({ revision: 1, start: "other/a" }), "default"],
    [btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv: -1, start: "a" })), undefined],
  ])("that was not ours is refused (%s)", (text_, namespace) => {
    expect(decodeContinue(text_, namespace)).toMatch(/^continue key is not valid: /);
  });
});

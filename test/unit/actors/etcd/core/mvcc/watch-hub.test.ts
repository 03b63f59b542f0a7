import { describe, expect, it } from "vitest";
import { LeaseClock } from "../../../../../../actors/etcd/core/mvcc/lease-clock.ts";
import { keyRange } from "../../../../../../actors/etcd/core/mvcc/key-order.ts";
import { Store } from "../../../../../../actors/etcd/core/mvcc/store.ts";
import type { Watcher } from "../../../../../../actors/etcd/core/mvcc/watch-hub.ts";
import { WatchHub } from "../../../../../../actors/etcd/core/mvcc/watch-hub.ts";
import type { WatchEvent } from "../../../../../../protocols/etcd.ts";

class Fixture {
  store: Store = new Store();
  readonly hub: WatchHub = new WatchHub();
  readonly got: Map<number, string[]> = new Map();
  readonly full: Set<number> = new Set();
  readonly cancelled: unknown[] = [];
  private notified = 1;

  put(...keys: readonly string[]): void {
    for (const key of keys) this.store.put({ key, value: new Uint8Array(1) }, undefined);
    this.store.commit();
  }

  watch(key: string, options: { end?: string; from?: number; prevKv?: boolean; progress?: boolean } = {}): Watcher {
    const watcher = this.hub.add(this.store, {
      range: keyRange(key, options.end),
      startRevision: options.from,
      prevKv: options.prevKv ?? false,
      progressNotify: options.progress ?? false,
      owner: "a",
    });
    this.got.set(watcher.id, []);
    return watcher;
  }

  readonly deliver = (watcher: Watcher, events: readonly WatchEvent[], through?: number): boolean => {
    if (this.full.has(watcher.id)) return false;
    watcher.told = through ?? this.store.revision;
    const says = events.map(({ kv, prevKv }) => `${kv.key}${kv.modRevision}${prevKv === undefined ? "" : "p"}`);
    this.got.get(watcher.id)!.push(says.length === 0 ? `progress ${watcher.told}` : says.join(" "));
    return true;
  };

  notify(): void {
    this.hub.notify(this.store.revisions(this.notified + 1), this.deliver);
    this.notified = this.store.revision;
  }

  catchUp(): void {
    this.hub.catchUp(this.store, this.deliver, (_, error) => void this.cancelled.push(error));
  }

  of(watcher: Watcher): readonly string[] {
    return this.got.get(watcher.id)!;
  }
}

describe("watchers", () => {
  it("get what concerns them, from now on, all of a revision together", () => {
    const at = new Fixture();
    at.put("a");
    const [one, range, all] = [at.watch("a"), at.watch("a", { end: "c" }), at.watch("a", { end: "\0" })];
    at.notify();
    at.put("a", "b");
    at.put("c");
    at.notify();
    expect([at.of(one), at.of(range), at.of(all)]).toEqual([["a3"], ["a3 b3"], ["a3 b3 c4"]]);
  });

  it("get the past from the revision that they name, then the present, each once", () => {
    const at = new Fixture();
    at.put("a");
    at.put("a");
    at.notify();
    const watcher = at.watch("a", { from: 2, prevKv: true });
    at.put("a");
    at.notify();
    at.catchUp();
    at.put("a");
    at.notify();
    expect(at.of(watcher)).toEqual(["a2 a3p a4p", "a5p"]);
  });

  it("get nothing older than a revision that is still to come (etcd bug 20221)", () => {
    const at = new Fixture();
    const watcher = at.watch("a", { from: 4 });
    for (let count = 0; count < 4; count++) at.put("a");
    at.notify();
    expect(at.of(watcher)).toEqual(["a4 a5"]);
  });

  it("that are slow lose nothing and hold up no one", () => {
    const at = new Fixture();
    const [slow, quick] = [at.watch("a"), at.watch("a")];
    at.full.add(slow.id);
    at.put("a");
    at.notify();
    at.put("a");
    at.notify();
    expect(at.of(quick)).toEqual(["a2", "a3"]);
    at.catchUp();
    expect(at.of(slow)).toEqual([]);
    at.full.clear();
    at.catchUp();
    at.put("a");
    at.notify();
    expect(at.of(slow)).toEqual(["a2 a3", "a4"]);
  });

  it("are ended when what they need next is compacted, but not when it is just kept", () => {
    const at = new Fixture();
    for (let count = 0; count < 4; count++) at.put("a");
    at.notify();
    at.store.compact(4);
    const [lost, kept] = [at.watch("a", { from: 3 }), at.watch("a", { from: 4 })];
    at.catchUp();
    expect(at.cancelled).toMatchObject([{ code: "ETCD_COMPACTED", details: { compactRevision: 4 } }]);
    expect([at.of(lost), at.of(kept)]).toEqual([[], ["a4 a5"]]);
  });

  it("hear of progress only when they have everything up to it (etcd bugs 15220, 17507)", () => {
    const at = new Fixture();
    at.put("b");
    at.notify();
    const [idle, lagging, silent] = [
      at.watch("a", { progress: true }),
      at.watch("b", { from: 2, progress: true }),
      at.watch("a"),
    ];
    // It could take more: it has only not been fed yet.
    at.hub.progress(at.store, undefined, at.deliver);
    at.hub.progress(at.store, undefined, at.deliver);
    at.hub.progress(at.store, "someone else", at.deliver);
    expect([at.of(idle), at.of(lagging), at.of(silent)]).toEqual([["progress 2"], [], []]);
  });

  it("go on from where they were, out of a store that replaced theirs (etcd bug 15271)", () => {
    const at = new Fixture();
    const watcher = at.watch("a");
    at.put("a");
    at.notify();
    for (let count = 0; count < 3; count++) at.put("a");
    at.hub.restored(2);
    at.catchUp();
    expect(at.of(watcher)).toEqual(["a2", "a3 a4 a5"]);
  });
});

describe("a watcher of the future", () => {
  it("stays there when the store is replaced by one that has not got so far (etcd bugs 15271, 20221)", () => {
    const at = new Fixture();
    const watcher = at.watch("a", { from: 6 });
    at.put("a");
    at.put("a");
    at.hub.restored(1);
    at.catchUp();
    for (let count = 0; count < 3; count++) at.put("a");
    at.notify();
    expect(at.of(watcher)).toEqual(["a6"]);
  });
});

describe("the time of leases", () => {
  const lease = (id: string, ttlSeconds: number) => ({ id, ttlSeconds, keys: new Set<string>() });

  it("ends after the last renewal, and begins anew with a new leader", () => {
    const clock = new LeaseClock();
    clock.begin(lease("1", 2), 0);
    clock.begin(lease("2", 5), 0);
    expect(clock.takeExpired(1_999, 10, 100)).toEqual([]);
    expect(clock.renew(lease("1", 2), 1_999)).toBe(true);
    expect(clock.takeExpired(3_000, 10, 100)).toEqual([]);
    expect(clock.takeExpired(5_000, 10, 100)).toEqual(["1", "2"]);
    clock.promote([lease("1", 2)], 5_000);
    expect(clock.takeExpired(6_000, 10, 100)).toEqual([]);
    expect(clock.takeExpired(7_000, 10, 100)).toEqual(["1"]);
  });

  it("can't be renewed once it is over, also while its end is asked for again", () => {
    const clock = new LeaseClock();
    clock.begin(lease("1", 1), 0);
    expect(clock.renew(lease("1", 1), 1_000)).toBe(false);
    expect(clock.takeExpired(1_000, 10, 500)).toEqual(["1"]);
    expect(clock.renew(lease("1", 1), 1_001)).toBe(false);
    expect(clock.takeExpired(1_500, 10, 500)).toEqual(["1"]);
    clock.begin(lease("1", 1), 1_600);
    expect(clock.renew(lease("1", 1), 2_000)).toBe(true);
  });

  it("is asked again after a while for a lease whose end was not agreed on, and never for one that has ended", () => {
    const clock = new LeaseClock();
    clock.begin(lease("1", 1), 0);
    expect(clock.takeExpired(1_000, 10, 500)).toEqual(["1"]);
    expect(clock.takeExpired(1_400, 10, 500)).toEqual([]);
    expect(clock.takeExpired(1_500, 10, 500)).toEqual(["1"]);
    clock.forget("1");
    expect(clock.takeExpired(9_000, 10, 500)).toEqual([]);
  });

  it("ends for at most so many leases in one go, and for the others in the next", () => {
    const clock = new LeaseClock();
    for (const id of ["1", "2", "3"]) clock.begin(lease(id, 1), 0);
    expect(clock.takeExpired(1_000, 2, 500)).toEqual(["1", "2"]);
    expect(clock.takeExpired(1_000, 2, 500)).toEqual(["3"]);
  });
});

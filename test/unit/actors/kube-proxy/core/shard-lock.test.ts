import { describe, expect, it } from "vitest";
import type { ShardLockOptions } from "../../../../../actors/kube-proxy/core/shard-lock.ts";
import { lockPlaces, preferredOwner, ShardLock, shardOf } from "../../../../../actors/kube-proxy/core/shard-lock.ts";

const PLACES = [
  { host: "127.96.0.0", port: 10_256 },
  { host: "127.0.0.1", port: 20_001 },
];

function lock(options: Partial<ShardLockOptions> = {}): ShardLock {
  return new ShardLock({
    places: PLACES,
    preferred: true,
    preferenceWaitMs: 250,
    retryBaseMs: 2,
    retryMaxMs: 500,
    ...options,
  });
}

describe("ShardLock", () => {
  it("owns the shard when it binds the lock address", () => {
    const subject = lock();
    expect(subject.next({ kind: "start" })).toEqual({ kind: "bind", place: PLACES[0] });
    expect(subject.next({ kind: "bound" })).toEqual({ kind: "own" });
    expect(subject.state).toBe("owner");
  });

  it("stands by behind an owner, and takes over at once when the owner's connection closes", () => {
    const subject = lock();
    subject.next({ kind: "start" });
    expect(subject.next({ kind: "bind-failed", code: "ADDRESS_IN_USE" })).toEqual({
      kind: "connect",
      place: PLACES[0],
    });
    expect(subject.next({ kind: "greeted" })).toBeUndefined();
    expect(subject.state).toBe("standby");
    expect(subject.next({ kind: "owner-gone" })).toEqual({ kind: "bind", place: PLACES[0] });
  });

  it("leaves the shard for a moment, once, to the proxy that should have it", () => {
    const subject = lock({ preferred: false });
    expect(subject.next({ kind: "start" })).toEqual({ kind: "connect", place: PLACES[0] });
    expect(subject.next({ kind: "connect-failed" })).toEqual({ kind: "wait", delayMs: 250 });
    expect(subject.next({ kind: "timer" })).toEqual({ kind: "bind", place: PLACES[0] });
    expect(subject.next({ kind: "bind-failed", code: "ADDRESS_IN_USE" })?.kind).toBe("connect");
    expect(subject.next({ kind: "connect-failed" })?.kind).toBe("bind");
  });

  it("waits longer and longer, within a bound, while the address is neither free nor answers", () => {
    const subject = lock();
    subject.next({ kind: "start" });
    const waits: number[] = [];
    while (waits.length < 12) {
      subject.next({ kind: "bind-failed", code: "ADDRESS_IN_USE" });
      const command = subject.next({ kind: "connect-failed" });
      if (command?.kind === "wait") {
        waits.push(command.delayMs);
        subject.next({ kind: "timer" });
      }
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits[0]).toBeLessThan(10);
    expect(waits.at(-1)).toBe(500);
  });

  it("walks on past an address that is refused or held by another cluster", () => {
    const subject = lock();
    subject.next({ kind: "start" });
    expect(subject.next({ kind: "bind-failed", code: "ADDRESS_NOT_AVAILABLE" })).toEqual({
      kind: "bind",
      place: PLACES[1],
    });
    subject.next({ kind: "bind-failed", code: "ADDRESS_IN_USE" });
    expect(subject.next({ kind: "stranger" })).toEqual({ kind: "wait", delayMs: 500 });
    expect(subject.next({ kind: "timer" })).toEqual({ kind: "bind", place: PLACES[0] });
  });
});

describe("shards", () => {
  it("divides the shards evenly among the proxies, all of which agree", () => {
    const peers = ["worker-2", "worker-0", "worker-1"];
    const owners = Array.from({ length: 9 }, (_, shard) => preferredOwner(shard, peers));
    expect(owners).toEqual(Array.from({ length: 9 }, (_, shard) => preferredOwner(shard, [...peers].reverse())));
    for (const peer of peers) expect(owners.filter((owner) => owner === peer)).toHaveLength(3);
  });

  it("spreads Services over the shards", () => {
    const counts = new Map<number, number>();
    for (let index = 0; index < 800; index++) {
      const shard = shardOf(`shop/service-${index}`, 8);
      counts.set(shard, (counts.get(shard) ?? 0) + 1);
    }
    expect(counts.size).toBe(8);
    expect(Math.min(...counts.values())).toBeGreaterThan(60);
  });

  it("names other places for another cluster, and an address that no Service gets", () => {
    const [first, ...shared] = lockPlaces("one", "127.96.0.0/16", 3);
    expect(first).toEqual({ host: "127.96.0.0", port: 10_259 });
    expect(shared).not.toEqual(lockPlaces("two", "127.96.0.0/16", 3).slice(1));
    expect(lockPlaces("one", "127.97.0.0/16", 3)[0]?.host).toBe("127.97.0.0");
  });
});

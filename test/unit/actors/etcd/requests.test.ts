import { describe, expect, it } from "vitest";
import type { Command } from "../../../../actors/etcd/core/mvcc/command.ts";
import { etcdError } from "../../../../protocols/etcd-errors.ts";
import type { Read } from "../../../../actors/etcd/requests.ts";
import { Reads, Writes } from "../../../../actors/etcd/requests.ts";

const read = (owner: string, reject: (error: Error) => void = () => undefined): Read => ({
  type: "revision",
  owner,
  resolve: () => undefined,
  reject,
});
const ownersOf = (reads: readonly Read[]): readonly string[] =>
  reads.map((one) => (one.type === "revision" ? one.owner : "?"));

describe("reads", () => {
  /** Starts a round and gives its number. */
  function start(reads: Reads, nowMs = 0): number {
    let asked = 0;
    reads.start(nowMs, (context) => {
      asked = context;
      return true;
    });
    return asked;
  }

  it("are not served by the late answer to a round that was asked before they came", () => {
    const reads = new Reads(10);
    reads.add(read("a"));
    const first = start(reads);
    reads.retry();
    reads.add(read("b"));
    const second = start(reads);
    expect(second).not.toBe(first);
    reads.confirm(first, 3);
    expect(reads.takeAnswerable(9)).toEqual([]);
    reads.confirm(second, 4);
    expect(ownersOf(reads.takeAnswerable(9))).toEqual(["a", "b"]);
    reads.confirm(second, 4);
    expect(reads.takeAnswerable(9)).toEqual([]);
  });

  it("that come while a round is under way wait for the next one", () => {
    const reads = new Reads(10);
    reads.add(read("a"));
    const context = start(reads);
    reads.add(read("b"));
    expect(reads.isWaiting).toBe(false);
    reads.confirm(context, 1);
    expect(reads.isWaiting).toBe(true);
    expect(ownersOf(reads.takeAnswerable(1))).toEqual(["a"]);
  });

  it("are answered from a state that has what was committed when they were asked", () => {
    const reads = new Reads(10);
    reads.add(read("a"));
    reads.confirm(start(reads), 5);
    expect(reads.takeAnswerable(4)).toEqual([]);
    expect(ownersOf(reads.takeAnswerable(5))).toEqual(["a"]);
  });

  it("stay where they are while nobody can be asked, and go into another round when no answer comes in time", () => {
    const reads = new Reads(10);
    reads.add(read("a"));
    reads.start(0, () => false);
    expect(reads.isWaiting).toBe(true);
    start(reads, 100);
    reads.retry(99);
    expect(reads.isWaiting).toBe(false);
    reads.retry(100);
    expect(reads.isWaiting).toBe(true);
  });

  it("are refused beyond their limit, and all that wait when there is no leader", () => {
    const reads = new Reads(1);
    const refused: string[] = [];
    reads.add(read("a", () => refused.push("a")));
    expect(() => reads.add(read("b"))).toThrow("too many requests");
    reads.failWaiting(etcdError("ETCD_NO_LEADER"));
    expect(refused).toEqual(["a"]);
    expect(reads.isWaiting).toBe(false);
  });
});

describe("writes", () => {
  const command: Command = { type: "leaseRevoke", id: "1" };
  const codeOf = (reply: Promise<unknown>): Promise<unknown> =>
    reply.then(String, ({ code }: { code: string }) => code);

  it("that were sent to a leader that is none any more may have been carried out; those that wait were not", async () => {
    const writes = new Writes(1, 10);
    const sent = codeOf(writes.submit(command));
    expect(writes.take()).toMatchObject({ first: 1, last: 1 });
    const waiting = codeOf(writes.submit(command));
    writes.failSent(etcdError("ETCD_LEADER_CHANGED"));
    expect(await sent).toBe("ETCD_LEADER_CHANGED");
    expect([writes.size, writes.awaits(1), writes.awaits(2)]).toEqual([1, false, true]);
    writes.failWaiting(etcdError("ETCD_NO_LEADER"));
    expect(await waiting).toBe("ETCD_NO_LEADER");
  });

  it("get the answer of their own number, with the refusal of the command as an error", async () => {
    const writes = new Writes(1, 10);
    const replies = [codeOf(writes.submit(command)), codeOf(writes.submit(command))];
    writes.settle(2, "second");
    writes.settle(1, etcdError("ETCD_LEASE_NOT_FOUND"));
    writes.settle(1, "again");
    expect(await Promise.all(replies)).toEqual(["ETCD_LEASE_NOT_FOUND", "second"]);
  });
});

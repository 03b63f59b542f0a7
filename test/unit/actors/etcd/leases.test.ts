import { Metrics } from "../../../../runtime/metrics/metrics.ts";
import { beforeEach, describe, expect, it } from "vitest";
import type { StateMachine } from "../../../../actors/etcd/core/mvcc/state-machine.ts";
import { Leases } from "../../../../actors/etcd/leases.ts";
import type { EtcdOptions } from "../../../../actors/etcd/spec.ts";
import type { Context } from "../../../../runtime/actor.ts";

const RENEWALS_MAX = 2;

describe("the leases of a member", () => {
  let nowMs: number;
  let leases: Leases;
  beforeEach(() => {
    nowMs = 0;
    const known = new Map(["1", "2"].map((id) => [id, { id, ttlSeconds: 10, keys: new Set() }]));
    const ctx = { clock: { monotonicMs: () => nowMs }, options: { requestsMax: RENEWALS_MAX }, metrics: new Metrics() };
    const machine = { store: { leases: known } };
    leases = new Leases(ctx as unknown as Context<EtcdOptions>, machine as unknown as StateMachine);
  });

  /** What a renewal was answered, as far as it was. */
  function renew(id: string): readonly unknown[] {
    const answers: unknown[] = [];
    leases.keepAlive({
      type: "keepAlive",
      id,
      resolve: (answer: { readonly ttlSeconds: number }) => answers.push(answer.ttlSeconds),
      reject: (error: { readonly code: string }) => answers.push(error.code),
    } as never);
    return answers;
  }

  it("are ended and renewed by who leads, and by nobody else", () => {
    leases.leaderChanged(true);
    leases.leaderChanged(false);
    nowMs = 10_000;
    expect(leases.takeExpired()).toEqual([]);
    expect(renew("1")).toEqual(["ETCD_LEADER_CHANGED"]);
    expect(renew("unknown")).toEqual([0]);
    leases.leaderChanged(true);
    expect(renew("1")).toEqual([10]);
    nowMs = 20_000;
    expect(leases.takeExpired()).toEqual([
      { type: "leaseRevoke", id: "1" },
      { type: "leaseRevoke", id: "2" },
    ]);
  });

  it("whose end is under way answer a renewal when they have ended, each its own", () => {
    leases.leaderChanged(true);
    nowMs = 10_000;
    const [first, second] = [renew("1"), renew("2")];
    expect([first, second]).toEqual([[], []]);
    leases.applied({ type: "leaseRevoke", id: "2" });
    expect([first, second]).toEqual([[], [0]]);
  });

  it("let no more renewals wait than requests may, and none beyond the leader's term", () => {
    leases.leaderChanged(true);
    nowMs = 10_000;
    const waiting = Array.from({ length: RENEWALS_MAX }, () => renew("1"));
    expect(renew("1")).toEqual(["ETCD_TOO_MANY_REQUESTS"]);
    leases.leaderChanged(true);
    expect(waiting).toEqual(waiting.map(() => ["ETCD_LEADER_CHANGED"]));
  });
});

import { expect, it } from "vitest";
import { Alarms } from "../../../../actors/etcd/alarms.ts";
import { LostDisks } from "../../../../actors/etcd/lost-disks.ts";
import type { EtcdOptions } from "../../../../actors/etcd/spec.ts";
import type { AlarmState } from "../../../../protocols/etcd.ts";
import type { Context, Sink } from "../../../../runtime/actor.ts";

function listener() {
  const told: AlarmState[] = [];
  const gone = new AbortController();
  const sink = { push: (state: AlarmState) => told.push(state), signal: gone.signal } as unknown as Sink<AlarmState>;
  return { told, gone, sink };
}

it("alarms are told at once to who asks, then with each change, and no longer to who has left", () => {
  const alarms = new Alarms();
  alarms.set(false, { type: "NOSPACE", path: "/etcd-0", message: "full" });
  const { told, gone, sink } = listener();
  alarms.add(sink);
  expect(told.map(({ serving }) => serving)).toEqual([false]);
  alarms.set(true);
  expect(told.at(-1)).toEqual({ serving: true, alarms: [] });
  gone.abort();
  alarms.set(false);
  expect(told).toHaveLength(2);
});

const LEADER_WAIT_MS = 3_000;

it("a quorum that is lost is told once, by members and paths, and not before a leader had its time", () => {
  const lines: string[] = [];
  let nowMs = 0;
  const ctx = {
    options: { leaderWaitMs: LEADER_WAIT_MS },
    clock: { monotonicMs: () => nowMs },
    log: { error: (text: string) => lines.push(text) },
  } as unknown as Context<EtcdOptions>;
  const disks = new LostDisks(ctx);
  const voters = ["etcd-0", "etcd-1", "etcd-2"];
  const tell = (leaderlessMs: number): void => disks.tell(disks.quorumLost(voters, leaderlessMs));
  disks.note("etcd-0", "/data/etcd-0");
  disks.note("other", "/data/other");
  tell(LEADER_WAIT_MS + 1);
  disks.note("etcd-1", "/data/etcd-1");
  tell(LEADER_WAIT_MS);
  expect(lines).toEqual([]);
  tell(LEADER_WAIT_MS + 1);
  tell(LEADER_WAIT_MS + 2);
  expect(lines).toEqual([
    expect.stringContaining("the disk of etcd-0 (/data/etcd-0) and etcd-1 (/data/etcd-1) was lost"),
  ]);
  // Who is heard, and who asks no more, is not lost.
  disks.heard("etcd-1");
  expect(disks.quorumLost(voters, LEADER_WAIT_MS + 1)).toBeUndefined();
  disks.note("etcd-1", "/data/etcd-1");
  nowMs = 60_000;
  expect(disks.quorumLost(voters, LEADER_WAIT_MS + 1)).toBeUndefined();
});

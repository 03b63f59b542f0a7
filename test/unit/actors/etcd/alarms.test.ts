import { expect, it } from "vitest";
import { Alarms } from "../../../../actors/etcd/alarms.ts";
import { LostDisks } from "../../../../actors/etcd/lost-disks.ts";
import type { Raft } from "../../../../actors/etcd/core/raft/raft.ts";
import type { Peers } from "../../../../actors/etcd/peers.ts";
import type { EtcdOptions } from "../../../../actors/etcd/spec.ts";
import type { AlarmState } from "../../../../protocols/etcd.ts";
import type { Context, Sink } from "../../../../runtime/actor.ts";
import { NO_TRACE } from "../../../fixtures/no-trace.ts";

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

/** A member of three that has lost its disk, as it looks to people; the test moves its Raft. */
function lostDisk() {
  const raft = { isRecovering: true, isQuorumLost: false, recovering: [1, 2], unanswered: [2], term: 4 };
  const lines: string[] = [];
  const log = { warn: (text: string) => lines.push(text), error: (text: string) => lines.push(text) };
  const events: string[] = [];
  const ctx = {
    disk: { root: "/data/etcd-0" },
    options: { name: "etcd-0", leaderWaitMs: LEADER_WAIT_MS },
    log,
    trace: { ...NO_TRACE, event: (kind: string) => events.push(kind) },
  } as unknown as Context<EtcdOptions>;
  const peers = { ids: [1, 2, 3], self: 1, name: (id: number) => `etcd-${id - 1}` } as unknown as Peers;
  const alarms = new Alarms();
  const { told, sink } = listener();
  const disks = new LostDisks(ctx, raft as unknown as Raft, peers, alarms);
  alarms.add(sink);
  return { raft, disks, told, lines, events };
}

it("a member without its disk raises an alarm until it votes again, which is told once", () => {
  const { raft, disks, told, lines, events } = lostDisk();
  expect(told).toMatchObject([{ serving: false, alarms: [{ type: "CORRUPT", path: "/data/etcd-0" }] }]);
  expect(disks.words(0)).toEqual([
    "the disk (/data/etcd-0) was lost: this member has no vote, and waits to hear from etcd-1 (/data/etcd-1)",
  ]);
  disks.tell(0);
  expect(told).toHaveLength(1);
  raft.isRecovering = false;
  disks.tell(0);
  disks.tell(0);
  expect(told.slice(1)).toEqual([{ serving: true, alarms: [] }]);
  expect(events).toEqual(["disk-recovered"]);
  expect(lines).toHaveLength(1);
  expect(disks.words(0)).toEqual([]);
});

it("a quorum that is lost is told once, and not before a leader had its time", () => {
  const { raft, disks, lines } = lostDisk();
  raft.isQuorumLost = true;
  disks.tell(LEADER_WAIT_MS);
  expect(lines).toEqual([]);
  disks.tell(LEADER_WAIT_MS + 1);
  disks.tell(LEADER_WAIT_MS + 2);
  expect(lines).toEqual([
    expect.stringContaining("the disk of etcd-0 (/data/etcd-0) and etcd-1 (/data/etcd-1) was lost"),
  ]);
});

/** Members of pure Raft, and the messages between them. */
import { expect } from "vitest";
import type { Changed } from "../../../../../../actors/etcd/core/raft/membership.ts";
import { Raft } from "../../../../../../actors/etcd/core/raft/raft.ts";
import type { Entry, HardState, Message, Ready } from "../../../../../../actors/etcd/core/raft/types.ts";
import { membershipOf } from "../../../../../fixtures/membership.ts";

export const text = (entry: Entry): string => new TextDecoder().decode(entry.data);
export const entry = (index: number, term: number, data = ""): Entry => ({
  index,
  term,
  type: "command",
  data: new TextEncoder().encode(data),
});

export function raft(
  id: number,
  options: { voters?: number[]; learners?: number[]; state?: Partial<HardState>; entries?: Entry[] } = {},
): Raft {
  const { voters = [1, 2, 3], learners = [], state = {}, entries = [] } = options;
  return new Raft(
    { id, electionTicks: 10, heartbeatTicks: 2, messageBytesMax: 1_000, inflightMax: 3, seed: id },
    {
      hardState: { term: 0, vote: 0, commit: 0, ...state },
      snapshot: { index: 0, term: 0, membership: membershipOf(voters, learners) },
      entries,
    },
  );
}

/** Members, and messages between them that go at once unless `blocked`. */
export class Group {
  readonly members: Map<number, Raft> = new Map();
  readonly committed: Map<number, string[]> = new Map();
  readonly readStates: { context: number; index: number }[] = [];
  readonly sent: Message[] = [];
  /** What came of changes, at each member that applied them. */
  readonly changes: Changed[] = [];
  blocked: (message: Message) => boolean = () => false;
  /** Members whose syncs do not end. */
  readonly stalled: Set<number> = new Set();
  private readonly syncing: Set<number> = new Set();

  add(id: number, member: Raft): void {
    this.members.set(id, member);
    this.committed.set(id, []);
  }

  settle(): void {
    for (let busy = true; busy;) {
      busy = false;
      for (const [id, member] of this.members) {
        if (this.syncing.has(id) && !this.stalled.has(id)) {
          this.syncing.delete(id);
          member.persisted();
        }
        const ready: Ready = member.ready();
        if (ready.persist !== undefined) this.syncing.add(id);
        const commands = ready.committed.filter(({ type }) => type === "command");
        this.committed.get(id)!.push(...commands.map(text).filter((one) => one !== ""));
        this.changes.push(...ready.changes.map(({ changed }) => changed));
        for (const to of ready.snapshotsFor) {
          member.sendSnapshot(to, { ...member.snapshotMeta(), data: new Uint8Array(0) });
        }
        this.readStates.push(...ready.readStates);
        for (const message of ready.messages) {
          this.sent.push(message);
          if (!this.blocked(message)) this.members.get(message.to)?.step(message);
        }
        busy ||=
          ready.messages.length > 0 ||
          ready.changes.length > 0 ||
          ready.snapshotsFor.length > 0 ||
          (this.syncing.has(id) && !this.stalled.has(id));
      }
    }
  }

  elect(id: number): Raft {
    const member = this.members.get(id)!;
    member.campaign();
    this.settle();
    expect(member.role).toBe("leader");
    return member;
  }

  tick(id: number, ticks: number): void {
    for (let count = 0; count < ticks; count++) {
      this.members.get(id)!.tick();
      this.settle();
    }
  }

  propose(id: number, data: string): void {
    expect(this.members.get(id)!.propose([new TextEncoder().encode(data)])).toBe(true);
    this.settle();
  }
}

export function groupOf(count: number): Group {
  const group = new Group();
  const voters = Array.from({ length: count }, (_, at) => at + 1);
  for (const id of voters) group.add(id, raft(id, { voters }));
  return group;
}

/** Lost disks of the group in words for people: what is wrong, with whom, where, and what to do. Raft alone decides. */
import type { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import { etcdError } from "./core/mvcc/errors.ts";
import type { Alarms } from "./alarms.ts";
import type { Raft } from "./core/raft/raft.ts";
import type { Peers } from "./peers.ts";
import type { EtcdOptions } from "./spec.ts";

export class LostDisks {
  private readonly ctx: Context<EtcdOptions>;
  private readonly raft: Raft;
  private readonly peers: Peers;
  private readonly alarms: Alarms;
  private wasRecovering: boolean;
  private wasQuorumLost = false;

  constructor(ctx: Context<EtcdOptions>, raft: Raft, peers: Peers, alarms: Alarms) {
    this.ctx = ctx;
    this.raft = raft;
    this.peers = peers;
    this.alarms = alarms;
    this.wasRecovering = raft.isRecovering;
    if (raft.isRecovering) alarms.set(false, { type: "CORRUPT", path: ctx.disk.root, message: this.withoutVote() });
  }

  private withoutVote(): string {
    const { ctx, peers } = this;
    const others = peers.ids.filter((id) => id !== peers.self).map((id) => peers.name(id));
    return `${ctx.options.name} has no vote: its disk (${ctx.disk.root}) was lost. It takes everything from the others and votes again once ${others.join(" and ")} have told it what it may have promised`;
  }

  /** ETCD_QUORUM_LOST when nothing can go on; not before the members have had time to find a leader. */
  quorumLost(leaderlessMs: number): InkubeError | undefined {
    if (!this.raft.isQuorumLost || leaderlessMs <= this.ctx.options.leaderWaitMs) return undefined;
    return quorumLost(this.ctx, this.peers, this.raft.recovering);
  }

  /** What is wrong with this member. */
  words(leaderlessMs: number): readonly string[] {
    const lost = this.quorumLost(leaderlessMs);
    if (lost !== undefined) return [lost.message];
    if (!this.raft.isRecovering) return [];
    const missing = describe(this.ctx, this.peers, this.raft.unanswered);
    const what = missing === "" ? "for a leader to bring its log up to date" : `to hear from ${missing}`;
    return [`the disk (${this.ctx.disk.root}) was lost: this member has no vote, and waits ${what}`];
  }

  /** Tells the log and the trace of what has changed since the last call. */
  tell(leaderlessMs: number): void {
    const { ctx, raft } = this;
    if (this.wasRecovering && !raft.isRecovering) {
      this.alarms.set(true);
      ctx.log.warn("recovered from the loss of the disk: this member votes again", { path: ctx.disk.root });
      ctx.trace.event("disk-recovered", `etcd/${ctx.options.name}`, { term: raft.term });
    }
    this.wasRecovering = raft.isRecovering;
    const lost = this.quorumLost(leaderlessMs);
    if (lost !== undefined && !this.wasQuorumLost) ctx.log.error(lost.message);
    this.wasQuorumLost = lost !== undefined;
  }
}

export function quorumLost(ctx: Context<EtcdOptions>, peers: Peers, whose: readonly number[]): InkubeError {
  const lost = `the disk of ${describe(ctx, peers, whose)} was lost`;
  const why = "without a majority of the members' logs nobody knows what was committed";
  const cure =
    "put the directories back as they were; or remove the data directory, to begin anew with an empty cluster";
  return etcdError("ETCD_QUORUM_LOST", undefined, `${lost}, and ${why}; ${cure}`);
}

/** Names and directories; those of all members stand side by side. */
function describe(ctx: Context<EtcdOptions>, peers: Peers, ids: readonly number[]): string {
  const { root } = ctx.disk;
  const beside = root.slice(0, root.lastIndexOf("/") + 1);
  return ids.map((id) => `${peers.name(id)} (${id === peers.self ? root : beside + peers.name(id)})`).join(" and ");
}

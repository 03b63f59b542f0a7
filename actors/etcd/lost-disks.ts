/** Members that can't go on with what is on their disks, as they say when they ask for another place in the group; in words for people. */
import type { InkubeError } from "../../protocols/errors.ts";
import type { Context } from "../../runtime/actor.ts";
import { etcdError } from "../../protocols/etcd-errors.ts";
import { quorumOf } from "./core/raft/membership.ts";
import type { EtcdOptions } from "./spec.ts";

/** Who has not asked again for so long has found what it asked for, or is gone; it asks each other several times in it. */
const FORGOTTEN_MS = 5_000;

export class LostDisks {
  private readonly ctx: Context<EtcdOptions>;
  /** By name: the path, and when it asked last. */
  private readonly asked: Map<string, { readonly path: string; readonly atMs: number }> = new Map();
  private wasQuorumLost = false;

  constructor(ctx: Context<EtcdOptions>) {
    this.ctx = ctx;
  }

  note(name: string, path: string): void {
    this.asked.set(name, { path, atMs: this.ctx.clock.monotonicMs() });
  }

  /** It is there again: a message of it came. */
  heard(name: string): void {
    this.asked.delete(name);
  }

  /**
   * ETCD_QUORUM_LOST when too few of `voters` have what was committed; not before those who are there have had time to find a
   * leader.
   */
  quorumLost(voters: readonly string[], leaderlessMs: number): InkubeError | undefined {
    if (leaderlessMs <= this.ctx.options.leaderWaitMs) return undefined;
    const nowMs = this.ctx.clock.monotonicMs();
    const lost = [...this.asked].filter(([name, { atMs }]) => nowMs - atMs <= FORGOTTEN_MS && voters.includes(name));
    if (voters.length - lost.length >= quorumOf(voters.length)) return undefined;
    return quorumLost(new Map(lost.map(([name, { path }]) => [name, path])));
  }

  /** Tells the log once that nothing can go on. */
  tell(lost: InkubeError | undefined): void {
    if (lost !== undefined && !this.wasQuorumLost) this.ctx.log.error(lost.message);
    this.wasQuorumLost = lost !== undefined;
  }
}

/** `paths` by the members' names. */
export function quorumLost(paths: ReadonlyMap<string, string>): InkubeError {
  const whose = [...paths]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, path]) => `${name} (${path})`)
    .join(" and ");
  const lost = `the disk of ${whose} was lost`;
  const why = "without a majority of the members' logs nobody knows what was committed";
  const cure =
    "put the directories back as they were; or begin another cluster with a snapshot of it, by Cluster.start({ from }); or remove the data directory, to begin anew with an empty cluster";
  return etcdError("ETCD_QUORUM_LOST", undefined, `${lost}, and ${why}; ${cure}`);
}

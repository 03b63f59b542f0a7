/**
 * Changes of the group on their way through the log: the leader takes one at a time, and answers when it is applied. By itself
 * it makes a voter of who took the place of one.
 */
import type { Member, MembersResponse, ResponseHeader } from "../../protocols/etcd.ts";
import type { InkubeError } from "../../protocols/errors.ts";
import { memberIdOf } from "./core/group-id.ts";
import { checkChange, duePromotion, hostOf } from "./core/membership-rules.ts";
import { etcdError } from "../../protocols/etcd-errors.ts";
import type { Change, Peer, Refusal } from "./core/raft/membership.ts";
import type { Raft } from "./core/raft/raft.ts";
import type { AppliedChange } from "./core/raft/types.ts";

interface Pending {
  readonly index: number;
  readonly term: number;
  readonly resolve: (peer: Peer) => void;
  readonly reject: (error: Error) => void;
}

/** What it needs of its member. */
export interface Home {
  readonly raft: Raft;
  readonly clusterId: string;
  header(): ResponseHeader;
  askForTurn(): void;
}

export class GroupChanges {
  private readonly home: Home;
  private pending: Pending | undefined;
  /** What came of it, once it is applied; told when that is on the disk, since it must not be forgotten by who told it. */
  private outcome: { readonly index: number; readonly tell: () => void } | undefined;

  constructor(home: Home) {
    this.home = home;
  }

  list(): MembersResponse {
    const members = this.home.raft.members.members.map((peer) => this.toMember(peer));
    return { header: this.home.header(), members };
  }

  async add(peerUrls: readonly string[], learner: boolean): Promise<MembersResponse & { readonly member: Member }> {
    const name = hostOf(peerUrls[0] ?? "") ?? "";
    const peer = await this.change({ type: "add", name, peerUrls, learner });
    return { ...this.list(), member: this.toMember(peer) };
  }

  async remove(id: string): Promise<MembersResponse> {
    await this.change({ type: "remove", id: this.idOf(id) });
    return this.list();
  }

  async update(id: string, peerUrls: readonly string[]): Promise<MembersResponse> {
    await this.change({ type: "update", id: this.idOf(id), peerUrls });
    return this.list();
  }

  async promote(id: string): Promise<MembersResponse> {
    await this.change({ type: "promote", id: this.idOf(id) });
    return this.list();
  }

  has(id: string): boolean {
    return this.idOf(id) !== 0;
  }

  /** The number under which the actor of that name goes on. */
  async replace(name: string): Promise<{ readonly clusterId: string; readonly id: number }> {
    const known = this.home.raft.members.members.find((peer) => peer.name === name);
    if (known === undefined) throw etcdError("ETCD_MEMBER_NOT_FOUND");
    const { id } = await this.change({ type: "replace", id: known.id });
    return { clusterId: this.home.clusterId, id };
  }

  /** Of the leader's clock: a learner that is to be a voter, and can be, becomes one. */
  tick(): void {
    const { raft } = this.home;
    if (raft.role !== "leader") return;
    const change = duePromotion(raft.members, raft);
    if (change !== undefined && raft.proposeChange(change)) this.home.askForTurn();
  }

  applied(changes: readonly AppliedChange[]): void {
    const { pending } = this;
    if (pending === undefined) return;
    const mine = changes.find(({ index }) => index === pending.index);
    if (mine === undefined) return;
    const { resolve, reject } = pending;
    const { changed } = mine;
    if (mine.term !== pending.term) return this.leaderChanged();
    this.pending = undefined;
    const tell = (): void => (changed.refusal === undefined ? resolve(changed.peer) : reject(refused(changed.refusal)));
    if (changed.refusal === undefined) this.outcome = { index: pending.index, tell };
    else tell();
  }

  /** It is on the disk that what is up to `commit` is committed. */
  persisted(commit: number): void {
    if (this.outcome === undefined || commit < this.outcome.index) return;
    this.outcome.tell();
    this.outcome = undefined;
  }

  /** There is another leader, or none: nobody here knows what becomes of what was proposed. */
  leaderChanged(): void {
    this.pending?.reject(etcdError("ETCD_LEADER_CHANGED"));
    this.pending = undefined;
  }

  private async change(change: Change): Promise<Peer> {
    const { raft } = this.home;
    if (raft.role !== "leader") throw etcdError("ETCD_NO_LEADER");
    checkChange(raft.members, change, raft);
    if (this.pending !== undefined || this.outcome !== undefined || !raft.proposeChange(change))
      throw etcdError("ETCD_UNHEALTHY");
    return new Promise((resolve, reject) => {
      this.pending = { index: raft.log.last, term: raft.term, resolve, reject };
      this.home.askForTurn();
    });
  }

  private idOf(id: string): number {
    const { clusterId, raft } = this.home;
    return raft.members.members.find((peer) => memberIdOf(clusterId, peer.id) === id)?.id ?? 0;
  }

  private toMember({ id, name, peerUrls, learner }: Peer): Member {
    return { id: memberIdOf(this.home.clusterId, id), name, peerUrls, isLearner: learner };
  }
}

function refused(refusal: Refusal): InkubeError {
  switch (refusal) {
    case "notFound":
      return etcdError("ETCD_MEMBER_NOT_FOUND");
    case "nameTaken":
      return etcdError("ETCD_PEER_URL_EXISTS");
    case "notLearner":
      return etcdError("ETCD_MEMBER_NOT_LEARNER");
  }
}

/** What one member tells of all of them: who they are, where clients reach them, and what is wrong with them. */
import type { EtcdMethods, MemberStatus } from "../../../protocols/etcd.ts";
import { etcdError } from "../../../protocols/etcd-errors.ts";
import { hasCode } from "../../../protocols/errors.ts";
import type { Actor, Incoming } from "../../../runtime/actor.ts";
import { memberIdOf } from "../core/group-id.ts";
import type { Peer } from "../core/raft/membership.ts";
import type { Member } from "../member.ts";

/** A member that does not answer holds nobody up. */
const ASK_MS = 500;

export interface GroupMember {
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
  readonly alarms: MemberStatus["alarms"];
}

export class Group {
  private readonly member: Member;
  private readonly handlers: Actor<EtcdMethods>["handlers"];
  /** As the members have told it the last time; one that is down is still reached there when it is back. */
  private readonly urls: Map<number, readonly string[]> = new Map();

  constructor(member: Member, handlers: Actor<EtcdMethods>["handlers"]) {
    this.member = member;
    this.handlers = handlers;
  }

  list(): Promise<readonly GroupMember[]> {
    const { raft } = this.member;
    return Promise.all(raft.members.members.map((peer) => this.of(peer)));
  }

  private async of({ id, name, peerUrls, learner }: Peer): Promise<GroupMember> {
    const { peers } = this.member;
    const status = await this.statusOf(id);
    if (status !== undefined) this.urls.set(id, status.clientUrls);
    return {
      id: memberIdOf(peers.clusterId, id),
      name,
      peerUrls,
      clientUrls: this.urls.get(id) ?? [],
      isLearner: learner,
      alarms: status?.alarms ?? [],
    };
  }

  private async statusOf(id: number): Promise<MemberStatus | undefined> {
    const { peers } = this.member;
    if (id === peers.self) return this.member.status();
    try {
      return await peers.ref(id).call("status", null, { timeoutMs: ASK_MS });
    } catch (error) {
      if (!hasCode(error)) throw error;
      return undefined;
    }
  }

  /** Only the leader hands over. Errors: ETCD_NOT_LEADER, ETCD_BAD_TRANSFEREE, and those of the hand-over. */
  async moveLeader(to: string, call: Incoming): Promise<void> {
    const { raft, peers } = this.member;
    if (raft.role !== "leader") throw etcdError("ETCD_NOT_LEADER");
    const heir = raft.members.members.find(({ id }) => memberIdOf(peers.clusterId, id) === to);
    if (heir === undefined || heir.learner) throw etcdError("ETCD_BAD_TRANSFEREE");
    await this.handlers.moveLeader({ to: heir.name }, call);
  }
}

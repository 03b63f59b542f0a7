/** What the protocol has for the group's own members. */
import type { EtcdMethods, MembershipMethods } from "../../protocols/etcd.ts";
import { hasCode } from "../../protocols/errors.ts";
import type { Handlers, Incoming, Ref } from "../../runtime/actor.ts";
import type { Member } from "./member.ts";

type MembershipHandlers = Pick<Handlers<EtcdMethods>, keyof MembershipMethods | "replaceMember">;

/** The leader changes the group; the others pass what they are asked on to it, once at most. */
export function membershipHandlers(member: Member): MembershipHandlers {
  const { changes, peers, raft } = member;
  const byLeader = <Reply>(
    { from, timeoutMs }: Pick<Incoming, "from" | "timeoutMs">,
    change: () => Promise<Reply>,
    pass: (
      leader: Ref<EtcdMethods>,
      options: { readonly timeoutMs: number; readonly signal: AbortSignal },
    ) => Promise<Reply>,
  ): Promise<Reply> => {
    const isPassedOn = peers.id(from) !== 0;
    if (raft.role === "leader" || raft.leader === 0 || isPassedOn) return change();
    return member.askLeader((leader, signal) => pass(leader, { timeoutMs, signal }));
  };
  return {
    memberList: async ({ serializable }, message) => {
      if (serializable !== true) {
        await newest(member, message);
      }
      return changes.list();
    },
    memberAdd: (request, message) =>
      byLeader(
        message,
        () => changes.add(request.peerUrls, request.isLearner),
        (leader, options) => leader.call("memberAdd", request, options),
      ),
    memberRemove: async (request, message) => {
      try {
        return await byLeader(
          message,
          () => changes.remove(request.id),
          (leader, options) => leader.call("memberRemove", request, options),
        );
      } catch (error) {
        // Where the leader itself is removed, its successor is often here before its answer.
        if (!hasCode(error, "ETCD_LEADER_CHANGED")) throw error;
        await newest(member, message);
        if (changes.has(request.id)) throw error;
        return changes.list();
      }
    },
    memberUpdate: (request, message) =>
      byLeader(
        message,
        () => changes.update(request.id, request.peerUrls),
        (leader, options) => leader.call("memberUpdate", request, options),
      ),
    memberPromote: (request, message) =>
      byLeader(
        message,
        () => changes.promote(request.id),
        (leader, options) => leader.call("memberPromote", request, options),
      ),
    replaceMember: (request, message) => {
      member.lostDisks.note(request.name, request.path);
      return byLeader(
        { timeoutMs: message.timeoutMs, from: request.name === message.from ? "" : message.from },
        () => changes.replace(request.name),
        (leader, options) => leader.call("replaceMember", request, options),
      );
    },
  };
}

/** Resolves when this member has applied all that was committed before. */
export function newest(member: Member, { from: owner }: Incoming): Promise<unknown> {
  return new Promise((resolve, reject) => member.read({ type: "revision", owner, resolve, reject }));
}

/** The members of the cluster's etcd group, as one that can be asked. */
import { InkubeError } from "../../protocols/errors.ts";
import type { EtcdMethods } from "../../protocols/etcd.ts";
import type { Ref } from "../../runtime/actor.ts";

export class EtcdGroup {
  private readonly members: readonly Ref<EtcdMethods>[];

  constructor(members: readonly Ref<EtcdMethods>[]) {
    this.members = members;
  }

  /** Of the first member that answers. Errors: the last one's. */
  async ask<Reply>(ask: (member: Ref<EtcdMethods>) => Promise<Reply>): Promise<Reply> {
    let last: unknown;
    for (const member of this.members) {
      try {
        return await ask(member);
      } catch (error) {
        if (!(error instanceof InkubeError)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Where etcd's own clients reach the members, those of them that answer. */
  async endpoints(): Promise<readonly string[]> {
    const asked = await Promise.allSettled(this.members.map((member) => member.call("status", null)));
    return asked.flatMap((answer) => (answer.status === "fulfilled" ? answer.value.clientUrls : []));
  }

  /** Its name; undefined while there is none. */
  async leader(): Promise<string | undefined> {
    const asked = this.members.map((member) => member.call("status", null));
    const answers = (await Promise.allSettled(asked)).flatMap((answer) =>
      answer.status === "fulfilled" && answer.value.leader !== "" ? [answer.value] : [],
    );
    // A member that was cut off may still name the leader of an older term.
    return answers.sort((left, right) => right.raftTerm - left.raftTerm)[0]?.leader;
  }
}

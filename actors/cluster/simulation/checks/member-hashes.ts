/** Members that have applied the same entries hold the same data, at any time: by the hash that each tells of itself. */
import type { MemberStatus } from "../../../../protocols/etcd.ts";
import { broken } from "./broken.ts";

interface Known {
  readonly hash: number;
  readonly revision: number;
  readonly members: Set<string>;
}

export class MemberHashes {
  private readonly byIndex = new Map<number, Known>();
  /** Members that have been compared with another one at some index. */
  readonly compared: Set<string> = new Set();

  /** Errors: PROMISE_BROKEN. */
  take(member: string, { raftAppliedIndex, hash, header }: MemberStatus): void {
    const known = this.byIndex.get(raftAppliedIndex);
    if (known === undefined) {
      this.byIndex.set(raftAppliedIndex, { hash, revision: header.revision, members: new Set([member]) });
      return;
    }
    if (known.hash !== hash || known.revision !== header.revision) {
      const [other] = known.members;
      throw broken(
        `${member} holds other data at index ${raftAppliedIndex} than ${other}: ` +
          `hash ${hash} at revision ${header.revision}, and not ${known.hash} at ${known.revision}`,
      );
    }
    known.members.add(member);
    if (known.members.size > 1) for (const each of known.members) this.compared.add(each);
  }
}

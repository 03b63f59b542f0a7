/**
 * The disk of a member that begins with a state: a snapshot in the place of the first entry of the log, and a log that goes on
 * from it. Every member of the new group gets one of its own. Source: `etcdutl snapshot restore`.
 */
import { invariant } from "./bytes.ts";
import { groupId } from "./group-id.ts";
import { foundingMembership } from "./raft/membership.ts";
import type { HardState } from "./raft/types.ts";
import { encodeSegment, segmentName } from "./wal/segment.ts";
import { encodeSnapshot, snapshotName } from "./wal/snapshot-file.ts";

/** The entry that the state stands for, and its term. */
const BEGINNING = { index: 1, term: 1 };
const HARD_STATE: HardState = { term: BEGINNING.term, vote: 0, commit: BEGINNING.index };

export interface MemberFile {
  /** From the member's directory, with "/". */
  readonly path: string;
  readonly content: readonly Uint8Array[];
}

/** `names` of all members, `name` among them; `state` as `encodeStore` makes it. */
export function restoredMember(names: readonly string[], name: string, state: Uint8Array): readonly MemberFile[] {
  const founding = foundingMembership(names);
  const memberId = founding.members.find((one) => one.name === name)?.id;
  invariant(memberId !== undefined, `${name} is none of ${names.join(", ")}`);
  const snapshot = { ...BEGINNING, membership: founding, data: state };
  const identity = { clusterId: groupId(names), memberId, name, founding };
  const segment = encodeSegment({ identity, sequence: 1, previousChain: 0 }, HARD_STATE, BEGINNING);
  return [
    { path: `snap/${snapshotName(snapshot)}`, content: encodeSnapshot(snapshot) },
    { path: `wal/${segmentName(1)}`, content: [segment.bytes] },
  ];
}

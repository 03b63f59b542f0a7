/** Members of pure Raft among all faults, as `test/simulation/etcd/raft.test.ts` has them: some milliseconds a seed. */
import type { Faults, RaftStory } from "../etcd/raft-world.ts";
import { tellRaft } from "../etcd/raft-world.ts";

const base: Faults = { drop: 0.1, duplicate: 0.1, syncEnds: 0.3, compactAfter: Infinity, messageBytesMax: 64 };
const compacting: Faults = { ...base, drop: 0.05, duplicate: 0.05, compactAfter: 8 };
const STORIES: readonly RaftStory[] = [
  { size: 3, faults: { ...base, drop: 0, duplicate: 0, syncEnds: 0.5 }, steps: 800 },
  { size: 3, faults: base, steps: 800 },
  { size: 3, faults: { ...base, messageBytesMax: 1 }, steps: 800 },
  { size: 3, faults: compacting, steps: 800 },
  { size: 5, faults: { ...compacting, messageBytesMax: 1 }, steps: 800 },
  { size: 5, faults: { ...base, syncEnds: 0.05 }, steps: 800 },
  { size: 3, faults: { ...base, syncEnds: 0.05 }, steps: 800 },
  { size: 3, faults: { ...base, messageBytesMax: 1 }, steps: 1_200, isolations: 0.005, revivals: 0.02 },
  { size: 3, faults: { ...base, drop: 0, duplicate: 0 }, steps: 800, isolations: 0.01 },
  { size: 5, faults: { ...compacting, messageBytesMax: 4 }, steps: 800, isolations: 0.02 },
  { size: 3, faults: { ...base, drop: 0, duplicate: 0 }, steps: 1_000, pauses: 0.005 },
  { size: 3, faults: base, steps: 300, losses: 0.02 },
  { size: 3, faults: compacting, steps: 300, losses: 0.02, late: [2] },
];

/** Members come, go and are replaced meanwhile. */
const CHANGES: readonly RaftStory[] = [
  { size: 3, faults: { ...base, messageBytesMax: 1 }, steps: 800, changes: 0.05 },
  { size: 3, faults: compacting, steps: 800, changes: 0.05, losses: 0.005 },
  { size: 2, faults: { ...base, drop: 0, duplicate: 0 }, steps: 800, changes: 0.1, isolations: 0.01 },
  { size: 5, faults: compacting, steps: 800, changes: 0.05, losses: 0.01 },
];

/** One after the other of the kinds of groups and faults; one seed of ten changes the group. */
export function raftStory(seed: number): void {
  const at = Math.floor(seed / 10) % CHANGES.length;
  tellRaft(seed, seed % 10 === 9 ? CHANGES[at]! : STORIES[seed % STORIES.length]!);
}

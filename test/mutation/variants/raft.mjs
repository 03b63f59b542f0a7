/** Mistakes in Raft and in the reads that go through it. */
const RAFT = "actors/etcd/core/raft/raft.ts";
const UNIT = "test/unit/actors/etcd/core/raft/raft.test.ts";
const WORLD = "test/simulation/etcd/raft.test.ts";

export const variants = [
  {
    name: "acknowledges-own-last",
    file: RAFT,
    find: `this.promise({ type: "appendResponse", to, index: last });`,
    replace: `this.promise({ type: "appendResponse", to, index: this.log.last });`,
    why: "a follower acknowledges the end of its own log, which the leader may never have sent",
    tests: [UNIT, WORLD],
  },
];

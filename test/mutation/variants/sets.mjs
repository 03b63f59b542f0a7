const STATEFUL = "test/unit/actors/controller-manager/core/stateful-set.test.ts";
const DAEMON = "test/unit/actors/controller-manager/core/daemon-set.test.ts";
const REVISIONS = "test/unit/actors/controller-manager/core/controller-revisions.test.ts";
const RECORDED = "test/simulation/controllers/workloads.test.ts";
const STORY = "test/simulation/controllers/stateful.test.ts";
const stateful = (file) => `actors/controller-manager/core/stateful-set/${file}.ts`;
const daemon = (file) => `actors/controller-manager/core/daemon-set/${file}.ts`;

/** Mistakes in the controllers of StatefulSets and DaemonSets, and in their revisions. */
export const variants = [
  {
    name: "stateful-without-order",
    file: stateful("plan"),
    find: "if (wait) return stages;",
    replace: "",
    why: "a pod is made before the one that it follows is ready",
    tests: [STATEFUL],
  },
  {
    name: "stateful-update-before-scale",
    file: stateful("plan"),
    find: "const waits = inOrder && condemned.length > 0;",
    replace: "const waits = false;",
    why: "pods are updated while others are still too many",
    tests: [STATEFUL, RECORDED],
  },
  {
    name: "stateful-partition-forgotten",
    file: stateful("plan"),
    find: "const first = startOf(set) + (rolling?.partition ?? 0);",
    replace: "const first = startOf(set);",
    why: "pods below the partition are updated",
    tests: [STATEFUL],
  },
  {
    name: "stateful-broken-counted",
    file: stateful("plan"),
    find: "return [...old.filter(isBroken), ...old.filter((pod) => !isBroken(pod)).slice(0, room)];",
    replace: "return old.slice(0, room);",
    why: "a Parallel set is stuck behind an old pod that never gets ready",
    tests: [STATEFUL, RECORDED],
  },
  {
    name: "stateful-stale-claim",
    file: stateful("plan"),
    find: "if (present.some((claim) => isStale(claim, { set, pod, ordinal }))) return { wait: true };",
    replace: "",
    why: "a new pod takes the claim that goes with the one before it",
    tests: [STATEFUL],
  },
  {
    name: "stateful-claims-of-others",
    file: stateful("retention"),
    find: "const isTaken = !retains && others.some(({ controller }) => controller === true);",
    replace: "const isTaken = false;",
    why: "a claim that another controls gets a second controller",
    tests: [STATEFUL],
  },
  {
    name: "stateful-unseen",
    file: stateful("plan"),
    find: "const isOver = held || ",
    replace: "const isOver = ",
    why: "what was asked for and is not seen is asked for again",
    tests: [STATEFUL],
  },
  {
    name: "daemon-two-on-a-node",
    file: daemon("plan"),
    find: "if (!allowsSurge(input.set)) draft.delete.push(...running.slice(1));",
    replace: "if (!allowsSurge(input.set)) return;",
    why: "a node keeps two pods",
    tests: [DAEMON],
  },
  {
    name: "daemon-surge-too-far",
    file: daemon("plan"),
    find: "      else surging++;",
    replace: "",
    why: "more new pods stand beside old ones than may",
    tests: [DAEMON],
  },
  {
    name: "daemon-failed-at-once",
    file: daemon("plan"),
    find: "    if (waitMs > 0) {",
    replace: "    if (waitMs > Infinity) {",
    why: "a pod that a node refuses is made again in a circle",
    tests: [DAEMON],
  },
  {
    name: "daemon-leaves-lost-nodes",
    file: daemon("pods"),
    find: '  ["unreachable", "NoExecute"],\n',
    replace: "",
    why: "pods are taken from a node that is lost for a moment",
    tests: [DAEMON],
  },
  {
    name: "daemon-ended-holds-its-place",
    file: daemon("plan"),
    find: " || (isTerminating(pod) && isTerminal(pod))",
    replace: "",
    why: "a node waits for a pod that has ended, and that a finalizer keeps",
    tests: [DAEMON],
  },
  {
    name: "revision-number-again",
    file: "actors/controller-manager/core/controller-revisions.ts",
    find: "Math.max(next, numberOf(update))",
    replace: "numberOf(update)",
    why: "what is rolled back to is not the newest",
    tests: [REVISIONS, RECORDED],
  },
  {
    name: "revision-live-truncated",
    file: "actors/controller-manager/core/controller-revisions.ts",
    find: "const dead = others.filter((revision) => !isLive(revision));",
    replace: "const dead = others.filter(() => isLive !== undefined);",
    why: "the revision of pods that run is deleted",
    tests: [REVISIONS],
  },
  {
    name: "stateful-members-of-others",
    file: stateful("identity"),
    find: "const isMember = parent === set.metadata?.name && String(ordinal) === digits && ordinal <= ORDINAL_MAX;",
    replace: "const isMember = parent === set.metadata?.name && ordinal <= ORDINAL_MAX;",
    why: "web-01 is taken for web-1",
    tests: [STATEFUL, STORY],
  },
];

/**
 * Operators that carry the patterns of published bugs: each in ../operators beside its mended twin, from which a switch tells
 * it. A seed is the number of a plan of faults, as a search of the operator tries them.
 */

/** By the operator's name: the first plan that finds its mistake. */
const FOUND_BY = {
  "generated-and-noted-afterwards": 3,
  "grown-by-what-was-deleted": 13,
  "finishes-only-what-it-began": 28,
  "password-made-anew": 3,
  "done-before-it-is": 3,
  "generation-observed-first": 13,
  "finalizer-after-the-volume": 16,
  "finalizer-goes-first": 8,
  "one-child-stands-for-both": 3,
  "moved-by-deletion": 8,
  "rotated-through-nothing": 15,
  "renamed-in-two-writes": 7,
  "appended-twice": 4,
  "conflict-swallowed": 7,
  "own-child-is-a-stranger": 3,
  "deleted-is-not-found": 8,
  "unreadable-is-absent": 13,
  "failed-for-good": 2,
  "three-tries": 2,
  "published-from-the-past": 20,
  "deletion-of-a-namesake": 36,
  "scaled-down-from-the-past": 68,
  "switched-off-in-the-past": 16,
  "shrunk-from-the-past": 41,
  "counted-in-the-cache": 8,
  "guarded-by-the-cache": 97,
  "written-from-the-cache": 9,
  "finalizer-off-as-nothing-is-seen": 36,
  "owned-by-the-past": 25,
  "created-again-and-failed": 3,
  "port-given-twice": 6,
  "deletion-missed": 11,
  "timestamp-missed": 11,
  "compared-with-memory": 6,
  "added-means-new": 5,
  "ready-is-not-looked-at": 11,
  "expired-and-begun-anew": 33,
  "event-is-a-command": 2,
  "counted-by-changes": 3,
  "thinks-of-the-gone": 33,
  "leads-for-ever": 21,
  "conditions-of-one": 10,
};

export const variants = Object.entries(FOUND_BY).map(([name, seed]) => ({
  name: `zoo-operator-${name}`,
  story: `operator ${name}`,
  silent: [`operator-mended ${name}`, `operator-own ${name}`],
  budget: 120,
  seed,
  why: `see ${name} in test/simulation/zoo/operators`,
}));

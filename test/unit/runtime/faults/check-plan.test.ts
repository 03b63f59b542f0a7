import { describe, expect, it } from "vitest";
import type { InkubeError } from "../../../../protocols/errors.ts";
import type { PlanProblem, Places } from "../../../../runtime/faults/check-plan.ts";
import { FAULT_KINDS, checkPlan } from "../../../../runtime/faults/check-plan.ts";
import { CLUSTER_FAULTS } from "../../../../actors/cluster/simulation/fault-plan.ts";
import { SimulatedCluster } from "../../../../actors/cluster/simulation/simulated-cluster.ts";

/** Etcd's members are linked with one another, the kubelet with nobody of these, the program with the members. */
const PLACES: Places = {
  actors: () => ["etcd-0", "etcd-1", "worker-0/kubelet"],
  outsiders: ["cluster"],
  areLinked: (left, right) => left !== right && [left, right].every((name) => !name.startsWith("worker")),
  machines: () => ["master-0", "worker-0"],
  actorsOf: (kind) => ({ "api-server": ["etcd-0"], kubelet: ["worker-0/kubelet"] })[kind] ?? [],
};

const DRAIN = { kind: "node-drain", at: "worker-0" };
const HOLD = { kind: "watch-hold", by: "web", of: "configmaps", when: { atMs: 1 } };

function problemsOf(plan: unknown): readonly PlanProblem[] {
  try {
    checkPlan(plan, PLACES);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ name: "InkubeError", code: "INVALID_FAULT_PLAN" });
    return ((error as InkubeError).details as { readonly problems: readonly PlanProblem[] }).problems;
  }
}

/** What is wrong, the fault, the field that is named, what is allowed there, and what was probably meant. */
type Refused = readonly [string, object, string, string | RegExp, string?];

const REFUSED: readonly Refused[] = [
  ["an unknown kind", { kind: "volcano", at: "etcd-0" }, "kind", FAULT_KINDS.join(", ")],
  ["a misspelt kind", { kind: "actor-crahs", at: "etcd-0" }, "kind", FAULT_KINDS.join(", "), "actor-crash"],
  ["a name that every object has as its kind", { kind: "constructor" }, "kind", FAULT_KINDS.join(", ")],
  ["no kind", { at: "etcd-0" }, "kind", FAULT_KINDS.join(", ")],
  [
    "a misspelt field",
    { kind: "disk-full", at: "etcd-0", chanse: 1 },
    "chanse",
    "id, fromMs, forMs, at, chance",
    "chance",
  ],
  [
    "a field of another kind",
    { kind: "clock-jump", at: "etcd-0", byMs: 1, forMs: 5 },
    "forMs",
    "id, fromMs, at, byMs",
    "fromMs",
  ],
  ["a missing number", { kind: "link-drop", from: "etcd-0", to: "etcd-1" }, "chance", "a number from 0 to 1"],
  ["a number that is a text", { kind: "actor-slow", at: "etcd-0", share: "0.5" }, "share", "a number from 0 to 1"],
  ["too great a share", { kind: "disk-full", at: "etcd-0", chance: 1.5 }, "chance", "a number from 0 to 1"],
  ["no number", { kind: "clock-skew", at: "etcd-0", byMs: Number.NaN }, "byMs", /^a number of milliseconds from -/],
  ["a clock beyond all dates", { kind: "clock-jump", at: "etcd-0", byMs: 1e16 }, "byMs", /^a number of milli/],
  ["a time before the plan", { kind: "disk-full", at: "etcd-0", fromMs: -1 }, "fromMs", /from 0 to 2147483647$/],
  ["a time that no timer has", { kind: "disk-full", at: "etcd-0", forMs: 2 ** 31 }, "forMs", /from 0 to 2147483647$/],
  ["no pause between two strikes", { kind: "actor-oom", at: "etcd-0", everyMs: 0 }, "everyMs", /from 1 to/],
  ["half a range", { kind: "disk-slow", at: "etcd-0", byMs: 5 }, "byMs", "a range [least, most] of milliseconds"],
  ["a range upside down", { kind: "disk-slow", at: "etcd-0", byMs: [5, 1] }, "byMs", /^a range/],
  ["an unknown choice", { kind: "actor-crash", at: "etcd-0", disk: "gone" }, "disk", "one of crash, kept, lost"],
  ["an operation of no disk", { kind: "disk-error", at: "etcd-0", operations: ["fsync"] }, "operations", /^a list/],
  ["no operation at all", { kind: "disk-error", at: "etcd-0", operations: [] }, "operations", /^a list/],
  ["a yes that is a text", { kind: "partition", from: "*", to: "*", oneWay: "yes" }, "oneWay", "true or false"],
  ["no place", { kind: "disk-full" }, "at", /^names of actors/],
  ["a place that is a list", { kind: "partition", from: ["etcd-0"], to: "*" }, "from", /^names of actors/],
  ["an actor that is not there", { kind: "disk-full", at: "etcd-7" }, "at", "etcd-*, worker-*/kubelet", "etcd-0"],
  ["a misspelt pattern", { kind: "disk-full", at: "ectd-*" }, "at", "etcd-*, worker-*/kubelet", "etcd-*"],
  ["the program's disk", { kind: "disk-full", at: "cluster" }, "at", "etcd-*, worker-*/kubelet"],
  ["a place of no link", { kind: "partition", from: "kubectl", to: "*" }, "from", "etcd-*, worker-*/kubelet, cluster"],
  ["no link between", { kind: "partition", from: "etcd-*", to: "*/kubelet" }, "to", /^places between which/],
  ["a link with itself", { kind: "partition", from: "etcd-0", to: "etcd-0" }, "to", /^places between which/],
  [
    "a break after the end",
    { kind: "partition", from: "*", to: "*", forMs: 5, breakAfterMs: 5 },
    "breakAfterMs",
    "less than forMs",
  ],
  [
    "a misspelt field of a fault of the API",
    { ...HOLD, untill: { atMs: 2 } },
    "untill",
    /^id, when, by, of, until/,
    "until",
  ],
  ["a field of another fault of the API", { ...HOLD, downMs: 2 }, "downMs", /^id, when/],
  ["a when that is a number", { ...HOLD, when: 5 }, "when", /^\{ on: … \}/],
  [
    "a misspelt field of an event",
    { ...HOLD, when: { on: "write", phse: "after" } },
    "when.phse",
    /^on, phase/,
    "phase",
  ],
  ["an unknown event", { ...HOLD, when: { on: "wirte" } }, "when.on", "one of write, read, delivery, lease"],
  ["a verb of other events", { ...HOLD, until: { on: "write", verb: "ADDED" } }, "until.verb", /^create, update/],
  [
    "an event within a sequence",
    { ...HOLD, when: { seq: [{ atMs: 1 }, { on: "write", nth: 0 }] } },
    "when.seq[1].nth",
    /from 1$/,
  ],
  ["no event in a sequence", { ...HOLD, when: { any: [] } }, "when.any", "a list of at least one"],
  ["an event that is a text", { ...HOLD, when: { all: ["write"] } }, "when.all[0]", /^\{ on: … \}/],
  ["a time and an event at once", { ...HOLD, when: { on: "write", atMs: 1 } }, "when.on", "atMs"],
  [
    "a status that the API has not",
    { kind: "api-error", by: "web", when: { atMs: 1 }, status: 418 },
    "status",
    /409, 410, 429/,
  ],
  ["a write that is gone", { kind: "api-error", by: "web", when: { atMs: 1 }, status: 410 }, "on", "read"],
  [
    "an object that is too old",
    { kind: "api-error", by: "web", when: { atMs: 1 }, status: 410, on: "read", verb: "get" },
    "verb",
    "list",
  ],
  ["a watch of one object", { ...HOLD, of: "configmaps/default/web" }, "of", /^a resource as/],
  ["a view of no revision", { ...HOLD, kind: "view-stale", at: "then" }, "at", "now, before, or a revision"],
  [
    "a second one where there is none to start",
    { kind: "controller-twice", by: "etcd-0", when: { atMs: 1 }, forMs: 5 },
    "by",
    /^etcd-\*/,
  ],
  ["a controller that is not there", { kind: "controller-crash", by: "web", when: { atMs: 1 } }, "by", /^etcd-\*/],
  ["a drain of a node that is not there", { kind: "node-drain", at: "worker-7" }, "at", "worker-*", "worker-0"],
  ["a drain of a master", { kind: "node-drain", at: "master-0" }, "at", "worker-*"],
  [
    "a loss of a machine that is not there",
    { kind: "node-loss", at: "worker-7" },
    "at",
    "master-*, worker-*",
    "worker-0",
  ],
  ["a downtime that is a text", { kind: "node-loss", at: "worker-0", downMs: "1s" }, "downMs", /^a number of milli/],
  ["an upgrade with a downtime", { kind: "node-upgrade", at: "worker-0", downMs: 1 }, "downMs", /^id, fromMs/],
  ["a fault of what is not here", { kind: "pod-kill", pod: "default/web" }, "kind", /^link-drop, /],
  ["a pod of no namespace", { kind: "pod-kill", pod: "web" }, "pod", /^a namespace and a name/],
  ["a flip of no field", { kind: "object-flip", of: "pods", field: "spec..x" }, "field", /^the path of a field/],
  ["a flip of who it is", { kind: "object-flip", of: "pods", field: "metadata.name" }, "field", /^a field below/],
  [
    "a flip of what is not stored",
    { kind: "object-flip", of: "pods", field: "metadata.resourceVersion" },
    "field",
    /^a/,
  ],
  ["a moment and a time", { ...DRAIN, when: { atMs: 1 }, fromMs: 5 }, "fromMs", "atMs within when"],
  ["a moment of no kind", { ...DRAIN, when: { on: "wriet" } }, "when.on", /^one of write, read/],
  ["a moment that has no end", { ...DRAIN, when: { seq: [{ on: "write", nth: 0 }] } }, "when.seq[0].nth", /from 1$/],
  ["a moment of what begins by time alone", { kind: "disk-full", at: "*", when: { atMs: 1 } }, "when", /^id, fromMs/],
  ["an end of what happens once", { kind: "actor-crash", at: "*", forMs: 5 }, "forMs", "forMs beside everyMs"],
];

describe("a plan of faults", () => {
  const rows = REFUSED.map(([what, fault, field, allowed, meant]) => ({ what, fault, field, allowed, meant }));

  it.each(rows)("with $what is refused, and what is allowed is said", ({ fault, field, allowed, meant }) => {
    const [problem, ...more] = problemsOf({ faults: [{ id: "f", ...fault }] });
    expect(more).toEqual([]);
    const said = typeof allowed === "string" ? allowed : expect.stringMatching(allowed);
    expect(problem).toMatchObject({ fault: "f", field, allowed: said });
    expect(problem?.nearest).toBe(meant);
  });

  it.each([
    [undefined, ""],
    ["etcd-0", ""],
    [[], ""],
    [{}, "faults"],
    [{ faults: {} }, "faults"],
    [{ faults: [], seeds: 1 }, "seeds"],
    [{ faults: [], seed: "1" }, "seed"],
    [{ faults: [null] }, ""],
    [{ faults: [{ kind: "disk-full", at: "*" }] }, "id"],
  ])("is an object with a list of faults, which %j is not", (plan, field) => {
    expect(problemsOf(plan)).toMatchObject([{ field }]);
  });

  it.each<[string, object]>([
    ["a range of one value", { kind: "disk-slow", at: "etcd-0", byMs: [5, 5] }],
    ["a break just before the end", { kind: "partition", from: "etcd-0", to: "etcd-1", forMs: 5, breakAfterMs: 4 }],
    ["a break without an end", { kind: "partition", from: "etcd-0", to: "etcd-1", breakAfterMs: 4 }],
    [
      "what begins and ends with what happens",
      { ...HOLD, until: { seq: [{ on: "delivery", verb: "DELETED" }, { atMs: 5 }] } },
    ],
    ["a crash of a client that is an actor", { kind: "controller-crash", by: "etcd-*", when: { on: "lease", nth: 2 } }],
    ["the limits of a share", { kind: "disk-full", at: "etcd-0", chance: 1 }],
    ["an end of what happens again and again", { kind: "actor-crash", at: "*", everyMs: 1, forMs: 5 }],
    ["the clock of the program", { kind: "clock-jump", at: "cluster", byMs: -1 }],
    ["a cut between the program and a member", { kind: "partition", from: "cluster", to: "etcd-1" }],
  ])("may have %s", (_what, fault) => {
    expect(problemsOf({ faults: [{ id: "f", ...fault }] })).toEqual([]);
  });

  it("has an id for each fault", () => {
    const fault = { id: "a", kind: "disk-full", at: "*" };
    expect(problemsOf({ faults: [fault, { ...fault }] })).toMatchObject([{ fault: "a", field: "id" }]);
  });

  it("is told everything that is wrong with it at once", () => {
    const faults = [
      { id: "power", kind: "actor-crash", at: "etcd-9", chanse: 0.5 },
      { kind: "volcano" },
      { id: "far", kind: "disk-full", at: "etcd-9" },
    ];
    expect(() => checkPlan({ faults }, PLACES)).toThrow(
      `plan of faults: 3 things are wrong:
fault power: chanse: a fault of kind actor-crash has no such field; did you mean chance? (allowed: id, fromMs, forMs, at, everyMs, chance, victims, disk)
fault number 2: kind: there is no kind "volcano" (allowed: ${FAULT_KINDS.join(", ")})
fault far: at: nobody answers to etcd-9; did you mean etcd-0? (allowed: etcd-*, worker-*/kubelet)`,
    );
  });

  it("of the simulated cluster holds", () => {
    expect(() => new SimulatedCluster({ seed: 1, faults: CLUSTER_FAULTS })).not.toThrow();
    const faults = { faults: [{ id: "f", kind: "disk-full" as const, at: "etcd-7" }] };
    expect(() => new SimulatedCluster({ seed: 1, faults })).toThrow("nobody answers to etcd-7; did you mean etcd-0?");
  });
});

/** Plans of faults as real runs can carry them out. */
import type { When } from "../../../../protocols/api-faults.ts";
import type { Fault } from "../../../../runtime/faults/plan.ts";
import type { PlannedRun } from "../search.ts";

/** Faults are made for virtual time, which is free: real ones last this share of it. */
const SHARE = 0.25;

/**
 * The same plan, its times shorter; but when a fault that was drawn begins is of a real run already, and a Lease lasts as long as
 * it says. `tireless`: who can't be paused, and is down for that time instead.
 */
export function realPlan(run: PlannedRun, tireless: readonly string[]): PlannedRun {
  if (run.pattern === "paused" || run.pattern === "twice") return run;
  const faults = run.plan.faults.map((fault) => downInstead(hastened(fault), tireless));
  const about =
    run.pattern === "random"
      ? `${run.about.slice(0, run.about.indexOf(":"))}: ${faults.map(({ kind }) => kind).join(", ")}`
      : run.about;
  return { ...run, about, plan: { ...run.plan, faults } };
}

function hastened(fault: Fault): Fault {
  if (!("when" in fault) || fault.when === undefined) return fault;
  return {
    ...fault,
    when: "atMs" in fault.when ? fault.when : hastenedWhen(fault.when),
    ...("forMs" in fault && fault.forMs !== undefined ? { forMs: Math.round(fault.forMs * SHARE) } : {}),
    ...("until" in fault && fault.until !== undefined ? { until: hastenedWhen(fault.until) } : {}),
    ...("downMs" in fault && fault.downMs !== undefined ? { downMs: Math.round(fault.downMs * SHARE) } : {}),
  };
}

function hastenedWhen(when: When): When {
  if ("atMs" in when) return { atMs: Math.round(when.atMs * SHARE) };
  if ("all" in when) return { all: when.all.map(hastenedWhen) };
  if ("any" in when) return { any: when.any.map(hastenedWhen) };
  if ("seq" in when) return { seq: when.seq.map(hastenedWhen) };
  return when;
}

function downInstead(fault: Fault, tireless: readonly string[]): Fault {
  if (fault.kind !== "controller-pause" || !tireless.includes(fault.by)) return fault;
  return { ...fault, kind: "controller-crash" };
}

/**
 * The search: a run without faults, twice, then plans of faults, systematic ones first; what is found is made as small as it can
 * be. Runs may be under way side by side, but what they show is taken in the order of the plans: what is found, and under which
 * number, is the same for any number of jobs.
 */
import type { Fault } from "../../../runtime/faults/plan.ts";
import { SeededRandom } from "../../../runtime/random.ts";
import { wallNowMs } from "../../../runtime/threads/machine-clock.ts";
import type { Difference, EndState } from "./end-state.ts";
import { mutantOf, pctPlan, randomPlan } from "./drawn-plans.ts";
import type { Resolved } from "./exploration.ts";
import type { Pattern } from "./patterns.ts";
import type { Outcome, Reference, RunRequest } from "./outcome.ts";
import { NEVER_ENDS, failsWithoutFaults } from "./outcome.ts";
import { realPlan } from "./real/plans.ts";
import type { Attachable } from "./real/stage.ts";
import type { Failure } from "./run.ts";
import type { Runner } from "./runner.ts";
import type { DrawnPattern, PlannedRun, Pruned } from "./search.ts";
import { shrink } from "./shrink.ts";
import { Slots } from "./slots.ts";
import type { StoryEvent } from "./story-events.ts";
import type { Story } from "./story.ts";
import { storyOf } from "./story.ts";

/** A failure, once for all plans that came upon it. */
export interface Found {
  readonly story: Story;
  /** Plans that failed for the same cause. */
  plans: number;
}

export interface ChaosReport {
  readonly found: readonly Found[];
  /** Plans that were run, but of which nothing can be said: what happened is not all known. */
  readonly voided: readonly { readonly about: string; readonly why: string }[];
  /** Plans that were run, and those that the budget left out. */
  readonly plans: number;
  readonly plansLeft: number;
  /** All runs: also the ones without faults, and those that made failures smaller. */
  readonly runs: number;
  /** Goals (`sometimes`) that no run met. */
  readonly missed: readonly string[];
  /** Of the run without faults. */
  readonly digest: string;
}

/** A plan that was run, and what that showed. */
export interface TriedPlan {
  readonly planned: PlannedRun;
  readonly failures: readonly Failure[];
  /** Which of what was found it came upon, counted from 1; undefined: nothing, or nothing that was told. */
  readonly story: number | undefined;
  /** How much it has shown of the controllers that no plan before it has. */
  readonly isNew: number;
}

/** What is found, beside its story. */
export interface ToldFailure {
  readonly story: Story;
  readonly events: readonly StoryEvent[];
  /** Between its end and the end without faults. */
  readonly differences: readonly Difference[];
  /** The whole trace, as lines of JSON; absent in real time, and of a run that never ends. */
  readonly trace?: string;
}

export interface Planned {
  /** Those that are known before any of them is run. */
  readonly plans: readonly PlannedRun[];
  /** With those that are yet to be made of what others show. */
  readonly count: number;
  readonly pruned: readonly Pruned[];
}

/** Told as it goes. */
export interface Progress {
  onPlans?(planned: Planned): void;
  onRun?(tried: TriedPlan): void;
  /** Of a plan that was run, nothing can be said. */
  onVoid?(planned: PlannedRun, why: string): void;
  onFound?(told: ToldFailure): void;
  /** Somebody is to start that controller now. */
  onAttachable?(attachable: Attachable): void;
  /** Where kubeconfigs of such controllers are written. Default `chaos`. */
  readonly directory?: string;
  /** Of a search in real time, before it begins: `stop` ends it, with CANCELLED, and whatever runs for it. */
  onRealTime?(stop: () => void): void;
}

interface Numbered extends Found {
  readonly number: number;
}

const NO_FAULTS: readonly Fault[] = [];
/** So many plans are made of what is known before the next ones are: for any number of jobs. */
const MUTANTS_AT_ONCE = 24;
/** Plans that are begun while one before them is made smaller. */
const AHEAD_PER_JOB = 32;

export class Searcher {
  private readonly exploration: Resolved;
  private readonly progress: Progress;
  private readonly runner: Runner;
  private readonly slots: Slots;
  /** By the names of their steps; undefined: they fail without any fault. */
  private readonly references = new Map<string, EndState | undefined>();
  private readonly found = new Map<string, Numbered>();
  private readonly voided: { readonly about: string; readonly why: string }[] = [];
  private readonly met = new Set<string>();
  private readonly seen = new Set<number>();
  /** Plans that have shown something new, with how much. */
  private readonly seeds: { readonly planned: PlannedRun; readonly isNew: number }[] = [];
  private runs = 0;
  private untilMs = Infinity;
  /** Nothing more is to be begun. */
  private isOver = false;

  constructor(exploration: Resolved, runner: Runner, progress: Progress) {
    this.exploration = exploration;
    this.runner = runner;
    this.progress = progress;
    this.slots = new Slots(runner.jobs);
  }

  async search(): Promise<ChaosReport> {
    const { wallMs, oracles, coverage, plansMax } = this.exploration;
    this.untilMs = wallNowMs() + wallMs;
    const reference = await this.reference();
    const plans = this.plansOf(reference);
    const wanted = coverage ? plansMax : plans.length;
    this.progress.onPlans?.({
      plans: plans.map((each) => this.asRun(each)),
      count: wanted,
      pruned: reference.systematic.pruned,
    });
    let done = await this.tryAll(plans, reference.end);
    for (let nth = 1; done < wanted && done >= plans.length;) {
      const count = Math.min(MUTANTS_AT_ONCE, wanted - done);
      const mutants = Array.from({ length: count }, () => this.mutant(reference, nth++));
      const ran = await this.tryAll(mutants, reference.end);
      done += ran;
      if (ran < count) break;
    }
    const goals = oracles.flatMap((oracle) => ("goal" in oracle ? [oracle.name] : []));
    return {
      found: [...this.found.values()].map(({ story, plans: count }) => ({ story, plans: count })),
      voided: this.voided,
      plans: done,
      plansLeft: wanted - done,
      runs: this.runs,
      missed: goals.filter((name) => !this.met.has(name)),
      digest: reference.digest,
    };
  }

  /** Those that are known before any of them is run. Errors: those of `referenceOf`. */
  async plans(): Promise<readonly PlannedRun[]> {
    return this.plansOf(await this.reference()).map((each) => this.asRun(each));
  }

  /** The end of these steps without faults. Errors: CHAOS_FAILS_WITHOUT_FAULTS. */
  async endOf(steps: readonly string[]): Promise<EndState> {
    const { bad, end } = await this.run({ faults: NO_FAULTS, steps, reference: undefined, tells: "end" });
    if (bad !== undefined || end === undefined) throw failsWithoutFaults(bad ?? "it has no end");
    return end;
  }

  private async reference(): Promise<Reference> {
    const reference = await this.runner.reference();
    this.runs += 2;
    for (const goal of reference.goals) this.met.add(goal);
    for (const each of reference.seen) this.seen.add(each);
    this.references.set(keyOf(this.steps), reference.end);
    return reference;
  }

  private get steps(): readonly string[] {
    return this.exploration.steps.map(({ name }) => name);
  }

  private plansOf({ systematic, drawing }: Reference): readonly PlannedRun[] {
    const { random, pct, plansMax, seed } = this.exploration;
    const plans = [...systematic.plans];
    for (let nth = 1; nth <= random && plans.length < plansMax; nth++) plans.push(randomPlan(drawing, seed, nth));
    for (let nth = 1; nth <= pct.plans && plans.length < plansMax; nth++) {
      const plan = pctPlan(drawing, pct.depth, seed, nth);
      if (plan !== undefined) plans.push(plan);
    }
    return plans.slice(0, plansMax);
  }

  /** As it is carried out. */
  private asRun(planned: PlannedRun): PlannedRun {
    const { stage } = this.exploration;
    return stage === undefined ? planned : realPlan(planned, stage.tireless);
  }

  /** Of one that has shown much more often than of one that has shown little. */
  private mutant({ drawing }: Reference, nth: number): PlannedRun {
    const { seed } = this.exploration;
    const random = new SeededRandom(seed, `seed/${nth}`);
    const all = this.seeds.reduce((sum, { isNew }) => sum + isNew, 0);
    let left = random.next() * all;
    const chosen = this.seeds.find(({ isNew }) => (left -= isNew) < 0) ?? this.seeds.at(-1);
    return mutantOf(chosen?.planned.plan ?? { faults: [] }, drawing, seed, nth);
  }

  /** How many were run before the time was used up. */
  private async tryAll(plans: readonly PlannedRun[], reference: EndState): Promise<number> {
    const ahead = AHEAD_PER_JOB * this.runner.jobs;
    const outcomes: Promise<Outcome | undefined>[] = [];
    try {
      for (const [index, planned] of plans.entries()) {
        for (const next of plans.slice(index + outcomes.length, index + ahead)) {
          const outcome = this.attempt(next, reference);
          // It is waited for in its turn.
          outcome.catch(() => undefined);
          outcomes.push(outcome);
        }
        const outcome = await outcomes.shift();
        if (outcome === undefined) return index;
        await this.take(planned, outcome, reference);
      }
      return plans.length;
    } catch (error) {
      this.isOver = true;
      throw error;
    }
  }

  /** Undefined when the time is used up. */
  private async attempt(planned: PlannedRun, reference: EndState): Promise<Outcome | undefined> {
    await this.slots.enter({ isUrgent: false });
    try {
      if (this.isOver || wallNowMs() >= this.untilMs) return undefined;
      const { faults } = this.asRun(planned).plan;
      // What happened in real time does not come again.
      const tells = this.exploration.stage === undefined ? {} : { tells: "story" as const };
      return await this.runner.run({ faults, steps: this.steps, reference, ...tells });
    } finally {
      this.slots.leave();
    }
  }

  private async take(drawn: PlannedRun, outcome: Outcome, reference: EndState): Promise<void> {
    const planned = this.asRun(drawn);
    this.count(outcome);
    if (outcome.void !== undefined) {
      this.voided.push({ about: planned.about, why: outcome.void });
      this.progress.onVoid?.(planned, outcome.void);
      return;
    }
    const before = this.seen.size;
    for (const each of outcome.seen) this.seen.add(each);
    const isNew = this.seen.size - before;
    if (isNew > 0) this.seeds.push({ planned: drawn, isNew });
    const { failures } = outcome;
    const [failure] = failures;
    let story: number | undefined;
    if (failure !== undefined) {
      let known = this.knownFor(planned, failure);
      if (known === undefined) known = await this.tell(planned, failure, outcome, reference);
      else known.plans++;
      story = known.number;
    }
    this.progress.onRun?.({ planned, failures, story, isNew });
  }

  /** One cause at one kind of moment is one failure; what chance comes upon is mostly one that is known. */
  private knownFor({ pattern }: PlannedRun, { oracle, cause }: Failure): Numbered | undefined {
    const same = `${oracle}: ${cause}`;
    if (!isDrawn(pattern)) return this.found.get(`${MOMENTS[pattern]} ${same}`);
    return [...this.found].find(([key]) => key.endsWith(` ${same}`))?.[1];
  }

  private async tell(planned: PlannedRun, failure: Failure, first: Outcome, reference: EndState): Promise<Numbered> {
    const { seed, stage } = this.exploration;
    const { pattern } = planned;
    const { oracle, cause } = failure;
    const { faults, steps } = await this.smallest(planned.plan.faults, oracle, reference);
    const end = (await this.endWithout(steps)) ?? reference;
    // One that never ends costs all the time that a run may take, and tells nothing.
    const repeated =
      oracle === NEVER_ENDS
        ? { failures: [failure], digest: "" }
        : await this.run({ faults, steps, reference: end, tells: "story" });
    const isAgain = stage === undefined || repeated.failures.some((each) => each.oracle === oracle);
    const outcome = isAgain ? repeated : first;
    const about = isAgain
      ? planned.about
      : `${planned.about}, and did not fail when it was repeated: a matter of timing`;
    const smallest = outcome.failures.find((each) => each.oracle === oracle) ?? failure;
    const { events = [], differences = [], trace } = outcome as Partial<Outcome>;
    const story = storyOf({ seed, plan: { faults }, steps, about, failure: smallest, events, digest: outcome.digest });
    const told = { story, plans: 1, number: this.found.size + 1 };
    this.found.set(`${isDrawn(pattern) ? pattern : MOMENTS[pattern]} ${oracle}: ${cause}`, told);
    this.progress.onFound?.({ story, events, differences, ...(trace === undefined ? {} : { trace }) });
    return told;
  }

  /** The fewest faults and steps of which an oracle still says no. */
  private async smallest(
    faults: readonly Fault[],
    oracle: string,
    reference: EndState,
  ): Promise<{ readonly faults: readonly Fault[]; readonly steps: readonly string[] }> {
    const { steps } = this;
    if (oracle === NEVER_ENDS) return { faults, steps };
    const isRed = ({ failures }: Outcome): boolean => failures.some((each) => each.oracle === oracle);
    const fewest = await shrink(faults, async (fewer) => isRed(await this.run({ faults: fewer, steps, reference })));
    // In real time all steps stay: each try without one would take another run without faults.
    if (this.exploration.stage !== undefined) return { faults: fewest, steps };
    const shortest = await shrink(steps, async (fewer) => {
      const without = await this.endWithout(fewer);
      return without !== undefined && isRed(await this.run({ faults: fewest, steps: fewer, reference: without }));
    });
    return { faults: fewest, steps: shortest };
  }

  /** Undefined where these steps fail without any fault. */
  private async endWithout(steps: readonly string[]): Promise<EndState | undefined> {
    const key = keyOf(steps);
    if (!this.references.has(key)) {
      const { bad, end } = await this.run({ faults: NO_FAULTS, steps, reference: undefined, tells: "end" });
      this.references.set(key, bad === undefined ? end : undefined);
    }
    return this.references.get(key);
  }

  /** Of what has to be known before anything else is taken. */
  private async run(request: RunRequest): Promise<Outcome> {
    await this.slots.enter({ isUrgent: true });
    try {
      const outcome = await this.runner.run(request);
      this.count(outcome);
      return outcome;
    } finally {
      this.slots.leave();
    }
  }

  private count({ goals }: Outcome): void {
    this.runs++;
    for (const goal of goals) this.met.add(goal);
  }
}

/** Patterns that find the same. */
const MOMENTS: { readonly [P in Pattern]: string } = {
  "crash-before": "write",
  "crash-after": "write",
  "down-after": "write",
  "lost-reply": "write",
  conflict: "write",
  refused: "request",
  down: "notification",
  held: "notification",
  unseen: "notification",
  dropped: "notification",
  late: "notification",
  "stale-restart": "restart",
  travel: "restart",
  paused: "lease",
  twice: "lease",
  "pod-kill": "pod",
  "image-gone": "pod",
  "object-flip": "pod",
  "node-loss": "node",
  "node-drain": "node",
  "memory-pressure": "node",
  "node-upgrade": "node",
};

function isDrawn(pattern: PlannedRun["pattern"]): pattern is DrawnPattern {
  return !Object.hasOwn(MOMENTS, pattern);
}

function keyOf(steps: readonly string[]): string {
  return JSON.stringify(steps);
}

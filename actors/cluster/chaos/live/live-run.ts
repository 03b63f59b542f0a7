/** Takes a running cluster through a schedule of faults: steady state, faults, steady state again; and the verdict. */
import type { Context } from "../../../../runtime/actor.ts";
import type { Fault, FaultPlan } from "../../../../runtime/faults/plan.ts";
import type { AppliedFaults } from "../../../../runtime/threads/thread-faults.ts";
import type { Look } from "./probes.ts";
import { Prober } from "./probes.ts";
import type { FullSchedule, Probe } from "./schedule.ts";
import type { Client } from "../../../client/client.ts";

/**
 * `holds`: every probe did what it must. `found`: one did not. `unsteady`: they did not all hold before anything was broken, so
 * nothing was. `stopped`: it was called off.
 */
export type LiveVerdict = "holds" | "found" | "unsteady" | "stopped";

export interface ProbeReport {
  readonly name: string;
  /** While faults were in force. */
  readonly looks: number;
  readonly held: number;
  /** The first time that it did not hold then, in milliseconds after the faults began, and why. */
  readonly firstFailure?: { readonly atMs: number; readonly why: string };
  /** Why it does not hold in the end; absent: it does, or was not asked any more. */
  readonly failsInTheEnd?: string;
}

export interface LiveReport {
  readonly verdict: LiveVerdict;
  /** What speaks against `holds`, a sentence each. */
  readonly reasons: readonly string[];
  readonly probes: readonly ProbeReport[];
  /** What faults did, in milliseconds after they began. */
  readonly struck: readonly {
    readonly atMs: number;
    readonly fault: string;
    readonly kind: string;
    readonly what: string;
  }[];
  /** After the end of the faults, until all probes held; absent: they did not, or were not asked. */
  readonly healedAfterMs?: number;
}

export interface LiveHome {
  readonly ctx: Context<unknown>;
  readonly client: Client;
  applyFaults(plan: FaultPlan, onFault: (fault: Fault, what: string) => void): AppliedFaults;
}

export interface LiveOptions {
  /** Told what happens as it does, a line each. */
  readonly onLine?: (line: string) => void;
  /** Calls it off: the faults end. */
  readonly signal?: AbortSignal;
}

interface Tally {
  readonly probe: Probe;
  looks: number;
  held: number;
  firstFailure: ProbeReport["firstFailure"];
  last: Look;
}

/** Errors: INVALID_FAULT_PLAN. */
export async function runLive(home: LiveHome, schedule: FullSchedule, options: LiveOptions): Promise<LiveReport> {
  return new LiveRun(home, schedule, options).run();
}

class LiveRun {
  private readonly home: LiveHome;
  private readonly schedule: FullSchedule;
  private readonly options: LiveOptions;
  private readonly prober: Prober;
  private readonly tallies: readonly Tally[];
  private readonly struck: LiveReport["struck"][number][] = [];
  private readonly startedMs: number;
  private beganMs = 0;

  constructor(home: LiveHome, schedule: FullSchedule, options: LiveOptions) {
    this.home = home;
    this.schedule = schedule;
    this.options = options;
    this.prober = new Prober(home.ctx, home.client);
    this.tallies = schedule.probes.map((probe) => ({
      probe,
      looks: 0,
      held: 0,
      firstFailure: undefined,
      last: { holds: false, why: "it was not asked" },
    }));
    this.startedMs = this.nowMs;
  }

  async run(): Promise<LiveReport> {
    const { steadyMs, healMs, forMs } = this.schedule;
    this.tell("before: waiting for the steady state");
    const steady = await this.steadyWithin(steadyMs);
    if (this.isCalledOff) return this.report("stopped", ["it was called off"]);
    if (steady === undefined) return this.report("unsteady", this.failing("before anything was broken"));
    this.tell(`during: the steady state holds; faults for ${seconds(forMs)}`);
    await this.breakThings();
    if (this.isCalledOff) return this.report("stopped", ["it was called off"]);
    this.tell("after: the faults are over; waiting for the steady state");
    const healedAfterMs = await this.steadyWithin(healMs);
    if (this.isCalledOff) return this.report("stopped", ["it was called off"]);
    const reasons = [
      ...this.tallies.flatMap((tally) => tooRare(tally)),
      ...(healedAfterMs === undefined ? this.failing(`${seconds(healMs)} after the faults`) : []),
    ];
    return this.report(reasons.length === 0 ? "holds" : "found", reasons, healedAfterMs);
  }

  private async breakThings(): Promise<void> {
    const { plan, forMs, everyMs } = this.schedule;
    this.beganMs = this.nowMs;
    const applied = this.home.applyFaults(plan, (fault, what) => {
      this.struck.push({ atMs: Math.round(this.nowMs - this.beganMs), fault: fault.id, kind: fault.kind, what });
      this.tell(`fault ${fault.id} (${fault.kind}) ${what}`);
    });
    try {
      await applied.settled();
      const endMs = this.beganMs + forMs;
      do {
        await this.look((tally, look) => this.count(tally, look));
        await this.pause(Math.min(everyMs, endMs - this.nowMs));
      } while (this.nowMs < endMs && !this.isCalledOff);
    } finally {
      await applied.stop();
    }
  }

  private count(tally: Tally, { holds, why }: Look): void {
    tally.looks++;
    if (holds) tally.held++;
    else tally.firstFailure ??= { atMs: Math.round(this.nowMs - this.beganMs), why };
  }

  /** Resolves as soon as all probes hold at one look, with the time that it took; undefined: not in time. */
  private async steadyWithin(limitMs: number): Promise<number | undefined> {
    const sinceMs = this.nowMs;
    for (;;) {
      const askedMs = this.nowMs;
      await this.look(() => undefined);
      if (this.tallies.every(({ last }) => last.holds)) return Math.round(askedMs - sinceMs);
      const leftMs = sinceMs + limitMs - this.nowMs;
      if (leftMs <= 0 || this.isCalledOff) return undefined;
      await this.pause(Math.min(leftMs, this.schedule.everyMs));
    }
  }

  private async look(seen: (tally: Tally, look: Look) => void): Promise<void> {
    await Promise.all(
      this.tallies.map(async (tally) => {
        const look = await this.prober.look(tally.probe);
        if (look.holds !== tally.last.holds) {
          this.tell(`probe ${tally.probe.name} ${look.holds ? "holds" : `does not hold: ${look.why}`}`);
        }
        tally.last = look;
        seen(tally, look);
      }),
    );
  }

  private failing(when: string): readonly string[] {
    return this.tallies
      .filter(({ last }) => !last.holds)
      .map(({ probe, last }) => `${probe.name} did not hold ${when}: ${last.why}`);
  }

  private report(verdict: LiveVerdict, reasons: readonly string[], healedAfterMs?: number): LiveReport {
    const probes = this.tallies.map(({ probe, looks, held, firstFailure, last }) => ({
      name: probe.name,
      looks,
      held,
      ...(firstFailure === undefined ? {} : { firstFailure }),
      ...(last.holds || verdict === "stopped" ? {} : { failsInTheEnd: last.why }),
    }));
    const healed = healedAfterMs === undefined ? {} : { healedAfterMs };
    return { verdict, reasons, probes, struck: this.struck, ...healed };
  }

  private get nowMs(): number {
    return this.home.ctx.clock.monotonicMs();
  }

  private get isCalledOff(): boolean {
    return this.options.signal?.aborted === true;
  }

  /** Ends early when it is called off. */
  private pause(forMs: number): Promise<void> {
    const { signal } = this.options;
    if (forMs <= 0 || this.isCalledOff) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.home.ctx.clock.after(forMs, end);
      signal?.addEventListener("abort", end);
    });
  }

  private tell(what: string): void {
    this.options.onLine?.(`${seconds(this.nowMs - this.startedMs).padStart(8)}  ${what}`);
  }
}

function tooRare({ probe, looks, held, firstFailure }: Tally): readonly string[] {
  const { name, during = 1 } = probe;
  if (held >= during * looks) return [];
  const first = firstFailure === undefined ? "" : `; first after ${seconds(firstFailure.atMs)}: ${firstFailure.why}`;
  return [`${name} held at ${held} of ${looks} looks during the faults, less than ${during * 100} %${first}`];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** For a person: what each probe did, and the verdict. */
export function textOfLive({ verdict, reasons, probes, healedAfterMs }: LiveReport): string {
  const lines = probes.map(({ name, looks, held }) => `${name}: held at ${held} of ${looks} looks during the faults`);
  const healed =
    healedAfterMs === undefined ? [] : [`all probes held again ${seconds(healedAfterMs)} after the faults`];
  return [...lines, ...healed, ...reasons, `verdict: ${verdict}`].join("\n");
}

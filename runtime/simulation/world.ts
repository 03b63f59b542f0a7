/**
 * The simulated world: virtual time, one event at a time, and everything random from one seed.
 *
 * Each step takes the earliest event, runs it, and lets every promise that it has woken run to the end before the next
 * step. That order is a function of the program and the seed alone: the language fixes in which order promises go on,
 * and nothing here waits for the machine. It holds on one major version of Node; between them V8 may differ.
 *
 * Time is a whole number of microseconds since the start of the run.
 */
import type { Random } from "../random.ts";
import { SeededRandom } from "../random.ts";
import { AmbientGuard } from "./ambient-guard.ts";
import type { DecisionLog, Decisions } from "./decisions.ts";
import { RecordedDecisions, ReplayedDecisions } from "./decisions.ts";
import type { EventOwner, SimEvent } from "./event-queue.ts";
import { EventQueue } from "./event-queue.ts";
import { ForeignTurn } from "./foreign-turn.ts";

export interface WorldOptions {
  readonly seed: number;
  /** Unix time at the start of the run; default 2026-01-01T00:00:00Z. */
  readonly epochMs?: number;
  /** Writes down every random decision of the run. */
  readonly record?: DecisionLog;
  /** Takes every random decision from an earlier run's log; `seed` is not used. Errors: INVALID_DECISION_LOG. */
  readonly replay?: DecisionLog;
  /** Told before each step whose it is. It must not change anything. */
  readonly onStep?: (owner: EventOwner) => void;
}

export interface RunLimits {
  /** Virtual time at which the run stops. */
  readonly untilUs: number;
  /** Asked after each step; true stops the run. */
  readonly until?: () => boolean;
  /** Stops a run that goes on for ever at one moment. */
  readonly stepsMax?: number;
}

export const EPOCH_MS: number = Date.UTC(2026, 0, 1);
/** Some minutes of one core: a run that needs more is in a loop. */
export const STEPS_MAX = 200_000_000;
/** How long the run keeps the machine's event loop to itself. */
const SLICE_MS = 10;
const STEPS_BETWEEN_CLOCK_READS = 64;

/** Its `then` queues a microtask; queueMicrotask() costs three times as much. */
const MICROTASK = Promise.resolve();
const readMachineClock = performance.now.bind(performance);
const setMachineImmediate = setImmediate;

export class World {
  readonly seed: number;
  readonly epochMs: number;
  nowUs = 0;
  /** Events that have happened. */
  steps = 0;
  /** The simulation's own events: they neither die nor hang. */
  readonly itself: EventOwner;
  private readonly queue = new EventQueue();
  private readonly streams = new Map<string, Random>();
  private readonly decisions: Decisions | undefined;
  private readonly guard: AmbientGuard;
  private readonly onStep: ((owner: EventOwner) => void) | undefined;
  private readonly foreignTurn = new ForeignTurn();
  private sequence = 0;
  private resumedSequence = Number.MIN_SAFE_INTEGER;
  private turn: (() => void)[] = [];
  private running = false;
  private failure: { readonly error: unknown } | undefined;
  private held: (() => Promise<void>) | undefined;

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.epochMs = options.epochMs ?? EPOCH_MS;
    this.onStep = options.onStep;
    if (options.replay !== undefined) {
      this.decisions = new ReplayedDecisions(options.replay, (error) => this.fail(error));
    } else if (options.record !== undefined) {
      this.decisions = new RecordedDecisions(options.record);
    }
    this.itself = { alive: true, hanging: undefined, crash: (error) => this.fail(error) };
    this.guard = new AmbientGuard((name) => {
      const error = new Error(`${name} was used in the simulation; take it from the context`);
      this.fail(error);
      throw error;
    });
  }

  /** The stream of random numbers of that label: `schedule`, `link/a>b`, `disk/etcd-0` … */
  random(label: string): Random {
    let stream = this.streams.get(label);
    if (stream === undefined) {
      const generated = (): Random => new SeededRandom(this.seed, label);
      stream = this.decisions === undefined ? generated() : this.decisions.stream(label, generated, () => this.nowUs);
      this.streams.set(label, stream);
    }
    return stream;
  }

  /** The run is over. Errors: SIMULATION_DIVERGED when a replay left decisions of its log unused. */
  end(): void {
    this.decisions?.end();
  }

  schedule(delayUs: number, owner: EventOwner, action: () => void): SimEvent {
    return this.scheduleAt(this.nowUs + Math.max(0, Math.round(delayUs)), owner, action);
  }

  scheduleAt(atUs: number, owner: EventOwner, action: () => void): SimEvent {
    const event: SimEvent = { atUs, sequence: ++this.sequence, owner, action };
    this.queue.push(event);
    return event;
  }

  /** Runs `action` when every promise that the current step has woken has run. */
  atEndOfTurn(action: () => void): void {
    this.turn.push(action);
  }

  /** Lets one that hung go on: what waited for it happens now, in order. */
  resume(owner: EventOwner): void {
    const waiting = owner.hanging ?? [];
    owner.hanging = undefined;
    for (const event of waiting) {
      event.atUs = this.nowUs;
      // Before everything else that is due now: what arrives later must not overtake what has waited.
      event.sequence = ++this.resumedSequence;
      this.queue.push(event);
    }
  }

  /** Before the next step the run waits for `work`, which may run another simulation meanwhile. */
  hold(work: () => Promise<void>): void {
    if (this.held !== undefined) throw new Error("the simulation is already held");
    this.held = work;
  }

  /** Ends the run with an error: the simulation, not the simulated, is wrong. */
  fail(error: unknown): void {
    this.failure ??= { error };
  }

  /** Resolves when a limit is reached; rejects with what `fail` was given, or when `stepsMax` was not enough. */
  run(limits: RunLimits): Promise<void> {
    if (this.running) throw new Error("the simulation is already running");
    this.running = true;
    const stepsMax = this.steps + (limits.stepsMax ?? STEPS_MAX);
    return new Promise((resolve, reject) => {
      let sliceEndMs = 0;
      let untilClockRead = 0;
      const begin = (): void => {
        this.foreignTurn.end();
        this.guard.install();
        sliceEndMs = readMachineClock() + SLICE_MS;
        untilClockRead = STEPS_BETWEEN_CLOCK_READS;
        afterMicrotasks(step);
      };
      const finish = (error?: { readonly error: unknown }): void => {
        this.foreignTurn.end();
        this.guard.remove();
        this.running = false;
        if (error === undefined) resolve();
        else reject(error.error);
      };
      const wait = (work: () => Promise<void>): void => {
        this.foreignTurn.end();
        this.guard.remove();
        const goOn = (): void => {
          this.held = undefined;
          setMachineImmediate(begin);
        };
        work().then(goOn, (error: unknown) => {
          this.fail(error);
          goOn();
        });
      };
      const step = (): void => {
        try {
          this.endTurn();
          if (this.failure !== undefined) return finish(this.failure);
          if (limits.until?.() === true) return finish();
          if (this.held !== undefined) return wait(this.held);
          if (this.steps >= stepsMax) throw new Error(`no end after ${stepsMax} steps, at ${this.nowUs} us`);
          if (!this.stepOnce(limits.untilUs)) {
            this.nowUs = Math.max(this.nowUs, limits.untilUs);
            return finish();
          }
        } catch (error) {
          return finish({ error });
        }
        if (!this.foreignTurn.isOn) {
          if (--untilClockRead > 0) return void MICROTASK.then(nextStep);
          untilClockRead = STEPS_BETWEEN_CLOCK_READS;
          if (readMachineClock() < sliceEndMs) return void MICROTASK.then(nextStep);
        }
        // Still within the turn: the promises that this step woke run before the guard goes.
        afterMicrotasks(() => {
          this.guard.remove();
          setMachineImmediate(begin);
        });
      };
      // As `afterMicrotasks`, without a new function for each step.
      const nextStep = (): void => process.nextTick(step);
      begin();
    });
  }

  private endTurn(): void {
    // What runs here may add to the turn.
    for (let index = 0; index < this.turn.length; index++) this.turn[index]!();
    if (this.turn.length > 0) this.turn = [];
  }

  /** Runs the next event that has an owner able to; false when none is due by `untilUs`. */
  private stepOnce(untilUs: number): boolean {
    for (;;) {
      const next = this.queue.peek();
      if (next === undefined || next.atUs > untilUs) return false;
      this.queue.pop();
      const { owner, action } = next;
      if (action === undefined || !owner.alive) continue;
      if (owner.hanging !== undefined) {
        owner.hanging.push(next);
        continue;
      }
      if (next.atUs > this.nowUs) this.nowUs = next.atUs;
      this.steps++;
      this.onStep?.(owner);
      if (owner.foreign !== undefined) this.foreignTurn.begin(owner, owner.foreign);
      try {
        action();
      } catch (error) {
        owner.crash(error);
      }
      return true;
    }
  }
}

/**
 * Node runs ticks when no microtask is left, so a tick asked for by the microtask after the last one known comes after
 * all that those wake in turn, however long their chain.
 */
function afterMicrotasks(action: () => void): void {
  void MICROTASK.then(() => process.nextTick(action));
}

/**
 * 10,000 seeded histories of whole trees in virtual time: actors take their time to start and stop, fail to start, crash
 * and hang. Each restart, its pause and each escalation is held against a model of OTP's rules that shares no code with
 * the supervisor. A failing seed is in the name of the assertion; set `SEED` to repeat it alone.
 */
import { describe, expect, it } from "vitest";
import { INTENSITY_EXCEEDED } from "../../../../runtime/supervisor/core/supervisor-core.ts";
import type { SupervisorCommand } from "../../../../runtime/supervisor/core/supervisor-core.ts";
import type { ChildSpec, SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import { actorsOf, isSupervisor } from "../../../../runtime/supervisor/spec.ts";
import { Harness, actor, supervisor } from "./harness.ts";

const SEEDS = 10_000;
const FAULTY_MS = 20_000;
const EVENTS_MAX = 400;

type Draw = (below: number) => number;

/** mulberry32 */
function drawFrom(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomTree(draw: Draw, name: string, depth: number): SupervisorSpec {
  const children = Array.from({ length: 1 + draw(3) }, (_, index) => {
    const child = `${name}.${index}`;
    if (depth > 0 && draw(3) === 0) return randomTree(draw, child, depth - 1);
    return actor(child, { restart: (["permanent", "permanent", "transient", "temporary"] as const)[draw(4)]! });
  });
  return supervisor(name, children, {
    strategy: (["one_for_one", "one_for_all", "rest_for_one"] as const)[draw(3)]!,
    startInParallel: draw(2) === 0,
    intensity: { restarts: draw(6), periodMs: 1_000 + draw(5_000) },
    backoff: { initialMs: 1 + draw(50), maxMs: 500, factor: 2, jitter: 0, resetAfterMs: 200 + draw(3_000) },
  });
}

/** OTP's rules, told by what a host sees: which actor was asked to end, which ended, and when. */
class Model {
  private readonly parents = new Map<string, SupervisorSpec>();
  private readonly specs = new Map<string, ChildSpec | SupervisorSpec>();
  private readonly crashes = new Map<string, number[]>();
  private readonly inARow = new Map<string, number>();
  private readonly upSince = new Map<string, number>();
  private readonly asked = new Set<string>();
  private readonly ending = new Set<string>();
  private readonly gone = new Set<string>();
  /** What was ending, and what was alive, before the last end. */
  private stopping: ReadonlySet<string> = new Set();
  private alive: ReadonlySet<string> = new Set();
  private expected: string | undefined;
  private readonly harness: Harness;

  constructor(root: SupervisorSpec, harness: Harness) {
    this.harness = harness;
    const visit = (spec: ChildSpec | SupervisorSpec): void => {
      this.specs.set(spec.name, spec);
      if (!isSupervisor(spec)) return;
      for (const child of spec.children) {
        this.parents.set(child.name, spec);
        visit(child);
      }
    };
    visit(root);
  }

  /** Before each end. */
  look(): void {
    const alive = this.harness.core.status().filter(({ state }) => state !== "ended" && state !== "backoff");
    this.alive = new Set(alive.map(({ name }) => name));
    this.stopping = new Set(alive.filter(({ state }) => state === "stopping").map(({ name }) => name));
  }

  see(command: SupervisorCommand): void {
    if (this.expected !== undefined) {
      expect(this.line(command)).toBe(this.expected);
      this.expected = undefined;
    } else if (command.type === "restart" || command.type === "escalate") {
      throw new Error(`${this.line(command)} for no reason`);
    }
    switch (command.type) {
      case "start":
        this.asked.delete(command.child.name);
        return;
      case "stop":
      case "kill":
        this.asked.add(command.child);
        return;
      case "up":
        this.upSince.set(command.name, this.harness.nowMs);
        return;
      case "escalate":
        // Those below its children are supervised until their own supervisor's turn to stop has come.
        for (const { name } of (this.specs.get(command.supervisor) as SupervisorSpec).children) this.ending.add(name);
        return;
      case "down":
        return this.down(command.name, command.reason);
      case "restart":
        return this.restart(command.name);
      case "set-timer":
      case "cancel-timer":
      case "terminated":
        return;
    }
  }

  private line(command: SupervisorCommand): string {
    if (command.type === "restart") return `restart ${command.name} in ${command.delayMs}`;
    return command.type === "escalate" ? `escalate ${command.supervisor}` : command.type;
  }

  private below(name: string): readonly string[] {
    const spec = this.specs.get(name)!;
    return isSupervisor(spec) ? spec.children.flatMap((child) => [child.name, ...this.below(child.name)]) : [];
  }

  private down(name: string, reason: string): void {
    const wasUp = this.upSince.get(name);
    this.upSince.delete(name);
    // A supervisor without actors ends within the step that asks it to.
    const endedAsAsked = isSupervisor(this.specs.get(name)!) && reason !== INTENSITY_EXCEEDED;
    const expectedEnd = this.asked.delete(name) || this.ending.has(name);
    const spec = this.specs.get(name)!;
    if (isSupervisor(spec)) {
      // It begins anew: its children have no past.
      for (const child of this.below(name)) {
        this.inARow.delete(child);
        this.ending.delete(child);
        this.gone.delete(child);
        this.crashes.delete(child);
      }
      this.crashes.delete(name);
    }
    this.ending.delete(name);
    const parent = this.parents.get(name);
    if (parent === undefined || endedAsAsked || expectedEnd || this.stopping.has(parent.name)) return;
    if (
      !isSupervisor(spec) &&
      (spec.restart === "temporary" || (spec.restart === "transient" && reason === "normal"))
    ) {
      this.gone.add(name);
      return;
    }
    const { nowMs } = this.harness;
    const recent = (this.crashes.get(parent.name) ?? []).filter((atMs) => nowMs - atMs < parent.intensity.periodMs);
    recent.push(nowMs);
    this.crashes.set(parent.name, recent);
    if (recent.length > parent.intensity.restarts) {
      this.expected = `escalate ${parent.name}`;
      return;
    }
    const { initialMs, maxMs, factor, resetAfterMs } = parent.backoff;
    const healthy = wasUp !== undefined && nowMs - wasUp >= resetAfterMs;
    const inARow = (healthy ? 0 : (this.inARow.get(name) ?? 0)) + 1;
    this.inARow.set(name, inARow);
    const delayMs = inARow === 1 ? 0 : Math.min(maxMs, initialMs * factor ** (inARow - 2));
    this.expected = `restart ${name} in ${delayMs}`;
  }

  /** What its siblings do because of it is asked of them, also when they end before they hear of it. */
  private restart(name: string): void {
    const parent = this.parents.get(name)!;
    if (parent.strategy === "one_for_one") return;
    const from = parent.strategy === "one_for_all" ? 0 : parent.children.findIndex((child) => child.name === name);
    for (const sibling of parent.children.slice(from)) {
      if (sibling.name === name || this.gone.has(sibling.name)) continue;
      if (this.alive.has(sibling.name)) this.ending.add(sibling.name);
    }
  }
}

function simulate(seed: number): void {
  const draw = drawFrom(seed);
  const spec = randomTree(draw, "r", 2);
  const harness = new Harness(spec);
  const model = new Model(spec, harness);
  harness.onCommand = (command) => model.see(command);
  const down = harness.down.bind(harness);
  harness.down = (name, reason, random) => {
    model.look();
    down(name, reason, random);
  };
  harness.start();
  for (let event = 0; event < EVENTS_MAX && harness.nowMs < FAULTY_MS; event++) {
    if (harness.terminated !== undefined) break;
    harness.pass(draw(200));
    const names = [...harness.running.keys()];
    const name = names[draw(Math.max(1, names.length))];
    if (name === undefined) continue;
    const state = harness.running.get(name);
    const dies = draw(6) === 0;
    if (state === "stopping") harness.down(name, dies ? "killed" : "normal");
    else if (state === "starting" && !dies) harness.started(name);
    else if (dies) harness.down(name, (["throw", "exit", "normal", "hang"] as const)[draw(4)]!);
  }
  // Faults end: what can be up is up, and stays.
  for (let round = 0; round < 8; round++) {
    harness.settle();
    harness.pass(1_000);
  }
  harness.settle();
  if (harness.terminated !== undefined) {
    expect(harness.terminated).toBe(INTENSITY_EXCEEDED);
    expect([harness.running.size, harness.timers.size]).toEqual([0, 0]);
    return;
  }
  for (const { name, restart } of actorsOf(spec)) {
    const { state } = harness.core.get(name);
    if (restart === "permanent") expect(`${name} ${state}`).toBe(`${name} up`);
    else expect(["up", "ended"]).toContain(state);
  }
}

describe("a supervised tree under faults", () => {
  it(`keeps OTP's rules in ${SEEDS} seeded histories`, () => {
    const only = process.env["SEED"];
    const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(only)];
    for (const seed of seeds) {
      try {
        simulate(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});

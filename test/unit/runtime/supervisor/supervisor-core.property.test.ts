/** The supervisor's core against any history of starts, crashes, stops and time, checked by what OTP promises. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChildSpec, SupervisorSpec } from "../../../../runtime/supervisor/spec.ts";
import { actorsOf, isSupervisor } from "../../../../runtime/supervisor/spec.ts";
import { Harness, actor, supervisor } from "./harness.ts";

type Shape =
  | { readonly leaf: ChildSpec["restart"] }
  | {
      readonly parallel: boolean;
      readonly strategy: SupervisorSpec["strategy"];
      readonly restarts: number;
      readonly children: readonly Shape[];
    };

const leaf = fc.record({
  leaf: fc.constantFrom<ChildSpec["restart"]>("permanent", "permanent", "transient", "temporary"),
});
const { tree } = fc.letrec<{ tree: Shape; node: Shape }>((tie) => ({
  tree: fc.record({
    parallel: fc.boolean(),
    strategy: fc.constantFrom<SupervisorSpec["strategy"]>("one_for_one", "one_for_all", "rest_for_one"),
    restarts: fc.integer({ min: 0, max: 4 }),
    children: fc.array(tie("node"), { maxLength: 4 }),
  }),
  node: fc.oneof({ depthSize: "small", maxDepth: 3 }, leaf, tie("tree")),
}));

function specOf(shape: Shape, name: string): ChildSpec | SupervisorSpec {
  if ("leaf" in shape) return actor(name, { restart: shape.leaf });
  return supervisor(
    name,
    shape.children.map((child, index) => specOf(child, `${name}.${index}`)),
    {
      strategy: shape.strategy,
      startInParallel: shape.parallel,
      intensity: { restarts: shape.restarts, periodMs: 2_000 },
    },
  );
}

/** What a step does is chosen among what is possible, by a number. */
const step = fc.record({
  kind: fc.constantFrom(
    "started",
    "started",
    "started",
    "down",
    "down",
    "crash",
    "crash",
    "pass",
    "take",
    "put",
    "stop-all",
  ),
  pick: fc.nat(1_000),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
});
type Step = { readonly kind: string; readonly pick: number; readonly random: number };

function play(harness: Harness, { kind, pick, random }: Step, names: readonly string[]): void {
  const among = (state: string): string | undefined => {
    const fitting = [...harness.running].filter(([, running]) => running === state).map(([name]) => name);
    return fitting[pick % Math.max(1, fitting.length)];
  };
  const alive = [...harness.running.keys()];
  const anyAlive = alive[pick % Math.max(1, alive.length)];
  if (harness.terminated !== undefined) return;
  if (kind === "started") {
    const name = among("starting");
    if (name !== undefined) harness.started(name);
  } else if (kind === "down") {
    const name = among("stopping");
    if (name !== undefined) harness.down(name, "normal", random);
  } else if (kind === "crash" && anyAlive !== undefined) {
    harness.down(anyAlive, pick % 3 === 0 ? "normal" : "throw", random);
  } else if (kind === "pass") {
    harness.pass(pick * 5);
  } else if (kind === "take" || kind === "put") {
    const name = names[pick % Math.max(1, names.length)];
    if (name === undefined) return;
    if (kind === "put") harness.apply(harness.core.startChild(name, harness.nowMs));
    else harness.apply(harness.core.stopChild(name, harness.nowMs, { kill: random < 0.5 }));
  } else if (kind === "stop-all" && pick < 20) {
    harness.apply(harness.core.stop(harness.nowMs));
  }
}

function namesOf(spec: ChildSpec | SupervisorSpec): readonly string[] {
  return isSupervisor(spec) ? [spec.name, ...spec.children.flatMap(namesOf)] : [spec.name];
}

/** The supervisors above a name, nearest first. */
function parentsOf(root: SupervisorSpec, name: string): readonly SupervisorSpec[] {
  for (const child of root.children) {
    if (child.name === name) return [root];
    const found = isSupervisor(child) ? parentsOf(child, name) : [];
    if (found.length > 0) return [...found, root];
  }
  return [];
}

const runs = { numRuns: 3_000 };

describe("any history", () => {
  it("gives only commands that make sense, and nothing runs once the root has ended", () => {
    fc.assert(
      fc.property(tree, fc.array(step, { maxLength: 60 }), (shape, steps) => {
        const spec = specOf(shape, "r") as SupervisorSpec;
        const harness = new Harness(spec);
        const names = namesOf(spec).slice(1);
        harness.start();
        for (const one of steps) {
          play(harness, one, names);
          if (harness.terminated !== undefined) expect([...harness.running, ...harness.timers]).toEqual([]);
          for (const { name, state } of harness.core.status()) {
            const running = harness.running.get(name);
            if (running !== undefined) expect(state).toBe(running);
          }
        }
      }),
      runs,
    );
  });

  it("ends, when faults do, with every permanent child up that is not taken out, or with the root given up", () => {
    fc.assert(
      fc.property(tree, fc.array(step, { maxLength: 60 }), (shape, steps) => {
        const spec = specOf(shape, "r") as SupervisorSpec;
        const harness = new Harness(spec);
        const names = namesOf(spec).slice(1);
        const held = new Set<string>();
        harness.start();
        for (const one of steps) {
          const name = names[one.pick % Math.max(1, names.length)];
          if (name !== undefined && harness.terminated === undefined && one.kind === "take") held.add(name);
          if (name !== undefined && harness.terminated === undefined && one.kind === "put") held.delete(name);
          play(harness, one, names);
        }
        const stopped = steps.some(({ kind, pick }) => kind === "stop-all" && pick < 20);
        for (let round = 0; round < 20; round++) {
          harness.settle();
          harness.pass(5_000);
        }
        harness.settle();
        if (stopped) expect(harness.terminated).toBeDefined();
        if (harness.terminated !== undefined) {
          expect(harness.running.size).toBe(0);
          return;
        }
        for (const { name, restart } of actorsOf(spec)) {
          const out = held.has(name) || parentsOf(spec, name).some((parent) => held.has(parent.name));
          if (out) expect(harness.core.get(name).state).toBe("ended");
          else if (restart === "permanent") expect(harness.core.get(name).state).toBe("up");
          else expect(["up", "ended"]).toContain(harness.core.get(name).state);
        }
        expect(harness.core.get("r").state).toBe("up");
      }),
      runs,
    );
  });

  it("never starts a child beside a sibling after it that its crash must end first", () => {
    fc.assert(
      fc.property(tree, fc.array(step, { maxLength: 60 }), (shape, steps) => {
        const spec = specOf(shape, "r") as SupervisorSpec;
        const harness = new Harness(spec);
        const names = namesOf(spec).slice(1);
        const alive = (child: ChildSpec | SupervisorSpec): boolean =>
          isSupervisor(child) ? child.children.some(alive) : harness.running.has(child.name);
        const crashed = new Set<string>();
        harness.onCommand = (command) => {
          if (command.type === "restart") crashed.add(command.name);
          if (command.type !== "up") return;
          crashed.delete(command.name);
        };
        harness.start();
        // A child that is put back starts on its own, whatever its siblings do.
        for (const one of steps.filter(({ kind }) => kind !== "put")) {
          const before = new Set(crashed);
          const count = harness.log.length;
          play(harness, one, names);
          for (const line of harness.log.slice(count)) {
            const name = line.startsWith("start ") ? line.slice(6) : undefined;
            const parent = name === undefined ? undefined : parentsOf(spec, name)[0];
            if (name === undefined || parent === undefined || parent.strategy === "one_for_one") continue;
            if (parent.startInParallel === true || !before.has(name)) continue;
            const index = parent.children.findIndex((child) => child.name === name);
            const later = parent.children.slice(index + 1).filter(alive);
            expect(later.map((child) => child.name)).toEqual([]);
          }
        }
      }),
      runs,
    );
  });
});

import { describe, expect, it } from "vitest";
import type { ActiveFaults } from "../../../../runtime/faults/boundary.ts";
import type { FaultTarget } from "../../../../runtime/faults/driver.ts";
import { FaultDriver } from "../../../../runtime/faults/driver.ts";
import type { Fault } from "../../../../runtime/faults/plan.ts";
import { SeededRandom } from "../../../../runtime/random.ts";

/** What a driver asks of its host, and time that passes when the test says so. */
class Target implements FaultTarget {
  readonly actors = (): readonly string[] => ["a", "b", "b/kubelet"];
  readonly outsiders = ["test"];
  readonly done: string[] = [];
  readonly areLinked = (): boolean => true;
  readonly actorsOf = (kind: string): readonly string[] =>
    kind === "api-server" ? ["a"] : kind === "kubelet" ? ["b/kubelet"] : [];
  readonly machines = (): readonly string[] => ["b"];
  private readonly timers: { readonly atMs: number; readonly action: () => void }[] = [];
  private nowMs = 0;

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, action };
    this.timers.push(timer);
    return () => void this.timers.splice(this.timers.indexOf(timer), 1);
  }

  random(label: string): SeededRandom {
    return new SeededRandom(1, label);
  }

  setFaults(actor: string, { own }: ActiveFaults): void {
    if (own.length > 0)
      this.done.push(`${this.nowMs}: ${actor} has ${own.map(({ id, kind }) => `${id} ${kind}`).join(", ")}`);
  }

  crash(): void {}
  exhaust(): void {}
  hang(): void {}
  upgradeMachine(): void {}

  loseMachine(name: string): () => void {
    this.done.push(`${this.nowMs}: lose ${name}`);
    return () => void this.done.push(`${this.nowMs}: bring ${name} back`);
  }

  breakLink(left: string, right: string): void {
    this.done.push(`${this.nowMs}: break ${left} ${right}`);
  }

  mendLink(left: string, right: string): void {
    this.done.push(`${this.nowMs}: mend ${left} ${right}`);
  }

  private get due(): (typeof this.timers)[number] | undefined {
    return this.timers.find(({ atMs }) => atMs <= this.nowMs);
  }

  run(untilMs: number): void {
    for (this.nowMs = 0; this.nowMs <= untilMs; this.nowMs++) {
      // What is due at once is due in this millisecond as well.
      for (let due = this.due; due !== undefined; due = this.due) {
        this.timers.splice(this.timers.indexOf(due), 1);
        due.action();
      }
    }
  }
}

describe("a partition", () => {
  const fault: Fault = { id: "cut", kind: "partition", from: "a", to: "b", forMs: 20, breakAfterMs: 10 };

  it("that lasts breaks its links, and mends them at its end", () => {
    const target = new Target();
    new FaultDriver({ faults: [fault] }, target).start();
    target.run(50);
    expect(target.done).toEqual(["10: break a b", "20: mend a b"]);
  });

  it("that is over before it breaks its links leaves them as they are", () => {
    const target = new Target();
    const driver = new FaultDriver({ faults: [fault] }, target);
    driver.start();
    target.run(5);
    driver.stop();
    target.run(50);
    expect(target.done).toEqual([]);
  });
});

describe("what waits for a moment", () => {
  const when = { on: "write" } as const;
  const loss: Fault = { id: "loss", kind: "node-loss", at: "b", when, downMs: 5 };
  const pressure: Fault = { id: "short", kind: "memory-pressure", when, forMs: 5 };

  it("is known to API servers only, begins when one of them tells, and lasts from then on", () => {
    const target = new Target();
    const driver = new FaultDriver({ faults: [loss, pressure] }, target);
    driver.start();
    target.after(10, () => driver.struck("a", "loss", "is triggered"));
    target.after(20, () => driver.struck("a", "short", "is triggered"));
    // Another API server has not heard yet that it has begun.
    target.after(21, () => driver.struck("a", "loss", "is triggered"));
    target.run(50);
    expect(target.done).toEqual([
      "0: a has loss awaited, short awaited",
      "10: a has short awaited",
      "10: lose b",
      "15: bring b back",
      "20: b/kubelet has short memory-pressure",
    ]);
  });

  it("never begins once the plan is stopped", () => {
    const target = new Target();
    const driver = new FaultDriver({ faults: [loss] }, target);
    driver.start();
    target.after(10, () => driver.struck("a", "loss", "is triggered"));
    target.after(10, () => driver.stop());
    target.after(12, () => driver.struck("a", "loss", "is triggered"));
    target.run(50);
    expect(target.done).toEqual(["0: a has loss awaited"]);
  });
});

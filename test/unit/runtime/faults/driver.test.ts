import { describe, expect, it } from "vitest";
import type { FaultTarget } from "../../../../runtime/faults/driver.ts";
import { FaultDriver } from "../../../../runtime/faults/driver.ts";
import type { Fault } from "../../../../runtime/faults/plan.ts";
import { SeededRandom } from "../../../../runtime/random.ts";

/** What a driver asks of its host, and time that passes when the test says so. */
class Target implements FaultTarget {
  readonly actors = (): readonly string[] => ["a", "b"];
  readonly outsiders = ["test"];
  readonly done: string[] = [];
  readonly areLinked = (): boolean => true;
  readonly actorsOf = (kind: string): readonly string[] => (kind === "api-server" ? ["a"] : []);
  readonly machines = (): readonly string[] => [];
  readonly loseMachine = (): undefined => undefined;
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

  setFaults(): void {}
  crash(): void {}
  exhaust(): void {}
  hang(): void {}
  upgradeMachine(): void {}

  breakLink(left: string, right: string): void {
    this.done.push(`${this.nowMs}: break ${left} ${right}`);
  }

  mendLink(left: string, right: string): void {
    this.done.push(`${this.nowMs}: mend ${left} ${right}`);
  }

  run(untilMs: number): void {
    for (this.nowMs = 0; this.nowMs <= untilMs; this.nowMs++) {
      for (const timer of this.timers.filter(({ atMs }) => atMs === this.nowMs)) {
        this.timers.splice(this.timers.indexOf(timer), 1);
        timer.action();
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

/** The life of a controller in real time, told by a body that does nothing but what the test says. */
import { describe, expect, it } from "vitest";
import type { Incarnation, Listener } from "../../../../../actors/cluster/chaos/real/incarnation.ts";
import { Life } from "../../../../../actors/cluster/chaos/real/life.ts";
import { InkubeError } from "../../../../../protocols/errors.ts";
import type { Clock } from "../../../../../runtime/clock.ts";

/** Timers that fire when the test says so. */
class Timers {
  readonly waiting: { readonly delayMs: number; readonly action: () => void }[] = [];
  readonly clock = {
    after: (delayMs: number, action: () => void) => {
      const timer = { delayMs, action };
      this.waiting.push(timer);
      return {
        cancel: () => void this.waiting.splice(this.waiting.indexOf(timer), this.waiting.includes(timer) ? 1 : 0),
      };
    },
  } as unknown as Clock;

  async fire(): Promise<void> {
    for (const { action } of this.waiting.splice(0)) action();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
}

class Fixture {
  readonly timers = new Timers();
  readonly told: string[] = [];
  listener: Listener | undefined;
  readonly life = new Life(
    "web",
    {
      begin: (listener): Incarnation => {
        this.told.push("begin");
        this.listener = listener;
        const note = (what: string) => (): void => void this.told.push(what);
        return { kill: note("kill"), pause: note("pause"), resume: note("resume"), gone: Promise.resolve() };
      },
      close: () => Promise.resolve(),
    },
    this.timers.clock,
    {
      printed: () => undefined,
      ended: (_by, { message }) => void this.told.push(message),
      failed: () => void this.told.push("failed"),
    },
  );
}

const gone = new InkubeError("CONTROLLER_FAILED", "gone");

describe("a controller in real time", () => {
  it("works once it has asked for something, and begins anew after a crash when its time is over", async () => {
    const { life, timers, told } = new Fixture();
    life.start();
    expect(life.isActing).toBe(false);
    life.asked();
    expect(life.isActing).toBe(true);
    life.crash(400);
    expect([life.isActing, life.state, timers.waiting.map(({ delayMs }) => delayMs)]).toEqual([
      false,
      "web is down",
      [400],
    ]);
    await timers.fire();
    expect(told).toEqual(["begin", "kill", "begin"]);
    expect(life.state).toBe("web has asked the API for nothing since its start");
  });

  it("is started again ever more slowly when it ends by itself, and what has ended is not heard any more", async () => {
    const fixture = new Fixture();
    const { life, timers, told } = fixture;
    life.start();
    const first = fixture.listener!;
    const delays: number[] = [];
    for (let time = 0; time < 3; time++) {
      fixture.listener!.ended(gone);
      delays.push(...timers.waiting.map(({ delayMs }) => delayMs));
      await timers.fire();
    }
    first.ended(gone);
    expect(delays).toEqual([50, 100, 200]);
    expect(told.filter((what) => what === "gone")).toHaveLength(3);
  });

  it("is paused until its time is over, or until it is killed", async () => {
    const { life, timers, told } = new Fixture();
    life.start();
    life.asked();
    life.pause(100);
    expect([life.isActing, life.state]).toEqual([false, "web is paused"]);
    await timers.fire();
    expect(life.isActing).toBe(true);
    life.pause(undefined);
    await life.end();
    expect(told).toEqual(["begin", "pause", "resume", "pause", "kill"]);
    expect(timers.waiting).toEqual([]);
  });
});

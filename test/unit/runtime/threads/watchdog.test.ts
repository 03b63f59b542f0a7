import type { EventLoopUtilization } from "node:perf_hooks";
import { describe, expect, it } from "vitest";
import type { Watchable } from "../../../../runtime/threads/watchdog.ts";
import { Watchdog } from "../../../../runtime/threads/watchdog.ts";

/** A thread that never comes back to its event loop. */
function stuck(): Watchable {
  const before: EventLoopUtilization = { idle: 1, active: 1, utilization: 1 };
  return { performance: { eventLoopUtilization: () => before } };
}

function watchdog(): { dog: Watchdog; hung: Watchable[]; next: () => Promise<void> } {
  const hung: Watchable[] = [];
  let tell = (): void => undefined;
  const onHang = (worker: Watchable): void => {
    hung.push(worker);
    tell();
  };
  const dog = new Watchdog({ periodMs: 1, hangAfterMs: 20 }, () => undefined, onHang);
  return { dog, hung, next: () => new Promise((resolve) => void (tell = resolve)) };
}

describe("the watchdog", () => {
  it("calls nobody hung who stands still because it was told to, and looks again when that is over", async () => {
    const { dog, hung, next } = watchdog();
    const [told, other] = [stuck(), stuck()];
    dog.watch(told, new SharedArrayBuffer(4));
    const isOver = [dog.excuse(told), dog.excuse(told)];
    dog.watch(other, new SharedArrayBuffer(4));
    await next();
    expect(hung).toEqual([other]);
    // One question of two.
    isOver[0]!();
    const third = stuck();
    dog.watch(third, new SharedArrayBuffer(4));
    await next();
    expect(hung).toEqual([other, third]);
    isOver[1]!();
    await next();
    expect(hung).toEqual([other, third, told]);
  });

  it("has nothing to excuse in one that it does not watch", () => {
    watchdog().dog.excuse(stuck())();
  });
});

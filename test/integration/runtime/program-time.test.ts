/** A program's tests fake its time; the actors around it live on in the machine's. And when it takes no part any more, nothing of it waits. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { InkubeError } from "../../../protocols/errors.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import type { SupervisedThreads } from "../../fixtures/threads.ts";
import { child, tree, useThreads } from "../../fixtures/threads.ts";

const { start } = useThreads();
afterEach(() => void vi.useRealTimers());

const mortals = (): Promise<SupervisedThreads> =>
  start(
    tree([child("mortal", "mortal"), child("sharer", "mortal", { thread: "shared" })], {
      intensity: { restarts: 20, periodMs: 60_000 },
    }),
    { watchdog: { periodMs: 50, hangAfterMs: 400 } },
  );

describe("a program whose time is faked", () => {
  it.each([
    ["the date", { toFake: ["Date" as const] }],
    ["everything", {}],
  ])("has actors that start, answer in time, are restarted after a pause, hang and stop: %s", async (_what, fakes) => {
    vi.useFakeTimers({ ...fakes, now: 1_000_000_000_000 });
    const threads = await mortals();
    const { supervisor, embedder } = threads;
    for (const name of ["mortal", "sharer"]) {
      const actor = embedder.ref(mortalProtocol, name);
      expect(await actor.call("incarnation", null)).toBeTypeOf("string");
      await expect(actor.call("hear", { downs: 1 }, { timeoutMs: 50 })).rejects.toMatchObject({
        code: "DEADLINE_EXCEEDED",
      });
      // The second restart in a row waits for its pause.
      for (const how of ["throw-coded", "throw-coded", "spin"] as const) {
        const back = threads.next("up", name);
        actor.cast("die", how);
        await back;
      }
    }
    const { clock } = embedder.context;
    await clock.sleep(5);
    expect(clock.nowMs()).toBeGreaterThan(1_700_000_000_000);
    await supervisor.stop();
  });
});

describe("a program that takes no part any more", () => {
  it("has nothing that waits: all of it is rejected at once, with the reason that was given", async () => {
    const { supervisor, embedder } = await mortals();
    const actor = embedder.ref(mortalProtocol, "mortal");
    const { clock, stopping } = embedder.context;
    // An idempotent call waits for its actor to come back.
    const sleeping = clock.sleep(3_600_000);
    await supervisor.stop();
    const steady = actor.call("steady", { notIn: "" });
    const closed = new InkubeError("PROGRAM_ENDED", "that was all");
    embedder.close(closed);
    expect(stopping.reason).toBe(closed);
    const late = [actor.call("incarnation", null), actor.call("steady", { notIn: "" }), clock.sleep(1)];
    const outcomes = await Promise.allSettled([sleeping, steady, ...late]);
    expect(outcomes.map((outcome) => outcome.status === "rejected" && (outcome.reason as unknown))).toEqual(
      outcomes.map(() => closed),
    );
  });
});

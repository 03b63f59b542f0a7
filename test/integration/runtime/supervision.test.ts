import { describe, expect, it } from "vitest";
import type { Strategy } from "../../../runtime/supervisor/spec.ts";
import { probeProtocol } from "../../fixtures/actors/probe-protocol.ts";
import type { SupervisedThreads } from "../../fixtures/threads.ts";
import { EMBEDDER, child, tree, useThreads } from "../../fixtures/threads.ts";

const NAMES = ["probe-a", "probe-b", "probe-c"];

const { start } = useThreads();
let threads: SupervisedThreads;

async function supervise(strategy: Strategy): Promise<void> {
  const children = NAMES.map((name) =>
    child(name, "probe", {
      links: [EMBEDDER, ...NAMES.filter((other) => other < name)],
      heapLimitMb: 64,
      hangAfterMs: 1_500,
    }),
  );
  threads = await start(tree(children, { strategy }), { watchdog: { periodMs: 50, hangAfterMs: 400 } });
}

/** Resolves when every child that is restarted because of one death is up again. */
const restarted = (names: readonly string[]): Promise<unknown> =>
  Promise.all(names.map((name) => threads.next("up", name)));

const incarnation = async (name: string): Promise<string> =>
  (await threads.ref(probeProtocol, name).call("echo", { value: null })).incarnation;

describe("a supervisor on threads", () => {
  it.each(["throw", "reject", "exit", "overflow", "spin", "out-of-memory"] as const)(
    "replaces an actor that dies by %s, while its peers carry on and its callers get a typed error",
    async (how) => {
      await supervise("one_for_one");
      const before = await Promise.all(NAMES.map(incarnation));
      const back = restarted(["probe-b"]);
      const pending = threads.ref(probeProtocol, "probe-b").call("never", null);
      threads.ref(probeProtocol, "probe-b").cast("die", how);
      await expect(pending).rejects.toMatchObject({ code: "ACTOR_DOWN", retryable: true });
      await back;
      const after = await Promise.all(NAMES.map(incarnation));
      expect(after.map((id, index) => id === before[index])).toEqual([true, false, true]);
      // The replacement is linked with those that were there before it.
      expect(await threads.ref(probeProtocol, "probe-c").call("relay", { to: "probe-b", value: 3 })).toEqual({
        value: 3,
      });
    },
  );

  it.each([
    ["one_for_one", [true, false, true]],
    ["rest_for_one", [true, false, false]],
    ["one_for_all", [false, false, false]],
  ] as const)("%s keeps these of three: %j", async (strategy, kept) => {
    await supervise(strategy);
    const before = await Promise.all(NAMES.map(incarnation));
    const back = restarted(NAMES.filter((_, index) => !kept[index]));
    await threads.host.kill("probe-b");
    await back;
    const after = await Promise.all(NAMES.map(incarnation));
    expect(after.map((id, index) => id === before[index])).toEqual(kept);
  });

  it("starts from left to right and stops from right to left", async () => {
    await supervise("one_for_one");
    await threads.supervisor.stop();
    const order = (type: "up" | "down"): string[] =>
      threads.events.flatMap((event) => (event.type === type && event.name !== "root" ? [event.name] : []));
    expect(order("up")).toEqual(NAMES);
    expect(order("down")).toEqual([...NAMES].reverse());
  });

  it("leaves an actor down that was taken out, until it is put back", async () => {
    await supervise("one_for_one");
    await threads.supervisor.takeOut("probe-b", { kill: true });
    await expect(incarnation("probe-b")).rejects.toMatchObject({ code: "ACTOR_DOWN" });
    await threads.supervisor.putBack("probe-b");
    expect(await incarnation("probe-b")).toBeTypeOf("string");
  });
});

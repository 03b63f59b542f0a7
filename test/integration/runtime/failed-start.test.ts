/** Starts that can't even begin: no thread is made, and everybody hears of it as of any other end. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ChildSpec } from "../../../runtime/supervisor/spec.ts";
import { mortalProtocol } from "../../fixtures/actors/mortal-protocol.ts";
import { child, tree, useThreads } from "../../fixtures/threads.ts";

const { start, tie } = useThreads();

const root = (rest: Partial<ChildSpec> = {}) =>
  tree([child("mortal", "mortal", rest)], { intensity: { restarts: 3, periodMs: 60_000 } });

describe("a start that can't begin", () => {
  it.each([
    ["a thread of its own", {}],
    ["a shared thread", { thread: "shared" }],
  ])("fails the first start at once, with why: options with a function in them, on %s", async (_where, placement) => {
    const { supervisor, embedder } = tie(root({ options: { callback: () => undefined }, ...placement }));
    const downs: unknown[] = [];
    embedder.context.monitor("mortal", (down) => void downs.push(down));
    await expect(supervisor.start()).rejects.toMatchObject({
      code: "START_FAILED",
      retryable: false,
      message: expect.stringMatching(/^mortal can't be started: .*could not be cloned/) as string,
    });
    expect(downs[0]).toMatchObject({ actor: "mortal", reason: "throw", details: { code: "START_FAILED" } });
    await expect(embedder.ref(mortalProtocol, "mortal").call("incarnation", null)).rejects.toMatchObject({
      code: "ACTOR_DOWN",
    });
  });

  it.each(["/proc/nope", "a file"])("names the place where its disk can't be made: %s", async (place) => {
    const threads = tie(root({ name: "file/mortal" }), place === "a file" ? {} : { dataDir: place });
    const at = place === "a file" ? join(threads.dataDir, "file") : place;
    if (place === "a file") writeFileSync(at, "");
    await expect(threads.supervisor.start()).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining(at) as string,
    });
  });

  it("leaves a spare thread to the next", async () => {
    const spares = { count: 1, actors: ["mortal"], delayMs: 0 };
    const { host, supervisor, embedder } = await start(root(), { spares });
    await expect.poll(() => host.sparesReady).toBe(1);
    await expect(supervisor.upgrade("mortal", { options: { callback: () => undefined } })).rejects.toMatchObject({
      code: "UPGRADE_FAILED",
      message: expect.stringContaining("could not be cloned") as string,
    });
    expect(await embedder.ref(mortalProtocol, "mortal").call("incarnation", null)).toBeTypeOf("string");
  });
});

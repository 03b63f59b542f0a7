import { Session } from "node:inspector";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hangStack } from "../../../../runtime/threads/hang-stack.ts";

/** An answer that takes longer is late; the inspector takes 20 to 100 ms. */
const LATE_MS = 2_000;

let worker: Worker;

beforeEach(async () => {
  const source = `
    const spin = (port) => { port.postMessage("here"); for (;;); };
    setImmediate(spin, require("node:worker_threads").parentPort);`;
  worker = new Worker(source, { eval: true });
  await new Promise((resolve) => void worker.once("message", resolve));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await worker.terminate();
});

describe("the stack of a thread that hangs", () => {
  it("is told, time after time", async () => {
    for (let round = 0; round < 3; round++) {
      expect(await hangStack(worker.threadId, 20_000)).toMatch(/^ {4}at spin \(\[worker eval\]:2:\d+\)/);
    }
  });

  it("is none when it comes while the question is taken back, in the midst of that, and nothing is thrown", async () => {
    const emit = Reflect.get(Session.prototype, "emit") as (this: Session, ...args: unknown[]) => boolean;
    const post = Reflect.get(Session.prototype, "post") as (this: Session, ...args: unknown[]) => void;
    let late: (() => void) | undefined;
    let cameLate = false;
    vi.spyOn(Session.prototype, "emit").mockImplementation(function (this: Session, ...args: unknown[]): boolean {
      const tell = (): boolean => emit.apply(this, args);
      const isPaused = args[0] === "NodeWorker.receivedMessageFromWorker" && JSON.stringify(args).includes("paused");
      if (!isPaused) return tell();
      late = () => void (cameLate = tell());
      return true;
    });
    vi.spyOn(Session.prototype, "post").mockImplementation(function (this: Session, ...args: unknown[]): void {
      if (JSON.stringify(args).includes("Debugger.resume")) late?.();
      post.apply(this, args);
    });
    expect(await hangStack(worker.threadId, LATE_MS)).toBeUndefined();
    expect(cameLate).toBe(true);
  });
});

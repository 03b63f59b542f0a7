/**
 * What can be asked of a running actor, as Erlang's `sys` does: its state, its statistics, to hold on and to go on, and a
 * CPU profile or heap snapshot of its thread. All of it comes over the control door, so it works under any flood.
 */
import type { EventLoopUtilization } from "node:perf_hooks";
import type { Methods } from "../../protocols/protocol.ts";
import type { Actor } from "../actor.ts";
import type { Cell } from "../cell.ts";
import type { ActorStatistics, HeapInUse } from "../introspection.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { collectGarbage } from "./idle-collection.ts";
import { clearTimeout, setTimeout } from "./machine-clock.ts";

export type Question =
  | { readonly ask: "statistics" | "metrics" | "state" | "suspend" | "resume" | "collect" }
  /** What it hands over, once the calls and casts under way have ended, or after `forMs`; it takes up nothing new. */
  | { readonly ask: "hand-over"; readonly forMs: number }
  | { readonly ask: "cpu-profile"; readonly forMs: number }
  | { readonly ask: "heap-snapshot"; readonly file: string };

/** Handlers of the door are made once per actor. */
export class Introspection {
  private readonly cell: Cell;
  private readonly metrics: Metrics;
  private readonly actor: () => Pick<Actor<Methods>, "state" | "handOver"> | undefined;
  private last: EventLoopUtilization | undefined;

  /** `actor`: undefined while it starts. */
  constructor(cell: Cell, metrics: Metrics, actor: () => Pick<Actor<Methods>, "state" | "handOver"> | undefined) {
    this.cell = cell;
    this.metrics = metrics;
    this.actor = actor;
  }

  answer(question: Question): unknown {
    switch (question.ask) {
      case "statistics":
        return this.statistics();
      case "metrics":
        return this.metrics.families();
      case "state":
        return this.actor()?.state?.();
      case "suspend":
        return this.cell.suspend();
      case "resume":
        return this.cell.resume();
      case "collect":
        return this.collect();
      case "hand-over":
        return this.handOver(question.forMs);
      case "cpu-profile":
        return cpuProfile(question.forMs);
      case "heap-snapshot":
        return process.getBuiltinModule("node:v8").writeHeapSnapshot(question.file);
    }
  }

  private async handOver(forMs: number): Promise<unknown> {
    this.cell.suspend();
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<void>((resolve) => void (timer = setTimeout(resolve, forMs)));
    await Promise.race([this.cell.settled(), timeIsUp]);
    clearTimeout(timer);
    try {
      return this.actor()?.handOver?.();
    } catch (error) {
      // It goes on as before; what to do is for who asked.
      this.cell.resume();
      throw error;
    }
  }

  private async collect(): Promise<HeapInUse> {
    await collectGarbage();
    const { heapUsed: heapUsedBytes, arrayBuffers: arrayBufferBytes } = process.memoryUsage();
    return { heapUsedBytes, arrayBufferBytes };
  }

  private statistics(): ActorStatistics {
    const now = performance.eventLoopUtilization();
    const since = this.last === undefined ? now : performance.eventLoopUtilization(now, this.last);
    this.last = now;
    const cpu = (process as ThreadProcess).threadCpuUsage?.();
    return {
      ...this.cell.statistics(),
      eventLoopUtilization: since.utilization,
      heapUsedBytes: process.memoryUsage().heapUsed,
      ...(cpu === undefined ? {} : { cpuMs: (cpu.user + cpu.system) / 1_000 }),
    };
  }
}

/** Of the calling thread, in microseconds. Node.js 20 does not have it. */
type ThreadProcess = typeof process & {
  readonly threadCpuUsage?: () => { readonly user: number; readonly system: number };
};

/** JSON text of a `.cpuprofile`. The inspector is loaded when first asked for: no start pays for it. */
async function cpuProfile(forMs: number): Promise<string> {
  const { Session } = process.getBuiltinModule("node:inspector");
  const session = new Session();
  session.connect();
  const post = (method: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      session.post(method, (error: Error | null, result?: object) =>
        error === null ? resolve(result) : reject(error),
      );
    });
  try {
    await post("Profiler.enable");
    await post("Profiler.start");
    await new Promise((resolve) => void setTimeout(resolve, forMs));
    const { profile } = (await post("Profiler.stop")) as { readonly profile: object };
    return JSON.stringify(profile);
  } finally {
    session.disconnect();
  }
}

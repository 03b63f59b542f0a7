/**
 * What can be asked of a running actor, as Erlang's `sys` does: its state, its statistics, to hold on and to go on, and a
 * CPU profile or heap snapshot of its thread. All of it comes over the control door, so it works under any flood.
 */
import type { EventLoopUtilization } from "node:perf_hooks";
import type { Cell, CellStatistics } from "../cell.ts";

export type Question =
  | { readonly ask: "statistics" | "state" | "suspend" | "resume" }
  | { readonly ask: "cpu-profile"; readonly forMs: number }
  | { readonly ask: "heap-snapshot"; readonly file: string };

export interface ActorStatistics extends CellStatistics {
  /** Of its thread since it was asked last, from 0 to 1. */
  readonly eventLoopUtilization: number;
  readonly heapUsedBytes: number;
}

/** Handlers of the door are made once per actor. */
export class Introspection {
  private readonly cell: Cell;
  private readonly state: () => unknown;
  private last: EventLoopUtilization | undefined;

  /** `state`: of the actor, undefined when it tells none. */
  constructor(cell: Cell, state: () => unknown) {
    this.cell = cell;
    this.state = state;
  }

  answer(question: Question): unknown {
    switch (question.ask) {
      case "statistics":
        return this.statistics();
      case "state":
        return this.state();
      case "suspend":
        return this.cell.suspend();
      case "resume":
        return this.cell.resume();
      case "cpu-profile":
        return cpuProfile(question.forMs);
      case "heap-snapshot":
        return process.getBuiltinModule("node:v8").writeHeapSnapshot(question.file);
    }
  }

  private statistics(): ActorStatistics {
    const now = performance.eventLoopUtilization();
    const since = this.last === undefined ? now : performance.eventLoopUtilization(now, this.last);
    this.last = now;
    return {
      ...this.cell.statistics(),
      eventLoopUtilization: since.utilization,
      heapUsedBytes: process.memoryUsage().heapUsed,
    };
  }
}

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

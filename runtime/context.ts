/** Builds the context of an actor from its cell and the services of its host. Both hosts use it. */
import type { Context, Logger, Trace } from "./actor.ts";
import type { Cell } from "./cell.ts";
import type { Recorder } from "./trace/recorder.ts";

/** What a host gives; the rest of a context is the cell's and the recorder's. */
export interface ContextServices<Options> extends Omit<
  Context<Options>,
  "trace" | "ref" | "monitor" | "unstash" | "spawn" | "onEnd"
> {
  readonly recorder: Recorder;
  readonly crash: (error: unknown) => void;
  /** Absent where the end of an actor takes everything with it. */
  readonly onEnd?: (release: () => void) => void;
}

export function makeContext<Options>(cell: Cell, services: ContextServices<Options>): Context<Options> {
  const { recorder, crash, stopping, onEnd, ...given } = services;
  return {
    ...given,
    stopping,
    trace: traceOf(recorder),
    ref: (protocol, name) => cell.ref(protocol, name),
    monitor: (name, onDown) => cell.monitor(name, onDown),
    unstash: () => cell.unstash(),
    spawn: (work) => {
      cell.detached(work).catch(crash);
    },
    onEnd: (release) => onEnd?.(release),
  };
}

/** What an actor has of its recorder. */
export function traceOf(recorder: Recorder): Trace {
  return {
    event: (kind, subject, fields, cause) => recorder.name(recorder.event(kind, subject, fields, cause)),
    cause: () => recorder.cause(),
    get started() {
      return recorder.started;
    },
    why: () => recorder.why(),
    later: (kind, subject, fields, cause) => recorder.later(kind, subject, fields, cause),
    because: (cause, work) => recorder.because(cause, work),
    timer: (reason, action) => () => recorder.because(recorder.later("timer", reason, undefined, ""), action),
  };
}

/** A logger that writes into the flight recorder: one place to look, in order with what caused it. */
export function recorderLogger(recorder: Recorder): Logger {
  const at =
    (level: string): Logger["info"] =>
    (message, fields) =>
      void recorder.event(`log.${level}`, message, fields);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

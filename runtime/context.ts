/** Builds the context of an actor from its cell and the services of its host. Both hosts use it. */
import type { Context, Logger } from "./actor.ts";
import type { Cell } from "./cell.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Ids } from "./ids.ts";
import type { Net } from "./net.ts";
import type { Random } from "./random.ts";
import type { Recorder } from "./trace/recorder.ts";

export interface ContextServices<Options> {
  readonly name: string;
  readonly incarnation: string;
  readonly options: Options;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly disk: Disk;
  readonly net: Net;
  readonly log: Logger;
  readonly recorder: Recorder;
  readonly stopping: AbortSignal;
  readonly crash: (error: unknown) => void;
  /** Absent where the end of an actor takes everything with it. */
  readonly onEnd?: (release: () => void) => void;
}

export function makeContext<Options>(cell: Cell, services: ContextServices<Options>): Context<Options> {
  const { recorder, crash, stopping, onEnd, ...given } = services;
  return {
    ...given,
    stopping,
    trace: {
      event: (kind, subject, fields, cause) => recorder.name(recorder.event(kind, subject, fields, cause)),
      cause: () => recorder.cause(),
    },
    ref: (protocol, name) => cell.ref(protocol, name),
    monitor: (name, onDown) => cell.monitor(name, onDown),
    unstash: () => cell.unstash(),
    spawn: (work) => {
      cell.detached(work).catch(crash);
    },
    onEnd: (release) => onEnd?.(release),
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

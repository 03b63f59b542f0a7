/** A controller under test that runs in real time, wherever it does: as a process, in this one, or elsewhere. */
import type { InkubeError } from "../../../../protocols/errors.ts";

/** From one start to one end. */
export interface Incarnation {
  /** At once, as a crash. */
  kill(): void;
  /** It does nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<void>;
}

/** Whom an incarnation tells of itself. */
export interface Listener {
  /** It has ended by itself. */
  ended(error: InkubeError): void;
  /** A line of its output. */
  printed(line: string): void;
}

export interface Body {
  /** Starts it. Errors: CONTROLLER_FAILED, when it can't be started at all. */
  begin(listener: Listener): Incarnation;
  /** For good: every incarnation has ended. */
  close(): Promise<void>;
}

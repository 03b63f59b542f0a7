/**
 * What a host knows of its actors' lives, in a flight recorder of its own: what was asked of the cluster, the faults that
 * struck, each end of an actor and what ended it. From it the end and the next start of each actor have their causes.
 */
import type { Cause, DownReason, Fields, Mark } from "../actor.ts";
import { SUPERVISOR } from "../../protocols/trace-events.ts";
import type { Recorder } from "./recorder.ts";

export { SUPERVISOR };

interface Blame {
  readonly cause: Cause;
  /** Only an end of that reason comes of it; undefined: any. */
  readonly reason: DownReason | undefined;
}

export class Lives {
  private readonly recorder: Recorder;
  /** What is about to end each actor, or machine. */
  private readonly blames = new Map<string, Blame>();
  /** What each actor's next start comes of: its last end, or who asked for it. */
  private readonly origins = new Map<string, Cause>();

  constructor(recorder: Recorder) {
    this.recorder = recorder;
  }

  /** Somebody outside asked for it, unless a fault did, or is about to, by ending `name`. */
  asked(kind: "kill" | "asked", name: string, fields?: Fields): Cause {
    const blame = kind === "kill" && this.isBlamed(name) ? this.blames.get(name) : undefined;
    this.blames.delete(name);
    return this.recorder.name(this.recorder.event(kind, name, fields, blame?.cause ?? ""));
  }

  /** Something goes wrong by plan, or does no more, for nobody alone. */
  told(id: string, kind: string, what: string): Mark {
    return this.recorder.mark(this.recorder.name(this.recorder.event("fault", id, { kind, what }, "")));
  }

  /** A fault strikes `name`, an actor or a machine, which may end of it, by `reason` where only that would be its doing. */
  struck(id: string, kind: string, name: string, reason?: DownReason): Mark {
    const cause = this.recorder.name(this.recorder.event("fault", name, { fault: id, kind }, ""));
    this.blames.set(name, { cause, reason });
    return this.recorder.mark(cause);
  }

  /** What struck it did nothing to it. */
  forgive(name: string): void {
    this.blames.delete(name);
  }

  mark(cause: Cause): Mark {
    return this.recorder.mark(cause);
  }

  /** What ends the actor next, unless that is known already. */
  blame(name: string, cause: Cause): void {
    if (cause !== "" && !this.isBlamed(name)) this.blames.set(name, { cause, reason: undefined });
  }

  /** Whether it is known what ends the actor, should it end by that reason. */
  isBlamed(name: string, reason: DownReason = "killed"): boolean {
    const blame = this.blames.get(name);
    return blame !== undefined && (blame.reason === undefined || blame.reason === reason);
  }

  /** What is ending the actor, for peers that lose it before its end is known. */
  endingOf(name: string): Mark | undefined {
    const blame = this.blames.get(name);
    return blame === undefined ? undefined : this.recorder.mark(blame.cause);
  }

  /** An actor has ended. `own`: the event of its own that says why, with its place. Gives the event of its end. */
  ended(name: string, reason: DownReason, own?: Mark): Mark {
    const blame = this.isBlamed(name, reason) ? this.blames.get(name) : undefined;
    this.blames.delete(name);
    if (own !== undefined) this.recorder.observe(own.lamport);
    const cause = own?.cause ?? blame?.cause ?? "";
    const end = this.recorder.name(this.recorder.event("down", name, { reason }, cause));
    this.origins.set(name, end);
    return this.recorder.mark(end);
  }

  /** The event of the actor's last end; empty before the first. */
  endOf(name: string): Cause {
    return this.origins.get(name) ?? "";
  }

  /** What the next start of the actor comes of. */
  starts(name: string, cause: Cause): void {
    if (cause !== "") this.origins.set(name, cause);
  }

  /** What the start that begins now comes of. */
  originOf(name: string): Mark {
    return this.recorder.mark(this.endOf(name));
  }
}

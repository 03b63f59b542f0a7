/** Of all that has happened to an object or an actor, what says how it stands now. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { SUPERVISOR } from "../../../protocols/trace-events.ts";
import { compareEvents } from "../../../protocols/trace-events.ts";
import { fieldOf } from "./event-fields.ts";
import type { TraceRecord } from "./record.ts";

export interface Telling {
  /** Trouble that is not over, its end, or how it began. */
  readonly event: TraceEvent;
  /** How often that has happened in this life. */
  readonly times: number;
  /** What had ended runs again. */
  readonly isAgain: boolean;
  /** It is not as it should be, and is still there. */
  readonly inTrouble: boolean;
  readonly isGone: boolean;
}

const TAKEN_AWAY: ReadonlySet<string> = new Set(["pod-evicted", "pod-collected", "garbage-collected"]);

/** A container that ended so often in so short a time will again: a back-off is forgotten after ten minutes, as by the kubelet. */
const CRASHES_MIN = 2;
const CRASHES_WITHIN_MS = 600_000;

/** What happened to a subject, in causal order. */
export function toldOf(record: TraceRecord, subject: string): readonly TraceEvent[] {
  const about = record.about(subject).filter(isOwnEnd);
  const own = record.of(subject, LIFE);
  return own.length === 0 ? about : [...new Set([...about, ...own])].sort(compareEvents);
}

/** Everybody who is connected records an actor's end; only its host knows what ended it. */
function isOwnEnd({ kind, actor }: TraceEvent): boolean {
  return kind !== "down" || actor === SUPERVISOR;
}

/** Of an actor's own events, those that are about itself. */
const LIFE: ReadonlySet<string> = new Set(["start", "crash", "leader-elected", "leader-known"]);

/**
 * Undefined when nothing has happened to it.
 * @param nowMs the time of the record's end; only asked where it matters
 */
export function tellingOf(told: readonly TraceEvent[], nowMs: () => number): Telling | undefined {
  const state = new Life();
  for (const event of told) state.take(event);
  const event = state.telling ?? told[0];
  if (event === undefined) return undefined;
  const container = event.detail.split(" ")[0];
  const endedWell = (detail: string): boolean => detail.includes("exitCode=0");
  const same = told.filter(
    ({ kind, detail }) => kind === event.kind && (endedWell(event.detail) || !endedWell(detail)),
  );
  const isAgain = told.some(
    ({ kind, lamport, detail }) =>
      kind === "container.started" && lamport > event.lamport && detail.split(" ")[0] === container,
  );
  const times = same.length === 0 ? 1 : same.length;
  const crashes = event.kind === "container.stopped" && nowMs() - event.timeMs < CRASHES_WITHIN_MS;
  const isOver = isAgain && !(crashes && times >= CRASHES_MIN);
  return { event, times, isAgain, inTrouble: state.inTrouble && !isOver && !state.isGone, isGone: state.isGone };
}

/** The events since it came to be the last time. */
export function lifeOf(told: readonly TraceEvent[]): readonly TraceEvent[] {
  const gone = told.findLastIndex(
    (event, index) =>
      index < told.length - 1 &&
      (event.kind === "down" || (event.kind === "write" && fieldOf(event, "action") === "remove")) &&
      told.slice(index + 1).some(({ kind }) => kind === "write" || kind === "start"),
  );
  return told.slice(gone + 1);
}

class Life {
  telling: TraceEvent | undefined;
  inTrouble = false;
  isGone = false;

  take(event: TraceEvent): void {
    // Of what has gone nothing more is told until something of its name begins.
    if (this.isGone && event.kind !== "write" && event.kind !== "start") return;
    switch (event.kind) {
      case "unschedulable":
      case "container.failed":
      case "node-lost":
      case "crash":
        this.trouble(event);
        break;
      case "pod-evicted":
      case "pod-collected":
      case "garbage-collected":
        // It goes, and nobody waits for it.
        this.well(event);
        break;
      case "leader-elected":
      case "leader-known":
      case "kill":
      case "asked":
        this.telling = event;
        break;
      case "container.stopped":
        if (fieldOf(event, "exitCode") !== "0" || this.isProbed(event)) this.trouble(event);
        break;
      case "probe.failed":
        // One failure more or less says nothing, until the pod is not ready because of it.
        this.probe = event;
        break;
      case "pod.status":
        this.shown(event);
        break;
      case "node.status":
        if (fieldOf(event, "ready") === "true") this.well(event);
        else this.trouble(event);
        break;
      case "scheduled":
      case "container.listening":
        if (this.telling?.kind === "unschedulable" || this.telling?.kind === "container.failed") this.well(event);
        break;
      case "down":
        this.telling = event;
        this.isGone = true;
        break;
      case "write":
      case "start":
        this.written(event);
        break;
    }
  }

  private probe: TraceEvent | undefined;

  /** Whoever ends well because a probe failed did not end by himself. */
  private isProbed({ detail }: TraceEvent): boolean {
    const { probe } = this;
    return (
      probe !== undefined &&
      fieldOf(probe, "probe") !== "readiness" &&
      probe.detail.split(" ")[0] === detail.split(" ")[0]
    );
  }

  private trouble(event: TraceEvent): void {
    this.telling = event;
    this.inTrouble = true;
  }

  private well(event: TraceEvent): void {
    this.telling = event;
    this.inTrouble = false;
  }

  private shown(event: TraceEvent): void {
    const ready = fieldOf(event, "ready");
    if (ready === "false" && this.probe !== undefined && !this.inTrouble) this.trouble(this.probe);
    if (ready !== "true") return;
    this.probe = undefined;
    if (this.telling?.kind === "probe.failed") this.well(event);
    this.inTrouble = false;
  }

  private written(event: TraceEvent): void {
    if (fieldOf(event, "action") === "remove") {
      // Who took it away says more than that it has gone.
      if (this.telling === undefined || !TAKEN_AWAY.has(this.telling.kind)) this.telling = event;
      this.isGone = true;
      return;
    }
    if (this.isGone) {
      this.telling = event;
      this.isGone = false;
      this.inTrouble = false;
    }
    // The first of a life: what follows are its changes.
    if (!this.inTrouble) this.telling ??= event;
  }
}

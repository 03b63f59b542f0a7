/**
 * What objects and actors went through, one phase after the other, for those who draw it: from what was written of an object
 * where the record has that, otherwise from what was told of it. Moments are Lamport's, which keep up with wall time in
 * microseconds, so that no effect is drawn before its cause.
 */
import type { KubernetesObject } from "../../../../protocols/api-server.ts";
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import type { TraceRecord } from "../record.ts";
import { fieldOf, revisionOf } from "../event-fields.ts";

/** How a phase is to be taken. */
export type Tone = "waiting" | "starting" | "good" | "bad" | "ending" | "done" | "plain";

export interface Phase {
  readonly name: string;
  readonly tone: Tone;
  readonly from: number;
  /** Undefined: it lasts. */
  readonly until: number | undefined;
}

/** Undefined: it is gone. */
type Entered = { readonly at: number; readonly phase: readonly [name: string, tone: Tone] | undefined };

export function phasesOfObject(record: TraceRecord, subject: string, times: RevisionTimes): readonly Phase[] {
  const changes = record.versionsOf(subject);
  if (changes.length === 0) return joined(record.about(subject).flatMap(enteredBy));
  return joined(
    changes.map(({ revision, object }) => ({
      at: times.of(revision),
      phase: object === undefined ? undefined : phaseOfObject(object),
    })),
  );
}

/** Of an actor's life, from what it and its supervisor recorded. */
export function phasesOfActor(record: TraceRecord, actor: string): readonly Phase[] {
  const entered: Entered[] = [];
  for (const { kind, subject, lamport } of [...record.of(actor), ...record.about(actor)].sort(
    (left, right) => left.lamport - right.lamport,
  )) {
    if (kind === "leader-elected") entered.push({ at: lamport, phase: ["leading", "done"] });
    else if (subject !== actor) continue;
    else if (kind === "start") entered.push({ at: lamport, phase: ["up", "good"] });
    else if (kind === "down") entered.push({ at: lamport, phase: ["down", "bad"] });
  }
  return joined(entered);
}

/** When revisions were written: those whose write is not in the record, when the one before was. */
export class RevisionTimes {
  private readonly revisions: readonly number[];
  private readonly lamports: readonly number[];
  private readonly beganAt: number;

  constructor(record: TraceRecord) {
    this.beganAt = record.events[0]?.lamport ?? 0;
    const writes = record.writes().map((event) => [revisionOf(event), event.lamport] as const);
    writes.sort(([left], [right]) => left - right);
    this.revisions = writes.map(([revision]) => revision);
    this.lamports = writes.map(([, lamport]) => lamport);
  }

  of(revision: number): number {
    let low = 0;
    let high = this.revisions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.revisions[middle]! <= revision) low = middle + 1;
      else high = middle;
    }
    return this.lamports[low - 1] ?? this.beganAt;
  }

  /** The newest of what was written up to a moment; 0 before the first. */
  at(lamport: number): number {
    let newest = 0;
    for (const [index, at] of this.lamports.entries())
      if (at <= lamport) newest = Math.max(newest, this.revisions[index]!);
    return newest;
  }
}

function enteredBy(event: TraceEvent): readonly Entered[] {
  const { kind, lamport, detail } = event;
  const enter = (name: string, tone: Tone): readonly Entered[] => [{ at: lamport, phase: [name, tone] }];
  switch (kind) {
    case "write":
      return detail.startsWith("action=remove") ? [{ at: lamport, phase: undefined }] : enter("there", "plain");
    case "unschedulable":
      return enter("unschedulable", "bad");
    case "scheduled":
      return enter(`on ${fieldOf(event, "node")}`, "starting");
    case "pod.status":
      return enter(...phaseNamed(fieldOf(event, "phase")));
    case "container.failed":
      return enter("container failed", "bad");
    case "pod-evicted":
      return enter("evicted", "ending");
    case "node.registered":
      return enter("registered", "good");
    case "node-lost":
      return enter("lost", "bad");
    default:
      return [];
  }
}

function phaseNamed(phase: string): readonly [string, Tone] {
  switch (phase) {
    case "Running":
      return [phase, "good"];
    case "Succeeded":
      return [phase, "done"];
    case "Failed":
      return [phase, "bad"];
    default:
      return [phase === "" ? "there" : phase, "waiting"];
  }
}

/** What phases are made of, of whatever kind it is. */
interface Shown extends KubernetesObject {
  readonly spec?: { readonly nodeName?: string; readonly replicas?: number };
  readonly status?: {
    readonly phase?: string;
    readonly readyReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly ready?: boolean;
      readonly state?: { readonly waiting?: { readonly reason?: string } };
    }[];
  };
}

function phaseOfObject(object: Shown): readonly [string, Tone] {
  const { kind, metadata, spec = {}, status = {} } = object;
  if (metadata?.deletionTimestamp !== undefined) return ["terminating", "ending"];
  if (kind === "Pod") return phaseOfPod(object);
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  if (kind === "Node") return ready?.status === "True" ? ["ready", "good"] : ["not ready", "bad"];
  if (spec.replicas !== undefined) {
    const count = status.readyReplicas ?? 0;
    return [`${count} of ${spec.replicas} ready`, count >= spec.replicas ? "good" : "starting"];
  }
  return [status.phase ?? "there", "plain"];
}

function phaseOfPod({ spec = {}, status = {} }: Shown): readonly [string, Tone] {
  const { phase = "Pending", containerStatuses: containers = [] } = status;
  const waiting = containers
    .map(({ state }) => state?.waiting?.reason ?? "")
    .find((reason) => /BackOff|Err/.test(reason));
  if (waiting !== undefined) return [waiting, "bad"];
  if (phase === "Running")
    return containers.every(({ ready }) => ready === true) ? ["Running", "good"] : ["not ready", "starting"];
  if (phase === "Pending" && spec.nodeName !== undefined) return ["starting", "starting"];
  return phaseNamed(phase);
}

/** One that is entered again goes on. */
function joined(entered: readonly Entered[]): readonly Phase[] {
  const phases: Phase[] = [];
  let open: Phase | undefined;
  for (const { at, phase } of entered) {
    // That something was written says least of all that is known of it.
    if (open !== undefined && phase !== undefined && (phase[0] === open.name || phase[1] === "plain")) continue;
    if (open !== undefined) phases.push({ ...open, until: at });
    open = phase === undefined ? undefined : { name: phase[0], tone: phase[1], from: at, until: undefined };
  }
  if (open !== undefined) phases.push(open);
  return phases;
}

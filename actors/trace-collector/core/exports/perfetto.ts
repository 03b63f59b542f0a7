/**
 * A record in the trace event format, which Perfetto (ui.perfetto.dev), chrome://tracing and others open: a process for each node,
 * a track for each actor, an arrow from each cause, the phases of objects as asynchronous slices, and how many pods are in which
 * phase as counters. Its microseconds are Lamport's, which keep up with wall time, so that no arrow points back.
 * @see "Trace Event Format", Google, 2016; JSON, for all that reads it and no schema is needed for
 */
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import type { TraceRecord } from "../record.ts";
import { causesOf, machineOf } from "./details.ts";
import type { Phase } from "./phases.ts";
import { phasesOfObject, RevisionTimes } from "./phases.ts";
import { isObject, subjectsOf } from "./subjects.ts";

const OBJECTS_PID = 1;
/** The shortest that is drawn. Events of one actor are never nearer. */
const SLICE_US = 1;

interface Place {
  readonly pid: number;
  readonly tid: number;
}

export function* perfettoOf(record: TraceRecord): Iterable<string> {
  yield `{"displayTimeUnit":"ms","traceEvents":[\n`;
  let isFirst = true;
  for (const entry of entriesOf(record)) {
    yield `${isFirst ? "" : ",\n"}${JSON.stringify(entry)}`;
    isFirst = false;
  }
  yield `\n]}\n`;
}

function* entriesOf(record: TraceRecord): Iterable<object> {
  const beganAt = record.events[0]?.lamport ?? 0;
  const places = placesOf(record);
  yield* namesOf(places);
  let flows = 0;
  for (const event of record.events) {
    const place = places.get(event.actor)!;
    const ts = event.lamport - beganAt;
    yield sliceOf(event, place, ts);
    for (const name of causesOf(event)) {
      const cause = record.named(name);
      if (cause === undefined) continue;
      const arrow = { name: "cause", cat: "cause", id: ++flows };
      yield { ph: "s", ...arrow, ...places.get(cause.actor)!, ts: cause.lamport - beganAt + SLICE_US / 2 };
      yield { ph: "f", bp: "e", ...arrow, ...place, ts: ts + SLICE_US / 2 };
    }
  }
  yield* objectsOf(record, beganAt);
}

function sliceOf(
  { actor, sequence, kind, subject, peer, cause, detail, timeMs }: TraceEvent,
  place: Place,
  ts: number,
): object {
  const time = new Date(timeMs).toISOString();
  const args = { event: `${actor}#${sequence}`, time, subject, peer, cause, detail };
  const told = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== ""));
  const name = subject === "" ? kind : `${kind} ${subject}`;
  return { ph: "X", name, cat: kind.replace(/\..*/, ""), ...place, ts, dur: SLICE_US, args: told };
}

/** Processes and threads by number, in the order of their names; the objects stand first. */
function placesOf({ events }: TraceRecord): ReadonlyMap<string, Place> {
  const actors = [...new Set(events.map(({ actor }) => actor))].sort();
  const machines = [...new Set(actors.map(machineOf))].sort();
  return new Map(
    actors.map((actor, index) => [
      actor,
      { pid: OBJECTS_PID + 1 + machines.indexOf(machineOf(actor)), tid: index + 1 },
    ]),
  );
}

function* namesOf(places: ReadonlyMap<string, Place>): Iterable<object> {
  const named = (pid: number, tid: number, what: string, args: object): object => ({
    ph: "M",
    name: what,
    pid,
    tid,
    ts: 0,
    args,
  });
  yield named(OBJECTS_PID, 0, "process_name", { name: "objects" });
  yield named(OBJECTS_PID, 0, "process_sort_index", { sort_index: 0 });
  const told = new Set<number>();
  for (const [actor, { pid, tid }] of places) {
    if (!told.has(pid)) {
      yield named(pid, 0, "process_name", { name: machineOf(actor) });
      yield named(pid, 0, "process_sort_index", { sort_index: pid });
      told.add(pid);
    }
    yield named(pid, tid, "thread_name", { name: actor });
  }
}

function* objectsOf(record: TraceRecord, beganAt: number): Iterable<object> {
  const times = new RevisionTimes(record);
  const endsAt = (record.events.at(-1)?.lamport ?? 0) + SLICE_US;
  const steps: (readonly [at: number, phase: string, by: number])[] = [];
  const shared = { cat: "object", pid: OBJECTS_PID, tid: 0 };
  for (const subject of subjectsOf(record).filter(isObject)) {
    const phases = phasesOfObject(record, subject, times);
    const [first] = phases;
    if (first === undefined) continue;
    const entry = (ph: "b" | "e", name: string, at: number): object => ({
      ph,
      name,
      id: subject,
      ...shared,
      ts: at - beganAt,
    });
    const untilOf = ({ until = endsAt }: Phase): number => until;
    yield entry("b", subject, first.from);
    for (const phase of phases) {
      yield entry("b", phase.name, phase.from);
      yield entry("e", phase.name, untilOf(phase));
      if (subject.startsWith("pods/")) steps.push([phase.from, phase.name, 1], [untilOf(phase), phase.name, -1]);
    }
    yield entry("e", subject, untilOf(phases.at(-1)!));
  }
  const counts = new Map<string, number>();
  for (const [at, phase, by] of steps.sort(([left], [right]) => left - right)) {
    counts.set(phase, (counts.get(phase) ?? 0) + by);
    yield { ph: "C", name: "pods", pid: OBJECTS_PID, tid: 0, ts: at - beganAt, args: Object.fromEntries(counts) };
  }
}

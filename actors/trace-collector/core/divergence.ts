/**
 * Where two records of the same story part: what was done to one only, the first that happened in one only, and what the objects
 * are in the end. Events are matched by what they tell and what they came of, not by time or number: two runs are never as fast.
 */
import type { DifferentObject, Divergence, ExplainedEvent, TraceEvent } from "../../../protocols/trace-collector.ts";
import { nameOf } from "../../../protocols/trace-events.ts";
import { canonicalActor, canonicalDetail, canonicalName } from "./canonical.ts";
import { differencesBetween } from "./differences.ts";
import { fieldOf } from "./event-fields.ts";
import { lineOf, phraseOf } from "./phrases.ts";
import type { TraceRecord } from "./record.ts";

type Side = "left" | "right";
const SIDES = ["left", "right"] as const;

/** More than that nobody reads. */
const SHOWN_MAX = 20;

/** Kinds that say what was sent, said or looked at, and not what happened. */
const LEFT_OUT = /^(call|cast|stream|log\..*|dead-letter|timer|stop)$/;
/** What is done because it is time is done in every run, as often as that lasts. */
const PERIODIC: ReadonlySet<string> = new Set(["write", "reconcile", "pod.status"]);

export function divergenceOf(left: TraceRecord, right: TraceRecord): Divergence {
  const records = { left, right };
  const roots = onlyOnOneSide(rootsOf(left), rootsOf(right));
  const happened = onlyOnOneSide(happenedIn(left), happenedIn(right));
  const causes = SIDES.flatMap((side) =>
    roots[side].map(({ key, event }) => ({ side, key, event: nameOf(event), text: phraseOf(records[side], event) })),
  );
  const ofThese = new Set(causes.map(({ key }) => key));
  const line = (side: Side): ExplainedEvent | null => {
    const record = records[side];
    const isOfThese = ({ event }: KeyedEvent): boolean => {
      const root = record.firstOf(event);
      return nameOf(root) !== nameOf(event) && record.isRoot(root) && ofThese.has(rootKey(record, root));
    };
    const found = causes.length === 0 ? happened[side][0] : happened[side].find(isOfThese);
    if (found === undefined) return null;
    const { event } = found;
    return { event: nameOf(event), actor: event.actor, timeMs: event.timeMs, text: lineOf(record, event) };
  };
  const first = { left: line("left"), right: line("right") };
  const told = causes.slice(0, SHOWN_MAX).map(({ key: _key, ...cause }) => cause);
  return { sentence: sentenceOf(told, first), causes: told, first, objects: differentObjects(left, right) };
}

function sentenceOf(causes: Divergence["causes"], first: Divergence["first"]): string {
  const [cause] = causes;
  if (cause !== undefined) {
    const others = causes.length === 1 ? "" : ` (and ${causes.length - 1} more that only one of them has)`;
    const came = first[cause.side];
    const then = came === null ? "" : `; the first that came of it: ${came.actor}: ${came.text}`;
    return `only ${named(cause.side)} has this: ${cause.text}${others}${then}.`;
  }
  if (first.left === null && first.right === null) return "both tell the same.";
  const parts = SIDES.flatMap((side) => {
    const event = first[side];
    return event === null ? [] : [`only in ${named(side)}: ${event.actor}: ${event.text}`];
  });
  return `the same was done to both, and they part where ${parts.join("; ")}.`;
}

function named(side: Side): string {
  return side === "left" ? "the first" : "the second";
}

interface KeyedEvent {
  /** Of what the other record has as well the same. */
  readonly key: string;
  readonly event: TraceEvent;
}

type Keyed = readonly KeyedEvent[];

function onlyOnOneSide(left: Keyed, right: Keyed): Readonly<Record<Side, Keyed>> {
  return { left: without(left, right), right: without(right, left) };
}

/** What is there more often than in the other. */
function without(these: Keyed, those: Keyed): Keyed {
  const counts = new Map<string, number>();
  for (const { key } of those) counts.set(key, (counts.get(key) ?? 0) + 1);
  return these.filter(({ key }) => {
    const left = counts.get(key) ?? 0;
    counts.set(key, left - 1);
    return left <= 0;
  });
}

/** What was done to a cluster, and not by it: each fault once, however often it strikes. */
function rootsOf(record: TraceRecord): Keyed {
  const faults = new Set<string>();
  return record.events.flatMap((event) => {
    if (!record.isRoot(event) || event.kind === "timer") return [];
    const key = rootKey(record, event);
    if (key === "" || faults.has(key)) return [];
    if (event.kind === "fault") faults.add(key);
    return [{ key, event }];
  });
}

/** Empty for a call that has changed nothing: it was a question. */
function rootKey(record: TraceRecord, event: TraceEvent): string {
  if (event.kind === "fault") return `fault ${fieldOf(event, "fault") || event.subject} ${fieldOf(event, "kind")}`;
  if (event.kind !== "call") return textOf(event);
  return record.writesOf(event).map(textOf).join();
}

function textOf({ kind, subject, detail }: TraceEvent): string {
  return `${kind} ${canonicalName(subject)} ${canonicalDetail(detail)}`;
}

/** Each with what it came of, back to the first. */
function happenedIn(record: TraceRecord): Keyed {
  const keys = new Map<string, string>();
  const numbers = new Map<string, number>();
  const keyOf = (event: TraceEvent): string => {
    const known = keys.get(nameOf(event));
    if (known !== undefined) return known;
    let cause = record.causeOf(event);
    while (cause !== undefined && LEFT_OUT.test(cause.kind)) cause = record.causeOf(cause);
    const after = cause === undefined || cause.lamport >= event.lamport ? "" : keyOf(cause);
    // Interned: a key that holds the keys of the whole chain would be as long as that.
    const told = textOf({ ...event, subject: canonicalActor(event.subject) });
    const key = `${canonicalActor(event.actor)} ${told} <- ${after === "" ? "" : numberOf(after)}`;
    keys.set(nameOf(event), key);
    return key;
  };
  const numberOf = (key: string): string => {
    let number = numbers.get(key);
    if (number === undefined) numbers.set(key, (number = digestOf(key)));
    return number.toString(36);
  };
  return record.events
    .filter((event) => !LEFT_OUT.test(event.kind) && !isPeriodic(record, event))
    .map((event) => ({ key: keyOf(event), event }));
}

/** The same in both records, and hardly ever that of another text. */
function digestOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (hash * 31 + text.charCodeAt(at)) % 9_007_199_254_739;
  return hash;
}

function isPeriodic(record: TraceRecord, event: TraceEvent): boolean {
  if (event.kind === "write" && /^(events|leases)\//.test(event.subject)) return true;
  return PERIODIC.has(event.kind) && record.firstOf(event).kind === "timer";
}

/** Of what no two runs have in common by chance. */
const OWN_TO_A_RUN =
  /(^|\.)(uid|resourceVersion|managedFields|name|.*[tT]ime|.*Timestamp|podIPs?|hostIPs?|containerID|clusterIPs?|data)(\.|\[|$)/;
const NOT_COMPARED = /^(events|leases|endpointslices|endpoints)\//;

function differentObjects(left: TraceRecord, right: TraceRecord): readonly DifferentObject[] {
  const [ours, theirs] = [lastObjects(left), lastObjects(right)];
  const found: DifferentObject[] = [];
  for (const [name, { subject, object }] of ours) {
    const other = theirs.get(name);
    if (other === undefined) found.push({ subject, only: "left", differences: [] });
    else {
      const differences = differencesBetween(object, other.object, OWN_TO_A_RUN);
      if (differences.length > 0) found.push({ subject, only: null, differences });
    }
  }
  for (const [name, { subject }] of theirs)
    if (!ours.has(name)) found.push({ subject, only: "right", differences: [] });
  return found.slice(0, SHOWN_MAX);
}

/** By a name that two runs have in common: of those that are told apart by chance, the first, the second … */
function lastObjects(record: TraceRecord): ReadonlyMap<string, { readonly subject: string; readonly object: unknown }> {
  const last = new Map<string, unknown>();
  for (const { subject, object } of record.changes) {
    if (NOT_COMPARED.test(subject)) continue;
    if (object === undefined) last.delete(subject);
    else last.set(subject, object);
  }
  const byName = new Map<string, { readonly subject: string; readonly object: unknown }>();
  for (const [subject, object] of last) {
    const name = canonicalName(subject);
    let count = 1;
    while (byName.has(`${name} ${count}`)) count++;
    byName.set(`${name} ${count}`, { subject, object });
  }
  return byName;
}

/** All that happened to an object or an actor, in order, with what each write changed. */
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { Difference, Story, StoryEntry, TraceEvent } from "../../../protocols/trace-collector.ts";
import { nameOf } from "../../../protocols/trace-events.ts";
import { compareEvents } from "../../../protocols/trace-events.ts";
import { differencesBetween } from "./differences.ts";
import { fieldOf, revisionOf } from "./event-fields.ts";
import { ownerOf } from "./owners.ts";
import { lineOf } from "./phrases.ts";
import type { TraceRecord } from "./record.ts";
import { subjectOf } from "./subjects.ts";
import { lifeOf, toldOf } from "./telling.ts";

export interface StoryOptions {
  /** Also what happened to what it was made for: of a pod, its ReplicaSet and Deployment. */
  readonly owners?: boolean;
  /** Also what happened to others of its name before it. */
  readonly acrossRecreate?: boolean;
}

/** Nobody asks what a recorder of Kubernetes' events wrote, and each of those is its own line here. */
const LEFT_OUT = /^log\./;
/** As many owners as objects have above them. */
const OWNERS_MAX = 5;

/** Errors: NOT_RECORDED. */
export function storyOf(record: TraceRecord, ref: string, { owners, acrossRecreate }: StoryOptions = {}): Story {
  const about = subjectOf(record, ref);
  const subjects = [about];
  if (owners === true) {
    for (let owner = ownerOf(record, about); owner !== undefined && subjects.length <= OWNERS_MAX;) {
      subjects.push(owner);
      owner = ownerOf(record, owner);
    }
  }
  const told = toldOf(record, about);
  const life = acrossRecreate === true ? told : lifeOf(told);
  const begins = life[0]?.lamport ?? 0;
  const events = [
    ...life,
    ...subjects.slice(1).flatMap((subject) => toldOf(record, subject)),
    ...warningsOf(record, subjects, acrossRecreate === true ? 0 : begins),
  ];
  const entries = [...new Set(events)]
    .filter(({ kind }) => !LEFT_OUT.test(kind))
    .sort(compareEvents)
    .map((event) => entryOf(record, event));
  return { about, subjects, entries, isWhole: record.versionsOf(about).length > 0 || record.gaps.length === 0 };
}

function entryOf(record: TraceRecord, event: TraceEvent): StoryEntry {
  const said = saidBy(record, event);
  const { timeMs, actor, subject, kind, detail } = event;
  const root = record.firstOf(event);
  return {
    timeMs,
    actor,
    subject,
    event: nameOf(event),
    kind,
    detail,
    text: said ?? lineOf(record, event),
    because: root === event ? null : nameOf(root),
    differences: said === undefined && event.kind === "write" ? changedBy(record, event) : [],
  };
}

interface Said extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
}

/** The writes of Kubernetes' own events about any of the subjects. */
function warningsOf(record: TraceRecord, subjects: readonly string[], since: number): readonly TraceEvent[] {
  const names = new Set(subjects.map((subject) => subject.split("/").slice(-2).join("/")));
  return record.writes().filter((event) => {
    if (!event.subject.startsWith("events/") || event.lamport < since) return false;
    // `events/default/web-1.17b2…`: a cheap look before the object itself is.
    const prefix = event.subject.slice("events/".length).replace(/\.[^.]*$/, "");
    const isOf = names.has(prefix) || names.has(prefix.slice(prefix.indexOf("/") + 1));
    return isOf && versionAt(record, event) !== undefined;
  });
}

function saidBy(record: TraceRecord, event: TraceEvent): string | undefined {
  if (event.kind !== "write" || !event.subject.startsWith("events/")) return undefined;
  const object = versionAt(record, event)?.object as Said | undefined;
  if (object === undefined) return undefined;
  return `said of ${(object.involvedObject?.kind ?? "").toLowerCase()} ${object.involvedObject?.name ?? ""}: ${object.reason ?? ""}: ${object.message ?? ""}`;
}

function versionAt(
  record: TraceRecord,
  event: TraceEvent,
): { readonly object: KubernetesObject | undefined } | undefined {
  const revision = revisionOf(event);
  return record.versionsOf(event.subject).findLast((version) => version.revision === revision);
}

/** Nothing of what a write has made or taken away: that it did is said. */
function changedBy(record: TraceRecord, event: TraceEvent): readonly Difference[] {
  if (fieldOf(event, "action") === "remove") return [];
  const revision = revisionOf(event);
  const versions = record.versionsOf(event.subject);
  const at = versions.findLastIndex((version) => version.revision === revision);
  const before = versions[at - 1]?.object;
  const after = versions[at]?.object;
  return before === undefined || after === undefined ? [] : differencesBetween(before, after);
}

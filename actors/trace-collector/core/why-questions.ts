/** What `why` says to each question; undefined where the question does not arise, and how it stands now is the answer. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { KubernetesObject } from "../../../protocols/api-server.ts";
import type { TraceEvent, WhyQuestion } from "../../../protocols/trace-collector.ts";
import type { Answer } from "./standing.ts";
import { nowAnswer, nowOf } from "./standing.ts";
import { shown, valueAt } from "./differences.ts";
import { dependentsOf, ownerOf } from "./owners.ts";
import { nameIn, phraseOf } from "./phrases.ts";
import { fieldOf, secondsBetween } from "./event-fields.ts";
import type { TraceRecord } from "./record.ts";
import { lifeOf, tellingOf, toldOf } from "./telling.ts";

/** Errors: NOT_RECORDED. */
export function answerTo(record: TraceRecord, subject: string, as: string): Answer {
  const field = /^changed:(.+)/.exec(as)?.[1];
  if (field !== undefined) return changedAnswer(record, subject, field);
  const question = as as Exclude<WhyQuestion, `changed:${string}`>;
  switch (question) {
    case "pending":
      return pendingAnswer(record, subject);
    case "restarted":
      return restartedAnswer(record, subject);
    case "deleted":
      return deletedAnswer(record, subject);
    case "rescheduled":
      return rescheduledAnswer(record, subject);
    case "stuck":
    case "not-ready":
      return stuckAnswer(record, subject) ?? denied(record, subject, question === "stuck" ? "stuck" : "unready");
  }
}

/** It is not as the question has it: so it is said how it is. */
function denied(record: TraceRecord, subject: string, what: string): Answer {
  const now = nowAnswer(record, subject);
  return { ...now, isDenied: true, what: `nothing says that ${nameIn(subject)} is ${what}: ${now.what}` };
}

function pendingAnswer(record: TraceRecord, subject: string): Answer {
  const life = lifeOf(toldOf(record, subject));
  const scheduled = life.findLast(({ kind }) => kind === "scheduled");
  const waited = life.findLast(({ kind }) => kind === "unschedulable");
  if (scheduled === undefined || waited === undefined || scheduled.lamport < waited.lamport) {
    return stuckAnswer(record, subject) ?? denied(record, subject, "pending");
  }
  const seconds = secondsBetween(life[0] ?? scheduled, scheduled);
  const what = `${nameIn(subject)} is pending no more: it waited ${seconds} s (${phraseOf(record, waited)}), and ${phraseOf(record, scheduled)}`;
  return { about: subject, event: scheduled, what, isTrouble: false };
}

function restartedAnswer(record: TraceRecord, subject: string): Answer {
  const told = toldOf(record, subject);
  const isEnd = ({ kind }: TraceEvent): boolean => kind === "container.stopped" || kind === "down";
  const isBegin = ({ kind }: TraceEvent): boolean => kind === "container.started" || kind === "start";
  const end = told.findLast(
    (event) => isEnd(event) && told.some((other) => isBegin(other) && other.lamport > event.lamport),
  );
  if (end === undefined) return denied(record, subject, "started again");
  const ends = lifeOf(told).filter(({ kind }) => kind === end.kind).length;
  const again = `${nameOfAny(subject)} was started again`;
  const what =
    end.kind === "down"
      ? `${again} after it had ended (${fieldOf(end, "reason")})`
      : `${again}: its container ${fieldOf(end, "container")} had ended with exit code ${fieldOf(end, "exitCode")}${ends > 1 ? `, for the ${ordinal(ends)} time` : ""}`;
  return { about: subject, event: end, what, isTrouble: end.kind !== "down" };
}

const TAKING: ReadonlySet<string> = new Set(["pod-evicted", "pod-collected", "garbage-collected"]);

function deletedAnswer(record: TraceRecord, subject: string): Answer {
  const told = toldOf(record, subject);
  const removed = told.findLast((event) => event.kind === "write" && fieldOf(event, "action") === "remove");
  const begun = deletionOf(record, subject);
  const last = removed ?? begun;
  if (last === undefined) return denied(record, subject, "deleted");
  const life = lifeOf(told.slice(0, told.indexOf(last) + 1));
  // Who took it away says more than that it has gone.
  const event = life.findLast(({ kind }) => TAKING.has(kind)) ?? last;
  const what = removed === undefined ? deletingPhrase(record, subject) : phraseOf(record, event);
  return { about: subject, event, what, isTrouble: false };
}

function rescheduledAnswer(record: TraceRecord, subject: string): Answer {
  const created = lifeOf(toldOf(record, subject)).find(({ kind }) => kind === "write" || kind === "scheduled");
  const lost = created === undefined ? undefined : record.chainOf(created).find((event) => isLoss(event, subject));
  if (created === undefined || lost === undefined) return denied(record, subject, "there in place of another");
  const gone = phraseOf(record, lost).slice(nameIn(lost.subject).length + 1);
  const what = `${nameIn(subject)} is there in place of ${nameIn(lost.subject)}, which ${gone}`;
  return { about: subject, event: created, what, isTrouble: false };
}

function isLoss(event: TraceEvent, subject: string): boolean {
  const [resource] = subject.split("/");
  if (TAKING.has(event.kind)) return true;
  return event.kind === "write" && event.detail.startsWith("action=remove") && event.subject.startsWith(`${resource}/`);
}

/** What does not get on, with what it waits for: its own trouble, or that of what was made for it. */
export function stuckAnswer(record: TraceRecord, subject: string): Answer | undefined {
  return ownTrouble(record, subject) ?? troubleBelow(record, subject) ?? warned(record, subject);
}

function ownTrouble(record: TraceRecord, subject: string): Answer | undefined {
  const told = tellingOf(toldOf(record, subject), () => nowOf(record));
  if (told?.inTrouble === true) return nowAnswer(record, subject);
  const begun = told?.isGone === true ? undefined : deletionOf(record, subject);
  if (begun === undefined || !isKept(latestOf(record, subject))) return undefined;
  return { about: subject, event: begun, what: deletingPhrase(record, subject), isTrouble: false };
}

/** As deep as objects own others: a Deployment's ReplicaSets' Pods, of a custom resource. */
const DEPTH_MAX = 5;

/** The newest of what is in trouble: of a rollout, the pods of the newest revision. */
function troubleBelow(record: TraceRecord, subject: string): Answer | undefined {
  // A pod has nothing below it.
  if (subject.startsWith("pods/") || isSettled(latestOf(record, subject))) return undefined;
  let level = dependentsOf(record, subject);
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const troubled = level.filter((of) => tellingOf(toldOf(record, of), () => nowOf(record))?.inTrouble === true);
    const newest = ownerOf(record, troubled.at(-1) ?? "");
    // Of the newest revision the first: later ones can have come in place of others.
    const first = troubled.find((of) => ownerOf(record, of) === newest);
    if (first !== undefined) {
      const answer = nowAnswer(record, first);
      const others = troubled.length > 1 ? ` (as ${troubled.length - 1} more)` : "";
      return {
        ...answer,
        what: `${nameIn(subject)} does not get on: ${readiness(record, subject)}${answer.what}${others}`,
      };
    }
    level = level.flatMap((of) => dependentsOf(record, of));
  }
  return undefined;
}

interface Counted extends KubernetesObject {
  readonly spec?: { readonly replicas?: number; readonly finalizers?: readonly string[] };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

function latestOf(record: TraceRecord, subject: string): Counted | undefined {
  return record.versionsOf(subject).at(-1)?.object;
}

function readiness(record: TraceRecord, subject: string): string {
  const { spec, status } = latestOf(record, subject) ?? {};
  if (spec?.replicas === undefined) return "";
  const { readyReplicas: ready = 0, updatedReplicas: updated = spec.replicas } = status ?? {};
  const newest = updated === spec.replicas ? "" : `, ${updated} of the newest revision`;
  return `${ready} of ${spec.replicas} replicas are ready${newest}; `;
}

/** All that is wanted is there, ready, and of the newest revision; never, where it cannot be told. */
function isSettled(object: Counted | undefined): boolean {
  const { spec, status } = object ?? {};
  return (
    spec?.replicas !== undefined &&
    [status?.readyReplicas, status?.updatedReplicas ?? spec.replicas].every((count) => count === spec.replicas)
  );
}

/** Undefined: it cannot be told. */
function isWell({ spec, status }: Counted): boolean | undefined {
  if (spec?.replicas !== undefined) return (status?.readyReplicas ?? 0) === spec.replicas;
  return status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True");
}

interface Warning extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly uid?: string };
}

/** What a component has warned of, while the object is not well, as the last that it said of it. */
function warned(record: TraceRecord, subject: string): Answer | undefined {
  const object = latestOf(record, subject);
  if (object === undefined || isWell(object) !== false) return undefined;
  const about = new Set([subject, ...dependentsOf(record, subject)].map((of) => latestOf(record, of)?.metadata?.uid));
  const last = record.changes.findLast((change) => {
    if (!change.subject.startsWith("events/")) return false;
    const { type, involvedObject } = (change.object ?? {}) as Warning;
    return type === "Warning" && about.has(involvedObject?.uid);
  });
  const event = last === undefined ? undefined : record.writeAt(last);
  if (last === undefined || event === undefined) return undefined;
  const { reason = "", message = "" } = last.object as Warning;
  return {
    about: subject,
    event,
    what: `${nameIn(subject)} does not get on: ${readiness(record, subject)}${reason}: ${message}`,
    isTrouble: true,
  };
}

/** The write by which it began to be deleted; undefined when it is not being. */
function deletionOf(record: TraceRecord, subject: string): TraceEvent | undefined {
  const versions = record.versionsOf(subject);
  if (versions.at(-1)?.object?.metadata?.deletionTimestamp === undefined) return undefined;
  const before = versions.findLastIndex(({ object }) => object?.metadata?.deletionTimestamp === undefined);
  const begun = versions[before + 1];
  return begun === undefined ? undefined : record.writeAt(begun);
}

function finalizersOf(object: Counted | undefined): readonly string[] {
  return [...(object?.metadata?.finalizers ?? []), ...(object?.spec?.finalizers ?? [])];
}

/** What is deleted waits for nobody but those who have a finalizer on it; a pod's time to end is no trouble. */
function isKept(object: Counted | undefined): boolean {
  return finalizersOf(object).length > 0;
}

function deletingPhrase(record: TraceRecord, subject: string): string {
  const object = latestOf(record, subject);
  const finalizers = finalizersOf(object);
  const waits = finalizers.length === 0 ? "" : ` and waits for ${finalizers.join(", ")}`;
  const said = (object?.status?.conditions ?? [])
    .filter(({ status, type }) => status === "True" && /Remaining|Failure/.test(type))
    .map(({ message }) => ` (${message ?? ""})`);
  return `${nameIn(subject)} is being deleted${waits}${said.join("")}`;
}

function changedAnswer(record: TraceRecord, subject: string, field: string): Answer {
  const versions = record.versionsOf(subject);
  const valueIn = (index: number): unknown => valueAt(versions[index]?.object, field);
  const at = versions.findLastIndex(
    ({ object }, index) =>
      index > 0 && object !== undefined && JSON.stringify(valueIn(index)) !== JSON.stringify(valueIn(index - 1)),
  );
  const event = at < 0 ? undefined : record.writeAt(versions[at]!);
  if (event === undefined) {
    const known =
      versions.length === 0 ? "which versions it had is not recorded" : `it is ${shown(valueIn(versions.length - 1))}`;
    throw new InkubeError("NOT_RECORDED", `no change of ${field} of ${subject} is recorded; ${known}`);
  }
  const what = `${field} of ${nameIn(subject)} went from ${shown(valueIn(at - 1))} to ${shown(valueIn(at))}`;
  return { about: subject, event, what, isTrouble: false };
}

/** An actor's name stays whole. */
function nameOfAny(subject: string): string {
  return /^[a-z]+\/[^/]+\/[^/]+$/.test(subject) || subject.startsWith("nodes/") ? nameIn(subject) : subject;
}

function ordinal(count: number): string {
  const tens = count % 100;
  const suffix = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${suffix}`;
}

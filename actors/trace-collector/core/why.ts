/** Why an object or an actor is as it is, told from the record: one sentence, and the chain of events that proves it. */
import { InkubeError } from "../../../protocols/errors.ts";
import { didYouMean } from "../../../protocols/nearest-name.ts";
import type { Explanation, TraceEvent } from "../../../protocols/trace-collector.ts";
import { WHY_QUESTIONS } from "../../../protocols/trace-collector.ts";
import { chainTo, linesOf } from "./chain.ts";
import { secondsBetween } from "./event-fields.ts";
import { nameIn, phraseOf, writePhrase } from "./phrases.ts";
import type { TraceRecord } from "./record.ts";
import { subjectOf } from "./subjects.ts";
import type { Answer } from "./standing.ts";
import { nowAnswer } from "./standing.ts";
import { answerTo, stuckAnswer } from "./why-questions.ts";

/**
 * @param ref as `pod/web-1` (in `default`), `pods/shop/web-1`, `node/worker-1`, or the name of an actor
 * @param as one of `WHY_QUESTIONS` or `changed:FIELD`; how it stands now when absent
 * Errors: NOT_RECORDED, NO_SUCH_QUESTION.
 */
export function explain(record: TraceRecord, ref: string, as?: string): Explanation {
  if (as !== undefined) checkQuestion(as);
  const subject = subjectOf(record, ref);
  const answer = as === undefined ? stuckAnswer(record, subject) : answerTo(record, subject, as);
  return explained(record, answer ?? nowAnswer(record, subject));
}

/** Errors: NO_SUCH_QUESTION. */
export function checkQuestion(as: string): void {
  if (WHY_QUESTIONS.some((known) => known === as) || /^changed:.+/.test(as)) return;
  const known = [...WHY_QUESTIONS, "changed:FIELD"];
  const message = `nothing can be asked as ${as}${didYouMean(as, known)} There are ${known.join(", ")}`;
  throw new InkubeError("NO_SUCH_QUESTION", message);
}

/** Of roots, those by which somebody wanted something to be there. */
const ASKED = /^(request\..*|call|asked|timer)$/;

function explained(record: TraceRecord, answer: Answer): Explanation {
  const { about, event } = answer;
  const chain = chainTo(record, event);
  const first = chain[0]!;
  const isWhole = record.isRoot(first);
  const notes = notesOn(record, event, first);
  const confidence = !isWhole ? "partial" : notes.length > 0 ? "likely" : "certain";
  const sentence = sentenceOf(record, answer, chain, isWhole);
  const isSo = answer.isDenied !== true;
  return { about, sentence, isSo, chain, lines: linesOf(record, chain), first, isWhole, confidence, notes };
}

function sentenceOf(
  record: TraceRecord,
  { event, what, isTrouble }: Answer,
  chain: readonly TraceEvent[],
  isWhole: boolean,
): string {
  const first = chain[0]!;
  const rest = isWhole ? "." : "; what caused that is not in the record.";
  if (first === event) return `${what}${rest}`;
  // Of what somebody has just done nobody need be told when it began.
  if (record.writesOf(first).includes(event)) return `${what}: ${writePhrase(record, event, "it")}.`;
  // That it was time says less than what it was time for.
  const told = first.kind === "timer" && chain.length > 2 ? chain[1]! : first;
  const isOwn = isTrouble && isOwnDoing(record, event);
  const link =
    isTrouble && ASKED.test(told.kind) ? ";" : isOwn ? `; ${nameIn(event.subject)} is there because` : " because";
  return `${what}${link} ${phraseOf(record, told)} ${secondsBetween(told, event)} s before${rest}`;
}

/** A container that fails or ends by itself does not because of what its pod is there for. */
function isOwnDoing(record: TraceRecord, event: TraceEvent): boolean {
  const cause = record.causeOf(event)?.kind;
  return cause !== "fault" && (event.kind === "container.failed" || cause === "container.started");
}

/** What else had a part in it: several changes that were seen to at once can have come of several things. */
function notesOn(record: TraceRecord, last: TraceEvent, first: TraceEvent): readonly string[] {
  const notes = new Set<string>();
  for (const event of record.chainOf(last)) {
    if (LOOKED_ANEW.has(event.kind) && record.isInferred(event)) {
      notes.add(`${event.actor} had just begun to look after ${event.subject}, and found that change`);
    }
    for (const other of record.othersOf(event)) {
      const root = record.firstOf(other);
      if (root === first || !record.isRoot(root) || root.kind === "timer") continue;
      notes.add(`${event.subject} was seen to also because ${phraseOf(record, root)}`);
    }
  }
  return [...notes].slice(0, NOTES_MAX);
}

const NOTES_MAX = 3;
/** Of these a cause is inferred where somebody has just begun to look after things. */
const LOOKED_ANEW: ReadonlySet<string> = new Set(["reconcile", "scheduled", "unschedulable"]);

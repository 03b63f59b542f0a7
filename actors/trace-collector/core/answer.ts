/** Every question that a record answers, and who answers it. */
import type { TraceAnswer, TraceQuestion } from "../../../protocols/trace-collector.ts";
import type { TraceRecord } from "./record.ts";
import { explain } from "./why.ts";

/** Errors: NOT_RECORDED, and those of each question. */
export function answerFrom(record: TraceRecord, question: TraceQuestion): TraceAnswer {
  switch (question.ask) {
    case "why":
      return { ask: "why", explanation: explain(record, question.ref) };
  }
}

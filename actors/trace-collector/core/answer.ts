/** Every question that a record answers, and who answers it. */
import type { TraceAnswer, TraceQuestion } from "../../../protocols/trace-collector.ts";
import { momentOf } from "./moment.ts";
import type { TraceRecord } from "./record.ts";
import { stateAt } from "./state.ts";
import { storyOf } from "./story.ts";
import { resourceOf } from "./subjects.ts";
import { explain } from "./why.ts";

/** Errors: NOT_RECORDED, and those of each question. */
export function answerFrom(record: TraceRecord, question: TraceQuestion): TraceAnswer {
  switch (question.ask) {
    case "why":
      return { ask: "why", explanation: explain(record, question.ref, question.as) };
    case "story": {
      const options = { owners: question.owners === "true", acrossRecreate: question.acrossRecreate === "true" };
      return { ask: "story", story: storyOf(record, question.ref, options) };
    }
    case "state": {
      const { at, resource, ...where } = question;
      const filter = { ...where, ...(resource === undefined ? {} : { resource: resourceOf(resource) }) };
      return { ask: "state", state: stateAt(record, momentOf(record, at), filter) };
    }
  }
}

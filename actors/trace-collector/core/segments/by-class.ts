/** The records of a ring, apart by the class of file that they go to. Only their forms are looked at. */
import { SEQUENCE_WORD, isMessage, memoryOf } from "../../../../protocols/trace-words.ts";
import type { RecordedClass } from "./format.ts";

export interface Apart {
  readonly of: { readonly [of in RecordedClass]: Int32Array };
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** `words`: whole records, oldest first, newer than `afterSequence`; at least one. */
export function byClass(words: Int32Array): Apart {
  const memory = memoryOf(words);
  const messages = new Int32Array(words.length);
  const events = new Int32Array(words.length);
  let messagesEnd = 0;
  let eventsEnd = 0;
  let runFrom = 0;
  let isRunOfMessages = isMessage(memory, 0);
  let last = 0;
  const endRun = (at: number): void => {
    const run = words.subarray(runFrom, at);
    if (isRunOfMessages) {
      messages.set(run, messagesEnd);
      messagesEnd += run.length;
    } else {
      events.set(run, eventsEnd);
      eventsEnd += run.length;
    }
    runFrom = at;
  };
  for (let at = 0; at < words.length; at += words[at]!) {
    last = at;
    const isOfMessage = isMessage(memory, at);
    if (isOfMessage === isRunOfMessages) continue;
    endRun(at);
    isRunOfMessages = isOfMessage;
  }
  endRun(words.length);
  return {
    of: { messages: messages.subarray(0, messagesEnd), events: events.subarray(0, eventsEnd) },
    firstSequence: words[SEQUENCE_WORD]!,
    lastSequence: words[last + SEQUENCE_WORD]!,
  };
}

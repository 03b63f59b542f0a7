/** Waits for a flight recorder that fills faster than it is read, at no cost until then. */
import { BELL_WORD } from "../../../runtime/trace/ring.ts";

/** Of ECMAScript 2024; V8 has it since before Node.js 20. */
interface WaitingAtomics {
  waitAsync(
    words: Int32Array,
    index: number,
    value: number,
  ): { readonly async: false } | { readonly async: true; readonly value: Promise<string> };
}

/** Tells each time that the writer finds half of the ring not taken yet. Returns how to stop. */
export function whenRung(ring: SharedArrayBuffer, tell: () => void): () => void {
  const words = new Int32Array(ring);
  let stopped = false;
  const wait = (): void => {
    const waiting = (Atomics as unknown as WaitingAtomics).waitAsync(words, BELL_WORD, 0);
    if (!waiting.async) throw new Error("the bell of a recorder has another value than 0");
    void waiting.value.then(() => {
      if (stopped) return;
      wait();
      tell();
    });
  };
  wait();
  return () => {
    stopped = true;
    // Nobody else waits for it; the promise is let go.
    Atomics.notify(words, BELL_WORD);
  };
}

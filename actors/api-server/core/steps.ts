/**
 * Work in pieces. What could hold the thread for long is a generator that yields now and then, and whoever runs it lets others have
 * their turn meanwhile (`pieces.ts`). Anything may change between two pieces, so such work looks only at what it was given.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** What is done at once, or in pieces. */
export type Stepped<T> = T | Steps<T>;

export function isSteps<T>(work: Stepped<T>): work is Steps<T> {
  return typeof work === "object" && work !== null && "next" in work;
}

/** The result, in as many pieces as it takes. */
export function* resultOf<T>(work: Stepped<T>): Steps<T> {
  return isSteps(work) ? yield* work : work;
}

/** The result, in one piece: of what is known to be small. */
export function finished<T>(work: Stepped<T>): T {
  if (!isSteps(work)) return work;
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** Of what is counted by `Pace`: a node of a schema or of a value, which takes about a microsecond. A piece is this many. */
const UNITS_OF_A_PIECE = 128;

/** Says when it is time to yield. */
export class Pace {
  #left = UNITS_OF_A_PIECE;

  /** @param units that have been done since it was asked last */
  isDue(units: number = 1): boolean {
    this.#left -= units;
    if (this.#left > 0) return false;
    this.#left = UNITS_OF_A_PIECE;
    return true;
  }
}

/**
 * The log of everything that a run left to chance: which stream was asked, for what, when, and the answer. A run is
 * repeated from it without the generator, so a log stays good when the generator or the labels of its streams' seeds
 * change, and it can be edited. The first question that differs from the recorded one ends the run and names both.
 *
 * A log is made for one program: the same actors in the same versions, on the same major version of Node.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { InkubeError } from "../../protocols/errors.ts";
import type { Random } from "../random.ts";

/** One question: the number of its stream, the bound (0 for a fraction), virtual time in microseconds, the fraction drawn. */
const WORDS = 4;
const BEGIN_DECISIONS = 16_384;
const MAGIC = "inkube-decisions-1";
/** A fraction is a whole number of these (`SeededRandom.next`). */
const FRACTION = 0x1_0000_0000;

export class DecisionLog {
  /** What the run was, in the recorder's own words; plain data. */
  readonly about: unknown;
  readonly seed: number;
  readonly nodeMajor: number;
  readonly labels: string[] = [];
  count = 0;
  private words = new Uint32Array(BEGIN_DECISIONS * WORDS);

  constructor(seed: number, about: unknown, nodeMajor: number = ownMajor()) {
    this.seed = seed;
    this.about = about;
    this.nodeMajor = nodeMajor;
  }

  add(label: number, bound: number, atUs: number, answer: number): void {
    const at = this.count++ * WORDS;
    if (at === this.words.length) {
      const grown = new Uint32Array(2 * at);
      grown.set(this.words);
      this.words = grown;
    }
    this.words[at] = label;
    this.words[at + 1] = bound;
    // Modulo 71 minutes, which is enough to notice a difference.
    this.words[at + 2] = atUs;
    this.words[at + 3] = answer;
  }

  /** One of `label`, `bound`, `atUs`, `answer` of the decision with that index. */
  word(index: number, field: number): number {
    return this.words[index * WORDS + field]!;
  }

  describe(index: number): string {
    if (index >= this.count) return "the end of the log";
    const label = this.labels[this.word(index, 0)] ?? "?";
    return describeQuestion(label, this.word(index, 1), this.word(index, 2));
  }

  /** Gzip of a line of JSON and the decisions as 32-bit words, little-endian. */
  toBytes(): Uint8Array {
    const { seed, about, nodeMajor, labels, count } = this;
    const head = Buffer.from(`${JSON.stringify({ format: MAGIC, seed, nodeMajor, count, about, labels })}\n`);
    const body = Buffer.alloc(count * WORDS * 4);
    for (let index = 0; index < count * WORDS; index++) body.writeUInt32LE(this.words[index]!, index * 4);
    return gzipSync(Buffer.concat([head, body]));
  }

  /** Errors: INVALID_DECISION_LOG. */
  static fromBytes(bytes: Uint8Array): DecisionLog {
    const content = unzipped(bytes);
    const end = content.indexOf(10);
    const head = parsed(content.subarray(0, end).toString());
    const log = new DecisionLog(head.seed, head.about, head.nodeMajor);
    log.labels.push(...head.labels);
    log.count = head.count;
    if (content.length !== end + 1 + head.count * WORDS * 4) throw invalid("it is cut short");
    log.words = new Uint32Array(Math.max(1, head.count) * WORDS);
    for (let index = 0; index < head.count * WORDS; index++) {
      log.words[index] = content.readUInt32LE(end + 1 + index * 4);
    }
    return log;
  }
}

/** Who answers the questions of a run: a generator that is written down, or the log of an earlier run. */
export interface Decisions {
  /** `generated` is not touched by a replay. */
  stream(label: string, generated: () => Random, nowUs: () => number): Random;
  /** The run is over. Errors: SIMULATION_DIVERGED when the recorded one was longer. */
  end(): void;
}

/** Writes down what the generators answer. */
export class RecordedDecisions implements Decisions {
  readonly log: DecisionLog;

  constructor(log: DecisionLog) {
    this.log = log;
  }

  stream(label: string, generated: () => Random, nowUs: () => number): Random {
    const { log } = this;
    const number = log.labels.push(label) - 1;
    const random = generated();
    return {
      next: () => {
        const answer = random.next();
        log.add(number, 0, nowUs(), answer * FRACTION);
        return answer;
      },
      below: (bound) => {
        const answer = random.next();
        log.add(number, bound, nowUs(), answer * FRACTION);
        return Math.floor(answer * bound);
      },
    };
  }

  end(): void {}
}

/** Answers from a log. */
export class ReplayedDecisions implements Decisions {
  private readonly log: DecisionLog;
  private readonly onDivergence: (error: InkubeError) => void;
  private readonly numbers = new Map<string, number>();
  private next = 0;
  private divergence: InkubeError | undefined;

  /** `onDivergence` is told once and ends the run; what is asked until then is generated. Errors: INVALID_DECISION_LOG. */
  constructor(log: DecisionLog, onDivergence: (error: InkubeError) => void) {
    if (log.nodeMajor !== ownMajor()) {
      throw invalid(`it was recorded on Node ${log.nodeMajor}; the order of promises may differ on ${ownMajor()}`);
    }
    this.log = log;
    this.onDivergence = onDivergence;
    for (const [number, label] of log.labels.entries()) this.numbers.set(label, number);
  }

  stream(label: string, generated: () => Random, nowUs: () => number): Random {
    const number = this.numbers.get(label) ?? -1;
    let fallback: Random | undefined;
    const answer = (bound: number): number => {
      const { log } = this;
      if (this.divergence !== undefined) return (fallback ??= generated()).next();
      const index = this.next++;
      const atUs = nowUs() >>> 0;
      if (
        index >= log.count ||
        log.word(index, 0) !== number ||
        log.word(index, 1) !== bound >>> 0 ||
        log.word(index, 2) !== atUs
      ) {
        this.onDivergence(this.diverged(index, describeQuestion(label, bound, atUs)));
        return answer(bound);
      }
      return log.word(index, 3) / FRACTION;
    };
    return { next: () => answer(0), below: (bound) => Math.floor(answer(bound) * bound) };
  }

  end(): void {
    if (this.divergence !== undefined) throw this.divergence;
    if (this.next < this.log.count) throw this.diverged(this.next, "the end of the run");
  }

  private diverged(index: number, now: string): InkubeError {
    const recorded = this.log.describe(index);
    this.divergence = new InkubeError(
      "SIMULATION_DIVERGED",
      `decision ${index + 1} of ${this.log.count}: recorded ${recorded}, replayed ${now}`,
      { details: { decision: index, recorded, replayed: now } },
    );
    return this.divergence;
  }
}

function describeQuestion(label: string, bound: number, atUs: number): string {
  return `${label} ${bound === 0 ? "a fraction" : `below ${bound}`} at ${atUs} us`;
}

function ownMajor(): number {
  return Number(process.versions.node.split(".")[0]);
}

function unzipped(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function parsed(line: string): DecisionLog {
  try {
    const head = JSON.parse(line) as DecisionLog & { readonly format: string };
    if (head.format === MAGIC) return head;
  } catch {
    // Said below.
  }
  throw invalid("it is not a log of decisions");
}

function invalid(what: string): InkubeError {
  return new InkubeError("INVALID_DECISION_LOG", `this log of decisions can't be replayed: ${what}`);
}

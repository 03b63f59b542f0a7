/**
 * The one error class of inkube. It crosses a thread as plain data (`ErrorData`) and is built anew on the other side,
 * so match on `code`, never on class identity.
 */

/** What an error is on the wire. `details` is plain data. */
export interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: unknown;
}

/** Codes that the runtime itself answers with; components add their own in their protocol's file. */
export type RuntimeErrorCode =
  /** The deadline of a call passed. The request may or may not have been carried out. */
  | "DEADLINE_EXCEEDED"
  /** The caller gave up. */
  | "CANCELLED"
  /** The target died with the call in flight, or is down now. The request may have been carried out. */
  | "ACTOR_DOWN"
  /** The target's mailbox is full. The request was not carried out. */
  | "MAILBOX_FULL"
  /** The call would close a ring of actors that wait for one another; `details.chain` names them. It was not sent. */
  | "CALL_CYCLE"
  /** Earlier calls of the method failed one after the other. This one was not sent. */
  | "CIRCUIT_OPEN"
  /** The target serves another protocol, or another version of it, than its caller speaks. Nothing was carried out. */
  | "PROTOCOL_MISMATCH"
  /** The target has no handler of that name: the two sides are of different builds. */
  | "UNKNOWN_METHOD"
  /** The consumer of a stream did not keep up with what its producer may buffer. */
  | "STREAM_OVERRUN"
  /** A request, answer or item is no plain data: it holds a symbol, a ring or a getter that throws. It was not sent. */
  | "NOT_ENCODABLE"
  /** No link to an actor of that name was declared in the child's spec. */
  | "NO_LINK"
  /** What came in is not what the method takes. */
  | "INVALID_ARGUMENT";

/** An error that its receiver can act on. A broken invariant is a plain `Error` and kills its actor. */
export class InkubeError extends Error {
  override readonly name = "InkubeError";
  readonly code: string;
  readonly retryable: boolean;
  readonly details: unknown;

  constructor(
    code: string,
    message: string,
    options: { readonly retryable?: boolean; readonly details?: unknown; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }

  toData(): ErrorData {
    const base = { code: this.code, message: this.message, retryable: this.retryable };
    return this.details === undefined ? base : { ...base, details: this.details };
  }

  static fromData(data: ErrorData): InkubeError {
    return new InkubeError(data.code, data.message, { retryable: data.retryable, details: data.details });
  }
}

/** Whether `error` is an `InkubeError` with one of `codes` (or with any code, when none is given). */
export function hasCode(error: unknown, ...codes: readonly string[]): error is InkubeError {
  return error instanceof InkubeError && (codes.length === 0 || codes.includes(error.code));
}

/** The errors that a cell itself answers with. */
import { InkubeError } from "../protocols/errors.ts";
import type { DownDetails, DownReason } from "./actor.ts";

/** Without a reason: the link is gone before anybody could say why. `details`: what is known of the end; its message is told. */
export function actorDown(peer: string, reason?: DownReason, details: DownDetails = {}): InkubeError {
  const { message } = details;
  const why = reason === undefined ? "" : ` (${reason}${message === undefined ? "" : `: ${message}`})`;
  return new InkubeError("ACTOR_DOWN", `${peer} is down${why}; what was under way may or may not have been done`, {
    retryable: true,
    details: {
      actor: peer,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    },
  });
}

export function cancelled(method: string): InkubeError {
  return new InkubeError("CANCELLED", `${method} was canceled by its caller`);
}

export function deadlineExceeded(peer: string, method: string): InkubeError {
  return new InkubeError("DEADLINE_EXCEEDED", `${peer} did not answer ${method} in time; it may still be done`, {
    retryable: true,
    details: { actor: peer, method },
  });
}

/** `chain`: those that wait, the first caller first, then the actor that was about to call, then whom it called. */
export function callCycle(chain: readonly string[], method: string): InkubeError {
  return new InkubeError("CALL_CYCLE", `${chain.join(" waits for ")}: ${method} would never be answered`, {
    details: { chain },
  });
}

export function circuitOpen(peer: string, method: string): InkubeError {
  return new InkubeError("CIRCUIT_OPEN", `${method} of ${peer} has failed too often in a row; try again later`, {
    retryable: true,
    details: { actor: peer, method },
  });
}

/** `what` of `method`, between the caller and `peer`, is no plain data. */
export function notEncodable(
  peer: string,
  method: string,
  what: "request" | "answer" | "item",
  why: string,
): InkubeError {
  const whose =
    what === "request" ? `${method} of ${peer} was not sent: its request` : `${peer} failed ${method}: its ${what}`;
  return new InkubeError("NOT_ENCODABLE", `${whose} is no plain data: ${why}`, { details: { actor: peer, method } });
}

/** Of what an encoder or a getter threw, which may be anything. */
export function whyNotEncodable(cause: unknown): string {
  try {
    if (cause instanceof RangeError && cause.message.includes("call stack")) return "it is a ring, or nested too deep";
    return cause instanceof Error ? cause.message : String(cause);
  } catch {
    return "it can't be read";
  }
}

export function noLink(name: string, peer: string): InkubeError {
  return new InkubeError("NO_LINK", `${name} has no link to ${peer}; add it to the links of its child spec`);
}

export function unknownMethod(name: string, method: number): InkubeError {
  return new InkubeError("UNKNOWN_METHOD", `${name} has no method ${method}; caller and actor are of different builds`);
}

/** What a protocol is to somebody who has another one. */
export interface ProtocolSummary {
  readonly name: string;
  readonly version: number;
  /** `name:kind` in id order. */
  readonly methods: readonly string[];
}

export function protocolMismatch(peer: string, served: ProtocolSummary, spoken: ProtocolSummary): InkubeError {
  const title = ({ name, version }: ProtocolSummary): string => `${name} version ${version}`;
  const lacks = spoken.methods.filter((method) => !served.methods.includes(method));
  const adds = served.methods.filter((method) => !spoken.methods.includes(method));
  const differences = [
    ...(lacks.length > 0 ? [`it lacks ${lacks.join(", ")}`] : []),
    ...(adds.length > 0 ? [`it has ${adds.join(", ")} instead`] : []),
  ];
  if (differences.length === 0 && served.methods.join() !== spoken.methods.join()) {
    differences.push("the methods are in another order");
  }
  const what = differences.length === 0 ? "" : `: ${differences.join(", and ")}`;
  return new InkubeError(
    "PROTOCOL_MISMATCH",
    `${peer} serves ${title(served)}, its caller speaks ${title(spoken)}${what}; build both from one source`,
    { details: { actor: peer, served, spoken } },
  );
}

export function mailboxFull(name: string, why: string): InkubeError {
  return new InkubeError("MAILBOX_FULL", `${name} takes no more: ${why}; try again later`, { retryable: true });
}

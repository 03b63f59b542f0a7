/** The errors that a cell itself answers with. */
import { InkubeError } from "../protocols/errors.ts";
import type { DownReason } from "./actor.ts";

/** Without a reason: the link is gone before anybody could say why. */
export function actorDown(peer: string, reason?: DownReason): InkubeError {
  const why = reason === undefined ? "" : ` (${reason})`;
  return new InkubeError("ACTOR_DOWN", `${peer} is down${why}; what was under way may or may not have been done`, {
    retryable: true,
    details: reason === undefined ? { actor: peer } : { actor: peer, reason },
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

export function noLink(name: string, peer: string): InkubeError {
  return new InkubeError("NO_LINK", `${name} has no link to ${peer}; add it to the links of its child spec`);
}

export function unknownMethod(name: string, method: number): InkubeError {
  return new InkubeError("UNKNOWN_METHOD", `${name} has no method ${method}; caller and actor are of different builds`);
}

export function mailboxFull(name: string, why: string): InkubeError {
  return new InkubeError("MAILBOX_FULL", `${name} takes no more: ${why}; try again later`, { retryable: true });
}

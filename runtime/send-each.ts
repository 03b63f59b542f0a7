/** What a host does with a frame that can't be encoded: only the message that is at fault is lost, and its sender is told. */
import type { Envelope } from "./frame.ts";
import { FrameMismatch } from "./frame.ts";

/** The sender learns that `envelope` can't be sent to `peer`. What is returned is sent in its place. */
export type Refuse = (peer: string, envelope: Envelope, cause: unknown) => Envelope | undefined;

/** Sends what could not leave as one frame one by one. `send` throws for what can't be encoded, and has then sent nothing. */
export function sendEach(
  peer: string,
  envelopes: readonly Envelope[],
  send: (envelopes: Envelope[]) => void,
  refuse: Refuse,
): void {
  for (const envelope of envelopes) {
    try {
      send([envelope]);
    } catch (error) {
      // The other end's failure, where one program is both ends: the frame has been sent.
      if (error instanceof FrameMismatch) throw error;
      const instead = refuse(peer, envelope, error);
      if (instead !== undefined) send([instead]);
    }
  }
}

/** Answers of other servers that are read whole: bounded in size and time. */
import type { ClientRequest, IncomingHttpHeaders } from "node:http";
import { refuseUpgrade } from "./upgrades.ts";

export interface AnsweredText {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** UTF-8. */
  readonly body: string;
}

export interface AnswerBounds {
  readonly bytesMax: number;
  readonly timeoutMs: number;
  /** What is said when it has taken longer. */
  readonly late: string;
  /** Ends it early: "context canceled". */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends the request, and reads what is answered.
 * Errors: what Node says of the connection, or an error without a code that says which bound was broken.
 */
export function answerText(
  outgoing: ClientRequest,
  { bytesMax, timeoutMs, late, signal }: AnswerBounds,
  body?: string,
): Promise<AnsweredText> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancelled);
    };
    const failed = (error: Error): void => {
      over();
      reject(error);
    };
    /** Told before the connection ends: that has words of its own, which say nothing of why. */
    const giveUp = (why: string): void => {
      failed(new Error(why));
      outgoing.destroy();
    };
    const cancelled = (): void => giveUp("context canceled");
    const timer = setTimeout(() => giveUp(late), timeoutMs);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > bytesMax) giveUp(`the answer is longer than ${bytesMax} bytes`);
        else chunks.push(chunk);
      });
      incoming.on("error", () => failed(new Error("unexpected EOF")));
      incoming.on("end", () => {
        over();
        const { statusCode = 0, headers } = incoming;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    outgoing.on("error", failed);
    refuseUpgrade(outgoing, failed);
    if (signal?.aborted === true) return cancelled();
    signal?.addEventListener("abort", cancelled);
    outgoing.end(body);
  });
}

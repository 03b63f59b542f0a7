/** Answers of other servers that are read whole: bounded in size and time. */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Answered } from "../aggregation.ts";
import { refuseUpgrade } from "./upgrades.ts";

export interface Reading {
  /** UTF-8. */
  readonly whole: (text: string) => void;
  /** More than was allowed has come; the rest is for the reader to refuse. */
  readonly tooLong: () => void;
  readonly broken: (error: Error) => void;
}

export function readText(incoming: IncomingMessage, bytesMax: number, { whole, tooLong, broken }: Reading): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) tooLong();
    else chunks.push(chunk);
  });
  incoming.on("error", broken);
  incoming.on("end", () => whole(Buffer.concat(chunks).toString("utf8")));
}

/**
 * Ends the request, which has no body, and reads what is answered.
 * @param late what is said when it takes longer than `timeoutMs`
 * Errors: what Node says of the connection, or an error that says which bound was broken.
 */
export function answerText(
  outgoing: ClientRequest,
  { bytesMax, timeoutMs, late }: { readonly bytesMax: number; readonly timeoutMs: number; readonly late: string },
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => outgoing.destroy(new Error(late)), timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    outgoing.on("response", (incoming) => {
      readText(incoming, bytesMax, {
        whole: (body) => {
          clearTimeout(timer);
          resolve({ status: incoming.statusCode ?? 0, body });
        },
        tooLong: () => outgoing.destroy(new Error("the answer is too large")),
        broken: failed,
      });
    });
    outgoing.on("error", failed);
    refuseUpgrade(outgoing, failed);
    outgoing.end();
  });
}

/** What an API server answers over HTTP, in the terms of messages. */
import type { ApiWatchEvent } from "../../../protocols/api-server.ts";
import { statusError } from "../../../protocols/api-server.ts";
import { InkubeError } from "../../../protocols/errors.ts";
import type { Status } from "../../../protocols/kubernetes/types/meta-v1.ts";

const TEXT_MAX = 1_024;

/** A refusal. `retryAfter`: the header of that name, in seconds. */
export function refusal(code: number, text: string, retryAfter?: string): InkubeError {
  const parsed = parseObject(text) as (Status & { readonly kind?: string }) | undefined;
  const said = text.trim().slice(0, TEXT_MAX);
  const status: Status =
    parsed?.kind === "Status" ? parsed : { status: "Failure", code, message: said === "" ? `HTTP ${code}` : said };
  const seconds = Number(retryAfter);
  const timed = retryAfter !== undefined && Number.isFinite(seconds) && status.details?.retryAfterSeconds === undefined;
  return statusError({
    ...status,
    code: status.code ?? code,
    ...(timed ? { details: { ...status.details, retryAfterSeconds: seconds } } : {}),
  });
}

/** The object of an answer. @throws BAD_ANSWER */
export function objectOf(text: string): object {
  const parsed = parseObject(text);
  if (parsed !== undefined) return parsed;
  throw badAnswer(`what the API server answers is no object: ${text.slice(0, TEXT_MAX)}`);
}

/**
 * One line of a watch. An event of the type ERROR is its end.
 * @throws KUBERNETES_STATUS, BAD_ANSWER
 */
export function watchEvent(line: string): ApiWatchEvent {
  const { type, object } = objectOf(line) as { readonly type?: string; readonly object?: object };
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
    case "BOOKMARK":
      if (typeof object === "object") return { type, object };
      break;
    case "ERROR":
      throw statusError((object ?? {}) as Status);
    case undefined:
    default:
  }
  throw badAnswer(`a watch told what is no event: ${line.slice(0, TEXT_MAX)}`);
}

function parseObject(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** What answers is no API server. */
export function badAnswer(message: string): InkubeError {
  return new InkubeError("BAD_ANSWER", message, { retryable: true });
}

/** Cuts what comes in pieces into lines. What is longer than `bytesMax` is an error. */
export class Lines {
  private readonly bytesMax: number;
  private readonly decoder = new TextDecoder();
  private rest = "";

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** @throws BAD_ANSWER */
  take(bytes: Uint8Array): readonly string[] {
    const text = this.decoder.decode(bytes, { stream: true });
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      this.rest += text;
      if (this.rest.length > this.bytesMax)
        throw badAnswer(`a watch told more than ${this.bytesMax} bytes in one event`);
      return [];
    }
    const lines = (this.rest + text.slice(0, end)).split("\n");
    this.rest = text.slice(end + 1);
    return lines.filter((line) => line !== "");
  }
}

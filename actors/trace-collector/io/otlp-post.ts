/** One request of OTLP over HTTP, as JSON, compressed. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { OtlpAnswer } from "../core/otlp-outbox.ts";

export interface OtlpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A collector that says nothing for so long is down. Source: the default of OTEL_EXPORTER_OTLP_TIMEOUT. */
const TIMEOUT_MS = 10_000;
/** Of an answer, what says why. */
const ANSWER_BYTES_MAX = 65_536;
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export type OtlpPost = (target: OtlpTarget, body: string, signal?: AbortSignal) => Promise<OtlpAnswer>;

/** Never fails: what goes wrong is an answer. */
export const postOtlp: OtlpPost = async ({ url, headers }, body, signal) => {
  const compressed = await promisify(gzip)(body);
  return new Promise((resolve) => {
    const busy = (why: string): void => resolve({ outcome: "busy", why });
    const request = (url.startsWith("https:") ? httpsRequest : httpRequest)(
      url,
      {
        method: "POST",
        headers: {
          "user-agent": "inkube",
          ...headers,
          "content-type": "application/json",
          "content-encoding": "gzip",
          "content-length": compressed.length,
        },
        timeout: TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          if (text.length < ANSWER_BYTES_MAX) text += part;
        });
        response.on("error", ({ message }) => busy(message));
        response.on("end", () => resolve(answerOf(response.statusCode ?? 0, response.headers["retry-after"], text)));
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on("error", ({ message }) => busy(message));
    request.end(compressed);
  });
};

function answerOf(status: number, retryAfter: string | undefined, text: string): OtlpAnswer {
  if (status >= 200 && status < 300) return { outcome: "taken", rejected: rejectedIn(text) };
  const why = `HTTP ${status}${text === "" ? "" : `: ${text.slice(0, 200)}`}`;
  if (!RETRYABLE.has(status)) return { outcome: "refused", why };
  const seconds = Number(retryAfter);
  const isTold = retryAfter !== undefined && Number.isFinite(seconds) && seconds >= 0;
  return { outcome: "busy", why, ...(isTold ? { afterMs: seconds * 1_000 } : {}) };
}

/** `ExportTracePartialSuccess.rejected_spans`, a 64-bit number, which JSON has as text. */
function rejectedIn(text: string): number {
  try {
    const answer = JSON.parse(text) as { readonly partialSuccess?: { readonly rejectedSpans?: unknown } } | null;
    return Number(answer?.partialSuccess?.rejectedSpans ?? 0) || 0;
  } catch {
    return 0;
  }
}

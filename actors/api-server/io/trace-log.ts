/**
 * `/debug/trace`: the cluster's flight recorders as lines of JSON, filtered by `actor`, `object`, `kind`, `where` and `sinceMs`, live with
 * `follow=true`. `/debug/trace/record`: all that is kept, also what objects were. `/debug/trace/why?ref=pod/web-1` and the
 * like: what the record answers, as JSON.
 */
import { hasCode } from "../../../protocols/errors.ts";
import type {
  RecordLine,
  TraceCollectorMethods,
  TraceErrorCode,
  TraceFilter,
  TraceQuestion,
} from "../../../protocols/trace-collector.ts";
import { TRACE_QUESTIONS, questionFrom } from "../../../protocols/trace-collector.ts";
import type { RequestOf } from "../../../protocols/protocol.ts";
import type { Ref } from "../../../runtime/actor.ts";
import { badRequest, notFound, notRecorded } from "../core/machinery/status.ts";
import type { Query } from "../core/rest/query.ts";
import { parseQuery } from "../core/rest/query.ts";
import type { HttpBody, RawHandler } from "./http-messages.ts";

const TRACE_PATH = "/debug/trace";

const encoder = new TextEncoder();
const JSON_HEADERS = { "content-type": "application/json", "cache-control": "no-cache, private" };
const HEADERS = { "content-type": "application/x-ndjson", "cache-control": "no-cache, private" };
/** A follower that takes longer than the collector's period gets the next batch later. */
const DRAIN_BYTES_MAX = 1_048_576;

/** What serves the trace, by path. */
export function tracePaths(
  collector: Ref<TraceCollectorMethods> | undefined,
): readonly (readonly [path: string, handler: RawHandler])[] {
  const asks = Object.keys(TRACE_QUESTIONS) as TraceQuestion["ask"][];
  return [
    [TRACE_PATH, traceLog(collector)],
    [`${TRACE_PATH}/record`, wholeRecord(collector)],
    ...asks.map((ask) => [`${TRACE_PATH}/${ask}`, traceAnswers(collector, ask)] as const),
  ];
}

/** All of it as lines of text, as `openTrace` reads them. */
function wholeRecord(collector: Ref<TraceCollectorMethods> | undefined): RawHandler {
  return (_request, answer) => {
    if (collector === undefined) throw notFound({ group: "", resource: "traces" }, "");
    tell(collector, "record", null, answer.open(200, HEADERS));
  };
}

function traceAnswers(collector: Ref<TraceCollectorMethods> | undefined, ask: TraceQuestion["ask"]): RawHandler {
  return async (request, answer) => {
    if (collector === undefined) throw notFound({ group: "", resource: "traces" }, "");
    const query = queryOf(request.url);
    const answered = await told(async () =>
      collector.call(
        "ask",
        questionFrom(ask, (name) => query.get(name)),
      ),
    );
    answer.send(200, JSON_HEADERS, encoder.encode(`${JSON.stringify(answered)}\n`));
  };
}

function queryOf(url: string): Query {
  const mark = url.indexOf("?");
  return parseQuery(mark < 0 ? "" : url.slice(mark + 1));
}

function traceLog(collector: Ref<TraceCollectorMethods> | undefined): RawHandler {
  return async (request, answer) => {
    if (collector === undefined) throw notFound({ group: "", resource: "traces" }, "");
    const query = queryOf(request.url);
    const filter = filterOf(query);
    await told(() => collector.call("check", filter));
    const method = query.get("follow") === "true" ? "follow" : "events";
    tell(collector, method, filter, answer.open(200, HEADERS));
  };
}

const NOT_THERE: readonly TraceErrorCode[] = ["NOT_RECORDED"];
const WRONG: readonly string[] = [
  "NO_SUCH_ACTOR",
  "NO_SUCH_KIND",
  "NO_SUCH_QUESTION",
  "INVALID_WHERE",
  "INVALID_ARGUMENT",
];

/** Errors: a 400 that says what there is, a 404 for what is not recorded. */
async function told<Answer>(asking: () => Promise<Answer>): Promise<Answer> {
  try {
    return await asking();
  } catch (error) {
    if (hasCode(error, ...NOT_THERE)) throw notRecorded(error.message);
    throw hasCode(error, ...WRONG) ? badRequest(error.message) : error;
  }
}

function tell<K extends "events" | "follow" | "record">(
  collector: Ref<TraceCollectorMethods>,
  method: K,
  request: RequestOf<TraceCollectorMethods[K]>,
  body: HttpBody,
): void {
  let goOn: (() => void) | undefined;
  const subscription = collector.stream(method, request, {
    next: (events) => {
      body.write(lines(events));
      if (body.bufferedBytes < DRAIN_BYTES_MAX) return undefined;
      return new Promise<void>((resolve) => {
        goOn = resolve;
        body.onceDrained(resolve);
      });
    },
    // A collector that died is back in a moment: the client sees a broken stream, and asks anew.
    end: (error) => (error === undefined ? body.end() : body.destroy()),
  });
  body.onClose(() => {
    subscription.cancel();
    goOn?.();
  });
}

/** Errors: a 400 when `sinceMs` is no number. */
function filterOf(query: Query): TraceFilter {
  const part = (name: "actor" | "object" | "kind" | "where"): TraceFilter => {
    const value = query.get(name);
    return value === undefined || value === "" ? {} : { [name]: value };
  };
  const sinceMs = query.get("sinceMs");
  if (sinceMs !== undefined && !/^\d+(\.\d+)?$/.test(sinceMs)) throw badRequest("sinceMs is no number of milliseconds");
  const since = sinceMs === undefined ? {} : { sinceMs: Number(sinceMs) };
  return { ...part("actor"), ...part("object"), ...part("kind"), ...part("where"), ...since };
}

function lines(items: readonly RecordLine[]): Uint8Array {
  return encoder.encode(items.map((item) => `${JSON.stringify(item)}\n`).join(""));
}

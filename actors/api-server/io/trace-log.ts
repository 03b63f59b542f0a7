/** `/debug/trace`: the cluster's flight recorders as lines of JSON, filtered by `actor`, `object` and `kind`, live with `follow=true`. */
import { hasCode } from "../../../protocols/errors.ts";
import type { TraceCollectorMethods, TraceEvent, TraceFilter } from "../../../protocols/trace-collector.ts";
import type { Ref } from "../../../runtime/actor.ts";
import { badRequest, notFound } from "../core/machinery/status.ts";
import type { Query } from "../core/rest/query.ts";
import { parseQuery } from "../core/rest/query.ts";
import type { HttpBody, RawHandler } from "./http-messages.ts";

export const TRACE_PATH = "/debug/trace";

const encoder = new TextEncoder();
const HEADERS = { "content-type": "application/x-ndjson", "cache-control": "no-cache, private" };
/** A follower that takes longer than the collector's period gets the next batch later. */
const DRAIN_BYTES_MAX = 1_048_576;

export function traceLog(collector: Ref<TraceCollectorMethods> | undefined): RawHandler {
  return async (request, answer) => {
    if (collector === undefined) throw notFound({ group: "", resource: "traces" }, "");
    const mark = request.url.indexOf("?");
    const query = parseQuery(mark < 0 ? "" : request.url.slice(mark + 1));
    const filter = filterOf(query);
    await checked(collector.call("check", filter));
    if (query.get("follow") === "true") {
      follow(collector, filter, answer.open(200, HEADERS));
      return;
    }
    const { events } = await collector.call("events", filter);
    answer.send(200, HEADERS, lines(events));
  };
}

/** Errors: a 400 that says which actors or kinds there are. */
async function checked(check: Promise<null>): Promise<void> {
  try {
    await check;
  } catch (error) {
    throw hasCode(error, "NO_SUCH_ACTOR", "NO_SUCH_KIND") ? badRequest(error.message) : error;
  }
}

function follow(collector: Ref<TraceCollectorMethods>, filter: TraceFilter, body: HttpBody): void {
  let goOn: (() => void) | undefined;
  const subscription = collector.stream("follow", filter, {
    next: (events) => {
      body.write(lines(events));
      if (body.bufferedBytes < DRAIN_BYTES_MAX) return undefined;
      return new Promise<void>((resolve) => {
        goOn = resolve;
        body.onceDrained(resolve);
      });
    },
    // A collector that died is back in a moment: the client sees a broken stream, and asks anew.
    end: () => body.destroy(),
  });
  body.onClose(() => {
    subscription.cancel();
    goOn?.();
  });
}

function filterOf(query: Query): TraceFilter {
  const part = (name: "actor" | "object" | "kind"): TraceFilter => {
    const value = query.get(name);
    return value === undefined || value === "" ? {} : { [name]: value };
  };
  return { ...part("actor"), ...part("object"), ...part("kind") };
}

function lines(events: readonly TraceEvent[]): Uint8Array {
  return encoder.encode(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
}

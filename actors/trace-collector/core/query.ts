/** A record as tables, for who asks in SQL. */
import { nameOf } from "../../../protocols/trace-events.ts";
import { fieldOf, revisionOf } from "./event-fields.ts";
import type { TraceRecord } from "./record.ts";

export type Cell = string | number | null;

export interface Table {
  readonly name: string;
  /** `name TYPE`, as in `CREATE TABLE`. */
  readonly columns: readonly string[];
  readonly rows: () => Iterable<readonly Cell[]>;
  /** Of what queries look for. */
  readonly indexed: readonly string[];
}

/** Reads are not among them: those of the API are not recorded. */
export function tablesOf(record: TraceRecord): readonly Table[] {
  return [events(record), edges(record), writes(record), faults(record), gaps(record), objects(record)];
}

function events(record: TraceRecord): Table {
  return {
    name: "events",
    columns: [
      ...["event TEXT PRIMARY KEY", "actor TEXT", "sequence INTEGER", "lamport INTEGER", "time_ms REAL"],
      ...["kind TEXT", "subject TEXT", "peer TEXT", "cause TEXT", "detail TEXT"],
    ],
    rows: function* () {
      for (const event of record.events) {
        const { actor, sequence, lamport, timeMs, kind, subject, peer, cause, detail } = event;
        yield [nameOf(event), actor, sequence, lamport, timeMs, kind, subject, peer, orNull(cause), detail];
      }
    },
    indexed: ["subject", "cause", "kind"],
  };
}

/** `how`: `first`, the event's own cause; `also`, another of several; `inferred`, told by what must have been. */
function edges(record: TraceRecord): Table {
  return {
    name: "edges",
    columns: ["cause TEXT", "effect TEXT", "how TEXT"],
    rows: function* () {
      for (const event of record.events) {
        const effect = nameOf(event);
        const cause = record.causeOf(event);
        if (event.cause !== "") yield [event.cause, effect, "first"];
        if (cause !== undefined && nameOf(cause) !== event.cause) yield [nameOf(cause), effect, "inferred"];
        for (const other of record.othersOf(event)) yield [nameOf(other), effect, "also"];
      }
    },
    indexed: ["cause", "effect"],
  };
}

function writes(record: TraceRecord): Table {
  return {
    name: "writes",
    columns: ["event TEXT", "revision INTEGER", "subject TEXT", "action TEXT", "user TEXT", "time_ms REAL"],
    rows: function* () {
      for (const event of record.writes()) {
        const [action, user] = [fieldOf(event, "action"), fieldOf(event, "user")];
        yield [nameOf(event), revisionOf(event), event.subject, action, orNull(user), event.timeMs];
      }
    },
    indexed: ["revision", "subject"],
  };
}

/** `fault`: its id in the plan. `subject`: whom it struck; null where it struck nobody alone. */
function faults(record: TraceRecord): Table {
  return {
    name: "faults",
    columns: ["event TEXT", "fault TEXT", "kind TEXT", "subject TEXT", "detail TEXT", "time_ms REAL"],
    rows: function* () {
      for (const event of record.ofKind(FAULTS)) {
        const struck = fieldOf(event, "fault");
        const [fault, subject] = struck === "" ? [event.subject, null] : [struck, event.subject];
        yield [nameOf(event), fault, orNull(fieldOf(event, "kind")), subject, event.detail, event.timeMs];
      }
    },
    indexed: [],
  };
}

const FAULTS: ReadonlySet<string> = new Set(["fault", "object.flipped", "request.fault"]);

function gaps(record: TraceRecord): Table {
  return {
    name: "gaps",
    columns: ["actor TEXT", "after INTEGER", "lost INTEGER"],
    rows: () => record.gaps.map(({ actor, after, lost }) => [actor, after, lost]),
    indexed: [],
  };
}

/** `object`: as JSON; null where it was removed. */
function objects(record: TraceRecord): Table {
  return {
    name: "objects",
    columns: ["revision INTEGER", "subject TEXT", "object TEXT"],
    rows: function* () {
      for (const { revision, subject, object } of record.changes) {
        yield [revision, subject, object === undefined ? null : JSON.stringify(object)];
      }
    },
    indexed: ["subject", "revision"],
  };
}

function orNull(text: string): string | null {
  return text === "" ? null : text;
}

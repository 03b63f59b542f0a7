/**
 * Conditions on events in one line: `kind=write and subject~pods/shop and user!=system:*`, `kind=down or kind=crash`.
 * `and` binds closer than `or`. A field is one of the event's own or any of its details; `=` and `!=` take `*` for any letters,
 * `~` and `!~` ask for a part, `<`, `<=`, `>`, `>=` compare numbers. A value with blanks stands in double quotes.
 */
import { InkubeError } from "../../../protocols/errors.ts";
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { nameOf } from "../../../protocols/trace-events.ts";
import { fieldOf } from "./event-fields.ts";

export type Condition = (event: TraceEvent) => boolean;

const TERM = /\s*([A-Za-z][\w.-]*)\s*(!=|!~|<=|>=|=|~|<|>)\s*("[^"]*"|[^\s"]+)\s*/y;
const WORD = /(and|or)\s/iy;

/** Errors: INVALID_WHERE, with the place. */
export function conditionOf(where: string): Condition {
  const any: Condition[][] = [[]];
  for (let at = 0; ;) {
    TERM.lastIndex = at;
    const term = TERM.exec(where);
    if (term === null) throw refused(where, at, "a condition as kind=write, subject~pods/ or revision>100");
    at = TERM.lastIndex;
    const [, field = "", operator = "", value = ""] = term;
    any.at(-1)!.push(termOf(field, operator, value.startsWith('"') ? value.slice(1, -1) : value));
    if (at >= where.length) break;
    WORD.lastIndex = at;
    const word = WORD.exec(where)?.[1]?.toLowerCase();
    if (word === undefined) throw refused(where, at, "and, or, or the end");
    at = WORD.lastIndex;
    if (word === "or") any.push([]);
  }
  return (event) => any.some((all) => all.every((condition) => condition(event)));
}

function refused(where: string, at: number, wanted: string): InkubeError {
  const rest = where.slice(at).trim();
  const found = rest === "" ? "its end" : JSON.stringify(rest);
  return new InkubeError("INVALID_WHERE", `in ${JSON.stringify(where)} ${found} stands where ${wanted} should`);
}

const OWN: Readonly<Record<string, (event: TraceEvent) => string>> = {
  actor: ({ actor }) => actor,
  kind: ({ kind }) => kind,
  subject: ({ subject }) => subject,
  peer: ({ peer }) => peer,
  cause: ({ cause }) => cause,
  detail: ({ detail }) => detail,
  event: nameOf,
  sequence: ({ sequence }) => String(sequence),
  lamport: ({ lamport }) => String(lamport),
  timeMs: ({ timeMs }) => String(timeMs),
  resource: ({ subject }) => subject.split("/")[0]!,
  namespace: ({ subject }) => (subject.split("/").length === 3 ? subject.split("/")[1]! : ""),
};

function termOf(field: string, operator: string, value: string): Condition {
  const read = OWN[field] ?? ((event: TraceEvent) => fieldOf(event, field));
  switch (operator) {
    case "=":
    case "!=": {
      const pattern = new RegExp(`^${value.split("*").map(escaped).join(".*")}$`, "s");
      return (event) => pattern.test(read(event)) === (operator === "=");
    }
    case "~":
    case "!~":
      return (event) => read(event).includes(value) === (operator === "~");
    default: {
      const bound = Number(value);
      if (Number.isNaN(bound)) {
        throw new InkubeError("INVALID_WHERE", `${operator} compares numbers, and ${value} is none`);
      }
      return (event) => {
        const text = read(event);
        return text !== "" && compare(Number(text), operator, bound);
      };
    }
  }
}

function compare(number: number, operator: string, bound: number): boolean {
  if (operator === "<") return number < bound;
  if (operator === "<=") return number <= bound;
  return operator === ">" ? number > bound : number >= bound;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

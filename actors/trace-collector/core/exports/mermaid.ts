/**
 * A record as a sequence diagram of Mermaid: an arrow from whose event caused it to who recorded it, a note for what an actor did
 * of its own accord. Meant for some dozens of events; what is more is told, not drawn.
 * @see https://mermaid.js.org/syntax/sequenceDiagram.html
 */
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import type { TraceRecord } from "../record.ts";

/** Nobody reads more, and Mermaid refuses texts of more than 50,000 characters. */
const EVENTS_MAX = 300;
const TEXT_MAX = 120;

export function* mermaidOf(record: TraceRecord): Iterable<string> {
  const events = record.events.slice(-EVENTS_MAX);
  const actors = new Map<string, string>();
  const lines = events.map((event) => lineOf(record, event, actors));
  yield "sequenceDiagram\n";
  for (const [actor, alias] of actors) yield `  participant ${alias} as ${escaped(actor)}\n`;
  const left = record.events.length - events.length;
  const [first] = actors.values();
  if (left > 0 && first !== undefined) yield `  Note over ${first}: ${left} events before are left out\n`;
  for (const line of lines) yield `  ${line}\n`;
}

function lineOf(record: TraceRecord, event: TraceEvent, actors: Map<string, string>): string {
  const aliasOf = (actor: string): string => {
    const alias = actors.get(actor) ?? `p${actors.size + 1}`;
    actors.set(actor, alias);
    return alias;
  };
  const cause = record.causeOf(event)?.actor ?? (event.peer === "" ? event.actor : event.peer);
  const { kind, subject, detail } = event;
  const text = escaped([kind, subject, detail].filter((part) => part !== "").join(" "));
  const from = aliasOf(cause);
  const to = aliasOf(event.actor);
  return from === to ? `Note over ${to}: ${text}` : `${from}->>${to}: ${text}`;
}

/** Whatever means something to Mermaid as its entity code. */
function escaped(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  const cut = line.length > TEXT_MAX ? `${line.slice(0, TEXT_MAX - 1)}…` : line;
  return cut.replaceAll(/[#;:<>"&%{}[\]()|\\`]/g, (character) => `#${character.codePointAt(0)};`);
}

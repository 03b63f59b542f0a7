/**
 * A record as ShiViz reads it: its parser's expression as the first line, an empty second one (one execution), then two lines an
 * event, the first with its host and vector clock. Clocks are made of what the record knows: each actor's own order, and causes.
 * @see https://bitbucket.org/bestchai/shiviz/wiki, "Log format"
 */
import type { TraceRecord } from "../record.ts";
import { nameOf } from "../record.ts";
import { causesOf } from "./details.ts";

/** With ShiViz's names of groups; of each event, as JavaScript's expressions. */
export const SHIVIZ_EXPRESSION: string = String.raw`(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`;

type VectorClock = ReadonlyMap<string, number>;

export function* shivizOf(record: TraceRecord): Iterable<string> {
  yield `${SHIVIZ_EXPRESSION}\n\n`;
  const clocks = new Map<string, VectorClock>();
  const newest = new Map<string, VectorClock>();
  for (const event of record.events) {
    const { kind, subject, detail } = event;
    const host = event.actor.replaceAll(/\s/g, "_");
    const clock = new Map(newest.get(host));
    for (const cause of causesOf(event)) {
      for (const [other, count] of clocks.get(cause) ?? []) clock.set(other, Math.max(count, clock.get(other) ?? 0));
    }
    clock.set(host, (clock.get(host) ?? 0) + 1);
    clocks.set(nameOf(event), clock);
    newest.set(host, clock);
    const text = [kind, subject, detail].filter((part) => part !== "").join(" ");
    yield `${host} ${JSON.stringify(Object.fromEntries(clock))}\n${oneLine(text)}\n`;
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

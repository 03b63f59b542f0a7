/** A story's events as a diagram: a lane for each client and one for the API servers, time downwards, faults across. */
import type { Fault } from "../../../runtime/faults/plan.ts";
import type { StoryEvent } from "../chaos/story-events.ts";
import { escaped } from "./escaped.ts";

type FaultEvent = Extract<StoryEvent, { readonly kind: "fault" }>;

/** Whoever wants more reads the story's own file. */
const EVENTS_MAX = 400;
const ROW = 30;
const TOP = 40;
const TIME_WIDTH = 80;
const LANE_WIDTH = 420;
const NARROW_LANE_WIDTH = 240;
/** Of bold text, at most. */
const CHARACTER_WIDTH = 7.8;
const HEAD = 6;
const SERVERS = "API servers";

export function sequenceOf(all: readonly StoryEvent[], faults: readonly Fault[]): string {
  if (all.length === 0) return `<p>Nothing is known of it: the run never ended.</p>`;
  const events = all.slice(0, EVENTS_MAX);
  const clients = [...new Set(events.flatMap((event) => (event.kind === "fault" ? [] : [event.by])))];
  const spacing = clients.length > 2 ? NARROW_LANE_WIDTH : LANE_WIDTH;
  const xOf = (lane: number): number => TIME_WIDTH + 60 + lane * spacing;
  const serversX = xOf(clients.length);
  const laneOf = (event: FaultEvent): number | undefined => {
    const lane = clients.indexOf(clientOf(event.fault, faults) ?? "");
    return lane < 0 ? undefined : xOf(lane);
  };
  const ends = events.flatMap((event) =>
    event.kind === "fault" ? [(laneOf(event) ?? TIME_WIDTH) + 24 + textOf(event).length * CHARACTER_WIDTH] : [],
  );
  const width = Math.ceil(Math.max(serversX + 80, ...ends));
  const height = TOP + events.length * ROW + 10;
  const lanes = [...clients, SERVERS].map((name, index) => {
    const x = xOf(index);
    const line = `<line class="lane" x1="${x}" x2="${x}" y1="${TOP - 12}" y2="${height}"/>`;
    return `${line}<text class="name" x="${x}" y="18" text-anchor="middle">${escaped(name)}</text>`;
  });
  const rows = events.map((event, index) => {
    const y = TOP + index * ROW + ROW / 2 + 4;
    const time = `<text class="time" x="0" y="${y}">${(event.atMs / 1_000).toFixed(3)} s</text>`;
    if (event.kind === "fault") {
      return `<g class="fault">${faultRow(event, laneOf(event), y, width)}${time}</g>`;
    }
    const x = xOf(clients.indexOf(event.by));
    if (event.kind === "print") {
      const line = escaped(`prints: ${event.what}`);
      return `<g class="print"><text x="${x + 12}" y="${y}">${line}</text>${time}</g>`;
    }
    return `<g class="${classOf(event)}">${arrowRow(event, x, serversX, y)}${time}</g>`;
  });
  const more = all.length > EVENTS_MAX ? `<p>and ${all.length - EVENTS_MAX} events more, in its story.json</p>` : "";
  const svg = `<svg class="sequence" viewBox="0 0 ${width} ${height}" style="max-width: ${width}px" role="img" aria-label="sequence of events">`;
  return `<div class="wide">${svg}${[...lanes, ...rows].join("\n")}</svg></div>${more}`;
}

function classOf(event: Extract<StoryEvent, { readonly kind: "request" | "delivery" }>): string {
  return event.kind === "request" && event.isStruck ? "request struck" : event.kind;
}

/** From the client to the servers, or back. */
function arrowRow(
  event: Extract<StoryEvent, { readonly kind: "request" | "delivery" }>,
  clientX: number,
  serversX: number,
  y: number,
): string {
  const isRequest = event.kind === "request";
  const label = isRequest ? `${event.what}: ${event.fate}` : event.what;
  const line = `<line x1="${clientX}" x2="${serversX}" y1="${y}" y2="${y}"/>`;
  const [tip, back] = isRequest ? [serversX, serversX - HEAD] : [clientX, clientX + HEAD];
  const head = `<polygon class="head" points="${tip},${y} ${back},${y - 4} ${back},${y + 4}"/>`;
  return `${line}${head}<text x="${clientX + 12}" y="${y - 5}">${escaped(label)}</text>`;
}

function textOf({ fault, what }: FaultEvent): string {
  return `FAULT ${fault} ${what}`;
}

function faultRow(event: FaultEvent, laneX: number | undefined, y: number, width: number): string {
  const band = `<rect x="${TIME_WIDTH - 8}" y="${y - 16}" width="${width - TIME_WIDTH + 8}" height="22"/>`;
  const mark = laneX === undefined ? "" : `<text x="${laneX}" y="${y}" text-anchor="middle">✖</text>`;
  return `${band}${mark}<text x="${(laneX ?? TIME_WIDTH) + 12}" y="${y}">${escaped(textOf(event))}</text>`;
}

function clientOf(id: string, faults: readonly Fault[]): string | undefined {
  const fault = faults.find((each) => each.id === id);
  return fault !== undefined && "by" in fault ? fault.by : undefined;
}

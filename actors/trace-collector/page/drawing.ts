/** How a timeline looks: rows, bars, marks, arrows and the axis, drawn with a canvas's context. */
import type { Phase } from "../core/exports/phases.ts";
import { timeText } from "./dom.ts";
import type { Model, Row } from "./model.ts";
import { LOOKS } from "./model.ts";
import { AXIS_HEIGHT, firstFrom, GUTTER, ROW_HEIGHT } from "./timeline.ts";
import type { Viewport } from "./viewport.ts";

export interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly colour: (name: string) => string;
  readonly width: number;
  readonly height: number;
  /** Of a time since the beginning, in microseconds. */
  readonly xOf: (us: number) => number;
}

export interface RowState {
  readonly top: number;
  readonly isOpen: boolean;
  readonly hasChildren: boolean;
  /** Events of the row that are pointed at or chosen. */
  readonly ringed: readonly number[];
  readonly found: ReadonlySet<number> | undefined;
  readonly showsMessages: boolean;
  readonly viewport: Viewport;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const FONT = "12px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";
const BAR_HEIGHT = 14;
/** Steps of an axis: 1, 2 and 5 times powers of ten. */
const LABEL_WIDTH = 90;

export function drawRow(pen: Pen, model: Model, row: Row, state: RowState): void {
  const { context, colour, width } = pen;
  const { top } = state;
  context.fillStyle = colour(row.isGroup ? "group" : "row");
  context.fillRect(0, top, width, ROW_HEIGHT - 1);
  context.save();
  context.beginPath();
  context.rect(GUTTER, Math.max(top, AXIS_HEIGHT), width - GUTTER, ROW_HEIGHT);
  context.clip();
  for (const phase of row.phases) drawPhase(pen, model, phase, top);
  if (!row.isGroup || !state.isOpen) drawMarks(pen, model, row, state);
  context.restore();
  drawLabel(pen, row, state);
}

function drawLabel({ context, colour }: Pen, row: Row, { top, isOpen, hasChildren }: RowState): void {
  const x = 10 + row.depth * 14;
  context.save();
  context.beginPath();
  context.rect(0, AXIS_HEIGHT, GUTTER - 6, 1e6);
  context.clip();
  context.textBaseline = "middle";
  context.fillStyle = colour("faint");
  context.font = SMALL;
  if (hasChildren) context.fillText(isOpen ? "▾" : "▸", x - 2, top + ROW_HEIGHT / 2);
  context.fillStyle = colour(row.isGroup ? "soft" : "text");
  context.font = row.isGroup ? `600 ${FONT}` : FONT;
  context.fillText(fitting(context, row.label, GUTTER - 24 - x), x + 12, top + ROW_HEIGHT / 2);
  context.restore();
}

/** The end of a name tells it from others. */
function fitting(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let cut = text.slice(1);
  while (cut !== "" && context.measureText(`…${cut}`).width > width) cut = cut.slice(1);
  return `…${cut}`;
}

function drawPhase(
  { context, colour, xOf, width }: Pen,
  model: Model,
  { name, tone, from, until }: Phase,
  top: number,
): void {
  const left = Math.max(xOf(from - model.beginsAt), GUTTER - 4);
  const right = Math.min(xOf((until ?? model.endsAt) - model.beginsAt), width + 4);
  if (right < GUTTER || left > width) return;
  const wide = Math.max(right - left, 1);
  context.fillStyle = colour(`tone-${tone}`);
  context.beginPath();
  context.roundRect(left, top + (ROW_HEIGHT - BAR_HEIGHT) / 2, wide, BAR_HEIGHT, Math.min(3, wide / 2));
  context.fill();
  if (wide < 36) return;
  context.save();
  context.beginPath();
  context.rect(left, top, wide - 3, ROW_HEIGHT);
  context.clip();
  context.fillStyle = colour("on-tone");
  context.font = SMALL;
  context.textBaseline = "middle";
  context.fillText(name, left + 6, top + ROW_HEIGHT / 2);
  context.restore();
}

/** One mark a pixel: the uppermost of those that fall on it. What looks alike is drawn in one go. */
function drawMarks(pen: Pen, model: Model, row: Row, state: RowState): void {
  const { viewport, showsMessages, found, ringed } = state;
  const { events } = row;
  const { at, looks } = model;
  const margin = viewport.span * 0.01;
  const latest = viewport.to + margin;
  const [left, scale] = [pen.xOf(0), pen.xOf(1) - pen.xOf(0)];
  const weak: number[][] = LOOKS.map(() => []);
  const strong: number[][] = LOOKS.map(() => []);
  let pixel = -1;
  let look = -1;
  let isFound = found === undefined;
  const flush = (): void => {
    if (look >= 0) (isFound ? strong : weak)[look]!.push(pixel);
    look = -1;
    isFound = found === undefined;
  };
  for (let place = firstFrom(events, (index) => at[index]! >= viewport.from - margin); place < events.length; place++) {
    const index = events[place]!;
    const us = at[index]!;
    if (us > latest) break;
    const own = looks[index]!;
    if (own === 0 && !showsMessages) continue;
    const x = Math.round(left + us * scale);
    if (x !== pixel) flush();
    pixel = x;
    if (own > look) look = own;
    if (found?.has(index) === true) isFound = true;
  }
  flush();
  for (const [index] of LOOKS.entries()) {
    drawAlike(pen, weak[index]!, state.top, index, WEAK);
    drawAlike(pen, strong[index]!, state.top, index, 1);
  }
  for (const index of ringed) drawRing(pen, pen.xOf(at[index]!), state.top);
}

/** What a search did not find. */
const WEAK = 0.15;

function drawAlike(
  { context, colour }: Pen,
  places: readonly number[],
  top: number,
  look: number,
  alpha: number,
): void {
  if (places.length === 0) return;
  const middle = top + ROW_HEIGHT / 2;
  context.globalAlpha = alpha;
  context.fillStyle = colour(`mark-${LOOKS[look]!}`);
  context.beginPath();
  for (const x of places) {
    switch (LOOKS[look]!) {
      case "message":
        context.rect(x, middle - 4, 1, 8);
        break;
      case "other":
        context.rect(x - 1, middle - 6, 2, 12);
        break;
      case "write":
        context.rect(x - 1, top + 2, 2, ROW_HEIGHT - 5);
        break;
      case "trouble":
        context.moveTo(x + 4, middle);
        context.arc(x, middle, 4, 0, 2 * Math.PI);
        break;
      case "fault":
        context.moveTo(x, middle - 7);
        context.lineTo(x + 6, middle);
        context.lineTo(x, middle + 7);
        context.lineTo(x - 6, middle);
        break;
    }
  }
  context.fill();
  context.globalAlpha = 1;
}

function drawRing({ context, colour }: Pen, x: number, top: number): void {
  context.strokeStyle = colour("accent");
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, top + ROW_HEIGHT / 2, 8, 0, 2 * Math.PI);
  context.stroke();
}

/** From each cause to what came of it; what else it came of is dashed. */
export function drawArrows(
  pen: Pen,
  chain: readonly Point[],
  also: readonly (readonly [Point | undefined, Point | undefined])[],
): void {
  const { context, colour, width, height } = pen;
  context.save();
  context.beginPath();
  context.rect(GUTTER, AXIS_HEIGHT, width - GUTTER, height - AXIS_HEIGHT);
  context.clip();
  context.strokeStyle = context.fillStyle = colour("accent");
  for (let at = 1; at < chain.length; at++) arrow(pen, chain[at]!, chain[at - 1]!);
  context.setLineDash([4, 4]);
  context.globalAlpha = 0.7;
  for (const [from, to] of also) if (from !== undefined && to !== undefined) arrow(pen, from, to);
  context.restore();
}

function arrow({ context }: Pen, from: Point, to: Point): void {
  const bend = Math.max(14, Math.min(60, Math.abs(to.x - from.x) / 2));
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.bezierCurveTo(from.x + bend, from.y, to.x - bend, to.y, to.x - 3, to.y);
  context.stroke();
  context.beginPath();
  context.arc(from.x, from.y, 2.5, 0, 2 * Math.PI);
  context.moveTo(to.x, to.y);
  context.lineTo(to.x - 7, to.y - 4);
  context.lineTo(to.x - 7, to.y + 4);
  context.fill();
}

/** @param faults when something went wrong on purpose: lines across all rows */
export function drawAxis(
  { context, colour, width, height, xOf }: Pen,
  viewport: Viewport,
  faults: readonly number[],
): void {
  context.fillStyle = colour("mark-fault");
  context.globalAlpha = 0.35;
  let before = -1;
  for (const us of faults) {
    const x = Math.round(xOf(us));
    if (x > GUTTER && x !== before) context.fillRect(x, AXIS_HEIGHT, 1, height);
    before = x;
  }
  context.globalAlpha = 1;
  context.fillStyle = colour("page");
  context.fillRect(0, 0, width, AXIS_HEIGHT - 1);
  const step = stepOf((viewport.span / (width - GUTTER)) * LABEL_WIDTH);
  context.font = SMALL;
  context.textBaseline = "middle";
  for (let at = Math.ceil(viewport.from / step) * step; at <= viewport.to; at += step) {
    const x = xOf(at);
    if (x < GUTTER) continue;
    context.fillStyle = colour("faint");
    context.fillText(timeText(at, step * 20), x + 4, AXIS_HEIGHT / 2);
    context.fillRect(x, 6, 1, AXIS_HEIGHT - 7);
    context.globalAlpha = 0.12;
    context.fillRect(x, AXIS_HEIGHT, 1, height);
    context.globalAlpha = 1;
  }
  context.fillStyle = colour("line");
  context.fillRect(0, AXIS_HEIGHT - 1, width, 1);
  context.fillRect(GUTTER - 1, 0, 1, height);
}

export function drawMoment({ context, colour, height }: Pen, x: number): void {
  if (x < GUTTER) return;
  context.fillStyle = colour("accent");
  context.fillRect(x - 0.5, 0, 1.5, height);
  context.beginPath();
  context.moveTo(x - 6, 0);
  context.lineTo(x + 6, 0);
  context.lineTo(x, 9);
  context.fill();
}

function stepOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? 10 * power;
}

/**
 * One record as a timeline on a canvas: a row for each object or actor, bars for what they went through, marks for events, and the
 * arrows of what an event came of. It draws when something has changed, at most once a frame; 100,000 events take some milliseconds.
 */
import { el } from "./dom.ts";
import { drawArrows, drawAxis, drawMoment, drawRow } from "./drawing.ts";
import type { Model, Row, View, ViewName } from "./model.ts";
import { LOOKS } from "./model.ts";
import type { Viewport } from "./viewport.ts";

export const GUTTER = 250;
export const AXIS_HEIGHT = 26;
export const ROW_HEIGHT = 22;
/** How near the pointer must come to an event, in pixels. */
const REACH = 6;

export interface TimelineEvents {
  readonly onHover: (timeline: Timeline, index: number, x: number, y: number) => void;
  readonly onChoose: (timeline: Timeline, index: number) => void;
  readonly onMoment: (timeline: Timeline, us: number) => void;
}

export class Timeline {
  readonly canvas: HTMLCanvasElement = el("canvas", { tabindex: "0", role: "application", "aria-label": "timeline" });
  readonly model: Model;
  readonly viewport: Viewport;
  hovered = -1;
  chosen = -1;
  /** Since the beginning, in microseconds; undefined: the end. */
  moment: number | undefined;
  /** Those that a search found; undefined: there is none. */
  found: ReadonlySet<number> | undefined;
  showsMessages = true;
  private readonly told: TimelineEvents;
  private viewName: ViewName = "objects";
  private readonly toggled = new Set<string>();
  /** Rows that are shown, by their places. */
  private shown: readonly number[] = [];
  private scrollTop = 0;
  private isAsked = false;
  private readonly faults: readonly number[];
  private colour: (name: string) => string;

  constructor(model: Model, viewport: Viewport, colour: (name: string) => string, told: TimelineEvents) {
    this.model = model;
    this.viewport = viewport;
    this.colour = colour;
    this.told = told;
    const fault = LOOKS.indexOf("fault");
    this.faults = model.events.flatMap((_, index) => (model.looks[index] === fault ? [index] : []));
    this.layOut();
    viewport.onChange(() => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
    this.listen();
  }

  get view(): View {
    return this.model.view(this.viewName);
  }

  get name(): ViewName {
    return this.viewName;
  }

  show(name: ViewName): void {
    this.viewName = name;
    this.scrollTop = 0;
    this.layOut();
    this.reveal(this.chosen);
  }

  recolour(colour: (name: string) => string): void {
    this.colour = colour;
    this.redraw();
  }

  redraw(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.draw();
    });
  }

  /** Since the beginning, in microseconds. */
  at(index: number): number {
    return this.model.at[index]!;
  }

  /** Opens what it stands in, and moves there. */
  reveal(index: number): void {
    const { rows, rowOf } = this.view;
    const own = index < 0 ? -1 : rowOf[index]!;
    if (own >= 0) {
      for (let at = rows[own]!.parent; at >= 0; at = rows[at]!.parent) if (!this.isOpen(rows[at]!)) this.toggle(at);
      const top = this.shown.indexOf(own) * ROW_HEIGHT;
      const height = this.canvas.clientHeight - AXIS_HEIGHT;
      if (top < this.scrollTop) this.scrollTop = top;
      else if (top + ROW_HEIGHT > this.scrollTop + height) this.scrollTop = top + ROW_HEIGHT - height;
    }
    if (index >= 0) this.viewport.reveal(this.at(index));
    this.redraw();
  }

  /** Where an event is drawn, for who wants to point at it; undefined: it is not. */
  positionOf(index: number): { readonly x: number; readonly y: number } | undefined {
    const y = this.yOf(this.view.rowOf[index]!);
    return y === undefined ? undefined : { x: this.xOf(this.at(index)), y };
  }

  /** The event after or before the chosen one in its row. */
  neighbour(step: 1 | -1): number {
    const { rows, rowOf } = this.view;
    const row = rows[rowOf[this.chosen] ?? -1];
    if (row === undefined) return -1;
    const at = row.events.indexOf(this.chosen);
    return row.events[at + step] ?? this.chosen;
  }

  scroll(rows: number): void {
    const most = Math.max(0, this.shown.length * ROW_HEIGHT - (this.canvas.clientHeight - AXIS_HEIGHT));
    this.scrollTop = Math.min(Math.max(0, this.scrollTop + rows * ROW_HEIGHT), most);
    this.redraw();
  }

  private isOpen({ key, isOpen }: Row): boolean {
    return isOpen !== this.toggled.has(`${this.viewName} ${key}`);
  }

  private toggle(index: number): void {
    const key = `${this.viewName} ${this.view.rows[index]!.key}`;
    if (!this.toggled.delete(key)) this.toggled.add(key);
    this.layOut();
  }

  private layOut(): void {
    const { rows } = this.view;
    const isShown: boolean[] = [];
    for (const [index, { parent }] of rows.entries()) {
      isShown[index] = parent < 0 || (isShown[parent] === true && this.isOpen(rows[parent]!));
    }
    this.shown = rows.flatMap((_, index) => (isShown[index] === true ? [index] : []));
    this.scroll(0);
  }

  private xOf(us: number): number {
    const width = this.canvas.clientWidth - GUTTER;
    return GUTTER + ((us - this.viewport.from) / this.viewport.span) * width;
  }

  private usOf(x: number): number {
    const width = this.canvas.clientWidth - GUTTER;
    return this.viewport.from + ((x - GUTTER) / width) * this.viewport.span;
  }

  /** The middle of a row, or of the nearest shown one that it stands in. */
  private yOf(row: number): number | undefined {
    let at = row;
    while (at >= 0 && !this.shown.includes(at)) at = this.view.rows[at]!.parent;
    return at < 0 ? undefined : AXIS_HEIGHT + (this.shown.indexOf(at) + 0.5) * ROW_HEIGHT - this.scrollTop;
  }

  private draw(): void {
    const { canvas, model, view } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    if (context === null || width <= GUTTER) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const pen = { context, colour: this.colour, width, height, xOf: (us: number) => this.xOf(us) };
    const first = Math.floor(this.scrollTop / ROW_HEIGHT);
    const last = Math.min(this.shown.length, Math.ceil((this.scrollTop + height) / ROW_HEIGHT));
    for (let line = first; line < last; line++) {
      const index = this.shown[line]!;
      const row = view.rows[index]!;
      const isOpen = this.isOpen(row);
      const top = AXIS_HEIGHT + line * ROW_HEIGHT - this.scrollTop;
      const ringed = [this.hovered, this.chosen].filter((event) => event >= 0 && view.rowOf[event] === index);
      const { found, showsMessages, viewport } = this;
      const hasChildren = view.hasChildren[index]!;
      drawRow(pen, model, row, { top, isOpen, hasChildren, ringed, found, showsMessages, viewport });
    }
    drawAxis(
      pen,
      this.viewport,
      this.faults.map((index) => this.at(index)),
    );
    if (this.moment !== undefined) drawMoment(pen, this.xOf(this.moment));
    this.tellPlace();
    for (const index of new Set([this.chosen, this.hovered])) {
      if (index < 0) continue;
      const { chain, also } = model.chainOf(index);
      drawArrows(
        pen,
        chain.flatMap((each) => this.positionOf(each) ?? []),
        also.map(([from, to]) => [this.positionOf(from), this.positionOf(to)] as const),
      );
    }
  }

  /** Where the chosen event is drawn, for who can't see a canvas. */
  private tellPlace(): void {
    const place = this.chosen < 0 ? undefined : this.positionOf(this.chosen);
    if (place === undefined) delete this.canvas.dataset["chosen"];
    else this.canvas.dataset["chosen"] = `${Math.round(place.x)} ${Math.round(place.y)}`;
  }

  private listen(): void {
    const { canvas, viewport } = this;
    let dragged: { x: number; y: number; isMoved: boolean } | undefined;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const { offsetX, deltaX, deltaY } = event;
        if (event.ctrlKey || event.metaKey || event.altKey) viewport.zoom(Math.exp(deltaY * 0.002), this.usOf(offsetX));
        else if (event.shiftKey || Math.abs(deltaX) > Math.abs(deltaY)) {
          viewport.pan(((deltaX === 0 ? deltaY : deltaX) / (canvas.clientWidth - GUTTER)) * viewport.span);
        } else this.scroll(deltaY / ROW_HEIGHT);
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", ({ offsetX, offsetY, pointerId }) => {
      dragged = { x: offsetX, y: offsetY, isMoved: false };
      canvas.setPointerCapture(pointerId);
    });
    canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
      if (dragged === undefined) {
        this.hover(offsetX, offsetY);
        return;
      }
      const [dx, dy] = [offsetX - dragged.x, offsetY - dragged.y];
      if (!dragged.isMoved && Math.abs(dx) + Math.abs(dy) < 4) return;
      dragged = { x: offsetX, y: offsetY, isMoved: true };
      viewport.pan((-dx / (canvas.clientWidth - GUTTER)) * viewport.span);
      this.scroll(-dy / ROW_HEIGHT);
    });
    canvas.addEventListener("pointerup", ({ offsetX, offsetY }) => {
      if (dragged?.isMoved === false) this.click(offsetX, offsetY);
      dragged = undefined;
    });
    canvas.addEventListener("pointercancel", () => (dragged = undefined));
    canvas.addEventListener("pointerleave", () => this.hover(-1, -1));
  }

  private rowAt(y: number): number {
    return y < AXIS_HEIGHT ? -1 : (this.shown[Math.floor((y - AXIS_HEIGHT + this.scrollTop) / ROW_HEIGHT)] ?? -1);
  }

  private hover(x: number, y: number): void {
    const index = this.eventAt(x, y);
    if (index !== this.hovered) {
      this.hovered = index;
      this.canvas.classList.toggle("over", index >= 0);
      this.redraw();
    }
    this.told.onHover(this, index, x, y);
  }

  private click(x: number, y: number): void {
    const row = this.rowAt(y);
    if (x < GUTTER && row >= 0 && this.view.hasChildren[row] === true) {
      this.toggle(row);
      return;
    }
    const index = this.eventAt(x, y);
    if (index >= 0) this.told.onChoose(this, index);
    else if (x >= GUTTER) this.told.onMoment(this, this.usOf(x));
  }

  /** The one that lies uppermost within reach; -1: none. */
  private eventAt(x: number, y: number): number {
    const row = this.view.rows[this.rowAt(y)];
    if (row === undefined || x < GUTTER || (row.isGroup && this.isOpen(row))) return -1;
    const { model, viewport } = this;
    const reachUs = (REACH / (this.canvas.clientWidth - GUTTER)) * viewport.span;
    const us = this.usOf(x);
    let best = -1;
    let bestScore = -Infinity;
    for (let at = firstFrom(row.events, (each) => this.at(each) >= us - reachUs); at < row.events.length; at++) {
      const index = row.events[at]!;
      const away = Math.abs(this.at(index) - us) / reachUs;
      if (this.at(index) > us + reachUs) break;
      if (!this.showsMessages && model.looks[index] === 0) continue;
      const score = model.looks[index]! - away;
      if (score > bestScore) [best, bestScore] = [index, score];
    }
    return best;
  }
}

/** The first place from which on `isReached` holds. */
export function firstFrom(events: Int32Array, isReached: (index: number) => boolean): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(events[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

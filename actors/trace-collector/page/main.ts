/** The page of a trace: puts together timeline, panel, scrubber, search and keys. */
import type { TraceEvent } from "../../../protocols/trace-collector.ts";
import { phraseOf } from "../core/phrases.ts";
import { divergenceOf } from "../core/divergence.ts";
import type { TraceRecord } from "../core/record.ts";

import { button, colours, el, timeText } from "./dom.ts";
import { onKeys } from "./keys.ts";
import { ownRecord, recordOfFile } from "./load.ts";
import { Model } from "./model.ts";
import type { ViewName } from "./model.ts";
import { divergencePanel, eventPanel, statePanel } from "./panel.ts";
import { Timeline } from "./timeline.ts";
import { Viewport } from "./viewport.ts";

/** Of the scrubber: finer than a screen has pixels. */
const STEPS = 10_000;

class Page {
  private readonly model: Model;
  private readonly viewport: Viewport;
  private readonly timelines: Timeline[] = [];
  private readonly stage = el("div", { id: "stage" });
  private readonly panel = el("aside", { id: "panel", "aria-live": "polite" });
  private readonly tip = el("div", { id: "tip", role: "tooltip", hidden: "" });
  private readonly scrubber = el("input", {
    id: "scrubber",
    type: "range",
    min: "0",
    max: String(STEPS),
    value: String(STEPS),
    "aria-label": "moment",
  });
  private readonly moment = el("output", { id: "moment" });
  private readonly search = el("input", {
    id: "search",
    type: "search",
    placeholder: "search (/)",
    "aria-label": "search",
  });
  private readonly count = el("output", { id: "count" });
  private readonly status = el("p", { id: "status", role: "status" });
  private openedObject: string | undefined;
  private matches: readonly number[] = [];

  constructor(record: TraceRecord) {
    this.model = new Model(record);
    this.viewport = new Viewport(this.model.endsAt - this.model.beginsAt);
  }

  show(): void {
    document.body.append(this.header(), el("main", {}, this.stage, this.panel), this.footer(), this.tip);
    this.addTimeline(this.model);
    this.welcome();
    this.takeFiles();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    onKeys({
      zoom: (factor) => this.viewport.zoom(factor, this.viewport.from + this.viewport.span / 2),
      pan: (share) => this.viewport.pan(this.viewport.span * share),
      scroll: (rows) => this.main.scroll(rows),
      whole: () => this.viewport.reset(),
      step: (by) => this.choose(this.main, this.main.neighbour(by)),
      write: (by) => this.stepWrite(by),
      find: (by) => this.find(by),
      search: () => this.search.select(),
      view: (name) => this.turnTo(name),
      nothing: () => this.choose(this.main, -1),
    });
  }

  private get main(): Timeline {
    return this.timelines[0]!;
  }

  private header(): HTMLElement {
    const { events, record } = this.model;
    const actors = new Set(events.map(({ actor }) => actor)).size;
    const lost = record.gaps.reduce((sum, gap) => sum + gap.lost, 0);
    const span = timeText(this.model.endsAt - this.model.beginsAt, 1_000_000);
    const facts = `${events.length.toLocaleString("en")} events of ${actors} actors in ${span}${lost === 0 ? "" : `, ${lost.toLocaleString("en")} lost`}`;
    const views = (["objects", "actors"] as const).map((name) =>
      button({ id: `view-${name}`, "aria-pressed": String(name === "objects") }, name, () => this.turnTo(name)),
    );
    const messages = el("input", { type: "checkbox", id: "messages", checked: "" });
    messages.addEventListener("change", () => {
      for (const timeline of this.timelines) {
        timeline.showsMessages = messages.checked;
        timeline.redraw();
      }
    });
    const file = el("input", { type: "file", id: "file", hidden: "" });
    file.addEventListener("change", () => void this.compareWith(file.files?.[0]));
    this.search.addEventListener("input", () => this.lookFor(this.search.value));
    return el(
      "header",
      {},
      el("h1", {}, document.title),
      el("p", { id: "facts" }, facts),
      el("div", { class: "switch", role: "group", "aria-label": "rows" }, ...views),
      el("label", {}, messages, "messages"),
      this.search,
      this.count,
      file,
      button({ id: "compare" }, "compare…", () => file.click()),
      button({ id: "theme", "aria-label": "theme" }, "◐", () => this.changeTheme()),
    );
  }

  private footer(): HTMLElement {
    this.scrubber.addEventListener("input", () => {
      this.setMoment((Number(this.scrubber.value) / STEPS) * (this.model.endsAt - this.model.beginsAt));
    });
    const keys = el(
      "small",
      {},
      "wheel scrolls · ctrl+wheel, w s zoom · drag, a d move · ← → events · [ ] writes · 0 all · esc",
    );
    return el("footer", {}, this.scrubber, this.moment, this.status, keys);
  }

  private addTimeline(model: Model): Timeline {
    const timeline = new Timeline(model, this.viewport, colours(), {
      onHover: (of, index, x, y) => this.hover(of, index, x, y),
      onChoose: (of, index) => this.choose(of, index),
      onMoment: (_, us) => this.setMoment(Math.max(0, us)),
    });
    this.timelines.push(timeline);
    this.stage.append(timeline.canvas);
    return timeline;
  }

  private welcome(): void {
    const faults = this.model.events.filter((_, index) => this.model.looks[index] === 4);
    const list = faults.slice(0, 12).map((event) => {
      const link = button(
        {},
        `${timeText(event.lamport - this.model.beginsAt, 0)} ${phraseOf(this.model.record, event)}`,
        () => this.choose(this.main, this.model.placeOf(event)),
      );
      return el("li", {}, link);
    });
    const kinds = (["write", "other", "trouble", "fault", "message"] as const).map((look) =>
      el("li", {}, el("span", { class: `look ${look}` }), look),
    );
    this.panel.replaceChildren(
      el(
        "section",
        { class: "welcome" },
        el("h2", {}, "What happened here"),
        el(
          "p",
          {},
          "Each row is an object, or an actor. Point at a mark to see what it came of; click it for the reasons and for what it changed; click elsewhere, or move the scrubber, for the state at that moment. Drop another record on the page to see where the two part.",
        ),
        el("ul", { class: "legend" }, ...kinds),
        ...(list.length === 0
          ? []
          : [el("h3", {}, "What went wrong on purpose"), el("ol", { class: "faults" }, ...list)]),
      ),
    );
  }

  private turnTo(name: ViewName): void {
    for (const timeline of this.timelines) timeline.show(name);
    for (const each of ["objects", "actors"])
      document.getElementById(`view-${each}`)?.setAttribute("aria-pressed", String(each === name));
  }

  private hover(timeline: Timeline, index: number, x: number, y: number): void {
    this.tip.hidden = index < 0;
    if (index < 0) return;
    const event = timeline.model.events[index]!;
    const { left, top } = timeline.canvas.getBoundingClientRect();
    this.tip.replaceChildren(
      el("b", {}, event.kind),
      ` ${event.subject}`,
      el(
        "small",
        {},
        `${timeText(event.lamport - timeline.model.beginsAt, 0)} · ${event.actor}${event.detail === "" ? "" : ` · ${event.detail}`}`,
      ),
    );
    this.tip.style.left = `${Math.min(left + x + 14, innerWidth - this.tip.offsetWidth - 8)}px`;
    this.tip.style.top = `${Math.min(top + y + 16, innerHeight - this.tip.offsetHeight - 8)}px`;
  }

  /** -1: none. */
  private choose(timeline: Timeline, index: number): void {
    for (const each of this.timelines) each.chosen = each === timeline ? index : -1;
    if (index < 0) this.welcome();
    else {
      const { model } = timeline;
      this.panel.replaceChildren(
        eventPanel(model, model.events[index]!, (event) => this.choose(timeline, model.placeOf(event))),
      );
      this.panel.scrollTop = 0;
    }
    for (const each of this.timelines) each.reveal(each.chosen);
  }

  /** Since the beginning, in microseconds. */
  private setMoment(us: number): void {
    const whole = this.model.endsAt - this.model.beginsAt;
    const at = Math.min(us, whole);
    for (const timeline of this.timelines) {
      timeline.moment = at;
      timeline.redraw();
    }
    this.scrubber.value = String(Math.round((at / whole) * STEPS));
    this.moment.value = `${timeText(at, 0)} · revision ${this.model.times.at(this.model.beginsAt + at)}`;
    this.viewport.reveal(at);
    this.panel.replaceChildren(
      statePanel(this.model, at, this.openedObject, (subject) => {
        this.openedObject = this.openedObject === subject ? undefined : subject;
        this.setMoment(at);
      }),
    );
  }

  private stepWrite(by: 1 | -1): void {
    const whole = this.model.endsAt - this.model.beginsAt;
    const now = this.main.moment ?? (by > 0 ? -1 : whole);
    const isWrite = ({ kind, lamport }: TraceEvent): boolean =>
      kind === "write" && (by > 0 ? lamport - this.model.beginsAt > now : lamport - this.model.beginsAt < now);
    const found = by > 0 ? this.model.events.find(isWrite) : this.model.events.findLast(isWrite);
    if (found !== undefined) this.setMoment(found.lamport - this.model.beginsAt);
  }

  private lookFor(text: string): void {
    const wanted = text.trim().toLowerCase();
    const { events } = this.model;
    const isWanted = ({ kind, subject, actor, detail }: TraceEvent): boolean =>
      `${kind} ${subject} ${actor} ${detail}`.toLowerCase().includes(wanted);
    this.matches = wanted === "" ? [] : events.flatMap((event, index) => (isWanted(event) ? [index] : []));
    this.count.value = wanted === "" ? "" : `${this.matches.length.toLocaleString("en")} found`;
    this.main.found = wanted === "" ? undefined : new Set(this.matches);
    this.main.redraw();
  }

  private find(by: 1 | -1): void {
    const { chosen } = this.main;
    const next =
      by > 0 ? this.matches.find((index) => index > chosen) : this.matches.findLast((index) => index < chosen);
    const found = next ?? (by > 0 ? this.matches[0] : this.matches.at(-1));
    if (found !== undefined) this.choose(this.main, found);
  }

  private takeFiles(): void {
    addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    addEventListener("dragleave", () => document.body.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      void this.compareWith(event.dataTransfer?.files[0]);
    });
  }

  private async compareWith(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    try {
      const other = new Model(await recordOfFile(file));
      this.timelines.splice(1).forEach(({ canvas }) => canvas.remove());
      const timeline = this.addTimeline(other);
      timeline.show(this.main.name);
      const found = divergenceOf(this.model.record, other.record);
      const show = (model: Model, event: TraceEvent): void =>
        this.choose(model === other ? timeline : this.main, model.placeOf(event));
      const placeIn = (model: Model, side: "left" | "right"): number => {
        const name = found.causes.find((cause) => cause.side === side)?.event ?? found.first[side]?.event ?? "";
        const event = model.record.named(name);
        return event === undefined ? -1 : model.placeOf(event);
      };
      this.main.chosen = placeIn(this.model, "left");
      timeline.chosen = placeIn(other, "right");
      for (const each of this.timelines) each.reveal(each.chosen);
      this.panel.replaceChildren(divergencePanel({ left: this.model, right: other }, found, show));
      this.status.textContent = "";
    } catch (error) {
      this.status.textContent = `${file.name} can't be shown: ${(error as Error).message}`;
    }
  }

  private changeTheme(): void {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset["theme"] ?? (isDark ? "dark" : "light");
    document.documentElement.dataset["theme"] = now === "dark" ? "light" : "dark";
    this.recolour();
  }

  private recolour(): void {
    for (const timeline of this.timelines) timeline.recolour(colours());
  }
}

ownRecord().then(
  (record) => {
    if (record.events.length === 0) document.body.append(el("p", { id: "failed" }, "This record is empty."));
    else new Page(record).show();
    document.body.dataset["ready"] = "true";
  },
  (error: Error) => {
    document.body.append(el("p", { id: "failed" }, `This record can't be shown: ${error.message}`));
  },
);

/**
 * Priority and fairness (KEP-1040): what is asked at the HTTP doors begins at once where there is room, else it waits in its level's fair
 * queues, or is refused.
 *
 * One thread carries everything out, so a request waits for two things. For a seat, as in kube-apiserver: there are so many requests under
 * way that wait for etcd, for webhooks or for their clients. And for its turn of the event loop: a turn takes on work for some
 * milliseconds; what comes beyond that waits for a later one, while other connections are read. Whose turn it is goes by the same queues:
 * first the level that has had least for its shares, in it the flow that has had least. Requests of an exempt level wait for
 * their turn alone. What is refused is told so in a turn, too: until then its client can't send more on that stream.
 */
import type { FlowSchema, PriorityLevelConfiguration } from "../../protocols/kubernetes/types/flowcontrol-v1.ts";
import type { Backend } from "./backend.ts";
import { FlowMetrics } from "./flow-metrics.ts";
import type { FlowSeries } from "./flow-metrics.ts";
import { FLOW_SCHEMAS, PRIORITY_LEVELS } from "./core/bootstrap/flow-control.ts";
import { MANDATORY_FLOW } from "./core/bootstrap/initial-objects.ts";
import type { FlowOrigin } from "./core/flow/classification.ts";
import { Classification, distinguisher } from "./core/flow/classification.ts";
import type { Level, Refusal, Ticket } from "./core/flow/levels.ts";
import { Levels, widthOfList } from "./core/flow/levels.ts";
import type { UserInfo } from "./core/identity.ts";
import { NOBODY } from "./core/identity.ts";
import type { RequestInfo } from "./core/rest/request-info.ts";

export const FLOW_SCHEMAS_PREFIX = "/registry/flowschemas";
export const PRIORITY_LEVELS_PREFIX = "/registry/prioritylevelconfigurations";

/** What one turn of the event loop takes on. */
const TURN_MS = 8;
/** What it does besides where both wait: tell others that they are refused. */
const REFUSALS_MS = 3;
/** What requests are reckoned at before they have run: one of the cheap ones, and each object of a list. Measured. */
const REQUEST_MS = 0.1;
const OBJECT_MS = 0.004;
const REFUSAL_MS = 0.05;
/** Who is refused and waits to be told; others are told at once then, whatever the turn has taken. */
export const REFUSED_MAX = 10_000;
/** A request may wait for this part of its time. Source: apiserver `server/filters/priority-and-fairness.go`. */
const WAIT_PART = 4;
const MS_PER_SECOND = 1_000;

/** The turns of the event loop. */
export interface Turns {
  /** Runs `action` in the next turn, once what has come in meanwhile has been read. */
  next(action: () => void): void;
  /** Runs `action` in this turn, once nothing is left to be done of what has been begun. */
  afterAll(action: () => void): void;
}

/** A request at the gate. */
export interface Entrant {
  info(): RequestInfo;
  /** How many objects may have to be gone through: a list, or a watch that begins with them; 0 of anything else. */
  objects(): number;
  isWatch(): boolean;
  /** By what it was let in or refused: UIDs, "" as long as these are not stored. */
  classified(schemaUid: string, levelUid: string): void;
  onGone(listener: () => void): void;
}

/** Is thrown for who is refused. */
export class TooManyRequests extends Error {}

/** To be called when it is over. */
export type Leave = () => void;

type FlowBackend = Pick<Backend, "options" | "store" | "after" | "monotonicMs" | "metrics">;

export class FlowControl {
  private readonly backend: FlowBackend;
  private readonly metrics: FlowMetrics;
  private readonly turns: Turns;
  private readonly levels: Levels;
  private classification = new Classification([]);
  private isStale = true;
  /** Of this turn. */
  private spentMs = 0;
  private hasTurn = false;
  private readonly refused: (() => void)[] = [];

  constructor(backend: FlowBackend, turns: Turns) {
    this.backend = backend;
    this.turns = turns;
    this.levels = new Levels(backend.options.requestsMax);
    this.metrics = new FlowMetrics(backend.metrics, this.levels);
    const stale = (): void => {
      this.isStale = true;
      this.mayProceed();
    };
    for (const prefix of [FLOW_SCHEMAS_PREFIX, PRIORITY_LEVELS_PREFIX])
      backend.store.follow(prefix, { loaded: stale, changed: stale });
  }

  /**
   * A promise where it has to wait.
   * @throws TooManyRequests
   */
  enter(user: UserInfo = NOBODY, entrant: Entrant): Leave | Promise<Leave> {
    if (this.isStale) this.configure();
    const origin = this.classification.of(user, () => entrant.info());
    const level = this.levels.get(origin?.schema.spec?.priorityLevelConfiguration.name ?? "");
    // The schema of last resort takes everything of everybody.
    if (origin === undefined || level === undefined) throw new Error(`no FlowSchema takes what ${user.user} asks`);
    entrant.classified(origin.schema.metadata?.uid ?? "", level.uid);
    const objects = entrant.objects();
    const reckonedMs = REQUEST_MS + objects * OBJECT_MS;
    const isTurn = this.spentMs < TURN_MS;
    const entered = this.levels.enter(level, () => flowOf(origin, level, entrant), widthOfList(objects), isTurn);
    const series = this.metrics.of(level.name, origin.schema.metadata?.name ?? "");
    if (typeof entered === "string") {
      this.metrics.rejected(series, entered);
      return this.refuse();
    }
    this.needTurn();
    if (entered.begin !== undefined) return this.wait(entered, entrant, series);
    this.spentMs += reckonedMs;
    series.waited.observe(0);
    return this.leave(entered, entrant, series);
  }

  private leave(ticket: Ticket, entrant: Entrant, series: FlowSeries): Leave {
    const beganMs = this.backend.monotonicMs();
    series.begin(ticket.width);
    return () => {
      const tookMs = this.backend.monotonicMs() - beganMs;
      series.end(ticket.width, tookMs / MS_PER_SECOND, entrant.isWatch());
      this.levels.leave(ticket, ticket.charge === undefined ? 0 : tookMs);
      this.mayProceed();
    };
  }

  private wait(ticket: Ticket, entrant: Entrant, series: FlowSeries): Promise<Leave> {
    const arrivedMs = this.backend.monotonicMs();
    const waitedSeconds = (): number => (this.backend.monotonicMs() - arrivedMs) / MS_PER_SECOND;
    series.queued.inc();
    return new Promise((resolve, reject) => {
      const giveUp = (why: Refusal): void => {
        if (!this.levels.withdraw(ticket)) return;
        series.queued.dec();
        series.gaveUp.observe(waitedSeconds());
        this.metrics.rejected(series, why);
        reject(new TooManyRequests("time-out"));
        this.mayProceed();
      };
      const { after, options } = this.backend;
      const late = ticket.level.isExempt
        ? undefined
        : after(options.requestTimeoutMs / WAIT_PART, () => giveUp("time-out"));
      entrant.onGone(() => giveUp("cancelled"));
      ticket.begin = () => {
        late?.cancel();
        series.queued.dec();
        series.waited.observe(waitedSeconds());
        resolve(this.leave(ticket, entrant, series));
      };
    });
  }

  private refuse(): Promise<Leave> {
    const refusal = new TooManyRequests("no room");
    if (this.spentMs >= TURN_MS && this.refused.length < REFUSED_MAX) {
      return new Promise((_resolve, reject) => this.refused.push(() => reject(refusal)));
    }
    this.spentMs += REFUSAL_MS;
    this.needTurn();
    throw refusal;
  }

  /** There may be room for who waits. */
  private mayProceed(): void {
    if (this.levels.areWaiting) this.needTurn();
  }

  private needTurn(): void {
    if (this.hasTurn) return;
    this.hasTurn = true;
    this.turns.next(() => this.turn());
  }

  /** What has waited comes before what is read next. */
  private turn(): void {
    this.hasTurn = false;
    this.spentMs = 0;
    if (!this.levels.areWaiting && this.refused.length === 0) return;
    if (this.isStale) this.configure();
    const { backend } = this;
    const beganMs = backend.monotonicMs();
    const proceed = (): void => {
      this.spentMs = backend.monotonicMs() - beganMs;
      const { length } = this.refused;
      const ticket = this.spentMs < (length > 0 ? TURN_MS - REFUSALS_MS : TURN_MS) ? this.levels.next() : undefined;
      if (ticket !== undefined) ticket.begin?.();
      else if (length > 0 && this.spentMs < TURN_MS) this.refused.shift()?.();
      // Who still waits, though there is time left, waits for a seat: whoever leaves one makes the next turn.
      else return this.spentMs >= TURN_MS ? this.needTurn() : undefined;
      this.turns.afterAll(proceed);
    };
    proceed();
  }

  private configure(): void {
    this.isStale = false;
    const levels = this.stored<PriorityLevelConfiguration>(PRIORITY_LEVELS_PREFIX, PRIORITY_LEVELS);
    const schemas = this.stored<FlowSchema>(FLOW_SCHEMAS_PREFIX, FLOW_SCHEMAS);
    this.levels.configure(levels);
    const names = new Set(levels.map(({ metadata }) => metadata?.name));
    this.classification = new Classification(
      schemas.filter(({ spec }) => names.has(spec?.priorityLevelConfiguration.name ?? "")),
    );
  }

  /** With those without which there would be no order; before anything is stored, with all that will be. */
  private stored<T extends FlowSchema | PriorityLevelConfiguration>(
    prefix: string,
    initial: Readonly<Record<string, T["spec"]>>,
  ): readonly T[] {
    const found = [...this.backend.store.cache(prefix).values()].map(({ object }) => object as T);
    const names = new Set(found.map(({ metadata }) => metadata?.name));
    const wanted = found.length === 0 ? Object.keys(initial) : MANDATORY_FLOW;
    const missing = wanted.filter((name) => !names.has(name));
    return [...found, ...missing.map((name) => ({ metadata: { name }, spec: initial[name] }) as T)];
  }
}

function flowOf(origin: FlowOrigin, level: Level, entrant: Entrant): string {
  // What is exempt is told apart by who asks, whatever its schema says: it waits for its turn alone.
  const by = level.isExempt ? origin.user.user : distinguisher(origin, () => entrant.info());
  return `${origin.schema.metadata?.name ?? ""}/${by}`;
}

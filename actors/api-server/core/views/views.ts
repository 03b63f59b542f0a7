/**
 * What each client sees of this server while a plan of faults is applied: which request and which delivery a fault of the
 * plan is for, and what is to be done then. It decides; who carries it out is the shell (`views.ts`).
 */
import type { ApiFault, AwaitedFault } from "../../../../protocols/api-faults.ts";
import { strikesOnce } from "../../../../protocols/api-faults.ts";
import { fitsPattern } from "../../../../protocols/fault-fields.ts";
import type { InkubeError } from "../../../../protocols/errors.ts";
import { statusError } from "../../../../protocols/api-server.ts";
import { expired, failure, tooManyRequests } from "../machinery/status.ts";
import type { ApiEvent } from "./trigger.ts";
import { isOf, Trigger } from "./trigger.ts";

type ViewFault = ApiFault | AwaitedFault;

/** To be carried out in this order. */
export type Effect =
  /** Tells whoever drives the plan. */
  | { readonly do: "strike"; readonly fault: ViewFault; readonly what: string }
  | { readonly do: "end"; readonly fault: ViewFault }
  /** The client's watches of these resources end, with 410 or as if the server stopped. */
  | { readonly do: "end-watches"; readonly by: string; readonly of: string; readonly expired: boolean }
  /** Watches that were held may not be any more. */
  | { readonly do: "release" };

/** What becomes of a request. `never`: its client is dead; `lost`: its connection breaks. */
export type Fate =
  | { readonly is: "as-ever" }
  | { readonly is: "refused"; readonly error: InkubeError }
  | { readonly is: "never" }
  | { readonly is: "lost" };

export interface Decision {
  readonly fate: Fate;
  readonly effects: readonly Effect[];
}

/** Whether a fault happens this time. */
export type Happens = (fault: ApiFault, chance: number | undefined) => boolean;

const AS_EVER: Fate = { is: "as-ever" };
const RETRY_AFTER_SECONDS = 1;
const MS_PER_SECOND = 1_000;

interface Active {
  readonly fault: ViewFault;
  readonly begins: Trigger;
  /** From its begin on, where it has an `until`. */
  ends: Trigger | undefined;
  /** Of a view: where it has stopped. */
  stoppedAt: number;
  struck: boolean;
}

export class ViewRules {
  private active = new Map<string, Active>();
  /** Those that are over here, until whoever drives the plan has heard of it. */
  private over = new Set<string>();

  /** Goes on with those that were there already. */
  set(faults: readonly ViewFault[], nowMs: number): readonly Effect[] {
    const before = this.active;
    this.over = new Set(faults.map(({ id }) => id).filter((id) => this.over.has(id)));
    const inForce = faults.filter(({ id }) => !this.over.has(id));
    this.active = new Map(inForce.map((fault) => [fault.id, before.get(fault.id) ?? activeOf(fault, nowMs)]));
    return [{ do: "release" }];
  }

  /** When time alone may begin or end something; Infinity: never. */
  get dueMs(): number {
    let dueMs = Infinity;
    for (const { begins, ends } of this.active.values()) {
      dueMs = Math.min(dueMs, begins.isTrue ? (ends?.dueMs ?? Infinity) : begins.dueMs);
    }
    return dueMs;
  }

  /** Time has passed. `revision`: where the caches stand. */
  pass(nowMs: number, revision: number): readonly Effect[] {
    return this.observe(undefined, nowMs, revision).effects;
  }

  /** An event of a watch arrives or was passed on. */
  delivers(event: ApiEvent, nowMs: number, revision: number): readonly Effect[] {
    return this.observe(event, nowMs, revision).effects;
  }

  /** A request arrives (`before`), or was carried out and is about to be answered (`after`). */
  request(event: ApiEvent, nowMs: number, revision: number, happens: Happens): Decision {
    const { effects, crashed } = this.observe(event, nowMs, revision);
    if (crashed.some((fault) => fitsPattern(fault.by, event.by))) return { fate: { is: "never" }, effects };
    for (const active of this.active.values()) {
      const { fault } = active;
      if (fault.kind !== "api-error" && fault.kind !== "reply-lost") continue;
      const phase = fault.kind === "api-error" ? "before" : "after";
      const on = fault.kind === "api-error" ? (fault.on ?? "write") : "write";
      if (event.phase !== phase || event.on !== on) continue;
      if (!active.begins.isTrue || !fitsPattern(fault.by, event.by)) continue;
      if (fault.verb !== undefined && fault.verb !== event.verb) continue;
      if (fault.kind === "api-error" && fault.status === 410 && event.isOfPast !== true) continue;
      if (!isOf(fault.of, event) || !happens(fault, fault.chance)) continue;
      const struck = this.strike(active, `${whatOf(fault)}: ${describe(event)}`);
      const fate: Fate = fault.kind === "api-error" ? { is: "refused", error: errorOf(fault, event) } : { is: "lost" };
      return { fate, effects: [...effects, ...struck] };
    }
    return { fate: AS_EVER, effects };
  }

  /** The revision that a read which asks for no newest state is answered from; undefined: the newest. */
  stoppedAt(by: string, resource: string): number | undefined {
    let stopped: number | undefined;
    for (const { fault, begins, stoppedAt } of this.active.values()) {
      if (fault.kind !== "view-stale" || !begins.isTrue || !isWatched(fault, by, resource)) continue;
      stopped = Math.min(stopped ?? Infinity, stoppedAt);
    }
    return stopped;
  }

  /** Whether a watch tells nothing of what comes after `revision`. */
  isHeld(by: string, resource: string, revision: number): boolean {
    for (const { fault, begins } of this.active.values()) {
      if (fault.kind === "watch-hold" && begins.isTrue && isWatched(fault, by, resource)) return true;
    }
    return revision > (this.stoppedAt(by, resource) ?? Infinity);
  }

  private forget({ id }: ViewFault): void {
    this.active.delete(id);
    this.over.add(id);
  }

  private observe(
    event: ApiEvent | undefined,
    nowMs: number,
    revision: number,
  ): {
    readonly effects: readonly Effect[];
    readonly crashed: readonly Extract<ApiFault, { readonly kind: "controller-crash" }>[];
  } {
    const effects: Effect[] = [];
    const crashed: Extract<ApiFault, { readonly kind: "controller-crash" }>[] = [];
    for (const active of this.active.values()) {
      const { fault, begins, ends } = active;
      if (ends?.observe(event, nowMs) === true) {
        this.forget(fault);
        effects.push({ do: "end", fault }, { do: "release" });
        continue;
      }
      if (!begins.observe(event, nowMs)) continue;
      if ("until" in fault && fault.until !== undefined) active.ends = new Trigger(fault.until, fault.by, nowMs);
      effects.push(...this.begin(active, event, revision));
      if (fault.kind === "controller-crash") crashed.push(fault);
    }
    return { effects, crashed };
  }

  /** Of what is to be done to nobody's request in particular. */
  private begin(active: Active, event: ApiEvent | undefined, revision: number): readonly Effect[] {
    const { fault } = active;
    const why = event === undefined ? "" : ` (${event.phase} ${describe(event)})`;
    switch (fault.kind) {
      case "awaited":
        return this.strike(active, `is triggered${event === undefined ? "" : ` ${event.phase} ${describe(event)}`}`);
      case "api-error":
      case "reply-lost":
        return [];
      case "view-stale":
        active.stoppedAt = stopOf(fault.at, active.begins.firstRevision, revision);
        return this.strike(active, `stops ${fault.of} for ${fault.by} at revision ${active.stoppedAt}${why}`);
      case "watch-hold":
        return this.strike(active, `holds ${fault.of} for ${fault.by}${why}`);
      case "watch-drop":
      case "watch-expire": {
        const { by, of } = fault;
        const isExpired = fault.kind === "watch-expire";
        return [
          ...this.strike(active, `${isExpired ? "expires" : "drops"} watches of ${of} by ${by}${why}`),
          { do: "end-watches", by, of, expired: isExpired },
        ];
      }
      case "controller-crash":
        return this.strike(active, `crashes ${fault.by}${why}`);
      case "controller-twice":
        return this.strike(active, `starts a second ${fault.by} for ${fault.forMs} ms${why}`);
      case "controller-pause":
        return this.strike(active, `pauses ${fault.by} for ${fault.downMs} ms${why}`);
    }
  }

  /** Told once, however many requests it is for. */
  private strike(active: Active, what: string): readonly Effect[] {
    const { fault } = active;
    if (strikesOnce(fault)) this.forget(fault);
    if (active.struck) return [];
    active.struck = true;
    return [{ do: "strike", fault, what }];
  }
}

function activeOf(fault: ViewFault, nowMs: number): Active {
  const by = fault.kind === "awaited" ? undefined : fault.by;
  return { fault, begins: new Trigger(fault.when, by, nowMs), ends: undefined, stoppedAt: 0, struck: false };
}

function stopOf(at: "now" | "before" | number, first: number, revision: number): number {
  if (at === "now") return revision;
  if (at === "before") return first === 0 ? revision : first - 1;
  return Math.min(at, revision);
}

function isWatched(fault: { readonly by: string; readonly of: string }, by: string, resource: string): boolean {
  return fitsPattern(fault.by, by) && fitsPattern(fault.of, resource);
}

function whatOf(fault: Extract<ApiFault, { readonly kind: "api-error" | "reply-lost" }>): string {
  return fault.kind === "api-error" ? `answers ${fault.status}` : "loses the reply";
}

/** For people: `create configmaps default/web by web-site`. */
export function describe({ by, resource, namespace, name, verb, on }: ApiEvent): string {
  const place = namespace === "" ? name : `${namespace}/${name}`;
  return `${verb} ${resource} ${place} ${on === "delivery" ? "to" : "by"} ${by}`;
}

/** In Kubernetes' words. */
function errorOf(fault: Extract<ApiFault, { readonly kind: "api-error" }>, { resource, name }: ApiEvent): InkubeError {
  const [kind = "", ...group] = resource.split(".");
  const details = { ...(name === "" ? {} : { name }), ...(group.length === 0 ? {} : { group: group.join(".") }), kind };
  switch (fault.status) {
    case 409: {
      const why = "the object has been modified; please apply your changes to the latest version and try again";
      const message = `Operation cannot be fulfilled on ${resource} "${name}": ${why}`;
      return statusError(failure(409, "Conflict", message, details));
    }
    case 410:
      return expired("The resourceVersion for the provided list is too old.");
    case 429: {
      const seconds = Math.ceil((fault.retryAfterMs ?? RETRY_AFTER_SECONDS * MS_PER_SECOND) / MS_PER_SECOND);
      return tooManyRequests("too many requests, please try again later", seconds);
    }
    case 500: {
      const why = "etcdserver: request timed out";
      return statusError(
        failure(500, "InternalError", `Internal error occurred: ${why}`, { causes: [{ message: why }] }),
      );
    }
    case 504:
      return statusError(
        failure(504, "Timeout", "Timeout: request did not complete within the allotted timeout", details),
      );
  }
}

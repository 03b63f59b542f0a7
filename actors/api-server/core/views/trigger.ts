/** When a fault begins or ends: follows what happens, and comes true once. */
import type { EventWhen, When } from "../../../../protocols/api-faults.ts";
import { fitsPattern } from "../../../../protocols/fault-fields.ts";

/** Something that passes this server. */
export interface ApiEvent {
  readonly on: "write" | "read" | "delivery";
  readonly phase: "before" | "after";
  /** The client. */
  readonly by: string;
  /** `configmaps`, `deployments.apps`. */
  readonly resource: string;
  /** Empty for what has none, or all. */
  readonly namespace: string;
  /** Empty for a list, and for a creation whose name is made here. */
  readonly name: string;
  readonly verb: string;
  /** Of what is delivered, or has been written; 0 where it is not known. */
  readonly revision: number;
  /** Whether it lists the past: an exact revision, or the next page of one. */
  readonly isOfPast?: boolean;
}

const LEASES = "leases.coordination.k8s.io";

/** Whether a pattern of `when` or `of` stands for it. */
export function isOf(
  pattern: string | undefined,
  { resource, namespace, name }: Pick<ApiEvent, "resource" | "namespace" | "name">,
): boolean {
  if (pattern === undefined) return true;
  const [kind = "", ...place] = pattern.split("/");
  if (!fitsPattern(kind, resource)) return false;
  if (place.length === 0) return true;
  return fitsPattern(place.join("/"), namespace === "" ? name : `${namespace}/${name}`);
}

/** But for its phase and its count. */
export function isMatch(when: EventWhen, by: string | undefined, event: ApiEvent): boolean {
  const on = when.on === "lease" ? "write" : when.on;
  if (on !== event.on || (when.on === "lease" && event.resource !== LEASES)) return false;
  if (when.verb !== undefined && when.verb !== event.verb) return false;
  const whose = when.by ?? by;
  return (whose === undefined || fitsPattern(whose, event.by)) && isOf(when.of, event);
}

export class Trigger {
  readonly isTrue: boolean = false;
  /** Of the first event that counted; 0 while there was none, or it had none. */
  readonly firstRevision: number = 0;
  private readonly when: When;
  private readonly by: string | undefined;
  private readonly parts: readonly Trigger[];
  /** From when on it counts. */
  private readonly sinceMs: number;
  private count = 0;
  /** Of a `seq`: the one that is waited for. */
  private current: Trigger | undefined;

  /** `by`: whose events those are that name nobody; undefined: anybody's. */
  constructor(when: When, by: string | undefined, sinceMs: number) {
    this.when = when;
    this.by = by;
    this.sinceMs = sinceMs;
    const parts = "all" in when ? when.all : "any" in when ? when.any : [];
    this.parts = parts.map((part) => new Trigger(part, by, sinceMs));
    if ("seq" in when) this.current = this.part(when.seq, 0, sinceMs);
  }

  /** Takes in an event, or with `undefined` that time has passed. True when it comes true by it. */
  observe(event: ApiEvent | undefined, nowMs: number): boolean {
    if (this.isTrue || !this.look(event, nowMs)) return false;
    (this as { isTrue: boolean }).isTrue = true;
    return true;
  }

  /** When time alone may make it true; Infinity: only an event can. */
  get dueMs(): number {
    if (this.isTrue) return Infinity;
    if ("atMs" in this.when) return this.sinceMs + this.when.atMs;
    if (this.current !== undefined) return this.current.dueMs;
    return this.parts.reduce((soonest, part) => Math.min(soonest, part.dueMs), Infinity);
  }

  private look(event: ApiEvent | undefined, nowMs: number): boolean {
    const { when } = this;
    if ("atMs" in when) return nowMs >= this.sinceMs + when.atMs;
    if ("all" in when) {
      for (const part of this.parts) this.observePart(part, event, nowMs);
      return this.parts.every(({ isTrue }) => isTrue);
    }
    if ("any" in when) {
      for (const part of this.parts) this.observePart(part, event, nowMs);
      return this.parts.some(({ isTrue }) => isTrue);
    }
    if ("seq" in when) return this.lookAtSequence(when.seq, event, nowMs);
    if (event === undefined || event.phase !== (when.phase ?? "before") || !isMatch(when, this.by, event)) return false;
    if (++this.count !== (when.nth ?? 1)) return false;
    this.note(event.revision);
    return true;
  }

  /** One event is one step at most; times that have passed by then follow at once. */
  private lookAtSequence(seq: readonly When[], event: ApiEvent | undefined, nowMs: number): boolean {
    let seen = event;
    while (this.current !== undefined) {
      if (!this.observePart(this.current, seen, nowMs)) return false;
      const index = this.count + 1;
      this.count = index;
      seen = undefined;
      this.current = this.part(seq, index, nowMs);
    }
    return true;
  }

  private part(seq: readonly When[], index: number, sinceMs: number): Trigger | undefined {
    const part = seq[index];
    return part === undefined ? undefined : new Trigger(part, this.by, sinceMs);
  }

  private observePart(part: Trigger, event: ApiEvent | undefined, nowMs: number): boolean {
    const came = part.observe(event, nowMs);
    if (came) this.note(part.firstRevision);
    return came;
  }

  private note(revision: number): void {
    if (this.firstRevision === 0) (this as { firstRevision: number }).firstRevision = revision;
  }
}

/** The events of a `when`, whatever their order and count. */
export function eventsOf(when: When): readonly EventWhen[] {
  if ("atMs" in when) return [];
  if ("all" in when) return when.all.flatMap(eventsOf);
  if ("any" in when) return when.any.flatMap(eventsOf);
  if ("seq" in when) return when.seq.flatMap(eventsOf);
  return [when];
}

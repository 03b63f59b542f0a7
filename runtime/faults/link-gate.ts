/**
 * Where frames pass on their way out of an actor while its links have faults. Order is kept but for what a fault takes
 * out of it; envelopes are held before they are encoded, because a codec's frames must arrive whole and in order.
 */
import type { Envelope } from "../frame.ts";
import { CALL, CAST, FAIL, REPLY } from "../frame.ts";
import type { FaultBoundary, LinkFaultsTo } from "./boundary.ts";
import type { LinkFault } from "./plan.ts";

/** What waits to leave for one peer, oldest first. */
type Lane = {
  readonly envelopes: Envelope[];
  readonly post: (envelopes: Envelope[]) => void;
  readonly dueMs: number;
}[];

export class LinkGate {
  private readonly boundary: FaultBoundary;
  /** Whether a partition holds here, or in the host itself. */
  private readonly holdsCuts: boolean;
  private readonly lanes = new Map<string, Lane>();

  constructor(boundary: FaultBoundary, options: { readonly holdsCuts: boolean }) {
    this.boundary = boundary;
    this.holdsCuts = options.holdsCuts;
  }

  /** True while frames must go through `send`: a fault is in force, or earlier ones still wait. */
  get on(): boolean {
    return this.boundary.links !== undefined || this.lanes.size > 0;
  }

  /** `post` is called with what arrives, at once or later, and looks itself whether the link is still the same. */
  send(peer: string, envelopes: Envelope[], post: (envelopes: Envelope[]) => void): void {
    const active = this.boundary.links?.get(peer);
    const passed = active === undefined ? envelopes : this.spoil(active, envelopes, post);
    if (passed.length === 0) return;
    const delayMs = active === undefined ? 0 : this.delayOf(active);
    const lane = this.lanes.get(peer);
    if (lane === undefined && delayMs === 0 && !this.isCut(active)) return post(passed);
    const entry = { envelopes: passed, post, dueMs: this.boundary.services.nowMs() + delayMs };
    if (lane !== undefined) {
      lane.push(entry);
      return;
    }
    const opened = [entry];
    this.lanes.set(peer, opened);
    this.drain(peer, opened);
  }

  /** The link is gone with all that waits on it. */
  forget(peer: string): void {
    this.lanes.delete(peer);
  }

  private isCut(active: LinkFaultsTo | undefined): boolean {
    return this.holdsCuts && active?.cut === true;
  }

  /** Lets go what is due, oldest first: nothing overtakes what is held longer. */
  private drain(peer: string, lane: Lane): void {
    const { boundary } = this;
    for (;;) {
      if (this.lanes.get(peer) !== lane) return;
      const [first] = lane;
      if (first === undefined) {
        this.lanes.delete(peer);
        return;
      }
      if (this.isCut(boundary.links?.get(peer))) return boundary.onChange(() => this.drain(peer, lane));
      const waitMs = first.dueMs - boundary.services.nowMs();
      if (waitMs > 0) return boundary.services.after(waitMs, () => this.drain(peer, lane));
      lane.shift();
      first.post(first.envelopes);
    }
  }

  private delayOf({ peer, faults }: LinkFaultsTo): number {
    let delayMs = 0;
    for (const fault of faults) {
      if (fault.kind !== "link-delay" || !this.boundary.happens(fault.id, fault.chance, peer)) continue;
      delayMs += this.boundary.draw(fault.id, fault.byMs, peer);
    }
    return delayMs;
  }

  private spoil(active: LinkFaultsTo, envelopes: Envelope[], post: (envelopes: Envelope[]) => void): Envelope[] {
    let passed = envelopes;
    for (const fault of active.faults) {
      if (fault.kind === "link-delay") continue;
      passed = passed.flatMap((envelope) => this.spoilOne(fault, active.peer, envelope, post));
    }
    return passed;
  }

  private spoilOne(
    fault: LinkFault,
    peer: string,
    envelope: Envelope,
    post: (envelopes: Envelope[]) => void,
  ): readonly Envelope[] {
    const { boundary } = this;
    switch (fault.kind) {
      case "link-drop": {
        const { messages = "casts" } = fault;
        const isCall = envelope[0] === CALL || envelope[0] === REPLY || envelope[0] === FAIL;
        const counts = envelope[0] === CAST ? messages !== "calls" : isCall && messages !== "casts";
        return counts && boundary.happens(fault.id, fault.chance, peer) ? [] : [envelope];
      }
      case "link-duplicate":
        return envelope[0] === CAST && boundary.happens(fault.id, fault.chance, peer)
          ? [envelope, envelope]
          : [envelope];
      case "link-reorder": {
        if (envelope[0] !== CAST || !boundary.happens(fault.id, fault.chance, peer)) return [envelope];
        boundary.services.after(boundary.draw(fault.id, fault.byMs, peer), () => post([envelope]));
        return [];
      }
      case "link-delay":
        return [envelope];
    }
  }
}

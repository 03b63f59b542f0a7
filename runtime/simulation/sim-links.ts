/**
 * The links between simulated actors. Frames of one direction arrive in order, each some time after it was sent; a link
 * lives as long as both ends, and either end is told of its end after the frames that came before. What a frame carries
 * is copied, or goes through the codec of the wire: two actors never hold the same object.
 *
 * Faults keep what actors may rely on: a link loses nothing and reorders nothing while it is up. A partition holds
 * frames back, and breaks the link when it lasts; only casts, which promise nothing, can be lost or doubled one by one.
 */
import { LinkPairs } from "../link-pairs.ts";
import type { Cell } from "../cell.ts";
import type { DownReason, Mark } from "../actor.ts";
import type { Envelope, Frame } from "../frame.ts";
import { CAST, FrameCodec, FrameMismatch } from "../frame.ts";
import type { LinkGate } from "../faults/link-gate.ts";
import type { Random } from "../random.ts";
import type { Refuse } from "../send-each.ts";
import { sendEach } from "../send-each.ts";
import type { Recorder } from "../trace/recorder.ts";
import { copyMessage } from "./copy-message.ts";
import type { EventOwner } from "./event-queue.ts";
import type { World } from "./world.ts";

/** One end of links: an incarnation of an actor, or the embedding program. */
export interface LinkEnd extends EventOwner {
  readonly name: string;
  readonly cell: Cell;
  readonly recorder: Recorder;
  /** Where what it sends passes while its links have faults of a plan. */
  readonly gate: LinkGate | undefined;
  /** The links as this end has been told of them. */
  readonly links: Map<string, LinkSession>;
}

export interface LinkFault {
  /** Added to each frame, in milliseconds; uniform up to it. */
  readonly delayMs?: number;
  /** Chance that a cast is lost. */
  readonly dropCasts?: number;
  /** Chance that a cast arrives twice. */
  readonly doubleCasts?: number;
}

/** A wake-up of a thread that sleeps, as a range in microseconds, and how often it takes longer, up to what. */
export interface LinkLatency {
  readonly fromUs: number;
  readonly toUs: number;
  readonly slowShare: number;
  readonly slowUs: number;
}

/** Measured between worker threads after an idle gap. */
export const LINK_LATENCY: LinkLatency = { fromUs: 20, toUs: 140, slowShare: 0.01, slowUs: 2_000 };

/**
 * What a frame is between its ends: `bytes`, as between threads, or `copies` of what is plain data, which the receiver can't
 * tell from them and which cost a third.
 */
export type Wire = "bytes" | "copies";

/** A link while it lasts. */
export interface LinkSession {
  readonly left: LinkEnd;
  /** Undefined until the peer has started, for one that is about to. */
  right: LinkEnd | undefined;
  /** Why it is over, from the moment that either end died or it broke; each end is told of it later. */
  ended: DownReason | undefined;
  /** The event of that end, where there is one. */
  why?: Mark | undefined;
  readonly fromLeft: Direction;
  readonly fromRight: Direction;
}

interface Direction {
  readonly codec: FrameCodec;
  readonly channel: Channel;
}

/** One direction between two names; it outlives the links over it, so that their frames stay in order. */
class Channel {
  readonly random: Random;
  lastUs = 0;
  fault: LinkFault | undefined;
  /** What waits while the direction is cut; undefined while it is not. */
  held: (() => void)[] | undefined;

  constructor(random: Random) {
    this.random = random;
  }
}

export class SimLinks {
  private readonly world: World;
  private readonly wire: Wire;
  private readonly latency: LinkLatency;
  private readonly ends = new Map<string, LinkEnd>();
  private readonly planned = new Set<string>();
  private readonly pairs = new LinkPairs();
  private readonly channels = new Map<string, Channel>();
  /**
   * The newest session of each pair. The next one begins when it has ended, and not before: were two open at once, each
   * end could be told of the other one last.
   */
  private readonly sessions = new Map<string, LinkSession>();
  /** Links to actors that are about to start, by the name of those. */
  private readonly early = new Map<string, LinkSession[]>();
  /** Deliveries to an actor that is about to start, in order. */
  private readonly waiting = new Map<string, { readonly from: string; readonly deliver: (end: LinkEnd) => void }[]>();

  constructor(world: World, wire: Wire, latency: LinkLatency = LINK_LATENCY) {
    this.world = world;
    this.wire = wire;
    this.latency = latency;
  }

  /** Who may talk to whom; both ways. */
  pair(left: string, right: string): void {
    this.pairs.add(left, right);
  }

  /** It will be started soon: what is sent to it waits. */
  plan(name: string): void {
    this.planned.add(name);
  }

  /** Those that it is paired with can refer to it from now on, also those that run already. */
  declare(name: string): void {
    for (const peer of this.peersOf(name)) this.ends.get(peer)?.cell.declare(name);
  }

  /** It is down and does not come again; links that wait for it end. */
  dismiss(name: string): void {
    this.planned.delete(name);
    this.waiting.delete(name);
    for (const session of this.early.get(name) ?? []) {
      if (session.ended !== undefined) continue;
      session.ended = "killed";
      this.world.schedule(0, session.left, () => this.down(session.left, name, session));
    }
    this.early.delete(name);
    this.pairs.remove(name);
  }

  peersOf(name: string): readonly string[] {
    return this.pairs.of(name);
  }

  arePaired(left: string, right: string): boolean {
    return this.pairs.has(left, right);
  }

  /** Links a new end with everybody it is paired with who is alive or about to be. */
  join(end: LinkEnd): void {
    this.ends.set(end.name, end);
    this.planned.delete(end.name);
    for (const peer of this.peersOf(end.name)) end.cell.declare(peer);
    const early = this.early.get(end.name) ?? [];
    this.early.delete(end.name);
    for (const session of early) {
      if (session.ended !== undefined) continue;
      session.right = end;
      this.up(end, session.left.name, session);
    }
    for (const peer of this.peersOf(end.name)) this.connect(end, peer);
    const waiting = this.waiting.get(end.name) ?? [];
    this.waiting.delete(end.name);
    for (const { from, deliver } of waiting) this.send(from, end.name, end, () => deliver(end));
  }

  /** Ends every link of an end that has died, also those that it has not heard of yet; its peers are told. */
  leave(end: LinkEnd, reason: DownReason, why?: Mark): void {
    if (this.ends.get(end.name) === end) this.ends.delete(end.name);
    for (const peer of this.peersOf(end.name)) {
      const session = this.sessions.get(pairOf(end.name, peer));
      if (session === undefined || session.ended !== undefined) continue;
      if (session.left !== end && session.right !== end) continue;
      session.ended = reason;
      session.why = why;
      const other = session.left === end ? session.right : session.left;
      if (other !== undefined) this.send(end.name, peer, other, () => this.down(other, end.name, session));
    }
    end.links.clear();
  }

  transmit(end: LinkEnd, peer: string, envelopes: Envelope[], refuse: Refuse): void {
    const session = end.links.get(peer);
    if (session === undefined || session.ended !== undefined) return;
    if (end.gate?.on !== true) return this.postOrRefuse(end, peer, session, envelopes, refuse);
    end.gate.send(peer, envelopes, (passed) => {
      if (session.ended !== undefined || end.links.get(peer) !== session) return;
      this.postOrRefuse(end, peer, session, passed, refuse);
    });
  }

  private postOrRefuse(end: LinkEnd, peer: string, session: LinkSession, envelopes: Envelope[], refuse: Refuse): void {
    const { channel } = session.left === end ? session.fromLeft : session.fromRight;
    const sent = channel.fault === undefined ? envelopes : this.spoil(channel, envelopes);
    if (sent.length === 0) return;
    try {
      this.post(end, peer, session, sent);
    } catch (error) {
      if (error instanceof FrameMismatch) throw error;
      sendEach(peer, sent, (one) => this.post(end, peer, session, one), refuse);
    }
  }

  /** Throws for what can't be encoded or copied. */
  private post(end: LinkEnd, peer: string, session: LinkSession, sent: Envelope[]): void {
    const { codec, channel } = session.left === end ? session.fromLeft : session.fromRight;
    const { lamport } = end.recorder;
    const copied = this.wire === "copies" ? copyMessage(sent) : undefined;
    const frame = copied === undefined ? codec.decode(codec.encode(lamport, sent)) : { lamport, envelopes: copied };
    const other = session.left === end ? session.right : session.left;
    const from = end.name;
    if (other !== undefined) {
      this.sendOver(channel, other, () => this.receive(other, from, session, frame));
      return;
    }
    const deliver = (to: LinkEnd): void => this.receive(to, from, session, frame);
    this.waiting.set(peer, [...(this.waiting.get(peer) ?? []), { from, deliver }]);
  }

  setFault(from: string, to: string, fault: LinkFault | undefined): void {
    this.channel(from, to).fault = fault;
  }

  /** Holds back what `from` sends to `to`, until `heal`. */
  cut(from: string, to: string): void {
    this.channel(from, to).held ??= [];
  }

  isCut(from: string, to: string): boolean {
    return this.channel(from, to).held !== undefined;
  }

  heal(from: string, to: string): void {
    const channel = this.channel(from, to);
    const held = channel.held ?? [];
    channel.held = undefined;
    for (const go of held) go();
  }

  /** Ends a link whose ends live on: what is under way is lost, and each end sees the other go down. */
  break(left: string, right: string, why?: Mark): void {
    const session = this.sessions.get(pairOf(left, right));
    if (session === undefined || session.ended !== undefined || session.right === undefined) return;
    session.ended = "hang";
    session.why = why;
    for (const [end, peer] of [
      [session.left, session.right],
      [session.right, session.left],
    ] as const) {
      // Not over the channel, which is cut.
      this.world.schedule(this.latency.toUs, end, () => this.down(end, peer.name, session));
    }
  }

  /** Links two ends again after `break`. */
  mend(left: string, right: string): void {
    const end = this.ends.get(left);
    if (end !== undefined && this.ends.has(right) && this.pairs.has(left, right)) this.connect(end, right);
  }

  private connect(end: LinkEnd, peer: string): void {
    const other = this.ends.get(peer);
    if (other === undefined && !this.planned.has(peer)) return;
    const pair = pairOf(end.name, peer);
    const newest = this.sessions.get(pair);
    if (newest !== undefined && newest.ended === undefined) return;
    const fromLeft = { codec: new FrameCodec(), channel: this.channel(end.name, peer) };
    const fromRight = { codec: new FrameCodec(), channel: this.channel(peer, end.name) };
    const session: LinkSession = { left: end, right: other, ended: undefined, fromLeft, fromRight };
    this.sessions.set(pair, session);
    this.up(end, peer, session);
    if (other !== undefined) this.send(end.name, peer, other, () => this.up(other, end.name, session));
    else this.early.set(peer, [...(this.early.get(peer) ?? []), session]);
  }

  private up(end: LinkEnd, peer: string, session: LinkSession): void {
    if (session.ended !== undefined) return;
    const before = end.links.get(peer);
    if (before !== undefined) this.down(end, peer, before);
    end.links.set(peer, session);
    end.cell.linkUp(peer);
  }

  /** Tells an end of the end of a session, unless it has been told. */
  private down(end: LinkEnd, peer: string, session: LinkSession): void {
    if (end.links.get(peer) !== session) return;
    const reason = session.ended;
    if (reason === undefined) throw new Error(`broken invariant: two sessions of ${end.name} and ${peer} are open`);
    end.links.delete(peer);
    end.gate?.forget(peer);
    const sequence = end.recorder.after(session.why, "down", peer, peer, reason);
    end.recorder.because(sequence, () => end.cell.linkDown(peer, reason));
  }

  private receive(end: LinkEnd, from: string, session: LinkSession, frame: Frame): void {
    if (end.links.get(from) === session) end.cell.receive(from, frame);
  }

  /** Runs `action` at `end` after everything that was sent that way before. */
  private send(from: string, to: string, end: EventOwner, action: () => void): void {
    this.sendOver(this.channel(from, to), end, action);
  }

  private sendOver(channel: Channel, end: EventOwner, action: () => void): void {
    if (channel.held !== undefined) {
      channel.held.push(() => this.sendOver(channel, end, action));
      return;
    }
    const { random } = channel;
    const { fromUs, toUs, slowShare, slowUs } = this.latency;
    const draw = random.next();
    // One draw gives both: which share it falls in, and where in its range.
    const latencyUs =
      draw < slowShare
        ? toUs + (slowUs * draw) / slowShare
        : fromUs + ((toUs - fromUs) * (draw - slowShare)) / (1 - slowShare);
    const delayUs = channel.fault?.delayMs === undefined ? 0 : random.next() * channel.fault.delayMs * 1_000;
    channel.lastUs = Math.max(channel.lastUs, this.world.nowUs + Math.round(latencyUs + delayUs));
    this.world.scheduleAt(channel.lastUs, end, action);
  }

  private spoil(channel: Channel, envelopes: readonly Envelope[]): Envelope[] {
    const { dropCasts = 0, doubleCasts = 0 } = channel.fault ?? {};
    return envelopes.flatMap((envelope): Envelope[] => {
      if (envelope[0] !== CAST) return [envelope];
      const draw = channel.random.next();
      return draw < dropCasts ? [] : draw < dropCasts + doubleCasts ? [envelope, envelope] : [envelope];
    });
  }

  private channel(from: string, to: string): Channel {
    const key = `${from}>${to}`;
    let channel = this.channels.get(key);
    if (channel === undefined) {
      channel = new Channel(this.world.random(`link/${key}`));
      this.channels.set(key, channel);
    }
    return channel;
  }
}

/** The link of two names, whichever is first. */
function pairOf(left: string, right: string): string {
  return left < right ? `${left}>${right}` : `${right}>${left}`;
}

/** The ports of one cell: frames in and out, and the closing of a port as the first sign of a peer's death. */
import { randomInt } from "node:crypto";
import type { MessagePort } from "node:worker_threads";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import type { Down, DownDetails, DownReason, Mark } from "../actor.ts";
import type { Cell, CellHost } from "../cell.ts";
import type { Envelope, Frame } from "../frame.ts";
import { FrameCodec, FrameMismatch } from "../frame.ts";
import type { LinkGate } from "../faults/link-gate.ts";
import { PreEncoded } from "../pre-encoded.ts";
import type { Refuse } from "../send-each.ts";
import { sendEach } from "../send-each.ts";
import type { Recorder } from "../trace/recorder.ts";
import { clearTimeout, monotonicNowMs, nextTick, setImmediate, setTimeout } from "./machine-clock.ts";

/** Above it a frame's buffer changes hands instead of being copied. */
const TRANSFER_BYTES_MIN = 64 * 1024;
/**
 * A closed port tells that its peer is gone within a millisecond, the host tells why a few milliseconds later. Calls fail
 * at once, with what the peer has said itself when it ended, or the host when it began to end it, where that has come by then;
 * monitors wait this long for the host's last word. The host is late only when the embedder blocks its own thread.
 */
const REASON_GRACE_MS = 200;
/**
 * How long one turn handles messages, and how long it fetches more while some wait: between two turns timers and other
 * ports are served, so that none of them is later than a few milliseconds under any flood.
 */
const TURN_MS = 2;
const FETCH_MS = 1;
/** Messages that wait in an actor before the rest is left in the ports. */
const FETCHED_MAX = 50_000;
const SMALL_VALUES_MAX = 24;
const SMALL_STRING_MAX = 256;

/** The turns of a cell on a thread. */
export const threadTurns: NonNullable<CellHost["turns"]> = {
  budgetMs: TURN_MS,
  next: (action) => void setImmediate(action),
};

/** Asks the other end to go on over another port. */
interface Renewal {
  readonly renewed: MessagePort;
}

/** The last message of one that ends by itself. */
interface Farewell {
  readonly ends: Omit<Down, "actor">;
}

/** A frame of records; or a lone small message, its Lamport time first, flat because each nesting costs a clone half a microsecond. */
type Posted = Uint8Array | unknown[] | Renewal | Farewell;

interface PortLink {
  readonly port: MessagePort;
  readonly codec: FrameCodec;
  readonly listener: (message: Posted) => void;
}

export class PortLinks {
  private readonly ports = new Map<string, PortLink>();
  /** The ports are not listened to but read, a little each turn, because the cell has more than a turn's work. */
  private pulling = false;
  /** Peers that are about to be gone, and why. */
  private readonly dying = new Map<string, Down>();
  private saidFarewell = false;
  /** Peers that are gone, while their monitors wait for the reason; `guess` is what is said when nobody tells. */
  private readonly unexplained = new Map<
    string,
    { readonly cell: Cell; readonly timer: NodeJS.Timeout; readonly guess: Down }
  >();
  private readonly recorder: Recorder;
  private readonly unref: boolean;
  private readonly gate: LinkGate | undefined;

  /** `gate`: where frames pass while a plan of faults has something in force. */
  constructor(recorder: Recorder, options: { readonly unref: boolean; readonly gate?: LinkGate }) {
    this.recorder = recorder;
    this.unref = options.unref;
    this.gate = options.gate;
  }

  connect(cell: Cell, peer: string, port: MessagePort): void {
    this.explain(peer);
    this.dying.delete(peer);
    this.gate?.forget(peer);
    this.ports.get(peer)?.port.close();
    const codec = new FrameCodec(randomInt(2 ** 32));
    const listener = (message: Posted): void => {
      if (this.ports.get(peer) !== link) return;
      let frame: Frame;
      try {
        if (Array.isArray(message)) frame = { lamport: message.shift() as number, envelopes: [message as never] };
        else if (message instanceof Uint8Array) frame = codec.decode(message);
        else if ("renewed" in message) return this.connect(cell, peer, message.renewed);
        else return this.heardFarewell(peer, message);
      } catch (error) {
        if (!(error instanceof FrameMismatch)) throw error;
        return this.renew(cell, peer, port, error);
      }
      cell.receive(peer, frame);
      if (cell.busy && !this.pulling) this.pull(cell);
    };
    const link: PortLink = { port, codec, listener };
    this.ports.set(peer, link);
    cell.linkUp(peer);
    if (!this.pulling) port.on("message", listener);
    port.on("close", () => {
      if (this.ports.get(peer) !== link) return;
      this.ports.delete(peer);
      const known = this.dying.get(peer);
      this.dying.delete(peer);
      if (!cell.linkLost(peer, known?.reason, known?.details)) return;
      const timer = setTimeout(() => this.explain(peer), REASON_GRACE_MS);
      if (this.unref) timer.unref();
      this.unexplained.set(peer, { cell, timer, guess: known ?? { actor: peer, reason: "exit" } });
    });
    if (this.unref) port.unref();
  }

  /** From the host: a peer is being ended, and why; what it has sent still counts. `down` follows, and may know better. */
  ending(down: Down): void {
    this.dying.set(down.actor, down);
  }

  /** To all peers: this actor ends now. The first reason stands: what comes later is a consequence. */
  farewell(reason: DownReason, details: DownDetails, event?: Mark): void {
    if (this.saidFarewell) return;
    this.saidFarewell = true;
    const ends = { reason, details, ...(event === undefined ? {} : { event }) };
    for (const { port } of this.ports.values()) port.postMessage({ ends } satisfies Farewell);
  }

  private heardFarewell(peer: string, { ends }: Farewell): void {
    // The host knows why it has asked for a graceful end.
    if (ends.reason === "normal" && this.dying.has(peer)) return;
    this.dying.set(peer, { actor: peer, ...ends });
  }

  /**
   * From the host: a peer is down, and why. A link to it that is still open is cut: the peer may be a thread that could
   * not be ended, and must not be heard any more.
   */
  down(cell: Cell, down: Down): void {
    const link = this.ports.get(down.actor);
    if (link === undefined) return this.explain(down.actor, down);
    this.dying.delete(down.actor);
    this.ports.delete(down.actor);
    link.port.close();
    const sequence = this.recorder.after(down.event, "down", down.actor, down.actor, down.reason);
    this.recorder.because(sequence, () => cell.linkDown(down.actor, down.reason, down.details));
  }

  /** Both ends lose what is under way over a link that can't be read any more, and begin a new one. */
  private renew(cell: Cell, peer: string, port: MessagePort, mismatch: FrameMismatch): void {
    cell.deadLetter(mismatch.message, "frame", peer);
    const { port1, port2 } = new MessageChannel();
    port.postMessage({ renewed: port2 } satisfies Renewal, [port2]);
    this.connect(cell, peer, port1);
  }

  /** Reads the ports turn by turn until all are empty and the cell is at rest. */
  private pull(cell: Cell): void {
    this.pulling = true;
    for (const { port, listener } of this.ports.values()) port.off("message", listener);
    const turn = (): void => {
      if (this.fetch(cell) || cell.busy) {
        setImmediate(turn);
        return;
      }
      this.pulling = false;
      for (const { port, listener } of this.ports.values()) {
        port.on("message", listener);
        if (this.unref) port.unref();
      }
    };
    setImmediate(turn);
  }

  /** Takes frames from the ports, one of each in turn. False when all are empty. */
  private fetch(cell: Cell): boolean {
    const untilMs = monotonicNowMs() + FETCH_MS;
    for (let found = true; found;) {
      found = false;
      for (const { port, listener } of [...this.ports.values()]) {
        if (cell.depth >= FETCHED_MAX || monotonicNowMs() > untilMs) return true;
        const received = receiveMessageOnPort(port) as { readonly message: Posted } | undefined;
        if (received === undefined) continue;
        found = true;
        listener(received.message);
      }
    }
    return false;
  }

  private explain(peer: string, told?: Down): void {
    const waiting = this.unexplained.get(peer);
    if (waiting === undefined) return;
    const down = told ?? waiting.guess;
    clearTimeout(waiting.timer);
    this.unexplained.delete(down.actor);
    const sequence = this.recorder.after(down.event, "down", down.actor, down.actor, down.reason);
    this.recorder.because(sequence, () => waiting.cell.tellDown(down));
  }

  transmit(peer: string, envelopes: Envelope[], refuse: Refuse): void {
    const link = this.ports.get(peer);
    if (link === undefined) return;
    if (this.gate?.on !== true) return this.postOrRefuse(peer, link, envelopes, refuse);
    this.gate.send(peer, envelopes, (passed) => {
      if (this.ports.get(peer) === link) this.postOrRefuse(peer, link, passed, refuse);
    });
  }

  /** Ends a link whose ends live on; the other end sees its port close. */
  break(cell: Cell, peer: string, event: Mark): void {
    this.down(cell, { actor: peer, reason: "hang", event });
  }

  private postOrRefuse(peer: string, link: PortLink, envelopes: Envelope[], refuse: Refuse): void {
    try {
      this.post(link, envelopes);
    } catch {
      sendEach(peer, envelopes, (one) => this.post(link, one), refuse);
    }
  }

  /** Throws for what can't be encoded or cloned. */
  private post(link: PortLink, envelopes: Envelope[]): void {
    if (envelopes.length === 1 && isSmall(envelopes, SMALL_VALUES_MAX) >= 0) {
      link.port.postMessage([this.recorder.lamport, ...envelopes[0]!]);
      return;
    }
    const bytes = link.codec.encode(this.recorder.lamport, envelopes);
    if (bytes.length >= TRANSFER_BYTES_MIN) link.port.postMessage(bytes, [bytes.buffer]);
    else link.port.postMessage(bytes);
  }

  close(): void {
    for (const { port } of this.ports.values()) port.close();
    this.ports.clear();
    for (const { timer } of this.unexplained.values()) clearTimeout(timer);
    this.unexplained.clear();
  }
}

/**
 * What is left of `budget` after the values in `value` are counted; below 0 when there are more, or long or binary ones.
 * A lone small message is cheaper as a structured clone, anything larger as a frame of records.
 */
function isSmall(value: unknown, budget: number): number {
  if (typeof value === "string") return value.length <= SMALL_STRING_MAX ? budget - 1 : -1;
  if (typeof value !== "object" || value === null) return budget - 1;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && budget >= 0; index++) budget = isSmall(value[index], budget);
    return budget;
  }
  // Only the codec makes plain data of a pre-encoded value, however small.
  if (ArrayBuffer.isView(value) || value instanceof PreEncoded) return -1;
  for (const key in value) {
    budget = isSmall((value as Record<string, unknown>)[key], budget - 1);
    if (budget < 0) return -1;
  }
  return budget;
}

/**
 * Runs `action` when the turn is over: after the microtasks that the turn has queued, however long their chain, and
 * before anything else is read. A lone message (`lone`, asked one microtask later) does not wait for the chain: its
 * latency counts, and there is little to gather.
 */
export function atEndOfTurn(action: () => void, lone?: () => boolean): void {
  // A microtask; queueMicrotask() costs three times as much.
  void MICROTASK.then(() => (lone?.() === true ? action() : nextTick(action)));
}

const MICROTASK = Promise.resolve();

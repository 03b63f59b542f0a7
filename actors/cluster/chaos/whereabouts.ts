/**
 * What a thread is at, as another one can read it while the thread itself answers nobody: which thread, since when, and the
 * actor whose turn it is. Written by one thread, read by another; a read may be one turn behind.
 */
import { wallNowMs } from "../../../runtime/threads/machine-clock.ts";

const NAMES_MAX = 512;
const NAME_BYTES = 96;
const HEAD_BYTES = 16;
const [THREAD, ACTOR] = [0, 1];

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Whereabouts {
  readonly shared: SharedArrayBuffer;
  private readonly words: Int32Array;
  private readonly times: Float64Array;
  private readonly names: Uint8Array;
  private readonly slots = new Map<string | undefined, number>();
  private last: string | undefined;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(HEAD_BYTES + NAMES_MAX * NAME_BYTES)) {
    this.shared = shared;
    this.words = new Int32Array(shared, 0, 2);
    this.times = new Float64Array(shared, 8, 1);
    this.names = new Uint8Array(shared, HEAD_BYTES);
  }

  /** The thread begins a run. */
  begin(threadId: number): void {
    this.words[ACTOR] = 0;
    this.words[THREAD] = threadId;
    this.times[0] = wallNowMs();
  }

  /** It is the turn of an actor; undefined: of nobody's. */
  at(actor: string | undefined): void {
    if (actor === this.last) return;
    this.last = actor;
    this.words[ACTOR] = this.slots.get(actor) ?? this.slotFor(actor);
  }

  /** Undefined until it has begun. */
  get threadId(): number | undefined {
    const threadId = this.words[THREAD]!;
    return threadId === 0 ? undefined : threadId;
  }

  /** Real time at which the run began. */
  get beganMs(): number {
    return this.times[0]!;
  }

  /** Whose turn it is; undefined: nobody's. */
  get actor(): string | undefined {
    const slot = this.words[ACTOR]!;
    if (slot === 0) return undefined;
    const from = slot * NAME_BYTES;
    const bytes = this.names.slice(from, from + NAME_BYTES);
    return decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  /** 0 stands for nobody, and for those that there is no room for. */
  private slotFor(actor: string | undefined): number {
    const slot = this.slots.size + 1;
    if (actor === undefined || slot >= NAMES_MAX) return 0;
    this.slots.set(actor, slot);
    encoder.encodeInto(actor, this.names.subarray(slot * NAME_BYTES, (slot + 1) * NAME_BYTES - 1));
    return slot;
  }
}

/**
 * Calls to the etcd members with fail-over, and the knowledge whether a quorum can be reached at all. Every request that goes
 * through here may be sent twice: reads are, and each transaction compares what it replaces, so that only one of two attempts
 * can succeed.
 */
import { hasCode, InkubeError } from "../../protocols/errors.ts";
import type { EtcdMethods } from "../../protocols/etcd.ts";
import { etcdProtocol } from "../../protocols/etcd.ts";
import type { ResourceInfo } from "../../protocols/kubernetes/resources.ts";
import type { MethodsOfKind, ReplyOf, RequestOf } from "../../protocols/protocol.ts";
import type { Context, Ref } from "../../runtime/actor.ts";
import type { Contact } from "./core/quorum-contact.ts";
import { QuorumContact } from "./core/quorum-contact.ts";
import { ETCD_UNREACHABLE } from "./core/store-errors.ts";
import { EtcdMetrics } from "./etcd-metrics.ts";
import type { ApiServerOptions } from "./spec.ts";

/** The request was certainly not carried out. */
const REFUSED = ["ETCD_NO_LEADER", "ETCD_NO_SPACE", "ETCD_OUT_OF_SERVICE", "ETCD_TOO_MANY_REQUESTS", "MAILBOX_FULL"];
/** Nobody knows. */
const LOST = ["ETCD_LEADER_CHANGED", "ETCD_TIMEOUT", "ACTOR_DOWN", "DEADLINE_EXCEEDED"];
/** Waiting is no help: what each member says about it is said to the client. */
const LASTING = ["ETCD_NO_SPACE"];

const MS_PER_SECOND = 1_000;

type CallMethod = MethodsOfKind<EtcdMethods, "call">;

export interface Attempts {
  /** An attempt was lost: what is found now may be this very request's own work. */
  lost: boolean;
  /** The trace event that the call is made for, where it is not the message that is being handled. */
  readonly cause?: string;
  /** The call serves many, and outlives the message that happens to be handled. */
  readonly shared?: true;
  /** Goes on trying while no quorum is reached: nobody waits for it, and by it the server learns that there is one again. */
  readonly persistent?: true;
}

export class EtcdClient {
  private readonly ctx: Context<ApiServerOptions>;
  private readonly members: readonly Ref<EtcdMethods>[];
  private readonly contact: QuorumContact;
  private readonly metrics: EtcdMetrics;
  private readonly listeners: ((contact: Contact) => void)[] = [];
  private told: Contact = "reached";
  private current = 0;
  private failedOverAtMs = 0;
  private probing = false;

  /** `resourceOf`: whose object a key is, for the metrics. */
  constructor(ctx: Context<ApiServerOptions>, resourceOf: (key: string) => ResourceInfo | undefined) {
    this.ctx = ctx;
    this.members = ctx.options.members.map((name) => ctx.ref(etcdProtocol, name));
    if (this.members.length === 0) throw new Error("an API server needs an etcd member");
    this.contact = new QuorumContact(ctx.options);
    this.metrics = new EtcdMetrics(ctx.metrics, resourceOf);
  }

  start(): void {
    this.ctx.clock.every(this.ctx.options.contactTickMs, () => this.tick());
  }

  /** Whether a quorum has been heard of lately. */
  get reachable(): boolean {
    return this.told === "reached";
  }

  /** `listener` is told of each change, in order of registration. */
  onContact(listener: (contact: Contact) => void): void {
    this.listeners.push(listener);
  }

  /** @throws ETCD_UNREACHABLE while no quorum can be reached */
  checkReachable(): void {
    if (!this.reachable) throw unreachable();
  }

  /** The member to use now. */
  member(): Ref<EtcdMethods> {
    if (this.current !== 0) this.probePreferred();
    return this.members[this.current] as Ref<EtcdMethods>;
  }

  /** `failed` did not serve; others are tried first for a while. */
  failOver(failed: Ref<EtcdMethods>): void {
    if (this.members[this.current] === failed) this.use((this.current + 1) % this.members.length);
  }

  /**
   * @param deadlineMs on the monotonic clock
   * @throws ETCD_… as etcd answers; ETCD_UNREACHABLE when it was certainly not carried out, as there is no quorum; the last
   * error when the deadline passes
   */
  async call<K extends CallMethod>(
    method: K,
    request: RequestOf<EtcdMethods[K]>,
    deadlineMs: number,
    attempts: Attempts = { lost: false },
  ): Promise<ReplyOf<EtcdMethods[K]>> {
    const { clock, options } = this.ctx;
    if (attempts.persistent !== true) this.checkReachable();
    const beganMs = clock.monotonicMs();
    for (let failures = 0; ; failures++) {
      const member = this.member();
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) throw new InkubeError("DEADLINE_EXCEEDED", `etcd did not answer in time`, { retryable: true });
      try {
        const patienceMs = method === "range" ? options.rangeTimeoutMs : options.attemptTimeoutMs;
        const answer = await this.attempt(member, method, request, Math.min(leftMs, patienceMs), attempts);
        this.metrics.answered(method, request, (clock.monotonicMs() - beganMs) / MS_PER_SECOND);
        return answer;
      } catch (error) {
        this.metrics.failed(method, request);
        if (hasCode(error, ...LOST)) attempts.lost = true;
        else if (!hasCode(error, ...REFUSED)) throw error;
        this.failOver(member);
        if (!this.reachable && attempts.persistent !== true)
          throw isRead(method) || !attempts.lost ? unreachable() : error;
        const round = Math.floor((failures + 1) / this.members.length);
        const endOfRound = (failures + 1) % this.members.length === 0;
        if (endOfRound && hasCode(error, ...LASTING)) throw error;
        const pauseMs = endOfRound ? Math.min(options.retryCapMs, options.retryBaseMs * 2 ** (round - 1)) : 0;
        if (clock.monotonicMs() + pauseMs >= deadlineMs) throw error;
        if (pauseMs > 0) await clock.sleep(pauseMs);
      }
    }
  }

  private async attempt<K extends CallMethod>(
    member: Ref<EtcdMethods>,
    method: K,
    request: RequestOf<EtcdMethods[K]>,
    timeoutMs: number,
    { cause, shared }: Attempts,
  ): Promise<ReplyOf<EtcdMethods[K]>> {
    const answer = await member.call(method, request, {
      timeoutMs,
      ...(cause === undefined ? {} : { cause }),
      ...(shared === undefined ? {} : { parent: null }),
    });
    // A range may be answered by one member alone.
    if (method !== "range") this.heard();
    return answer;
  }

  /**
   * `member` has told of a new revision: a quorum has it. Of another member than the one in use that says nothing, as it is that one
   * whose silence is being counted.
   */
  followed(member: Ref<EtcdMethods>): void {
    if (member === this.members[this.current]) this.heard();
  }

  private heard(): void {
    this.contact.heard();
    this.tell();
  }

  private tick(): void {
    const probe = this.contact.tick();
    this.tell();
    if (probe === "current") this.probe(this.current);
    else if (probe === "all") for (let index = 0; index < this.members.length; index++) this.probe(index);
  }

  /** Asks one member for a quorum. One that answers is used in place of one that has been silent. */
  private probe(index: number): void {
    const member = this.members[index] as Ref<EtcdMethods>;
    const asked = this.current;
    member.call("readIndex", null, { timeoutMs: this.ctx.options.attemptTimeoutMs, parent: null }).then(
      () => {
        if (index !== this.current && asked === this.current && this.contact.silent) this.use(index);
        this.heard();
      },
      // Silence is what is being counted.
      () => undefined,
    );
  }

  private tell(): void {
    const { state } = this.contact;
    if (state === this.told) return;
    this.told = state;
    for (const listener of this.listeners) listener(state);
  }

  private use(index: number): void {
    this.current = index;
    this.failedOverAtMs = this.ctx.clock.monotonicMs();
  }

  /** The preferred member gets the requests back once it has answered one, so that none waits for it in vain. */
  private probePreferred(): void {
    const { clock, options } = this.ctx;
    const [preferred] = this.members;
    if (preferred === undefined || this.probing) return;
    if (clock.monotonicMs() - this.failedOverAtMs < options.preferAgainMs) return;
    this.probing = true;
    preferred.call("readIndex", null, { timeoutMs: options.attemptTimeoutMs, parent: null }).then(
      () => {
        this.probing = false;
        this.current = 0;
      },
      () => {
        this.probing = false;
        this.failedOverAtMs = clock.monotonicMs();
      },
    );
  }
}

function isRead(method: CallMethod): boolean {
  return method === "readIndex" || method === "range";
}

export function unreachable(): InkubeError {
  return new InkubeError(ETCD_UNREACHABLE, "no quorum of etcd can be reached at present", { retryable: true });
}
